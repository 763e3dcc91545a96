/* From the policy's decision to what the night is to do about it. */
#include "agent/course.h"

#include "agent/command.h"

#include <stdio.h>
#include <string.h>

static void note(struct course_answer *answer, enum course_step step, const char *guard,
                 const char *guard_why)
{
    answer->step = step;
    answer->guard = guard;
    answer->guard_why = guard_why;
}

static void end_as(struct course_end *end, const char *how, const char *why, int exit_code)
{
    end->how = how;
    end->exit_code = exit_code;
    snprintf(end->why, sizeof(end->why), "%s", why);
}

/* Good: told once, then watched. A new episode begins when something had been done for this one. */
static void answer_good(struct course *course, struct course_answer *answer)
{
    const struct policy_rule *rule = &course->policy->rules[answer->decision.rule];
    answer->is_good = true;
    /* Said of every verdict it would be said thirty times a frame. */
    if (course->good && rule->confirm == POLICY_VERDICTS &&
        course->verdict.lines_due != course->verdict.lines_total) {
        answer->step = COURSE_NOTHING;
        return;
    }
    note(answer, COURSE_NOTED, "", "");
    if (!course->good) {
        struct night_summary *summary = &course->summary;
        course->trial_ended |= learn_good(course->learned, &course->trial);
        course->good = answer->became_good = true;
        if (!summary->good_found) {
            summary->good_found = true;
            summary->first_good = course->verdict;
            summary->actions_to_good = summary->actions;
        }
        if (course->use.actions_episode > 0) {
            course->episode++;
            course->best = 0;
            course->sites_without_gain = 0;
            answer->new_episode = true;
        }
    }
    course_new_window(course, false);
    if (course->options.end_at_good || !course->policy->watch_after_good) {
        answer->step = COURSE_END;
        end_as(&answer->end, "good", answer->decision.why, EXIT_OK);
    }
}

static bool has_coarse_move(const struct course *course)
{
    return course->use.coarse_moves_night < course->policy->budget.coarse_moves_per_night;
}

static void answer_act(struct course *course, struct course_answer *answer)
{
    static const char no_place[] = "no free place is left within reach";
    answer->step = COURSE_ACT;
    if (answer->decision.response == POLICY_COARSE_MOVE) {
        sites_coarse_move(&course->policy->sites, &answer->action);
        return;
    }
    if (answer->decision.response == POLICY_DO) {
        answer->action = answer->decision.action;
        course_choose_place(course, &answer->action);
        return;
    }
    answer->action = action_default(ACTION_REIMAGE);
    if (course_new_area(course, &answer->action.dx_m, &answer->action.dy_m) == 0)
        return;
    if (has_coarse_move(course)) {
        char why[sizeof(answer->decision.why)];
        snprintf(why, sizeof(why), "%s: a coarse move; %.100s", no_place, answer->decision.why);
        memcpy(answer->decision.why, why, sizeof(why));
        sites_coarse_move(&course->policy->sites, &answer->action);
        return;
    }
    note(answer, COURSE_HOLD, guard_verdict_name(GUARD_BAD_AREA), no_place);
    answer->hold_by = "agent";
    answer->hold_why = no_place;
    course->engaged &= answer->decision.engaged;
}

static void answer_stop(bool armed, struct course_answer *answer)
{
    const struct decision *decision = &answer->decision;
    note(answer, COURSE_NOTED, guard_verdict_name(armed ? GUARD_PASS : GUARD_NOT_ARMED), "");
    if (!armed)
        return;
    if (decision->response == POLICY_HOLD) {
        answer->step = COURSE_HOLD;
        answer->hold_by = "policy";
        answer->hold_why = decision->why;
    } else {
        answer->step = COURSE_END;
        end_as(&answer->end, "parked", decision->why, EXIT_PARKED);
    }
}

static void answer_rule(struct course *course, bool armed, struct course_answer *answer)
{
    switch (answer->decision.response) {
    case POLICY_DO:
    case POLICY_NEW_AREA:
    case POLICY_COARSE_MOVE:
        answer_act(course, answer);
        return;
    case POLICY_GOOD:
        answer_good(course, answer);
        break;
    case POLICY_WAIT:
        note(answer, COURSE_NOTED, "", "");
        belief_forget(&course->belief);
        course_new_window(course, true);
        break;
    case POLICY_HOLD:
    case POLICY_PARK:
        answer_stop(armed, answer);
        break;
    }
    course->engaged = answer->decision.engaged;
}

