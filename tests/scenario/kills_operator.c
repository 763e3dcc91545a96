/* An operator who asks how it stands and arms again, over the console as docs/protocol.md has it.
 */
#include "kills.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { ASK_MS = 40, ANSWER_MS = 400 };

struct kills_operator {
    void *context, *socket;
    struct kills_state state;
    int64_t asked_ms; /* when; 0: no question is open */
    int64_t heard_ms;
    int64_t id;
    bool arm_next;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct kills_operator *kills_operator_create(const char *console_endpoint)
{
    static const int linger = 0, immediate = 1, reconnect_ms = 10;
    struct kills_operator *op = calloc(1, sizeof(*op));
    if (!op)
        abort();
    op->context = zmq_ctx_new();
    op->socket = zmq_socket(op->context, ZMQ_DEALER);
    zmq_setsockopt(op->socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(op->socket, ZMQ_IMMEDIATE, &immediate, sizeof(immediate));
    zmq_setsockopt(op->socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof(reconnect_ms));
    if (zmq_connect(op->socket, console_endpoint) != 0)
        abort();
    return op;
}

void kills_operator_destroy(struct kills_operator *op)
{
    zmq_close(op->socket);
    zmq_ctx_term(op->context);
    free(op);
}

void kills_operator_forget(struct kills_operator *op)
{
    op->state = (struct kills_state){0};
    op->asked_ms = 0;
    op->arm_next = false;
}

const struct kills_state *kills_operator_state(const struct kills_operator *op)
{
    return &op->state;
}

static void ask(struct kills_operator *op)
{
    char text[80];
    int n = snprintf(text, sizeof(text), "{\"id\": %lld, \"verb\": \"%s\"}", (long long)++op->id,
                     op->arm_next ? "arm" : "status");
    if (zmq_send(op->socket, "TWO1", 4, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return;
    zmq_send(op->socket, text, (size_t)n, ZMQ_DONTWAIT);
    op->asked_ms = now_ms();
    op->arm_next = false;
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && strcmp(value, text) == 0;
}

static void take_state(struct kills_operator *op, const json_t *result)
{
    const json_t *instrument = json_object_get(result, "instrument");
    const json_t *charged = json_object_get(json_object_get(result, "budget"), "actions_night");
    op->state = (struct kills_state){
        .known = true,
        .connected = json_is_true(json_object_get(instrument, "connected")),
        .withdrawn = is_text(instrument, "state", "withdrawn"),
        .held = is_text(result, "safety", "hold") || is_text(result, "safety", "retract"),
        .armed = is_text(result, "safety", "armed"),
        .command_open = (uint64_t)json_integer_value(json_object_get(result, "command_open")),
        .night = (uint64_t)json_integer_value(json_object_get(result, "night")),
        .epoch = (uint64_t)json_integer_value(json_object_get(result, "epoch")),
        .actions_night = (uint32_t)json_integer_value(json_array_get(charged, 0))};
    op->arm_next = op->state.held && op->state.connected && op->state.command_open == 0;
}

static void hear(struct kills_operator *op)
{
    char tag[8], text[32768];
    int n_tag, n;
    while ((n_tag = zmq_recv(op->socket, tag, sizeof(tag), ZMQ_DONTWAIT)) >= 0) {
        n = zmq_recv(op->socket, text, sizeof(text), ZMQ_DONTWAIT);
        if (n_tag != 4 || n < 0 || n > (int)sizeof(text))
            continue;
        json_t *answer = json_loadb(text, (size_t)n, 0, NULL);
        const json_t *result = json_object_get(answer, "result");
        if (json_integer_value(json_object_get(answer, "id")) == op->id) {
            op->asked_ms = 0;
            op->heard_ms = now_ms();
            if (json_is_object(result))
                take_state(op, result);
        }
        json_decref(answer);
    }
}

bool kills_operator_work(struct kills_operator *op, int fd, int ms)
{
    zmq_pollitem_t items[] = {{op->socket, 0, ZMQ_POLLIN, 0}, {NULL, fd, ZMQ_POLLIN, 0}};
    int64_t now = now_ms();
    if (op->asked_ms != 0 && now - op->asked_ms > ANSWER_MS)
        op->asked_ms = 0;
    if (op->asked_ms == 0 && (op->arm_next || now - op->heard_ms > ASK_MS))
        ask(op);
    zmq_poll(items, 2, ms < ASK_MS ? ms : ASK_MS);
    if (items[0].revents)
        hear(op);
    return items[1].revents != 0;
}
