/*
 * A whole MATRIX file in memory, and the two kinds of it that are known.
 */
#ifndef INSTRUMENT_MATRIX_FILE_H
#define INSTRUMENT_MATRIX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Read a regular file of at most 1.25 GiB (more than the largest frame needs). *ret_data is yours,
 * free() it. 0, -EINVAL: not a regular file, -EFBIG, -ENOMEM, or the -errno of the system.
 */
int matrix_file_read(const char *path, uint8_t **ret_data, size_t *ret_size);

/* True when the path's last part is named like a result chain, "BASE_0001.mtrx". */
bool matrix_file_is_chain(const char *path);

/* A path's last part. Borrowed from `path`. */
const char *matrix_file_name(const char *path);

#endif
