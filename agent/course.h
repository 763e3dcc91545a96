/*
 * What a night knows between one line and the next, and what follows from it: the decision window,
 * the frame and its place, budgets as last counted, the night clock, whether the tip is good. No
 * I/O, no memory of the host's clock; every time is an argument. agent/night.h drives it over
 * sockets and with a journal, agent/player.h over a microscope in the same process.
 *
 * The members of struct course are there to be read; they are changed by the functions below only.
 */
#ifndef AGENT_COURSE_H
#define AGENT_COURSE_H

#include "agent/belief.h"
#include "agent/frame.h"
#include "agent/guard.h"
#include "agent/intake.h"
#include "agent/journal.h"
#include "agent/judge.h"
#include "agent/sites.h"

/* How it went; valid when the night has ended, and at any time before as far as it has come. */
struct night_summary {
    int exit_code; /* enum command_exit */
    char how[16];  /* "good", "budget", "time", "parked", "stopped", "left" */
    char why[160];
    uint64_t actions, pulses, crashes, necks, new_areas; /* done, by this run of the agent */
    uint64_t verdicts, frames;
    bool good_found;
    struct verdict first_good; /* when good_found */
    uint64_t actions_to_good;  /* done before it */
    int64_t t_night_ns;
    char picture[256]; /* the last one written, "" none */
};

/* How far a coarse move has come. */
enum course_move {
    COURSE_STAYS,
    COURSE_LEAVES,    /* the retract is under way */
    COURSE_WITHDRAWN, /* stepped aside; an approach is to follow */
    COURSE_LANDED     /* the scan is to be started */
};

struct course_options {
    double duration_s; /* end after so much of the night clock; 0: the policy's length */
    bool end_at_good;  /* a confirmed good tip ends the night, whatever the policy says */
    bool no_heights;   /* the lines carry none; nothing is read from them about contact */
};

struct course {
    const struct policy *policy; /* borrowed */
    struct course_options options;
    uint64_t night;
    uint32_t site, episode;

    /* Night clock: base_ns + instrument time since inst_base_ns. */
    int64_t t_night_ns, base_ns, inst_base_ns, t_inst_ns;
    bool inst_base_known;

    /* Lines. */
    int64_t last_line_inst_ns;
    int64_t heard_inst_ns; /* last line, or what excuses that none comes; INT64_MIN: none yet */
    bool status_silent;    /* the last status was of an instrument that has long sent no line */
    uint32_t bad_lines, flat_lines; /* in a row */
    bool over_current;
    bool status_over, status_over_current; /* one reading, two in a row */

    /* Decision window. */
    struct verdict *window;
    size_t n_window;
    bool restart;                 /* the next judged line begins a new partial frame */
    int64_t window_start_inst_ns; /* lines begun before are not judged */
    uint32_t frames_watched;      /* whole traces since the session or the agent began */
    uint32_t lines_watched;       /* forward lines, the same */
    struct belief belief;         /* that the tip is good, by what was seen of it */
    uint32_t engaged;
    struct verdict verdict;      /* last; lines_total 0: none yet */
    struct budget_use use;       /* as counted at the last judged verdict, outcome or move */
    int64_t action_end_night_ns; /* -1: none yet */
    float best;                  /* best accepted score of the episode */
    uint32_t sites_without_gain;
    bool good;         /* the last confirmed answer was good and nothing was done since */
    unsigned refusals; /* commands refused by the instrument in a row */

    /* What has worked, and the trial that has just ended. */
    struct learned *learned;
    struct learn_trial trial;
    bool trial_ended;

    /* Frames and places. */
    struct frame frame;
    int current_trace;                  /* forward trace being scanned, -1 none */
    struct sites_spot spots[SITES_MAX]; /* this page of the map */
    size_t n_spots;
    uint32_t page; /* from 0; a coarse move turns it */
    enum course_move move;
    size_t here;                   /* the spot of the area where the frame lies, if there is one */
    struct sites_frame area;       /* that frame on the map; width 0: not known */
    double origin_x_m, origin_y_m; /* instrument coordinates of the night's first area */
    bool origin_known;
    bool new_place; /* the next frame is the first of its area */
    bool new_mark;  /* the newest spot is the place of an action, not yet on record */

    struct night_summary summary;
};

/* Where a night stands when it is begun or taken up again. */
struct course_start {
    const struct policy *policy;
    struct course_options options;
    uint64_t night; /* its number */
    uint32_t site, episode;
    int64_t t_night_ns;
    const struct learned *learned; /* what is known from nights before, copied; NULL: nothing */
};

/* Begin with no places known. 0, -ENOMEM. */
int course_begin(struct course *course, const struct course_start *start);
void course_finish(struct course *course);
/* A place from before the start, oldest first; the first frame is taken to lie on the last one. */
void course_add_place(struct course *course, const struct sites_spot *spot);

/* ---- course.c: clock, lines, verdicts, outcomes ---- */

/* The instrument's clock has been read. Never goes back. */
void course_clock(struct course *course, int64_t t_inst_ns);
/* The instrument has started anew, with a clock of its own. */
void course_new_session(struct course *course);
/* From here on by these rules; what was seen by the old ones is forgotten. */
void course_use_policy(struct course *course, const struct policy *policy);
/* An operator has released the night: what stopped it has been looked at. */
void course_released(struct course *course);
/* Verdicts up to now no longer count; `lines` too: the partial frame begins anew. */
void course_new_window(struct course *course, bool lines);

