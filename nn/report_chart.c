/* What a report looks like. */
#include "nn/report_chart.h"

#include "nn/chart.h"
#include "nn/report_write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static const double lines_ticks[] = {16.0, 32.0, 48.0, 64.0, 96.0, 128.0};
enum { LINES_TICKS = sizeof lines_ticks / sizeof *lines_ticks };

static const struct nn_color black = {0.1, 0.1, 0.1};
static const struct nn_color middle = {0.6, 0.6, 0.6};

static struct nn_axis lines_axis(void)
{
    return (struct nn_axis){.name = "lines seen of 128",
                            .low = 12.0,
                            .high = 128.0,
                            .ticks = lines_ticks,
                            .n_ticks = LINES_TICKS};
}

/* One curve over the shares. */
struct curve {
    double x[NN_SHARE_COUNT];
    double y[NN_SHARE_COUNT], low[NN_SHARE_COUNT], high[NN_SHARE_COUNT];
};

static void put_point(struct curve *curve, uint32_t share, const struct nn_figure *figure)
{
    curve->x[share] = (double)nn_share_lines(share);
    curve->y[share] = figure->value;
    curve->low[share] = figure->low;
    curve->high[share] = figure->high;
}

static struct nn_series series_of(const struct curve *curve, const char *name,
                                  struct nn_color color)
{
    return (struct nn_series){.name = name,
                              .n = NN_SHARE_COUNT,
                              .x = curve->x,
                              .y = curve->y,
                              .color = color,
                              .dots = true};
}

void report_chart_measure(struct nn_canvas *canvas, struct nn_box box,
                          const struct nn_report *report, enum nn_measure measure)
{
    struct curve curves[NN_REPORT_ROWS];
    struct nn_series series[NN_REPORT_ROWS];
    for (uint32_t row = 0; row < NN_REPORT_ROWS; row++) {
        bool mean = row == NN_REPORT_MEAN;
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            put_point(&curves[row], share, &report->figures.shares[share].labels[row][measure]);
        series[row] = series_of(&curves[row], mean ? "mean" : nn_label_title((enum nn_label)row),
                                mean ? black : nn_chart_color(row));
        series[row].dashed = mean;
        if (mean) {
            series[row].low = curves[row].low;
            series[row].high = curves[row].high;
        }
    }
    struct nn_line_chart chart = {.title = nn_measure_title(measure),
                                  .x = lines_axis(),
                                  .series = series,
                                  .n_series = NN_REPORT_ROWS};
    nn_chart_lines(canvas, box, &chart);
}

void report_chart_human(struct nn_canvas *canvas, struct nn_box box, const struct nn_report *report)
{
    static const char *const series[] = {"second human", "32 lines", "64 lines", "128 lines"};
    static const uint32_t shown[] = {2, 4, NN_SHARE_FULL};
    static const char *const groups[NN_LABEL_COUNT] = {"Asym.", "Atoms", "Dimers",
                                                       "Rows",  "Tip",   "Bad"};
    enum { SERIES = sizeof series / sizeof *series };
    double values[SERIES][NN_LABEL_COUNT];
    double low[SERIES][NN_LABEL_COUNT];
    double high[SERIES][NN_LABEL_COUNT];
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        values[0][k] = report->humans[k].sensitivity;
        low[0][k] = high[0][k] = (double)NAN;
        for (uint32_t s = 1; s < SERIES; s++) {
            const struct nn_figure *figure =
                &report->figures.shares[shown[s - 1]].labels[k][NN_MEASURE_SENSITIVITY];
            values[s][k] = figure->value;
            low[s][k] = figure->low;
            high[s][k] = figure->high;
        }
    }
    struct nn_bar_chart chart = {.title = "Sensitivity at the second human's specificity",
                                 .y = {.low = 0.0, .high = 1.0},
                                 .groups = groups,
                                 .n_groups = NN_LABEL_COUNT,
                                 .series = series,
                                 .n_series = SERIES,
                                 .values = values[0],
                                 .low = low[0],
                                 .high = high[0]};
    nn_chart_bars(canvas, box, &chart);
}

