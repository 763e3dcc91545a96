/*
 * Disturbances in waiting and in force: what of them acts at a moment. Knows no tip and no surface.
 */
#ifndef SIM_DISTURB_H
#define SIM_DISTURB_H

#include "sim/instrument.h"

#include <stddef.h>

struct sim_disturbances {
    struct sim_disturbance list[SIM_DISTURBANCES_MAX];
    size_t n;
};

/* 0, -EINVAL (magnitude or times out of range), -ENOSPC. */
int sim_disturbances_add(struct sim_disturbances *all, const struct sim_disturbance *one);

/* The one of this kind in force at this time, or NULL; of several the one added last. */
const struct sim_disturbance *sim_disturbances_at(const struct sim_disturbances *all,
                                                  enum sim_disturbance_kind kind, double t_s);

/*
 * Take out one that starts at or before this time: for the kinds that happen once, not for a time.
 * True: it was there.
 */
bool sim_disturbances_take(struct sim_disturbances *all, enum sim_disturbance_kind kind, double t_s,
                           struct sim_disturbance *ret);

/* Forget those whose time is over, but stops that have not happened yet and thermal ramps. */
void sim_disturbances_expire(struct sim_disturbances *all, double t_s);

#endif
