/* tipwright run: the agent for one instrument. */
#include "agent/command.h"
#include "agent/console.h"
#include "agent/night.h"
#include "agent/terminal.h"
#include "config/units.h"
#include "instrument/keys.h"
#include "nn/model.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct settings {
    const char *state, *policy, *model;
    const char *data, *command, *console, *feed;
    const char *keys;
    double duration_s;
    enum night_pictures pictures;
    bool arm, new_night, end_at_good, leave_when_lost, json;
    int verbose; /* -1 quiet, 0, 1 */
    char policy_path[COMMAND_PATH_MAX], model_path[COMMAND_PATH_MAX];
};

struct run {
    const struct settings *settings;
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    struct keys *keys;
    struct keys_guard *guard;
    struct nn_model *model;
    struct policy *policy; /* until the night has it */
    struct journal *journal;
    struct journal_boot boot;
    struct night *night;
    struct console *console;
    uv_signal_t signals[3];
    unsigned interrupts;
    struct night_summary summary;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright run --state DIR [OPTION]...\n"
        "Judge every scan line, answer under a policy, keep the record. Starts in hold.\n"
        "\n"
        "  --state DIR         journal, record and pictures (made if missing)\n"
        "  --policy FILE       default: the shipped h-si-100\n"
        "  --model FILE        default: the shipped model\n"
        "  --arm               let the policy act from the start\n"
        "  --new-night         begin a new night instead of going on with the open one\n"
        "  --duration TIME     end after so much of the night, e.g. \"2 h\"\n"
        "  --once-good         end at the first confirmed good tip\n"
        "  --until-lost        leave when the instrument goes away (a replay's end)\n"
        "  --pictures WHICH    all, key (default: around actions and good tips) or none\n"
        "  --data ENDPOINT     lines in, default tcp://127.0.0.1:47101\n"
        "  --command ENDPOINT  commands and status, default tcp://127.0.0.1:47102\n"
        "  --console ENDPOINT  operators' requests, default tcp://127.0.0.1:47103\n"
        "  --feed ENDPOINT     operators' feed, default tcp://127.0.0.1:47104\n"
        "  --keys DIR          CURVE keys; without them only this machine is served\n"
        "  --json              the summary as JSON on stdout\n"
        "  -q, --quiet         errors and alarms only\n"
        "  -v, --verbose       every decision and frame\n"
        "  --help              this text\n"
        "\n"
        "SIGINT: hold and leave in order; again: withdraw the tip first. SIGHUP: read the policy\n"
        "again. Exit status: 0 good tip, 1 internal error, 2 usage, 3 no good tip, 4 stopped,\n"
        "5 state directory or endpoint in use, 6 policy, model or endpoint refused, 7 parked.\n",
        out);
}

/* ---- the command line ---- */

enum option_value {
    OPTION_STATE = 256,
    OPTION_POLICY,
    OPTION_MODEL,
    OPTION_ARM,
    OPTION_NEW_NIGHT,
    OPTION_DURATION,
    OPTION_ONCE_GOOD,
    OPTION_UNTIL_LOST,
    OPTION_PICTURES,
    OPTION_DATA,
    OPTION_COMMAND,
    OPTION_CONSOLE,
    OPTION_FEED,
    OPTION_KEYS,
    OPTION_JSON,
    OPTION_HELP
};

static const struct option options[] = {{"state", required_argument, NULL, OPTION_STATE},
                                        {"policy", required_argument, NULL, OPTION_POLICY},
                                        {"model", required_argument, NULL, OPTION_MODEL},
                                        {"arm", no_argument, NULL, OPTION_ARM},
                                        {"new-night", no_argument, NULL, OPTION_NEW_NIGHT},
                                        {"duration", required_argument, NULL, OPTION_DURATION},
                                        {"once-good", no_argument, NULL, OPTION_ONCE_GOOD},
                                        {"until-lost", no_argument, NULL, OPTION_UNTIL_LOST},
                                        {"pictures", required_argument, NULL, OPTION_PICTURES},
                                        {"data", required_argument, NULL, OPTION_DATA},
                                        {"command", required_argument, NULL, OPTION_COMMAND},
                                        {"console", required_argument, NULL, OPTION_CONSOLE},
                                        {"feed", required_argument, NULL, OPTION_FEED},
                                        {"keys", required_argument, NULL, OPTION_KEYS},
                                        {"json", no_argument, NULL, OPTION_JSON},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, OPTION_HELP},
                                        {NULL, 0, NULL, 0}};

