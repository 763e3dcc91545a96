/* A little untrained model and a little frame for tests. */
#ifndef TESTS_NN_MAKE_MODEL_H
#define TESTS_NN_MAKE_MODEL_H

#include "nn/model.h"

/* A network that looks at the frame as a whole, or one that goes on from row to row. */
enum make_kind { MAKE_WHOLE, MAKE_ROWS };

/* A grid of 24 x 20. */
struct nn_input_spec make_input(enum make_kind kind);

/* A network of random weights over that grid, the same for the same seed. Destroy the network. */
struct nn_model_member make_member(enum make_kind kind, uint64_t seed);

/* A detector of tip changes with random weights. */
struct nn_event_net make_event_net(uint64_t seed);

/* A model with this one member, saved to `path` and loaded. */
struct nn_model *make_model(const char *path, enum make_kind kind, uint64_t seed);

struct nn_model *save_and_load(const char *path, const struct nn_model_parts *parts);

enum { FRAME_POINTS = 50, FRAME_LINES = 37 };

/* (FRAME_LINES, FRAME_POINTS) heights in metres, first line first. free() it. */
double *make_frame(uint64_t seed);

#endif
