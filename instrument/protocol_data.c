/* Data messages: a JSON header in pyzmq's array convention, and raw little-endian samples. */
#include "instrument/crc32c.h"
#include "instrument/json_fields.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[DATA_TYPE_COUNT] = {
    [DATA_SCAN_BEGIN] = "scan_begin",
    [DATA_LINE] = "line",
    [DATA_SCAN_END] = "scan_end",
    [DATA_GAP] = "gap",
    [DATA_NOTE] = "note",
};

static const char *const reason_names[SCAN_END_REASON_COUNT] = {
    [SCAN_END_COMPLETE] = "complete",
    [SCAN_END_STOPPED] = "stopped",
    [SCAN_END_RESTARTED] = "restarted",
    [SCAN_END_FAULT] = "fault",
};

static const struct {
    const char *name;
    unsigned flag;
} flag_names[] = {
    {"saturated", SCAN_LINE_RAILED},    {"not_finite", SCAN_LINE_NOT_FINITE},
    {"partial", SCAN_LINE_PARTIAL},     {"late", SCAN_LINE_LATE},
    {"simulated", SCAN_LINE_SIMULATED}, {"feedback_off", SCAN_LINE_FEEDBACK_OFF},
};
enum { FLAG_NAMES = sizeof(flag_names) / sizeof(flag_names[0]) };

/* Numbers of a scan's geometry, in file order; NAN (null) where the instrument does not say. */
static const struct {
    const char *name;
    size_t offset;
} geometry_numbers[] = {
    {"width_m", offsetof(struct scan_geometry, width_m)},
    {"height_m", offsetof(struct scan_geometry, height_m)},
    {"x_offset_m", offsetof(struct scan_geometry, x_offset_m)},
    {"y_offset_m", offsetof(struct scan_geometry, y_offset_m)},
    {"angle_deg", offsetof(struct scan_geometry, angle_deg)},
    {"raster_time_s", offsetof(struct scan_geometry, raster_time_s)},
    {"bias_v", offsetof(struct scan_geometry, bias_v)},
    {"setpoint_a", offsetof(struct scan_geometry, setpoint_a)},
};
enum { GEOMETRY_NUMBERS = sizeof(geometry_numbers) / sizeof(geometry_numbers[0]) };

static const int32_t preamp_top = 0x7fff0000;

static void put_le(unsigned char *to, uint64_t bits, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(bits >> (8 * i));
}

static uint64_t get_le(const unsigned char *from, size_t bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes; i++)
        bits |= (uint64_t)from[i] << (8 * i);
    return bits;
}

static void encode_samples(const struct scan_line *line, const struct protocol_counts *counts,
                           unsigned char *to)
{
    for (uint32_t i = 0; i < line->points; i++) {
        uint64_t bits;
        if (counts) {
            put_le(to + 4 * (size_t)i, (uint32_t)counts->raw[i], 4);
        } else {
            memcpy(&bits, &line->samples[i], sizeof(bits));
            put_le(to + 8 * (size_t)i, bits, 8);
        }
    }
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        abort();
}

static void put_flags(json_t *header, unsigned flags)
{
    json_t *list = json_array();
    for (size_t i = 0; i < FLAG_NAMES; i++)
        if (flags & flag_names[i].flag)
            json_array_append_new(list, json_string(flag_names[i].name));
    put(header, "flags", list);
}

static const char *unit_of(const char *channel)
{
    return channel[0] == 'I' ? "A" : "m";
}

static void put_line(json_t *header, const struct scan_line *line,
                     const struct protocol_counts *counts, const struct protocol_frames *frames)
{
    put(header, "run", json_from_u64(line->run));
    put(header, "cycle", json_from_u64(line->cycle));
    put(header, "line", json_from_u64(line->line));
    put(header, "trace", json_string(scan_trace_name(line->trace)));
    put(header, "direction",
        json_string(scan_trace_is_forward(line->trace) ? "forward" : "backward"));
    put(header, "channel", json_from_text(line->channel));
    put(header, "unit", json_string(unit_of(line->channel)));
    put(header, "scale", json_from_double(counts ? counts->scale : 1));
    put(header, "offset", json_from_double(counts ? counts->offset : 0));
    put(header, "crc32c", json_from_u64(crc32c(frames->samples, frames->samples_size)));
}

