/*
 * A microscope that does nothing but keep books: a recording stand-in for the ends' tests. Frames
 * of four forward lines, 1 ms of its clock each; sample i of line n of scan s is s + n + i * 1e-9.
 */
#ifndef TESTS_INSTRUMENT_FAKE_MICROSCOPE_H
#define TESTS_INSTRUMENT_FAKE_MICROSCOPE_H

#include "instrument/microscope.h"

enum { FAKE_POINTS = 256, FAKE_LINES = 4 };

struct fake_microscope {
    int64_t t_ns;
    bool scanning, withdrawn;
    bool actions_never_end;
    bool real;            /* claims not to be simulated */
    uint64_t frames_left; /* 0: endless; else finished after so many */
    uint64_t scan;
    int next; /* -1: scan_begin, 0 .. FAKE_LINES - 1, FAKE_LINES: scan_end */
    bool acting;
    int64_t action_ends_ns;
    struct action last_action;
    int begun, aborted, safe;
    double withdraw_m;
    double samples[FAKE_POINTS];
};

struct microscope fake_microscope(struct fake_microscope *fake);

#endif
