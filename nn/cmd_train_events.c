/* tipwright train-events: from labelled pictures and marked lines to a detector of tip changes. */
#include "nn/cmd_train_events.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/crew.h"
#include "nn/evaluate.h"
#include "nn/table.h"
#include "nn/view.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train-events";

enum {
    FOLDS_MAX = 64,
    SIMULATED_MAX = 100000,
    LEARNT_PARTS = 7, /* of ten simulated frames; the others are for figures */
    CHECKED_PARTS = 3,
};

#define FALSE_ALARMS 0.1 /* per marked frame, where the threshold is set */
#define SCORE_MAX 15.0F  /* of logits written */

struct options {
    const char *labels, *images, *marks, *output, *scores;
    uint32_t folds, threads, simulated;
    struct nn_event_train_settings train;
};

/* Everything there is to learn from, and what comes of it. */
struct lesson {
    const struct options *options;
    const struct nn_dataset *dataset;
    struct nn_event_marks marks;
    uint32_t *fold;                  /* (n_recordings) */
    struct nn_event_frame *recorded; /* (2 n): as scanned, and turned over */
    struct nn_event_truth *truths;   /* (n), of no lines where there are no marks */
    struct events_frame *simulated;  /* (2 (learnt + checked)): raw, flattened */
    struct nn_event_frame *learnt;   /* views of the first of them */
    uint32_t n_learnt, n_checked;    /* pairs */
    float **logits;                  /* (n), by nets that left the recording out */
    struct nn_event_net *nets;       /* (folds + 1); the last learnt from everything */
    pthread_mutex_t lock;            /* over what follows */
    struct progress progress;
    uint64_t done;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright train-events --labels TABLE --images FOLDER --marks MARKS -o DETECTOR\n"
        "       [OPTION]...\n"
        "Train the detector of tip changes: on marked lines, on people's votes for whole frames,\n"
        "and on simulated frames. Figures and the alarms' threshold come from folds of whole\n"
        "recordings that their detector never saw; the one written is trained on all.\n"
        "\n"
        "  -l, --labels TABLE     CSV with columns image, recording, responses and six scores\n"
        "  -i, --images FOLDER    where the pictures (PNG) are\n"
        "  -m, --marks MARKS      CSV: image, first_line, last_line, what (step, streak, unsure)\n"
        "  -o, --output DETECTOR  file to write\n"
        "  -k, --folds K          folds to leave out in turn (6)\n"
        "  -n, --steps N          steps of gradient descent (4000)\n"
        "      --simulated N      simulated frames to learn from (1680)\n"
        "  -s, --seed S           of everything random (1)\n"
        "  -t, --threads N        trainings at a time (1); the result is the same\n"
        "      --save-scores FILE left-out scores of every picture at every share, as CSV\n"
        "      --help             this text\n"
        "\n"
        "Exit status: 0 written; 1 failed; 2 usage.\n",
        out);
}

enum long_option { OPTION_SCORES = 256, OPTION_SIMULATED };

static int take_count(const char *name, double min, double max, uint32_t *ret_count)
{
    double value;
    if (labelled_number(command, name, optarg, min, max, &value) != 0)
        return -1;
    *ret_count = (uint32_t)value;
    return 0;
}

static int take_option(int option, struct options *options)
{
    uint32_t seed;
    switch (option) {
    case 'l':
        options->labels = optarg;
        return 0;
    case 'i':
        options->images = optarg;
        return 0;
    case 'm':
        options->marks = optarg;
        return 0;
    case 'o':
        options->output = optarg;
        return 0;
    case OPTION_SCORES:
        options->scores = optarg;
        return 0;
    case 'k':
        return take_count("--folds", 2, FOLDS_MAX, &options->folds);
    case 'n':
        return take_count("--steps", 1, 1e6, &options->train.steps);
    case OPTION_SIMULATED:
        return take_count("--simulated", 0, SIMULATED_MAX, &options->simulated);
    case 't':
        return take_count("--threads", 1, NN_CREW_MAX, &options->threads);
    case 's':
        if (take_count("--seed", 0, UINT32_MAX, &seed) != 0)
            return -1;
        options->train.seed = seed;
        return 0;
    default:
        return -1;
    }
}

