/*
 * Nights that have been played, as a file: one JSON object per line, the first one the settings
 * that all of them share. Lines are only ever added, so a run that was cut off goes on where it
 * stood, and files of several machines are one after merging.
 */
#ifndef AGENT_NIGHT_RESULTS_H
#define AGENT_NIGHT_RESULTS_H

#include "agent/night_table.h"

#include <stdio.h>

/* What must be the same for nights to be compared. Texts that nobody reads are "". */
struct night_settings {
    char version[32];       /* of the program */
    char scenario[256];     /* name, "" the default */
    char scenario_hash[65]; /* SHA-256 of its file, "" no file */
    char verdicts[32];      /* "network", "truth", "truth:0.1,0.1" */
    char model_hash[65];    /* "" without a network */
    bool full;              /* the whole agent over sockets */
    double length_s;
};

struct night_results {
    struct night_settings settings;
    struct night_result *list; /* (n), owned */
    struct night_marks *marks; /* (n), owned; empty where nothing was kept */
    size_t n, room;
};

enum { NIGHT_RESULTS_ERROR_MAX = 300 };

/*
 * Adds a file's nights. With n 0 and no version set the results take its settings over. A night
 * that is there already is left out; a last line that was cut off, too, and *ret_whole is the
 * length of what stands before it. 0; -ENOENT; -EPROTO: other settings, or a policy of the same
 * name that is not the same; -EBADMSG: not such a file; other -errno. `error` gets a sentence.
 */
int night_results_read(struct night_results *results, const char *path, long *ret_whole,
                       char *error, size_t error_size);

/* Takes `marks` over. False: this night is there already, and nothing has changed. */
bool night_results_add(struct night_results *results, const struct night_result *result,
                       struct night_marks *marks);
const struct night_result *night_results_find(const struct night_results *results,
                                              const char *policy, uint64_t seed);
void night_results_finish(struct night_results *results);

/* One line each. 0 or negative errno; -ENOMEM. */
int night_settings_write(FILE *file, const struct night_settings *settings);
int night_result_write(FILE *file, const struct night_result *result,
                       const struct night_marks *marks);

/* What playing took, in the mean of all nights. */
struct night_speed {
    double cpu_s, wall_s;       /* of one night */
    double times_real_time;     /* simulated seconds per second from a night's begin to its end */
    double nights_per_cpu_hour; /* so many in an hour of one processor */
};
struct night_speed night_results_speed(const struct night_results *results);

/* The table as JSON: "policies.NAME.uptime.value" and so on; the settings, and the speed. */
int night_table_write_json(FILE *file, const struct night_results *results,
                           const struct night_row *rows, size_t n);

#endif
