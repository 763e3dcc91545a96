/* What became of commands: events, questions after a loss, outcomes. */
#include "agent/night_inside.h"

#include <stdio.h>
#include <string.h>

/* A command that says nothing for so long is asked about. */
static const int64_t ASK_AFTER_NS = 3000000000;

enum { REFUSALS_MAX = 3 };

bool night_command_open(const struct night *night)
{
    return night->n_open > 0;
}

static struct night_open *find_open(struct night *night, uint64_t id)
{
    for (size_t i = 0; i < night->n_open; i++)
        if (night->open[i].id == id)
            return &night->open[i];
    return NULL;
}

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

static void count_done(struct night *night, const struct action *action)
{
    struct night_summary *summary = &night->summary;
    summary->pulses += action->kind == ACTION_PULSE;
    summary->crashes += action->kind == ACTION_CRASH;
    summary->necks += action->kind == ACTION_NECK;
    summary->new_areas += action->kind == ACTION_REIMAGE;
    summary->actions +=
        action->kind == ACTION_PULSE || action->kind == ACTION_CRASH || action->kind == ACTION_NECK;
}

/* The tip or the frame may have changed: what was seen before says nothing any more. */
static void begin_after(struct night *night, const struct action *action, int64_t t_inst_ns)
{
    /* Of a session that is gone: its clock says nothing about the lines of this one. */
    if (t_inst_ns >= 0) {
        night_clock(night, t_inst_ns);
        night->window_start_inst_ns =
            t_inst_ns + (int64_t)(settle_s(night->policy, action->kind) * 1e9);
    }
    night->bad_lines = night->flat_lines = 0;
    night->over_current = false;
    night_new_window(night, true);
    if (action->kind == ACTION_REIMAGE)
        return;
    night->good = false;
    night->action_end_night_ns = night->t_night_ns;
    night_mark_used(night);
}

static void enter_new_area(struct night *night)
{
    night->site++;
    night->sites_without_gain++;
    night->new_place = true;
    night_record_place(night);
}

/* In doubt hold: what ended in another way than planned needs a person. */
static void judge_outcome(struct night *night, const struct night_open *open,
                          enum command_state state, const char *text)
{
    char why[160];
    snprintf(why, sizeof(why), "command %llu (%s) %s%s%.80s", (unsigned long long)open->id,
             action_kind_name(open->action.kind), command_state_name(state), text[0] ? ": " : "",
             text);
    switch (state) {
    case COMMAND_DONE:
        night->refusals = 0;
        return;
    case COMMAND_REJECTED:
    case COMMAND_EXPIRED:
        night_alarm(night, "%s", why);
        if (++night->refusals >= REFUSALS_MAX)
            night_enter_safety(night, SAFETY_HOLD, "agent", why);
        return;
    case COMMAND_FAILED:
    case COMMAND_CANCELLED:
    case COMMAND_UNKNOWN:
        night_enter_safety(night, SAFETY_HOLD, "agent", why);
        return;
    case COMMAND_ACCEPTED:
    case COMMAND_STARTED:
    case COMMAND_STATE_COUNT:
        return;
    }
}

static bool is_final(enum command_state state)
{
    return state != COMMAND_ACCEPTED && state != COMMAND_STARTED && state != COMMAND_STATE_COUNT;
}

static void close_command(struct night *night, struct night_open *open,
                          const struct command_event *event)
{
    open->closing = true;
    begin_after(night, &open->action, event->t_inst_ns);
    if (event->state == COMMAND_DONE && open->own)
        count_done(night, &open->action);
    if (event->state == COMMAND_DONE && open->action.kind == ACTION_REIMAGE &&
        (open->action.dx_m != 0 || open->action.dy_m != 0))
        enter_new_area(night);
    night_record_outcome(night, open, event->state, event->crash_detected, event->text);
    judge_outcome(night, open, event->state, event->text);
    if (event->crash_detected)
        night_alarm(night, "crash detected after command %llu", (unsigned long long)open->id);
}

void night_on_event(void *ctx, const struct command_event *event)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    night_fence_seen(night, event->epoch);
    struct night_open *open = find_open(night, event->id);
    if (!open || open->closing) {
        if (is_final(event->state))
            night_grant(night, WISH_SCAN, event->id, event->state == COMMAND_DONE ? 0 : -1,
                        event->text[0] ? event->text : command_state_name(event->state));
        return;
    }
    open->heard_ns = night->now_ns;
    night_news(night, (struct night_news){.kind = NEWS_ACTION,
                                          .id = open->id,
                                          .action = &open->action,
                                          .action_state = (int)event->state,
                                          .who = open->who,
                                          .text = event->text});
    if (is_final(event->state))
        close_command(night, open, event);
}

static void ask(struct night *night, struct night_open *open)
{
    struct command query = {.verb = COMMAND_QUERY,
                            .id = night_free_id(night),
                            .epoch = night->epoch,
                            .query_id = open->id};
    open->heard_ns = night->now_ns;
    (void)agent_end_send(night->end, &query);
}

void night_resolve_open(struct night *night)
{
    for (size_t i = 0; i < night->n_open; i++) {
        struct night_open *open = &night->open[i];
        if (open->closing)
            continue;
        if (strcmp(open->session, night->hello.session) == 0) {
            /* Only behind the fence is "never executed" the last word on an older epoch's command;
             * night_fence_seen() comes back here. */
            if (night->fenced)
                ask(night, open);
            continue;
        }
        struct command_event unknown = {.id = open->id, .state = COMMAND_UNKNOWN, .t_inst_ns = -1};
        snprintf(unknown.text, sizeof(unknown.text),
                 "sent to session %s, which is gone; counted as spent", open->session);
        close_command(night, open, &unknown);
    }
}

void night_ask_open(struct night *night)
{
    for (size_t i = 0; night->link_up && night->fenced && i < night->n_open; i++)
        if (!night->open[i].closing && night->now_ns - night->open[i].heard_ns > ASK_AFTER_NS)
            ask(night, &night->open[i]);
}
