/* The simulated microscopes that nights are played on, and what their truth means for a score. */
#include "agent/cmd_nights.h"
#include "agent/terminal.h"
#include "nn/bytes.h"
#include "sim/cmd_scenario.h"
#include "sim/serve.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SCENARIO_BYTES_MAX = 1 << 20 };

struct nights_world {
    char name[256]; /* as it was asked for, "" the default */
    char hash[65];
    struct sim_scenario scenario;
    struct sim_surface_spec surface;
};

struct nights_microscope {
    struct simulated *sim;
    struct sim_faults *faults; /* NULL: nothing goes wrong */
};

/* A shipped scenario's name, or a file. */
static void find_scenario(const char *word, char *buf, size_t size)
{
    char name[300];
    if (strstr(word, ".yaml")) {
        snprintf(buf, size, "%s", word);
        return;
    }
    snprintf(name, sizeof(name), "scenarios/%.200s.yaml", word);
    command_data_path(name, buf, size);
}

static int hash_file(const char *path, char ret_hash[65])
{
    uint8_t *data, hash[crypto_hash_sha256_BYTES];
    size_t size;
    int r = nn_bytes_read_file(path, SCENARIO_BYTES_MAX, &data, &size);
    if (r < 0)
        return r;
    crypto_hash_sha256(hash, data, size);
    sodium_bin2hex(ret_hash, 65, hash, sizeof(hash));
    free(data);
    return 0;
}

static int read_scenario(const char *word, struct nights_world *world)
{
    char path[COMMAND_PATH_MAX];
    find_scenario(word, path, sizeof(path));
    snprintf(world->name, sizeof(world->name), "%s", word);
    int code = cmd_scenario_load(word, &world->scenario);
    int r = code == EXIT_OK ? hash_file(path, world->hash) : 0;
    if (r < 0)
        terminal_error(nights_command, "%s: %s", path, strerror(-r));
    return r < 0 ? EXIT_REFUSED : code;
}

int nights_world_load(const char *scenario, struct nights_world **ret_world)
{
    struct nights_world *world = calloc(1, sizeof(*world));
    if (!world)
        abort();
    sim_scenario_default(&world->scenario);
    int code = scenario ? read_scenario(scenario, world) : EXIT_OK;
    if (code == EXIT_OK)
        code = cmd_scenario_surface(&world->scenario, &world->surface);
    if (code != EXIT_OK)
        free(world);
    else
        *ret_world = world;
    return code;
}

void nights_world_destroy(struct nights_world *world)
{
    free(world);
}

void nights_world_describe(const struct nights_world *world, struct night_settings *settings)
{
    memcpy(settings->scenario, world->name, sizeof(settings->scenario));
    memcpy(settings->scenario_hash, world->hash, sizeof(settings->scenario_hash));
}

static enum night_tip class_of(enum sim_tip_state state)
{
    if (state == SIM_TIP_ATOMIC || state == SIM_TIP_DIMER)
        return NIGHT_TIP_WANTED;
    return state == SIM_TIP_ROWS ? NIGHT_TIP_ROWS : NIGHT_TIP_OTHER;
}

void nights_world_score(const struct nights_world *world, const struct nights_play *play,
                        const struct simulated *sim, struct night_score *ret_score)
{
    const struct policy *policy = play->policy->policy;
    const struct policy_settle *settle = &policy->settle;
    struct night_score_options options = {.length_s = play->length_s,
                                          .lines = world->scenario.options.lines,
                                          .line_time_s = world->scenario.options.line_time_s,
                                          .actions_per_night = policy->budget.actions_per_night};
    for (size_t kind = 0; kind < ACTION_KIND_COUNT; kind++)
        options.settle_s[kind] = settle->after_action_s;
    options.settle_s[ACTION_REIMAGE] = settle->after_move_s;
    options.settle_s[ACTION_APPROACH] = settle->after_approach_s;
    enum sim_tip_state state = simulated_tip(sim)->state;
    night_score_begin(ret_score, &options, class_of(state), (int)state, play->marks);
}

void nights_world_serve(const struct nights_world *world, uint64_t seed,
                        struct serve_options *options)
{
    const struct sim_instrument *instrument = &world->scenario.options.instrument;
    options->faults = world->scenario.faults;
    options->n_faults = world->scenario.n_faults;
    options->fault_seed = seed;
    options->rail_a = instrument->preamp_a[instrument->preamp_range];
}

/* A freeze and a restart, faults of the program itself, need the whole agent: --full. */
static int add_faults(const struct nights_world *world, uint64_t seed,
                      struct nights_microscope *microscope)
{
    struct serve_options wanted = {.time_scale = 0};
    nights_world_serve(world, seed, &wanted);
    struct sim_faults_options faults = {
        .list = wanted.faults, .n = wanted.n_faults, .seed = seed, .rail_a = wanted.rail_a};
    if (wanted.n_faults == 0)
        return 0;
    return sim_faults_create(&faults, simulated_microscope(microscope->sim), &microscope->faults);
}

int nights_world_start(const struct nights_world *world, uint64_t seed, bool lines,
                       void (*truth)(void *ctx, const struct simulated_truth *truth), void *ctx,
                       struct nights_microscope **ret_microscope)
{
    struct nights_microscope *microscope = calloc(1, sizeof(*microscope));
    if (!microscope)
        abort();
    struct simulated_options options = world->scenario.options;
    options.seed = seed;
    options.truth_only = !lines;
    options.truth = truth;
    options.truth_ctx = ctx;
    int r = simulated_create(&options, &microscope->sim);
    if (r == 0 && cmd_scenario_disturb(&world->scenario, microscope->sim) != EXIT_OK)
        r = -EINVAL;
    if (r == 0)
        r = add_faults(world, seed, microscope);
    if (r < 0) {
        nights_microscope_destroy(microscope);
        return r;
    }
    *ret_microscope = microscope;
    return 0;
}

void nights_microscope_destroy(struct nights_microscope *microscope)
{
    sim_faults_destroy(microscope->faults);
    simulated_destroy(microscope->sim);
    free(microscope);
}

const struct simulated *nights_simulated(const struct nights_microscope *microscope)
{
    return microscope->sim;
}

struct microscope nights_bare_microscope(const struct nights_microscope *microscope)
{
    return simulated_microscope(microscope->sim);
}

struct microscope nights_microscope(const struct nights_microscope *microscope)
{
    return microscope->faults ? sim_faults_microscope(microscope->faults)
                              : simulated_microscope(microscope->sim);
}

/* An unstable tip shows now this, now that. */
static bool shows_good(const struct simulated_truth *truth)
{
    return truth->state != SIM_TIP_UNSTABLE && sim_shows_is_good(truth->shows);
}

void nights_score_truth(struct night_score *score, const struct simulated_truth *truth)
{
    if (truth->kind == SIMULATED_LINE) {
        struct night_true_line line = {.t_ns = truth->t_inst_ns,
                                       .line = truth->line,
                                       .up = truth->up,
                                       .tip = class_of(truth->state),
                                       .shows = shows_good(truth),
                                       .state = (int)truth->state};
        night_score_line(score, &line);
    } else if (truth->kind == SIMULATED_ACTION) {
        struct night_true_action action = {.t_ns = truth->t_inst_ns,
                                           .action = truth->action,
                                           .crashed = truth->crashed,
                                           .tip = class_of(truth->state),
                                           .shows = shows_good(truth),
                                           .state = (int)truth->state};
        night_score_action(score, &action);
    }
}
