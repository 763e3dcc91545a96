/* Labelled pictures and figures for the commands. */
#include "nn/cmd_labelled.h"

#include "agent/terminal.h"
#include "instrument/picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct folder {
    const char *command;
    const char *path;
};

static int read_picture(void *context, const char *image, struct nn_picture *ret_picture)
{
    const struct folder *folder = context;
    size_t room = strlen(folder->path) + strlen(image) + 2;
    char *path = malloc(room);
    if (!path)
        return -ENOMEM;
    snprintf(path, room, "%s/%s", folder->path, image);
    struct picture_gray gray;
    char reason[160];
    int error = picture_read_png_gray(path, &gray, reason, sizeof reason);
    if (error)
        terminal_error(folder->command, "%s: %s", path, reason);
    else
        *ret_picture =
            (struct nn_picture){.width = gray.width, .height = gray.height, .gray = gray.pixels};
    free(path);
    return error;
}

struct nn_dataset *labelled_load(const char *command, const char *table, const char *folder)
{
    struct folder context = {.command = command, .path = folder};
    struct nn_dataset *dataset = NULL;
    char error[400];
    if (nn_dataset_load(table, read_picture, &context, &dataset, error, sizeof error) != 0) {
        terminal_error(command, "%s: %s", table, error);
        return NULL;
    }
    return dataset;
}

struct nn_score_file *labelled_load_scores(const char *command, const char *path,
                                           const char *folder)
{
    struct folder context = {.command = command, .path = folder};
    struct nn_score_file *file = NULL;
    char error[400];
    if (nn_scores_load(path, folder ? read_picture : NULL, &context, &file, error, sizeof error) !=
        0) {
        terminal_error(command, "%s: %s", path, error);
        return NULL;
    }
    return file;
}

static void print_figure(FILE *out, const struct nn_figure *figure)
{
    if (isfinite(figure->low))
        fprintf(out, "  %.3f [%.3f-%.3f]", figure->value, figure->low, figure->high);
    else if (isfinite(figure->value))
        fprintf(out, "  %.3f [  too few  ]", figure->value);
    else
        fputs("      -              ", out);
}

static void print_value(FILE *out, const struct nn_figure *figure)
{
    if (isfinite(figure->value))
        fprintf(out, "  %5.3f", figure->value);
    else
        fputs("      -", out);
}

static void print_share(FILE *out, const struct nn_report *report, uint32_t share)
{
    const struct nn_report_share *at = &report->figures.shares[share];
    fprintf(out, "%3u of 128 lines   %-19s  %-19s  %-19s  %-19s  %5s  %5s  %5s\n",
            (unsigned)nn_share_lines(share), "ROC area", "balanced accuracy", "as a second human",
            "calibration error", "prec.", "Matt.", "undec");
    for (uint32_t row = 0; row < NN_REPORT_ROWS; row++) {
        const struct nn_figure *figures = at->labels[row];
        fprintf(out, "%-17s", row == NN_REPORT_MEAN ? "mean" : nn_label_name((enum nn_label)row));
        print_figure(out, &figures[NN_MEASURE_AUC]);
        print_figure(out, &figures[NN_MEASURE_ACCURACY]);
        print_figure(out, &figures[NN_MEASURE_SENSITIVITY]);
        print_figure(out, &figures[NN_MEASURE_CALIBRATION]);
        print_value(out, &figures[NN_MEASURE_PRECISION]);
        print_value(out, &figures[NN_MEASURE_MATTHEWS]);
        print_value(out, &figures[NN_MEASURE_UNDECIDED]);
        fputc('\n', out);
    }
    fprintf(out, "%-17s", "good or bad");
    print_figure(out, &at->bad_auc);
    print_figure(out, &at->bad_accuracy);
    fprintf(out, "\n%-17s", "four classes");
    print_figure(out, &at->class_auc);
    print_figure(out, &at->class_accuracy);
    fputs("\n\n", out);
}

static void print_sequence(FILE *out, const char *name, const struct nn_report_sequence *row)
{
    fprintf(out, "%-17s", name);
    print_figure(out, &row->seen);
    print_figure(out, &row->accuracy);
    print_figure(out, &row->full);
    print_figure(out, &row->cost);
    fputc('\n', out);
}

void labelled_print(FILE *out, const char *title, const struct nn_report *report)
{
    const struct nn_report_figures *figures = &report->figures;
    fprintf(out, "%s: %u finished frames of %u recordings, %u with two answers\n\n", title,
            (unsigned)report->frames, (unsigned)report->recordings, (unsigned)report->two_answers);
    for (uint32_t share = NN_SHARE_COUNT; share-- > 0;)
        print_share(out, report, share);
    fputs("second human's    specificity  sensitivity\n", out);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(out, "%-17s        %.3f        %.3f\n", nn_label_name((enum nn_label)k),
                report->humans[k].specificity, report->humans[k].sensitivity);
    fprintf(out, "\n%-17s  %-19s  %-19s  %-19s  %-19s\n", "as soon as sure", "share of lines used",
            "balanced accuracy", "of the full frame", "cost");
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        print_sequence(out, nn_label_name((enum nn_label)k), &figures->sequences[k]);
    print_sequence(out, "mean", &figures->sequence_mean);
    print_sequence(out, "good or bad", &figures->sequences[NN_DECISION_BAD]);
    fputs("bad frames rejected after (share of the frame)", out);
    print_figure(out, &figures->rejected_after);
    fputs("\n\n", out);
}

uint32_t labelled_frame_lines(uint32_t width, uint32_t height)
{
    return width > height ? width : height;
}

int labelled_show(struct nn_stream *stream, const struct nn_picture *picture, uint32_t seen)
{
    double *line = malloc(picture->width * sizeof *line);
    if (!line)
        return -ENOMEM;
    uint32_t lines = labelled_frame_lines(picture->width, picture->height);
    int error = nn_stream_begin(stream, picture->width, lines);
    for (uint32_t row = 0; row < seen && row < picture->height && !error; row++) {
        const uint8_t *gray = picture->gray + (size_t)(picture->height - 1 - row) * picture->width;
        for (uint32_t x = 0; x < picture->width; x++)
            line[x] = (double)gray[x] / 255.0;
        error = nn_stream_add_line(stream, row, line);
    }
    free(line);
    return error;
}

uint32_t labelled_share(uint32_t lines, double share)
{
    double wanted = floor(share * (double)lines + 0.5);
    return wanted < 1.0 ? 1 : wanted > (double)lines ? lines : (uint32_t)wanted;
}

int labelled_number(const char *command, const char *option, const char *text, double min,
                    double max, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) {
        terminal_error(command, "%s: '%s' is not a number between %g and %g", option, text, min,
                       max);
        return -1;
    }
    *ret_value = value;
    return 0;
}
