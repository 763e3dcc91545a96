/* A report as one HTML page. */
#include "nn/report_chart.h"
#include "nn/report_table.h"
#include "nn/report_write.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

static const char style[] =
    "body{font:15px/1.45 'DejaVu Sans',Verdana,sans-serif;color:#222;max-width:1180px;"
    "margin:2em auto;padding:0 1em}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2.2em;"
    "border-bottom:1px solid #ccc}table{border-collapse:collapse;font-size:.86em}"
    "table{margin:.6em 0}td,th{padding:.22em "
    ".5em;text-align:right;white-space:nowrap}td:first-child,th:first-child"
    "{text-align:left}thead th{border-bottom:1px solid #999}tbody tr:nth-child(odd){background:"
    "#f6f6f6}.mean td{border-top:1px solid #999;font-weight:bold}small{color:#777;font-weight:"
    "normal}.warning{border-left:4px solid #b00;background:#fff2f0;padding:.6em 1em}"
    ".charts{display:flex;flex-wrap:wrap;gap:12px}.charts img{max-width:100%}"
    ".pair{display:flex;flex-wrap:wrap;gap:0 "
    "30px}.errors{display:flex;flex-wrap:wrap;gap:14px}figure{margin:0;width:182px;font-size:.74em}"
    "figcaption{overflow-wrap:anywhere}figure td,figure th{padding:0 .3em}"
    "summary{cursor:pointer;margin:.5em 0}code{background:#f2f2f2;padding:.1em .3em}";

static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* An image that lies within the page, `width` pixels wide. Takes the canvas. */
static int put_image(FILE *out, struct nn_canvas *canvas, const char *title, double width)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int error = nn_canvas_encode(canvas, &data, &size);
    nn_canvas_destroy(canvas);
    if (error)
        return error;
    size_t room = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (text) {
        sodium_bin2base64(text, room, data, size, sodium_base64_VARIANT_ORIGINAL);
        fputs("<img alt=\"", out);
        put_text(out, title);
        fprintf(out, "\" width=%.0f src=\"data:%s;base64,%s\">\n", width,
                data[0] == '<' ? "image/svg+xml" : "image/png", text);
    }
    error = text ? 0 : -ENOMEM;
    free(text);
    free(data);
    return error;
}

enum chart_kind {
    CHART_MEASURE,
    CHART_HUMAN,
    CHART_RELIABILITY,
    CHART_TOGETHER,
    CHART_CONFUSION,
    CHART_READINGS,
    CHART_CLASSES,
    CHART_SEQUENCE,
};

/* Pixels to the point, so that a chart's text is as large as the page's small print. */
static const double chart_scale = 1.25;

struct chart {
    enum chart_kind kind;
    uint32_t which; /* measure, label or share */
    double width, height;
    const char *title;
};

static int put_chart(FILE *out, const struct nn_report *report, const struct chart *chart)
{
    struct nn_canvas *canvas = NULL;
    int error = nn_canvas_create(NN_CANVAS_SVG, chart->width, chart->height, &canvas);
    if (error)
        return error;
    struct nn_box box = {4.0, 4.0, chart->width - 8.0, chart->height - 8.0};
    switch (chart->kind) {
    case CHART_MEASURE:
        report_chart_measure(canvas, box, report, (enum nn_measure)chart->which);
        break;
    case CHART_HUMAN:
        report_chart_human(canvas, box, report);
        break;
    case CHART_RELIABILITY:
        report_chart_reliability(canvas, box, report, chart->which);
        break;
    case CHART_TOGETHER:
        report_chart_together(canvas, box, report);
        break;
    case CHART_CONFUSION:
        report_chart_confusion(canvas, box, report, chart->which);
        break;
    case CHART_READINGS:
        report_chart_readings(canvas, box, report);
        break;
    case CHART_CLASSES:
        report_chart_classes(canvas, box, report, chart->which);
        break;
    case CHART_SEQUENCE:
        report_chart_sequence(canvas, box, report);
        break;
    }
    return put_image(out, canvas, chart->title, chart_scale * chart->width);
}

static int put_charts(FILE *out, const struct nn_report *report, const struct chart *charts,
                      size_t n)
{
    int error = 0;
    fputs("<div class=charts>\n", out);
    for (size_t i = 0; i < n && !error; i++)
        error = put_chart(out, report, &charts[i]);
    fputs("</div>\n", out);
    return error;
}

