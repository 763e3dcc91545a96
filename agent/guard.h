/*
 * The one gate before the wire. Every command that changes the tip or the frame passes it, the
 * policy's and the operator's alike. It says yes or says why not; it never alters a value.
 * Pure functions over plain facts.
 */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include "agent/decide.h"

/*
 * Safe states, in rising order; the higher one wins. HOLD: nothing automatic, the scan goes on.
 * RETRACT: the tip is being withdrawn or is withdrawn. PARKED: as RETRACT, and the night is over
 * until somebody starts a new one.
 */
enum safety { SAFETY_ARMED, SAFETY_HOLD, SAFETY_RETRACT, SAFETY_PARKED, SAFETY_COUNT };

const char *safety_name(enum safety safety);

/* The facts at the moment of asking. */
struct guard_facts {
    enum safety safety;
    bool operator_request; /* an operator asks: allowed in HOLD, all else holds */
    bool link_up;          /* hello seen and heartbeats coming */
    bool fenced;           /* the instrument has confirmed our epoch */
    bool frame_begun;      /* a scan_begin of this session has been seen */
    bool command_open;     /* a changing command has no outcome yet */
    bool model_ok, journal_ok;
    /*
     * Host time since the newest line of this scan arrived; 0 while a gated instrument waits for
     * our ack, as it cannot have sent a newer one.
     */
    int64_t line_age_ns;
    int64_t line_period_ns; /* host time between lines, smoothed */
    uint32_t lines_seen, lines_due;
    uint32_t bad_lines_in_a_row, flat_lines_in_a_row;
    bool over_current;
    bool feedback_on;
    double z_m;            /* NAN: not known; then nothing passes that z decides over */
    double since_action_s; /* instrument time since the last action's end; INFINITY: none */
    double night_s;        /* instrument time since the night began */
    double silent_s;       /* instrument time since the last line; 0: there was none yet */
    struct budget_use use;
};

/* Every reason for a no, most basic first; the first that holds is given. */
enum guard_verdict {
    GUARD_PASS,
    GUARD_NOT_ARMED,
    GUARD_LINK_DOWN,
    GUARD_NOT_FENCED,
    GUARD_COMMAND_OPEN,
    GUARD_JOURNAL,
    GUARD_MODEL,
    GUARD_NO_FRAME,
    GUARD_STALE,
    GUARD_LINES_MISSING,
    GUARD_FEEDBACK_OFF,
    GUARD_OVER_CURRENT,
    GUARD_Z_RANGE,
    GUARD_FLAT_LINE,
    GUARD_BAD_AREA,
    GUARD_BOUNDS,
    GUARD_COOL_DOWN,
    GUARD_BUDGET,
    GUARD_NIGHT_OVER,
    GUARD_VERDICT_COUNT
};

/* "stale-data", ... for the record. Borrowed, lives for ever. */
const char *guard_verdict_name(enum guard_verdict verdict);

/*
 * Retract and approach are excused from conditions that only a running scan can meet, and reimage
 * from a bad area: the table in guard.c, explained in docs/safety.md.
 *
 * `limits` are those of the policy narrowed by the instrument's (guard_narrow). `why` gets a
 * sentence with the numbers that decided, always terminated.
 */
enum guard_verdict guard_action(const struct policy *policy, const struct action_limits *limits,
                                const struct guard_facts *facts, const struct action *action,
                                char *why, size_t why_size);

/*
 * No line for so long in the instrument's time, and no action runs: the scan stands still, and
 * nobody would notice. Longer than any frame move.
 */
enum { GUARD_SILENT_S = 120 };

/* The tighter of each pair of limits. */
void guard_narrow(const struct action_limits *a, const struct action_limits *b,
                  struct action_limits *ret_limits);

/*
 * The safe state that the facts demand by themselves, whatever a policy says: SAFETY_ARMED if none.
 * Crash detections up to the policy's number or no progress: PARKED. Over-current or lost contact
 * (guards.bad_lines flat lines in a row): RETRACT. z out of range, no line for GUARD_SILENT_S,
 * journal or model lost: HOLD.
 */
enum safety guard_demand(const struct policy *policy, const struct guard_facts *facts,
                         uint32_t sites_without_gain, char *why, size_t why_size);

#endif
