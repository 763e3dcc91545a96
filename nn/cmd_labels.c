/* tipwright labels: from people's votes to tables that a trainer reads. */
#include "nn/cmd_labels.h"

#include "agent/command.h"
#include "agent/terminal.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    command_fn run;
    const char *summary;
} entries[] = {
    {"serve", cmd_labels_serve, "a page to look at scans and give votes"},
    {"export", cmd_labels_export, "votes given on that page, as a Zooniverse export"},
    {"aggregate", cmd_labels_aggregate, "a Zooniverse export into a table of labels"},
    {"from-night", cmd_labels_from_night, "operators' corrections of a night into labels"},
};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright labels COMMAND [OPTION]...\n"
          "From people's votes to tables that a trainer reads.\n\n",
          out);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        fprintf(out, "  %-10s  %s\n", entries[i].name, entries[i].summary);
    fputs("\n  --help      this text; `tipwright labels COMMAND --help` tells more\n"
          "\n"
          "Exit status: 0 done, 1 unreadable, or nothing came of it, 2 usage.\n",
          out);
}

int cmd_labels(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof entries / sizeof *entries; i++)
        if (strcmp(argv[1], entries[i].name) == 0)
            return entries[i].run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (argc > 1)
        terminal_error("labels", "no such command: %s", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
