/* The instrument's end: pacing, lines out, commands in, lease, safe state. */
#include "instrument/microscope_end.h"

#include "instrument/keys.h"
#include "instrument/ledger.h"
#include "instrument/outflow.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    CONTROL_HWM = 200,
    CONTROL_OUTBOX = 256,
    CONTROL_LINGER_MS = 200,
    PACE_MS = 5,
    ADVANCES_PER_TURN = 64,
};

/* Gated and idle: how far the clock goes from one note to the next. */
static const int64_t idle_step_ns = INT64_C(10000000000);

struct microscope_end {
    struct zsock *command;
    struct outflow *outflow;
    uv_timer_t pace, status_timer, lease_timer;
    uv_idle_t more; /* runs while a turn ended with work left */
    int handles_open;
    struct microscope microscope;
    struct microscope_end_callbacks callbacks;
    void *ctx;
    struct action_limits limits;
    double withdraw_m, time_scale;
    bool start_scanning;

    char session[SESSION_ID_MAX];
    uint32_t contact;
    bool leased;      /* an agent has answered this contact and renews the lease */
    bool ever_leased; /* the microscope's clock runs */
    uint32_t lease_ms;
    char why_safe[MESSAGE_TEXT_MAX]; /* "" unless in the safe state */

    struct ledger *ledger;
    uint64_t running_id; /* 0: no action runs */
    uint64_t event_number, acked_event;

    uint64_t acked_seq;
    uint64_t scan;  /* of the newest data message */
    bool x_retrace; /* of the newest frame */
    bool goes_on;   /* the newest data message needs no ack before the next */

    int64_t t_inst_ns;
    int64_t start_inst_ns; /* paced: the clock at start_host_ns */
    uint64_t start_host_ns;
    bool finished, finished_told;

    enum instrument_state told_state;
    uint64_t told_running_id, told_epoch;
    void (*done)(void *ctx);
    void *done_ctx;
};

static bool is_gated(const struct microscope_end *end)
{
    return end->time_scale == 0;
}

static bool all_acked(const struct microscope_end *end)
{
    return end->acked_seq >= outflow_last_seq(end->outflow) &&
           end->acked_event >= end->event_number;
}

static void send_control(struct microscope_end *end, const struct control_message *message)
{
    char *json;
    size_t size;
    if (protocol_encode_control(message, &json, &size) != 0)
        return;
    const struct zsock_part parts[] = {{PROTOCOL_CONTROL_TAG, strlen(PROTOCOL_CONTROL_TAG)},
                                       {json, size}};
    zsock_send(end->command, parts, 2);
    free(json);
}

static void send_hello(struct microscope_end *end)
{
    struct control_message message = {.type = CONTROL_HELLO};
    struct instrument_hello *hello = &message.hello;
    memcpy(hello->session, end->session, sizeof(hello->session));
    snprintf(hello->name, sizeof(hello->name), "%s", end->microscope.ops->name);
    snprintf(hello->protocol, sizeof(hello->protocol), "%s", PROTOCOL_CONTROL);
    hello->contact = end->contact;
    hello->last_id = ledger_last_id(end->ledger);
    hello->epoch = ledger_epoch(end->ledger);
    hello->simulated = end->microscope.ops->simulated;
    hello->gated = is_gated(end);
    hello->host_ns = (int64_t)uv_hrtime();
    hello->limits = end->limits;
    /* One that waits for a connection is enough. */
    if (zsock_pending(end->command) == 0)
        send_control(end, &message);
}

static void send_status(struct microscope_end *end)
{
    struct control_message message = {.type = CONTROL_STATUS};
    struct instrument_status *status = &message.status;
    end->microscope.ops->status(end->microscope.self, status);
    memcpy(status->session, end->session, sizeof(status->session));
    status->host_ns = (int64_t)uv_hrtime();
    status->last_seq = outflow_last_seq(end->outflow);
    status->dropped = outflow_dropped(end->outflow);
    status->epoch = ledger_epoch(end->ledger);
    status->command_id = end->running_id;
    memcpy(status->text, end->why_safe, sizeof(status->text));
    end->told_state = status->state;
    end->told_running_id = end->running_id;
    end->told_epoch = status->epoch;
    send_control(end, &message);
}

static void send_status_if_changed(struct microscope_end *end)
{
    struct instrument_status status = {0};
    if (!end->leased)
        return;
    end->microscope.ops->status(end->microscope.self, &status);
    if (status.state != end->told_state || end->running_id != end->told_running_id ||
        ledger_epoch(end->ledger) != end->told_epoch)
        send_status(end);
}

