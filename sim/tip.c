/* The tip's hidden states, and what actions do to them. */
#include "sim/tip.h"

#include <math.h>
#include <string.h>

enum { N = SIM_TIP_STATE_COUNT };

static const char *const state_names[N] = {
    [SIM_TIP_ATOMIC] = "atomic",     [SIM_TIP_ASYM] = "asym",     [SIM_TIP_DIMER] = "dimer",
    [SIM_TIP_ROWS] = "rows",         [SIM_TIP_MULTI] = "multi",   [SIM_TIP_BLUNT] = "blunt",
    [SIM_TIP_UNSTABLE] = "unstable", [SIM_TIP_FOULED] = "fouled",
};

static const char *const event_names[SIM_TIP_EVENT_COUNT] = {
    [SIM_TIP_NO_EVENT] = "none",     [SIM_TIP_Z_JUMP] = "z jump", [SIM_TIP_LATERAL] = "lateral",
    [SIM_TIP_CHANGE] = "tip change", [SIM_TIP_STREAK] = "streak", [SIM_TIP_TELEGRAPH] = "telegraph",
};

/* From the sharpest to the dullest: the order in which the latent sharpness stands for states. */
static const enum sim_tip_state by_sharpness[N] = {SIM_TIP_ATOMIC, SIM_TIP_DIMER, SIM_TIP_ASYM,
                                                   SIM_TIP_ROWS,   SIM_TIP_MULTI, SIM_TIP_UNSTABLE,
                                                   SIM_TIP_BLUNT,  SIM_TIP_FOULED};

const char *sim_tip_state_name(enum sim_tip_state state)
{
    return state_names[state];
}

int sim_tip_state_from_name(const char *name)
{
    for (int i = 0; i < N; i++)
        if (strcmp(name, state_names[i]) == 0)
            return i;
    return -1;
}

const char *sim_tip_event_name(enum sim_tip_event_kind kind)
{
    return event_names[kind];
}

/* Share of a standard normal above x. */
static double share_above(double x)
{
    return .5 * erfc(x / sqrt(2));
}

