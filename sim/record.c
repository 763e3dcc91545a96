/* Recording a simulated night: MATRIX files and truth. */
#include "sim/record.h"

#include "instrument/matrix_write.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct record {
    struct microscope inner;
    struct microscope_ops ops; /* the wrapped one's name, our functions */
    struct matrix_session *session;
    int64_t t_utc_s, now_ns;
    struct half_line {
        double *forward; /* (points) */
        bool there;
    } half[MATRIX_CHANNEL_COUNT]; /* forward samples that wait for their backward ones */
    bool current;
    uint32_t points;
    bool image_open;
    uint32_t frames;
    int error;
};

static int64_t utc_s(const struct record *record)
{
    return record->t_utc_s + record->now_ns / 1000000000;
}

static int begin_image(struct record *record, const struct data_message *message)
{
    for (int c = 0; c < MATRIX_CHANNEL_COUNT; c++) {
        struct half_line *half = &record->half[c];
        double *room = realloc(half->forward, message->geometry.points * sizeof(double));
        if (!room)
            return -ENOMEM;
        half->forward = room;
        half->there = false;
    }
    record->points = message->geometry.points;
    int r = matrix_session_set_geometry(record->session, &message->geometry, utc_s(record));
    if (r == 0)
        r = matrix_session_start_image(record->session, message->line.run, message->line.cycle,
                                       utc_s(record));
    record->image_open = r == 0;
    return r;
}

/* Samples before the scan stopped, in time order. */
static uint32_t scanned(const struct scan_line *line)
{
    bool forward = scan_trace_is_forward(line->trace);
    uint32_t n = 0;
    if (!(line->flags & SCAN_LINE_PARTIAL))
        return line->points;
    while (n < line->points && isfinite(line->samples[forward ? n : line->points - 1 - n]))
        n++;
    return n;
}

/* The converter writes forward and backward samples of a line one after the other. */
static int add_trace(struct record *record, const struct scan_line *line)
{
    bool current = line->channel[0] == 'I';
    enum matrix_channel channel = current ? MATRIX_CHANNEL_I : MATRIX_CHANNEL_Z;
    struct half_line *half = &record->half[channel];
    uint32_t n = scanned(line);
    if (!record->image_open || line->points != record->points || (current && !record->current))
        return 0;
    if (scan_trace_is_forward(line->trace)) {
        memcpy(half->forward, line->samples, line->points * sizeof(double));
        half->there = n == line->points;
        return half->there ? 0
                           : matrix_session_append(record->session, channel, half->forward,
                                                   half->forward, n);
    }
    if (!half->there)
        return 0;
    half->there = false;
    return matrix_session_append(record->session, channel, half->forward, line->samples,
                                 line->points + n);
}

static int end_image(struct record *record, enum scan_end_reason reason)
{
    if (!record->image_open)
        return 0;
    int r = 0;
    for (int c = 0; c < MATRIX_CHANNEL_COUNT && r == 0; c++) {
        const double *forward = record->half[c].forward;
        if (record->half[c].there)
            r = matrix_session_append(record->session, (enum matrix_channel)c, forward, forward,
                                      record->points);
        record->half[c].there = false;
    }
    record->image_open = false;
    if (r == 0)
        r = matrix_session_finish_image(record->session, utc_s(record));
    if (r == 0)
        record->frames++;
    if (r == 0 && reason != SCAN_END_COMPLETE)
        r = matrix_session_stop(record->session, utc_s(record));
    return r;
}

static void record_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct record *record = self;
    record->inner.ops->advance(record->inner.self, until_ns, ret_event);
    record->now_ns = ret_event->t_inst_ns;
    if (ret_event->kind != MICROSCOPE_DATA || record->error)
        return;
    switch (ret_event->data.type) {
    case DATA_SCAN_BEGIN:
        record->error = begin_image(record, &ret_event->data);
        break;
    case DATA_LINE:
        record->error = add_trace(record, &ret_event->data.line);
        break;
    case DATA_SCAN_END:
        record->error = end_image(record, ret_event->data.end_reason);
        break;
    case DATA_GAP:
    case DATA_NOTE:
    case DATA_TYPE_COUNT:
        break;
    }
}

