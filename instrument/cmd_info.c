/* tipwright info: what a MATRIX file holds, for people and as JSON. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/matrix_chain.h"
#include "instrument/matrix_file.h"
#include "instrument/matrix_summary.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright info [--json] [--points N] FILE...\n"
          "Show what MATRIX image files (BASE--RUN_CYCLE.CHANNEL_mtrx) and result chains\n"
          "(BASE_0001.mtrx) hold. An image's result chain is looked for beside it.\n"
          "\n"
          "  --json        one JSON object on stdout, or an array for several files\n"
          "  --points N    samples per line of images without a result chain\n"
          "  --help        this text\n"
          "\n"
          "Traces list complete lines only, bottom row first, backward lines reversed.\n"
          "Exit status: 0 all read, 1 one or more unreadable, 2 usage.\n",
          out);
}

static void format_time(int64_t utc_s, char *ret, size_t size)
{
    time_t when = (time_t)utc_s;
    struct tm parts;
    if (!gmtime_r(&when, &parts) || strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(ret, size, "%" PRId64, utc_s);
}

/* A number with an engineering prefix: "50 pA", "-16.5 nm"; "unknown" when not finite. */
static const char *quantity(double value, const char *unit, char *ret, size_t size)
{
    static const char prefixes[][3] = {"f", "p", "n", "\xC2\xB5", "m", ""};
    if (!isfinite(value)) {
        snprintf(ret, size, "unknown");
        return ret;
    }
    double scaled = value * 1e15;
    size_t i = 0;
    for (; i < 5 && fabs(scaled) >= 999.9995; i++)
        scaled /= 1000;
    snprintf(ret, size, "%.6g %s%s", scaled, value == 0 ? "" : prefixes[i], unit);
    return ret;
}

/* Unknown numbers are left out. */
static void set_real(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

static json_t *text_of(const char *utf8)
{
    json_t *text = json_string(utf8);
    return text ? text : json_string("(not UTF-8)");
}

static json_t *json_geometry(const struct matrix_image *image)
{
    const struct scan_geometry *g = &image->geometry;
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:b, s:b}", "source", matrix_geometry_source_name(image->source),
                  "points", (json_int_t)g->points, "lines", (json_int_t)g->lines, "x_retrace",
                  g->x_retrace, "y_retrace", g->y_retrace);
    set_real(object, "width_m", g->width_m);
    set_real(object, "height_m", g->height_m);
    set_real(object, "x_offset_m", g->x_offset_m);
    set_real(object, "y_offset_m", g->y_offset_m);
    set_real(object, "angle_deg", g->angle_deg);
    set_real(object, "raster_time_s", g->raster_time_s);
    if (isfinite(g->bias_v))
        json_object_set_new(object, "scan_constraint", json_integer(image->scan_constraint));
    return object;
}

static json_t *json_transfer(const struct matrix_transfer *t)
{
    json_t *object = json_object();
    bool multi = t->function == MATRIX_MULTI_LINEAR;
    json_object_set_new(object, "function",
                        json_string(multi                            ? "TFF_MultiLinear1D"
                                    : t->function == MATRIX_IDENTITY ? "TFF_Identity"
                                                                     : "TFF_Linear1D"));
    if (t->function != MATRIX_IDENTITY) {
        set_real(object, "Offset", t->offset);
        set_real(object, multi ? "NeutralFactor" : "Factor", t->factor);
    }
    if (multi) {
        set_real(object, "PreOffset", t->pre_offset);
        set_real(object, "PreFactor", t->pre_factor);
        set_real(object, "Raw_1", t->raw_1);
    }
    return object;
}

/* The trace in SI, or NULL when the image has no scale or memory is short. */
static double *si_values(const struct matrix_image *image, const struct matrix_trace *trace)
{
    double *values = malloc(sizeof *values * trace->rows * trace->cols);
    if (values && matrix_image_to_si(image, trace->id, values) < 0) {
        free(values);
        return NULL;
    }
    return values;
}

