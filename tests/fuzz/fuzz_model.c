/*
 * Model files. The input is tried as it is, and again with size and checksum made right, so that
 * the fuzzer reaches what lies behind them.
 */
#include "nn/bytes.h"
#include "nn/model.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_to_load(const uint8_t *data, size_t size)
{
    struct nn_model *model = NULL;
    char error[200] = "";
    if (nn_model_parse(data, size, &model, error, sizeof error) == 0)
        nn_model_destroy(model);
    else if (error[0] == '\0')
        abort(); /* a refusal without a reason */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SIZE_AT = 12, HEAD = 20 };
    try_to_load(data, size);
    if (size < HEAD + NN_BYTES_SEAL)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    for (size_t i = 0; i < 8; i++)
        copy[SIZE_AT + i] = (uint8_t)((uint64_t)size >> (8 * i));
    crypto_hash_sha256(copy + size - NN_BYTES_SEAL, copy, size - NN_BYTES_SEAL);
    try_to_load(copy, size);
    free(copy);
    return 0;
}
