/* The check itself, and the product's way through it. */
#include "tests/instrument/wakeups.h"

#include "instrument/zsock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct peer {
    void *zmq;
    const struct wakeups_load *load;
    atomic_uint_fast64_t *handled;
    atomic_bool *give_up;
};

static void swallow(void *zmq)
{
    char buf[64];
    while (zmq_recv(zmq, buf, sizeof(buf), ZMQ_DONTWAIT) >= 0)
        ;
}

static void wait_for(struct peer *peer, uint64_t handled)
{
    while (atomic_load(peer->handled) < handled && !atomic_load(peer->give_up)) {
        zmq_pollitem_t item = {.socket = peer->zmq, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 1);
        swallow(peer->zmq);
    }
}

static void peer_main(void *arg)
{
    struct peer *peer = arg;
    const struct wakeups_load *load = peer->load;
    for (uint64_t i = 0; i < load->messages && !atomic_load(peer->give_up);) {
        if (zmq_send(peer->zmq, &i, sizeof(i), ZMQ_DONTWAIT) < 0) {
            swallow(peer->zmq);
            zmq_pollitem_t item = {.socket = peer->zmq, .events = ZMQ_POLLOUT};
            zmq_poll(&item, 1, 10);
            continue;
        }
        i++;
        if (load->window && i >= load->window)
            wait_for(peer, i - load->window + 1);
    }
    wait_for(peer, load->messages);
}

struct run {
    uv_loop_t loop;
    const struct wakeups_way *way;
    void *self;
    const struct wakeups_load *load;
    uv_timer_t send_timer, work_timer, progress_timer;
    uint64_t waiting; /* messages received and not yet worked on */
    uint64_t next;
    atomic_uint_fast64_t handled;
    uint64_t last_handled;
    atomic_bool give_up;
    struct wakeups_result result;
};

static void spin_us(unsigned us)
{
    uint64_t end = uv_hrtime() + (uint64_t)us * 1000;
    while (uv_hrtime() < end)
        ;
}

static void close_everything(struct run *run)
{
    uv_close((uv_handle_t *)&run->send_timer, NULL);
    uv_close((uv_handle_t *)&run->work_timer, NULL);
    uv_close((uv_handle_t *)&run->progress_timer, NULL);
    atomic_store(&run->give_up, true);
    run->way->close(run->self);
}

static void count_handled(struct run *run)
{
    if (atomic_fetch_add(&run->handled, 1) + 1 == run->load->messages)
        close_everything(run);
}

struct job {
    uv_work_t work;
    struct run *run;
};

static void work(uv_work_t *request)
{
    struct job *job = (struct job *)request;
    spin_us(job->run->load->work_us);
}

static void after_work(uv_work_t *request, int status)
{
    struct job *job = (struct job *)request;
    (void)status;
    count_handled(job->run);
    free(job);
}

static void on_work_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    spin_us(run->load->work_us);
    run->way->send(run->self, "verdict", 7);
    if (--run->waiting > 0)
        uv_timer_start(&run->work_timer, on_work_timer, 0, 0);
    count_handled(run);
}

static void on_message(void *ctx, const void *data, size_t size)
{
    struct run *run = ctx;
    uint64_t seq;
    if (size != sizeof(seq) || (memcpy(&seq, data, sizeof(seq)), seq != run->next))
        run->result.wrong++;
    run->next++;
    if (run->load->work == WORK_ON_WORKER) {
        struct job *job = calloc(1, sizeof(*job));
        job->run = run;
        uv_queue_work(&run->loop, &job->work, work, after_work);
        return;
    }
    if (run->load->work == WORK_ON_LOOP) {
        run->waiting++;
        if (!uv_is_active((uv_handle_t *)&run->work_timer))
            uv_timer_start(&run->work_timer, on_work_timer, 0, 0);
        return;
    }
    count_handled(run);
}

static void on_send_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    run->way->send(run->self, "tick", 4);
}

static void on_progress_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    uint64_t handled = atomic_load(&run->handled);
    if (handled != run->last_handled) {
        run->last_handled = handled;
        return;
    }
    run->result.stuck = true;
    close_everything(run);
}

struct wakeups_result wakeups_check(const struct wakeups_way *way, const struct wakeups_load *load)
{
    void *context = zmq_ctx_new();
    struct run run = {.way = way, .load = load};
    struct peer peer = {zmq_socket(context, ZMQ_DEALER), load, &run.handled, &run.give_up};
    char endpoint[64];
    size_t size = sizeof(endpoint);
    int linger = 0;
    zmq_setsockopt(peer.zmq, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_bind(peer.zmq, "tcp://127.0.0.1:*");
    zmq_getsockopt(peer.zmq, ZMQ_LAST_ENDPOINT, endpoint, &size);

    uv_loop_init(&run.loop);
    uv_timer_init(&run.loop, &run.send_timer);
    uv_timer_init(&run.loop, &run.work_timer);
    uv_timer_init(&run.loop, &run.progress_timer);
    run.send_timer.data = run.work_timer.data = run.progress_timer.data = &run;
    run.self = way->open(&run.loop, context, endpoint, on_message, &run);
    if (load->send_every_ms)
        uv_timer_start(&run.send_timer, on_send_timer, load->send_every_ms, load->send_every_ms);
    uv_timer_start(&run.progress_timer, on_progress_timer, load->stuck_after_ms,
                   load->stuck_after_ms);
    uv_thread_t thread;
    uv_thread_create(&thread, peer_main, &peer);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    uv_loop_close(&run.loop);
    zmq_close(peer.zmq);
    zmq_ctx_term(context);
    run.result.received = atomic_load(&run.handled);
    return run.result;
}

struct product {
    struct zsock_hub *hub;
    struct zsock *sock;
    wakeups_receive_fn receive;
    void *ctx;
};

static void product_receive(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct product *product = ctx;
    product->receive(product->ctx, parts[n - 1].data, parts[n - 1].size);
}

static void *product_open(uv_loop_t *loop, void *zmq_context, const char *endpoint,
                          wakeups_receive_fn receive, void *ctx)
{
    struct product *product = calloc(1, sizeof(*product));
    product->receive = receive;
    product->ctx = ctx;
    const struct zsock_options options = {
        .type = ZMQ_DEALER, .hwm = 1000, .max_bytes = 1024, .outbox_max = 100};
    if (zsock_hub_create(loop, zmq_context, &product->hub) != 0 ||
        zsock_create(product->hub, &options, product_receive, product, &product->sock) != 0 ||
        zsock_connect(product->sock, endpoint) != 0)
        abort();
    return product;
}

static void product_send(void *self, const void *data, size_t size)
{
    struct product *product = self;
    zsock_send(product->sock, &(struct zsock_part){data, size}, 1);
}

static void product_gone(void *self)
{
    free(self);
}

static void product_close(void *self)
{
    struct product *product = self;
    zsock_close(product->sock);
    zsock_hub_close(product->hub, product_gone, product);
}

const struct wakeups_way wakeups_zsock = {"prepare, check and idle", product_open, product_send,
                                          product_close};