/* 1 when all is said already, -1 when it cannot go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"labels", required_argument, NULL, 'l'},
        {"images", required_argument, NULL, 'i'},
        {"marks", required_argument, NULL, 'm'},
        {"output", required_argument, NULL, 'o'},
        {"folds", required_argument, NULL, 'k'},
        {"steps", required_argument, NULL, 'n'},
        {"simulated", required_argument, NULL, OPTION_SIMULATED},
        {"seed", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"save-scores", required_argument, NULL, OPTION_SCORES},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "l:i:m:o:k:n:s:t:h", names, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return 1;
        }
        if (take_option(option, options) != 0)
            return -1;
    }
    if (optind != argc || !options->labels || !options->images || !options->marks ||
        !options->output) {
        print_usage(stderr);
        return -1;
    }
    return 0;
}

static void count_one(struct lesson *lesson, uint64_t how_many, const char *detail)
{
    pthread_mutex_lock(&lesson->lock);
    lesson->done += how_many;
    progress_update(&lesson->progress, lesson->done, detail);
    pthread_mutex_unlock(&lesson->lock);
}

static int make_frame(const struct nn_picture *picture, bool upside_down, double *samples,
                      struct nn_event_frame *ret_frame)
{
    int error = nn_event_frame_create(picture->height, ret_frame);
    if (error)
        return error;
    struct nn_event_trace trace;
    nn_event_trace_begin(&trace, picture->width);
    for (uint32_t line = 0; line < picture->height; line++) {
        uint32_t row = upside_down ? line : picture->height - 1 - line;
        const uint8_t *gray = picture->gray + (size_t)row * picture->width;
        for (uint32_t x = 0; x < picture->width; x++)
            samples[x] = (double)gray[x];
        nn_event_frame_add(ret_frame, &trace, line, samples);
    }
    return 0;
}

/* A picture as scanned, and turned over: what was after a change is then before it. */
static int make_recorded(void *context, uint32_t i)
{
    struct lesson *lesson = context;
    const struct nn_example *example = &lesson->dataset->examples[i];
    double *samples = malloc(((size_t)example->picture.width + 1) * sizeof *samples);
    int error = samples ? 0 : -ENOMEM;
    for (uint32_t turned = 0; turned < 2 && !error; turned++) {
        struct nn_event_frame *frame = &lesson->recorded[2 * i + turned];
        struct nn_event_truth truth = {0};
        bool marked = false;
        error = make_frame(&example->picture, turned == 1, samples, frame);
        if (!error)
            error = nn_event_marks_truth(&lesson->marks, example->image, frame->lines, turned == 1,
                                         &truth, &marked);
        frame->vote = example->wanted[NN_LABEL_TIP_CHANGE];
        if (marked && !error)
            error = nn_event_frame_know(frame, &truth);
        if (marked && !turned)
            lesson->truths[i] = truth;
        else
            nn_event_truth_finish(&truth);
    }
    free(samples);
    count_one(lesson, 1, NULL);
    return error;
}

static int make_simulated(void *context, uint32_t i)
{
    struct lesson *lesson = context;
    struct events_frame *pair = &lesson->simulated[2 * i];
    int error = events_simulate(i, &pair[0], &pair[1]);
    count_one(lesson, 1, NULL);
    return error;
}

static int make_material(struct lesson *lesson)
{
    const struct options *options = lesson->options;
    uint32_t simulated = lesson->n_learnt + lesson->n_checked;
    lesson->done = 0;
    progress_start(&lesson->progress, "comparing lines", lesson->dataset->n + simulated);
    int error = nn_crew_run(options->threads, lesson->dataset->n, make_recorded, lesson);
    if (!error)
        error = nn_crew_run(options->threads, simulated, make_simulated, lesson);
    for (uint32_t i = 0; i < 2 * lesson->n_learnt && !error; i++)
        lesson->learnt[i] = lesson->simulated[i].frame;
    if (error)
        progress_end(&lesson->progress);
    else
        progress_finish(&lesson->progress);
    return error;
}

/* News of one training. */
struct news {
    struct lesson *lesson;
    uint32_t training, told;
};

static void tell_progress(void *context, uint32_t done, double loss)
{
    struct news *news = context;
    char detail[80];
    if (news->training < news->lesson->options->folds)
        snprintf(detail, sizeof detail, "fold %u, step %u, loss %.4f", (unsigned)news->training + 1,
                 (unsigned)done, loss);
    else
        snprintf(detail, sizeof detail, "everything, step %u, loss %.4f", (unsigned)done, loss);
    count_one(news->lesson, done - news->told, detail);
    news->told = done;
}

