/* Drawing through cairo. */
#include "nn/canvas.h"

#include "nn/bytes.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double pixels_per_point = 2.0;

struct nn_canvas {
    enum nn_canvas_kind kind;
    cairo_surface_t *surface;
    cairo_t *cairo;
    struct nn_bytes_writer file; /* SVG: filled when the surface is finished */
};

static cairo_status_t take(void *context, const unsigned char *data, unsigned int size)
{
    struct nn_bytes_writer *writer = context;
    nn_bytes_put(writer, data, size);
    return writer->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static void set_color(cairo_t *cairo, struct nn_color color, double opacity)
{
    cairo_set_source_rgba(cairo, color.red, color.green, color.blue, opacity);
}

int nn_canvas_create(enum nn_canvas_kind kind, double width, double height,
                     struct nn_canvas **ret_canvas)
{
    const double side_max = 16000.0;
    if (!(width >= 1.0 && width <= side_max && height >= 1.0 && height <= side_max))
        return -EINVAL;
    struct nn_canvas *canvas = calloc(1, sizeof *canvas);
    if (!canvas)
        return -ENOMEM;
    canvas->kind = kind;
    if (kind == NN_CANVAS_SVG)
        canvas->surface = cairo_svg_surface_create_for_stream(take, &canvas->file, width, height);
    else
        canvas->surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * pixels_per_point),
                                       (int)ceil(height * pixels_per_point));
    canvas->cairo = cairo_create(canvas->surface);
    if (cairo_status(canvas->cairo) != CAIRO_STATUS_SUCCESS) {
        nn_canvas_destroy(canvas);
        return -ENOMEM;
    }
    if (kind == NN_CANVAS_PNG)
        cairo_scale(canvas->cairo, pixels_per_point, pixels_per_point);
    nn_canvas_fill(canvas, (struct nn_box){.width = width, .height = height},
                   (struct nn_color){1.0, 1.0, 1.0});
    *ret_canvas = canvas;
    return 0;
}

void nn_canvas_destroy(struct nn_canvas *canvas)
{
    if (!canvas)
        return;
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
    free(canvas->file.data);
    free(canvas);
}

int nn_canvas_encode(struct nn_canvas *canvas, uint8_t **ret_data, size_t *ret_size)
{
    bool fine = cairo_status(canvas->cairo) == CAIRO_STATUS_SUCCESS;
    if (canvas->kind == NN_CANVAS_PNG)
        fine = fine && cairo_surface_write_to_png_stream(canvas->surface, take, &canvas->file) ==
                           CAIRO_STATUS_SUCCESS;
    cairo_surface_finish(canvas->surface);
    if (!fine || canvas->file.failed ||
        cairo_surface_status(canvas->surface) != CAIRO_STATUS_SUCCESS)
        return -ENOMEM;
    *ret_data = canvas->file.data;
    *ret_size = canvas->file.size;
    canvas->file = (struct nn_bytes_writer){0};
    return 0;
}

int nn_canvas_write(struct nn_canvas *canvas, const char *path)
{
    uint8_t *data;
    size_t size;
    int error = nn_canvas_encode(canvas, &data, &size);
    if (error)
        return error;
    error = nn_bytes_write_file(path, data, size);
    free(data);
    return error;
}

static void set_font(cairo_t *cairo, const struct nn_text *style)
{
    cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, style->size);
}

double nn_canvas_text_width(struct nn_canvas *canvas, const struct nn_text *style, const char *text)
{
    cairo_text_extents_t extents;
    set_font(canvas->cairo, style);
    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void nn_canvas_text(struct nn_canvas *canvas, double x, double y, const struct nn_text *style,
                    const char *text)
{
    cairo_t *cairo = canvas->cairo;
    double width = nn_canvas_text_width(canvas, style, text);
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, style->turn);
    set_color(cairo, style->color, 1.0);
    cairo_move_to(cairo, -style->anchor * width, 0.0);
    cairo_show_text(cairo, text);
    cairo_restore(cairo);
}

void nn_canvas_picture(struct nn_canvas *canvas, struct nn_box box, const uint8_t *gray,
                       uint32_t columns, uint32_t rows)
{
    cairo_surface_t *picture =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    unsigned char *pixels = cairo_image_surface_get_data(picture);
    if (!pixels || columns == 0 || rows == 0) {
        cairo_surface_destroy(picture);
        return;
    }
    size_t stride = (size_t)cairo_image_surface_get_stride(picture);
    for (uint32_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++)
            for (size_t channel = 0; channel < 4; channel++)
                pixels[y * stride + 4 * x + channel] = gray[(size_t)y * columns + x];
    cairo_surface_mark_dirty(picture);
    double scale = fmin(box.width / (double)columns, box.height / (double)rows);
    cairo_t *cairo = canvas->cairo;
    cairo_save(cairo);
    cairo_translate(cairo, box.x + 0.5 * (box.width - scale * (double)columns),
                    box.y + 0.5 * (box.height - scale * (double)rows));
    cairo_scale(cairo, scale, scale);
    cairo_set_source_surface(cairo, picture, 0.0, 0.0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_GOOD);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_rectangle(cairo, 0.0, 0.0, (double)columns, (double)rows);
    cairo_fill(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(picture);
}

void nn_canvas_fill(struct nn_canvas *canvas, struct nn_box box, struct nn_color color)
{
    set_color(canvas->cairo, color, 1.0);
    cairo_rectangle(canvas->cairo, box.x, box.y, box.width, box.height);
    cairo_fill(canvas->cairo);
}

void nn_canvas_line(struct nn_canvas *canvas, const struct nn_stroke *stroke, uint32_t n,
                    const double *x, const double *y)
{
    cairo_t *cairo = canvas->cairo;
    const double dash = 4.0;
    set_color(cairo, stroke->color, 1.0);
    cairo_set_line_width(cairo, stroke->width);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cairo, &dash, stroke->dashed ? 1 : 0, 0.0);
    bool drawing = false;
    for (uint32_t i = 0; i < n; i++) {
        bool there = isfinite(x[i]) && isfinite(y[i]);
        if (there && drawing)
            cairo_line_to(cairo, x[i], y[i]);
        else if (there)
            cairo_move_to(cairo, x[i], y[i]);
        drawing = there;
    }
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0.0);
}

void nn_canvas_band(struct nn_canvas *canvas, struct nn_color color, uint32_t n, const double *x,
                    const double *low, const double *high)
{
    cairo_t *cairo = canvas->cairo;
    for (uint32_t i = 0; i < n; i++)
        if (isfinite(low[i]) && isfinite(high[i]))
            cairo_line_to(cairo, x[i], low[i]);
    for (uint32_t i = n; i-- > 0;)
        if (isfinite(low[i]) && isfinite(high[i]))
            cairo_line_to(cairo, x[i], high[i]);
    cairo_close_path(cairo);
    set_color(cairo, color, 0.15);
    cairo_fill(cairo);
}

void nn_canvas_dot(struct nn_canvas *canvas, struct nn_color color, double x, double y,
                   double radius)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    set_color(canvas->cairo, color, 1.0);
    cairo_arc(canvas->cairo, x, y, radius, 0.0, 8.0 * atan(1.0));
    cairo_fill(canvas->cairo);
}

void nn_canvas_clip(struct nn_canvas *canvas, struct nn_box box)
{
    cairo_save(canvas->cairo);
    cairo_rectangle(canvas->cairo, box.x, box.y, box.width, box.height);
    cairo_clip(canvas->cairo);
}

void nn_canvas_unclip(struct nn_canvas *canvas)
{
    cairo_restore(canvas->cairo);
}
