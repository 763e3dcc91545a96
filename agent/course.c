/* The night clock, what lines, verdicts and outcomes leave behind. */
#include "agent/course.h"

#include "agent/command.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_MAX = 16384, /* verdicts of the decision window */
    REFUSALS_MAX = 3
};

int course_begin(struct course *course, const struct course_start *start)
{
    *course = (struct course){.policy = start->policy,
                              .options = start->options,
                              .night = start->night,
                              .site = start->site,
                              .episode = start->episode,
                              .t_night_ns = start->t_night_ns,
                              .base_ns = start->t_night_ns,
                              .last_line_inst_ns = INT64_MIN,
                              .heard_inst_ns = INT64_MIN,
                              .window_start_inst_ns = INT64_MIN,
                              .restart = true,
                              .action_end_night_ns = -1,
                              .current_trace = -1,
                              .new_place = true};
    course->summary.exit_code = EXIT_INTERNAL;
    course->window = calloc(WINDOW_MAX, sizeof(*course->window));
    course->learned = calloc(1, sizeof(*course->learned));
    if (!course->window || !course->learned) {
        course_finish(course);
        return -ENOMEM;
    }
    if (start->learned)
        *course->learned = *start->learned;
    return 0;
}

void course_finish(struct course *course)
{
    frame_finish(&course->frame);
    free(course->window);
    free(course->learned);
    course->window = NULL;
    course->learned = NULL;
}

void course_clock(struct course *course, int64_t t_inst_ns)
{
    if (!course->inst_base_known) {
        course->inst_base_known = true;
        course->inst_base_ns = t_inst_ns;
        course->t_inst_ns = t_inst_ns;
        course->base_ns = course->t_night_ns;
        return;
    }
    if (t_inst_ns <= course->t_inst_ns)
        return;
    course->t_inst_ns = t_inst_ns;
    course->t_night_ns = course->base_ns + (t_inst_ns - course->inst_base_ns);
}

void course_new_window(struct course *course, bool lines)
{
    course->n_window = 0;
    if (lines)
        course->restart = true;
}

void course_new_session(struct course *course)
{
    course->inst_base_known = false;
    course->last_line_inst_ns = course->heard_inst_ns = INT64_MIN;
    course->status_silent = false;
    course->window_start_inst_ns = INT64_MIN;
    course->frames_watched = course->lines_watched = 0;
    course->bad_lines = course->flat_lines = 0;
    course->over_current = false;
    belief_forget(&course->belief);
    course_new_window(course, true);
    course->move = COURSE_STAYS; /* where the tip is now, nobody here knows */
}

void course_use_policy(struct course *course, const struct policy *policy)
{
    course->policy = policy;
    course->engaged = 0;
    belief_forget(&course->belief);
    course_new_window(course, true);
}

void course_released(struct course *course)
{
    course->refusals = 0;
    if (course->heard_inst_ns != INT64_MIN)
        course->heard_inst_ns = course->t_inst_ns;
    course->bad_lines = course->flat_lines = 0;
    course->over_current = course->status_over = course->status_over_current = false;
    belief_forget(&course->belief);
    course_new_window(course, true);
    course->move = COURSE_STAYS; /* the operator's again */
}

/* ---- lines ---- */

static void take_check(struct course *course, const struct intake_item *item)
{
    const struct scan_line *line = &item->message->line;
    const struct policy_guards *guards = &course->policy->guards;
    struct intake_check check;
    /* A current at its rail is no picture to be judged, but the surest over-current. */
    if (item->fate == INTAKE_RAILED && line->channel[0] == 'I') {
        intake_check_line(line, guards, &check);
        course->over_current |= check.over_current;
    }
    if (item->fate != INTAKE_USED && item->fate != INTAKE_LATE) {
        course->bad_lines++;
        return;
    }
    if (course->options.no_heights && line->channel[0] != 'I')
        return;
    intake_check_line(line, guards, &check);
    if (line->channel[0] == 'I') {
        course->over_current = check.over_current;
        return;
    }
    if (line->channel[0] != 'Z')
        return;
    course->flat_lines = check.peak_to_peak < guards->flat_line_m ? course->flat_lines + 1 : 0;
    course->bad_lines = check.peak_to_peak > guards->bad_line_m ? course->bad_lines + 1 : 0;
}

bool course_check_line(struct course *course, const struct intake_item *item, bool untouched)
{
    bool settled = untouched && course->last_line_inst_ns >= course->window_start_inst_ns;
    course->last_line_inst_ns = item->message->line.t_inst_ns;
    course->heard_inst_ns = course->t_inst_ns;
    if (settled)
        take_check(course, item);
    return settled;
}

