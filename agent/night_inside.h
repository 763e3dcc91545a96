/*
 * The inside of the night, shared by its source files only: night.c (life and link),
 * night_lines.c (lines and verdicts), night_act.c (decisions and commands), night_safety.c (safe
 * states and operators), night_frames.c (frames, places, pictures), night_record.c (journal jobs).
 */
#ifndef AGENT_NIGHT_INSIDE_H
#define AGENT_NIGHT_INSIDE_H

#include "agent/command.h"
#include "agent/correction.h"
#include "agent/night.h"
#include "agent/worker.h"
#include "instrument/agent_end.h"
#include "instrument/protocol.h"

enum {
    NIGHT_OPEN_MAX = 64,    /* commands without outcome; more at start is a damaged record */
    NIGHT_WAITERS_MAX = 64, /* operators waiting for a confirmation */
    NIGHT_RECENT_MAX = 64,  /* frames that an operator may still correct */
    NIGHT_NAME_MAX = 80
};

/* Who must be told when something has come true. */
enum night_wish { WISH_NOTHING, WISH_FENCED, WISH_WITHDRAWN, WISH_OUTCOME, WISH_SCAN };

struct night_waiter {
    enum night_wish wish;
    uint64_t id; /* WISH_FENCED: epoch; WISH_OUTCOME, WISH_SCAN: command id */
    int64_t until_ns;
    night_reply_fn reply;
    void *ctx;
};

/* A command that may have been executed and has no outcome on record. */
struct night_open {
    uint64_t id;
    char session[SESSION_ID_MAX];
    struct action action;
    char who[NIGHT_NAME_MAX];
    bool own;         /* sent by this run of the agent, as against found in the journal */
    int64_t heard_ns; /* host time of the last word about it, or of the last question */
    bool closing;     /* the outcome is being written */
    bool started;     /* the instrument has begun it, at this time of its clock */
    int64_t started_inst_ns;
};

/* A line on its way through the worker. */
struct line_job {
    struct worker_job job;
    struct night *night;
    struct judge_line in;
    struct scan_line line;
    const struct policy *policy;
    uint32_t site, episode;
    uint64_t link_serial; /* what was true when it was asked */
    int judged, journal;  /* results */
    struct verdict verdict;
    struct budget_use use;
};

/* A command on its way into the journal. */
struct intent_job {
    struct worker_job job;
    struct night *night;
    bool open;          /* from the proposal until it is sent or dropped */
    bool message_waits; /* for it; then night_message_done() */
    struct journal_intent intent;
    struct decision decision; /* kind DECISION_NONE: an operator's */
    struct verdict verdict;
    const struct policy *policy;
    char session[SESSION_ID_MAX], who[NIGHT_NAME_MAX], why[200];
    uint64_t link_serial, hold_serial;
    night_reply_fn reply;
    void *ctx;
    int result;
    uint64_t id;
};

struct night {
    struct night_options options;
    char state_directory[512];
    struct night_callbacks callbacks;
    void *ctx;
    uv_loop_t *loop;
    struct zsock_hub *hub;
    struct agent_end *end;
    struct journal *journal;
    struct worker *worker;
    struct intake *intake;
    struct judge *judge;
    struct policy *policy;
    struct action_limits limits; /* the policy's and the instrument's */
    uv_timer_t tick;
    int64_t now_ns; /* host time, set at every entry from the loop */

    uint64_t night_number, epoch;
    struct course course;

    /* Link. */
    bool link_up, hello_seen, fenced, status_known;
    struct instrument_hello hello;
    struct instrument_status status;
    uint64_t free_ids;    /* drawn for commands that change nothing */
    uint64_t link_serial; /* rises with each hello and loss */

    /* Safety. */
    bool armed, held, journal_ok, model_ok;
    enum safety latched; /* SAFETY_ARMED: none */
    char why[160];
    uint64_t hold_serial;    /* rises with each hold */
    unsigned epoch_raises;   /* being written */
    int64_t retract_sent_ns; /* 0: no retract wanted */
    struct night_waiter waiters[NIGHT_WAITERS_MAX];

    /* Lines. */
    bool busy; /* a data message is being dealt with */
    uint64_t busy_seq;
    bool pumping;
    struct line_job line;
    int64_t last_line_ns;   /* host time of the newest line of this scan; 0 none */
    int64_t line_period_ns; /* smoothed host time between forward lines */
    int64_t last_forward_inst_ns, line_period_inst_ns; /* the same by the instrument's clock */
    enum guard_verdict last_guard;

