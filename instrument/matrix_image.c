/* Reads a MATRIX image data file and joins it with its result chain. */
#include "instrument/matrix_image.h"

#include "instrument/matrix_bytes.h"
#include "instrument/matrix_chain.h"
#include "instrument/matrix_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_TLKB MATRIX_TAG('T', 'L', 'K', 'B')
#define TAG_CSED MATRIX_TAG('C', 'S', 'E', 'D')
#define TAG_ATAD MATRIX_TAG('A', 'T', 'A', 'D')

enum { CSED_SIZE = 56, RAIL_HIGH = 0x7FFF0000 };

struct line_error {
    char *text;
    size_t size;
};

/* Writes the one line and yields the status. */
#define refuse(error, status, ...) (snprintf((error)->text, (error)->size, __VA_ARGS__), (status))

const char *matrix_geometry_source_name(enum matrix_geometry_source source)
{
    switch (source) {
    case MATRIX_FROM_CHAIN:
        return "chain";
    case MATRIX_FROM_CHAIN_END:
        return "chain end";
    case MATRIX_INFERRED:
        return "inferred";
    case MATRIX_GIVEN:
        return "given";
    }
    abort();
}

/* Decimal digits up to `end`; 1..UINT32_MAX, or 0. */
static uint32_t read_number(const char *from, const char *end)
{
    uint64_t value = 0;
    if (from == end || end - from > 10)
        return 0;
    for (; from < end; from++) {
        if (*from < '0' || *from > '9')
            return 0;
        value = value * 10 + (uint64_t)(*from - '0');
    }
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static const char *last_double_dash(const char *text)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, "--")); at++)
        found = at;
    return found;
}

int matrix_name_parse(const char *path, struct matrix_name *ret)
{
    const char *file = matrix_file_name(path);
    const char *dash = last_double_dash(file);
    const char *underscore = dash ? strchr(dash, '_') : NULL;
    const char *point = underscore ? strchr(underscore, '.') : NULL;
    const char *tail = point ? strstr(point, "_mtrx") : NULL;
    if (!tail || tail[5] != '\0')
        return -EINVAL;
    size_t base = (size_t)(dash - file), channel = (size_t)(tail - point - 1);
    struct matrix_name name = {.run = read_number(dash + 2, underscore),
                               .cycle = read_number(underscore + 1, point)};
    /* Parentheses mark spectra (observed), which are not images. */
    if (!name.run || !name.cycle || base == 0 || base >= sizeof name.base || channel == 0 ||
        channel >= sizeof name.channel || memchr(point, '(', channel + 1))
        return -EINVAL;
    memcpy(name.base, file, base);
    memcpy(name.channel, point + 1, channel);
    *ret = name;
    return 0;
}

/* The head of a data file, and where its samples lie. */
struct head {
    uint64_t channel_id;
    uint32_t bricklet;
    uint32_t planned;
    uint32_t claimed;
    int64_t ended_utc_s;
    struct matrix_cursor samples;
    bool described;
    bool has_samples;
};

static int read_description(struct matrix_cursor part, struct head *ret,
                            const struct line_error *error)
{
    ret->channel_id = matrix_get_u64(&part);
    ret->bricklet = matrix_get_u32(&part);
    matrix_skip(&part, 8);
    ret->planned = matrix_get_u32(&part);
    ret->claimed = matrix_get_u32(&part);
    uint32_t item_size = matrix_get_u32(&part);
    uint64_t item_type = matrix_get_u64(&part);
    if (part.failed)
        return refuse(error, -EBADMSG, "damaged head");
    /* "SI32" in UTF-16LE. */
    if (item_size != 4 || item_type != UINT64_C(0x0032003300490053))
        return refuse(error, -EBADMSG, "samples are not SI32");
    if (ret->planned == 0 || ret->claimed > ret->planned)
        return refuse(error, -EBADMSG, "head plans %" PRIu32 " samples and claims %" PRIu32,
                      ret->planned, ret->claimed);
    ret->described = true;
    return 0;
}

