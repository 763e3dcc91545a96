/* Lists of a journal, as lines and as cells. */
#include "agent/journal_read.h"

#include "agent/journal_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { CELLS_MAX = 64 };

struct journal_reader {
    sqlite3 *db;
};

#define SCORES_TEXT(prefix)                                                                        \
    "printf('asymmetries %.4f individual_atoms %.4f dimers %.4f rows %.4f tip_change %.4f "        \
    "bad_blurry %.4f', " prefix "p_asymmetries, " prefix "p_individual_atoms, " prefix             \
    "p_dimers, " prefix "p_rows, " prefix "p_tip_change, " prefix "p_bad_blurry)"

/* The parameters that tell one action of a kind from another. */
#define ACTION_TEXT                                                                                \
    "CASE kind WHEN 'pulse' THEN printf('pulse %.2f V, %.0f ms, %d x', voltage_v, "                \
    "duration_s * 1e3, count) "                                                                    \
    "WHEN 'crash' THEN printf('crash %.3f nm at %.2f V', depth_m * 1e9, bias_v) "                  \
    "WHEN 'neck' THEN printf('neck %.2f V, %.0f nA', voltage_v, current_a * 1e9) "                 \
    "WHEN 'retract' THEN printf('retract %d coarse, %d lateral', coarse_steps, lateral_steps) "    \
    "WHEN 'reimage' THEN printf('reimage %+.1f nm, %+.1f nm', dx_m * 1e9, dy_m * 1e9) "            \
    "ELSE kind END"

/* The first column of each is the line, the rest are the cells. */
static const char *const queries[] = {
    [JOURNAL_ACTIONS] =
        "SELECT printf('night %d action %d at %.1f s, site %d, episode %d: %s by %s%s: %s%s: %s', "
        "action.night, action.id, action.t_night_ns * 1e-9, site, episode, " ACTION_TEXT ", who, "
        "iif(rule < 0, '', printf(', rule %s (line %d)', rule_name, rule_line)), "
        "coalesce(state, 'open'), iif(coalesce(crash_detected, 0), ', crash detected', ''), why), "
        "action.*, outcome.state, outcome.crash_detected, outcome.text AS outcome_text, "
        "outcome.t_night_ns AS outcome_t_night_ns, outcome.t_utc_us AS outcome_t_utc_us "
        "FROM action LEFT JOIN outcome ON outcome.action = action.id "
        "WHERE ?1 IN (0, action.night) ORDER BY action.id",
    [JOURNAL_DECISIONS] =
        "SELECT printf('%s, site %d, episode %d: %s%s%s%s%s: %s', "
        "iif(scan IS NULL, 'no verdict', printf('scan %d %d_%d %s line %d (%d of %d) %s', "
        "scan, run, cycle, trace, line, lines_seen, lines_total, " SCORES_TEXT(
            "") ")), "
                "site, episode, kind, "
                "iif(rule < 0, '', printf(', rule %s (line %d)', rule_name, rule_line)), "
                "coalesce(', ' || response, ''), coalesce(', ' || action, ''), "
                "iif(coalesce(guard, '') = '', '', ', guard ' || guard), why), "
                "night, site, episode, kind, rule, rule_name, rule_line, policy_hash, response, "
                "action, "
                "why, guard, seq, scan, run, cycle, trace, line, lines_seen, lines_due, "
                "lines_total, "
                "p_asymmetries, p_individual_atoms, p_dimers, p_rows, p_tip_change, p_bad_blurry, "
                "t_night_ns FROM decision WHERE ?1 IN (0, night) ORDER BY id",
    [JOURNAL_EVENTS] = "SELECT printf('night %d at %.1f s, %s: %s%s%s', night, t_night_ns * 1e-9, "
                       "strftime('%Y-%m-%dT%H:%M:%SZ', t_utc_us / 1000000, 'unixepoch'), kind, "
                       "iif(who = '', '', ' by ' || who), iif(text = '', '', ': ' || text)), "
                       "night, boot, kind, who, text, t_night_ns, t_utc_us FROM event "
                       "WHERE ?1 IN (0, night) ORDER BY id",
};

int journal_reader_open(const char *directory, struct journal_reader **ret_reader, char *error,
                        size_t error_size)
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    int result = journal_path(directory, path, sizeof(path));
    int code = SQLITE_OK;
    if (result == 0)
        code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
    if (result == 0 && code == SQLITE_OK)
        code = sqlite3_busy_timeout(db, 2000);
    /* A read that opens the snapshot: everything after it sees the same moment. */
    if (result == 0 && code == SQLITE_OK)
        code = sqlite3_exec(db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (result == 0 && code != SQLITE_OK)
        result = (code & 0xff) == SQLITE_CANTOPEN ? -ENOENT : journal_errno(code);
    if (result != 0) {
        snprintf(error, error_size, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
        sqlite3_close(db);
        return result;
    }
    struct journal_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        abort(); /* a few bytes, in a program that has done nothing yet */
    reader->db = db;
    *ret_reader = reader;
    return 0;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    sqlite3_close(reader->db);
    free(reader);
}

int journal_reader_verify(struct journal_reader *reader, char *error, size_t error_size)
{
    struct chain_head heads[CHAIN_COUNT];
    return journal_check(reader->db, heads, error, error_size);
}

static struct journal_cell read_cell(sqlite3_stmt *row, int column)
{
    struct journal_cell cell = {.name = sqlite3_column_name(row, column), .type = JOURNAL_NULL};
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        cell.type = JOURNAL_INTEGER;
        cell.integer = sqlite3_column_int64(row, column);
        break;
    case SQLITE_FLOAT:
        cell.type = JOURNAL_REAL;
        cell.real = sqlite3_column_double(row, column);
        break;
    case SQLITE_TEXT:
        cell.type = JOURNAL_TEXT;
        cell.text = (const char *)sqlite3_column_text(row, column);
        break;
    default: /* NULL, and the chain, which says nothing to a reader */
        break;
    }
    return cell;
}

int journal_reader_list(struct journal_reader *reader, enum journal_list list, uint64_t night,
                        journal_row_fn row_fn, void *data)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(reader->db, queries[list], -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(row, 1, (int64_t)night);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        struct journal_cell cells[CELLS_MAX];
        size_t n = 0;
        for (int i = 1; i < sqlite3_column_count(row) && n < CELLS_MAX; i++)
            cells[n++] = read_cell(row, i);
        const char *line = (const char *)sqlite3_column_text(row, 0);
        row_fn(data, line ? line : "", cells, n);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? 0 : journal_errno(code);
}
