/*
 * The blocks that our MATRIX writer uses, each composed from plain values. No I/O.
 *
 * Layouts observed in real files; which of them Gwyddion 2.62 needs was tried (docs/matrix.md).
 */
#ifndef INSTRUMENT_MATRIX_COMPOSE_H
#define INSTRUMENT_MATRIX_COMPOSE_H

#include "instrument/matrix_blocks.h"
#include "instrument/matrix_write.h"

/* State words of INCI. Numbers observed, meanings assumed. */
enum matrix_state {
    MATRIX_STATE_PAUSE = 1,
    MATRIX_STATE_RESUME = 2,
    MATRIX_STATE_STOP = 3,
    MATRIX_STATE_SCAN_START = 4,
    MATRIX_STATE_OPENING = 6,
    MATRIX_STATE_OPEN = 8
};

/* What the written parameters are made of. The angle must be whole: MATRIX keeps an integer. */
struct matrix_settings {
    struct scan_geometry geometry;
    enum matrix_preamp preamp;
};

/* Number of parameters written; they are numbered from 0. */
enum { MATRIX_PARAMETERS = 14, MATRIX_DATA_HEAD_SIZE = 104 };

/* "Z", "I". Borrowed, lives for ever. */
const char *matrix_channel_name(enum matrix_channel channel);

/* Each starts `block` anew. Texts are UTF-8. */
void matrix_compose_meta(struct matrix_block *block, int64_t t_utc_s);
void matrix_compose_experiment(struct matrix_block *block, int64_t t_utc_s);
void matrix_compose_start_values(struct matrix_block *block, const struct matrix_settings *settings,
                                 int64_t t_utc_s);
void matrix_compose_state(struct matrix_block *block, enum matrix_state state, int64_t t_utc_s);
void matrix_compose_mark(struct matrix_block *block, const char *text, int64_t t_utc_s);
void matrix_compose_stored(struct matrix_block *block, const char *file_name, int64_t t_utc_s);
void matrix_compose_end(struct matrix_block *block, int64_t t_utc_s);

/* The change of one parameter; false, and no block, when it did not change. */
bool matrix_compose_change(struct matrix_block *block, int parameter,
                           const struct matrix_settings *before,
                           const struct matrix_settings *after, int64_t t_utc_s);

/* Channel table and transfer functions of the first n_channels channels. */
void matrix_compose_scale(struct matrix_block *block, int n_channels,
                          const struct matrix_transfer *transfers, int64_t t_utc_s);

/* Everything in a data file before its samples. */
struct matrix_data_head {
    uint32_t bricklet; /* from 1 */
    uint32_t planned;
    uint32_t acquired;
    int64_t ended_utc_s;
};
void matrix_compose_data_head(struct matrix_block *block, enum matrix_channel channel,
                              const struct matrix_data_head *head);

#endif
