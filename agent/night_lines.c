/* From data message to verdict: one message at a time. */
#include "agent/night_inside.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Faster than this the host clock says nothing about staleness: a commit takes as long. */
static const int64_t LINE_PERIOD_LEAST_NS = 200000000;

void night_on_data(void *ctx, const struct data_message *message)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    (void)intake_offer(night->intake, message, night->now_ns);
    night_pump(night);
}

void night_on_bad_data(void *ctx, const char *why)
{
    struct night *night = ctx;
    night->now_ns = (int64_t)uv_hrtime();
    intake_undecodable(night->intake);
    night_alarm(night, "a data message could not be read: %s", why);
}

void night_message_done(struct night *night)
{
    night->busy = false;
    if (night->end && !night->ending)
        agent_end_ack(night->end, night->busy_seq);
    night_pump(night);
}

/* ---- facts that lines carry ---- */

static void note_arrival(struct night *night, const struct scan_line *line, int64_t arrived_ns)
{
    if (scan_trace_is_forward(line->trace) && line->channel[0] == 'Z') {
        int64_t period_ns = night->last_line_ns > 0 ? arrived_ns - night->last_line_ns : 0;
        if (night->line_period_ns == 0)
            night->line_period_ns = LINE_PERIOD_LEAST_NS;
        night->line_period_ns += (period_ns - night->line_period_ns) / 8;
        if (night->line_period_ns < LINE_PERIOD_LEAST_NS)
            night->line_period_ns = LINE_PERIOD_LEAST_NS;
        night->last_line_ns = arrived_ns;
        period_ns = line->t_inst_ns - night->last_forward_inst_ns;
        if (line->line > 0 && period_ns > 0)
            night->line_period_inst_ns +=
                (period_ns - night->line_period_inst_ns) / (night->line_period_inst_ns > 0 ? 8 : 1);
        night->last_forward_inst_ns = line->t_inst_ns;
    }
}

/*
 * A command whose end is known is over here, written or not: how long the disk takes must not
 * decide which lines count.
 */
static bool is_untouched(const struct night *night)
{
    for (size_t i = 0; i < night->n_open; i++)
        if (!night->open[i].closing)
            return false;
    return !night->intent.open;
}

/* ---- the worker's part ---- */

static void run_line(struct worker_job *job)
{
    struct line_job *line = (struct line_job *)job;
    struct night *night = line->night;
    line->judged = judge_add(night->judge, &line->in, &line->verdict);
    line->journal = 0;
    if (line->judged < 0)
        return;
    line->journal = journal_verdict(night->journal, &line->verdict);
    if (line->journal == 0 && decide_is_judged(line->policy, &line->verdict))
        line->journal = journal_use(night->journal, line->policy, line->site, line->episode,
                                    line->verdict.t_night_ns, &line->use);
}

static void record_change(struct night *night, const struct verdict *verdict)
{
    char text[80];
    snprintf(text, sizeof text, "frame %u_%u, line %u", verdict->run, verdict->cycle,
             verdict->change_line);
    night_record_event(night, "tip change", "agent", text);
}

static void take_verdict(struct night *night, const struct line_job *line)
{
    course_take_verdict(&night->course, &line->verdict, &line->use);
    if (line->verdict.change_is_new)
        record_change(night, &line->verdict);
    night_news(night, (struct night_news){.kind = NEWS_VERDICT, .verdict = &night->course.verdict});
}

/* True: a command is under way, which goes on with night_message_done(). */
static bool take_line(struct night *night, const struct line_job *line)
{
    if (line->journal < 0)
        night_journal_failed(night, line->journal);
    if (line->judged < 0 && line->judged != -EAGAIN)
        night_log(night, "line %u could not be judged: %s", line->line.line,
                  strerror(-line->judged));
    /* Of another session, or counted by the rules of another policy: nothing is built on it. */
    bool stale = line->link_serial != night->link_serial || line->policy != night->policy;
    if (line->judged < 0 || line->journal < 0 || stale)
        return false;
    take_verdict(night, line);
    return night_decide(night);
}

