/*
 * Just enough of Gwyddion's native file format to read back the fields of a converted file: GWYP,
 * then one serialized container of named items (Gwyddion's published format description).
 */
#ifndef TESTS_INSTRUMENT_GWY_H
#define TESTS_INSTRUMENT_GWY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GWY_FIELDS_MAX = 16 };

struct gwy_field {
    char title[128];
    int number; /* of the channel, from its key /NUMBER/data */
    uint32_t xres, yres;
    double xreal, yreal;
    double *data; /* (yres, xres), top row first; owned */
};

struct gwy_file {
    size_t n_fields;
    struct gwy_field fields[GWY_FIELDS_MAX];
};

/* False when the file is not there or not understood. */
bool gwy_read(const char *path, struct gwy_file *ret);

/* The field whose title contains `name` as a whole word, or NULL. */
const struct gwy_field *gwy_find(const struct gwy_file *gwy, const char *name);

void gwy_free(struct gwy_file *gwy);

#endif