static int record_begin(void *self, const struct action *action)
{
    struct record *record = self;
    char text[160];
    int r = record->inner.ops->begin(record->inner.self, action);
    if (r < 0 || record->error)
        return r;
    action_describe(action, text, sizeof(text));
    record->error = matrix_session_mark(record->session, text, utc_s(record));
    return r;
}

static int record_scan_start(void *self)
{
    struct record *record = self;
    return record->inner.ops->scan_start(record->inner.self);
}

static int record_scan_stop(void *self)
{
    struct record *record = self;
    return record->inner.ops->scan_stop(record->inner.self);
}

static void record_abort(void *self)
{
    struct record *record = self;
    record->inner.ops->abort(record->inner.self);
}

static void record_safe_state(void *self, double withdraw_m)
{
    struct record *record = self;
    record->inner.ops->safe_state(record->inner.self, withdraw_m);
}

static void record_status(void *self, struct instrument_status *ret_status)
{
    struct record *record = self;
    record->inner.ops->status(record->inner.self, ret_status);
}

int record_create(const struct record_options *options, struct microscope inner,
                  struct record **ret)
{
    struct record *record = calloc(1, sizeof(*record));
    if (!record)
        return -ENOMEM;
    record->inner = inner;
    record->ops = (struct microscope_ops){.name = inner.ops->name,
                                          .simulated = inner.ops->simulated,
                                          .advance = record_advance,
                                          .begin = record_begin,
                                          .scan_start = record_scan_start,
                                          .scan_stop = record_scan_stop,
                                          .abort = record_abort,
                                          .safe_state = record_safe_state,
                                          .status = record_status};
    record->t_utc_s = options->t_utc_s;
    record->current = options->current;
    struct matrix_session_options session = {.folder = options->folder,
                                             .base = options->base,
                                             .sample_name = "H:Si(100)-2x1",
                                             .comment = options->comment,
                                             .geometry = options->geometry,
                                             .preamp = MATRIX_PREAMP_3NA,
                                             .record_current = options->current};
    int r = matrix_session_open(&session, options->t_utc_s, &record->session);
    if (r < 0) {
        free(record);
        return r;
    }
    *ret = record;
    return 0;
}

struct microscope record_microscope(struct record *record)
{
    return (struct microscope){.ops = &record->ops, .self = record};
}

int record_error(const struct record *record)
{
    return record->error;
}

uint32_t record_frames(const struct record *record)
{
    return record->frames;
}

int record_close(struct record *record)
{
    if (!record)
        return 0;
    if (!record->error)
        record->error = end_image(record, SCAN_END_STOPPED);
    int closed = matrix_session_close(record->session, utc_s(record));
    int r = record->error ? record->error : closed;
    for (int c = 0; c < MATRIX_CHANNEL_COUNT; c++)
        free(record->half[c].forward);
    free(record);
    return r;
}

void record_truth_head(FILE *file)
{
    fputs("t_inst_s,run,cycle,line,direction,what,at,changed,crashed,shows,state,apex\n", file);
}

void record_truth_row(FILE *file, const struct simulated_truth *truth)
{
    if (truth->kind == SIMULATED_LINE && truth->event == SIM_TIP_NO_EVENT)
        return;
    fprintf(file, "%.3f,%" PRIu32 ",%" PRIu32 ",", (double)truth->t_inst_ns * 1e-9, truth->run,
            truth->cycle);
    if (truth->kind == SIMULATED_LINE) {
        fprintf(file, "%" PRIu32 ",%s,%s,%.3f,%d,0,", truth->line, truth->up ? "up" : "down",
                sim_tip_event_name(truth->event), truth->event_at, truth->event == SIM_TIP_CHANGE);
    } else {
        char text[160];
        action_describe(&truth->action, text, sizeof(text));
        fprintf(file, ",,\"%s\",,%d,%d,", text, truth->changed, truth->crashed);
    }
    fprintf(file, "%s,%s,%" PRIu64 "\n", sim_shows_name(truth->shows),
            sim_tip_state_name(truth->state), truth->apex);
}

void record_truth_fault(FILE *file, const char *name, bool begins, int64_t t_inst_ns)
{
    fprintf(file, "%.3f,,,,,fault %s %s,,,,,,\n", (double)t_inst_ns * 1e-9, name,
            begins ? "begins" : "ends");
}
