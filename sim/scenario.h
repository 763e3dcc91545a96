/*
 * A scenario: one file that says which surface, which tip, which instrument, and what goes wrong
 * when. Plain values; a scenario that says nothing is the default microscope of this simulator.
 *
 * Reference of all keys: docs/scenarios.md, printed from the tables behind this header.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "config/policy_errors.h"
#include "sim/faults.h"
#include "sim/simulated.h"

enum { SIM_SCENARIO_NAME_MAX = 48, SIM_SCENARIO_TEXT_MAX = 256 };

/* What must come of a night with the scenario's faults, for tests. */
enum sim_expectation {
    SIM_EXPECT_NOTHING, /* the file does not say */
    SIM_EXPECT_RECOVER, /* the agent goes on acting */
    SIM_EXPECT_HOLD,    /* it holds until an operator resumes */
    SIM_EXPECT_RETRACT, /* ... with the tip withdrawn */
    SIM_EXPECT_PARKED   /* the night ends */
};

struct sim_scenario {
    char name[SIM_SCENARIO_NAME_MAX];
    char about[SIM_SCENARIO_TEXT_MAX];
    char surface[SIM_SCENARIO_TEXT_MAX]; /* a shipped surface's name, or a file's path */
    struct simulated_options options;    /* seed, duration and truth are the caller's */
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t n_faults;
    struct sim_disturbance disturbances[SIM_DISTURBANCES_MAX];
    size_t n_disturbances;
    int expect; /* enum sim_expectation */
};

void sim_scenario_default(struct sim_scenario *ret);

/*
 * 0, or -EINVAL: a mistake, all of them in *ret_errors with line and column, *ret untouched.
 * *ret_errors is to be printed with policy_errors_print() and freed in any case.
 */
int sim_scenario_parse(const char *text, size_t size, struct sim_scenario *ret,
                       struct policy_errors *ret_errors);

/* The same of a file. Further negative errno: not readable. */
int sim_scenario_load(const char *path, struct sim_scenario *ret, struct policy_errors *ret_errors);

/* True when a file's text looks like a scenario rather than a policy: it names scenario_version. */
bool sim_scenario_recognised(const char *text, size_t size);

/* docs/scenarios.md, complete. A test compares the two. */
void sim_scenario_print_reference(FILE *out);

/* "recover", "hold", ...; "" for SIM_EXPECT_NOTHING; NULL beyond the last. */
const char *sim_expectation_name(size_t expectation);

#endif