bool course_wants_line(struct course *course, const struct intake_item *item, bool settled,
                       struct judge_line *ret_in)
{
    const struct scan_line *line = &item->message->line;
    bool good = item->fate == INTAKE_USED || item->fate == INTAKE_LATE;
    bool forward = scan_trace_is_forward(line->trace);
    if (!good || !settled || line->channel[0] != 'Z' || !course->frame.begun ||
        (line->flags & SCAN_LINE_FEEDBACK_OFF))
        return false;
    /* A frame begun with the backward line has nothing to compare it with. */
    if (!forward && (!course->policy->judge_backward || course->restart))
        return false;
    *ret_in = (struct judge_line){.line = line,
                                  .lines = course->frame.geometry.lines,
                                  .restart = course->restart,
                                  .both = course->policy->judge_backward &&
                                          course->frame.geometry.x_retrace,
                                  .t_night_ns = course->t_night_ns};
    course->restart = false;
    course->lines_watched += forward;
    return true;
}

/* ---- verdicts ---- */

/* The window has grown full: its older half goes, but for the last verdicts of whole frames. */
static void thin_window(struct course *course)
{
    size_t kept = 0, half = course->n_window / 2;
    for (size_t i = 0; i < course->n_window; i++) {
        const struct verdict *v = &course->window[i];
        if (i >= half || v->lines_due == v->lines_total)
            course->window[kept++] = *v;
    }
    if (kept == course->n_window)
        memmove(course->window, course->window + half, (kept -= half) * sizeof(*course->window));
    course->n_window = kept;
}

static void note_best(struct course *course, const struct verdict *verdict)
{
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        if (!course->policy->accept[i] || !(verdict->p[i] > course->best))
            continue;
        course->best = verdict->p[i];
        course->sites_without_gain = 0;
    }
}

void course_take_verdict(struct course *course, const struct verdict *verdict,
                         const struct budget_use *use)
{
    course->verdict = *verdict;
    course->summary.verdicts++;
    if (course->n_window == WINDOW_MAX)
        thin_window(course);
    if (decide_is_judged(course->policy, verdict)) {
        belief_see(&course->belief, course->policy, &course->verdict);
        course->use = *use;
        note_best(course, verdict);
    }
    course->window[course->n_window++] = course->verdict;
    if (verdict->lines_due == verdict->lines_total)
        course->frames_watched++;
}

/* A reading now and then, so two in a row stand for the samples in a row that a line has. */
void course_take_status(struct course *course, const struct instrument_status *status,
                        bool command_open)
{
    bool over = status->state == INSTRUMENT_SCANNING && !command_open &&
                fabs(status->current_a) > course->policy->guards.over_current_a;
    bool silent = !command_open && course->heard_inst_ns != INT64_MIN &&
                  (double)(status->t_inst_ns - course->heard_inst_ns) * 1e-9 > GUARD_SILENT_S;
    /* While lines come they carry the clock, in step with what they show. One status may be ahead
     * of lines that are still on their way; two with no line between them are not. */
    if (status->state == INSTRUMENT_WITHDRAWN || status->state == INSTRUMENT_FAULT ||
        (silent && course->status_silent))
        course_clock(course, status->t_inst_ns);
    course->status_silent = silent;
    course->status_over_current = over && course->status_over;
    course->status_over = over;
}

/* ---- facts ---- */

void course_facts(const struct course *course, struct guard_facts *ret_facts)
{
    ret_facts->frame_begun = course->frame.begun;
    ret_facts->lines_seen = course->verdict.lines_seen;
    ret_facts->lines_due = course->verdict.lines_due;
    ret_facts->bad_lines_in_a_row = course->bad_lines;
    ret_facts->flat_lines_in_a_row = course->flat_lines;
    ret_facts->over_current = course->over_current || course->status_over_current;
    ret_facts->since_action_s =
        course->action_end_night_ns < 0
            ? (double)INFINITY
            : (double)(course->t_night_ns - course->action_end_night_ns) * 1e-9;
    ret_facts->night_s = (double)course->t_night_ns * 1e-9;
    ret_facts->silent_s = course->heard_inst_ns == INT64_MIN
                              ? 0
                              : (double)(course->t_inst_ns - course->heard_inst_ns) * 1e-9;
    ret_facts->use = course->use;
}

