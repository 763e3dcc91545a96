/* Composes the blocks of result chains and the head of data files. */
#include "instrument/matrix_compose.h"

#include <stdio.h>
#include <string.h>

/* Opens every key in dictionary and transfer lists (observed). */
enum { KEY_PREFIX = 0x00200043 };

static const char *const preamp_ranges[MATRIX_PREAMP_COUNT] = {
    [MATRIX_PREAMP_3NA] = "0;3.29703e-009",
    [MATRIX_PREAMP_333NA] = "0;3.33e-007",
};

static const struct {
    const char *name, *unit;
    uint32_t index; /* in the channel id and the trigger id */
    uint32_t key;   /* of its transfer function */
} channels[MATRIX_CHANNEL_COUNT] = {
    [MATRIX_CHANNEL_Z] = {"Z", "m", 2, 14},
    [MATRIX_CHANNEL_I] = {"I", "A", 7, 13},
};

static uint64_t channel_id(int channel)
{
    return (uint64_t)channels[channel].index << 32 | 0x00440043;
}

const char *matrix_channel_name(enum matrix_channel channel)
{
    return channels[channel].name;
}

void matrix_compose_meta(struct matrix_block *block, int64_t t_utc_s)
{
    matrix_block_begin(block, "ATEM", t_utc_s, 0);
    matrix_put_text(block, "MATRIX");
    matrix_put_text(block, "V3.2.3 (simulated by tipwright)");
    matrix_put_u32(block, (uint32_t)t_utc_s);
    matrix_put_text(block, "default");
    matrix_put_text(block, "tipwright");
    matrix_put_text(block, "");
}

void matrix_compose_experiment(struct matrix_block *block, int64_t t_utc_s)
{
    static const char *const experiment[7] = {"STM_Basic", "v0", "simulated scan", "STM_Basic.expd",
                                              "STM",       "v0", "STM.proj"};
    matrix_block_begin(block, "DPXE", t_utc_s, 0);
    matrix_put_u32(block, 0);
    for (int i = 0; i < 7; i++)
        matrix_put_text(block, experiment[i]);
}

void matrix_compose_state(struct matrix_block *block, enum matrix_state state, int64_t t_utc_s)
{
    /* The only block whose second time word is 1 (observed). */
    matrix_block_begin(block, "ICNI", t_utc_s, 1);
    matrix_put_u32(block, 0);
    matrix_put_u32(block, (uint32_t)state);
}

void matrix_compose_mark(struct matrix_block *block, const char *text, int64_t t_utc_s)
{
    matrix_block_begin(block, "KRAM", t_utc_s, 0);
    matrix_put_text(block, text);
}

void matrix_compose_stored(struct matrix_block *block, const char *file_name, int64_t t_utc_s)
{
    matrix_block_begin(block, "FERB", t_utc_s, 0);
    matrix_put_u32(block, 0);
    matrix_put_text(block, file_name);
}

void matrix_compose_end(struct matrix_block *block, int64_t t_utc_s)
{
    matrix_block_begin(block, "DEOE", t_utc_s, 0);
}

struct parameter {
    const char *instance, *property, *unit;
    struct matrix_put_value value;
};

/* Every parameter the writer keeps, those of one instance together. */
static void list_parameters(const struct scan_geometry *g, enum matrix_preamp preamp,
                            struct parameter ret[MATRIX_PARAMETERS])
{
    const struct parameter all[MATRIX_PARAMETERS] = {
        {"GapVoltageControl", "Voltage", "Volt", matrix_put_double(g->bias_v)},
        {"Regulator", "Preamp_Range_1", "--", matrix_put_string(preamp_ranges[preamp])},
        {"Regulator", "Setpoint_1", "Ampere", matrix_put_double(g->setpoint_a)},
        {"XYScanner", "Angle", "Degree", matrix_put_int((int32_t)g->angle_deg)},
        {"XYScanner", "Height", "Meter", matrix_put_double(g->height_m)},
        {"XYScanner", "Lines", "Count", matrix_put_int((int32_t)g->lines)},
        {"XYScanner", "Points", "Count", matrix_put_int((int32_t)g->points)},
        {"XYScanner", "Raster_Time", "Second", matrix_put_double(g->raster_time_s)},
        {"XYScanner", "Scan_Constraint", "--", matrix_put_int(0)},
        {"XYScanner", "Width", "Meter", matrix_put_double(g->width_m)},
        {"XYScanner", "X_Offset", "Meter", matrix_put_double(g->x_offset_m)},
        {"XYScanner", "X_Retrace", "--", matrix_put_bool(g->x_retrace)},
        {"XYScanner", "Y_Offset", "Meter", matrix_put_double(g->y_offset_m)},
        {"XYScanner", "Y_Retrace", "--", matrix_put_bool(g->y_retrace)},
    };
    memcpy(ret, all, sizeof all);
}

static uint32_t same_instance(const struct parameter *from, const struct parameter *end)
{
    uint32_t n = 0;
    while (from + n < end && strcmp(from->instance, from[n].instance) == 0)
        n++;
    return n;
}

static void put_parameter(struct matrix_block *block, const struct parameter *parameter)
{
    matrix_put_text(block, parameter->property);
    matrix_put_text(block, parameter->unit);
    matrix_put_u32(block, 0);
    matrix_put_typed(block, &parameter->value);
}

