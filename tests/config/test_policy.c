/* Policies whole: those shipped, those refused (bad/), values, ramps, hash. */
#include "config/policy.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD_DIR TEST_SOURCE_DIR "/tests/config/bad"
#define POLICY_DIR TEST_SOURCE_DIR "/config/policies"

enum { EXPECTED_MAX = 16, TEXT_MAX = 64 * 1024 };

static struct policy policy;
static struct policy_errors errors;

static void setup(void)
{
    memset(&policy, 0, sizeof(policy));
    memset(&errors, 0, sizeof(errors));
}

static void teardown(void)
{
    policy_errors_finish(&errors);
}

static size_t read_whole(const char *path, char *text)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t size = fread(text, 1, TEXT_MAX - 1, file);
    fclose(file);
    text[size] = '\0';
    return size;
}

/* Every "# expect LINE:COLUMN fragment" at the head of a bad policy, against all its complaints. */
static void check_bad(const char *name)
{
    char path[512], *text = malloc(TEXT_MAX);
    snprintf(path, sizeof(path), BAD_DIR "/%s", name);
    read_whole(path, text);
    memset(&policy, 0x5A, sizeof(policy));
    struct policy before = policy;
    ck_assert_msg(policy_load(path, &policy, &errors) == -EINVAL, "%s is accepted", name);
    ck_assert_msg(memcmp(&before, &policy, sizeof(policy)) == 0, "%s: output touched", name);
    size_t n = 0;
    char *rest = text;
    for (char *line = text; strncmp(line, "# expect ", 9) == 0; line = rest, n++) {
        int row, column, used = 0;
        size_t length = strcspn(line, "\n");
        rest = line + length + 1;
        line[length] = '\0';
        ck_assert_int_eq(sscanf(line + 9, "%d:%d %n", &row, &column, &used), 2);
        ck_assert_msg(n < errors.n, "%s: only %zu complaints", name, errors.n);
        const struct policy_error *error = &errors.list[n];
        ck_assert_msg(error->line == row && error->column == column, "%s: '%s' at %d:%d, not %d:%d",
                      name, error->message, error->line, error->column, row, column);
        ck_assert_msg(strstr(error->message, line + 9 + used) != NULL, "%s: '%s', not '%s'", name,
                      error->message, line + 9 + used);
    }
    ck_assert_msg(n > 0, "%s expects nothing", name);
    ck_assert_msg(errors.found == n, "%s: %zu complaints, %zu expected; the next: %s", name,
                  errors.found, n, errors.n > n ? errors.list[n].message : "");
    policy_errors_finish(&errors);
    free(text);
}

START_TEST(bad_policies_are_refused_at_the_right_place)
{
    DIR *dir = opendir(BAD_DIR);
    ck_assert_ptr_nonnull(dir);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir)); n++) {
        if (entry->d_name[0] == '.')
            n--;
        else
            check_bad(entry->d_name);
    }
    closedir(dir);
    ck_assert_int_ge(n, 60);
}
END_TEST

