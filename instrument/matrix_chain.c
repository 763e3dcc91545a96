/* Replays the blocks of a MATRIX result chain. */
#include "instrument/matrix_chain.h"

#include "instrument/matrix_bytes.h"
#include "instrument/matrix_scale.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TAG_META MATRIX_TAG('A', 'T', 'E', 'M')
#define TAG_EXPD MATRIX_TAG('D', 'P', 'X', 'E')
#define TAG_EEPA MATRIX_TAG('A', 'P', 'E', 'E')
#define TAG_PMOD MATRIX_TAG('D', 'O', 'M', 'P')
#define TAG_INCI MATRIX_TAG('I', 'C', 'N', 'I')
#define TAG_MARK MATRIX_TAG('K', 'R', 'A', 'M')
#define TAG_CCSY MATRIX_TAG('Y', 'S', 'C', 'C')
#define TAG_DICT MATRIX_TAG('T', 'C', 'I', 'D')
#define TAG_XFER MATRIX_TAG('R', 'E', 'F', 'X')
#define TAG_BREF MATRIX_TAG('F', 'E', 'R', 'B')
#define TAG_EOED MATRIX_TAG('D', 'E', 'O', 'E')

/* State words of INCI, observed around scan starts. */
enum { INCI_SCAN_START = 4 };

enum parameter {
    P_POINTS,
    P_LINES,
    P_WIDTH,
    P_HEIGHT,
    P_X_OFFSET,
    P_Y_OFFSET,
    P_ANGLE,
    P_RASTER_TIME,
    P_X_RETRACE,
    P_Y_RETRACE,
    P_CONSTRAINT,
    P_ZOOM,
    P_BIAS,
    P_SETPOINT,
    P_PREAMP,
    P_COUNT
};

/* Names of MATRIX 2 and later (observed) and of 1.0 (read). A value in another unit than the one
   named here is not the quantity meant, and stays unknown. */
static const struct {
    const char *instance, *property, *old_property, *unit;
} wanted[P_COUNT] = {
    [P_POINTS] = {"XYScanner", "Points", "X_Points", NULL},
    [P_LINES] = {"XYScanner", "Lines", "Y_Points", NULL},
    [P_WIDTH] = {"XYScanner", "Width", NULL, "Meter"},
    [P_HEIGHT] = {"XYScanner", "Height", NULL, "Meter"},
    [P_X_OFFSET] = {"XYScanner", "X_Offset", NULL, "Meter"},
    [P_Y_OFFSET] = {"XYScanner", "Y_Offset", NULL, "Meter"},
    [P_ANGLE] = {"XYScanner", "Angle", NULL, "Degree"},
    [P_RASTER_TIME] = {"XYScanner", "Raster_Time", "Raster_Period_Time", "Second"},
    [P_X_RETRACE] = {"XYScanner", "X_Retrace", NULL, NULL},
    [P_Y_RETRACE] = {"XYScanner", "Y_Retrace", NULL, NULL},
    [P_CONSTRAINT] = {"XYScanner", "Scan_Constraint", "Grid_Mode", NULL},
    [P_ZOOM] = {"XYScanner", "Zoom", NULL, NULL},
    [P_BIAS] = {"GapVoltageControl", "Voltage", NULL, "Volt"},
    [P_SETPOINT] = {"Regulator", "Setpoint_1", NULL, "Ampere"},
    [P_PREAMP] = {"Regulator", "Preamp_Range_1", NULL, NULL},
};

struct state {
    struct matrix_value values[P_COUNT];
    bool known[P_COUNT];
    struct matrix_cursor dictionary; /* payload of the last TCID; size 0: none yet */
    bool bias_changed;               /* since the scan's start */
    bool bias_changed_before_start;  /* the same of the scan that the last start ended */
    int64_t start_utc_s;             /* of the last start */
    struct matrix_text last_image;   /* last BREF's name up to the channel */
    bool last_image_bias_changed;
};

struct block {
    uint32_t tag;
    uint32_t state; /* INCI's word; else 0 */
    int64_t t_utc_s;
    size_t offset; /* of the tag in the file */
    struct matrix_cursor payload;
};

