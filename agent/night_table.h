/*
 * Many nights per policy as one table: medians, means and ratios with 95 % intervals from drawing
 * nights with replacement, and each policy beside a reference in the nights that both have played.
 */
#ifndef AGENT_NIGHT_TABLE_H
#define AGENT_NIGHT_TABLE_H

#include "agent/night_score.h"
#include "nn/bootstrap.h"

enum { NIGHT_NAME_BYTES = 64, NIGHT_POLICIES_MAX = 64 };

/* One night that was played. */
struct night_result {
    char policy[NIGHT_NAME_BYTES]; /* its name in the table */
    char policy_hash[65];
    uint64_t seed;
    struct night_figures figures;
};

/* How a measure of many nights comes from figures of one. */
enum night_measure_how {
    NIGHT_MEDIAN,
    NIGHT_MEAN, /* over nights that have the figure */
    NIGHT_RATIO /* of sums over all nights */
};

struct night_measure {
    const char *name; /* as in --json */
    const char *unit; /* "" for a share or a count */
    enum night_measure_how how;
    double (*value)(const struct night_figures *figures); /* NAN: this night has none */
    double (*per)(const struct night_figures *figures);   /* NIGHT_RATIO: what it is divided by */
};

/* In the table's order, uptime first. */
extern const struct night_measure night_measures[];
enum { NIGHT_MEASURES = 19, NIGHT_ENDS = 7 };

/* How nights can end, "time" first. */
extern const char *const night_end_names[NIGHT_ENDS];

struct night_row {
    char policy[NIGHT_NAME_BYTES];
    uint32_t nights;
    struct nn_figure measures[NIGHT_MEASURES];
    struct nn_figure ends[NIGHT_ENDS]; /* shares of the nights */
    /* In the nights that the reference has played, too; `paired` of them. */
    uint32_t paired;
    struct nn_figure uptime_gain;      /* mean over nights, its own minus the reference's */
    struct nn_figure first_good_ratio; /* median, its own over the reference's */
};

/*
 * One row per policy, the reference first, then in the order of their first result. `reference` may
 * be NULL. *ret_rows is for free(). 0; -E2BIG: more than NIGHT_POLICIES_MAX policies; -ENOMEM.
 */
int night_table_make(const struct night_result *results, size_t n, const char *reference,
                     uint32_t draws, struct night_row **ret_rows, size_t *ret_n);

/* The measure with this name; there is one. */
size_t night_measure_find(const char *name);

#endif
