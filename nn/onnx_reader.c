/* What all operators need: names, attributes, refusals, new layers. */
#include "nn/onnx_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int onnx_refuse_file(struct onnx_reader *r, const char *reason)
{
    snprintf(r->error, r->error_size, "%s", reason);
    return -EPROTO;
}

int onnx_refuse(struct onnx_reader *r, const Onnx__NodeProto *node, const char *format, ...)
{
    char reason[256];
    va_list list;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    const char *name = node->name && *node->name ? node->name
                       : node->n_output > 0      ? node->output[0]
                                                 : "";
    snprintf(r->error, r->error_size, "node '%.80s' (%.40s): %s", name,
             node->op_type ? node->op_type : "no operator", reason);
    return -EPROTO;
}

const struct onnx_value *onnx_find(const struct onnx_reader *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_values; i++)
        if (strcmp(r->values[i].name, name) == 0)
            return &r->values[i];
    return NULL;
}

int onnx_add_value(struct onnx_reader *r, const char *name, const struct onnx_value *value)
{
    if (!name || !*name)
        return onnx_refuse_file(r, "something in its graph has no name");
    if (onnx_find(r, name))
        return onnx_refuse_file(r, "two things in its graph have the same name");
    if (r->n_values == r->values_max)
        return onnx_refuse_file(r, "its graph is larger than any network here");
    r->values[r->n_values] = *value;
    r->values[r->n_values++].name = name;
    return 0;
}

struct onnx_chain *onnx_chain_now(struct onnx_reader *r)
{
    return r->stateful ? &r->sequence : &r->window;
}

const struct onnx_value *onnx_input(const struct onnx_reader *r, const Onnx__NodeProto *node,
                                    size_t i)
{
    return i < node->n_input && *node->input[i] ? onnx_find(r, node->input[i]) : NULL;
}

const struct onnx_value *onnx_flow(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i)
{
    const struct onnx_value *value = onnx_input(r, node, i);
    if (!value || value->kind != ONNX_VALUE_FLOW) {
        onnx_refuse(r, node, "input %zu is not computed from the frame", i);
        return NULL;
    }
    if (value->at != r->at) {
        onnx_refuse(r, node, "the network branches here; only chains of layers are supported");
        return NULL;
    }
    return value;
}

const struct onnx_value *onnx_whole_flow(struct onnx_reader *r, const Onnx__NodeProto *node,
                                         size_t i)
{
    const struct onnx_value *value = onnx_flow(r, node, i);
    if (!value)
        return NULL;
    if (value->half != ONNX_BOTH) {
        onnx_refuse(r, node, "between a global pool and a dense layer it is not supported");
        return NULL;
    }
    return onnx_no_padding(r, node, value) ? value : NULL;
}

bool onnx_no_padding(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *value)
{
    if (value->pad[0] == 0 && value->pad[1] == 0 && value->pad[2] == 0 && value->pad[3] == 0)
        return true;
    onnx_refuse(r, node, "padding is supported before a convolution only");
    return false;
}

float *onnx_floats(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                   const Onnx__TensorProto **ret_tensor, size_t *ret_n)
{
    const struct onnx_value *value = onnx_input(r, node, i);
    if (!value || value->kind != ONNX_VALUE_TENSOR) {
        onnx_refuse(r, node, "input %zu is not a tensor of numbers in the file", i);
        return NULL;
    }
    size_t n;
    const char *reason = onnx_tensor_check(value->tensor, &n);
    float *values = reason ? NULL : onnx_tensor_floats(value->tensor, n);
    if (!values) {
        onnx_refuse(r, node, "input %zu: %s", i,
                    reason ? reason : "not floating-point numbers, or some are not finite");
        return NULL;
    }
    *ret_tensor = value->tensor;
    *ret_n = n;
    return values;
}

float *onnx_floats_shaped(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                          const int64_t *dims, size_t n_dims)
{
    const Onnx__TensorProto *tensor;
    size_t n;
    float *values = onnx_floats(r, node, i, &tensor, &n);
    if (!values)
        return NULL;
    bool same = tensor->n_dims == n_dims;
    for (size_t k = 0; k < n_dims && same; k++)
        same = tensor->dims[k] == dims[k];
    if (!same) {
        onnx_refuse(r, node, "input %zu does not have the shape that fits here", i);
        free(values);
        return NULL;
    }
    return values;
}

int onnx_define(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                const struct onnx_value *value)
{
    return onnx_add_value(r, node->output[i], value);
}

int onnx_define_flow(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *like)
{
    struct onnx_value value = *like;
    value.kind = ONNX_VALUE_FLOW;
    value.at = r->at;
    return onnx_add_value(r, node->output[0], &value);
}

int onnx_add_layer(struct onnx_reader *r, const Onnx__NodeProto *node,
                   const struct nn_layer_spec *spec, float **ret_weights)
{
    if (!onnx_chain_add(onnx_chain_now(r), spec, ret_weights))
        return onnx_refuse(r, node, "it does not fit here, or is beyond a maximum of our networks");
    r->at++;
    return 0;
}

int onnx_add_plain(struct onnx_reader *r, const Onnx__NodeProto *node, enum nn_layer_kind kind)
{
    const struct onnx_value *flow = onnx_flow(r, node, 0);
    if (!flow || !onnx_no_padding(r, node, flow))
        return -EPROTO;
    int error = onnx_add_layer(r, node, &(struct nn_layer_spec){.kind = kind}, NULL);
    return error ? error : onnx_define_flow(r, node, flow);
}

static const Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name && strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

bool onnx_has(const Onnx__NodeProto *node, const char *name)
{
    return find_attribute(node, name) != NULL;
}

int64_t onnx_int(const Onnx__NodeProto *node, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    return attribute ? attribute->i : otherwise;
}

float onnx_float(const Onnx__NodeProto *node, const char *name, float otherwise)
{
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    return attribute ? attribute->f : otherwise;
}

bool onnx_text_is(const Onnx__NodeProto *node, const char *name, const char *text)
{
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    return attribute && attribute->has_s && attribute->s.len == strlen(text) &&
           memcmp(attribute->s.data, text, attribute->s.len) == 0;
}

bool onnx_ints(const Onnx__NodeProto *node, const char *name, int64_t otherwise, size_t n,
               int64_t *ret_values)
{
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    if (attribute && attribute->n_ints != n)
        return false;
    for (size_t i = 0; i < n; i++)
        ret_values[i] = attribute ? attribute->ints[i] : otherwise;
    return true;
}

int onnx_axes_given(const struct onnx_reader *r, const Onnx__NodeProto *node, const char *name,
                    size_t i, int64_t *ret_values)
{
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    if (attribute) {
        if (attribute->n_ints > ONNX_RANK_MAX)
            return -1;
        for (size_t k = 0; k < attribute->n_ints; k++)
            ret_values[k] = attribute->ints[k];
        return (int)attribute->n_ints;
    }
    if (i >= node->n_input || !*node->input[i])
        return 0;
    const struct onnx_value *value = onnx_input(r, node, i);
    if (!value || value->kind != ONNX_VALUE_INTS || value->cols > 0 ||
        value->n_ints > ONNX_RANK_MAX)
        return -1;
    memcpy(ret_values, value->ints, value->n_ints * sizeof *ret_values);
    return (int)value->n_ints;
}
