/* An ONNX file's messages, unpacked with bounds on the memory they take. */
#ifndef NN_ONNX_PROTO_H
#define NN_ONNX_PROTO_H

#include "nn/onnx.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct onnx_proto {
    Onnx__ModelProto *model;
};

/* false when it is no such file, or asks for more memory than any network would. */
bool onnx_proto_read(const uint8_t *data, size_t size, struct onnx_proto *ret_proto);
void onnx_proto_finish(struct onnx_proto *proto);

#endif
