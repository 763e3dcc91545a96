/* Writes result chains and data files of MATRIX. */
#include "instrument/matrix_write.h"

#include "instrument/matrix_compose.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The averaged 16-bit converter of I gives steps of 256 to 1024 counts and ends at this rail
   (observed). */
enum { I_STEP_COUNTS = 512, I_RAIL_COUNTS = 0x7FFF0000 };

/* All observed, on one instrument each. */
static const double z_counts_per_m_default = 2.4e15;
static const double i_neutral_factor = 6.4489e15, i_pre_factor = 1.01, i_pre_offset = -0.01;
static const double i_raw_1[MATRIX_PREAMP_COUNT] = {
    [MATRIX_PREAMP_3NA] = 0, [MATRIX_PREAMP_333NA] = 1};

/* The data file of one channel of the open image. */
struct data_file {
    int fd;          /* -1: none */
    char *temporary; /* path until complete */
    char *path;
    uint32_t n_samples;
    bool in_progress; /* the last line is not complete */
};

struct matrix_session {
    char *folder;
    char *base;
    int chain_fd; /* -1: none */
    int failed;   /* 0, or the error that ended the session's use */
    struct matrix_settings settings;
    double z_counts_per_m;
    int n_channels;
    bool scale_written; /* the channel table in the chain is the one in force */
    bool image_open;
    uint32_t n_recorded; /* images, for the bricklet number */
    struct data_file files[MATRIX_CHANNEL_COUNT];
    struct matrix_block block; /* under construction */
};

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static int note_failure(struct matrix_session *session, int status)
{
    if (status < 0 && !session->failed)
        session->failed = status;
    return status;
}

/* Append the composed block to the chain. */
static int write_block(struct matrix_session *session)
{
    if (session->failed)
        return session->failed;
    size_t size;
    const uint8_t *data = matrix_block_finish(&session->block, &size);
    return note_failure(session, write_all(session->chain_fd, data, size));
}

static int write_state(struct matrix_session *session, enum matrix_state state, int64_t t_utc_s)
{
    matrix_compose_state(&session->block, state, t_utc_s);
    return write_block(session);
}

int matrix_session_mark(struct matrix_session *session, const char *text, int64_t t_utc_s)
{
    matrix_compose_mark(&session->block, text, t_utc_s);
    return write_block(session);
}

/* How the session converts a channel at present. */
static struct matrix_transfer session_transfer(const struct matrix_session *session,
                                               enum matrix_channel channel)
{
    if (channel == MATRIX_CHANNEL_I)
        return (struct matrix_transfer){.function = MATRIX_MULTI_LINEAR,
                                        .factor = i_neutral_factor,
                                        .pre_offset = i_pre_offset,
                                        .pre_factor = i_pre_factor,
                                        .raw_1 = i_raw_1[session->settings.preamp],
                                        .unit = "A"};
    return (struct matrix_transfer){
        .function = MATRIX_LINEAR, .factor = session->z_counts_per_m, .unit = "m"};
}

int32_t matrix_raw_from_si(const struct matrix_transfer *t, enum matrix_channel channel,
                           double value)
{
    double counts = value;
    if (t->function == MATRIX_LINEAR)
        counts = value * t->factor + t->offset;
    else if (t->function == MATRIX_MULTI_LINEAR)
        counts = value * t->factor * t->pre_factor / (t->raw_1 - t->pre_offset) + t->offset;
    double step = channel == MATRIX_CHANNEL_I ? I_STEP_COUNTS : 1;
    double top = channel == MATRIX_CHANNEL_I ? I_RAIL_COUNTS : INT32_MAX;
    counts = step * round(counts / step);
    return (int32_t)(counts > top ? top : counts < INT32_MIN ? INT32_MIN : counts);
}

