/* Axes, lines, bars and matrices. */
#include "nn/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKS_MAX = 32 };

static const struct nn_color ink = {0.15, 0.15, 0.15};
static const struct nn_color faint = {0.88, 0.88, 0.88};
static const double title_size = 11.0;
static const double text_size = 9.0;

/* What is left of a chart's box for its values, and how these lie in it. */
struct frame {
    struct nn_box box;
    struct nn_axis x, y;
};

struct nn_color nn_chart_color(uint32_t index)
{
    static const struct nn_color colors[] = {
        {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
        {0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.35, 0.35, 0.35},
    };
    return colors[index % (sizeof colors / sizeof *colors)];
}

static struct nn_text plain_text(double anchor)
{
    return (struct nn_text){.size = text_size, .anchor = anchor, .color = ink};
}

static void draw_title(struct nn_canvas *canvas, struct nn_box box, const char *title)
{
    struct nn_text style = {.size = title_size, .color = ink, .bold = true};
    if (title)
        nn_canvas_text(canvas, box.x, box.y + title_size, &style, title);
}

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps fill the range. */
static double round_step(double range, double wanted)
{
    double rough = range / wanted;
    double power = pow(10.0, floor(log10(rough)));
    double lead = rough / power;
    return power * (lead < 1.5 ? 1.0 : lead < 3.5 ? 2.0 : lead < 7.5 ? 5.0 : 10.0);
}

static double tick_step(const struct nn_axis *axis)
{
    return round_step(axis->high - axis->low, 5.0);
}

/* Fills `ret_ticks` (TICKS_MAX) and says how many there are. */
static uint32_t choose_ticks(const struct nn_axis *axis, double *ret_ticks)
{
    uint32_t n = 0;
    if (axis->ticks) {
        for (; n < axis->n_ticks && n < TICKS_MAX; n++)
            ret_ticks[n] = axis->ticks[n];
    } else if (axis->logarithmic) {
        for (double tick = pow(10.0, ceil(log10(axis->low) - 1e-9));
             tick <= axis->high * (1.0 + 1e-9) && n < TICKS_MAX; tick *= 10.0)
            ret_ticks[n++] = tick;
    } else {
        double step = tick_step(axis);
        double first = ceil(axis->low / step - 1e-9);
        for (double i = first; i * step <= axis->high + 1e-9 * step && n < TICKS_MAX; i += 1.0)
            ret_ticks[n++] = i * step + 0.0; /* never -0 */
    }
    return n;
}

static void write_tick(const struct nn_axis *axis, double tick, char *ret_text, size_t size)
{
    int decimals = 0;
    if (!axis->ticks && !axis->logarithmic)
        decimals = (int)fmax(0.0, ceil(-log10(tick_step(axis)) - 1e-9));
    if (axis->ticks || axis->logarithmic)
        snprintf(ret_text, size, "%g", tick);
    else
        snprintf(ret_text, size, "%.*f", decimals < 12 ? decimals : 12, tick);
}

static void widen(struct nn_axis *axis, const double *values, uint32_t n)
{
    for (uint32_t i = 0; values && i < n; i++) {
        if (!isfinite(values[i]) || (axis->logarithmic && values[i] <= 0.0))
            continue;
        axis->low = fmin(axis->low, values[i]);
        axis->high = fmax(axis->high, values[i]);
    }
}

/* A range for an axis that names none: around the values, ends on round numbers. */
static struct nn_axis open_range(struct nn_axis axis)
{
    axis.low = (double)INFINITY;
    axis.high = -(double)INFINITY;
    return axis;
}

static struct nn_axis close_range(struct nn_axis axis)
{
    if (!(axis.low <= axis.high))
        axis.low = axis.high = axis.logarithmic ? 1.0 : 0.0;
    if (axis.logarithmic) {
        axis.low = pow(10.0, floor(log10(axis.low)));
        axis.high = pow(10.0, ceil(log10(axis.high) + 1e-9));
        return axis;
    }
    if (axis.high - axis.low < 1e-12 * fmax(1.0, fabs(axis.high))) {
        axis.low -= 0.5;
        axis.high += 0.5;
    }
    double step = tick_step(&axis);
    axis.low = step * floor(axis.low / step + 1e-9);
    axis.high = step * ceil(axis.high / step - 1e-9);
    return axis;
}

static double position(const struct nn_axis *axis, double value)
{
    if (axis->logarithmic)
        return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

static double at_x(const struct frame *frame, double value)
{
    return frame->box.x + frame->box.width * position(&frame->x, value);
}

static double at_y(const struct frame *frame, double value)
{
    return frame->box.y + frame->box.height * (1.0 - position(&frame->y, value));
}

static void draw_rule(struct nn_canvas *canvas, const double *x, const double *y,
                      struct nn_color color)
{
    struct nn_stroke stroke = {.color = color, .width = 0.7};
    nn_canvas_line(canvas, &stroke, 2, x, y);
}

static void draw_y_axis(struct nn_canvas *canvas, const struct frame *frame)
{
    double ticks[TICKS_MAX];
    uint32_t n = choose_ticks(&frame->y, ticks);
    const struct nn_box *box = &frame->box;
    struct nn_text right = plain_text(1.0);
    double widest = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double y = at_y(frame, ticks[i]);
        char text[40];
        write_tick(&frame->y, ticks[i], text, sizeof text);
        draw_rule(canvas, (double[]){box->x, box->x + box->width}, (double[]){y, y}, faint);
        nn_canvas_text(canvas, box->x - 5.0, y + 0.35 * text_size, &right, text);
        widest = fmax(widest, nn_canvas_text_width(canvas, &right, text));
    }
    struct nn_text turned = plain_text(0.5);
    turned.turn = -2.0 * atan(1.0);
    if (frame->y.name)
        nn_canvas_text(canvas, box->x - widest - 12.0, box->y + 0.5 * box->height, &turned,
                       frame->y.name);
}

static void draw_x_axis(struct nn_canvas *canvas, const struct frame *frame)
{
    double ticks[TICKS_MAX];
    uint32_t n = choose_ticks(&frame->x, ticks);
    const struct nn_box *box = &frame->box;
    double foot = box->y + box->height;
    struct nn_text centred = plain_text(0.5);
    for (uint32_t i = 0; i < n; i++) {
        double x = at_x(frame, ticks[i]);
        char text[40];
        write_tick(&frame->x, ticks[i], text, sizeof text);
        draw_rule(canvas, (double[]){x, x}, (double[]){box->y, foot}, faint);
        nn_canvas_text(canvas, x, foot + text_size + 4.0, &centred, text);
    }
    if (frame->x.name)
        nn_canvas_text(canvas, box->x + 0.5 * box->width, foot + 2.0 * text_size + 10.0, &centred,
                       frame->x.name);
}

static void draw_edges(struct nn_canvas *canvas, const struct nn_box *box)
{
    double foot = box->y + box->height;
    draw_rule(canvas, (double[]){box->x, box->x + box->width}, (double[]){foot, foot}, ink);
    draw_rule(canvas, (double[]){box->x, box->x}, (double[]){box->y, foot}, ink);
}

/* Room for a title, for names and ticks, and for a legend on the right. */
static struct nn_box inner_box(struct nn_box box, const char *title, double legend)
{
    const double left = 48.0;
    const double foot = 34.0;
    double head = title ? title_size + 10.0 : 6.0;
    box.x += left;
    box.y += head;
    box.width = fmax(box.width - left - (legend > 0.0 ? legend + 34.0 : 10.0), 10.0);
    box.height = fmax(box.height - head - foot, 10.0);
    return box;
}

static void draw_legend_entry(struct nn_canvas *canvas, struct nn_box at, const char *name,
                              const struct nn_stroke *stroke)
{
    struct nn_text left = plain_text(0.0);
    double y = at.y - 0.35 * text_size;
    nn_canvas_line(canvas, stroke, 2, (double[]){at.x, at.x + 14.0}, (double[]){y, y});
    nn_canvas_text(canvas, at.x + 18.0, at.y, &left, name);
}

static double legend_width(struct nn_canvas *canvas, const struct nn_line_chart *chart)
{
    struct nn_text style = plain_text(0.0);
    double widest = 0.0;
    for (uint32_t s = 0; s < chart->n_series; s++)
        if (chart->series[s].name)
            widest = fmax(widest, nn_canvas_text_width(canvas, &style, chart->series[s].name));
    return widest;
}

static void draw_series(struct nn_canvas *canvas, const struct frame *frame,
                        const struct nn_series *series)
{
    double *points = malloc(4 * (size_t)series->n * sizeof *points + 1);
    if (!points)
        abort();
    double *x = points;
    double *y = points + series->n;
    double *low = y + series->n;
    double *high = low + series->n;
    for (uint32_t i = 0; i < series->n; i++) {
        x[i] = at_x(frame, series->x[i]);
        y[i] = at_y(frame, series->y[i]);
        low[i] = series->low ? at_y(frame, series->low[i]) : (double)NAN;
        high[i] = series->high ? at_y(frame, series->high[i]) : (double)NAN;
    }
    struct nn_stroke stroke = {.color = series->color, .width = 1.5, .dashed = series->dashed};
    nn_canvas_band(canvas, series->color, series->n, x, low, high);
    nn_canvas_line(canvas, &stroke, series->n, x, y);
    for (uint32_t i = 0; series->dots && i < series->n; i++)
        nn_canvas_dot(canvas, series->color, x[i], y[i], 2.2);
    free(points);
}

static struct frame line_frame(struct nn_canvas *canvas, struct nn_box box,
                               const struct nn_line_chart *chart)
{
    struct frame frame = {.box = inner_box(box, chart->title, legend_width(canvas, chart)),
                          .x = chart->x,
                          .y = chart->y};
    if (frame.x.low == 0.0 && frame.x.high == 0.0) {
        frame.x = open_range(frame.x);
        for (uint32_t s = 0; s < chart->n_series; s++)
            widen(&frame.x, chart->series[s].x, chart->series[s].n);
        /* Time and epochs fill their axis; only a single point needs room. */
        if (!(frame.x.low < frame.x.high))
            frame.x = close_range(frame.x);
    }
    if (frame.y.low == 0.0 && frame.y.high == 0.0) {
        frame.y = open_range(frame.y);
        for (uint32_t s = 0; s < chart->n_series; s++) {
            widen(&frame.y, chart->series[s].y, chart->series[s].n);
            widen(&frame.y, chart->series[s].low, chart->series[s].n);
            widen(&frame.y, chart->series[s].high, chart->series[s].n);
        }
        frame.y = close_range(frame.y);
    }
    return frame;
}

void nn_chart_lines(struct nn_canvas *canvas, struct nn_box box, const struct nn_line_chart *chart)
{
    struct frame frame = line_frame(canvas, box, chart);
    draw_title(canvas, box, chart->title);
    draw_x_axis(canvas, &frame);
    draw_y_axis(canvas, &frame);
    nn_canvas_clip(canvas, (struct nn_box){frame.box.x - 3.0, frame.box.y - 3.0,
                                           frame.box.width + 6.0, frame.box.height + 6.0});
    for (uint32_t s = 0; s < chart->n_series; s++)
        draw_series(canvas, &frame, &chart->series[s]);
    nn_canvas_unclip(canvas);
    draw_edges(canvas, &frame.box);
    struct nn_box at = {.x = frame.box.x + frame.box.width + 12.0, .y = frame.box.y + text_size};
    for (uint32_t s = 0; s < chart->n_series; s++) {
        const struct nn_series *series = &chart->series[s];
        struct nn_stroke stroke = {.color = series->color, .width = 2.0, .dashed = series->dashed};
        if (!series->name)
            continue;
        draw_legend_entry(canvas, at, series->name, &stroke);
        at.y += 1.5 * text_size;
    }
}

static void draw_whisker(struct nn_canvas *canvas, const struct frame *frame, double x, double low,
                         double high)
{
    struct nn_stroke stroke = {.color = ink, .width = 1.0};
    if (isfinite(low) && isfinite(high))
        nn_canvas_line(canvas, &stroke, 2, (double[]){x, x},
                       (double[]){at_y(frame, low), at_y(frame, high)});
}

static void draw_group(struct nn_canvas *canvas, const struct frame *frame,
                       const struct nn_bar_chart *chart, uint32_t group)
{
    double room = frame->box.width / (double)chart->n_groups;
    double left = frame->box.x + room * ((double)group + 0.12);
    double each = room * 0.76 / (double)chart->n_series;
    struct nn_text centred = plain_text(0.5);
    for (uint32_t s = 0; s < chart->n_series; s++) {
        size_t cell = (size_t)s * chart->n_groups + group;
        double x = left + each * (double)s;
        if (isfinite(chart->values[cell])) {
            double top = at_y(frame, fmin(fmax(chart->values[cell], frame->y.low), frame->y.high));
            double foot = at_y(frame, fmin(fmax(0.0, frame->y.low), frame->y.high));
            nn_canvas_fill(canvas,
                           (struct nn_box){x, fmin(top, foot), 0.94 * each, fabs(foot - top)},
                           nn_chart_color(s));
        }
        if (chart->low && chart->high)
            draw_whisker(canvas, frame, x + 0.47 * each, chart->low[cell], chart->high[cell]);
    }
    nn_canvas_text(canvas, left + 0.38 * room, frame->box.y + frame->box.height + text_size + 4.0,
                   &centred, chart->groups[group]);
}

void nn_chart_bars(struct nn_canvas *canvas, struct nn_box box, const struct nn_bar_chart *chart)
{
    struct nn_text style = plain_text(0.0);
    double widest = 0.0;
    for (uint32_t s = 0; s < chart->n_series && chart->n_series > 1; s++)
        widest = fmax(widest, nn_canvas_text_width(canvas, &style, chart->series[s]));
    struct frame frame = {.box = inner_box(box, chart->title, widest), .y = chart->y};
    if (frame.y.low == 0.0 && frame.y.high == 0.0) {
        uint32_t n = chart->n_series * chart->n_groups;
        frame.y = open_range(frame.y);
        widen(&frame.y, (double[]){0.0}, 1);
        widen(&frame.y, chart->values, n);
        widen(&frame.y, chart->low, n);
        widen(&frame.y, chart->high, n);
        frame.y = close_range(frame.y);
    }
    draw_title(canvas, box, chart->title);
    draw_y_axis(canvas, &frame);
    for (uint32_t group = 0; group < chart->n_groups; group++)
        draw_group(canvas, &frame, chart, group);
    draw_edges(canvas, &frame.box);
    struct nn_box at = {.x = frame.box.x + frame.box.width + 12.0, .y = frame.box.y + text_size};
    for (uint32_t s = 0; s < chart->n_series && chart->n_series > 1; s++) {
        struct nn_stroke stroke = {.color = nn_chart_color(s), .width = 6.0};
        draw_legend_entry(canvas, at, chart->series[s], &stroke);
        at.y += 1.5 * text_size;
    }
}

static void draw_cell(struct nn_canvas *canvas, struct nn_box cell,
                      const struct nn_matrix_chart *chart, double value)
{
    double share = chart->high > 0.0 ? fmin(fmax(value / chart->high, 0.0), 1.0) : 0.0;
    if (!isfinite(value))
        share = 0.0;
    struct nn_color color = {1.0 - 0.95 * share, 1.0 - 0.65 * share, 1.0 - 0.4 * share};
    nn_canvas_fill(canvas, cell, color);
    struct nn_text style = plain_text(0.5);
    if (share > 0.55)
        style.color = (struct nn_color){1.0, 1.0, 1.0};
    char text[40];
    if (isfinite(value))
        snprintf(text, sizeof text, "%.*f", chart->decimals, value);
    else
        snprintf(text, sizeof text, "-");
    nn_canvas_text(canvas, cell.x + 0.5 * cell.width, cell.y + 0.5 * cell.height + 0.35 * text_size,
                   &style, text);
}

void nn_chart_matrix(struct nn_canvas *canvas, struct nn_box box,
                     const struct nn_matrix_chart *chart)
{
    struct nn_text right = plain_text(1.0);
    struct nn_text left = plain_text(0.0);
    double names = 0.0;
    for (uint32_t r = 0; r < chart->n_rows; r++)
        names = fmax(names, nn_canvas_text_width(canvas, &right, chart->rows[r]));
    double heads = 0.0;
    for (uint32_t c = 0; c < chart->n_columns; c++)
        heads = fmax(heads, nn_canvas_text_width(canvas, &left, chart->columns[c]));
    /* Slanted column names take half of their length upwards. */
    const double slant = 0.52;
    double top = box.y + title_size + 14.0 + heads * sin(slant);
    struct nn_box grid = {.x = box.x + names + 24.0, .y = top};
    grid.width = fmax(box.x + box.width - grid.x - heads * cos(slant) * 0.6, 10.0);
    grid.height = fmax(box.y + box.height - top - 4.0, 10.0);
    draw_title(canvas, box, chart->title);
    double width = grid.width / (double)chart->n_columns;
    double height = grid.height / (double)chart->n_rows;
    for (uint32_t r = 0; r < chart->n_rows; r++) {
        double y = grid.y + height * (double)r;
        nn_canvas_text(canvas, grid.x - 5.0, y + 0.5 * height + 0.35 * text_size, &right,
                       chart->rows[r]);
        for (uint32_t c = 0; c < chart->n_columns; c++) {
            struct nn_box cell = {grid.x + width * (double)c, y, width - 1.0, height - 1.0};
            draw_cell(canvas, cell, chart, chart->values[(size_t)r * chart->n_columns + c]);
        }
    }
    struct nn_text slanted = left;
    slanted.turn = -slant;
    for (uint32_t c = 0; c < chart->n_columns; c++)
        nn_canvas_text(canvas, grid.x + width * ((double)c + 0.5), grid.y - 4.0, &slanted,
                       chart->columns[c]);
    if (chart->across)
        nn_canvas_text(canvas, box.x + box.width, box.y + title_size, &right, chart->across);
    struct nn_text turned = plain_text(0.5);
    turned.turn = -2.0 * atan(1.0);
    if (chart->down)
        nn_canvas_text(canvas, box.x + text_size, grid.y + 0.5 * grid.height, &turned, chart->down);
}