static int read_head(const struct matrix_buffer *image, struct head *ret,
                     const struct line_error *error)
{
    if (image->size < 12 || memcmp(image->data, "ONTMATRX0101", 12) != 0)
        return refuse(error, -EBADMSG, "not a MATRIX file (no ONTMATRX0101)");
    struct matrix_cursor file = matrix_cursor(image->data, image->size);
    matrix_skip(&file, 12);
    if (matrix_get_u32(&file) != TAG_TLKB)
        return refuse(error, -EBADMSG, "not an image data file (no TLKB block)");
    /* TLKB's length is that of a complete copy; what is really there decides. */
    matrix_skip(&file, 4);
    struct head head = {.ended_utc_s = matrix_get_u32(&file)};
    matrix_skip(&file, 8);
    while (!head.has_samples && matrix_left(&file) >= 8) {
        uint32_t tag = matrix_get_u32(&file);
        uint32_t length = matrix_get_u32(&file);
        size_t left = matrix_left(&file);
        struct matrix_cursor part = matrix_get_part(&file, length < left ? length : left);
        int status = tag == TAG_CSED ? read_description(part, &head, error) : 0;
        if (status < 0)
            return status;
        if (tag == TAG_ATAD) {
            head.samples = part;
            head.has_samples = true;
        }
    }
    if (!head.described || !head.has_samples)
        return refuse(error, -EBADMSG, "file ends before its samples");
    *ret = head;
    return 0;
}

static uint64_t samples_of(const struct scan_geometry *g)
{
    return (uint64_t)g->points * g->lines * (g->x_retrace ? 2 : 1) * (g->y_retrace ? 2 : 1);
}

static uint32_t square_root(uint64_t n)
{
    uint64_t root = (uint64_t)sqrt((double)n);
    return root * root == n && root <= SCAN_POINTS_MAX ? (uint32_t)root : 0;
}

static struct scan_geometry bare_geometry(uint64_t points, uint64_t lines, uint32_t n_traces)
{
    const double unknown = (double)NAN;
    return (struct scan_geometry){
        .points = (uint32_t)points,
        .lines = (uint32_t)lines,
        .x_retrace = n_traces > 1,
        .y_retrace = n_traces > 2,
        .width_m = unknown,
        .height_m = unknown,
        .x_offset_m = unknown,
        .y_offset_m = unknown,
        .angle_deg = unknown,
        .raster_time_s = unknown,
        .bias_v = unknown,
        .setpoint_a = unknown,
    };
}

/* A frame `points` wide: square if four or two traces allow it, else the most traces that fit. */
static bool fit_points(uint64_t planned, uint64_t points, struct scan_geometry *ret)
{
    for (uint32_t n = 4; n >= 2; n /= 2)
        if (planned == points * points * n) {
            *ret = bare_geometry(points, points, n);
            return true;
        }
    for (uint32_t n = 4; n >= 1; n /= 2)
        if (planned % (points * n) == 0 && planned / (points * n) <= SCAN_LINES_MAX) {
            *ret = bare_geometry(points, planned / (points * n), n);
            return true;
        }
    return false;
}

/* Geometry without a chain. */
static int guess_geometry(uint64_t planned, const struct matrix_load_options *options,
                          struct matrix_image *image, const struct line_error *error)
{
    uint32_t points = options ? options->points : 0;
    if (points > SCAN_POINTS_MAX)
        return refuse(error, -EINVAL, "%" PRIu32 " points per line are more than %d", points,
                      SCAN_POINTS_MAX);
    image->source = points ? MATRIX_GIVEN : MATRIX_INFERRED;
    if (points && !fit_points(planned, points, &image->geometry))
        return refuse(error, -EINVAL,
                      "%" PRIu64 " planned samples are not whole lines of %" PRIu32 " points",
                      planned, points);
    if (points)
        return 0;
    uint32_t four = planned % 4 == 0 ? square_root(planned / 4) : 0;
    uint32_t two = planned % 2 == 0 ? square_root(planned / 2) : 0;
    if (!four && !two)
        return refuse(error, -ENODATA,
                      "no result chain, and %" PRIu64
                      " planned samples are no square frame; give --points N",
                      planned);
    image->geometry = four ? bare_geometry(four, four, 4) : bare_geometry(two, two, 2);
    return 0;
}

/* Geometry and scale from the chain. A chain that names the file must fit it; one that does not
   name it yet and does not fit says nothing about it. */
