/* What the parts of `tipwright bench` share: timings of ours and of a peer, side by side. */
#ifndef NN_CMD_BENCH_H
#define NN_CMD_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { BENCH_ROUNDS_MAX = 99, BENCH_PARAMETERS = 3 };

struct bench_options {
    const char *peers; /* folder of programs named like peers, or NULL */
    const char *only;  /* beginning of the names of cases wanted, or NULL */
    const char *model; /* line: model file */
    uint32_t rounds;
    bool json;
};

/* Ours: a prepared subject whose `run` does one unit of work. */
struct bench_subject {
    void *context;
    void (*run)(void *context);
    double difference; /* from the stored outputs, measured before any timing; < 0: none stored */
};

struct bench_case {
    const char *name;
    const char *peer;                         /* program's name, NULL: none */
    const char *parameters[BENCH_PARAMETERS]; /* the peer's arguments, NULL-terminated */
    double goal;                              /* ratio wanted */
    double tolerance;                         /* largest difference allowed */
    double peer_units; /* one unit of ours does the work of so many of the peer's */
    int (*create)(struct bench_subject *ret_subject); /* 0 or negative errno */
    void (*destroy)(struct bench_subject *subject);
};

/* Times of one unit in ms; ratios are of the peer's time to ours, round by round. */
struct bench_result {
    bool has_peer;
    double ours_ms, peer_ms, difference;
    double ratio, low, high;
};

/* 0, or -1 after saying why not. */
int bench_run(const struct bench_case *wanted, const struct bench_options *options,
              struct bench_result *ret_result);

double bench_now_ms(void);
/* Sorts the values. */
double bench_at_share(double *values, size_t n, double share);

extern const struct bench_case bench_nn_cases[];
extern const size_t bench_nn_count;
extern const struct bench_case bench_train_cases[];
extern const size_t bench_train_count;

/* From a line's samples to scores while every core is loaded. Exit status. */
int bench_line(const struct bench_options *options);

#endif
