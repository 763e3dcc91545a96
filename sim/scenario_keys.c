/* What a scenario file can say. */
#include "sim/scenario_keys.h"

#include "sim/scanner.h"

#include <string.h>

static const char *start_word(size_t i)
{
    if (i == 0)
        return "drawn";
    return i <= SIM_TIP_STATE_COUNT ? sim_tip_state_name((enum sim_tip_state)(i - 1)) : NULL;
}

static const char *channels_word(size_t i)
{
    static const char *const words[] = {"z", "z_and_i"};
    return i < 2 ? words[i] : NULL;
}

static const char *expect_word(size_t i)
{
    return sim_expectation_name(i + 1);
}

static const char *fault_word(size_t i)
{
    if (i < SIM_FAULT_COUNT)
        return sim_fault_name(i);
    i -= SIM_FAULT_COUNT;
    return i < SIM_DISTURBANCE_COUNT ? sim_disturbance_name((enum sim_disturbance_kind)i) : NULL;
}

#define KEY(key, kind, member, what)                                                               \
    .name = (key), .type = (kind), .offset = offsetof(struct scenario_reading, member),            \
    .doc = (what)

#define NUMBER_AT(key, member, si, low, high, what)                                                \
    {                                                                                              \
        KEY(key, FIELD_NUMBER, member, what), .unit = (si), .min = (low), .max = (high)            \
    }
#define RANGE_AT(key, member, si, low, high, what)                                                 \
    {                                                                                              \
        KEY(key, FIELD_PAIR, member, what), .unit = (si), .min = (low), .max = (high)              \
    }
#define COUNT_AT(key, member, low, high, what)                                                     \
    {                                                                                              \
        KEY(key, FIELD_COUNT, member, what), .min = (low), .max = (high)                           \
    }
/* One number per state. */
#define WEIGHTS_AT(key, member, high, what)                                                        \
    {                                                                                              \
        KEY(key, FIELD_LIST, member, what), .max = (high), .size = SIM_TIP_STATE_COUNT             \
    }

static const struct field top_fields[] = {
    {.name = "scenario_version",
     .type = FIELD_COUNT,
     .offset = offsetof(struct scenario_reading, version),
     .min = 1,
     .max = 1,
     .required = true,
     .doc = "Version of this format. This program reads version 1."},
    {.name = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct scenario_reading, scenario.name),
     .size = SIM_SCENARIO_NAME_MAX,
     .required = true,
     .doc = "Name in reports."},
    {.name = "about",
     .type = FIELD_TEXT,
     .offset = offsetof(struct scenario_reading, scenario.about),
     .size = SIM_SCENARIO_TEXT_MAX,
     .doc = "What it is for, in a sentence."},
    {.name = "surface",
     .type = FIELD_TEXT,
     .offset = offsetof(struct scenario_reading, scenario.surface),
     .size = SIM_SCENARIO_TEXT_MAX,
     .doc = "A surface that comes with the program, or the path of a file."},
    {.name = "expect",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_reading, expect_word),
     .words = expect_word,
     .doc = "What must come of the faults when the shipped policy plays; for tests."},
};

static const struct field scan_fields[] = {
    COUNT_AT("points", scenario.options.points, SIM_POINTS_MIN, SIM_POINTS_MAX,
             "Samples per line."),
    COUNT_AT("lines", scenario.options.lines, 1, SCAN_LINES_MAX,
             "Lines of a frame, up; as many down."),
    NUMBER_AT("frame", scenario.options.frame_m, "m", .1e-9, 150e-9, "Side of the frame."),
    NUMBER_AT("line_time", scenario.options.line_time_s, "s", 1e-3, 100,
              "One line, forward and backward."),
    {.name = "channels",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_reading, channels_word),
     .words = channels_word,
     .doc = "Heights only, or the current as well."},
};

