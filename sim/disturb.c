/* Disturbances in waiting and in force. */
#include "sim/disturb.h"

#include <errno.h>

int sim_disturbances_add(struct sim_disturbances *all, const struct sim_disturbance *one)
{
    const char *unit;
    if (one->kind < 0 || one->kind >= SIM_DISTURBANCE_COUNT)
        return -EINVAL;
    struct sim_range range = sim_disturbance_range(one->kind, &unit);
    if (!(one->magnitude >= range.low && one->magnitude <= range.high) || !(one->start_s >= 0) ||
        !(one->duration_s >= 0) || !(one->start_s + one->duration_s <= 1e8))
        return -EINVAL;
    if (all->n == SIM_DISTURBANCES_MAX)
        return -ENOSPC;
    all->list[all->n++] = *one;
    return 0;
}

const struct sim_disturbance *sim_disturbances_at(const struct sim_disturbances *all,
                                                  enum sim_disturbance_kind kind, double t_s)
{
    for (size_t i = all->n; i-- > 0;) {
        const struct sim_disturbance *d = &all->list[i];
        if (d->kind == kind && t_s >= d->start_s && t_s < d->start_s + d->duration_s)
            return d;
    }
    return NULL;
}

static void forget(struct sim_disturbances *all, size_t i)
{
    all->n--;
    for (; i < all->n; i++)
        all->list[i] = all->list[i + 1];
}

bool sim_disturbances_take(struct sim_disturbances *all, enum sim_disturbance_kind kind, double t_s,
                           struct sim_disturbance *ret)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].kind != kind || t_s < all->list[i].start_s)
            continue;
        *ret = all->list[i];
        forget(all, i);
        return true;
    }
    return false;
}

/* A stop waits until it has happened; what a thermal ramp has moved stays moved. */
static bool stays(enum sim_disturbance_kind kind)
{
    return kind == SIM_PARTIAL_LINE || kind == SIM_THERMAL_RAMP;
}

void sim_disturbances_expire(struct sim_disturbances *all, double t_s)
{
    for (size_t i = all->n; i-- > 0;) {
        const struct sim_disturbance *d = &all->list[i];
        if (!stays(d->kind) && t_s >= d->start_s + d->duration_s)
            forget(all, i);
    }
}
