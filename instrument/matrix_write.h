/*
 * Writing a night as MATRIX files: one result chain BASE_0001.mtrx and one data file per image and
 * channel, in the form that MATRIX V3.2 leaves behind and Gwyddion opens (docs/matrix.md).
 *
 * The chain is appended block by block, each in one write, so that a killed writer leaves what a
 * killed MATRIX leaves. A data file has a temporary name until it is complete; only then does the
 * chain name it. Times are arguments: seconds UTC since 1970, as the files store them.
 *
 * Functions return 0 or a negative errno. After a failed write the session refuses everything with
 * the same code: a chain with a hole in it must not grow.
 */
#ifndef INSTRUMENT_MATRIX_WRITE_H
#define INSTRUMENT_MATRIX_WRITE_H

#include "instrument/matrix_image.h"
#include "instrument/scan.h"

struct matrix_session;

enum matrix_channel { MATRIX_CHANNEL_Z, MATRIX_CHANNEL_I, MATRIX_CHANNEL_COUNT };

/* Full scale of the current amplifier, both observed. */
enum matrix_preamp { MATRIX_PREAMP_3NA, MATRIX_PREAMP_333NA, MATRIX_PREAMP_COUNT };

/* Strings are borrowed for the call; UTF-8. */
struct matrix_session_options {
    const char *folder;
    const char *base;              /* file name base; may hold spaces and "--", no '/' */
    const char *sample_name;       /* written as "simulated, NAME" */
    const char *comment;           /* free text mark; NULL: none */
    struct scan_geometry geometry; /* all finite; as in matrix_session_set_geometry */
    enum matrix_preamp preamp;
    double z_counts_per_m; /* 0: 2.4e15, observed */
    bool record_current;   /* write I beside Z */
};

/* Create the chain and write its head. -EEXIST: there is a chain of this name already. */
int matrix_session_open(const struct matrix_session_options *options, int64_t t_utc_s,
                        struct matrix_session **ret);

/*
 * Change parameters; only what differs is written. While an image is open its shape (points, lines,
 * retrace flags) and the amplifier cannot change: -EBUSY. -EINVAL: not finite, a side of 0 or above
 * SCAN_*_MAX, or an angle that is not whole degrees (MATRIX keeps an integer).
 */
int matrix_session_set_geometry(struct matrix_session *session,
                                const struct scan_geometry *geometry, int64_t t_utc_s);
int matrix_session_set_preamp(struct matrix_session *session, enum matrix_preamp preamp,
                              int64_t t_utc_s);

/* A mark in the chain, free text or "MTRX$KEY-value". */
int matrix_session_mark(struct matrix_session *session, const char *text, int64_t t_utc_s);

/* Start an image; cycle 1 is written as a scan start. -EBUSY: one is open. -EEXIST: it was written
   before. */
int matrix_session_start_image(struct matrix_session *session, uint32_t run, uint32_t cycle,
                               int64_t t_utc_s);

/* The scan pauses and goes on inside the open image. */
int matrix_session_pause(struct matrix_session *session, int64_t t_utc_s);
int matrix_session_resume(struct matrix_session *session, int64_t t_utc_s);

/*
 * Append the next raster line, in the order of the scan: lines 0, 1, ... upwards, then, with
 * y_retrace, from the top line downwards. `forward` and, with x_retrace, `backward` hold `points`
 * SI values each, left to right. `n_samples` counts in time order, forward then backward: fewer
 * than points x (1 + x_retrace) is a line in progress, and nothing may follow it. Values beyond the
 * converter's range are stored at its rail, as a converter does. -EINVAL: not finite, no image
 * open, or no such channel; -ENOSPC: more than planned.
 */
int matrix_session_append(struct matrix_session *session, enum matrix_channel channel,
                          const double *forward, const double *backward, uint32_t n_samples);

/* The open image has ended, complete or not: its files get their names, the chain names them. */
int matrix_session_finish_image(struct matrix_session *session, int64_t t_utc_s);

/* The scan was stopped by command, with or without an open image: that is finished first. */
int matrix_session_stop(struct matrix_session *session, int64_t t_utc_s);

/* A clean end: finishes an open image, writes the end mark and frees the session, also on error. */
int matrix_session_close(struct matrix_session *session, int64_t t_utc_s);

/* Free without an end mark, as a crash would leave it; an open image is dropped. Accepts NULL. */
void matrix_session_destroy(struct matrix_session *session);

/* The count that stores an SI value: nearest, for I in steps of 512, held at the rails. */
int32_t matrix_raw_from_si(const struct matrix_transfer *transfer, enum matrix_channel channel,
                           double value);

#endif