enum walk {
    WALK_BLOCK,
    WALK_END,
    WALK_CUT, /* the file ends inside a block */
    WALK_LOST /* no tag where a block should start */
};

static int fail(char *error, size_t size, size_t offset, const char *what)
{
    snprintf(error, size, "result chain: %s at byte %zu", what, offset);
    return -EBADMSG;
}

/* Every tag seen is four capital letters; anything else means that the walk lost its place. */
static bool is_tag(uint32_t tag)
{
    for (int i = 0; i < 4; i++, tag >>= 8)
        if ((tag & 0xFF) < 'A' || (tag & 0xFF) > 'Z')
            return false;
    return true;
}

/* The next block with its long header. */
static enum walk next_block(struct matrix_cursor *chain, struct block *ret)
{
    if (matrix_left(chain) == 0)
        return WALK_END;
    ret->offset = chain->at;
    ret->tag = matrix_get_u32(chain);
    if (!chain->failed && !is_tag(ret->tag))
        return WALK_LOST;
    uint32_t length = matrix_get_u32(chain);
    ret->t_utc_s = matrix_get_u32(chain);
    matrix_skip(chain, 4);
    ret->payload = matrix_get_part(chain, length);
    return chain->failed ? WALK_CUT : WALK_BLOCK;
}

static int open_chain(const uint8_t *data, size_t size, struct matrix_cursor *ret, char *error,
                      size_t error_size)
{
    if (size < 12 || memcmp(data, "ONTMATRX0101", 12) != 0) {
        snprintf(error, error_size, "result chain: not a MATRIX file (no ONTMATRX0101)");
        return -EBADMSG;
    }
    *ret = matrix_cursor(data, size);
    matrix_skip(ret, 12);
    return 0;
}

static void set_parameter(struct state *state, const struct matrix_text *instance,
                          const struct matrix_text *property, const struct matrix_text *unit,
                          const struct matrix_value *value)
{
    for (int p = 0; p < P_COUNT; p++) {
        if (!matrix_text_is(instance, wanted[p].instance) ||
            !(matrix_text_is(property, wanted[p].property) ||
              (wanted[p].old_property && matrix_text_is(property, wanted[p].old_property))))
            continue;
        if (p == P_BIAS && state->known[p] && state->values[p].number != value->number)
            state->bias_changed = true;
        state->values[p] = *value;
        state->known[p] = !wanted[p].unit || matrix_text_is(unit, wanted[p].unit);
        return;
    }
}

/* Start values: groups of parameters. False when the payload contradicts itself. */
static bool read_start_values(struct matrix_cursor payload, struct state *state, uint64_t *ret_n)
{
    matrix_skip(&payload, 4);
    uint32_t n_groups = matrix_get_count(&payload, 8);
    for (uint32_t g = 0; g < n_groups; g++) {
        struct matrix_text instance = matrix_get_text(&payload);
        uint32_t n = matrix_get_count(&payload, 16);
        for (uint32_t i = 0; i < n; i++) {
            struct matrix_text property = matrix_get_text(&payload);
            struct matrix_text unit = matrix_get_text(&payload);
            matrix_skip(&payload, 4);
            struct matrix_value value = matrix_get_value(&payload);
            if (payload.failed)
                return false;
            set_parameter(state, &instance, &property, &unit, &value);
            (*ret_n)++;
        }
    }
    return !payload.failed;
}

static bool read_change(struct matrix_cursor payload, struct state *state)
{
    matrix_skip(&payload, 4);
    struct matrix_text instance = matrix_get_text(&payload);
    struct matrix_text property = matrix_get_text(&payload);
    struct matrix_text unit = matrix_get_text(&payload);
    matrix_skip(&payload, 4);
    struct matrix_value value = matrix_get_value(&payload);
    if (payload.failed)
        return false;
    set_parameter(state, &instance, &property, &unit, &value);
    return true;
}

/* The short block of this tag inside a CCSY payload; its cursor is failed when there is none. False
   when the payload contradicts itself. */
