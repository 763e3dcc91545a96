/* A scenario by its name, for every command that plays one; what is wrong with it goes to stderr.
 */
#ifndef SIM_CMD_SCENARIO_H
#define SIM_CMD_SCENARIO_H

#include "sim/scenario.h"
#include "sim/surface_spec.h"

/*
 * `word`: a scenario that comes with the program, by its name in the folder scenarios, or a path
 * that ends in ".yaml". EXIT_OK or EXIT_REFUSED. The scenario alone; cmd_scenario_surface() too.
 */
int cmd_scenario_load(const char *word, struct sim_scenario *ret_scenario);

/*
 * The scenario's surface, found in the same way, into *ret_surface, which the scenario's options
 * borrow from then on.
 */
int cmd_scenario_surface(struct sim_scenario *scenario, struct sim_surface_spec *ret_surface);

/* The scenario's physical faults into the microscope that was made from its options. */
int cmd_scenario_disturb(const struct sim_scenario *scenario, struct simulated *sim);

#endif
