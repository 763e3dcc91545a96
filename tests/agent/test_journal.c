/* The journal in one process: identity, intents and outcomes, budgets, nights, the record. */
#include "agent/journal.h"
#include "agent/journal_read.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static char directory[64];
static char error[256];
static struct journal *journal;
static struct journal_boot boot;
static struct policy policy;
static struct verdict verdict;

static int try_open(bool new_night)
{
    const struct journal_options options = {.directory = directory,
                                            .new_night = new_night,
                                            .policy_hash = "abc",
                                            .policy_name = "test",
                                            .model_hash = "def"};
    error[0] = '\0';
    return journal_open(&options, 1000, &journal, &boot, error, sizeof(error));
}

static void open_journal(bool new_night)
{
    ck_assert_msg(try_open(new_night) == 0, "%s", error);
}

static void reopen(bool new_night)
{
    journal_close(journal);
    journal = NULL;
    open_journal(new_night);
}

static void setup(void)
{
    strcpy(directory, "/tmp/tipwright-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    memset(&policy, 0, sizeof(policy));
    strcpy(policy.hash, "abc");
    verdict = (struct verdict){.seq = 7,
                               .scan = 2,
                               .run = 19,
                               .cycle = 1,
                               .trace = SCAN_FORWARD_UP,
                               .line = 23,
                               .lines_seen = 24,
                               .lines_due = 24,
                               .lines_total = 64};
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        verdict.p[i] = 0.125f * (float)i;
        verdict.p_other[i] = NAN;
    }
    journal = NULL;
    open_journal(false);
}

static void teardown(void)
{
    char command[96];
    journal_close(journal);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static struct policy_rule *add_rule(const char *name, enum policy_response response)
{
    struct policy_rule *rule = &policy.rules[policy.n_rules++];
    *rule = (struct policy_rule){.response = response, .line = 5};
    strcpy(rule->name, name);
    return rule;
}

static struct journal_intent make_intent(enum action_kind kind, int64_t t_s)
{
    return (struct journal_intent){.session = "0123456789abcdef",
                                   .epoch = boot.epoch,
                                   .site = 1,
                                   .episode = 1,
                                   .action = action_default(kind),
                                   .who = "policy",
                                   .rule = 0,
                                   .rule_name = "bad",
                                   .rule_line = 5,
                                   .policy_hash = "abc",
                                   .verdict = &verdict,
                                   .why = "bad 0.9",
                                   .t_night_ns = t_s * SECOND,
                                   .t_utc_us = 5};
}

static uint64_t intend(const struct journal_intent *intent)
{
    uint64_t id = 0;
    ck_assert_int_eq(journal_intent(journal, intent, &id), 0);
    return id;
}

static uint64_t act(enum action_kind kind, int64_t t_s)
{
    const struct journal_intent intent = make_intent(kind, t_s);
    return intend(&intent);
}

static int finish(uint64_t id, enum command_state state)
{
    return journal_outcome(journal, id, state, false, "", SECOND, 6);
}

static struct budget_use use_at(uint32_t site, uint32_t episode, int64_t t_s)
{
    struct budget_use use;
    ck_assert_int_eq(journal_use(journal, &policy, site, episode, t_s * SECOND, &use), 0);
    return use;
}

START_TEST(test_identity_rises)
{
    ck_assert_uint_eq(boot.boot, 1);
    ck_assert_uint_eq(boot.epoch, 1);
    ck_assert_uint_eq(boot.night, 1);
    ck_assert_uint_eq(boot.site, 1);
    ck_assert_uint_eq(boot.episode, 1);
    ck_assert_int_eq(boot.t_night_ns, 0);
    ck_assert_int_eq(boot.parked, JOURNAL_NOT_PARKED);
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 1);
    uint64_t epoch;
    ck_assert_int_eq(journal_raise_epoch(journal, &epoch), 0);
    ck_assert_uint_eq(epoch, 2);
    boot.epoch = epoch;
    ck_assert_uint_eq(act(ACTION_PULSE, 2), 2);
    reopen(false);
    ck_assert_uint_eq(boot.boot, 2);
    ck_assert_uint_eq(boot.epoch, 3);
    ck_assert_uint_eq(boot.night, 1);
    ck_assert_uint_eq(act(ACTION_PULSE, 3), 3);
    reopen(true);
    ck_assert_uint_eq(boot.night, 2);
    ck_assert_uint_eq(act(ACTION_PULSE, 3), 4);
}
END_TEST