static void send_event(struct microscope_end *end, struct command_event event)
{
    event.data_seq = outflow_last_seq(end->outflow);
    event.epoch = ledger_epoch(end->ledger);
    event.t_inst_ns = end->t_inst_ns;
    ledger_note(end->ledger, &event);
    struct control_message message = {.type = CONTROL_EVENT};
    message.event.number = ++end->event_number;
    memcpy(message.event.session, end->session, sizeof(message.event.session));
    message.event.event = event;
    send_control(end, &message);
    if (end->callbacks.event)
        end->callbacks.event(end->ctx, &event);
}

static void send_outcome(struct microscope_end *end, uint64_t id, enum command_state state,
                         const char *text)
{
    struct command_event event = {.id = id, .state = state};
    snprintf(event.text, sizeof(event.text), "%s", text);
    send_event(end, event);
}

bool microscope_end_goes_on(const struct data_message *message, bool x_retrace)
{
    return x_retrace && message->type == DATA_LINE && scan_trace_is_forward(message->line.trace);
}

static void send_from_microscope(struct microscope_end *end, struct microscope_event *event)
{
    const struct protocol_counts counts = {event->raw, event->scale, event->offset};
    bool as_counts = event->data.type == DATA_LINE && !event->data.line.samples && event->raw;
    event->data.line.t_inst_ns = event->t_inst_ns;
    end->scan = event->data.line.scan;
    if (event->data.type == DATA_SCAN_BEGIN)
        end->x_retrace = event->data.geometry.x_retrace;
    end->goes_on = microscope_end_goes_on(&event->data, end->x_retrace);
    outflow_send(end->outflow, &event->data, as_counts ? &counts : NULL, end->leased);
    if (event->data.type != DATA_LINE)
        send_status_if_changed(end);
}

static void send_idle_note(struct microscope_end *end)
{
    struct data_message note = {.type = DATA_NOTE, .text = "idle"};
    note.line.t_inst_ns = end->t_inst_ns;
    note.line.scan = end->scan;
    end->goes_on = false;
    outflow_send(end->outflow, &note, NULL, end->leased);
}

static void end_action(struct microscope_end *end, const struct microscope_event *outcome)
{
    struct command_event event = {.id = end->running_id,
                                  .state = outcome->result == 0 ? COMMAND_DONE : COMMAND_FAILED,
                                  .crash_detected = outcome->crash_detected};
    if (end->running_id == 0)
        return;
    memcpy(event.text, outcome->text, sizeof(event.text));
    end->running_id = 0;
    send_event(end, event);
    send_status_if_changed(end);
}

static void cancel_action(struct microscope_end *end, const char *why)
{
    uint64_t id = end->running_id;
    if (id == 0)
        return;
    end->microscope.ops->abort(end->microscope.self);
    end->running_id = 0;
    send_outcome(end, id, COMMAND_CANCELLED, why);
}

static void enter_safe_state(struct microscope_end *end, const char *why)
{
    cancel_action(end, why);
    end->microscope.ops->safe_state(end->microscope.self, end->withdraw_m);
    snprintf(end->why_safe, sizeof(end->why_safe), "%s", why);
    if (end->callbacks.safe_state)
        end->callbacks.safe_state(end->ctx, why);
}

static bool may_advance(const struct microscope_end *end)
{
    if (!end->ever_leased || end->finished)
        return false;
    return !is_gated(end) ||
           (end->leased && (end->running_id != 0 || end->goes_on || all_acked(end)));
}

static int64_t paced_target_ns(const struct microscope_end *end)
{
    double host_ns = (double)(uv_hrtime() - end->start_host_ns);
    return end->start_inst_ns + (int64_t)(host_ns * end->time_scale);
}

/* False when the microscope has nothing more to say before its clock moves on or an ack comes. */
static bool advance_once(struct microscope_end *end)
{
    struct microscope_event event = {.kind = MICROSCOPE_NOTHING};
    int64_t until_ns = is_gated(end) ? end->t_inst_ns + idle_step_ns : paced_target_ns(end);
    end->microscope.ops->advance(end->microscope.self, until_ns, &event);
    if (event.t_inst_ns > end->t_inst_ns)
        end->t_inst_ns = event.t_inst_ns;
    switch (event.kind) {
    case MICROSCOPE_NOTHING:
        if (is_gated(end) && end->running_id == 0)
            send_idle_note(end);
        return is_gated(end);
    case MICROSCOPE_DATA:
        send_from_microscope(end, &event);
        return true;
    case MICROSCOPE_ENDED:
        end_action(end, &event);
        return true;
    case MICROSCOPE_FINISHED:
        end->finished = true;
        return false;
    }
    return false;
}

