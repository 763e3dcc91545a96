/* tipwright sim: a microscope that is not there. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "config/units.h"
#include "sim/cmd_images.h"
#include "sim/cmd_options.h"
#include "sim/cmd_scenario.h"
#include "sim/record.h"
#include "sim/serve.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct settings {
    struct sim_scenario scenario;
    struct sim_surface_spec surface;
    struct serve_options serve;
    const char *record_dir, *truth_path;
    bool quiet;
    FILE *truth;
};

enum option_value {
    OPTION_SCENARIO = 256,
    OPTION_SURFACE,
    OPTION_SEED,
    OPTION_START,
    OPTION_DIFFICULTY,
    OPTION_EVENTS,
    OPTION_POINTS,
    OPTION_LINES,
    OPTION_FRAME,
    OPTION_LINE_TIME,
    OPTION_DURATION,
    OPTION_TIME_SCALE,
    OPTION_RECORD,
    OPTION_TRUTH,
    OPTION_REFERENCE,
    OPTION_HELP
};

static const struct option options[] = {{"scenario", required_argument, NULL, OPTION_SCENARIO},
                                        {"surface", required_argument, NULL, OPTION_SURFACE},
                                        {"seed", required_argument, NULL, OPTION_SEED},
                                        {"start", required_argument, NULL, OPTION_START},
                                        {"difficulty", required_argument, NULL, OPTION_DIFFICULTY},
                                        {"events", required_argument, NULL, OPTION_EVENTS},
                                        {"points", required_argument, NULL, OPTION_POINTS},
                                        {"lines", required_argument, NULL, OPTION_LINES},
                                        {"frame", required_argument, NULL, OPTION_FRAME},
                                        {"line-time", required_argument, NULL, OPTION_LINE_TIME},
                                        {"duration", required_argument, NULL, OPTION_DURATION},
                                        {"time-scale", required_argument, NULL, OPTION_TIME_SCALE},
                                        {"record", required_argument, NULL, OPTION_RECORD},
                                        {"truth", required_argument, NULL, OPTION_TRUTH},
                                        SERVE_OPTIONS,
                                        {"print-reference", no_argument, NULL, OPTION_REFERENCE},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, OPTION_HELP},
                                        {NULL, 0, NULL, 0}};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright sim [OPTION]...\n"
        "A simulated microscope on H:Si(100) for an agent to connect to.\n"
        "\n"
        "  --scenario NAME     surface, tip, instrument and faults of a scenario that comes with\n"
        "                      the program, or of a file; the options below override it\n"
        "  --surface NAME      one that comes with the program, or a file\n"
        "  --seed N            everything random comes from this (default 1)\n"
        "  --start STATE       tip at the start: atomic, asym, dimer, rows, multi, blunt,\n"
        "                      unstable, fouled (default: drawn from the last but rows)\n"
        "  --difficulty X      a good tip is X times as rare after an action (default 1)\n"
        "  --events X          rate of spontaneous tip events, times the measured (default 1)\n"
        "  --points N, --lines N   of a frame (default 300, 300)\n"
        "  --frame SIZE        side of the frame (default \"3.6 nm\")\n"
        "  --line-time TIME    forward and backward together (default \"330 ms\")\n"
        "  --duration TIME     end after so much instrument time, e.g. \"12 h\" (default: none)\n"
        "  --time-scale X      times real time (default 1), or max: as fast as the agent\n"
        "                      acknowledges, with the same outcome at any speed\n"
        "  --record DIR        write the night as MATRIX files\n"
        "  --truth FILE        write what really happened to the tip, as CSV\n" SERVE_USAGE
        "  --images N          instead: a set of images; see tipwright sim --images 1 --help\n"
        "  --print-reference   the keys of scenarios (Markdown) on stdout, and nothing else\n"
        "  -q, --quiet         errors only\n"
        "  --help              this text\n"
        "\n"
        "Waits for the agent. Exit status: 0 the duration is over, 1 an error, 2 usage,\n"
        "4 interrupted, 6 endpoint, keys or limits refused.\n",
        out);
}

static int read_quantity(const char *name, const char *unit, double low, double high, double *ret)
{
    struct units_report report;
    double value;
    char from[40], to[40], wanted[120];
    if (units_read(optarg, unit, &value, &report) == 0 && value >= low && value <= high) {
        *ret = value;
        return EXIT_OK;
    }
    units_write(low, unit, from, sizeof(from));
    units_write(high, unit, to, sizeof(to));
    snprintf(wanted, sizeof(wanted), "from %s to %s%s", from, to, unit[0] ? ", with its unit" : "");
    return sim_option_refused(name, wanted);
}

/* Options that shape the microscope. */
static int read_sim_option(int option, struct settings *s)
{
    double duration_s = 0;
    int r;
    switch (option) {
    case OPTION_SEED:
        return sim_option_seed(&s->scenario.options.seed);
    case OPTION_START:
        s->scenario.options.start = sim_tip_state_from_name(optarg);
        return s->scenario.options.start >= 0
                   ? EXIT_OK
                   : sim_option_refused("start", "no such state; see --help");
    case OPTION_DIFFICULTY:
        return read_quantity("difficulty", "", 1, 1e6, &s->scenario.options.tip.difficulty);
    case OPTION_EVENTS:
        return read_quantity("events", "", 0, 1000, &s->scenario.options.event_scale);
    case OPTION_POINTS:
        return sim_option_count("points", 16, 2048, &s->scenario.options.points);
    case OPTION_LINES:
        return sim_option_count("lines", 1, SCAN_LINES_MAX, &s->scenario.options.lines);
    case OPTION_FRAME:
        return read_quantity("frame", "m", .1e-9, 150e-9, &s->scenario.options.frame_m);
    case OPTION_LINE_TIME:
        return read_quantity("line-time", "s", 1e-3, 100, &s->scenario.options.line_time_s);
    case OPTION_DURATION:
        r = read_quantity("duration", "s", 1, 1e7, &duration_s);
        s->scenario.options.duration_ns = (int64_t)llround(duration_s * 1e9);
        return r;
    default:
        return EXIT_USAGE;
    }
}

