/* What is spent, and where: queries over the action rows of this night. */
#include "agent/journal_file.h"

#include <errno.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)

static uint32_t column_count(sqlite3_stmt *row, int column)
{
    int64_t value = sqlite3_column_int64(row, column); /* sum() of no rows is NULL, read as 0 */
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* Steps a query of one row; the caller reads it and resets. */
static int query_row(struct journal *journal, enum statement which, const int64_t *values, int n,
                     sqlite3_stmt **ret_row)
{
    sqlite3_stmt *row = NULL;
    int result = journal_query(journal, which, values, n, &row);
    if (result != 0)
        return result;
    int code = sqlite3_step(row);
    if (code != SQLITE_ROW) {
        sqlite3_reset(row);
        return code == SQLITE_DONE ? -EBADMSG : journal_errno(code);
    }
    *ret_row = row;
    return 0;
}

static int read_spent(struct journal *journal, const int64_t scope[5], struct budget_use *use)
{
    sqlite3_stmt *row = NULL;
    int result = query_row(journal, STATEMENT_USE, scope, 5, &row);
    if (result != 0)
        return result;
    uint32_t *const fields[] = {&use->actions_site,      &use->actions_episode, &use->actions_hour,
                                &use->actions_night,     &use->pulses_episode,  &use->pulses_hour,
                                &use->pulses_night,      &use->crashes_episode, &use->necks_night,
                                &use->coarse_moves_night};
    for (int i = 0; i < (int)(sizeof(fields) / sizeof(fields[0])); i++)
        *fields[i] = column_count(row, i);
    sqlite3_reset(row);
    result = query_row(journal, STATEMENT_CRASH_DETECTIONS, scope, 2, &row);
    if (result != 0)
        return result;
    use->crash_detections_night = column_count(row, 0);
    sqlite3_reset(row);
    return 0;
}

/* The word under which the record keeps a rule's firings: its action's kind, or its response. */
static const char *firing_word(const struct policy_rule *rule)
{
    switch (rule->response) {
    case POLICY_DO:
        return action_kind_name(rule->action.kind);
    case POLICY_NEW_AREA:
        return action_kind_name(ACTION_REIMAGE);
    case POLICY_COARSE_MOVE:
        return action_kind_name(ACTION_RETRACT);
    case POLICY_GOOD:
        return "good";
    case POLICY_WAIT:
        return "wait";
    case POLICY_HOLD:
        return "hold";
    case POLICY_PARK:
        return "park";
    }
    return "";
}

/* Rows (rule name, word, at this site, in this episode) into the counts of the rules so called. */
static int read_fired(struct journal *journal, const struct policy *policy, enum statement which,
                      const int64_t *scope, int n_scope, struct budget_use *use)
{
    sqlite3_stmt *row;
    int result = journal_query(journal, which, scope, n_scope, &row);
    if (result != 0)
        return result;
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(row, 0);
        const char *word = (const char *)sqlite3_column_text(row, 1);
        for (size_t i = 0; name && word && i < policy->n_rules; i++)
            if (strcmp(policy->rules[i].name, name) == 0 &&
                strcmp(firing_word(&policy->rules[i]), word) == 0) {
                use->fired_site[i] = column_count(row, 2);
                use->fired_episode[i] = column_count(row, 3);
            }
    }
    sqlite3_reset(row);
    return code == SQLITE_DONE ? 0 : journal_errno(code);
}

int journal_use(struct journal *journal, const struct policy *policy, uint32_t site,
                uint32_t episode, int64_t t_night_ns, struct budget_use *ret_use)
{
    struct budget_use use = {0};
    /* A night clock that stands behind the record's would forget nothing: later rows count too. */
    const int64_t scope[5] = {(int64_t)journal->first_action, (int64_t)journal->night, site,
                              episode, t_night_ns - HOUR_NS};
    if (journal->failed)
        return journal->failed;
    int result = read_spent(journal, scope, &use);
    if (result == 0)
        result = read_fired(journal, policy, STATEMENT_FIRED_ACTIONS, scope, 4, &use);
    if (result == 0)
        result = read_fired(journal, policy, STATEMENT_FIRED_DECISIONS, scope + 1, 3, &use);
    if (result == 0)
        *ret_use = use;
    return result;
}

int journal_spots(struct journal *journal, struct journal_spot *list, size_t max, size_t *ret_n)
{
    const int64_t scope[2] = {(int64_t)journal->first_action, (int64_t)journal->night};
    sqlite3_stmt *row;
    size_t n = 0;
    int code;
    int result = journal_query(journal, STATEMENT_SPOTS, scope, 2, &row);
    if (result != 0)
        return result;
    while ((code = sqlite3_step(row)) == SQLITE_ROW && n < max)
        list[n++] = (struct journal_spot){.x_m = sqlite3_column_double(row, 0),
                                          .y_m = sqlite3_column_double(row, 1),
                                          .radius_m = sqlite3_column_double(row, 2),
                                          .page = column_count(row, 3),
                                          .actions = column_count(row, 4)};
    sqlite3_reset(row);
    if (code == SQLITE_ROW)
        return -ENOSPC;
    if (code != SQLITE_DONE)
        return journal_errno(code);
    *ret_n = n;
    return 0;
}

int journal_learned(struct journal *journal, const char *profile, struct learned *ret_learned)
{
    sqlite3_stmt *row;
    int code = SQLITE_ROW;
    int result = journal_query(journal, STATEMENT_LEARNED, NULL, 0, &row);
    if (result != 0)
        return result;
    memset(ret_learned, 0, sizeof(*ret_learned));
    if (sqlite3_bind_text(row, 1, profile, -1, SQLITE_STATIC) != SQLITE_OK)
        code = SQLITE_NOMEM;
    while (code == SQLITE_ROW && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *kind_name = (const char *)sqlite3_column_text(row, 0);
        const char *seen_name = (const char *)sqlite3_column_text(row, 2);
        int kind = kind_name ? action_kind_from_name(kind_name) : -1;
        int seen = seen_name ? learn_seen_from_name(seen_name) : -1;
        if (kind < 0 || seen < 0)
            continue;
        struct learn_trial trial = {.kind = (enum action_kind)kind,
                                    .size = sqlite3_column_double(row, 1),
                                    .seen = (enum learn_seen)seen,
                                    .again = sqlite3_column_int(row, 3) != 0,
                                    .tried = column_count(row, 4),
                                    .worked = column_count(row, 5)};
        learn_note(ret_learned, &trial);
    }
    sqlite3_reset(row);
    return code == SQLITE_DONE ? 0 : journal_errno(code);
}
