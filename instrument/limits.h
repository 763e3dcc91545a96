/*
 * The instrument's own limits, from a file that lies beside it and that no message can change. They
 * can only be tighter than the compiled ceilings of instrument/action.h. Format: docs/protocol.md,
 * example: instrument/limits.yaml.
 */
#ifndef INSTRUMENT_LIMITS_H
#define INSTRUMENT_LIMITS_H

#include "instrument/action.h"

#include <stddef.h>

enum { LIMITS_BYTES_MAX = 64 * 1024, LIMITS_ERROR_MAX = 300 };

struct instrument_limits {
    enum action_profile profile;
    struct action_limits limits;
    double withdraw_m; /* how far the safe state withdraws the tip; 1 nm .. 2 um */
};

/* The compiled ceilings, necking off, 100 nm. */
void limits_default(enum action_profile profile, struct instrument_limits *ret_limits);

/*
 * 0; -errno: unreadable; -EINVAL: not a limits file, with line and reason in `error` (`path:line:
 * ...`). A parameter that is not named keeps its ceiling; necking is off unless `necking: on`.
 */
int limits_load(const char *path, struct instrument_limits *ret_limits, char *error,
                size_t error_size);
/* The same from memory; `path` is for messages only. */
int limits_parse(const char *path, const char *text, size_t size,
                 struct instrument_limits *ret_limits, char *error, size_t error_size);

#endif
