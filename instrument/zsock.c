/* ZeroMQ sockets in a libuv loop: prepare asks, idle keeps awake, check drains and flushes. */
#include "instrument/zsock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    DRAIN_MAX = 64, /* messages per socket and turn, so that no socket starves another */
    HANDSHAKE_MS = 2000,
    HEARTBEAT_MS = 500,
    HEARTBEAT_TIMEOUT_MS = 1500,
    HEARTBEAT_TTL_MS = 2000,
    KEEP_ALIVE_IDLE_S = 5,
    KEEP_ALIVE_EVERY_S = 1,
    KEEP_ALIVE_MISSES = 3,
    RECONNECT_MS = 100,
    ASK_ALL_MS = 200,
    RECONNECT_MAX_MS = 1000, /* an agent that was restarted must be found again within a lease */
};

static const char zap_endpoint[] = "inproc://zeromq.zap.01";

struct outgoing {
    size_t n;
    zmq_msg_t parts[ZSOCK_PARTS_MAX];
};

struct zsock_hub {
    uv_loop_t *loop;
    void *zmq_context;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    struct zsock *socks;
    uint64_t asked_all_ms;
    bool zap_bound;
    bool closing;
    int handles_open;
    void (*done)(void *ctx);
    void *done_ctx;
};

struct zsock {
    struct zsock_hub *hub;
    struct zsock *next;
    void *zmq;
    uv_poll_t poll;
    int type;
    bool urgent;
    bool curve_server;
    bool zap; /* the ZAP handler itself */
    bool closing;
    bool failed;
    bool touched; /* its descriptor has spoken or it has been used since it was last found quiet */
    zsock_receive_fn receive;
    void *ctx;
    const char *user;
    struct outgoing *outbox; /* ring */
    size_t outbox_max, outbox_first, outbox_n;
    uint64_t dropped;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static bool poll_events(struct zsock *sock, int *ret_events)
{
    if (sock->closing || sock->failed)
        return false;
    int events = 0;
    size_t size = sizeof(events);
    int rc;
    do
        rc = zmq_getsockopt(sock->zmq, ZMQ_EVENTS, &events, &size);
    while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        sock->failed = true;
        return false;
    }
    *ret_events = events;
    return true;
}

static void pop_outgoing(struct zsock *sock)
{
    struct outgoing *head = &sock->outbox[sock->outbox_first];
    for (size_t i = 0; i < head->n; i++)
        zmq_msg_close(&head->parts[i]);
    sock->outbox_first = (sock->outbox_first + 1) % sock->outbox_max;
    sock->outbox_n--;
}

/* 0, or negative errno; libzmq takes all parts of a message once it has taken the first. */
static int send_outgoing(struct zsock *sock, struct outgoing *message)
{
    for (size_t i = 0; i < message->n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < message->n ? ZMQ_SNDMORE : 0);
        int rc;
        do
            rc = zmq_msg_send(&message->parts[i], sock->zmq, flags);
        while (rc < 0 && errno == EINTR);
        if (rc < 0)
            return -errno;
    }
    return 0;
}

static void flush(struct zsock *sock)
{
    while (sock->outbox_n > 0 && !sock->failed) {
        int rc = send_outgoing(sock, &sock->outbox[sock->outbox_first]);
        if (rc == -EAGAIN && sock->type != ZMQ_ROUTER)
            return;
        if (rc == -EAGAIN || rc == -EHOSTUNREACH)
            sock->dropped++;
        else if (rc != 0)
            sock->failed = true;
        pop_outgoing(sock);
    }
}

/* One whole message into parts. Number of parts, 0: nothing there, negative errno. */
static int receive_parts(struct zsock *sock, zmq_msg_t *parts)
{
    int n = 0;
    bool more = true;
    while (more) {
        zmq_msg_t spare;
        zmq_msg_t *part = n < ZSOCK_PARTS_MAX ? &parts[n] : &spare;
        zmq_msg_init(part);
        int rc;
        do
            rc = zmq_msg_recv(part, sock->zmq, ZMQ_DONTWAIT);
        while (rc < 0 && errno == EINTR);
        if (rc < 0) {
            int error = errno;
            zmq_msg_close(part);
            for (int i = 0; i < n && i < ZSOCK_PARTS_MAX; i++)
                zmq_msg_close(&parts[i]);
            return n == 0 && error == EAGAIN ? 0 : -error;
        }
        more = zmq_msg_more(part);
        if (part == &spare)
            zmq_msg_close(part);
        n++;
    }
    return n;
}

