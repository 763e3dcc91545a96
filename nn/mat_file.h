/* Arrays as a MATLAB file, level 5, compressed, through matio. */
#ifndef NN_MAT_FILE_H
#define NN_MAT_FILE_H

#include "nn/array_form.h"

struct nn_mat;

/* An existing file is replaced. 0, or -EIO. */
int nn_mat_create(const char *path, struct nn_mat **ret_mat);

/*
 * `data`: column-major, the FIRST dimension fastest; rank 2 or 3. 0; -EINVAL; -EFBIG: more than
 * 2 GiB - 1, which level 5 cannot hold; -EIO.
 */
int nn_mat_write(struct nn_mat *mat, const char *name, const struct nn_array_form *form,
                 const void *data);

/* 0, or -EIO: not all of it is on disk. Accepts NULL. */
int nn_mat_close(struct nn_mat *mat);

#endif