/* The x with this share above it; between -8 and 8. */
static double with_share_above(double share)
{
    double low = -8, high = 8;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (share_above(middle) > share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* A sharpness that stands for the state: drawn from its own slice of the mild table. */
static double draw_sharpness(const struct sim_tip *tip, struct sim_random *random)
{
    double p[N], above = 0;
    sim_tip_model_redraw(tip->model, SIM_TIP_MILD, p);
    for (int i = 0; by_sharpness[i] != tip->state; i++)
        above += p[by_sharpness[i]];
    return with_share_above(above + p[tip->state] * sim_random_uniform(random));
}

static enum sim_tip_state state_of_sharpness(const double *p, double sharpness)
{
    double above = share_above(sharpness);
    for (int i = 0; i < N; i++) {
        if (above < p[by_sharpness[i]])
            return by_sharpness[i];
        above -= p[by_sharpness[i]];
    }
    return by_sharpness[N - 1];
}

/* A new apex of the given state. */
static void renew(struct sim_tip *tip, enum sim_tip_state state)
{
    struct sim_random random;
    tip->serial++;
    tip->state = state;
    sim_random_seed(&random, tip->seed, SIM_STREAM_APEX, tip->serial);
    tip->restless =
        sim_random_uniform(&random) < tip->model->restless_share || state == SIM_TIP_UNSTABLE;
    sim_apex_draw(state, &random, tip->apices, &tip->n_apices, &tip->contrast);
    if (tip->model->memory == SIM_TIP_AR1)
        tip->sharpness = draw_sharpness(tip, &random);
}

void sim_tip_init_as(struct sim_tip *tip, const struct sim_tip_model *model, uint64_t seed,
                     enum sim_tip_state state)
{
    memset(tip, 0, sizeof(*tip));
    tip->model = model;
    tip->seed = seed;
    renew(tip, state);
}

void sim_tip_init(struct sim_tip *tip, uint64_t seed, enum sim_tip_state state)
{
    sim_tip_init_as(tip, sim_tip_model_fitted(), seed, state);
}

/* Class changes per line that this tip has by itself. */
static double class_rate(const struct sim_tip *tip)
{
    if (tip->model->family == SIM_TIP_CONSTANT)
        return 0;
    return tip->model->rate_per_600_lines[tip->state] / 600;
}

static void draw_small_event(const struct sim_tip *tip, struct sim_random *random,
                             struct sim_tip_event *event)
{
    static const enum sim_tip_event_kind kinds[] = {SIM_TIP_Z_JUMP, SIM_TIP_LATERAL, SIM_TIP_STREAK,
                                                    SIM_TIP_TELEGRAPH};
    static const double p[] = {.30, .20, .15, .05};
    event->kind = kinds[sim_random_pick(random, p, 4)];
    if (event->kind == SIM_TIP_TELEGRAPH)
        event->lines = 5 + (uint32_t)(sim_random_u64(random) % 56);
    if (event->kind != SIM_TIP_LATERAL)
        return;
    double angle = sim_random_range(random, 0, 2 * 3.141592653589793);
    double apart_m = sim_random_range(random, .1e-9, 1e-9);
    event->dx_m = apart_m * cos(angle);
    event->dy_m = apart_m * sin(angle);
    for (uint32_t i = 0; i < tip->n_apices; i++) {
        event->after.apices[i].dx_m += event->dx_m;
        event->after.apices[i].dy_m += event->dy_m;
    }
}

void sim_tip_line(const struct sim_tip *tip, double rate_scale, struct sim_random *random,
                  struct sim_tip_event *ret_event)
{
    const struct sim_tip_model *model = tip->model;
    double p_class = rate_scale * class_rate(tip);
    double visible = tip->restless ? model->visible_restless : model->visible_quiet;
    double p_visible = rate_scale * visible / 300;
    double p_small = fmax(0, p_visible - p_class);
    double u = sim_random_uniform(random);

    memset(ret_event, 0, sizeof(*ret_event));
    ret_event->after = *tip;
    if (u >= p_class + p_small)
        return;
    ret_event->at = sim_random_uniform(random);
    ret_event->z_m = sim_random_sign(random) * sim_random_log_range(random, 20e-12, 300e-12);
    if (u < p_class) {
        ret_event->kind = SIM_TIP_CHANGE;
        renew(&ret_event->after,
              (enum sim_tip_state)sim_random_pick(random, model->jump[tip->state], N));
    } else {
        draw_small_event(tip, random, ret_event);
    }
}

static bool touches(const struct action *action)
{
    return action->kind == ACTION_PULSE || action->kind == ACTION_CRASH ||
           action->kind == ACTION_NECK;
}

double sim_tip_p_change(const struct sim_tip *tip, const struct action *action)
{
    const struct sim_tip_model *model = tip->model;
    double fitted = sim_tip_model_p_change(model, tip->state, action);
    if (model->family == SIM_TIP_CONSTANT)
        return touches(action) ? 1 : 0;
    if (model->family == SIM_TIP_FITTED || !touches(action) || tip->state <= SIM_TIP_DIMER)
        return fitted;
    if (sim_tip_action_fits(tip->state, action, tip->last_sign))
        return model->right / model->difficulty;
    return model->luck / model->difficulty + model->harm;
}

static enum sim_tip_state draw_bad(const struct sim_tip_model *model, struct sim_random *random)
{
    double p[N];
    sim_tip_model_redraw(model, SIM_TIP_MILD, p);
    p[SIM_TIP_ATOMIC] = p[SIM_TIP_ASYM] = p[SIM_TIP_DIMER] = p[SIM_TIP_ROWS] = 0;
    return (enum sim_tip_state)sim_random_pick(random, p, N);
}

/* Good tips of a family without a table: as often atomic, asym or dimer as in the fitted one. */
static enum sim_tip_state draw_good(const struct sim_tip_model *model, struct sim_random *random)
{
    return (enum sim_tip_state)sim_random_pick(random, model->redraw[SIM_TIP_MILD],
                                               SIM_TIP_DIMER + 1);
}

static enum sim_tip_state draw_constant(const struct sim_tip_model *model,
                                        struct sim_random *random)
{
    return sim_random_uniform(random) < model->p_success ? SIM_TIP_DIMER : draw_bad(model, random);
}

/* The tip changes; the chance that it does so for the better depends on what it was. */
static enum sim_tip_state draw_dependent(const struct sim_tip *tip, const struct action *action,
                                         struct sim_random *random)
{
    const struct sim_tip_model *model = tip->model;
    double luck = model->luck / model->difficulty;
    bool fits = sim_tip_action_fits(tip->state, action, tip->last_sign);
    if (tip->state <= SIM_TIP_DIMER)
        return draw_bad(model, random);
    if (fits || sim_random_uniform(random) * (luck + model->harm) < luck)
        return draw_good(model, random);
    return draw_bad(model, random);
}

/* A new apex by the table of the action, near the old one when the model remembers. */
static void renew_fitted(struct sim_tip *tip, const struct action *action,
                         struct sim_random *random)
{
    const struct sim_tip_model *model = tip->model;
    double p[N];
    sim_tip_model_redraw(model, sim_tip_severity(model, action), p);
    if (model->memory == SIM_TIP_INDEPENDENT) {
        renew(tip, (enum sim_tip_state)sim_random_pick(random, p, N));
        return;
    }
    double phi = pow(model->ar1_phi, sim_tip_equivalent_v(model, action) / 4);
    double sharpness = phi * tip->sharpness + sqrt(1 - phi * phi) * sim_random_normal(random);
    renew(tip, state_of_sharpness(p, sharpness));
    tip->sharpness = sharpness;
}

bool sim_tip_act(struct sim_tip *tip, const struct action *action, struct sim_random *random)
{
    const struct sim_tip_model *model = tip->model;
    bool changed = sim_random_uniform(random) < sim_tip_p_change(tip, action);
    if (changed && model->family == SIM_TIP_CONSTANT)
        renew(tip, draw_constant(model, random));
    else if (changed && model->family == SIM_TIP_STATE_DEPENDENT && touches(action))
        renew(tip, draw_dependent(tip, action, random));
    else if (changed)
        renew_fitted(tip, action, random);
    if (action->kind == ACTION_PULSE)
        tip->last_sign = action->voltage_v > 0 ? 1 : -1;
    return changed;
}

void sim_tip_wreck(struct sim_tip *tip, struct sim_random *random)
{
    double p[N];
    if (tip->model->family == SIM_TIP_CONSTANT) {
        renew(tip, draw_bad(tip->model, random));
        return;
    }
    sim_tip_model_redraw(tip->model, SIM_TIP_BRUTAL, p);
    renew(tip, (enum sim_tip_state)sim_random_pick(random, p, N));
}
