/*
 * A verdict that grows with the frame: lines in, one at a time, scores out, using only lines
 * already seen. This is what the agent and `tipwright classify` both run, so they agree to the bit.
 *
 * A stream holds the partial frame of one trace. Nothing computed after line k depends on a later
 * line: flattening is per line, and the scale comes from the lines seen so far.
 *
 * Row-causal networks over a frozen scale (nn/input.h) go on from one grid row to the next: a line
 * costs the same wherever it lies, and nothing is allocated after nn_stream_begin. Between two grid
 * rows the verdict stays, but for the calibration, which knows the line. Other networks look at the
 * whole frame again after each line.
 */
#ifndef NN_STREAM_H
#define NN_STREAM_H

#include "nn/labels.h"

#include <stdint.h>

struct nn_event; /* nn/event.h */
struct nn_model; /* nn/model.h */
struct nn_stream;

/*
 * `model` is borrowed and must outlive the stream; many streams may share it, but a stream is used
 * by one thread at a time. Returns 0, -ENOMEM.
 */
int nn_stream_create(const struct nn_model *model, struct nn_stream **ret_stream);
void nn_stream_destroy(struct nn_stream *stream);

/*
 * Start a new frame of `points` samples per line and `lines` planned lines. Allocates only when a
 * frame is larger than any before. 0, -EINVAL (0, or beyond 8192), -ENOMEM.
 */
int nn_stream_begin(struct nn_stream *stream, uint32_t points, uint32_t lines);

/*
 * The next line in the order of scanning; `row` counts from the first line scanned (0) and must
 * rise. Rows skipped are missing: they are masked, never read as zero height. samples: (points),
 * any unit, any offset and slope. 0, -EINVAL (row not rising or beyond the frame, a sample not
 * finite).
 */
int nn_stream_add_line(struct nn_stream *stream, uint32_t row, const double *samples);

/*
 * Calibrated scores of the frame as seen so far, scores: (NN_LABEL_COUNT), each 0..1.
 * 0, -ENODATA: no verdict yet. Verdicts begin with the first line, or, where a network goes row by
 * row, with the line that completes its first output row (nn_stream_first_line).
 */
int nn_stream_scores(struct nn_stream *stream, float *ret_scores);

/*
 * What the model's detector of tip changes has heard of this frame, alarms and all; NULL without
 * one. Borrowed, changes with the next line.
 */
const struct nn_event *nn_stream_event(const struct nn_stream *stream);

/* Number of lines, from the first, that the first verdict of this frame needs. */
uint32_t nn_stream_first_line(const struct nn_stream *stream);

#endif
