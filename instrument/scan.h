/*
 * A scan as plain values: its geometry, its four traces, one line of one trace. No I/O, no state.
 *
 * Axes: line 0 is the lowest y (bottom row), sample 0 the lowest x (left), in every trace; whoever
 * decodes backward samples that arrive in time order has already reversed them.
 * Heights: metres, positive away from the surface. Bias: sample bias in volts.
 */
#ifndef INSTRUMENT_SCAN_H
#define INSTRUMENT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* Refuse anything larger before allocating: no instrument of this kind scans more. */
enum { SCAN_POINTS_MAX = 8192, SCAN_LINES_MAX = 8192 };

enum scan_trace {
    SCAN_FORWARD_UP,
    SCAN_BACKWARD_UP,
    SCAN_FORWARD_DOWN,
    SCAN_BACKWARD_DOWN,
    SCAN_TRACE_COUNT
};

/* "forward/up", ... Borrowed, lives for ever. */
const char *scan_trace_name(enum scan_trace trace);

/* The trace with this name, or -1. */
int scan_trace_from_name(const char *name);

bool scan_trace_is_forward(enum scan_trace trace);
bool scan_trace_is_up(enum scan_trace trace);

/* Facts of one scan that hold from its first line to its last. NAN: the instrument did not say. */
struct scan_geometry {
    uint32_t points; /* samples per line */
    uint32_t lines;  /* lines per frame, the same on the way up and down */
    bool x_retrace;  /* backward traces exist */
    bool y_retrace;  /* the frame is scanned up, then down */
    double width_m;
    double height_m;
    double x_offset_m; /* centre of the frame */
    double y_offset_m;
    double angle_deg;     /* rotation about the centre, counter-clockwise */
    double raster_time_s; /* per sample */
    double bias_v;
    double setpoint_a;
};

enum scan_line_flag {
    SCAN_LINE_RAILED = 1 << 0,       /* at least one sample at a converter rail */
    SCAN_LINE_NOT_FINITE = 1 << 1,   /* at least one NaN or infinity */
    SCAN_LINE_PARTIAL = 1 << 2,      /* the instrument stopped inside this line */
    SCAN_LINE_LATE = 1 << 3,         /* sent again on request */
    SCAN_LINE_SIMULATED = 1 << 4,    /* no real surface behind it */
    SCAN_LINE_FEEDBACK_OFF = 1 << 5, /* z was not under feedback */
};

/* One line of one trace. Samples are SI values: metres for channel Z, amperes for I. */
struct scan_line {
    uint64_t seq;  /* of the data message that carried it; rises by one per message */
    uint64_t scan; /* rises by one on each start of a frame */
    uint32_t run;  /* MATRIX run and cycle, as the operator knows them: "19_2" */
    uint32_t cycle;
    uint32_t line; /* 0 = bottom row, also on the way down */
    enum scan_trace trace;
    char channel[16];      /* "Z", "I", ... */
    uint32_t points;       /* length of samples */
    const double *samples; /* borrowed */
    unsigned flags;        /* enum scan_line_flag, or-ed */
    int64_t t_inst_ns;     /* instrument's monotonic clock when the line was complete */
    int64_t t_utc_us;      /* wall clock, for stamps only */
};

#endif
