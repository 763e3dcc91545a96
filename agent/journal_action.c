/* Intents, outcomes, epochs: what must be on disk before or after a command. */
#include "agent/journal_file.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* Columns voltage_v ... dy_m of `action`, in their order. */
static const size_t parameter_fields[] = {
    offsetof(struct action, voltage_v),     offsetof(struct action, duration_s),
    offsetof(struct action, count),         offsetof(struct action, depth_m),
    offsetof(struct action, speed_m_per_s), offsetof(struct action, dwell_s),
    offsetof(struct action, bias_v),        offsetof(struct action, current_a),
    offsetof(struct action, coarse_steps),  offsetof(struct action, lateral_steps),
    offsetof(struct action, x_frac),        offsetof(struct action, y_frac),
    offsetof(struct action, dx_m),          offsetof(struct action, dy_m),
};

enum { N_PARAMETERS = sizeof(parameter_fields) / sizeof(parameter_fields[0]) };

static double get_field(const struct action *action, int i)
{
    double value;
    memcpy(&value, (const char *)action + parameter_fields[i], sizeof(value));
    return value;
}

static bool is_sound(const struct action *action)
{
    if ((unsigned)action->kind >= ACTION_KIND_COUNT)
        return false;
    for (int i = 0; i < N_PARAMETERS; i++)
        if (!isfinite(get_field(action, i)))
            return false;
    return true;
}

int journal_intent(struct journal *journal, const struct journal_intent *intent, uint64_t *ret_id)
{
    if (journal->failed)
        return journal->failed;
    if (!is_sound(&intent->action) || journal->next_action > INT64_MAX)
        return -EINVAL;
    if (intent->epoch != journal->epoch)
        return -ESTALE;
    int64_t id = (int64_t)journal->next_action;
    journal_advance(journal, intent->t_night_ns);
    struct row row = journal_row(journal, STATEMENT_ACTION);
    row_int(&row, id);
    row_int(&row, (int64_t)journal->night);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, (int64_t)intent->epoch);
    row_text(&row, intent->session);
    row_int(&row, intent->site);
    row_int(&row, intent->episode);
    row_text(&row, intent->who);
    row_int(&row, intent->rule);
    row_text(&row, intent->rule_name);
    row_int(&row, intent->rule_line);
    row_text(&row, intent->policy_hash);
    row_text(&row, intent->why);
    row_text(&row, action_kind_name(intent->action.kind));
    for (int i = 0; i < N_PARAMETERS; i++)
        row_real(&row, get_field(&intent->action, i));
    row_verdict(&row, intent->verdict);
    row_int(&row, intent->t_night_ns);
    row_int(&row, intent->t_utc_us);
    int result = row_end_chained(&row, CHAIN_ACTION, id);
    if (result == 0)
        result = journal_commit(journal);
    if (result != 0)
        return result;
    journal->next_action++;
    *ret_id = (uint64_t)id;
    return 0;
}

/* The name of a final state; NULL for a state that ends nothing. */
static const char *final_state_name(enum command_state state)
{
    switch (state) {
    case COMMAND_DONE:
        return "done";
    case COMMAND_FAILED:
        return "failed";
    case COMMAND_REJECTED:
        return "rejected";
    case COMMAND_EXPIRED:
        return "expired";
    case COMMAND_CANCELLED:
        return "cancelled";
    case COMMAND_UNKNOWN:
        return "unknown";
    case COMMAND_ACCEPTED:
    case COMMAND_STARTED:
    case COMMAND_STATE_COUNT:
        break;
    }
    return NULL;
}

/* 0: the action is there and open; -ENOENT, -EALREADY. */
static int find_open_action(struct journal *journal, uint64_t id)
{
    sqlite3_stmt *statement;
    int64_t key = (int64_t)id;
    int result = journal_query(journal, STATEMENT_OUTCOME_FIND, &key, 1, &statement);
    if (result != 0)
        return result;
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        result = -ENOENT;
    else if (code != SQLITE_ROW)
        result = journal_errno(code);
    else if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
        result = -EALREADY;
    sqlite3_reset(statement);
    return result;
}

