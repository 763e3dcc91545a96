/* Scenario files: what they say arrives, what is wrong with them is named, the reference is true.
 */
#include "sim/scenario.h"
#include "sim/scenario_keys.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "scenario_version: 1\nname: x\n"

static int parse(const char *text, struct sim_scenario *ret, struct policy_errors *errors)
{
    return sim_scenario_parse(text, strlen(text), ret, errors);
}

START_TEST(says_nothing_is_the_default)
{
    struct sim_scenario plain, wanted;
    struct policy_errors errors;
    sim_scenario_default(&wanted);
    ck_assert_int_eq(parse(HEAD, &plain, &errors), 0);
    ck_assert_str_eq(plain.name, "x");
    ck_assert_str_eq(plain.surface, wanted.surface);
    ck_assert_mem_eq(&plain.options, &wanted.options, sizeof(plain.options));
    ck_assert_uint_eq(plain.n_faults + plain.n_disturbances, 0);
    ck_assert_int_eq(plain.expect, SIM_EXPECT_NOTHING);
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(every_part_arrives)
{
    struct sim_scenario s;
    struct policy_errors errors;
    int rc =
        parse(HEAD "surface: au-111\nexpect: hold\n"
                   "scan: {points: 64, lines: 32, line_time: 100 ms, channels: z_and_i}\n"
                   "tip:\n  start: multi\n  difficulty: 2.0\n  memory: ar1\n  family: constant\n"
                   "  jump: {blunt: [1, 0, 0, 0, 0, 0, 0, 0]}\n"
                   "  redraw: {mild: [0, 0, 1, 0, 0, 1, 0, 0]}\n"
                   "instrument: {bias: -2 V, drift: [1 pm/s, 2 pm/s], hum: 3 pm}\n"
                   "actions: {move: 1 min}\n"
                   "faults:\n"
                   "  - {fault: stall, at_line: 2, for: 60 s}\n"
                   "  - {fault: lose, at: 1 min, lines: 9, share: 0.5}\n"
                   "  - {fault: clock_step, at_action: 3, by: -10 min}\n"
                   "  - {fault: knock, at: 2 min, for: 3 s, size: 300 pm}\n",
              &s, &errors);
    ck_assert_msg(rc == 0, "%s", errors.n ? errors.list[0].message : "");
    const struct simulated_options *o = &s.options;
    ck_assert_str_eq(s.surface, "au-111");
    ck_assert_int_eq(s.expect, SIM_EXPECT_HOLD);
    ck_assert(o->points == 64 && o->lines == 32 && o->line_time_s == .1);
    ck_assert_uint_eq(o->channels, SIM_CHANNEL_Z | SIM_CHANNEL_I);
    ck_assert(o->start == SIM_TIP_MULTI && o->tip.difficulty == 2);
    ck_assert(o->tip.memory == SIM_TIP_AR1 && o->tip.family == SIM_TIP_CONSTANT);
    ck_assert(o->tip.jump[SIM_TIP_BLUNT][SIM_TIP_ATOMIC] == 1);
    ck_assert(o->tip.redraw[SIM_TIP_MILD][SIM_TIP_DIMER] == 1);
    ck_assert(o->instrument.bias_v == -2 && o->instrument.drift_m_per_s.high == 2e-12);
    ck_assert(o->instrument.hum_m.low == 3e-12 && o->instrument.hum_m.high == 3e-12);
    ck_assert(o->instrument.move_s == 60);
    ck_assert_uint_eq(s.n_faults, 3);
    ck_assert(s.faults[0].kind == SIM_FAULT_STALL && s.faults[0].trigger == SIM_FAULT_AT_LINE &&
              s.faults[0].at == 2 && s.faults[0].duration_s == 60 && s.faults[0].share == 1);
    ck_assert(s.faults[1].trigger == SIM_FAULT_AT_TIME && s.faults[1].at_s == 60 &&
              s.faults[1].lines == 9 && s.faults[1].share == .5);
    ck_assert(s.faults[2].trigger == SIM_FAULT_AT_ACTION && s.faults[2].size_s == -600);
    ck_assert_uint_eq(s.n_disturbances, 1);
    ck_assert(s.disturbances[0].kind == SIM_KNOCK && s.disturbances[0].magnitude == 300e-12 &&
              s.disturbances[0].start_s == 120 && s.disturbances[0].duration_s == 3);
    policy_errors_finish(&errors);
}
END_TEST

static const struct {
    const char *line;
    int column;
    const char *message;
} wrong[] = {
    {"surfase: x", 1, "unknown key 'surfase'; did you mean 'surface'?"},
    {"tip: {difficulty: 0.5}", 19, "tip.difficulty: 0.5 is below the bound of 1"},
    {"tip: {start: blount}", 14, "tip.start: unknown word 'blount'; did you mean 'blunt'?"},
    {"tip: {starts: [1, 2]}", 15, "tip.starts: a list of 8 numbers is wanted"},
    {"tip: {luck: 0.6, harm: 0.6}", 6,
     "'tip': its values do not fit together: tables need weights to draw from, hard is beyond "
     "mild, "
     "luck and harm are at most 1 together"},
    {"tip: {jump: [1]}", 13, "'jump': a mapping is wanted, not a list"},
    {"tip: {jump: {blunt: [0, 0, 0, 0, 0, 0, 0, 0]}}", 6,
     "'tip': its values do not fit together: tables need weights to draw from, hard is beyond "
     "mild, "
     "luck and harm are at most 1 together"},
    {"instrument: {bias: 1.8}", 20,
     "instrument.bias: a voltage needs its unit; did you mean '1.8 V'?"},
    {"instrument: {drift: [2 pm/s, 1 pm/s]}", 21,
     "instrument.drift: the lower end of a range comes first"},
    {"faults: {}", 9, "'faults': a list is wanted, not a mapping"},
    {"faults: [3]", 10, "'faults[]' is a mapping of keys to values"},
    {"faults: [{fault: stal, at_line: 2}]", 18,
     "faults[].fault: unknown word 'stal'; did you mean 'stall'?"},
    {"faults: [{fault: stall}]", 10,
     "faults[]: say when it begins, once: at, at_line or at_action"},
    {"faults: [{fault: stall, at: 1 s, at_line: 2}]", 10,
     "faults[]: say when it begins, once: at, at_line or at_action"},
    {"faults: [{fault: stall, at_line: 0}]", 34, "faults[].at_line: 0 is below the bound of 1"},
    {"faults: [{fault: late, at: 1 s}]", 10, "faults[]: 'late' needs to know by how much: by"},
    {"faults: [{fault: late, at: 1 s, by: -1 s}]", 37,
     "faults[]: 'late' goes one way only: by more than 0 s"},
    {"faults: [{fault: restart, at: 1 s, lines: 2}]", 43, "faults[]: 'restart' has no 'lines'"},
    {"faults: [{fault: stall, at: 1 s, size: 2}]", 40, "faults[]: 'stall' has no 'size'"},
    {"faults: [{fault: knock, at: 1 s}]", 10, "the key 'faults[].size' is missing"},
    {"faults: [{fault: knock, at: 1 s, size: 1 s}]", 42,
     "faults[].size: 's' is a unit of time; a length is wanted, like '10 nm'"},
    {"faults: [{fault: knock, at: 1 s, lines: 4, size: 1 pm}]", 41,
     "faults[]: 'knock' has no 'lines'"},
};

START_TEST(names_each_mistake)
{
    struct sim_scenario s, before;
    struct policy_errors errors;
    char text[300];
    sim_scenario_default(&before);
    s = before;
    snprintf(text, sizeof(text), HEAD "%s\n", wrong[_i].line);
    ck_assert_int_lt(parse(text, &s, &errors), 0);
    ck_assert_str_eq(errors.list[0].message, wrong[_i].message);
    ck_assert_int_eq(errors.list[0].line, 3);
    ck_assert_int_eq(errors.list[0].column, wrong[_i].column);
    ck_assert_mem_eq(&s, &before, sizeof(s));
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(version_and_name_are_wanted)
{
    struct sim_scenario s;
    struct policy_errors errors;
    ck_assert_int_lt(parse("surface: h-si-100\n", &s, &errors), 0);
    ck_assert_uint_eq(errors.found, 2);
    policy_errors_finish(&errors);
    ck_assert(sim_scenario_recognised(HEAD, strlen(HEAD)));
    ck_assert(!sim_scenario_recognised("policy_version: 1\n", 18));
}
END_TEST

/* The bounds of the keys must not let through what the microscope refuses. */
START_TEST(values_at_their_bounds_make_a_microscope)
{
    for (size_t t = 0; t < SCENARIO_SECTIONS; t++) {
        const struct field_table *table = scenario_section(t);
        for (size_t i = 0; i < table->n; i++) {
            const struct field *field = &table->fields[i];
            for (int top = 0; top < 2; top++) {
                struct scenario_reading r;
                scenario_reading_default(&r);
                void *value = (char *)&r + field->offset;
                double number = top ? field->max : field->min;
                double range[2] = {number, number};
                uint32_t count = field->type == FIELD_COUNT ? (uint32_t)number : 0;
                if (field->type == FIELD_NUMBER)
                    memcpy(value, &number, sizeof(number));
                else if (field->type == FIELD_PAIR)
                    memcpy(value, range, sizeof(range));
                else if (field->type == FIELD_COUNT)
                    memcpy(value, &count, sizeof(count));
                else
                    continue;
                /* Two bounds hold for two values together: a sum, an order. */
                r.scenario.options.tip.luck = r.scenario.options.tip.luck < .5 ? 0 : .5;
                r.scenario.options.tip.harm = r.scenario.options.tip.harm < .5 ? 0 : .5;
                const struct sim_tip_model *tip = &r.scenario.options.tip;
                bool order = tip->mild_m <= tip->hard_m && tip->mild_v <= tip->hard_v;
                bool ranges = r.scenario.options.instrument.setpoint_a <
                              r.scenario.options.instrument.preamp_a[0];
                ck_assert_msg(sim_tip_model_ok(tip) || !order, "tip.%s", field->name);
                ck_assert_msg(sim_instrument_ok(&r.scenario.options.instrument) || !ranges ||
                                  strcmp(field->name, "bias") == 0,
                              "%s.%s", table->name, field->name);
            }
        }
    }
}
END_TEST

START_TEST(shipped_ones_are_valid)
{
    static const char *const names[] = {"default",         "quiet",         "regression",
                                        "leeds-like",      "berkeley-like", "rusty-tip-like",
                                        "state-dependent", "constant",      "memory"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512];
        struct sim_scenario s;
        struct policy_errors errors;
        struct simulated *sim;
        snprintf(path, sizeof(path), "%s/sim/scenarios/%s.yaml", TEST_SOURCE_DIR, names[i]);
        int rc = sim_scenario_load(path, &s, &errors);
        policy_errors_print(&errors, path, stderr);
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(s.name, names[i]);
        ck_assert_int_eq(simulated_create(&s.options, &sim), 0);
        simulated_destroy(sim);
        policy_errors_finish(&errors);
    }
}
END_TEST

START_TEST(reference_is_the_page)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    sim_scenario_print_reference(out);
    fclose(out);
    FILE *page = fopen(TEST_SOURCE_DIR "/docs/scenarios.md", "rb");
    ck_assert_ptr_nonnull(page);
    char *there = malloc(size + 2);
    size_t n = fread(there, 1, size + 1, page);
    fclose(page);
    there[n] = '\0';
    ck_assert_msg(strcmp(there, text) == 0,
                  "docs/scenarios.md: write it with tipwright sim --print-reference");
    free(there);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/scenario");
    TCase *tc = tcase_create("scenario");
    tcase_add_test(tc, says_nothing_is_the_default);
    tcase_add_test(tc, every_part_arrives);
    tcase_add_loop_test(tc, names_each_mistake, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(tc, version_and_name_are_wanted);
    tcase_add_test(tc, values_at_their_bounds_make_a_microscope);
    tcase_add_test(tc, shipped_ones_are_valid);
    tcase_add_test(tc, reference_is_the_page);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
