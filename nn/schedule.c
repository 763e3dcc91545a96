/* Learning rates by formula, so that a resumed training needs no memory of them. */
#include "nn/schedule.h"

#include <math.h>

static const double pi = 3.141592653589793;

/* 1 at 0, 0 at 1, level at both ends. */
static double half_cosine(double share)
{
    return 0.5 + 0.5 * cos(pi * fmin(fmax(share, 0.0), 1.0));
}

/* Whole cycles behind a step; one that ends on a border belongs to the cycle that ends there. */
static double cycles_behind(const struct nn_schedule *s, uint32_t epochs, double done)
{
    double cycle = s->cycle ? (double)s->cycle : (double)epochs;
    return fmax(ceil(done / cycle) - 1.0, 0.0);
}

static double cosine(const struct nn_schedule *s, uint32_t epochs, double done)
{
    double cycle = s->cycle ? (double)s->cycle : (double)epochs;
    double number = cycles_behind(s, epochs, done);
    double start = number * cycle;
    double length = fmin(cycle, (double)epochs - start);
    double top = (double)s->rate * pow((double)s->factor, number);
    double warmup = fmin((double)s->warmup, length);
    if (done - start < warmup)
        return top * (done - start) / warmup;
    return top * half_cosine((done - start - warmup) / fmax(length - warmup, 1e-9));
}

static double one_cycle(const struct nn_schedule *s, uint32_t epochs, double done)
{
    const double rise = 0.3;
    double share = done / (double)epochs;
    double top = (double)s->rate;
    double low = share < rise ? top / 25.0 : top / 1e4;
    double height =
        share < rise ? 1.0 - half_cosine(share / rise) : half_cosine((share - rise) / (1.0 - rise));
    return low + (top - low) * height;
}

float nn_schedule_rate(const struct nn_schedule *schedule, uint32_t epochs, double done)
{
    const struct nn_schedule *s = schedule;
    if (s->kind == NN_SCHEDULE_COSINE)
        return (float)cosine(s, epochs, done);
    if (s->kind == NN_SCHEDULE_ONE_CYCLE)
        return (float)one_cycle(s, epochs, done);
    double rate = (double)s->rate;
    if (done < (double)s->warmup)
        return (float)(rate * done / (double)s->warmup);
    if (s->kind == NN_SCHEDULE_STEP)
        rate *= pow((double)s->factor, cycles_behind(s, epochs, done));
    else if (s->kind == NN_SCHEDULE_EXPONENTIAL)
        rate *= pow((double)s->factor, done);
    return (float)rate;
}
