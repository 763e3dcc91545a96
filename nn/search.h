/*
 * A search over a grid of settings that does not flatter itself: nested folds of recordings. Each
 * outer fold is left out in turn; on the rest, inner folds judge every combination, the best of
 * them by mean ROC area is trained on all of the rest and reports on the outer fold. No recording
 * that reports has chosen anything.
 *
 * This is the bookkeeping: what there is to try, what is known, what that says. Results live in a
 * CSV table that grows by one line per training, so a search can be broken off, go on, be spread
 * over machines and merged. Columns: search (hex digits that stand for the grid, the settings and
 * the data), outer, inner (from 1; empty for what reports), combination, one per axis, roc_area,
 * and a full stop that ends every whole line.
 */
#ifndef NN_SEARCH_H
#define NN_SEARCH_H

#include "nn/train.h"

/* Values stand in tables as they are: no comma, quote or line end. */
struct nn_search_axis {
    const char *name;
    const char *const *values; /* (n) */
    uint32_t n;
};

/* All borrowed until the search is destroyed. */
struct nn_search_grid {
    const struct nn_search_axis *axes;
    uint32_t n_axes;
    uint32_t outer, inner; /* folds, 2..NN_SEARCH_FOLDS_MAX each */
};

enum {
    NN_SEARCH_FOLDS_MAX = 64,
    NN_SEARCH_AXES_MAX = 16,
    NN_SEARCH_COMBINATIONS_MAX = 10000,
    NN_SEARCH_REPORT = 0xFFFFFFF /* in place of an inner fold: the training that reports */
};

struct nn_search;

/* What was tried and what came of it; folds from 0. */
struct nn_search_result {
    uint32_t outer, inner, combination;
    double area;
};

/*
 * `settings` are those that the grid changes. 0, -EINVAL (too much or too little of anything, a
 * value that cannot stand in a table), -ENOMEM.
 */
int nn_search_create(const struct nn_search_grid *grid, const struct nn_train_settings *settings,
                     const struct nn_dataset *dataset, struct nn_search **ret_search);
void nn_search_destroy(struct nn_search *search);

uint32_t nn_search_combinations(const struct nn_search *search);

/* The value that an axis has in a combination. Borrowed from the grid. */
const char *nn_search_value(const struct nn_search *search, uint32_t combination, uint32_t axis);

/*
 * Takes over the results of a table. 0; -EPROTO: of another grid, other settings or other data;
 * -EBADMSG: not such a table; -ENOENT and the like.
 */
int nn_search_load(struct nn_search *search, const char *path);

/* Remembers a result, and writes it behind the table, which is made if it is not there. */
int nn_search_add(struct nn_search *search, const char *path,
                  const struct nn_search_result *result);

/* The area of this training, or NAN: not known yet. */
double nn_search_known(const struct nn_search *search, uint32_t outer, uint32_t inner,
                       uint32_t combination);

/* Mean area of a combination over the inner folds; NAN until all are known. */
double nn_search_inner_area(const struct nn_search *search, uint32_t outer, uint32_t combination);

/* The combination that the inner folds choose; -ENODATA until all of them are known. */
int nn_search_choose(const struct nn_search *search, uint32_t outer, uint32_t *ret_combination);

/* Who takes part in a training: (n_recordings) each, in one block that free(use) frees. */
struct nn_search_parts {
    bool *use;
    bool *left_out; /* judged by its area */
    bool *aside;    /* may stop it early: an inner fold's own left-out frames; for the training that
                       reports the first inner fold, which it then does not learn from */
};

/* which->area and combination do not matter. `aside`: there is early stopping. 0, -ENOMEM. */
int nn_search_split(const struct nn_search *search, const struct nn_search_result *which,
                    bool aside, struct nn_search_parts *ret_parts);

#endif
