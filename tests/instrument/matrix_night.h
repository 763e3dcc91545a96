/*
 * A small MATRIX night for tests, written by our own writer into a folder of its own. Every value
 * is a function of its place, so that a reader's result can be checked sample by sample.
 */
#ifndef TESTS_INSTRUMENT_MATRIX_NIGHT_H
#define TESTS_INSTRUMENT_MATRIX_NIGHT_H

#include "instrument/matrix_write.h"

enum { NIGHT_START_UTC_S = 1800000000 };

struct night {
    char folder[256];
    struct matrix_session *session;
    struct scan_geometry geometry;
    bool record_current;
    int64_t t_utc_s;
};

struct scan_geometry night_geometry(uint32_t points, uint32_t lines, bool x_retrace,
                                    bool y_retrace);

uint32_t night_all_samples(const struct scan_geometry *g);

/* Make the folder and open a session in it; a failure fails the test. */
void night_open(struct night *night, const char *base, const struct scan_geometry *g,
                bool record_current);

struct matrix_session_options night_options(const struct night *night, const char *base,
                                            const struct scan_geometry *g, bool record_current);

/* Start an image and write that many samples of each channel; the image stays open. */
void night_image(struct night *night, uint32_t run, uint32_t cycle, uint32_t n_samples);

/* What the night holds at a place; row 0 is the bottom. */
double night_value(enum matrix_channel channel, enum scan_trace trace, uint32_t row, uint32_t col);

/* The path of a file in the night's folder. */
void night_path(const struct night *night, const char *file, char *ret_path, size_t size);

/* Remove the folder and all in it. The session must be closed. */
void night_finish(struct night *night);

#endif