static const struct field tip_fields[] = {
    {.name = "start",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_reading, start_word),
     .words = start_word,
     .doc = "State of the first tip; `drawn`: by the weights of `starts`."},
    WEIGHTS_AT("starts", scenario.options.tip.start, 1, "Those weights, by state."),
    NUMBER_AT("events", scenario.options.event_scale, "", 0, 1000,
              "Times the rates of everything that happens to the tip by itself."),
    NUMBER_AT("difficulty", scenario.options.tip.difficulty, "", 1, 1e6,
              "A good tip is so many times as rare after an action."),
    {.name = "family",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_reading, scenario.options.tip.family),
     .words = sim_tip_family_name,
     .doc = "How actions work; see Families."},
    NUMBER_AT("success", scenario.options.tip.p_success, "", 0, 1,
              "Family `constant`: probability of a good tip."),
    NUMBER_AT("right", scenario.options.tip.right, "", 0, 1,
              "Family `state_dependent`: of a good tip by the right action ..."),
    NUMBER_AT("luck", scenario.options.tip.luck, "", 0, 1, "... by a wrong one ..."),
    NUMBER_AT("harm", scenario.options.tip.harm, "", 0, 1,
              "... of another bad one by a wrong one."),
    {.name = "memory",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_reading, scenario.options.tip.memory),
     .words = sim_tip_memory_name,
     .doc = "Whether a new apex remembers the one before: a latent sharpness is correlated over an "
            "action."},
    NUMBER_AT(
        "phi", scenario.options.tip.ar1_phi, "", 0, .999,
        "Memory `ar1`: that correlation for a pulse of 4 V; to the power of V / 4 for others."),
    WEIGHTS_AT("rates", scenario.options.tip.rate_per_600_lines, 100,
               "Changes of state in 600 lines, by state."),
    NUMBER_AT("visible", scenario.options.tip.visible_quiet, "", 0, 100,
              "Events that can be seen in 300 lines, of a quiet tip ..."),
    NUMBER_AT("visible_restless", scenario.options.tip.visible_restless, "", 0, 100,
              "... and of a restless one."),
    NUMBER_AT("restless", scenario.options.tip.restless_share, "", 0, 1,
              "Share of restless ones among new apices, beside the unstable."),
    NUMBER_AT("poke_mid", scenario.options.tip.poke_mid_m, "m", 1e-12, 10e-9,
              "Depth of a crash that changes every second tip ..."),
    NUMBER_AT("poke_width", scenario.options.tip.poke_width_m, "m", 1e-12, 10e-9,
              "... and how gradually."),
    NUMBER_AT("pulse_mid", scenario.options.tip.pulse_mid_v, "V", .01, 20, "The same of a pulse."),
    NUMBER_AT("pulse_width", scenario.options.tip.pulse_width_v, "V", .01, 20, "As above."),
    NUMBER_AT("neck", scenario.options.tip.p_neck, "", 0, 1,
              "Probability that necking changes the tip."),
    NUMBER_AT("retract", scenario.options.tip.p_retract, "", 0, 1, "The same of a retract."),
    NUMBER_AT("cling", scenario.options.tip.cling_factor, "", 0, 1,
              "A mild action changes a fouled tip less often: times this."),
    NUMBER_AT("mild_depth", scenario.options.tip.mild_m, "m", 0, 10e-9,
              "Up to here a crash is mild ..."),
    NUMBER_AT("hard_depth", scenario.options.tip.hard_m, "m", 0, 100e-9,
              "... and up to here hard; beyond it is brutal."),
    NUMBER_AT("mild_voltage", scenario.options.tip.mild_v, "V", 0, 20, "The same of a pulse."),
    NUMBER_AT("hard_voltage", scenario.options.tip.hard_v, "V", 0, 20, "As above."),
};

static const struct field jump_fields[] = {
    WEIGHTS_AT("atomic", scenario.options.tip.jump[SIM_TIP_ATOMIC], 1, "From atomic."),
    WEIGHTS_AT("asym", scenario.options.tip.jump[SIM_TIP_ASYM], 1, "From asym."),
    WEIGHTS_AT("dimer", scenario.options.tip.jump[SIM_TIP_DIMER], 1, "From dimer."),
    WEIGHTS_AT("rows", scenario.options.tip.jump[SIM_TIP_ROWS], 1, "From rows."),
    WEIGHTS_AT("multi", scenario.options.tip.jump[SIM_TIP_MULTI], 1, "From multi."),
    WEIGHTS_AT("blunt", scenario.options.tip.jump[SIM_TIP_BLUNT], 1, "From blunt."),
    WEIGHTS_AT("unstable", scenario.options.tip.jump[SIM_TIP_UNSTABLE], 1, "From unstable."),
    WEIGHTS_AT("fouled", scenario.options.tip.jump[SIM_TIP_FOULED], 1, "From fouled."),
};

