/* ONNX files, taken for ours and for another program's. */
#include "nn/onnx_read.h"
#include "nn/onnx_write.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[400] = "";
    struct nn_onnx_restored restored;
    int code = nn_onnx_restore(data, size, &restored, error, sizeof error);
    if (code == 0)
        nn_onnx_restored_finish(&restored);
    else if (error[0] == '\0')
        abort(); /* a refusal without a reason */
    struct nn_onnx_reading reading;
    struct nn_onnx_wish wish = {.input = {.c = 1, .h = 12, .w = 10}, .steps = 3};
    error[0] = '\0';
    /* Once as it is, once with what it may leave open. */
    for (int given = 0; given < 2; given++) {
        code = nn_onnx_read(data, size, given ? &wish : &(struct nn_onnx_wish){0}, &reading, error,
                            sizeof error);
        if (code == 0) {
            nn_network_destroy(reading.network);
            nn_network_destroy(reading.sequence);
        } else if (error[0] == '\0') {
            abort();
        }
    }
    return 0;
}
