/* The inside of a model, shared by model.c and model_file.c. */
#ifndef NN_MODEL_INSIDE_H
#define NN_MODEL_INSIDE_H

#include "nn/model.h"

enum {
    NOTE_BYTES_MAX = 4096,
    RECORDINGS_BYTES_MAX = 1 << 16,
    HASH_DIGITS = 64,
};

struct inside {
    struct nn_network *trained;
    struct nn_network *folded;
    uint32_t answers;
    struct nn_calibration calibration;
};

struct nn_model {
    struct nn_input_spec input;
    struct inside members[NN_MODEL_MEMBERS_MAX];
    uint32_t n_members;
    enum nn_combine combine;
    bool has_event;
    struct nn_event_net event;
    float event_weight;
    uint64_t work; /* multiply-adds of one verdict */
    char note[NOTE_BYTES_MAX];
    char recordings[RECORDINGS_BYTES_MAX];
    char hash[HASH_DIGITS + 1];
};

#endif
