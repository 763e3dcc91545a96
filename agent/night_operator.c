/* What operators ask of the night. Every act is on record with who asked. */
#include "agent/night_inside.h"

#include "config/policy_errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t CONFIRM_NS = 5000000000;
static const int64_t WITHDRAW_NS = 30000000000;

static void refuse(struct night *night, const struct night_request *request, const char *verb,
                   int result, const char *why)
{
    char text[256];
    snprintf(text, sizeof(text), "%s refused: %.200s", verb, why);
    night_record_event(night, "operator", request->who, text);
    night_reply(night, request, result, why);
}

static void hold(struct night *night, const struct night_request *request, const char *why)
{
    char text[160];
    snprintf(text, sizeof(text), "%s%s%s", request->who, why[0] ? ": " : " holds", why);
    night->now_ns = (int64_t)uv_hrtime();
    if (night_safety(night) <= SAFETY_HOLD && !night->held) {
        night_enter_safety(night, SAFETY_HOLD, request->who, text);
    } else {
        /* Already held: say so again with a new epoch, so that this hold is confirmed, too. */
        night->hold_serial++;
        if (night->latched == SAFETY_ARMED)
            snprintf(night->why, sizeof(night->why), "%s", text);
        night_record_event(night, "hold", request->who, text);
        night_record_epoch(night);
    }
    (void)night_wait(night, WISH_FENCED, night->epoch + 1, CONFIRM_NS, request);
}

void night_hold(struct night *night, const struct night_request *request, const char *why)
{
    hold(night, request, why);
}

void night_disarm(struct night *night, const struct night_request *request)
{
    night->armed = false;
    if (night->latched == SAFETY_RETRACT && !night->ending)
        night->latched = SAFETY_ARMED;
    hold(night, request, "disarmed");
}

static void release(struct night *night, const struct night_request *request, const char *verb)
{
    if (!night->journal_ok) {
        refuse(night, request, verb, -EIO, "the journal cannot be written");
    } else if (night->latched == SAFETY_PARKED) {
        refuse(night, request, verb, -EPERM, "this night has ended; begin a new one");
    } else if (night->ending) {
        refuse(night, request, verb, -EBUSY, "the night is ending");
    } else if (night->n_open > 0) {
        refuse(night, request, verb, -EBUSY, "a command has no outcome yet");
    } else {
        night->latched = SAFETY_ARMED;
        night->held = false;
        night->why[0] = '\0';
        course_released(&night->course);
        night_record_event(night, verb, request->who, "");
        night_record_epoch(night);
        (void)night_wait(night, WISH_FENCED, night->epoch + 1, CONFIRM_NS, request);
        night_changed(night);
    }
}

void night_arm(struct night *night, const struct night_request *request)
{
    night->now_ns = (int64_t)uv_hrtime();
    if (night->journal_ok && night->latched != SAFETY_PARKED && !night->ending &&
        night->n_open == 0)
        night->armed = true;
    release(night, request, "arm");
}

void night_resume(struct night *night, const struct night_request *request)
{
    night->now_ns = (int64_t)uv_hrtime();
    if (!night->armed)
        refuse(night, request, "resume", -EPERM, "not armed; arm first");
    else
        release(night, request, "resume");
}

void night_stop(struct night *night, const struct night_request *request)
{
    char text[160];
    night->now_ns = (int64_t)uv_hrtime();
    snprintf(text, sizeof(text), "%s stops", request->who);
    if (night_safety(night) >= SAFETY_RETRACT) {
        night_record_event(night, "stop", request->who, text);
        night->retract_sent_ns = 0; /* again at the next tick */
    } else {
        night_enter_safety(night, SAFETY_RETRACT, request->who, text);
    }
    if (!night->link_up)
        night_reply(night, request, -ENOTCONN,
                    "the instrument is not connected; it withdraws by itself when its lease ends");
    else
        (void)night_wait(night, WISH_WITHDRAWN, 0, WITHDRAW_NS, request);
}

void night_do(struct night *night, const struct night_request *request, const struct action *action)
{
    struct decision none = {.kind = DECISION_NONE, .rule = -1};
    char why[160], text[200], described[120];
    night->now_ns = (int64_t)uv_hrtime();
    action_describe(action, described, sizeof(described));
    snprintf(text, sizeof(text), "do %s", described);
    night_record_event(night, "operator", request->who, text);
    if (night_propose(night, action, &none, request, why, sizeof(why)) < 0)
        refuse(night, request, "do", -EACCES, why);
}

void night_scan(struct night *night, const struct night_request *request, bool start)
{
    night->now_ns = (int64_t)uv_hrtime();
    if (!night->link_up)
        refuse(night, request, "scan", -ENOTCONN, "the instrument is not connected");
    else if (night_safety(night) != SAFETY_HOLD || night->ending)
        refuse(night, request, "scan", -EPERM, "only in hold; hold or disarm first");
    else if (night_command_open(night) || night->intent.open)
        refuse(night, request, "scan", -EBUSY, "a command has no outcome yet");
    else if (!night->journal_ok)
        refuse(night, request, "scan", -EIO, "the journal cannot be written");
    else
        night_record_scan(night, request, start);
}

