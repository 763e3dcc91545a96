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
    bool by_policy = intent->decision.kind != DECISION_NONE;
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
    if (by_policy)
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
                                  .decision = *decision,
                                  .verdict = night->verdict,
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
    intent->intent =
        (struct journal_intent){.session = intent->session,
                                .epoch = night->epoch,
                                .site = night->site,
                                .episode = night->episode,
                                .action = *action,
                                .who = intent->who,
                                .rule = decision->rule,
                                .rule_name = rule ? rule->name : "",
                                .rule_line = rule ? rule->line : 0,
                                .policy_hash = night->policy->hash,
                                .verdict = night->verdict.lines_total > 0 ? &intent->verdict : NULL,
                                .why = intent->why,
                                .t_night_ns = night->t_night_ns,
                                .t_utc_us = night_utc_us()};
    worker_submit(night->worker, &intent->job);
    return 0;
}

/* ---- the decision ---- */

/* Good: told once, then watched. A new episode begins when something had been done for this one. */
static void answer_good(struct night *night, const struct decision *decision)
{
    night_record_decision(night, decision, "", "");
    if (!night->good) {
        night->good = true;
        night->frame_key = true;
        night_log(night, "good tip: %s", decision->why);
        if (!night->summary.good_found) {
            night->summary.good_found = true;
            night->summary.first_good = night->verdict;
            night->summary.actions_to_good = night->summary.actions;
        }
        if (night->use.actions_episode > 0) {
            night->episode++;
            night->best = 0;
            night->sites_without_gain = 0;
            night_record_place(night);
        }
    }
    night_new_window(night, false);
    if (night->options.end_at_good || !night->policy->watch_after_good)
        night_end(night, "good", decision->why, EXIT_OK);
    night_changed(night);
}

static int shape_action(struct night *night, const struct decision *decision,
                        struct action *ret_action)
{
    if (decision->response == POLICY_DO) {
        *ret_action = decision->action;
        return 0;
    }
    struct action action = action_default(ACTION_REIMAGE);
    int r = night_new_area(night, &action.dx_m, &action.dy_m);
    if (r == 0)
        *ret_action = action;
    return r;
}

/* True: an intent is under way. */
static bool answer_act(struct night *night, const struct decision *decision)
{
    static const struct night_request policy_asks = {.who = "policy"};
    struct action action;
    char why[160];
    if (shape_action(night, decision, &action) < 0) {
        night_record_decision(night, decision, guard_verdict_name(GUARD_BAD_AREA),
                              "no free place is left within reach");
        night_enter_safety(night, SAFETY_HOLD, "agent", "no free place is left within reach");
        return false;
    }
    if (night_propose(night, &action, decision, &policy_asks, why, sizeof(why)) == 0) {
        night_news(night,
                   (struct night_news){.kind = NEWS_DECISION, .decision = decision, .text = ""});
        return true;
    }
    night_record_decision(night, decision, guard_verdict_name(night->last_guard), why);
    return false;
}

/* Answers that need an armed night are otherwise only put on record. */
static bool answer_rule(struct night *night, const struct decision *decision)
{
    bool armed = night_safety(night) == SAFETY_ARMED;
    switch (decision->response) {
    case POLICY_DO:
    case POLICY_NEW_AREA:
        return answer_act(night, decision);
    case POLICY_GOOD:
        answer_good(night, decision);
        return false;
    case POLICY_WAIT:
        night_record_decision(night, decision, "", "");
        night_new_window(night, true);
        return false;
    case POLICY_HOLD:
    case POLICY_PARK:
        night_record_decision(night, decision,
                              guard_verdict_name(armed ? GUARD_PASS : GUARD_NOT_ARMED), "");
        if (armed && decision->response == POLICY_HOLD)
            night_enter_safety(night, SAFETY_HOLD, "policy", decision->why);
        else if (armed)
            night_end(night, "parked", decision->why, EXIT_PARKED);
        return false;
    }
    return false;
}

static void end_by_decision(struct night *night, const struct decision *decision)
{
    bool time = (double)night->t_night_ns * 1e-9 >= night->policy->budget.night_s;
    if (!time && night_safety(night) != SAFETY_ARMED) {
        night_record_decision(night, decision, guard_verdict_name(GUARD_NOT_ARMED), "");
        night_new_window(night, false);
        return;
    }
    night_record_decision(night, decision, "", "");
    night_end(night, time ? "time" : "budget", decision->why, night->good ? EXIT_OK : EXIT_NO_GOAL);
}

static void ask_policy(struct night *night, struct decision *ret_decision)
{
    struct situation situation = {.verdicts = night->window,
                                  .n_verdicts = night->n_window,
                                  .use = night->use,
                                  .engaged = night->engaged,
                                  .sites_without_gain = night->sites_without_gain,
                                  .t_night_ns = night->t_night_ns};
    decide(night->policy, &situation, ret_decision);
}

bool night_decide(struct night *night)
{
    struct decision decision;
    if (night->ending || night_command_open(night) || night->intent.open)
        return false;
    /* Look before the first action, and after every start of either side. */
    if (night->frames_watched == 0)
        return false;
    ask_policy(night, &decision);
    switch (decision.kind) {
    case DECISION_NONE:
        night->engaged = decision.engaged;
        return false;
    case DECISION_ADVISE:
        night->engaged &= decision.engaged;
        night_record_decision(night, &decision, "advise", "");
        return false;
    case DECISION_END:
        end_by_decision(night, &decision);
        return false;
    case DECISION_RULE: {
        bool acts = answer_rule(night, &decision);
        bool sends = decision.response == POLICY_DO || decision.response == POLICY_NEW_AREA;
        /* A rule that was not let through has not fired. */
        night->engaged = acts || !sends ? decision.engaged : night->engaged & decision.engaged;
        return acts;
    }
    }
    return false;
}

void night_check_time(struct night *night)
{
    double limit_s = night->policy->budget.night_s;
    if (night->options.duration_s > 0 && night->options.duration_s < limit_s)
        limit_s = night->options.duration_s;
    if (night->ending || (double)night->t_night_ns * 1e-9 < limit_s)
        return;
    char why[160];
    snprintf(why, sizeof(why), "%.2f h of the night clock have passed",
             (double)night->t_night_ns / 3.6e12);
    /* A tip that had to be withdrawn was waiting for an operator who did not come. */
    if (night->latched >= SAFETY_RETRACT) {
        snprintf(why, sizeof(why), "%s", night->why);
        night_end(night, "parked", why, EXIT_PARKED);
        return;
    }
    night_end(night, "time", why, night->good ? EXIT_OK : EXIT_NO_GOAL);
}
