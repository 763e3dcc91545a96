/* tipwright classify: scores of pictures and MATRIX files, as the agent would give them. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/matrix_file.h"
#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "nn/cmd_labelled.h"
#include "nn/event.h"
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
    bool csv;
    bool events;
    const struct nn_model *judge;
    const struct nn_event_net *net; /* with events: what tells them */
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright classify [OPTION]... PATH...\n"
          "Judge images (PNG), MATRIX image files or all of either in a folder, each as the agent\n"
          "would when part of the frame has arrived. An image's bottom row is its first line; of\n"
          "a MATRIX file the trace forward/up is judged. A picture wider than high is taken as\n"
          "the beginning of a square frame.\n"
          "\n"
          "  -m, --model MODEL      model file (default: the one that came with tipwright)\n"
          "  -s, --seen FRACTION    share of the frame's lines seen, above 0 to 1 (1)\n"
          "  -n, --lines N          number of lines seen, instead\n"
          "      --csv              comma-separated values (the only format, and the default)\n"
          "      --events           list tip changes instead, as an agent would notice them: one "
          "row\n"
          "                         image,line,hazard per alarm, lines counted from 0 as scanned\n"
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
        {"model", required_argument, NULL, 'm'},
        {"seen", required_argument, NULL, 's'},
        {"lines", required_argument, NULL, 'n'},
        {"csv", no_argument, NULL, 'c'},
        {"events", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
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
            options->events = true;
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
static int ask(struct nn_stream *stream, const struct options *options, const char *path,
               float *ret_scores)
{
    int error = nn_stream_scores(stream, ret_scores);
    if (error != -ENODATA)
        return error;
    terminal_note(command, "%s: too few lines for a verdict; its row says what is usual", path);
    nn_model_prior(options->judge, ret_scores);
    return 0;
}

/* A CSV field: quoted where it must be. */
static void print_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

/*
 * One row per alarm among the rows below `until`. values: (rows, points), first line first, of
 * frame rows from `first_row` on.
 */
static int list_alarms(const struct options *options, const char *path, const double *values,
                       uint32_t rows, uint32_t points, uint32_t first_row, uint32_t until)
{
    struct nn_event *event = malloc(sizeof *event);
    if (!event)
        return -ENOMEM;
    nn_event_begin(event, options->net, points);
    for (uint32_t row = 0; row < rows && first_row + row < until; row++) {
        if (!nn_event_add_line(event, first_row + row, values + (size_t)row * points))
            continue;
        print_field(matrix_file_name(path));
        printf(",%u,%.3f\n", (unsigned)event->alarm_row, (double)event->alarm_hazard);
    }
    free(event);
    return 0;
}

static int list_picture_alarms(const struct options *options, const char *path,
                               const struct picture_gray *gray, uint32_t until)
{
    size_t width = gray->width;
    double *values = malloc(sizeof *values * width * gray->height);
    if (!values)
        return -ENOMEM;
    for (uint32_t row = 0; row < gray->height; row++)
        for (uint32_t x = 0; x < gray->width; x++)
            values[row * width + x] = gray->pixels[(gray->height - 1 - row) * width + x];
    int error = list_alarms(options, path, values, gray->height, gray->width, 0, until);
    free(values);
    return error;
}

static int judge_picture(struct nn_stream *stream, const struct options *options, const char *path,
                         float *ret_scores)
{
    struct picture_gray gray;
    char reason[160];
    int error = picture_read_png_gray(path, &gray, reason, sizeof reason);
    if (error) {
        terminal_error(command, "%s: %s", path, reason);
        return error;
    }
    struct nn_picture picture = {.width = gray.width, .height = gray.height, .gray = gray.pixels};
    uint32_t lines = labelled_frame_lines(gray.width, gray.height);
    uint32_t wanted = lines_wanted(options, lines);
    if (options->events)
        error = list_picture_alarms(options, path, &gray, wanted);
    else
        error = labelled_show(stream, &picture, wanted);
    if (!error && !options->events)
        error = ask(stream, options, path, ret_scores);
    if (error)
        terminal_error(command, "%s: %s", path, strerror(-error));
    picture_gray_finish(&gray);
    return error;
}

static int judge_trace(struct nn_stream *stream, const struct options *options, const char *path,
                       const struct matrix_image *image, float *ret_scores)
{
    const struct matrix_trace *trace = matrix_image_trace(image, SCAN_FORWARD_UP);
    if (!trace || trace->rows == 0)
        return -ENODATA;
    double *values = malloc(sizeof *values * trace->rows * trace->cols);
    if (!values)
        return -ENOMEM;
    /* Without a scale the raw counts do as well: scores do not depend on the unit. */
    if (matrix_image_to_si(image, SCAN_FORWARD_UP, values) != 0)
        for (size_t i = 0; i < (size_t)trace->rows * trace->cols; i++)
            values[i] = (double)trace->raw[i];
    uint32_t wanted = lines_wanted(options, image->geometry.lines);
    if (options->events) {
        int failed =
            list_alarms(options, path, values, trace->rows, trace->cols, trace->first_row, wanted);
        free(values);
        return failed;
    }
    int error = nn_stream_begin(stream, trace->cols, image->geometry.lines);
    for (uint32_t row = 0; row < trace->rows && row < wanted && !error; row++)
        error =
            nn_stream_add_line(stream, trace->first_row + row, values + (size_t)row * trace->cols);
    free(values);
    return error ? error : ask(stream, options, path, ret_scores);
}

static int judge_matrix(struct nn_stream *stream, const struct options *options, const char *path,
                        float *ret_scores)
{
    struct matrix_image *image = NULL;
    char reason[200];
    int error = matrix_image_load(path, NULL, &image, reason, sizeof reason);
    if (error) {
        terminal_error(command, "%s: %s", path, reason);
        return error;
    }
    error = judge_trace(stream, options, path, image, ret_scores);
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

static int judge_file(struct nn_stream *stream, const struct options *options, const char *path)
{
    float scores[NN_LABEL_COUNT];
    int error = is_matrix_image(path) ? judge_matrix(stream, options, path, scores)
                                      : judge_picture(stream, options, path, scores);
    if (error || options->events)
        return error;
    print_field(matrix_file_name(path));
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        printf(",%.6f", (double)scores[k]);
    putchar('\n');
    return 0;
}

/* In a folder, what a person would call an image; other files are passed over. */
static int is_image(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".png") || ends_with(entry->d_name, ".PNG") ||
           is_matrix_image(entry->d_name);
}

/* Returns the number of images that could not be judged. */
static unsigned judge_folder(struct nn_stream *stream, const struct options *options,
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
        failed += judge_file(stream, options, path) != 0;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

static unsigned judge_path(struct nn_stream *stream, const struct options *options,
                           const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        terminal_error(command, "%s: %s", path, strerror(errno));
        return 1;
    }
    if (S_ISDIR(status.st_mode))
        return judge_folder(stream, options, path);
    return judge_file(stream, options, path) != 0;
}

static unsigned judge_paths(struct nn_stream *stream, const struct options *options, int n,
                            char **paths)
{
    unsigned failed = 0;
    for (int i = 0; i < n; i++)
        failed += judge_path(stream, options, paths[i]);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        terminal_error(command, "stdout: %s", strerror(errno));
        failed++;
    }
    return failed;
}

