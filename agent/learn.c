/* Beta counts with neighbours. */
#include "agent/learn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double PRIOR_TRIES = 3, PRIOR_CHANCE = 0.15, STEP_KEEPS = 0.9, FAR_SHARE = 0.35;
static const double OTHER_SEEN = 0.25, OTHER_SIGN = 0.5, OTHER_AGAIN = 0.4;
/* Natural logarithm of sizes that say .6 about each other. */
static const double SIZE_WIDTH = 0.3;
/* An action is its like again when it is nearer than that. */
static const double ALIKE = 0.6;
static const double VIOLENCE_COSTS = 0.5;

static const char *const seen_names[LEARN_SEEN_COUNT] = {
    [LEARN_CHANGING] = "changing", [LEARN_BAD] = "bad",         [LEARN_LOPSIDED] = "lopsided",
    [LEARN_ROWS] = "rows",         [LEARN_UNCLEAR] = "unclear",
};

bool learn_is_about(const struct action *action)
{
    return action->kind == ACTION_PULSE || action->kind == ACTION_CRASH ||
           action->kind == ACTION_NECK;
}

enum learn_seen learn_seen_of(const struct verdict *verdict)
{
    static const struct {
        enum nn_label label;
        enum learn_seen seen;
    } order[] = {{NN_LABEL_TIP_CHANGE, LEARN_CHANGING},
                 {NN_LABEL_BAD_BLURRY, LEARN_BAD},
                 {NN_LABEL_ASYMMETRIES, LEARN_LOPSIDED},
                 {NN_LABEL_ROWS, LEARN_ROWS}};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (verdict->p[order[i].label] >= 0.5f)
            return order[i].seen;
    return LEARN_UNCLEAR;
}

const char *learn_seen_name(enum learn_seen seen)
{
    return seen_names[seen];
}

int learn_seen_from_name(const char *name)
{
    for (int i = 0; i < LEARN_SEEN_COUNT; i++)
        if (strcmp(seen_names[i], name) == 0)
            return i;
    return -1;
}

/* Three digits, so that the same step of a ramp is the same action whatever its rounding. */
static double round_size(double size)
{
    if (size == 0 || !isfinite(size))
        return 0;
    double unit = pow(10, floor(log10(fabs(size))) - 2);
    return round(size / unit) * unit;
}

static struct learn_trial describe(const struct action *action, enum learn_seen seen)
{
    double size = action->kind == ACTION_CRASH ? action->depth_m : action->voltage_v;
    return (struct learn_trial){.kind = action->kind, .size = round_size(size), .seen = seen};
}

/* How much one action says about another, 0..1: 1 for the same. */
static double likeness(const struct learn_trial *a, const struct learn_trial *b)
{
    if (a->kind != b->kind || a->size == 0 || b->size == 0)
        return 0;
    double apart = log(fabs(a->size / b->size)) / SIZE_WIDTH;
    double sign = (a->size < 0) == (b->size < 0) ? 1 : OTHER_SIGN;
    return sign * exp(-apart * apart / 2);
}

static double weight(const struct learn_trial *trial, const struct learn_trial *wanted)
{
    return likeness(trial, wanted) * (trial->seen == wanted->seen ? 1 : OTHER_SEEN) *
           (trial->again == wanted->again ? 1 : OTHER_AGAIN);
}

static bool has_failed(const struct learned *learned, const struct learn_trial *trial)
{
    for (size_t i = 0; i < learned->n_failed; i++)
        if (likeness(&learned->failed[i], trial) >= ALIKE)
            return true;
    return false;
}

static bool is_same(const struct learn_trial *a, const struct learn_trial *b)
{
    return a->kind == b->kind && a->seen == b->seen && a->again == b->again &&
           fabs(a->size - b->size) <= 1e-6 * fabs(a->size);
}

void learn_note(struct learned *learned, const struct learn_trial *trial)
{
    size_t i = 0;
    while (i < learned->n_trials && !is_same(&learned->trials[i], trial))
        i++;
    if (i == LEARN_TRIALS_MAX)
        return;
    if (i == learned->n_trials) {
        learned->trials[learned->n_trials++] = *trial;
        return;
    }
    learned->trials[i].tried += trial->tried;
    learned->trials[i].worked += trial->worked;
}

static bool conclude(struct learned *learned, bool worked, struct learn_trial *ret_trial)
{
    if (!learned->open)
        return false;
    struct learn_trial trial = learned->open_trial;
    learned->open = false;
    trial.tried = 1;
    trial.worked = worked;
    learn_note(learned, &trial);
    if (!worked && learned->n_failed < LEARN_EPISODE_MAX)
        learned->failed[learned->n_failed++] = trial;
    *ret_trial = trial;
    return true;
}

