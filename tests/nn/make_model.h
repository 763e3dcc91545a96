/* A little untrained model and a little frame for tests. */
#ifndef TESTS_NN_MAKE_MODEL_H
#define TESTS_NN_MAKE_MODEL_H

#include "nn/model.h"

/* A network of random weights over a 24 x 20 grid; the same for the same seed. */
struct nn_model_parts make_parts(uint64_t seed);
void free_parts(struct nn_model_parts *parts);

/* Saves make_parts(seed) to `path` and loads it. */
struct nn_model *make_model(const char *path, uint64_t seed);

enum { FRAME_POINTS = 50, FRAME_LINES = 37 };

/* (FRAME_LINES, FRAME_POINTS) heights in metres, first line first. free() it. */
double *make_frame(uint64_t seed);

#endif
