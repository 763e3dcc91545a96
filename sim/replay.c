/* Recordings, line by line as they were scanned. */
#include "sim/replay.h"

#include "sim/replay_list.h"

#include "instrument/matrix_image.h"
#include "instrument/picture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TIME_S 0.33
#define TURN_NS 500000000
#define ACTION_NS 1000000000

enum phase { IDLE, SCANNING, ACTING, WITHDRAWN };

/* The recording whose turn it is: one of the two. */
struct recording {
    struct matrix_image *image;
    struct picture_gray gray;
    bool is_picture;
    struct scan_geometry geometry;
    uint32_t run, cycle;
    char channel[MATRIX_CHANNEL_SIZE];
};

/* A place in the order of scanning: lines up then down, each forward then backward. */
struct cursor {
    uint32_t step;
    int backward;
};

struct replay {
    struct replay_list list;
    uint32_t points;
    size_t next_file, frames, passed_over;
    struct recording now;
    bool loaded, frame_open, end_due, resume;
    enum scan_end_reason end_reason;
    struct cursor cursor;
    uint64_t scan;
    enum phase phase;
    struct action action;
    int64_t now_ns, due_ns, action_end_ns;
    double *samples;
    double last_z_m;
};

static void unload(struct replay *replay)
{
    matrix_image_destroy(replay->now.image);
    if (replay->now.is_picture)
        picture_gray_finish(&replay->now.gray);
    memset(&replay->now, 0, sizeof(replay->now));
    replay->loaded = false;
}

static void describe_picture(struct recording *now)
{
    uint32_t lines = now->gray.height < now->gray.width ? now->gray.width : now->gray.height;
    double unknown = (double)NAN;
    now->geometry = (struct scan_geometry){.points = now->gray.width,
                                           .lines = lines,
                                           .width_m = unknown,
                                           .height_m = unknown,
                                           .x_offset_m = unknown,
                                           .y_offset_m = unknown,
                                           .angle_deg = unknown,
                                           .raster_time_s = unknown,
                                           .bias_v = unknown,
                                           .setpoint_a = unknown};
    now->channel[0] = 'Z';
}

/* Open the file whose turn it is. On failure `error` says why. */
static int load(struct replay *replay, const struct replay_file *file, char *error,
                size_t error_size)
{
    struct recording *now = &replay->now;
    int r;
    now->is_picture = file->is_picture;
    if (file->is_picture) {
        r = picture_read_png_gray(file->path, &now->gray, error, error_size);
        now->is_picture = r == 0;
        if (r == 0)
            describe_picture(now);
    } else {
        struct matrix_load_options options = {.points = replay->points};
        r = matrix_image_load(file->path, &options, &now->image, error, error_size);
        if (r == 0) {
            now->geometry = now->image->geometry;
            memcpy(now->channel, now->image->name.channel, sizeof(now->channel));
        }
    }
    if (r < 0)
        return r;
    now->run = file->run;
    now->cycle = file->cycle;
    double *room = realloc(replay->samples, now->geometry.points * sizeof(double));
    if (!room) {
        snprintf(error, error_size, "not enough memory");
        return -ENOMEM;
    }
    replay->samples = room;
    replay->loaded = true;
    return 0;
}

int replay_create(const char *const *paths, size_t n, uint32_t points, struct replay **ret,
                  char *error, size_t error_size)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay)
        return -ENOMEM;
    int r = replay_list_create(paths, n, &replay->list, error, error_size);
    if (r < 0) {
        free(replay);
        return r;
    }
    replay->points = points;
    *ret = replay;
    return 0;
}

void replay_destroy(struct replay *replay)
{
    if (!replay)
        return;
    unload(replay);
    replay_list_finish(&replay->list);
    free(replay->samples);
    free(replay);
}

size_t replay_files(const struct replay *replay)
{
    return replay->list.n;
}

size_t replay_frames(const struct replay *replay)
{
    return replay->frames;
}

size_t replay_passed_over(const struct replay *replay)
{
    return replay->passed_over;
}

static enum scan_trace trace_at(const struct replay *replay, struct cursor at)
{
    bool up = at.step < replay->now.geometry.lines;
    return at.backward ? (up ? SCAN_BACKWARD_UP : SCAN_BACKWARD_DOWN)
                       : (up ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN);
}

static uint32_t line_at(const struct replay *replay, struct cursor at)
{
    uint32_t lines = replay->now.geometry.lines;
    return at.step < lines ? at.step : 2 * lines - 1 - at.step;
}

static bool has_line(const struct replay *replay, struct cursor at)
{
    uint32_t line = line_at(replay, at);
    if (replay->now.is_picture)
        return !at.backward && at.step < replay->now.gray.height;
    const struct matrix_trace *trace = matrix_image_trace(replay->now.image, trace_at(replay, at));
    return trace && line >= trace->first_row && line - trace->first_row < trace->rows;
}

static uint32_t steps_planned(const struct replay *replay)
{
    return replay->now.geometry.lines * (replay->now.geometry.y_retrace ? 2 : 1);
}