/* A correction that the file itself suggests makes it valid: the rest of the file is sound. */
START_TEST(the_good_base_is_accepted)
{
    static const char text[] = "policy_version: 1\n"
                               "name: test\n"
                               "profile: h_si_100\n"
                               "accept: {labels: [dimers]}\n"
                               "rules:\n"
                               "  - {name: good, when: [wanted >= 0.70, bad_blurry < 0.30], "
                               "confirm: 3 frames, then: good}\n"
                               "  - name: crash\n"
                               "    when: [bad_blurry >= 0.5]\n"
                               "    until: [bad_blurry < 0.30]\n"
                               "    then: crash\n"
                               "    depth: {from: 0.30 nm, to: 0.50 nm, step: 0.10 nm}\n"
                               "    bias: -20 mV\n"
                               "    at_most: {per_site: 2}\n"
                               "  - {name: stop, when: always, confirm: 6 frames, then: park}\n";
    ck_assert_int_eq(policy_parse("p.yaml", text, strlen(text), &policy, &errors), 0);
    ck_assert_str_eq(policy.name, "test");
    ck_assert_str_eq(policy.path, "p.yaml");
    ck_assert_int_eq(policy.profile, ACTION_PROFILE_SILICON);
    ck_assert_str_eq(policy.profile_name, "h_si_100");
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        ck_assert_int_eq(policy.accept[i], i == NN_LABEL_DIMERS);
    ck_assert_uint_eq(policy.n_rules, 3);
    const struct policy_rule *rule = &policy.rules[1];
    ck_assert_int_eq(rule->line, 7);
    ck_assert_int_eq(rule->mode, POLICY_ACTIVE);
    ck_assert_uint_eq(rule->n_when, 1);
    ck_assert_int_eq(rule->when[0].label, NN_LABEL_BAD_BLURRY);
    ck_assert(!rule->when[0].below);
    ck_assert_double_eq(rule->when[0].threshold, 0.5);
    ck_assert_uint_eq(rule->n_until, 1);
    ck_assert(rule->until[0].below);
    ck_assert_int_eq(rule->confirm, POLICY_VERDICTS);
    ck_assert_uint_eq(rule->confirm_n, 2);
    ck_assert_int_eq(rule->response, POLICY_DO);
    ck_assert_int_eq(rule->action.kind, ACTION_CRASH);
    ck_assert_double_eq(rule->action.depth_m, 0.3e-9);
    ck_assert_double_eq(rule->action.speed_m_per_s, 1e-9);
    ck_assert_double_eq(rule->action.bias_v, -20e-3);
    ck_assert_double_eq(rule->action.x_frac, -1);
    ck_assert_int_eq(rule->ramp.parameter, action_parameter_find(ACTION_CRASH, "depth"));
    ck_assert_uint_eq(rule->at_most_per_site, 2);
    ck_assert_uint_eq(rule->at_most_per_episode, 0);
    ck_assert_int_eq(policy.rules[0].when[0].label, POLICY_WANTED);
    ck_assert_int_eq(policy.rules[0].confirm, POLICY_FRAMES);
    ck_assert_int_eq(policy.rules[2].response, POLICY_PARK);
    ck_assert_uint_eq(policy.rules[2].n_when, 0);
    /* Defaults. */
    ck_assert_uint_eq(policy.min_lines, 24);
    ck_assert(policy.watch_after_good);
    ck_assert_double_eq(policy.budget.night_s, 43200);
    ck_assert_double_eq(policy.guards.over_current_a, 3e-9);
    ck_assert_double_eq(policy.settle.after_approach_s, 120);
    ck_assert_double_eq(policy.sites.reach_m, 250e-9);
}
END_TEST

static const char *const shipped[] = {
    "h-si-100",
    "nottingham",
    "observe-only",
    "si-111-7x7",
    "au-111",
    "cu-111",
    "baselines/no-action",
    "baselines/always",
    "baselines/full-frame",
    "baselines/random",
    "baselines/broad-ladder",
    "baselines/broad-learn",
    "baselines/nist-ladder",
    "baselines/rashidi-wolkow",
    "baselines/deepspm-list",
    "baselines/oracle",
    "baselines/regression-20",
    "baselines/regression-40",
    "baselines/regression-whole",
};
enum { N_SHIPPED = sizeof(shipped) / sizeof(shipped[0]) };

static void load_shipped(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), POLICY_DIR "/%s.yaml", name);
    int rc = policy_load(path, &policy, &errors);
    if (rc != 0)
        policy_errors_print(&errors, path, stderr);
    ck_assert_int_eq(rc, 0);
}

START_TEST(shipped_policies_are_accepted)
{
    const char *file = strrchr(shipped[_i], '/');
    load_shipped(shipped[_i]);
    ck_assert_str_eq(policy.name, file ? file + 1 : shipped[_i]);
}
END_TEST

static int count_files(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += strstr(entry->d_name, ".yaml") != NULL;
    closedir(dir);
    return n;
}

