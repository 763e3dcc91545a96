/*
 * A ZeroMQ socket inside a libuv loop, without lost wake-ups.
 *
 * ZMQ_FD is edge-triggered and shared by sends and receives, so "readable" proves nothing and
 * silence proves nothing. One hub per loop therefore asks ZMQ_EVENTS of every socket in a prepare
 * handle (the last code before the loop blocks), keeps the loop from blocking with an idle handle
 * while anything is ready, and drains in a check handle, at most 64 messages per socket and turn,
 * urgent sockets first. Nothing is ever sent from prepare: zsock_send() queues, check flushes.
 *
 * Threads: everything belongs to the loop thread. Memory: message parts in callbacks are borrowed.
 */
#ifndef INSTRUMENT_ZSOCK_H
#define INSTRUMENT_ZSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct zsock_hub;
struct zsock;

struct zsock_part {
    const void *data;
    size_t size;
};

enum { ZSOCK_PARTS_MAX = 8 };

/* A whole multi-part message. May send, and may close this very socket. */
typedef void (*zsock_receive_fn)(void *ctx, const struct zsock_part *parts, size_t n);

/* `zmq_context` is borrowed. 0, or negative errno. */
int zsock_hub_create(uv_loop_t *loop, void *zmq_context, struct zsock_hub **ret_hub);
/* All sockets must have been closed. `done` runs when libuv has let go; then memory is freed. */
void zsock_hub_close(struct zsock_hub *hub, void (*done)(void *ctx), void *ctx);

struct zsock_options {
    int type;               /* ZMQ_PULL, ... */
    const char *routing_id; /* NULL: none */
    int hwm;                /* messages each way */
    int64_t max_bytes;      /* ZMQ_MAXMSGSIZE */
    int linger_ms;
    size_t outbox_max;               /* messages waiting here beyond the HWM */
    bool urgent;                     /* drained before the others */
    const struct zsock_curve *curve; /* NULL: no CURVE */
};

struct zsock_curve {
    bool server;
    const char *secret_key, *public_key; /* Z85, 40 characters */
    const char *server_key;              /* client only */
};

/* Not connected to anything yet. Errors from libzmq as negative errno. */
int zsock_create(struct zsock_hub *hub, const struct zsock_options *options,
                 zsock_receive_fn receive, void *ctx, struct zsock **ret_sock);
int zsock_bind(struct zsock *sock, const char *endpoint);
int zsock_connect(struct zsock *sock, const char *endpoint);
/* The endpoint really bound, for port 0 ("tcp://127.0.0.1:*"). */
int zsock_last_endpoint(struct zsock *sock, char *buf, size_t size);

/* Queue one message (copied). 0, -EAGAIN: outbox full, nothing queued, counted. */
int zsock_send(struct zsock *sock, const struct zsock_part *parts, size_t n);
size_t zsock_pending(const struct zsock *sock);
uint64_t zsock_dropped(const struct zsock *sock);

void zsock_close(struct zsock *sock);

#endif
