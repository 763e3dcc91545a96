/* The safe state and its confirmation by the instrument; the end of the night. */
#include "agent/night_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const int64_t RETRACT_AGAIN_NS = 1000000000;
/* Longer than the instrument's lease: by then it has withdrawn by itself. */
static const int64_t END_PATIENCE_NS = 5000000000;

enum safety night_safety(const struct night *night)
{
    if (night->latched != SAFETY_ARMED)
        return night->latched;
    return night->armed && !night->held && !night->ending ? SAFETY_ARMED : SAFETY_HOLD;
}

/* ---- waiting for confirmation ---- */

void night_reply(const struct night *night, const struct night_request *request, int result,
                 const char *text)
{
    if (request->reply && !night->closing)
        request->reply(request->ctx, result, text);
}

bool night_wait(struct night *night, enum night_wish wish, uint64_t id, int64_t timeout_ns,
                const struct night_request *request)
{
    if (!request->reply)
        return true;
    for (size_t i = 0; i < NIGHT_WAITERS_MAX; i++) {
        struct night_waiter *waiter = &night->waiters[i];
        if (waiter->wish != WISH_NOTHING)
            continue;
        *waiter = (struct night_waiter){
            .wish = wish,
            .id = id,
            .until_ns = timeout_ns == INT64_MAX ? INT64_MAX : night->now_ns + timeout_ns,
            .reply = request->reply,
            .ctx = request->ctx};
        return true;
    }
    request->reply(request->ctx, -EBUSY, "in force, but too many are waiting to hear of it");
    return false;
}

static void answer(struct night_waiter *waiter, int result, const char *text)
{
    struct night_waiter gone = *waiter;
    waiter->wish = WISH_NOTHING;
    gone.reply(gone.ctx, result, text);
}

void night_grant(struct night *night, enum night_wish wish, uint64_t up_to, int result,
                 const char *text)
{
    /* Epochs rise, so a later one grants the earlier; a command is only itself. */
    bool rising = wish == WISH_FENCED || wish == WISH_WITHDRAWN;
    for (size_t i = 0; i < NIGHT_WAITERS_MAX; i++) {
        struct night_waiter *waiter = &night->waiters[i];
        if (waiter->wish == wish && (rising ? waiter->id <= up_to : waiter->id == up_to))
            answer(waiter, result, text);
    }
}

static void drop_late_waiters(struct night *night)
{
    for (size_t i = 0; i < NIGHT_WAITERS_MAX; i++) {
        struct night_waiter *waiter = &night->waiters[i];
        if (waiter->wish != WISH_NOTHING && waiter->until_ns < night->now_ns)
            answer(waiter, -ETIMEDOUT, "in force here, not confirmed by the instrument in time");
    }
}

/* ---- fence ---- */

void night_fence(struct night *night)
{
    if (night->epoch_raises > 0 || !night->end)
        return;
    if (!night->link_up) {
        night_grant(night, WISH_FENCED, UINT64_MAX, 0,
                    "held; the instrument is not connected and cannot confirm");
        return;
    }
    struct command fence = {
        .verb = COMMAND_FENCE, .id = night_free_id(night), .epoch = night->epoch};
    (void)agent_end_send(night->end, &fence);
}

void night_fence_seen(struct night *night, uint64_t epoch)
{
    if (epoch != night->epoch || night->epoch_raises > 0)
        return;
    bool news = !night->fenced;
    night->fenced = true;
    night_grant(night, WISH_FENCED, epoch, 0, "confirmed by the instrument");
    if (!news)
        return;
    night_resolve_open(night);
    night_changed(night);
    night_pump(night);
}

/* ---- entering a safe state ---- */

static void send_retract(struct night *night)
{
    struct command retract = {
        .verb = COMMAND_SAFE_RETRACT, .id = night_free_id(night), .epoch = night->epoch};
    night->retract_sent_ns = night->now_ns;
    if (night->link_up && night->end)
        (void)agent_end_send(night->end, &retract);
}

/* From here on nothing automatic starts: what is on its way to the wire finds another serial. */
static void hold_now(struct night *night, const char *why)
{
    night->held = true;
    night->hold_serial++;
    snprintf(night->why, sizeof(night->why), "%s", why);
}

