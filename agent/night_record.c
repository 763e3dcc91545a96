/* Journal calls as jobs of the worker, in the order in which they were asked for. */
#include "agent/night_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record_job {
    struct worker_job job;
    struct night *night;
    int (*write)(struct journal *journal, struct record_job *record);
    void (*then)(struct night *night, struct record_job *record); /* NULL: nothing */
    int result;
    char kind[32], who[NIGHT_NAME_MAX], text[MESSAGE_TEXT_MAX + 64];
    uint64_t id, epoch;
    uint32_t site, episode;
    enum command_state state;
    bool flag;
    struct journal_spot spot;
    struct learn_trial trial;
    struct decision decision;
    struct verdict verdict;
    struct policy *policy;
    night_reply_fn reply;
    void *ctx;
    struct budget_use use;
    int64_t t_night_ns, t_utc_us;
};

static void run(struct worker_job *job)
{
    struct record_job *record = (struct record_job *)job;
    record->result = record->write(record->night->journal, record);
}

static void done(struct worker_job *job)
{
    struct record_job *record = (struct record_job *)job;
    struct night *night = record->night;
    night->now_ns = (int64_t)uv_hrtime();
    if (record->result < 0)
        night_journal_failed(night, record->result);
    if (record->then)
        record->then(night, record);
    free(record);
    night_finish_close(night);
}

static struct record_job *new_record(struct night *night,
                                     int (*write)(struct journal *, struct record_job *))
{
    struct record_job *record = calloc(1, sizeof(*record));
    if (!record) {
        fputs("tipwright: out of memory for the record\n", stderr);
        abort();
    }
    record->job = (struct worker_job){.run = run, .done = done};
    record->night = night;
    record->write = write;
    record->site = night->course.site;
    record->episode = night->course.episode;
    record->t_night_ns = night->course.t_night_ns;
    record->t_utc_us = night_utc_us();
    return record;
}

static int write_event(struct journal *journal, struct record_job *record)
{
    return journal_event(journal, record->kind, record->who, record->text, record->t_night_ns,
                         record->t_utc_us);
}

void night_record_event(struct night *night, const char *kind, const char *who, const char *text)
{
    if (!night->journal_ok)
        return;
    struct record_job *record = new_record(night, write_event);
    snprintf(record->kind, sizeof(record->kind), "%s", kind);
    snprintf(record->who, sizeof(record->who), "%s", who);
    snprintf(record->text, sizeof(record->text), "%s", text);
    worker_submit(night->worker, &record->job);
}

static int write_decision(struct journal *journal, struct record_job *record)
{
    return journal_decision(journal, record->policy, &record->decision, &record->verdict,
                            record->kind, record->text);
}

void night_record_decision(struct night *night, const struct decision *decision, const char *guard,
                           const char *guard_why)
{
    night_news(night,
               (struct night_news){.kind = NEWS_DECISION, .decision = decision, .text = guard_why});
    if (!night->journal_ok)
        return;
    struct record_job *record = new_record(night, write_decision);
    record->decision = *decision;
    record->verdict = night->course.verdict;
    record->policy = night->policy;
    snprintf(record->kind, sizeof(record->kind), "%s", guard);
    snprintf(record->text, sizeof(record->text), "%s", guard_why);
    worker_submit(night->worker, &record->job);
}

static int write_outcome(struct journal *journal, struct record_job *record)
{
    int r = journal_outcome(journal, record->id, record->state, record->flag, record->text,
                            record->t_night_ns, record->t_utc_us);
    return r < 0 ? r
                 : journal_use(journal, record->policy, record->site, record->episode,
                               record->t_night_ns, &record->use);
}

/* Only now, with the outcome on disk, may another command begin. */
static void close_open(struct night *night, struct record_job *record)
{
    for (size_t i = 0; i < night->n_open; i++) {
        if (night->open[i].id != record->id)
            continue;
        night->n_open--;
        memmove(&night->open[i], &night->open[i + 1], (night->n_open - i) * sizeof(night->open[0]));
        break;
    }
    if (record->result == 0)
        night->course.use = record->use;
    night_grant(night, WISH_OUTCOME, record->id, record->state == COMMAND_DONE ? 0 : -1,
                record->text[0] ? record->text : command_state_name(record->state));
    night_changed(night);
    night_pump(night);
}

void night_record_outcome(struct night *night, const struct night_open *open,
                          enum command_state state, bool crash, const char *text)
{
    struct record_job *record = new_record(night, write_outcome);
    record->id = open->id;
    record->state = state;
    record->flag = crash;
    record->policy = night->policy;
    snprintf(record->text, sizeof(record->text), "%s", text);
    record->then = close_open;
    worker_submit(night->worker, &record->job);
}

static int write_place(struct journal *journal, struct record_job *record)
{
    int r = journal_place(journal, record->site, record->episode, record->t_night_ns);
    return r < 0 ? r
                 : journal_use(journal, record->policy, record->site, record->episode,
                               record->t_night_ns, &record->use);
}

static void take_use(struct night *night, struct record_job *record)
{
    if (record->result == 0)
        night->course.use = record->use;
}

void night_record_place(struct night *night)
{
    if (!night->journal_ok)
        return;
    struct record_job *record = new_record(night, write_place);
    record->policy = night->policy;
    record->then = take_use;
    worker_submit(night->worker, &record->job);
}

static int write_spot(struct journal *journal, struct record_job *record)
{
    return journal_spot_add(journal, record->site, &record->spot);
}