static void on_pace(uv_timer_t *timer);
static void on_more(uv_idle_t *idle);

static void tell_when_finished(struct microscope_end *end)
{
    if (!end->finished || end->finished_told || !outflow_is_empty(end->outflow) ||
        zsock_pending(end->command) > 0 || (is_gated(end) && end->leased && !all_acked(end)))
        return;
    end->finished_told = true;
    if (end->callbacks.finished)
        end->callbacks.finished(end->ctx);
}

static void pump(struct microscope_end *end)
{
    int left = ADVANCES_PER_TURN;
    while (left > 0 && may_advance(end) && advance_once(end))
        left--;
    tell_when_finished(end);
    if (uv_is_closing((uv_handle_t *)&end->pace))
        return;
    if (left == 0)
        uv_idle_start(&end->more, on_more);
    else
        uv_idle_stop(&end->more);
    if (!is_gated(end) || (end->finished && !end->finished_told))
        uv_timer_start(&end->pace, on_pace, PACE_MS, 0);
}

static void on_pace(uv_timer_t *timer)
{
    pump(timer->data);
}

static void on_more(uv_idle_t *idle)
{
    pump(idle->data);
}

static void begin_action(struct microscope_end *end, const struct command *command)
{
    send_outcome(end, command->id, COMMAND_ACCEPTED, "");
    int rc = end->microscope.ops->begin(end->microscope.self, &command->action);
    if (rc == 0) {
        end->running_id = command->id;
        end->why_safe[0] = '\0';
        send_outcome(end, command->id, COMMAND_STARTED, "");
        return;
    }
    const char *why = rc == -EBUSY     ? "busy"
                      : rc == -ENOTSUP ? "this microscope cannot do it"
                      : rc == -EAGAIN  ? "not in this state of the microscope"
                                       : "the microscope refused it";
    send_outcome(end, command->id, COMMAND_REJECTED, why);
}

static void start_or_stop_scan(struct microscope_end *end, const struct command *command)
{
    bool start = command->verb == COMMAND_SCAN_START;
    int rc = start ? end->microscope.ops->scan_start(end->microscope.self)
                   : end->microscope.ops->scan_stop(end->microscope.self);
    if (rc == 0 && start)
        end->why_safe[0] = '\0';
    send_outcome(end, command->id, rc == 0 ? COMMAND_DONE : COMMAND_REJECTED,
                 rc == 0 ? "" : "not in this state of the microscope");
}

static void resend_range(struct microscope_end *end, const struct command *command)
{
    uint64_t sent, wanted;
    outflow_resend(end->outflow, command->from_seq, command->to_seq, &sent, &wanted);
    char text[MESSAGE_TEXT_MAX];
    snprintf(text, sizeof(text), "%llu of %llu sent", (unsigned long long)sent,
             (unsigned long long)wanted);
    send_outcome(end, command->id, sent == wanted && wanted > 0 ? COMMAND_DONE : COMMAND_FAILED,
                 text);
}

static void answer_query(struct microscope_end *end, const struct command *command)
{
    const struct command_event *stored = ledger_find(end->ledger, command->query_id);
    struct command_event answer = {.id = command->query_id, .state = COMMAND_UNKNOWN};
    if (stored)
        answer = *stored;
    send_event(end, answer);
    send_outcome(end, command->id, COMMAND_DONE, "");
}

static void run_command(struct microscope_end *end, const struct command *command)
{
    switch (command->verb) {
    case COMMAND_ACTION:
        begin_action(end, command);
        break;
    case COMMAND_SCAN_START:
    case COMMAND_SCAN_STOP:
        start_or_stop_scan(end, command);
        break;
    case COMMAND_ABORT:
        cancel_action(end, "aborted");
        send_outcome(end, command->id, COMMAND_DONE, "");
        break;
    case COMMAND_SAFE_RETRACT:
        enter_safe_state(end, "safe retract was ordered");
        send_outcome(end, command->id, COMMAND_DONE, "");
        break;
    case COMMAND_FENCE:
        send_outcome(end, command->id, COMMAND_DONE, "");
        break;
    case COMMAND_RESEND:
        resend_range(end, command);
        break;
    case COMMAND_QUERY:
        answer_query(end, command);
        break;
    case COMMAND_VERB_COUNT:
        break;
    }
}