static json_t *geometry_to_json(const struct scan_geometry *geometry)
{
    json_t *object = json_object();
    put(object, "points", json_from_u64(geometry->points));
    put(object, "lines", json_from_u64(geometry->lines));
    put(object, "x_retrace", json_boolean(geometry->x_retrace));
    put(object, "y_retrace", json_boolean(geometry->y_retrace));
    for (size_t i = 0; i < GEOMETRY_NUMBERS; i++) {
        double value;
        memcpy(&value, (const char *)geometry + geometry_numbers[i].offset, sizeof(value));
        put(object, geometry_numbers[i].name, json_from_double(value));
    }
    return object;
}

static json_t *header_to_json(const struct data_message *message,
                              const struct protocol_counts *counts,
                              const struct protocol_frames *frames)
{
    const struct scan_line *line = &message->line;
    json_t *header = json_object();
    put(header, "proto", json_string(PROTOCOL_DATA));
    put(header, "type", json_string(type_names[message->type]));
    put(header, "session", json_from_text(message->session));
    put(header, "seq", json_from_u64(line->seq));
    put(header, "scan", json_from_u64(line->scan));
    put(header, "t_inst_ns", json_from_i64(line->t_inst_ns));
    put(header, "t_utc_us", json_from_i64(line->t_utc_us));
    put(header, "dtype", json_string(counts ? "<i4" : "<f8"));
    put(header, "shape", json_pack("[I]", (json_int_t)line->points));
    put_flags(header, line->flags | (message->simulated ? (unsigned)SCAN_LINE_SIMULATED : 0));
    switch (message->type) {
    case DATA_LINE:
        put_line(header, line, counts, frames);
        break;
    case DATA_SCAN_BEGIN:
        put(header, "geometry", geometry_to_json(&message->geometry));
        break;
    case DATA_SCAN_END:
        put(header, "reason", json_string(reason_names[message->end_reason]));
        put(header, "result_file", json_from_text(message->text));
        break;
    case DATA_GAP:
        put(header, "from_seq", json_from_u64(message->from_seq));
        put(header, "to_seq", json_from_u64(message->to_seq));
        break;
    case DATA_NOTE:
        put(header, "text", json_from_text(message->text));
        break;
    case DATA_TYPE_COUNT:
        break;
    }
    return header;
}

int protocol_encode_data(const struct data_message *message, const struct protocol_counts *counts,
                         struct protocol_frames *ret_frames)
{
    const struct scan_line *line = &message->line;
    bool has_samples = message->type == DATA_LINE;
    if ((unsigned)message->type >= DATA_TYPE_COUNT || line->points > SCAN_POINTS_MAX ||
        has_samples != (line->points > 0) || (has_samples && !counts && !line->samples))
        return -EINVAL;
    struct protocol_frames frames = {0};
    frames.samples_size = (size_t)line->points * (counts ? 4 : 8);
    frames.samples = malloc(frames.samples_size + 1);
    if (!frames.samples)
        abort();
    if (has_samples)
        encode_samples(line, counts, frames.samples);
    json_t *header = header_to_json(message, counts, &frames);
    frames.header = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (!frames.header)
        abort();
    frames.header_size = strlen(frames.header);
    *ret_frames = frames;
    return 0;
}

void protocol_frames_finish(struct protocol_frames *frames)
{
    free(frames->header);
    free(frames->samples);
    *frames = (struct protocol_frames){0};
}

static unsigned read_flags(struct json_fields *fields)
{
    const json_t *list = json_object_get(fields->object, "flags");
    unsigned flags = 0;
    size_t i;
    json_t *item;
    if (!json_is_array(list)) {
        json_fields_fail(fields, "flags", "not a list");
        return 0;
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *name = json_string_value(item);
        if (!name)
            json_fields_fail(fields, "flags", "not a list of strings");
        for (size_t k = 0; name && k < FLAG_NAMES; k++)
            if (strcmp(name, flag_names[k].name) == 0)
                flags |= flag_names[k].flag;
    }
    return flags;
}

static void read_geometry(struct json_fields *fields, struct scan_geometry *ret)
{
    struct json_fields g = json_fields_object(fields, "geometry");
    json_fields_u32(&g, "points", SCAN_POINTS_MAX, &ret->points);
    json_fields_u32(&g, "lines", SCAN_LINES_MAX, &ret->lines);
    json_fields_bool(&g, "x_retrace", &ret->x_retrace);
    json_fields_bool(&g, "y_retrace", &ret->y_retrace);
    for (size_t i = 0; i < GEOMETRY_NUMBERS; i++) {
        double value = (double)NAN;
        if (json_fields_has(&g, geometry_numbers[i].name))
            json_fields_double(&g, geometry_numbers[i].name, &value);
        memcpy((char *)ret + geometry_numbers[i].offset, &value, sizeof(value));
    }
    if (!g.failed && (ret->points == 0 || ret->lines == 0))
        json_fields_fail(&g, "geometry", "no points or no lines");
    fields->failed = g.failed;
}