START_TEST(test_numbers_go_on_above_an_instruments)
{
    uint64_t epoch;
    ck_assert_int_eq(journal_raise_above(journal, 57, 9, &epoch), 0);
    ck_assert_uint_eq(epoch, 10);
    reopen(false);
    ck_assert_uint_eq(boot.epoch, 11);
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 58);
    ck_assert_int_eq(journal_raise_above(journal, 12, 3, &epoch), 0);
    ck_assert_uint_eq(epoch, 11); /* already above: nothing changes */
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 59);
    ck_assert_int_eq(journal_raise_above(journal, UINT64_MAX, 3, &epoch), -ERANGE);
}
END_TEST

START_TEST(test_an_id_for_a_command_that_is_no_action)
{
    uint64_t id, epoch;
    struct budget_use none = {0}, use;
    ck_assert_int_eq(journal_draw_id(journal, &id, &epoch), 0);
    ck_assert_uint_eq(id, 1);
    ck_assert_uint_eq(epoch, 2);
    use = use_at(1, 1, 0);
    ck_assert_mem_eq(&use, &none, sizeof(use));
    reopen(false);
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 2); /* not drawn again */
    ck_assert_int_eq(journal_draw_id(journal, &id, &epoch), 0);
    ck_assert_uint_eq(id, 3);
}
END_TEST

START_TEST(test_second_agent_is_refused)
{
    struct journal *first = journal;
    ck_assert_int_eq(try_open(false), -EBUSY);
    ck_assert_ptr_nonnull(strstr(error, "another agent"));
    ck_assert_ptr_eq(journal, first);
    pid_t child = fork();
    if (child == 0)
        _exit(try_open(false) == -EBUSY ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 1); /* and the first goes on */
}
END_TEST