int journal_outcome(struct journal *journal, uint64_t id, enum command_state state,
                    bool crash_detected, const char *text, int64_t t_night_ns, int64_t t_utc_us)
{
    const char *state_name = final_state_name(state);
    if (journal->failed)
        return journal->failed;
    if (!state_name || id == 0 || id > INT64_MAX)
        return -EINVAL;
    int result = find_open_action(journal, id);
    if (result != 0)
        return result;
    int64_t row_id = journal->heads[CHAIN_OUTCOME].n + 1;
    journal_advance(journal, t_night_ns);
    struct row row = journal_row(journal, STATEMENT_OUTCOME);
    row_int(&row, row_id);
    row_int(&row, (int64_t)id);
    row_text(&row, state_name);
    row_int(&row, crash_detected);
    row_text(&row, text);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, t_night_ns);
    row_int(&row, t_utc_us);
    result = row_end_chained(&row, CHAIN_OUTCOME, row_id);
    return result == 0 ? journal_commit(journal) : result;
}

/* Epoch `epoch`, with action ids above `actions_above`; durable. */
static int write_epoch(struct journal *journal, uint64_t epoch, uint64_t actions_above)
{
    struct row row = journal_row(journal, STATEMENT_EPOCH);
    row_int(&row, (int64_t)epoch);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, (int64_t)actions_above);
    int result = row_end_chained(&row, CHAIN_EPOCH, (int64_t)epoch);
    if (result == 0)
        result = journal_commit(journal);
    if (result != 0)
        return result;
    journal->epoch = epoch;
    journal->next_action = actions_above + 1;
    return 0;
}

int journal_raise_epoch(struct journal *journal, uint64_t *ret_epoch)
{
    if (journal->failed)
        return journal->failed;
    int result = write_epoch(journal, journal->epoch + 1, journal->next_action - 1);
    if (result == 0)
        *ret_epoch = journal->epoch;
    return result;
}

int journal_raise_above(struct journal *journal, uint64_t id, uint64_t epoch, uint64_t *ret_epoch)
{
    if (journal->failed)
        return journal->failed;
    /* Room for every number that could still follow. */
    if (id > INT64_MAX / 2 || epoch > INT64_MAX / 2)
        return -ERANGE;
    int result = 0;
    if (id >= journal->next_action || epoch >= journal->epoch) {
        uint64_t above = id >= journal->next_action ? id : journal->next_action - 1;
        result = write_epoch(journal, (epoch > journal->epoch ? epoch : journal->epoch) + 1, above);
    }
    if (result == 0)
        *ret_epoch = journal->epoch;
    return result;
}

int journal_draw_id(struct journal *journal, uint64_t *ret_id, uint64_t *ret_epoch)
{
    if (journal->failed)
        return journal->failed;
    uint64_t id = journal->next_action;
    int result = write_epoch(journal, journal->epoch + 1, id);
    if (result != 0)
        return result;
    *ret_id = id;
    *ret_epoch = journal->epoch;
    return 0;
}

static int read_open_action(sqlite3_stmt *row, struct journal_open_action *ret_open)
{
    struct journal_open_action open = {.id = (uint64_t)sqlite3_column_int64(row, 0)};
    const char *session = (const char *)sqlite3_column_text(row, 1);
    const char *kind_name = (const char *)sqlite3_column_text(row, 2);
    int kind = kind_name ? action_kind_from_name(kind_name) : -1;
    if (!session || strlen(session) >= sizeof(open.session) || kind < 0)
        return -EBADMSG;
    memcpy(open.session, session, strlen(session) + 1);
    open.action.kind = (enum action_kind)kind;
    for (int i = 0; i < N_PARAMETERS; i++) {
        double value = sqlite3_column_double(row, 3 + i);
        memcpy((char *)&open.action + parameter_fields[i], &value, sizeof(value));
    }
    *ret_open = open;
    return 0;
}

int journal_open_actions(struct journal *journal, struct journal_open_action *list, size_t max,
                         size_t *ret_n)
{
    sqlite3_stmt *statement;
    size_t n = 0;
    int code = SQLITE_ROW;
    int result = journal_query(journal, STATEMENT_OPEN_ACTIONS, NULL, 0, &statement);
    if (result != 0)
        return result;
    while (result == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (n == max)
            result = -ENOSPC;
        else
            result = read_open_action(statement, &list[n++]);
    }
    sqlite3_reset(statement);
    if (result == 0 && code != SQLITE_DONE)
        result = journal_errno(code);
    if (result == 0)
        *ret_n = n;
    return result;
}
