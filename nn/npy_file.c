/* .npy files. */
#include "nn/npy_file.h"

#include "nn/new_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 128, PREAMBLE_SIZE = 10 }; /* together a multiple of 64, as the format asks */

static const struct {
    const char *name;
    size_t size;
} types[] = {[NN_ARRAY_U8] = {"|u1", 1}, [NN_ARRAY_F32] = {"<f4", 4}, [NN_ARRAY_F64] = {"<f8", 8}};

/* Preamble, dictionary, spaces, newline. */
static void compose_header(const struct nn_array_form *form, char ret[HEADER_SIZE])
{
    char shape[80] = "";
    size_t n = 0;
    for (unsigned i = 0; i < form->rank; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%zu,%s", form->sizes[i],
                              i + 1 < form->rank ? " " : "");
    static const char preamble[PREAMBLE_SIZE + 1] = "\x93NUMPY\x01\x00\x76\x00";
    memset(ret, ' ', HEADER_SIZE);
    memcpy(ret, preamble, PREAMBLE_SIZE);
    char text[HEADER_SIZE];
    int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                 types[form->type].name, shape);
    memcpy(ret + PREAMBLE_SIZE, text, (size_t)length);
    ret[HEADER_SIZE - 1] = '\n';
}

int nn_npy_write(const char *path, const struct nn_array_form *form, const void *data)
{
    const uint16_t one = 1;
    if (form->rank < 1 || form->rank > NN_ARRAY_RANK_MAX || *(const uint8_t *)&one != 1)
        return -EINVAL;
    char header[HEADER_SIZE];
    compose_header(form, header);
    size_t n = 1;
    for (unsigned i = 0; i < form->rank; i++)
        n *= form->sizes[i];
    struct nn_new_file file;
    int error = nn_new_file_open(path, &file);
    if (error)
        return error;
    if (fwrite(header, HEADER_SIZE, 1, file.stream) != 1 ||
        fwrite(data, types[form->type].size, n, file.stream) != n)
        error = -EIO;
    return nn_new_file_close(&file, error);
}
