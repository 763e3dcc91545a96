/* The agent's end: decode, check, pass on; keep the lease; notice silence. */
#include "instrument/agent_end.h"

#include "instrument/keys.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    DATA_HWM = 4000,
    CONTROL_HWM = 200,
    CONTROL_OUTBOX = 256,
    LINGER_MS = 200, /* the last command's last chance to leave */
    WHO_EVERY_MS = 200,
};

struct agent_end {
    struct zsock *data, *command;
    uv_timer_t ping;
    struct agent_end_callbacks callbacks;
    void *ctx;
    char policy_hash[65];
    uint32_t lease_ms;
    struct instrument_hello hello; /* the last one accepted */
    bool acquainted;               /* hello is valid: some instrument has been accepted */
    bool connected;                /* and is not lost */
    bool released;
    int64_t base_inst_host_ns;
    uint64_t heard_ns; /* host clock */
    uint64_t who_ns;
    char told_session[SESSION_ID_MAX]; /* unknown session that has been complained about */
    void (*done)(void *ctx);
    void *done_ctx;
    double samples[SCAN_POINTS_MAX];
};

static void send_control(struct agent_end *end, const struct control_message *message, int *ret_rc)
{
    char *json;
    size_t size;
    int rc = protocol_encode_control(message, &json, &size);
    if (rc == 0) {
        const struct zsock_part parts[] = {
            {PROTOCOL_ROUTING_ID, strlen(PROTOCOL_ROUTING_ID)},
            {PROTOCOL_CONTROL_TAG, strlen(PROTOCOL_CONTROL_TAG)},
            {json, size},
        };
        rc = zsock_send(end->command, parts, 3);
        free(json);
    }
    if (ret_rc)
        *ret_rc = rc;
}

static void complain(struct agent_end *end, const char *what, const char *detail)
{
    char why[PROTOCOL_ERROR_MAX + 64];
    snprintf(why, sizeof(why), "%s: %s", what, detail);
    if (end->callbacks.bad_data)
        end->callbacks.bad_data(end->ctx, why);
}

static void refuse(struct agent_end *end, const char *why)
{
    struct control_message message = {.type = CONTROL_REFUSED};
    snprintf(message.text, sizeof(message.text), "%s", why);
    send_control(end, &message, NULL);
    complain(end, "instrument refused", why);
}

static void ask_who(struct agent_end *end)
{
    uint64_t now = uv_hrtime();
    if (end->released || now - end->who_ns < (uint64_t)WHO_EVERY_MS * 1000000)
        return;
    end->who_ns = now;
    send_control(end, &(struct control_message){.type = CONTROL_WHO}, NULL);
}

static void welcome(struct agent_end *end, uint32_t contact)
{
    struct control_message message = {.type = CONTROL_WELCOME};
    snprintf(message.welcome.protocol, sizeof(message.welcome.protocol), "%s", PROTOCOL_CONTROL);
    snprintf(message.welcome.policy_hash, sizeof(message.welcome.policy_hash), "%s",
             end->policy_hash);
    message.welcome.contact = contact;
    message.welcome.lease_ms = end->lease_ms;
    send_control(end, &message, NULL);
}

static void on_hello(struct agent_end *end, const struct instrument_hello *hello)
{
    if (end->released)
        return;
    if (!protocol_compatible(hello->protocol, PROTOCOL_CONTROL)) {
        refuse(end, "it does not speak " PROTOCOL_CONTROL);
        return;
    }
    if (end->acquainted && end->hello.simulated != hello->simulated) {
        refuse(end, "real and simulated instruments do not mix in one session");
        return;
    }
    bool again = end->connected && end->hello.contact == hello->contact &&
                 strcmp(end->hello.session, hello->session) == 0;
    end->heard_ns = uv_hrtime();
    if (!again)
        end->base_inst_host_ns = hello->host_ns;
    end->hello = *hello;
    end->acquainted = end->connected = true;
    welcome(end, hello->contact);
    /* The same hello, sent again while the first answer was on its way, is no news. */
    if (!again && end->callbacks.hello)
        end->callbacks.hello(end->ctx, hello);
}

