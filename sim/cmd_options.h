/*
 * How `tipwright sim` reads the values of its options; with --images it is another command behind
 * the same name. All read getopt's optarg, and say on stderr what is wrong with it.
 */
#ifndef SIM_CMD_OPTIONS_H
#define SIM_CMD_OPTIONS_H

#include <stdint.h>

/* Says that --NAME must be `wanted`; EXIT_USAGE. */
int sim_option_refused(const char *name, const char *wanted);

/* EXIT_OK or EXIT_USAGE. */
int sim_option_count(const char *name, uint32_t low, uint32_t high, uint32_t *ret);
int sim_option_seed(uint64_t *ret_seed);

#endif
