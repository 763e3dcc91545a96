/* Numbers, gaps and resends of the line stream. */
#include "instrument/outflow.h"

#include "instrument/resend.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    HWM = 2000,
    OUTBOX = 4096, /* a resend of a whole frame must fit */
    LINGER_MS = 1000,
};

struct outflow {
    struct zsock *sock; /* NULL: closed */
    struct resend *resend;
    char session[SESSION_ID_MAX];
    bool simulated;
    int64_t utc_epoch_us;
    uint64_t seq;
    uint64_t gap_from, gap_to; /* dropped and not yet confessed; 0: none */
    uint64_t dropped;
};

int outflow_create(struct zsock_hub *hub, const struct outflow_options *options,
                   struct outflow **ret_flow)
{
    const struct zsock_options push = {
        .type = ZMQ_PUSH,
        .hwm = HWM,
        .max_bytes = 1024, /* of what a PUSH never receives */
        .linger_ms = LINGER_MS,
        .outbox_max = OUTBOX,
        .curve = options->curve,
    };
    struct zsock *sock;
    int rc = zsock_create(hub, &push, NULL, NULL, &sock);
    if (rc != 0)
        return rc;
    rc = zsock_connect(sock, options->endpoint);
    if (rc != 0) {
        zsock_close(sock);
        return rc;
    }
    struct outflow *flow = calloc(1, sizeof(*flow));
    if (!flow)
        abort();
    flow->sock = sock;
    flow->resend = resend_create();
    memcpy(flow->session, options->session, sizeof(flow->session));
    flow->simulated = options->simulated;
    flow->utc_epoch_us = options->utc_epoch_us;
    *ret_flow = flow;
    return 0;
}

void outflow_close(struct outflow *flow)
{
    zsock_close(flow->sock);
    flow->sock = NULL;
}

void outflow_destroy(struct outflow *flow)
{
    if (!flow)
        return;
    outflow_close(flow);
    resend_destroy(flow->resend);
    free(flow);
}

static void number_and_send(struct outflow *flow, struct data_message *message,
                            const struct protocol_counts *counts, bool room)
{
    struct protocol_frames frames;
    memcpy(message->session, flow->session, sizeof(message->session));
    message->simulated = flow->simulated;
    message->line.seq = flow->seq + 1;
    message->line.t_utc_us = flow->utc_epoch_us + message->line.t_inst_ns / 1000;
    if (protocol_encode_data(message, counts, &frames) != 0)
        return;
    flow->seq++;
    const struct zsock_part parts[] = {{frames.header, frames.header_size},
                                       {frames.samples, frames.samples_size}};
    if (!room || zsock_send(flow->sock, parts, 2) != 0) {
        flow->dropped++;
        flow->gap_to = flow->seq;
        if (flow->gap_from == 0)
            flow->gap_from = flow->seq;
    }
    resend_keep_take(flow->resend, flow->seq, message->line.scan, frames);
}

static void confess_gap(struct outflow *flow, const struct data_message *before)
{
    struct data_message gap = {
        .type = DATA_GAP, .from_seq = flow->gap_from, .to_seq = flow->gap_to};
    gap.line.t_inst_ns = before->line.t_inst_ns;
    gap.line.scan = before->line.scan;
    flow->gap_from = flow->gap_to = 0;
    number_and_send(flow, &gap, NULL, true);
}

void outflow_send(struct outflow *flow, struct data_message *message,
                  const struct protocol_counts *counts, bool connected)
{
    /* Behind a gap the next message goes out only together with the word that there was one. */
    size_t needed = flow->gap_from != 0 ? 2 : 1;
    bool room = connected && flow->sock && zsock_pending(flow->sock) + needed <= OUTBOX;
    if (room && flow->gap_from != 0)
        confess_gap(flow, message);
    number_and_send(flow, message, counts, room);
}

void outflow_resend(struct outflow *flow, uint64_t from, uint64_t to, uint64_t *ret_sent,
                    uint64_t *ret_wanted)
{
    uint64_t sent = 0, wanted = 0;
    uint64_t last = to < flow->seq ? to : flow->seq;
    for (uint64_t seq = from; seq <= last && wanted < RESEND_MESSAGES_MAX; seq++) {
        struct protocol_frames frames;
        wanted++;
        if (!flow->sock || resend_get(flow->resend, seq, &frames) != 0)
            continue;
        const struct zsock_part parts[] = {{frames.header, frames.header_size},
                                           {frames.samples, frames.samples_size}};
        sent += zsock_send(flow->sock, parts, 2) == 0;
        free(frames.header);
    }
    *ret_sent = sent;
    *ret_wanted = wanted;
}

uint64_t outflow_last_seq(const struct outflow *flow)
{
    return flow->seq;
}

uint64_t outflow_dropped(const struct outflow *flow)
{
    return flow->dropped;
}

bool outflow_is_empty(const struct outflow *flow)
{
    return !flow->sock || zsock_pending(flow->sock) == 0;
}