static void put_figure(FILE *out, const struct nn_figure *figure)
{
    if (!isfinite(figure->value))
        fputs("<td>-</td>", out);
    else if (isfinite(figure->low))
        fprintf(out, "<td>%.3f <small>%.3f-%.3f</small></td>", figure->value, figure->low,
                figure->high);
    else
        fprintf(out, "<td>%.3f</td>", figure->value);
}

static void put_share_table(FILE *out, const struct nn_report *report, uint32_t share)
{
    fputs("<table><thead><tr><th></th>", out);
    for (int m = 0; m < NN_MEASURE_COUNT; m++)
        fprintf(out, "<th>%s</th>", nn_measure_title((enum nn_measure)m));
    fputs("</tr></thead><tbody>\n", out);
    for (uint32_t row = 0; row < NN_REPORT_ROWS; row++) {
        fprintf(out, "<tr%s><td>%s</td>", row == NN_REPORT_MEAN ? " class=mean" : "",
                nn_report_row_title(row));
        for (int m = 0; m < NN_MEASURE_COUNT; m++)
            put_figure(out, &report->figures.shares[share].labels[row][m]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

/* The means against the lines seen: what most readers want first. */
static void put_summary(FILE *out, const struct nn_report *report)
{
    fputs("<table><thead><tr><th>lines of 128</th>", out);
    for (int m = 0; m < NN_MEASURE_COUNT; m++)
        fprintf(out, "<th>%s</th>", nn_measure_title((enum nn_measure)m));
    fputs("</tr></thead><tbody>\n", out);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        fprintf(out, "<tr><td>%u</td>", (unsigned)nn_share_lines(share));
        for (int m = 0; m < NN_MEASURE_COUNT; m++)
            put_figure(out, &report->figures.shares[share].labels[NN_REPORT_MEAN][m]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void put_head(FILE *out, const struct nn_report *report, const struct nn_report_about *about)
{
    fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>", out);
    put_text(out, about->title);
    fprintf(out, "</title><style>%s</style></head><body>\n<h1>", style);
    put_text(out, about->title);
    fputs("</h1>\n<p>", out);
    put_text(out, about->what);
    fputs("</p>\n", out);
    if (about->warning) {
        fputs("<p class=warning>", out);
        put_text(out, about->warning);
        fputs("</p>\n", out);
    }
    fprintf(out,
            "<p>%u finished frames of %u recordings. After each figure: the 95 %% interval from "
            "drawing whole recordings with replacement. What the words mean: "
            "docs/evaluation.md.</p>\n",
            (unsigned)report->frames, (unsigned)report->recordings);
    if (about->model) {
        fputs("<p>Model <code>", out);
        put_text(out, about->model);
        fputs("</code>", out);
        if (about->note && *about->note) {
            fputs(": ", out);
            put_text(out, about->note);
        }
        fputs("</p>\n", out);
    }
    fputs("<p>Made by <code>", out);
    put_text(out, about->command);
    fputs("</code></p>\n", out);
}

static int put_curves(FILE *out, const struct nn_report *report)
{
    static const struct chart charts[] = {
        {CHART_MEASURE, NN_MEASURE_AUC, 460, 250, "ROC area against lines seen"},
        {CHART_MEASURE, NN_MEASURE_ACCURACY, 460, 250, "balanced accuracy against lines seen"},
        {CHART_MEASURE, NN_MEASURE_PRECISION, 460, 250, "average precision against lines seen"},
        {CHART_MEASURE, NN_MEASURE_UNDECIDED, 460, 250, "undecided against lines seen"},
    };
    fputs("<h2>Against lines seen</h2>\n", out);
    int error = put_charts(out, report, charts, sizeof charts / sizeof *charts);
    fputs("<p>Means of the six labels:</p>\n", out);
    put_summary(out, report);
    for (uint32_t share = NN_SHARE_COUNT; share-- > 0;) {
        fprintf(out, "<details%s><summary>Label by label, %u of 128 lines</summary>\n",
                share == NN_SHARE_FULL ? " open" : "", (unsigned)nn_share_lines(share));
        put_share_table(out, report, share);
        fputs("</details>\n", out);
    }
    return error;
}

static int put_human(FILE *out, const struct nn_report *report)
{
    static const struct chart chart = {CHART_HUMAN, 0, 620, 230,
                                       "sensitivity at the second human's specificity"};
    fprintf(out,
            "<h2>Beside a second human</h2>\n<p>One person's answers as the truth about another's, "
            "on the %u frames with exactly two answers. Columns: the second human's specificity "
            "and sensitivity, and the sensitivity at that specificity here.</p>\n",
            (unsigned)report->two_answers);
    int error = put_charts(out, report, &chart, 1);
    fputs("<table><thead><tr><th></th><th>specificity</th><th>second human</th>", out);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        fprintf(out, "<th>%u lines</th>", (unsigned)nn_share_lines(share));
    fputs("</tr></thead><tbody>\n", out);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        fprintf(out, "<tr><td>%s</td><td>%.3f</td><td>%.3f</td>", nn_label_title((enum nn_label)k),
                report->humans[k].specificity, report->humans[k].sensitivity);
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            put_figure(out, &report->figures.shares[share].labels[k][NN_MEASURE_SENSITIVITY]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
    return error;
}

static int put_reliability(FILE *out, const struct nn_report *report)
{
    static const struct chart error_chart = {CHART_MEASURE, NN_MEASURE_CALIBRATION, 460, 250,
                                             "calibration error against lines seen"};
    fputs("<h2>Calibration</h2>\n<p>Of frames with a score of .7, seven in ten should carry the "
          "label. Bins with fewer than five frames are not drawn.</p>\n",
          out);
    struct chart charts[NN_LABEL_COUNT];
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        charts[k] = (struct chart){CHART_RELIABILITY, k, 300, 210, "reliability"};
    int error = put_charts(out, report, charts, NN_LABEL_COUNT);
    return error ? error : put_charts(out, report, &error_chart, 1);
}

static int put_matrices(FILE *out, const struct nn_report *report)
{
    static const struct chart charts[] = {
        {CHART_TOGETHER, 0, 460, 280, "labels together"},
        {CHART_CONFUSION, NN_SHARE_FULL, 460, 280, "labelled and called, full frame"},
        {CHART_CONFUSION, 4, 460, 280, "labelled and called, half of the frame"},
        {CHART_CONFUSION, 1, 460, 280, "labelled and called, 24 lines"},
    };
    fputs(
        "<h2>Labels together, and labels called</h2>\n<p>First: of the frames that people gave the "
        "row's label, the share that they gave the column's as well. Others: of the frames that "
        "people gave the row's label, the share that was called the column's. Off the diagonal "
        "the second should look like the first; where it is darker, labels are mixed up.</p>\n",
        out);
    return put_charts(out, report, charts, sizeof charts / sizeof *charts);
}

static int put_readings(FILE *out, const struct nn_report *report)
{
    static const struct chart charts[] = {
        {CHART_READINGS, 0, 620, 250, "good or bad, and four classes, against lines seen"},
        {CHART_CLASSES, NN_SHARE_FULL, 440, 240, "four classes, full frame"},
        {CHART_CLASSES, 1, 440, 240, "four classes, 24 lines"},
    };
    fprintf(out,
            "<h2>As later papers read it</h2>\n<p>Frames on which at least two people answered and "
            "all agree: %u bad without a feature, %u good with one; four exclusive classes: %u "
            "individual atoms, %u dimers or asymmetries, %u rows, %u bad.</p>\n",
            (unsigned)report->bad_frames, (unsigned)report->good_frames,
            (unsigned)report->class_frames[NN_CLASS_ATOMS],
            (unsigned)report->class_frames[NN_CLASS_DIMERS],
            (unsigned)report->class_frames[NN_CLASS_ROWS],
            (unsigned)report->class_frames[NN_CLASS_BAD]);
    int error = put_charts(out, report, charts, sizeof charts / sizeof *charts);
    fputs("<table><thead><tr><th>lines of 128</th><th>good/bad, ROC area</th><th>balanced "
          "accuracy</th><th>undecided</th><th>four classes, ROC area</th><th>balanced "
          "accuracy</th></tr></thead><tbody>\n",
          out);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        const struct nn_report_share *at = &report->figures.shares[share];
        fprintf(out, "<tr><td>%u</td>", (unsigned)nn_share_lines(share));
        put_figure(out, &at->bad_auc);
        put_figure(out, &at->bad_accuracy);
        put_figure(out, &at->bad_undecided);
        put_figure(out, &at->class_auc);
        put_figure(out, &at->class_accuracy);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
    return error;
}

static void put_sequence_row(FILE *out, const char *name, const struct nn_report_sequence *row,
                             bool mean)
{
    fprintf(out, "<tr%s><td>%s</td>", mean ? " class=mean" : "", name);
    put_figure(out, &row->seen);
    put_figure(out, &row->accuracy);
    put_figure(out, &row->full);
    put_figure(out, &row->cost);
    fputs("</tr>\n", out);
}

static int put_sequences(FILE *out, const struct nn_report *report)
{
    static const struct chart chart = {CHART_SEQUENCE, 0, 500, 260,
                                       "share of frames decided against lines seen"};
    const struct nn_report_figures *figures = &report->figures;
    fputs("<h2>Decided as soon as sure</h2>\n<p>One verdict after the other, until a score is no "
          "longer undecided; at the full frame by the threshold.</p>\n",
          out);
    int error = put_charts(out, report, &chart, 1);
    fputs("<table><thead><tr><th></th><th>share of lines used</th><th>balanced accuracy</th>"
          "<th>of the full frame</th><th>cost</th></tr></thead><tbody>\n",
          out);
    for (uint32_t d = 0; d < NN_LABEL_COUNT; d++)
        put_sequence_row(out, nn_label_title((enum nn_label)d), &figures->sequences[d], false);
    put_sequence_row(out, "mean of six", &figures->sequence_mean, true);
    put_sequence_row(out, "good or bad", &figures->sequences[NN_DECISION_BAD], false);
    fputs("</tbody></table>\n<table><tbody><tr><td>share of the frame after which truly bad frames "
          "are rejected (never: 1)</td>",
          out);
    put_figure(out, &figures->rejected_after);
    fputs("</tr></tbody></table>\n", out);
    return error;
}

static int put_error(FILE *out, const struct nn_report_about *about, uint32_t label,
                     const struct nn_report_error *error)
{
    const struct nn_example *example = &about->scores->dataset->examples[error->example];
    const float *scores =
        about->scores->scores[NN_SHARE_FULL] + (size_t)error->example * NN_LABEL_COUNT;
    int code = 0;
    fputs("<figure>", out);
    if (example->picture.gray) {
        struct nn_canvas *canvas = NULL;
        code = nn_canvas_create(NN_CANVAS_PNG, 90.0, 90.0, &canvas);
        if (!code) {
            nn_canvas_picture(canvas, (struct nn_box){0.0, 0.0, 90.0, 90.0}, example->picture.gray,
                              example->picture.width, example->picture.height);
            code = put_image(out, canvas, example->image, 180.0);
        }
    }
    fputs("<figcaption>", out);
    put_text(out, example->image);
    fprintf(out,
            "<br>%g answers<table><thead><tr><th></th><th>score</th><th>votes</th></tr>"
            "</thead><tbody>",
            (double)example->responses);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(out, "<tr%s><td>%s</td><td>%.2f</td><td>%.2f</td></tr>",
                k == label ? " style=\"font-weight:bold;color:#b00\"" : "",
                nn_label_title((enum nn_label)k), (double)scores[k], (double)example->wanted[k]);
    fputs("</tbody></table></figcaption></figure>\n", out);
    return code;
}

static int put_errors(FILE *out, const struct nn_report *report,
                      const struct nn_report_about *about)
{
    int error = 0;
    fputs("<h2>Worst errors</h2>\n<p>Full frame; frames on which all who answered agree about the "
          "label, those with several answers first.</p>\n",
          out);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        fputs("<div class=pair>\n", out);
        for (uint32_t missed = 0; missed < 2; missed++) {
            uint32_t n = missed ? report->n_misses[k] : report->n_alarms[k];
            if (n == 0)
                continue;
            fprintf(out, "<div><h3>%s, %s</h3>\n<div class=errors>\n",
                    nn_label_title((enum nn_label)k), missed ? "missed" : "called in vain");
            for (uint32_t i = 0; i < n && !error; i++)
                error = put_error(out, about, k,
                                  missed ? &report->misses[k][i] : &report->alarms[k][i]);
            fputs("</div></div>\n", out);
        }
        fputs("</div>\n", out);
    }
    return error;
}

int nn_report_write_html(FILE *out, const struct nn_report *report,
                         const struct nn_report_about *about)
{
    put_head(out, report, about);
    int error = put_curves(out, report);
    if (!error)
        error = put_human(out, report);
    if (!error)
        error = put_reliability(out, report);
    if (!error)
        error = put_matrices(out, report);
    if (!error)
        error = put_readings(out, report);
    if (!error)
        error = put_sequences(out, report);
    if (!error)
        error = put_errors(out, report, about);
    fputs("</body></html>\n", out);
    return !error && ferror(out) ? -EIO : error;
}
