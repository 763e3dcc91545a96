/*
 * `tipwright bench line`: from a line's samples to scores, as the agent does it, while every core
 * is kept busy by other processes.
 */
#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_bench.h"
#include "nn/model.h"
#include "nn/random.h"
#include "nn/stream.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char command[] = "bench";

enum { POINTS = 512, LINES = 512, FRAMES = 4, NEIGHBOURS_MAX = 256 };

/* Lines come far apart on an instrument, and so they do here: caches go cold, others get a turn. */
static const long PAUSE_NS = 2000000;

static long start_neighbours(pid_t *ret_pids)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1)
        cores = 1;
    if (cores > NEIGHBOURS_MAX)
        cores = NEIGHBOURS_MAX;
    for (long i = 0; i < cores; i++) {
        ret_pids[i] = fork();
        if (ret_pids[i] == 0)
            for (;;)
                ;
        if (ret_pids[i] < 0)
            return i;
    }
    return cores;
}

static void stop_neighbours(const pid_t *pids, long n)
{
    for (long i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

/* Noise on a slope with steps: what a line costs does not depend on what it shows. */
static void draw_line(struct nn_random *random, double *ret_samples)
{
    double height_m = 0.0;
    for (int i = 0; i < POINTS; i++) {
        height_m += 1e-12 * nn_random_normal(random);
        ret_samples[i] = height_m + 1e-13 * (double)i;
    }
}

/* ret_ms: (FRAMES * LINES) */
static int time_lines(struct nn_stream *stream, double *ret_ms)
{
    struct nn_random random = nn_random_seed(1, 1, 1);
    double samples[POINTS];
    float scores[NN_LABEL_COUNT];
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (uint32_t k = 0; k < FRAMES * LINES; k++) {
        int error = k % LINES == 0 ? nn_stream_begin(stream, POINTS, LINES) : 0;
        if (error)
            return error;
        draw_line(&random, samples);
        nanosleep(&pause, NULL);
        double start = bench_now_ms();
        error = nn_stream_add_line(stream, k % LINES, samples);
        if (error)
            return error;
        error = nn_stream_scores(stream, scores);
        ret_ms[k] = bench_now_ms() - start;
        if (error && error != -ENODATA)
            return error;
    }
    return 0;
}

static void print_line(const struct bench_options *options, double *ms, long cores, bool fifo)
{
    double p50 = bench_at_share(ms, FRAMES * LINES, 0.5);
    double p99 = bench_at_share(ms, FRAMES * LINES, 0.99);
    if (options->json) {
        printf("{\"ratios\":[],\"p50_ms\":%.4f,\"p99_ms\":%.4f}\n", p50, p99);
        return;
    }
    printf("line in to scores out, %d lines of %d points, %ld busy neighbours, %s:\n"
           "median %.3f ms, p99 %.3f ms, longest %.3f ms\n",
           FRAMES * LINES, POINTS, cores,
           fifo ? "SCHED_FIFO" : "without SCHED_FIFO, which is not permitted here", p50, p99,
           ms[FRAMES * LINES - 1]);
}

int bench_line(const struct bench_options *options)
{
    char path[COMMAND_PATH_MAX];
    char error_text[256];
    command_data_path("models/h-si-100.tipnn", path, sizeof path);
    const char *file = options->model ? options->model : path;
    struct nn_model *model;
    if (nn_model_load(file, &model, error_text, sizeof error_text) != 0) {
        terminal_error(command, "%s: %s", file, error_text);
        return EXIT_INTERNAL;
    }
    struct nn_stream *stream = NULL;
    double *ms = malloc(FRAMES * LINES * sizeof *ms);
    int error = ms ? nn_stream_create(model, &stream) : -ENOMEM;
    if (!error) {
        pid_t pids[NEIGHBOURS_MAX];
        long cores = start_neighbours(pids);
        struct sched_param high = {.sched_priority = 10};
        struct sched_param normal = {0};
        bool fifo = sched_setscheduler(0, SCHED_FIFO, &high) == 0;
        error = time_lines(stream, ms);
        if (fifo)
            sched_setscheduler(0, SCHED_OTHER, &normal);
        stop_neighbours(pids, cores);
        if (!error)
            print_line(options, ms, cores, fifo);
    }
    if (error)
        terminal_error(command, "%s", strerror(-error));
    free(ms);
    nn_stream_destroy(stream);
    nn_model_destroy(model);
    return error ? EXIT_INTERNAL : EXIT_OK;
}
