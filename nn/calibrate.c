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

void nn_calibration_apply(const struct nn_calibration *calibration, float seen, const float *logits,
                          float *ret_scores)
{
    const struct nn_calibration_knot *knots = calibration->knots;
    uint32_t above = 0;
    while (above + 1 < calibration->n && knots[above].seen < seen)
        above++;
    uint32_t below = above > 0 ? above - 1 : 0;
    float gap = knots[above].seen - knots[below].seen;
    float share = gap > 0.0F ? fminf(fmaxf((seen - knots[below].seen) / gap, 0.0F), 1.0F) : 0.0F;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        float scale = (1.0F - share) * knots[below].scale[k] + share * knots[above].scale[k];
        float offset = (1.0F - share) * knots[below].offset[k] + share * knots[above].offset[k];
        ret_scores[k] = 1.0F / (1.0F + expf(-(scale * logits[k] + offset)));
    }
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

void nn_calibration_fit(uint32_t n, const float *logits, const float *wanted, const float *weights,
                        float *ret_scale, float *ret_offset)
{
    double fit[2] = {1.0, 0.0};
    for (int i = 0; i < 100 && improve(n, logits, wanted, weights, fit); i++)
        continue;
    *ret_scale = (float)fit[0];
    *ret_offset = (float)fit[1];
}