/* Channel table and scale, if the chain does not hold those in force. */
static int write_scale(struct matrix_session *session, int64_t t_utc_s)
{
    if (session->scale_written)
        return session->failed;
    struct matrix_transfer transfers[MATRIX_CHANNEL_COUNT];
    for (int c = 0; c < session->n_channels; c++)
        transfers[c] = session_transfer(session, (enum matrix_channel)c);
    matrix_compose_scale(&session->block, session->n_channels, transfers, t_utc_s);
    int status = write_block(session);
    session->scale_written = status == 0;
    return status;
}

static int write_chain_head(struct matrix_session *session,
                            const struct matrix_session_options *options, int64_t t_utc_s)
{
    char mark[1024];
    note_failure(session, write_all(session->chain_fd, (const uint8_t *)"ONTMATRX0101", 12));
    matrix_compose_meta(&session->block, t_utc_s);
    write_block(session);
    matrix_compose_experiment(&session->block, t_utc_s);
    write_block(session);
    matrix_compose_start_values(&session->block, &session->settings, t_utc_s);
    write_block(session);
    write_state(session, MATRIX_STATE_OPENING, t_utc_s);
    write_state(session, MATRIX_STATE_OPEN, t_utc_s);
    snprintf(mark, sizeof mark, "MTRX$SAMPLE_NAME-simulated, %s", options->sample_name);
    matrix_session_mark(session, mark, t_utc_s);
    if (options->comment)
        matrix_session_mark(session, options->comment, t_utc_s);
    return session->failed;
}

static int check_geometry(const struct scan_geometry *g)
{
    const double numbers[] = {g->width_m,   g->height_m,      g->x_offset_m, g->y_offset_m,
                              g->angle_deg, g->raster_time_s, g->bias_v,     g->setpoint_a};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!isfinite(numbers[i]))
            return -EINVAL;
    bool sized = g->points >= 1 && g->points <= SCAN_POINTS_MAX && g->lines >= 1 &&
                 g->lines <= SCAN_LINES_MAX;
    bool whole_angle = fabs(g->angle_deg) <= 360 && g->angle_deg == floor(g->angle_deg);
    return sized && whole_angle ? 0 : -EINVAL;
}

static uint32_t raster_samples(const struct scan_geometry *g)
{
    return g->points * (g->x_retrace ? 2 : 1);
}

static uint32_t planned_samples(const struct scan_geometry *g)
{
    return raster_samples(g) * g->lines * (g->y_retrace ? 2 : 1);
}

static char *join(const char *folder, const char *base, const char *tail)
{
    size_t size = strlen(folder) + strlen(base) + strlen(tail) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s%s", folder, base, tail);
    return path;
}

static int open_chain(struct matrix_session *session)
{
    char *path = join(session->folder, session->base, "_0001.mtrx");
    if (!path)
        return -ENOMEM;
    session->chain_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    int status = session->chain_fd < 0 ? -errno : 0;
    free(path);
    return status;
}

int matrix_session_open(const struct matrix_session_options *options, int64_t t_utc_s,
                        struct matrix_session **ret)
{
    bool named =
        options->base[0] && strlen(options->base) < MATRIX_BASE_SIZE && !strchr(options->base, '/');
    if (!named || check_geometry(&options->geometry) < 0 || options->z_counts_per_m < 0 ||
        !isfinite(options->z_counts_per_m))
        return -EINVAL;
    struct matrix_session *session = calloc(1, sizeof *session);
    if (!session)
        return -ENOMEM;
    session->chain_fd = -1;
    for (int c = 0; c < MATRIX_CHANNEL_COUNT; c++)
        session->files[c].fd = -1;
    session->settings = (struct matrix_settings){options->geometry, options->preamp};
    session->z_counts_per_m =
        options->z_counts_per_m > 0 ? options->z_counts_per_m : z_counts_per_m_default;
    session->n_channels = options->record_current ? MATRIX_CHANNEL_COUNT : 1;
    session->folder = strdup(options->folder);
    session->base = strdup(options->base);
    int status = session->folder && session->base ? open_chain(session) : -ENOMEM;
    if (status == 0)
        status = write_chain_head(session, options, t_utc_s);
    if (status < 0) {
        matrix_session_destroy(session);
        return status;
    }
    *ret = session;
    return 0;
}

