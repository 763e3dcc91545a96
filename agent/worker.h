/*
 * One job at a time, in the order given, off the loop: inference, journal, pictures. A job is
 * embedded in whatever it works on; results come back on the loop in the same order.
 */
#ifndef AGENT_WORKER_H
#define AGENT_WORKER_H

#include <stdbool.h>
#include <uv.h>

struct worker;

struct worker_job {
    void (*run)(struct worker_job *job);  /* on a worker thread; touches nothing of the loop's */
    void (*done)(struct worker_job *job); /* on the loop; may submit, and may free the job */
    struct worker_job *next;
};

/* Aborts when there is no memory. */
struct worker *worker_create(uv_loop_t *loop);

void worker_submit(struct worker *worker, struct worker_job *job);

bool worker_idle(const struct worker *worker);

/* All jobs must have come back (worker_idle). NULL is harmless. */
void worker_destroy(struct worker *worker);

#endif
