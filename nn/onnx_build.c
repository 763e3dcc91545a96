/* The graph's messages, kept in an arena. */
#include "nn/onnx_build.h"

#include "nn/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENDS_MAX = 32, METADATA_MAX = 128, ATTRIBUTES_MAX = 8 };

struct chunk {
    struct chunk *next;
    max_align_t bytes[];
};

struct onnx_build {
    struct chunk *chunks;
    bool failed;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[1];
    Onnx__NodeProto *nodes[ONNX_NODES_MAX];
    Onnx__TensorProto *tensors[ONNX_TENSORS_MAX];
    Onnx__ValueInfoProto *inputs[ENDS_MAX];
    Onnx__ValueInfoProto *outputs[ENDS_MAX];
    Onnx__StringStringEntryProto *metadata[METADATA_MAX];
};

static void *take(struct onnx_build *build, size_t size)
{
    struct chunk *chunk = calloc(1, sizeof *chunk + size);
    if (!chunk)
        abort();
    chunk->next = build->chunks;
    build->chunks = chunk;
    return chunk->bytes;
}

struct onnx_build *onnx_build_create(void)
{
    struct onnx_build *build = calloc(1, sizeof *build);
    if (!build)
        abort();
    onnx__model_proto__init(&build->model);
    onnx__graph_proto__init(&build->graph);
    onnx__operator_set_id_proto__init(&build->opset);
    build->opset.domain = onnx_build_name(build, "%s", "");
    build->opset.has_version = true;
    build->opset.version = ONNX_OPSET;
    build->opsets[0] = &build->opset;
    build->graph.name = onnx_build_name(build, "tipwright");
    build->graph.node = build->nodes;
    build->graph.initializer = build->tensors;
    build->graph.input = build->inputs;
    build->graph.output = build->outputs;
    build->model.has_ir_version = true;
    build->model.ir_version = ONNX_IR_VERSION;
    build->model.producer_name = onnx_build_name(build, "tipwright");
    build->model.graph = &build->graph;
    build->model.n_opset_import = 1;
    build->model.opset_import = build->opsets;
    build->model.metadata_props = build->metadata;
    return build;
}

