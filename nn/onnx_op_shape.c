/* Operators that compute nothing: constants, shapes, and the moving about of axes. */
#include "nn/onnx_build.h"
#include "nn/onnx_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int onnx_op_constant(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    struct onnx_value value = {.kind = ONNX_VALUE_TENSOR};
    if (onnx_has(node, "value_float"))
        return onnx_refuse(r, node, "a constant that is no tensor is not supported");
    if (!onnx_has(node, "value")) {
        int n = onnx_axes_given(r, node, "value_ints", SIZE_MAX, value.ints);
        value.kind = ONNX_VALUE_INTS;
        value.scalar = onnx_has(node, "value_int");
        if (value.scalar)
            value.ints[0] = onnx_int(node, "value_int", 0);
        value.n_ints = value.scalar ? 1 : (uint32_t)(n > 0 ? n : 0);
        return onnx_define(r, node, 0, &value);
    }
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, "value") == 0)
            value.tensor = node->attribute[i]->t;
    size_t n;
    const char *reason = value.tensor ? onnx_tensor_check(value.tensor, &n) : "it holds no tensor";
    if (reason)
        return onnx_refuse(r, node, "%s", reason);
    if (onnx_tensor_ints(value.tensor, n, &value))
        value.kind = ONNX_VALUE_INTS;
    return onnx_define(r, node, 0, &value);
}

/* The state before the first row, in a shape computed from the input's; or integers. */
int onnx_op_zeros(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__TensorProto *tensor = node->attribute[i]->t;
        struct onnx_value integer;
        size_t n;
        if (!tensor || onnx_tensor_check(tensor, &n) || n != 1)
            return onnx_refuse(r, node, "its value is not one number");
        if (onnx_tensor_ints(tensor, n, &integer))
            return onnx_ints_fill(r, node, integer.ints[0]);
        float *fill = onnx_tensor_floats(tensor, n);
        bool zero = fill && fill[0] >= 0.0F && fill[0] <= 0.0F;
        free(fill);
        if (!zero)
            return onnx_refuse(r, node, "numbers other than zero are not supported");
    }
    return onnx_define(r, node, 0, &(struct onnx_value){.kind = ONNX_VALUE_ZEROS});
}

/* Whether a value is zero everywhere. */
static bool is_zero(const struct onnx_value *value)
{
    if (value->kind == ONNX_VALUE_ZEROS)
        return true;
    size_t n;
    if (value->kind != ONNX_VALUE_TENSOR || onnx_tensor_check(value->tensor, &n))
        return false;
    float *values = onnx_tensor_floats(value->tensor, n);
    bool zero = values != NULL;
    for (size_t i = 0; i < n && zero; i++)
        zero = values[i] >= 0.0F && values[i] <= 0.0F;
    free(values);
    return zero;
}

int onnx_op_expand(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *value = onnx_input(r, node, 0);
    if (!value || !is_zero(value))
        return onnx_refuse(r, node, "only zeros can be expanded");
    return onnx_define(r, node, 0, &(struct onnx_value){.kind = ONNX_VALUE_ZEROS});
}

int onnx_op_shape(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *of = onnx_input(r, node, 0);
    struct onnx_value value = {.kind = ONNX_VALUE_INTS};
    if (!of || of->kind != ONNX_VALUE_FLOW)
        return onnx_refuse(r, node, "only shapes of what is computed from the frame are known");
    if (!onnx_no_padding(r, node, of))
        return -EPROTO;
    value.n_ints = of->axes.n;
    for (uint32_t i = 0; i < of->axes.n; i++)
        value.ints[i] = onnx_axes_size(&of->axes, i);
    return onnx_define(r, node, 0, &value);
}

/* Identity, a mean of one, dropout when judging, and changes of type among numbers that fit in
 * both. */
int onnx_op_same(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *value = onnx_input(r, node, 0);
    if (!value)
        return onnx_refuse(r, node, "it has no input");
    if (strcmp(node->op_type, "Mean") == 0 && node->n_input != 1)
        return onnx_refuse(r, node, "branches that meet again are not supported");
    int64_t to = onnx_int(node, "to", ONNX_FLOAT);
    bool ints = value->kind == ONNX_VALUE_INTS;
    if (onnx_has(node, "to") && (ints ? to != ONNX_INT64 && to != ONNX_INT32 : to != ONNX_FLOAT))
        return onnx_refuse(r, node, "numbers of this type are not supported");
    return onnx_define(r, node, 0, value);
}

int onnx_op_flatten(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    struct onnx_value flat = *flow;
    if (!onnx_axes_flatten(&flat.axes, onnx_int(node, "axis", 1)))
        return onnx_refuse(r, node, "its axis is out of range");
    return onnx_define_flow(r, node, &flat);
}

