/* tipwright eval: what a model, or a file of left-out scores, is worth on labelled pictures. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_eval_judge.h"
#include "nn/cmd_labelled.h"
#include "nn/model.h"
#include "nn/report_write.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "eval";

struct options {
    const char *model;
    const char *labels;
    const char *images;
    const char *scores;
    const char *csv;
    const char *html;
    const char *png;
    const char *title;
    bool json;
    uint32_t threads;
    char *line; /* the command itself */
    struct nn_report_settings report;
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright eval MODEL --labels TABLE --images FOLDER [OPTION]...\n"
          "       tipwright eval --scores FILE [--images FOLDER] [OPTION]...\n"
          "Judge labelled pictures line by line, as the agent does, and tell how well the scores\n"
          "fit the labels at 16, 24, 32, 48, 64, 96 and all of 128 lines; or do so with scores\n"
          "that a training kept for the recordings it left out. Figures on recordings that a\n"
          "model was trained on say nothing about others. What they mean: docs/evaluation.md.\n"
          "\n"
          "  -m, --model MODEL      model file (or as the only argument)\n"
          "  -l, --labels TABLE     CSV with columns image, recording, responses and six scores\n"
          "  -i, --images FOLDER    where the pictures (PNG) are\n"
          "  -s, --scores FILE      left-out scores of `tipwright train --save-scores`\n"
          "      --json             one JSON object on stdout instead of tables\n"
          "      --csv FILE         every figure, one per line\n"
          "      --html FILE        a page with charts and, given --images, the worst errors\n"
          "      --png FILE         the main charts as one picture\n"
          "      --title TEXT       head of the page\n"
          "      --second-human W   'table' (the public data set's) or 'labels' (from the frames\n"
          "                         here that two people answered on); table\n"
          "      --draws N          draws for the intervals (1000)\n"
          "      --seed N           of the draws (1)\n"
          "  -t, --threads N        frames judged at a time (1); the result is the same\n"
          "      --help             this text\n"
          "\n"
          "Exit status: 0 done, 1 failed, 2 usage.\n",
          out);
}

/* The options with a value that is more than a name. 0, or -1 after saying why not. */
static int take_value(struct options *options, int letter, const char *text)
{
    double value;
    switch (letter) {
    case 'd':
        if (labelled_number(command, "--draws", text, 0, 100000, &value) != 0)
            return -1;
        options->report.draws = (uint32_t)value;
        return 0;
    case 'r':
        if (labelled_number(command, "--seed", text, 0, 4294967295.0, &value) != 0)
            return -1;
        options->report.seed = (uint64_t)value;
        return 0;
    case 't':
        if (labelled_number(command, "--threads", text, 1, EVAL_THREADS_MAX, &value) != 0)
            return -1;
        options->threads = (uint32_t)value;
        return 0;
    default:
        options->report.humans_from_labels = strcmp(text, "labels") == 0;
        if (options->report.humans_from_labels || strcmp(text, "table") == 0)
            return 0;
        terminal_error(command, "--second-human: '%s' is neither table nor labels", text);
        return -1;
    }
}

static const char **place_of(struct options *options, int letter)
{
    switch (letter) {
    case 'm':
        return &options->model;
    case 'l':
        return &options->labels;
    case 'i':
        return &options->images;
    case 's':
        return &options->scores;
    case 'c':
        return &options->csv;
    case 'w':
        return &options->html;
    case 'p':
        return &options->png;
    case 'T':
        return &options->title;
    default:
        return NULL;
    }
}

static int check_options(const struct options *options)
{
    if (options->scores && (options->model || options->labels))
        terminal_error(command, "--scores needs neither a model nor --labels");
    else if (!options->scores && (!options->model || !options->labels || !options->images))
        terminal_error(command, "a model, --labels and --images are needed, or --scores; "
                                "see --help");
    else
        return -1;
    return EXIT_USAGE;
}

/* An exit status, or -1 to go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"model", required_argument, NULL, 'm'},
        {"labels", required_argument, NULL, 'l'},
        {"images", required_argument, NULL, 'i'},
        {"scores", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"csv", required_argument, NULL, 'c'},
        {"html", required_argument, NULL, 'w'},
        {"png", required_argument, NULL, 'p'},
        {"title", required_argument, NULL, 'T'},
        {"second-human", required_argument, NULL, 'H'},
        {"draws", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    int letter;
    while ((letter = getopt_long(argc, argv, "m:l:i:s:t:", names, NULL)) != -1) {
        const char **place = place_of(options, letter);
        if (letter == 'h') {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (letter == '?')
            return EXIT_USAGE;
        if (letter == 'j')
            options->json = true;
        else if (place)
            *place = optarg;
        else if (take_value(options, letter, optarg) != 0)
            return EXIT_USAGE;
    }
    if (optind < argc && !options->model)
        options->model = argv[optind++];
    if (optind < argc) {
        terminal_error(command, "unexpected argument '%s'", argv[optind]);
        return EXIT_USAGE;
    }
    return check_options(options);
}

/* "tipwright eval ..." as typed, for the page. */
static char *join(int argc, char **argv)
{
    size_t room = sizeof "tipwright";
    for (int i = 0; i < argc; i++)
        room += strlen(argv[i]) + 1;
    char *line = malloc(room);
    if (!line)
        abort();
    size_t at = (size_t)snprintf(line, room, "tipwright");
    for (int i = 0; i < argc; i++)
        at += (size_t)snprintf(line + at, room - at, " %s", argv[i]);
    return line;
}

