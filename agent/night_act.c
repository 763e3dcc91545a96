/* From verdict to command: decide, guard, intent on disk, guard again, send. */
#include "agent/night_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_TTL_MS = 1000 };

/* ---- the intent ---- */

static void run_intent(struct worker_job *job)
{
    struct intent_job *intent = (struct intent_job *)job;
    struct journal *journal = intent->night->journal;
    intent->result = 0;
    if (intent->decision.kind != DECISION_NONE)
        intent->result = journal_decision(journal, intent->policy, &intent->decision,
                                          &intent->verdict, guard_verdict_name(GUARD_PASS), "");
    if (intent->result == 0)
        intent->result = journal_intent(journal, &intent->intent, &intent->id);
}

/* What stood when the intent was asked for may have fallen while it was written. */
static int check_again(struct night *night, const struct intent_job *intent, char *why, size_t size)
{
    struct guard_facts facts;
    if (intent->link_serial != night->link_serial || intent->hold_serial != night->hold_serial) {
        snprintf(why, size, "not sent: a hold or the link's loss came between");
        return -EACCES;
    }
    night_facts(night, intent->decision.kind == DECISION_NONE, &facts);
    return guard_action(night->policy, &night->limits, &facts, &intent->intent.action, why, size) ==
                   GUARD_PASS
               ? 0
               : -EACCES;
}

static struct night_open *note_open(struct night *night, const struct intent_job *intent)
{
    struct night_open *open = &night->open[night->n_open++];
    *open = (struct night_open){
        .id = intent->id, .action = intent->intent.action, .own = true, .heard_ns = night->now_ns};
    snprintf(open->session, sizeof(open->session), "%s", intent->session);
    snprintf(open->who, sizeof(open->who), "%s", intent->who);
    return open;
}

static void send_action(struct night *night, struct intent_job *intent)
{
    char why[MESSAGE_TEXT_MAX];
    struct command command = {.verb = COMMAND_ACTION,
                              .id = intent->id,
                              .epoch = intent->intent.epoch,
                              .ttl_ms = COMMAND_TTL_MS,
                              .action = intent->intent.action};
    int r = check_again(night, intent, why, sizeof(why));
    struct night_open *open = note_open(night, intent);
    if (r == 0) {
        r = agent_end_send(night->end, &command);
        if (r < 0)
            snprintf(why, sizeof(why), "not sent: %s", strerror(-r));
    }
    struct night_request request = {intent->who, intent->reply, intent->ctx};
    if (r == 0) {
        night_news(night, (struct night_news){.kind = NEWS_ACTION,
                                              .id = open->id,
                                              .action = &open->action,
                                              .action_state = -1,
                                              .who = intent->who,
                                              .text = intent->why});
        if (intent->reply)
            (void)night_wait(night, WISH_OUTCOME, intent->id, INT64_MAX, &request);
    } else {
        open->closing = true;
        night_record_outcome(night, open, COMMAND_CANCELLED, false, why);
        night_log(night, "command %llu not sent: %s", (unsigned long long)intent->id, why);
        night_reply(night, &request, r, why);
    }
}

static void intent_done(struct worker_job *job)
{
    struct intent_job *intent = (struct intent_job *)job;
    struct night *night = intent->night;
    bool message_waits = intent->message_waits;
    night->now_ns = (int64_t)uv_hrtime();
    intent->open = false;
    if (intent->result < 0) {
        struct night_request request = {intent->who, intent->reply, intent->ctx};
        night_journal_failed(night, intent->result);
        night_reply(night, &request, intent->result, "the journal could not be written");
    } else if (night->closing) {
        /* The intent stays without outcome: the next start asks, or counts it as spent. */
    } else {
        send_action(night, intent);
        night->frame_key = night->next_frame_key = true;
    }
    if (message_waits)
        night_message_done(night);
    night_finish_close(night);
}

