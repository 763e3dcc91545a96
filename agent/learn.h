/*
 * Which action has worked before: counts per action and per what the tip looked like, and the
 * choice that follows from them. Behind the policy's `strategy: learn`.
 *
 * A trial is an action of the policy on the tip and what came of it: it worked when the next thing
 * that the policy did was to call the tip good, it failed when that was another action. A trial
 * whose end nobody saw (operator, restart, end of night) is no trial. Counts come from trials only.
 *
 * The choice. For each option the chance p that it works has a Beta distribution. Its prior is
 * worth 3 tries and follows the ladder: .15 for the ladder's next step, falling by a tenth with
 * each step further off, to a third of that. Every trial on record adds to it, with a weight: 1 for
 * the same action on the same sort of tip; less for another size of the same kind (a Gaussian of
 * the log of the sizes' ratio, width .3), for another sort of tip (.25), for the other sign (.5),
 * and for a trial of an action that had, or had not, failed on this tip before (.4). So few trials
 * say something about the neighbours, and a record that tells sorts of tips apart soon outweighs
 * what is shared. Taken is the option with the least time to a good tip, seconds of one try over
 * chance, when every chance is taken for one standard deviation better than it is known to be: what
 * has hardly been tried gets its turn. A violent step counts for longer than it takes, by up to a
 * half. All of this is arithmetic on counts: the same record gives the same choice. The numbers are
 * ours [I].
 *
 * Pure. Kinds that are learnt about: pulse, crash, neck.
 */
#ifndef AGENT_LEARN_H
#define AGENT_LEARN_H

#include "agent/verdict.h"
#include "config/policy.h"

enum learn_seen {
    LEARN_CHANGING, /* tip_change >= 0.5 */
    LEARN_BAD,      /* else bad_blurry >= 0.5 */
    LEARN_LOPSIDED, /* else asymmetries >= 0.5 */
    LEARN_ROWS,     /* else rows >= 0.5 */
    LEARN_UNCLEAR,
    LEARN_SEEN_COUNT
};

/* Pulse, crash, neck. */
bool learn_is_about(const struct action *action);

enum learn_seen learn_seen_of(const struct verdict *verdict);
/* "changing", "bad", "lopsided", "rows", "unclear"; for the record. */
const char *learn_seen_name(enum learn_seen seen);
/* -1: none of them. */
int learn_seen_from_name(const char *name);

struct learn_trial {
    enum action_kind kind;
    double size; /* volts or metres, with the sign of a pulse; 3 digits */
    enum learn_seen seen;
    bool again; /* its like had failed in this episode */
    uint32_t tried, worked;
};

enum { LEARN_TRIALS_MAX = 512, LEARN_EPISODE_MAX = 64, LEARN_OPTIONS_MAX = 512 };

struct learned {
    struct learn_trial trials[LEARN_TRIALS_MAX]; /* one row per action, sort of tip and `again` */
    size_t n_trials;
    struct learn_trial failed[LEARN_EPISODE_MAX]; /* in this episode */
    size_t n_failed;
    bool open; /* an action waits for what comes of it: */
    struct learn_trial open_trial;
};

/* Add counts, of one trial or of many. More different ones than fit are dropped. */
void learn_note(struct learned *learned, const struct learn_trial *trial);

/*
 * The policy has acted on a tip that looked like this. Whatever action was open has failed: true,
 * with that trial in *ret_trial, counted already.
 */
bool learn_acted(struct learned *learned, const struct action *action, enum learn_seen seen,
                 struct learn_trial *ret_trial);
/* The policy has called the tip good: the open action worked. Begins an episode. */
bool learn_good(struct learned *learned, struct learn_trial *ret_trial);
/*
 * An action has ended. If it is not the open one, or was not done, nobody will know what the open
 * one alone would have brought: it is dropped.
 */
void learn_ended(struct learned *learned, const struct action *action, bool done);

struct learn_option {
    struct action action;
    uint32_t distance; /* steps of the ladder from its next one, either way; 0: that one */
    double seconds;    /* one try, with what is waited and looked at */
    double violence;   /* 0..1 of what is allowed of its kind */
};

/* Index of the option to take; n > 0. `why` gets a sentence: "crash 0.70 nm: worked 3 of 9 ...". */
size_t learn_choose(const struct learned *learned, const struct learn_option *options, size_t n,
                    enum learn_seen seen, char *why, size_t why_size);

#endif
