/*
 * Kills agent and instrument end with SIGKILL, at every step of the journal, a thousand times and
 * more, in several lanes side by side; says what was found in lines "ok - ", "not ok - " and
 * "figure - ".
 *
 * Usage: kills TIPWRIGHT MICROSCOPE MODEL POLICY DIRECTORY KILLS LANES
 */
#include "kills.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LANES_MAX = 32 };

struct child {
    pid_t pid;
    int fd;
};

static void run_lane(struct kills_paths *paths, uint32_t lane, uint32_t kills, int fd)
{
    struct kills_report report;
    size_t length = strlen(paths->directory);
    memset(&report, 0, sizeof(report));
    snprintf(paths->directory + length, sizeof(paths->directory) - length, "/%u", lane);
    if (mkdir(paths->directory, 0700) == 0)
        kills_lane(paths, kills, lane + 1, &report);
    else
        kills_fault(&report, "%s: %s", paths->directory, strerror(errno));
    _exit(write(fd, &report, sizeof(report)) != (ssize_t)sizeof(report));
}

static int start_lane(struct kills_paths *paths, uint32_t lane, uint32_t kills,
                      struct child *ret_child)
{
    int fds[2];
    if (pipe(fds) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        close(fds[0]);
        run_lane(paths, lane, kills, fds[1]);
    }
    close(fds[1]);
    *ret_child = (struct child){pid, fds[0]};
    return 0;
}

static void add(struct kills_report *sum, const struct kills_report *lane)
{
    sum->agent_kills += lane->agent_kills;
    sum->instrument_kills += lane->instrument_kills;
    for (int i = 0; i < KILLS_STEP_COUNT; i++)
        sum->by_step[i] += lane->by_step[i];
    sum->nights += lane->nights;
    sum->intents += lane->intents;
    sum->begun += lane->begun;
    sum->unknown += lane->unknown;
    sum->never_begun += lane->never_begun;
    sum->budget_checks += lane->budget_checks;
    sum->finished = sum->finished && lane->finished;
    for (uint32_t i = 0; i < lane->faults && i < KILLS_FAULTS_MAX; i++)
        kills_fault(sum, "%s", lane->fault[i]);
}

static int say(bool good, const char *what)
{
    printf("%s - %s\n", good ? "ok" : "not ok", what);
    return good ? 0 : 1;
}

static int tell(const struct kills_report *sum, uint32_t kills)
{
    static const char *const steps[KILLS_STEP_COUNT] = {
        [KILLED_BEFORE_BOOT] = "before its start was on record",
        [KILLED_BEFORE_ARM] = "started, not armed",
        [KILLED_ARMED] = "armed, no action yet",
        [KILLED_INTENT] = "intent on record, not begun",
        [KILLED_BEGUN] = "begun, no outcome on record",
        [KILLED_BETWEEN] = "outcome on record"};
    uint32_t total = sum->agent_kills + sum->instrument_kills;
    bool all = true;
    printf("figure - %u kills: %u of the agent, %u of the instrument end\n", total,
           sum->agent_kills, sum->instrument_kills);
    for (int i = 0; i < KILLS_STEP_COUNT; i++) {
        printf("figure - agent killed %s: %u\n", steps[i], sum->by_step[i]);
        all = all && sum->by_step[i] > 0;
    }
    printf("figure - %u nights, %u intents, %u executed, %u never begun, %u ended unknown\n",
           sum->nights, sum->intents, sum->begun, sum->never_begun, sum->unknown);
    printf("figure - %u times the agent's own count was compared after a start\n",
           sum->budget_checks);
    for (uint32_t i = 0; i < sum->faults && i < KILLS_FAULTS_MAX; i++)
        printf("not ok - %s\n", sum->fault[i]);
    int bad = say(sum->finished && total >= kills, "as many kills as were asked for");
    bad += say(all, "every step of the journal was hit");
    bad += say(sum->faults == 0 && sum->begun > 0,
               "no action twice, none without intent, no budget grew back, every journal whole");
    return bad;
}

int main(int argc, char **argv)
{
    static struct kills_report sum, lane;
    struct child children[LANES_MAX];
    struct kills_paths paths;
    uint32_t kills = argc == 8 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
    uint32_t lanes = argc == 8 ? (uint32_t)strtoul(argv[7], NULL, 10) : 0;
    if (kills < 1 || lanes < 1 || lanes > LANES_MAX) {
        fputs("usage: kills TIPWRIGHT MICROSCOPE MODEL POLICY DIRECTORY KILLS LANES\n", stderr);
        return 2;
    }
    snprintf(paths.tipwright, sizeof(paths.tipwright), "%s", argv[1]);
    snprintf(paths.microscope, sizeof(paths.microscope), "%s", argv[2]);
    snprintf(paths.model, sizeof(paths.model), "%s", argv[3]);
    snprintf(paths.policy, sizeof(paths.policy), "%s", argv[4]);
    snprintf(paths.directory, sizeof(paths.directory), "%s", argv[5]);
    for (uint32_t i = 0; i < lanes; i++)
        if (start_lane(&paths, i, (kills + lanes - 1) / lanes, &children[i]) < 0)
            return 1;
    sum.finished = true;
    for (uint32_t i = 0; i < lanes; i++) {
        memset(&lane, 0, sizeof(lane));
        if (read(children[i].fd, &lane, sizeof(lane)) != (ssize_t)sizeof(lane))
            kills_fault(&lane, "lane %u died", i);
        add(&sum, &lane);
        waitpid(children[i].pid, NULL, 0);
    }
    return tell(&sum, kills) > 0;
}
