/*
 * The instrument's end of the link, the same for the simulator, the replay and the bridge: paces a
 * struct microscope, sends its lines, executes commands at most once and never late, holds the
 * agent's lease and falls into the safe state without it. It trusts nobody: its limits come from
 * its own local file. Wire: docs/protocol.md. Loop thread only.
 */
#ifndef INSTRUMENT_MICROSCOPE_END_H
#define INSTRUMENT_MICROSCOPE_END_H

#include "instrument/microscope.h"
#include "instrument/zsock.h"

struct microscope_end;
struct keys;

struct microscope_end_options {
    const char *data_endpoint;    /* connected, PUSH */
    const char *command_endpoint; /* connected, DEALER */
    const struct keys *keys;      /* NULL: loopback or ipc only, else -EPERM */
    struct action_limits limits;  /* the instrument's own, from its local file */
    double withdraw_m;            /* how far the safe state withdraws */
    double time_scale;    /* instrument seconds per host second; 0: gated, as fast as acked */
    bool start_scanning;  /* begin to scan when the first agent has answered the hello */
    int64_t utc_epoch_us; /* wall clock of t_inst_ns = 0, for stamps */
};

/* All may be NULL; called from the loop. */
struct microscope_end_callbacks {
    void (*welcomed)(void *ctx, const struct agent_welcome *welcome);
    void (*refused)(void *ctx, const char *why); /* by the agent; the hello is repeated */
    void (*finished)(void *ctx); /* the microscope has nothing more to say and all is sent */
    void (*safe_state)(void *ctx, const char *why);
    void (*event)(void *ctx, const struct command_event *event); /* what is also sent */
};

/*
 * 0; -EPERM: an endpoint needs keys; -EINVAL: a negative or infinite time scale. The microscope's
 * clock starts with the first welcome. Gated, it then stands still while data or events wait for
 * their ack, except inside a running action and where microscope_end_goes_on(); an idle microscope
 * sends a note "idle" every 10 s of its clock, so that its time passes too.
 */
int microscope_end_create(struct zsock_hub *hub, const struct microscope_end_options *options,
                          struct microscope microscope,
                          const struct microscope_end_callbacks *callbacks, void *ctx,
                          struct microscope_end **ret_end);
/*
 * Whether a gated end sends the next message without waiting for the ack of this one: after a
 * forward trace in a frame with backward ones, since both belong to one line.
 */
bool microscope_end_goes_on(const struct data_message *message, bool x_retrace);
/* A running action is aborted. Before zsock_hub_close(); `done` may be NULL. */
void microscope_end_close(struct microscope_end *end, void (*done)(void *ctx), void *ctx);

#endif
