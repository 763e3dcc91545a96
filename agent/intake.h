/*
 * The door of the line stream: puts data messages back into the instrument's order, asks for what
 * is missing, gives up in bounded time, and gives every message and every sequence number exactly
 * one fate. Pure: no I/O, time is an argument. Also the queue in front of the agent: one message
 * is taken out at a time, when the one before has been dealt with.
 *
 * Two sums hold at any moment (intake_counts_balance):
 *   offered messages  = released + waiting + refused at the door
 *   sequence numbers passed = released + missing
 * where "released" are the messages handed on, good or bad, by fate.
 */
#ifndef AGENT_INTAKE_H
#define AGENT_INTAKE_H

#include "config/policy.h"
#include "instrument/message.h"

struct intake;

enum intake_fate {
    /* Handed on in order by intake_next(). */
    INTAKE_USED,        /* a line that may be judged */
    INTAKE_LATE,        /* the same, resent on request, in time */
    INTAKE_CONTROL,     /* scan_begin, scan_end, gap, note */
    INTAKE_NOT_FINITE,  /* a line with NaN or infinity */
    INTAKE_RAILED,      /* a line with samples at a converter rail */
    INTAKE_PARTIAL,     /* a line inside which the instrument stopped */
    INTAKE_WRONG_WIDTH, /* as many samples as the frame does not have */
    INTAKE_WRONG_PLACE, /* a line of no frame, of another frame, or outside this one */
    /* Refused at the door. */
    INTAKE_DUPLICATE,
    INTAKE_TOO_LATE,    /* resent after it had been given up */
    INTAKE_OLD_SESSION, /* of another start of the instrument */
    INTAKE_NO_ROOM,     /* too far ahead of what has been dealt with */
    INTAKE_FATE_COUNT
};

/* "used", ... Borrowed, lives for ever. */
const char *intake_fate_name(enum intake_fate fate);

struct intake_counts {
    uint64_t offered;                 /* messages that came in, decoded */
    uint64_t fate[INTAKE_FATE_COUNT]; /* of each of them */
    uint64_t waiting;                 /* held, fate not decided yet */
    uint64_t passed;                  /* sequence numbers behind us, all sessions */
    uint64_t missing;                 /* of them, never received in time */
    uint64_t out_of_order;            /* came after a higher number, without being asked for */
    uint64_t undecodable;             /* not part of the sums: they have no readable number */
    uint64_t resend_requests;
};

/* Both sums of the head comment hold. */
bool intake_counts_balance(const struct intake_counts *counts);

/* Aborts when there is no memory: a start without an intake is no start. */
struct intake *intake_create(void);
void intake_destroy(struct intake *intake);

/*
 * The instrument has said hello with this session. A new one empties the queue; its first message
 * to arrive is where counting starts.
 */
void intake_session(struct intake *intake, const char *session);

/* A message has arrived (copied). Returns the fate when it is refused, else INTAKE_USED. */
enum intake_fate intake_offer(struct intake *intake, const struct data_message *message,
                              int64_t now_ns);
void intake_undecodable(struct intake *intake);

/* The instrument's status names the last number that it has sent: shows a lost tail. */
void intake_last_sent(struct intake *intake, uint64_t last_seq);

/* The next message in order. `message` is borrowed until the next call of intake_next(). */
struct intake_item {
    const struct data_message *message;
    enum intake_fate fate;
    int64_t arrived_ns; /* host time */
};

/* False: nothing to hand on now; ask again after the next message, and now and then. */
bool intake_next(struct intake *intake, int64_t now_ns, struct intake_item *ret_item);

/* True: ask the instrument now for these numbers once more. Bounded per gap. */
bool intake_resend(struct intake *intake, int64_t now_ns, uint64_t *ret_from, uint64_t *ret_to);

const struct intake_counts *intake_counts(const struct intake *intake);

/* What one good line says about contact and current. */
struct intake_check {
    double peak_to_peak; /* after a straight line fit, in the line's unit; NAN: under 3 points */
    bool over_current;   /* channel I: more than so many samples in a row above the limit */
};

void intake_check_line(const struct scan_line *line, const struct policy_guards *guards,
                       struct intake_check *ret_check);

#endif
