/* Messages to bytes and back; nothing malformed gets through, nothing bad passes unflagged. */
#include "instrument/crc32c.h"
#include "instrument/ledger.h"
#include "instrument/protocol.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION "0123456789abcdef"

static struct data_message line_message(const double *samples, uint32_t points)
{
    struct data_message message = {.type = DATA_LINE,
                                   .session = SESSION,
                                   .simulated = true,
                                   .line = {.seq = 42,
                                            .scan = 3,
                                            .run = 19,
                                            .cycle = 2,
                                            .line = 7,
                                            .trace = SCAN_BACKWARD_DOWN,
                                            .channel = "Z",
                                            .points = points,
                                            .samples = samples,
                                            .t_inst_ns = 123456789,
                                            .t_utc_us = 1700000000000000}};
    return message;
}

static int decode(const struct protocol_frames *frames, struct data_message *ret, char *error)
{
    static double samples[SCAN_POINTS_MAX];
    return protocol_decode_data(frames, samples, ret, error, PROTOCOL_ERROR_MAX);
}

START_TEST(crc_is_castagnoli)
{
    ck_assert_uint_eq(crc32c("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(crc32c("", 0), 0);
}
END_TEST

START_TEST(line_round_trip)
{
    const double samples[5] = {1e-9, -2.5e-9, 0, 1.0 / 3, -7e-300};
    struct data_message message = line_message(samples, 5), back;
    struct protocol_frames frames;
    char error[PROTOCOL_ERROR_MAX];
    message.line.flags = SCAN_LINE_PARTIAL | SCAN_LINE_FEEDBACK_OFF;
    ck_assert_int_eq(protocol_encode_data(&message, NULL, &frames), 0);
    ck_assert_uint_eq(frames.samples_size, 40);
    /* Little-endian whatever the host. */
    ck_assert_uint_eq(frames.samples[7], 0x3e);
    ck_assert_int_eq(decode(&frames, &back, error), 0);
    ck_assert_uint_eq(back.line.seq, 42);
    ck_assert_uint_eq(back.line.scan, 3);
    ck_assert_uint_eq(back.line.run, 19);
    ck_assert_uint_eq(back.line.cycle, 2);
    ck_assert_uint_eq(back.line.line, 7);
    ck_assert_int_eq(back.line.trace, SCAN_BACKWARD_DOWN);
    ck_assert_str_eq(back.line.channel, "Z");
    ck_assert_int_eq(back.line.t_inst_ns, 123456789);
    ck_assert_int_eq(back.line.t_utc_us, 1700000000000000);
    ck_assert_uint_eq(back.line.flags,
                      SCAN_LINE_PARTIAL | SCAN_LINE_FEEDBACK_OFF | SCAN_LINE_SIMULATED);
    ck_assert(back.simulated);
    ck_assert_mem_eq(back.line.samples, samples, sizeof(samples));
    protocol_frames_finish(&frames);
}
END_TEST

START_TEST(counts_are_scaled_and_rails_flagged)
{
    static const struct {
        int32_t count;
        unsigned flags;
    } cases[] = {{1000, 0},
                 {INT32_MIN + 1, 0},
                 {0x7ffeffff, 0},
                 {0x7fff0000, SCAN_LINE_RAILED},
                 {INT32_MAX, SCAN_LINE_RAILED},
                 {INT32_MIN, SCAN_LINE_RAILED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int32_t raw[3] = {5, cases[i].count, -5};
        const struct protocol_counts counts = {raw, 2e-12, 1e-9};
        struct data_message message = line_message(NULL, 3), back;
        struct protocol_frames frames;
        char error[PROTOCOL_ERROR_MAX];
        message.simulated = false;
        ck_assert_int_eq(protocol_encode_data(&message, &counts, &frames), 0);
        ck_assert_uint_eq(frames.samples_size, 12);
        ck_assert_int_eq(decode(&frames, &back, error), 0);
        ck_assert_double_eq(back.line.samples[1], cases[i].count * 2e-12 + 1e-9);
        ck_assert_uint_eq(back.line.flags, cases[i].flags);
        ck_assert(!back.simulated);
        protocol_frames_finish(&frames);
    }
}
END_TEST

START_TEST(nan_and_infinity_are_flagged)
{
    const double bad[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
    for (int i = 0; i < 3; i++) {
        const double samples[2] = {1e-9, bad[i]};
        struct data_message message = line_message(samples, 2), back;
        struct protocol_frames frames;
        char error[PROTOCOL_ERROR_MAX];
        ck_assert_int_eq(protocol_encode_data(&message, NULL, &frames), 0);
        ck_assert_int_eq(decode(&frames, &back, error), 0);
        ck_assert_uint_eq(back.line.flags & SCAN_LINE_NOT_FINITE, SCAN_LINE_NOT_FINITE);
        protocol_frames_finish(&frames);
    }
}
END_TEST

static struct data_message round_trip(struct data_message message)
{
    struct data_message back;
    struct protocol_frames frames;
    char error[PROTOCOL_ERROR_MAX] = "";
    memcpy(message.session, SESSION, sizeof(SESSION));
    ck_assert_int_eq(protocol_encode_data(&message, NULL, &frames), 0);
    ck_assert_msg(decode(&frames, &back, error) == 0, "%s", error);
    protocol_frames_finish(&frames);
    return back;
}

START_TEST(other_types_round_trip)
{
    struct data_message begin = {
        .type = DATA_SCAN_BEGIN,
        .geometry = {128, 256, true, false, 1e-8, 2e-8, -3e-8, 4e-8, 30, 1e-3, (double)NAN, 5e-11}};
    struct data_message back = round_trip(begin);
    ck_assert_uint_eq(back.geometry.points, 128);
    ck_assert_uint_eq(back.geometry.lines, 256);
    ck_assert(back.geometry.x_retrace && !back.geometry.y_retrace);
    ck_assert_double_eq(back.geometry.width_m, 1e-8);
    ck_assert_double_eq(back.geometry.x_offset_m, -3e-8);
    ck_assert_double_nan(back.geometry.bias_v);
    ck_assert_double_eq(back.geometry.setpoint_a, 5e-11);
    struct data_message ended = {
        .type = DATA_SCAN_END, .end_reason = SCAN_END_FAULT, .text = "default--1_1.Z_mtrx"};
    back = round_trip(ended);
    ck_assert_int_eq(back.end_reason, SCAN_END_FAULT);
    ck_assert_str_eq(back.text, "default--1_1.Z_mtrx");
    /* Beyond what JavaScript's numbers hold. */
    struct data_message gap = {
        .type = DATA_GAP, .from_seq = (UINT64_C(1) << 53) + 1, .to_seq = UINT64_MAX};
    back = round_trip(gap);
    ck_assert_uint_eq(back.from_seq, (UINT64_C(1) << 53) + 1);
    ck_assert_uint_eq(back.to_seq, UINT64_MAX);
    struct data_message note = {.type = DATA_NOTE, .text = "a \"quoted\" word"};
    back = round_trip(note);
    ck_assert_str_eq(back.text, "a \"quoted\" word");
}
END_TEST

/* A valid line header with one piece replaced. */
static const char line_header[] =
    "{\"proto\":\"tipwright.data/1.0\",\"type\":\"line\",\"session\":\"0123456789abcdef\","
    "\"seq\":1,\"scan\":1,\"t_inst_ns\":5,\"t_utc_us\":6,\"dtype\":\"<f8\",\"shape\":[2],"
    "\"flags\":[],\"run\":1,\"cycle\":1,\"line\":0,\"trace\":\"forward/up\","
    "\"direction\":\"forward\",\"channel\":\"Z\",\"unit\":\"m\",\"scale\":1,\"offset\":0,"
    "\"crc32c\":CRC}";

static void build_header(const char *from, const char *to, char *buf, size_t size)
{
    const unsigned char zeros[16] = {0};
    char crc[16];
    snprintf(crc, sizeof(crc), "%u", crc32c(zeros, sizeof(zeros)));
    const char *at = strstr(line_header, "CRC");
    char whole[1024];
    snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(at - line_header), line_header, crc, at + 3);
    at = strstr(whole, from);
    ck_assert_ptr_nonnull(at);
    snprintf(buf, size, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
}

static int decode_changed(const char *from, const char *to, size_t samples_size, char *error)
{
    char header[1200];
    unsigned char samples[32] = {0};
    struct data_message back;
    build_header(from, to, header, sizeof(header));
    const struct protocol_frames frames = {header, strlen(header), samples, samples_size};
    return decode(&frames, &back, error);
}

START_TEST(malformed_lines_are_refused)
{
    static const struct {
        const char *from, *to, *why;
        size_t samples_size;
    } cases[] = {
        {"data/1.0", "data/2.0", "proto", 16},
        {"data/1.0", "data/10.0", "proto", 16},
        {"data/1.0", "other/1.0", "proto", 16},
        {"\"line\"", "\"lines\"", "type", 16},
        {"\"seq\":1", "\"seq\":-1", "seq", 16},
        {"\"seq\":1", "\"seq\":1.5", "seq", 16},
        {"\"seq\":1", "\"seq\":\"1x\"", "seq", 16},
        {"\"seq\":1", "\"seq\":\"99999999999999999999\"", "seq", 16},
        {"\"seq\":1,", "", "seq: missing", 16},
        {"\"seq\":1", "\"seq\":1,\"seq\":1", "JSON", 16},
        {"0123456789abcdef", "0123456789ABCDEF", "session", 16},
        {"0123456789abcdef", "0123", "session", 16},
        {"\"t_inst_ns\":5", "\"t_inst_ns\":-5", "t_inst_ns", 16},
        {"<f8", ">f8", "dtype", 16},
        {"<f8", "<f4", "shape", 16},
        {"[2]", "[3]", "shape", 16},
        {"[2]", "[2,1]", "shape", 16},
        {"[2]", "[0]", "shape", 0},
        {"[2]", "[8193]", "shape", 16},
        {"[2]", "2", "shape", 16},
        {"\"flags\":[]", "\"flags\":{}", "flags", 16},
        {"\"flags\":[]", "\"flags\":[1]", "flags", 16},
        {"\"line\":0", "\"line\":8192", "line", 16},
        {"forward/up", "sideways", "trace", 16},
        {"\"direction\":\"forward\"", "\"direction\":\"backward\"", "direction", 16},
        {"\"channel\":\"Z\"", "\"channel\":\"\"", "channel", 16},
        {"\"channel\":\"Z\"", "\"channel\":\"a name that is too long\"", "channel", 16},
        {"\"unit\":\"m\"", "\"unit\":\"nm\"", "unit", 16},
        {"\"scale\":1", "\"scale\":0", "scale", 16},
        {"\"scale\":1", "\"scale\":null", "scale", 16},
        {"\"scale\":1", "\"scale\":1e999", "JSON", 16},
        {"\"offset\":0", "\"offset\":\"0\"", "offset", 16},
        {"\"crc32c\":", "\"crc32c\":1", "crc32c", 16},
        {"{\"proto\"", "[{\"proto\"", "JSON", 16},
        {"}", "} x", "JSON", 16},
        {"\"run\":1", "\"run\":4294967296", "run", 16},
        {"[2]", "[2]", "shape", 15},
        {"[2]", "[2]", "shape", 24},
    };
    char error[PROTOCOL_ERROR_MAX];
    ck_assert_int_eq(decode_changed("[2]", "[2]", 16, error), 0);
    ck_assert_int_eq(decode_changed("<f8", "float64", 16, error), 0);
    ck_assert_int_eq(decode_changed("\"seq\":1", "\"seq\":\"1\"", 16, error), 0);
    ck_assert_int_eq(decode_changed("data/1.0", "data/1.9", 16, error), 0);
    ck_assert_int_eq(decode_changed("\"run\":1", "\"run\":1,\"unknown\":{}", 16, error), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(error, "");
        int rc = decode_changed(cases[i].from, cases[i].to, cases[i].samples_size, error);
        ck_assert_msg(rc == -EBADMSG, "%s passed", cases[i].to);
        ck_assert_msg(strstr(error, cases[i].why), "%s: \"%s\"", cases[i].to, error);
    }
}
END_TEST

static struct control_message control_round_trip(const struct control_message *message)
{
    struct control_message back;
    char *json, error[PROTOCOL_ERROR_MAX] = "";
    size_t size;
    ck_assert_int_eq(protocol_encode_control(message, &json, &size), 0);
    int rc = protocol_decode_control(json, size, &back, error, sizeof(error));
    ck_assert_msg(rc == 0, "%s in %s", error, json);
    ck_assert_int_eq(back.type, message->type);
    free(json);
    return back;
}

START_TEST(every_action_round_trips)
{
    for (int k = 0; k < ACTION_KIND_COUNT; k++) {
        struct control_message message = {.type = CONTROL_COMMAND};
        message.command = (struct command){.verb = COMMAND_ACTION,
                                           .id = UINT64_C(1) << 60,
                                           .epoch = 9,
                                           .session = SESSION,
                                           .base_inst_host_ns = INT64_C(1) << 55,
                                           .ttl_ms = 1000};
        message.command.action = action_default((enum action_kind)k);
        size_t n;
        const struct action_parameter *list = action_parameters((enum action_kind)k, &n);
        for (size_t i = 0; i < n; i++)
            action_set(&message.command.action, &list[i], 1.0 / (3.0 + (double)i));
        struct control_message back = control_round_trip(&message);
        ck_assert_uint_eq(back.command.id, message.command.id);
        ck_assert_int_eq(back.command.base_inst_host_ns, message.command.base_inst_host_ns);
        ck_assert_int_eq(back.command.action.kind, k);
        for (size_t i = 0; i < n; i++)
            ck_assert_double_eq(action_get(&back.command.action, &list[i]),
                                action_get(&message.command.action, &list[i]));
    }
}
END_TEST

START_TEST(control_messages_round_trip)
{
    struct control_message hello = {.type = CONTROL_HELLO};
    hello.hello = (struct instrument_hello){.session = SESSION,
                                            .name = "replay",
                                            .protocol = PROTOCOL_CONTROL,
                                            .contact = 3,
                                            .last_id = 17,
                                            .epoch = 4,
                                            .gated = true,
                                            .host_ns = 99};
    action_limits_ceiling(ACTION_PROFILE_METAL, &hello.hello.limits);
    struct control_message back = control_round_trip(&hello);
    ck_assert_str_eq(back.hello.name, "replay");
    ck_assert_uint_eq(back.hello.contact, 3);
    ck_assert_uint_eq(back.hello.last_id, 17);
    ck_assert(back.hello.gated && !back.hello.simulated);
    ck_assert_mem_eq(back.hello.limits.allowed, hello.hello.limits.allowed,
                     sizeof(back.hello.limits.allowed));
    ck_assert_double_eq(back.hello.limits.range[ACTION_CRASH][0].max, 10e-9);

    struct control_message event = {.type = CONTROL_EVENT};
    event.event = (struct control_event){
        .number = 8,
        .session = SESSION,
        .event = {7, COMMAND_FAILED, 100, 4, 12345, true, "the motor did not move"}};
    back = control_round_trip(&event);
    ck_assert_uint_eq(back.event.number, 8);
    ck_assert_int_eq(back.event.event.state, COMMAND_FAILED);
    ck_assert_uint_eq(back.event.event.data_seq, 100);
    ck_assert(back.event.event.crash_detected);
    ck_assert_str_eq(back.event.event.text, "the motor did not move");

    struct control_message status = {.type = CONTROL_STATUS};
    status.status = (struct instrument_status){
        SESSION, 1, 2, INSTRUMENT_ACTING, 1e-9, (double)NAN, -2, true, 10, 2, 4, 7, "why"};
    back = control_round_trip(&status);
    ck_assert_int_eq(back.status.state, INSTRUMENT_ACTING);
    ck_assert_double_nan(back.status.current_a);
    ck_assert_double_eq(back.status.bias_v, -2);
    ck_assert_uint_eq(back.status.last_seq, 10);
    ck_assert_str_eq(back.status.text, "why");

    struct control_message ack = {.type = CONTROL_ACK, .ack = {true, 5}};
    back = control_round_trip(&ack);
    ck_assert(back.ack.of_event);
    ck_assert_uint_eq(back.ack.number, 5);
}
END_TEST

/* Times and epochs that no arithmetic or journal of the agent's could bear stay outside. */
START_TEST(wild_times_and_epochs_are_refused)
{
    const int64_t times[] = {0, INT64_MAX / 4, -1, INT64_MIN, INT64_MAX};
    const uint64_t epochs[] = {4, COMMAND_EPOCH_MAX, COMMAND_EPOCH_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 4; k++) {
            struct control_message back,
                list[2] = {{.type = CONTROL_EVENT}, {.type = CONTROL_STATUS}};
            list[0].event = (struct control_event){
                .number = 1,
                .session = SESSION,
                .event = {7, COMMAND_DONE, 1, epochs[k], times[i], false, ""}};
            list[1].status = (struct instrument_status){
                .session = SESSION, .t_inst_ns = times[i], .epoch = epochs[k]};
            for (size_t m = 0; m < 2; m++) {
                char error[PROTOCOL_ERROR_MAX];
                char *json;
                size_t size;
                ck_assert_int_eq(protocol_encode_control(&list[m], &json, &size), 0);
                int r = protocol_decode_control(json, size, &back, error, sizeof(error));
                ck_assert_int_eq(r, i < 2 && k < 2 ? 0 : -EBADMSG);
                free(json);
            }
        }
}
END_TEST

START_TEST(malformed_commands_are_refused_with_their_id)
{
    static const char *const bad[] = {
        /* A parameter too many, one missing, a foreign kind, text for a number, ids out of range.
         */
        "\"verb\":\"action\",\"id\":5,\"action\":{\"kind\":\"retract\",\"coarse_steps\":1,"
        "\"lateral_steps\":0,\"voltage\":1}",
        "\"verb\":\"action\",\"id\":5,\"action\":{\"kind\":\"retract\",\"coarse_steps\":1}",
        "\"verb\":\"action\",\"id\":5,\"action\":{\"kind\":\"poke\"}",
        "\"verb\":\"action\",\"id\":5",
        "\"verb\":\"action\",\"id\":5,\"action\":{\"kind\":\"retract\",\"coarse_steps\":\"1\","
        "\"lateral_steps\":0}",
        "\"verb\":\"abort\",\"id\":5",
        "\"verb\":\"launch\",\"id\":5",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char json[512], error[PROTOCOL_ERROR_MAX];
        struct control_message back;
        int n = snprintf(json, sizeof(json),
                         "{\"type\":\"command\",\"epoch\":1,\"session\":\"" SESSION
                         "\",\"base_host_ns\":1,\"ttl_ms\":1000,%s}",
                         bad[i]);
        ck_assert_msg(protocol_decode_control(json, (size_t)n, &back, error, sizeof(error)) ==
                          -EBADMSG,
                      "passed: %s", bad[i]);
        ck_assert_uint_eq(protocol_command_id(json, (size_t)n), 5);
    }
}
END_TEST

/* Valid messages with random bytes changed, cut or doubled: refused or sound, never worse. */
START_TEST(mutated_messages_never_crash)
{
    const double samples[8] = {0};
    struct data_message message = line_message(samples, 8), back;
    struct protocol_frames frames;
    struct control_message control = {.type = CONTROL_HELLO}, control_back;
    char error[PROTOCOL_ERROR_MAX], *json;
    size_t json_size;
    memcpy(control.hello.session, SESSION, sizeof(SESSION));
    strcpy(control.hello.protocol, PROTOCOL_CONTROL);
    action_limits_ceiling(ACTION_PROFILE_SILICON, &control.hello.limits);
    ck_assert_int_eq(protocol_encode_data(&message, NULL, &frames), 0);
    ck_assert_int_eq(protocol_encode_control(&control, &json, &json_size), 0);
    uint64_t state = 20261122;
    int passed = 0;
    for (int i = 0; i < 40000; i++) {
        char *copy = malloc(json_size > frames.header_size ? json_size : frames.header_size);
        bool data = i & 1;
        size_t size = data ? frames.header_size : json_size;
        memcpy(copy, data ? frames.header : json, size);
        for (int k = 0; k < 1 + i % 4; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            copy[(state >> 33) % size] = (char)(state >> 20);
        }
        if (i % 7 == 0)
            size = (state >> 40) % size;
        struct protocol_frames changed = frames;
        changed.header = copy;
        changed.header_size = size;
        int rc = data ? decode(&changed, &back, error)
                      : protocol_decode_control(copy, size, &control_back, error, sizeof(error));
        ck_assert(rc == 0 || rc == -EBADMSG);
        if (rc == 0 && data && back.type == DATA_LINE)
            ck_assert(back.line.points == 8 && back.line.line < SCAN_LINES_MAX);
        passed += rc == 0;
        free(copy);
    }
    /* Some bytes may change without harm; most may not. */
    ck_assert_int_lt(passed, 20000);
    ck_assert_int_gt(passed, 0);
    free(json);
    protocol_frames_finish(&frames);
}
END_TEST

START_TEST(ledger_judges_session_age_and_order)
{
    struct ledger *ledger = ledger_create();
    struct action_limits limits;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &limits);
    struct ledger_now now = {SESSION, 1000000000, true, false, &limits};
    struct command pulse = {.verb = COMMAND_ACTION,
                            .id = 10,
                            .epoch = 1,
                            .session = SESSION,
                            .base_inst_host_ns = 500000000,
                            .ttl_ms = 500,
                            .action = action_default(ACTION_PULSE)};
    struct command_event event;
    struct command changed = pulse;
    strcpy(changed.session, "fedcba9876543210");
    ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_REFUSE);
    ck_assert_str_eq(event.text, "meant for another session");
    ck_assert_uint_eq(ledger_last_id(ledger), 0);
    /* Exactly at its end of life it still runs; a nanosecond later it does not. */
    ck_assert_int_eq(ledger_judge(ledger, &pulse, &now, &event), LEDGER_RUN);
    now.host_ns++;
    changed = pulse;
    changed.id = 11;
    ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_REFUSE);
    ck_assert_int_eq(event.state, COMMAND_EXPIRED);
    /* A base from the future, a life that is too long, no lease. */
    changed.id = 12;
    changed.base_inst_host_ns = now.host_ns + 1;
    ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_REFUSE);
    ck_assert_int_eq(event.state, COMMAND_REJECTED);
    changed.id = 13;
    changed.base_inst_host_ns = now.host_ns;
    changed.ttl_ms = LEDGER_TTL_MAX_MS + 1;
    ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_REFUSE);
    changed.id = 14;
    changed.ttl_ms = 500;
    now.leased = false;
    ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_REFUSE);
    ck_assert_str_eq(event.text, "no lease");
    now.leased = true;
    /* Long after it was forgotten, an old id does not run again. */
    for (uint64_t id = 20; id < 20 + LEDGER_ENTRIES; id++) {
        changed.id = id;
        ck_assert_int_eq(ledger_judge(ledger, &changed, &now, &event), LEDGER_RUN);
    }
    pulse.base_inst_host_ns = now.host_ns;
    ck_assert_ptr_null(ledger_find(ledger, 10));
    ck_assert_int_eq(ledger_judge(ledger, &pulse, &now, &event), LEDGER_REFUSE);
    ck_assert_str_eq(event.text, "an id below the last one");
    ledger_destroy(ledger);
}
END_TEST