static const struct field redraw_fields[] = {
    WEIGHTS_AT("mild", scenario.options.tip.redraw[SIM_TIP_MILD], 1, "After a mild action."),
    WEIGHTS_AT("hard", scenario.options.tip.redraw[SIM_TIP_HARD], 1, "After a hard action."),
    WEIGHTS_AT("brutal", scenario.options.tip.redraw[SIM_TIP_BRUTAL], 1, "After a brutal action."),
};

static const struct field instrument_fields[] = {
    NUMBER_AT("bias", scenario.options.instrument.bias_v, "V", -10, 10, "Sample bias."),
    NUMBER_AT("setpoint", scenario.options.instrument.setpoint_a, "A", .1e-12, 100e-9,
              "Current that the controller holds."),
    RANGE_AT("tilt_fast", scenario.options.instrument.tilt_fast, "rad", 1e-6, .5,
             "Tilt along the lines, either sign."),
    RANGE_AT("tilt_slow", scenario.options.instrument.tilt_slow, "rad", 1e-6, .5,
             "Tilt across them."),
    RANGE_AT("drift", scenario.options.instrument.drift_m_per_s, "m/s", 1e-15, 1e-9,
             "Lateral drift, any direction."),
    RANGE_AT("z_drift", scenario.options.instrument.z_drift_m_per_s, "m/s", 1e-15, 1e-9,
             "Drift in height, either sign."),
    NUMBER_AT("z_drift_fades", scenario.options.instrument.z_drift_tau_s, "s", 1, 1e7,
              "Time in which it fades."),
    RANGE_AT("scale", scenario.options.instrument.scale, "", .5, 2,
             "Size shown over size commanded, each axis."),
    RANGE_AT("shear", scenario.options.instrument.shear, "", -.5, .5, "Shear of the frame."),
    NUMBER_AT("creep", scenario.options.instrument.creep_per_decade, "", 0, .2,
              "Of a move of the frame, per decade of time ..."),
    NUMBER_AT("creep_start", scenario.options.instrument.creep_start_s, "s", 1e-3, 10,
              "... from here."),
    NUMBER_AT("coarse_boost", scenario.options.instrument.coarse_boost, "", 0, 1000,
              "Drift after a coarse move, times the settled one ..."),
    NUMBER_AT("coarse_boost_fades", scenario.options.instrument.coarse_boost_tau_s, "s", 1, 1e6,
              "... fading in this time."),
    NUMBER_AT("reach", scenario.options.instrument.reach_m, "m", 10e-9, 100e-6,
              "Of the scanner, either way."),
    NUMBER_AT("z_end", scenario.options.instrument.z_end_m, "m", 1e-9, 10e-6,
              "Of the z piezo, either way."),
    NUMBER_AT("start_shift", scenario.options.instrument.start_frac, "", 0, .2,
              "Displacement at the very start of a line, of its length ..."),
    RANGE_AT("start_spread", scenario.options.instrument.start_spread, "", 0, 10,
             "... times this."),
    NUMBER_AT("start_decay", scenario.options.instrument.start_decay_frac, "", .01, 1,
              "Over which share of the line it decays."),
    RANGE_AT("hysteresis", scenario.options.instrument.hysteresis_frac, "", 0, .2,
             "Backward against forward, of the frame."),
    RANGE_AT("lag", scenario.options.instrument.lag_px, "", .5, 20,
             "Of the feedback, in samples of 300."),
    RANGE_AT("smooth", scenario.options.instrument.smooth_px, "", .5, 10, "Its smoothing."),
    NUMBER_AT("loop_gain", scenario.options.instrument.loop_gain, "", .05, 10,
              "Times the gain that gives this lag; rings above 2.5."),
    RANGE_AT("z_resonance", scenario.options.instrument.z_f0_hz, "Hz", 100, 1e6, "Of the z piezo."),
    RANGE_AT("z_q", scenario.options.instrument.z_q, "", .6, 100, "Its quality."),
    RANGE_AT("barrier", scenario.options.instrument.barrier_ev, "eV", .5, 10,
             "Per apex; the loop gain goes with its root."),
    {.name = "preamp_ranges",
     .type = FIELD_LIST,
     .offset = offsetof(struct scenario_reading, scenario.options.instrument.preamp_a),
     .unit = "A",
     .min = 1e-12,
     .max = 1e-3,
     .size = SIM_PREAMP_RANGES,
     .doc = "Full scales of the preamp, rising."},
    COUNT_AT("preamp_range", scenario.options.instrument.preamp_range, 0, SIM_PREAMP_RANGES - 1,
             "The one in use, from 0."),
    NUMBER_AT("preamp_noise", scenario.options.instrument.preamp_noise_a, "A", 0, 1e-10,
              "rms per sample, most sensitive range."),
    NUMBER_AT("noise", scenario.options.instrument.noise_factor, "", 0, 100,
              "Times the line noise of the tip."),
    RANGE_AT("line_jump", scenario.options.instrument.line_jump_m, "m", 1e-15, 1e-9,
             "Offset from line to line, rms."),
    RANGE_AT("hum", scenario.options.instrument.hum_m, "m", 0, 1e-9, "Amplitude of the mains."),
    NUMBER_AT("hum_frequency", scenario.options.instrument.hum_hz, "Hz", 1, 1000, "Its frequency."),
    NUMBER_AT("glitches", scenario.options.instrument.glitches_quiet, "", 0, 300,
              "Single-line glitches per 300 traces ..."),
    NUMBER_AT("glitches_busy", scenario.options.instrument.glitches_busy, "", 0, 300,
              "... and of a busy tip."),
    RANGE_AT("glitch", scenario.options.instrument.glitch_size, "", .1, 1e4,
             "Their height, times the line noise of the tip, either sign."),
    RANGE_AT("glitch_length", scenario.options.instrument.glitch_px, "", 1, 300,
             "Their length before the filter, in samples of 300."),
    NUMBER_AT("trigger", scenario.options.instrument.trigger_m, "m", 1e-12, 1e-8,
              "Events come more often where something taller than this is crossed ..."),
    NUMBER_AT("trigger_factor", scenario.options.instrument.trigger_factor, "", 1, 100,
              "... by this factor; their total stays."),
    NUMBER_AT("touch", scenario.options.instrument.touch_per_line, "", 0, 1,
              "Chance per line that the tip touches at no bias; in proportion up to none at 1 V."),
    NUMBER_AT("incomplete", scenario.options.instrument.incomplete_share, "", 0, 1,
              "Share of images, a frame up or down, that stop by themselves."),
};

