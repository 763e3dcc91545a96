/* Builds blocks of MATRIX files. */
#include "instrument/matrix_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_HEADER_SIZE = 16, LENGTH_AT = 4 };

struct matrix_put_value matrix_put_bool(bool value)
{
    return (struct matrix_put_value){.type = "LOOB", .number = value};
}

struct matrix_put_value matrix_put_int(int32_t value)
{
    return (struct matrix_put_value){.type = "GNOL", .number = value};
}

struct matrix_put_value matrix_put_double(double value)
{
    return (struct matrix_put_value){.type = "BUOD", .number = value};
}

struct matrix_put_value matrix_put_string(const char *utf8)
{
    return (struct matrix_put_value){.type = "GRTS", .text = utf8};
}

static uint8_t *grow(struct matrix_block *block, size_t n)
{
    if (n > block->capacity - block->size) {
        size_t capacity = (block->size + n) * 2;
        block->data = realloc(block->data, capacity);
        if (!block->data) {
            fputs("tipwright: out of memory for a MATRIX block\n", stderr);
            abort();
        }
        block->capacity = capacity;
    }
    block->size += n;
    return block->data + block->size - n;
}

static void store_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void matrix_block_begin_bare(struct matrix_block *block)
{
    block->size = 0;
}

void matrix_block_begin(struct matrix_block *block, const char *tag, int64_t t_utc_s,
                        uint32_t extra)
{
    block->size = 0;
    matrix_put_tag(block, tag);
    matrix_put_u32(block, 0);
    matrix_put_u32(block, (uint32_t)t_utc_s);
    matrix_put_u32(block, extra);
}

void matrix_put_tag(struct matrix_block *block, const char *tag)
{
    memcpy(grow(block, 4), tag, 4);
}

void matrix_put_u32(struct matrix_block *block, uint32_t value)
{
    store_u32(grow(block, 4), value);
}

void matrix_put_u64(struct matrix_block *block, uint64_t value)
{
    matrix_put_u32(block, (uint32_t)value);
    matrix_put_u32(block, (uint32_t)(value >> 32));
}

/* The character at *at, which moves behind it; U+FFFD and one byte for what is no UTF-8. */
static uint32_t next_character(const uint8_t **at)
{
    static const uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *s = *at;
    uint32_t lead = *s;
    int more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    uint32_t c = more ? lead & (0x3Fu >> more) : lead;
    bool bad = (lead >= 0x80 && lead < 0xC0) || lead >= 0xF8;
    for (int i = 1; !bad && i <= more; i++) {
        bad = (s[i] & 0xC0) != 0x80;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    bad = bad || c < smallest[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF);
    *at += bad ? 1 : more + 1;
    return bad ? 0xFFFD : c;
}

static void put_unit(struct matrix_block *block, uint32_t unit)
{
    uint8_t *at = grow(block, 2);
    at[0] = (uint8_t)unit;
    at[1] = (uint8_t)(unit >> 8);
}

void matrix_put_text(struct matrix_block *block, const char *utf8)
{
    size_t count_at = block->size;
    matrix_put_u32(block, 0);
    for (const uint8_t *at = (const uint8_t *)utf8; *at;) {
        uint32_t c = next_character(&at);
        if (c > 0xFFFF) {
            put_unit(block, 0xD800 + ((c - 0x10000) >> 10));
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        put_unit(block, c);
    }
    store_u32(block->data + count_at, (uint32_t)((block->size - count_at - 4) / 2));
}

void matrix_put_typed(struct matrix_block *block, const struct matrix_put_value *value)
{
    matrix_put_tag(block, value->type);
    if (value->text) {
        matrix_put_text(block, value->text);
    } else if (value->type[0] == 'B') {
        uint64_t bits;
        memcpy(&bits, &value->number, sizeof bits);
        matrix_put_u64(block, bits);
    } else {
        matrix_put_u32(block, (uint32_t)(int32_t)value->number);
    }
}

void matrix_inner_begin(struct matrix_block *block, const char *tag)
{
    matrix_put_tag(block, tag);
    block->inner = block->size;
    matrix_put_u32(block, 0);
}

void matrix_inner_end(struct matrix_block *block)
{
    store_u32(block->data + block->inner, (uint32_t)(block->size - block->inner - 4));
}

const uint8_t *matrix_block_finish(struct matrix_block *block, size_t *ret_size)
{
    store_u32(block->data + LENGTH_AT, (uint32_t)(block->size - LONG_HEADER_SIZE));
    *ret_size = block->size;
    return block->data;
}

void matrix_block_free(struct matrix_block *block)
{
    free(block->data);
    *block = (struct matrix_block){0};
}