/* True when a message of this session may be believed now. */
static bool is_connected(struct agent_end *end, const char *session)
{
    if (end->connected && strcmp(end->hello.session, session) == 0) {
        end->heard_ns = uv_hrtime();
        return true;
    }
    ask_who(end);
    return false;
}

static void on_event(struct agent_end *end, const struct control_event *event)
{
    if (!is_connected(end, event->session))
        return;
    bool gated = end->hello.gated;
    if (end->callbacks.event)
        end->callbacks.event(end->ctx, &event->event);
    struct control_message ack = {.type = CONTROL_ACK, .ack = {true, event->number}};
    if (gated)
        send_control(end, &ack, NULL);
}

static void on_status(struct agent_end *end, const struct instrument_status *status)
{
    if (!is_connected(end, status->session))
        return;
    end->base_inst_host_ns = status->host_ns;
    if (end->callbacks.status)
        end->callbacks.status(end->ctx, status);
}

static void on_control(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct agent_end *end = ctx;
    size_t id_size = strlen(PROTOCOL_ROUTING_ID), tag_size = strlen(PROTOCOL_CONTROL_TAG);
    if (n != 3 || parts[0].size != id_size ||
        memcmp(parts[0].data, PROTOCOL_ROUTING_ID, id_size) != 0 || parts[1].size != tag_size ||
        memcmp(parts[1].data, PROTOCOL_CONTROL_TAG, tag_size) != 0) {
        complain(end, "control message", "not from an instrument, or not three frames");
        return;
    }
    char error[PROTOCOL_ERROR_MAX];
    struct control_message message;
    if (protocol_decode_control(parts[2].data, parts[2].size, &message, error, sizeof(error)) !=
        0) {
        complain(end, "control message", error);
        return;
    }
    switch (message.type) {
    case CONTROL_HELLO:
        on_hello(end, &message.hello);
        break;
    case CONTROL_EVENT:
        on_event(end, &message.event);
        break;
    case CONTROL_STATUS:
        on_status(end, &message.status);
        break;
    case CONTROL_WELCOME:
    case CONTROL_REFUSED:
    case CONTROL_WHO:
    case CONTROL_PING:
    case CONTROL_ACK:
    case CONTROL_COMMAND:
    case CONTROL_TYPE_COUNT:
        complain(end, "control message", "an instrument does not send this type");
        break;
    }
}

static void complain_once(struct agent_end *end, const char *session)
{
    if (strcmp(end->told_session, session) == 0)
        return;
    snprintf(end->told_session, sizeof(end->told_session), "%s", session);
    complain(end, "data of a session that is not connected", session);
}

static void on_data(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct agent_end *end = ctx;
    char error[PROTOCOL_ERROR_MAX];
    struct data_message message;
    if (n != 2) {
        complain(end, "data message", "not two frames");
        return;
    }
    /* The decoder only reads. */
    const struct protocol_frames frames = {
        .header = (char *)(uintptr_t)parts[0].data,
        .header_size = parts[0].size,
        .samples = (unsigned char *)(uintptr_t)parts[1].data,
        .samples_size = parts[1].size,
    };
    if (protocol_decode_data(&frames, end->samples, &message, error, sizeof(error)) != 0) {
        complain(end, "data message", error);
        return;
    }
    if (end->released)
        return;
    if (!is_connected(end, message.session)) {
        complain_once(end, message.session);
        return;
    }
    if (message.simulated != end->hello.simulated) {
        complain(end, "data message", "real and simulated data do not mix in one session");
        return;
    }
    if (end->callbacks.data)
        end->callbacks.data(end->ctx, &message);
}

static void on_ping_timer(uv_timer_t *timer)
{
    struct agent_end *end = timer->data;
    if (!end->connected)
        return;
    if (uv_hrtime() - end->heard_ns > (uint64_t)end->lease_ms * 1000000) {
        end->connected = false;
        if (end->callbacks.lost)
            end->callbacks.lost(end->ctx);
        return;
    }
    struct control_message ping = {.type = CONTROL_PING};
    memcpy(ping.session, end->hello.session, sizeof(ping.session));
    send_control(end, &ping, NULL);
}