static void on_command(struct microscope_end *end, const struct command *command)
{
    const struct ledger_now now = {
        .session = end->session,
        .host_ns = (int64_t)uv_hrtime(),
        .leased = end->leased,
        .acting = end->running_id != 0,
        .limits = &end->limits,
    };
    struct command_event event;
    switch (ledger_judge(end->ledger, command, &now, &event)) {
    case LEDGER_RUN:
        run_command(end, command);
        break;
    case LEDGER_REPEAT:
    case LEDGER_REFUSE:
        send_event(end, event);
        break;
    }
    send_status_if_changed(end);
}

static void on_lease_lost(uv_timer_t *timer)
{
    struct microscope_end *end = timer->data;
    enter_safe_state(end, "the agent's lease ran out");
    send_status(end);
    /* Even if this contact was never answered here: its welcome may have been lost on the way, and
     * an agent that believes in it must learn that the tip is withdrawn. */
    end->contact++;
    end->leased = false;
    send_hello(end);
}

static void renew_lease(struct microscope_end *end)
{
    uv_timer_start(&end->lease_timer, on_lease_lost, end->lease_ms, 0);
}

static void start_clock(struct microscope_end *end)
{
    end->ever_leased = true;
    end->start_host_ns = uv_hrtime();
    end->start_inst_ns = end->t_inst_ns;
    if (end->start_scanning)
        end->microscope.ops->scan_start(end->microscope.self);
}

static void on_welcome(struct microscope_end *end, const struct agent_welcome *welcome)
{
    if (welcome->contact != end->contact || end->leased ||
        !protocol_compatible(welcome->protocol, PROTOCOL_CONTROL) ||
        welcome->lease_ms < PROTOCOL_LEASE_MIN_MS || welcome->lease_ms > PROTOCOL_LEASE_MAX_MS)
        return;
    end->leased = true;
    end->lease_ms = welcome->lease_ms;
    /* What an earlier agent left unacknowledged, this one need not. */
    end->acked_seq = outflow_last_seq(end->outflow);
    end->acked_event = end->event_number;
    renew_lease(end);
    if (end->callbacks.welcomed)
        end->callbacks.welcomed(end->ctx, welcome);
    if (!end->ever_leased)
        start_clock(end);
    send_status(end);
}

static void on_ack(struct microscope_end *end, const struct control_ack *ack)
{
    if (ack->of_event && ack->number <= end->event_number && ack->number > end->acked_event)
        end->acked_event = ack->number;
    if (!ack->of_event && ack->number <= outflow_last_seq(end->outflow) &&
        ack->number > end->acked_seq)
        end->acked_seq = ack->number;
}

/* A new agent at the old address. Until it has answered the hello, the old lease runs down. */
static void on_who(struct microscope_end *end)
{
    if (end->leased)
        end->contact++;
    end->leased = false;
    send_hello(end);
}

static void dispatch(struct microscope_end *end, const struct control_message *message)
{
    switch (message->type) {
    case CONTROL_WELCOME:
        on_welcome(end, &message->welcome);
        break;
    case CONTROL_REFUSED:
        if (end->callbacks.refused)
            end->callbacks.refused(end->ctx, message->text);
        break;
    case CONTROL_WHO:
        on_who(end);
        break;
    case CONTROL_PING:
        if (end->leased && strcmp(message->session, end->session) == 0) {
            renew_lease(end);
            send_status(end);
        }
        break;
    case CONTROL_ACK:
        on_ack(end, &message->ack);
        break;
    case CONTROL_COMMAND:
        on_command(end, &message->command);
        break;
    case CONTROL_HELLO:
    case CONTROL_EVENT:
    case CONTROL_STATUS:
    case CONTROL_TYPE_COUNT:
        break;
    }
}

static void on_control(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct microscope_end *end = ctx;
    char error[PROTOCOL_ERROR_MAX];
    struct control_message message;
    size_t tag_size = strlen(PROTOCOL_CONTROL_TAG);
    if (n != 2 || parts[0].size != tag_size ||
        memcmp(parts[0].data, PROTOCOL_CONTROL_TAG, tag_size) != 0)
        return;
    if (protocol_decode_control(parts[1].data, parts[1].size, &message, error, sizeof(error)) ==
        0) {
        dispatch(end, &message);
    } else {
        uint64_t id = protocol_command_id(parts[1].data, parts[1].size);
        if (id != 0 && !ledger_find(end->ledger, id))
            send_outcome(end, id, COMMAND_REJECTED, error);
    }
    pump(end);
}

