/*
 * A trained model: architectures, weights, label names, input convention and calibrations, in one
 * checksummed file (format: docs/model.md).
 */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "nn/calibrate.h"
#include "nn/event.h"
#include "nn/input.h"
#include "nn/labels.h"
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

/* Recordings it was trained on, one name per line; "" = not told. Borrowed from the model. */
const char *nn_model_recordings(const struct nn_model *model);

const struct nn_input_spec *nn_model_input(const struct nn_model *model);

/*
 * The detector of tip changes that listens along, or NULL. Its log odds (nn_event_logit) times the
 * weight at the share seen (0..1) are added to every member's logit of tip_change before
 * calibration. The weight rises with the third power of the share: that nothing happened yet says
 * little early. Borrowed.
 */
const struct nn_event_net *nn_model_event(const struct nn_model *model);
float nn_model_event_weight(const struct nn_model *model, float seen);

/* The same for a model of this weight at the full frame. */
float nn_event_weight(float weight, float seen);

/* A model is one network or several that judge together: members, all with the same input. */
enum { NN_MODEL_MEMBERS_MAX = 16 };

uint32_t nn_model_members(const struct nn_model *model);

/*
 * A member as it judges, its batch norms folded in, and as it was trained. The channels of its
 * output are the labels it answers, in rising order. Borrowed from the model.
 */
const struct nn_network *nn_model_network(const struct nn_model *model, uint32_t member);
const struct nn_network *nn_model_trained(const struct nn_model *model, uint32_t member);
const struct nn_calibration *nn_model_calibration(const struct nn_model *model, uint32_t member);

/* Bit k: it answers label k. NN_MODEL_ALL_LABELS: every one. */
enum { NN_MODEL_ALL_LABELS = (1 << NN_LABEL_COUNT) - 1 };
uint32_t nn_model_answers(const struct nn_model *model, uint32_t member);

/* How members that answer the same label become one score. The numbers are in the file. */
enum nn_combine {
    NN_COMBINE_MEAN = 0, /* mean of their scores */
    NN_COMBINE_VOTE = 1, /* share of them that say yes, each by its own threshold */
};
enum nn_combine nn_model_combine(const struct nn_model *model);

/*
 * From the members' logits to the model's scores, with `seen` the share of the frame.
 * logits: (members, NN_LABEL_COUNT), of which those a member does not answer do not matter;
 * ret_scores: (NN_LABEL_COUNT).
 */
void nn_model_scores(const struct nn_model *model, float seen, const float *logits,
                     float *ret_scores);

/*
 * What is usual: of the frames that the model's thresholds were learned from, the share that carry
 * each label, which is where those thresholds lie. ret_scores: (NN_LABEL_COUNT).
 */
void nn_model_prior(const struct nn_model *model, float *ret_scores);

/* Puts a member's outputs in their labels' places. outputs: (answers), ret_logits: (labels). */
void nn_model_place(uint32_t answers, const float *outputs, float *ret_logits);

/* One member, as it goes into a file. */
struct nn_model_member {
    struct nn_network *network; /* as trained, not folded; output (answers, rows, 1) */
    uint32_t answers;
    struct nn_calibration calibration;
};

/* What a model file is made of; all borrowed. */
struct nn_model_parts {
    struct nn_input_spec input;
    const struct nn_model_member *members;
    uint32_t n_members;
    enum nn_combine combine;
    const struct nn_event_net *event; /* NULL: none */
    float event_weight;               /* at the full frame, 0..10 */
    const char *note;                 /* at most 4095 bytes */
    const char *recordings;           /* one name per line, at most 65535 bytes; NULL = "" */
};

/*
 * Writes the file whole or not at all. 0, -EINVAL (parts that load would refuse), -errno. A model
 * must have a verdict by three quarters of a frame.
 */
int nn_model_save(const char *path, const struct nn_model_parts *parts);

#endif
