/*
 * Both ends of the link in one thread, each with its own loop and ZeroMQ context, stepped by turns;
 * an end that is not stepped is frozen, as if by SIGSTOP. What each end reports is kept.
 */
#ifndef TESTS_INSTRUMENT_LINK_H
#define TESTS_INSTRUMENT_LINK_H

#include "instrument/agent_end.h"
#include "instrument/keys.h"
#include "instrument/microscope_end.h"
#include "tests/instrument/fake_microscope.h"

enum { LINK_EVENTS = 64 };

struct link_side {
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    bool open;
};

struct link {
    struct link_side agent_side, instrument_side;
    struct agent_end *agent;
    struct microscope_end *instrument;
    struct keys_guard *guard;
    struct fake_microscope fake;
    struct agent_end_options agent_options;
    struct microscope_end_options instrument_options;
    char data_endpoint[64], command_endpoint[64];

    /* Seen by the agent. */
    int hellos, lost, bad;
    char bad_text[300];
    struct instrument_hello hello;
    struct instrument_status status;
    int statuses;
    struct command_event events[LINK_EVENTS];
    int n_events;
    uint64_t n_data, n_late, next_seq, covered; /* covered: by data or by gaps */
    int gaps, notes, out_of_order;
    struct data_message last_data;
    double last_sample, late_sample;
    uint64_t late_seq;
    bool do_not_ack;

    /* Seen by the instrument. */
    int safe_states, finished, refused;
    char why_safe[MESSAGE_TEXT_MAX];
};

/* Options as for most tests: gated, lease 3 s, compiled silicon limits. Nothing is open yet. */
void link_init(struct link *link);
void link_open_agent(struct link *link);
void link_open_instrument(struct link *link);
void link_close_agent(struct link *link);
void link_close_instrument(struct link *link);
void link_finish(struct link *link);

/* One turn of one end, or of both. */
void link_step_agent(struct link *link);
void link_step_instrument(struct link *link);
void link_step(struct link *link);

/* Step both until the condition holds; a test fails after 20 s. */
#define LINK_UNTIL(link, condition)                                                                \
    do {                                                                                           \
        uint64_t give_up_ = uv_hrtime() + UINT64_C(20000000000);                                   \
        while (!(condition)) {                                                                     \
            link_step(link);                                                                       \
            ck_assert_msg(uv_hrtime() < give_up_, "never happened: %s", #condition);               \
        }                                                                                          \
    } while (0)

/* A command with everything but the verb filled in. */
struct command link_command(uint64_t id, enum command_verb verb);
struct command link_pulse(uint64_t id);

/* The n-th event (from 0) of this id, or NULL. */
const struct command_event *link_event(const struct link *link, uint64_t id, int n);

#endif
