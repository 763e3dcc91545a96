/*
 * Little-endian numbers in and out of memory. Reading past the end or running out of memory sets
 * `failed` and yields zeros from then on, so that one check at the end is enough.
 */
#ifndef NN_BYTES_H
#define NN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nn_bytes_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

uint8_t nn_bytes_get_u8(struct nn_bytes_reader *reader);
uint32_t nn_bytes_get_u32(struct nn_bytes_reader *reader);
uint64_t nn_bytes_get_u64(struct nn_bytes_reader *reader);
float nn_bytes_get_f32(struct nn_bytes_reader *reader);
void nn_bytes_get_f32s(struct nn_bytes_reader *reader, float *ret_values, size_t n);
/* n bytes where they lie, or NULL. */
const uint8_t *nn_bytes_get(struct nn_bytes_reader *reader, size_t n);

/* Zero-initialise; free(data) when done. */
struct nn_bytes_writer {
    uint8_t *data;
    size_t size;
    size_t room;
    bool failed;
};

void nn_bytes_put_u8(struct nn_bytes_writer *writer, uint8_t value);
void nn_bytes_put_u32(struct nn_bytes_writer *writer, uint32_t value);
void nn_bytes_put_u64(struct nn_bytes_writer *writer, uint64_t value);
void nn_bytes_put_f32s(struct nn_bytes_writer *writer, const float *values, size_t n);
void nn_bytes_put(struct nn_bytes_writer *writer, const void *bytes, size_t n);

enum { NN_BYTES_SEAL = 32 };

/* Appends the SHA-256 of everything so far. */
void nn_bytes_seal(struct nn_bytes_writer *writer);

/* Whether the last NN_BYTES_SEAL of size bytes are the SHA-256 of those before. */
bool nn_bytes_sealed(const uint8_t *data, size_t size);

/* The whole file; free(*ret_data). 0, -EFBIG beyond max_size, or what the system says. */
int nn_bytes_read_file(const char *path, size_t max_size, uint8_t **ret_data, size_t *ret_size);

/* Written beside `path`, synced, renamed over it. 0, or what the system says. */
int nn_bytes_write_file(const char *path, const uint8_t *data, size_t size);

#endif
