/* The fake instrument. */
#include "tests/agent/fake_instrument.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <zmq.h>

static const int64_t LINE_NS = 300000000;

static void send_control(struct fake_instrument *fake, const struct control_message *message)
{
    char *json;
    size_t size;
    ck_assert_int_eq(protocol_encode_control(message, &json, &size), 0);
    struct zsock_part parts[] = {{PROTOCOL_CONTROL_TAG, strlen(PROTOCOL_CONTROL_TAG)},
                                 {json, size}};
    ck_assert_int_eq(zsock_send(fake->control, parts, 2), 0);
    free(json);
}

void fake_hello(struct fake_instrument *fake)
{
    struct control_message message = {.type = CONTROL_HELLO};
    struct instrument_hello *hello = &message.hello;
    snprintf(hello->session, sizeof(hello->session), "%s", fake->session);
    snprintf(hello->name, sizeof(hello->name), "fake");
    snprintf(hello->protocol, sizeof(hello->protocol), "%s", PROTOCOL_CONTROL);
    hello->contact = fake->contact++;
    hello->last_id = fake->last_id;
    hello->epoch = fake->epoch;
    hello->simulated = true;
    hello->gated = true;
    hello->host_ns = (int64_t)uv_hrtime();
    action_limits_ceiling(ACTION_PROFILE_SILICON, &hello->limits);
    send_control(fake, &message);
}

void fake_status(struct fake_instrument *fake)
{
    struct control_message message = {.type = CONTROL_STATUS};
    struct instrument_status *status = &message.status;
    snprintf(status->session, sizeof(status->session), "%s", fake->session);
    status->host_ns = (int64_t)uv_hrtime();
    status->t_inst_ns = fake->t_inst_ns;
    status->state = fake->state;
    status->z_m = 1e-9;
    status->current_a = 5e-11;
    status->bias_v = -2;
    status->feedback_on = true;
    status->last_seq = fake->seq;
    status->epoch = fake->epoch;
    send_control(fake, &message);
}

void fake_event(struct fake_instrument *fake, uint64_t id, enum command_state state,
                const char *text)
{
    struct control_message message = {.type = CONTROL_EVENT};
    message.event.number = ++fake->event_number;
    snprintf(message.event.session, sizeof(message.event.session), "%s", fake->session);
    message.event.event = (struct command_event){.id = id,
                                                 .state = state,
                                                 .data_seq = fake->seq,
                                                 .epoch = fake->epoch,
                                                 .t_inst_ns = fake->t_inst_ns};
    snprintf(message.event.event.text, sizeof(message.event.event.text), "%s", text);
    send_control(fake, &message);
}

static void push(struct fake_instrument *fake, const struct protocol_frames *frames)
{
    struct zsock_part parts[] = {{frames->header, frames->header_size},
                                 {frames->samples, frames->samples_size}};
    ck_assert_int_eq(zsock_send(fake->data, parts, 2), 0);
}

static void resend(struct fake_instrument *fake, const struct command *command)
{
    static double samples[SCAN_POINTS_MAX];
    for (uint64_t seq = command->from_seq; seq <= command->to_seq && seq <= fake->seq; seq++) {
        struct data_message message;
        struct protocol_frames late;
        char error[PROTOCOL_ERROR_MAX];
        ck_assert_int_eq(
            protocol_decode_data(&fake->sent[seq], samples, &message, error, sizeof(error)), 0);
        message.line.flags |= SCAN_LINE_LATE;
        ck_assert_int_eq(protocol_encode_data(&message, NULL, &late), 0);
        push(fake, &late);
        protocol_frames_finish(&late);
    }
}

static void obey(struct fake_instrument *fake, const struct command *command)
{
    ck_assert_uint_lt(fake->n_commands, FAKE_COMMANDS_MAX);
    fake->commands[fake->n_commands++] = *command;
    if (command->verb == COMMAND_ACTION && command->id > fake->last_id)
        fake->last_id = command->id;
    if (command->verb == COMMAND_FENCE && fake->answer_fence) {
        fake->epoch = command->epoch;
        fake_status(fake);
    }
    if (command->verb == COMMAND_SAFE_RETRACT && fake->answer_retract) {
        fake->state = INSTRUMENT_WITHDRAWN;
        fake_status(fake);
    }
    if (command->verb == COMMAND_RESEND && fake->answer_resend)
        resend(fake, command);
}

static void on_control(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct fake_instrument *fake = ctx;
    struct control_message message;
    char error[PROTOCOL_ERROR_MAX];
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(
        protocol_decode_control(parts[1].data, parts[1].size, &message, error, sizeof(error)), 0);
    if (message.type == CONTROL_WELCOME)
        fake->welcomed = true;
    if (message.type == CONTROL_ACK && !message.ack.of_event)
        fake->acked = message.ack.number;
    if (message.type == CONTROL_PING && fake->welcomed)
        fake_status(fake);
    if (message.type == CONTROL_COMMAND)
        obey(fake, &message.command);
}

