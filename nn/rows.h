/*
 * A frame judged row by row: each row of each layer is computed once, when the rows that it sees
 * are there, and kept only as long as a later row will look at it. The work per row does not grow
 * with the rows already seen, nothing is allocated after creation, and every output row has the
 * bits that nn_network_judge gives it on the whole frame.
 */
#ifndef NN_ROWS_H
#define NN_ROWS_H

#include "nn/network.h"

struct nn_rows;

/*
 * `network` is folded and row-causal (nn_network_row_causal), borrowed and must neither change nor
 * go before the rows. 0, -EINVAL (not such a network), -ENOMEM.
 */
int nn_rows_create(const struct nn_network *network, struct nn_rows **ret_rows);
void nn_rows_destroy(struct nn_rows *rows);

/* A new frame: as if no row had been pushed yet. */
void nn_rows_begin(struct nn_rows *rows);

/*
 * The next input row, row: (c, w). 1 when it completed an output row, 0 when not, -EINVAL when the
 * frame is full.
 */
int nn_rows_push(struct nn_rows *rows, const float *row);

/* Output rows complete so far. */
uint32_t nn_rows_done(const struct nn_rows *rows);

/* The newest output row, (output c, output w), or NULL before the first. Borrowed. */
const float *nn_rows_newest(const struct nn_rows *rows);

#endif
