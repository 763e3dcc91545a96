/*
 * What charts and pictures are drawn on, and what comes of it: a PNG or an SVG file. Lengths are
 * points, x to the right, y down. Drawn with cairo, in the font DejaVu Sans where there is one.
 */
#ifndef NN_CANVAS_H
#define NN_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nn_canvas_kind { NN_CANVAS_PNG, NN_CANVAS_SVG };

struct nn_canvas;

/*
 * A white sheet. A PNG has two pixels to the point, so that text stays readable. 0, -EINVAL (a side
 * below 1 or beyond 16,000 points), -ENOMEM.
 */
int nn_canvas_create(enum nn_canvas_kind kind, double width, double height,
                     struct nn_canvas **ret_canvas);
void nn_canvas_destroy(struct nn_canvas *canvas);

/* The file's bytes, for free(). Nothing may be drawn afterwards. 0, -ENOMEM. */
int nn_canvas_encode(struct nn_canvas *canvas, uint8_t **ret_data, size_t *ret_size);

/* The same into a file, whole or not at all. 0, or negative errno. */
int nn_canvas_write(struct nn_canvas *canvas, const char *path);

struct nn_box {
    double x, y, width, height;
};

struct nn_color {
    double red, green, blue; /* 0..1 each */
};

/* Text of one line whose anchor lies at (x, y). */
struct nn_text {
    double size;   /* points */
    double anchor; /* 0: begins at x, .5: is centred on it, 1: ends there */
    double turn;   /* radians, clockwise, about the anchor */
    struct nn_color color;
    bool bold;
};

void nn_canvas_text(struct nn_canvas *canvas, double x, double y, const struct nn_text *style,
                    const char *text);
double nn_canvas_text_width(struct nn_canvas *canvas, const struct nn_text *style,
                            const char *text);

/* Grey levels 0..255, (rows, columns), as large as fits into the box, centred. */
void nn_canvas_picture(struct nn_canvas *canvas, struct nn_box box, const uint8_t *gray,
                       uint32_t columns, uint32_t rows);

void nn_canvas_fill(struct nn_canvas *canvas, struct nn_box box, struct nn_color color);

/* n points, broken where y is not finite. */
struct nn_stroke {
    struct nn_color color;
    double width;
    bool dashed;
};
void nn_canvas_line(struct nn_canvas *canvas, const struct nn_stroke *stroke, uint32_t n,
                    const double *x, const double *y);

/* The area between two lines over the same x; points where one is not finite are left out. */
void nn_canvas_band(struct nn_canvas *canvas, struct nn_color color, uint32_t n, const double *x,
                    const double *low, const double *high);

void nn_canvas_dot(struct nn_canvas *canvas, struct nn_color color, double x, double y,
                   double radius);

/* Nothing is drawn outside the box until nn_canvas_unclip. */
void nn_canvas_clip(struct nn_canvas *canvas, struct nn_box box);
void nn_canvas_unclip(struct nn_canvas *canvas);

#endif
