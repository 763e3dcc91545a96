/* The tables of what a scenario file can say. For scenario.c and the reference only. */
#ifndef SIM_SCENARIO_KEYS_H
#define SIM_SCENARIO_KEYS_H

#include "config/fields.h"
#include "sim/scenario.h"

/* What the tables write into: the scenario, and what is said otherwise than it is kept. */
struct scenario_reading {
    struct sim_scenario scenario;
    uint32_t version;
    int start_word;    /* 0: drawn, then the states */
    int channels_word; /* 0: Z, 1: Z and I */
    int expect_word;   /* enum sim_expectation less one; -1: not said */
};

/* One entry of the list of faults: kinds of the program's first, then the physical ones. */
struct scenario_fault {
    int kind_word;
    struct sim_fault fault;
};

enum { SCENARIO_SECTIONS = 4, SCENARIO_TIP_TABLES = 2 };

const struct field_table *scenario_top(void);
const struct field_table *scenario_section(size_t i);
const struct field_table *scenario_tip_table(size_t i);
const struct field_table *scenario_fault_table(void);

void scenario_reading_default(struct scenario_reading *ret);

#endif
