/* A report as one JSON object. */
#include "nn/report_table.h"
#include "nn/report_write.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

/* null where a figure could not be had. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *words)
{
    return words ? json_string(words) : json_null();
}

static json_t *figure_of(const struct nn_figure *figure)
{
    return json_pack("{s:o, s:o, s:o}", "value", number(figure->value), "low", number(figure->low),
                     "high", number(figure->high));
}

/* The object under `name`, made where it is missing. */
static json_t *inside(json_t *object, const char *name)
{
    if (!json_object_get(object, name))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

/* figures: by lines seen, then subject, then measure, then, in matrices, column. */
static void take(void *context, const struct nn_report_entry *entry)
{
    char lines[16] = "frame";
    if (entry->lines)
        snprintf(lines, sizeof lines, "%u", (unsigned)entry->lines);
    json_t *subject = inside(inside(context, lines), entry->subject);
    if (entry->other)
        json_object_set_new(inside(subject, entry->measure), entry->other,
                            figure_of(entry->figure));
    else
        json_object_set_new(subject, entry->measure, figure_of(entry->figure));
}

static json_t *reliability(const struct nn_report *report)
{
    json_t *all = json_object();
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        char lines[16];
        snprintf(lines, sizeof lines, "%u", (unsigned)nn_share_lines(share));
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            json_t *bins = json_array();
            for (uint32_t b = 0; b < NN_CALIBRATION_BINS; b++) {
                const struct nn_reliability *bin = &report->reliability[share][k][b];
                json_array_append_new(bins, json_pack("{s:f, s:o, s:o}", "frames", bin->examples,
                                                      "score", number(bin->score), "carrying",
                                                      number(bin->positive)));
            }
            json_object_set_new(inside(all, lines), nn_label_name((enum nn_label)k), bins);
        }
    }
    return all;
}

static json_t *errors(const struct nn_report *report, const struct nn_dataset *dataset)
{
    json_t *all = json_array();
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t missed = 0; missed < 2; missed++)
            for (uint32_t i = 0; i < (missed ? report->n_misses[k] : report->n_alarms[k]); i++) {
                const struct nn_report_error *error =
                    missed ? &report->misses[k][i] : &report->alarms[k][i];
                const struct nn_example *example = &dataset->examples[error->example];
                json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "label",
                                                     nn_label_name((enum nn_label)k), "kind",
                                                     missed ? "missed" : "called in vain", "image",
                                                     example->image, "score", (double)error->score,
                                                     "votes", (double)example->wanted[k],
                                                     "responses", (double)example->responses));
            }
    return all;
}

static json_t *counts(const struct nn_report *report)
{
    json_t *all =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "frames", (int)report->frames, "recordings",
                  (int)report->recordings, "folds", (int)report->folds, "frames_with_two_answers",
                  (int)report->two_answers, "agreed_bad_frames", (int)report->bad_frames,
                  "agreed_good_frames", (int)report->good_frames);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        json_object_set_new(inside(all, "labelled"), nn_label_name((enum nn_label)k),
                            json_integer((json_int_t)report->positives[k]));
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++)
        json_object_set_new(inside(all, "classes"), nn_class_name((enum nn_class)c),
                            json_integer((json_int_t)report->class_frames[c]));
    return all;
}

static json_t *humans(const struct nn_report *report)
{
    json_t *all = json_object();
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        json_object_set_new(all, nn_label_name((enum nn_label)k),
                            json_pack("{s:o, s:o}", "sensitivity",
                                      number(report->humans[k].sensitivity), "specificity",
                                      number(report->humans[k].specificity)));
    return all;
}

int nn_report_write_json(FILE *out, const struct nn_report *report,
                         const struct nn_report_about *about)
{
    json_t *figures = json_object();
    struct nn_report_listener listener = {.take = take, .context = figures};
    nn_report_walk(report, &listener);
    json_t *all = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "title", text(about->title),
        "what", text(about->what), "warning", text(about->warning), "command", text(about->command),
        "model", text(about->model), "note", text(about->note), "counts", counts(report),
        "second_human", humans(report), "figures", figures, "reliability", reliability(report),
        "worst_errors", errors(report, about->scores->dataset));
    if (!all)
        return -ENOMEM;
    int error = json_dumpf(all, out, JSON_INDENT(1)) || fputc('\n', out) == EOF ? -EIO : 0;
    json_decref(all);
    return error;
}
