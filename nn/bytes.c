/* Little-endian numbers, sealed files. */
#include "nn/bytes.h"

#include "nn/new_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t *nn_bytes_get(struct nn_bytes_reader *reader, size_t n)
{
    if (reader->failed || n > reader->left) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += n;
    reader->left -= n;
    return bytes;
}

static uint64_t get_number(struct nn_bytes_reader *reader, size_t n)
{
    const uint8_t *bytes = nn_bytes_get(reader, n);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < n; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t nn_bytes_get_u8(struct nn_bytes_reader *reader)
{
    return (uint8_t)get_number(reader, 1);
}

uint32_t nn_bytes_get_u32(struct nn_bytes_reader *reader)
{
    return (uint32_t)get_number(reader, 4);
}

uint64_t nn_bytes_get_u64(struct nn_bytes_reader *reader)
{
    return get_number(reader, 8);
}

float nn_bytes_get_f32(struct nn_bytes_reader *reader)
{
    uint32_t bits = nn_bytes_get_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void nn_bytes_get_f32s(struct nn_bytes_reader *reader, float *ret_values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret_values[i] = nn_bytes_get_f32(reader);
}

void nn_bytes_put(struct nn_bytes_writer *writer, const void *bytes, size_t n)
{
    if (writer->failed)
        return;
    if (n > writer->room - writer->size) {
        size_t room = 2 * writer->room + n + 256;
        uint8_t *larger = realloc(writer->data, room);
        if (!larger) {
            writer->failed = true;
            return;
        }
        writer->data = larger;
        writer->room = room;
    }
    if (n)
        memcpy(writer->data + writer->size, bytes, n);
    writer->size += n;
}

static void put_number(struct nn_bytes_writer *writer, uint64_t value, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    nn_bytes_put(writer, bytes, n);
}

void nn_bytes_put_u8(struct nn_bytes_writer *writer, uint8_t value)
{
    put_number(writer, value, 1);
}

void nn_bytes_put_u32(struct nn_bytes_writer *writer, uint32_t value)
{
    put_number(writer, value, 4);
}

void nn_bytes_put_u64(struct nn_bytes_writer *writer, uint64_t value)
{
    put_number(writer, value, 8);
}

void nn_bytes_put_f32s(struct nn_bytes_writer *writer, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        put_number(writer, bits, 4);
    }
}

void nn_bytes_seal(struct nn_bytes_writer *writer)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, writer->data, writer->size);
    nn_bytes_put(writer, hash, sizeof hash);
}

bool nn_bytes_sealed(const uint8_t *data, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (size < sizeof hash)
        return false;
    crypto_hash_sha256(hash, data, size - sizeof hash);
    return memcmp(hash, data + size - sizeof hash, sizeof hash) == 0;
}

static int read_all(FILE *file, size_t max_size, uint8_t **ret_data, size_t *ret_size)
{
    uint8_t *data = NULL;
    size_t size = 0;
    size_t room = 0;
    for (;;) {
        if (size == room) {
            room = room ? 2 * room : 1 << 16;
            uint8_t *larger = realloc(data, room);
            if (!larger) {
                free(data);
                return -ENOMEM;
            }
            data = larger;
        }
        size_t got = fread(data + size, 1, room - size, file);
        size += got;
        if (size > max_size || got == 0)
            break;
    }
    int error = ferror(file) ? -EIO : size > max_size ? -EFBIG : 0;
    if (error) {
        free(data);
        return error;
    }
    *ret_data = data;
    *ret_size = size;
    return 0;
}

int nn_bytes_read_file(const char *path, size_t max_size, uint8_t **ret_data, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -errno;
    int error = read_all(file, max_size, ret_data, ret_size);
    fclose(file);
    return error;
}

int nn_bytes_write_file(const char *path, const uint8_t *data, size_t size)
{
    struct nn_new_file file;
    int error = nn_new_file_open(path, &file);
    if (error)
        return error;
    if (fwrite(data, 1, size, file.stream) != size)
        error = errno ? -errno : -EIO;
    return nn_new_file_close(&file, error);
}