START_TEST(fence_shuts_out_older_epochs_for_good)
{
    struct ledger *ledger = ledger_create();
    struct action_limits limits;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &limits);
    const struct ledger_now now = {SESSION, 0, true, false, &limits};
    struct command fence = {
        .verb = COMMAND_FENCE, .id = COMMAND_ID_FREE, .epoch = 5, .session = SESSION};
    struct command start = {
        .verb = COMMAND_SCAN_START, .id = 1, .epoch = 4, .session = SESSION, .ttl_ms = 1};
    struct command_event event;
    ck_assert_int_eq(ledger_judge(ledger, &fence, &now, &event), LEDGER_RUN);
    ck_assert_uint_eq(ledger_epoch(ledger), 5);
    ck_assert_int_eq(ledger_judge(ledger, &start, &now, &event), LEDGER_REFUSE);
    ck_assert_str_eq(event.text, "an epoch before the fence");
    fence.epoch = 3;
    ck_assert_int_eq(ledger_judge(ledger, &fence, &now, &event), LEDGER_REFUSE);
    ck_assert_uint_eq(ledger_epoch(ledger), 5);
    start.id = 2;
    start.epoch = 6;
    ck_assert_int_eq(ledger_judge(ledger, &start, &now, &event), LEDGER_RUN);
    ck_assert_uint_eq(ledger_epoch(ledger), 6);
    /* Safety is never shut out. */
    struct command retract = {
        .verb = COMMAND_SAFE_RETRACT, .id = COMMAND_ID_FREE, .epoch = 1, .session = SESSION};
    ck_assert_int_eq(ledger_judge(ledger, &retract, &now, &event), LEDGER_RUN);
    ledger_destroy(ledger);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol");
    TCase *tests = tcase_create("protocol");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, crc_is_castagnoli);
    tcase_add_test(tests, line_round_trip);
    tcase_add_test(tests, counts_are_scaled_and_rails_flagged);
    tcase_add_test(tests, nan_and_infinity_are_flagged);
    tcase_add_test(tests, other_types_round_trip);
    tcase_add_test(tests, malformed_lines_are_refused);
    tcase_add_test(tests, every_action_round_trips);
    tcase_add_test(tests, control_messages_round_trip);
    tcase_add_test(tests, wild_times_and_epochs_are_refused);
    tcase_add_test(tests, malformed_commands_are_refused_with_their_id);
    tcase_add_test(tests, mutated_messages_never_crash);
    tcase_add_test(tests, ledger_judges_session_age_and_order);
    tcase_add_test(tests, fence_shuts_out_older_epochs_for_good);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