/* Move on to the next line that the recording holds; false: none is left. */
static bool seek(struct replay *replay)
{
    for (; replay->cursor.step < steps_planned(replay); replay->cursor.step++) {
        for (; replay->cursor.backward < 2; replay->cursor.backward++)
            if (has_line(replay, replay->cursor))
                return true;
        replay->cursor.backward = 0;
    }
    return false;
}

/* A recording is complete when its last planned line is there. */
static bool is_complete(const struct replay *replay)
{
    const struct scan_geometry *g = &replay->now.geometry;
    struct cursor last = {steps_planned(replay) - 1, g->x_retrace};
    return has_line(replay, last);
}

static int64_t trace_time_ns(const struct replay *replay)
{
    const struct scan_geometry *g = &replay->now.geometry;
    double traces = g->x_retrace ? 2 : 1;
    double line_s = isfinite(g->raster_time_s) && g->raster_time_s > 0 && g->raster_time_s < 1
                        ? g->raster_time_s * g->points * traces
                        : LINE_TIME_S;
    return (int64_t)llround(line_s / traces * 1e9);
}

static void fill_data(const struct replay *replay, enum data_type type,
                      struct microscope_event *event)
{
    event->kind = MICROSCOPE_DATA;
    event->scale = 1;
    event->data.type = type;
    event->data.simulated = true;
    event->data.line.scan = replay->scan;
    event->data.line.run = replay->now.run;
    event->data.line.cycle = replay->now.cycle;
    event->data.line.t_inst_ns = replay->now_ns;
    memcpy(event->data.line.channel, replay->now.channel, sizeof(replay->now.channel));
}

/* The next file's scan_begin, or a note when it cannot be read. False: no file is left. */
static bool send_begin(struct replay *replay, struct microscope_event *event)
{
    char why[MESSAGE_TEXT_MAX];
    if (replay->next_file >= replay->list.n)
        return false;
    const struct replay_file *file = &replay->list.files[replay->next_file++];
    unload(replay);
    int r = load(replay, file, why, sizeof(why));
    if (r < 0) {
        unload(replay);
        replay->passed_over++;
        fill_data(replay, DATA_NOTE, event);
        const char *slash = strrchr(file->path, '/');
        snprintf(event->data.text, sizeof(event->data.text), "%.80s: %.110s",
                 slash ? slash + 1 : file->path, why);
        return true;
    }
    replay->scan++;
    replay->frame_open = true;
    replay->cursor = (struct cursor){0, 0};
    replay->due_ns = replay->now_ns + trace_time_ns(replay);
    fill_data(replay, DATA_SCAN_BEGIN, event);
    event->data.geometry = replay->now.geometry;
    return true;
}

static void send_end(struct replay *replay, struct microscope_event *event)
{
    replay->end_due = replay->frame_open = false;
    replay->due_ns = replay->now_ns + TURN_NS;
    replay->frames++;
    fill_data(replay, DATA_SCAN_END, event);
    event->data.end_reason = replay->end_reason;
}

static void fetch_picture_line(struct replay *replay, uint32_t line)
{
    const struct picture_gray *gray = &replay->now.gray;
    const uint8_t *row = gray->pixels + (size_t)(gray->height - 1 - line) * gray->width;
    for (uint32_t i = 0; i < gray->width; i++)
        replay->samples[i] = row[i] / 255.0 * REPLAY_M_PER_WHITE;
}

static unsigned fetch_matrix_line(struct replay *replay, struct cursor at)
{
    const struct matrix_image *image = replay->now.image;
    const struct matrix_trace *trace = matrix_image_trace(image, trace_at(replay, at));
    const int32_t *raw =
        trace->raw + (size_t)(line_at(replay, at) - trace->first_row) * trace->cols;
    bool scaled = image->transfer.function != MATRIX_UNSCALED;
    unsigned flags = 0;
    for (uint32_t i = 0; i < trace->cols; i++) {
        replay->samples[i] =
            scaled ? matrix_transfer_apply(&image->transfer, raw[i]) : raw[i] * REPLAY_M_PER_COUNT;
        if (matrix_is_railed(raw[i]))
            flags |= SCAN_LINE_RAILED;
    }
    return flags;
}

static void send_line(struct replay *replay, struct microscope_event *event)
{
    struct cursor at = replay->cursor;
    fill_data(replay, DATA_LINE, event);
    struct scan_line *line = &event->data.line;
    line->line = line_at(replay, at);
    line->trace = trace_at(replay, at);
    line->points = replay->now.geometry.points;
    line->samples = replay->samples;
    if (replay->now.is_picture)
        fetch_picture_line(replay, line->line);
    else
        line->flags = fetch_matrix_line(replay, at);
    replay->last_z_m = replay->samples[line->points - 1];
    replay->due_ns = replay->now_ns + trace_time_ns(replay);
    replay->cursor.backward++;
    if (!seek(replay)) {
        replay->end_due = true;
        replay->end_reason = is_complete(replay) ? SCAN_END_COMPLETE : SCAN_END_STOPPED;
    }
}

