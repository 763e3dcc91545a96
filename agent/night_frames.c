/* Frames from begin to end, their pictures, and the places where they lie. */
#include "agent/night_inside.h"

#include "config/units.h"
#include "instrument/picture.h"
#include "nn/flatten.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PICTURES_MAX = 4000, /* key pictures of one run, and plain ones; then only the last one is kept
                            up to date */
    PICTURE_SIDE_PX = 256,
    SAME_NAME_MAX = 1000
};

/* ---- places ---- */

int night_load_spots(struct night *night)
{
    struct journal_spot *list = calloc(SITES_MAX, sizeof(*list));
    size_t n = 0;
    if (!list)
        return -ENOMEM;
    int r = journal_spots(night->journal, list, SITES_MAX, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct sites_spot spot = {.x_m = list[i].x_m,
                                  .y_m = list[i].y_m,
                                  .radius_m = list[i].radius_m,
                                  .used = list[i].radius_m == 0 && list[i].actions > 0};
        course_add_place(&night->course, &spot);
        night->course.page = list[i].page;
    }
    free(list);
    return r;
}

/* ---- pictures, on the worker ---- */

struct frame_job {
    struct worker_job job;
    struct night *night;
    struct journal_frame frame;
    double *values; /* NULL: no picture */
    uint8_t *seen;
    bool keep; /* under its own name, not only as the last one */
    char directory[600], name[700], title[64], unit[4];
    bool keep_plain; /* the frame as numbers, for an operator to correct and a trainer to read */
    struct correction plain;
    int result;
};

static void name_picture(struct frame_job *job)
{
    const char *way = scan_trace_is_up(job->frame.trace) ? "up" : "down";
    if (!job->keep) {
        snprintf(job->name, sizeof(job->name), "%s/last.png", job->directory);
        return;
    }
    snprintf(job->name, sizeof(job->name), "%s/%u_%u_%s.png", job->directory, job->frame.run,
             job->frame.cycle, way);
    /* An instrument that has restarted may count its runs anew. */
    for (int i = 2; i < SAME_NAME_MAX && access(job->name, F_OK) == 0; i++)
        snprintf(job->name, sizeof(job->name), "%s/%u_%u_%s-%d.png", job->directory, job->frame.run,
                 job->frame.cycle, way, i);
}

/* Align Rows, linear fit: as the capture software and the labelled pictures show a scan. */
static void flatten(struct frame_job *job)
{
    uint32_t points = job->frame.geometry.points;
    for (uint32_t row = 0; row < job->frame.geometry.lines; row++)
        if (job->seen[row])
            nn_flatten_line(NN_FLATTEN_LINEAR, points, job->values + (size_t)row * points, NULL,
                            job->values + (size_t)row * points);
}

static void describe(const struct frame_job *job, char *buf, size_t size)
{
    const struct scan_geometry *g = &job->frame.geometry;
    char width[24], bias[24], setpoint[24];
    units_write(g->width_m, "m", width, sizeof(width));
    units_write(g->bias_v, "V", bias, sizeof(bias));
    units_write(g->setpoint_a, "A", setpoint, sizeof(setpoint));
    snprintf(buf, size, "%s%s%s", job->title, isfinite(g->width_m) ? "\n" : "",
             isfinite(g->width_m) ? width : "");
    size_t n = strlen(buf);
    if (isfinite(g->bias_v) && isfinite(g->setpoint_a))
        snprintf(buf + n, size - n, "\n%s %s", bias, setpoint);
}

static int draw(struct frame_job *job)
{
    char labels[160], line[32], corner[160];
    int n = 0;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        n += snprintf(labels + n, sizeof(labels) - (size_t)n, "%s%s %.3f", i ? ", " : "",
                      nn_label_name((enum nn_label)i), (double)job->frame.last.p[i]);
    snprintf(line, sizeof(line), "%u of %u", job->frame.lines_seen, job->frame.geometry.lines);
    struct picture_text texts[] = {{"Title", job->title}, {"Scores", labels}, {"Lines", line}};
    struct picture_frame picture = {.width = job->frame.geometry.points,
                                    .height = job->frame.geometry.lines,
                                    .values = job->values,
                                    .seen = job->seen,
                                    .width_m = job->frame.geometry.width_m,
                                    .height_m = job->frame.geometry.height_m,
                                    .unit = "m",
                                    .title = job->title};
    struct picture_options options = {.map = PICTURE_GOLD,
                                      .min_side_px = PICTURE_SIDE_PX,
                                      .corner_text = corner,
                                      .texts = texts,
                                      .n_texts = sizeof(texts) / sizeof(texts[0])};
    if (mkdir(job->directory, 0700) < 0 && errno != EEXIST)
        return -errno;
    name_picture(job);
    flatten(job);
    describe(job, corner, sizeof(corner));
    return picture_write_png(job->name, &picture, &options);
}

