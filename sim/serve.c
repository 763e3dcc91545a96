/* The loop around one microscope. */
#include "sim/serve.h"

#include "instrument/keys.h"
#include "instrument/microscope_end.h"
#include "instrument/zsock.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>
#include <zmq.h>

enum { SIGNALS = 2 };

/* How long a program takes that has died and is started again. */
enum { RESTART_MS = 300 };

enum life {
    ALIVE,
    DYING, /* the end is closing, another one comes */
    DEAD,  /* there is no end, another one comes */
    LEAVING
};

struct server {
    const struct serve_options *options;
    struct microscope microscope; /* with its faults */
    struct sim_faults *faults;
    char *error; /* error_size bytes */
    size_t error_size;
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    struct keys *keys;
    struct microscope_end *end;
    uv_signal_t signals[SIGNALS];
    uv_timer_t restart;
    enum life life;
    int result;
};

void serve_options_default(struct serve_options *ret)
{
    *ret = (struct serve_options){.data_endpoint = SERVE_DATA_ENDPOINT,
                                  .command_endpoint = SERVE_COMMAND_ENDPOINT,
                                  .keys_name = "instrument",
                                  .time_scale = 1};
    limits_default(ACTION_PROFILE_SILICON, &ret->limits);
}

int serve_read_speed(const char *text, double *ret_time_scale)
{
    char *rest;
    double value = strtod(text, &rest);
    if (strcmp(text, "max") == 0)
        value = 0;
    else if (rest == text || *rest || !(value > 0) || !(value <= 1e6))
        return -EINVAL;
    *ret_time_scale = value;
    return 0;
}

int serve_read_option(int option, const char *value, struct serve_options *options, char *error,
                      size_t error_size)
{
    switch (option) {
    case SERVE_DATA:
        options->data_endpoint = value;
        return 0;
    case SERVE_COMMAND:
        options->command_endpoint = value;
        return 0;
    case SERVE_KEYS:
        options->keys_dir = value;
        return 0;
    case SERVE_LIMITS:
        return limits_load(value, &options->limits, error, error_size) == 0 ? 0 : -EPERM;
    default:
        return -ENOENT;
    }
}

static void close_hub(void *ctx)
{
    struct server *server = ctx;
    struct zsock_hub *hub = server->hub;
    server->hub = NULL;
    zsock_hub_close(hub, NULL, NULL);
}

/* In the reverse order of their making; the loop ends when the last handle is gone. */
static void stop(struct server *server, int result)
{
    if (server->life == LEAVING)
        return;
    server->result = result;
    if (server->life == ALIVE)
        microscope_end_close(server->end, close_hub, server);
    else if (server->life == DEAD)
        close_hub(server);
    server->end = NULL;
    server->life = LEAVING;
    uv_close((uv_handle_t *)&server->restart, NULL);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    (void)number;
    stop(server, -EINTR);
}

static void on_finished(void *ctx)
{
    stop(ctx, 0);
}

static void on_welcomed(void *ctx, const struct agent_welcome *welcome)
{
    const struct server *server = ctx;
    char text[120];
    snprintf(text, sizeof(text), "agent connected, policy %.12s",
             welcome->policy_hash[0] ? welcome->policy_hash : "unknown");
    server->options->note(server->options->ctx, text);
}

static void on_refused(void *ctx, const char *why)
{
    const struct server *server = ctx;
    char text[MESSAGE_TEXT_MAX + 40];
    snprintf(text, sizeof(text), "the agent refused us: %s", why);
    server->options->note(server->options->ctx, text);
}

static void on_safe_state(void *ctx, const char *why)
{
    const struct server *server = ctx;
    char text[MESSAGE_TEXT_MAX + 40];
    snprintf(text, sizeof(text), "safe state, tip withdrawn: %s", why);
    server->options->note(server->options->ctx, text);
}

static int open_end(struct server *server)
{
    const struct serve_options *o = server->options;
    const struct microscope_end_callbacks callbacks = {.welcomed = on_welcomed,
                                                       .refused = on_refused,
                                                       .finished = on_finished,
                                                       .safe_state = on_safe_state};
    const struct microscope_end_options end = {.data_endpoint = o->data_endpoint,
                                               .command_endpoint = o->command_endpoint,
                                               .keys = server->keys,
                                               .limits = o->limits.limits,
                                               .withdraw_m = o->limits.withdraw_m,
                                               .time_scale = o->time_scale,
                                               .start_scanning = true,
                                               .utc_epoch_us = o->utc_epoch_us};
    int r = microscope_end_create(server->hub, &end, server->microscope, &callbacks, server,
                                  &server->end);
    if (r == -EPERM)
        snprintf(server->error, server->error_size,
                 "%s, %s: without keys only this machine can be reached", o->data_endpoint,
                 o->command_endpoint);
    else if (r < 0)
        snprintf(server->error, server->error_size, "%s, %s: %s", o->data_endpoint,
                 o->command_endpoint, strerror(-r));
    return r;
}

