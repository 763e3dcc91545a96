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

/* Fitted: class-changing events per 600 lines, and where they lead (row = from). */
static const double rate_per_600_lines[N] = {.110, .167, .133, .152, .175, .077, .201, .049};

static const double jump[N][N] = {
    {0, .064, .624, .055, .068, .109, .060, .019}, {.100, 0, .449, .082, .081, .169, .100, .019},
    {.087, .096, 0, .089, .102, .391, .184, .051}, {.010, .050, .154, 0, .079, .448, .195, .065},
    {.032, .121, .287, .146, 0, .256, .127, .030}, {.023, .022, .211, .241, .134, 0, .257, .111},
    {.043, .041, .336, .161, .108, .271, 0, .041}, {.010, .013, .089, .102, .093, .596, .099, 0},
};

enum severity { MILD, HARD, BRUTAL, SEVERITY_COUNT };

/* Mild: fitted. Hard, brutal: chosen. */
static const double redraw[SEVERITY_COUNT][N] = {
    [MILD] = {.024, .032, .205, .134, .103, .354, .088, .059},
    [HARD] = {.012, .030, .100, .140, .180, .340, .100, .098},
    [BRUTAL] = {.004, .012, .040, .090, .180, .420, .090, .164},
};

/* Events that can be seen in 300 lines, of a quiet and of a restless tip: fitted. */
static const double visible_per_300_lines[2] = {.10, 1.00};
/* Together with the state "unstable" this leaves 12 % of tips restless: computed. */
static const double p_restless = .04;

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

/* A new apex of the given state. */
static void renew(struct sim_tip *tip, enum sim_tip_state state)
{
    struct sim_random random;
    tip->serial++;
    tip->state = state;
    sim_random_seed(&random, tip->seed, SIM_STREAM_APEX, tip->serial);
    tip->restless = sim_random_uniform(&random) < p_restless || state == SIM_TIP_UNSTABLE;
    sim_apex_draw(state, &random, tip->apices, &tip->n_apices, &tip->contrast);
}

void sim_tip_init(struct sim_tip *tip, uint64_t seed, enum sim_tip_state state)
{
    memset(tip, 0, sizeof(*tip));
    tip->seed = seed;
    renew(tip, state);
}

double sim_tip_class_rate(enum sim_tip_state state)
{
    return rate_per_600_lines[state] / 600;
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
    double p_class = rate_scale * sim_tip_class_rate(tip->state);
    double p_visible = rate_scale * visible_per_300_lines[tip->restless] / 300;
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
        renew(&ret_event->after, (enum sim_tip_state)sim_random_pick(random, jump[tip->state], N));
    } else {
        draw_small_event(tip, random, ret_event);
    }
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static double p_poke(double depth_m)
{
    return logistic((depth_m - .60e-9) / .15e-9);
}

static double p_pulse(double voltage_v)
{
    return logistic((fabs(voltage_v) - 3.5) / .8);
}

static enum severity severity_of(const struct action *action)
{
    double v = fabs(action->kind == ACTION_PULSE ? action->voltage_v : action->bias_v);
    double depth_m = action->kind == ACTION_CRASH ? action->depth_m : 0;
    if (action->kind == ACTION_NECK)
        return HARD;
    if (depth_m <= 1.2e-9 && v <= 5)
        return MILD;
    return depth_m <= 3e-9 && v <= 8 ? HARD : BRUTAL;
}

double sim_tip_p_change(const struct sim_tip *tip, const struct action *action)
{
    double p_same = 1;
    switch (action->kind) {
    case ACTION_PULSE:
        p_same = pow(1 - p_pulse(action->voltage_v), action->count);
        break;
    case ACTION_CRASH:
        p_same = 1 - p_poke(action->depth_m);
        if (fabs(action->bias_v) > 0)
            p_same *= 1 - p_pulse(action->bias_v);
        break;
    case ACTION_NECK:
        p_same = .02;
        break;
    case ACTION_RETRACT:
        p_same = .98;
        break;
    case ACTION_APPROACH:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
    bool clings = tip->state == SIM_TIP_FOULED && severity_of(action) == MILD &&
                  action->kind != ACTION_RETRACT;
    return (1 - p_same) * (clings ? .4 : 1);
}

void sim_tip_redraw_weights(const struct action *action, double difficulty,
                            double ret_p[SIM_TIP_STATE_COUNT])
{
    const double *p = redraw[severity_of(action)];
    double good = 0, rest = 0;
    for (int i = 0; i < N; i++) {
        bool is_good = i <= SIM_TIP_DIMER;
        ret_p[i] = is_good ? p[i] / difficulty : p[i];
        good += is_good ? ret_p[i] : 0;
        rest += is_good ? 0 : ret_p[i];
    }
    for (int i = SIM_TIP_DIMER + 1; i < N; i++)
        ret_p[i] *= (1 - good) / rest;
}

bool sim_tip_act(struct sim_tip *tip, const struct action *action, double difficulty,
                 struct sim_random *random)
{
    double p[N];
    if (sim_random_uniform(random) >= sim_tip_p_change(tip, action))
        return false;
    sim_tip_redraw_weights(action, difficulty, p);
    renew(tip, (enum sim_tip_state)sim_random_pick(random, p, N));
    return true;
}

void sim_tip_wreck(struct sim_tip *tip, struct sim_random *random)
{
    renew(tip, (enum sim_tip_state)sim_random_pick(random, redraw[BRUTAL], N));
}