static bool find_short_block(struct matrix_cursor payload, uint32_t tag, struct matrix_cursor *ret)
{
    *ret = (struct matrix_cursor){.failed = true};
    matrix_skip(&payload, 4);
    while (matrix_left(&payload) > 0) {
        uint32_t found = matrix_get_u32(&payload);
        struct matrix_cursor part = matrix_get_part(&payload, matrix_get_u32(&payload));
        if (payload.failed)
            return false;
        if (found == tag)
            *ret = part;
    }
    return !payload.failed;
}

/* Functions accumulate over the chain: the last one given for the key before `end` holds. */
static void find_transfer(const uint8_t *data, size_t end, uint32_t key,
                          struct matrix_recording *recording)
{
    recording->unscaled_because = "the chain has no transfer function for this channel";
    struct matrix_cursor chain = matrix_cursor(data, end);
    matrix_skip(&chain, 12);
    struct block block = {0};
    while (next_block(&chain, &block) == WALK_BLOCK) {
        struct matrix_cursor list;
        if (block.tag == TAG_CCSY && find_short_block(block.payload, TAG_XFER, &list) &&
            !list.failed)
            (void)matrix_transfers_find(list, key, &recording->transfer,
                                        &recording->unscaled_because);
    }
}

static bool read_ccsy(struct matrix_cursor payload, struct state *state)
{
    struct matrix_cursor part;
    if (!find_short_block(payload, TAG_DICT, &part))
        return false;
    if (!part.failed) {
        struct matrix_dictionary_channel channel;
        bool found;
        if (!matrix_dictionary_find(part, 0, &channel, &found))
            return false;
        state->dictionary = part;
    }
    find_short_block(payload, TAG_XFER, &part);
    struct matrix_transfer transfer;
    const char *because;
    return part.failed || matrix_transfers_find(part, 0, &transfer, &because);
}

static bool same_text(const struct matrix_text *a, const struct matrix_text *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->units, b->units, (size_t)a->n * 2) == 0);
}

static bool is_unit(const struct matrix_text *text, uint32_t i, char c)
{
    return text->units[2 * i] == (uint8_t)c && text->units[2 * i + 1] == 0;
}

/* "BASE--19_2.Z_mtrx" up to the last point: the same for all channels of one image. Empty for a
   spectrum, whose channel has parentheses (observed): it is taken in the midst of an image. */
static struct matrix_text image_part(const struct matrix_text *name)
{
    for (uint32_t n = name->n; n > 0; n--) {
        if (is_unit(name, n - 1, '('))
            return (struct matrix_text){0};
        if (is_unit(name, n - 1, '.'))
            return (struct matrix_text){name->units, n - 1};
    }
    return *name;
}

/* The first BREF of an image closes its account of bias changes. A scan that is restarted writes
   the new start first and the old image's BREFs within the same second (observed). */
static void note_image(struct state *state, const struct block *block, struct matrix_text name)
{
    struct matrix_text image = image_part(&name);
    if (image.n == 0 || same_text(&image, &state->last_image))
        return;
    bool restarted = block->t_utc_s - state->start_utc_s <= 1;
    state->last_image = image;
    state->last_image_bias_changed =
        restarted ? state->bias_changed_before_start : state->bias_changed;
    if (!restarted)
        state->bias_changed = false;
}

static bool read_state(const struct block *block, struct state *state)
{
    struct matrix_cursor payload = block->payload;
    matrix_skip(&payload, 4);
    if (matrix_get_u32(&payload) == INCI_SCAN_START) {
        state->bias_changed_before_start = state->bias_changed;
        state->bias_changed = false;
        state->start_utc_s = block->t_utc_s;
    }
    return !payload.failed;
}

static bool read_file_name(struct matrix_cursor payload, struct matrix_text *ret)
{
    matrix_skip(&payload, 4);
    *ret = matrix_get_text(&payload);
    return !payload.failed;
}

