/* The one program: finds the sub-command and hands over. */
#include "agent/command.h"
#include "agent/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct entry {
    const char *name;
    command_fn run;
    const char *summary;
};

static const struct entry entries[] = {
    {"run", cmd_run, "watch an instrument and condition its tip under a policy"},
    {"sim", cmd_sim, "be a simulated microscope"},
    {"replay", cmd_replay, "be an instrument that repeats recordings"},
    {"demo", cmd_demo, "a whole simulated night in a few minutes"},
    {"status", cmd_console, "what the agent is doing now"},
    {"hold", cmd_console, "nothing automatic from now on; confirmed by the instrument"},
    {"resume", cmd_console, "leave a hold"},
    {"arm", cmd_console, "let the policy act"},
    {"stop", cmd_console, "withdraw the tip now"},
    {"do", cmd_console, "one action by hand, guarded as the policy's are"},
    {"judge", cmd_console, "say what a frame really shows, for later training"},
    {"console", cmd_console, "watch and command interactively"},
    {"journal", cmd_journal, "read or verify the record of a night"},
    {"check", cmd_check, "check policies"},
    {"info", cmd_info, "what a MATRIX file contains"},
    {"convert", cmd_convert, "MATRIX files and images to PNG or GSF"},
    {"classify", cmd_classify, "judge images or recordings"},
    {"train", cmd_lab, "train a model on labelled images"},
    {"train-events", cmd_lab, "train the detector of tip changes"},
    {"labels", cmd_lab, "from people's votes to labels: aggregate and more"},
    {"dataset", cmd_lab, "training sets for other programs"},
    {"eval", cmd_lab, "measure a model on labelled images"},
    {"model", cmd_lab, "look into a model; ONNX in and out"},
    {"bench", cmd_lab, "how fast networks judge and learn here"},
    {"keys", cmd_keys, "make and list keys"},
};

enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright COMMAND [OPTION]... [ARGUMENT]...\n"
          "Conditions the tip of a scanning tunnelling microscope, unattended.\n\n",
          out);
    for (size_t i = 0; i < ENTRIES; i++)
        fprintf(out, "  %-12s %s\n", entries[i].name, entries[i].summary);
    fputs("\n  --help     this text; `tipwright COMMAND --help` tells more\n"
          "  --version  the version\n"
          "\n"
          "Exit status: 0 goal reached or command done, 1 internal or instrument error, 2 usage,\n"
          "3 ended without a good tip, 4 stopped by the operator, 5 another agent is there,\n"
          "6 policy, configuration or endpoint refused, 7 parked after a fault.\n",
          out);
}

/* A library that finds 0, 1 or 2 closed would write its sockets' data there. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("tipwright " TIPWRIGHT_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(argv[1], entries[i].name) == 0)
            return entries[i].run(argc - 1, argv + 1);
    terminal_error(argv[1], "no such command; see tipwright --help");
    return EXIT_USAGE;
}