/* One change block per parameter that differs. */
static int change_settings(struct matrix_session *session, const struct matrix_settings *settings,
                           int64_t t_utc_s)
{
    for (int p = 0; p < MATRIX_PARAMETERS && !session->failed; p++)
        if (matrix_compose_change(&session->block, p, &session->settings, settings, t_utc_s))
            write_block(session);
    session->settings = *settings;
    return session->failed;
}

int matrix_session_set_geometry(struct matrix_session *session,
                                const struct scan_geometry *geometry, int64_t t_utc_s)
{
    const struct scan_geometry *now = &session->settings.geometry;
    if (check_geometry(geometry) < 0)
        return -EINVAL;
    bool same_shape = geometry->points == now->points && geometry->lines == now->lines &&
                      geometry->x_retrace == now->x_retrace &&
                      geometry->y_retrace == now->y_retrace;
    if (session->image_open && !same_shape)
        return -EBUSY;
    struct matrix_settings settings = {*geometry, session->settings.preamp};
    return change_settings(session, &settings, t_utc_s);
}

int matrix_session_set_preamp(struct matrix_session *session, enum matrix_preamp preamp,
                              int64_t t_utc_s)
{
    if (session->image_open)
        return -EBUSY;
    if (preamp != session->settings.preamp)
        session->scale_written = false;
    struct matrix_settings settings = {session->settings.geometry, preamp};
    return change_settings(session, &settings, t_utc_s);
}

static void drop_file(struct data_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    file->fd = -1;
    file->temporary = file->path = NULL;
    file->n_samples = 0;
    file->in_progress = false;
}

/* Write the head over the start of the file. */
static int write_data_head(struct matrix_session *session, enum matrix_channel channel,
                           int64_t t_utc_s)
{
    struct data_file *file = &session->files[channel];
    const struct matrix_data_head head = {
        .bricklet = session->n_recorded + 1,
        .planned = planned_samples(&session->settings.geometry),
        .acquired = file->n_samples,
        .ended_utc_s = t_utc_s,
    };
    matrix_compose_data_head(&session->block, channel, &head);
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return -errno;
    return write_all(file->fd, session->block.data, session->block.size);
}

static int open_data_file(struct matrix_session *session, enum matrix_channel channel, uint32_t run,
                          uint32_t cycle, int64_t t_utc_s)
{
    struct data_file *file = &session->files[channel];
    char tail[64], part[72];
    snprintf(tail, sizeof tail, "--%" PRIu32 "_%" PRIu32 ".%s_mtrx", run, cycle,
             matrix_channel_name(channel));
    snprintf(part, sizeof part, "%s.part", tail);
    file->path = join(session->folder, session->base, tail);
    char *temporary = join(session->folder, session->base, part);
    if (!file->path || !temporary) {
        free(temporary);
        return -ENOMEM;
    }
    int status = access(file->path, F_OK) == 0 ? -EEXIST : 0;
    if (status == 0) {
        file->fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        status = file->fd < 0 ? -errno : 0;
    }
    if (status < 0) {
        free(temporary);
        return status;
    }
    file->temporary = temporary;
    return write_data_head(session, channel, t_utc_s);
}

int matrix_session_start_image(struct matrix_session *session, uint32_t run, uint32_t cycle,
                               int64_t t_utc_s)
{
    if (session->failed)
        return session->failed;
    if (session->image_open)
        return -EBUSY;
    if (run == 0 || cycle == 0)
        return -EINVAL;
    int status = 0;
    for (int c = 0; c < session->n_channels && status == 0; c++)
        status = open_data_file(session, (enum matrix_channel)c, run, cycle, t_utc_s);
    if (status < 0) {
        for (int c = 0; c < session->n_channels; c++)
            drop_file(&session->files[c]);
        return status;
    }
    session->image_open = true;
    /* A further image of the same run is no new start (observed). */
    if (cycle == 1)
        write_state(session, MATRIX_STATE_SCAN_START, t_utc_s);
    return write_scale(session, t_utc_s);
}

