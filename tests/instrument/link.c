/* Both ends in one thread. */
#include "tests/instrument/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void on_hello(void *ctx, const struct instrument_hello *hello)
{
    struct link *link = ctx;
    link->hellos++;
    link->hello = *hello;
}

static void on_data(void *ctx, const struct data_message *message)
{
    struct link *link = ctx;
    const struct scan_line *line = &message->line;
    if (line->flags & SCAN_LINE_LATE) {
        link->n_late++;
        link->late_seq = line->seq;
        if (line->samples)
            link->late_sample = line->samples[0];
    } else {
        link->out_of_order += link->next_seq != 0 && line->seq < link->next_seq;
        link->next_seq = line->seq + 1;
        link->n_data++;
        link->covered++;
        link->notes += message->type == DATA_NOTE;
        if (line->samples)
            link->last_sample = line->samples[0];
    }
    if (message->type == DATA_GAP) {
        link->gaps++;
        link->covered += message->to_seq - message->from_seq + 1;
    }
    link->last_data = *message;
    link->last_data.line.samples = NULL;
    if (!link->do_not_ack)
        agent_end_ack(link->agent, line->seq);
}

static void on_bad_data(void *ctx, const char *why)
{
    struct link *link = ctx;
    link->bad++;
    snprintf(link->bad_text, sizeof(link->bad_text), "%s", why);
}

static void on_event(void *ctx, const struct command_event *event)
{
    struct link *link = ctx;
    if (link->n_events < LINK_EVENTS)
        link->events[link->n_events++] = *event;
}

static void on_status(void *ctx, const struct instrument_status *status)
{
    struct link *link = ctx;
    link->statuses++;
    link->status = *status;
}

static void on_lost(void *ctx)
{
    struct link *link = ctx;
    link->lost++;
}

static void on_finished(void *ctx)
{
    struct link *link = ctx;
    link->finished++;
}

static void on_refused(void *ctx, const char *why)
{
    struct link *link = ctx;
    (void)why;
    link->refused++;
}

static void on_safe_state(void *ctx, const char *why)
{
    struct link *link = ctx;
    link->safe_states++;
    snprintf(link->why_safe, sizeof(link->why_safe), "%s", why);
}

static void open_side(struct link_side *side)
{
    uv_loop_init(&side->loop);
    side->zmq = zmq_ctx_new();
    if (zsock_hub_create(&side->loop, side->zmq, &side->hub) != 0)
        abort();
    side->open = true;
}

static void close_side(struct link_side *side)
{
    zsock_hub_close(side->hub, NULL, NULL);
    uv_run(&side->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&side->loop) != 0)
        abort();
    zmq_ctx_term(side->zmq);
    side->open = false;
}

void link_init(struct link *link)
{
    memset(link, 0, sizeof(*link));
    snprintf(link->data_endpoint, sizeof(link->data_endpoint), "tcp://127.0.0.1:*");
    snprintf(link->command_endpoint, sizeof(link->command_endpoint), "tcp://127.0.0.1:*");
    link->agent_options.lease_ms = 3000;
    link->agent_options.policy_hash = "";
    link->instrument_options.withdraw_m = 50e-9;
    link->instrument_options.start_scanning = true;
    action_limits_ceiling(ACTION_PROFILE_SILICON, &link->instrument_options.limits);
}

void link_open_agent(struct link *link)
{
    static const struct agent_end_callbacks callbacks = {on_hello, on_data,   on_bad_data,
                                                         on_event, on_status, on_lost};
    open_side(&link->agent_side);
    if (link->agent_options.keys &&
        keys_guard_open(link->agent_side.hub, link->agent_options.keys, &link->guard) != 0)
        abort();
    link->agent_options.data_endpoint = link->data_endpoint;
    link->agent_options.command_endpoint = link->command_endpoint;
    if (agent_end_create(link->agent_side.hub, &link->agent_options, &callbacks, link,
                         &link->agent) != 0 ||
        agent_end_endpoints(link->agent, link->data_endpoint, link->command_endpoint,
                            sizeof(link->data_endpoint)) != 0)
        abort();
}

void link_open_instrument(struct link *link)
{
    static const struct microscope_end_callbacks callbacks = {
        .refused = on_refused, .finished = on_finished, .safe_state = on_safe_state};
    open_side(&link->instrument_side);
    link->instrument_options.data_endpoint = link->data_endpoint;
    link->instrument_options.command_endpoint = link->command_endpoint;
    if (microscope_end_create(link->instrument_side.hub, &link->instrument_options,
                              fake_microscope(&link->fake), &callbacks, link,
                              &link->instrument) != 0)
        abort();
}

void link_close_agent(struct link *link)
{
    agent_end_close(link->agent, NULL, NULL);
    keys_guard_close(link->guard);
    link->guard = NULL;
    close_side(&link->agent_side);
}

void link_close_instrument(struct link *link)
{
    microscope_end_close(link->instrument, NULL, NULL);
    close_side(&link->instrument_side);
}

void link_finish(struct link *link)
{
    if (link->instrument_side.open)
        link_close_instrument(link);
    if (link->agent_side.open)
        link_close_agent(link);
}

void link_step_agent(struct link *link)
{
    uv_run(&link->agent_side.loop, UV_RUN_NOWAIT);
}

void link_step_instrument(struct link *link)
{
    uv_run(&link->instrument_side.loop, UV_RUN_NOWAIT);
}

void link_step(struct link *link)
{
    if (link->agent_side.open)
        link_step_agent(link);
    if (link->instrument_side.open)
        link_step_instrument(link);
}

struct command link_command(uint64_t id, enum command_verb verb)
{
    return (struct command){.verb = verb, .id = id, .epoch = 1, .ttl_ms = 5000};
}

struct command link_pulse(uint64_t id)
{
    struct command command = link_command(id, COMMAND_ACTION);
    command.action = action_default(ACTION_PULSE);
    return command;
}

const struct command_event *link_event(const struct link *link, uint64_t id, int n)
{
    for (int i = 0; i < link->n_events; i++)
        if (link->events[i].id == id && n-- == 0)
            return &link->events[i];
    return NULL;
}