int onnx_op_reshape(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *input = onnx_input(r, node, 0);
    if (input && input->kind == ONNX_VALUE_INTS)
        return onnx_ints_reshape(r, node, input);
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    const struct onnx_value *shape = onnx_input(r, node, 1);
    if (!shape || shape->kind != ONNX_VALUE_INTS || shape->cols > 0 ||
        onnx_int(node, "allowzero", 0) != 0)
        return onnx_refuse(r, node, "a shape that is not constant is not supported");
    struct onnx_value value = *flow;
    if (!onnx_axes_reshape(&value.axes, shape->ints, shape->n_ints))
        return onnx_refuse(r, node, "it splits rows, columns, channels or samples");
    return onnx_define_flow(r, node, &value);
}

int onnx_op_transpose(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *input = onnx_input(r, node, 0);
    if (input && input->kind == ONNX_VALUE_ZEROS)
        return onnx_define(r, node, 0, input);
    if (input && input->kind == ONNX_VALUE_INTS)
        return onnx_ints_transpose(r, node, input);
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    struct onnx_value value = *flow;
    int64_t perm[ONNX_AXES_MAX];
    for (uint32_t i = 0; i < value.axes.n; i++)
        perm[i] = value.axes.n - 1 - i;
    if (onnx_has(node, "perm") && !onnx_ints(node, "perm", 0, value.axes.n, perm))
        return onnx_refuse(r, node, "it does not fit the axes it moves");
    if (!onnx_axes_transpose(&value.axes, perm, value.axes.n))
        return onnx_refuse(r, node, "it does not fit the axes it moves");
    return onnx_define_flow(r, node, &value);
}

/* Without axes, all of size 1 go. */
static bool squeeze_all(struct onnx_axes *axes)
{
    for (uint32_t i = axes->n; i-- > 0;) {
        if (axes->axes[i].n > 0)
            continue;
        if (!onnx_axes_squeeze(axes, i))
            return false;
    }
    return axes->batch != 1;
}

/* The axes of one call count in the shape before (squeeze) or after (unsqueeze). */
static bool squeeze_given(struct onnx_axes *axes, bool away, int64_t *given, int n)
{
    int64_t rank = (int64_t)axes->n + (away ? 0 : n);
    for (int i = 0; i < n; i++) {
        given[i] += given[i] < 0 ? rank : 0;
        for (int k = i; k > 0 && given[k] < given[k - 1]; k--) {
            int64_t larger = given[k - 1];
            given[k - 1] = given[k];
            given[k] = larger;
        }
    }
    for (int i = 0; i < n; i++) {
        int64_t axis = away ? given[n - 1 - i] : given[i];
        if (axis < 0 || !(away ? onnx_axes_squeeze(axes, axis) : onnx_axes_unsqueeze(axes, axis)))
            return false;
    }
    return true;
}

int onnx_op_squeeze(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *input = onnx_input(r, node, 0);
    if (input && input->kind == ONNX_VALUE_INTS)
        return onnx_ints_squeeze(r, node, input);
    if (input && input->kind == ONNX_VALUE_ZEROS)
        return onnx_define(r, node, 0, input);
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    bool away = strcmp(node->op_type, "Squeeze") == 0;
    int64_t axes[ONNX_RANK_MAX];
    int n = onnx_axes_given(r, node, "axes", 1, axes);
    if (n < 0 || (n == 0 && !away))
        return onnx_refuse(r, node, "axes that are not constant are not supported");
    struct onnx_value value = *flow;
    if (!(n == 0 ? squeeze_all(&value.axes) : squeeze_given(&value.axes, away, axes, n)))
        return onnx_refuse(r, node, "it does not fit the axes it changes");
    return onnx_define_flow(r, node, &value);
}

/* A value's last row alone; `keep`: its axis stays, of size 1. */
static int take_last_row(struct onnx_reader *r, const Onnx__NodeProto *node,
                         const struct onnx_value *flow, bool keep)
{
    struct onnx_value value = *flow;
    uint32_t axis = (uint32_t)onnx_axes_find(&value.axes, ONNX_H);
    value.axes.axes[axis].n = 0;
    value.axes.shape.h = 1;
    value.last_row = true;
    if (!keep)
        onnx_axes_squeeze(&value.axes, axis);
    return onnx_define_flow(r, node, &value);
}

/* Start, end, axis and step of a slice along one axis. */
static bool read_slice(const struct onnx_reader *r, const Onnx__NodeProto *node, int64_t *ret_slice)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    static const int64_t otherwise[] = {0, 0, 0, 1};
    for (size_t i = 0; i < 4; i++) {
        int64_t values[ONNX_RANK_MAX];
        int n = onnx_axes_given(r, node, names[i], i + 1, values);
        if (n < 0 || n > 1 || (n == 0 && i < 2))
            return false;
        ret_slice[i] = n == 1 ? values[0] : otherwise[i];
    }
    return true;
}