static void line_done(struct worker_job *job)
{
    struct line_job *line = (struct line_job *)job;
    struct night *night = line->night;
    night->now_ns = (int64_t)uv_hrtime();
    if (!take_line(night, line))
        night_message_done(night);
    night_finish_close(night);
}

/* True: it goes on by itself and calls night_message_done(). */
static bool submit_line(struct night *night, const struct judge_line *in)
{
    struct line_job *job = &night->line;
    *job = (struct line_job){.job = {.run = run_line, .done = line_done},
                             .night = night,
                             .in = *in,
                             .line = *in->line,
                             .policy = night->policy,
                             .site = night->course.site,
                             .episode = night->course.episode,
                             .link_serial = night->link_serial};
    /* The samples stay where the intake has them until the next message is taken. */
    job->in.line = &job->line;
    /* A gated instrument waits for the answer, and so would the loop: no need to change threads. */
    if (night->hello.gated && worker_idle(night->worker)) {
        run_line(&job->job);
        return take_line(night, job);
    }
    worker_submit(night->worker, &job->job);
    return true;
}

/* ---- one message ---- */

/* True: a job is under way. */
static bool handle_line(struct night *night, const struct intake_item *item)
{
    const struct scan_line *line = &item->message->line;
    struct judge_line in;
    note_arrival(night, line, item->arrived_ns);
    bool settled = course_check_line(&night->course, item, is_untouched(night));
    if ((item->fate == INTAKE_USED || item->fate == INTAKE_LATE) && line->channel[0] == 'Z')
        night_frame_line(night, line);
    night_demand(night);
    if (night->ending || !course_wants_line(&night->course, item, settled, &in))
        return false;
    return submit_line(night, &in);
}

static bool handle(struct night *night, const struct intake_item *item)
{
    const struct data_message *message = item->message;
    course_clock(&night->course, message->line.t_inst_ns);
    night_check_time(night);
    if (night->ending)
        return false;
    switch (message->type) {
    case DATA_SCAN_BEGIN:
        night_frame_begin(night, message);
        /* Frames may come without lines, and ticks are rare for an instrument in virtual time. */
        night_demand(night);
        return false;
    case DATA_LINE:
        return handle_line(night, item);
    case DATA_SCAN_END: {
        static const char *const ends[SCAN_END_REASON_COUNT] = {"complete", "stopped", "restarted",
                                                                "fault"};
        if (night->course.frame.begun && message->line.scan == night->course.frame.scan &&
            message->end_reason < SCAN_END_REASON_COUNT)
            night_frame_end(night, ends[message->end_reason]);
        return false;
    }
    case DATA_NOTE:
        night_record_event(night, "note", "instrument", message->text);
        night_demand(night);
        return night_go_on(night);
    case DATA_GAP:
    case DATA_TYPE_COUNT:
        return false;
    }
    return false;
}

static void ask_for_missing(struct night *night)
{
    uint64_t from, to;
    if (!night->link_up || !intake_resend(night->intake, night->now_ns, &from, &to))
        return;
    struct command command = {.verb = COMMAND_RESEND,
                              .id = night_free_id(night),
                              .epoch = night->epoch,
                              .from_seq = from,
                              .to_seq = to};
    (void)agent_end_send(night->end, &command);
}

/*
 * Lines wait while the last command's outcome is being written, so that what is seen after it never
 * depends on how fast the disk was. A gated instrument also waits for its fence: its time costs
 * nothing. At the end the rest stays unread, and a gated instrument's clock stands still.
 */
static bool must_wait(const struct night *night)
{
    if (night->busy || night->ending || (night->hello.gated && night->link_up && !night->fenced))
        return true;
    for (size_t i = 0; i < night->n_open; i++)
        if (night->open[i].closing)
            return true;
    return false;
}

void night_pump(struct night *night)
{
    struct intake_item item;
    if (night->pumping || night->closing)
        return;
    night->pumping = true;
    while (!must_wait(night) && intake_next(night->intake, night->now_ns, &item)) {
        night->busy = true;
        night->busy_seq = item.message->line.seq;
        if (handle(night, &item))
            break;
        night->busy = false;
        if (!night->ending)
            agent_end_ack(night->end, night->busy_seq);
    }
    ask_for_missing(night);
    night->pumping = false;
}