START_TEST(test_open_actions_come_back_as_they_were)
{
    struct journal_open_action list[2];
    size_t n = 9;
    ck_assert_int_eq(journal_open_actions(journal, list, 2, &n), 0);
    ck_assert_uint_eq(n, 0);
    struct journal_intent intent = make_intent(ACTION_CRASH, 1);
    intent.action.depth_m = 0.1 + 0.2;
    intent.action.x_frac = -1.0 / 3;
    uint64_t first = intend(&intent);
    uint64_t second = act(ACTION_PULSE, 2);
    reopen(false);
    ck_assert_int_eq(journal_open_actions(journal, list, 2, &n), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(list[0].id, first);
    ck_assert_uint_eq(list[1].id, second);
    ck_assert_str_eq(list[0].session, "0123456789abcdef");
    ck_assert_mem_eq(&list[0].action.voltage_v, &intent.action.voltage_v,
                     sizeof(intent.action) - offsetof(struct action, voltage_v));
    ck_assert_int_eq(list[0].action.kind, ACTION_CRASH);
    ck_assert_int_eq(journal_open_actions(journal, list, 1, &n), -ENOSPC);
    ck_assert_int_eq(finish(first, COMMAND_DONE), 0);
    reopen(false);
    ck_assert_int_eq(journal_open_actions(journal, list, 2, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(list[0].id, second);
}
END_TEST

START_TEST(test_the_first_outcome_stands)
{
    uint64_t id = act(ACTION_PULSE, 1);
    ck_assert_int_eq(finish(id, COMMAND_STARTED), -EINVAL);
    ck_assert_int_eq(finish(id + 1, COMMAND_DONE), -ENOENT);
    ck_assert_int_eq(finish(0, COMMAND_DONE), -EINVAL);
    ck_assert_int_eq(finish(id, COMMAND_UNKNOWN), 0);
    ck_assert_int_eq(finish(id, COMMAND_DONE), -EALREADY);
    reopen(false);
    ck_assert_int_eq(finish(id, COMMAND_DONE), -EALREADY);
}
END_TEST

START_TEST(test_unfit_intents_are_refused)
{
    struct journal_intent intent = make_intent(ACTION_PULSE, 1);
    uint64_t id = 99;
    intent.action.voltage_v = (double)NAN;
    ck_assert_int_eq(journal_intent(journal, &intent, &id), -EINVAL);
    intent.action.voltage_v = HUGE_VAL;
    ck_assert_int_eq(journal_intent(journal, &intent, &id), -EINVAL);
    intent = make_intent(ACTION_PULSE, 1);
    intent.action.kind = ACTION_KIND_COUNT;
    ck_assert_int_eq(journal_intent(journal, &intent, &id), -EINVAL);
    /* Made before a hold, written after it. */
    intent = make_intent(ACTION_PULSE, 1);
    uint64_t epoch;
    ck_assert_int_eq(journal_raise_epoch(journal, &epoch), 0);
    ck_assert_int_eq(journal_intent(journal, &intent, &id), -ESTALE);
    ck_assert_uint_eq(id, 99);
    boot.epoch = epoch;
    ck_assert_uint_eq(act(ACTION_PULSE, 1), 1);
}
END_TEST

START_TEST(test_budgets_count_from_the_intent_on)
{
    struct journal_intent three = make_intent(ACTION_PULSE, 10);
    three.action.count = 3;
    intend(&three);
    act(ACTION_CRASH, 20);
    act(ACTION_APPROACH, 30);
    act(ACTION_NECK, 40);
    act(ACTION_REIMAGE, 50);
    struct journal_intent elsewhere = make_intent(ACTION_CRASH, 4000);
    elsewhere.site = 2;
    elsewhere.episode = 2;
    uint64_t id = intend(&elsewhere);
    struct journal_intent retract = make_intent(ACTION_RETRACT, 4010);
    intend(&retract);
    retract.action.coarse_steps = 5;
    intend(&retract);
    ck_assert_int_eq(journal_outcome(journal, id, COMMAND_FAILED, true, "", 1, 1), 0);
    for (int pass = 0; pass < 3; pass++) {
        struct budget_use use = use_at(1, 1, 4020);
        ck_assert_uint_eq(use.actions_site, 4);
        ck_assert_uint_eq(use.actions_episode, 4);
        ck_assert_uint_eq(use.actions_night, 5);
        ck_assert_uint_eq(use.actions_hour, 1);
        ck_assert_uint_eq(use.pulses_episode, 3);
        ck_assert_uint_eq(use.pulses_night, 3);
        ck_assert_uint_eq(use.pulses_hour, 0);
        ck_assert_uint_eq(use.crashes_episode, 1);
        ck_assert_uint_eq(use.necks_night, 1);
        ck_assert_uint_eq(use.coarse_moves_night, 1);
        ck_assert_uint_eq(use.crash_detections_night, 1);
        ck_assert_uint_eq(use_at(2, 2, 4020).actions_site, 1);
        ck_assert_uint_eq(use_at(2, 2, 4020).actions_episode, 1);
        ck_assert_uint_eq(use_at(1, 1, 3609).pulses_hour, 3);
        ck_assert_uint_eq(use_at(1, 1, 3610).pulses_hour, 0);
        ck_assert_uint_eq(use_at(1, 1, 0).actions_hour, 5); /* a clock gone back frees nothing */
        reopen(false);
    }
    reopen(true);
    struct budget_use use = use_at(1, 1, 0), none = {0};
    ck_assert_mem_eq(&use, &none, sizeof(use));
}
END_TEST

static void record_decision(int rule, enum policy_response response, const char *guard)
{
    const struct decision decision = {
        .kind = DECISION_RULE, .rule = rule, .response = response, .why = "because"};
    ck_assert_int_eq(journal_decision(journal, &policy, &decision, &verdict, guard, NULL), 0);
}

START_TEST(test_firings_follow_the_rules_names)
{
    add_rule("bad", POLICY_DO)->action = action_default(ACTION_PULSE);
    add_rule("wait", POLICY_WAIT);
    add_rule("away", POLICY_NEW_AREA);
    act(ACTION_PULSE, 1);
    act(ACTION_PULSE, 2);
    act(ACTION_REIMAGE, 3); /* of rule "bad", whose site was spent: not a firing of it */
    struct journal_intent away = make_intent(ACTION_REIMAGE, 4);
    away.rule = 2;
    away.rule_name = "away";
    intend(&away);
    struct journal_intent by_hand = make_intent(ACTION_PULSE, 4);
    by_hand.rule = -1;
    intend(&by_hand);
    record_decision(1, POLICY_WAIT, NULL);
    record_decision(1, POLICY_WAIT, "not-armed"); /* said, but not done */
    ck_assert_int_eq(journal_place(journal, 2, 1, 5 * SECOND), 0);
    record_decision(1, POLICY_WAIT, NULL);
    struct budget_use use = use_at(1, 1, 10);
    ck_assert_uint_eq(use.fired_site[0], 2);
    ck_assert_uint_eq(use.fired_episode[0], 2);
    ck_assert_uint_eq(use.fired_site[1], 1);
    ck_assert_uint_eq(use.fired_episode[1], 2);
    ck_assert_uint_eq(use.fired_episode[2], 1);
    ck_assert_uint_eq(use_at(2, 1, 10).fired_site[0], 0);
    ck_assert_uint_eq(use_at(2, 1, 10).fired_episode[0], 2);
    ck_assert_uint_eq(use_at(1, 2, 10).fired_episode[0], 0);
    /* A reload that puts another rule first. */
    struct policy_rule bad = policy.rules[0];
    policy.rules[0] = policy.rules[1];
    policy.rules[1] = bad;
    use = use_at(1, 1, 10);
    ck_assert_uint_eq(use.fired_site[1], 2);
    ck_assert_uint_eq(use.fired_site[0], 1);
}
END_TEST

START_TEST(test_the_night_clock_never_goes_back)
{
    ck_assert_int_eq(journal_place(journal, 3, 2, 100 * SECOND), 0);
    ck_assert_int_eq(journal_flush(journal), 0);
    ck_assert_int_eq(journal_place(journal, 3, 2, 50 * SECOND), 0);
    reopen(false);
    ck_assert_int_eq(boot.t_night_ns, 100 * SECOND);
    ck_assert_uint_eq(boot.site, 3);
    ck_assert_uint_eq(boot.episode, 2);
    act(ACTION_PULSE, 120);
    act(ACTION_PULSE, 110);
    ck_assert_int_eq(journal_event(journal, "hold", "op", "", 130 * SECOND, 1), 0);
    reopen(false);
    ck_assert_int_eq(boot.t_night_ns, 130 * SECOND);
}
END_TEST

START_TEST(test_an_ended_night_stays_ended)
{
    ck_assert_int_eq(journal_end_night(journal, "budget", "spent", 9 * SECOND, 1), 0);
    ck_assert_int_eq(journal_end_night(journal, "good", "late", 9 * SECOND, 1), -EALREADY);
    for (int i = 0; i < 2; i++) {
        reopen(false);
        ck_assert_uint_eq(boot.night, 1);
        ck_assert_int_eq(boot.parked, JOURNAL_PARKED);
    }
    reopen(true);
    ck_assert_uint_eq(boot.night, 2);
    ck_assert_int_eq(boot.parked, JOURNAL_NOT_PARKED);
    ck_assert_int_eq(boot.t_night_ns, 0);
    ck_assert_uint_eq(boot.site, 1);
    reopen(true); /* the open night is ended by the next */
    ck_assert_uint_eq(boot.night, 3);
    reopen(false);
    ck_assert_uint_eq(boot.night, 3);
    ck_assert_int_eq(boot.parked, JOURNAL_NOT_PARKED);
}
END_TEST

START_TEST(test_spots)
{
    struct journal_spot spots[4];
    size_t n;
    ck_assert_int_eq(journal_spot_add(journal, 1, &(struct journal_spot){.x_m = 0}), 0);
    ck_assert_int_eq(journal_spot_add(journal, 2, &(struct journal_spot){50e-9, -25e-9, 0, 0, 0}),
                     0);
    act(ACTION_PULSE, 1);
    act(ACTION_CRASH, 1);
    act(ACTION_REIMAGE, 1);
    reopen(false);
    ck_assert_int_eq(journal_spots(journal, spots, 4, &n), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(spots[0].actions, 2);
    ck_assert_uint_eq(spots[1].actions, 0);
    ck_assert_double_eq(spots[1].x_m, 50e-9);
    ck_assert_double_eq(spots[1].y_m, -25e-9);
    ck_assert_int_eq(journal_spots(journal, spots, 1, &n), -ENOSPC);
    /* The map's newest page alone is used, with its circles. */
    ck_assert_int_eq(journal_spot_add(journal, 3, &(struct journal_spot){.page = 1}), 0);
    ck_assert_int_eq(
        journal_spot_add(journal, 3,
                         &(struct journal_spot){.x_m = 2e-9, .radius_m = 25e-9, .page = 1}),
        0);
    reopen(false);
    ck_assert_int_eq(journal_spots(journal, spots, 4, &n), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_double_eq(spots[0].radius_m, 0);
    ck_assert_double_eq(spots[1].radius_m, 25e-9);
    ck_assert_uint_eq(spots[1].page, 1);
    reopen(true);
    ck_assert_int_eq(journal_spots(journal, spots, 4, &n), 0);
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* Trials of all nights, of one profile, until they are forgotten. */
START_TEST(test_learned)
{
    static struct learned learned;
    const struct learn_trial trial = {
        .kind = ACTION_CRASH, .size = 0.35e-9, .seen = LEARN_BAD, .tried = 1};
    struct learn_trial worked = trial, elsewhere = trial;
    worked.worked = 1;
    elsewhere.seen = LEARN_ROWS;
    ck_assert_int_eq(journal_trial(journal, "h_si_100", &trial, 5), 0);
    ck_assert_int_eq(journal_trial(journal, "au_111", &worked, 5), 0);
    reopen(true);
    ck_assert_int_eq(journal_trial(journal, "h_si_100", &worked, 5), 0);
    ck_assert_int_eq(journal_trial(journal, "h_si_100", &elsewhere, 5), 0);
    ck_assert_int_eq(journal_learned(journal, "h_si_100", &learned), 0);
    ck_assert_uint_eq(learned.n_trials, 2);
    for (size_t i = 0; i < 2; i++) {
        bool bad = learned.trials[i].seen == LEARN_BAD;
        ck_assert_uint_eq(learned.trials[i].tried, bad ? 2 : 1);
        ck_assert_uint_eq(learned.trials[i].worked, bad ? 1 : 0);
        ck_assert_double_eq(learned.trials[i].size, 0.35e-9);
    }
    ck_assert_int_eq(journal_forget_learned(journal, 7), 0);
    ck_assert_int_eq(journal_trial(journal, "h_si_100", &worked, 9), 0);
    reopen(false);
    ck_assert_int_eq(journal_learned(journal, "h_si_100", &learned), 0);
    ck_assert_uint_eq(learned.n_trials, 1);
    ck_assert_uint_eq(learned.trials[0].tried, 1);
    ck_assert_int_eq(journal_learned(journal, "au_111", &learned), 0);
    ck_assert_uint_eq(learned.n_trials, 0);
}
END_TEST

static void collect(void *data, const char *line, const struct journal_cell *cells, size_t n)
{
    char *text = data;
    ck_assert_uint_gt(n, 0);
    ck_assert_ptr_nonnull(cells[0].name);
    strcat(text, line);
    strcat(text, "\n");
}

static void read_list(enum journal_list list, char *text)
{
    struct journal_reader *reader;
    text[0] = '\0';
    ck_assert_int_eq(journal_reader_open(directory, &reader, error, sizeof(error)), 0);
    ck_assert_msg(journal_reader_verify(reader, error, sizeof(error)) == 0, "%s", error);
    ck_assert_int_eq(journal_reader_list(reader, list, 0, collect, text), 0);
    journal_reader_close(reader);
}

START_TEST(test_the_record_is_read_beside_the_agent)
{
    static char text[4096];
    struct policy_rule *rule = add_rule("bad", POLICY_DO);
    rule->action = action_default(ACTION_CRASH);
    const struct decision decision = {.kind = DECISION_RULE,
                                      .rule = 0,
                                      .response = POLICY_DO,
                                      .action = rule->action,
                                      .why = "bad_blurry 0.910 >= 0.80"};
    const struct decision end = {.kind = DECISION_END, .rule = -1, .why = "time"};
    const struct journal_frame frame = {
        .scan = 2, .end = "complete", .picture = "", .last = verdict};
    ck_assert_int_eq(journal_verdict(journal, &verdict), 0);
    ck_assert_int_eq(journal_decision(journal, &policy, &decision, &verdict, "pass", "fine"), 0);
    ck_assert_int_eq(journal_decision(journal, &policy, &end, NULL, NULL, NULL), 0);
    ck_assert_int_eq(journal_event(journal, "hold", "operator:ann", "lunch", 0, 0), 0);
    ck_assert_int_eq(journal_frame(journal, &frame), 0);
    read_list(JOURNAL_DECISIONS, text);
    ck_assert_str_eq(text, ""); /* not yet flushed */
    uint64_t id = act(ACTION_CRASH, 1);
    ck_assert_int_eq(finish(id, COMMAND_DONE), 0);
    act(ACTION_PULSE, 2);
    read_list(JOURNAL_DECISIONS, text);
    ck_assert_str_eq(
        text,
        "scan 2 19_1 forward/up line 23 (24 of 64) asymmetries 0.0000 individual_atoms 0.1250 "
        "dimers 0.2500 rows 0.3750 tip_change 0.5000 bad_blurry 0.6250, site 1, episode 1: rule, "
        "rule bad (line 5), do, crash depth 0.3 nm, speed 1 nm/s, dwell 100 ms, bias 0 V, x -1, "
        "y -1, guard pass: bad_blurry 0.910 >= 0.80\n"
        "no verdict, site 1, episode 1: end: time\n");
    read_list(JOURNAL_ACTIONS, text);
    ck_assert_str_eq(
        text,
        "night 1 action 1 at 1.0 s, site 1, episode 1: crash 0.300 nm at 0.00 V by policy, rule "
        "bad (line 5): done: bad 0.9\n"
        "night 1 action 2 at 2.0 s, site 1, episode 1: pulse 2.30 V, 50 ms, 1 x by policy, rule "
        "bad (line 5): open: bad 0.9\n");
    read_list(JOURNAL_EVENTS, text);
    ck_assert_str_eq(text, "night 1 at 0.0 s, 1970-01-01T00:00:00Z: hold by operator:ann: lunch\n");
}
END_TEST

START_TEST(test_no_journal_there)
{
    struct journal_reader *reader;
    ck_assert_int_eq(journal_reader_open("/nonexistent", &reader, error, sizeof(error)), -ENOENT);
    ck_assert(error[0] != '\0');
    char path[96];
    journal_close(journal);
    journal = NULL;
    snprintf(path, sizeof(path), "%s/journal.sqlite", directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database", file);
    fclose(file);
    ck_assert_int_eq(try_open(false), -EBADMSG);
    ck_assert(error[0] != '\0');
}
END_TEST

/* Whoever edits the database by hand is noticed, whatever was edited. */
START_TEST(test_edits_are_noticed)
{
    static const char *const edits[] = {
        "DROP TRIGGER action_stays; DELETE FROM action WHERE id = 2",
        "DROP TRIGGER action_is_final; UPDATE action SET site = 9 WHERE id = 1",
        "UPDATE action SET site = 9 WHERE id = 1",
        "DELETE FROM action WHERE id = 2",
        "DELETE FROM outcome",
        "INSERT INTO action SELECT id + 5, night, boot, epoch, session, site, episode, who, rule, "
        "rule_name, rule_line, policy_hash, why, kind, voltage_v, duration_s, count, depth_m, "
        "speed_m_per_s, dwell_s, bias_v, current_a, coarse_steps, lateral_steps, x_frac, y_frac, "
        "dx_m, dy_m, seq, scan, run, cycle, trace, line, lines_seen, lines_due, lines_total, "
        "p_asymmetries, p_individual_atoms, p_dimers, p_rows, p_tip_change, p_bad_blurry, "
        "t_night_ns, t_utc_us, chain FROM action WHERE id = 1",
        "UPDATE place SET t_night_ns = 0",
        "UPDATE place SET site = 2",
        "DELETE FROM place",
        "UPDATE chain_head SET n = n - 1 WHERE name = 'action'",
        "INSERT INTO night VALUES (2, 3, 1, 1, zeroblob(32))",
        "DROP INDEX decision_fired",
        "CREATE TABLE more (x)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 2",
    };
    act(ACTION_PULSE, 1);
    ck_assert_int_eq(finish(1, COMMAND_DONE), 0);
    act(ACTION_CRASH, 2);
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        char copy[400], original[96];
        sqlite3 *db;
        journal_close(journal);
        journal = NULL;
        snprintf(original, sizeof(original), "%s/journal.sqlite", directory);
        snprintf(copy, sizeof(copy), "cp %s %s.kept", original, original);
        ck_assert_int_eq(system(copy), 0);
        ck_assert_int_eq(sqlite3_open(original, &db), SQLITE_OK);
        int code = sqlite3_exec(db, edits[i], NULL, NULL, NULL);
        sqlite3_close(db);
        if (code == SQLITE_CONSTRAINT) /* the triggers did not allow it: nothing has changed */
            open_journal(false);
        else
            ck_assert_msg(code == SQLITE_OK && try_open(false) == -EBADMSG && error[0], "%s: %d",
                          edits[i], code);
        journal_close(journal);
        journal = NULL;
        snprintf(copy, sizeof(copy), "rm -f %s-*; mv %s.kept %s", original, original, original);
        ck_assert_int_eq(system(copy), 0);
        open_journal(false);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_identity_rises);
    tcase_add_test(tcase, test_numbers_go_on_above_an_instruments);
    tcase_add_test(tcase, test_an_id_for_a_command_that_is_no_action);
    tcase_add_test(tcase, test_second_agent_is_refused);
    tcase_add_test(tcase, test_open_actions_come_back_as_they_were);
    tcase_add_test(tcase, test_the_first_outcome_stands);
    tcase_add_test(tcase, test_unfit_intents_are_refused);
    tcase_add_test(tcase, test_budgets_count_from_the_intent_on);
    tcase_add_test(tcase, test_firings_follow_the_rules_names);
    tcase_add_test(tcase, test_the_night_clock_never_goes_back);
    tcase_add_test(tcase, test_an_ended_night_stays_ended);
    tcase_add_test(tcase, test_spots);
    tcase_add_test(tcase, test_learned);
    tcase_add_test(tcase, test_the_record_is_read_beside_the_agent);
    tcase_add_test(tcase, test_no_journal_there);
    tcase_add_test(tcase, test_edits_are_noticed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
