/* Threads that take one job after another. */
#include "nn/crew.h"

#include <pthread.h>
#include <stdbool.h>

struct crew {
    nn_crew_job job;
    void *context;
    uint32_t n;
    pthread_mutex_t lock; /* over what follows */
    uint32_t next;
    int error;
};

static void *work(void *argument)
{
    struct crew *crew = argument;
    for (;;) {
        pthread_mutex_lock(&crew->lock);
        bool more = !crew->error && crew->next < crew->n;
        uint32_t i = more ? crew->next++ : 0;
        pthread_mutex_unlock(&crew->lock);
        if (!more)
            return NULL;
        int error = crew->job(crew->context, i);
        pthread_mutex_lock(&crew->lock);
        crew->error = crew->error ? crew->error : error;
        pthread_mutex_unlock(&crew->lock);
    }
}

int nn_crew_run(uint32_t threads, uint32_t n, nn_crew_job job, void *context)
{
    struct crew crew = {.n = n, .job = job, .context = context};
    pthread_t others[NN_CREW_MAX];
    uint32_t started = 0;
    pthread_mutex_init(&crew.lock, NULL);
    /* A thread that cannot be had is done without. */
    while (started + 1 < threads && started + 1 < n && started < NN_CREW_MAX &&
           pthread_create(&others[started], NULL, work, &crew) == 0)
        started++;
    work(&crew);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    pthread_mutex_destroy(&crew.lock);
    return crew.error;
}
