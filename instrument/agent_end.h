/*
 * The agent's end of the link to one instrument: binds two endpoints, decodes and checks what
 * comes, sends commands, keeps the instrument's lease alive, notices silence. Knows no policy.
 *
 * Peer: instrument/microscope_end.h. Wire: docs/protocol.md. Loop thread only.
 */
#ifndef INSTRUMENT_AGENT_END_H
#define INSTRUMENT_AGENT_END_H

#include "instrument/message.h"
#include "instrument/zsock.h"

struct agent_end;
struct keys; /* instrument/keys.h */

/* All called from the loop. Pointers are borrowed until return. */
struct agent_end_callbacks {
    void (*hello)(void *ctx, const struct instrument_hello *hello); /* at every (re)connection */
    void (*data)(void *ctx, const struct data_message *message);
    /* A message that was refused: undecodable, of an unknown session, real mixed with simulated.
     * `why` is a sentence. Of an unknown session only the first is told. */
    void (*bad_data)(void *ctx, const char *why);
    void (*event)(void *ctx, const struct command_event *event);
    void (*status)(void *ctx, const struct instrument_status *status);
    void (*lost)(void *ctx); /* three heartbeats missed; hello comes when it is back */
};

struct agent_end_options {
    const char *data_endpoint;    /* bound, PULL */
    const char *command_endpoint; /* bound, ROUTER */
    const struct keys *keys;      /* NULL: loopback or ipc only, else -EPERM */
    const char *policy_hash;      /* told to the instrument in the hello */
    uint32_t lease_ms; /* 150 .. 10000; renewed three times as often, lost after three misses */
};

/* 0; -EPERM: an endpoint needs keys, or keys without keys_guard_open() on this hub; -EINVAL. */
int agent_end_create(struct zsock_hub *hub, const struct agent_end_options *options,
                     const struct agent_end_callbacks *callbacks, void *ctx,
                     struct agent_end **ret_end);
void agent_end_close(struct agent_end *end, void (*done)(void *ctx), void *ctx);

void agent_end_set_policy_hash(struct agent_end *end, const char *policy_hash);

/*
 * Send one command as it is; `session` and `base_inst_host_ns` are filled in here from the latest
 * hello and status. 0; -ENOTCONN: no hello yet, or lost; -EAGAIN: no room. Never sent later.
 */
int agent_end_send(struct agent_end *end, struct command *command);

/*
 * The data message with this sequence number has been handled completely (gated instruments; does
 * nothing for others). Events are acknowledged here, when their callback returns.
 */
void agent_end_ack(struct agent_end *end, uint64_t seq);

/* Stop renewing the lease: the instrument goes to its safe state by itself. */
void agent_end_release(struct agent_end *end);

/* The endpoints really bound, for port 0. */
int agent_end_endpoints(struct agent_end *end, char *ret_data, char *ret_command, size_t size);

/* Instrument session of the last hello, or "". */
const char *agent_end_session(const struct agent_end *end);

#endif