static int read_option(int option, struct settings *s)
{
    char error[LIMITS_ERROR_MAX];
    switch (option) {
    case OPTION_TIME_SCALE:
        return serve_read_speed(optarg, &s->serve.time_scale) == 0
                   ? EXIT_OK
                   : sim_option_refused("time-scale", "a number above 0, or max");
    case OPTION_RECORD:
        s->record_dir = optarg;
        return EXIT_OK;
    case OPTION_TRUTH:
        s->truth_path = optarg;
        return EXIT_OK;
    case OPTION_SCENARIO:
        return EXIT_OK; /* read before all others */
    case OPTION_SURFACE:
        snprintf(s->scenario.surface, sizeof(s->scenario.surface), "%s", optarg);
        return EXIT_OK;
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
        terminal_error("sim", "%s", error);
        return EXIT_REFUSED;
    default:
        return read_sim_option(option, s);
    }
}

static void on_note(void *ctx, const char *text)
{
    const struct settings *s = ctx;
    if (!s->quiet)
        terminal_note("sim", "%s", text);
}

static void on_truth(void *ctx, const struct simulated_truth *truth)
{
    const struct settings *s = ctx;
    record_truth_row(s->truth, truth);
}

static void on_fault(void *ctx, const struct sim_fault *fault, bool begins, int64_t t_inst_ns)
{
    const struct settings *s = ctx;
    if (s->truth)
        record_truth_fault(s->truth, sim_fault_name((size_t)fault->kind), begins, t_inst_ns);
}

static int open_truth(struct settings *s)
{
    if (!s->truth_path)
        return 0;
    s->truth = fopen(s->truth_path, "w");
    if (!s->truth) {
        terminal_error("sim", "%s: %s", s->truth_path, strerror(errno));
        return -1;
    }
    record_truth_head(s->truth);
    for (size_t i = 0; i < s->scenario.n_disturbances; i++) {
        /* Known beforehand, so they stand before what happens. */
        const struct sim_disturbance *d = &s->scenario.disturbances[i];
        const char *name = sim_disturbance_name(d->kind);
        record_truth_fault(s->truth, name, true, (int64_t)llround(d->start_s * 1e9));
        record_truth_fault(s->truth, name, false,
                           (int64_t)llround((d->start_s + d->duration_s) * 1e9));
    }
    s->scenario.options.truth = on_truth;
    s->scenario.options.truth_ctx = s;
    return 0;
}

static int close_truth(struct settings *s)
{
    if (!s->truth)
        return 0;
    int bad = ferror(s->truth);
    if (fclose(s->truth) != 0 || bad) {
        terminal_error("sim", "%s: not written whole", s->truth_path);
        return -1;
    }
    return 0;
}

static int open_record(struct settings *s, struct simulated *sim, struct record **ret)
{
    char base[64], comment[80], day[32];
    time_t now = (time_t)(s->serve.utc_epoch_us / 1000000);
    struct tm parts;
    if (!s->record_dir)
        return 0;
    if (mkdir(s->record_dir, 0777) < 0 && errno != EEXIST) {
        terminal_error("sim", "%s: %s", s->record_dir, strerror(errno));
        return -1;
    }
    gmtime_r(&now, &parts);
    strftime(day, sizeof(day), "%Y%b%d-%H%M%S", &parts);
    snprintf(base, sizeof(base), "default_%s_STM-simulated", day);
    snprintf(comment, sizeof(comment), "tipwright sim, seed %" PRIu64, s->scenario.options.seed);
    struct record_options record = {.folder = s->record_dir,
                                    .base = base,
                                    .comment = comment,
                                    .geometry = simulated_geometry(sim),
                                    .current = s->scenario.options.channels & SIM_CHANNEL_I,
                                    .t_utc_s = now};
    int r = record_create(&record, simulated_microscope(sim), ret);
    if (r < 0)
        terminal_error("sim", "%s: cannot record: %s", s->record_dir, strerror(-r));
    return r;
}

