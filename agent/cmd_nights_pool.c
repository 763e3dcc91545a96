/* Many nights side by side: a process for each, so many at a time as there are jobs. */
#include "agent/cmd_nights.h"
#include "agent/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A night that is being played, and what its process has to say. */
struct player_process {
    pid_t pid; /* 0: free */
    FILE *said;
    const struct nights_policy *policy;
    uint64_t seed;
};

struct pool {
    const struct nights_plan *plan;
    struct night_results *results;
    struct player_process *processes; /* (jobs) */
    uint32_t running;
    uint64_t todo, done;
    int64_t started_ns;
    struct progress progress;
    int code; /* first failure */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* This process and those it has waited for. */
static double cpu_s(void)
{
    double sum = 0;
    static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
        struct rusage use;
        if (getrusage(who[i], &use) == 0)
            sum += seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
    }
    return sum;
}

/* ---- the process of one night ---- */

static bool is_pictured(const struct nights_plan *plan, uint64_t seed)
{
    return seed - plan->first_seed < NIGHTS_PICTURED;
}

static int play_one(const struct nights_plan *plan, const struct player_process *process)
{
    struct nights_play play = plan->play;
    struct night_marks marks = {.every_verdict = plan->film != NULL};
    struct nights_film film = {0};
    struct night_result result = {.seed = process->seed};
    int64_t begun_ns = now_ns();
    double begun_cpu_s = cpu_s();
    play.policy = process->policy;
    play.seed = process->seed;
    play.marks = is_pictured(plan, process->seed) ? &marks : NULL;
    play.film = plan->film ? &film : NULL;
    if (process->policy->sees_truth)
        play.verdicts = (struct nights_verdicts){.truth = true};
    int code = play.full ? nights_play_full(&play, &result.figures)
                         : nights_play_fast(&play, &result.figures);
    if (code != EXIT_OK)
        return code;
    memcpy(result.policy, process->policy->name, sizeof(result.policy));
    memcpy(result.policy_hash, process->policy->policy->hash, sizeof(result.policy_hash));
    result.figures.wall_s = (double)(now_ns() - begun_ns) * 1e-9;
    result.figures.cpu_s = cpu_s() - begun_cpu_s;
    fwrite(&result, sizeof(result), 1, process->said);
    fwrite(&marks, sizeof(marks), 1, process->said);
    if (marks.n > 0)
        fwrite(marks.list, sizeof(*marks.list), marks.n, process->said);
    fwrite(&film, sizeof(film), 1, process->said);
    if (film.n > 0)
        fwrite(film.list, sizeof(*film.list), film.n, process->said);
    return fflush(process->said) == 0 && !ferror(process->said) ? EXIT_OK : EXIT_INTERNAL;
}

static int start(struct pool *pool, struct player_process *process)
{
    process->said = tmpfile();
    if (!process->said)
        return -errno;
    /* Else the child would write once more what is still in a buffer. */
    fflush(NULL);
    process->pid = fork();
    if (process->pid == 0)
        _exit(play_one(pool->plan, process));
    if (process->pid < 0) {
        int error = errno;
        fclose(process->said);
        process->pid = 0;
        return -error;
    }
    pool->running++;
    return 0;
}

/* ---- what comes of them ---- */

/* (n) of `size` bytes, owned; NULL when n is 0 or not all of them are there. */
static void *read_list(FILE *said, size_t n, size_t size)
{
    void *list = n ? calloc(n, size) : NULL;
    if (n && !list)
        abort();
    if (n && fread(list, size, n, said) != n) {
        free(list);
        return NULL;
    }
    return list;
}

static bool read_night(FILE *said, struct night_result *result, struct night_marks *marks,
                       struct nights_film *film)
{
    rewind(said);
    if (fread(result, sizeof(*result), 1, said) != 1 || fread(marks, sizeof(*marks), 1, said) != 1)
        return false;
    marks->room = marks->n;
    marks->list = read_list(said, marks->n, sizeof(*marks->list));
    if ((marks->n && !marks->list) || fread(film, sizeof(*film), 1, said) != 1)
        return false;
    film->room = film->n;
    film->list = read_list(said, film->n, sizeof(*film->list));
    return film->n == 0 || film->list;
}

