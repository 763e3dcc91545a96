/*
 * A trained model: architecture, weights, label names, input convention and calibration, in one
 * checksummed file. (Filled in by nn/model_file.c; see docs/model.md for the format.)
 */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include <stddef.h>

struct nn_model;

/*
 * Load a model file. 0, or negative errno with a sentence in `error` (always terminated): -ENOENT
 * and the like, -EBADMSG (damaged: checksum or self-test), -EPROTO (foreign or newer format).
 */
int nn_model_load(const char *path, struct nn_model **ret_model, char *error, size_t error_size);
void nn_model_destroy(struct nn_model *model);

/* SHA-256 of the file as 64 hex digits. Borrowed from the model. */
const char *nn_model_hash(const struct nn_model *model);

#endif
