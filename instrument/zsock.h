/*
 * A ZeroMQ socket inside a libuv loop, without lost wake-ups.
 *
 * ZMQ_FD is edge-triggered and shared by sends and receives, so "readable" proves nothing and
 * silence proves nothing. One hub per loop therefore asks ZMQ_EVENTS in a prepare handle (the last
 * code before the loop blocks), keeps the loop from blocking with an idle handle while anything is
 * ready, and drains in a check handle, at most 64 messages per socket and turn, urgent sockets
 * first. Nothing is ever sent from prepare: zsock_send() queues, check flushes.
 *
 * Asking costs two system calls. A socket that was found quiet and not used since can only change
 * by a command in its mailbox, for which the descriptor stays readable until somebody asks: such
 * sockets are asked when their descriptor speaks, and all of them every 200 ms.
 *
 * Threads: everything belongs to the loop thread. Memory: message parts in callbacks are borrowed.
 * Failure: EINTR is retried; after any other unexpected error a socket stays silent, which both
 * ends of the link treat as the loss of their peer.
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

/* A ZAP request read through a ROUTER has nine. */
enum { ZSOCK_PARTS_MAX = 10 };

/* A whole multi-part message. May send, and may close this very socket. */
typedef void (*zsock_receive_fn)(void *ctx, const struct zsock_part *parts, size_t n);

/* `zmq_context` is borrowed. 0, or negative errno. */
int zsock_hub_create(uv_loop_t *loop, void *zmq_context, struct zsock_hub **ret_hub);
/*
 * All sockets must have been closed (zsock_close() has been called; they need not be gone yet).
 * `done` runs when libuv has let go of everything; the hub is freed before it runs.
 */
void zsock_hub_close(struct zsock_hub *hub, void (*done)(void *ctx), void *ctx);

uv_loop_t *zsock_hub_loop(const struct zsock_hub *hub);

struct zsock_curve {
    bool server;
    const char *domain; /* server: which door this is, for the allow-list; instrument/keys.h */
    const char *secret_key, *public_key; /* Z85, 40 characters */
    const char *server_key;              /* client only */
};

struct zsock_options {
    int type;               /* ZMQ_PULL, ... */
    const char *routing_id; /* NULL: none */
    int hwm;                /* messages each way */
    int64_t max_bytes;      /* ZMQ_MAXMSGSIZE, per part */
    int linger_ms;
    size_t outbox_max; /* messages waiting here beyond the HWM; 0: this socket never sends */
    bool urgent;       /* drained before the others */
    bool handover;     /* ROUTER: a new peer with a known routing id replaces the old one */
    const struct zsock_curve *curve; /* NULL: no CURVE */
};

/* Not connected to anything yet. Errors from libzmq as negative errno. */
int zsock_create(struct zsock_hub *hub, const struct zsock_options *options,
                 zsock_receive_fn receive, void *ctx, struct zsock **ret_sock);
/* -EPERM: a CURVE server while no ZAP handler is bound on this hub; it would let anybody in. */
int zsock_bind(struct zsock *sock, const char *endpoint);
int zsock_connect(struct zsock *sock, const char *endpoint);
/* The endpoint really bound, for port 0 ("tcp://127.0.0.1:*"). */
int zsock_last_endpoint(struct zsock *sock, char *buf, size_t size);

/*
 * Queue one message (copied). 0, -EAGAIN: outbox full, nothing queued, counted as dropped.
 * A ROUTER drops (and counts) what its peer cannot take at once: commands must not wait.
 */
int zsock_send(struct zsock *sock, const struct zsock_part *parts, size_t n);
size_t zsock_pending(const struct zsock *sock);
uint64_t zsock_dropped(const struct zsock *sock);

/*
 * Who sent the message that is being received, as the ZAP handler named him: "operator:anna".
 * "" without CURVE. Valid inside the receive callback only.
 */
const char *zsock_message_user(const struct zsock *sock);

/* Sends what can be sent at once, then closes; nothing is received any more. NULL is harmless. */
void zsock_close(struct zsock *sock);

#endif
