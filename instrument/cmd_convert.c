/* tipwright convert: one trace of a MATRIX image as PNG, GSF or CSV. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/matrix_file.h"
#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "nn/flatten.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Smaller frames are enlarged, so that bar and caption fit. */
enum { PNG_SIDE_MIN_PX = 256 };

enum form { FORM_PNG, FORM_GSF, FORM_CSV, FORM_COUNT };

static const char *const form_endings[FORM_COUNT] = {".png", ".gsf", ".csv"};

static const char *const flatten_names[] = {
    [NN_FLATTEN_NONE] = "none",
    [NN_FLATTEN_MEDIAN] = "median",
    [NN_FLATTEN_MEAN] = "mean",
    [NN_FLATTEN_LINEAR] = "linear",
};

struct convert_options {
    const char *out;
    enum form form;
    enum scan_trace trace;
    enum picture_map map;
    int flatten; /* enum nn_flatten; -1: the form's own */
    struct matrix_load_options load;
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright convert [OPTION]... FILE... -o OUT.{png,gsf,csv}\n"
          "Write one trace of MATRIX images as picture (png), Gwyddion simple field (gsf) or\n"
          "grid of numbers, bottom row first (csv). Lines that were not scanned are hatched,\n"
          "NaN, or empty.\n"
          "\n"
          "  -o, --output OUT    file to write; {} in it stands for the input file's name, and\n"
          "                      is needed for several inputs\n"
          "  --trace TRACE       forward/up (default), backward/up, forward/down, backward/down\n"
          "  --map MAP           png: gray (default) or gold\n"
          "  --flatten HOW       each line by itself: median, mean, linear, none\n"
          "                      (default: median for png, none for gsf and csv)\n"
          "  --points N          samples per line of images without a result chain\n"
          "  --help              this text\n"
          "\n"
          "Values are SI where the result chain is found, else raw counts.\n"
          "Exit status: 0 all written, 1 one or more failed, 2 usage.\n",
          out);
}

/* The whole frame with its missing lines as NAN, flattened line by line. Malloc'd, or NULL. */
static double *frame_values(const struct matrix_image *image, const struct matrix_trace *trace,
                            enum nn_flatten flatten)
{
    uint32_t cols = trace->cols, lines = image->geometry.lines;
    bool scaled = image->transfer.function != MATRIX_UNSCALED;
    double *values = malloc(sizeof *values * ((size_t)lines + 1) * cols);
    if (!values)
        return NULL;
    double *work = values + (size_t)lines * cols;
    for (uint32_t row = 0; row < lines; row++) {
        bool seen = row >= trace->first_row && row - trace->first_row < trace->rows;
        double *line = values + (size_t)row * cols;
        for (uint32_t col = 0; col < cols; col++) {
            line[col] = (double)NAN;
            if (!seen)
                continue;
            int32_t raw = trace->raw[(size_t)(row - trace->first_row) * cols + col];
            line[col] = scaled ? matrix_transfer_apply(&image->transfer, raw) : raw;
        }
        if (seen)
            nn_flatten_line(flatten, cols, line, work, line);
    }
    return values;
}

enum { CAPTION_SIZE = 128, TEXTS_MAX = 10, TEXT_SIZE = 320 };

/* Text chunks and what they point to. */
struct texts {
    struct picture_text list[TEXTS_MAX];
    char values[TEXTS_MAX][TEXT_SIZE];
    size_t n;
};

/* The next chunk's value, TEXT_SIZE letters long, to be printed into. */
static char *next_text(struct texts *texts, const char *key)
{
    char *value = texts->values[texts->n];
    texts->list[texts->n++] = (struct picture_text){key, value};
    return value;
}

