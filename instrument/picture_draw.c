/* Draws frames. */
#include "instrument/picture_draw.h"

#include "instrument/picture_font.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rgb {
    uint8_t r, g, b;
};

static const struct rgb light = {255, 255, 255}, shadow = {0, 0, 0}, alarm = {255, 64, 32};
static const struct rgb hatch[2] = {{72, 76, 88}, {104, 108, 120}};

/* Evenly spaced stops from the lowest to the highest value. */
enum { GOLD_STOPS = 5 };
static const struct rgb gold[GOLD_STOPS] = {
    {0, 0, 0}, {66, 32, 10}, {160, 92, 20}, {226, 172, 66}, {255, 247, 208}};

enum { SAMPLE_MAX = 1 << 18, CONTRAST_PERCENT = 1 };

static bool row_seen(const struct picture_frame *frame, uint32_t row)
{
    return !frame->seen || frame->seen[row];
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void picture_contrast(const struct picture_frame *frame, double *ret_low, double *ret_high)
{
    size_t total = (size_t)frame->width * frame->height, n = 0;
    size_t step = total / SAMPLE_MAX + 1;
    /* A step that divides the width would sample columns. */
    if (step > 1 && frame->width % step == 0)
        step++;
    double *values = malloc((total / step + 1) * sizeof *values);
    *ret_low = *ret_high = 0;
    if (!values)
        return;
    for (size_t i = 0; i < total; i += step)
        if (row_seen(frame, (uint32_t)(i / frame->width)) && isfinite(frame->values[i]))
            values[n++] = frame->values[i];
    if (n > 0) {
        qsort(values, n, sizeof *values, compare_doubles);
        *ret_low = values[(n - 1) * CONTRAST_PERCENT / 100];
        *ret_high = values[(n - 1) - (n - 1) * CONTRAST_PERCENT / 100];
    }
    free(values);
}

static uint8_t mix(uint8_t a, uint8_t b, double share)
{
    return (uint8_t)lround(a + share * (b - a));
}

static struct rgb colour_of(enum picture_map map, double brightness)
{
    if (map == PICTURE_GOLD) {
        double at = brightness * (GOLD_STOPS - 1);
        int stop = at >= GOLD_STOPS - 1 ? GOLD_STOPS - 2 : (int)at;
        double share = at - stop;
        const struct rgb *a = &gold[stop], *b = a + 1;
        return (struct rgb){mix(a->r, b->r, share), mix(a->g, b->g, share), mix(a->b, b->b, share)};
    }
    uint8_t grey = (uint8_t)lround(255 * brightness);
    return (struct rgb){grey, grey, grey};
}

static void set_pixel(struct picture_canvas *canvas, uint32_t x, uint32_t y, struct rgb colour)
{
    if (x < canvas->width && y < canvas->height)
        memcpy(canvas->rgb + 3 * ((size_t)y * canvas->width + x), &colour, 3);
}

static void fill(struct picture_canvas *canvas, uint32_t x, uint32_t y, uint32_t width,
                 uint32_t height, struct rgb colour)
{
    for (uint32_t dy = 0; dy < height; dy++)
        for (uint32_t dx = 0; dx < width; dx++)
            set_pixel(canvas, x + dx, y + dy, colour);
}

static void draw_values(const struct picture_frame *frame, const struct picture_options *options,
                        uint32_t factor, struct picture_canvas *canvas)
{
    double low = options->low, high = options->high;
    if (low == 0 && high == 0)
        picture_contrast(frame, &low, &high);
    for (uint32_t y = 0; y < canvas->height; y++) {
        uint32_t row = frame->height - 1 - y / factor;
        for (uint32_t x = 0; x < canvas->width; x++) {
            double value = frame->values[(size_t)row * frame->width + x / factor];
            if (!row_seen(frame, row) || !isfinite(value)) {
                set_pixel(canvas, x, y, hatch[(x + y) / 4 % 2]);
                continue;
            }
            double brightness = high > low ? (value - low) / (high - low) : 0.5;
            brightness = brightness < 0 ? 0 : brightness > 1 ? 1 : brightness;
            set_pixel(canvas, x, y, colour_of(options->map, brightness));
        }
    }
}

static void draw_text_once(struct picture_canvas *canvas, uint32_t x, uint32_t y, uint32_t dot,
                           const char *text, struct rgb colour)
{
    const uint8_t *glyph;
    while ((glyph = picture_next_glyph(&text))) {
        for (uint32_t row = 0; row < PICTURE_GLYPH_HEIGHT; row++)
            for (uint32_t col = 0; col < PICTURE_GLYPH_WIDTH; col++)
                if (glyph[row] >> (PICTURE_GLYPH_WIDTH - 1 - col) & 1)
                    fill(canvas, x + col * dot, y + row * dot, dot, dot, colour);
        x += PICTURE_CELL_WIDTH * dot;
    }
}

/* Light with a dark rim, so that it can be read on any ground. */
static void draw_text(struct picture_canvas *canvas, uint32_t x, uint32_t y, uint32_t dot,
                      const char *text)
{
    for (uint32_t dy = 0; dy <= 2; dy++)
        for (uint32_t dx = 0; dx <= 2; dx++)
            draw_text_once(canvas, x + dx - 1, y + dy - 1, dot, text, shadow);
    draw_text_once(canvas, x, y, dot, text, light);
}

double picture_scale_bar_length(double limit_m)
{
    double decade = pow(10, floor(log10(limit_m)));
    /* 5.0000000001 steps for 5: the decade is not exact. */
    double steps = limit_m / decade * (1 + 1e-12);
    return decade * (steps >= 5 ? 5 : steps >= 2 ? 2 : 1);
}

void picture_format_length(double length_m, char *ret, size_t size)
{
    static const struct {
        double unit_m;
        const char *name;
    } units[] = {{1e-3, "mm"}, {1e-6, "\xC2\xB5m"}, {1e-9, "nm"}, {1e-12, "pm"}};
    size_t i = 0;
    while (i < 3 && length_m < units[i].unit_m * (1 - 1e-9))
        i++;
    snprintf(ret, size, "%.3g %s", length_m / units[i].unit_m, units[i].name);
}

/* Dots of the font get larger with the picture. */
static uint32_t dot_size(const struct picture_canvas *canvas)
{
    uint32_t side = canvas->width < canvas->height ? canvas->width : canvas->height;
    return side / 320 + 1;
}

static void draw_scale_bar(const struct picture_frame *frame, struct picture_canvas *canvas)
{
    /* Between 12 % and 30 % of the width by the 1-2-5 rule. */
    const double longest = 0.3;
    if (!isfinite(frame->width_m) || frame->width_m <= 0)
        return;
    double length_m = picture_scale_bar_length(longest * frame->width_m);
    uint32_t bar_px = (uint32_t)lround(length_m / frame->width_m * canvas->width);
    uint32_t dot = dot_size(canvas), margin = 4 * dot, thick = 2 * dot;
    uint32_t high = margin + thick + (PICTURE_CELL_HEIGHT + 1) * dot;
    char label[32];
    picture_format_length(length_m, label, sizeof label);
    uint32_t label_px = picture_text_length(label) * PICTURE_CELL_WIDTH * dot;
    if (canvas->height < high + margin || canvas->width < label_px + 2 * margin)
        return;
    uint32_t y = canvas->height - margin - thick;
    fill(canvas, margin - 1, y - 1, bar_px + 2, thick + 2, shadow);
    fill(canvas, margin, y, bar_px, thick, light);
    draw_text(canvas, margin, canvas->height - high, dot, label);
}

static void draw_caption(const char *caption, struct picture_canvas *canvas)
{
    uint32_t dot = dot_size(canvas), y = 4 * dot;
    char line[128];
    while (*caption) {
        size_t n = strcspn(caption, "\n");
        size_t kept = n < sizeof line - 1 ? n : sizeof line - 1;
        memcpy(line, caption, kept);
        line[kept] = '\0';
        draw_text(canvas, 4 * dot, y, dot, line);
        y += PICTURE_CELL_HEIGHT * dot;
        caption += n + (caption[n] == '\n');
    }
}

/* Ticks at both edges, on the very row. */
static void draw_tip_changes(const struct picture_frame *frame,
                             const struct picture_options *options, uint32_t factor,
                             struct picture_canvas *canvas)
{
    uint32_t tick = canvas->width / 16 + 2;
    for (size_t i = 0; i < options->n_tip_change_rows; i++) {
        uint32_t row = options->tip_change_rows[i];
        if (row >= frame->height)
            continue;
        uint32_t y = (frame->height - 1 - row) * factor;
        fill(canvas, 0, y, tick, factor, alarm);
        fill(canvas, canvas->width - tick, y, tick, factor, alarm);
    }
}

static uint32_t enlargement(const struct picture_frame *frame, uint32_t min_side_px)
{
    uint32_t side = frame->width < frame->height ? frame->width : frame->height;
    uint32_t longest = frame->width < frame->height ? frame->height : frame->width;
    uint32_t factor = min_side_px > side ? (min_side_px + side - 1) / side : 1;
    uint32_t most = PICTURE_SIDE_MAX / longest;
    return factor < most ? factor : most;
}

int picture_draw(const struct picture_frame *frame, const struct picture_options *options,
                 struct picture_canvas *ret)
{
    if (frame->width < 1 || frame->width > PICTURE_SIDE_MAX || frame->height < 1 ||
        frame->height > PICTURE_SIDE_MAX)
        return -EINVAL;
    uint32_t factor = enlargement(frame, options->min_side_px);
    struct picture_canvas canvas = {frame->width * factor, frame->height * factor, NULL};
    canvas.rgb = malloc((size_t)3 * canvas.width * canvas.height);
    if (!canvas.rgb)
        return -ENOMEM;
    draw_values(frame, options, factor, &canvas);
    draw_tip_changes(frame, options, factor, &canvas);
    if (!options->no_scale_bar)
        draw_scale_bar(frame, &canvas);
    if (options->corner_text)
        draw_caption(options->corner_text, &canvas);
    *ret = canvas;
    return 0;
}
