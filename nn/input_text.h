/* The input convention as words, one for each of its keys: in ONNX metadata and on command lines.
 */
#ifndef NN_INPUT_TEXT_H
#define NN_INPUT_TEXT_H

#include "nn/input.h"

/*
 * rows, cols: a number; planes: height, roughness, step, seen, turn, with commas; flatten: none,
 * median, mean, linear; limit: a number of spreads; looks: 1, 2; scaling: median, frozen;
 * lead_in: a number of rows.
 */
enum { NN_INPUT_KEYS = 8, NN_INPUT_TEXT_MAX = 64 };

/* Key i of NN_INPUT_KEYS. Borrowed, lives for ever. */
const char *nn_input_key(unsigned i);

/* Sets one key. false, and nothing is changed, where key or value is not one of the above. */
bool nn_input_set(struct nn_input_spec *input, const char *key, const char *value);

/* The value of a key that there is; ret_text: (NN_INPUT_TEXT_MAX), always terminated. */
void nn_input_get(const struct nn_input_spec *input, const char *key, char *ret_text);

#endif
