/*
 * One microscope at the other end of the wire: event loop, sockets, keys and instrument end, from
 * the first hello to the last line or the first signal. For the commands sim and replay.
 */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "instrument/limits.h"
#include "instrument/microscope.h"

#define SERVE_DATA_ENDPOINT "tcp://127.0.0.1:47101"
#define SERVE_COMMAND_ENDPOINT "tcp://127.0.0.1:47102"

enum { SERVE_ERROR_MAX = 400 };

struct serve_options {
    const char *data_endpoint, *command_endpoint; /* connected */
    const char *keys_dir;                         /* NULL: no keys, this machine only */
    const char *keys_name;                        /* whose key, "instrument" */
    struct instrument_limits limits;
    double time_scale; /* instrument seconds per second; 0: as fast as the agent acknowledges */
    int64_t utc_epoch_us;
    void (*note)(void *ctx, const char *text); /* what happens, for people; never NULL */
    void *ctx;
};

/* Defaults: the endpoints above, no keys, silicon's compiled limits, real time. */
void serve_options_default(struct serve_options *ret);

/* "max" or a number of times above 0. 0, -EINVAL. */
int serve_read_speed(const char *text, double *ret_time_scale);

/*
 * Serve until the microscope has finished and all is sent (0), or SIGINT or SIGTERM (-EINTR).
 * -EPERM: the endpoint needs keys, or a key file is open to others; other -errno: no start.
 * `error` then holds one line.
 */
int serve(struct microscope microscope, const struct serve_options *options, char *error,
          size_t error_size);

#endif
