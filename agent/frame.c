/* Memory of the frame that is being scanned. */
#include "agent/frame.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int frame_begin(struct frame *frame, uint64_t scan, const struct scan_geometry *geometry)
{
    frame->begun = false;
    for (int t = 0; t < SCAN_TRACE_COUNT; t++)
        frame->traces[t].lines_seen = frame->traces[t].lines_late = 0;
    if (geometry->points == 0 || geometry->points > SCAN_POINTS_MAX || geometry->lines == 0 ||
        geometry->lines > SCAN_LINES_MAX)
        return -EINVAL;
    frame->geometry = *geometry;
    frame->scan = scan;
    frame->run = frame->cycle = 0;
    frame->begun = true;
    return 0;
}

/* Room for the whole trace, made at its first line. */
static int prepare_trace(struct frame_trace *trace, const struct scan_geometry *geometry)
{
    size_t n = (size_t)geometry->points * geometry->lines;
    if (n > trace->room) {
        double *values = realloc(trace->values, n * sizeof(*values));
        if (!values)
            return -ENOMEM;
        trace->values = values;
        trace->room = n;
    }
    if (geometry->lines > trace->rows_room) {
        uint8_t *seen = realloc(trace->seen, geometry->lines);
        if (!seen)
            return -ENOMEM;
        trace->seen = seen;
        trace->rows_room = geometry->lines;
    }
    for (size_t i = 0; i < n; i++)
        trace->values[i] = (double)NAN;
    memset(trace->seen, 0, geometry->lines);
    return 0;
}

int frame_add_line(struct frame *frame, const struct scan_line *line)
{
    struct frame_trace *trace = &frame->traces[line->trace];
    if (trace->lines_seen == 0) {
        int r = prepare_trace(trace, &frame->geometry);
        if (r < 0)
            return r;
    }
    if (trace->seen[line->line])
        return -EEXIST;
    memcpy(trace->values + (size_t)line->line * frame->geometry.points, line->samples,
           frame->geometry.points * sizeof(double));
    trace->seen[line->line] = 1;
    trace->lines_seen++;
    if (line->flags & SCAN_LINE_LATE)
        trace->lines_late++;
    frame->run = line->run;
    frame->cycle = line->cycle;
    return 0;
}

void frame_finish(struct frame *frame)
{
    for (int t = 0; t < SCAN_TRACE_COUNT; t++) {
        free(frame->traces[t].values);
        free(frame->traces[t].seen);
    }
    memset(frame, 0, sizeof(*frame));
}