static const struct field actions_fields[] = {
    NUMBER_AT("turn", scenario.options.instrument.turn_s, "s", 0, 600, "Between frames."),
    NUMBER_AT("travel", scenario.options.instrument.travel_s, "s", 0, 600,
              "To the place of an action, and back."),
    NUMBER_AT("pulse_settle", scenario.options.instrument.settle_pulse_s, "s", 0, 600,
              "After each pulse of a series."),
    NUMBER_AT("crash_settle", scenario.options.instrument.settle_crash_s, "s", 0, 600,
              "In a crash, beside its way and dwell."),
    NUMBER_AT("move", scenario.options.instrument.move_s, "s", 0, 3600, "Move of the frame."),
    NUMBER_AT("retract", scenario.options.instrument.retract_s, "s", 0, 3600,
              "Withdrawing the tip."),
    NUMBER_AT("motor_step", scenario.options.instrument.motor_step_s, "s", 0, 600,
              "Each coarse step."),
    NUMBER_AT("lateral_step", scenario.options.instrument.lateral_step_m, "m", 1e-9, 1e-3,
              "How far one sideways step goes."),
    NUMBER_AT("approach", scenario.options.instrument.approach_s, "s", 0, 36000,
              "Automatic approach."),
};

static const struct field fault_fields[] = {
    {.name = "fault",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_fault, kind_word),
     .required = true,
     .words = fault_word,
     .doc = "Which; see Faults."},
    {.name = "at",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct scenario_fault, fault.at_s),
     .unit = "s",
     .min = 0,
     .max = 1e7,
     .doc = "When it begins, by the instrument's clock ..."},
    {.name = "at_line",
     .type = FIELD_COUNT,
     .offset = offsetof(struct scenario_fault, fault.at),
     .min = 1,
     .max = 4e9,
     .doc = "... or with which line of heights since the start ..."},
    {.name = "at_action",
     .type = FIELD_COUNT,
     .offset = offsetof(struct scenario_fault, fault.at),
     .min = 1,
     .max = 4e9,
     .doc = "... or in which action since the start."},
    {.name = "for",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct scenario_fault, fault.duration_s),
     .unit = "s",
     .min = 0,
     .max = 1e7,
     .doc = "How long it lasts."},
    {.name = "lines",
     .type = FIELD_COUNT,
     .offset = offsetof(struct scenario_fault, fault.lines),
     .min = 1,
     .max = 1e9,
     .doc = "How many lines it lasts. Without `for` and `lines`: one line; a stall and a railed "
            "current for ever."},
    {.name = "share",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct scenario_fault, fault.share),
     .min = 1e-6,
     .max = 1,
     .doc = "Share of these lines that it meets, drawn."},
    {.name = "by",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct scenario_fault, fault.size_s),
     .unit = "s",
     .min = -1e7,
     .max = 1e7,
     .doc = "By how much: late, late_end, clock_step, freeze."},
};

