/* Platt's line, fitted by Newton's method. */
#include "nn/calibrate.h"

#include <math.h>

struct nn_decision nn_decision_default(void)
{
    return (struct nn_decision){.threshold = 0.5F, .low = 0.5F, .high = 0.5F};
}

struct nn_calibration nn_calibration_identity(void)
{
    struct nn_calibration calibration = {.n = 1};
    calibration.knots[0].seen = 1.0F;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        calibration.knots[0].scale[k] = 1.0F;
    for (int d = 0; d < NN_DECISION_COUNT; d++)
        calibration.knots[0].decisions[d] = nn_decision_default();
    return calibration;
}

static float between(float share, float below, float above)
{
    return (1.0F - share) * below + share * above;
}

struct nn_calibration_knot nn_calibration_at(const struct nn_calibration *calibration, float seen)
{
    const struct nn_calibration_knot *knots = calibration->knots;
    uint32_t i = 0;
    while (i + 1 < calibration->n && knots[i].seen < seen)
        i++;
    const struct nn_calibration_knot *above = &knots[i];
    const struct nn_calibration_knot *below = &knots[i > 0 ? i - 1 : 0];
    float gap = above->seen - below->seen;
    float share = gap > 0.0F ? fminf(fmaxf((seen - below->seen) / gap, 0.0F), 1.0F) : 0.0F;
    struct nn_calibration_knot knot = {.seen = seen};
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        knot.scale[k] = between(share, below->scale[k], above->scale[k]);
        knot.offset[k] = between(share, below->offset[k], above->offset[k]);
    }
    for (int d = 0; d < NN_DECISION_COUNT; d++) {
        const struct nn_decision *from = &below->decisions[d];
        const struct nn_decision *to = &above->decisions[d];
        knot.decisions[d].threshold = between(share, from->threshold, to->threshold);
        knot.decisions[d].low = between(share, from->low, to->low);
        knot.decisions[d].high = between(share, from->high, to->high);
    }
    return knot;
}

void nn_calibration_apply(const struct nn_calibration *calibration, float seen, const float *logits,
                          float *ret_scores)
{
    struct nn_calibration_knot knot = nn_calibration_at(calibration, seen);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_scores[k] = 1.0F / (1.0F + expf(-(knot.scale[k] * logits[k] + knot.offset[k])));
}

float nn_calibration_bad(const float *scores)
{
    float none = (1.0F - scores[NN_LABEL_ASYMMETRIES]) *
                 (1.0F - scores[NN_LABEL_INDIVIDUAL_ATOMS]) * (1.0F - scores[NN_LABEL_DIMERS]) *
                 (1.0F - scores[NN_LABEL_ROWS]);
    float bad = scores[NN_LABEL_BAD_BLURRY] * none;
    float good = (1.0F - scores[NN_LABEL_BAD_BLURRY]) * (1.0F - none);
    return bad + good > 0.0F ? bad / (bad + good) : 0.5F;
}

/* One Newton step; false when it no longer moves. fit: scale, offset. */
static int improve(uint32_t n, const float *logits, const float *wanted, const float *weights,
                   double *fit)
{
    const double pull = 1.0;
    double g0 = pull * (fit[0] - 1.0);
    double g1 = pull * fit[1];
    double h00 = pull;
    double h01 = 0.0;
    double h11 = pull;
    for (uint32_t i = 0; i < n; i++) {
        double z = (double)logits[i];
        double score = 1.0 / (1.0 + exp(-(fit[0] * z + fit[1])));
        double error = (double)weights[i] * (score - (double)wanted[i]);
        double bend = (double)weights[i] * score * (1.0 - score);
        g0 += error * z;
        g1 += error;
        h00 += bend * z * z;
        h01 += bend * z;
        h11 += bend;
    }
    double determinant = h00 * h11 - h01 * h01;
    double move0 = (h11 * g0 - h01 * g1) / determinant;
    double move1 = (h00 * g1 - h01 * g0) / determinant;
    fit[0] -= fmin(fmax(move0, -1.0), 1.0);
    fit[1] -= fmin(fmax(move1, -1.0), 1.0);
    return fabs(move0) + fabs(move1) > 1e-9;
}

/* The best line of slope 0. */
static void fit_level(uint32_t n, const float *wanted, const float *weights, double *fit)
{
    double yes = 0.5;
    double no = 0.5;
    for (uint32_t i = 0; i < n; i++) {
        yes += (double)weights[i] * (double)wanted[i];
        no += (double)weights[i] * (1.0 - (double)wanted[i]);
    }
    fit[0] = 0.0;
    fit[1] = log(yes / no);
}

void nn_calibration_fit(uint32_t n, const float *logits, const float *wanted, const float *weights,
                        float *ret_scale, float *ret_offset)
{
    double fit[2] = {1.0, 0.0};
    for (int i = 0; i < 100 && improve(n, logits, wanted, weights, fit); i++)
        continue;
    if (fit[0] < 0.0)
        fit_level(n, wanted, weights, fit);
    *ret_scale = (float)fit[0];
    *ret_offset = (float)fit[1];
}
