/* Bounds-checked little-endian primitives of MATRIX files. */
#include "instrument/matrix_bytes.h"

#include <string.h>

struct matrix_cursor matrix_cursor(const uint8_t *data, size_t size)
{
    return (struct matrix_cursor){.data = data, .size = size};
}

size_t matrix_left(const struct matrix_cursor *cursor)
{
    return cursor->failed ? 0 : cursor->size - cursor->at;
}

/* The next n bytes, or NULL with the cursor failed. */
static const uint8_t *take(struct matrix_cursor *cursor, size_t n)
{
    if (cursor->failed || n > cursor->size - cursor->at) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->data + cursor->at;
    cursor->at += n;
    return bytes;
}

void matrix_skip(struct matrix_cursor *cursor, size_t n)
{
    (void)take(cursor, n);
}

static uint32_t u32_from(const uint8_t *bytes)
{
    return MATRIX_TAG(bytes[0], bytes[1], bytes[2], bytes[3]);
}

uint32_t matrix_get_u32(struct matrix_cursor *cursor)
{
    const uint8_t *bytes = take(cursor, 4);
    return bytes ? u32_from(bytes) : 0;
}

uint64_t matrix_get_u64(struct matrix_cursor *cursor)
{
    const uint8_t *bytes = take(cursor, 8);
    return bytes ? u32_from(bytes) | (uint64_t)u32_from(bytes + 4) << 32 : 0;
}

static double get_f64(struct matrix_cursor *cursor)
{
    uint64_t bits = matrix_get_u64(cursor);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct matrix_text matrix_get_text(struct matrix_cursor *cursor)
{
    uint32_t n = matrix_get_u32(cursor);
    if (n > MATRIX_STRING_MAX)
        cursor->failed = true;
    const uint8_t *units = take(cursor, (size_t)n * 2);
    return units ? (struct matrix_text){units, n} : (struct matrix_text){0};
}

struct matrix_value matrix_get_value(struct matrix_cursor *cursor)
{
    struct matrix_value value = {.type = MATRIX_BOOL};
    switch (matrix_get_u32(cursor)) {
    case MATRIX_TAG('L', 'O', 'O', 'B'):
        value.number = matrix_get_u32(cursor) != 0;
        break;
    case MATRIX_TAG('G', 'N', 'O', 'L'):
        value.type = MATRIX_INT;
        value.number = (int32_t)matrix_get_u32(cursor);
        break;
    case MATRIX_TAG('B', 'U', 'O', 'D'):
        value.type = MATRIX_DOUBLE;
        value.number = get_f64(cursor);
        break;
    case MATRIX_TAG('G', 'R', 'T', 'S'):
        value.type = MATRIX_STRING;
        value.text = matrix_get_text(cursor);
        break;
    default:
        cursor->failed = true;
    }
    return value;
}

uint32_t matrix_get_count(struct matrix_cursor *cursor, size_t min_item_size)
{
    uint32_t n = matrix_get_u32(cursor);
    if (n > matrix_left(cursor) / min_item_size) {
        cursor->failed = true;
        return 0;
    }
    return n;
}

struct matrix_cursor matrix_get_part(struct matrix_cursor *cursor, size_t n)
{
    const uint8_t *bytes = take(cursor, n);
    struct matrix_cursor part = matrix_cursor(bytes, bytes ? n : 0);
    part.failed = bytes == NULL;
    return part;
}

static uint32_t unit_at(const struct matrix_text *text, uint32_t i)
{
    return text->units[2 * i] | (uint32_t)text->units[2 * i + 1] << 8;
}

bool matrix_text_starts_with(const struct matrix_text *text, const char *ascii)
{
    size_t length = strlen(ascii);
    if (length > text->n)
        return false;
    for (uint32_t i = 0; i < length; i++)
        if (unit_at(text, i) != (unsigned char)ascii[i])
            return false;
    return true;
}

bool matrix_text_is(const struct matrix_text *text, const char *ascii)
{
    return text->n == strlen(ascii) && matrix_text_starts_with(text, ascii);
}

/* The character at *i, which moves behind it. */
static uint32_t next_character(const struct matrix_text *text, uint32_t *i)
{
    uint32_t unit = unit_at(text, (*i)++);
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit < 0xDC00 && *i < text->n) {
        uint32_t low = unit_at(text, *i);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            (*i)++;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

static size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)(lead[n] | c);
    return n;
}

void matrix_text_copy(const struct matrix_text *text, char *ret, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < text->n;) {
        uint32_t c = next_character(text, &i);
        char bytes[4];
        size_t n = utf8_encode(c < 0x20 || c == 0x7F ? '?' : c, bytes);
        if (used + n + 1 > size)
            break;
        memcpy(ret + used, bytes, n);
        used += n;
    }
    if (size)
        ret[used] = '\0';
}

bool matrix_text_equals(const struct matrix_text *text, const char *utf8)
{
    size_t length = strlen(utf8), at = 0;
    for (uint32_t i = 0; i < text->n;) {
        char bytes[4];
        size_t n = utf8_encode(next_character(text, &i), bytes);
        if (n > length - at || memcmp(utf8 + at, bytes, n) != 0)
            return false;
        at += n;
    }
    return at == length;
}
