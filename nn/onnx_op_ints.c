/*
 * Operators on the few integers that graphs compute shapes and paddings from. PyTorch turns a
 * padding around by way of a table of two columns, so integers may have columns.
 */
#include "nn/onnx_build.h"
#include "nn/onnx_reader.h"

#include <stdlib.h>
#include <string.h>

/* As many of one integer as input 0 says. */
int onnx_ints_fill(struct onnx_reader *r, const Onnx__NodeProto *node, int64_t fill)
{
    const struct onnx_value *shape = onnx_input(r, node, 0);
    if (!shape || shape->kind != ONNX_VALUE_INTS || shape->n_ints != 1 || shape->ints[0] < 0 ||
        shape->ints[0] > ONNX_INTS_MAX)
        return onnx_refuse(r, node, "integers of this shape are not supported");
    struct onnx_value value = {.kind = ONNX_VALUE_INTS, .n_ints = (uint32_t)shape->ints[0]};
    for (uint32_t i = 0; i < value.n_ints; i++)
        value.ints[i] = fill;
    return onnx_define(r, node, 0, &value);
}

int onnx_ints_reshape(struct onnx_reader *r, const Onnx__NodeProto *node,
                      const struct onnx_value *input)
{
    const struct onnx_value *shape = onnx_input(r, node, 1);
    struct onnx_value value = *input;
    bool known = shape && shape->kind == ONNX_VALUE_INTS && shape->cols == 0 && input->n_ints > 0;
    if (known && shape->n_ints == 1 && (shape->ints[0] == -1 || shape->ints[0] == input->n_ints)) {
        value.cols = 0;
        return onnx_define(r, node, 0, &value);
    }
    if (known && shape->n_ints == 2 && shape->ints[0] == -1 && shape->ints[1] > 0 &&
        input->n_ints % shape->ints[1] == 0) {
        value.cols = (uint32_t)shape->ints[1];
        return onnx_define(r, node, 0, &value);
    }
    return onnx_refuse(r, node, "integers of this shape are not supported");
}

int onnx_ints_transpose(struct onnx_reader *r, const Onnx__NodeProto *node,
                        const struct onnx_value *input)
{
    int64_t perm[2] = {1, 0};
    if (input->cols == 0 || (onnx_has(node, "perm") && !onnx_ints(node, "perm", 0, 2, perm)) ||
        perm[0] != 1 || perm[1] != 0)
        return onnx_refuse(r, node, "integers of this shape are not supported");
    struct onnx_value value = *input;
    uint32_t rows = input->n_ints / input->cols;
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < input->cols; k++)
            value.ints[k * rows + i] = input->ints[i * input->cols + k];
    value.cols = rows;
    return onnx_define(r, node, 0, &value);
}

static int64_t within(int64_t index, int64_t size)
{
    int64_t from_start = index < 0 ? index + size : index;
    return from_start < 0 ? 0 : from_start > size ? size : from_start;
}

int onnx_ints_slice(struct onnx_reader *r, const Onnx__NodeProto *node,
                    const struct onnx_value *input, const int64_t *slice)
{
    struct onnx_value value = {.kind = ONNX_VALUE_INTS, .cols = input->cols};
    uint32_t width = input->cols ? input->cols : 1;
    int64_t rows = input->n_ints / width;
    bool backwards = slice[3] == -1 && within(slice[0], rows) >= rows - 1 && slice[1] < -rows;
    int64_t from = backwards ? 0 : within(slice[0], rows);
    int64_t to = backwards ? rows : within(slice[1], rows);
    if (slice[2] != 0 || (slice[3] != 1 && !backwards))
        return onnx_refuse(r, node, "integers cut in this way are not supported");
    for (int64_t i = from; i < to; i++) {
        const int64_t *row = input->ints + (backwards ? rows - 1 - i : i) * width;
        memcpy(value.ints + value.n_ints, row, width * sizeof *row);
        value.n_ints += width;
    }
    return onnx_define(r, node, 0, &value);
}

int onnx_ints_gather(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *input, const struct onnx_value *index)
{
    int64_t at = index->ints[0];
    int64_t from_start = at < 0 && at != ONNX_BATCH ? at + input->n_ints : at;
    if (input->cols > 0 || from_start < 0 || from_start >= input->n_ints)
        return onnx_refuse(r, node, "its index is out of range");
    struct onnx_value value = {.kind = ONNX_VALUE_INTS, .n_ints = 1, .scalar = index->scalar};
    value.ints[0] = input->ints[from_start];
    return onnx_define(r, node, 0, &value);
}

int onnx_ints_concat(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    struct onnx_value value = {.kind = ONNX_VALUE_INTS};
    for (size_t i = 0; i < node->n_input; i++) {
        const struct onnx_value *part = onnx_input(r, node, i);
        if (!part || part->kind != ONNX_VALUE_INTS || part->cols > 0 ||
            value.n_ints + part->n_ints > ONNX_INTS_MAX)
            return onnx_refuse(r, node, "only shapes and the halves of a global pool are joined");
        memcpy(value.ints + value.n_ints, part->ints, part->n_ints * sizeof *value.ints);
        value.n_ints += part->n_ints;
    }
    return onnx_define(r, node, 0, &value);
}

/* One integer gains or loses its axis. */
int onnx_ints_squeeze(struct onnx_reader *r, const Onnx__NodeProto *node,
                      const struct onnx_value *input)
{
    struct onnx_value value = *input;
    if (value.n_ints != 1 || value.cols > 0)
        return onnx_refuse(r, node, "only single integers are supported");
    value.scalar = strcmp(node->op_type, "Squeeze") == 0;
    return onnx_define(r, node, 0, &value);
}
