/* Two heaps: the smaller half with its largest on top, the larger half with its smallest. */
#include "nn/median.h"

#include <errno.h>
#include <stdlib.h>

/* Values times `sign` sink: the top is the one whose product is largest. */
struct heap {
    double *values; /* (room) */
    uint32_t n;
    double sign;
};

struct nn_median {
    struct heap low, high;
    uint32_t room;
};

int nn_median_create(struct nn_median **ret_median)
{
    struct nn_median *median = calloc(1, sizeof *median);
    if (!median)
        return -ENOMEM;
    median->low.sign = 1.0;
    median->high.sign = -1.0;
    *ret_median = median;
    return 0;
}

void nn_median_destroy(struct nn_median *median)
{
    if (!median)
        return;
    free(median->low.values);
    free(median->high.values);
    free(median);
}

static int make_room(struct heap *heap, uint32_t n)
{
    double *larger = realloc(heap->values, n * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    heap->values = larger;
    return 0;
}

int nn_median_begin(struct nn_median *median, uint32_t max_n)
{
    if (max_n > median->room) {
        /* One half is at most one value ahead, and takes one in before it gives one away. */
        if (make_room(&median->low, max_n / 2 + 2) != 0 ||
            make_room(&median->high, max_n / 2 + 2) != 0)
            return -ENOMEM;
        median->room = max_n;
    }
    median->low.n = 0;
    median->high.n = 0;
    return 0;
}

static void push(struct heap *heap, double value)
{
    uint32_t at = heap->n++;
    while (at > 0) {
        uint32_t above = (at - 1) / 2;
        if (heap->values[above] * heap->sign >= value * heap->sign)
            break;
        heap->values[at] = heap->values[above];
        at = above;
    }
    heap->values[at] = value;
}

static double pop(struct heap *heap)
{
    double top = heap->values[0];
    double last = heap->values[--heap->n];
    uint32_t at = 0;
    while (2 * at + 1 < heap->n) {
        uint32_t below = 2 * at + 1;
        if (below + 1 < heap->n &&
            heap->values[below + 1] * heap->sign > heap->values[below] * heap->sign)
            below++;
        if (last * heap->sign >= heap->values[below] * heap->sign)
            break;
        heap->values[at] = heap->values[below];
        at = below;
    }
    heap->values[at] = last;
    return top;
}

void nn_median_add(struct nn_median *median, double value)
{
    struct heap *low = &median->low;
    struct heap *high = &median->high;
    if (low->n == 0 || value <= low->values[0])
        push(low, value);
    else
        push(high, value);
    if (low->n > high->n + 1)
        push(high, pop(low));
    else if (high->n > low->n)
        push(low, pop(high));
}

double nn_median_value(const struct nn_median *median)
{
    const struct heap *low = &median->low;
    const struct heap *high = &median->high;
    if (low->n == 0)
        return 0.0;
    double above = high->n == low->n ? high->values[0] : low->values[0];
    return 0.5 * (low->values[0] + above);
}
