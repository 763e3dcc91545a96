/* Unpacking on a budget: many small messages in a small file are no network. */
#include "nn/onnx_proto.h"

#include "nn/onnx_read.h"

#include <stdlib.h>

struct budget {
    size_t left;
};

static void *take(void *budget, size_t size)
{
    struct budget *b = budget;
    if (size > b->left)
        return NULL;
    b->left -= size;
    return malloc(size ? size : 1);
}

static void give(void *budget, void *pointer)
{
    (void)budget;
    free(pointer);
}

bool onnx_proto_read(const uint8_t *data, size_t size, struct onnx_proto *ret_proto)
{
    ret_proto->model = NULL;
    if (size > NN_ONNX_BYTES_MAX)
        return false;
    struct budget budget = {.left = 4 * size + (1 << 24)};
    ProtobufCAllocator allocator = {.alloc = take, .free = give, .allocator_data = &budget};
    ret_proto->model = onnx__model_proto__unpack(&allocator, size, data);
    return ret_proto->model != NULL;
}

void onnx_proto_finish(struct onnx_proto *proto)
{
    ProtobufCAllocator allocator = {.alloc = take, .free = give};
    if (proto->model)
        onnx__model_proto__free_unpacked(proto->model, &allocator);
    proto->model = NULL;
}
