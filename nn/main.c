/*
 * What a laboratory does with models by day, in a program of its own, so that what runs at night
 * carries neither chart drawing nor web pages. People call it as `tipwright COMMAND`.
 */
#include "agent/command.h"
#include "agent/terminal.h"

#include <string.h>

static const struct {
    const char *name;
    command_fn run;
} entries[] = {
    {"train", cmd_train},
    {"train-events", cmd_train_events},
    {"labels", cmd_labels},
    {"dataset", cmd_dataset},
    {"eval", cmd_eval},
    {"model", cmd_model},
    {"bench", cmd_bench},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof entries / sizeof *entries; i++)
        if (strcmp(argv[1], entries[i].name) == 0)
            return entries[i].run(argc - 1, argv + 1);
    terminal_error("tipwright-lab", "called by tipwright; see tipwright --help");
    return EXIT_USAGE;
}
