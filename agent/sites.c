/* The search for a free place. */
#include "agent/sites.h"

#include <errno.h>
#include <math.h>

enum {
    GRID_MAX = 400, /* steps each way; keeps a silly reach from taking for ever */
    WITHIN_MAX = 64 /* the same inside a frame */
};

/* Beyond these an action leaves more than a small crater. */
static const double HARD_CRASH_M = 1.2e-9, HARD_PULSE_V = 5;

double sites_radius_m(const struct policy_sites *sites, const struct action *action)
{
    bool crash = action->kind == ACTION_CRASH, pulse = action->kind == ACTION_PULSE;
    bool neck = action->kind == ACTION_NECK;
    if (!crash && !pulse && !neck)
        return 0;
    bool hard = neck || (crash && action->depth_m > HARD_CRASH_M * (1 + 1e-9)) ||
                (pulse && fabs(action->voltage_v) > HARD_PULSE_V);
    return hard ? fmax(sites->forbidden_radius_hard_m, sites->forbidden_radius_m)
                : sites->forbidden_radius_m;
}

void sites_coarse_move(const struct policy_sites *sites, struct action *ret_action)
{
    *ret_action = action_default(ACTION_RETRACT);
    ret_action->coarse_steps = sites->coarse_steps;
    ret_action->lateral_steps = sites->lateral_steps;
}

void sites_place(const struct sites_frame *frame, double x_frac, double y_frac, double *ret_x_m,
                 double *ret_y_m)
{
    double angle = frame->angle_deg * acos(-1) / 180;
    double across_m = x_frac * frame->width_m / 2, up_m = y_frac * frame->height_m / 2;
    *ret_x_m = frame->x_m + across_m * cos(angle) - up_m * sin(angle);
    *ret_y_m = frame->y_m + across_m * sin(angle) + up_m * cos(angle);
}

static bool is_free(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                    double x_m, double y_m)
{
    /* A hair less, so that neighbours on the grid are not refused for rounding. */
    double apart_m = sites->separation_m * (1 - 1e-9);
    for (size_t i = 0; i < n; i++) {
        double distance_m = hypot(x_m - spots[i].x_m, y_m - spots[i].y_m);
        double circle_m = spots[i].used ? sites->forbidden_radius_m : spots[i].radius_m;
        if ((spots[i].radius_m == 0 && distance_m < apart_m) || distance_m < circle_m * (1 - 1e-9))
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

static bool is_apart(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                     double x_m, double y_m)
{
    double apart_m = sites->crash_apart_m * (1 - 1e-9);
    for (size_t i = 0; i < n; i++)
        if (spots[i].radius_m > 0 && hypot(x_m - spots[i].x_m, y_m - spots[i].y_m) < apart_m)
            return false;
    return true;
}

/* The i-th line of the grid along a side, from the wished place towards the far edge. */
static double along(double wished_frac, double side_m, double step_m, int i)
{
    return wished_frac + (wished_frac > 0 ? -1 : 1) * i * step_m / (side_m / 2);
}

bool sites_choose_within(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                         const struct sites_frame *frame, double *x_frac, double *y_frac)
{
    double step_m = sites->crash_apart_m, best_m = (double)INFINITY;
    double wished_x = *x_frac, wished_y = *y_frac;
    if (!(frame->width_m > 0) || !(frame->height_m > 0) || !isfinite(frame->angle_deg) ||
        !(step_m > 0))
        return false;
    for (int j = 0; j <= WITHIN_MAX; j++)
        for (int i = 0; i <= WITHIN_MAX; i++) {
            double x = along(wished_x, frame->width_m, step_m, i);
            double y = along(wished_y, frame->height_m, step_m, j);
            double x_m, y_m, distance_m = hypot(i, j) * step_m;
            if (fabs(x) > 1 || fabs(y) > 1 || distance_m >= best_m)
                continue;
            sites_place(frame, x, y, &x_m, &y_m);
            if (!is_apart(sites, spots, n, x_m, y_m))
                continue;
            best_m = distance_m;
            *x_frac = x;
            *y_frac = y;
        }
    return best_m > 0 && isfinite(best_m);
}
