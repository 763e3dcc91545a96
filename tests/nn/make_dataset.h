/* A little labelled data set and a little network for tests of training. */
#ifndef TESTS_NN_MAKE_DATASET_H
#define TESTS_NN_MAKE_DATASET_H

#include "nn/settings.h"

enum { EXAMPLES = 48, RECORDINGS = 4 };

/* Pictures with upright stripes, labelled rows, or slanting ones, labelled dimers. */
struct nn_dataset *make_dataset(void);

/* A convolution and a dense layer on 12 x 12 cells; eight epochs that learn the stripes. */
struct nn_train_settings make_settings(void);

#endif
