/*
 * One image data file of Omicron MATRIX (BASE--RUN_CYCLE.CHANNEL_mtrx): name, head, four traces,
 * and, when its result chain is found, geometry and SI scale.
 *
 * Layout and rules: docs/matrix.md, where each is marked observed, read or assumed.
 */
#ifndef INSTRUMENT_MATRIX_IMAGE_H
#define INSTRUMENT_MATRIX_IMAGE_H

#include "instrument/scan.h"

#include <stddef.h>
#include <stdint.h>

enum { MATRIX_BASE_SIZE = 232, MATRIX_CHANNEL_SIZE = 16 };

/* A data file's name, taken apart. */
struct matrix_name {
    char base[MATRIX_BASE_SIZE]; /* all before the LAST "--"; may hold spaces and "--" itself */
    uint32_t run;                /* rises at each scan start or restart, >= 1 */
    uint32_t cycle;              /* rises at each further image of the run, >= 1 */
    char channel[MATRIX_CHANNEL_SIZE]; /* "Z", "I", "Aux1", ... */
};

/* Take a path's last part apart. 0, or -EINVAL: not the name of an image data file. */
int matrix_name_parse(const char *path, struct matrix_name *ret);

enum matrix_function {
    MATRIX_UNSCALED,    /* no transfer function known: raw counts only */
    MATRIX_IDENTITY,    /* v = raw */
    MATRIX_LINEAR,      /* v = (raw - offset) / factor */
    MATRIX_MULTI_LINEAR /* v = (raw_1 - pre_offset) (raw - offset) / (factor pre_factor) */
};

/* From raw counts to SI. Members that the function does not use are 0. */
struct matrix_transfer {
    enum matrix_function function;
    double offset;     /* counts */
    double factor;     /* counts per unit; NeutralFactor for MATRIX_MULTI_LINEAR */
    double pre_offset; /* no unit; likewise below */
    double pre_factor;
    double raw_1;
    char unit[16]; /* "m", "A"; "" when unscaled */
};

enum matrix_geometry_source {
    MATRIX_FROM_CHAIN,     /* state of the chain where it names this file */
    MATRIX_FROM_CHAIN_END, /* the chain does not name this file yet: its last state */
    MATRIX_INFERRED,       /* no chain: a square frame that fits the planned samples */
    MATRIX_GIVEN           /* no chain: the caller said how many points a line has */
};

/* "chain", "chain end", "inferred", "given". Borrowed, lives for ever. */
const char *matrix_geometry_source_name(enum matrix_geometry_source source);

/* One trace: its complete lines only. */
struct matrix_trace {
    enum scan_trace id;
    uint32_t rows;      /* complete lines; may be 0 */
    uint32_t cols;      /* samples per line */
    uint32_t first_row; /* y index of row 0: 0, or lines - rows on the way down, which starts at
                           the top */
    const int32_t *raw; /* (rows, cols), row 0 = lowest y, backward lines already reversed;
                           borrowed from the image, NULL when rows is 0 */
    uint64_t railed;    /* samples at 0x7FFF0000 or 0x80000000 (see matrix_is_railed) */
};

struct matrix_image {
    struct matrix_name name;
    enum matrix_geometry_source source;
    /* points, lines and retrace flags always; the rest NAN unless it comes from a chain. As they
       stood when the image was stored: see bias_changed. */
    struct scan_geometry geometry;
    bool bias_changed;     /* the bias was changed between the scan's start and its end */
    int scan_constraint;   /* 0 frame, 1 line, 2 point; 0 when unknown */
    char preamp_range[48]; /* "0;3.33e-007"; "" when unknown */
    uint64_t planned;      /* samples */
    uint64_t acquired;     /* samples really in the file, at most planned */
    uint64_t claimed;      /* samples acquired according to the head; more than `acquired` in a
                              file copied while it was written */
    uint64_t leftover;     /* samples of the line in progress, behind the last complete line */
    uint64_t channel_id;
    uint32_t bricklet;   /* number of this recording on this channel, from 1 */
    int64_t ended_utc_s; /* when the image ended or was stopped */
    struct matrix_transfer transfer;
    const char *unscaled_because; /* why there is no scale, static text; NULL when there is one */
    uint32_t n_traces;            /* 1, 2 or 4, by the retrace flags */
    struct matrix_trace traces[SCAN_TRACE_COUNT]; /* n_traces of them, in scan_trace order */
    int32_t *samples;                             /* what the traces point into; owned */
};

struct matrix_load_options {
    uint32_t points; /* without a chain: samples per line; 0: infer them */
};

/*
 * Read a data file; its chain BASE_0001.mtrx is looked for beside it. `options` may be NULL.
 *
 * 0; -errno when the file cannot be read; -EBADMSG: not such a file, damaged, or at odds with its
 * chain; -ENODATA: no chain and no square frame fits, so options.points is needed. `error` then
 * holds one line, without the path. *ret is untouched on failure; destroy it when done.
 */
int matrix_image_load(const char *path, const struct matrix_load_options *options,
                      struct matrix_image **ret, char *error, size_t error_size);

/*
 * The same from memory. `file_name` is the data file's name without folder; `chain` is NULL when
 * there is none. The buffers may go when this returns.
 */
struct matrix_buffer {
    const uint8_t *data;
    size_t size;
};
int matrix_image_decode(const char *file_name, const struct matrix_buffer *image,
                        const struct matrix_buffer *chain,
                        const struct matrix_load_options *options, struct matrix_image **ret,
                        char *error, size_t error_size);

/* Accepts NULL. */
void matrix_image_destroy(struct matrix_image *image);

/* The trace, or NULL when the frame has no such trace. Borrowed. */
const struct matrix_trace *matrix_image_trace(const struct matrix_image *image, enum scan_trace id);

/* One sample in SI. Only for a transfer that is not MATRIX_UNSCALED. */
double matrix_transfer_apply(const struct matrix_transfer *transfer, int32_t raw);

/*
 * The trace's complete lines in SI (metres or amperes), into (rows, cols) doubles.
 * 0, or -ENODATA: the image has no scale, or no such trace.
 */
int matrix_image_to_si(const struct matrix_image *image, enum scan_trace id, double *ret_values);

/* A sample at the converter's rail: 0x7FFF0000 (observed) or 0x80000000 (read). */
bool matrix_is_railed(int32_t raw);

#endif
