/*
 * A simulated night on disk, as MATRIX would leave it: one result chain, one file per frame and
 * channel; and the truth about the tip as CSV.
 *
 * The recorder is itself a microscope: it hands every call on to the one it wraps and writes down
 * the data that passes. A failed write ends the recording, never the night; record_error() tells.
 */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include "instrument/microscope.h"
#include "sim/simulated.h"

#include <stdio.h>

struct record;

struct record_options {
    const char *folder;            /* must exist */
    const char *base;              /* file name base, without "--" */
    const char *comment;           /* mark in the chain; NULL: none */
    struct scan_geometry geometry; /* of the first frame */
    bool current;                  /* lines of channel I as well, in files of their own */
    int64_t t_utc_s;               /* wall clock of instrument time 0 */
};

/* `inner` is borrowed. 0, -EEXIST (a night of this name is there), or another -errno. */
int record_create(const struct record_options *options, struct microscope inner,
                  struct record **ret);

/* Borrows `record`. */
struct microscope record_microscope(struct record *record);

/* 0, or the negative errno that ended the recording. */
int record_error(const struct record *record);

/* Frames written, the one in progress not counted. */
uint32_t record_frames(const struct record *record);

/* Finish the files and free. Returns the first error of the whole recording, or 0. */
int record_close(struct record *record);

/* The truth as CSV: head line, then one row per action, per line with an event, and per beginning
 * and end of a fault of the instrument's program ("fault stall begins"). */
void record_truth_head(FILE *file);
void record_truth_row(FILE *file, const struct simulated_truth *truth);
void record_truth_fault(FILE *file, const char *name, bool begins, int64_t t_inst_ns);

#endif
