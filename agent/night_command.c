/* What became of commands: events, questions after a loss, outcomes. */
#include "agent/night_inside.h"

#include "config/schema.h"

#include <stdio.h>
#include <string.h>

/* A command that says nothing for so long is asked about. */
static const int64_t ASK_AFTER_NS = 3000000000;

/* An action that goes on for so much longer than it should has lost its end. */
enum { OVERDUE_TIP_S = 60, OVERDUE_MOVE_S = 1800 };

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

static void judge_outcome(struct night *night, const struct night_open *open,
                          enum command_state state, const char *text)
{
    char why[160];
    enum course_doubt doubt = course_judge_outcome(&night->course, state);
    snprintf(why, sizeof(why), "command %llu (%s) %s%s%.80s", (unsigned long long)open->id,
             action_kind_name(open->action.kind), command_state_name(state), text[0] ? ": " : "",
             text);
    if (doubt == COURSE_ALARM || doubt == COURSE_ALARM_AND_HOLD)
        night_alarm(night, "%s", why);
    if (doubt == COURSE_ALARM_AND_HOLD || doubt == COURSE_MUST_HOLD)
        night_enter_safety(night, SAFETY_HOLD, "agent", why);
}

static bool is_final(enum command_state state)
{
    return state != COMMAND_ACCEPTED && state != COMMAND_STARTED && state != COMMAND_STATE_COUNT;
}

static void record_mark(struct night *night)
{
    struct sites_spot mark;
    if (!course_mark(&night->course, &mark))
        return;
    struct journal_spot spot = {
        .x_m = mark.x_m, .y_m = mark.y_m, .radius_m = mark.radius_m, .page = night->course.page};
    night_record_spot(night, &spot);
}

static void close_command(struct night *night, struct night_open *open,
                          const struct command_event *event)
{
    open->closing = true;
    if (course_action_ended(&night->course, &open->action, event->state, open->own,
                            event->t_inst_ns))
        night_record_place(night);
    record_mark(night);
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
    if (event->state == COMMAND_STARTED && !open->started) {
        open->started = true;
        open->started_inst_ns = event->t_inst_ns;
    }
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

/* By the instrument's own clock. The command stays open, as nobody knows what it does. */
static void hold_if_overdue(struct night *night, const struct night_open *open)
{
    const struct action *action = &open->action;
    bool tip =
        action->kind == ACTION_PULSE || action->kind == ACTION_CRASH || action->kind == ACTION_NECK;
    double should_s = tip ? schema_action_seconds(action) + OVERDUE_TIP_S : OVERDUE_MOVE_S;
    double runs_s = (double)(night->status.t_inst_ns - open->started_inst_ns) * 1e-9;
    char why[120];
    if (!night->status_known || !open->started || open->closing || runs_s < should_s || night->held)
        return;
    snprintf(why, sizeof(why), "command %llu (%s) has not ended for %.0f s",
             (unsigned long long)open->id, action_kind_name(action->kind), runs_s);
    night_enter_safety(night, SAFETY_HOLD, "agent", why);
}

void night_ask_open(struct night *night)
{
    for (size_t i = 0; i < night->n_open; i++)
        hold_if_overdue(night, &night->open[i]);
    for (size_t i = 0; night->link_up && night->fenced && i < night->n_open; i++)
        if (!night->open[i].closing && night->now_ns - night->open[i].heard_ns > ASK_AFTER_NS)
            ask(night, &night->open[i]);
}
