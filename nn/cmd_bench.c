/* tipwright bench: how fast networks judge and train here; and, elsewhere, how good nights are. */
#include "nn/cmd_bench.h"
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/kernel.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "bench";

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright bench nn|line|train|nights [OPTION]...\n"
          "nn: the reference networks judge; train: they learn; one thread. With peers, rounds of\n"
          "both alternate, and the ratio is the peer's time to ours. line: from a line's samples\n"
          "to scores while every core is busy. See docs/performance.md. nights: policies, judged\n"
          "by many simulated nights; its options: tipwright bench nights --help.\n"
          "\n"
          "  -p, --peers DIR    programs to compare with (made by tests/bench/setup)\n"
          "  -c, --case TEXT    only the cases whose names begin so\n"
          "  -r, --rounds N     5..99 (5)\n"
          "  -m, --model MODEL  line: model file (the shipped one)\n"
          "      --json         one JSON object on stdout instead of a table\n"
          "      --help         this text\n"
          "\n"
          "Exit status: 0 done, 1 failed, 2 usage.\n",
          out);
}

static void print_result(const struct bench_case *wanted, const struct bench_result *result)
{
    printf("%-34s %10.3f ms", wanted->name, result->ours_ms);
    if (result->difference >= 0.0)
        printf("  off %.0e", result->difference);
    else
        printf("           ");
    if (result->has_peer)
        printf("  %-11s %10.3f ms  ratio %.2f (%.2f..%.2f), goal %g\n", wanted->peer,
               result->peer_ms, result->ratio, result->low, result->high, wanted->goal);
    else
        printf("  %-11s absent\n", wanted->peer);
    fflush(stdout);
}

static void print_json(const struct bench_case *wanted, const struct bench_result *result,
                       bool *first)
{
    if (!result->has_peer)
        return;
    printf("%s\n{\"case\":\"%s\",\"peer\":\"%s\",\"ratio\":%.4f,\"low\":%.4f,\"high\":%.4f,"
           "\"goal\":%g}",
           *first ? "" : ",", wanted->name, wanted->peer, result->ratio, result->low, result->high,
           wanted->goal);
    *first = false;
}

/* Ahead of everybody else on its core, and its peers with it, where that is permitted. */
static bool go_first(void)
{
    struct sched_param high = {.sched_priority = 10};
    return sched_setscheduler(0, SCHED_FIFO, &high) == 0;
}

static int run_cases(const struct bench_case *cases, size_t n, const struct bench_options *options)
{
    bool first = true;
    int status = EXIT_OK;
    bool fifo = go_first();
    if (options->json)
        fputs("{\"ratios\":[", stdout);
    else
        printf("%s, one thread, %u rounds, %s\n", nn_isa_name(nn_isa_best()), options->rounds,
               fifo ? "SCHED_FIFO" : "without SCHED_FIFO, which is not permitted here");
    for (size_t i = 0; i < n; i++) {
        struct bench_result result;
        if (options->only && strncmp(cases[i].name, options->only, strlen(options->only)) != 0)
            continue;
        if (bench_run(&cases[i], options, &result) != 0)
            status = EXIT_INTERNAL;
        else if (options->json)
            print_json(&cases[i], &result, &first);
        else
            print_result(&cases[i], &result);
    }
    if (options->json)
        puts("]}");
    return status;
}

/* EXIT_OK, EXIT_USAGE, or -1: done already. */
static int read_options(int argc, char **argv, struct bench_options *ret_options)
{
    static const struct option names[] = {{"peers", required_argument, NULL, 'p'},
                                          {"case", required_argument, NULL, 'c'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int option;
    while ((option = getopt_long(argc, argv, "p:c:r:m:h", names, NULL)) != -1) {
        char *end;
        switch (option) {
        case 'p':
            ret_options->peers = optarg;
            break;
        case 'c':
            ret_options->only = optarg;
            break;
        case 'r': {
            long rounds = strtol(optarg, &end, 10);
            if (end == optarg || *end != '\0' || rounds < 5 || rounds > BENCH_ROUNDS_MAX) {
                terminal_error(command, "--rounds takes 5..%d, not %s", BENCH_ROUNDS_MAX, optarg);
                return EXIT_USAGE;
            }
            ret_options->rounds = (uint32_t)rounds;
            break;
        }
        case 'm':
            ret_options->model = optarg;
            break;
        case 'j':
            ret_options->json = true;
            break;
        case 'h':
            print_usage(stdout);
            return -1;
        default:
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    return EXIT_OK;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_options options = {.rounds = 5};
    if (argc > 1 && strcmp(argv[1], "nights") == 0)
        return cmd_nights(argc - 1, argv + 1);
    int status = read_options(argc, argv, &options);
    if (status != EXIT_OK)
        return status < 0 ? EXIT_OK : status;
    const char *what = optind + 1 == argc ? argv[optind] : "";
    /* A peer that goes away is seen by its silence. */
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(what, "nn") == 0)
        return run_cases(bench_nn_cases, bench_nn_count, &options);
    if (strcmp(what, "train") == 0)
        return run_cases(bench_train_cases, bench_train_count, &options);
    if (strcmp(what, "line") == 0)
        return bench_line(&options);
    print_usage(stderr);
    return EXIT_USAGE;
}
