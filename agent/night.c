/* The night's life: what it is made of, its clocks, the link's comings and goings, its end. */
#include "agent/night_inside.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_MS = 100, LEASE_MS = 3000 };

int64_t night_utc_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t night_free_id(struct night *night)
{
    return COMMAND_ID_FREE + night->free_ids++;
}

void night_news(struct night *night, struct night_news news)
{
    news.t_night_ns = night->t_night_ns;
    if (night->callbacks.news && !night->closing)
        night->callbacks.news(night->ctx, &news);
}

void night_changed(struct night *night)
{
    night_news(night, (struct night_news){.kind = NEWS_STATE});
}

__attribute__((format(printf, 4, 0))) static void say(struct night *night,
                                                      enum night_news_kind kind, const char *record,
                                                      const char *format, va_list args)
{
    char text[256];
    vsnprintf(text, sizeof(text), format, args);
    night_record_event(night, record, "agent", text);
    night_news(night, (struct night_news){.kind = kind, .text = text});
}

void night_alarm(struct night *night, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(night, NEWS_ALARM, "alarm", format, args);
    va_end(args);
}

void night_log(struct night *night, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(night, NEWS_LOG, "log", format, args);
    va_end(args);
}

void night_clock(struct night *night, int64_t t_inst_ns)
{
    if (!night->inst_base_known) {
        night->inst_base_known = true;
        night->inst_base_ns = t_inst_ns;
        night->t_inst_ns = t_inst_ns;
        night->base_ns = night->t_night_ns;
        return;
    }
    if (t_inst_ns <= night->t_inst_ns)
        return;
    night->t_inst_ns = t_inst_ns;
    night->t_night_ns = night->base_ns + (t_inst_ns - night->inst_base_ns);
}

/*
 * Host time since the newest line that has been dealt with: since it arrived, or longer if the
 * instrument's clock says that lines have piled up on the way.
 */
static int64_t line_age_ns(const struct night *night)
{
    if (night->hello.gated && night->busy)
        return 0;
    if (night->last_line_ns <= 0)
        return INT64_MAX;
    int64_t age_ns = night->now_ns - night->last_line_ns;
    if (night->hello.gated || !night->status_known || night->line_period_inst_ns <= 0)
        return age_ns;
    double behind = (double)(night->status.t_inst_ns - night->last_line_inst_ns) /
                    (double)night->line_period_inst_ns;
    int64_t piled_ns = (int64_t)(behind * (double)night->line_period_ns);
    return piled_ns > age_ns ? piled_ns : age_ns;
}

void night_facts(const struct night *night, bool operator_request, struct guard_facts *ret_facts)
{
    const double unknown_m = (double)NAN;
    double action_s = night->action_end_night_ns < 0
                          ? (double)INFINITY
                          : (double)(night->t_night_ns - night->action_end_night_ns) * 1e-9;
    *ret_facts =
        (struct guard_facts){.safety = night_safety(night),
                             .operator_request = operator_request,
                             .link_up = night->link_up,
                             .fenced = night->fenced,
                             .frame_begun = night->frame.begun,
                             .command_open = night_command_open(night),
                             .model_ok = night->model_ok,
                             .journal_ok = night->journal_ok,
                             .line_age_ns = line_age_ns(night),
                             .line_period_ns = night->line_period_ns,
                             .lines_seen = night->verdict.lines_seen,
                             .lines_due = night->verdict.lines_due,
                             .bad_lines_in_a_row = night->bad_lines,
                             .flat_lines_in_a_row = night->flat_lines,
                             .over_current = night->over_current || night->status_over_current,
                             .feedback_on = night->status_known && night->status.feedback_on,
                             .z_m = night->status_known ? night->status.z_m : unknown_m,
                             .since_action_s = action_s,
                             .night_s = (double)night->t_night_ns * 1e-9,
                             .use = night->use};
}

void night_use_policy(struct night *night)
{
    guard_narrow(&night->policy->limits, &night->hello.limits, &night->limits);
}

/* ---- the link ---- */

static void begin_session(struct night *night, const struct instrument_hello *hello)
{
    intake_session(night->intake, hello->session);
    if (night->frame.begun)
        night_frame_end(night, "lost");
    night->inst_base_known = false;
    night->status_known = false;
    night->last_line_ns = 0;
    night->last_line_inst_ns = INT64_MIN;
    night->line_period_inst_ns = 0;
    night->window_start_inst_ns = INT64_MIN;
    night->frames_watched = 0;
    night->bad_lines = night->flat_lines = 0;
    night->over_current = false;
    night_new_window(night, true);
}