static int open_sockets(struct agent_end *end, struct zsock_hub *hub,
                        const struct agent_end_options *options)
{
    struct zsock_curve curve;
    if (options->keys)
        curve = keys_curve_server(options->keys, KEYS_DOOR_INSTRUMENT);
    const struct zsock_options data = {
        .type = ZMQ_PULL,
        .hwm = DATA_HWM,
        .max_bytes = 1024 * 1024,
        .curve = options->keys ? &curve : NULL,
    };
    const struct zsock_options command = {
        .type = ZMQ_ROUTER,
        .hwm = CONTROL_HWM,
        .max_bytes = PROTOCOL_CONTROL_MAX,
        .linger_ms = LINGER_MS,
        .outbox_max = CONTROL_OUTBOX,
        .urgent = true,
        .handover = true,
        .curve = options->keys ? &curve : NULL,
    };
    int rc = zsock_create(hub, &data, on_data, end, &end->data);
    if (rc == 0)
        rc = zsock_create(hub, &command, on_control, end, &end->command);
    if (rc == 0)
        rc = zsock_bind(end->data, options->data_endpoint);
    if (rc == 0)
        rc = zsock_bind(end->command, options->command_endpoint);
    return rc;
}

int agent_end_create(struct zsock_hub *hub, const struct agent_end_options *options,
                     const struct agent_end_callbacks *callbacks, void *ctx,
                     struct agent_end **ret_end)
{
    if (options->lease_ms < PROTOCOL_LEASE_MIN_MS || options->lease_ms > PROTOCOL_LEASE_MAX_MS)
        return -EINVAL;
    int rc = keys_endpoint_allowed(options->data_endpoint, options->keys);
    if (rc == 0)
        rc = keys_endpoint_allowed(options->command_endpoint, options->keys);
    if (rc != 0)
        return rc;
    struct agent_end *end = calloc(1, sizeof(*end));
    if (!end)
        abort();
    end->callbacks = *callbacks;
    end->ctx = ctx;
    end->lease_ms = options->lease_ms;
    agent_end_set_policy_hash(end, options->policy_hash);
    rc = open_sockets(end, hub, options);
    if (rc != 0) {
        zsock_close(end->data);
        zsock_close(end->command);
        free(end);
        return rc;
    }
    uv_timer_init(zsock_hub_loop(hub), &end->ping);
    end->ping.data = end;
    uv_timer_start(&end->ping, on_ping_timer, end->lease_ms / 3, end->lease_ms / 3);
    *ret_end = end;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct agent_end *end = handle->data;
    void (*done)(void *ctx) = end->done;
    void *ctx = end->done_ctx;
    free(end);
    if (done)
        done(ctx);
}

void agent_end_close(struct agent_end *end, void (*done)(void *ctx), void *ctx)
{
    end->done = done;
    end->done_ctx = ctx;
    zsock_close(end->data);
    zsock_close(end->command);
    uv_close((uv_handle_t *)&end->ping, on_closed);
}

void agent_end_set_policy_hash(struct agent_end *end, const char *policy_hash)
{
    snprintf(end->policy_hash, sizeof(end->policy_hash), "%s", policy_hash ? policy_hash : "");
}

int agent_end_send(struct agent_end *end, struct command *command)
{
    if (!end->connected)
        return -ENOTCONN;
    memcpy(command->session, end->hello.session, sizeof(command->session));
    command->base_inst_host_ns = end->base_inst_host_ns;
    struct control_message message = {.type = CONTROL_COMMAND, .command = *command};
    int rc;
    send_control(end, &message, &rc);
    return rc;
}

void agent_end_ack(struct agent_end *end, uint64_t seq)
{
    if (!end->connected || !end->hello.gated)
        return;
    struct control_message message = {.type = CONTROL_ACK, .ack = {false, seq}};
    send_control(end, &message, NULL);
}

void agent_end_release(struct agent_end *end)
{
    end->released = true;
    end->connected = false;
    uv_timer_stop(&end->ping);
}

int agent_end_endpoints(struct agent_end *end, char *ret_data, char *ret_command, size_t size)
{
    int rc = zsock_last_endpoint(end->data, ret_data, size);
    return rc == 0 ? zsock_last_endpoint(end->command, ret_command, size) : rc;
}

const char *agent_end_session(const struct agent_end *end)
{
    return end->hello.session;
}
