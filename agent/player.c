/* The night's order of events, one after the other. */
#include "agent/player.h"

#include "agent/command.h"
#include "agent/spending.h"
#include "instrument/microscope_end.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a gated instrument end goes on when nothing happens. */
static const int64_t IDLE_STEP_NS = INT64_C(10000000000);
/* Of a clock that nobody waits for; anything above zero. */
static const int64_t LINE_PERIOD_NS = 200000000;

struct player {
    const struct player_options *options;
    struct microscope microscope;
    struct course course;
    struct action_limits limits; /* the policy's and the instrument's */
    struct intake *intake;
    struct judge *judge; /* NULL: a verdict function */
    struct spending *spending;
    double *samples; /* of a line that came as counts */
    struct instrument_status status;
    int64_t t_inst_ns;
    uint64_t seq, scan;
    bool x_retrace, goes_on; /* as the instrument end has them */
    enum safety safety;
    char why[160]; /* of the safe state */
    bool running;  /* `action` has not ended yet */
    bool scan_due; /* a scan start is on its way */
    struct action action;
    uint64_t ids;
    bool ended;
};

static const char session[SESSION_ID_MAX] = "0000000000000000";

/* ---- news ---- */

static void tell(struct player *player, struct night_news news)
{
    news.t_night_ns = player->course.t_night_ns;
    if (player->options->news)
        player->options->news(player->options->ctx, &news);
}

