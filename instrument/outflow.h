/*
 * The data messages on their way out: numbered, encoded, never waited for. What finds no room is
 * counted, confessed by a gap message in front of the next one that does, and kept with the rest of
 * the last two scans for a resend.
 */
#ifndef INSTRUMENT_OUTFLOW_H
#define INSTRUMENT_OUTFLOW_H

#include "instrument/protocol.h"
#include "instrument/zsock.h"

struct outflow;

struct outflow_options {
    const char *endpoint; /* connected, PUSH */
    const struct zsock_curve *curve;
    char session[SESSION_ID_MAX];
    bool simulated;
    int64_t utc_epoch_us; /* wall clock of t_inst_ns = 0 */
};

int outflow_create(struct zsock_hub *hub, const struct outflow_options *options,
                   struct outflow **ret_flow);
/* Close the socket; numbers stay readable, and nothing is sent any more. */
void outflow_close(struct outflow *flow);
/* Closes it, too. NULL is harmless. */
void outflow_destroy(struct outflow *flow);

/*
 * Give the message the next number, stamps and session, and send it, unless nobody is connected:
 * what piled up meanwhile would be stale when somebody comes. `counts` as in
 * protocol_encode_data().
 */
void outflow_send(struct outflow *flow, struct data_message *message,
                  const struct protocol_counts *counts, bool connected);

/* Messages from..to once more, flagged late; how many went, of how many that exist. */
void outflow_resend(struct outflow *flow, uint64_t from, uint64_t to, uint64_t *ret_sent,
                    uint64_t *ret_wanted);

uint64_t outflow_last_seq(const struct outflow *flow);
uint64_t outflow_dropped(const struct outflow *flow);
/* True when everything has been handed to ZeroMQ. */
bool outflow_is_empty(const struct outflow *flow);

#endif