static int read_pictures(const char *text, enum night_pictures *ret_pictures)
{
    static const char *const words[] = {"none", "key", "all"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        *ret_pictures = (enum night_pictures)i;
        return 0;
    }
    terminal_error("run", "--pictures %s: all, key or none", text);
    return -EINVAL;
}

static int read_duration(const char *text, double *ret_s)
{
    struct units_report report;
    double value;
    if (units_read(text, "s", &value, &report) == 0 && value > 0) {
        *ret_s = value;
        return 0;
    }
    terminal_error("run", "--duration \"%s\": a time above zero with its unit, as in \"2 h\"",
                   text);
    return -EINVAL;
}

/* 0, -EINVAL (said), 1: help was asked for. */
static int read_option(int option, struct settings *s)
{
    switch (option) {
    case OPTION_STATE:
        s->state = optarg;
        return 0;
    case OPTION_POLICY:
        s->policy = optarg;
        return 0;
    case OPTION_MODEL:
        s->model = optarg;
        return 0;
    case OPTION_ARM:
        s->arm = true;
        return 0;
    case OPTION_NEW_NIGHT:
        s->new_night = true;
        return 0;
    case OPTION_DURATION:
        return read_duration(optarg, &s->duration_s);
    case OPTION_ONCE_GOOD:
        s->end_at_good = true;
        return 0;
    case OPTION_UNTIL_LOST:
        s->leave_when_lost = true;
        return 0;
    case OPTION_PICTURES:
        return read_pictures(optarg, &s->pictures);
    case OPTION_DATA:
        s->data = optarg;
        return 0;
    case OPTION_COMMAND:
        s->command = optarg;
        return 0;
    case OPTION_CONSOLE:
        s->console = optarg;
        return 0;
    case OPTION_FEED:
        s->feed = optarg;
        return 0;
    case OPTION_KEYS:
        s->keys = optarg;
        return 0;
    case OPTION_JSON:
        s->json = true;
        return 0;
    case 'q':
        s->verbose = -1;
        return 0;
    case 'v':
        s->verbose = 1;
        return 0;
    case OPTION_HELP:
        return 1;
    default:
        return -EINVAL;
    }
}

static int read_settings(int argc, char **argv, struct settings *s)
{
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "qv", options, NULL)) != -1) {
        int r = read_option(option, s);
        if (r != 0)
            return r;
    }
    if (optind < argc) {
        terminal_error("run", "%s: no argument is expected", argv[optind]);
        return -EINVAL;
    }
    if (!s->state) {
        terminal_error("run", "--state DIR is needed");
        return -EINVAL;
    }
    if (!s->policy) {
        command_data_path("policies/h-si-100.yaml", s->policy_path, sizeof(s->policy_path));
        s->policy = s->policy_path;
    }
    if (!s->model) {
        command_data_path("models/h-si-100.tipnn", s->model_path, sizeof(s->model_path));
        s->model = s->model_path;
    }
    return 0;
}

/* ---- what is told while it runs ---- */

static void tell_action(const struct night_news *news)
{
    char what[200];
    action_describe(news->action, what, sizeof(what));
    if (news->action_state < 0)
        terminal_note("run", "%.2f h  %" PRIu64 " %s (%s: %s)", (double)news->t_night_ns / 3.6e12,
                      news->id, what, news->who, news->text);
    else if (news->action_state != COMMAND_ACCEPTED && news->action_state != COMMAND_STARTED &&
             news->action_state != COMMAND_DONE)
        terminal_note("run", "%" PRIu64 " did not end as planned: %s", news->id, news->text);
}

static void tell(const struct run *run, const struct night_news *news)
{
    int verbose = run->settings->verbose;
    double hours = (double)news->t_night_ns / 3.6e12;
    switch (news->kind) {
    case NEWS_ALARM:
        terminal_error("run", "%.2f h  %s", hours, news->text);
        return;
    case NEWS_LOG:
        if (verbose >= 0)
            terminal_note("run", "%.2f h  %s", hours, news->text);
        return;
    case NEWS_ACTION:
        if (verbose >= 0)
            tell_action(news);
        return;
    case NEWS_DECISION:
        if (verbose > 0)
            terminal_note("run", "%.2f h  %s%s%s", hours, news->decision->why,
                          news->text[0] ? "; not done: " : "", news->text);
        return;
    case NEWS_FRAME:
        if (verbose > 0)
            terminal_note("run", "%.2f h  %u_%u %s: %u lines, %u missing", hours, news->frame->run,
                          news->frame->cycle, scan_trace_name(news->frame->trace),
                          news->frame->lines_seen, news->frame->lines_missing);
        return;
    case NEWS_STATE:
    case NEWS_VERDICT:
    case NEWS_KIND_COUNT:
        return;
    }
}

