/* What `tipwright train` writes beside the model: how it went, and what came of it. */
#ifndef NN_CMD_TRAIN_OUTPUT_H
#define NN_CMD_TRAIN_OUTPUT_H

#include "nn/cmd_train_options.h"

/* The model file. 0, or negative errno. */
int train_write_model(const struct train_options *options, const struct architecture *architecture,
                      const struct nn_crossval *crossval, const struct nn_dataset *dataset);

/* Every epoch of every training, as CSV. 0, or negative errno. */
int train_write_history(const char *path, const struct nn_crossval *crossval);

/* The same as a picture. 0, or negative errno. */
int train_write_curves(const char *path, const struct nn_crossval *crossval);

/* "fold 3, member 2, dimers"; "everything" instead of a fold. */
void train_name_run(const struct nn_crossval_training *run, uint32_t folds, char *buf, size_t size);

#endif