static json_t *json_trace(const struct matrix_image *image, const struct matrix_trace *trace)
{
    char hex[MATRIX_SHA256_HEX_SIZE];
    matrix_trace_sha256(trace, hex);
    struct matrix_statistics raw = matrix_trace_raw_statistics(trace);
    json_t *object = json_pack("{s:s, s:I, s:I, s:I}", "name", scan_trace_name(trace->id), "rows",
                               (json_int_t)trace->rows, "cols", (json_int_t)trace->cols,
                               "first_row", (json_int_t)trace->first_row);
    double *values = si_values(image, trace);
    if (values) {
        struct matrix_statistics si = matrix_statistics(values, (size_t)trace->rows * trace->cols);
        json_object_set_new(object, "unit", text_of(image->transfer.unit));
        set_real(object, "min", si.min);
        set_real(object, "max", si.max);
        set_real(object, "mean", si.mean);
        set_real(object, "std", si.std);
        free(values);
    }
    json_object_set_new(object, "raw_min", json_integer((json_int_t)raw.min));
    json_object_set_new(object, "raw_max", json_integer((json_int_t)raw.max));
    set_real(object, "raw_mean", raw.mean);
    set_real(object, "raw_std", raw.std);
    json_object_set_new(object, "raw_int32le_sha256", json_string(hex));
    json_object_set_new(object, "railed", json_integer((json_int_t)trace->railed));
    return object;
}

static json_t *json_image(const char *path, const struct matrix_image *image)
{
    char ended[40], id[24];
    format_time(image->ended_utc_s, ended, sizeof ended);
    snprintf(id, sizeof id, "%016" PRIx64, image->channel_id);
    json_t *object = json_pack(
        "{s:o, s:s, s:o, s:I, s:I, s:o, s:s, s:s, s:I, s:o}", "file",
        text_of(matrix_file_name(path)), "kind", "image", "base", text_of(image->name.base), "run",
        (json_int_t)image->name.run, "cycle", (json_int_t)image->name.cycle, "channel",
        text_of(image->name.channel), "ended_utc", ended, "channel_id", id, "bricklet",
        (json_int_t)image->bricklet, "geometry", json_geometry(image));
    set_real(object, "bias_v", image->geometry.bias_v);
    set_real(object, "setpoint_a", image->geometry.setpoint_a);
    if (isfinite(image->geometry.bias_v))
        json_object_set_new(object, "bias_changed", json_boolean(image->bias_changed));
    if (image->preamp_range[0])
        json_object_set_new(object, "preamp_range", text_of(image->preamp_range));
    if (image->transfer.function != MATRIX_UNSCALED)
        json_object_set_new(object, "transfer", json_transfer(&image->transfer));
    else
        json_object_set_new(object, "unscaled_because", json_string(image->unscaled_because));
    json_object_set_new(object, "planned_samples", json_integer((json_int_t)image->planned));
    json_object_set_new(object, "acquired_samples", json_integer((json_int_t)image->acquired));
    json_object_set_new(object, "claimed_samples", json_integer((json_int_t)image->claimed));
    json_object_set_new(object, "leftover_samples", json_integer((json_int_t)image->leftover));
    json_t *traces = json_array();
    for (uint32_t i = 0; i < image->n_traces; i++)
        if (image->traces[i].rows > 0)
            json_array_append_new(traces, json_trace(image, &image->traces[i]));
    json_object_set_new(object, "traces", traces);
    return object;
}

