/*
 * Pictures of a training set: resized to a square whatever their shape, flipped, turned.
 *
 * Bicubic is the cubic convolution with a = -1/2 (Keys 1981), widened by the factor when a picture
 * shrinks, with the picture mirrored at its edges, as MATLAB's imresize documents it; sums are
 * rounded once, at the end. Area is the mean over the part of the picture that a new pixel covers.
 */
#ifndef NN_BUILDER_PICTURE_H
#define NN_BUILDER_PICTURE_H

#include "nn/builder.h"

enum nn_resize { NN_RESIZE_BICUBIC, NN_RESIZE_AREA };

enum { NN_BUILDER_SIDE_MAX = 4096 };

/* ret_gray: (size, size). 0, -EINVAL (an empty picture, size 0 or too large), -ENOMEM. */
int nn_builder_resize(const struct nn_picture *picture, enum nn_resize how, uint32_t size,
                      uint8_t *ret_gray);

/* The picture (size, size) flipped in place as the sample is. */
void nn_builder_flip(const struct nn_sample *sample, uint32_t size, uint8_t *gray);

/*
 * The sample's picture; `picture` NULL: black.
 *
 * A turned sample is rotated about its centre, the largest upright square is cut out, of that a
 * smaller one (side s between `size` and all, with a probability that rises as s^2) anywhere on
 * the diagonal, and that is resized.
 */
int nn_builder_render(const struct nn_picture *picture, const struct nn_sample *sample,
                      enum nn_resize how, uint32_t size, uint8_t *ret_gray);

#endif
