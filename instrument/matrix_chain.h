/*
 * The result chain of MATRIX (BASE_0001.mtrx): parameters, channel table, scaling and the list of
 * stored data files, as one sequence of blocks. Works on memory; allocates nothing.
 *
 * State rule (observed): parameters and scaling are those in force at the BREF block that names the
 * data file. A new channel table (TCID) replaces the old one, transfer functions (XFER) accumulate.
 */
#ifndef INSTRUMENT_MATRIX_CHAIN_H
#define INSTRUMENT_MATRIX_CHAIN_H

#include "instrument/matrix_image.h"

/* What the chain says of one data file. */
struct matrix_recording {
    bool named;                    /* false: no BREF for it, the state is that of the chain's end */
    bool cut;                      /* the chain ended inside a block before the file was named */
    struct scan_geometry geometry; /* points 0: the chain gives no complete frame */
    int scan_constraint;
    char preamp_range[48];
    bool bias_changed;
    char channel[MATRIX_CHANNEL_SIZE]; /* by channel id; "" when the id is unknown */
    struct matrix_transfer transfer;
    const char *unscaled_because; /* NULL when scaled; static text */
};

/*
 * Replay a chain up to the BREF of `file_name` (without folder, UTF-8) and describe that recording
 * on the channel `channel_id`. 0, or -EBADMSG with one line in `error`: not a chain, or a block
 * that contradicts itself. A chain that ends inside a block is not an error: it may be in use.
 */
int matrix_chain_find(const uint8_t *data, size_t size, const char *file_name, uint64_t channel_id,
                      struct matrix_recording *ret, char *error, size_t error_size);

/* A chain in numbers. Texts are UTF-8, "" when absent. */
struct matrix_chain_summary {
    char version[128];
    char profile[64];
    char user[64];
    char experiment[64];
    char sample_name[128]; /* of the last mark that sets it */
    int64_t started_utc_s;
    int64_t last_utc_s; /* of the last block */
    uint64_t blocks;
    uint64_t parameters; /* start values */
    uint64_t changes;    /* parameter changes */
    uint64_t scan_starts;
    uint64_t files; /* stored data files, images and spectra */
    bool clean_end; /* the end mark is there */
    bool cut;       /* the file ends inside a block */
};

/* Called for each stored data file in order; `file_name` lives until it returns. */
typedef void (*matrix_chain_file_fn)(void *user, const char *file_name, int64_t t_utc_s);

/* Errors as matrix_chain_find. `on_file` may be NULL. */
int matrix_chain_summarize(const uint8_t *data, size_t size, matrix_chain_file_fn on_file,
                           void *user, struct matrix_chain_summary *ret, char *error,
                           size_t error_size);

#endif