void report_chart_reliability(struct nn_canvas *canvas, struct nn_box box,
                              const struct nn_report *report, uint32_t label)
{
    static const double ends[2] = {0.0, 1.0};
    static const uint32_t shown[] = {1, 4, NN_SHARE_FULL};
    enum { SHOWN = sizeof shown / sizeof *shown };
    double x[SHOWN][NN_CALIBRATION_BINS];
    double y[SHOWN][NN_CALIBRATION_BINS];
    char names[SHOWN][20];
    struct nn_series series[SHOWN + 1] = {
        {.n = 2, .x = ends, .y = ends, .color = middle, .dashed = true}};
    for (uint32_t s = 0; s < SHOWN; s++) {
        uint32_t n = 0;
        for (uint32_t b = 0; b < NN_CALIBRATION_BINS; b++) {
            const struct nn_reliability *bin = &report->reliability[shown[s]][label][b];
            /* A handful of frames says little about a share. */
            if (bin->examples < 5.0)
                continue;
            x[s][n] = bin->score;
            y[s][n++] = bin->positive;
        }
        snprintf(names[s], sizeof names[s], "%u lines", (unsigned)nn_share_lines(shown[s]));
        series[s + 1] = (struct nn_series){.name = names[s],
                                           .n = n,
                                           .x = x[s],
                                           .y = y[s],
                                           .color = nn_chart_color(s),
                                           .dots = true};
    }
    struct nn_line_chart chart = {.title = nn_label_title((enum nn_label)label),
                                  .x = {.name = "score", .low = 0.0, .high = 1.0},
                                  .y = {.name = "share carrying it", .low = 0.0, .high = 1.0},
                                  .series = series,
                                  .n_series = SHOWN + 1};
    nn_chart_lines(canvas, box, &chart);
}

static void label_titles(const char **ret_titles)
{
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        ret_titles[k] = nn_label_title((enum nn_label)k);
}

static void draw_labels(struct nn_canvas *canvas, struct nn_box box,
                        const struct nn_figure (*figures)[NN_LABEL_COUNT], const char *title,
                        const char *across)
{
    double values[NN_LABEL_COUNT][NN_LABEL_COUNT];
    const char *names[NN_LABEL_COUNT];
    label_titles(names);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
            values[k][j] = figures[k][j].value;
    struct nn_matrix_chart chart = {.title = title,
                                    .across = across,
                                    .down = "labelled",
                                    .columns = names,
                                    .n_columns = NN_LABEL_COUNT,
                                    .rows = names,
                                    .n_rows = NN_LABEL_COUNT,
                                    .values = values[0],
                                    .high = 1.0,
                                    .decimals = 2};
    nn_chart_matrix(canvas, box, &chart);
}

void report_chart_together(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report)
{
    draw_labels(canvas, box, report->figures.together, "Labels together", "labelled as well");
}

void report_chart_confusion(struct nn_canvas *canvas, struct nn_box box,
                            const struct nn_report *report, uint32_t share)
{
    char title[60];
    snprintf(title, sizeof title, "Labelled and called, %u lines", (unsigned)nn_share_lines(share));
    draw_labels(canvas, box, report->figures.shares[share].confusion, title, "called");
}

void report_chart_readings(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report)
{
    enum { CURVES = 4 };
    static const char *const names[CURVES] = {"good/bad, ROC area", "good/bad, bal. accuracy",
                                              "4 classes, ROC area", "4 classes, bal. accuracy"};
    struct curve curves[CURVES];
    struct nn_series series[CURVES];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        const struct nn_report_share *at = &report->figures.shares[share];
        put_point(&curves[0], share, &at->bad_auc);
        put_point(&curves[1], share, &at->bad_accuracy);
        put_point(&curves[2], share, &at->class_auc);
        put_point(&curves[3], share, &at->class_accuracy);
    }
    for (uint32_t c = 0; c < CURVES; c++) {
        series[c] = series_of(&curves[c], names[c], nn_chart_color(c / 2));
        series[c].dashed = c % 2 == 1;
        series[c].low = c % 2 == 0 ? curves[c].low : NULL;
        series[c].high = c % 2 == 0 ? curves[c].high : NULL;
    }
    struct nn_line_chart chart = {.title = "Good or bad, and four classes",
                                  .x = lines_axis(),
                                  .series = series,
                                  .n_series = CURVES};
    nn_chart_lines(canvas, box, &chart);
}

