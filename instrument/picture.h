/*
 * Pictures: grey PNG in, PNG and Gwyddion simple field (GSF) out.
 *
 * Frames are SI doubles, row-major, row 0 = bottom row (lowest y), as everywhere in the program;
 * only the files written here, and struct picture_gray, have the top row first.
 */
#ifndef INSTRUMENT_PICTURE_H
#define INSTRUMENT_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Refused before allocating: no frame of this program is larger. */
enum { PICTURE_SIDE_MAX = 8192 };

/* An 8-bit picture as a file shows it. */
struct picture_gray {
    uint32_t width, height;
    uint8_t *pixels; /* (height, width) row-major, row 0 = TOP row; owned */
};

/*
 * Read a PNG of any colour type as 8-bit grey; colour becomes luma (Rec. 709 weights on the stored
 * values), transparency is dropped. 0; -ENOENT and other -errno when the file cannot be opened;
 * -EBADMSG: not a PNG, damaged, or larger than PICTURE_SIDE_MAX. `error` then holds one line
 * without the path. *ret is untouched on failure.
 */
int picture_read_png_gray(const char *path, struct picture_gray *ret, char *error,
                          size_t error_size);

/* Write it as an 8-bit grey PNG; `path` is replaced only by a complete file. 0 or -errno. */
int picture_gray_write_png(const char *path, const struct picture_gray *gray);

/* Frees the pixels and clears the struct. */
void picture_gray_finish(struct picture_gray *gray);

/* What to draw. All pointers are borrowed for the call. */
struct picture_frame {
    uint32_t width, height; /* samples per row, rows; 1..PICTURE_SIDE_MAX */
    const double *values;   /* (height, width), row 0 = bottom; a value that is not finite is drawn
                               as missing */
    const uint8_t *seen; /* height flags, row 0 = bottom; 0: the row is missing. NULL: all seen */
    double width_m;      /* physical size; NAN or 0: unknown, then no scale bar */
    double height_m;
    const char *unit;  /* of the values, "m" or "A"; "" when raw counts */
    const char *title; /* "19_2 forward/up"; NULL: none */
};

enum picture_map { PICTURE_GRAY, PICTURE_GOLD, PICTURE_MAP_COUNT };

/* "gray", "gold". Borrowed, lives for ever. */
const char *picture_map_name(enum picture_map map);

/* The map with this name, or -1. */
int picture_map_from_name(const char *name);

/* A pair for a PNG text chunk. Keys: 1-79 Latin-1 letters, no space at either end. */
struct picture_text {
    const char *key;
    const char *value;
};

/* All zero is a good default: gray, 1-99 percentile, scale bar when the size is known. */
struct picture_options {
    enum picture_map map;
    double low, high;     /* values drawn as darkest and brightest; both 0: the 1st and 99th
                             percentile of the rows seen */
    uint32_t min_side_px; /* small frames are enlarged by a whole factor until both sides reach
                             this; 0: one pixel per sample */
    bool no_scale_bar;
    const char *corner_text;         /* top left, ASCII, lines split at \n; NULL: none */
    const uint32_t *tip_change_rows; /* rows (0 = bottom) to mark at both edges */
    size_t n_tip_change_rows;
    const struct picture_text *texts;
    size_t n_texts;
};

/*
 * Write the frame as PNG: `path` is replaced only when the new file is complete. `options` NULL:
 * defaults. 0, -EINVAL (empty or too large frame, bad text key), or -errno.
 */
int picture_write_png(const char *path, const struct picture_frame *frame,
                      const struct picture_options *options);

/*
 * Write the frame as a Gwyddion simple field (1.0): float32 with the true unit, missing cells NaN,
 * top row first. Sizes that are unknown are left out. Errors as above.
 */
int picture_write_gsf(const char *path, const struct picture_frame *frame);

/*
 * Write the frame as a grid of comma-separated numbers, BOTTOM row first, with all digits; a
 * missing cell is empty. Errors as above.
 */
int picture_write_csv(const char *path, const struct picture_frame *frame);

#endif