void matrix_compose_start_values(struct matrix_block *block, const struct matrix_settings *settings,
                                 int64_t t_utc_s)
{
    struct parameter all[MATRIX_PARAMETERS];
    list_parameters(&settings->geometry, settings->preamp, all);
    const struct parameter *end = all + MATRIX_PARAMETERS;
    uint32_t n_groups = 0;
    for (const struct parameter *p = all; p < end; p += same_instance(p, end))
        n_groups++;
    matrix_block_begin(block, "APEE", t_utc_s, 0);
    matrix_put_u32(block, 0);
    matrix_put_u32(block, n_groups);
    for (const struct parameter *p = all; p < end;) {
        uint32_t n = same_instance(p, end);
        matrix_put_text(block, p->instance);
        matrix_put_u32(block, n);
        for (uint32_t i = 0; i < n; i++)
            put_parameter(block, p++);
    }
}

static bool same_value(const struct matrix_put_value *a, const struct matrix_put_value *b)
{
    return a->text ? strcmp(a->text, b->text) == 0 : a->number == b->number;
}

bool matrix_compose_change(struct matrix_block *block, int parameter,
                           const struct matrix_settings *before,
                           const struct matrix_settings *after, int64_t t_utc_s)
{
    struct parameter old[MATRIX_PARAMETERS], new[MATRIX_PARAMETERS];
    list_parameters(&before->geometry, before->preamp, old);
    list_parameters(&after->geometry, after->preamp, new);
    if (same_value(&old[parameter].value, &new[parameter].value))
        return false;
    matrix_block_begin(block, "DOMP", t_utc_s, 0);
    matrix_put_u32(block, 0);
    matrix_put_text(block, new[parameter].instance);
    put_parameter(block, &new[parameter]);
    return true;
}

static void put_dictionary(struct matrix_block *block, int n_channels)
{
    matrix_inner_begin(block, "TCID");
    matrix_put_u64(block, 0);
    matrix_put_u32(block, 0); /* no list of devices: readers do without (observed) */
    matrix_put_u32(block, (uint32_t)n_channels);
    for (int c = 0; c < n_channels; c++) {
        matrix_put_u32(block, KEY_PREFIX);
        matrix_put_u32(block, channels[c].key);
        matrix_put_u64(block, (uint64_t)channels[c].index << 32 | 0x00200041);
        matrix_put_text(block, channels[c].name);
        matrix_put_text(block, channels[c].unit);
    }
    matrix_put_u32(block, (uint32_t)n_channels);
    for (int c = 0; c < n_channels; c++) {
        char stream[80];
        snprintf(stream, sizeof stream,
                 "ChannelData: channel = %s, storage = ResultStorage(BlockTransfer)",
                 channels[c].name);
        matrix_put_u64(block, channel_id(c));
        matrix_put_u32(block, KEY_PREFIX);
        matrix_put_u32(block, channels[c].key);
        matrix_put_text(block, stream);
    }
    matrix_inner_end(block);
}

static void put_number(struct matrix_block *block, const char *name, double value)
{
    struct matrix_put_value typed = matrix_put_double(value);
    matrix_put_text(block, name);
    matrix_put_typed(block, &typed);
}

static void put_transfer(struct matrix_block *block, int channel, const struct matrix_transfer *t)
{
    bool multi = t->function == MATRIX_MULTI_LINEAR;
    matrix_put_u32(block, KEY_PREFIX);
    matrix_put_u32(block, channels[channel].key);
    matrix_put_text(block, multi ? "TFF_MultiLinear1D" : "TFF_Linear1D");
    matrix_put_text(block, t->unit);
    matrix_put_u32(block, multi ? 5 : 2);
    put_number(block, "Offset", t->offset);
    put_number(block, multi ? "NeutralFactor" : "Factor", t->factor);
    if (multi) {
        put_number(block, "PreFactor", t->pre_factor);
        put_number(block, "PreOffset", t->pre_offset);
        put_number(block, "Raw_1", t->raw_1);
    }
}

void matrix_compose_scale(struct matrix_block *block, int n_channels,
                          const struct matrix_transfer *transfers, int64_t t_utc_s)
{
    matrix_block_begin(block, "YSCC", t_utc_s, 0);
    matrix_put_u32(block, 0);
    put_dictionary(block, n_channels);
    matrix_inner_begin(block, "REFX");
    for (int c = 0; c < n_channels; c++)
        put_transfer(block, c, &transfers[c]);
    matrix_inner_end(block);
}

void matrix_compose_data_head(struct matrix_block *block, enum matrix_channel channel,
                              const struct matrix_data_head *head)
{
    uint32_t data_size = 4 * head->acquired;
    matrix_block_begin_bare(block);
    matrix_put_tag(block, "ONTM");
    matrix_put_tag(block, "ATRX");
    matrix_put_tag(block, "0101");
    matrix_put_tag(block, "TLKB");
    /* The 28 bytes up to here and the three time words are not counted (observed). */
    matrix_put_u32(block, MATRIX_DATA_HEAD_SIZE - 28 + data_size);
    matrix_put_u32(block, (uint32_t)head->ended_utc_s);
    matrix_put_u64(block, 0);
    matrix_put_tag(block, "CSED");
    matrix_put_u32(block, 56);
    matrix_put_u64(block, channel_id((int)channel));
    matrix_put_u32(block, head->bricklet);
    matrix_put_u64(block, 0);
    matrix_put_u32(block, head->planned);
    matrix_put_u32(block, head->acquired);
    matrix_put_u32(block, 4);
    matrix_put_u64(block, UINT64_C(0x0032003300490053)); /* "SI32" in UTF-16LE */
    matrix_put_u32(block, 4);
    matrix_put_u32(block, 1);
    matrix_put_u32(block, 0);
    matrix_put_u32(block, head->planned);
    matrix_put_tag(block, "ATAD");
    matrix_put_u32(block, data_size);
}
