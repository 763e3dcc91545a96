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

/*
 * Loads the model that --from names, when it does: its weights into the architecture's settings,
 * itself into the options. Refuses one of other layers, and one that was trained on recordings
 * which the folds leave out. 0, or -1 after saying why not; *ret_model is for nn_model_destroy
 * after the training, or NULL.
 */
int train_start(struct train_options *options, struct architecture *architecture,
                const struct nn_dataset *dataset, struct nn_model **ret_model);

/*
 * Loads the set that --also names, when it does, into the settings and the options. Refuses one
 * with recordings that folds leave out. 0, or -1 after saying why not; *ret_also is for
 * nn_dataset_destroy after the training, or NULL.
 */
int train_also(struct train_options *options, struct architecture *architecture,
               const struct nn_dataset *dataset, struct nn_dataset **ret_also);

/* Whether one line of `names`, as nn_model_recordings gives them, is this name. */
bool train_names_recording(const char *names, const char *name);

/* The shipped model once more, and whether its figures come out again. */
int train_reproduce(const struct train_options *options);

/* A learning curve; the options' sizes become what there is. */
int train_sizes(struct train_options *options, const struct architecture *architecture,
                const struct nn_dataset *dataset);

/* Every combination of a grid's settings. */
int train_search(const struct train_options *options, const struct architecture *architecture,
                 const struct nn_dataset *dataset);

#endif