/*
 * The flattened rows in the order of scanning, first row at the bottom, up to the last one seen; a
 * row that is missing repeats the one before, or the first one seen. Returns their number.
 */
static uint32_t plain_rows(const struct frame_job *job, double *ret_values)
{
    uint32_t points = job->frame.geometry.points, lines = job->frame.geometry.lines;
    uint32_t end = 0;
    for (uint32_t i = 0; i < lines; i++) {
        uint32_t row = job->plain.up ? i : lines - 1 - i;
        if (!job->seen[row])
            continue;
        memcpy(ret_values + (size_t)i * points, job->values + (size_t)row * points,
               points * sizeof(double));
        uint32_t neighbour = end > 0 ? end - 1 : i;
        for (uint32_t gap = end; gap < i; gap++)
            memcpy(ret_values + (size_t)gap * points, ret_values + (size_t)neighbour * points,
                   points * sizeof(double));
        end = i + 1;
    }
    return end;
}

static int name_plain(struct frame_job *job, char *path, size_t size)
{
    const char *way = job->plain.up ? "up" : "down";
    snprintf(path, size, "%s/plain", job->directory);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    for (int i = 1; i < SAME_NAME_MAX; i++) {
        char again[16] = "";
        if (i > 1)
            snprintf(again, sizeof(again), "-%d", i);
        snprintf(job->plain.picture, sizeof(job->plain.picture), "frames/plain/%u_%u_%s%s.png",
                 job->frame.run, job->frame.cycle, way, again);
        snprintf(path, size, "%s/%s", job->directory, job->plain.picture + strlen("frames/"));
        if (access(path, F_OK) < 0)
            return 0;
    }
    return -EEXIST;
}

/* One pixel per sample, nothing drawn on it, from darkest to brightest: as labelled pictures are.
 */
static int draw_plain(struct frame_job *job)
{
    char path[720];
    uint32_t points = job->frame.geometry.points;
    double *values = malloc((size_t)points * job->frame.geometry.lines * sizeof(*values));
    if (!values)
        return -ENOMEM;
    struct picture_frame picture = {
        .width = points, .height = plain_rows(job, values), .values = values, .unit = "m"};
    struct picture_options options = {.map = PICTURE_GRAY,
                                      .low = (double)INFINITY,
                                      .high = -(double)INFINITY,
                                      .no_scale_bar = true};
    for (size_t i = 0; i < (size_t)points * picture.height; i++) {
        options.low = fmin(options.low, values[i]);
        options.high = fmax(options.high, values[i]);
    }
    int r = name_plain(job, path, sizeof(path));
    if (r == 0)
        r = picture_write_png(path, &picture, &options);
    free(values);
    return r;
}

static void run_frame(struct worker_job *worker_job)
{
    struct frame_job *job = (struct frame_job *)worker_job;
    int drawn = job->values ? draw(job) : -ENODATA;
    if (drawn < 0)
        job->name[0] = '\0';
    if (drawn < 0 || !job->keep_plain || draw_plain(job) < 0)
        job->plain.picture[0] = '\0';
    job->frame.picture = job->name;
    job->result = journal_frame(job->night->journal, &job->frame);
}

static void frame_done(struct worker_job *worker_job)
{
    struct frame_job *job = (struct frame_job *)worker_job;
    struct night *night = job->night;
    night->now_ns = (int64_t)uv_hrtime();
    if (job->result < 0)
        night_journal_failed(night, job->result);
    night->recent[night->n_recent++ % NIGHT_RECENT_MAX] = job->plain;
    if (job->name[0])
        snprintf(night->course.summary.picture, sizeof(night->course.summary.picture), "%.255s",
                 job->name);
    night_news(night, (struct night_news){.kind = NEWS_FRAME, .frame = &job->frame});
    free(job->values);
    free(job->seen);
    free(job);
    night_finish_close(night);
}

