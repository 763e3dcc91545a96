/* One or two network streams per frame, begun where the decision window begins. */
#include "agent/judge.h"

#include "nn/event.h"
#include "nn/model.h"
#include "nn/stream.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { FORWARD, BACKWARD, DIRECTIONS };

struct judge {
    struct nn_stream *streams[DIRECTIONS];
    bool begun;
    uint64_t scan;
    bool up;
    uint32_t first_row;    /* frame row that is row 0 of the streams */
    uint32_t last_row;     /* newest forward row, in stream rows */
    bool last_row_forward; /* the newest forward row is in the stream and has a verdict */
    uint32_t lines_seen;   /* forward lines in the stream */
    uint32_t alarms_told;  /* of the forward stream's, those that a verdict has told */
    float forward[NN_LABEL_COUNT];
};

int judge_create(const struct nn_model *model, struct judge **ret_judge)
{
    struct judge *judge = calloc(1, sizeof(*judge));
    if (!judge)
        return -ENOMEM;
    for (int d = 0; d < DIRECTIONS; d++) {
        int r = nn_stream_create(model, &judge->streams[d]);
        if (r < 0) {
            judge_destroy(judge);
            return r;
        }
    }
    *ret_judge = judge;
    return 0;
}

void judge_destroy(struct judge *judge)
{
    if (!judge)
        return;
    for (int d = 0; d < DIRECTIONS; d++)
        nn_stream_destroy(judge->streams[d]);
    free(judge);
}

static uint32_t row_of(const struct scan_line *line, uint32_t lines)
{
    return scan_trace_is_up(line->trace) ? line->line : lines - 1 - line->line;
}

static int begin(struct judge *judge, const struct judge_line *in, uint32_t first_row)
{
    judge->begun = false;
    for (int d = 0; d < DIRECTIONS; d++) {
        int r = nn_stream_begin(judge->streams[d], in->line->points, in->lines);
        if (r < 0)
            return r;
    }
    judge->begun = true;
    judge->scan = in->line->scan;
    judge->up = scan_trace_is_up(in->line->trace);
    judge->first_row = first_row;
    judge->lines_seen = 0;
    judge->alarms_told = 0;
    judge->last_row_forward = false;
    return 0;
}

static void fill(struct judge *judge, const struct judge_line *in, struct verdict *verdict)
{
    *verdict = (struct verdict){.seq = in->line->seq,
                                .scan = in->line->scan,
                                .run = in->line->run,
                                .cycle = in->line->cycle,
                                .trace = judge->up ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN,
                                .line = in->line->line,
                                .lines_seen = judge->lines_seen,
                                .lines_due = judge->last_row + 1,
                                .lines_total = in->lines,
                                .t_night_ns = in->t_night_ns};
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        verdict->p[i] = judge->forward[i];
        verdict->p_other[i] = NAN;
    }
    const struct nn_event *event = nn_stream_event(judge->streams[FORWARD]);
    verdict->changed = event && event->alarms > 0;
    if (!verdict->changed)
        return;
    uint32_t row = judge->first_row + event->alarm_row;
    verdict->change_line = judge->up ? row : in->lines - 1 - row;
    verdict->change_is_new = event->alarms > judge->alarms_told;
    judge->alarms_told = event->alarms;
}

static int add_forward(struct judge *judge, const struct judge_line *in, uint32_t row,
                       struct verdict *ret_verdict)
{
    judge->last_row_forward = false;
    int r = nn_stream_add_line(judge->streams[FORWARD], row, in->line->samples);
    if (r < 0)
        return r;
    judge->last_row = row;
    judge->lines_seen++;
    r = nn_stream_scores(judge->streams[FORWARD], judge->forward);
    if (r < 0)
        return r == -ENODATA ? -EAGAIN : r;
    judge->last_row_forward = true;
    if (in->both)
        return -EAGAIN;
    fill(judge, in, ret_verdict);
    return 0;
}

static int add_backward(struct judge *judge, const struct judge_line *in, uint32_t row,
                        struct verdict *ret_verdict)
{
    float scores[NN_LABEL_COUNT];
    if (!in->both)
        return -EAGAIN;
    int r = nn_stream_add_line(judge->streams[BACKWARD], row, in->line->samples);
    if (r < 0)
        return r;
    if (!judge->last_row_forward || judge->last_row != row)
        return -EAGAIN;
    r = nn_stream_scores(judge->streams[BACKWARD], scores);
    if (r < 0)
        return r == -ENODATA ? -EAGAIN : r;
    fill(judge, in, ret_verdict);
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        ret_verdict->p_other[i] = scores[i];
    return 0;
}

int judge_add(struct judge *judge, const struct judge_line *in, struct verdict *ret_verdict)
{
    uint32_t row = row_of(in->line, in->lines);
    bool up = scan_trace_is_up(in->line->trace);
    bool fresh = !judge->begun || judge->scan != in->line->scan || judge->up != up;
    if (fresh || in->restart) {
        int r = begin(judge, in, in->restart ? row : 0);
        if (r < 0)
            return r;
    }
    if (row < judge->first_row)
        return -EINVAL;
    row -= judge->first_row;
    return scan_trace_is_forward(in->line->trace) ? add_forward(judge, in, row, ret_verdict)
                                                  : add_backward(judge, in, row, ret_verdict);
}
