/* A serial queue over uv_queue_work. */
#include "agent/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct worker {
    uv_loop_t *loop;
    uv_work_t request;
    struct worker_job *first, *last;
    struct worker_job *running;
};

struct worker *worker_create(uv_loop_t *loop)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker) {
        fputs("tipwright: out of memory for the worker\n", stderr);
        abort();
    }
    worker->loop = loop;
    worker->request.data = worker;
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    assert(worker_idle(worker));
    free(worker);
}

bool worker_idle(const struct worker *worker)
{
    return !worker->running && !worker->first;
}

static void run_job(uv_work_t *request)
{
    struct worker *worker = request->data;
    worker->running->run(worker->running);
}

static void start_next(struct worker *worker);

static void finish_job(uv_work_t *request, int status)
{
    (void)status; /* never cancelled */
    struct worker *worker = request->data;
    struct worker_job *job = worker->running;
    worker->running = NULL;
    /* The next one first, so that the worker is busy while the loop looks at this result. */
    start_next(worker);
    job->done(job);
}

static void start_next(struct worker *worker)
{
    if (worker->running || !worker->first)
        return;
    worker->running = worker->first;
    worker->first = worker->first->next;
    if (!worker->first)
        worker->last = NULL;
    int r = uv_queue_work(worker->loop, &worker->request, run_job, finish_job);
    assert(r == 0);
    (void)r;
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
    job->next = NULL;
    if (worker->last)
        worker->last->next = job;
    else
        worker->first = job;
    worker->last = job;
    start_next(worker);
}
