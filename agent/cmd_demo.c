/* tipwright demo: agent and simulated microscope, two processes, one night as fast as it goes. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "config/units.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

extern char **environ;

enum { PATH_BYTES = 1024, ARGUMENTS_MAX = 32, FEED_WAIT_MS = 200, FEED_BYTES_MAX = 1 << 16 };

static const char default_duration[] = "4 h";

struct settings {
    const char *seed, *duration, *state, *policy, *model, *difficulty;
    double duration_s;
    char directory[PATH_BYTES];
};

static void print_usage(FILE *out)
{
    fprintf(
        out,
        "Usage: tipwright demo [OPTION]...\n"
        "A night without a microscope: the agent with its default policy and model against the\n"
        "simulated microscope, in virtual time, to its end; then what happened.\n\n"
        "  --seed N          of the simulated microscope (default 1)\n"
        "  --duration TIME   length of the night (default \"%s\")\n"
        "  --difficulty X    a good tip is X times as rare after an action (default 1)\n"
        "  --policy FILE     default: the shipped h-si-100\n"
        "  --model FILE      default: the shipped model\n"
        "  --state DIR       where the record goes (default: night/demo-DATE-TIME)\n"
        "  --help            this text\n\n"
        "Exit status: that of `tipwright run`; 0 good tip, 3 none, 7 parked.\n",
        default_duration);
}

/* ---- the two programs ---- */

static int start(char *const *argv, int stdout_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (stdout_fd >= 0)
        posix_spawn_file_actions_adddup2(&files, stdout_fd, STDOUT_FILENO);
    int r = posix_spawn(ret_pid, "/proc/self/exe", &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (r != 0)
        terminal_error("demo", "cannot start tipwright %s: %s", argv[1], strerror(r));
    return -r;
}

struct arguments {
    char *list[ARGUMENTS_MAX];
    size_t n;
};

static void add(struct arguments *arguments, const char *word)
{
    char *copy = strdup(word);
    if (!copy || arguments->n + 1 >= ARGUMENTS_MAX)
        abort();
    arguments->list[arguments->n++] = copy;
}

static void add_pair(struct arguments *arguments, const char *name, const char *value)
{
    if (!value)
        return;
    add(arguments, name);
    add(arguments, value);
}

/* "ipc://DIRECTORY/NAME": nothing of a demo is reachable from elsewhere. */
static void add_endpoint(struct arguments *arguments, const char *option, const char *directory,
                         const char *name)
{
    char endpoint[PATH_BYTES + 32];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/%s", directory, name);
    add_pair(arguments, option, endpoint);
}

static void free_arguments(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->n; i++)
        free(arguments->list[i]);
}

static int start_sim(const struct settings *s, pid_t *ret_pid)
{
    struct arguments a = {.n = 0};
    char path[PATH_BYTES + 16];
    add(&a, "tipwright");
    add(&a, "sim");
    add(&a, "--quiet");
    add_pair(&a, "--time-scale", "max");
    add_pair(&a, "--seed", s->seed);
    add_pair(&a, "--difficulty", s->difficulty);
    add_endpoint(&a, "--data", s->directory, "data");
    add_endpoint(&a, "--command", s->directory, "command");
    snprintf(path, sizeof(path), "%s/matrix", s->directory);
    add_pair(&a, "--record", path);
    snprintf(path, sizeof(path), "%s/truth.csv", s->directory);
    add_pair(&a, "--truth", path);
    int r = start(a.list, -1, ret_pid);
    free_arguments(&a);
    return r;
}

static int start_agent(const struct settings *s, int stdout_fd, pid_t *ret_pid)
{
    struct arguments a = {.n = 0};
    add(&a, "tipwright");
    add(&a, "run");
    add(&a, "--quiet");
    add(&a, "--json");
    add(&a, "--arm");
    add(&a, "--new-night");
    add_pair(&a, "--duration", s->duration);
    add_pair(&a, "--policy", s->policy);
    add_pair(&a, "--model", s->model);
    add_pair(&a, "--state", s->directory);
    add_endpoint(&a, "--data", s->directory, "data");
    add_endpoint(&a, "--command", s->directory, "command");
    add_endpoint(&a, "--console", s->directory, "console");
    add_endpoint(&a, "--feed", s->directory, "feed");
    int r = start(a.list, stdout_fd, ret_pid);
    free_arguments(&a);
    return r;
}

