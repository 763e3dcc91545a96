/* tipwright classify: scores of pictures and MATRIX files, as the agent would give them. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/matrix_file.h"
#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "nn/cmd_classify_write.h"
#include "nn/cmd_labelled.h"
#include "nn/model.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char command[] = "classify";

struct options {
    const char *model;
    double share;   /* of the frame's lines */
    uint32_t lines; /* instead of a share; 0: the share */
    struct classify_format format;
};

/* Who judges. */
struct judge {
    const struct nn_model *model;
    const struct nn_event_net *net; /* with events: the model's detector, which tells them */
    struct nn_stream *stream;
};

/* An image as it was scanned. */
struct frame {
    double *values; /* (rows, points), first line first; any unit */
    uint32_t rows, points;
    uint32_t first_row; /* which line of the frame the first is */
    uint32_t lines;     /* of the whole frame */
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright classify [OPTION]... PATH...\n"
        "Judge images (PNG), MATRIX image files or all of either in a folder, each as the agent\n"
        "would when part of the frame has arrived. An image's bottom row is its first line; of\n"
        "a MATRIX file the trace forward/up is judged. A picture wider than high is taken as\n"
        "the beginning of a square frame.\n"
        "\n"
        "  -m, --model MODEL      model file (default: the one that came with tipwright)\n"
        "  -s, --seen FRACTION    share of the frame's lines seen, above 0 to 1 (1)\n"
        "  -n, --lines N          number of lines seen, instead\n"
        "      --csv              comma-separated values (default)\n"
        "      --json             one JSON object per image and line: image, scores, and verdict,\n"
        "                         false where there are too few lines for one; or image, events\n"
        "      --events           list tip changes instead, as the model's detector notices them:\n"
        "                         one row image,line,hazard per alarm, lines from 0 as scanned\n"
        "      --help             this text\n"
        "\n"
        "Prints image,asymmetries,individual_atoms,dimers,rows,tip_change,bad_blurry: one row\n"
        "per image, scores 0 to 1. Images that cannot be read are named on stderr, as are those\n"
        "with too few lines for a verdict, whose scores say what is usual.\n"
        "Exit status: 0 all judged, 1 one or more were not, 2 usage.\n",
        out);
}

/* An exit status, or -1 to go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"model", required_argument, NULL, 'm'}, {"seen", required_argument, NULL, 's'},
        {"lines", required_argument, NULL, 'n'}, {"csv", no_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},        {"events", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    optind = 1;
    int letter;
    double value;
    bool share_given = false;
    while ((letter = getopt_long(argc, argv, "m:s:n:", names, NULL)) != -1) {
        if (letter == 'h') {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (letter == '?')
            return EXIT_USAGE;
        if (letter == 'm') {
            options->model = optarg;
        } else if (letter == 'e') {
            options->format.events = true;
        } else if (letter == 'j' || letter == 'c') {
            options->format.json = letter == 'j';
        } else if (letter == 's') {
            if (labelled_number(command, "--seen", optarg, 1e-6, 1.0, &options->share) != 0)
                return EXIT_USAGE;
            share_given = true;
        } else if (letter == 'n') {
            if (labelled_number(command, "--lines", optarg, 1, SCAN_LINES_MAX, &value) != 0)
                return EXIT_USAGE;
            options->lines = (uint32_t)value;
        }
    }
    if (share_given && options->lines) {
        terminal_error(command, "--seen and --lines say the same thing: give one");
        return EXIT_USAGE;
    }
    if (optind == argc) {
        terminal_error(command, "no PATH given; see --help");
        return EXIT_USAGE;
    }
    return -1;
}

static uint32_t lines_wanted(const struct options *options, uint32_t lines)
{
    if (options->lines)
        return options->lines;
    return labelled_share(lines, options->share);
}

/*
 * The verdict; with too few lines for one, what is usual, so that every image has its row. The
 * agent has no verdict then and does nothing.
 */
