/*
 * What stands on a surface: its defects, drawn tile by tile where somebody looks, and the marks of
 * actions. Part of sim/surface, which is what others use.
 */
#ifndef SIM_DEFECTS_H
#define SIM_DEFECTS_H

#include "sim/surface.h"

struct sim_defects;

/* `surface` and `spec` are borrowed. 0, -EINVAL (no defect of the name that pulses leave), -ENOMEM.
 */
int sim_defects_create(const struct sim_surface *surface, const struct sim_surface_spec *spec,
                       uint64_t seed, struct sim_defects **ret);
void sim_defects_destroy(struct sim_defects *defects);

/* As sim_surface_reach_m(), sim_surface_features() and sim_surface_mark(). */
double sim_defects_reach_m(const struct sim_defects *defects);
size_t sim_defects_near(struct sim_defects *defects, double bias_v, const struct sim_box *box,
                        struct sim_feature *ret, size_t max);
void sim_defects_mark(struct sim_defects *defects, const struct action *action, double x, double y,
                      struct sim_random *random);

#endif
