/*
 * A network from an ONNX file that some other program has written: the feed-forward and recurrent
 * subset of docs/onnx.md. Whatever a network of ours cannot compute exactly is refused by name.
 */
#ifndef NN_ONNX_READ_H
#define NN_ONNX_READ_H

#include "nn/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest file that is read. */
enum { NN_ONNX_BYTES_MAX = 512 << 20 };

/* What the file may leave open. */
struct nn_onnx_wish {
    struct nn_shape input; /* of one sample; 0 = as the file says, and it must say so */
    uint32_t steps;        /* of a network that is handed its state; 0 = one */
    const uint32_t *order; /* NULL, or: output i is to be the file's output order[i] */
    uint32_t n_order;      /* a permutation of 0..n_order - 1; the file must have as many outputs */
};

struct nn_onnx_reading {
    /*
     * From the input to the outputs. A frame's last row decides where the file looks at the last
     * step of a recurrent layer only: the network gives (outputs, h, 1), the file its row h - 1.
     */
    struct nn_network *network;
    /*
     * NULL, or what follows where the file is one step of a recurrent network that is handed its
     * state: `network` then ends before the recurrent layer and judges each window by itself;
     * `sequence` takes its outputs (c, 1, w) as the rows of (c, steps, w), from state 0.
     */
    struct nn_network *sequence;
    bool sigmoid; /* the file ends in a sigmoid, which is left out: the network gives logits */
};

/*
 * 0; -EPROTO with a sentence in `error` (always terminated) that names the node; -ENOMEM. The
 * caller destroys both networks.
 */
int nn_onnx_read(const uint8_t *data, size_t size, const struct nn_onnx_wish *wish,
                 struct nn_onnx_reading *ret_reading, char *error, size_t error_size);

#endif