void onnx_build_destroy(struct onnx_build *build)
{
    if (!build)
        return;
    for (struct chunk *chunk = build->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(build);
}

char *onnx_build_name(struct onnx_build *build, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length < 0)
        abort();
    char *text = take(build, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

const char *onnx_build_node(struct onnx_build *build, const char *op, const char *output,
                            const char *const *inputs, size_t n_inputs)
{
    Onnx__NodeProto *node = take(build, sizeof *node);
    onnx__node_proto__init(node);
    node->name = onnx_build_name(build, "%s", output);
    node->op_type = onnx_build_name(build, "%s", op);
    node->n_output = 1;
    node->output = take(build, sizeof *node->output);
    node->output[0] = node->name;
    node->n_input = n_inputs;
    node->input = take(build, n_inputs * sizeof *node->input);
    for (size_t i = 0; i < n_inputs; i++)
        node->input[i] = onnx_build_name(build, "%s", inputs[i]);
    if (build->graph.n_node < ONNX_NODES_MAX)
        build->nodes[build->graph.n_node++] = node;
    else
        build->failed = true;
    return node->name;
}

static Onnx__AttributeProto *add_attribute(struct onnx_build *build, const char *name, int type)
{
    Onnx__NodeProto *node = build->nodes[build->graph.n_node - 1];
    Onnx__AttributeProto *attribute = take(build, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = onnx_build_name(build, "%s", name);
    attribute->has_type = true;
    attribute->type = type;
    if (!node->attribute)
        node->attribute = take(build, ATTRIBUTES_MAX * sizeof(Onnx__AttributeProto *));
    if (node->n_attribute < ATTRIBUTES_MAX)
        node->attribute[node->n_attribute++] = attribute;
    else
        build->failed = true;
    return attribute;
}

enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7 };

void onnx_build_int(struct onnx_build *build, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute = add_attribute(build, name, ATTRIBUTE_INT);
    attribute->has_i = true;
    attribute->i = value;
}

void onnx_build_float(struct onnx_build *build, const char *name, float value)
{
    Onnx__AttributeProto *attribute = add_attribute(build, name, ATTRIBUTE_FLOAT);
    attribute->has_f = true;
    attribute->f = value;
}

void onnx_build_ints(struct onnx_build *build, const char *name, const int64_t *values, size_t n)
{
    Onnx__AttributeProto *attribute = add_attribute(build, name, ATTRIBUTE_INTS);
    attribute->n_ints = n;
    attribute->ints = take(build, n * sizeof *values);
    memcpy(attribute->ints, values, n * sizeof *values);
}

static Onnx__TensorProto *add_tensor(struct onnx_build *build, const char *name, int type,
                                     const int64_t *dims, size_t n_dims)
{
    Onnx__TensorProto *tensor = take(build, sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = onnx_build_name(build, "%s", name);
    tensor->has_data_type = true;
    tensor->data_type = type;
    tensor->n_dims = n_dims;
    tensor->dims = take(build, n_dims * sizeof *dims);
    memcpy(tensor->dims, dims, n_dims * sizeof *dims);
    tensor->has_raw_data = true;
    if (build->graph.n_initializer < ONNX_TENSORS_MAX)
        build->tensors[build->graph.n_initializer++] = tensor;
    else
        build->failed = true;
    return tensor;
}

/* Takes over what the writer holds. */
static void set_raw(struct onnx_build *build, Onnx__TensorProto *tensor,
                    struct nn_bytes_writer *writer)
{
    if (writer->failed)
        abort();
    tensor->raw_data.len = writer->size;
    tensor->raw_data.data = take(build, writer->size);
    if (writer->size > 0)
        memcpy(tensor->raw_data.data, writer->data, writer->size);
    free(writer->data);
}

const char *onnx_build_floats(struct onnx_build *build, const char *name, const float *values,
                              const int64_t *dims, size_t n_dims)
{
    Onnx__TensorProto *tensor = add_tensor(build, name, ONNX_FLOAT, dims, n_dims);
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++)
        n *= (size_t)dims[i];
    struct nn_bytes_writer writer = {0};
    nn_bytes_put_f32s(&writer, values, n);
    set_raw(build, tensor, &writer);
    return tensor->name;
}

const char *onnx_build_int64s(struct onnx_build *build, const char *name, const int64_t *values,
                              size_t n)
{
    Onnx__TensorProto *tensor = add_tensor(build, name, ONNX_INT64, &(int64_t){(int64_t)n}, 1);
    struct nn_bytes_writer writer = {0};
    for (size_t i = 0; i < n; i++)
        nn_bytes_put_u64(&writer, (uint64_t)values[i]);
    set_raw(build, tensor, &writer);
    return tensor->name;
}

static Onnx__ValueInfoProto *make_end(struct onnx_build *build, const char *name,
                                      const int64_t *dims, size_t n)
{
    Onnx__ValueInfoProto *end = take(build, sizeof *end);
    onnx__value_info_proto__init(end);
    end->name = onnx_build_name(build, "%s", name);
    end->type = take(build, sizeof *end->type);
    onnx__type_proto__init(end->type);
    Onnx__TypeProto__Tensor *tensor = take(build, sizeof *tensor);
    onnx__type_proto__tensor__init(tensor);
    end->type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX_FLOAT;
    tensor->shape = take(build, sizeof *tensor->shape);
    onnx__tensor_shape_proto__init(tensor->shape);
    tensor->shape->n_dim = n;
    tensor->shape->dim = take(build, n * sizeof(Onnx__TensorShapeProto__Dimension *));
    for (size_t i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *dim = take(build, sizeof *dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->has_dim_value = dims[i] >= 0;
        dim->dim_value = dims[i] >= 0 ? dims[i] : 0;
        dim->dim_param = dims[i] >= 0 ? NULL : onnx_build_name(build, "batch");
        tensor->shape->dim[i] = dim;
    }
    return end;
}

void onnx_build_input(struct onnx_build *build, const char *name, const int64_t *dims, size_t n)
{
    if (build->graph.n_input < ENDS_MAX)
        build->inputs[build->graph.n_input++] = make_end(build, name, dims, n);
    else
        build->failed = true;
}

void onnx_build_output(struct onnx_build *build, const char *name, const int64_t *dims, size_t n)
{
    if (build->graph.n_output < ENDS_MAX)
        build->outputs[build->graph.n_output++] = make_end(build, name, dims, n);
    else
        build->failed = true;
}

void onnx_build_metadata(struct onnx_build *build, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = take(build, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = onnx_build_name(build, "%s", key);
    entry->value = onnx_build_name(build, "%s", value);
    if (build->model.n_metadata_props < METADATA_MAX)
        build->metadata[build->model.n_metadata_props++] = entry;
    else
        build->failed = true;
}

const Onnx__GraphProto *onnx_build_graph(struct onnx_build *build)
{
    return &build->graph;
}

int onnx_build_pack(struct onnx_build *build, uint8_t **ret_data, size_t *ret_size)
{
    if (build->failed)
        return -E2BIG;
    size_t size = onnx__model_proto__get_packed_size(&build->model);
    uint8_t *data = malloc(size);
    if (!data)
        return -ENOMEM;
    onnx__model_proto__pack(&build->model, data);
    *ret_data = data;
    *ret_size = size;
    return 0;
}
