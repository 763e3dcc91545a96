/*
 * The network that `tipwright train` trains, and the settings it was found to do best with.
 */
#ifndef NN_ARCHITECTURE_H
#define NN_ARCHITECTURE_H

#include "nn/train.h"

/* Layers as static data, everything else set; change what you like before training. */
struct nn_train_settings nn_architecture_default(void);

#endif
