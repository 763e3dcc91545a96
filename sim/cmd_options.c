/* Counts and seeds from the command line. */
#include "sim/cmd_options.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "config/units.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int sim_option_refused(const char *name, const char *wanted)
{
    terminal_error("sim", "--%s %s: %s", name, optarg, wanted);
    return EXIT_USAGE;
}

int sim_option_count(const char *name, uint32_t low, uint32_t high, uint32_t *ret)
{
    unsigned long value;
    char wanted[60];
    if (units_read_count(optarg, &value) == 0 && value >= low && value <= high) {
        *ret = (uint32_t)value;
        return EXIT_OK;
    }
    snprintf(wanted, sizeof(wanted), "a whole number from %" PRIu32 " to %" PRIu32, low, high);
    return sim_option_refused(name, wanted);
}

int sim_option_seed(uint64_t *ret_seed)
{
    char *rest;
    errno = 0;
    uint64_t seed = strtoull(optarg, &rest, 10);
    if (optarg[0] < '0' || optarg[0] > '9' || *rest || errno)
        return sim_option_refused("seed", "a whole number");
    *ret_seed = seed;
    return EXIT_OK;
}