bool learn_acted(struct learned *learned, const struct action *action, enum learn_seen seen,
                 struct learn_trial *ret_trial)
{
    bool concluded = conclude(learned, false, ret_trial);
    learned->open_trial = describe(action, seen);
    learned->open_trial.again = has_failed(learned, &learned->open_trial);
    learned->open = true;
    return concluded;
}

bool learn_good(struct learned *learned, struct learn_trial *ret_trial)
{
    bool concluded = conclude(learned, true, ret_trial);
    learned->n_failed = 0;
    return concluded;
}

void learn_ended(struct learned *learned, const struct action *action, bool done)
{
    struct learn_trial trial = describe(action, learned->open_trial.seen);
    trial.again = learned->open_trial.again;
    if (!done || !is_same(&trial, &learned->open_trial))
        learned->open = false;
}

/* The chance by which an option is chosen: known and hoped. */
static double hoped_chance(const struct learned *learned, const struct learn_trial *wanted,
                           uint32_t distance)
{
    double prior = PRIOR_CHANCE * (FAR_SHARE + (1 - FAR_SHARE) * pow(STEP_KEEPS, distance));
    double worked = PRIOR_TRIES * prior, failed = PRIOR_TRIES * (1 - prior);
    for (size_t i = 0; i < learned->n_trials; i++) {
        const struct learn_trial *trial = &learned->trials[i];
        double w = weight(trial, wanted);
        worked += w * trial->worked;
        failed += w * (trial->tried - trial->worked);
    }
    double n = worked + failed, mean = worked / n;
    return mean + sqrt(mean * (1 - mean) / (n + 1));
}

/* Trials of this action on this sort of tip, first tries and later ones. */
static void count(const struct learned *learned, const struct learn_trial *wanted,
                  uint32_t *ret_worked, uint32_t *ret_tried)
{
    *ret_worked = *ret_tried = 0;
    for (size_t i = 0; i < learned->n_trials; i++) {
        struct learn_trial trial = learned->trials[i];
        trial.again = wanted->again;
        if (!is_same(&trial, wanted))
            continue;
        *ret_worked += trial.worked;
        *ret_tried += trial.tried;
    }
}

static void write_size(const struct learn_trial *trial, char *buf, size_t size)
{
    if (trial->kind == ACTION_CRASH)
        snprintf(buf, size, "%.2f nm", trial->size * 1e9);
    else
        snprintf(buf, size, "%.1f V", trial->size);
}

static void explain(const struct learned *learned, const struct learn_trial *chosen,
                    const struct learn_trial *next, char *why, size_t why_size)
{
    static const char *const tips[LEARN_SEEN_COUNT] = {
        [LEARN_CHANGING] = "a changing tip", [LEARN_BAD] = "a bad tip",
        [LEARN_LOPSIDED] = "a lopsided tip", [LEARN_ROWS] = "a tip of rows",
        [LEARN_UNCLEAR] = "an unclear tip",
    };
    char size[24], next_size[24];
    uint32_t worked, tried, next_worked, next_tried;
    count(learned, chosen, &worked, &tried);
    write_size(chosen, size, sizeof(size));
    if (chosen == next) {
        snprintf(why, why_size, "%s %s, the ladder's next: worked %u of %u times on %s here",
                 action_kind_name(chosen->kind), size, worked, tried, tips[chosen->seen]);
        return;
    }
    count(learned, next, &next_worked, &next_tried);
    write_size(next, next_size, sizeof(next_size));
    snprintf(why, why_size,
             "%s %s: worked %u of %u times on %s here, ladder's next %s%s%s %u of %u",
             action_kind_name(chosen->kind), size, worked, tried, tips[chosen->seen],
             next->kind == chosen->kind ? "" : action_kind_name(next->kind),
             next->kind == chosen->kind ? "" : " ", next_size, next_worked, next_tried);
}

size_t learn_choose(const struct learned *learned, const struct learn_option *options, size_t n,
                    enum learn_seen seen, char *why, size_t why_size)
{
    struct learn_trial wanted[2]; /* the one taken, and the ladder's next */
    size_t best = 0, next = 0;
    double best_s = (double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        const struct learn_option *option = &options[i];
        struct learn_trial trial = describe(&option->action, seen);
        trial.again = has_failed(learned, &trial);
        double dear = 1 + VIOLENCE_COSTS * option->violence * option->violence;
        double to_good_s = option->seconds * dear / hoped_chance(learned, &trial, option->distance);
        if (option->distance < options[next].distance)
            next = i;
        /* A hair: equal options are taken in the ladder's order on every machine. */
        if (to_good_s < best_s * (1 - 1e-9)) {
            best_s = to_good_s;
            best = i;
        }
    }
    wanted[0] = describe(&options[best].action, seen);
    wanted[1] = describe(&options[next].action, seen);
    explain(learned, &wanted[0], best == next ? &wanted[0] : &wanted[1], why, why_size);
    return best;
}
