/*
 * One check for every way of putting a ZeroMQ socket into a libuv loop: a peer thread sends
 * numbered messages, at most a window ahead of what has been handled; meanwhile the loop works and
 * sends from a timer. A way that loses wake-ups stands still for ever sooner or later.
 */
#ifndef TESTS_INSTRUMENT_WAKEUPS_H
#define TESTS_INSTRUMENT_WAKEUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef void (*wakeups_receive_fn)(void *ctx, const void *data, size_t size);

/* A way of attaching a DEALER. */
struct wakeups_way {
    const char *name;
    void *(*open)(uv_loop_t *loop, void *zmq_context, const char *endpoint,
                  wakeups_receive_fn receive, void *ctx);
    void (*send)(void *self, const void *data, size_t size);
    void (*close)(void *self);
};

extern const struct wakeups_way wakeups_zsock;          /* the product */
extern const struct wakeups_way wakeups_one_per_event;  /* known bad */
extern const struct wakeups_way wakeups_drain_on_event; /* known bad */

enum wakeups_work { WORK_NONE, WORK_ON_LOOP, WORK_ON_WORKER };

struct wakeups_load {
    uint64_t messages;
    uint64_t window; /* so many may be unanswered; 0: flat out */
    enum wakeups_work work;
    unsigned work_us;        /* busy time per message */
    unsigned send_every_ms;  /* from a timer; 0: never */
    unsigned stuck_after_ms; /* without any progress */
};

struct wakeups_result {
    uint64_t received; /* in order, without gaps */
    uint64_t wrong;    /* out of order or doubled */
    bool stuck;
};

struct wakeups_result wakeups_check(const struct wakeups_way *way, const struct wakeups_load *load);

#endif