void fake_open(struct fake_instrument *fake, struct zsock_hub *hub, const char *data_endpoint,
               const char *control_endpoint)
{
    struct zsock_options data = {
        .type = ZMQ_PUSH, .hwm = 5000, .max_bytes = 1 << 20, .outbox_max = 5000};
    struct zsock_options control = {.type = ZMQ_DEALER,
                                    .routing_id = PROTOCOL_ROUTING_ID,
                                    .hwm = 1000,
                                    .max_bytes = 1 << 20,
                                    .outbox_max = 1000};
    ck_assert_int_eq(zsock_create(hub, &data, NULL, fake, &fake->data), 0);
    ck_assert_int_eq(zsock_create(hub, &control, on_control, fake, &fake->control), 0);
    ck_assert_int_eq(zsock_connect(fake->data, data_endpoint), 0);
    ck_assert_int_eq(zsock_connect(fake->control, control_endpoint), 0);
    snprintf(fake->session, sizeof(fake->session), "00000000000000f1");
    fake->answer_fence = fake->answer_retract = fake->answer_resend = true;
    fake->state = INSTRUMENT_SCANNING;
    fake->height_scale_m = 3e-10;
    fake->current_a = 5e-11;
}

void fake_close(struct fake_instrument *fake)
{
    zsock_close(fake->data);
    zsock_close(fake->control);
    fake->data = fake->control = NULL;
    for (size_t i = 0; i < FAKE_SENT_MAX; i++)
        protocol_frames_finish(&fake->sent[i]);
    memset(fake->sent, 0, sizeof(fake->sent));
}

static void fill(struct fake_instrument *fake, struct data_message *message, double *samples)
{
    bool current = fake->current_i && fake->line % 2 == 0 && fake->line > 0;
    uint32_t line = fake->current_i ? (fake->line - 1) / 2 : fake->line - 1;
    message->type = DATA_LINE;
    message->line.line = line;
    message->line.trace = SCAN_FORWARD_UP;
    snprintf(message->line.channel, sizeof(message->line.channel), current ? "I" : "Z");
    message->line.points = FAKE_POINTS;
    message->line.samples = samples;
    for (uint32_t i = 0; i < FAKE_POINTS; i++)
        samples[i] = current ? fake->current_a
                             : fake->height_scale_m * sin(0.9 * i + 0.3 * line + 0.01 * i * line);
}

/* What comes next in the scan; moves on. */
static void compose(struct fake_instrument *fake, struct data_message *message, double *samples)
{
    uint32_t messages = FAKE_LINES * (fake->current_i ? 2 : 1);
    *message = (struct data_message){.simulated = true};
    snprintf(message->session, sizeof(message->session), "%s", fake->session);
    if (fake->line == 0) {
        fake->scan++;
        fake->cycle++;
        message->type = DATA_SCAN_BEGIN;
        message->geometry = (struct scan_geometry){.points = FAKE_POINTS,
                                                   .lines = FAKE_LINES,
                                                   .width_m = 4e-9,
                                                   .height_m = 4e-9,
                                                   .raster_time_s = 0.02,
                                                   .bias_v = -2,
                                                   .setpoint_a = 5e-11};
    } else if (fake->line > messages) {
        message->type = DATA_SCAN_END;
        message->end_reason = SCAN_END_COMPLETE;
    } else {
        fill(fake, message, samples);
        fake->t_inst_ns += LINE_NS;
    }
    fake->line = fake->line > messages ? 0 : fake->line + 1;
    message->line.seq = ++fake->seq;
    message->line.scan = fake->scan;
    message->line.run = 1;
    message->line.cycle = fake->cycle;
    message->line.t_inst_ns = fake->t_inst_ns;
}

static void keep(struct fake_instrument *fake, const struct data_message *message)
{
    ck_assert_uint_lt(message->line.seq, FAKE_SENT_MAX);
    /* A new session counts from 1 again. */
    protocol_frames_finish(&fake->sent[message->line.seq]);
    ck_assert_int_eq(protocol_encode_data(message, NULL, &fake->sent[message->line.seq]), 0);
}

uint64_t fake_scan_on(struct fake_instrument *fake, enum fake_fault fault, bool *ret_line)
{
    double samples[FAKE_POINTS];
    struct data_message message;
    compose(fake, &message, samples);
    *ret_line = message.type == DATA_LINE && message.line.channel[0] == 'Z';
    if (*ret_line && fault == FAKE_NOT_FINITE)
        samples[5] = (double)NAN;
    if (message.type == DATA_LINE && fault == FAKE_RAILED)
        message.line.flags |= SCAN_LINE_RAILED;
    if (*ret_line && fault == FAKE_WRONG_WIDTH)
        message.line.points = FAKE_POINTS / 2;
    keep(fake, &message);
    if (fault != FAKE_LOST)
        push(fake, &fake->sent[fake->seq]);
    if (fault == FAKE_TWICE)
        push(fake, &fake->sent[fake->seq]);
    return fake->seq;
}

void fake_swap(struct fake_instrument *fake)
{
    double samples[FAKE_POINTS];
    struct data_message message;
    for (int i = 0; i < 2; i++) {
        compose(fake, &message, samples);
        keep(fake, &message);
    }
    push(fake, &fake->sent[fake->seq]);
    push(fake, &fake->sent[fake->seq - 1]);
}

const struct command *fake_last(const struct fake_instrument *fake, enum command_verb verb)
{
    for (size_t i = fake->n_commands; i > 0; i--)
        if (fake->commands[i - 1].verb == verb)
            return &fake->commands[i - 1];
    return NULL;
}

size_t fake_count(const struct fake_instrument *fake, enum command_verb verb)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->n_commands; i++)
        n += fake->commands[i].verb == verb;
    return n;
}