/* `size` has a unit of its own for every physical fault and is read apart. */
static const char *const fault_children[] = {"size", NULL};
static const char *const top_children[] = {"scan", "tip", "instrument", "actions", "faults", NULL};
static const char *const tip_children[] = {"jump", "redraw", NULL};

#define TABLE(title, what, list, further)                                                          \
    {                                                                                              \
        .name = (title), .doc = (what), .fields = (list), .n = sizeof(list) / sizeof((list)[0]),   \
        .children = (further)                                                                      \
    }

static const struct field_table top_table =
    TABLE("", "At the top of the file, beside the mappings below.", top_fields, top_children);
static const struct field_table sections[SCENARIO_SECTIONS] = {
    TABLE("scan", "Frames and lines.", scan_fields, NULL),
    TABLE("tip",
          "How the tip's state changes. Lists by state stand for atomic, asym, dimer, rows, multi, "
          "blunt, unstable, fouled, in this order.",
          tip_fields, tip_children),
    TABLE("instrument",
          "Scanner, controller, preamp. Where a range stands, one value is drawn from it per "
          "session.",
          instrument_fields, NULL),
    TABLE("actions", "How long things take.", actions_fields, NULL),
};
static const struct field_table tip_tables[SCENARIO_TIP_TABLES] = {
    TABLE("tip.jump", "Where a change by itself leads: weights by state.", jump_fields, NULL),
    TABLE("tip.redraw", "What a new apex is: weights by state.", redraw_fields, NULL),
};
static const struct field_table fault_table =
    TABLE("faults[]", "What goes wrong, each as an entry of a list.", fault_fields, fault_children);

const struct field_table *scenario_top(void)
{
    return &top_table;
}

const struct field_table *scenario_section(size_t i)
{
    return &sections[i];
}

const struct field_table *scenario_tip_table(size_t i)
{
    return &tip_tables[i];
}

const struct field_table *scenario_fault_table(void)
{
    return &fault_table;
}

void scenario_reading_default(struct scenario_reading *ret)
{
    memset(ret, 0, sizeof(*ret));
    sim_scenario_default(&ret->scenario);
    ret->expect_word = -1;
}
