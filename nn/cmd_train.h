/* The ways `tipwright train` can go; each ends with an exit status. */
#ifndef NN_CMD_TRAIN_H
#define NN_CMD_TRAIN_H

#include "nn/cmd_train_options.h"
#include "nn/report.h"

/*
 * Trains, tells the figures, writes the model. ret_report: NULL, or where the folds' report goes,
 * for free(); untouched where there is none.
 */
int train_all(const struct train_options *options, const struct architecture *architecture,
              const struct nn_dataset *dataset, struct nn_report **ret_report);

/* The shipped model once more, and whether its figures come out again. */
int train_reproduce(const struct train_options *options);

/* Every combination of a grid's settings. */
int train_search(const struct train_options *options, const struct architecture *architecture,
                 const struct nn_dataset *dataset);

#endif
