/*
 * From a channel id to its scale: the channel dictionary (TCID) and the transfer functions (XFER)
 * as they lie in a result chain. Layouts observed; TFF_Identity read in other readers.
 */
#ifndef INSTRUMENT_MATRIX_SCALE_H
#define INSTRUMENT_MATRIX_SCALE_H

#include "instrument/matrix_bytes.h"
#include "instrument/matrix_image.h"

struct matrix_dictionary_channel {
    uint32_t key; /* of its transfer function */
    struct matrix_text name;
};

/*
 * Walk a TCID payload and find the channel that the data stream `channel_id` belongs to: by id,
 * never by name, since several channels share a name. False: the payload contradicts itself.
 */
bool matrix_dictionary_find(struct matrix_cursor dictionary, uint64_t channel_id,
                            struct matrix_dictionary_channel *ret, bool *ret_found);

/*
 * Walk a XFER payload; when it holds `key`, *ret is its function, or MATRIX_UNSCALED with the
 * reason in *ret_because (static text; NULL when scaled). Both are untouched when it does not.
 * False: the payload contradicts itself.
 */
bool matrix_transfers_find(struct matrix_cursor list, uint32_t key, struct matrix_transfer *ret,
                           const char **ret_because);

#endif
