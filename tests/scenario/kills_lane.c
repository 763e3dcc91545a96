/* One pair of agent and instrument, started and killed again and again. */
#include "kills.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PATIENCE_MS = 6000, SETTLE_MS = 20000 };

struct lane {
    const struct kills_paths *paths;
    struct kills_report *report;
    struct kills_operator *op;
    struct kills_judge *judge;
    uint64_t random;
    pid_t agent, instrument; /* 0: not running */
    bool next_night;
    int watch_fd;
    int wal, log; /* inotify watches */
    uint32_t writes, begins;
    bool checked; /* the agent's own count has been compared since its start */
    char data[KILLS_PATH_MAX + 32], command[KILLS_PATH_MAX + 32], console[KILLS_PATH_MAX + 32],
        feed[KILLS_PATH_MAX + 32], state[KILLS_PATH_MAX + 32], begun[KILLS_PATH_MAX + 32];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* xorshift64* (Vigna 2016), below n. */
static uint32_t draw(struct lane *lane, uint32_t n)
{
    lane->random ^= lane->random >> 12;
    lane->random ^= lane->random << 25;
    lane->random ^= lane->random >> 27;
    return (uint32_t)((lane->random * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* ---- processes ---- */

static pid_t start(struct lane *lane, const char *const *arguments)
{
    char log[KILLS_PATH_MAX + 16];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    snprintf(log, sizeof(log), "%s/said.log", lane->paths->directory);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    /* posix_spawn() leaves the words alone; its prototype is older than const. */
    union {
        const char *const *given;
        char *const *wanted;
    } words = {arguments};
    int r = posix_spawn(&pid, arguments[0], &actions, NULL, words.wanted, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        kills_fault(lane->report, "%s cannot be started: %s", arguments[0], strerror(r));
        return 0;
    }
    return pid;
}

static void start_agent(struct lane *lane)
{
    const char *const arguments[] = {lane->paths->tipwright,
                                     "run",
                                     "--state",
                                     lane->state,
                                     "--policy",
                                     lane->paths->policy,
                                     "--model",
                                     lane->paths->model,
                                     "--data",
                                     lane->data,
                                     "--command",
                                     lane->command,
                                     "--console",
                                     lane->console,
                                     "--feed",
                                     lane->feed,
                                     "--pictures",
                                     "none",
                                     lane->next_night ? "--new-night" : NULL,
                                     NULL};
    lane->agent = start(lane, arguments);
    lane->next_night = false;
    lane->writes = lane->begins = 0;
    lane->checked = false;
    kills_operator_forget(lane->op);
}

static void start_instrument(struct lane *lane)
{
    const char *const arguments[] = {lane->paths->microscope, lane->data, lane->command,
                                     lane->begun, NULL};
    lane->instrument = start(lane, arguments);
}

static void kill_now(pid_t *pid)
{
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

/* An agent that has ended by itself: its night was over. Anything else is a fault. */
static void reap_agent(struct lane *lane)
{
    int status;
    if (lane->agent == 0 || waitpid(lane->agent, &status, WNOHANG) != lane->agent)
        return;
    lane->agent = 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code != 3 && code != 7)
        kills_fault(lane->report, "the agent ended by itself with code %d", code);
    lane->next_night = true;
}

static void reap_instrument(struct lane *lane)
{
    int status;
    if (lane->instrument == 0 || waitpid(lane->instrument, &status, WNOHANG) != lane->instrument)
        return;
    lane->instrument = 0;
    kills_fault(lane->report, "the instrument ended by itself");
}

/* ---- waiting for the moment ---- */

static void count_writes(struct lane *lane)
{
    union {
        char bytes[8192];
        struct inotify_event align;
    } buffer;
    ssize_t n = read(lane->watch_fd, buffer.bytes, sizeof(buffer.bytes));
    for (ssize_t at = 0; at < n;) {
        struct inotify_event event;
        memcpy(&event, buffer.bytes + at, sizeof(event));
        const char *name = buffer.bytes + at + sizeof(event);
        lane->writes += event.wd == lane->wal && event.len > 0 && strstr(name, "sqlite") != NULL;
        lane->begins += event.wd == lane->log;
        at += (ssize_t)(sizeof(event) + event.len);
    }
}

static void check_count(struct lane *lane)
{
    const struct kills_state *state = kills_operator_state(lane->op);
    if (lane->checked || !state->known)
        return;
    lane->checked = true;
    lane->report->budget_checks++;
    uint32_t charged = kills_judge_charged(lane->judge, state->night);
    if (state->actions_night < charged)
        kills_fault(lane->report,
                    "night %" PRIu64 ": the agent counts %u actions, the journal held %u",
                    state->night, state->actions_night, charged);
}

static void work(struct lane *lane, int ms)
{
    if (kills_operator_work(lane->op, lane->watch_fd, ms))
        count_writes(lane);
    reap_agent(lane);
    reap_instrument(lane);
    if (lane->agent == 0)
        start_agent(lane);
    if (lane->instrument == 0)
        start_instrument(lane);
    check_count(lane);
}

/* When to strike: after so many writes to the journal, after so many actions begun, or any time. */
struct moment {
    uint32_t writes, begins; /* 0: never mind */
    uint32_t after_ms, then_us;
};

static struct moment draw_moment(struct lane *lane)
{
    struct moment moment = {.after_ms = PATIENCE_MS, .then_us = draw(lane, 4000)};
    switch (draw(lane, 5)) {
    case 0:
    case 1: /* as many of a few as of many */
        moment.writes = 1 + draw(lane, 1U << (2 + draw(lane, 7)));
        break;
    case 2:
    case 3:
        moment.begins = 1 + draw(lane, 4);
        break;
    default:
        moment.after_ms = draw(lane, 900);
    }
    return moment;
}

static void wait_for(struct lane *lane, const struct moment *moment)
{
    int64_t until = now_ms() + moment->after_ms;
    uint32_t writes = lane->writes, begins = lane->begins;
    while (now_ms() < until && lane->report->faults == 0) {
        if (moment->writes > 0 && lane->writes - writes >= moment->writes)
            break;
        if (moment->begins > 0 && lane->begins - begins >= moment->begins)
            break;
        int64_t left = until - now_ms();
        work(lane, left > 0 ? (int)left : 0);
        if (lane->writes < writes || lane->begins < begins)
            writes = begins = 0; /* another agent has started to count */
    }
    struct timespec pause = {.tv_nsec = (long)moment->then_us * 1000};
    nanosleep(&pause, NULL);
}

/* ---- killing ---- */

static void strike_agent(struct lane *lane)
{
    if (lane->agent == 0)
        return;
    kill_now(&lane->agent);
    lane->report->agent_kills++;
    kills_judge_look(lane->judge);
    lane->report->by_step[kills_judge_step(lane->judge)]++;
    start_agent(lane);
}

static void strike_instrument(struct lane *lane)
{
    if (lane->instrument == 0)
        return;
    kill_now(&lane->instrument);
    lane->report->instrument_kills++;
    start_instrument(lane);
}

static void strike(struct lane *lane)
{
    /* Without an agent for three seconds it has withdrawn: only a person, or a restart, helps. */
    bool lost = kills_operator_state(lane->op)->withdrawn;
    if (lost || draw(lane, 3) == 0)
        strike_instrument(lane);
    else
        strike_agent(lane);
}

/* ---- the end ---- */

static void verify(struct lane *lane)
{
    const char *const arguments[] = {lane->paths->tipwright, "journal", "verify", lane->state,
                                     NULL};
    int status = -1;
    pid_t pid = start(lane, arguments);
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        kills_fault(lane->report, "journal verify does not find it whole");
}

/* After the last kill both sides are left in peace until the agent is armed with nothing open. */
static void finish(struct lane *lane)
{
    int64_t until = now_ms() + SETTLE_MS;
    const struct kills_state *state = kills_operator_state(lane->op);
    while (now_ms() < until && !(state->armed && state->command_open == 0))
        work(lane, 100);
    if (!state->armed)
        kills_fault(lane->report, "after the last kill the agent could not be armed again");
    kill(lane->agent, SIGINT);
    waitpid(lane->agent, NULL, 0);
    kill_now(&lane->instrument);
    kills_judge_close(lane->judge);
    verify(lane);
}

static void name_files(struct lane *lane)
{
    const char *directory = lane->paths->directory;
    snprintf(lane->data, sizeof(lane->data), "ipc://%s/d", directory);
    snprintf(lane->command, sizeof(lane->command), "ipc://%s/c", directory);
    snprintf(lane->console, sizeof(lane->console), "ipc://%s/o", directory);
    snprintf(lane->feed, sizeof(lane->feed), "ipc://%s/f", directory);
    snprintf(lane->state, sizeof(lane->state), "%s/state", directory);
    snprintf(lane->begun, sizeof(lane->begun), "%s/begun.log", directory);
}

void kills_lane(const struct kills_paths *paths, uint32_t kills, uint64_t seed,
                struct kills_report *report)
{
    struct lane lane = {.paths = paths,
                        .report = report,
                        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                        .judge = kills_judge_create(paths, report)};
    name_files(&lane);
    lane.op = kills_operator_create(lane.console);
    close(open(lane.begun, O_WRONLY | O_CREAT | O_APPEND, 0600));
    mkdir(lane.state, 0700);
    lane.watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    lane.wal = inotify_add_watch(lane.watch_fd, lane.state, IN_MODIFY);
    lane.log = inotify_add_watch(lane.watch_fd, lane.begun, IN_MODIFY);
    while (report->agent_kills + report->instrument_kills < kills && report->faults == 0) {
        struct moment moment = draw_moment(&lane);
        wait_for(&lane, &moment);
        strike(&lane);
    }
    finish(&lane);
    report->finished = true;
    close(lane.watch_fd);
    kills_operator_destroy(lane.op);
    kills_judge_destroy(lane.judge);
}
