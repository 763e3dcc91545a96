/* Merging, splitting and moving of axes. */
#include "nn/onnx_axes.h"

#include <string.h>

static int64_t atom_size(const struct onnx_axes *axes, enum onnx_atom atom)
{
    switch (atom) {
    case ONNX_N:
        return axes->batch;
    case ONNX_C:
        return axes->shape.c;
    case ONNX_H:
        return axes->shape.h;
    case ONNX_W:
        return axes->shape.w;
    case ONNX_ATOMS:
        break;
    }
    return 1;
}

struct onnx_axes onnx_axes_make(struct nn_shape shape, int64_t batch, const enum onnx_atom *order,
                                uint32_t n)
{
    struct onnx_axes axes = {.shape = shape, .batch = batch, .n = n};
    for (uint32_t i = 0; i < n; i++)
        if (order[i] == ONNX_N || atom_size(&axes, order[i]) > 1)
            axes.axes[i] = (struct onnx_axis){.n = 1, .atoms = {order[i]}};
    return axes;
}

int64_t onnx_axes_size(const struct onnx_axes *axes, uint32_t axis)
{
    int64_t size = 1;
    for (uint32_t i = 0; i < axes->axes[axis].n; i++) {
        int64_t atom = atom_size(axes, axes->axes[axis].atoms[i]);
        if (atom == ONNX_BATCH)
            return ONNX_BATCH;
        size *= atom;
    }
    return size;
}

int onnx_axes_find(const struct onnx_axes *axes, enum onnx_atom atom)
{
    for (uint32_t i = 0; i < axes->n; i++)
        if (axes->axes[i].n == 1 && axes->axes[i].atoms[0] == atom)
            return (int)i;
    return -1;
}

bool onnx_axes_is_image(const struct onnx_axes *axes)
{
    if (axes->n != 2 && axes->n != 4)
        return false;
    if (axes->n == 2 && (axes->shape.h > 1 || axes->shape.w > 1))
        return false;
    for (uint32_t i = 0; i < axes->n; i++) {
        const struct onnx_axis *axis = &axes->axes[i];
        if (axis->n > 1 || (axis->n == 1 && (uint32_t)axis->atoms[0] != i))
            return false;
    }
    return true;
}

bool onnx_axes_transpose(struct onnx_axes *axes, const int64_t *perm, uint32_t n)
{
    if (n != axes->n)
        return false;
    struct onnx_axes moved = *axes;
    bool used[ONNX_AXES_MAX] = {false};
    for (uint32_t i = 0; i < n; i++) {
        if (perm[i] < 0 || perm[i] >= n || used[perm[i]])
            return false;
        used[perm[i]] = true;
        moved.axes[i] = axes->axes[perm[i]];
    }
    *axes = moved;
    return true;
}

/*
 * Deals the atoms out again, in the order they lie in, to axes of these sizes. An axis of size 1
 * takes the samples only where their number is fixed to one and nothing else was to take them.
 */
static bool deal(struct onnx_axes *axes, const int64_t *sizes, uint32_t n)
{
    enum onnx_atom atoms[ONNX_ATOMS];
    uint32_t n_atoms = 0;
    for (uint32_t i = 0; i < axes->n; i++)
        for (uint32_t k = 0; k < axes->axes[i].n; k++)
            atoms[n_atoms++] = axes->axes[i].atoms[k];

    struct onnx_axes dealt = {.shape = axes->shape, .batch = axes->batch, .n = n};
    uint32_t next = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct onnx_axis *axis = &dealt.axes[i];
        if (next < n_atoms && atoms[next] == ONNX_N && sizes[i] == axes->batch) {
            axis->atoms[axis->n++] = atoms[next++];
            continue;
        }
        if (sizes[i] == ONNX_BATCH)
            return false;
        for (int64_t size = 1; size < sizes[i];) {
            int64_t atom = next < n_atoms ? atom_size(axes, atoms[next]) : 0;
            if (atom <= 0 || sizes[i] % (size * atom) != 0)
                return false;
            size *= atom;
            axis->atoms[axis->n++] = atoms[next++];
        }
    }
    if (next != n_atoms)
        return false;
    *axes = dealt;
    return true;
}

