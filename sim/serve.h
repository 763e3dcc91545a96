/*
 * One microscope at the other end of the wire: event loop, sockets, keys and instrument end, from
 * the first hello to the last line or the first signal. For the commands sim and replay.
 */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "instrument/limits.h"
#include "instrument/microscope.h"
#include "sim/faults.h"

#include <getopt.h>

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
    const struct sim_fault *faults; /* borrowed */
    size_t n_faults;
    uint64_t fault_seed;
    double rail_a;                             /* of the preamp, for faults */
    void (*note)(void *ctx, const char *text); /* what happens, for people; never NULL */
    /* A fault begins or ends; NULL: nobody asks. */
    void (*fault)(void *ctx, const struct sim_fault *fault, bool begins, int64_t t_inst_ns);
    void *ctx;
};

/* The options that both commands have, for getopt_long(), and their lines in --help. */
enum serve_option { SERVE_DATA = 512, SERVE_COMMAND, SERVE_KEYS, SERVE_LIMITS };

#define SERVE_OPTIONS                                                                              \
    {"data", required_argument, NULL, SERVE_DATA},                                                 \
        {"command", required_argument, NULL, SERVE_COMMAND},                                       \
        {"keys", required_argument, NULL, SERVE_KEYS},                                             \
    {                                                                                              \
        "limits", required_argument, NULL, SERVE_LIMITS                                            \
    }

#define SERVE_USAGE                                                                                \
    "  --data ENDPOINT     lines out, default " SERVE_DATA_ENDPOINT "\n"                           \
    "  --command ENDPOINT  commands in, status out, default " SERVE_COMMAND_ENDPOINT "\n"          \
    "  --keys DIR          CURVE keys; without them only this machine is reached\n"                \
    "  --limits FILE       this instrument's own limits (default: the compiled ceilings)\n"

/* One of these. 0; -ENOENT: not one; -EPERM: limits refused, `error` says why. Borrows `value`. */
int serve_read_option(int option, const char *value, struct serve_options *options, char *error,
                      size_t error_size);

/* Defaults: the endpoints above, no keys, silicon's compiled limits, real time. */
void serve_options_default(struct serve_options *ret);

/* "max" or a number of times above 0. 0, -EINVAL. */
int serve_read_speed(const char *text, double *ret_time_scale);

/*
 * Serve the microscope, with the faults around it, until the microscope has finished and all is
 * sent (0), or SIGINT or SIGTERM (-EINTR). -EINVAL: faults that cannot be meant. -EPERM: the
 * endpoint needs keys, or a key file is open to others; other -errno: no start. `error` then holds
 * one line.
 */
int serve(struct microscope microscope, const struct serve_options *options, char *error,
          size_t error_size);

#endif
