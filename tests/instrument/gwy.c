#include "tests/instrument/gwy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stretch of the file; an overrun empties it. */
struct span {
    const uint8_t *at, *end;
};

static bool take(struct span *span, void *ret, size_t n)
{
    if ((size_t)(span->end - span->at) < n) {
        span->at = span->end;
        return false;
    }
    memcpy(ret, span->at, n);
    span->at += n;
    return true;
}

static const char *take_string(struct span *span)
{
    const uint8_t *end = memchr(span->at, 0, (size_t)(span->end - span->at));
    const char *text = end ? (const char *)span->at : "";
    span->at = end ? end + 1 : span->end;
    return text;
}

static struct span take_object(struct span *span)
{
    uint32_t size = 0;
    take_string(span);
    take(span, &size, sizeof size);
    if (size > (size_t)(span->end - span->at))
        size = 0;
    struct span inside = {span->at, span->at + size};
    span->at += size;
    return inside;
}

static size_t item_size(char type)
{
    switch (type) {
    case 'b':
    case 'c':
    case 'C':
        return 1;
    case 'i':
    case 'I':
        return 4;
    default:
        return 8;
    }
}

/* Skip one value. False: a type this does not know. */
static bool skip_value(struct span *span, char type)
{
    uint8_t plain[8];
    uint32_t n;
    if (type == 's')
        return take_string(span), true;
    if (type == 'o')
        return take_object(span), true;
    if (strchr("bcid"
               "q",
               type))
        return take(span, plain, item_size(type));
    if (!take(span, &n, sizeof n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        bool ok = type == 'O'   ? (take_object(span), true)
                  : type == 'S' ? (take_string(span), true)
                                : take(span, plain, item_size(type));
        if (!ok)
            return false;
    }
    return true;
}

static bool read_field(struct span span, struct gwy_field *field)
{
    while (span.at < span.end) {
        const char *name = take_string(&span);
        char type = 0;
        uint32_t n;
        if (!take(&span, &type, 1))
            return false;
        if (strcmp(name, "xres") == 0) {
            take(&span, &field->xres, 4);
        } else if (strcmp(name, "yres") == 0) {
            take(&span, &field->yres, 4);
        } else if (strcmp(name, "xreal") == 0) {
            take(&span, &field->xreal, 8);
        } else if (strcmp(name, "yreal") == 0) {
            take(&span, &field->yreal, 8);
        } else if (strcmp(name, "data") == 0) {
            if (!take(&span, &n, 4) || n > (size_t)(span.end - span.at) / 8)
                return false;
            field->data = malloc((size_t)n * 8 + 1);
            if (!field->data || !take(&span, field->data, (size_t)n * 8) ||
                n != field->xres * field->yres)
                return false;
        } else if (!skip_value(&span, type)) {
            return false;
        }
    }
    return field->data != NULL;
}

static struct gwy_field *field_numbered(struct gwy_file *gwy, int number)
{
    for (size_t i = 0; i < gwy->n_fields; i++)
        if (gwy->fields[i].number == number)
            return &gwy->fields[i];
    if (gwy->n_fields == GWY_FIELDS_MAX)
        return NULL;
    struct gwy_field *field = &gwy->fields[gwy->n_fields++];
    *field = (struct gwy_field){.number = number};
    return field;
}

static bool read_item(struct span *span, struct gwy_file *gwy)
{
    const char *name = take_string(span);
    char type = 0, rest[64];
    int number;
    if (!take(span, &type, 1))
        return false;
    if (sscanf(name, "/%d/%63s", &number, rest) == 2) {
        struct gwy_field *field;
        if (type == 'o' && strcmp(rest, "data") == 0)
            return (field = field_numbered(gwy, number)) && read_field(take_object(span), field);
        if (type == 's' && strcmp(rest, "data/title") == 0) {
            field = field_numbered(gwy, number);
            if (field)
                snprintf(field->title, sizeof field->title, "%s", take_string(span));
            return field != NULL;
        }
    }
    return skip_value(span, type);
}

bool gwy_read(const char *path, struct gwy_file *ret)
{
    *ret = (struct gwy_file){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    static const size_t room = 16 << 20;
    uint8_t *bytes = malloc(room);
    size_t size = bytes ? fread(bytes, 1, room, file) : 0;
    fclose(file);
    bool ok = size > 4 && size < room && memcmp(bytes, "GWYP", 4) == 0;
    if (ok) {
        struct span whole = {bytes + 4, bytes + size};
        struct span inside = take_object(&whole);
        while (ok && inside.at < inside.end)
            ok = read_item(&inside, ret);
    }
    free(bytes);
    return ok;
}

const struct gwy_field *gwy_find(const struct gwy_file *gwy, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < gwy->n_fields; i++) {
        const char *at = strstr(gwy->fields[i].title, name);
        bool whole = at && (at == gwy->fields[i].title || at[-1] == ' ') &&
                     (at[length] == '\0' || at[length] == ' ');
        if (whole)
            return &gwy->fields[i];
    }
    return NULL;
}

void gwy_free(struct gwy_file *gwy)
{
    for (size_t i = 0; i < gwy->n_fields; i++)
        free(gwy->fields[i].data);
    gwy->n_fields = 0;
}