static int take_recording(const struct matrix_recording *recording, uint64_t planned,
                          struct matrix_image *image, const struct line_error *error)
{
    const struct scan_geometry *g = &recording->geometry;
    bool fits = g->points > 0 && samples_of(g) == planned;
    if (!fits && recording->named)
        return refuse(error, -EBADMSG,
                      "%" PRIu64 " planned samples do not fit the result chain's frame, %" PRIu32
                      " x %" PRIu32 " points with %d traces",
                      planned, g->points, g->lines,
                      (g->x_retrace ? 2 : 1) * (g->y_retrace ? 2 : 1));
    if (!fits)
        return -ENODATA;
    if (recording->channel[0] && strcmp(recording->channel, image->name.channel) != 0)
        return refuse(error, -EBADMSG, "the result chain calls this channel %s",
                      recording->channel);
    image->source = recording->named ? MATRIX_FROM_CHAIN : MATRIX_FROM_CHAIN_END;
    image->geometry = *g;
    image->bias_changed = recording->bias_changed;
    image->scan_constraint = recording->scan_constraint;
    memcpy(image->preamp_range, recording->preamp_range, sizeof image->preamp_range);
    image->transfer = recording->transfer;
    image->unscaled_because = recording->unscaled_because;
    return 0;
}

static int find_geometry(const char *file_name, const struct matrix_buffer *chain,
                         const struct matrix_load_options *options, const struct head *head,
                         struct matrix_image *image, const struct line_error *error)
{
    image->unscaled_because = "no result chain";
    if (chain) {
        struct matrix_recording recording;
        int status = matrix_chain_find(chain->data, chain->size, file_name, head->channel_id,
                                       &recording, error->text, error->size);
        if (status == 0)
            status = take_recording(&recording, head->planned, image, error);
        if (status != -ENODATA)
            return status;
        image->unscaled_because = "the result chain does not name this file";
    }
    return guess_geometry(head->planned, options, image, error);
}

