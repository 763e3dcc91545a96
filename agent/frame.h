/*
 * The frame that is being scanned: the heights of each trace as far as they have come, for
 * pictures and the record. Plain memory, no I/O.
 */
#ifndef AGENT_FRAME_H
#define AGENT_FRAME_H

#include "instrument/scan.h"

#include <stddef.h>

struct frame_trace {
    double *values; /* (lines, points) row-major, row 0 = bottom; NULL: no line yet */
    uint8_t *seen;  /* lines flags */
    size_t room;    /* samples that fit */
    size_t rows_room;
    uint32_t lines_seen;
    uint32_t lines_late; /* of them, resent */
};

struct frame {
    bool begun; /* between scan_begin and scan_end */
    uint64_t scan;
    uint32_t run, cycle;
    struct scan_geometry geometry;
    struct frame_trace traces[SCAN_TRACE_COUNT];
};

/*
 * Start a frame; the traces are emptied, their memory is kept. 0; -EINVAL: points or lines 0 or
 * beyond the maxima (the frame is then not begun).
 */
int frame_begin(struct frame *frame, uint64_t scan, const struct scan_geometry *geometry);

/*
 * Add a line of this frame; its place and width have been checked. A line that is there already
 * is left alone. 0, -ENOMEM, -EEXIST.
 */
int frame_add_line(struct frame *frame, const struct scan_line *line);

void frame_finish(struct frame *frame);

#endif