/* Take one block into the state. NULL, or what is wrong with it. */
static const char *replay_block(const struct block *block, struct state *state)
{
    uint64_t n = 0;
    if (block->tag == TAG_EEPA && !read_start_values(block->payload, state, &n))
        return "damaged start values";
    if (block->tag == TAG_PMOD && !read_change(block->payload, state))
        return "damaged parameter change";
    if (block->tag == TAG_CCSY && !read_ccsy(block->payload, state))
        return "damaged channel table";
    if (block->tag == TAG_INCI && !read_state(block, state))
        return "damaged state block";
    return NULL;
}

static double number_or_nan(const struct state *state, enum parameter p)
{
    return state->known[p] && state->values[p].type != MATRIX_STRING ? state->values[p].number
                                                                     : (double)NAN;
}

/* A side of the frame, or 0 when unknown or beyond what is read. */
static uint32_t side(const struct state *state, enum parameter p, uint32_t max)
{
    double value = number_or_nan(state, p);
    return value >= 1 && value <= max && value == floor(value) ? (uint32_t)value : 0;
}

static struct scan_geometry geometry_of(const struct state *state)
{
    struct scan_geometry g = {
        .points = side(state, P_POINTS, SCAN_POINTS_MAX),
        .lines = side(state, P_LINES, SCAN_LINES_MAX),
        .x_retrace = state->known[P_X_RETRACE] && state->values[P_X_RETRACE].number != 0,
        .y_retrace = state->known[P_Y_RETRACE] && state->values[P_Y_RETRACE].number != 0,
        .width_m = number_or_nan(state, P_WIDTH),
        .height_m = number_or_nan(state, P_HEIGHT),
        .x_offset_m = number_or_nan(state, P_X_OFFSET),
        .y_offset_m = number_or_nan(state, P_Y_OFFSET),
        .angle_deg = number_or_nan(state, P_ANGLE),
        .raster_time_s = number_or_nan(state, P_RASTER_TIME),
        .bias_v = number_or_nan(state, P_BIAS),
        .setpoint_a = number_or_nan(state, P_SETPOINT),
    };
    double zoom = number_or_nan(state, P_ZOOM);
    if (state->known[P_ZOOM]) {
        g.width_m /= zoom;
        g.height_m /= zoom;
    }
    if (g.lines == 0 || !state->known[P_X_RETRACE] || !state->known[P_Y_RETRACE])
        g.points = 0;
    return g;
}

static void describe(const uint8_t *data, size_t end, const struct state *state,
                     uint64_t channel_id, struct matrix_recording *ret)
{
    ret->geometry = geometry_of(state);
    double constraint = number_or_nan(state, P_CONSTRAINT);
    ret->scan_constraint = constraint >= 0 && constraint < 100 ? (int)constraint : 0;
    ret->bias_changed = ret->named ? state->last_image_bias_changed : state->bias_changed;
    if (state->known[P_PREAMP] && state->values[P_PREAMP].type == MATRIX_STRING)
        matrix_text_copy(&state->values[P_PREAMP].text, ret->preamp_range,
                         sizeof ret->preamp_range);
    struct matrix_dictionary_channel channel;
    bool found = false;
    if (state->dictionary.size)
        (void)matrix_dictionary_find(state->dictionary, channel_id, &channel, &found);
    if (!found) {
        ret->unscaled_because = "the chain does not know this channel";
        return;
    }
    matrix_text_copy(&channel.name, ret->channel, sizeof ret->channel);
    find_transfer(data, end, channel.key, ret);
}

int matrix_chain_find(const uint8_t *data, size_t size, const char *file_name, uint64_t channel_id,
                      struct matrix_recording *ret, char *error, size_t error_size)
{
    struct matrix_cursor chain = {0};
    int status = open_chain(data, size, &chain, error, error_size);
    if (status < 0)
        return status;
    struct state state = {.start_utc_s = INT64_MIN / 2};
    struct matrix_recording recording = {0};
    struct block block = {0};
    enum walk walk = WALK_BLOCK;
    while (!recording.named && (walk = next_block(&chain, &block)) == WALK_BLOCK) {
        const char *wrong = replay_block(&block, &state);
        struct matrix_text name = {0};
        if (!wrong && block.tag == TAG_BREF) {
            if (!read_file_name(block.payload, &name))
                wrong = "damaged file name";
            else
                note_image(&state, &block, name);
            recording.named = !wrong && matrix_text_equals(&name, file_name);
        }
        if (wrong)
            return fail(error, error_size, block.offset, wrong);
    }
    if (walk == WALK_LOST)
        return fail(error, error_size, block.offset, "no block");
    recording.cut = walk == WALK_CUT;
    describe(data, chain.failed ? block.offset : chain.at, &state, channel_id, &recording);
    *ret = recording;
    return 0;
}

