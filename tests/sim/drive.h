/* A microscope driven by a script of commands at instrument times, its messages collected. */
#ifndef TESTS_SIM_DRIVE_H
#define TESTS_SIM_DRIVE_H

#include "instrument/microscope.h"

#include <stddef.h>

struct drive_message {
    enum data_type type;
    enum scan_end_reason end_reason;
    uint64_t scan;
    uint32_t run, cycle, line;
    enum scan_trace trace;
    unsigned flags;
    int64_t t_inst_ns;
    uint64_t hash; /* of the samples */
    struct scan_geometry geometry;
    char text[MESSAGE_TEXT_MAX];
};

struct drive {
    struct microscope microscope;
    struct drive_message *messages;
    size_t n, room;
    unsigned ended; /* actions that have ended */
    bool crash_detected;
    bool finished;
    int64_t now_ns;
    double first[8192], last[8192]; /* samples of the first and the last line seen */
};

void drive_init(struct drive *drive, struct microscope microscope);
void drive_finish(struct drive *drive);

/* Advance to this instrument time in steps of at most `slice_ns`, collecting. */
void drive_to(struct drive *drive, int64_t until_ns, int64_t slice_ns);

/* Advance until `n` messages have come, the microscope has finished, or an hour has gone by. */
void drive_messages(struct drive *drive, size_t n);

#endif