START_TEST(no_shipped_policy_is_left_out)
{
    ck_assert_int_eq(count_files(POLICY_DIR) + count_files(POLICY_DIR "/baselines"), N_SHIPPED);
}
END_TEST

/* Every action that any shipped policy can ever propose lies inside its own limits. */
START_TEST(every_step_of_every_ramp_is_inside_the_limits)
{
    load_shipped(shipped[_i]);
    bool acts = strcmp(policy.profile_name, "observe_only") != 0;
    /* Rules that are off for want of necking must fit as well once it is enabled. */
    policy.limits.allowed[ACTION_NECK] = 1;
    int n = 0;
    for (size_t i = 0; acts && i < policy.n_rules; i++) {
        struct action action;
        const struct action_parameter *parameter;
        for (uint32_t k = 0; k < 300; k++) {
            if (policy_rule_action(&policy.rules[i], k, &action) != 0)
                break;
            ck_assert_msg(action_check(&action, &policy.limits, &parameter) == 0,
                          "%s, rule %s, firing %u", shipped[_i], policy.rules[i].name, k);
            n++;
        }
    }
    ck_assert_int_gt(n, acts ? 5 : -1);
}
END_TEST

START_TEST(default_policy_is_the_documented_ladder)
{
    ck_assert_int_eq(policy_load(POLICY_DIR "/h-si-100.yaml", &policy, &errors), 0);
    ck_assert(policy.accept[NN_LABEL_INDIVIDUAL_ATOMS] && policy.accept[NN_LABEL_DIMERS]);
    ck_assert(!policy.accept[NN_LABEL_ASYMMETRIES] && !policy.accept[NN_LABEL_ROWS]);
    ck_assert_int_eq(policy.limits.allowed[ACTION_NECK], 0);
    ck_assert_int_eq(policy.rules[0].response, POLICY_GOOD);
    const struct policy_rule *crash = NULL, *again = NULL;
    for (size_t i = 0; i < policy.n_rules; i++) {
        if (strcmp(policy.rules[i].name, "bad") == 0)
            crash = &policy.rules[i];
        if (strcmp(policy.rules[i].name, "bad-again") == 0)
            again = &policy.rules[i];
    }
    ck_assert(crash && again && crash < again);
    struct action action;
    ck_assert_int_eq(policy_rule_action(crash, 0, &action), 0);
    ck_assert_double_eq(action.depth_m, 0.7e-9);
    ck_assert_int_eq(policy_rule_action(crash, 5, &action), 0);
    ck_assert_double_eq(action.depth_m, 0.95e-9);
    ck_assert_int_eq(policy_rule_action(crash, 6, &action), -ERANGE);
    ck_assert_int_eq(policy_rule_action(again, 33, &action), 0);
    ck_assert_double_eq(action.depth_m, 1e-9);
    /* Nothing in it presses harder than that. */
    for (size_t i = 0; i < policy.n_rules; i++)
        if (policy_rule_action(&policy.rules[i], 0, &action) == 0 && action.kind == ACTION_CRASH)
            ck_assert_double_le(action.depth_m, 1e-9);
}
END_TEST

START_TEST(observe_only_can_send_nothing_to_the_tip)
{
    ck_assert_int_eq(policy_load(POLICY_DIR "/observe-only.yaml", &policy, &errors), 0);
    ck_assert(!policy.limits.allowed[ACTION_PULSE] && !policy.limits.allowed[ACTION_CRASH] &&
              !policy.limits.allowed[ACTION_NECK]);
    for (size_t i = 0; i < policy.n_rules; i++)
        ck_assert(policy.rules[i].mode != POLICY_ACTIVE || policy.rules[i].response == POLICY_GOOD);
}
END_TEST

static const struct policy_rule pulse_ramp = {
    .response = POLICY_DO,
    .action = {.kind = ACTION_PULSE, .voltage_v = 2.3, .duration_s = 50e-3, .count = 1},
    .ramp = {.parameter = 0, .from = 2.3, .to = 3.8, .step = 0.3},
    .flip_sign_every = 2,
};

