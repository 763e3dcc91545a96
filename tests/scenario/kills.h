/*
 * The loop of kills, in four files: kills.c (lanes side by side, the sum), kills_lane.c (start,
 * kill -9, start again), kills_operator.c (arms again over the console), kills_judge.c (reads what
 * the microscope wrote and what the journal holds, and finds fault).
 *
 * The two sides are the real programs: `tipwright run`, and the real instrument end in
 * logging_microscope. The judge shares no code with either.
 */
#ifndef TESTS_SCENARIO_KILLS_H
#define TESTS_SCENARIO_KILLS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KILLS_PATH_MAX = 256, KILLS_FAULTS_MAX = 8, KILLS_FAULT_TEXT_MAX = 160 };

/* What the journal showed of an agent that had been killed. */
enum kills_step {
    KILLED_BEFORE_BOOT, /* not even its start was on record */
    KILLED_BEFORE_ARM,  /* started, no action of its own, epoch as at the start */
    KILLED_ARMED,       /* epoch raised, no action yet */
    KILLED_INTENT,      /* intent on record, not begun by then */
    KILLED_BEGUN,       /* begun, outcome not on record */
    KILLED_BETWEEN,     /* the last action's outcome on record */
    KILLS_STEP_COUNT
};

struct kills_paths {
    char tipwright[KILLS_PATH_MAX], microscope[KILLS_PATH_MAX];
    char model[KILLS_PATH_MAX], policy[KILLS_PATH_MAX];
    char directory[KILLS_PATH_MAX]; /* the lane's own */
};

/* One lane's result; flat, so that it goes through a pipe as it is. */
struct kills_report {
    uint32_t agent_kills, instrument_kills;
    uint32_t by_step[KILLS_STEP_COUNT];
    uint32_t nights, intents, begun;
    uint32_t unknown;       /* intents whose outcome is "unknown" */
    uint32_t never_begun;   /* intents that the microscope never saw */
    uint32_t budget_checks; /* readings of the agent's own count after a start */
    uint32_t faults;
    char fault[KILLS_FAULTS_MAX][KILLS_FAULT_TEXT_MAX];
    bool finished;
};

void kills_fault(struct kills_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Kill and judge until `kills` kills are done. */
void kills_lane(const struct kills_paths *paths, uint32_t kills, uint64_t seed,
                struct kills_report *report);

/* ---- the operator ---- */

struct kills_operator;

struct kills_state {
    bool known;
    bool connected, withdrawn; /* the instrument */
    bool held, armed;
    uint64_t command_open, night, epoch;
    uint32_t actions_night;
};

struct kills_operator *kills_operator_create(const char *console_endpoint);
void kills_operator_destroy(struct kills_operator *op);
/* A new agent: forget what the last one said. */
void kills_operator_forget(struct kills_operator *op);
/* Wait up to `ms` for the console or for `fd`; ask and arm as it seems right. True: `fd` is ready.
 */
bool kills_operator_work(struct kills_operator *op, int fd, int ms);
const struct kills_state *kills_operator_state(const struct kills_operator *op);

/* ---- the judge ---- */

struct kills_judge;

struct kills_judge *kills_judge_create(const struct kills_paths *paths,
                                       struct kills_report *report);
void kills_judge_destroy(struct kills_judge *judge);
/* Read log and journal, compare with all that was read before. The agent must be dead. */
void kills_judge_look(struct kills_judge *judge);
/* The agent that has just been killed: at which step was it? After kills_judge_look(). */
enum kills_step kills_judge_step(const struct kills_judge *judge);
/* Actions charged to a night by the last look. */
uint32_t kills_judge_charged(const struct kills_judge *judge, uint64_t night);
/* Everything has ended: count for the report. */
void kills_judge_close(struct kills_judge *judge);

#endif
