/*
 * Bytes from the wire. Byte 0: 'D' data message (two bytes of header length, little-endian, then
 * header, then samples), 'C' control message, 'L' limits file.
 */
#include "instrument/limits.h"
#include "instrument/protocol.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly this size, so that a sanitizer sees a read beyond its end. */
static void *copy_of(const uint8_t *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    return copy;
}

static void fuzz_data(const uint8_t *data, size_t size)
{
    static double samples[SCAN_POINTS_MAX];
    struct data_message message;
    char error[PROTOCOL_ERROR_MAX];
    if (size < 2)
        return;
    size_t header_size = (size_t)data[0] | (size_t)data[1] << 8;
    if (header_size > size - 2)
        header_size = size - 2;
    struct protocol_frames frames = {
        .header = copy_of(data + 2, header_size),
        .header_size = header_size,
        .samples = copy_of(data + 2 + header_size, size - 2 - header_size),
        .samples_size = size - 2 - header_size,
    };
    if (protocol_decode_data(&frames, samples, &message, error, sizeof(error)) == 0 &&
        message.type == DATA_LINE) {
        bool finite = true;
        for (uint32_t i = 0; i < message.line.points; i++)
            finite = finite && isfinite(message.line.samples[i]);
        if (!finite && !(message.line.flags & SCAN_LINE_NOT_FINITE))
            abort();
    }
    protocol_frames_finish(&frames);
}

/* What was understood can be said again. */
static void fuzz_control(const uint8_t *data, size_t size)
{
    struct control_message message, again;
    char error[PROTOCOL_ERROR_MAX], *json;
    size_t json_size;
    char *copy = copy_of(data, size);
    (void)protocol_command_id(copy, size);
    if (protocol_decode_control(copy, size, &message, error, sizeof(error)) == 0) {
        if (protocol_encode_control(&message, &json, &json_size) != 0 ||
            protocol_decode_control(json, json_size, &again, error, sizeof(error)) != 0)
            abort();
        free(json);
    }
    free(copy);
}

static void fuzz_limits(const uint8_t *data, size_t size)
{
    struct instrument_limits limits, ceiling;
    char error[LIMITS_ERROR_MAX];
    char *copy = copy_of(data, size);
    if (limits_parse("fuzz", copy, size, &limits, error, sizeof(error)) == 0) {
        limits_default(limits.profile, &ceiling);
        for (int k = 0; k < ACTION_KIND_COUNT; k++)
            for (int i = 0; i < ACTION_PARAMETERS_MAX; i++)
                if (limits.limits.range[k][i].min < ceiling.limits.range[k][i].min ||
                    limits.limits.range[k][i].max > ceiling.limits.range[k][i].max)
                    abort();
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'D')
        fuzz_data(data + 1, size - 1);
    else if (data[0] == 'C')
        fuzz_control(data + 1, size - 1);
    else if (data[0] == 'L')
        fuzz_limits(data + 1, size - 1);
    return 0;
}