static void print_geometry(const struct matrix_image *image)
{
    static const char *const sources[] = {
        [MATRIX_FROM_CHAIN] = "from the result chain",
        [MATRIX_FROM_CHAIN_END] = "from the result chain's end: it does not name this file yet",
        [MATRIX_INFERRED] = "inferred from the number of samples",
        [MATRIX_GIVEN] = "as given",
    };
    const struct scan_geometry *g = &image->geometry;
    char a[40], b[40];
    printf("  frame     %" PRIu32 " x %" PRIu32 " points, %" PRIu32 " trace%s, %s\n", g->points,
           g->lines, image->n_traces, image->n_traces > 1 ? "s" : "", sources[image->source]);
    if (isfinite(g->width_m))
        printf("  size      %s x %s", quantity(g->width_m, "m", a, sizeof a),
               quantity(g->height_m, "m", b, sizeof b));
    if (isfinite(g->x_offset_m))
        printf(" at (%s, %s)", quantity(g->x_offset_m, "m", a, sizeof a),
               quantity(g->y_offset_m, "m", b, sizeof b));
    if (isfinite(g->width_m))
        printf(", %g degrees\n", g->angle_deg);
    if (isfinite(g->bias_v))
        printf("  settings  bias %s%s, set-point %s, %s per point (%s)\n",
               quantity(g->bias_v, "V", a, sizeof a),
               image->bias_changed ? " (changed during the scan)" : "",
               quantity(g->setpoint_a, "A", b, sizeof b),
               quantity(g->raster_time_s, "s", (char[40]){0}, 40),
               quantity(g->width_m / g->points / g->raster_time_s, "m/s", (char[40]){0}, 40));
    if (image->transfer.function == MATRIX_UNSCALED)
        printf("  scale     none, raw counts only: %s\n", image->unscaled_because);
}

static void print_trace(const struct matrix_image *image, const struct matrix_trace *trace)
{
    char min[40], max[40], std[40];
    printf("  %-14s %" PRIu32 " rows", scan_trace_name(trace->id), trace->rows);
    if (trace->rows > 0) {
        double *values = si_values(image, trace);
        const char *unit = values ? image->transfer.unit : "";
        struct matrix_statistics s =
            values ? matrix_statistics(values, (size_t)trace->rows * trace->cols)
                   : matrix_trace_raw_statistics(trace);
        if (values)
            printf(", %s to %s, std %s", quantity(s.min, unit, min, sizeof min),
                   quantity(s.max, unit, max, sizeof max), quantity(s.std, unit, std, sizeof std));
        else
            printf(", counts %.0f to %.0f, std %.0f", s.min, s.max, s.std);
        free(values);
    }
    if (trace->railed)
        printf(", %" PRIu64 " samples at the rail", trace->railed);
    putchar('\n');
}

static void print_image(const char *path, const struct matrix_image *image)
{
    char ended[40];
    format_time(image->ended_utc_s, ended, sizeof ended);
    printf("%s\n  image     %" PRIu32 "_%" PRIu32 ", channel %s, ended %s\n", path, image->name.run,
           image->name.cycle, image->name.channel, ended);
    print_geometry(image);
    printf("  samples   %" PRIu64 " planned, %" PRIu64 " acquired", image->planned,
           image->acquired);
    if (image->claimed != image->acquired)
        printf(" (the head claims %" PRIu64 ")", image->claimed);
    if (image->leftover)
        printf(", %" PRIu64 " of them in an unfinished line", image->leftover);
    putchar('\n');
    for (uint32_t i = 0; i < image->n_traces; i++)
        print_trace(image, &image->traces[i]);
}

static json_t *info_image(const char *path, const struct matrix_load_options *options, bool json)
{
    char error[256] = "";
    struct matrix_image *image;
    if (matrix_image_load(path, options, &image, error, sizeof error) < 0) {
        terminal_error("info", "%s: %s", path, error);
        return NULL;
    }
    json_t *result = json ? json_image(path, image) : json_object();
    if (!json)
        print_image(path, image);
    matrix_image_destroy(image);
    return result;
}

static void append_file(void *user, const char *file_name, int64_t t_utc_s)
{
    char stored[40];
    format_time(t_utc_s, stored, sizeof stored);
    json_t *files = user;
    json_array_append_new(
        files, json_pack("{s:o, s:s}", "name", text_of(file_name), "stored_utc", stored));
}