static bool read_meta(struct matrix_cursor payload, struct matrix_chain_summary *ret)
{
    matrix_get_text(&payload);
    struct matrix_text version = matrix_get_text(&payload);
    ret->started_utc_s = matrix_get_u32(&payload);
    struct matrix_text profile = matrix_get_text(&payload);
    struct matrix_text user = matrix_get_text(&payload);
    matrix_text_copy(&version, ret->version, sizeof ret->version);
    matrix_text_copy(&profile, ret->profile, sizeof ret->profile);
    matrix_text_copy(&user, ret->user, sizeof ret->user);
    return !payload.failed;
}

static void read_mark(struct matrix_cursor payload, struct matrix_chain_summary *ret)
{
    static const char key[] = "MTRX$SAMPLE_NAME-";
    struct matrix_text mark = matrix_get_text(&payload);
    if (payload.failed || !matrix_text_starts_with(&mark, key))
        return;
    uint32_t skip = sizeof key - 1;
    struct matrix_text value = {mark.units + 2 * (size_t)skip, mark.n - skip};
    matrix_text_copy(&value, ret->sample_name, sizeof ret->sample_name);
}

/* Count one block. NULL, or what is wrong with it. */
static const char *summarize_block(const struct block *block, struct state *state,
                                   struct matrix_chain_summary *ret)
{
    struct matrix_cursor payload = block->payload;
    const char *wrong = replay_block(block, state);
    if (wrong)
        return wrong;
    if (block->tag == TAG_META && !read_meta(payload, ret))
        return "damaged head";
    if (block->tag == TAG_EXPD) {
        struct matrix_text name;
        if (!read_file_name(payload, &name))
            return "damaged experiment";
        matrix_text_copy(&name, ret->experiment, sizeof ret->experiment);
    }
    if (block->tag == TAG_EEPA)
        (void)read_start_values(payload, state, &ret->parameters);
    if (block->tag == TAG_MARK)
        read_mark(payload, ret);
    ret->changes += block->tag == TAG_PMOD;
    ret->clean_end = block->tag == TAG_EOED;
    if (block->tag == TAG_INCI) {
        matrix_skip(&payload, 4);
        ret->scan_starts += matrix_get_u32(&payload) == INCI_SCAN_START;
    }
    ret->blocks++;
    ret->last_utc_s = block->t_utc_s;
    return NULL;
}

int matrix_chain_summarize(const uint8_t *data, size_t size, matrix_chain_file_fn on_file,
                           void *user, struct matrix_chain_summary *ret, char *error,
                           size_t error_size)
{
    struct matrix_cursor chain = {0};
    int status = open_chain(data, size, &chain, error, error_size);
    if (status < 0)
        return status;
    struct state state = {0};
    struct matrix_chain_summary summary = {0};
    struct block block = {0};
    enum walk walk;
    while ((walk = next_block(&chain, &block)) == WALK_BLOCK) {
        const char *wrong = summarize_block(&block, &state, &summary);
        struct matrix_text name = {0};
        if (!wrong && block.tag == TAG_BREF && !read_file_name(block.payload, &name))
            wrong = "damaged file name";
        if (wrong)
            return fail(error, error_size, block.offset, wrong);
        if (block.tag != TAG_BREF)
            continue;
        summary.files++;
        char file_name[1024];
        matrix_text_copy(&name, file_name, sizeof file_name);
        if (on_file)
            on_file(user, file_name, block.t_utc_s);
    }
    if (walk == WALK_LOST)
        return fail(error, error_size, block.offset, "no block");
    summary.cut = walk == WALK_CUT;
    *ret = summary;
    return 0;
}