static size_t sample_bytes(const char *dtype)
{
    static const struct {
        const char *name;
        size_t bytes;
    } known[] = {{"<f8", 8}, {"float64", 8}, {"<f4", 4}, {"float32", 4}, {"<i4", 4}, {"int32", 4}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(dtype, known[i].name) == 0)
            return known[i].bytes;
    return 0;
}

/* SI values of one kind of sample; the flags that the samples themselves call for. */
static unsigned read_samples(const struct protocol_frames *frames, const char *dtype, double scale,
                             double offset, double *samples)
{
    size_t bytes = sample_bytes(dtype);
    bool counts = dtype[0] == 'i' || dtype[1] == 'i';
    unsigned flags = 0;
    for (size_t i = 0; i < frames->samples_size / bytes; i++) {
        uint64_t bits = get_le(frames->samples + i * bytes, bytes);
        double raw;
        if (counts) {
            int64_t count = bits < 0x80000000 ? (int64_t)bits : (int64_t)bits - 0x100000000;
            if (count == preamp_top || count == INT32_MAX || count == INT32_MIN)
                flags |= SCAN_LINE_RAILED;
            raw = (double)count;
        } else if (bytes == 4) {
            uint32_t narrow = (uint32_t)bits;
            float value;
            memcpy(&value, &narrow, sizeof(value));
            raw = (double)value;
        } else {
            memcpy(&raw, &bits, sizeof(raw));
        }
        samples[i] = raw * scale + offset;
        if (!isfinite(samples[i]))
            flags |= SCAN_LINE_NOT_FINITE;
    }
    return flags;
}

static void check_unit(struct json_fields *fields, const char *channel)
{
    char unit[16] = "";
    json_fields_text(fields, "unit", unit, sizeof(unit));
    if (fields->failed)
        return;
    if (channel[0] == '\0')
        json_fields_fail(fields, "channel", "empty");
    else if ((channel[0] == 'Z' || channel[0] == 'I') && strcmp(unit, unit_of(channel)) != 0)
        json_fields_fail(fields, "unit", "not the channel's SI unit (Z: m, I: A)");
}

static void read_shape(struct json_fields *fields, struct scan_line *line)
{
    const json_t *shape = json_object_get(fields->object, "shape");
    const json_t *points = json_array_get(shape, 0);
    if (json_array_size(shape) != 1 || !json_is_integer(points)) {
        json_fields_fail(fields, "shape", "not [points]");
        return;
    }
    if (json_integer_value(points) < 1 || json_integer_value(points) > SCAN_POINTS_MAX) {
        json_fields_fail(fields, "shape", "no points, or too many");
        return;
    }
    line->points = (uint32_t)json_integer_value(points);
}

static void check_direction(struct json_fields *fields, enum scan_trace trace)
{
    char direction[16] = "";
    if (fields->failed || !json_fields_has(fields, "direction"))
        return;
    json_fields_text(fields, "direction", direction, sizeof(direction));
    const char *expected = scan_trace_is_forward(trace) ? "forward" : "backward";
    if (!fields->failed && strcmp(direction, expected) != 0)
        json_fields_fail(fields, "direction", "not that of the trace");
}

