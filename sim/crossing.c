/* Tall features in the way of a line. */
#include "sim/crossing.h"

#include <math.h>

enum { BINS = SIM_CROSSING_BINS, SAMPLE_LINES = 24, SAMPLE_FEATURES = 1024 };

/* Of the line: so long after a feature it has just been crossed. */
#define PAST_FRAC (10.0 / 300)
#define SAMPLE_M 80e-9 /* side of the area that stands for the surface */

/* Half the length of a line at this distance from the middle that is higher than `least_m`. */
static double half_crossing_m(const struct sim_feature *f, double least_m, double dy_m)
{
    if (f->height_m <= least_m)
        return -1;
    double r2 = 2 * f->sigma_m * f->sigma_m * log(f->height_m / least_m);
    return r2 > dy_m * dy_m ? sqrt(r2 - dy_m * dy_m) : -1;
}

static void weigh(struct sim_crossing *crossing, int first, double from, double to, double factor)
{
    int low = (int)floor(fmax(0, from) * BINS), high = (int)ceil(fmin(1, to) * BINS);
    for (int i = low; i < high; i++)
        crossing->weight[first + i] = factor;
}

void sim_crossing_of_line(const struct sim_track *track, double least_m, double x0_m, double x1_m,
                          double factor, struct sim_crossing *ret)
{
    for (int i = 0; i < 2 * BINS; i++)
        ret->weight[i] = 1;
    for (size_t i = 0; i < track->n_features; i++) {
        const struct sim_feature *f = &track->features[i];
        double half_m = half_crossing_m(f, least_m, track->y_m - f->y_m);
        if (half_m <= 0)
            continue;
        double from = (f->x_m - half_m - x0_m) / (x1_m - x0_m);
        double to = (f->x_m + half_m - x0_m) / (x1_m - x0_m);
        if (to <= 0 || from >= 1)
            continue;
        weigh(ret, 0, from, to + PAST_FRAC, factor);
        weigh(ret, BINS, 1 - to, 1 - from + PAST_FRAC, factor);
    }
    ret->mean = 0;
    for (int i = 0; i < 2 * BINS; i++)
        ret->mean += ret->weight[i] / (2 * BINS);
}

double sim_crossing_place(const struct sim_crossing *crossing, double u)
{
    double left = u * crossing->mean * 2 * BINS;
    int i = 0;
    for (; i < 2 * BINS - 1 && left >= crossing->weight[i]; i++)
        left -= crossing->weight[i];
    return fmin((i + left / crossing->weight[i]) / (2 * BINS), 1 - 1e-9);
}

double sim_crossing_mean(const struct sim_surface *surface, double bias_v, double least_m,
                         double frame_m)
{
    struct sim_feature features[SAMPLE_FEATURES];
    struct sim_crossing crossing;
    double sum = 0;
    unsigned lines = 0;
    for (int j = 0; j < SAMPLE_LINES; j++) {
        double y_m = SAMPLE_M * ((j + .5) / SAMPLE_LINES - .5);
        struct sim_box box = {-SAMPLE_M / 2, y_m, SAMPLE_M / 2, y_m};
        struct sim_track track = {.y_m = y_m, .features = features};
        track.n_features = sim_surface_features(surface, bias_v, &box, features, SAMPLE_FEATURES);
        double step_m = fmin(frame_m, SAMPLE_M);
        for (double x_m = -SAMPLE_M / 2; x_m + step_m <= SAMPLE_M / 2; x_m += step_m, lines++) {
            sim_crossing_of_line(&track, least_m, x_m, x_m + step_m, 2, &crossing);
            sum += crossing.mean - 1;
        }
    }
    return lines ? sum / lines : 0;
}