static int close_record(const struct settings *s, struct record *record)
{
    if (!record)
        return 0;
    int r = record_close(record);
    if (r < 0)
        terminal_error("sim", "%s: the record is not complete: %s", s->record_dir, strerror(-r));
    return r;
}

static int run(struct settings *s, struct simulated *sim)
{
    char error[SERVE_ERROR_MAX];
    struct record *record = NULL;
    if (open_record(s, sim, &record) < 0)
        return EXIT_INTERNAL;
    if (!s->quiet)
        terminal_note("sim", "seed %" PRIu64 ", waiting for the agent", s->scenario.options.seed);
    int r = serve(record ? record_microscope(record) : simulated_microscope(sim), &s->serve, error,
                  sizeof(error));
    bool recorded = close_record(s, record) == 0;
    if (r < 0 && r != -EINTR) {
        terminal_error("sim", "%s", error);
        return r == -EPERM ? EXIT_REFUSED : EXIT_INTERNAL;
    }
    if (!recorded)
        return EXIT_INTERNAL;
    return r == -EINTR ? EXIT_STOPPED : EXIT_OK;
}

static int prepare_and_run(struct settings *s)
{
    struct simulated *sim;
    if (open_truth(s) < 0)
        return EXIT_INTERNAL;
    int result = EXIT_INTERNAL;
    int r = simulated_create(&s->scenario.options, &sim);
    if (r < 0) {
        terminal_error("sim", "%s", strerror(-r));
    } else {
        result = cmd_scenario_disturb(&s->scenario, sim);
        if (result == EXIT_OK)
            result = run(s, sim);
        simulated_destroy(sim);
    }
    return close_truth(s) < 0 ? EXIT_INTERNAL : result;
}

static void set_faults(struct settings *s)
{
    const struct sim_instrument *instrument = &s->scenario.options.instrument;
    s->serve.faults = s->scenario.faults;
    s->serve.n_faults = s->scenario.n_faults;
    s->serve.fault_seed = s->scenario.options.seed;
    s->serve.rail_a = instrument->preamp_a[instrument->preamp_range];
    s->serve.fault = on_fault;
}

static void set_defaults(struct settings *s)
{
    sim_scenario_default(&s->scenario);
    serve_options_default(&s->serve);
    s->serve.note = on_note;
    s->serve.ctx = s;
    s->serve.utc_epoch_us = (int64_t)time(NULL) * 1000000;
}

/*
 * The scenario first, wherever it stands: the other options say what is to be otherwise. What only
 * prints is done here: *ret_done.
 */
static int look_ahead(int argc, char **argv, struct settings *s, bool *ret_done)
{
    int option, r = EXIT_OK;
    optind = 1;
    opterr = 0;
    while (r == EXIT_OK && !*ret_done &&
           (option = getopt_long(argc, argv, "q", options, NULL)) != -1) {
        *ret_done = option == OPTION_HELP || option == OPTION_REFERENCE;
        if (option == OPTION_HELP)
            print_usage(stdout);
        else if (option == OPTION_REFERENCE)
            sim_scenario_print_reference(stdout);
        else if (option == OPTION_SCENARIO)
            r = cmd_scenario_load(optarg, &s->scenario);
    }
    opterr = 1;
    return ferror(stdout) ? EXIT_INTERNAL : r;
}

static int read_options(int argc, char **argv, struct settings *s)
{
    int option, r = EXIT_OK;
    optind = 1;
    while (r == EXIT_OK && (option = getopt_long(argc, argv, "q", options, NULL)) != -1)
        r = read_option(option, s);
    if (r == EXIT_OK && optind < argc) {
        terminal_error("sim", "%s: no argument is expected", argv[optind]);
        return EXIT_USAGE;
    }
    return r;
}

int cmd_sim(int argc, char **argv)
{
    struct settings *s;
    bool done = false;
    if (cmd_images_wanted(argc, argv))
        return cmd_images(argc, argv);
    s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    set_defaults(s);
    int r = look_ahead(argc, argv, s, &done);
    if (r != EXIT_OK || done) {
        free(s);
        return r;
    }
    r = read_options(argc, argv, s);
    if (r == EXIT_OK)
        r = cmd_scenario_surface(&s->scenario, &s->surface);
    if (r == EXIT_OK) {
        set_faults(s);
        r = prepare_and_run(s);
    }
    free(s);
    return r;
}