static int ask(const struct judge *judge, const char *path, struct classified *ret_found)
{
    int error = nn_stream_scores(judge->stream, ret_found->scores);
    if (error != -ENODATA)
        return error;
    terminal_note(command, "%s: too few lines for a verdict; its row says what is usual", path);
    nn_model_prior(judge->model, ret_found->scores);
    ret_found->too_few = true;
    return 0;
}

static int judge_frame(const struct judge *judge, const char *path, const struct frame *frame,
                       uint32_t until, struct classified *ret_found)
{
    int error = nn_stream_begin(judge->stream, frame->points, frame->lines);
    for (uint32_t row = 0; row < frame->rows && frame->first_row + row < until && !error; row++)
        error = nn_stream_add_line(judge->stream, frame->first_row + row,
                                   frame->values + (size_t)row * frame->points);
    return error ? error : ask(judge, path, ret_found);
}

/* The alarms among the lines below `until`; ret_found->alarms is from malloc. */
static int list_alarms(const struct judge *judge, const struct frame *frame, uint32_t until,
                       struct classified *ret_found)
{
    struct nn_event *event = malloc(sizeof *event);
    struct alarm *alarms = malloc(((size_t)frame->rows + 1) * sizeof *alarms);
    uint32_t n = 0;
    if (!event || !alarms) {
        free(event);
        free(alarms);
        return -ENOMEM;
    }
    nn_event_begin(event, judge->net, frame->points);
    for (uint32_t row = 0; row < frame->rows && frame->first_row + row < until; row++)
        if (nn_event_add_line(event, frame->first_row + row,
                              frame->values + (size_t)row * frame->points))
            alarms[n++] = (struct alarm){.line = event->alarm_row, .hazard = event->alarm_hazard};
    free(event);
    ret_found->alarms = alarms;
    ret_found->n_alarms = n;
    return 0;
}

/* A picture's bottom row is its first line. Says what is wrong. */
static int read_picture(const char *path, struct frame *ret_frame)
{
    struct picture_gray gray;
    char reason[160];
    int error = picture_read_png_gray(path, &gray, reason, sizeof reason);
    if (error) {
        terminal_error(command, "%s: %s", path, reason);
        return error;
    }
    size_t width = gray.width;
    double *values = malloc(sizeof *values * width * gray.height);
    for (uint32_t row = 0; row < gray.height && values; row++)
        for (uint32_t x = 0; x < gray.width; x++)
            values[row * width + x] =
                (double)gray.pixels[(gray.height - 1 - row) * width + x] / 255.0;
    if (values)
        *ret_frame = (struct frame){.values = values,
                                    .rows = gray.height,
                                    .points = gray.width,
                                    .lines = labelled_frame_lines(gray.width, gray.height)};
    else
        terminal_error(command, "%s: %s", path, strerror(ENOMEM));
    picture_gray_finish(&gray);
    return values ? 0 : -ENOMEM;
}

static int read_trace(const struct matrix_image *image, struct frame *ret_frame)
{
    const struct matrix_trace *trace = matrix_image_trace(image, SCAN_FORWARD_UP);
    if (!trace || trace->rows == 0)
        return -ENODATA;
    size_t n = (size_t)trace->rows * trace->cols;
    double *values = malloc(sizeof *values * n);
    if (!values)
        return -ENOMEM;
    /* Without a scale the raw counts do as well: scores do not depend on the unit. */
    if (matrix_image_to_si(image, SCAN_FORWARD_UP, values) != 0)
        for (size_t i = 0; i < n; i++)
            values[i] = (double)trace->raw[i];
    *ret_frame = (struct frame){.values = values,
                                .rows = trace->rows,
                                .points = trace->cols,
                                .first_row = trace->first_row,
                                .lines = image->geometry.lines};
    return 0;
}

static int read_matrix(const char *path, struct frame *ret_frame)
{
    struct matrix_image *image = NULL;
    char reason[200];
    int error = matrix_image_load(path, NULL, &image, reason, sizeof reason);
    if (error) {
        terminal_error(command, "%s: %s", path, reason);
        return error;
    }
    error = read_trace(image, ret_frame);
    if (error)
        terminal_error(command, "%s: %s", path,
                       error == -ENODATA ? "no complete line of forward/up" : strerror(-error));
    matrix_image_destroy(image);
    return error;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text);
    size_t m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static bool is_matrix_image(const char *path)
{
    struct matrix_name name;
    return matrix_name_parse(path, &name) == 0;
}

