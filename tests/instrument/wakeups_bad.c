/*
 * Two known-bad ways of reading a ZeroMQ socket in a libuv loop, kept so that the check can be seen
 * to catch them: one receive per descriptor event, and draining on descriptor events only. Both
 * trust an edge-triggered descriptor that zmq_send() clears behind their back.
 */
#include "tests/instrument/wakeups.h"

#include <stdlib.h>
#include <zmq.h>

struct bad {
    uv_poll_t poll;
    void *zmq;
    bool drain;
    bool closing;
    wakeups_receive_fn receive;
    void *ctx;
};

static bool receive_one(struct bad *bad)
{
    char buf[64];
    int size = zmq_recv(bad->zmq, buf, sizeof(buf), ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    bad->receive(bad->ctx, buf, (size_t)size);
    return !bad->closing;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct bad *bad = poll->data;
    (void)status, (void)events;
    while (receive_one(bad) && bad->drain)
        ;
}

static void *bad_open(uv_loop_t *loop, void *zmq_context, const char *endpoint,
                      wakeups_receive_fn receive, void *ctx)
{
    struct bad *bad = calloc(1, sizeof(*bad));
    int fd = -1, linger = 0;
    /* The credit that a bounded queue gets back every few hundred sends happens to wake the reader,
     * seconds late; without it a lost wake-up stays lost. */
    int unbounded = 0;
    size_t size = sizeof(fd);
    bad->receive = receive;
    bad->ctx = ctx;
    bad->zmq = zmq_socket(zmq_context, ZMQ_DEALER);
    zmq_setsockopt(bad->zmq, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(bad->zmq, ZMQ_SNDHWM, &unbounded, sizeof(unbounded));
    zmq_connect(bad->zmq, endpoint);
    zmq_getsockopt(bad->zmq, ZMQ_FD, &fd, &size);
    uv_poll_init(loop, &bad->poll, fd);
    bad->poll.data = bad;
    uv_poll_start(&bad->poll, UV_READABLE, on_event);
    return bad;
}

static void *drain_open(uv_loop_t *loop, void *zmq_context, const char *endpoint,
                        wakeups_receive_fn receive, void *ctx)
{
    struct bad *bad = bad_open(loop, zmq_context, endpoint, receive, ctx);
    bad->drain = true;
    return bad;
}

static void bad_send(void *self, const void *data, size_t size)
{
    struct bad *bad = self;
    zmq_send(bad->zmq, data, size, ZMQ_DONTWAIT);
}

static void on_closed(uv_handle_t *handle)
{
    struct bad *bad = handle->data;
    zmq_close(bad->zmq);
    free(bad);
}

static void bad_close(void *self)
{
    struct bad *bad = self;
    bad->closing = true;
    uv_poll_stop(&bad->poll);
    uv_close((uv_handle_t *)&bad->poll, on_closed);
}

const struct wakeups_way wakeups_one_per_event = {"one receive per event", bad_open, bad_send,
                                                  bad_close};
const struct wakeups_way wakeups_drain_on_event = {"drain on events only", drain_open, bad_send,
                                                   bad_close};
