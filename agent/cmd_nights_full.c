/*
 * One night with everything that a real night has: the agent's own program over sockets, with
 * network, policy, guard and journal, and the instrument in a process of its own. The truth goes
 * into a file that only this program sees; what the agent did and said is read from its journal.
 */
#include "agent/cmd_nights.h"
#include "agent/journal_read.h"
#include "agent/terminal.h"
#include "sim/serve.h"
#include "sim/simulated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINK_BYTES = 80, PATH_BYTES = COMMAND_PATH_MAX + 128 };

struct full_night {
    const struct nights_play *play;
    char link[LINK_BYTES];  /* folder of the sockets; short, as their paths may not be long */
    char state[PATH_BYTES]; /* folder of the journal */
    FILE *truth;            /* struct simulated_truth after each other */
    json_t *summary;        /* the agent's own */
};

static int fail(const char *what, int error)
{
    terminal_error(nights_command, "%s: %s", what, strerror(error));
    return EXIT_INTERNAL;
}

/* ---- the instrument's process ---- */

static void keep_truth(void *ctx, const struct simulated_truth *truth)
{
    fwrite(truth, sizeof(*truth), 1, ctx);
}

static void say_nothing(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static int be_instrument(const struct full_night *night)
{
    char error[SERVE_ERROR_MAX] = "", data[PATH_BYTES], command[PATH_BYTES];
    struct serve_options options;
    struct nights_microscope *microscope;
    serve_options_default(&options);
    snprintf(data, sizeof(data), "ipc://%s/d", night->link);
    snprintf(command, sizeof(command), "ipc://%s/c", night->link);
    options.data_endpoint = data;
    options.command_endpoint = command;
    options.time_scale = 0;
    options.note = say_nothing;
    nights_world_serve(night->play->world, night->play->seed, &options);
    int r = nights_world_start(night->play->world, night->play->seed, true, keep_truth,
                               night->truth, &microscope);
    if (r < 0)
        return fail("the simulated microscope", -r);
    r = serve(nights_bare_microscope(microscope), &options, error, sizeof(error));
    nights_microscope_destroy(microscope);
    if (r < 0 && r != -EINTR)
        terminal_error(nights_command, "%s", error);
    bool bad = fflush(night->truth) != 0 || ferror(night->truth);
    return (r < 0 && r != -EINTR) || bad ? EXIT_INTERNAL : EXIT_OK;
}

/* ---- the agent's process ---- */

/* The program of the night, beside this one: tipwright-lab without its ending. */
static int agent_program(char *buf, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", buf, size - 1);
    ssize_t ending = (ssize_t)strlen("-lab");
    if (n <= ending || memcmp(buf + n - ending, "-lab", (size_t)ending) != 0)
        return -ENOENT;
    buf[n - ending] = '\0';
    return 0;
}

static int start_agent(const struct full_night *night, int stdout_fd, pid_t *ret_pid)
{
    const struct nights_play *play = night->play;
    char program[COMMAND_PATH_MAX], ends[4][PATH_BYTES], duration[40];
    static const char names[4] = {'d', 'c', 'o', 'f'};
    int r = agent_program(program, sizeof(program));
    if (r < 0)
        return r;
    for (int i = 0; i < 4; i++)
        snprintf(ends[i], sizeof(ends[i]), "ipc://%s/%c", night->link, names[i]);
    snprintf(duration, sizeof(duration), "%.3f s", play->length_s);
    const char *const words[] = {"tipwright",  "run",
                                 "--quiet",    "--json",
                                 "--arm",      "--new-night",
                                 "--pictures", "none",
                                 "--duration", duration,
                                 "--policy",   play->policy->path,
                                 "--model",    play->model_path,
                                 "--state",    night->state,
                                 "--data",     ends[0],
                                 "--command",  ends[1],
                                 "--console",  ends[2],
                                 "--feed",     ends[3]};
    char *arguments[sizeof(words) / sizeof(words[0]) + 1] = {NULL};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!(arguments[i] = strdup(words[i])))
            abort();
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, stdout_fd, STDOUT_FILENO);
    r = posix_spawn(ret_pid, program, &files, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; arguments[i]; i++)
        free(arguments[i]);
    return -r;
}

/* Both, until the agent has ended. */
static int run_both(struct full_night *night)
{
    FILE *out = tmpfile();
    pid_t sim, agent = 0;
    int status = 0;
    night->truth = tmpfile();
    if (!out || !night->truth)
        return fail("no temporary file", errno);
    sim = fork();
    if (sim == 0)
        _exit(be_instrument(night));
    int r = sim < 0 ? -errno : start_agent(night, fileno(out), &agent);
    if (r == 0)
        waitpid(agent, NULL, 0);
    if (sim > 0) {
        kill(sim, SIGTERM);
        waitpid(sim, &status, 0);
    }
    rewind(out);
    night->summary = r == 0 ? json_loadf(out, 0, NULL) : NULL;
    fclose(out);
    if (r < 0)
        return fail("a night's programs cannot be started", -r);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_OK || !json_is_object(night->summary)) {
        terminal_error(nights_command, "seed %" PRIu64 ", policy %s: the %s left no record",
                       night->play->seed, night->play->policy->name,
                       night->summary ? "instrument" : "agent");
        return EXIT_INTERNAL;
    }
    return EXIT_OK;
}

/* ---- the score ---- */

/* What the agent said, one row of its journal after the other. */
struct said {
    int64_t t_ns;
    bool good;
    float wanted, bad_blurry; /* NAN: no verdict */
};
struct said_list {
    const struct policy *policy;
    struct said *list;
    size_t n, room;
};