/* What was left out is judged. */
static int judge_fold(struct lesson *lesson, uint32_t fold)
{
    for (uint32_t i = 0; i < lesson->dataset->n; i++) {
        if (lesson->fold[lesson->dataset->examples[i].recording] != fold)
            continue;
        const struct nn_event_frame *frame = &lesson->recorded[2 * i];
        lesson->logits[i] = malloc(((size_t)frame->lines + 1) * sizeof *lesson->logits[i]);
        if (!lesson->logits[i])
            return -ENOMEM;
        nn_event_judge(&lesson->nets[fold], frame, lesson->logits[i]);
    }
    return 0;
}

static int train_one(void *context, uint32_t fold)
{
    struct lesson *lesson = context;
    const struct nn_dataset *dataset = lesson->dataset;
    bool *use = malloc((2 * (size_t)dataset->n + 1) * sizeof *use);
    if (!use)
        return -ENOMEM;
    for (uint32_t i = 0; i < dataset->n; i++)
        use[2 * i] = use[2 * i + 1] = lesson->fold[dataset->examples[i].recording] != fold;
    struct nn_event_material material = {.simulated = lesson->learnt,
                                         .n_simulated = 2 * lesson->n_learnt,
                                         .recorded = lesson->recorded,
                                         .n_recorded = 2 * dataset->n,
                                         .use = use};
    struct news news = {.lesson = lesson, .training = fold};
    struct nn_event_train_settings settings = lesson->options->train;
    settings.seed = 1000 * settings.seed + fold;
    settings.progress = tell_progress;
    settings.context = &news;
    int error = nn_event_train(&material, &settings, &lesson->nets[fold]);
    free(use);
    return error || fold == lesson->options->folds ? error : judge_fold(lesson, fold);
}

static int train_all(struct lesson *lesson)
{
    const struct options *options = lesson->options;
    lesson->done = 0;
    progress_start(&lesson->progress, "training",
                   (options->folds + (uint64_t)1) * options->train.steps);
    int error = nn_crew_run(options->threads, options->folds + 1, train_one, lesson);
    if (error)
        progress_end(&lesson->progress);
    else
        progress_finish(&lesson->progress);
    return error;
}

/* A list of frames for the figures; the arrays are the caller's to free. */
struct gathered {
    uint32_t n;
    struct nn_event_truth *truths;
    const float **logits;
    uint32_t *group;
};

static int start_gathering(uint32_t room, struct gathered *gathered)
{
    *gathered = (struct gathered){.truths = calloc((size_t)room + 1, sizeof *gathered->truths),
                                  .logits = calloc((size_t)room + 1, sizeof *gathered->logits),
                                  .group = calloc((size_t)room + 1, sizeof *gathered->group)};
    return gathered->truths && gathered->logits && gathered->group ? 0 : -ENOMEM;
}

static void end_gathering(struct gathered *gathered)
{
    free(gathered->truths);
    free(gathered->logits);
    free(gathered->group);
}

static struct events_judged as_judged(const struct gathered *gathered, uint32_t n_groups)
{
    return (struct events_judged){.n = gathered->n,
                                  .truths = gathered->truths,
                                  .logits = gathered->logits,
                                  .group = gathered->group,
                                  .n_groups = n_groups};
}

/* Marked frames, by the nets that left them out; sets the shipped net's threshold. */
static int tell_marked(struct lesson *lesson, float *ret_threshold)
{
    struct gathered marked;
    const struct nn_dataset *dataset = lesson->dataset;
    int error = start_gathering(dataset->n, &marked);
    for (uint32_t i = 0; i < dataset->n && !error; i++) {
        if (lesson->truths[i].lines == 0)
            continue;
        marked.truths[marked.n] = lesson->truths[i];
        marked.logits[marked.n] = lesson->logits[i];
        marked.group[marked.n++] = dataset->examples[i].recording;
    }
    if (!error && marked.n == 0)
        error = -ENODATA;
    if (!error) {
        float threshold =
            nn_event_check_threshold(marked.n, marked.truths, marked.logits, FALSE_ALARMS);
        struct events_judged judged = as_judged(&marked, dataset->n_recordings);
        printf("threshold: hazard %.3f, one false alarm in ten marked frames left out\n",
               1.0 / (1.0 + exp(-(double)threshold)));
        events_print_header(stdout);
        error = events_print_row(stdout, "marked, left out", &judged, threshold);
        *ret_threshold = threshold;
    }
    end_gathering(&marked);
    return error;
}

