/*
 * The files of a data set. PREFIX.mat holds x_train, x_test (size, size, n), y_train, y_test (n, 1)
 * labels 1..6 or (n, 6) means, and, with means, weight_multiplier (1, 6), all with the first
 * dimension fastest, as MATLAB has it. PREFIX_x_train.npy and so on hold (n, size, size) and (n) or
 * (n, 6). Of an export: u8 and labels.
 */
#ifndef NN_CMD_DATASET_WRITE_H
#define NN_CMD_DATASET_WRITE_H

#include "nn/builder_picture.h"

struct dataset_form {
    const char *prefix;
    uint32_t size;
    enum nn_resize resize;
    bool scale; /* 0..1 in single precision */
    bool mat, npy;
};

/* Both say what went wrong. An enum command_exit. */
int dataset_write_plan(const struct nn_dataset *dataset, const struct nn_builder_plan *plan,
                       const struct dataset_form *form);
int dataset_write_export(const struct nn_dataset *dataset, double agreement,
                         const struct dataset_form *form);

#endif
