/* The numbers behind the tip, and what follows from them alone. */
#include "sim/tip_model.h"

#include <math.h>

enum { N = SIM_TIP_STATE_COUNT };

static const struct sim_tip_model fitted = {
    .start = {[SIM_TIP_MULTI] = .2, [SIM_TIP_BLUNT] = .6, [SIM_TIP_FOULED] = .2},
    .rate_per_600_lines = {.110, .167, .133, .152, .175, .077, .201, .049},
    .jump = {{0, .064, .624, .055, .068, .109, .060, .019},
             {.100, 0, .449, .082, .081, .169, .100, .019},
             {.087, .096, 0, .089, .102, .391, .184, .051},
             {.010, .050, .154, 0, .079, .448, .195, .065},
             {.032, .121, .287, .146, 0, .256, .127, .030},
             {.023, .022, .211, .241, .134, 0, .257, .111},
             {.043, .041, .336, .161, .108, .271, 0, .041},
             {.010, .013, .089, .102, .093, .596, .099, 0}},
    .visible_quiet = .09,
    .visible_restless = 1.30,
    /* Together with the state "unstable" 12 % of the tips that an operator leaves are restless. */
    .restless_share = .08,
    .poke_mid_m = .60e-9,
    .poke_width_m = .15e-9,
    .pulse_mid_v = 3.5,
    .pulse_width_v = .8,
    .p_neck = .98,
    .p_retract = .02,
    .cling_factor = .4,
    .mild_m = 1.2e-9,
    .mild_v = 5,
    .hard_m = 3e-9,
    .hard_v = 8,
    .redraw = {[SIM_TIP_MILD] = {.024, .032, .205, .134, .103, .354, .088, .059},
               [SIM_TIP_HARD] = {.012, .030, .100, .140, .180, .340, .100, .098},
               [SIM_TIP_BRUTAL] = {.004, .012, .040, .090, .180, .420, .090, .164}},
    .difficulty = 1,
    .memory = SIM_TIP_INDEPENDENT,
    .ar1_phi = .82,
    .family = SIM_TIP_FITTED,
    .p_success = .151,
    .right = .5,
    .luck = .03,
    .harm = .2,
};

static const char *const family_names[SIM_TIP_FAMILY_COUNT] = {"fitted", "constant",
                                                               "state_dependent"};
static const char *const memory_names[] = {"independent", "ar1"};

void sim_tip_model_default(struct sim_tip_model *ret)
{
    *ret = fitted;
}

const struct sim_tip_model *sim_tip_model_fitted(void)
{
    return &fitted;
}

const char *sim_tip_family_name(size_t family)
{
    return family < SIM_TIP_FAMILY_COUNT ? family_names[family] : NULL;
}

const char *sim_tip_memory_name(size_t memory)
{
    return memory <= SIM_TIP_AR1 ? memory_names[memory] : NULL;
}

static bool weights_ok(const double *p)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        if (!(p[i] >= 0 && p[i] <= 1))
            return false;
        sum += p[i];
    }
    return sum > 0;
}

static bool share_ok(double p)
{
    return p >= 0 && p <= 1;
}

static bool tables_ok(const struct sim_tip_model *m)
{
    if (!weights_ok(m->start))
        return false;
    for (int i = 0; i < N; i++)
        if (!(m->rate_per_600_lines[i] >= 0 && m->rate_per_600_lines[i] <= 100) ||
            !weights_ok(m->jump[i]))
            return false;
    for (int s = 0; s < SIM_TIP_SEVERITY_COUNT; s++) {
        double bad = 0;
        if (!weights_ok(m->redraw[s]))
            return false;
        for (int i = SIM_TIP_DIMER + 1; i < N; i++)
            bad += m->redraw[s][i];
        if (!(bad > 0))
            return false; /* nothing could take over from the good states */
    }
    return true;
}

