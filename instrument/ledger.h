/*
 * The instrument's memory of commands, and the judgement whether one may run: at most once, never
 * late, only in its session and epoch, only one changing command at a time. Pure: no clock, no I/O.
 *
 * The last 256 changing commands are kept with their latest event. A repeated id with the same
 * content gets that event again; with other content it is refused. Ids below the highest that are
 * no longer kept are refused, so nothing ever runs twice. Commands that change nothing or only make
 * it safer (abort, safe_retract, fence, resend, query) are not kept: doing them twice does no harm.
 */
#ifndef INSTRUMENT_LEDGER_H
#define INSTRUMENT_LEDGER_H

#include "instrument/message.h"

enum {
    LEDGER_ENTRIES = 256,
    LEDGER_TTL_MAX_MS = 60000, /* a longer life is not believed */
};

struct ledger;

/* Never NULL. */
struct ledger *ledger_create(void);
void ledger_destroy(struct ledger *ledger);

uint64_t ledger_last_id(const struct ledger *ledger);
uint64_t ledger_epoch(const struct ledger *ledger);

/* What the instrument end knows at the moment of judging. */
struct ledger_now {
    const char *session;
    int64_t host_ns; /* the clock that commands' bases were read from */
    bool leased;     /* an agent renews the lease */
    bool acting;     /* a changing command is running */
    const struct action_limits *limits;
};

enum ledger_verdict {
    LEDGER_RUN,    /* execute it; a changing one is now kept */
    LEDGER_REPEAT, /* send the stored event again */
    LEDGER_REFUSE  /* send *ret_event: rejected or expired */
};

/* Changes the epoch for a fence or a command of a later epoch that may run. */
enum ledger_verdict ledger_judge(struct ledger *ledger, const struct command *command,
                                 const struct ledger_now *now, struct command_event *ret_event);

/* Remember the latest event of a kept id; others are ignored. */
void ledger_note(struct ledger *ledger, const struct command_event *event);

/* The latest event of an id, or NULL. Borrowed until the next call. */
const struct command_event *ledger_find(const struct ledger *ledger, uint64_t id);

#endif
