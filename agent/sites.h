/*
 * Where the tip has been, a free place for the next area, and a free place inside a frame for the
 * next action. Coordinates: metres from the centre of the first area of this page of the map; a
 * coarse move begins a new page. Pure and deterministic.
 */
#ifndef AGENT_SITES_H
#define AGENT_SITES_H

#include "config/policy.h"

enum { SITES_MAX = 4096 };

struct sites_spot {
    double x_m, y_m;
    double radius_m; /* > 0: an action took place here, forbidden circle; 0: centre of an area */
    bool used;       /* an area with an action whose place is not known: a circle all the same */
};

/* A frame on the map. */
struct sites_frame {
    double x_m, y_m, width_m, height_m; /* centre; sizes */
    double angle_deg;                   /* counter-clockwise, of its x axis */
};

/* The forbidden circle of an action: the policy's, larger for a hard one; 0 for what leaves none.
 */
double sites_radius_m(const struct policy_sites *sites, const struct action *action);

/* The first half of a coarse move: away and sideways. An approach follows. */
void sites_coarse_move(const struct policy_sites *sites, struct action *ret_action);

/* Where on the map a place of a frame lies; -1..1 from left and bottom to right and top. */
void sites_place(const struct sites_frame *frame, double x_frac, double y_frac, double *ret_x_m,
                 double *ret_y_m);

/*
 * The free place nearest to (x_m, y_m): on a square grid of policy separation around the first
 * area, within reach, at least `separation_m` from every area and outside of every circle. Of
 * equally near ones the first counter-clockwise from +x. 0; -ENOSPC: none is left.
 */
int sites_choose(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                 double x_m, double y_m, double *ret_x_m, double *ret_y_m);

/*
 * Where in the frame the next action is to take place, instead of at the wished (*x_frac, *y_frac):
 * the free place nearest to that, `crash_apart_m` from every earlier action, on a grid of as much.
 * False, and the wish stays: it is free, the frame has no other free place, or no known size.
 */
bool sites_choose_within(const struct policy_sites *sites, const struct sites_spot *spots, size_t n,
                         const struct sites_frame *frame, double *x_frac, double *y_frac);

#endif
