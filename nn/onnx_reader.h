/*
 * A foreign graph while it is read, node by node: what each name stands for, and the layers found.
 * Inside of nn/onnx_read.c and nn/onnx_op_*.c.
 */
#ifndef NN_ONNX_READER_H
#define NN_ONNX_READER_H

#include "nn/onnx_chain.h"
#include "nn/onnx_value.h"

#include <stddef.h>

struct onnx_reader {
    const Onnx__GraphProto *graph;
    uint32_t steps;
    struct onnx_value *values;
    uint32_t n_values, values_max;
    struct onnx_chain window;   /* before a layer that is handed its state */
    struct onnx_chain sequence; /* from there on */
    bool stateful;
    bool sigmoid;
    uint32_t at; /* changes of the chain so far: a value of an earlier one has been left behind */
    char *error;
    size_t error_size;
};

/* An operator: 0, or -EPROTO after onnx_refuse. */
typedef int (*onnx_op)(struct onnx_reader *r, const Onnx__NodeProto *node);

/* Writes the reason, returns -EPROTO. */
int onnx_refuse_file(struct onnx_reader *r, const char *reason);

/* What a name stands for, or NULL. */
const struct onnx_value *onnx_find(const struct onnx_reader *r, const char *name);

/* A new name. 0 or a refusal. */
int onnx_add_value(struct onnx_reader *r, const char *name, const struct onnx_value *value);

/* Writes "node 'x' (Op): ...", returns -EPROTO. */
int onnx_refuse(struct onnx_reader *r, const Onnx__NodeProto *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The chain that layers are added to now. */
struct onnx_chain *onnx_chain_now(struct onnx_reader *r);

/* What the node's input i stands for; NULL when it has none. */
const struct onnx_value *onnx_input(const struct onnx_reader *r, const Onnx__NodeProto *node,
                                    size_t i);

/*
 * Input i as what the layers so far give. NULL after a refusal: not computed from the input, or
 * the network went on without it.
 */
const struct onnx_value *onnx_flow(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i);

/* As onnx_flow, with both halves of a global pool and no padding still to be done. */
const struct onnx_value *onnx_whole_flow(struct onnx_reader *r, const Onnx__NodeProto *node,
                                         size_t i);

/* Whether no padding is still to be done; else a refusal. */
bool onnx_no_padding(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *value);

/*
 * Input i as n floating-point numbers of a tensor in the file, with its shape in `*ret_tensor`;
 * free() them. NULL after a refusal.
 */
float *onnx_floats(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                   const Onnx__TensorProto **ret_tensor, size_t *ret_n);

/* As onnx_floats, of exactly this shape. */
float *onnx_floats_shaped(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                          const int64_t *dims, size_t n_dims);

/* Gives output i a value, whose name is filled in here. 0 or a refusal. */
int onnx_define(struct onnx_reader *r, const Onnx__NodeProto *node, size_t i,
                const struct onnx_value *value);

/* Output 0 is what the layers now give; its axes are like->axes. */
int onnx_define_flow(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *like);

/* A layer at the end of the chain. ret_weights may be NULL. 0 or a refusal. */
int onnx_add_layer(struct onnx_reader *r, const Onnx__NodeProto *node,
                   const struct nn_layer_spec *spec, float **ret_weights);

/* A layer without weights, window or shape of its own: 0 or a refusal, with output 0 defined. */
int onnx_add_plain(struct onnx_reader *r, const Onnx__NodeProto *node, enum nn_layer_kind kind);

/* Attributes; the given value where the node has none. */
int64_t onnx_int(const Onnx__NodeProto *node, const char *name, int64_t otherwise);
float onnx_float(const Onnx__NodeProto *node, const char *name, float otherwise);
bool onnx_text_is(const Onnx__NodeProto *node, const char *name, const char *text);
bool onnx_has(const Onnx__NodeProto *node, const char *name);
/* n integers, all `otherwise` where the node has none. false when there are more or fewer. */
bool onnx_ints(const Onnx__NodeProto *node, const char *name, int64_t otherwise, size_t n,
               int64_t *ret_values);
/*
 * Integers from an attribute or, in later operator sets, from input `i`. Returns their number, 0
 * when there are none, -1 when they are not constant or more than ONNX_RANK_MAX.
 */
int onnx_axes_given(const struct onnx_reader *r, const Onnx__NodeProto *node, const char *name,
                    size_t i, int64_t *ret_values);

/* The operators, by what they do. */
int onnx_op_conv(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_pad(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_pool(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_global_pool(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_reduce(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_norm(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_gemm(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_matmul(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_arithmetic(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_relu(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_sigmoid(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_softmax(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_recurrent(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_constant(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_zeros(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_expand(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_shape(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_same(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_flatten(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_reshape(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_transpose(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_squeeze(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_slice(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_gather(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_op_concat(struct onnx_reader *r, const Onnx__NodeProto *node);

/* The same on integers; input: what input 0 is. */
int onnx_ints_fill(struct onnx_reader *r, const Onnx__NodeProto *node, int64_t fill);
int onnx_ints_reshape(struct onnx_reader *r, const Onnx__NodeProto *node,
                      const struct onnx_value *input);
int onnx_ints_transpose(struct onnx_reader *r, const Onnx__NodeProto *node,
                        const struct onnx_value *input);
/* slice: start, end, axis, step */
int onnx_ints_slice(struct onnx_reader *r, const Onnx__NodeProto *node,
                    const struct onnx_value *input, const int64_t *slice);
int onnx_ints_gather(struct onnx_reader *r, const Onnx__NodeProto *node,
                     const struct onnx_value *input, const struct onnx_value *index);
int onnx_ints_concat(struct onnx_reader *r, const Onnx__NodeProto *node);
int onnx_ints_squeeze(struct onnx_reader *r, const Onnx__NodeProto *node,
                      const struct onnx_value *input);

#endif