static int list_events(struct options *options, int n, char **paths)
{
    char path[COMMAND_PATH_MAX];
    char reason[200];
    struct nn_event_net *net = malloc(sizeof *net);
    if (!net)
        abort();
    command_data_path("models/tip-change.tipev", path, sizeof path);
    unsigned failed = 1;
    if (nn_event_net_load(path, net, reason, sizeof reason) == 0) {
        options->net = net;
        puts("image,line,hazard");
        failed = judge_paths(NULL, options, n, paths);
    } else {
        terminal_error(command, "%s: %s", path, reason);
    }
    free(net);
    return failed ? EXIT_INTERNAL : EXIT_OK;
}

int cmd_classify(int argc, char **argv)
{
    struct options options = {.share = 1.0};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (options.events)
        return list_events(&options, argc - optind, argv + optind);
    char fallback[COMMAND_PATH_MAX];
    if (!options.model) {
        command_data_path("models/h-si-100.tipnn", fallback, sizeof fallback);
        options.model = fallback;
    }
    struct nn_model *model = NULL;
    struct nn_stream *stream = NULL;
    char reason[200];
    if (nn_model_load(options.model, &model, reason, sizeof reason) != 0) {
        terminal_error(command, "%s: %s", options.model, reason);
        return EXIT_INTERNAL;
    }
    options.judge = model;
    unsigned failed = nn_stream_create(model, &stream) != 0;
    if (!failed) {
        fputs("image", stdout);
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            printf(",%s", nn_label_name((enum nn_label)k));
        putchar('\n');
        failed = judge_paths(stream, &options, argc - optind, argv + optind);
    }
    nn_stream_destroy(stream);
    nn_model_destroy(model);
    return failed ? EXIT_INTERNAL : EXIT_OK;
}