static void on_hello(void *ctx, const struct instrument_hello *hello)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    bool other = strcmp(hello->session, night->hello.session) != 0;
    bool restarted = other && night->hello_seen;
    /* Not lost for us, but we were for it: its lease ran out, and it has made itself safe. */
    bool missed_us = !other && night->link_up;
    night->hello = *hello;
    night->hello_seen = night->link_up = true;
    night->fenced = false;
    night->link_serial++;
    night_use_policy(night);
    if (other)
        begin_session(night, hello);
    if (restarted)
        night_enter_safety(night, SAFETY_HOLD, "agent", "the instrument has restarted");
    if (missed_us)
        night_enter_safety(night, SAFETY_HOLD, "agent", "the instrument had lost us for a while");
    night_log(night, "hello from %s, session %s%s", hello->name, hello->session,
              hello->simulated ? ", simulated" : "");
    if (hello->last_id > 0 || hello->epoch >= night->epoch)
        night_record_above(night, hello->last_id, hello->epoch);
    night_fence(night);
    night_resolve_open(night);
    night_changed(night);
}

static void on_lost(void *ctx)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    night->link_up = night->fenced = false;
    night->link_serial++;
    night_enter_safety(night, SAFETY_HOLD, "agent", "the instrument is not answering");
    night_grant(night, WISH_FENCED, UINT64_MAX, 0,
                "held; the instrument is not connected and cannot confirm");
    night_grant(night, WISH_WITHDRAWN, UINT64_MAX, -ENOTCONN,
                "the instrument is not connected; it withdraws by itself when its lease ends");
    if (night->options.leave_when_lost && !night->ending)
        night_leave(night, "agent", false);
    night_changed(night);
}

/* A reading now and then, so two in a row stand for the samples in a row that a line has. */
static void check_status_current(struct night *night, const struct instrument_status *status)
{
    bool over = status->state == INSTRUMENT_SCANNING && !night_command_open(night) &&
                fabs(status->current_a) > night->policy->guards.over_current_a;
    night->status_over_current = over && night->status_over;
    night->status_over = over;
}

static void on_status(void *ctx, const struct instrument_status *status)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    if (strcmp(status->session, night->hello.session) != 0)
        return;
    bool changed = !night->status_known || status->state != night->status.state;
    night->status = *status;
    night->status_known = true;
    /* While lines come they carry the clock, in step with what they show. */
    if (status->state == INSTRUMENT_WITHDRAWN || status->state == INSTRUMENT_FAULT)
        night_clock(night, status->t_inst_ns);
    check_status_current(night, status);
    intake_last_sent(night->intake, status->last_seq);
    night_fence_seen(night, status->epoch);
    if (status->state == INSTRUMENT_WITHDRAWN)
        night_grant(night, WISH_WITHDRAWN, UINT64_MAX, 0, "withdrawn, confirmed by the instrument");
    night_demand(night);
    if (changed)
        night_changed(night);
    night_pump(night);
}

static void on_tick(uv_timer_t *timer)
{
    struct night *night = timer->data;
    night->now_ns = (int64_t)uv_hrtime();
    night_ask_open(night);
    night_safety_tick(night);
    night_pump(night);
}

/* ---- life ---- */

static int load_open(struct night *night)
{
    struct journal_open_action list[NIGHT_OPEN_MAX];
    size_t n;
    int r = journal_open_actions(night->journal, list, NIGHT_OPEN_MAX, &n);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct night_open *open = &night->open[night->n_open++];
        *open = (struct night_open){.id = list[i].id, .action = list[i].action};
        snprintf(open->session, sizeof(open->session), "%s", list[i].session);
        snprintf(open->who, sizeof(open->who), "earlier");
    }
    return 0;
}

static int prepare(struct night *night, const struct journal_boot *boot)
{
    night->night_number = boot->night;
    night->epoch = boot->epoch;
    night->site = boot->site;
    night->episode = boot->episode;
    night->t_night_ns = night->base_ns = boot->t_night_ns;
    night->journal_ok = night->model_ok = true;
    night->armed = night->options.arm;
    night->latched = boot->parked == JOURNAL_PARKED ? SAFETY_PARKED : SAFETY_ARMED;
    if (night->latched == SAFETY_PARKED)
        snprintf(night->why, sizeof(night->why), "this night has ended; begin a new one");
    night->last_line_inst_ns = night->window_start_inst_ns = INT64_MIN;
    night->restart = true;
    night->action_end_night_ns = -1;
    night->current_trace = -1;
    night->frame_key = true;
    night->summary.exit_code = EXIT_INTERNAL;
    night->window = calloc(NIGHT_WINDOW_MAX, sizeof(*night->window));
    if (!night->window)
        return -ENOMEM;
    int r = load_open(night);
    if (r == 0)
        r = night_load_spots(night);
    if (r == 0)
        r = journal_use(night->journal, night->policy, night->site, night->episode,
                        night->t_night_ns, &night->use);
    if (r == 0)
        r = judge_create(night->options.model, &night->judge);
    return r;
}

