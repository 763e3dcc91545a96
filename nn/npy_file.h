/*
 * One array as a NumPy file (.npy, format version 1.0): a magic, a header of text, the numbers.
 * Source of the format: NumPy's documentation of numpy.lib.format.
 */
#ifndef NN_NPY_FILE_H
#define NN_NPY_FILE_H

#include "nn/array_form.h"

/*
 * `data`: row-major, the last dimension fastest, in this machine's byte order, which must be
 * little-endian. 0 or negative errno; the file is complete under its name, or not there.
 */
int nn_npy_write(const char *path, const struct nn_array_form *form, const void *data);

#endif