static void drain(struct zsock *sock)
{
    for (int turn = 0; turn < DRAIN_MAX && !sock->closing && !sock->failed; turn++) {
        zmq_msg_t messages[ZSOCK_PARTS_MAX];
        struct zsock_part parts[ZSOCK_PARTS_MAX];
        int n = receive_parts(sock, messages);
        if (n == 0)
            return;
        if (n < 0) {
            sock->failed = true;
            return;
        }
        int kept = n < ZSOCK_PARTS_MAX ? n : ZSOCK_PARTS_MAX;
        for (int i = 0; i < kept; i++)
            parts[i] = (struct zsock_part){zmq_msg_data(&messages[i]), zmq_msg_size(&messages[i])};
        const char *user = zmq_msg_gets(&messages[kept - 1], "User-Id");
        sock->user = user ? user : "";
        if (n <= ZSOCK_PARTS_MAX)
            sock->receive(sock->ctx, parts, (size_t)n);
        sock->user = "";
        for (int i = 0; i < kept; i++)
            zmq_msg_close(&messages[i]);
    }
}

static bool can_receive(const struct zsock *sock)
{
    return sock->type != ZMQ_PUSH && sock->type != ZMQ_PUB;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    /* The descriptor only ends the loop's sleep; prepare and check do the work. */
    struct zsock *sock = poll->data;
    (void)status, (void)events;
    sock->touched = true;
}