int matrix_session_pause(struct matrix_session *session, int64_t t_utc_s)
{
    return session->image_open ? write_state(session, MATRIX_STATE_PAUSE, t_utc_s) : -EINVAL;
}

int matrix_session_resume(struct matrix_session *session, int64_t t_utc_s)
{
    return session->image_open ? write_state(session, MATRIX_STATE_RESUME, t_utc_s) : -EINVAL;
}

int matrix_session_append(struct matrix_session *session, enum matrix_channel channel,
                          const double *forward, const double *backward, uint32_t n_samples)
{
    const struct scan_geometry *g = &session->settings.geometry;
    struct data_file *file = &session->files[channel];
    uint32_t full = raster_samples(g);
    if (session->failed)
        return session->failed;
    if (!session->image_open || (int)channel >= session->n_channels || n_samples > full)
        return -EINVAL;
    if (file->in_progress || n_samples > planned_samples(g) - file->n_samples)
        return -ENOSPC;
    for (uint32_t i = 0; i < n_samples; i++)
        if (!isfinite(i < g->points ? forward[i] : backward[full - 1 - i]))
            return -EINVAL;
    struct matrix_transfer transfer = session_transfer(session, channel);
    matrix_block_begin_bare(&session->block);
    for (uint32_t i = 0; i < n_samples; i++) {
        double value = i < g->points ? forward[i] : backward[full - 1 - i];
        matrix_put_u32(&session->block, (uint32_t)matrix_raw_from_si(&transfer, channel, value));
    }
    int status = write_all(file->fd, session->block.data, session->block.size);
    file->n_samples += n_samples;
    file->in_progress = n_samples < full;
    return note_failure(session, status);
}

/* Complete one data file, give it its name and name it in the chain. */
static int store_file(struct matrix_session *session, enum matrix_channel channel, int64_t t_utc_s)
{
    struct data_file *file = &session->files[channel];
    int status = write_data_head(session, channel, t_utc_s);
    int closed = close(file->fd);
    file->fd = -1;
    if (status == 0 && closed < 0)
        status = -errno;
    if (status == 0 && rename(file->temporary, file->path) < 0)
        status = -errno;
    if (status < 0)
        return note_failure(session, status);
    free(file->temporary);
    file->temporary = NULL;
    const char *slash = strrchr(file->path, '/');
    matrix_compose_stored(&session->block, slash + 1, t_utc_s);
    return write_block(session);
}

int matrix_session_finish_image(struct matrix_session *session, int64_t t_utc_s)
{
    if (session->failed)
        return session->failed;
    if (!session->image_open)
        return -EINVAL;
    for (int c = 0; c < session->n_channels; c++) {
        if (!session->failed)
            store_file(session, (enum matrix_channel)c, t_utc_s);
        drop_file(&session->files[c]);
    }
    session->image_open = false;
    session->n_recorded++;
    return session->failed;
}

int matrix_session_stop(struct matrix_session *session, int64_t t_utc_s)
{
    write_state(session, MATRIX_STATE_STOP, t_utc_s);
    return session->image_open ? matrix_session_finish_image(session, t_utc_s) : session->failed;
}

int matrix_session_close(struct matrix_session *session, int64_t t_utc_s)
{
    if (session->image_open)
        matrix_session_finish_image(session, t_utc_s);
    matrix_compose_end(&session->block, t_utc_s);
    write_block(session);
    if (close(session->chain_fd) < 0)
        note_failure(session, -errno);
    session->chain_fd = -1;
    int status = session->failed;
    matrix_session_destroy(session);
    return status;
}

void matrix_session_destroy(struct matrix_session *session)
{
    if (!session)
        return;
    if (session->chain_fd >= 0)
        close(session->chain_fd);
    for (int c = 0; c < MATRIX_CHANNEL_COUNT; c++)
        drop_file(&session->files[c]);
    matrix_block_free(&session->block);
    free(session->folder);
    free(session->base);
    free(session);
}