START_TEST(ramp_and_sign)
{
    static const double expected[] = {2.3, 2.6, -2.9, -3.2, 3.5, 3.8};
    struct action action;
    ck_assert_uint_eq(policy_rule_steps(&pulse_ramp), 6);
    for (uint32_t k = 0; k < 6; k++) {
        ck_assert_int_eq(policy_rule_action(&pulse_ramp, k, &action), 0);
        ck_assert_double_eq_tol(action.voltage_v, expected[k], 1e-12);
        ck_assert_double_eq(action.duration_s, 50e-3);
    }
    ck_assert_double_eq(action.voltage_v, 3.8);
    action.voltage_v = 9;
    ck_assert_int_eq(policy_rule_action(&pulse_ramp, 6, &action), -ERANGE);
    ck_assert_int_eq(policy_rule_action(&pulse_ramp, UINT32_MAX, &action), -ERANGE);
    ck_assert_double_eq(action.voltage_v, 9);
}
END_TEST

/* Rounding never carries a ramp past its end, which may be the very bound. */
START_TEST(ramps_end_exactly)
{
    srand(6);
    for (int i = 0; i < 5000; i++) {
        int first = 1 + rand() % 100, steps = 1 + rand() % 50, step = 1 + rand() % 40;
        double unit = i % 2 ? 1e-11 : 0.01;
        struct policy_rule rule = {.response = POLICY_DO, .action = {.kind = ACTION_CRASH}};
        struct action action;
        rule.ramp =
            (struct policy_ramp){0, first * unit, (first + steps * step) * unit, step * unit};
        ck_assert_uint_eq(policy_rule_steps(&rule), (uint32_t)steps + 1);
        for (uint32_t k = 0; k < (uint32_t)steps; k++) {
            ck_assert_int_eq(policy_rule_action(&rule, k, &action), 0);
            ck_assert_double_ge(action.depth_m, rule.ramp.from);
            ck_assert_double_lt(action.depth_m, rule.ramp.to);
        }
        ck_assert_int_eq(policy_rule_action(&rule, (uint32_t)steps, &action), 0);
        ck_assert(action.depth_m == rule.ramp.to);
    }
}
END_TEST

/* What the lint must let pass: as close to its errors as a sound policy comes. */
static const char *const accepted[] = {
    /* A longer confirmation first hides nothing. */
    "  - {name: good, when: [wanted >= 0.70, bad_blurry < 0.30], confirm: 5 frames, then: good}\n"
    "  - {name: soon, when: [wanted >= 0.80, bad_blurry < 0.20], confirm: 2 frames, then: good}\n"
    "  - {name: c, when: [bad_blurry >= 0.35], then: crash, depth: 0.3 nm, at_most: "
    "{per_episode: 3}}\n"
    "  - {name: stop, when: always, confirm: 6 frames, then: park}\n",
    /* A stop may stand anywhere: it answers once it is confirmed. */
    "  - {name: good, when: [wanted >= 0.70, bad_blurry < 0.30], confirm: 3 frames, then: good}\n"
    "  - {name: stop, when: [bad_blurry >= 0.40], confirm: 9 frames, then: hold}\n"
    "  - {name: c, when: [bad_blurry >= 0.50], confirm: 1 verdict, then: crash, depth: 0.3 nm, "
    "at_most: {per_episode: 3}}\n",
    /* A limited rule hides nothing either, nor one that only advises. */
    "  - {name: good, when: [wanted >= 0.70, bad_blurry < 0.30], confirm: 3 frames, then: good}\n"
    "  - {name: halt, when: [bad_blurry >= 0.40], then: hold, mode: advise}\n"
    "  - {name: look, when: [bad_blurry >= 0.40], then: new_area, at_most: {per_episode: 1}}\n"
    "  - {name: c, when: [bad_blurry >= 0.50], then: crash, depth: {from: 2.0 nm, to: 0.1 nm, "
    "step: -0.1 nm}}\n"
    "  - {name: stop, when: always, confirm: 6 frames, then: park}\n",
    /* A chance that is sure may be called good on a verdict. */
    "  - {name: good, when: [sure_good], confirm: 1 verdict, then: good}\n"
    "  - {name: c, when: [sure_bad], confirm: 1 verdict, then: crash, depth: 0.3 nm, at_most: "
    "{per_episode: 3}}\n"
    "  - {name: stop, when: always, confirm: 6 frames, then: park}\n"
    "sure: {act_on_good: 0.01, accept_bad: 0.1}\nstrategy: learn\n"
    "decide: {look_first: 40 lines}\n",
};

