/* tipwright replay: recordings as a microscope. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "sim/replay.h"
#include "sim/serve.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct settings {
    struct serve_options serve;
    uint32_t points;
    bool quiet;
};

enum option_value { OPTION_SPEED = 256, OPTION_POINTS, OPTION_HELP };

static const struct option options[] = {{"speed", required_argument, NULL, OPTION_SPEED},
                                        {"points", required_argument, NULL, OPTION_POINTS},
                                        SERVE_OPTIONS,
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, OPTION_HELP},
                                        {NULL, 0, NULL, 0}};

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright replay [OPTION]... PATH...\n"
          "Show recordings to an agent as if they were live: MATRIX images, PNG pictures, or\n"
          "folders of them, line by line. Actions are accepted and change nothing.\n"
          "\n"
          "  --speed X           times real time, or max (default): as fast as the agent takes it\n"
          "  --points N          samples per line of images without a result chain\n" SERVE_USAGE
          "  -q, --quiet         errors only\n"
          "  --help              this text\n"
          "\n"
          "Waits for the agent. Exit status: 0 all shown, 1 an error or a file passed over,\n"
          "2 usage, 4 interrupted, 6 endpoint, keys or limits refused.\n",
          out);
}

static int read_option(int option, struct settings *s)
{
    char error[LIMITS_ERROR_MAX];
    char *rest;
    switch (option) {
    case OPTION_SPEED:
        if (serve_read_speed(optarg, &s->serve.time_scale) == 0)
            return EXIT_OK;
        terminal_error("replay", "--speed %s: a number above 0, or max", optarg);
        return EXIT_USAGE;
    case OPTION_POINTS: {
        unsigned long points = strtoul(optarg, &rest, 10);
        if (optarg[0] >= '0' && optarg[0] <= '9' && *rest == '\0' && points >= 1 &&
            points <= SCAN_POINTS_MAX) {
            s->points = (uint32_t)points;
            return EXIT_OK;
        }
        terminal_error("replay", "--points %s: a whole number from 1 to %d", optarg,
                       SCAN_POINTS_MAX);
        return EXIT_USAGE;
    }
    case 'q':
        s->quiet = true;
        return EXIT_OK;
    default:
        break;
    }
    switch (serve_read_option(option, optarg, &s->serve, error, sizeof(error))) {
    case 0:
        return EXIT_OK;
    case -EPERM:
        terminal_error("replay", "%s", error);
        return EXIT_REFUSED;
    default:
        return EXIT_USAGE;
    }
}

static void on_note(void *ctx, const char *text)
{
    const struct settings *s = ctx;
    if (!s->quiet)
        terminal_note("replay", "%s", text);
}

static int show(struct replay *replay, struct settings *s)
{
    char error[SERVE_ERROR_MAX];
    if (!s->quiet)
        terminal_note("replay", "%zu recordings, waiting for the agent", replay_files(replay));
    int r = serve(replay_microscope(replay), &s->serve, error, sizeof(error));
    if (r < 0 && r != -EINTR) {
        terminal_error("replay", "%s", error);
        return r == -EPERM ? EXIT_REFUSED : EXIT_INTERNAL;
    }
    if (!s->quiet)
        terminal_note("replay", "%zu of %zu recordings shown, %zu passed over",
                      replay_frames(replay), replay_files(replay), replay_passed_over(replay));
    if (r == -EINTR)
        return EXIT_STOPPED;
    return replay_passed_over(replay) ? EXIT_INTERNAL : EXIT_OK;
}

int cmd_replay(int argc, char **argv)
{
    struct settings s = {.quiet = false};
    struct replay *replay;
    char error[SERVE_ERROR_MAX];
    int option;
    serve_options_default(&s.serve);
    s.serve.time_scale = 0;
    s.serve.note = on_note;
    s.serve.ctx = &s;
    s.serve.utc_epoch_us = (int64_t)time(NULL) * 1000000;
    optind = 1;
    while ((option = getopt_long(argc, argv, "q", options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        int r = read_option(option, &s);
        if (r != EXIT_OK)
            return r;
    }
    if (optind == argc) {
        terminal_error("replay", "nothing to replay; see --help");
        return EXIT_USAGE;
    }
    if (replay_create((const char *const *)argv + optind, (size_t)(argc - optind), s.points,
                      &replay, error, sizeof(error)) < 0) {
        terminal_error("replay", "%s", error);
        return EXIT_INTERNAL;
    }
    int r = show(replay, &s);
    replay_destroy(replay);
    return r;
}
