/*
 * What a simulated night was worth: the tip's true history beside what the agent did and said.
 * Pure arithmetic over events in the order of their times; knows no simulator. The figures'
 * definitions, as people read them: docs/nights.md.
 *
 * Lengths of time: t_ns is the night clock, 0 when the microscope starts.
 */
#ifndef AGENT_NIGHT_SCORE_H
#define AGENT_NIGHT_SCORE_H

#include "instrument/action.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Three classes are enough to score by; a picture shows the state itself. */
enum night_tip {
    NIGHT_TIP_WANTED, /* shows dimers or atoms, and one apex only */
    NIGHT_TIP_ROWS,
    NIGHT_TIP_OTHER
};

struct night_score_options {
    double length_s; /* of the night as planned */
    uint32_t lines;  /* of a frame */
    double line_time_s;
    double settle_s[ACTION_KIND_COUNT]; /* lines begun so soon after an action are not counted */
    uint32_t actions_per_night;         /* the policy's budget */
};

/* ---- marks: the night as a picture shows it ---- */

enum night_mark_kind {
    NIGHT_MARK_STATE,   /* value: the true state, the simulator's number for it */
    NIGHT_MARK_VERDICT, /* value: enum night_opinion */
    NIGHT_MARK_ACTION,  /* value: enum action_kind */
    NIGHT_MARK_GOOD,    /* a good tip was confirmed; value: 1 it was one, 0 not */
    NIGHT_MARK_END,     /* the agent's night is over */
    NIGHT_MARK_COUNT
};

/* What the verdict amounts to, by the wanted score and bad_blurry. */
enum night_opinion { NIGHT_OPINION_GOOD, NIGHT_OPINION_UNDECIDED, NIGHT_OPINION_BAD };

struct night_mark {
    double t_s;
    enum night_mark_kind kind;
    int value;
    float score; /* NIGHT_MARK_VERDICT: of the wanted labels the best; else 0 */
};

struct night_marks {
    struct night_mark *list; /* owned; free(list) */
    size_t n, room;
    bool every_verdict; /* false: only where the opinion changes */
};

void night_marks_add(struct night_marks *marks, const struct night_mark *mark);

/* ---- the score ---- */

/* How a night went. Counts are of the whole night. */
struct night_figures {
    double length_s; /* as planned */
    double ended_s;  /* when the agent ended it */
    char how[16];    /* "time", "budget", "good", "parked", "stopped", "left"; "lost": no answer */
    double wanted_s, rows_s; /* scanned with a wanted tip; with that or one that shows rows */
    double shown_s;          /* scanned with a tip that shows dimers or atoms, whatever it is */
    double first_good_s;     /* confirmed and true; the planned length when there was none */
    bool first_good_found;
    uint32_t goods, false_goods;    /* confirmations of a good tip; of them untrue */
    uint32_t actions;               /* pulses, crashes, neckings */
    uint32_t actions_on_wanted;     /* of these, begun on a wanted tip */
    uint32_t actions_on_shown;      /* ... on one that shows dimers or atoms */
    uint32_t spoiled;               /* wanted tips that an action turned into others */
    uint32_t moves, coarse_moves;   /* new areas; retracts with motor steps */
    uint32_t frames, wanted_frames; /* whole passes; of them with a wanted tip in every line */
    uint32_t shown_frames;          /* ... with a tip that shows dimers or atoms in every line */
    uint32_t budget, budget_used;   /* actions_per_night; pulses, crashes, neckings, approaches */
    uint32_t actions_to_wanted;     /* until the tip truly became wanted for the first time */
    bool wanted_ever;               /* ... which it did */
    uint32_t actions_to_good;       /* until first_good_s */
    uint32_t crashes_unwanted;
    double wall_s, cpu_s; /* that playing it took */
};

struct night_score {
    struct night_score_options options;
    struct night_figures figures;
    struct night_marks *marks; /* NULL: nobody draws */
    enum night_tip tip;
    bool shows;         /* dimers or atoms, as far as is known */
    int state;          /* newest, for marks; -1 none */
    int opinion;        /* newest marked; -1 none */
    double settled_s;   /* lines begun earlier are not counted */
    uint32_t run_lines; /* lines of the present pass so far, without a gap */
    bool run_up, run_wanted, run_shown;
};

/* `start`: what the tip is before anything happens. `marks` is borrowed. */
void night_score_begin(struct night_score *score, const struct night_score_options *options,
                       enum night_tip tip, int state, struct night_marks *marks);

/* A line, forward and backward, is complete in the simulator. */
struct night_true_line {
    int64_t t_ns; /* when its forward trace is complete */
    uint32_t line;
    bool up;
    enum night_tip tip; /* afterwards */
    bool shows;         /* dimers or atoms, by its geometry */
    int state;
};
void night_score_line(struct night_score *score, const struct night_true_line *line);

/* An action has taken effect, at its end. */
struct night_true_action {
    int64_t t_ns;
    struct action action;
    bool crashed;       /* it ended in an unwanted contact */
    enum night_tip tip; /* afterwards */
    bool shows;
    int state;
};
void night_score_action(struct night_score *score, const struct night_true_action *action);

/* The agent has confirmed a good tip. */
void night_score_good(struct night_score *score, int64_t t_ns);

/* The newest verdict; `wanted` is the best score of the accepted labels. */
void night_score_verdict(struct night_score *score, int64_t t_ns, float wanted, float bad_blurry);

/* The agent's night is over; the time left until its planned length counts as not scanned. */
void night_score_end(struct night_score *score, int64_t t_ns, const char *how);

#endif