/* Simulated frames that no net has learnt from, by the one that is written. */
static int tell_simulated(struct lesson *lesson, uint32_t flat, float threshold)
{
    const struct nn_event_net *net = &lesson->nets[lesson->options->folds];
    const struct events_frame *first = &lesson->simulated[2 * lesson->n_learnt + flat];
    uint32_t n = lesson->n_checked;
    size_t lines = 0;
    for (uint32_t i = 0; i < n; i++)
        lines += first[2 * i].truth.lines;
    struct gathered frames;
    float *logits = malloc((lines + 1) * sizeof *logits);
    int error = start_gathering(n, &frames);
    error = logits ? error : -ENOMEM;
    float *next = logits;
    for (; frames.n < n && !error; frames.n++) {
        const struct events_frame *frame = &first[2 * frames.n];
        nn_event_judge(net, &frame->frame, next);
        frames.truths[frames.n] = frame->truth;
        frames.logits[frames.n] = next;
        frames.group[frames.n] = frames.n;
        next += frame->truth.lines;
    }
    struct events_judged judged = as_judged(&frames, n);
    if (!error && n > 0)
        error = events_print_row(stdout, flat ? "simulated, flattened" : "simulated, raw heights",
                                 &judged, threshold);
    if (!error && n > 0)
        error = events_print_row(
            stdout, "  at one in ten of the same", &judged,
            nn_event_check_threshold(n, frames.truths, frames.logits, FALSE_ALARMS));
    free(logits);
    end_gathering(&frames);
    return error;
}

/* Frames that two or more people call free of tip changes: what alarms cost there. */
static int tell_quiet(struct lesson *lesson, float threshold)
{
    struct gathered quiet;
    const struct nn_dataset *dataset = lesson->dataset;
    int error = start_gathering(dataset->n, &quiet);
    for (uint32_t i = 0; i < dataset->n && !error; i++) {
        const struct nn_example *example = &dataset->examples[i];
        if (example->wanted[NN_LABEL_TIP_CHANGE] > 0.0F || example->responses < 2.0F)
            continue;
        error = nn_event_truth_create(example->picture.height, &quiet.truths[quiet.n]);
        quiet.logits[quiet.n] = lesson->logits[i];
        quiet.group[quiet.n] = example->recording;
        quiet.n += !error;
    }
    struct events_judged judged = as_judged(&quiet, dataset->n_recordings);
    if (!error && quiet.n > 0)
        error = events_print_row(stdout, "two people say no, left out", &judged, threshold);
    for (uint32_t i = 0; i < quiet.n; i++)
        nn_event_truth_finish(&quiet.truths[i]);
    end_gathering(&quiet);
    return error;
}

static float score_at(const struct lesson *lesson, uint32_t example, double share)
{
    struct nn_view view = nn_view_plain(&lesson->dataset->examples[example].picture, share);
    float score = nn_event_score_logit(lesson->logits[example], view.seen);
    return fmaxf(fminf(score, SCORE_MAX), -SCORE_MAX);
}

static int tell_area(const struct lesson *lesson)
{
    float *scores = malloc(((size_t)lesson->dataset->n + 1) * sizeof *scores);
    if (!scores)
        return -ENOMEM;
    for (uint32_t i = 0; i < lesson->dataset->n; i++)
        scores[i] = score_at(lesson, i, 1.0);
    int error = events_print_area(stdout, lesson->dataset, scores);
    free(scores);
    return error;
}

static int write_scores(const struct lesson *lesson, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return -errno;
    fputs("image,fold", file);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        fprintf(file, ",event@%u", (unsigned)nn_share_lines(share));
    fputc('\n', file);
    for (uint32_t i = 0; i < lesson->dataset->n; i++) {
        const struct nn_example *example = &lesson->dataset->examples[i];
        nn_table_put(file, example->image);
        fprintf(file, ",%u", (unsigned)lesson->fold[example->recording]);
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
            fprintf(file, ",%.6g", (double)score_at(lesson, i, nn_share(share)));
        fputc('\n', file);
    }
    int error = ferror(file) ? -EIO : 0;
    return fclose(file) == 0 || error ? error : -errno;
}

/* 0, or -1 after saying why not. */
static int tell(const char *what, int error)
{
    if (error == -ENODATA)
        terminal_error(command, "%s: no marks of any picture of the table", what);
    else if (error)
        terminal_error(command, "%s: %s", what, strerror(-error));
    return error ? -1 : 0;
}

