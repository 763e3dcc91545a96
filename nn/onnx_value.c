/* Tensors of a file, which may hold their numbers in several ways. */
#include "nn/onnx_value.h"

#include "nn/bytes.h"
#include "nn/onnx_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 1 << 26, LOCATION_EXTERNAL = 1 };

/* Numbers of this type that the file holds, raw or listed; SIZE_MAX when the type is not read. */
static size_t count_stored(const Onnx__TensorProto *tensor, size_t *ret_item)
{
    bool raw = tensor->has_raw_data && tensor->raw_data.len > 0;
    switch (tensor->data_type) {
    case ONNX_FLOAT:
        *ret_item = 4;
        return raw ? tensor->raw_data.len / 4 : tensor->n_float_data;
    case ONNX_INT32:
        *ret_item = 4;
        return raw ? tensor->raw_data.len / 4 : tensor->n_int32_data;
    case ONNX_INT64:
        *ret_item = 8;
        return raw ? tensor->raw_data.len / 8 : tensor->n_int64_data;
    case ONNX_DOUBLE:
        *ret_item = 8;
        return raw ? tensor->raw_data.len / 8 : tensor->n_double_data;
    default:
        return SIZE_MAX;
    }
}

const char *onnx_tensor_check(const Onnx__TensorProto *tensor, size_t *ret_n)
{
    if (tensor->data_location == LOCATION_EXTERNAL || tensor->n_external_data > 0)
        return "its numbers are in another file (external data)";
    if (tensor->n_dims > ONNX_RANK_MAX)
        return "it has more axes than any network here";
    size_t n = 1;
    for (size_t i = 0; i < tensor->n_dims; i++) {
        if (tensor->dims[i] < 0 || tensor->dims[i] > VALUES_MAX)
            return "a dimension is out of range";
        n *= (size_t)tensor->dims[i];
        if (n > VALUES_MAX)
            return "it is larger than any network here";
    }
    size_t item = 1;
    size_t stored = count_stored(tensor, &item);
    if (stored == SIZE_MAX)
        return "its numbers are neither float, double, int32 nor int64";
    bool raw = tensor->has_raw_data && tensor->raw_data.len > 0;
    if (stored != n || (raw && tensor->raw_data.len % item != 0))
        return "its shape and its data disagree";
    *ret_n = n;
    return NULL;
}

/* Number i of a checked tensor of floating-point numbers. */
static float float_at(const Onnx__TensorProto *tensor, struct nn_bytes_reader *raw, size_t i)
{
    if (tensor->data_type == ONNX_FLOAT)
        return raw->at ? nn_bytes_get_f32(raw) : tensor->float_data[i];
    if (!raw->at)
        return (float)tensor->double_data[i];
    uint64_t bits = nn_bytes_get_u64(raw);
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

float *onnx_tensor_floats(const Onnx__TensorProto *tensor, size_t n)
{
    if (tensor->data_type != ONNX_FLOAT && tensor->data_type != ONNX_DOUBLE)
        return NULL;
    float *values = malloc((n + 1) * sizeof *values);
    if (!values)
        return NULL;
    struct nn_bytes_reader raw = {0};
    if (tensor->has_raw_data && tensor->raw_data.len > 0)
        raw = (struct nn_bytes_reader){.at = tensor->raw_data.data, .left = tensor->raw_data.len};
    for (size_t i = 0; i < n; i++) {
        values[i] = float_at(tensor, &raw, i);
        if (!isfinite(values[i])) {
            free(values);
            return NULL;
        }
    }
    return values;
}

bool onnx_tensor_ints(const Onnx__TensorProto *tensor, size_t n, struct onnx_value *ret_value)
{
    if (n > ONNX_INTS_MAX || tensor->n_dims > 1)
        return false;
    if (tensor->data_type != ONNX_INT32 && tensor->data_type != ONNX_INT64)
        return false;
    struct nn_bytes_reader raw = {0};
    if (tensor->has_raw_data && tensor->raw_data.len > 0)
        raw = (struct nn_bytes_reader){.at = tensor->raw_data.data, .left = tensor->raw_data.len};
    ret_value->kind = ONNX_VALUE_INTS;
    ret_value->scalar = tensor->n_dims == 0;
    ret_value->n_ints = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        if (tensor->data_type == ONNX_INT64)
            value = raw.at ? (int64_t)nn_bytes_get_u64(&raw) : tensor->int64_data[i];
        else
            value = raw.at ? (int32_t)nn_bytes_get_u32(&raw) : tensor->int32_data[i];
        /* The one number that stands for something else here. */
        ret_value->ints[i] = value == ONNX_BATCH ? INT64_MIN + 1 : value;
    }
    return true;
}