bool sim_tip_model_ok(const struct sim_tip_model *m)
{
    return tables_ok(m) && m->visible_quiet >= 0 && m->visible_quiet <= 100 &&
           m->visible_restless >= 0 && m->visible_restless <= 100 && share_ok(m->restless_share) &&
           m->poke_mid_m > 0 && m->poke_width_m > 0 && m->pulse_mid_v > 0 && m->pulse_width_v > 0 &&
           share_ok(m->p_neck) && share_ok(m->p_retract) && share_ok(m->cling_factor) &&
           m->mild_m >= 0 && m->hard_m >= m->mild_m && m->mild_v >= 0 && m->hard_v >= m->mild_v &&
           m->difficulty >= 1 && m->difficulty <= 1e6 && m->memory >= 0 &&
           m->memory <= SIM_TIP_AR1 && m->ar1_phi >= 0 && m->ar1_phi < 1 && m->family >= 0 &&
           m->family < SIM_TIP_FAMILY_COUNT && share_ok(m->p_success) && share_ok(m->right) &&
           share_ok(m->luck) && share_ok(m->harm) && m->luck + m->harm <= 1;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static double p_poke(const struct sim_tip_model *m, double depth_m)
{
    return logistic((depth_m - m->poke_mid_m) / m->poke_width_m);
}

static double p_pulse(const struct sim_tip_model *m, double voltage_v)
{
    return logistic((fabs(voltage_v) - m->pulse_mid_v) / m->pulse_width_v);
}

enum sim_tip_severity sim_tip_severity(const struct sim_tip_model *m, const struct action *action)
{
    double v = fabs(action->kind == ACTION_PULSE ? action->voltage_v : action->bias_v);
    double depth_m = action->kind == ACTION_CRASH ? action->depth_m : 0;
    if (action->kind == ACTION_NECK)
        return SIM_TIP_HARD;
    if (depth_m <= m->mild_m && v <= m->mild_v)
        return SIM_TIP_MILD;
    return depth_m <= m->hard_m && v <= m->hard_v ? SIM_TIP_HARD : SIM_TIP_BRUTAL;
}

double sim_tip_model_p_change(const struct sim_tip_model *m, enum sim_tip_state state,
                              const struct action *action)
{
    double p_same = 1;
    switch (action->kind) {
    case ACTION_PULSE:
        p_same = pow(1 - p_pulse(m, action->voltage_v), action->count);
        break;
    case ACTION_CRASH:
        p_same = 1 - p_poke(m, action->depth_m);
        if (fabs(action->bias_v) > 0)
            p_same *= 1 - p_pulse(m, action->bias_v);
        break;
    case ACTION_NECK:
        p_same = 1 - m->p_neck;
        break;
    case ACTION_RETRACT:
        p_same = 1 - m->p_retract;
        break;
    case ACTION_APPROACH:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
    bool clings = state == SIM_TIP_FOULED && sim_tip_severity(m, action) == SIM_TIP_MILD &&
                  action->kind != ACTION_RETRACT;
    return (1 - p_same) * (clings ? m->cling_factor : 1);
}

void sim_tip_model_redraw(const struct sim_tip_model *m, enum sim_tip_severity severity,
                          double ret_p[SIM_TIP_STATE_COUNT])
{
    const double *p = m->redraw[severity];
    double all = 0, good = 0, rest = 0;
    for (int i = 0; i < N; i++)
        all += p[i];
    for (int i = 0; i < N; i++) {
        bool is_good = i <= SIM_TIP_DIMER;
        ret_p[i] = (is_good ? p[i] / m->difficulty : p[i]) / all;
        good += is_good ? ret_p[i] : 0;
        rest += is_good ? 0 : ret_p[i];
    }
    for (int i = SIM_TIP_DIMER + 1; i < N; i++)
        ret_p[i] *= (1 - good) / rest;
}

bool sim_tip_action_fits(enum sim_tip_state state, const struct action *action, int last_sign)
{
    bool pulse = action->kind == ACTION_PULSE, crash = action->kind == ACTION_CRASH;
    /* A value written at the bound may be a rounding below it. */
    double volts = fabs(action->voltage_v) + 1e-9, depth_m = action->depth_m;
    switch (state) {
    case SIM_TIP_FOULED:
        return pulse && volts >= 3;
    case SIM_TIP_UNSTABLE:
        return pulse && volts >= 2 && last_sign * action->voltage_v <= 0;
    case SIM_TIP_BLUNT:
        return crash && depth_m + 1e-15 >= 1e-9;
    case SIM_TIP_MULTI:
    case SIM_TIP_ROWS:
        return crash && depth_m - 1e-15 <= .5e-9;
    case SIM_TIP_ATOMIC:
    case SIM_TIP_ASYM:
    case SIM_TIP_DIMER:
    case SIM_TIP_STATE_COUNT:
        break;
    }
    return false;
}

double sim_tip_equivalent_v(const struct sim_tip_model *m, const struct action *action)
{
    double v = 0;
    if (action->kind == ACTION_PULSE)
        return fabs(action->voltage_v) * action->count;
    if (action->kind == ACTION_NECK)
        return fabs(action->voltage_v);
    if (action->kind == ACTION_CRASH)
        v = m->pulse_mid_v + m->pulse_width_v * (action->depth_m - m->poke_mid_m) / m->poke_width_m;
    return fmax(v, 0) + fabs(action->kind == ACTION_CRASH ? action->bias_v : 0);
}
