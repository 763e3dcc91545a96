/* .mat files. */
#include "nn/mat_file.h"

#include <errno.h>
#include <matio.h>
#include <stdint.h>
#include <stdlib.h>

struct nn_mat {
    mat_t *file;
};

static const struct {
    enum matio_classes class;
    enum matio_types type;
    size_t size;
} types[] = {[NN_ARRAY_U8] = {MAT_C_UINT8, MAT_T_UINT8, 1},
             [NN_ARRAY_F32] = {MAT_C_SINGLE, MAT_T_SINGLE, 4},
             [NN_ARRAY_F64] = {MAT_C_DOUBLE, MAT_T_DOUBLE, 8}};

int nn_mat_create(const char *path, struct nn_mat **ret_mat)
{
    struct nn_mat *mat = malloc(sizeof *mat);
    if (!mat)
        return -ENOMEM;
    mat->file = Mat_CreateVer(path, "MATLAB 5.0 MAT-file, written by tipwright", MAT_FT_MAT5);
    if (!mat->file) {
        free(mat);
        return -EIO;
    }
    *ret_mat = mat;
    return 0;
}

int nn_mat_write(struct nn_mat *mat, const char *name, const struct nn_array_form *form,
                 const void *data)
{
    size_t sizes[NN_ARRAY_RANK_MAX];
    size_t bytes = types[form->type].size;
    if (form->rank < 2 || form->rank > NN_ARRAY_RANK_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < form->rank; i++) {
        sizes[i] = form->sizes[i];
        bytes *= form->sizes[i];
        if (bytes > INT32_MAX)
            return -EFBIG;
    }
    /* matio reads the data only, but takes it without const; it is not copied. */
    union {
        const void *in;
        void *out;
    } borrowed = {.in = data};
    matvar_t *variable = Mat_VarCreate(name, types[form->type].class, types[form->type].type,
                                       (int)form->rank, sizes, borrowed.out, MAT_F_DONT_COPY_DATA);
    if (!variable)
        return -ENOMEM;
    int failed = Mat_VarWrite(mat->file, variable, MAT_COMPRESSION_ZLIB);
    Mat_VarFree(variable);
    return failed ? -EIO : 0;
}

int nn_mat_close(struct nn_mat *mat)
{
    if (!mat)
        return 0;
    int failed = Mat_Close(mat->file);
    free(mat);
    return failed ? -EIO : 0;
}