/* ---- live progress, from the agent's public feed ---- */

struct watch {
    const struct settings *settings;
    struct progress progress;
    unsigned actions;
    bool good;
    double best;
    char best_label[32];
};

static void note_verdict(struct watch *watch, const json_t *news)
{
    const char *label;
    json_t *score;
    watch->best = 0;
    json_object_foreach(json_object_get(news, "scores"), label, score)
    {
        if (json_number_value(score) <= watch->best)
            continue;
        watch->best = json_number_value(score);
        snprintf(watch->best_label, sizeof(watch->best_label), "%s", label);
    }
}

static void take_news(struct watch *watch, const char *topic, const json_t *news)
{
    char detail[160];
    double t_s = json_number_value(json_object_get(news, "t_night_s"));
    if (strcmp(topic, "verdict") == 0)
        note_verdict(watch, news);
    else if (strcmp(topic, "state") == 0)
        watch->good = json_is_true(json_object_get(news, "good"));
    else if (strcmp(topic, "action") == 0)
        watch->actions += strcmp("intent", json_string_value(json_object_get(news, "state"))) == 0;
    snprintf(detail, sizeof(detail), "%5.2f h, %u commands, %s, now %s %.2f", t_s / 3600,
             watch->actions, watch->good ? "good tip" : "no good tip", watch->best_label,
             watch->best);
    progress_update(&watch->progress, (uint64_t)t_s, detail);
}

static void read_feed(struct watch *watch, void *feed)
{
    static char bytes[FEED_BYTES_MAX];
    char topic[32];
    int n = zmq_recv(feed, topic, sizeof(topic) - 1, ZMQ_DONTWAIT);
    if (n < 0 || (size_t)n >= sizeof(topic))
        return;
    topic[n] = '\0';
    n = zmq_recv(feed, bytes, sizeof(bytes), 0);
    if (n < 0 || (size_t)n > sizeof(bytes))
        return;
    json_t *news = json_loadb(bytes, (size_t)n, 0, NULL);
    if (json_is_object(news))
        take_news(watch, topic, news);
    json_decref(news);
}

/* Until the agent has ended; its exit status, or -1. */
static int watch_night(const struct settings *s, pid_t agent)
{
    struct watch watch = {.settings = s, .best_label = "-"};
    char endpoint[PATH_BYTES + 32];
    void *zmq = zmq_ctx_new();
    void *feed = zmq_socket(zmq, ZMQ_SUB);
    int status = 0, linger = 0;
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/feed", s->directory);
    zmq_setsockopt(feed, ZMQ_SUBSCRIBE, "", 0);
    zmq_setsockopt(feed, ZMQ_LINGER, &linger, sizeof(linger));
    bool heard = zmq_connect(feed, endpoint) == 0;
    progress_start(&watch.progress, "night", (uint64_t)s->duration_s);
    while (waitpid(agent, &status, WNOHANG) == 0) {
        zmq_pollitem_t item = {.socket = feed, .events = ZMQ_POLLIN};
        if (heard && zmq_poll(&item, 1, FEED_WAIT_MS) > 0)
            read_feed(&watch, feed);
    }
    progress_end(&watch.progress);
    zmq_close(feed);
    zmq_ctx_term(zmq);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what happened ---- */

static int64_t whole(const json_t *summary, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(summary, name));
}

static const char *text_of(const json_t *summary, const char *name)
{
    const char *text = json_string_value(json_object_get(summary, name));
    return text ? text : "";
}