static json_t *json_chain(const char *path, const struct matrix_chain_summary *s, json_t *files)
{
    char started[40], last[40];
    format_time(s->started_utc_s, started, sizeof started);
    format_time(s->last_utc_s, last, sizeof last);
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:O}", "file",
        text_of(matrix_file_name(path)), "kind", "chain", "version", text_of(s->version), "profile",
        text_of(s->profile), "user", text_of(s->user), "experiment", text_of(s->experiment),
        "sample_name", text_of(s->sample_name), "started_utc", started, "last_utc", last, "blocks",
        (json_int_t)s->blocks, "parameters", (json_int_t)s->parameters, "parameter_changes",
        (json_int_t)s->changes, "scan_starts", (json_int_t)s->scan_starts, "clean_end",
        s->clean_end, "cut_inside_block", s->cut, "files", files);
}

static void print_chain(const char *path, const struct matrix_chain_summary *s, const json_t *files)
{
    char started[40], last[40];
    format_time(s->started_utc_s, started, sizeof started);
    format_time(s->last_utc_s, last, sizeof last);
    printf("%s\n  chain     MATRIX %s, profile %s, user %s\n", path, s->version, s->profile,
           s->user);
    printf("  holds     experiment %s, sample %s\n", s->experiment,
           s->sample_name[0] ? s->sample_name : "not named");
    printf("  time      %s to %s, %s\n", started, last,
           s->clean_end ? "ended cleanly"
           : s->cut     ? "cut inside a block"
                        : "no end mark (in use, or the program was killed)");
    printf("  blocks    %" PRIu64 ": %" PRIu64 " parameters, %" PRIu64 " changes, %" PRIu64
           " scan starts, %" PRIu64 " files\n",
           s->blocks, s->parameters, s->changes, s->scan_starts, s->files);
    size_t i;
    const json_t *file;
    json_array_foreach(files, i, file)
        printf("  %s  %s\n", json_string_value(json_object_get(file, "stored_utc")),
               json_string_value(json_object_get(file, "name")));
}

static json_t *info_chain(const char *path, bool json)
{
    char error[256] = "";
    uint8_t *data;
    size_t size;
    int status = matrix_file_read(path, &data, &size);
    if (status < 0) {
        terminal_error("info", "%s: %s", path, strerror(-status));
        return NULL;
    }
    json_t *files = json_array(), *result = NULL;
    struct matrix_chain_summary summary;
    if (matrix_chain_summarize(data, size, append_file, files, &summary, error, sizeof error) < 0)
        terminal_error("info", "%s: %s", path, error);
    else
        result = json ? json_chain(path, &summary, files) : json_object();
    if (result && !json)
        print_chain(path, &summary, files);
    json_decref(files);
    free(data);
    return result;
}

/* Whole number 1..SCAN_POINTS_MAX, or 0. */
static uint32_t parse_points(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    return good && value <= SCAN_POINTS_MAX ? (uint32_t)value : 0;
}

static int info_files(int n, char **paths, const struct matrix_load_options *options, bool json)
{
    json_t *results = json_array();
    int status = EXIT_OK;
    for (int i = 0; i < n; i++) {
        json_t *result = matrix_file_is_chain(paths[i]) ? info_chain(paths[i], json)
                                                        : info_image(paths[i], options, json);
        if (result)
            json_array_append_new(results, result);
        else
            status = EXIT_INTERNAL;
    }
    const json_t *shown = n == 1 ? json_array_get(results, 0) : results;
    if (json && shown) {
        json_dumpf(shown, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(results);
    return status;
}

int cmd_info(int argc, char **argv)
{
    enum { JSON = 1, POINTS, HELP };
    static const struct option options[] = {
        {"json", no_argument, NULL, JSON},
        {"points", required_argument, NULL, POINTS},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct matrix_load_options load = {0};
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (option == JSON)
            json = true;
        else if (option == POINTS)
            load.points = parse_points(optarg);
        if (option == '?' || (option == POINTS && load.points == 0)) {
            if (option == POINTS)
                terminal_error("info", "--points: '%s' is not a number from 1 to %d", optarg,
                               SCAN_POINTS_MAX);
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (optind >= argc) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return info_files(argc - optind, argv + optind, &load, json);
}