static void on_news(void *ctx, const struct night_news *news)
{
    struct run *run = ctx;
    tell(run, news);
    if (run->console)
        console_news(run->console, news);
}

static void print_json_summary(const struct night_summary *s, const char *state)
{
    char good[32];
    snprintf(good, sizeof(good), "%u_%u", s->first_good.run, s->first_good.cycle);
    json_t *json =
        json_pack("{s:s,s:s,s:i,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:s}", "how", s->how, "why",
                  s->why, "exit_code", s->exit_code, "night_h", (double)s->t_night_ns / 3.6e12,
                  "actions", (json_int_t)s->actions, "pulses", (json_int_t)s->pulses, "crashes",
                  (json_int_t)s->crashes, "necks", (json_int_t)s->necks, "new_areas",
                  (json_int_t)s->new_areas, "frames", (json_int_t)s->frames, "verdicts",
                  (json_int_t)s->verdicts, "good_found", s->good_found, "state", state);
    json_object_set_new(json, "picture", json_string(s->picture));
    if (s->good_found) {
        json_object_set_new(json, "first_good", json_string(good));
        json_object_set_new(json, "first_good_h",
                            json_real((double)s->first_good.t_night_ns / 3.6e12));
        json_object_set_new(json, "actions_to_good", json_integer((json_int_t)s->actions_to_good));
    }
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(json);
}

static void print_summary(const struct night_summary *s, const char *state)
{
    printf("Ended: %s (%s) after %.2f h.\n", s->how, s->why, (double)s->t_night_ns / 3.6e12);
    if (s->good_found)
        printf("Good tip first at %.2f h in %u_%u %s after %" PRIu64 " actions.\n",
               (double)s->first_good.t_night_ns / 3.6e12, s->first_good.run, s->first_good.cycle,
               scan_trace_name(s->first_good.trace), s->actions_to_good);
    else
        puts("No good tip was confirmed.");
    printf("Done: %" PRIu64 " crashes, %" PRIu64 " pulses, %" PRIu64 " neckings, %" PRIu64
           " new areas. Judged: %" PRIu64 " verdicts in %" PRIu64 " frames.\n",
           s->crashes, s->pulses, s->necks, s->new_areas, s->verdicts, s->frames);
    printf("Record: %s", state);
    if (s->picture[0])
        printf("; last picture: %s", s->picture);
    putchar('\n');
}

/* ---- the end, from the outside in ---- */

static void hub_closed(void *ctx)
{
    (void)ctx;
}

static void night_closed(void *ctx)
{
    struct run *run = ctx;
    run->night = NULL;
    keys_guard_close(run->guard);
    run->guard = NULL;
    zsock_hub_close(run->hub, hub_closed, run);
}