/* ---- policy reload ---- */

struct reload_job {
    struct worker_job job;
    struct night *night;
    char path[256];
    struct policy *policy; /* NULL: refused */
    char text[MESSAGE_TEXT_MAX + 320];
    char who[NIGHT_NAME_MAX];
    night_reply_fn reply;
    void *ctx;
};

static void run_reload(struct worker_job *job)
{
    struct reload_job *reload = (struct reload_job *)job;
    struct policy_errors errors;
    struct policy *policy = calloc(1, sizeof(*policy));
    int r = policy ? policy_load(reload->path, policy, &errors) : -ENOMEM;
    if (r == 0) {
        reload->policy = policy;
    } else if (policy) {
        if (errors.n > 0)
            snprintf(reload->text, sizeof(reload->text), "%.120s:%d:%d: %.160s%s", reload->path,
                     errors.list[0].line, errors.list[0].column, errors.list[0].message,
                     errors.n > 1 ? " (and more)" : "");
        else
            snprintf(reload->text, sizeof(reload->text), "%.120s: %s", reload->path, strerror(-r));
        free(policy);
    }
    if (policy)
        policy_errors_finish(&errors);
}

/* Between actions only: the rules' firings and ramps belong to one policy at a time. */
static void swap_policy(struct night *night, struct policy *policy)
{
    struct policy *old = night->policy;
    night->policy = policy;
    course_use_policy(&night->course, policy);
    night_use_policy(night);
    agent_end_set_policy_hash(night->end, policy->hash);
    night_record_place(night); /* the use of the new rules */
    night_free_policy_later(night, old);
}

static void reload_done(struct worker_job *job)
{
    struct reload_job *reload = (struct reload_job *)job;
    struct night *night = reload->night;
    struct night_request request = {reload->who, reload->reply, reload->ctx};
    night->now_ns = (int64_t)uv_hrtime();
    bool quiet =
        !night_command_open(night) && !night->intent.open && !night->ending && !night->closing;
    if (!reload->policy) {
        refuse(night, &request, "policy.reload", -EINVAL, reload->text);
    } else if (!quiet) {
        free(reload->policy);
        refuse(night, &request, "policy.reload", -EBUSY, "a command is open; try again");
    } else {
        swap_policy(night, reload->policy);
        snprintf(reload->text, sizeof(reload->text), "policy %s from %.200s, hash %.12s",
                 night->policy->name, reload->path, night->policy->hash);
        night_record_event(night, "policy", reload->who, reload->text);
        night_reply(night, &request, 0, reload->text);
        night_changed(night);
    }
    free(reload);
    night_finish_close(night);
}

void night_reload(struct night *night, const struct night_request *request, const char *path)
{
    struct reload_job *reload = calloc(1, sizeof(*reload));
    if (!reload) {
        night_reply(night, request, -ENOMEM, "out of memory");
        return;
    }
    reload->job = (struct worker_job){.run = run_reload, .done = reload_done};
    reload->night = night;
    snprintf(reload->path, sizeof(reload->path), "%s", path ? path : night->policy->path);
    snprintf(reload->who, sizeof(reload->who), "%s", request->who);
    reload->reply = request->reply;
    reload->ctx = request->ctx;
    worker_submit(night->worker, &reload->job);
}

void night_annotate(struct night *night, const struct night_request *request, const char *text)
{
    night_record_event(night, "annotate", request->who, text);
    night_news(night, (struct night_news){.kind = NEWS_LOG, .text = text});
    night_reply(night, request, 0, "noted");
}

void night_correct(struct night *night, const struct night_request *request,
                   const struct night_frame_wanted *wanted, const int says[NN_LABEL_COUNT])
{
    const struct correction *frame = night_recent_frame(night, wanted);
    char text[CORRECTION_TEXT_MAX];
    night->now_ns = (int64_t)uv_hrtime();
    if (!night->journal_ok) {
        night_reply(night, request, -EIO, "the journal cannot be written");
        return;
    }
    if (!frame) {
        snprintf(text, sizeof(text), "not among the last %d frames that have ended",
                 NIGHT_RECENT_MAX);
        night_reply(night, request, -ENOENT, text);
        return;
    }
    if (!frame->picture[0]) {
        night_reply(night, request, -ENOENT, "no picture of that frame was kept");
        return;
    }
    struct correction correction = *frame;
    memcpy(correction.says, says, sizeof(correction.says));
    correction_write(&correction, text);
    night_record_correction(night, request, text);
    night_news(night, (struct night_news){.kind = NEWS_LOG, .text = text});
}
