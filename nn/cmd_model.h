/* What the sub-commands of `tipwright model` share. */
#ifndef NN_CMD_MODEL_H
#define NN_CMD_MODEL_H

#include "nn/model.h"

#include <stdio.h>

int cmd_model_import(int argc, char **argv);

/* Layers, weights, input convention: what a person wants to know of a model. */
void cmd_model_print(FILE *out, const struct nn_model *model);

#endif