/* Opens, writes, closes; says why not. 0, or negative errno. */
static int write_file(const char *path, const struct nn_report *report,
                      const struct nn_report_about *about)
{
    FILE *out = fopen(path, "w");
    int error = out ? 0 : -errno;
    if (out) {
        error = about ? nn_report_write_html(out, report, about) : nn_report_write_csv(out, report);
        if (fclose(out) != 0 && !error)
            error = -errno;
    }
    if (error)
        terminal_error(command, "%s: %s", path, strerror(-error));
    return error;
}

static int write_all(const struct options *options, const struct nn_report *report,
                     const struct nn_report_about *about)
{
    int error = 0;
    if (options->json)
        error = nn_report_write_json(stdout, report, about);
    else
        labelled_print(stdout, about->what, report);
    if (about->warning && !options->json)
        printf("%s\n", about->warning);
    if (!error && options->csv)
        error = write_file(options->csv, report, NULL);
    if (!error && options->html)
        error = write_file(options->html, report, about);
    if (!error && options->png) {
        error = nn_report_write_png(options->png, report, about);
        if (error)
            terminal_error(command, "%s: %s", options->png, strerror(-error));
    }
    return error;
}

static int report_scores(const struct options *options, const struct nn_scores *scores,
                         struct nn_report_about *about)
{
    struct nn_report *report = NULL;
    about->scores = scores;
    about->command = options->line;
    if (options->title)
        about->title = options->title;
    int error = nn_report_make(scores, &options->report, &report);
    if (error) {
        terminal_error(command, "figures: %s",
                       error == -ENODATA ? "no finished frame" : strerror(-error));
        return error;
    }
    error = write_all(options, report, about);
    free(report);
    return error;
}

static int eval_scores(const struct options *options)
{
    struct nn_score_file *file = labelled_load_scores(command, options->scores, options->images);
    if (!file)
        return -EBADMSG;
    char what[400];
    snprintf(what, sizeof what,
             "Left-out recordings: %s, every recording judged by networks that never saw it "
             "(%u folds)",
             options->scores, (unsigned)file->scores.folds);
    struct nn_report_about about = {.title = "Verdicts on left-out recordings", .what = what};
    int error = report_scores(options, &file->scores, &about);
    nn_score_file_destroy(file);
    return error;
}

/* What a reader must know before believing the figures. */
static const char *warn(const struct nn_model *model, const struct nn_dataset *dataset,
                        char *ret_text, size_t size)
{
    uint32_t known = eval_recordings_trained(model, dataset);
    if (!nn_model_recordings(model)[0])
        snprintf(ret_text, size,
                 "The model file does not name the recordings it was trained on. If these are "
                 "among them, the figures say nothing about others.");
    else if (known)
        snprintf(ret_text, size,
                 "%u of these %u recordings are among those the model was trained on: the figures "
                 "say nothing about others.",
                 (unsigned)known, (unsigned)dataset->n_recordings);
    else
        return NULL;
    return ret_text;
}

static int eval_model(struct options *options)
{
    struct nn_model *model = NULL;
    char reason[200];
    if (nn_model_load(options->model, &model, reason, sizeof reason) != 0) {
        terminal_error(command, "%s: %s", options->model, reason);
        return -EBADMSG;
    }
    struct nn_dataset *dataset = labelled_load(command, options->labels, options->images);
    struct eval_scores judged = {0};
    int error = dataset ? 0 : -EBADMSG;
    if (!error && (error = eval_judge(model, dataset, options->threads, &judged)))
        terminal_error(command, "judging: %s", strerror(-error));
    if (!error) {
        struct nn_decisions decisions = eval_decisions(model);
        char what[400];
        char warning[300];
        snprintf(what, sizeof what, "Scores of %s on %s, line by line", options->model,
                 options->labels);
        struct nn_report_about about = {.title = "Verdicts of a model",
                                        .what = what,
                                        .warning = warn(model, dataset, warning, sizeof warning),
                                        .model = nn_model_hash(model),
                                        .note = nn_model_note(model)};
        options->report.decisions = &decisions;
        error = report_scores(options, &judged.scores, &about);
        options->report.decisions = NULL;
    }
    free(judged.values);
    nn_dataset_destroy(dataset);
    nn_model_destroy(model);
    return error;
}

int cmd_eval(int argc, char **argv)
{
    struct options options = {.threads = 1, .report = {.draws = 1000, .seed = 1}};
    options.line = join(argc, argv);
    int status = read_options(argc, argv, &options);
    if (status < 0) {
        int error = options.scores ? eval_scores(&options) : eval_model(&options);
        status = error ? EXIT_INTERNAL : EXIT_OK;
    }
    free(options.line);
    return status;
}