/* ---- faults of the program itself ---- */

static void on_fault(void *ctx, const struct sim_fault *fault, bool begins, int64_t t_inst_ns)
{
    const struct server *server = ctx;
    const struct serve_options *o = server->options;
    char text[80];
    snprintf(text, sizeof(text), "fault: %s %s", sim_fault_name((size_t)fault->kind),
             begins ? "begins" : "is over");
    o->note(o->ctx, text);
    if (o->fault)
        o->fault(o->ctx, fault, begins, t_inst_ns);
}

/* Nothing of this program runs meanwhile but the threads inside the socket library. */
static void on_freeze(void *ctx, double seconds)
{
    struct timespec rest = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    (void)ctx;
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        continue;
}

static void on_born_again(uv_timer_t *timer)
{
    struct server *server = timer->data;
    int r = open_end(server);
    if (r < 0)
        stop(server, r);
    else
        server->life = ALIVE;
}

static void on_dead(void *ctx)
{
    struct server *server = ctx;
    if (server->life == LEAVING) {
        close_hub(server);
        return;
    }
    server->life = DEAD;
    uv_timer_start(&server->restart, on_born_again, RESTART_MS, 0);
}

static void on_time_to_die(uv_timer_t *timer)
{
    struct server *server = timer->data;
    if (server->life != ALIVE)
        return;
    server->life = DYING;
    microscope_end_close(server->end, on_dead, server);
    server->end = NULL;
}

/* Called from within the end that is to go: it goes when it has returned. */
static void on_restart(void *ctx)
{
    struct server *server = ctx;
    uv_timer_start(&server->restart, on_time_to_die, 0, 0);
}

static int add_faults(struct server *server)
{
    const struct serve_options *o = server->options;
    const struct sim_faults_options faults = {.list = o->faults,
                                              .n = o->n_faults,
                                              .seed = o->fault_seed,
                                              .rail_a = o->rail_a,
                                              .told = on_fault,
                                              .freeze = on_freeze,
                                              .restart = on_restart,
                                              .ctx = server};
    if (o->n_faults == 0)
        return 0;
    int r = sim_faults_create(&faults, server->microscope, &server->faults);
    if (r < 0)
        snprintf(server->error, server->error_size, "the faults cannot be played: %s",
                 strerror(-r));
    else
        server->microscope = sim_faults_microscope(server->faults);
    return r;
}

/* ---- start ---- */

static void start_timer(struct server *server)
{
    uv_timer_init(&server->loop, &server->restart);
    server->restart.data = server;
}

static void start_signals(struct server *server)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM};
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], on_signal, numbers[i]);
    }
}

static int start(struct server *server)
{
    const struct serve_options *o = server->options;
    int r = zsock_hub_create(&server->loop, server->zmq, &server->hub);
    if (r < 0) {
        snprintf(server->error, server->error_size, "no event loop: %s", strerror(-r));
        return r;
    }
    if (o->keys_dir)
        r = keys_load(o->keys_dir, o->keys_name, &server->keys, server->error, server->error_size);
    if (r == 0)
        r = add_faults(server);
    if (r == 0)
        r = open_end(server);
    if (r < 0) {
        close_hub(server);
        return r;
    }
    start_timer(server);
    start_signals(server);
    return 0;
}

int serve(struct microscope microscope, const struct serve_options *options, char *error,
          size_t error_size)
{
    struct server server = {
        .options = options, .microscope = microscope, .error = error, .error_size = error_size};
    server.zmq = zmq_ctx_new();
    if (!server.zmq || uv_loop_init(&server.loop) < 0)
        abort(); /* no memory for the first handful of bytes */
    int r = start(&server);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    uv_loop_close(&server.loop);
    sim_faults_destroy(server.faults);
    keys_destroy(server.keys);
    zmq_ctx_term(server.zmq);
    return r < 0 ? r : server.result;
}