static void on_status_timer(uv_timer_t *timer)
{
    struct microscope_end *end = timer->data;
    if (end->leased)
        send_status(end);
    else
        send_hello(end);
}

static int open_sockets(struct microscope_end *end, struct zsock_hub *hub,
                        const struct microscope_end_options *options)
{
    struct zsock_curve curve;
    if (options->keys)
        curve = keys_curve_client(options->keys);
    struct outflow_options outflow = {
        .endpoint = options->data_endpoint,
        .curve = options->keys ? &curve : NULL,
        .simulated = end->microscope.ops->simulated,
        .utc_epoch_us = options->utc_epoch_us,
    };
    memcpy(outflow.session, end->session, sizeof(outflow.session));
    const struct zsock_options command = {
        .type = ZMQ_DEALER,
        .routing_id = PROTOCOL_ROUTING_ID,
        .hwm = CONTROL_HWM,
        .max_bytes = PROTOCOL_CONTROL_MAX,
        .linger_ms = CONTROL_LINGER_MS,
        .outbox_max = CONTROL_OUTBOX,
        .urgent = true,
        .curve = options->keys ? &curve : NULL,
    };
    int rc = outflow_create(hub, &outflow, &end->outflow);
    if (rc == 0)
        rc = zsock_create(hub, &command, on_control, end, &end->command);
    if (rc == 0)
        rc = zsock_connect(end->command, options->command_endpoint);
    return rc;
}

static int check_options(const struct microscope_end_options *options)
{
    if (!isfinite(options->time_scale) || options->time_scale < 0)
        return -EINVAL;
    int rc = keys_endpoint_allowed(options->data_endpoint, options->keys);
    return rc == 0 ? keys_endpoint_allowed(options->command_endpoint, options->keys) : rc;
}

static void start_timer(struct microscope_end *end, uv_loop_t *loop, uv_timer_t *timer)
{
    uv_timer_init(loop, timer);
    timer->data = end;
    end->handles_open++;
}

static void make_session_id(char *ret_session)
{
    unsigned char random[8];
    if (sodium_init() < 0)
        abort();
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(ret_session, SESSION_ID_MAX, random, sizeof(random));
}

int microscope_end_create(struct zsock_hub *hub, const struct microscope_end_options *options,
                          struct microscope microscope,
                          const struct microscope_end_callbacks *callbacks, void *ctx,
                          struct microscope_end **ret_end)
{
    int rc = check_options(options);
    if (rc != 0)
        return rc;
    struct microscope_end *end = calloc(1, sizeof(*end));
    if (!end)
        abort();
    end->microscope = microscope;
    make_session_id(end->session);
    rc = open_sockets(end, hub, options);
    if (rc != 0) {
        outflow_destroy(end->outflow);
        zsock_close(end->command);
        free(end);
        return rc;
    }
    end->callbacks = *callbacks;
    end->ctx = ctx;
    end->limits = options->limits;
    end->withdraw_m = options->withdraw_m;
    end->time_scale = options->time_scale;
    end->start_scanning = options->start_scanning;
    end->ledger = ledger_create();
    start_timer(end, zsock_hub_loop(hub), &end->pace);
    start_timer(end, zsock_hub_loop(hub), &end->status_timer);
    start_timer(end, zsock_hub_loop(hub), &end->lease_timer);
    uv_idle_init(zsock_hub_loop(hub), &end->more);
    end->more.data = end;
    end->handles_open++;
    uv_timer_start(&end->status_timer, on_status_timer, 0, PROTOCOL_STATUS_MS);
    *ret_end = end;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct microscope_end *end = handle->data;
    if (--end->handles_open > 0)
        return;
    void (*done)(void *ctx) = end->done;
    void *ctx = end->done_ctx;
    ledger_destroy(end->ledger);
    outflow_destroy(end->outflow);
    free(end);
    if (done)
        done(ctx);
}

void microscope_end_close(struct microscope_end *end, void (*done)(void *ctx), void *ctx)
{
    end->done = done;
    end->done_ctx = ctx;
    cancel_action(end, "the instrument end is closing");
    outflow_close(end->outflow);
    zsock_close(end->command);
    uv_close((uv_handle_t *)&end->pace, on_closed);
    uv_close((uv_handle_t *)&end->status_timer, on_closed);
    uv_close((uv_handle_t *)&end->lease_timer, on_closed);
    uv_close((uv_handle_t *)&end->more, on_closed);
}
