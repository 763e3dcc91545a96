/* Channel dictionary and transfer functions of a MATRIX result chain. */
#include "instrument/matrix_scale.h"

#include <math.h>

bool matrix_dictionary_find(struct matrix_cursor dictionary, uint64_t channel_id,
                            struct matrix_dictionary_channel *ret, bool *ret_found)
{
    *ret_found = false;
    matrix_skip(&dictionary, 8);
    uint32_t n = matrix_get_count(&dictionary, 24);
    for (uint32_t i = 0; i < n; i++) {
        matrix_skip(&dictionary, 16);
        matrix_get_text(&dictionary);
        matrix_get_text(&dictionary);
    }
    uint32_t n_channels = matrix_get_count(&dictionary, 24);
    struct matrix_cursor channels = dictionary;
    for (uint32_t i = 0; i < n_channels; i++) {
        matrix_skip(&dictionary, 16);
        matrix_get_text(&dictionary);
        matrix_get_text(&dictionary);
    }
    n = matrix_get_count(&dictionary, 20);
    uint32_t key = 0;
    bool streamed = false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t id = matrix_get_u64(&dictionary);
        matrix_skip(&dictionary, 4);
        uint32_t stream_key = matrix_get_u32(&dictionary);
        matrix_get_text(&dictionary);
        if (id == channel_id && !streamed) {
            key = stream_key;
            streamed = true;
        }
    }
    if (dictionary.failed)
        return false;
    for (uint32_t i = 0; streamed && !*ret_found && i < n_channels; i++) {
        matrix_skip(&channels, 4);
        ret->key = matrix_get_u32(&channels);
        matrix_skip(&channels, 8);
        ret->name = matrix_get_text(&channels);
        matrix_get_text(&channels);
        *ret_found = ret->key == key;
    }
    return true;
}

/* One named number of a transfer function, wherever it stands in the list; NAN when absent. */
static double factor_named(struct matrix_cursor items, uint32_t n, const char *name)
{
    double found = (double)NAN;
    for (uint32_t i = 0; i < n; i++) {
        struct matrix_text item = matrix_get_text(&items);
        struct matrix_value value = matrix_get_value(&items);
        if (!items.failed && value.type != MATRIX_STRING && matrix_text_is(&item, name))
            found = value.number;
    }
    return found;
}

/* Fill a transfer function from its list of numbers. NULL, or why it cannot be used. */
static const char *read_function(const struct matrix_text *function, const struct matrix_text *unit,
                                 struct matrix_cursor items, uint32_t n,
                                 struct matrix_transfer *ret)
{
    struct matrix_transfer t = {.function = MATRIX_IDENTITY};
    if (matrix_text_is(function, "TFF_Linear1D")) {
        t.function = MATRIX_LINEAR;
        t.offset = factor_named(items, n, "Offset");
        t.factor = factor_named(items, n, "Factor");
        t.pre_factor = 0;
        if (!isfinite(t.factor) || t.factor == 0)
            return "the transfer function's factor is missing, 0 or not finite";
    } else if (matrix_text_is(function, "TFF_MultiLinear1D")) {
        t.function = MATRIX_MULTI_LINEAR;
        t.offset = factor_named(items, n, "Offset");
        t.factor = factor_named(items, n, "NeutralFactor");
        t.pre_offset = factor_named(items, n, "PreOffset");
        t.pre_factor = factor_named(items, n, "PreFactor");
        t.raw_1 = factor_named(items, n, "Raw_1");
        double product = t.factor * t.pre_factor;
        if (!isfinite(product) || product == 0)
            return "the transfer function's factor is missing, 0 or not finite";
    } else if (!matrix_text_is(function, "TFF_Identity")) {
        return "the transfer function is of an unknown kind";
    }
    if (!isfinite(t.offset) || !isfinite(t.pre_offset) || !isfinite(t.raw_1))
        return "the transfer function's offset is missing or not finite";
    matrix_text_copy(unit, t.unit, sizeof t.unit);
    *ret = t;
    return NULL;
}

bool matrix_transfers_find(struct matrix_cursor list, uint32_t key, struct matrix_transfer *ret,
                           const char **ret_because)
{
    while (matrix_left(&list) > 0) {
        matrix_skip(&list, 4);
        uint32_t found = matrix_get_u32(&list);
        struct matrix_text function = matrix_get_text(&list);
        struct matrix_text unit = matrix_get_text(&list);
        uint32_t n = matrix_get_count(&list, 12);
        struct matrix_cursor items = list;
        for (uint32_t i = 0; i < n; i++) {
            matrix_get_text(&list);
            matrix_get_value(&list);
        }
        if (list.failed)
            return false;
        if (found == key) {
            *ret = (struct matrix_transfer){.function = MATRIX_UNSCALED};
            *ret_because = read_function(&function, &unit, items, n, ret);
        }
    }
    return !list.failed;
}
