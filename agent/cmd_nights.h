/*
 * What the parts of `tipwright bench nights` share: whose nights are played in which world, one
 * night in process or with the whole agent, many of them side by side, and their pictures.
 */
#ifndef AGENT_CMD_NIGHTS_H
#define AGENT_CMD_NIGHTS_H

#include "agent/command.h"
#include "agent/judge.h"
#include "agent/night_results.h"
#include "config/policy.h"
#include "instrument/microscope.h"

struct nn_model;      /* nn/model.h */
struct nights_world;  /* the simulated microscope of a scenario, before any seed */
struct serve_options; /* sim/serve.h */
struct simulated;     /* sim/simulated.h */
struct simulated_truth;

enum { NIGHTS_MERGES_MAX = 1000, NIGHTS_JOBS_MAX = 256, NIGHTS_PICTURED = 10 };

extern const char nights_command[];

/* Where verdicts come from: the network, or the truth, wrong at random once per partial frame. */
struct nights_verdicts {
    bool truth;
    double false_alarm; /* a wanted tip is called bad */
    double miss;        /* a bad tip is called wanted */
};

struct nights_policy {
    char name[NIGHT_NAME_BYTES];
    char path[COMMAND_PATH_MAX];
    struct policy *policy; /* owned */
    bool sees_truth;       /* the oracle, whatever verdicts the others have */
};

/* Images of a night, small and grey, for its picture. */
enum { NIGHTS_SHOT_SIDE = 100 };
struct nights_shot {
    double t_s;                                        /* when the pass ended */
    uint8_t gray[NIGHTS_SHOT_SIDE * NIGHTS_SHOT_SIDE]; /* top row first; 255 where nothing came */
};
struct nights_film {
    struct nights_shot *list; /* owned */
    size_t n, room;
};

/* One night that is to be played. All borrowed. */
struct nights_play {
    const struct nights_world *world;
    const struct nights_policy *policy;
    const struct nn_model *model; /* NULL: nobody needs it */
    const char *model_path;
    const char *directory; /* full variant: the journal goes into a folder of it and stays; NULL */
    struct nights_verdicts verdicts;
    double length_s;
    uint64_t seed;
    bool full;
    struct night_marks *marks; /* NULL: no timeline wanted */
    struct nights_film *film;  /* NULL: no images wanted; in process only */
};

/* ---- cmd_nights_world.c ---- */

/* A scenario's name or file, NULL: the default. An exit status, after saying what is wrong. */
int nights_world_load(const char *scenario, struct nights_world **ret_world);
void nights_world_destroy(struct nights_world *world);
void nights_world_describe(const struct nights_world *world, struct night_settings *settings);

/* Begins the score of a night by this policy, the tip as the simulator has it. */
void nights_world_score(const struct nights_world *world, const struct nights_play *play,
                        const struct simulated *sim, struct night_score *ret_score);

/*
 * A night's microscope, with what the scenario says goes wrong. `lines`: rendered; else every
 * sample is 0 and only the tip's history is true. 0, or -errno.
 */
struct nights_microscope;
int nights_world_start(const struct nights_world *world, uint64_t seed, bool lines,
                       void (*truth)(void *ctx, const struct simulated_truth *truth), void *ctx,
                       struct nights_microscope **ret_microscope);
void nights_microscope_destroy(struct nights_microscope *microscope);
/* All borrow. */
const struct simulated *nights_simulated(const struct nights_microscope *microscope);
struct microscope nights_microscope(const struct nights_microscope *microscope);

/* The same for a server, which adds the faults itself: its options, and the microscope alone. */
void nights_world_serve(const struct nights_world *world, uint64_t seed,
                        struct serve_options *options);
struct microscope nights_bare_microscope(const struct nights_microscope *microscope);

/* One event of the truth, into the score. */
void nights_score_truth(struct night_score *score, const struct simulated_truth *truth);

/* ---- one night: an exit status, after saying what is wrong ---- */

int nights_play_full(const struct nights_play *play, struct night_figures *ret_figures);
int nights_play_fast(const struct nights_play *play, struct night_figures *ret_figures);

/* ---- cmd_nights_pool.c: many nights ---- */

struct nights_plan {
    struct nights_play play; /* seed, policy and marks are filled in */
    const struct nights_policy *policies;
    size_t n_policies;
    uint64_t first_seed, nights;
    uint32_t shard, shards; /* 1..shards; 0 of 0: all */
    uint32_t jobs;
    FILE *file;               /* every night is added to it; NULL: nobody keeps them */
    struct nights_film *film; /* of the only night there is; NULL */
};

/* Plays what the results do not hold yet and adds it. An exit status. */
int nights_play_all(const struct nights_plan *plan, struct night_results *results);

/* ---- cmd_nights_picture.c ---- */

/*
 * Timelines of the nights that have marks: one of them large, with its images, else as bands. An
 * exit status, after saying what is wrong.
 */
int nights_picture(const struct night_results *results, const struct nights_film *film,
                   const char *path);

/* ---- cmd_nights_film.c ---- */

/* A microscope that hands everything on and keeps an image of every pass. Borrows both. */
struct nights_camera;
struct nights_camera *nights_camera_create(struct microscope microscope, struct nights_film *film);
void nights_camera_destroy(struct nights_camera *camera);
struct microscope nights_camera_microscope(struct nights_camera *camera);

#endif
