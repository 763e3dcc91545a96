/* Adding up a night. */
#include "agent/night_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const float opinion_at = .5F;

void night_marks_add(struct night_marks *marks, const struct night_mark *mark)
{
    if (marks->n == marks->room) {
        size_t room = marks->room ? 2 * marks->room : 256;
        struct night_mark *list = realloc(marks->list, room * sizeof(*list));
        if (!list)
            abort(); /* a few kilobytes in a program that draws pictures */
        marks->list = list;
        marks->room = room;
    }
    marks->list[marks->n++] = *mark;
}

static double seconds(int64_t t_ns)
{
    return (double)t_ns * 1e-9;
}

static void mark(struct night_score *score, double t_s, enum night_mark_kind kind, int value)
{
    if (score->marks)
        night_marks_add(score->marks,
                        &(struct night_mark){.t_s = t_s, .kind = kind, .value = value});
}

static void note_tip(struct night_score *score, double t_s, enum night_tip tip, int state)
{
    if (tip == NIGHT_TIP_WANTED && !score->figures.wanted_ever) {
        score->figures.wanted_ever = true;
        score->figures.actions_to_wanted = score->figures.actions;
    }
    score->tip = tip;
    if (state == score->state)
        return;
    score->state = state;
    mark(score, t_s, NIGHT_MARK_STATE, state);
}

void night_score_begin(struct night_score *score, const struct night_score_options *options,
                       enum night_tip tip, int state, struct night_marks *marks)
{
    *score = (struct night_score){.options = *options, .marks = marks, .state = -1, .opinion = -1};
    score->figures.length_s = options->length_s;
    score->figures.first_good_s = options->length_s;
    score->figures.budget = options->actions_per_night;
    note_tip(score, 0, tip, state);
}

/* A pass is whole when its lines came one after the other from its first to its last. */
static void count_frame(struct night_score *score, const struct night_true_line *line)
{
    uint32_t step = line->up ? line->line : score->options.lines - 1 - line->line;
    if (step == 0) {
        score->run_lines = 0;
        score->run_up = line->up;
        score->run_wanted = score->run_shown = true;
    }
    if (step != score->run_lines || line->up != score->run_up) {
        score->run_lines = 0;
        score->run_wanted = score->run_shown = false;
        return;
    }
    score->run_lines++;
    score->run_wanted = score->run_wanted && line->tip == NIGHT_TIP_WANTED;
    score->run_shown = score->run_shown && line->shows;
    if (score->run_lines < score->options.lines)
        return;
    score->figures.frames++;
    score->figures.wanted_frames += score->run_wanted;
    score->figures.shown_frames += score->run_shown;
}

void night_score_line(struct night_score *score, const struct night_true_line *line)
{
    double t_s = seconds(line->t_ns);
    double begun_s = t_s - score->options.line_time_s / 2;
    note_tip(score, t_s, line->tip, line->state);
    score->shows = line->shows;
    count_frame(score, line);
    if (begun_s < score->settled_s || t_s > score->options.length_s)
        return;
    if (line->tip == NIGHT_TIP_WANTED)
        score->figures.wanted_s += score->options.line_time_s;
    if (line->tip == NIGHT_TIP_WANTED || line->tip == NIGHT_TIP_ROWS)
        score->figures.rows_s += score->options.line_time_s;
    if (line->shows)
        score->figures.shown_s += score->options.line_time_s;
}

void night_score_action(struct night_score *score, const struct night_true_action *action)
{
    struct night_figures *f = &score->figures;
    enum action_kind kind = action->action.kind;
    double t_s = seconds(action->t_ns);
    bool conditions = kind == ACTION_PULSE || kind == ACTION_CRASH || kind == ACTION_NECK;
    bool was_wanted = score->tip == NIGHT_TIP_WANTED;
    f->actions += conditions;
    f->actions_on_wanted += conditions && was_wanted;
    f->actions_on_shown += conditions && score->shows;
    f->spoiled += was_wanted && action->tip != NIGHT_TIP_WANTED;
    f->moves += kind == ACTION_REIMAGE;
    f->coarse_moves +=
        kind == ACTION_RETRACT && action->action.coarse_steps + action->action.lateral_steps > 0;
    f->budget_used += conditions || kind == ACTION_APPROACH;
    f->crashes_unwanted += action->crashed;
    score->settled_s = fmax(score->settled_s, t_s + score->options.settle_s[kind]);
    score->run_lines = 0;
    score->run_wanted = score->run_shown = false;
    score->shows = action->shows;
    mark(score, t_s, NIGHT_MARK_ACTION, (int)kind);
    note_tip(score, t_s, action->tip, action->state);
}

void night_score_good(struct night_score *score, int64_t t_ns)
{
    struct night_figures *f = &score->figures;
    bool truly = score->tip == NIGHT_TIP_WANTED;
    f->goods++;
    f->false_goods += !truly;
    mark(score, seconds(t_ns), NIGHT_MARK_GOOD, truly);
    if (!truly || f->first_good_found)
        return;
    f->first_good_found = true;
    f->first_good_s = seconds(t_ns);
    f->actions_to_good = f->actions;
}

void night_score_verdict(struct night_score *score, int64_t t_ns, float wanted, float bad_blurry)
{
    if (!score->marks)
        return;
    enum night_opinion opinion = bad_blurry >= opinion_at ? NIGHT_OPINION_BAD
                                 : wanted >= opinion_at   ? NIGHT_OPINION_GOOD
                                                          : NIGHT_OPINION_UNDECIDED;
    if ((int)opinion == score->opinion && !score->marks->every_verdict)
        return;
    score->opinion = (int)opinion;
    night_marks_add(score->marks, &(struct night_mark){.t_s = seconds(t_ns),
                                                       .kind = NIGHT_MARK_VERDICT,
                                                       .value = (int)opinion,
                                                       .score = wanted});
}

void night_score_end(struct night_score *score, int64_t t_ns, const char *how)
{
    score->figures.ended_s = seconds(t_ns);
    snprintf(score->figures.how, sizeof(score->figures.how), "%s", how[0] ? how : "lost");
    mark(score, score->figures.ended_s, NIGHT_MARK_END, 0);
}