static void on_ended(void *ctx)
{
    struct run *run = ctx;
    run->summary = *night_summary(run->night);
    for (size_t i = 0; i < sizeof(run->signals) / sizeof(run->signals[0]); i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    struct console *console = run->console;
    run->console = NULL;
    night_close(run->night, night_closed, run);
    console_close(console);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;
    static const struct night_request asked = {.who = "signal"};
    if (!run->night)
        return;
    if (number == SIGHUP)
        night_reload(run->night, &asked, NULL);
    else
        night_leave(run->night, number == SIGINT ? "SIGINT" : "SIGTERM", run->interrupts++ > 0);
}

/* ---- the start, from the inside out ---- */

static int refuse(const char *what, const char *why)
{
    terminal_error("run", "%s: %s", what, why);
    return EXIT_REFUSED;
}

static int load_policy(struct run *run, const char *path)
{
    struct policy_errors errors;
    run->policy = calloc(1, sizeof(*run->policy));
    if (!run->policy)
        return EXIT_INTERNAL;
    int r = policy_load(path, run->policy, &errors);
    if (r < 0)
        policy_errors_print(&errors, path, stderr);
    policy_errors_finish(&errors);
    return r < 0 ? EXIT_REFUSED : EXIT_OK;
}

static int open_journal(struct run *run)
{
    char error[300] = "";
    const struct settings *s = run->settings;
    struct journal_options journal = {.directory = s->state,
                                      .new_night = s->new_night,
                                      .policy_hash = run->policy->hash,
                                      .policy_name = run->policy->name,
                                      .model_hash = nn_model_hash(run->model)};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int r = journal_open(&journal, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                         &run->journal, &run->boot, error, sizeof(error));
    if (r == 0 && run->boot.parked == JOURNAL_PARKED) {
        terminal_error("run", "%s: night %" PRIu64 " has ended; begin another with --new-night",
                       s->state, run->boot.night);
        return EXIT_PARKED;
    }
    if (r == 0)
        return EXIT_OK;
    terminal_error("run", "%s: %s", s->state, error[0] ? error : strerror(-r));
    return r == -EBUSY ? EXIT_BUSY : EXIT_INTERNAL;
}

/* What must be right before anything is opened to the outside. */
static int load(struct run *run)
{
    char error[300] = "";
    const struct settings *s = run->settings;
    int code = load_policy(run, s->policy);
    if (code != EXIT_OK)
        return code;
    int r = nn_model_load(s->model, &run->model, error, sizeof(error));
    if (r < 0)
        return refuse(s->model, error);
    if (s->keys) {
        r = keys_load(s->keys, "agent", &run->keys, error, sizeof(error));
        if (r < 0)
            return refuse(s->keys, error);
    }
    return open_journal(run);
}

static int say_open_failed(const char *what, int r)
{
    if (r == -EPERM)
        terminal_error("run", "%s: an endpoint beyond this machine needs --keys", what);
    else
        terminal_error("run", "%s: %s", what, strerror(-r));
    return r == -EPERM ? EXIT_REFUSED : r == -EADDRINUSE ? EXIT_BUSY : EXIT_INTERNAL;
}

static int open_night(struct run *run)
{
    const struct settings *s = run->settings;
    static const struct night_callbacks callbacks = {.news = on_news, .ended = on_ended};
    struct night_start start = {run->hub, run->journal, &run->boot, run->policy};
    struct night_options night = {.state_directory = s->state,
                                  .data_endpoint = s->data,
                                  .command_endpoint = s->command,
                                  .keys = run->keys,
                                  .model = run->model,
                                  .arm = s->arm,
                                  .pictures = s->pictures,
                                  .duration_s = s->duration_s,
                                  .end_at_good = s->end_at_good,
                                  .leave_when_lost = s->leave_when_lost};
    struct console_options console = {s->console, s->feed, run->keys};
    int r = night_create(&start, &night, &callbacks, run, &run->night);
    if (r < 0)
        return say_open_failed(s->data, r);
    run->policy = NULL;
    r = console_create(run->hub, &console, run->night, &run->console);
    return r < 0 ? say_open_failed(s->console, r) : EXIT_OK;
}

static void watch_signals(struct run *run)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
}

static int run_night(struct run *run)
{
    const struct settings *s = run->settings;
    int code = EXIT_INTERNAL;
    if (zsock_hub_create(&run->loop, run->zmq, &run->hub) < 0)
        return code;
    if (run->keys && keys_guard_open(run->hub, run->keys, &run->guard) < 0) {
        terminal_error("run", "the key handler cannot be opened");
        zsock_hub_close(run->hub, hub_closed, run);
    } else if ((code = open_night(run)) == EXIT_OK) {
        if (!s->keys && s->verbose >= 0)
            terminal_note("run", "no keys: only this machine is served");
        watch_signals(run);
        uv_run(&run->loop, UV_RUN_DEFAULT);
        return run->summary.exit_code;
    } else if (run->night) {
        night_close(run->night, night_closed, run);
    } else {
        night_closed(run);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return code;
}

int cmd_run(int argc, char **argv)
{
    struct settings settings = {.data = "tcp://127.0.0.1:47101",
                                .command = "tcp://127.0.0.1:47102",
                                .console = "tcp://127.0.0.1:47103",
                                .feed = "tcp://127.0.0.1:47104",
                                .pictures = NIGHT_PICTURES_KEY};
    int r = read_settings(argc, argv, &settings);
    if (r != 0) {
        print_usage(r > 0 ? stdout : stderr);
        return r > 0 ? EXIT_OK : EXIT_USAGE;
    }
    struct run run = {.settings = &settings};
    int code = load(&run);
    if (code == EXIT_OK) {
        uv_loop_init(&run.loop);
        run.zmq = zmq_ctx_new();
        code = run_night(&run);
        uv_loop_close(&run.loop);
        zmq_ctx_term(run.zmq);
        if (run.summary.how[0])
            (settings.json ? print_json_summary : print_summary)(&run.summary, settings.state);
    }
    journal_close(run.journal);
    nn_model_destroy(run.model);
    keys_destroy(run.keys);
    free(run.policy);
    return code;
}