    /* Commands. */
    struct intent_job intent;
    struct night_open open[NIGHT_OPEN_MAX];
    size_t n_open;

    /* Pictures. */
    bool frame_key, next_frame_key;
    uint32_t pictures, plain_pictures;
    struct correction
        recent[NIGHT_RECENT_MAX]; /* frames that have ended, with nothing said; a ring */
    uint64_t n_recent;            /* ever put in */

    /* Ending. */
    bool ending, ended, leaving, closing;
    int64_t end_by_ns;
    bool end_written, end_withdraw;
    void (*closed)(void *ctx);
    void *closed_ctx;
    int handles; /* open libuv things */
};

/* night.c */
/* An id for a command that changes nothing. */
uint64_t night_free_id(struct night *night);
int64_t night_utc_us(void);
void night_news(struct night *night, struct night_news news);
void night_changed(struct night *night);
void night_alarm(struct night *night, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void night_log(struct night *night, const char *format, ...) __attribute__((format(printf, 2, 3)));
void night_facts(const struct night *night, bool operator_request, struct guard_facts *ret_facts);
void night_use_policy(struct night *night);
void night_finish_close(struct night *night);

/* night_lines.c */
void night_on_data(void *ctx, const struct data_message *message);
void night_on_bad_data(void *ctx, const char *why);
void night_pump(struct night *night);
/* The message being dealt with is done: ack it, take the next. */
void night_message_done(struct night *night);

/* night_act.c */
/* Decide on the newest verdict. True: it goes on and calls night_message_done() itself. */
bool night_decide(struct night *night);
/* The next step of a coarse move, if one is under way. The same answer. */
bool night_go_on(struct night *night);
/* Only time can have changed the answer: end the night if it is over. */
void night_check_time(struct night *night);
/* Guard an action and, if it passes, make it durable and send it. 0, or -EACCES with `why`. */
int night_propose(struct night *night, const struct action *action, const struct decision *decision,
                  const struct night_request *request, char *why, size_t why_size);

/* night_command.c */
void night_on_event(void *ctx, const struct command_event *event);
/* Ask the instrument what became of open commands, or close them as unknown. */
void night_resolve_open(struct night *night);
void night_ask_open(struct night *night);
bool night_command_open(const struct night *night);

/* night_safety.c */
enum safety night_safety(const struct night *night);
/* The one way into a safe state; a lower state than the present one changes nothing. */
void night_enter_safety(struct night *night, enum safety safety, const char *who, const char *why);
void night_demand(struct night *night);
void night_fence(struct night *night);
void night_fence_seen(struct night *night, uint64_t epoch);
bool night_wait(struct night *night, enum night_wish wish, uint64_t id, int64_t timeout_ns,
                const struct night_request *request);
void night_grant(struct night *night, enum night_wish wish, uint64_t up_to, int result,
                 const char *text);
void night_safety_tick(struct night *night);
void night_end(struct night *night, const char *how, const char *why, int exit_code);
void night_reply(const struct night *night, const struct night_request *request, int result,
                 const char *text);
void night_journal_failed(struct night *night, int error);

/* night_frames.c */
void night_frame_begin(struct night *night, const struct data_message *message);
void night_frame_line(struct night *night, const struct scan_line *line);
void night_frame_end(struct night *night, const char *end);
int night_load_spots(struct night *night);
/* The newest frame that ended and fits, or NULL. Borrowed. */
const struct correction *night_recent_frame(const struct night *night,
                                            const struct night_frame_wanted *wanted);

/* night_record.c: each submits one job; errors end in night_journal_failed(). */
void night_record_event(struct night *night, const char *kind, const char *who, const char *text);
void night_record_decision(struct night *night, const struct decision *decision, const char *guard,
                           const char *guard_why);
void night_record_outcome(struct night *night, const struct night_open *open,
                          enum command_state state, bool crash, const char *text);
void night_record_place(struct night *night);
void night_record_spot(struct night *night, const struct journal_spot *spot);
void night_record_trial(struct night *night, const struct learn_trial *trial);
void night_record_epoch(struct night *night);
void night_record_above(struct night *night, uint64_t id, uint64_t epoch);
/* The text of a correction; the reply comes when it is durable. */
void night_record_correction(struct night *night, const struct night_request *request,
                             const char *text);
void night_record_scan(struct night *night, const struct night_request *request, bool start);
void night_record_end(struct night *night, const char *how, const char *why);
void night_free_policy_later(struct night *night, struct policy *policy);

#endif