static void collect_texts(const struct matrix_image *image, const char *file,
                          const struct convert_options *options, enum nn_flatten flatten,
                          struct texts *ret)
{
    const struct scan_geometry *g = &image->geometry;
    ret->n = 0;
    snprintf(next_text(ret, "Software"), TEXT_SIZE, "tipwright");
    snprintf(next_text(ret, "Source"), TEXT_SIZE, "%s", file);
    snprintf(next_text(ret, "Run_Cycle"), TEXT_SIZE, "%" PRIu32 "_%" PRIu32, image->name.run,
             image->name.cycle);
    snprintf(next_text(ret, "Channel"), TEXT_SIZE, "%s", image->name.channel);
    snprintf(next_text(ret, "Trace"), TEXT_SIZE, "%s", scan_trace_name(options->trace));
    snprintf(next_text(ret, "Flatten"), TEXT_SIZE, "%s", flatten_names[flatten]);
    snprintf(next_text(ret, "Geometry"), TEXT_SIZE, "%s",
             matrix_geometry_source_name(image->source));
    if (isfinite(g->width_m) && isfinite(g->height_m))
        snprintf(next_text(ret, "Size"), TEXT_SIZE, "%.9g m x %.9g m", g->width_m, g->height_m);
    if (isfinite(g->bias_v))
        snprintf(next_text(ret, "Bias"), TEXT_SIZE, "%.9g V", g->bias_v);
    if (isfinite(g->setpoint_a))
        snprintf(next_text(ret, "Setpoint"), TEXT_SIZE, "%.9g A", g->setpoint_a);
}

static void format_caption(const struct matrix_image *image, enum scan_trace trace,
                           char ret[CAPTION_SIZE])
{
    const struct scan_geometry *g = &image->geometry;
    int n = snprintf(ret, CAPTION_SIZE, "%" PRIu32 "_%" PRIu32 " %s %s", image->name.run,
                     image->name.cycle, image->name.channel, scan_trace_name(trace));
    if (isfinite(g->bias_v) && isfinite(g->setpoint_a))
        snprintf(ret + n, CAPTION_SIZE - (size_t)n, "\n%.3g V, %.3g pA", g->bias_v,
                 g->setpoint_a * 1e12);
}

static int write_frame(const struct matrix_image *image, const struct picture_frame *frame,
                       const char *file, const char *out, const struct convert_options *options)
{
    struct texts texts;
    char caption[CAPTION_SIZE];
    enum nn_flatten flatten = (enum nn_flatten)options->flatten;
    switch (options->form) {
    case FORM_GSF:
        return picture_write_gsf(out, frame);
    case FORM_CSV:
        return picture_write_csv(out, frame);
    case FORM_PNG:
    case FORM_COUNT:
        break;
    }
    format_caption(image, options->trace, caption);
    collect_texts(image, file, options, flatten, &texts);
    const struct picture_options picture = {
        .map = options->map,
        .min_side_px = PNG_SIDE_MIN_PX,
        .corner_text = caption,
        .texts = texts.list,
        .n_texts = texts.n,
    };
    return picture_write_png(out, frame, &picture);
}

/* OUT with {} replaced; malloc'd, or NULL without memory. */
static char *output_path(const char *pattern, const char *input)
{
    const char *hole = strstr(pattern, "{}");
    const char *name = matrix_file_name(input);
    size_t size = strlen(pattern) + strlen(name) + 1;
    char *path = malloc(size);
    if (path && hole)
        snprintf(path, size, "%.*s%s%s", (int)(hole - pattern), pattern, name, hole + 2);
    else if (path)
        snprintf(path, size, "%s", pattern);
    return path;
}

static int convert_trace(const struct matrix_image *image, const struct matrix_trace *trace,
                         const char *file, const struct convert_options *options)
{
    char title[64];
    snprintf(title, sizeof title, "%" PRIu32 "_%" PRIu32 " %s %s", image->name.run,
             image->name.cycle, image->name.channel, scan_trace_name(trace->id));
    char *out = output_path(options->out, file);
    double *values = frame_values(image, trace, (enum nn_flatten)options->flatten);
    int status = -ENOMEM;
    if (out && values) {
        const struct picture_frame frame = {
            .width = trace->cols,
            .height = image->geometry.lines,
            .values = values,
            .width_m = image->geometry.width_m,
            .height_m = image->geometry.height_m,
            .unit = image->transfer.unit,
            .title = title,
        };
        status = write_frame(image, &frame, matrix_file_name(file), out, options);
    }
    if (status < 0)
        terminal_error("convert", "%s: %s", out ? out : file, strerror(-status));
    free(values);
    free(out);
    return status;
}