static void tell(const struct settings *s, const json_t *summary)
{
    printf("\nWhat happened\n  The night ended after %.2f h: %s (%s).\n",
           json_number_value(json_object_get(summary, "night_h")), text_of(summary, "how"),
           text_of(summary, "why"));
    if (json_is_true(json_object_get(summary, "good_found")))
        printf("  Good tip first confirmed at %.2f h, in image %s, after %" PRId64 " actions.\n",
               json_number_value(json_object_get(summary, "first_good_h")),
               text_of(summary, "first_good"), whole(summary, "actions_to_good"));
    else
        puts("  No good tip was confirmed.");
    printf("  Done: %" PRId64 " crashes, %" PRId64 " pulses, %" PRId64 " new areas.\n",
           whole(summary, "crashes"), whole(summary, "pulses"), whole(summary, "new_areas"));
    printf("  Judged: %" PRId64 " verdicts in %" PRId64 " frames.\n", whole(summary, "verdicts"),
           whole(summary, "frames"));
    printf("\nThe tip's last image   %s\n", text_of(summary, "picture"));
    printf("Every action           tipwright journal actions %s\n", s->directory);
    printf("The whole record       %s/journal.sqlite\n", s->directory);
    printf("As MATRIX files        %s/matrix\n", s->directory);
    printf("The simulator's truth  %s/truth.csv\n", s->directory);
}

/* Both programs, to the agent's end. The summary is the agent's stdout, through a pipe. */
static int play(const struct settings *s)
{
    int ends[2];
    pid_t sim = 0, agent = 0;
    int code = -1;
    if (pipe(ends) != 0) {
        terminal_error("demo", "no pipe: %s", strerror(errno));
        return EXIT_INTERNAL;
    }
    if (start_agent(s, ends[1], &agent) == 0 && start_sim(s, &sim) == 0)
        code = watch_night(s, agent);
    close(ends[1]);
    if (sim > 0) {
        kill(sim, SIGINT);
        waitpid(sim, NULL, 0);
    } else if (agent > 0) {
        kill(agent, SIGINT);
        waitpid(agent, NULL, 0);
    }
    FILE *out = fdopen(ends[0], "r");
    json_t *summary = out ? json_loadf(out, 0, NULL) : NULL;
    if (json_is_object(summary))
        tell(s, summary);
    else
        terminal_error("demo", "the agent left no summary");
    json_decref(summary);
    if (out)
        fclose(out);
    return code < 0 ? EXIT_INTERNAL : code;
}

/* ---- the command line ---- */

static int make_directory(struct settings *s)
{
    char name[64];
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(name, sizeof(name), "night/demo-%Y%m%d-%H%M%S", &parts);
    if (!s->state && mkdir("night", 0755) != 0 && errno != EEXIST) {
        terminal_error("demo", "night: %s", strerror(errno));
        return -EIO;
    }
    snprintf(s->directory, sizeof(s->directory), "%s", s->state ? s->state : name);
    if (mkdir(s->directory, 0700) == 0 || errno == EEXIST)
        return 0;
    terminal_error("demo", "%s: %s", s->directory, strerror(errno));
    return -EIO;
}

static int read_settings(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"difficulty", required_argument, NULL, 'x'},
                                            {"policy", required_argument, NULL, 'p'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"state", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char **const texts[] = {['s'] = &s->seed,   ['d'] = &s->duration, ['x'] = &s->difficulty,
                                  ['p'] = &s->policy, ['m'] = &s->model,    ['t'] = &s->state};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h' || option == '?') {
            print_usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 1 : -EINVAL;
        }
        *texts[option] = optarg;
    }
    struct units_report report;
    if (optind < argc) {
        terminal_error("demo", "%s: no argument is expected", argv[optind]);
        return -EINVAL;
    }
    if (units_read(s->duration, "s", &s->duration_s, &report) != 0 || !(s->duration_s > 0)) {
        terminal_error("demo", "--duration %s: a time with its unit, as in \"4 h\"", s->duration);
        return -EINVAL;
    }
    return 0;
}

int cmd_demo(int argc, char **argv)
{
    struct settings settings = {.seed = "1", .duration = default_duration};
    int r = read_settings(argc, argv, &settings);
    if (r != 0)
        return r > 0 ? EXIT_OK : EXIT_USAGE;
    if (make_directory(&settings) < 0)
        return EXIT_INTERNAL;
    return play(&settings);
}
