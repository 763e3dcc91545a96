/* tipwright journal: is the record whole, and what does it say. */
#include "agent/command.h"
#include "agent/journal.h"
#include "agent/journal_read.h"
#include "agent/terminal.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright journal verify [--json] DIR\n"
          "       tipwright journal actions|decisions|events [--json] [--night N] DIR\n"
          "       tipwright journal forget-learned DIR\n"
          "Read the journal in a state directory; an agent may be running there.\n"
          "\n"
          "  verify       check the database, every row's checksum and the chains\n"
          "  actions      what was done to the tip, why, and what became of it\n"
          "  decisions    what the policy answered, verdict by verdict; the same lines, model\n"
          "               and policy give the same text, byte for byte\n"
          "  events       holds, alarms, operators' acts\n"
          "  forget-learned  from here on `strategy: learn` knows nothing of what has worked in\n"
          "               this directory; for a new tip or sample. No agent may be running\n"
          "\n"
          "  --json       JSON on stdout: one object, or one per line\n"
          "  --night N    only this night; without it every night\n"
          "  --help       this text\n"
          "\n"
          "Exit status: 0 read and whole, 1 unreadable or damaged, 2 usage.\n",
          out);
}

static json_t *cell_to_json(const struct journal_cell *cell)
{
    json_t *text;
    switch (cell->type) {
    case JOURNAL_INTEGER:
        return json_integer((json_int_t)cell->integer);
    case JOURNAL_REAL:
        return json_real(cell->real);
    case JOURNAL_TEXT:
        text = json_string(cell->text);
        return text ? text : json_null(); /* not UTF-8 */
    case JOURNAL_NULL:
        break;
    }
    return json_null();
}

static void print_json(void *data, const char *line, const struct journal_cell *cells, size_t n)
{
    json_t *object = json_object();
    (void)data;
    (void)line;
    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, cells[i].name, cell_to_json(&cells[i]));
    json_object_del(object, "chain");
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(object);
}

static void print_line(void *data, const char *line, const struct journal_cell *cells, size_t n)
{
    (void)data;
    (void)cells;
    (void)n;
    puts(line);
}

static int verify(struct journal_reader *reader, const char *directory, bool json)
{
    char error[256] = "";
    int result = journal_reader_verify(reader, error, sizeof(error));
    if (json) {
        json_t *object =
            json_pack("{s:b,s:s?}", "whole", result == 0, "error", result == 0 ? NULL : error);
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    } else if (result == 0) {
        printf("%s: whole\n", directory);
    }
    if (result != 0)
        terminal_error("journal", "%s: %s", directory, error);
    return result == 0 ? EXIT_OK : EXIT_INTERNAL;
}

/* 0 with a night's number, or -EINVAL. */
static int parse_night(const char *text, uint64_t *ret_night)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < 1)
        return -EINVAL;
    *ret_night = (uint64_t)value;
    return 0;
}

static int read_journal(const char *what, const char *directory, uint64_t night, bool json)
{
    static const struct {
        const char *name;
        enum journal_list list;
    } lists[] = {
        {"actions", JOURNAL_ACTIONS}, {"decisions", JOURNAL_DECISIONS}, {"events", JOURNAL_EVENTS}};
    struct journal_reader *reader;
    char error[256];
    int result = journal_reader_open(directory, &reader, error, sizeof(error));
    if (result != 0) {
        terminal_error("journal", "%s", error);
        return EXIT_INTERNAL;
    }
    int exit_code = EXIT_USAGE;
    if (strcmp(what, "verify") == 0)
        exit_code = verify(reader, directory, json);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(what, lists[i].name) != 0)
            continue;
        result =
            journal_reader_list(reader, lists[i].list, night, json ? print_json : print_line, NULL);
        if (result != 0)
            terminal_error("journal", "%s: %s", directory, strerror(-result));
        exit_code = result == 0 ? EXIT_OK : EXIT_INTERNAL;
    }
    journal_reader_close(reader);
    if (exit_code == EXIT_USAGE)
        print_usage(stderr);
    return exit_code;
}

/* Says it in the journal, as a start of the agent would: whole, locked, append-only. */
static int forget_learned(const char *directory)
{
    char path[600], error[256];
    struct journal_options options = {.directory = directory,
                                      .policy_hash = "",
                                      .policy_name = "forget-learned",
                                      .model_hash = ""};
    struct journal *journal;
    struct journal_boot boot;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t t_utc_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    snprintf(path, sizeof(path), "%s/journal.sqlite", directory);
    if (access(path, R_OK) < 0) {
        terminal_error("journal", "%s: %s", path, strerror(errno));
        return EXIT_INTERNAL;
    }
    int result = journal_open(&options, t_utc_us, &journal, &boot, error, sizeof(error));
    if (result < 0) {
        terminal_error("journal", "%s", error);
        return EXIT_INTERNAL;
    }
    result = journal_forget_learned(journal, t_utc_us);
    journal_close(journal);
    if (result < 0) {
        terminal_error("journal", "%s: %s", directory, strerror(-result));
        return EXIT_INTERNAL;
    }
    printf("%s: what was learned is forgotten\n", directory);
    return EXIT_OK;
}

int cmd_journal(int argc, char **argv)
{
    enum { JSON = 1, NIGHT, HELP };
    static const struct option options[] = {
        {"json", no_argument, NULL, JSON},
        {"night", required_argument, NULL, NIGHT},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    bool json = false;
    uint64_t night = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        if ((option != JSON && option != NIGHT) ||
            (option == NIGHT && parse_night(optarg, &night) != 0)) {
            print_usage(stderr);
            return EXIT_USAGE;
        }
        json = json || option == JSON;
    }
    if (argc - optind != 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[optind], "forget-learned") == 0)
        return forget_learned(argv[optind + 1]);
    return read_journal(argv[optind], argv[optind + 1], night, json);
}
