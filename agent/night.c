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
    news.t_night_ns = night->course.t_night_ns;
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
    double behind = (double)(night->status.t_inst_ns - night->course.last_line_inst_ns) /
                    (double)night->line_period_inst_ns;
    int64_t piled_ns = (int64_t)(behind * (double)night->line_period_ns);
    return piled_ns > age_ns ? piled_ns : age_ns;
}

void night_facts(const struct night *night, bool operator_request, struct guard_facts *ret_facts)
{
    *ret_facts =
        (struct guard_facts){.safety = night_safety(night),
                             .operator_request = operator_request,
                             .link_up = night->link_up,
                             .fenced = night->fenced,
                             .command_open = night_command_open(night),
                             .model_ok = night->model_ok,
                             .journal_ok = night->journal_ok,
                             .line_age_ns = line_age_ns(night),
                             .line_period_ns = night->line_period_ns,
                             .feedback_on = night->status_known && night->status.feedback_on,
                             .z_m = night->status_known ? night->status.z_m : (double)NAN};
    course_facts(&night->course, ret_facts);
}

void night_use_policy(struct night *night)
{
    guard_narrow(&night->policy->limits, &night->hello.limits, &night->limits);
}

/* ---- the link ---- */

static void begin_session(struct night *night, const struct instrument_hello *hello)
{
    intake_session(night->intake, hello->session);
    if (night->course.frame.begun)
        night_frame_end(night, "lost");
    night->status_known = false;
    night->last_line_ns = 0;
    night->line_period_inst_ns = 0;
    course_new_session(&night->course);
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

static void on_status(void *ctx, const struct instrument_status *status)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    if (strcmp(status->session, night->hello.session) != 0)
        return;
    bool changed = !night->status_known || status->state != night->status.state;
    night->status = *status;
    night->status_known = true;
    course_take_status(&night->course, status, night_command_open(night));
    intake_last_sent(night->intake, status->last_seq);
    night_fence_seen(night, status->epoch);
    if (status->state == INSTRUMENT_WITHDRAWN)
        night_grant(night, WISH_WITHDRAWN, UINT64_MAX, 0, "withdrawn, confirmed by the instrument");
    night_demand(night);
    if (changed)
        night_changed(night);
    /* A gated instrument says so itself when it has nothing to do, in step with its clock. */
    if (!night->hello.gated && !night->busy)
        (void)night_go_on(night);
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

/* Begins the course with what the record knows of earlier actions. */
static int load_learned(struct night *night, struct course_start *start)
{
    struct learned *learned = calloc(1, sizeof(*learned));
    if (!learned)
        return -ENOMEM;
    int r = journal_learned(night->journal, night->policy->profile_name, learned);
    start->learned = learned;
    if (r == 0)
        r = course_begin(&night->course, start);
    free(learned);
    return r;
}

static int prepare(struct night *night, const struct journal_boot *boot)
{
    struct course *course = &night->course;
    struct course_start start = {.policy = night->policy,
                                 .options = {.duration_s = night->options.duration_s,
                                             .end_at_good = night->options.end_at_good},
                                 .night = boot->night,
                                 .site = boot->site,
                                 .episode = boot->episode,
                                 .t_night_ns = boot->t_night_ns};
    night->night_number = boot->night;
    night->epoch = boot->epoch;
    night->journal_ok = night->model_ok = true;
    night->armed = night->options.arm;
    night->latched = boot->parked == JOURNAL_PARKED ? SAFETY_PARKED : SAFETY_ARMED;
    if (night->latched == SAFETY_PARKED)
        snprintf(night->why, sizeof(night->why), "this night has ended; begin a new one");
    night->frame_key = true;
    int r = load_learned(night, &start);
    if (r == 0)
        r = load_open(night);
    if (r == 0)
        r = night_load_spots(night);
    if (r == 0)
        r = journal_use(night->journal, night->policy, course->site, course->episode,
                        course->t_night_ns, &course->use);
    if (r == 0)
        r = judge_create(night->options.model, &night->judge);
    return r;
}

static void free_night(struct night *night)
{
    worker_destroy(night->worker);
    intake_destroy(night->intake);
    judge_destroy(night->judge);
    course_finish(&night->course);
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
                                      .good = night->course.good,
                                      .leaving = night->ending,
                                      .link_up = night->link_up,
                                      .fenced = night->fenced,
                                      .hello = &night->hello,
                                      .status = &night->status,
                                      .epoch = night->epoch,
                                      .night = night->night_number,
                                      .site = night->course.site,
                                      .episode = night->course.episode,
                                      .t_night_ns = night->course.t_night_ns,
                                      .frame_begun = night->course.frame.begun,
                                      .scan = night->course.frame.scan,
                                      .geometry = &night->course.frame.geometry,
                                      .verdict = &night->course.verdict,
                                      .use = night->course.use,
                                      .counts = intake_counts(night->intake),
                                      .policy = night->policy,
                                      .command_open = night->n_open ? night->open[0].id : 0};
}

const struct night_summary *night_summary(const struct night *night)
{
    return &night->course.summary;
}
