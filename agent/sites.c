/* The search for a free place. */
#include "agent/sites.h"

#include <errno.h>
#include <math.h>

enum { GRID_MAX = 400 }; /* steps each way; keeps a silly reach from taking for ever */

static bool is_free(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                    double x_m, double y_m)
{
    /* A hair less, so that neighbours on the grid are not refused for rounding. */
    double apart_m = sites->separation_m * (1 - 1e-9);
    for (size_t i = 0; i < n; i++) {
        double distance_m = hypot(x_m - spots[i].x_m, y_m - spots[i].y_m);
        if (distance_m < apart_m)
            return false;
        if (spots[i].used && distance_m < sites->forbidden_radius_m * (1 - 1e-9))
            return false;
    }
    return true;
}

static double turn(double dx, double dy)
{
    double angle = atan2(dy, dx);
    return angle < 0 ? angle + 2 * acos(-1) : angle;
}

int sites_choose(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                 double x_m, double y_m, double *ret_x_m, double *ret_y_m)
{
    double step_m = fmax(sites->separation_m, 1e-9);
    int reach = (int)fmin(floor(sites->reach_m / step_m), GRID_MAX);
    double best = (double)INFINITY, best_turn = 0;
    for (int j = -reach; j <= reach; j++)
        for (int i = -reach; i <= reach; i++) {
            double cx = i * step_m, cy = j * step_m;
            double distance_m = hypot(cx - x_m, cy - y_m), angle = turn(cx - x_m, cy - y_m);
            double near_m = 1e-6 * step_m;
            if (distance_m > best + near_m || (distance_m > best - near_m && angle >= best_turn) ||
                !is_free(sites, spots, n, cx, cy))
                continue;
            best = distance_m;
            best_turn = angle;
            *ret_x_m = cx;
            *ret_y_m = cy;
        }
    return isinf(best) ? -ENOSPC : 0;
}