START_TEST(sound_policies_pass_the_lint)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "policy_version: 1\nname: x\nprofile: h_si_100\naccept: {labels: [dimers]}\nrules:\n"
             "%s",
             accepted[_i]);
    int rc = policy_parse("p", text, strlen(text), &policy, &errors);
    ck_assert_msg(rc == 0, "%s", errors.n ? errors.list[0].message : "");
}
END_TEST

START_TEST(words_for_being_sure_have_the_policys_numbers)
{
    static const char text[] =
        "policy_version: 1\nname: x\nprofile: h_si_100\naccept: {labels: [dimers]}\nrules:\n"
        "  - {name: good, when: [sure_good], confirm: 1 verdict, then: good}\n"
        "  - {name: stop, when: [sure_bad, tip_good < 0.5], then: park}\n"
        "sure: {act_on_good: 0.004, accept_bad: 0.1, tip_lasts: 20 min}\n"
        "strategy: random\ndecide: {look_first: 40 lines}\n";
    ck_assert_int_eq(policy_parse("p", text, strlen(text), &policy, &errors), 0);
    ck_assert_int_eq(policy.rules[0].when[0].label, POLICY_TIP_GOOD);
    ck_assert(!policy.rules[0].when[0].below);
    ck_assert_double_eq_tol(policy.rules[0].when[0].threshold, 0.9, 1e-12);
    ck_assert(policy.rules[1].when[0].below);
    ck_assert_double_eq(policy.rules[1].when[0].threshold, 0.004);
    ck_assert_double_eq(policy.rules[1].when[1].threshold, 0.5);
    ck_assert_double_eq(policy.sure.tip_lasts_s, 1200);
    ck_assert_double_eq(policy.sure.frames_alike, 0.6);
    ck_assert_double_eq(policy.sure.places_alike, 0.5);
    ck_assert_int_eq(policy.strategy, POLICY_RANDOM);
    ck_assert_uint_eq(policy.look_first_lines, 40);
    ck_assert_uint_eq(policy.look_first_frames, 0);
}
END_TEST

START_TEST(falling_ramp_and_no_ramp)
{
    struct policy_rule rule = {.response = POLICY_DO,
                               .action = {.kind = ACTION_NECK, .voltage_v = 10},
                               .ramp = {.parameter = 0, .from = 10, .to = 4, .step = -1}};
    struct action action;
    ck_assert_uint_eq(policy_rule_steps(&rule), 7);
    ck_assert_int_eq(policy_rule_action(&rule, 1, &action), 0);
    ck_assert_double_eq(action.voltage_v, 9);
    ck_assert_int_eq(policy_rule_action(&rule, 6, &action), 0);
    ck_assert_double_eq(action.voltage_v, 4);
    rule.ramp.parameter = -1;
    ck_assert_uint_eq(policy_rule_steps(&rule), 0);
    ck_assert_int_eq(policy_rule_action(&rule, 12345, &action), 0);
    ck_assert_double_eq(action.voltage_v, 10);
    rule.response = POLICY_HOLD;
    ck_assert_int_eq(policy_rule_action(&rule, 0, &action), -EINVAL);
}
END_TEST