static int convert_file(const char *file, const struct convert_options *options)
{
    char error[256] = "";
    struct matrix_image *image;
    int status = matrix_image_load(file, &options->load, &image, error, sizeof error);
    if (status < 0) {
        terminal_error("convert", "%s: %s", file, error);
        return status;
    }
    const struct matrix_trace *trace = matrix_image_trace(image, options->trace);
    if (!trace || trace->rows == 0) {
        terminal_error("convert", "%s: no complete line of trace %s", file,
                       scan_trace_name(options->trace));
        status = -ENODATA;
    } else {
        status = convert_trace(image, trace, file, options);
    }
    matrix_image_destroy(image);
    return status;
}

/* The option's place in a list of names, or -1 after one line of error. */
static int choose(const char *option, const char *value, int found)
{
    if (found < 0)
        terminal_error("convert", "%s: '%s' is not known; see --help", option, value);
    return found;
}

static int flatten_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof flatten_names / sizeof *flatten_names; i++)
        if (strcmp(name, flatten_names[i]) == 0)
            return (int)i;
    return -1;
}

static int form_from_path(const char *path)
{
    size_t n = strlen(path);
    for (int i = 0; i < FORM_COUNT; i++)
        if (n > 4 && strcmp(path + n - 4, form_endings[i]) == 0)
            return i;
    return -1;
}

static int points_from_text(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    return good && value >= 1 && value <= SCAN_POINTS_MAX ? (int)value : -1;
}

/* 0; 1 after --help; -1 after an error. */
static int read_options(int argc, char **argv, struct convert_options *ret)
{
    enum { TRACE = 1, MAP, FLATTEN, POINTS, HELP };
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"trace", required_argument, NULL, TRACE},
        {"map", required_argument, NULL, MAP},
        {"flatten", required_argument, NULL, FLATTEN},
        {"points", required_argument, NULL, POINTS},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        int found = 0;
        if (option == HELP) {
            print_usage(stdout);
            return 1;
        } else if (option == 'o') {
            ret->out = optarg;
            found = choose("--output", optarg, form_from_path(optarg));
            ret->form = (enum form)found;
        } else if (option == TRACE) {
            found = choose("--trace", optarg, scan_trace_from_name(optarg));
            ret->trace = (enum scan_trace)found;
        } else if (option == MAP) {
            found = choose("--map", optarg, picture_map_from_name(optarg));
            ret->map = (enum picture_map)found;
        } else if (option == FLATTEN) {
            found = choose("--flatten", optarg, flatten_from_name(optarg));
            ret->flatten = found;
        } else if (option == POINTS) {
            found = choose("--points", optarg, points_from_text(optarg));
            ret->load.points = (uint32_t)found;
        } else {
            print_usage(stderr);
            return -1;
        }
        if (found < 0)
            return -1;
    }
    return 0;
}

int cmd_convert(int argc, char **argv)
{
    struct convert_options options = {.flatten = -1};
    int status = read_options(argc, argv, &options);
    if (status != 0)
        return status > 0 ? EXIT_OK : EXIT_USAGE;
    int n = argc - optind;
    if (n < 1 || !options.out || (n > 1 && !strstr(options.out, "{}"))) {
        if (n > 1 && options.out)
            terminal_error("convert", "several files need {} in --output");
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (options.flatten < 0)
        options.flatten = options.form == FORM_PNG ? NN_FLATTEN_MEDIAN : NN_FLATTEN_NONE;
    int failed = 0;
    for (int i = 0; i < n; i++)
        failed += convert_file(argv[optind + i], &options) < 0;
    return failed ? EXIT_INTERNAL : EXIT_OK;
}
