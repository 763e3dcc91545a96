/*
 * Building one block of a MATRIX file in memory: header, payload, blocks inside it. Little-endian,
 * strings as u32 count + UTF-16LE. The memory is kept from block to block; too little of it aborts,
 * as blocks are small.
 */
#ifndef INSTRUMENT_MATRIX_BLOCKS_H
#define INSTRUMENT_MATRIX_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is a valid empty block. */
struct matrix_block {
    uint8_t *data; /* owned; matrix_block_free() */
    size_t size, capacity;
    size_t inner; /* where the length of the inner block stands */
};

/* A typed value to write. Text is borrowed. */
struct matrix_put_value {
    char type[5]; /* as on disk: "LOOB", "GNOL", "BUOD", "GRTS" */
    double number;
    const char *text;
};

struct matrix_put_value matrix_put_bool(bool value);
struct matrix_put_value matrix_put_int(int32_t value);
struct matrix_put_value matrix_put_double(double value);
struct matrix_put_value matrix_put_string(const char *utf8);

/* Start anew with a long header; `tag` as on disk. */
void matrix_block_begin(struct matrix_block *block, const char *tag, int64_t t_utc_s,
                        uint32_t extra);

/* Start anew without a header, for the fixed head of a file. */
void matrix_block_begin_bare(struct matrix_block *block);

void matrix_put_tag(struct matrix_block *block, const char *tag);
void matrix_put_u32(struct matrix_block *block, uint32_t value);
void matrix_put_u64(struct matrix_block *block, uint64_t value);
/* UTF-8; bytes that are none become U+FFFD. */
void matrix_put_text(struct matrix_block *block, const char *utf8);
void matrix_put_typed(struct matrix_block *block, const struct matrix_put_value *value);

/* A block with short header inside; one at a time, not nested deeper. */
void matrix_inner_begin(struct matrix_block *block, const char *tag);
void matrix_inner_end(struct matrix_block *block);

/* Set the header's length. The bytes are borrowed until the next begin. */
const uint8_t *matrix_block_finish(struct matrix_block *block, size_t *ret_size);

void matrix_block_free(struct matrix_block *block);

#endif