static void tell_text(struct player *player, enum night_news_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell_text(struct player *player, enum night_news_kind kind, const char *format, ...)
{
    char text[256];
    va_list args;
    if (!player->options->news)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tell(player, (struct night_news){.kind = kind, .text = text});
}

static void tell_action(struct player *player, int state, const char *who, const char *text)
{
    tell(player, (struct night_news){.kind = NEWS_ACTION,
                                     .id = player->ids,
                                     .action = &player->action,
                                     .action_state = state,
                                     .who = who,
                                     .text = text});
}

static void tell_trace(struct player *player, int trace, const char *end)
{
    struct journal_frame frame;
    if (trace >= 0 && course_trace_record(&player->course, (enum scan_trace)trace, end, &frame))
        tell(player, (struct night_news){.kind = NEWS_FRAME, .frame = &frame});
}

/* ---- safe states and the end ---- */

static void end_night(struct player *player, const char *how, const char *why, int exit_code)
{
    struct night_summary *summary = &player->course.summary;
    player->ended = true;
    snprintf(summary->how, sizeof(summary->how), "%s", how);
    snprintf(summary->why, sizeof(summary->why), "%s", why);
    summary->exit_code = exit_code;
    summary->t_night_ns = player->course.t_night_ns;
    player->microscope.ops->abort(player->microscope.self);
    player->microscope.ops->safe_state(player->microscope.self,
                                       player->options->limits->withdraw_m);
    if (player->course.frame.begun)
        tell_trace(player, course_frame_end(&player->course), "ended");
    tell_text(player, NEWS_LOG, "the night has ended: %s", why);
}

static void enter_safety(struct player *player, enum safety safety, const char *why)
{
    if (safety <= player->safety || player->ended)
        return;
    player->safety = safety;
    snprintf(player->why, sizeof(player->why), "%s", why);
    tell_text(player, NEWS_ALARM, "%s", why);
    if (safety == SAFETY_RETRACT)
        player->microscope.ops->safe_state(player->microscope.self,
                                           player->options->limits->withdraw_m);
    if (safety == SAFETY_PARKED)
        end_night(player, "parked", why, EXIT_PARKED);
}

static void read_status(struct player *player)
{
    player->microscope.ops->status(player->microscope.self, &player->status);
    course_take_status(&player->course, &player->status, player->running);
}

static void get_facts(const struct player *player, struct guard_facts *ret_facts)
{
    *ret_facts = (struct guard_facts){.safety = player->safety,
                                      .link_up = true,
                                      .fenced = true,
                                      .command_open = player->running,
                                      .model_ok = true,
                                      .journal_ok = true,
                                      .line_period_ns = LINE_PERIOD_NS,
                                      .feedback_on = player->status.feedback_on,
                                      .z_m = player->status.z_m};
    course_facts(&player->course, ret_facts);
}

static void demand(struct player *player)
{
    char why[160];
    struct guard_facts facts;
    if (player->ended)
        return;
    get_facts(player, &facts);
    enter_safety(player, course_demand(&player->course, &facts, why, sizeof(why)), why);
}

static void check_time(struct player *player)
{
    struct course_end end;
    const char *withdrawn = player->safety >= SAFETY_RETRACT ? player->why : NULL;
    if (!player->ended && course_time_is_over(&player->course, withdrawn, &end))
        end_night(player, end.how, end.why, end.exit_code);
}

/* ---- commands ---- */

static struct spending_place place_now(const struct player *player)
{
    return (struct spending_place){player->course.site, player->course.episode,
                                   player->course.t_night_ns};
}

static void count_use(const struct player *player, struct budget_use *ret_use)
{
    struct spending_place now = place_now(player);
    spending_use(player->spending, player->options->policy, &now, ret_use);
}

static void close_command(struct player *player, enum command_state state, bool crash,
                          const char *text)
{
    player->running = false;
    tell_action(player, (int)state, "policy", text);
    (void)course_action_ended(&player->course, &player->action, state, true, player->t_inst_ns);
    if (crash)
        spending_crash_detected(player->spending);
    enum course_doubt doubt = course_judge_outcome(&player->course, state);
    if (doubt == COURSE_ALARM_AND_HOLD || doubt == COURSE_MUST_HOLD)
        enter_safety(player, SAFETY_HOLD, text);
    if (crash)
        tell_text(player, NEWS_ALARM, "crash detected after command %llu",
                  (unsigned long long)player->ids);
    count_use(player, &player->course.use);
}

static void begin(struct player *player, const struct course_answer *answer)
{
    struct spending_place now = place_now(player);
    player->action = answer->action;
    player->ids++;
    spending_intend(player->spending, &player->action, answer->decision.rule, &now);
    tell_action(player, -1, "policy", answer->decision.why);
    tell_action(player, COMMAND_ACCEPTED, "policy", "");
    int r = player->microscope.ops->begin(player->microscope.self, &player->action);
    if (r < 0) {
        close_command(player, COMMAND_REJECTED, false, "the microscope refused it");
        return;
    }
    player->running = true;
    tell_action(player, COMMAND_STARTED, "policy", "");
}

/* True: it is under way, or at least begun. */
static bool propose(struct player *player, const struct course_answer *answer)
{
    char why[160];
    struct guard_facts facts;
    read_status(player);
    get_facts(player, &facts);
    enum guard_verdict verdict = guard_action(player->options->policy, &player->limits, &facts,
                                              &answer->action, why, sizeof(why));
    bool passed = verdict == GUARD_PASS;
    course_acted(&player->course, answer, passed);
    tell(player, (struct night_news){.kind = NEWS_DECISION,
                                     .decision = &answer->decision,
                                     .text = passed ? "" : why});
    if (passed)
        begin(player, answer);
    return passed;
}

static void go_on(struct player *player)
{
    struct course_answer answer;
    if (player->running || player->ended)
        return;
    course_go_on(&player->course, player->safety == SAFETY_ARMED, &answer);
    if (answer.step == COURSE_SCAN)
        player->scan_due = true;
    if (answer.step == COURSE_ACT && !propose(player, &answer))
        enter_safety(player, SAFETY_HOLD, "a coarse move could not be finished");
}

static void take_note(struct player *player, const struct course_answer *answer,
                      const struct spending_place *at)
{
    const struct decision *decision = &answer->decision;
    bool passed = !answer->guard[0] || strcmp(answer->guard, guard_verdict_name(GUARD_PASS)) == 0;
    bool sends = decision->response == POLICY_DO || decision->response == POLICY_NEW_AREA ||
                 decision->response == POLICY_COARSE_MOVE;
    if (decision->kind == DECISION_RULE && passed && !sends)
        spending_decided(player->spending, decision, at);
    tell(player, (struct night_news){
                     .kind = NEWS_DECISION, .decision = decision, .text = answer->guard_why});
}

static void ask_policy(struct player *player)
{
    struct course_answer answer;
    struct spending_place at = place_now(player);
    course_decide(&player->course, player->safety == SAFETY_ARMED, &answer);
    if (answer.step == COURSE_NOTHING)
        return;
    if (answer.step == COURSE_ACT) {
        (void)propose(player, &answer);
        return;
    }
    take_note(player, &answer, &at);
    if (answer.became_good)
        tell_text(player, NEWS_LOG, "good tip: %s", answer.decision.why);
    if (answer.new_episode)
        count_use(player, &player->course.use);
    if (answer.step == COURSE_HOLD)
        enter_safety(player, SAFETY_HOLD, answer.hold_why);
    if (answer.step == COURSE_END)
        end_night(player, answer.end.how, answer.end.why, answer.end.exit_code);
}

/* ---- lines ---- */

static void judge_line(struct player *player, const struct judge_line *in)
{
    struct verdict verdict;
    struct budget_use use;
    const struct player_options *options = player->options;
    int r = options->verdict ? options->verdict(options->verdict_ctx, in, &verdict)
                             : judge_add(player->judge, in, &verdict);
    if (r < 0)
        return;
    bool judged = decide_is_judged(options->policy, &verdict);
    if (judged)
        count_use(player, &use);
    course_take_verdict(&player->course, &verdict, &use);
    tell(player, (struct night_news){.kind = NEWS_VERDICT, .verdict = &player->course.verdict});
    /* Of others the policy only says that they are none; time has been looked at before. */
    if (judged && !player->running)
        ask_policy(player);
}

static void handle_line(struct player *player, const struct intake_item *item)
{
    const struct scan_line *line = &item->message->line;
    struct judge_line in;
    int ended = -1;
    bool settled = course_check_line(&player->course, item, !player->running);
    if ((item->fate == INTAKE_USED || item->fate == INTAKE_LATE) && line->channel[0] == 'Z' &&
        course_frame_line(&player->course, line, &ended) == -ENOMEM)
        enter_safety(player, SAFETY_HOLD, "out of memory for the frame");
    tell_trace(player, ended, "complete");
    if (scan_trace_is_forward(line->trace))
        read_status(player);
    demand(player);
    if (!player->ended && course_wants_line(&player->course, item, settled, &in))
        judge_line(player, &in);
}

static void begin_frame(struct player *player, const struct data_message *message)
{
    if (player->course.frame.begun)
        tell_trace(player, course_frame_end(&player->course), "restarted");
    if (course_frame_begin(&player->course, message) < 0)
        tell_text(player, NEWS_ALARM, "a frame of %u x %u samples cannot be judged",
                  message->geometry.points, message->geometry.lines);
}

static void end_frame(struct player *player, const struct data_message *message)
{
    static const char *const ends[SCAN_END_REASON_COUNT] = {"complete", "stopped", "restarted",
                                                            "fault"};
    if (player->course.frame.begun && message->line.scan == player->course.frame.scan &&
        message->end_reason < SCAN_END_REASON_COUNT)
        tell_trace(player, course_frame_end(&player->course), ends[message->end_reason]);
}

static void handle(struct player *player, const struct intake_item *item)
{
    const struct data_message *message = item->message;
    course_clock(&player->course, message->line.t_inst_ns);
    check_time(player);
    if (player->ended)
        return;
    switch (message->type) {
    case DATA_SCAN_BEGIN:
        begin_frame(player, message);
        demand(player);
        return;
    case DATA_LINE:
        handle_line(player, item);
        return;
    case DATA_SCAN_END:
        end_frame(player, message);
        return;
    case DATA_NOTE:
        demand(player);
        go_on(player);
        return;
    case DATA_GAP:
    case DATA_TYPE_COUNT:
        return;
    }
}

/* ---- the microscope ---- */

/* What crosses the wire as counts comes out of it as SI, and so it does here. */
static int read_counts(struct player *player, const struct microscope_event *event,
                       struct data_message *message)
{
    const struct protocol_counts counts = {event->raw, event->scale, event->offset};
    struct protocol_frames frames;
    char error[PROTOCOL_ERROR_MAX];
    if (!player->samples)
        player->samples = calloc(SCAN_POINTS_MAX, sizeof(*player->samples));
    if (!player->samples)
        return -ENOMEM;
    int r = protocol_encode_data(message, &counts, &frames);
    if (r < 0)
        return r;
    r = protocol_decode_data(&frames, player->samples, message, error, sizeof(error));
    protocol_frames_finish(&frames);
    return r;
}

static void offer(struct player *player, struct data_message *message)
{
    memcpy(message->session, session, sizeof(message->session));
    message->line.seq = ++player->seq;
    (void)intake_offer(player->intake, message, 0);
}

static void handle_all(struct player *player)
{
    struct intake_item item;
    while (!player->ended && intake_next(player->intake, 0, &item))
        handle(player, &item);
}

static void take_data(struct player *player, struct microscope_event *event)
{
    struct data_message *message = &event->data;
    message->line.t_inst_ns = event->t_inst_ns;
    player->scan = message->line.scan;
    if (message->type == DATA_SCAN_BEGIN)
        player->x_retrace = message->geometry.x_retrace;
    player->goes_on = microscope_end_goes_on(message, player->x_retrace);
    if (message->type == DATA_LINE && !message->line.samples && event->raw) {
        memcpy(message->session, session, sizeof(message->session));
        if (read_counts(player, event, message) < 0)
            return;
    }
    offer(player, message);
    /* Over the wire the backward trace is there before the forward one is answered. */
    if (!player->goes_on)
        handle_all(player);
}

static void deliver_idle_note(struct player *player)
{
    struct data_message note = {.type = DATA_NOTE, .text = "idle"};
    note.line.t_inst_ns = player->t_inst_ns;
    note.line.scan = player->scan;
    player->goes_on = false;
    handle_all(player);
    read_status(player);
    demand(player);
    /* Over the wire the command would arrive while this note waits for its answer. */
    bool starts = player->scan_due;
    player->scan_due = false;
    offer(player, &note);
    handle_all(player);
    if (starts && !player->ended && player->microscope.ops->scan_start(player->microscope.self) < 0)
        enter_safety(player, SAFETY_HOLD, "the scan could not be started");
}

static void step(struct player *player)
{
    struct microscope_event event = {.kind = MICROSCOPE_NOTHING};
    player->microscope.ops->advance(player->microscope.self, player->t_inst_ns + IDLE_STEP_NS,
                                    &event);
    if (event.t_inst_ns > player->t_inst_ns)
        player->t_inst_ns = event.t_inst_ns;
    switch (event.kind) {
    case MICROSCOPE_NOTHING:
        if (!player->running)
            deliver_idle_note(player);
        return;
    case MICROSCOPE_DATA:
        take_data(player, &event);
        return;
    case MICROSCOPE_ENDED:
        handle_all(player);
        if (player->running)
            close_command(player, event.result == 0 ? COMMAND_DONE : COMMAND_FAILED,
                          event.crash_detected, event.text);
        return;
    case MICROSCOPE_FINISHED:
        handle_all(player);
        end_night(player, "left", "the microscope has nothing more to say", EXIT_STOPPED);
        return;
    }
}

static int create(struct player *player)
{
    const struct player_options *options = player->options;
    struct course_start start = {.policy = options->policy,
                                 .options = {.duration_s = options->duration_s,
                                             .end_at_good = options->end_at_good,
                                             .no_heights = options->verdict != NULL},
                                 .night = 1,
                                 .site = 1,
                                 .episode = 1,
                                 .learned = options->learned};
    player->intake = intake_create();
    intake_session(player->intake, session);
    player->spending = spending_create();
    guard_narrow(&options->policy->limits, &options->limits->limits, &player->limits);
    int r = course_begin(&player->course, &start);
    if (r == 0 && !options->verdict)
        r = judge_create(options->model, &player->judge);
    if (r == 0)
        r = player->microscope.ops->scan_start(player->microscope.self);
    return r;
}

int player_play(const struct player_options *options, struct microscope microscope,
                struct night_summary *ret_summary)
{
    struct player *player = calloc(1, sizeof(*player));
    if (!player)
        return -ENOMEM;
    player->options = options;
    player->microscope = microscope;
    int r = create(player);
    while (r == 0 && !player->ended)
        step(player);
    if (r == 0)
        *ret_summary = player->course.summary;
    judge_destroy(player->judge);
    spending_destroy(player->spending);
    intake_destroy(player->intake);
    course_finish(&player->course);
    free(player->samples);
    free(player);
    return r;
}
