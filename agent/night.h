/*
 * The night: from scan line to command. Ties intake, judge, decide, guard, journal and the link to
 * one libuv loop, and owns the safe state. docs/architecture.md follows one scan line through it.
 *
 * One data message is dealt with at a time: taken from the intake, judged on the worker, decided,
 * guarded, its command made durable and sent; only then acknowledged. Everything here runs on the
 * loop thread; the journal and the network are touched by the worker's jobs only.
 */
#ifndef AGENT_NIGHT_H
#define AGENT_NIGHT_H

#include "agent/course.h"
#include "instrument/message.h"
#include "instrument/zsock.h"

struct night;
struct keys;     /* instrument/keys.h */
struct nn_model; /* nn/model.h */

enum night_pictures {
    NIGHT_PICTURES_NONE,
    NIGHT_PICTURES_KEY, /* around actions, the first, good ones; and always the last */
    NIGHT_PICTURES_ALL
};

struct night_options {
    const char *state_directory;
    const char *data_endpoint, *command_endpoint;
    const struct keys *keys;      /* NULL: loopback only */
    const struct nn_model *model; /* borrowed */
    bool arm;                     /* leave HOLD as soon as the instrument is there */
    enum night_pictures pictures;
    double duration_s;    /* end after so much of the night clock; 0: the policy's length */
    bool end_at_good;     /* a confirmed good tip ends the night, whatever the policy says */
    bool leave_when_lost; /* leave when the instrument goes away: a replay's end */
};

/* What the operator sees; copied out by night_state(). Pointers are borrowed and live on. */
struct night_state {
    enum safety safety;
    const char *why; /* cause of the safe state, or "" */
    bool armed;      /* an operator has armed; a hold leaves it */
    bool good;       /* the last confirmed answer was good and nothing was done since */
    bool leaving;
    bool link_up, fenced;
    const struct instrument_hello *hello; /* session "" before the first */
    const struct instrument_status *status;
    uint64_t epoch, night;
    uint32_t site, episode;
    int64_t t_night_ns;
    bool frame_begun;
    uint64_t scan;
    const struct scan_geometry *geometry;
    const struct verdict *verdict; /* the last, lines_total 0: none yet */
    struct budget_use use;
    const struct intake_counts *counts;
    const struct policy *policy;
    uint64_t command_open; /* id of a command without outcome, 0 none */
};

enum night_news_kind {
    NEWS_STATE,    /* ask night_state() */
    NEWS_VERDICT,  /* verdict */
    NEWS_DECISION, /* decision, text: what the guard said ("" not asked) */
    NEWS_ACTION,   /* id, action, who, state, text; state -1: intent committed */
    NEWS_FRAME,    /* frame */
    NEWS_ALARM,    /* text: something a person should look at */
    NEWS_LOG,      /* text */
    NEWS_KIND_COUNT
};

/* Pointers are borrowed until return. */
struct night_news {
    enum night_news_kind kind;
    const struct verdict *verdict;
    const struct decision *decision;
    const struct journal_frame *frame;
    uint64_t id;
    const struct action *action;
    int action_state; /* enum command_state, or -1 */
    const char *who;
    const char *text;
    int64_t t_night_ns;
};

struct night_callbacks {
    void (*news)(void *ctx, const struct night_news *news);
    /* The night is over or left; nothing more is sent. Close it. Called once. */
    void (*ended)(void *ctx);
};

/*
 * `journal` has been opened (`boot` is what it answered) and belongs to the night until it has
 * closed. `policy` is taken over (malloc). 0; -EPERM: an endpoint that needs keys; other -errno.
 */
struct night_start {
    struct zsock_hub *hub;
    struct journal *journal;
    const struct journal_boot *boot;
    struct policy *policy;
};

int night_create(const struct night_start *start, const struct night_options *options,
                 const struct night_callbacks *callbacks, void *ctx, struct night **ret_night);

/* Finishes running jobs, closes the link; `done` when all is freed. The journal stays open. */
void night_close(struct night *night, void (*done)(void *ctx), void *ctx);

void night_state(const struct night *night, struct night_state *ret_state);
const struct night_summary *night_summary(const struct night *night);

/*
 * What operators ask for. `who` is a name for the record, copied. The reply comes once, perhaps
 * before the call returns; a reply after night_close() is not made. Result 0 or negative errno.
 */
typedef void (*night_reply_fn)(void *ctx, int result, const char *text);
struct night_request {
    const char *who;
    night_reply_fn reply; /* NULL: nobody waits */
    void *ctx;
};

/*
 * From this call on nothing automatic starts. The reply says whether the instrument has confirmed
 * the new epoch, or that it is not there to confirm.
 */
void night_hold(struct night *night, const struct night_request *request, const char *why);
/* Hold, and `resume` no longer suffices. After a retract: the tip is the operator's again. */
void night_disarm(struct night *night, const struct night_request *request);
/* Leave HOLD or, after a retract, its latch. -EBUSY, -EPERM (parked), -EIO (journal). */
void night_arm(struct night *night, const struct night_request *request);
/* Leave a hold of an armed night. -EPERM when it has not been armed. */
void night_resume(struct night *night, const struct night_request *request);
/* Withdraw the tip now and hold; the reply comes when the instrument says withdrawn. */
void night_stop(struct night *night, const struct night_request *request);
/* An operator's own action: guarded, journalled, sent once. The reply is its outcome. */
void night_do(struct night *night, const struct night_request *request,
              const struct action *action);
/* Start or stop the scan, in HOLD. The reply is the instrument's. */
void night_scan(struct night *night, const struct night_request *request, bool start);
/* Read the policy file again and use it if valid; NULL: the same path. */
void night_reload(struct night *night, const struct night_request *request, const char *path);
void night_annotate(struct night *night, const struct night_request *request, const char *text);
/* Which of the last frames that ended. All zero: the newest. */
struct night_frame_wanted {
    uint32_t run, cycle; /* 0: any */
    enum { NIGHT_EITHER_WAY, NIGHT_UP, NIGHT_DOWN } way;
};
/*
 * What an operator says of a frame, for the record and for later training; decides nothing.
 * `says`: 1 yes, 0 no, -1 as the network said. The reply comes when it is durable. -ENOENT: not
 * among the last frames, or no picture of it was kept; -EIO: the journal cannot be written.
 */
void night_correct(struct night *night, const struct night_request *request,
                   const struct night_frame_wanted *wanted, const int says[NN_LABEL_COUNT]);

/* Hold, and leave in order; the night can be taken up again. A second call, or `retract`: with
 * the tip withdrawn, and the night has ended. */
void night_leave(struct night *night, const char *who, bool retract);

#endif