static int judge_file(const struct judge *judge, const struct options *options, const char *path)
{
    struct frame frame;
    struct classified found = {.n_alarms = 0};
    int error = is_matrix_image(path) ? read_matrix(path, &frame) : read_picture(path, &frame);
    if (error)
        return error;
    uint32_t until = lines_wanted(options, frame.lines);
    error = options->format.events ? list_alarms(judge, &frame, until, &found)
                                   : judge_frame(judge, path, &frame, until, &found);
    if (error)
        terminal_error(command, "%s: %s", path, strerror(-error));
    else
        classify_write(&options->format, matrix_file_name(path), &found);
    free(found.alarms);
    free(frame.values);
    return error;
}

/* In a folder, what a person would call an image; other files are passed over. */
static int is_image(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".png") || ends_with(entry->d_name, ".PNG") ||
           is_matrix_image(entry->d_name);
}

/* Returns the number of images that could not be judged. */
static unsigned judge_folder(const struct judge *judge, const struct options *options,
                             const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_image, alphasort);
    if (n < 0) {
        terminal_error(command, "%s: %s", folder, strerror(errno));
        return 1;
    }
    if (n == 0)
        terminal_note(command, "%s: no images in this folder", folder);
    unsigned failed = 0;
    for (int i = 0; i < n; i++) {
        size_t room = strlen(folder) + strlen(entries[i]->d_name) + 2;
        char *path = malloc(room);
        if (!path)
            abort();
        snprintf(path, room, "%s/%s", folder, entries[i]->d_name);
        failed += judge_file(judge, options, path) != 0;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

static unsigned judge_path(const struct judge *judge, const struct options *options,
                           const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        terminal_error(command, "%s: %s", path, strerror(errno));
        return 1;
    }
    if (S_ISDIR(status.st_mode))
        return judge_folder(judge, options, path);
    return judge_file(judge, options, path) != 0;
}

static unsigned judge_paths(const struct judge *judge, const struct options *options, int n,
                            char **paths)
{
    unsigned failed = 0;
    for (int i = 0; i < n; i++)
        failed += judge_path(judge, options, paths[i]);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        terminal_error(command, "stdout: %s", strerror(errno));
        failed++;
    }
    return failed;
}

/* What judges, made of the model. 0, or -1 after saying why not. */
static int make_judge(const struct options *options, const struct nn_model *model,
                      struct judge *ret_judge)
{
    struct judge judge = {.model = model};
    if (options->format.events) {
        judge.net = nn_model_event(model);
        if (!judge.net) {
            terminal_error(command,
                           "%s: this model has no detector of tip changes; see train-events",
                           options->model);
            return -1;
        }
    } else {
        int error = nn_stream_create(model, &judge.stream);
        if (error) {
            terminal_error(command, "%s: %s", options->model, strerror(-error));
            return -1;
        }
    }
    *ret_judge = judge;
    return 0;
}

int cmd_classify(int argc, char **argv)
{
    struct options options = {.share = 1.0};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    char fallback[COMMAND_PATH_MAX];
    if (!options.model) {
        command_data_path("models/h-si-100.tipnn", fallback, sizeof fallback);
        options.model = fallback;
    }
    struct nn_model *model = NULL;
    char reason[200];
    if (nn_model_load(options.model, &model, reason, sizeof reason) != 0) {
        terminal_error(command, "%s: %s", options.model, reason);
        return EXIT_INTERNAL;
    }
    struct judge judge;
    unsigned failed = 1;
    if (make_judge(&options, model, &judge) == 0) {
        classify_write_head(&options.format);
        failed = judge_paths(&judge, &options, argc - optind, argv + optind);
        nn_stream_destroy(judge.stream);
    }
    nn_model_destroy(model);
    return failed ? EXIT_INTERNAL : EXIT_OK;
}