START_TEST(hash_is_of_the_bytes)
{
    static const char text[] = "policy_version: 1\nname: o\nprofile: observe_only\n"
                               "accept: {labels: [rows]}\nrules:\n"
                               "- {name: g, when: [rows >= 0.6], confirm: 1 frame, then: good}\n";
    char other[sizeof(text) + 1];
    ck_assert_int_eq(policy_parse("a", text, strlen(text), &policy, &errors), 0);
    /* sha256sum of the same bytes. */
    ck_assert_str_eq(policy.hash,
                     "10f6de3e9901cd27fdce72ee9554ecb7e2aa79246b32aba6a6e1644cbc920243");
    policy_errors_finish(&errors);
    struct policy again;
    memset(&again, 0, sizeof(again));
    ck_assert_int_eq(policy_parse("a", text, strlen(text), &again, &errors), 0);
    ck_assert_int_eq(memcmp(&again, &policy, sizeof(policy)), 0);
    policy_errors_finish(&errors);
    snprintf(other, sizeof(other), "%s ", text);
    ck_assert_int_eq(policy_parse("a", other, strlen(other), &again, &errors), 0);
    ck_assert_str_ne(again.hash, policy.hash);
}
END_TEST

START_TEST(unreadable_files)
{
    ck_assert_int_eq(policy_load(TEST_SOURCE_DIR "/no-such-file.yaml", &policy, &errors), -ENOENT);
    ck_assert_uint_eq(errors.n, 1);
    ck_assert_int_eq(errors.list[0].line, 0);
    policy_errors_finish(&errors);
    int rc = policy_load(TEST_SOURCE_DIR "/config", &policy, &errors);
    ck_assert_int_eq(rc, -EISDIR);
    policy_errors_finish(&errors);
    ck_assert_int_eq(policy_load("/dev/zero", &policy, &errors), -EINVAL);
    ck_assert_ptr_nonnull(strstr(errors.list[0].message, "larger than"));
}
END_TEST

/* Every prefix of a real policy, and the policy with any one byte changed, is answered in order. */
START_TEST(damaged_policies_never_surprise)
{
    char *text = malloc(TEXT_MAX);
    size_t size = read_whole(POLICY_DIR "/h-si-100.yaml", text);
    srand(2);
    for (size_t i = 0; i < 1500; i++) {
        size_t at = (size_t)rand() % size;
        char kept = text[at];
        size_t n = i % 3 == 0 ? at : size;
        text[at] = (char)(i % 3 == 2 ? "[]{}:,&*!|>'\"%@`-# \t\n"[rand() % 22] : rand() % 256);
        int rc = policy_parse("p", text, n, &policy, &errors);
        ck_assert(rc == 0 || rc == -EINVAL);
        ck_assert((rc == 0) == (errors.found == 0));
        for (size_t k = 0; k < errors.n; k++)
            ck_assert_int_ge(errors.list[k].width, 1);
        policy_errors_finish(&errors);
        text[at] = kept;
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tc = tcase_create("policy");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bad_policies_are_refused_at_the_right_place);
    tcase_add_test(tc, the_good_base_is_accepted);
    tcase_add_loop_test(tc, shipped_policies_are_accepted, 0, N_SHIPPED);
    tcase_add_test(tc, no_shipped_policy_is_left_out);
    tcase_add_loop_test(tc, every_step_of_every_ramp_is_inside_the_limits, 0, N_SHIPPED);
    tcase_add_test(tc, default_policy_is_the_documented_ladder);
    tcase_add_test(tc, observe_only_can_send_nothing_to_the_tip);
    tcase_add_test(tc, ramp_and_sign);
    tcase_add_test(tc, ramps_end_exactly);
    tcase_add_test(tc, falling_ramp_and_no_ramp);
    tcase_add_loop_test(tc, sound_policies_pass_the_lint, 0,
                        sizeof(accepted) / sizeof(accepted[0]));
    tcase_add_test(tc, hash_is_of_the_bytes);
    tcase_add_test(tc, unreadable_files);
    tcase_add_test(tc, words_for_being_sure_have_the_policys_numbers);
    tcase_add_test(tc, damaged_policies_never_surprise);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
