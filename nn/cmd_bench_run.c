/*
 * Ours and a peer in turns, so that both meet the same neighbours on a shared machine. A peer is a
 * program in a process of its own: it says "ready", then answers each line "run N" with the median
 * time in ms of N units of its work.
 */
#include "nn/cmd_bench.h"

#include "agent/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char command[] = "bench";

enum { WARM_UP = 3, CALLS_MAX = 2000 };

/* What one side of a round takes, about. */
static const double ROUND_MS = 400.0;

struct peer {
    pid_t pid;
    FILE *to, *from;
};

double bench_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static int rising(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

double bench_at_share(double *values, size_t n, double share)
{
    qsort(values, n, sizeof *values, rising);
    size_t at = (size_t)(share * (double)n);
    return values[at < n ? at : n - 1];
}

static double median_of(const double *values, size_t n)
{
    double sorted[CALLS_MAX];
    memcpy(sorted, values, n * sizeof *values);
    return bench_at_share(sorted, n, 0.5);
}

static void become_peer(const struct bench_case *wanted, const char *path, int in, int out)
{
    char *arguments[BENCH_PARAMETERS + 2] = {strdup(path)};
    for (int i = 0; i < BENCH_PARAMETERS && wanted->parameters[i]; i++)
        arguments[i + 1] = strdup(wanted->parameters[i]);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execv(path, arguments);
    _exit(127);
}

static bool answers_ready(struct peer *peer)
{
    char line[64];
    return fgets(line, sizeof line, peer->from) && strcmp(line, "ready\n") == 0;
}

static void stop_peer(struct peer *peer)
{
    if (peer->to)
        fclose(peer->to);
    if (peer->from)
        fclose(peer->from);
    if (peer->pid > 0)
        waitpid(peer->pid, NULL, 0);
    *peer = (struct peer){0};
}

/* False when there is no such peer, or it cannot do this. */
static bool start_peer(const struct bench_case *wanted, const struct bench_options *options,
                       struct peer *ret_peer)
{
    if (!options->peers || !wanted->peer)
        return false;
    char path[4096];
    int in[2];
    int out[2];
    int length = snprintf(path, sizeof path, "%s/%s", options->peers, wanted->peer);
    if (length < 0 || (size_t)length >= sizeof path || access(path, X_OK) != 0 || pipe(in) != 0)
        return false;
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    struct peer peer = {.pid = fork()};
    if (peer.pid == 0) {
        close(in[1]);
        close(out[0]);
        become_peer(wanted, path, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    peer.to = fdopen(in[1], "w");
    peer.from = fdopen(out[0], "r");
    if (peer.pid < 0 || !peer.to || !peer.from || !answers_ready(&peer)) {
        stop_peer(&peer);
        terminal_note(command, "%s: %s does not start here", wanted->name, wanted->peer);
        return false;
    }
    *ret_peer = peer;
    return true;
}

/* Negative: the peer is gone. */
static double time_peer(struct peer *peer, unsigned calls)
{
    char line[64];
    fprintf(peer->to, "run %u\n", calls);
    if (fflush(peer->to) != 0 || !fgets(line, sizeof line, peer->from))
        return -1.0;
    char *end;
    double ms = strtod(line, &end);
    return end != line && *end == '\n' && ms > 0.0 ? ms : -1.0;
}

static double time_ours(const struct bench_subject *subject, unsigned calls)
{
    double times[CALLS_MAX];
    for (unsigned i = 0; i < calls; i++) {
        double start = bench_now_ms();
        subject->run(subject->context);
        times[i] = bench_now_ms() - start;
    }
    return bench_at_share(times, calls, 0.5);
}

static unsigned calls_for(double ms)
{
    double calls = ROUND_MS / ms;
    return calls < 2.0 ? 2 : calls > CALLS_MAX ? CALLS_MAX : (unsigned)calls;
}

static int run_rounds(const struct bench_case *wanted, const struct bench_subject *subject,
                      struct peer *peer, uint32_t rounds, struct bench_result *result)
{
    double ours[BENCH_ROUNDS_MAX];
    double theirs[BENCH_ROUNDS_MAX];
    double ratios[BENCH_ROUNDS_MAX];
    unsigned our_calls = calls_for(time_ours(subject, WARM_UP));
    unsigned their_calls = peer ? calls_for(time_peer(peer, WARM_UP)) : 0;
    for (uint32_t r = 0; r < rounds; r++) {
        if (peer) {
            theirs[r] = wanted->peer_units * time_peer(peer, their_calls);
            if (theirs[r] < 0.0) {
                terminal_error(command, "%s: %s stopped", wanted->name, wanted->peer);
                return -1;
            }
        }
        ours[r] = time_ours(subject, our_calls);
        ratios[r] = peer ? theirs[r] / ours[r] : 0.0;
    }
    result->has_peer = peer != NULL;
    result->ours_ms = median_of(ours, rounds);
    if (!peer)
        return 0;
    result->peer_ms = median_of(theirs, rounds);
    result->ratio = median_of(ratios, rounds); /* which leaves them as they were */
    bench_at_share(ratios, rounds, 0.5);
    result->low = ratios[0];
    result->high = ratios[rounds - 1];
    return 0;
}

int bench_run(const struct bench_case *wanted, const struct bench_options *options,
              struct bench_result *ret_result)
{
    struct bench_subject subject = {.difference = -1.0};
    int error = wanted->create(&subject);
    if (error) {
        terminal_error(command, "%s: %s", wanted->name, strerror(-error));
        return -1;
    }
    struct bench_result result = {.difference = subject.difference};
    if (subject.difference > wanted->tolerance) {
        terminal_error(command, "%s: outputs are off by %.1e; a fast wrong answer is none",
                       wanted->name, subject.difference);
        wanted->destroy(&subject);
        return -1;
    }
    struct peer peer = {0};
    bool has_peer = start_peer(wanted, options, &peer);
    error = run_rounds(wanted, &subject, has_peer ? &peer : NULL, options->rounds, &result);
    stop_peer(&peer);
    wanted->destroy(&subject);
    if (!error)
        *ret_result = result;
    return error;
}
