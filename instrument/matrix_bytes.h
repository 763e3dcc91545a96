/*
 * Reading MATRIX primitives from memory with bounds: every function checks what is left, and after
 * one failure the cursor stays failed and yields zeros, so that a caller may check once per group.
 *
 * All values are little-endian (observed); strings are u32 count + UTF-16LE units (observed).
 */
#ifndef INSTRUMENT_MATRIX_BYTES_H
#define INSTRUMENT_MATRIX_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer strings are taken for damage; real ones stay below 300 units (observed). */
enum { MATRIX_STRING_MAX = 10000 };

struct matrix_cursor {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t at;
    bool failed;
};

/* A string where it lies in the file. */
struct matrix_text {
    const uint8_t *units; /* UTF-16LE, borrowed, not aligned */
    uint32_t n;
};

/* The types of a typed value, as read from disk. */
enum matrix_type { MATRIX_BOOL, MATRIX_INT, MATRIX_DOUBLE, MATRIX_STRING };

struct matrix_value {
    enum matrix_type type;
    double number; /* of the first three; 0 for a string */
    struct matrix_text text;
};

struct matrix_cursor matrix_cursor(const uint8_t *data, size_t size);

size_t matrix_left(const struct matrix_cursor *cursor);
void matrix_skip(struct matrix_cursor *cursor, size_t n);
uint32_t matrix_get_u32(struct matrix_cursor *cursor);
uint64_t matrix_get_u64(struct matrix_cursor *cursor);
struct matrix_text matrix_get_text(struct matrix_cursor *cursor);

/* 4-byte type, then its data; an unknown type fails the cursor. */
struct matrix_value matrix_get_value(struct matrix_cursor *cursor);

/*
 * A count of items of at least `min_item_size` bytes each; one that cannot fit into what is left
 * fails the cursor and yields 0.
 */
uint32_t matrix_get_count(struct matrix_cursor *cursor, size_t min_item_size);

/* The next n bytes as a cursor of their own; `cursor` moves behind them. */
struct matrix_cursor matrix_get_part(struct matrix_cursor *cursor, size_t n);

/* A tag as on disk, e.g. MATRIX_TAG('A','T','E','M'), equals what matrix_get_u32 returns. */
#define MATRIX_TAG(a, b, c, d)                                                                     \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

bool matrix_text_is(const struct matrix_text *text, const char *ascii);
bool matrix_text_starts_with(const struct matrix_text *text, const char *ascii);

/* As UTF-8, terminated, cut at a character to fit; a lone surrogate becomes U+FFFD, controls '?'.
 */
void matrix_text_copy(const struct matrix_text *text, char *ret, size_t size);

/* True when the text in UTF-8 equals `utf8` completely. */
bool matrix_text_equals(const struct matrix_text *text, const char *utf8);

#endif
