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
#include <uv.h>
#include <zmq.h>

enum { SIGNALS = 2 };

struct server {
    const struct serve_options *options;
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    struct keys *keys;
    struct microscope_end *end;
    uv_signal_t signals[SIGNALS];
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
    if (!server->end)
        return;
    server->result = result;
    microscope_end_close(server->end, close_hub, server);
    server->end = NULL;
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

static int open_end(struct server *server, struct microscope microscope, char *error,
                    size_t error_size)
{
    const struct serve_options *o = server->options;
    const struct microscope_end_callbacks callbacks = {.welcomed = on_welcomed,
                                                       .refused = on_refused,
                                                       .finished = on_finished,
                                                       .safe_state = on_safe_state};
    if (o->keys_dir) {
        int r = keys_load(o->keys_dir, o->keys_name, &server->keys, error, error_size);
        if (r < 0)
            return r;
    }
    const struct microscope_end_options end = {.data_endpoint = o->data_endpoint,
                                               .command_endpoint = o->command_endpoint,
                                               .keys = server->keys,
                                               .limits = o->limits.limits,
                                               .withdraw_m = o->limits.withdraw_m,
                                               .time_scale = o->time_scale,
                                               .start_scanning = true,
                                               .utc_epoch_us = o->utc_epoch_us};
    int r = microscope_end_create(server->hub, &end, microscope, &callbacks, server, &server->end);
    if (r == -EPERM)
        snprintf(error, error_size, "%s, %s: without keys only this machine can be reached",
                 o->data_endpoint, o->command_endpoint);
    else if (r < 0)
        snprintf(error, error_size, "%s, %s: %s", o->data_endpoint, o->command_endpoint,
                 strerror(-r));
    return r;
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

int serve(struct microscope microscope, const struct serve_options *options, char *error,
          size_t error_size)
{
    struct server server = {.options = options};
    server.zmq = zmq_ctx_new();
    if (!server.zmq || uv_loop_init(&server.loop) < 0)
        abort(); /* no memory for the first handful of bytes */
    int r = zsock_hub_create(&server.loop, server.zmq, &server.hub);
    if (r < 0)
        snprintf(error, error_size, "no event loop: %s", strerror(-r));
    else
        r = open_end(&server, microscope, error, error_size);
    if (r == 0)
        start_signals(&server);
    else if (server.hub)
        close_hub(&server);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    uv_loop_close(&server.loop);
    keys_destroy(server.keys);
    zmq_ctx_term(server.zmq);
    return r < 0 ? r : server.result;
}