static void free_night(struct night *night)
{
    worker_destroy(night->worker);
    intake_destroy(night->intake);
    judge_destroy(night->judge);
    frame_finish(&night->frame);
    free(night->window);
    free(night->policy);
    free(night);
}

int night_create(const struct night_start *start, const struct night_options *options,
                 const struct night_callbacks *callbacks, void *ctx, struct night **ret_night)
{
    struct night *night = calloc(1, sizeof(*night));
    if (!night)
        return -ENOMEM;
    night->options = *options;
    snprintf(night->state_directory, sizeof(night->state_directory), "%s",
             options->state_directory);
    night->callbacks = *callbacks;
    night->ctx = ctx;
    night->hub = start->hub;
    night->loop = zsock_hub_loop(start->hub);
    night->journal = start->journal;
    night->policy = start->policy;
    night->now_ns = (int64_t)uv_hrtime();
    night->worker = worker_create(night->loop);
    night->intake = intake_create();
    struct agent_end_options end = {.data_endpoint = options->data_endpoint,
                                    .command_endpoint = options->command_endpoint,
                                    .keys = options->keys,
                                    .policy_hash = night->policy->hash,
                                    .lease_ms = LEASE_MS};
    struct agent_end_callbacks heard = {.hello = on_hello,
                                        .data = night_on_data,
                                        .bad_data = night_on_bad_data,
                                        .event = night_on_event,
                                        .status = on_status,
                                        .lost = on_lost};
    int r = prepare(night, start->boot);
    if (r == 0)
        r = agent_end_create(start->hub, &end, &heard, night, &night->end);
    if (r < 0) {
        night->policy = NULL; /* stays the caller's */
        free_night(night);
        return r;
    }
    uv_timer_init(night->loop, &night->tick);
    night->tick.data = night;
    uv_timer_start(&night->tick, on_tick, TICK_MS, TICK_MS);
    night->handles = 2;
    night_use_policy(night);
    *ret_night = night;
    return 0;
}

void night_finish_close(struct night *night)
{
    if (!night->closing || night->handles > 0 || !worker_idle(night->worker))
        return;
    void (*done)(void *) = night->closed;
    void *ctx = night->closed_ctx;
    free_night(night);
    done(ctx);
}

static void handle_gone(struct night *night)
{
    night->handles--;
    night_finish_close(night);
}

static void tick_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void end_closed(void *ctx)
{
    handle_gone(ctx);
}

void night_close(struct night *night, void (*done)(void *ctx), void *ctx)
{
    night->closing = true;
    night->closed = done;
    night->closed_ctx = ctx;
    memset(night->waiters, 0, sizeof(night->waiters));
    uv_close((uv_handle_t *)&night->tick, tick_closed);
    struct agent_end *end = night->end;
    night->end = NULL;
    agent_end_close(end, end_closed, night);
}

void night_state(const struct night *night, struct night_state *ret_state)
{
    *ret_state = (struct night_state){.safety = night_safety(night),
                                      .why = night->why,
                                      .armed = night->armed,
                                      .good = night->good,
                                      .leaving = night->ending,
                                      .link_up = night->link_up,
                                      .fenced = night->fenced,
                                      .hello = &night->hello,
                                      .status = &night->status,
                                      .epoch = night->epoch,
                                      .night = night->night_number,
                                      .site = night->site,
                                      .episode = night->episode,
                                      .t_night_ns = night->t_night_ns,
                                      .frame_begun = night->frame.begun,
                                      .scan = night->frame.scan,
                                      .geometry = &night->frame.geometry,
                                      .verdict = &night->verdict,
                                      .use = night->use,
                                      .counts = intake_counts(night->intake),
                                      .policy = night->policy,
                                      .command_open = night->n_open ? night->open[0].id : 0};
}

const struct night_summary *night_summary(const struct night *night)
{
    return &night->summary;
}