static void tell_progress(struct pool *pool)
{
    char detail[120];
    double hours = (double)(now_ns() - pool->started_ns) / 3.6e12;
    snprintf(detail, sizeof(detail), "%" PRIu64 " of %" PRIu64 " nights, %.0f per hour", pool->done,
             pool->todo, hours > 0 ? (double)pool->done / hours : 0);
    progress_update(&pool->progress, pool->done, detail);
}

static int take_night(struct pool *pool, struct player_process *process)
{
    struct night_result result;
    struct night_marks marks = {0};
    struct nights_film film = {0};
    int code = EXIT_INTERNAL;
    if (!read_night(process->said, &result, &marks, &film)) {
        free(marks.list);
        return code;
    }
    if (pool->plan->film)
        *pool->plan->film = film;
    FILE *file = pool->plan->file;
    int r = file ? night_result_write(file, &result, &marks) : 0;
    if (r < 0)
        terminal_error(nights_command, "the results cannot be written: %s", strerror(-r));
    else
        code = EXIT_OK;
    night_results_add(pool->results, &result, &marks);
    pool->done++;
    tell_progress(pool);
    return code;
}

static void wait_for_one(struct pool *pool)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    for (uint32_t i = 0; i < pool->plan->jobs; i++) {
        struct player_process *process = &pool->processes[i];
        if (pid <= 0 || process->pid != pid)
            continue;
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERNAL;
        if (!WIFEXITED(status))
            terminal_error(nights_command, "seed %" PRIu64 ", policy %s: ended by signal %d",
                           process->seed, process->policy->name, WTERMSIG(status));
        if (code == EXIT_OK)
            code = take_night(pool, process);
        if (pool->code == EXIT_OK)
            pool->code = code;
        fclose(process->said);
        *process = (struct player_process){0};
        pool->running--;
    }
}

static struct player_process *free_place(struct pool *pool)
{
    while (pool->running == pool->plan->jobs)
        wait_for_one(pool);
    uint32_t i = 0;
    while (pool->processes[i].pid != 0)
        i++;
    return &pool->processes[i];
}

static bool is_mine(const struct nights_plan *plan, uint64_t night)
{
    return plan->shards == 0 || night % plan->shards == plan->shard - 1;
}

/* All policies play a seed before the next one, so that a run that is cut off has pairs. */
static void play_missing(struct pool *pool)
{
    const struct nights_plan *plan = pool->plan;
    for (uint64_t night = 0; night < plan->nights; night++)
        for (size_t p = 0; p < plan->n_policies && is_mine(plan, night); p++) {
            uint64_t seed = plan->first_seed + night;
            if (night_results_find(pool->results, plan->policies[p].name, seed))
                continue;
            struct player_process *process = free_place(pool);
            if (pool->code != EXIT_OK)
                return;
            process->policy = &plan->policies[p];
            process->seed = seed;
            int r = start(pool, process);
            if (r < 0) {
                terminal_error(nights_command, "no process for a night: %s", strerror(-r));
                pool->code = EXIT_INTERNAL;
                return;
            }
        }
}

int nights_play_all(const struct nights_plan *plan, struct night_results *results)
{
    struct pool pool = {.plan = plan, .results = results, .started_ns = now_ns()};
    for (uint64_t night = 0; night < plan->nights; night++)
        for (size_t p = 0; p < plan->n_policies && is_mine(plan, night); p++)
            pool.todo +=
                !night_results_find(results, plan->policies[p].name, plan->first_seed + night);
    if (pool.todo == 0)
        return EXIT_OK;
    pool.processes = calloc(plan->jobs, sizeof(*pool.processes));
    if (!pool.processes)
        abort();
    progress_start(&pool.progress, "nights", pool.todo);
    play_missing(&pool);
    while (pool.running > 0)
        wait_for_one(&pool);
    if (pool.code == EXIT_OK)
        progress_finish(&pool.progress);
    else
        progress_end(&pool.progress);
    free(pool.processes);
    return pool.code;
}