/* Product of the known sizes, 0 beyond what any sample holds; samples count where fixed. */
static int64_t product_of(const int64_t *sizes, uint32_t n)
{
    const int64_t limit = INT64_C(1) << 40;
    int64_t product = 1;
    for (uint32_t i = 0; i < n; i++) {
        if (sizes[i] == ONNX_BATCH || sizes[i] == -1)
            continue;
        if (sizes[i] <= 0 || sizes[i] > limit / product)
            return 0;
        product *= sizes[i];
    }
    return product;
}

bool onnx_axes_reshape(struct onnx_axes *axes, const int64_t *dims, uint32_t n)
{
    if (n > ONNX_AXES_MAX)
        return false;
    int64_t sizes[ONNX_AXES_MAX];
    int open = -1;
    for (uint32_t i = 0; i < n; i++) {
        if ((dims[i] == 0 && i >= axes->n) || (dims[i] < -1 && dims[i] != ONNX_BATCH))
            return false;
        sizes[i] = dims[i] == 0 ? onnx_axes_size(axes, i) : dims[i];
        if (sizes[i] == -1 && open >= 0)
            return false;
        if (sizes[i] == -1)
            open = (int)i;
    }
    if (open < 0)
        return deal(axes, sizes, n);
    int64_t known = product_of(sizes, n);
    int64_t whole = (int64_t)nn_shape_size(axes->shape);
    if (axes->batch != ONNX_BATCH)
        whole *= axes->batch;
    if (known > 0 && whole % known == 0) {
        sizes[open] = whole / known;
        if (deal(axes, sizes, n))
            return true;
    }
    sizes[open] = ONNX_BATCH;
    return axes->batch == ONNX_BATCH && known == whole && deal(axes, sizes, n);
}

bool onnx_axes_flatten(struct onnx_axes *axes, int64_t axis)
{
    if (axis < 0)
        axis += axes->n;
    if (axis < 0 || axis > axes->n)
        return false;
    struct onnx_axes flat = {.shape = axes->shape, .batch = axes->batch, .n = 2};
    for (uint32_t i = 0; i < axes->n; i++)
        for (uint32_t k = 0; k < axes->axes[i].n; k++) {
            struct onnx_axis *to = &flat.axes[i < axis ? 0 : 1];
            to->atoms[to->n++] = axes->axes[i].atoms[k];
        }
    *axes = flat;
    return true;
}

bool onnx_axes_squeeze(struct onnx_axes *axes, int64_t axis)
{
    if (axis < 0)
        axis += axes->n;
    if (axis < 0 || axis >= axes->n || axes->axes[axis].n > 0)
        return false;
    axes->n--;
    memmove(&axes->axes[axis], &axes->axes[axis + 1],
            (axes->n - (size_t)axis) * sizeof axes->axes[0]);
    return true;
}

bool onnx_axes_unsqueeze(struct onnx_axes *axes, int64_t axis)
{
    if (axis < 0)
        axis += axes->n + INT64_C(1);
    if (axis < 0 || axis > axes->n || axes->n == ONNX_AXES_MAX)
        return false;
    memmove(&axes->axes[axis + 1], &axes->axes[axis],
            (axes->n - (size_t)axis) * sizeof axes->axes[0]);
    axes->axes[axis].n = 0;
    axes->n++;
    return true;
}

void onnx_axes_order(const struct onnx_axes *axes, uint32_t axis, uint32_t *ret_order)
{
    uint32_t stride[ONNX_ATOMS] = {0};
    uint32_t step = 1;
    for (uint32_t i = axes->axes[axis].n; i-- > 0;) {
        enum onnx_atom atom = axes->axes[axis].atoms[i];
        stride[atom] = step;
        step *= (uint32_t)atom_size(axes, atom);
    }
    for (uint32_t c = 0; c < axes->shape.c; c++)
        for (uint32_t h = 0; h < axes->shape.h; h++)
            for (uint32_t w = 0; w < axes->shape.w; w++)
                *ret_order++ = c * stride[ONNX_C] + h * stride[ONNX_H] + w * stride[ONNX_W];
}