static int64_t within(int64_t index, int64_t size)
{
    int64_t from_start = index < 0 ? index + size : index;
    return from_start < 0 ? 0 : from_start > size ? size : from_start;
}

int onnx_op_slice(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *input = onnx_input(r, node, 0);
    int64_t slice[4];
    if (input && input->kind == ONNX_VALUE_ZEROS)
        return onnx_define(r, node, 0, input);
    if (!read_slice(r, node, slice))
        return onnx_refuse(r, node, "only one slice, and one that is known, is supported");
    if (input && input->kind == ONNX_VALUE_INTS)
        return onnx_ints_slice(r, node, input, slice);
    if (slice[3] != 1)
        return onnx_refuse(r, node, "slices with steps are not supported");
    const struct onnx_value *flow = onnx_whole_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    int64_t axis = slice[2] < 0 ? slice[2] + flow->axes.n : slice[2];
    if (axis < 0 || axis >= flow->axes.n)
        return onnx_refuse(r, node, "its axis is out of range");
    int64_t size = onnx_axes_size(&flow->axes, (uint32_t)axis);
    if (size != ONNX_BATCH && within(slice[0], size) == 0 && within(slice[1], size) == size)
        return onnx_define_flow(r, node, flow);
    if (axis == onnx_axes_find(&flow->axes, ONNX_H) && within(slice[0], size) == size - 1 &&
        within(slice[1], size) == size)
        return take_last_row(r, node, flow, true);
    return onnx_refuse(r, node, "only the last row can be taken alone");
}

int onnx_op_gather(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *input = onnx_input(r, node, 0);
    const struct onnx_value *index = onnx_input(r, node, 1);
    if (!index || index->kind != ONNX_VALUE_INTS || index->n_ints != 1)
        return onnx_refuse(r, node, "more than one index, or one not constant, is not supported");
    if (input && input->kind == ONNX_VALUE_ZEROS)
        return onnx_define(r, node, 0, input);
    if (input && input->kind == ONNX_VALUE_INTS)
        return onnx_ints_gather(r, node, input, index);
    int64_t at = index->ints[0];
    const struct onnx_value *flow = onnx_whole_flow(r, node, 0);
    if (!flow)
        return -EPROTO;
    int64_t axis = onnx_int(node, "axis", 0);
    axis += axis < 0 ? flow->axes.n : 0;
    if (axis >= 0 && axis < flow->axes.n && flow->axes.axes[axis].n == 0 && (at == 0 || at == -1)) {
        struct onnx_value value = *flow;
        if (index->scalar)
            onnx_axes_squeeze(&value.axes, axis);
        return onnx_define_flow(r, node, &value);
    }
    int rows = onnx_axes_find(&flow->axes, ONNX_H);
    if (rows < 0 || axis != rows || (at != -1 && at != flow->axes.shape.h - INT64_C(1)))
        return onnx_refuse(r, node, "only the last row can be taken alone");
    return take_last_row(r, node, flow, !index->scalar);
}

/* Means and maxima of a global pool, side by side. */
static int join_halves(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *means = onnx_flow(r, node, 0);
    if (!means)
        return -EPROTO;
    const struct onnx_value *maxima = onnx_flow(r, node, 1);
    if (!maxima)
        return -EPROTO;
    int64_t axis = onnx_int(node, "axis", 0);
    axis += axis < 0 ? means->axes.n : 0;
    int channels = onnx_axes_find(&means->axes, ONNX_C);
    bool fits =
        means->half == ONNX_MEANS && maxima->half == ONNX_MAXIMA &&
        means->axes.n == maxima->axes.n && axis >= 0 && axis < means->axes.n &&
        (channels >= 0 ? axis == channels && channels == onnx_axes_find(&maxima->axes, ONNX_C)
                       : means->axes.axes[axis].n == 0);
    if (!fits)
        return onnx_refuse(r, node,
                           "only the means and the maxima of all rows and columns, in "
                           "this order, can be joined");
    struct onnx_value value = *means;
    value.half = ONNX_BOTH;
    value.axes.shape.c *= 2;
    value.axes.axes[axis] = (struct onnx_axis){.n = 1, .atoms = {ONNX_C}};
    return onnx_define_flow(r, node, &value);
}

int onnx_op_concat(struct onnx_reader *r, const Onnx__NodeProto *node)
{
    const struct onnx_value *first = onnx_input(r, node, 0);
    if (first && first->kind == ONNX_VALUE_ZEROS)
        return onnx_op_expand(r, node);
    if (first && first->kind == ONNX_VALUE_FLOW) {
        if (node->n_input != 2)
            return onnx_refuse(r, node, "only two halves of a global pool can be joined");
        return join_halves(r, node);
    }
    return onnx_ints_concat(r, node);
}
