/*
 * A trained model: architecture, weights, label names, input convention and calibration, in one
 * checksummed file (format: docs/model.md).
 */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "nn/calibrate.h"
#include "nn/input.h"
#include "nn/network.h"

#include <stddef.h>
#include <stdint.h>

struct nn_model;

/*
 * Load a model file. 0, or negative errno with a sentence in `error` (always terminated): -ENOENT
 * and the like, -EBADMSG (damaged: checksum or self-test), -EPROTO (foreign or newer format).
 */
int nn_model_load(const char *path, struct nn_model **ret_model, char *error, size_t error_size);
void nn_model_destroy(struct nn_model *model);

/* As load, from the file's bytes. */
int nn_model_parse(const uint8_t *data, size_t size, struct nn_model **ret_model, char *error,
                   size_t error_size);

/* SHA-256 of the file as 64 hex digits. Borrowed from the model. */
const char *nn_model_hash(const struct nn_model *model);

/* What was trained, as a person wrote it. Borrowed from the model. */
const char *nn_model_note(const struct nn_model *model);

const struct nn_input_spec *nn_model_input(const struct nn_model *model);
const struct nn_calibration *nn_model_calibration(const struct nn_model *model);

/* The network with its batch norms folded in. Borrowed from the model. */
const struct nn_network *nn_model_network(const struct nn_model *model);

/* What a model file is made of; all borrowed. */
struct nn_model_parts {
    struct nn_input_spec input;
    struct nn_network *network; /* as trained, not folded */
    struct nn_calibration calibration;
    const char *note; /* at most 4095 bytes */
};

/* Writes the file whole or not at all. 0, -EINVAL (parts that load would refuse), -errno. */
int nn_model_save(const char *path, const struct nn_model_parts *parts);

#endif
