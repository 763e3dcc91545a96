/* Jobs that do not depend on each other, several at a time. */
#ifndef NN_CREW_H
#define NN_CREW_H

#include <stdint.h>

enum { NN_CREW_MAX = 64 };

/* One of the jobs; 0, or an error that no further job is begun after. */
typedef int (*nn_crew_job)(void *context, uint32_t i);

/*
 * Calls job(context, 0 .. n - 1), each once, begun in this order, on as many as `threads` threads,
 * 1..NN_CREW_MAX, the caller's among them. Returns the error that came first, or 0.
 */
int nn_crew_run(uint32_t threads, uint32_t n, nn_crew_job job, void *context);

#endif