static void copy_picture(struct frame_job *job, const struct frame *frame,
                         const struct frame_trace *trace)
{
    size_t n = (size_t)frame->geometry.points * frame->geometry.lines;
    job->values = malloc(n * sizeof(*job->values));
    job->seen = malloc(frame->geometry.lines);
    if (!job->values || !job->seen) {
        /* A picture too many is no reason to stop. */
        free(job->values);
        free(job->seen);
        job->values = NULL;
        job->seen = NULL;
        return;
    }
    memcpy(job->values, trace->values, n * sizeof(*job->values));
    memcpy(job->seen, trace->seen, frame->geometry.lines);
}

/* One forward trace is complete, or will not go on. */
static void end_trace(struct night *night, enum scan_trace kind, const char *end)
{
    const struct frame *frame = &night->course.frame;
    struct journal_frame record;
    if (!course_trace_record(&night->course, kind, end, &record))
        return;
    struct frame_job *job = calloc(1, sizeof(*job));
    if (!job)
        return;
    enum night_pictures wanted = night->options.pictures;
    bool key = night->frame_key || wanted == NIGHT_PICTURES_ALL;
    job->job = (struct worker_job){.run = run_frame, .done = frame_done};
    job->night = night;
    job->keep = key && night->pictures < PICTURES_MAX;
    night->pictures += job->keep;
    job->frame = record;
    job->plain = (struct correction){.scan = frame->scan,
                                     .run = frame->run,
                                     .cycle = frame->cycle,
                                     .up = scan_trace_is_up(kind)};
    memcpy(job->plain.shown, job->frame.last.p, sizeof(job->plain.shown));
    job->keep_plain = night->plain_pictures < PICTURES_MAX;
    night->plain_pictures += job->keep_plain;
    snprintf(job->directory, sizeof(job->directory), "%s/frames", night->state_directory);
    snprintf(job->title, sizeof(job->title), "%u_%u %s", frame->run, frame->cycle,
             scan_trace_name(kind));
    if (wanted != NIGHT_PICTURES_NONE)
        copy_picture(job, frame, &frame->traces[kind]);
    worker_submit(night->worker, &job->job);
    night->frame_key = night->next_frame_key;
    night->next_frame_key = false;
}

const struct correction *night_recent_frame(const struct night *night,
                                            const struct night_frame_wanted *wanted)
{
    uint64_t kept = night->n_recent < NIGHT_RECENT_MAX ? night->n_recent : NIGHT_RECENT_MAX;
    for (uint64_t back = 1; back <= kept; back++) {
        const struct correction *frame =
            &night->recent[(night->n_recent - back) % NIGHT_RECENT_MAX];
        bool way = wanted->way == NIGHT_EITHER_WAY || (wanted->way == NIGHT_UP) == frame->up;
        if (way && (wanted->run == 0 || wanted->run == frame->run) &&
            (wanted->cycle == 0 || wanted->cycle == frame->cycle))
            return frame;
    }
    return NULL;
}

/* ---- frames ---- */

void night_frame_begin(struct night *night, const struct data_message *message)
{
    struct course *course = &night->course;
    if (course->frame.begun)
        night_frame_end(night, "restarted");
    int r = course_frame_begin(course, message);
    if (r < 0)
        night_alarm(night, "a frame of %u x %u samples cannot be judged", message->geometry.points,
                    message->geometry.lines);
    if (r > 0) {
        const struct sites_spot *spot = &course->spots[course->here];
        struct journal_spot place = {.x_m = spot->x_m, .y_m = spot->y_m, .page = course->page};
        night_record_spot(night, &place);
    }
}

void night_frame_line(struct night *night, const struct scan_line *line)
{
    int ended;
    int r = course_frame_line(&night->course, line, &ended);
    if (ended >= 0)
        end_trace(night, (enum scan_trace)ended, "complete");
    if (r == -ENOMEM)
        night_enter_safety(night, SAFETY_HOLD, "agent", "out of memory for the frame");
}

void night_frame_end(struct night *night, const char *end)
{
    int ended = course_frame_end(&night->course);
    if (ended >= 0)
        end_trace(night, (enum scan_trace)ended, end);
}
