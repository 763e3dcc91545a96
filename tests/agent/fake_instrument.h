/*
 * An instrument for tests: its half of docs/protocol.md, driven step by step in the test's own
 * loop. It does what it is told to do wrong: loses, repeats, swaps and spoils messages, keeps
 * silent, forgets its session. It judges no command; it writes down what comes.
 */
#ifndef TESTS_AGENT_FAKE_INSTRUMENT_H
#define TESTS_AGENT_FAKE_INSTRUMENT_H

#include "instrument/protocol.h"
#include "instrument/zsock.h"

enum { FAKE_POINTS = 16, FAKE_LINES = 12, FAKE_COMMANDS_MAX = 512, FAKE_SENT_MAX = 4096 };

struct fake_instrument {
    struct zsock *data, *control;
    char session[SESSION_ID_MAX];
    uint32_t contact;
    uint64_t seq, scan, epoch, last_id, acked;
    int64_t t_inst_ns;
    uint32_t line, cycle;
    uint64_t event_number;
    enum instrument_state state;
    bool answer_fence, answer_retract, answer_resend; /* true at first */
    bool welcomed, current_i; /* current_i: a line of channel I after each of channel Z */
    struct command commands[FAKE_COMMANDS_MAX]; /* as they came */
    size_t n_commands;
    struct protocol_frames sent[FAKE_SENT_MAX]; /* by number, for resends */
    double height_scale_m, current_a;
};

void fake_open(struct fake_instrument *fake, struct zsock_hub *hub, const char *data_endpoint,
               const char *control_endpoint);
void fake_close(struct fake_instrument *fake);

void fake_hello(struct fake_instrument *fake);
void fake_status(struct fake_instrument *fake);

/* The next message of an endless scan: scan_begin, lines upwards, scan_end, .... */
enum fake_fault {
    FAKE_FINE,
    FAKE_LOST, /* numbered, kept for a resend, not sent */
    FAKE_TWICE,
    FAKE_NOT_FINITE, /* only lines can be spoilt; others go out fine */
    FAKE_RAILED,
    FAKE_WRONG_WIDTH,
    FAKE_FAULT_COUNT
};
/* Returns its number; *ret_line is true for a line of channel Z. */
uint64_t fake_scan_on(struct fake_instrument *fake, enum fake_fault fault, bool *ret_line);
/* The next two messages, the second one first. */
void fake_swap(struct fake_instrument *fake);

void fake_event(struct fake_instrument *fake, uint64_t id, enum command_state state,
                const char *text);

/* Newest command of a verb, or NULL; and how many of it have come. */
const struct command *fake_last(const struct fake_instrument *fake, enum command_verb verb);
size_t fake_count(const struct fake_instrument *fake, enum command_verb verb);

#endif
