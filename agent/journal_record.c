/* The night's record: rows that wait for the next commit, and are only ever read by people. */
#include "agent/journal_file.h"

#include <errno.h>

static const char *const response_names[] = {
    [POLICY_DO] = "do",     [POLICY_NEW_AREA] = "new_area", [POLICY_COARSE_MOVE] = "coarse_move",
    [POLICY_GOOD] = "good", [POLICY_WAIT] = "wait",         [POLICY_HOLD] = "hold",
    [POLICY_PARK] = "park",
};

static const char *const kind_names[] = {
    [DECISION_NONE] = "none",
    [DECISION_ADVISE] = "advise",
    [DECISION_RULE] = "rule",
    [DECISION_END] = "end",
};

static void start_record(struct journal *journal, struct row *row)
{
    row_int(row, (int64_t)journal->night);
    row_int(row, (int64_t)journal->boot);
}

int journal_event(struct journal *journal, const char *kind, const char *who, const char *text,
                  int64_t t_night_ns, int64_t t_utc_us)
{
    if (journal->failed)
        return journal->failed;
    journal_advance(journal, t_night_ns);
    struct row row = journal_row(journal, STATEMENT_EVENT);
    start_record(journal, &row);
    row_text(&row, kind);
    row_text(&row, who);
    row_text(&row, text);
    row_int(&row, t_night_ns);
    row_int(&row, t_utc_us);
    return row_end(&row);
}

int journal_verdict(struct journal *journal, const struct verdict *verdict)
{
    if (journal->failed)
        return journal->failed;
    journal_advance(journal, verdict->t_night_ns);
    struct row row = journal_row(journal, STATEMENT_VERDICT);
    start_record(journal, &row);
    row_verdict(&row, verdict);
    row_scores(&row, verdict->p_other);
    row_int(&row, verdict->t_night_ns);
    return row_end(&row);
}

/* What a rule's decision would do; NULLs where there is none. */
static void row_response(struct row *row, const struct decision *decision)
{
    char action[160];
    if (decision->kind != DECISION_RULE && decision->kind != DECISION_ADVISE) {
        row_null_n(row, 2);
        return;
    }
    row_text(row, response_names[decision->response]);
    if (decision->response == POLICY_DO) {
        action_describe(&decision->action, action, sizeof(action));
        row_text(row, action);
    } else {
        row_null(row);
    }
}

int journal_decision(struct journal *journal, const struct policy *policy,
                     const struct decision *decision, const struct verdict *verdict,
                     const char *guard, const char *guard_why)
{
    const struct policy_rule *rule = decision->rule >= 0 ? &policy->rules[decision->rule] : NULL;
    if (journal->failed)
        return journal->failed;
    if (verdict)
        journal_advance(journal, verdict->t_night_ns);
    struct row row = journal_row(journal, STATEMENT_DECISION);
    start_record(journal, &row);
    row_int(&row, journal->site);
    row_int(&row, journal->episode);
    row_text(&row, kind_names[decision->kind]);
    row_int(&row, decision->rule);
    row_text(&row, rule ? rule->name : "");
    row_int(&row, rule ? rule->line : 0);
    row_text(&row, policy->hash);
    row_response(&row, decision);
    row_text(&row, decision->why);
    if (guard) {
        row_text(&row, guard);
        row_text(&row, guard_why);
    } else {
        row_null_n(&row, 2);
    }
    row_verdict(&row, verdict);
    row_int(&row, verdict ? verdict->t_night_ns : journal->t_night_ns);
    return row_end(&row);
}

static void row_geometry(struct row *row, const struct scan_geometry *geometry)
{
    row_int(row, geometry->points);
    row_int(row, geometry->lines);
    row_real(row, geometry->width_m);
    row_real(row, geometry->height_m);
    row_real(row, geometry->x_offset_m);
    row_real(row, geometry->y_offset_m);
    row_real(row, geometry->angle_deg);
    row_real(row, geometry->raster_time_s);
    row_real(row, geometry->bias_v);
    row_real(row, geometry->setpoint_a);
}

int journal_frame(struct journal *journal, const struct journal_frame *frame)
{
    if (journal->failed)
        return journal->failed;
    journal_advance(journal, frame->last.t_night_ns);
    struct row row = journal_row(journal, STATEMENT_FRAME);
    start_record(journal, &row);
    row_int(&row, frame->site);
    row_int(&row, (int64_t)frame->scan);
    row_int(&row, frame->run);
    row_int(&row, frame->cycle);
    row_text(&row, scan_trace_name(frame->trace));
    row_geometry(&row, &frame->geometry);
    row_int(&row, frame->lines_seen);
    row_int(&row, frame->lines_missing);
    row_int(&row, frame->lines_resent);
    row_text(&row, frame->end);
    row_text(&row, frame->picture);
    row_scores(&row, frame->last.p);
    row_int(&row, frame->last.t_night_ns);
    return row_end(&row);
}

int journal_place(struct journal *journal, uint32_t site, uint32_t episode, int64_t t_night_ns)
{
    if (journal->failed)
        return journal->failed;
    journal_advance(journal, t_night_ns);
    if (site != journal->site || episode != journal->episode)
        journal->place_moved = true;
    journal->site = site;
    journal->episode = episode;
    return 0;
}

int journal_flush(struct journal *journal)
{
    return journal_commit(journal);
}

int journal_spot_add(struct journal *journal, uint32_t site, const struct journal_spot *spot)
{
    if (journal->failed)
        return journal->failed;
    struct row row = journal_row(journal, STATEMENT_SPOT);
    row_int(&row, (int64_t)journal->night);
    row_int(&row, site);
    row_int(&row, spot->page);
    row_real(&row, spot->x_m);
    row_real(&row, spot->y_m);
    row_real(&row, spot->radius_m);
    return row_end(&row);
}

int journal_trial(struct journal *journal, const char *profile, const struct learn_trial *trial,
                  int64_t t_night_ns)
{
    if (journal->failed)
        return journal->failed;
    struct row row = journal_row(journal, STATEMENT_TRIAL);
    row_int(&row, (int64_t)journal->night);
    row_int(&row, (int64_t)journal->boot);
    row_text(&row, profile);
    row_text(&row, action_kind_name(trial->kind));
    row_real(&row, trial->size);
    row_text(&row, learn_seen_name(trial->seen));
    row_int(&row, trial->again);
    row_int(&row, trial->worked > 0);
    row_int(&row, t_night_ns);
    return row_end(&row);
}

int journal_forget_learned(struct journal *journal, int64_t t_utc_us)
{
    if (journal->failed)
        return journal->failed;
    struct row row = journal_row(journal, STATEMENT_FORGET);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, t_utc_us);
    int result = row_end(&row);
    return result == 0 ? journal_commit(journal) : result;
}