static void finish_action(struct replay *replay, struct microscope_event *event)
{
    event->kind = MICROSCOPE_ENDED;
    replay->now_ns = replay->action_end_ns;
    if (replay->action.kind == ACTION_RETRACT)
        replay->phase = WITHDRAWN;
    else
        replay->phase = replay->resume ? SCANNING : IDLE;
    replay->due_ns = replay->now_ns + (replay->loaded ? trace_time_ns(replay) : 0);
}

static bool next_event(struct replay *replay, int64_t until_ns, struct microscope_event *event)
{
    if (replay->end_due) {
        send_end(replay, event);
        return true;
    }
    if (replay->phase == ACTING) {
        if (replay->action_end_ns > until_ns)
            return false;
        finish_action(replay, event);
        return true;
    }
    if (replay->phase != SCANNING || replay->due_ns > until_ns)
        return false;
    if (replay->due_ns > replay->now_ns)
        replay->now_ns = replay->due_ns;
    if (!replay->frame_open) {
        if (!send_begin(replay, event))
            event->kind = MICROSCOPE_FINISHED;
        else if (replay->frame_open && !seek(replay)) /* a scan stopped within its first line */
            replay->end_due = true, replay->end_reason = SCAN_END_STOPPED;
        return true;
    }
    send_line(replay, event);
    return true;
}

static void replay_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct replay *replay = self;
    memset(ret_event, 0, sizeof(*ret_event));
    if (!next_event(replay, until_ns, ret_event) && until_ns > replay->now_ns)
        replay->now_ns = until_ns;
    ret_event->t_inst_ns = replay->now_ns;
}

static void stop_frame(struct replay *replay)
{
    if (replay->frame_open && !replay->end_due) {
        replay->end_due = true;
        replay->end_reason = SCAN_END_STOPPED;
    }
}

static int replay_begin(void *self, const struct action *action)
{
    struct replay *replay = self;
    if (replay->phase == ACTING)
        return -EBUSY;
    bool away = replay->phase == WITHDRAWN;
    if (away ? action->kind != ACTION_APPROACH && action->kind != ACTION_RETRACT
             : action->kind == ACTION_APPROACH)
        return -EAGAIN;
    replay->resume = replay->phase == SCANNING;
    if (action->kind == ACTION_RETRACT)
        stop_frame(replay);
    replay->phase = ACTING;
    replay->action = *action;
    replay->action_end_ns = replay->now_ns + ACTION_NS;
    return 0;
}

static int replay_scan_start(void *self)
{
    struct replay *replay = self;
    if (replay->phase == ACTING)
        return -EBUSY;
    if (replay->phase == WITHDRAWN)
        return -EAGAIN;
    if (replay->phase == SCANNING)
        return 0;
    replay->phase = SCANNING;
    replay->due_ns = replay->now_ns;
    return 0;
}

static int replay_scan_stop(void *self)
{
    struct replay *replay = self;
    replay->resume = false;
    if (replay->phase != SCANNING)
        return 0;
    stop_frame(replay);
    replay->phase = IDLE;
    return 0;
}

static void replay_abort(void *self)
{
    struct replay *replay = self;
    if (replay->phase != ACTING)
        return;
    bool away = replay->action.kind == ACTION_RETRACT || replay->action.kind == ACTION_APPROACH;
    replay->phase = away ? WITHDRAWN : replay->resume ? SCANNING : IDLE;
    replay->due_ns = replay->now_ns;
}

static void replay_safe_state(void *self, double withdraw_m)
{
    struct replay *replay = self;
    (void)withdraw_m;
    replay_abort(replay);
    stop_frame(replay);
    replay->phase = WITHDRAWN;
}

static void replay_status(void *self, struct instrument_status *ret)
{
    static const enum instrument_state states[] = {
        [IDLE] = INSTRUMENT_IDLE,
        [SCANNING] = INSTRUMENT_SCANNING,
        [ACTING] = INSTRUMENT_ACTING,
        [WITHDRAWN] = INSTRUMENT_WITHDRAWN,
    };
    const struct replay *replay = self;
    const struct scan_geometry *g = &replay->now.geometry;
    ret->state = states[replay->phase];
    ret->t_inst_ns = replay->now_ns;
    ret->z_m = replay->last_z_m;
    ret->current_a = replay->phase == WITHDRAWN ? 0 : replay->loaded ? g->setpoint_a : (double)NAN;
    ret->bias_v = replay->loaded ? g->bias_v : (double)NAN;
    ret->feedback_on = true;
}

static const struct microscope_ops replay_ops = {
    .name = "replay",
    .simulated = true,
    .advance = replay_advance,
    .begin = replay_begin,
    .scan_start = replay_scan_start,
    .scan_stop = replay_scan_stop,
    .abort = replay_abort,
    .safe_state = replay_safe_state,
    .status = replay_status,
};

struct microscope replay_microscope(struct replay *replay)
{
    return (struct microscope){.ops = &replay_ops, .self = replay};
}