static void read_line(struct json_fields *fields, const struct protocol_frames *frames,
                      double *samples, struct scan_line *line)
{
    char trace[24] = "", dtype[16] = "";
    double scale = 1, offset = 0;
    uint32_t crc = 0;
    json_fields_u32(fields, "run", UINT32_MAX, &line->run);
    json_fields_u32(fields, "cycle", UINT32_MAX, &line->cycle);
    json_fields_u32(fields, "line", SCAN_LINES_MAX - 1, &line->line);
    json_fields_text(fields, "trace", trace, sizeof(trace));
    json_fields_text(fields, "channel", line->channel, sizeof(line->channel));
    json_fields_text(fields, "dtype", dtype, sizeof(dtype));
    json_fields_double(fields, "scale", &scale);
    json_fields_double(fields, "offset", &offset);
    json_fields_u32(fields, "crc32c", UINT32_MAX, &crc);
    check_unit(fields, line->channel);
    read_shape(fields, line);
    if (fields->failed)
        return;
    int found = scan_trace_from_name(trace);
    if (found < 0) {
        json_fields_fail(fields, "trace", "unknown");
        return;
    }
    line->trace = (enum scan_trace)found;
    check_direction(fields, line->trace);
    if (sample_bytes(dtype) == 0) {
        json_fields_fail(fields, "dtype", "not <f8, <f4 or <i4");
        return;
    }
    if (!isfinite(scale) || scale == 0 || !isfinite(offset)) {
        json_fields_fail(fields, "scale", "zero, or not finite");
        return;
    }
    if (frames->samples_size != line->points * sample_bytes(dtype)) {
        json_fields_fail(fields, "shape", "frame 1 has another length");
        return;
    }
    if (crc != crc32c(frames->samples, frames->samples_size)) {
        json_fields_fail(fields, "crc32c", "frame 1 is damaged");
        return;
    }
    line->flags |= read_samples(frames, dtype, scale, offset, samples);
    line->samples = samples;
}

static void read_header(struct json_fields *fields, struct data_message *message)
{
    struct scan_line *line = &message->line;
    char proto[32] = "";
    json_fields_text(fields, "proto", proto, sizeof(proto));
    if (!fields->failed && !protocol_compatible(proto, PROTOCOL_DATA))
        json_fields_fail(fields, "proto", "not " PROTOCOL_DATA);
    message->type = (enum data_type)json_fields_name(fields, "type", type_names, DATA_TYPE_COUNT);
    json_fields_session(fields, "session", message->session, sizeof(message->session));
    json_fields_u64(fields, "seq", UINT64_MAX, &line->seq);
    json_fields_u64(fields, "scan", UINT64_MAX, &line->scan);
    json_fields_inst_time(fields, "t_inst_ns", &line->t_inst_ns);
    json_fields_i64(fields, "t_utc_us", &line->t_utc_us);
    line->flags = read_flags(fields);
    message->simulated = line->flags & SCAN_LINE_SIMULATED;
}

static void read_by_type(struct json_fields *fields, const struct protocol_frames *frames,
                         double *samples, struct data_message *message)
{
    if (!fields->failed && message->type != DATA_LINE && frames->samples_size > 0) {
        json_fields_fail(fields, "type", "has samples where none belong");
        return;
    }
    switch (message->type) {
    case DATA_LINE:
        read_line(fields, frames, samples, &message->line);
        break;
    case DATA_SCAN_BEGIN:
        read_geometry(fields, &message->geometry);
        break;
    case DATA_SCAN_END:
        message->end_reason = (enum scan_end_reason)json_fields_name(fields, "reason", reason_names,
                                                                     SCAN_END_REASON_COUNT);
        if (json_fields_has(fields, "result_file"))
            json_fields_text(fields, "result_file", message->text, sizeof(message->text));
        break;
    case DATA_GAP:
        json_fields_u64(fields, "from_seq", UINT64_MAX, &message->from_seq);
        json_fields_u64(fields, "to_seq", UINT64_MAX, &message->to_seq);
        if (!fields->failed && message->from_seq > message->to_seq)
            json_fields_fail(fields, "from_seq", "after to_seq");
        break;
    case DATA_NOTE:
        json_fields_text(fields, "text", message->text, sizeof(message->text));
        break;
    case DATA_TYPE_COUNT:
        break;
    }
}

int protocol_decode_data(const struct protocol_frames *frames, double *samples,
                         struct data_message *ret_message, char *error, size_t error_size)
{
    if (frames->header_size > PROTOCOL_HEADER_MAX || frames->samples_size > PROTOCOL_SAMPLES_MAX) {
        snprintf(error, error_size, "data message too large");
        return -EBADMSG;
    }
    json_t *header = json_fields_parse(frames->header, frames->header_size, error, error_size);
    if (!header)
        return -EBADMSG;
    struct json_fields fields = {.object = header, .error = error, .error_size = error_size};
    struct data_message message = {0};
    read_header(&fields, &message);
    if (!fields.failed)
        read_by_type(&fields, frames, samples, &message);
    json_decref(header);
    if (fields.failed)
        return -EBADMSG;
    *ret_message = message;
    return 0;
}