static int learn(struct lesson *lesson)
{
    const struct options *options = lesson->options;
    struct nn_event_net *net = &lesson->nets[options->folds];
    float threshold = 0.0F;
    int error = make_material(lesson);
    if (!error)
        error = train_all(lesson);
    if (tell("training", error) != 0)
        return -1;
    error = tell_marked(lesson, &threshold);
    if (tell(options->marks, error) != 0)
        return -1;
    net->threshold = 1.0F / (1.0F + expf(-threshold));
    for (uint32_t flat = 0; flat < 2 && !error; flat++)
        error = tell_simulated(lesson, flat, threshold);
    if (!error)
        error = tell_quiet(lesson, threshold);
    if (!error)
        error = tell_area(lesson);
    if (tell("figures", error) != 0)
        return -1;
    if (options->scores && tell(options->scores, write_scores(lesson, options->scores)) != 0)
        return -1;
    return tell(options->output, nn_event_net_save(options->output, net));
}

static bool allocate(struct lesson *lesson)
{
    size_t n = lesson->dataset->n;
    size_t simulated = (size_t)lesson->n_learnt + lesson->n_checked;
    lesson->fold = calloc(lesson->dataset->n_recordings + (size_t)1, sizeof *lesson->fold);
    lesson->recorded = calloc(2 * n + 1, sizeof *lesson->recorded);
    lesson->truths = calloc(n + 1, sizeof *lesson->truths);
    lesson->simulated = calloc(2 * simulated + 1, sizeof *lesson->simulated);
    lesson->learnt = calloc(2 * (size_t)lesson->n_learnt + 1, sizeof *lesson->learnt);
    lesson->logits = calloc(n + 1, sizeof *lesson->logits);
    lesson->nets = calloc(lesson->options->folds + (size_t)1, sizeof *lesson->nets);
    return lesson->fold && lesson->recorded && lesson->truths && lesson->simulated &&
           lesson->learnt && lesson->logits && lesson->nets;
}

static void release(struct lesson *lesson)
{
    for (uint32_t i = 0; lesson->recorded && i < 2 * lesson->dataset->n; i++)
        nn_event_frame_finish(&lesson->recorded[i]);
    for (uint32_t i = 0; lesson->truths && i < lesson->dataset->n; i++)
        nn_event_truth_finish(&lesson->truths[i]);
    for (uint32_t i = 0; lesson->simulated && i < 2 * (lesson->n_learnt + lesson->n_checked); i++)
        events_frame_finish(&lesson->simulated[i]);
    for (uint32_t i = 0; lesson->logits && i < lesson->dataset->n; i++)
        free(lesson->logits[i]);
    free(lesson->fold);
    free(lesson->recorded);
    free(lesson->truths);
    free(lesson->simulated);
    free(lesson->learnt);
    free(lesson->logits);
    free(lesson->nets);
}

static int run(const struct options *options, const struct nn_dataset *dataset,
               const struct nn_event_marks *marks)
{
    struct lesson lesson = {.options = options,
                            .dataset = dataset,
                            .marks = *marks,
                            .n_learnt = options->simulated,
                            .n_checked = options->simulated * CHECKED_PARTS / LEARNT_PARTS};
    if (dataset->n_recordings < options->folds) {
        terminal_error(command, "%u recordings do not make %u folds",
                       (unsigned)dataset->n_recordings, (unsigned)options->folds);
        return EXIT_INTERNAL;
    }
    int bad = allocate(&lesson) ? 0 : tell("training", -ENOMEM);
    if (!bad) {
        pthread_mutex_init(&lesson.lock, NULL);
        nn_dataset_split(dataset, options->folds, lesson.fold);
        bad = learn(&lesson);
        pthread_mutex_destroy(&lesson.lock);
    }
    release(&lesson);
    return bad ? EXIT_INTERNAL : EXIT_OK;
}

int cmd_train_events(int argc, char **argv)
{
    struct options options = {
        .folds = 6, .threads = 1, .simulated = 1680, .train = nn_event_train_default()};
    int status = read_options(argc, argv, &options);
    if (status != 0)
        return status > 0 ? EXIT_OK : EXIT_USAGE;
    char error[400];
    struct nn_event_marks marks;
    if (nn_event_marks_load(options.marks, &marks, error, sizeof error) != 0) {
        terminal_error(command, "%s: %s", options.marks, error);
        return EXIT_INTERNAL;
    }
    int exit_code = EXIT_INTERNAL;
    struct nn_dataset *dataset = labelled_load(command, options.labels, options.images);
    if (dataset)
        exit_code = run(&options, dataset, &marks);
    nn_dataset_destroy(dataset);
    nn_event_marks_finish(&marks);
    return exit_code;
}
