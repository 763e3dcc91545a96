/* Rows into cached statements, transactions, and the one way in which writing ends for good. */
#include "agent/journal_file.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

/* The cached statement, ready to be bound. Returns SQLite's code. */
static int get_statement(struct journal *journal, enum statement which,
                         sqlite3_stmt **ret_statement)
{
    sqlite3_stmt **cached = &journal->statements[which];
    int code = SQLITE_OK;
    if (!*cached)
        code = sqlite3_prepare_v3(journal->db, journal_statement_text(which), -1,
                                  SQLITE_PREPARE_PERSISTENT, cached, NULL);
    else
        sqlite3_reset(*cached);
    if (code == SQLITE_OK)
        *ret_statement = *cached;
    return code;
}

static int run_statement(struct journal *journal, enum statement which)
{
    sqlite3_stmt *statement = NULL;
    int code = get_statement(journal, which, &statement);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (statement)
        sqlite3_reset(statement);
    return code;
}

/* Give up writing: roll back, remember. Returns the errno. */
static int fail(struct journal *journal, int sqlite_code)
{
    int error = journal_errno(sqlite_code);
    journal->failed = error ? error : -EIO;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (journal->statements[i])
            sqlite3_reset(journal->statements[i]);
    /* Its result does not matter: nothing of it may be relied on any more. */
    if (journal->in_transaction)
        (void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    journal->in_transaction = false;
    return journal->failed;
}

static int begin(struct journal *journal)
{
    if (journal->in_transaction)
        return SQLITE_DONE;
    int code = run_statement(journal, STATEMENT_BEGIN);
    journal->in_transaction = code == SQLITE_DONE;
    return code;
}

struct row journal_row(struct journal *journal, enum statement statement)
{
    struct row row = {.journal = journal, .code = SQLITE_OK};
    int code = begin(journal);
    row.code = code == SQLITE_DONE ? get_statement(journal, statement, &row.statement) : code;
    return row;
}

void row_int(struct row *row, int64_t value)
{
    row->column++;
    if (row->code == SQLITE_OK)
        row->code = sqlite3_bind_int64(row->statement, row->column, value);
}

void row_real(struct row *row, double value)
{
    row->column++;
    if (row->code == SQLITE_OK)
        row->code = sqlite3_bind_double(row->statement, row->column, value);
}

void row_text(struct row *row, const char *text)
{
    row->column++;
    if (row->code == SQLITE_OK)
        row->code =
            sqlite3_bind_text(row->statement, row->column, text ? text : "", -1, SQLITE_TRANSIENT);
}

void row_null(struct row *row)
{
    row->column++;
    if (row->code == SQLITE_OK)
        row->code = sqlite3_bind_null(row->statement, row->column);
}

void row_null_n(struct row *row, int n)
{
    for (int i = 0; i < n; i++)
        row_null(row);
}

void row_scores(struct row *row, const float p[NN_LABEL_COUNT])
{
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        row_real(row, (double)p[i]);
}

void row_verdict(struct row *row, const struct verdict *verdict)
{
    if (!verdict) {
        row_null_n(row, 9 + NN_LABEL_COUNT);
        return;
    }
    row_int(row, (int64_t)verdict->seq);
    row_int(row, (int64_t)verdict->scan);
    row_int(row, verdict->run);
    row_int(row, verdict->cycle);
    row_text(row, scan_trace_name(verdict->trace));
    row_int(row, verdict->line);
    row_int(row, verdict->lines_seen);
    row_int(row, verdict->lines_due);
    row_int(row, verdict->lines_total);
    row_scores(row, verdict->p);
}

int row_end(struct row *row)
{
    if (row->code == SQLITE_OK) {
        assert(row->column == sqlite3_bind_parameter_count(row->statement));
        row->code = sqlite3_step(row->statement);
        sqlite3_reset(row->statement);
    }
    return row->code == SQLITE_DONE ? 0 : fail(row->journal, row->code);
}

int row_end_chained(struct row *row, enum chain chain, int64_t id)
{
    int result = row_end(row);
    if (result != 0)
        return result;
    result = journal_chain_append(row->journal, chain, id);
    return result == 0 ? 0 : fail(row->journal, sqlite3_errcode(row->journal->db));
}

static int write_place(struct journal *journal)
{
    const int64_t place[4] = {(int64_t)journal->night, journal->site, journal->episode,
                              journal->t_night_ns};
    unsigned char sum[CHAIN_BYTES];
    struct row row = journal_row(journal, STATEMENT_PLACE);
    journal_place_sum(place, sum);
    for (int i = 0; i < 4; i++)
        row_int(&row, place[i]);
    row.column++;
    if (row.code == SQLITE_OK)
        row.code = sqlite3_bind_blob(row.statement, row.column, sum, sizeof(sum), SQLITE_TRANSIENT);
    int result = row_end(&row);
    if (result == 0)
        journal->place_moved = false;
    return result;
}

int journal_commit(struct journal *journal)
{
    if (journal->failed)
        return journal->failed;
    if (journal->place_moved) {
        int result = write_place(journal);
        if (result != 0)
            return result;
    }
    if (!journal->in_transaction)
        return 0;
    int code = run_statement(journal, STATEMENT_COMMIT);
    if (code != SQLITE_DONE)
        return fail(journal, code);
    journal->in_transaction = false;
    return 0;
}

void journal_advance(struct journal *journal, int64_t t_night_ns)
{
    if (t_night_ns <= journal->t_night_ns)
        return;
    journal->t_night_ns = t_night_ns;
    journal->place_moved = true;
}

int journal_query(struct journal *journal, enum statement which, const int64_t *values, int n,
                  sqlite3_stmt **ret_statement)
{
    sqlite3_stmt *statement = NULL;
    int code = get_statement(journal, which, &statement);
    for (int i = 0; i < n && code == SQLITE_OK; i++)
        code = sqlite3_bind_int64(statement, i + 1, values[i]);
    if (code != SQLITE_OK)
        return journal_errno(code);
    *ret_statement = statement;
    return 0;
}
