/*
 * The sub-commands of the one program, and what they share: exit codes and the shape of an entry.
 * Each command is one file, <folder>/cmd_<name>.c, with one public function.
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include <stddef.h>

/* Exit codes, documented in the man page and every --help. */
enum command_exit {
    EXIT_OK = 0,       /* goal reached, or the command succeeded */
    EXIT_INTERNAL = 1, /* internal or instrument error, unreadable file */
    EXIT_USAGE = 2,    /* wrong command line */
    EXIT_NO_GOAL = 3,  /* the night ended without a good tip: budget, time */
    EXIT_STOPPED = 4,  /* stopped by the operator */
    EXIT_BUSY = 5,     /* another agent holds the state directory or the instrument */
    EXIT_REFUSED = 6,  /* policy or configuration invalid, or an unsafe endpoint */
    EXIT_PARKED = 7,   /* parked: a fault ended the night */
};

enum { COMMAND_PATH_MAX = 4096 };

/*
 * A file that comes with the program, "models/h-si-100.tipnn" or "policies/h-si-100.yaml": in the
 * source tree when the program is run from its build tree, else in the installed data directory.
 * Always terminated; says nothing about whether the file is there.
 */
void command_data_path(const char *name, char *buf, size_t size);

/* argv[0] is the sub-command's name; returns an enum command_exit. */
typedef int (*command_fn)(int argc, char **argv);

int cmd_run(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_train_events(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_bench(int argc, char **argv);
/* `tipwright bench nights`: argv[0] is "nights". */
int cmd_nights(int argc, char **argv);
int cmd_labels(int argc, char **argv);
int cmd_dataset(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_journal(int argc, char **argv);
/* Hands over to tipwright-lab, which does by day what the agent does not need at night. */
int cmd_lab(int argc, char **argv);
/* The operator's side: console, status, hold, resume, stop, arm, do, judge. */
int cmd_console(int argc, char **argv);

#endif