/*
 * What a data line says about contact and current. `untouched`: no command of unknown end and none
 * about to be sent. Returns whether the tip was left alone while this line was scanned; other lines
 * say nothing.
 */
bool course_check_line(struct course *course, const struct intake_item *item, bool untouched);
/* True: this line is to be judged, with *ret_in (whose `line` is borrowed from the item). */
bool course_wants_line(struct course *course, const struct intake_item *item, bool settled,
                       struct judge_line *ret_in);
/* The newest verdict. `use`: what is spent by then; read only if the verdict is judged. */
void course_take_verdict(struct course *course, const struct verdict *verdict,
                         const struct budget_use *use);
/* A status of the present session. */
void course_take_status(struct course *course, const struct instrument_status *status,
                        bool command_open);

/* The facts that the course knows; safety, link, journal, age of lines, z are the caller's. */
void course_facts(const struct course *course, struct guard_facts *ret_facts);
/* The safe state that the facts demand now; SAFETY_ARMED: none. `why` as guard_demand(). */
enum safety course_demand(const struct course *course, const struct guard_facts *facts, char *why,
                          size_t why_size);

/*
 * A command for this action has ended at t_inst_ns (-1: in a session that is gone). `own`: sent by
 * this run of the agent. Returns true when the tip now stands at a new site.
 */
bool course_action_ended(struct course *course, const struct action *action,
                         enum command_state state, bool own, int64_t t_inst_ns);
/* What an outcome asks for. In doubt hold: what ended otherwise than planned needs a person. */
enum course_doubt { COURSE_AS_PLANNED, COURSE_ALARM, COURSE_ALARM_AND_HOLD, COURSE_MUST_HOLD };
enum course_doubt course_judge_outcome(struct course *course, enum command_state state);

/* ---- course_frames.c: frames and the places where they lie ---- */

/*
 * A scan_begin; an earlier frame must have been ended. 1: first frame of its area, whose place is
 * the newest spot; 0; -EINVAL: no such frame can be judged.
 */
int course_frame_begin(struct course *course, const struct data_message *message);
/*
 * A good line of channel Z. *ret_ended is the forward trace that is over because this line belongs
 * to another, or -1. 0 (also for a line of no frame), -ENOMEM.
 */
int course_frame_line(struct course *course, const struct scan_line *line, int *ret_ended);
/* The frame has ended. Returns the forward trace that ends with it, or -1. */
int course_frame_end(struct course *course);
/* A forward trace that has ended, counted and described; false: it had no line. */
bool course_trace_record(struct course *course, enum scan_trace trace, const char *end,
                         struct journal_frame *ret_frame);
/* The action has taken place in this frame, or may have: a circle on the map. */
void course_leave_mark(struct course *course, const struct action *action);
/* True, once: an action has left a mark on the map; for the record. */
bool course_mark(struct course *course, struct sites_spot *ret_mark);
/* The action moved to a place of the frame where none has been, if the frame has room. */
void course_choose_place(const struct course *course, struct action *action);
/* A free place as a shift from here. 0, -ENOSPC. */
int course_new_area(const struct course *course, double *ret_dx_m, double *ret_dy_m);

/* ---- course_decide.c: what is to be done now ---- */

/* Why and how a night ends. */
struct course_end {
    const char *how; /* as in struct night_summary; lives for ever */
    char why[160];
    int exit_code;
};

enum course_step {
    COURSE_NOTHING,
    COURSE_NOTED, /* the decision goes on record, and no more */
    COURSE_ACT,   /* `action` is to be proposed; then course_acted() */
    COURSE_SCAN,  /* the scan is to be started */
    COURSE_HOLD,  /* on record, then hold */
    COURSE_END    /* on record, then the night ends as `end` says */
};

struct course_answer {
    enum course_step step;
    struct decision decision;
    const char *guard, *guard_why; /* for the record, "" not asked; not of COURSE_ACT */
    struct action action;
    const char *hold_by, *hold_why; /* COURSE_HOLD; the latter lives as long as the answer */
    struct course_end end;
    bool is_good;     /* the tip was called good, perhaps again */
    bool became_good; /* and had not been before */
    bool new_episode;
};

/*
 * Asks the policy about the window. To be called after each verdict, with no command open. Answers
 * that need an armed night are otherwise only put on record.
 */
void course_decide(struct course *course, bool armed, struct course_answer *ret_answer);
/*
 * The next step of a coarse move that is under way: COURSE_ACT (then course_acted()) or
 * COURSE_SCAN, else COURSE_NOTHING. To be called when the instrument has nothing to scan, with no
 * command open; not armed: the move is left to the operator.
 */
void course_go_on(struct course *course, bool armed, struct course_answer *ret_answer);
/* The answer's action was let through by the guard, or not. */
void course_acted(struct course *course, const struct course_answer *answer, bool passed);

/* True, once: what came of an action has shown itself since the last question; for the record. */
bool course_trial(struct course *course, struct learn_trial *ret_trial);

/* True: the night is over by its clock. withdrawn_why: why the tip is withdrawn, NULL: it is not.
 */
bool course_time_is_over(const struct course *course, const char *withdrawn_why,
                         struct course_end *ret_end);

#endif