static void take_cell(const struct journal_cell *cell, struct said *said, bool *rule, float *wanted,
                      const struct policy *policy)
{
    bool text = cell->type == JOURNAL_TEXT;
    if (strcmp(cell->name, "t_night_ns") == 0)
        said->t_ns = cell->integer;
    else if (strcmp(cell->name, "kind") == 0)
        *rule = text && strcmp(cell->text, "rule") == 0;
    else if (strcmp(cell->name, "response") == 0)
        said->good = text && strcmp(cell->text, "good") == 0;
    else if (strncmp(cell->name, "p_", 2) == 0 && cell->type == JOURNAL_REAL) {
        int label = nn_label_from_name(cell->name + 2);
        if (label >= 0 && policy->accept[label])
            *wanted = fmaxf(*wanted, (float)cell->real);
        if (label == NN_LABEL_BAD_BLURRY)
            said->bad_blurry = (float)cell->real;
    }
}

static void take_decision(void *data, const char *line, const struct journal_cell *cells, size_t n)
{
    struct said_list *list = data;
    struct said said = {.bad_blurry = NAN};
    bool rule = false;
    (void)line;
    for (size_t i = 0; i < n; i++)
        take_cell(&cells[i], &said, &rule, &said.wanted, list->policy);
    said.good = said.good && rule;
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 1024;
        list->list = realloc(list->list, list->room * sizeof(*list->list));
        if (!list->list)
            abort(); /* a few kilobytes */
    }
    list->list[list->n++] = said;
}

static int read_said(const struct full_night *night, struct said_list *ret_list)
{
    char error[300] = "";
    struct journal_reader *reader;
    *ret_list = (struct said_list){.policy = night->play->policy->policy};
    int r = journal_reader_open(night->state, &reader, error, sizeof(error));
    if (r == 0) {
        r = journal_reader_list(reader, JOURNAL_DECISIONS, 0, take_decision, ret_list);
        journal_reader_close(reader);
    }
    if (r == 0)
        return EXIT_OK;
    terminal_error(nights_command, "%s: %s", night->state, error[0] ? error : strerror(-r));
    return EXIT_INTERNAL;
}

/* What was said up to this time, into the score. */
static void score_said(struct night_score *score, const struct said_list *list, size_t *next,
                       int64_t until_ns)
{
    while (*next < list->n && list->list[*next].t_ns < until_ns) {
        const struct said *said = &list->list[(*next)++];
        if (!isnan(said->bad_blurry))
            night_score_verdict(score, said->t_ns, said->wanted, said->bad_blurry);
        if (said->good)
            night_score_good(score, said->t_ns);
    }
}

static int score_night(const struct full_night *night, struct night_figures *ret_figures)
{
    struct said_list said;
    struct nights_microscope *microscope;
    struct simulated_truth truth;
    struct night_score score;
    size_t next = 0;
    const json_t *how = json_object_get(night->summary, "how");
    double hours = json_number_value(json_object_get(night->summary, "night_h"));
    int64_t end_ns = (int64_t)llround(hours * 3.6e12);
    int code = read_said(night, &said);
    int r =
        nights_world_start(night->play->world, night->play->seed, false, NULL, NULL, &microscope);
    if (code != EXIT_OK || r < 0) {
        free(said.list);
        return code != EXIT_OK ? code : fail("the simulated microscope", -r);
    }
    nights_world_score(night->play->world, night->play, nights_simulated(microscope), &score);
    nights_microscope_destroy(microscope);
    rewind(night->truth);
    /* A decision is about the lines before it: at the same time, the line comes first. */
    while (fread(&truth, sizeof(truth), 1, night->truth) == 1 && truth.t_inst_ns <= end_ns) {
        score_said(&score, &said, &next, truth.t_inst_ns);
        nights_score_truth(&score, &truth);
    }
    score_said(&score, &said, &next, INT64_MAX);
    night_score_end(&score, end_ns, json_is_string(how) ? json_string_value(how) : "lost");
    free(said.list);
    *ret_figures = score.figures;
    return EXIT_OK;
}

/* ---- folders ---- */

static void remove_folder(const char *path)
{
    char file[PATH_BYTES + 300];
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (unlink(file) != 0) /* a folder of the agent's own */
            remove_folder(file);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

static int make_folders(struct full_night *night)
{
    const struct nights_play *play = night->play;
    const char *where = getenv("TMPDIR");
    int n = snprintf(night->link, sizeof(night->link), "%s/tw-XXXXXX",
                     where && where[0] ? where : "/tmp");
    if (n < 0 || (size_t)n >= sizeof(night->link) || !mkdtemp(night->link))
        return fail("no folder for sockets in TMPDIR", errno ? errno : ENAMETOOLONG);
    if (play->directory)
        snprintf(night->state, sizeof(night->state), "%s/%s-%" PRIu64, play->directory,
                 play->policy->name, play->seed);
    else
        snprintf(night->state, sizeof(night->state), "%s/state", night->link);
    /* What a run that was cut off has left. */
    remove_folder(night->state);
    return EXIT_OK;
}

int nights_play_full(const struct nights_play *play, struct night_figures *ret_figures)
{
    struct full_night night = {.play = play};
    int code = make_folders(&night);
    if (code != EXIT_OK)
        return code;
    code = run_both(&night);
    if (code == EXIT_OK)
        code = score_night(&night, ret_figures);
    json_decref(night.summary);
    if (night.truth)
        fclose(night.truth);
    remove_folder(night.link);
    return code;
}
