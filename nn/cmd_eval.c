/* tipwright eval: what a model is worth on labelled pictures. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/evaluate.h"
#include "nn/model.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "eval";

struct options {
    const char *model;
    const char *labels;
    const char *images;
    bool json;
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright eval --model MODEL --labels TABLE --images FOLDER [--json]\n"
          "Judge labelled pictures line by line, as the agent does, and print how well the\n"
          "scores fit the labels at 16, 24, 32, 64 and all of 128 lines. Figures on pictures\n"
          "that the model was trained on say nothing about others.\n"
          "\n"
          "  -m, --model MODEL      model file\n"
          "  -l, --labels TABLE     CSV with columns image, recording, responses and six scores\n"
          "  -i, --images FOLDER    where the pictures (PNG) are\n"
          "      --json             one JSON object on stdout\n"
          "      --help             this text\n"
          "\n"
          "Exit status: 0 done, 1 failed, 2 usage.\n",
          out);
}

/* An exit status, or -1 to go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"model", required_argument, NULL, 'm'},  {"labels", required_argument, NULL, 'l'},
        {"images", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    optind = 1;
    int letter;
    while ((letter = getopt_long(argc, argv, "m:l:i:", names, NULL)) != -1) {
        switch (letter) {
        case 'm':
            options->model = optarg;
            break;
        case 'l':
            options->labels = optarg;
            break;
        case 'i':
            options->images = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            print_usage(stdout);
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind < argc || !options->model || !options->labels || !options->images) {
        terminal_error(command, "--model, --labels and --images are needed; see --help");
        return EXIT_USAGE;
    }
    return -1;
}

/* null where a figure could not be had. */
static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_figure(const struct nn_figure *figure)
{
    return json_pack("{s:o, s:o, s:o}", "value", json_number(figure->value), "low",
                     json_number(figure->low), "high", json_number(figure->high));
}

static json_t *json_row(const struct nn_report_row *row)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "roc_area", json_figure(&row->auc),
                     "average_precision", json_figure(&row->average_precision), "balanced_accuracy",
                     json_figure(&row->balanced_accuracy), "calibration_error",
                     json_figure(&row->calibration_error));
}

static json_t *json_report(double share, const struct nn_report *report)
{
    json_t *labels = json_object();
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        json_object_set_new(labels, nn_label_name((enum nn_label)k), json_row(&report->labels[k]));
    return json_pack("{s:f, s:i, s:i, s:o, s:o}", "seen", share, "frames", (int)report->frames,
                     "recordings", (int)report->recordings, "labels", labels, "mean",
                     json_row(&report->mean));
}

static int judge_all(struct nn_stream *stream, const struct nn_dataset *dataset, double share,
                     float *ret_scores)
{
    int error = 0;
    for (uint32_t i = 0; i < dataset->n && !error; i++) {
        const struct nn_picture *picture = &dataset->examples[i].picture;
        error = labelled_judge(stream, picture, labelled_share(picture->height, share),
                               ret_scores + (size_t)i * NN_LABEL_COUNT);
    }
    return error;
}

static int evaluate(const struct options *options, const struct nn_model *model,
                    const struct nn_dataset *dataset, json_t *reports)
{
    struct nn_stream *stream = NULL;
    float *scores = calloc((size_t)dataset->n * NN_LABEL_COUNT, sizeof *scores);
    int error = scores ? nn_stream_create(model, &stream) : -1;
    struct progress progress;
    progress_start(&progress, "judging", NN_SHARE_COUNT);
    for (uint32_t share = NN_SHARE_COUNT; share-- > 0 && !error;) {
        struct nn_report report;
        error = judge_all(stream, dataset, nn_share(share), scores);
        if (!error)
            error = nn_report_make(dataset, scores, NULL, 1, &report);
        progress_update(&progress, NN_SHARE_COUNT - share, NULL);
        if (error)
            break;
        char title[80];
        snprintf(title, sizeof title, "%.0f of 128 lines", 128.0 * nn_share(share));
        if (options->json)
            json_array_append_new(reports, json_report(nn_share(share), &report));
        else
            labelled_print(stdout, title, &report);
    }
    progress_finish(&progress);
    nn_stream_destroy(stream);
    free(scores);
    return error;
}

static int print_json(const struct nn_model *model, json_t *reports)
{
    json_t *all = json_pack("{s:s, s:s, s:O}", "model", nn_model_hash(model), "note",
                            nn_model_note(model), "reports", reports);
    int error = json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
    return error;
}

int cmd_eval(int argc, char **argv)
{
    struct options options = {0};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    struct nn_model *model = NULL;
    char reason[200];
    if (nn_model_load(options.model, &model, reason, sizeof reason) != 0) {
        terminal_error(command, "%s: %s", options.model, reason);
        return EXIT_INTERNAL;
    }
    struct nn_dataset *dataset = labelled_load(command, options.labels, options.images);
    json_t *reports = json_array();
    int error = !dataset;
    if (dataset && (error = evaluate(&options, model, dataset, reports)))
        terminal_error(command, "%s: %s", options.labels, strerror(error < 0 ? -error : error));
    if (!error && options.json)
        error = print_json(model, reports);
    json_decref(reports);
    nn_dataset_destroy(dataset);
    nn_model_destroy(model);
    return error ? EXIT_INTERNAL : EXIT_OK;
}