int night_propose(struct night *night, const struct action *action, const struct decision *decision,
                  const struct night_request *request, char *why, size_t why_size)
{
    struct guard_facts facts;
    struct intent_job *intent = &night->intent;
    night_facts(night, decision->kind == DECISION_NONE, &facts);
    facts.command_open = facts.command_open || intent->open;
    enum guard_verdict verdict =
        guard_action(night->policy, &night->limits, &facts, action, why, why_size);
    if (verdict == GUARD_PASS && (night->ending || night->n_open == NIGHT_OPEN_MAX)) {
        snprintf(why, why_size, "the night is ending");
        verdict = GUARD_NIGHT_OVER;
    }
    night->last_guard = verdict;
    if (verdict != GUARD_PASS)
        return -EACCES;
    *intent = (struct intent_job){.job = {.run = run_intent, .done = intent_done},
                                  .night = night,
                                  .open = true,
                                  .message_waits = night->busy && decision->kind != DECISION_NONE,
                                  .decision = *decision,
                                  .verdict = night->course.verdict,
                                  .policy = night->policy,
                                  .link_serial = night->link_serial,
                                  .hold_serial = night->hold_serial,
                                  .reply = request->reply,
                                  .ctx = request->ctx};
    snprintf(intent->session, sizeof(intent->session), "%s", night->hello.session);
    snprintf(intent->who, sizeof(intent->who), "%s", request->who);
    snprintf(intent->why, sizeof(intent->why), "%s",
             decision->kind == DECISION_NONE ? "asked by the operator" : decision->why);
    const struct policy_rule *rule =
        decision->rule >= 0 ? &night->policy->rules[decision->rule] : NULL;
    intent->intent = (struct journal_intent){
        .session = intent->session,
        .epoch = night->epoch,
        .site = night->course.site,
        .episode = night->course.episode,
        .action = *action,
        .who = intent->who,
        .rule = decision->rule,
        .rule_name = rule ? rule->name : "",
        .rule_line = rule ? rule->line : 0,
        .policy_hash = night->policy->hash,
        .verdict = night->course.verdict.lines_total > 0 ? &intent->verdict : NULL,
        .why = intent->why,
        .t_night_ns = night->course.t_night_ns,
        .t_utc_us = night_utc_us()};
    worker_submit(night->worker, &intent->job);
    return 0;
}

/* ---- the decision ---- */

/* True: an intent is under way. */
static bool propose(struct night *night, const struct course_answer *answer)
{
    static const struct night_request policy_asks = {.who = "policy"};
    const struct decision *decision = &answer->decision;
    char why[160];
    bool passed =
        night_propose(night, &answer->action, decision, &policy_asks, why, sizeof(why)) == 0;
    course_acted(&night->course, answer, passed);
    if (passed)
        night_news(night,
                   (struct night_news){.kind = NEWS_DECISION, .decision = decision, .text = ""});
    else
        night_record_decision(night, decision, guard_verdict_name(night->last_guard), why);
    return passed;
}

/* What came of the last action goes on record as soon as it is known. */
static void record_trial(struct night *night)
{
    struct learn_trial trial;
    if (course_trial(&night->course, &trial))
        night_record_trial(night, &trial);
}

bool night_decide(struct night *night)
{
    struct course_answer answer;
    if (night->ending || night_command_open(night) || night->intent.open)
        return false;
    course_decide(&night->course, night_safety(night) == SAFETY_ARMED, &answer);
    if (answer.step == COURSE_NOTHING)
        return false;
    if (answer.step == COURSE_ACT) {
        bool acts = propose(night, &answer);
        record_trial(night);
        return acts;
    }
    record_trial(night);
    night_record_decision(night, &answer.decision, answer.guard, answer.guard_why);
    if (answer.became_good) {
        night->frame_key = true;
        night_log(night, "good tip: %s", answer.decision.why);
    }
    if (answer.new_episode)
        night_record_place(night);
    if (answer.step == COURSE_HOLD)
        night_enter_safety(night, SAFETY_HOLD, answer.hold_by, answer.hold_why);
    if (answer.step == COURSE_END)
        night_end(night, answer.end.how, answer.end.why, answer.end.exit_code);
    if (answer.is_good)
        night_changed(night);
    return false;
}

bool night_go_on(struct night *night)
{
    static const struct night_request policy_asks = {.who = "policy"};
    struct course_answer answer;
    if (night->ending || night_command_open(night) || night->intent.open)
        return false;
    course_go_on(&night->course, night_safety(night) == SAFETY_ARMED, &answer);
    if (answer.step == COURSE_SCAN)
        night_record_scan(night, &policy_asks, true);
    if (answer.step != COURSE_ACT)
        return false;
    if (propose(night, &answer))
        return true;
    night_enter_safety(night, SAFETY_HOLD, "agent", "a coarse move could not be finished");
    return false;
}

void night_check_time(struct night *night)
{
    struct course_end end;
    const char *withdrawn = night->latched >= SAFETY_RETRACT ? night->why : NULL;
    if (!night->ending && course_time_is_over(&night->course, withdrawn, &end))
        night_end(night, end.how, end.why, end.exit_code);
}
