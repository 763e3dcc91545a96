/*
 * The journal and the night's record: one SQLite database in the state directory (WAL,
 * synchronous=FULL, one connection, one user at a time). Intent before command, outcome after.
 * Nothing is ever deleted or changed once committed, but for one row per night that says where the
 * night stands; an outcome is a row of its own. Schema and promises: docs/journal.md.
 *
 * Budgets are queries over the action rows: an action counts from its intent on, whatever became of
 * it, so a crash of ours can only over-count.
 *
 * After any error of a write the journal takes no more writes (the same error again): the caller
 * holds, and only a new journal_open, which verifies all, goes on.
 *
 * Not thread-safe: the agent's worker (agent/worker.h) runs one job at a time.
 */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include "agent/decide.h"
#include "instrument/message.h"

struct journal;

/* What an open (never resolved) intent of an earlier boot looked like. */
struct journal_open_action {
    uint64_t id;
    char session[SESSION_ID_MAX];
    struct action action;
};

/* Identity of this run of the agent and its night. */
struct journal_boot {
    uint64_t boot;  /* rises with each journal_open */
    uint64_t epoch; /* fencing number, raised and durable before anything is sent */
    uint64_t night;
    int64_t t_night_ns; /* where the night clock stands; 0 for a new night */
    uint32_t site;      /* current area, from 1 */
    uint32_t episode;
    /* The night has ended; nothing is to be done before a new one is begun. */
    enum safety_latched { JOURNAL_NOT_PARKED, JOURNAL_PARKED } parked;
};

struct journal_options {
    const char *directory; /* made if missing, mode 0700; locked against a second agent */
    bool new_night;        /* end the open night, if any, and begin another */
    const char *policy_hash, *policy_name, *model_hash;
};

/*
 * Open, lock, verify (integrity_check, row checksums, action chain), raise boot and epoch. 0;
 * -EBUSY: another agent holds the directory; -EBADMSG: damaged, with a sentence in `error`.
 */
int journal_open(const struct journal_options *options, int64_t t_utc_us,
                 struct journal **ret_journal, struct journal_boot *ret_boot, char *error,
                 size_t error_size);
void journal_close(struct journal *journal);

/* Intents without outcome, oldest first. 0; -ENOSPC: more than `max`. */
int journal_open_actions(struct journal *journal, struct journal_open_action *list, size_t max,
                         size_t *ret_n);

/* Who or what wanted an action, and on what grounds. */
struct journal_intent {
    const char *session; /* instrument session it is meant for */
    uint64_t epoch;
    uint32_t site, episode;
    struct action action;
    const char *who; /* "policy" or "operator:NAME" */
    int rule;        /* -1: operator */
    const char *rule_name;
    int rule_line;
    const char *policy_hash;
    const struct verdict *verdict; /* NULL: none */
    const char *why;
    int64_t t_night_ns, t_utc_us;
};

/*
 * Durable when it returns 0; *ret_id is the command's id, never used before or again. -ESTALE: the
 * epoch is not the journal's: a hold came between. -EINVAL: a parameter is not finite.
 */
int journal_intent(struct journal *journal, const struct journal_intent *intent, uint64_t *ret_id);

/*
 * The outcome of an intent: done, failed, rejected, expired, cancelled or unknown. Durable, and the
 * first one stands: -EALREADY. -ENOENT: no such intent. -EINVAL: a state that ends nothing.
 */
int journal_outcome(struct journal *journal, uint64_t id, enum command_state state,
                    bool crash_detected, const char *text, int64_t t_night_ns, int64_t t_utc_us);

/* Raise the epoch (hold, resume). Durable. */
int journal_raise_epoch(struct journal *journal, uint64_t *ret_epoch);

/*
 * An instrument has seen command id `id` and epoch `epoch`, perhaps from an agent with another
 * state directory: ids and epochs of this journal go on above them. Durable. *ret_epoch: the new
 * epoch, or the one that already was above.
 */
int journal_raise_above(struct journal *journal, uint64_t id, uint64_t epoch, uint64_t *ret_epoch);

/*
 * An id for a command that is no action (start or stop the scan): above all before it, never drawn
 * again. The epoch rises with it. Durable.
 */
int journal_draw_id(struct journal *journal, uint64_t *ret_id, uint64_t *ret_epoch);

/* What is spent by now. Firings go by the rules' names, so that they survive a policy's reload. */
int journal_use(struct journal *journal, const struct policy *policy, uint32_t site,
                uint32_t episode, int64_t t_night_ns, struct budget_use *ret_use);

/* End the night: "good", "budget", "time", "parked", "stopped". Durable. -EALREADY: it had ended.
 */
int journal_end_night(struct journal *journal, const char *how, const char *why, int64_t t_night_ns,
                      int64_t t_utc_us);

/* The record. These are durable with the next journal_flush, intent or outcome, in order. */
int journal_event(struct journal *journal, const char *kind, const char *who, const char *text,
                  int64_t t_night_ns, int64_t t_utc_us);
int journal_verdict(struct journal *journal, const struct verdict *verdict);
int journal_decision(struct journal *journal, const struct policy *policy,
                     const struct decision *decision, const struct verdict *verdict,
                     const char *guard, const char *guard_why);
/* A frame's end: what was received and where its pictures are ("" none). */
struct journal_frame {
    uint64_t scan;
    uint32_t run, cycle;
    enum scan_trace trace;
    struct scan_geometry geometry;
    uint32_t lines_seen, lines_missing, lines_resent;
    uint32_t site;
    const char *end;
    const char *picture;
    struct verdict last;
};
int journal_frame(struct journal *journal, const struct journal_frame *frame);
/* Advance the durable night clock, site and episode with the next commit. */
int journal_place(struct journal *journal, uint32_t site, uint32_t episode, int64_t t_night_ns);
int journal_flush(struct journal *journal);

/* The map of used places: its newest page. */
struct journal_spot {
    double x_m, y_m; /* relative to the page's first area */
    double radius_m; /* forbidden circle around the place of an action; 0: centre of an area */
    uint32_t page;
    uint32_t actions; /* of the whole site; not written */
};
int journal_spots(struct journal *journal, struct journal_spot *list, size_t max, size_t *ret_n);
int journal_spot_add(struct journal *journal, uint32_t site, const struct journal_spot *spot);

/* What has worked, over all nights, since it was last forgotten. Durable with the next flush. */
int journal_trial(struct journal *journal, const char *profile, const struct learn_trial *trial,
                  int64_t t_night_ns);
int journal_learned(struct journal *journal, const char *profile, struct learned *ret_learned);
/* From here on as if nothing had been tried. Durable. */
int journal_forget_learned(struct journal *journal, int64_t t_utc_us);

#endif