static void answer_end(struct course *course, bool armed, struct course_answer *answer)
{
    bool time = (double)course->t_night_ns * 1e-9 >= course->policy->budget.night_s;
    if (!time && !armed) {
        note(answer, COURSE_NOTED, guard_verdict_name(GUARD_NOT_ARMED), "");
        course_new_window(course, false);
        return;
    }
    note(answer, COURSE_END, "", "");
    end_as(&answer->end, time ? "time" : "budget", answer->decision.why,
           course->good ? EXIT_OK : EXIT_NO_GOAL);
}

void course_decide(struct course *course, bool armed, struct course_answer *ret_answer)
{
    *ret_answer = (struct course_answer){.step = COURSE_NOTHING};
    /* Look before the first action, and after every start of either side. */
    if (course->frames_watched < course->policy->look_first_frames ||
        course->lines_watched < course->policy->look_first_lines)
        return;
    struct situation situation = {.verdicts = course->window,
                                  .n_verdicts = course->n_window,
                                  .use = course->use,
                                  .engaged = course->engaged,
                                  .sites_without_gain = course->sites_without_gain,
                                  .t_night_ns = course->t_night_ns,
                                  .night = course->night,
                                  .learned = course->learned};
    decide(course->policy, &situation, &ret_answer->decision);
    switch (ret_answer->decision.kind) {
    case DECISION_NONE:
        course->engaged = ret_answer->decision.engaged;
        return;
    case DECISION_ADVISE:
        course->engaged &= ret_answer->decision.engaged;
        note(ret_answer, COURSE_NOTED, "advise", "");
        return;
    case DECISION_END:
        answer_end(course, armed, ret_answer);
        return;
    case DECISION_RULE:
        answer_rule(course, armed, ret_answer);
        return;
    }
}

void course_acted(struct course *course, const struct course_answer *answer, bool passed)
{
    /* A rule that was not let through has not fired. */
    uint32_t engaged = answer->decision.engaged;
    course->engaged = passed ? engaged : course->engaged & engaged;
    const struct action *action = &answer->action;
    if (passed && action->kind == ACTION_RETRACT && action->lateral_steps > 0)
        course->move = COURSE_LEAVES;
    if (passed && learn_is_about(action))
        course->trial_ended |=
            learn_acted(course->learned, action, learn_seen_of(&course->verdict), &course->trial);
}

void course_go_on(struct course *course, bool armed, struct course_answer *ret_answer)
{
    struct guard_facts facts;
    *ret_answer = (struct course_answer){.step = COURSE_NOTHING};
    if (!armed || (course->move != COURSE_WITHDRAWN && course->move != COURSE_LANDED))
        return;
    course->heard_inst_ns = course->t_inst_ns; /* there is nothing to be heard */
    course_facts(course, &facts);
    if (course->move == COURSE_LANDED) {
        course->move = COURSE_STAYS;
        ret_answer->step = COURSE_SCAN;
    } else if (facts.since_action_s >= course->policy->settle.cool_down_s) {
        ret_answer->step = COURSE_ACT;
        ret_answer->action = action_default(ACTION_APPROACH);
        ret_answer->decision = (struct decision){.kind = DECISION_RULE,
                                                 .rule = -1,
                                                 .response = POLICY_COARSE_MOVE,
                                                 .engaged = course->engaged,
                                                 .why = "back to the surface after a coarse move"};
    }
}

bool course_trial(struct course *course, struct learn_trial *ret_trial)
{
    bool ended = course->trial_ended;
    course->trial_ended = false;
    if (ended)
        *ret_trial = course->trial;
    return ended;
}

bool course_time_is_over(const struct course *course, const char *withdrawn_why,
                         struct course_end *ret_end)
{
    double limit_s = course->policy->budget.night_s;
    if (course->options.duration_s > 0 && course->options.duration_s < limit_s)
        limit_s = course->options.duration_s;
    if ((double)course->t_night_ns * 1e-9 < limit_s)
        return false;
    char why[160];
    snprintf(why, sizeof(why), "%.2f h of the night clock have passed",
             (double)course->t_night_ns / 3.6e12);
    /* A tip that had to be withdrawn was waiting for an operator who did not come. */
    if (withdrawn_why)
        end_as(ret_end, "parked", withdrawn_why, EXIT_PARKED);
    else
        end_as(ret_end, "time", why, course->good ? EXIT_OK : EXIT_NO_GOAL);
    return true;
}
