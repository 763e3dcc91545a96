/* Wanted scores and their weights. */
#include "nn/goal.h"

#include <math.h>

static float vote_of(const struct nn_goal *goal, const struct nn_example *example, uint32_t label)
{
    float vote = example->wanted[label];
    if (goal->threshold > 0.0F)
        vote = vote >= goal->threshold ? 1.0F : 0.0F;
    return vote + goal->smoothing * (0.5F - vote);
}

struct nn_goal nn_goal_balanced(const struct nn_goal *goal, const struct nn_dataset *dataset,
                                const uint32_t *order, uint32_t n)
{
    struct nn_goal balanced = *goal;
    balanced.balance = 0.0F;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        double positive = 0.0;
        for (uint32_t i = 0; i < n; i++)
            positive += (double)vote_of(goal, &dataset->examples[order[i]], k);
        /* A label nobody or everybody voted for has nothing to be balanced. */
        if (goal->balance > 0.0F && positive > 0.0 && positive < (double)n)
            balanced.class_weights[k] *=
                (float)pow(((double)n - positive) / positive, (double)goal->balance);
    }
    return balanced;
}

static float trust_of(const struct nn_goal *goal, const struct nn_example *example)
{
    float counted = fminf(example->responses, 4.0F);
    switch (goal->trust) {
    case NN_TRUST_ROOT:
        return sqrtf(counted);
    case NN_TRUST_COUNT:
        return counted;
    case NN_TRUST_EQUAL:
        break;
    }
    return 1.0F;
}

/* Share of the frame that output row r ends at; 0 and less while it is led in. */
static double share_at(const struct nn_goal_view *view, uint32_t r)
{
    double led_in = (double)view->led_in;
    return ((double)(r + 1) / (double)view->rows - led_in) / (1.0 - led_in);
}

/* How much each row of a label counts; ret_weights: (rows). */
static void weigh_rows(const struct nn_goal *goal, const struct nn_goal_view *view, uint32_t label,
                       float *ret_weights)
{
    if (view->rows == 1) {
        ret_weights[0] = 1.0F;
        return;
    }
    double sum = 0.0;
    for (uint32_t r = 0; r < view->rows; r++) {
        double share = share_at(view, r);
        /* The last row always counts, whatever first_row says. */
        bool counts = (share > 0.0 && share >= (double)goal->first_row) || r + 1 == view->rows;
        ret_weights[r] = counts ? (float)pow(share, (double)goal->rising[label]) : 0.0F;
        sum += (double)ret_weights[r];
    }
    for (uint32_t r = 0; r < view->rows; r++) {
        bool seen = share_at(view, r) <= (double)view->seen + 1e-4;
        ret_weights[r] = seen ? (float)((double)ret_weights[r] / sum) : 0.0F;
    }
}

void nn_goal_fill(const struct nn_goal *goal, const struct nn_goal_view *view, float *ret_wanted,
                  float *ret_weights)
{
    float trust = trust_of(goal, view->example);
    float total = 0.0F;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        total += vote_of(goal, view->example, k);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        float *weights = ret_weights + (size_t)k * view->rows;
        float vote = vote_of(goal, view->example, k);
        float positive = goal->class_weights[k];
        float weight = trust * (positive * vote + 1.0F - vote);
        float wanted = positive * vote / (positive * vote + 1.0F - vote);
        if (goal->loss == NN_LOSS_CATEGORICAL) {
            /* One of the six: the votes' shares; a frame without any could be each of them. */
            wanted = total > 0.0F ? vote / total : 1.0F / NN_LABEL_COUNT;
            weight = trust;
        }
        if (view->only >= 0 && view->only != (int)k)
            weight = 0.0F;
        weigh_rows(goal, view, k, weights);
        for (uint32_t r = 0; r < view->rows; r++) {
            ret_wanted[(size_t)k * view->rows + r] = wanted;
            weights[r] *= weight;
        }
    }
}

void nn_goal_mix(float share, uint32_t n, float *wanted[2], float *weights[2])
{
    float rest = 1.0F - share;
    for (uint32_t i = 0; i < n; i++) {
        float weight[2] = {weights[0][i], weights[1][i]};
        float mass[2] = {weight[0] * wanted[0][i], weight[1] * wanted[1][i]};
        for (int side = 0; side < 2; side++) {
            float sum = share * weight[side] + rest * weight[1 - side];
            weights[side][i] = sum;
            if (sum > 0.0F)
                wanted[side][i] = (share * mass[side] + rest * mass[1 - side]) / sum;
        }
    }
}