static bool is_ready(struct zsock *sock)
{
    int events;
    if (!poll_events(sock, &events))
        return false;
    return ((events & ZMQ_POLLIN) && can_receive(sock)) ||
           ((events & ZMQ_POLLOUT) && sock->outbox_n > 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct zsock_hub *hub = prepare->data;
    uint64_t now_ms = uv_now(hub->loop);
    bool all = now_ms - hub->asked_all_ms >= ASK_ALL_MS;
    bool ready = false;
    if (all)
        hub->asked_all_ms = now_ms;
    for (struct zsock *s = hub->socks; s; s = s->next) {
        if (!s->touched && !all)
            continue;
        s->touched = is_ready(s);
        ready |= s->touched;
    }
    if (ready)
        uv_idle_start(&hub->idle, on_idle);
}

static void serve(struct zsock_hub *hub, bool urgent)
{
    for (struct zsock *s = hub->socks; s; s = s->next) {
        int events;
        if (s->urgent != urgent || !s->touched || !poll_events(s, &events))
            continue;
        if (s->outbox_n > 0)
            flush(s);
        if (can_receive(s))
            drain(s);
        if (s->outbox_n > 0 && !s->closing)
            flush(s);
    }
}

static void on_check(uv_check_t *check)
{
    struct zsock_hub *hub = check->data;
    uv_idle_stop(&hub->idle);
    serve(hub, true);
    serve(hub, false);
}

int zsock_hub_create(uv_loop_t *loop, void *zmq_context, struct zsock_hub **ret_hub)
{
    struct zsock_hub *hub = must(calloc(1, sizeof(*hub)));
    hub->loop = loop;
    hub->zmq_context = zmq_context;
    hub->prepare.data = hub->check.data = hub->idle.data = hub;
    uv_prepare_init(loop, &hub->prepare);
    uv_check_init(loop, &hub->check);
    uv_idle_init(loop, &hub->idle);
    uv_prepare_start(&hub->prepare, on_prepare);
    uv_check_start(&hub->check, on_check);
    *ret_hub = hub;
    return 0;
}

/* libuv runs close callbacks in no promised order: the hub goes with the last of all handles. */
static void hub_handle_closed(struct zsock_hub *hub)
{
    if (--hub->handles_open > 0)
        return;
    void (*done)(void *ctx) = hub->done;
    void *ctx = hub->done_ctx;
    free(hub);
    if (done)
        done(ctx);
}

static void on_hub_closed(uv_handle_t *handle)
{
    hub_handle_closed(handle->data);
}

void zsock_hub_close(struct zsock_hub *hub, void (*done)(void *ctx), void *ctx)
{
    for (struct zsock *s = hub->socks; s; s = s->next) {
        assert(s->closing);
        hub->handles_open++;
    }
    hub->closing = true;
    hub->done = done;
    hub->done_ctx = ctx;
    hub->handles_open += 3;
    uv_close((uv_handle_t *)&hub->prepare, on_hub_closed);
    uv_close((uv_handle_t *)&hub->check, on_hub_closed);
    uv_close((uv_handle_t *)&hub->idle, on_hub_closed);
}

uv_loop_t *zsock_hub_loop(const struct zsock_hub *hub)
{
    return hub->loop;
}

struct option {
    int name, value;
};

static int set_ints(void *zmq, const struct option *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (zmq_setsockopt(zmq, list[i].name, &list[i].value, sizeof(list[i].value)) != 0)
            return -errno;
    return 0;
}

static int set_curve(void *zmq, const struct zsock_curve *curve)
{
    int server = curve->server;
    if (zmq_setsockopt(zmq, ZMQ_CURVE_SECRETKEY, curve->secret_key, 41) != 0 ||
        zmq_setsockopt(zmq, ZMQ_CURVE_PUBLICKEY, curve->public_key, 41) != 0)
        return -errno;
    if (!server)
        return zmq_setsockopt(zmq, ZMQ_CURVE_SERVERKEY, curve->server_key, 41) == 0 ? 0 : -errno;
    if (zmq_setsockopt(zmq, ZMQ_CURVE_SERVER, &server, sizeof(server)) != 0 ||
        zmq_setsockopt(zmq, ZMQ_ZAP_DOMAIN, curve->domain, strlen(curve->domain)) != 0)
        return -errno;
    return 0;
}

/*
 * Whether the peer is there. A PULL whose queue is full reads nothing, so it answers no heartbeat
 * either, and its peer would drop the connection with all that is queued: lines rely on the
 * kernel's keep-alive and on the control socket beside them.
 */
static int set_liveness(void *zmq, int type)
{
    const struct option heartbeat[] = {{ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
                                       {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
                                       {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS}};
    const struct option keep_alive[] = {{ZMQ_TCP_KEEPALIVE, 1},
                                        {ZMQ_TCP_KEEPALIVE_IDLE, KEEP_ALIVE_IDLE_S},
                                        {ZMQ_TCP_KEEPALIVE_INTVL, KEEP_ALIVE_EVERY_S},
                                        {ZMQ_TCP_KEEPALIVE_CNT, KEEP_ALIVE_MISSES}};
    if (type == ZMQ_PUSH || type == ZMQ_PULL)
        return set_ints(zmq, keep_alive, sizeof(keep_alive) / sizeof(keep_alive[0]));
    return set_ints(zmq, heartbeat, sizeof(heartbeat) / sizeof(heartbeat[0]));
}

static int set_options(void *zmq, const struct zsock_options *o)
{
    const struct option always[] = {
        {ZMQ_LINGER, o->linger_ms},
        {ZMQ_SNDHWM, o->hwm},
        {ZMQ_RCVHWM, o->hwm},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
    };
    const struct option router[] = {{ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_ROUTER_HANDOVER, o->handover}};
    const struct option immediate = {ZMQ_IMMEDIATE, 1};
    int rc = set_ints(zmq, always, sizeof(always) / sizeof(always[0]));
    if (rc == 0)
        rc = set_liveness(zmq, o->type);
    if (rc == 0 && o->type == ZMQ_ROUTER)
        rc = set_ints(zmq, router, 2);
    if (rc == 0 && (o->type == ZMQ_DEALER || o->type == ZMQ_PUSH))
        rc = set_ints(zmq, &immediate, 1);
    if (rc == 0 && zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &o->max_bytes, sizeof(o->max_bytes)) != 0)
        rc = -errno;
    if (rc == 0 && o->routing_id &&
        zmq_setsockopt(zmq, ZMQ_ROUTING_ID, o->routing_id, strlen(o->routing_id)) != 0)
        rc = -errno;
    if (rc == 0 && o->curve)
        rc = set_curve(zmq, o->curve);
    return rc;
}

static int open_socket(struct zsock_hub *hub, const struct zsock_options *options, void **ret_zmq,
                       int *ret_fd)
{
    void *zmq = zmq_socket(hub->zmq_context, options->type);
    if (!zmq)
        return -errno;
    size_t fd_size = sizeof(*ret_fd);
    int fd = -1;
    int rc = set_options(zmq, options);
    if (rc == 0 && zmq_getsockopt(zmq, ZMQ_FD, &fd, &fd_size) != 0)
        rc = -errno;
    if (rc != 0) {
        zmq_close(zmq);
        return rc;
    }
    *ret_zmq = zmq;
    *ret_fd = fd;
    return 0;
}

int zsock_create(struct zsock_hub *hub, const struct zsock_options *options,
                 zsock_receive_fn receive, void *ctx, struct zsock **ret_sock)
{
    void *zmq = NULL;
    int fd = -1;
    int rc = open_socket(hub, options, &zmq, &fd);
    if (rc != 0)
        return rc;
    struct zsock *sock = must(calloc(1, sizeof(*sock)));
    rc = uv_poll_init(hub->loop, &sock->poll, fd);
    if (rc != 0) {
        zmq_close(zmq);
        free(sock);
        return rc;
    }
    sock->hub = hub;
    sock->zmq = zmq;
    sock->type = options->type;
    sock->urgent = options->urgent;
    sock->curve_server = options->curve && options->curve->server;
    sock->receive = receive;
    sock->ctx = ctx;
    sock->user = "";
    sock->touched = true;
    sock->outbox_max = options->outbox_max;
    if (sock->outbox_max > 0)
        sock->outbox = must(calloc(sock->outbox_max, sizeof(*sock->outbox)));
    sock->poll.data = sock;
    uv_poll_start(&sock->poll, UV_READABLE, on_poll);
    sock->next = hub->socks;
    hub->socks = sock;
    *ret_sock = sock;
    return 0;
}

int zsock_bind(struct zsock *sock, const char *endpoint)
{
    if (sock->curve_server && !sock->hub->zap_bound)
        return -EPERM;
    if (zmq_bind(sock->zmq, endpoint) != 0)
        return -errno;
    if (strcmp(endpoint, zap_endpoint) == 0)
        sock->zap = sock->hub->zap_bound = true;
    return 0;
}

int zsock_connect(struct zsock *sock, const char *endpoint)
{
    return zmq_connect(sock->zmq, endpoint) == 0 ? 0 : -errno;
}

int zsock_last_endpoint(struct zsock *sock, char *buf, size_t size)
{
    return zmq_getsockopt(sock->zmq, ZMQ_LAST_ENDPOINT, buf, &size) == 0 ? 0 : -errno;
}

int zsock_send(struct zsock *sock, const struct zsock_part *parts, size_t n)
{
    if (n == 0 || n > ZSOCK_PARTS_MAX)
        return -EINVAL;
    if (sock->closing || sock->failed || sock->outbox_n >= sock->outbox_max) {
        sock->dropped++;
        return -EAGAIN;
    }
    size_t slot = (sock->outbox_first + sock->outbox_n) % sock->outbox_max;
    struct outgoing *message = &sock->outbox[slot];
    message->n = n;
    for (size_t i = 0; i < n; i++) {
        if (zmq_msg_init_size(&message->parts[i], parts[i].size) != 0)
            abort();
        if (parts[i].size > 0)
            memcpy(zmq_msg_data(&message->parts[i]), parts[i].data, parts[i].size);
    }
    sock->outbox_n++;
    sock->touched = true;
    return 0;
}

size_t zsock_pending(const struct zsock *sock)
{
    return sock->outbox_n;
}

uint64_t zsock_dropped(const struct zsock *sock)
{
    return sock->dropped;
}

const char *zsock_message_user(const struct zsock *sock)
{
    return sock->user;
}

static void unlink_sock(struct zsock_hub *hub, struct zsock *sock)
{
    struct zsock **link = &hub->socks;
    while (*link != sock)
        link = &(*link)->next;
    *link = sock->next;
}

/* libuv has let go of the descriptor: only now may libzmq close it. */
static void on_sock_closed(uv_handle_t *handle)
{
    struct zsock *sock = handle->data;
    struct zsock_hub *hub = sock->hub;
    unlink_sock(hub, sock);
    while (sock->outbox_n > 0)
        pop_outgoing(sock);
    zmq_close(sock->zmq);
    free(sock->outbox);
    free(sock);
    if (hub->closing)
        hub_handle_closed(hub);
}

void zsock_close(struct zsock *sock)
{
    if (!sock || sock->closing)
        return;
    flush(sock);
    sock->closing = true;
    if (sock->zap)
        sock->hub->zap_bound = false;
    uv_poll_stop(&sock->poll);
    uv_close((uv_handle_t *)&sock->poll, on_sock_closed);
}