static int32_t sample_at(const struct matrix_cursor *samples, uint64_t i)
{
    const uint8_t *bytes = samples->data + 4 * i;
    return (int32_t)MATRIX_TAG(bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool matrix_is_railed(int32_t raw)
{
    return raw == RAIL_HIGH || raw == INT32_MIN;
}

/* Copy one trace's complete lines, bottom row first, every line left to right. */
static void sort_trace(const struct matrix_cursor *samples, const struct scan_geometry *g,
                       struct matrix_trace *trace, int32_t *ret_raw)
{
    uint64_t raster = (uint64_t)g->points * (g->x_retrace ? 2 : 1);
    bool forward = scan_trace_is_forward(trace->id), up = scan_trace_is_up(trace->id);
    trace->raw = trace->rows ? ret_raw : NULL;
    for (uint32_t row = 0; row < trace->rows; row++) {
        uint64_t line = up ? row : (uint64_t)g->lines + trace->rows - 1 - row;
        uint64_t first = line * raster + (forward ? 0 : g->points);
        for (uint32_t col = 0; col < g->points; col++) {
            int32_t raw = sample_at(samples, first + (forward ? col : g->points - 1 - col));
            *ret_raw++ = raw;
            trace->railed += matrix_is_railed(raw);
        }
    }
}

static int sort_samples(const struct head *head, struct matrix_image *image,
                        const struct line_error *error)
{
    const struct scan_geometry *g = &image->geometry;
    uint64_t raster = (uint64_t)g->points * (g->x_retrace ? 2 : 1);
    uint64_t complete = image->acquired / raster;
    uint32_t up = (uint32_t)(complete < g->lines ? complete : g->lines);
    uint32_t down = (uint32_t)(complete - up);
    image->leftover = image->acquired - complete * raster;
    int32_t *raw = malloc(complete ? complete * raster * sizeof *raw : 1);
    if (!raw)
        return refuse(error, -ENOMEM, "not enough memory for %" PRIu64 " samples", image->acquired);
    image->samples = raw;
    for (int id = 0; id < SCAN_TRACE_COUNT; id++) {
        bool is_up = scan_trace_is_up((enum scan_trace)id);
        if ((!is_up && !g->y_retrace) ||
            (!scan_trace_is_forward((enum scan_trace)id) && !g->x_retrace))
            continue;
        struct matrix_trace *trace = &image->traces[image->n_traces++];
        trace->id = (enum scan_trace)id;
        trace->cols = g->points;
        trace->rows = is_up ? up : down;
        trace->first_row = is_up ? 0 : g->lines - down;
        sort_trace(&head->samples, g, trace, raw);
        raw += (size_t)trace->rows * trace->cols;
    }
    return 0;
}

int matrix_image_decode(const char *file_name, const struct matrix_buffer *image_file,
                        const struct matrix_buffer *chain,
                        const struct matrix_load_options *options, struct matrix_image **ret,
                        char *error_text, size_t error_size)
{
    const struct line_error error = {error_text, error_size};
    struct head head = {0};
    struct matrix_name name;
    if (matrix_name_parse(file_name, &name) < 0)
        return refuse(&error, -EBADMSG,
                      "not named like a MATRIX image, BASE--RUN_CYCLE.CHANNEL_mtrx");
    int status = read_head(image_file, &head, &error);
    if (status < 0)
        return status;
    struct matrix_image *image = calloc(1, sizeof *image);
    if (!image)
        return refuse(&error, -ENOMEM, "not enough memory");
    uint64_t present = head.samples.size / 4;
    image->name = name;
    image->planned = head.planned;
    image->claimed = head.claimed;
    image->acquired = head.claimed < present ? head.claimed : present;
    image->channel_id = head.channel_id;
    image->bricklet = head.bricklet;
    image->ended_utc_s = head.ended_utc_s;
    status = find_geometry(file_name, chain, options, &head, image, &error);
    if (status == 0)
        status = sort_samples(&head, image, &error);
    if (status < 0) {
        matrix_image_destroy(image);
        return status;
    }
    *ret = image;
    return 0;
}

/* The chain's path beside the data file's; malloc'd, or NULL without memory. */
static char *chain_path(const char *path, const struct matrix_name *name)
{
    size_t folder = (size_t)(matrix_file_name(path) - path);
    size_t size = folder + strlen(name->base) + sizeof "_0001.mtrx";
    char *chain = malloc(size);
    if (chain)
        snprintf(chain, size, "%.*s%s_0001.mtrx", (int)folder, path, name->base);
    return chain;
}

/* A chain that is not there is no error: *ret_data stays NULL. */
static int read_chain(const char *path, const struct matrix_name *name, uint8_t **ret_data,
                      size_t *ret_size)
{
    char *file = chain_path(path, name);
    if (!file)
        return -ENOMEM;
    int status = matrix_file_read(file, ret_data, ret_size);
    free(file);
    return status == -ENOENT ? 0 : status;
}

int matrix_image_load(const char *path, const struct matrix_load_options *options,
                      struct matrix_image **ret, char *error_text, size_t error_size)
{
    const struct line_error error = {error_text, error_size};
    struct matrix_buffer image, chain;
    struct matrix_name name;
    uint8_t *image_data = NULL, *chain_data = NULL;
    if (matrix_name_parse(path, &name) < 0)
        return refuse(&error, -EBADMSG,
                      "not named like a MATRIX image, BASE--RUN_CYCLE.CHANNEL_mtrx");
    int status = matrix_file_read(path, &image_data, &image.size);
    if (status < 0)
        return refuse(&error, status, "%s", strerror(-status));
    chain.size = 0;
    status = read_chain(path, &name, &chain_data, &chain.size);
    if (status < 0) {
        free(image_data);
        return refuse(&error, status, "result chain %s_0001.mtrx: %s", name.base,
                      strerror(-status));
    }
    image.data = image_data;
    chain.data = chain_data;
    status = matrix_image_decode(matrix_file_name(path), &image, chain_data ? &chain : NULL,
                                 options, ret, error_text, error_size);
    free(image_data);
    free(chain_data);
    return status;
}

void matrix_image_destroy(struct matrix_image *image)
{
    if (!image)
        return;
    free(image->samples);
    free(image);
}

const struct matrix_trace *matrix_image_trace(const struct matrix_image *image, enum scan_trace id)
{
    for (uint32_t i = 0; i < image->n_traces; i++)
        if (image->traces[i].id == id)
            return &image->traces[i];
    return NULL;
}

double matrix_transfer_apply(const struct matrix_transfer *t, int32_t raw)
{
    switch (t->function) {
    case MATRIX_UNSCALED:
        return (double)NAN;
    case MATRIX_IDENTITY:
        return raw;
    case MATRIX_LINEAR:
        return (raw - t->offset) / t->factor;
    case MATRIX_MULTI_LINEAR:
        return (t->raw_1 - t->pre_offset) * (raw - t->offset) / (t->factor * t->pre_factor);
    }
    abort();
}

int matrix_image_to_si(const struct matrix_image *image, enum scan_trace id, double *ret_values)
{
    const struct matrix_trace *trace = matrix_image_trace(image, id);
    if (!trace || image->transfer.function == MATRIX_UNSCALED)
        return -ENODATA;
    size_t n = (size_t)trace->rows * trace->cols;
    for (size_t i = 0; i < n; i++)
        ret_values[i] = matrix_transfer_apply(&image->transfer, trace->raw[i]);
    return 0;
}