void night_enter_safety(struct night *night, enum safety safety, const char *who, const char *why)
{
    enum safety before = night_safety(night);
    if (safety == SAFETY_ARMED || safety < before)
        return;
    if (safety == before && (night->held || safety > SAFETY_HOLD))
        return;
    hold_now(night, why);
    if (safety >= SAFETY_RETRACT) {
        night->latched = safety;
        send_retract(night);
    }
    night_record_event(night, safety_name(safety), who, why);
    night_record_epoch(night);
    /* Whoever asked for it need not be alarmed. */
    bool own = strcmp(who, "agent") == 0 || strcmp(who, "guard") == 0;
    night_news(night, (struct night_news){.kind = own ? NEWS_ALARM : NEWS_LOG, .text = why});
    night_changed(night);
    if (safety == SAFETY_PARKED)
        night_end(night, "parked", why, EXIT_PARKED);
}

void night_demand(struct night *night)
{
    char why[160];
    struct guard_facts facts;
    if (night->ending)
        return;
    night_facts(night, false, &facts);
    enum safety wanted = course_demand(&night->course, &facts, why, sizeof(why));
    night_enter_safety(night, wanted, "guard", why);
}

void night_journal_failed(struct night *night, int error)
{
    if (!night->journal_ok)
        return;
    char why[96];
    night->journal_ok = false;
    snprintf(why, sizeof(why), "the journal cannot be written: %s", strerror(-error));
    night_enter_safety(night, SAFETY_HOLD, "agent", why);
}

/* ---- the end ---- */

void night_end(struct night *night, const char *how, const char *why, int exit_code)
{
    if (night->ending)
        return;
    struct night_summary *summary = &night->course.summary;
    bool left = strcmp(how, "left") == 0;
    hold_now(night, why);
    night->ending = true;
    night->end_withdraw = !left;
    night->end_by_ns = night->now_ns + END_PATIENCE_NS;
    snprintf(summary->how, sizeof(summary->how), "%s", how);
    snprintf(summary->why, sizeof(summary->why), "%s", why);
    summary->exit_code = exit_code;
    summary->t_night_ns = night->course.t_night_ns;
    night_record_epoch(night);
    if (!left && night->latched < SAFETY_RETRACT)
        night->latched = SAFETY_RETRACT;
    if (night->end_withdraw)
        send_retract(night);
    if (night->course.frame.begun)
        night_frame_end(night, "ended");
    night_log(night, "%s: %s", left ? "leaving" : "the night has ended", why);
    night_record_end(night, how, why);
    night_changed(night);
}

void night_leave(struct night *night, const char *who, bool retract)
{
    char why[160];
    night->now_ns = (int64_t)uv_hrtime();
    snprintf(why, sizeof(why), "%s by %s", retract ? "stopped" : "left", who);
    if (night->ending) {
        if (retract)
            send_retract(night);
        night->leaving = true;
        return;
    }
    night_end(night, retract ? "stopped" : "left", why, EXIT_STOPPED);
}

static bool end_is_complete(const struct night *night)
{
    bool quiet = worker_idle(night->worker) && !night->busy && night->epoch_raises == 0 &&
                 night->n_open == 0;
    bool safe =
        !night->link_up ||
        (night->end_withdraw ? night->status_known && night->status.state == INSTRUMENT_WITHDRAWN
                             : night->fenced);
    return night->end_written && quiet && safe;
}

void night_safety_tick(struct night *night)
{
    drop_late_waiters(night);
    night_demand(night);
    if (night->latched >= SAFETY_RETRACT && night->link_up &&
        night->now_ns - night->retract_sent_ns > RETRACT_AGAIN_NS &&
        !(night->status_known && night->status.state == INSTRUMENT_WITHDRAWN))
        send_retract(night);
    if (night->link_up && !night->fenced && night->epoch_raises == 0)
        night_fence(night);
    if (!night->ending) {
        night_check_time(night);
        return;
    }
    bool patience = night->now_ns < night->end_by_ns;
    if (night->ended || (!end_is_complete(night) && patience))
        return;
    night->ended = true;
    night->callbacks.ended(night->ctx);
}