enum safety course_demand(const struct course *course, const struct guard_facts *facts, char *why,
                          size_t why_size)
{
    /* Before the first frame there is nothing to be unhappy about; in an action all is unusual. */
    bool silent = facts->silent_s > GUARD_SILENT_S;
    if ((!facts->frame_begun && !silent) || facts->command_open)
        return SAFETY_ARMED;
    enum safety wanted =
        guard_demand(course->policy, facts, course->sites_without_gain, why, why_size);
    /* No progress is counted for an agent that may act. */
    return wanted == SAFETY_PARKED && facts->safety != SAFETY_ARMED ? SAFETY_ARMED : wanted;
}

/* ---- outcomes ---- */

static double settle_s(const struct policy *policy, enum action_kind kind)
{
    switch (kind) {
    case ACTION_PULSE:
    case ACTION_CRASH:
    case ACTION_NECK:
        return policy->settle.after_action_s;
    case ACTION_REIMAGE:
        return policy->settle.after_move_s;
    case ACTION_RETRACT:
    case ACTION_APPROACH:
    case ACTION_KIND_COUNT:
        return policy->settle.after_approach_s;
    }
    return policy->settle.after_approach_s;
}

static void count_done(struct night_summary *summary, const struct action *action)
{
    summary->pulses += action->kind == ACTION_PULSE;
    summary->crashes += action->kind == ACTION_CRASH;
    summary->necks += action->kind == ACTION_NECK;
    summary->new_areas += action->kind == ACTION_REIMAGE;
    summary->actions +=
        action->kind == ACTION_PULSE || action->kind == ACTION_CRASH || action->kind == ACTION_NECK;
}

/* The tip or the frame may have changed: what was seen before says nothing any more. */
static void begin_after(struct course *course, const struct action *action, int64_t t_inst_ns)
{
    /* Of a session that is gone: its clock says nothing about the lines of this one. */
    if (t_inst_ns >= 0) {
        course_clock(course, t_inst_ns);
        if (course->heard_inst_ns != INT64_MIN)
            course->heard_inst_ns = course->t_inst_ns;
        course->window_start_inst_ns =
            t_inst_ns + (int64_t)(settle_s(course->policy, action->kind) * 1e9);
    }
    course->bad_lines = course->flat_lines = 0;
    course->over_current = false;
    course_new_window(course, true);
    if (action->kind == ACTION_REIMAGE)
        return;
    belief_forget(&course->belief);
    course->good = false;
    course->action_end_night_ns = course->t_night_ns;
    course_leave_mark(course, action);
}

/* Where the tip will land nobody knows: places begin anew. */
static bool turn_page(struct course *course)
{
    course->n_spots = course->here = 0;
    course->page++;
    course->origin_known = false;
    course->new_place = true;
    course->area = (struct sites_frame){0};
    course->site++;
    course->sites_without_gain++;
    return true;
}

static void go_on_moving(struct course *course, const struct action *action, bool done)
{
    if (course->move == COURSE_LEAVES && action->kind == ACTION_RETRACT)
        course->move = done ? COURSE_WITHDRAWN : COURSE_STAYS;
    else if (course->move == COURSE_WITHDRAWN && action->kind == ACTION_APPROACH)
        course->move = done ? COURSE_LANDED : COURSE_STAYS;
}

bool course_action_ended(struct course *course, const struct action *action,
                         enum command_state state, bool own, int64_t t_inst_ns)
{
    begin_after(course, action, t_inst_ns);
    if (action->kind != ACTION_REIMAGE)
        learn_ended(course->learned, action, state == COMMAND_DONE);
    go_on_moving(course, action, state == COMMAND_DONE);
    if (state != COMMAND_DONE)
        return false;
    if (own)
        count_done(&course->summary, action);
    if (action->kind == ACTION_RETRACT && action->lateral_steps > 0)
        return turn_page(course);
    if (action->kind != ACTION_REIMAGE || (action->dx_m == 0 && action->dy_m == 0))
        return false;
    belief_move(&course->belief, course->policy);
    course->site++;
    course->sites_without_gain++;
    course->new_place = true;
    return true;
}

enum course_doubt course_judge_outcome(struct course *course, enum command_state state)
{
    switch (state) {
    case COMMAND_DONE:
        course->refusals = 0;
        return COURSE_AS_PLANNED;
    case COMMAND_REJECTED:
    case COMMAND_EXPIRED:
        return ++course->refusals >= REFUSALS_MAX ? COURSE_ALARM_AND_HOLD : COURSE_ALARM;
    case COMMAND_FAILED:
    case COMMAND_CANCELLED:
    case COMMAND_UNKNOWN:
        return COURSE_MUST_HOLD;
    case COMMAND_ACCEPTED:
    case COMMAND_STARTED:
    case COMMAND_STATE_COUNT:
        break;
    }
    return COURSE_AS_PLANNED;
}