void night_record_spot(struct night *night, const struct journal_spot *spot)
{
    if (!night->journal_ok)
        return;
    struct record_job *record = new_record(night, write_spot);
    record->spot = *spot;
    worker_submit(night->worker, &record->job);
}

static int write_trial(struct journal *journal, struct record_job *record)
{
    return journal_trial(journal, record->text, &record->trial, record->t_night_ns);
}

void night_record_trial(struct night *night, const struct learn_trial *trial)
{
    if (!night->journal_ok)
        return;
    struct record_job *record = new_record(night, write_trial);
    record->trial = *trial;
    snprintf(record->text, sizeof(record->text), "%s", night->policy->profile_name);
    worker_submit(night->worker, &record->job);
}

static int write_epoch(struct journal *journal, struct record_job *record)
{
    return journal_raise_epoch(journal, &record->epoch);
}

static int write_above(struct journal *journal, struct record_job *record)
{
    return journal_raise_above(journal, record->id, record->epoch, &record->epoch);
}

static void take_epoch(struct night *night, struct record_job *record)
{
    night->epoch_raises--;
    /* A dead journal must not keep a hold from the instrument: fence with the next number. */
    uint64_t epoch = record->result == 0 ? record->epoch : night->epoch + 1;
    if (epoch > night->epoch)
        night->epoch = epoch;
    night->fenced = false;
    night_fence(night);
}

/* An intent of the old epoch would now be refused by the journal, and by the instrument. */
static void raise_epoch(struct night *night, struct record_job *record,
                        void (*then)(struct night *, struct record_job *))
{
    record->then = then;
    night->epoch_raises++;
    night->fenced = false;
    worker_submit(night->worker, &record->job);
}

void night_record_epoch(struct night *night)
{
    raise_epoch(night, new_record(night, write_epoch), take_epoch);
}

void night_record_above(struct night *night, uint64_t id, uint64_t epoch)
{
    struct record_job *record = new_record(night, write_above);
    record->id = id;
    record->epoch = epoch;
    raise_epoch(night, record, take_epoch);
}

static int write_scan(struct journal *journal, struct record_job *record)
{
    int r = journal_draw_id(journal, &record->id, &record->epoch);
    return r < 0 ? r
                 : journal_event(journal, "operator", record->who, record->text, record->t_night_ns,
                                 record->t_utc_us);
}

static void send_scan(struct night *night, struct record_job *record)
{
    enum { TTL_MS = 5000 };
    static const int64_t patience_ns = 10000000000;
    struct night_request request = {record->who, record->reply, record->ctx};
    struct command command = {.verb = record->flag ? COMMAND_SCAN_START : COMMAND_SCAN_STOP,
                              .id = record->id,
                              .epoch = record->epoch,
                              .ttl_ms = TTL_MS};
    take_epoch(night, record);
    int r = record->result;
    if (r == 0)
        r = night->end ? agent_end_send(night->end, &command) : -ENOTCONN;
    if (r == 0)
        (void)night_wait(night, WISH_SCAN, record->id, patience_ns, &request);
    else
        night_reply(night, &request, r, "could not be sent");
}

void night_record_scan(struct night *night, const struct night_request *request, bool start)
{
    struct record_job *record = new_record(night, write_scan);
    record->flag = start;
    record->reply = request->reply;
    record->ctx = request->ctx;
    snprintf(record->who, sizeof(record->who), "%s", request->who);
    snprintf(record->text, sizeof(record->text), "scan %s", start ? "start" : "stop");
    raise_epoch(night, record, send_scan);
}

static int write_correction(struct journal *journal, struct record_job *record)
{
    int r = journal_event(journal, "judge", record->who, record->text, record->t_night_ns,
                          record->t_utc_us);
    return r < 0 ? r : journal_flush(journal);
}

static void answer_correction(struct night *night, struct record_job *record)
{
    struct night_request request = {record->who, record->reply, record->ctx};
    night_reply(night, &request, record->result,
                record->result < 0 ? "not on record" : record->text);
}

void night_record_correction(struct night *night, const struct night_request *request,
                             const char *text)
{
    struct record_job *record = new_record(night, write_correction);
    snprintf(record->who, sizeof(record->who), "%s", request->who);
    snprintf(record->text, sizeof(record->text), "%s", text);
    record->reply = request->reply;
    record->ctx = request->ctx;
    record->then = answer_correction;
    worker_submit(night->worker, &record->job);
}

static int write_end(struct journal *journal, struct record_job *record)
{
    int r = record->flag ? journal_end_night(journal, record->kind, record->text,
                                             record->t_night_ns, record->t_utc_us)
                         : journal_event(journal, "left", "agent", record->text, record->t_night_ns,
                                         record->t_utc_us);
    return r < 0 ? r : journal_flush(journal);
}

static void take_end(struct night *night, struct record_job *record)
{
    (void)record;
    night->end_written = true;
}

void night_record_end(struct night *night, const char *how, const char *why)
{
    struct record_job *record = new_record(night, write_end);
    record->flag = strcmp(how, "left") != 0;
    snprintf(record->kind, sizeof(record->kind), "%s", how);
    snprintf(record->text, sizeof(record->text), "%s", why);
    record->then = take_end;
    worker_submit(night->worker, &record->job);
}

static int write_nothing(struct journal *journal, struct record_job *record)
{
    (void)journal;
    (void)record;
    return 0;
}

static void free_policy(struct night *night, struct record_job *record)
{
    (void)night;
    free(record->policy);
}

void night_free_policy_later(struct night *night, struct policy *policy)
{
    struct record_job *record = new_record(night, write_nothing);
    record->policy = policy;
    record->then = free_policy;
    worker_submit(night->worker, &record->job);
}