void report_chart_classes(struct nn_canvas *canvas, struct nn_box box,
                          const struct nn_report *report, uint32_t share)
{
    double values[NN_CLASS_COUNT][NN_CLASS_COUNT];
    const char *names[NN_CLASS_COUNT];
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++) {
        names[c] = nn_class_title((enum nn_class)c);
        for (uint32_t j = 0; j < NN_CLASS_COUNT; j++)
            values[c][j] = report->figures.shares[share].class_confusion[c][j].value;
    }
    char title[60];
    snprintf(title, sizeof title, "Four classes, %u lines", (unsigned)nn_share_lines(share));
    struct nn_matrix_chart chart = {.title = title,
                                    .across = "called",
                                    .down = "labelled",
                                    .columns = names,
                                    .n_columns = NN_CLASS_COUNT,
                                    .rows = names,
                                    .n_rows = NN_CLASS_COUNT,
                                    .values = values[0],
                                    .high = 1.0,
                                    .decimals = 2};
    nn_chart_matrix(canvas, box, &chart);
}

void report_chart_sequence(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report)
{
    struct curve curves[NN_DECISION_COUNT + 1];
    struct nn_series series[NN_DECISION_COUNT + 1];
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            put_point(&curves[d], share, &report->figures.shares[share].decided[d]);
        series[d] = series_of(&curves[d],
                              d < NN_LABEL_COUNT ? nn_label_title((enum nn_label)d) : "good or bad",
                              d < NN_LABEL_COUNT ? nn_chart_color(d) : middle);
    }
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        put_point(&curves[NN_DECISION_COUNT], share, &report->figures.shares[share].rejected);
    series[NN_DECISION_COUNT] = series_of(&curves[NN_DECISION_COUNT], "bad, rejected", black);
    series[NN_DECISION_COUNT].dashed = true;
    series[NN_DECISION_COUNT].low = curves[NN_DECISION_COUNT].low;
    series[NN_DECISION_COUNT].high = curves[NN_DECISION_COUNT].high;
    struct nn_line_chart chart = {.title = "Decided as soon as sure: share of frames",
                                  .x = lines_axis(),
                                  .y = {.low = 0.0, .high = 1.0},
                                  .series = series,
                                  .n_series = NN_DECISION_COUNT + 1};
    nn_chart_lines(canvas, box, &chart);
}

static void draw_overview(struct nn_canvas *canvas, const struct nn_report *report,
                          const struct nn_report_about *about)
{
    const double wide = 440.0;
    const double high = 260.0;
    const double left = 20.0;
    const double top = 76.0;
    const struct nn_text head = {.size = 16.0, .color = black, .bold = true};
    const struct nn_text small = {.size = 9.5, .color = black};
    struct nn_text red = small;
    red.color = (struct nn_color){0.75, 0.0, 0.0};
    char counts[160];
    snprintf(counts, sizeof counts, "%u finished frames of %u recordings; shaded: 95 %% intervals",
             (unsigned)report->frames, (unsigned)report->recordings);
    nn_canvas_text(canvas, left, 26.0, &head, about->title);
    nn_canvas_text(canvas, left, 42.0, &small, about->what);
    nn_canvas_text(canvas, left, 55.0, &small, counts);
    if (about->warning)
        nn_canvas_text(canvas, left, 68.0, &red, about->warning);
    struct nn_box box[9];
    for (uint32_t row = 0; row < 3; row++)
        for (uint32_t column = 0; column < 3; column++)
            box[3 * row + column] =
                (struct nn_box){left + column * wide, top + row * high, wide - 20.0, high - 20.0};
    report_chart_measure(canvas, box[0], report, NN_MEASURE_AUC);
    report_chart_measure(canvas, box[1], report, NN_MEASURE_ACCURACY);
    report_chart_measure(canvas, box[2], report, NN_MEASURE_CALIBRATION);
    report_chart_human(canvas, box[3], report);
    report_chart_readings(canvas, box[4], report);
    report_chart_sequence(canvas, box[5], report);
    report_chart_together(canvas, box[6], report);
    report_chart_confusion(canvas, box[7], report, NN_SHARE_FULL);
    report_chart_classes(canvas, box[8], report, NN_SHARE_FULL);
}

int nn_report_write_png(const char *path, const struct nn_report *report,
                        const struct nn_report_about *about)
{
    struct nn_canvas *canvas = NULL;
    int error = nn_canvas_create(NN_CANVAS_PNG, 1350.0, 870.0, &canvas);
    if (error)
        return error;
    draw_overview(canvas, report, about);
    error = nn_canvas_write(canvas, path);
    nn_canvas_destroy(canvas);
    return error;
}
