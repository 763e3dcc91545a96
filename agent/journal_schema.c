/* Tables of the journal, version 2, and every statement that is used on them. */
#include "agent/journal_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { APPLICATION_ID = 0x74697077, SCHEMA_VERSION = 2 }; /* "tipw" */

const char *const journal_chain_names[CHAIN_COUNT] = {
    [CHAIN_BOOT] = "boot",   [CHAIN_NIGHT] = "night",   [CHAIN_NIGHT_END] = "night_end",
    [CHAIN_EPOCH] = "epoch", [CHAIN_ACTION] = "action", [CHAIN_OUTCOME] = "outcome",
};

#define SCORES(prefix)                                                                             \
    prefix "asymmetries REAL, " prefix "individual_atoms REAL, " prefix "dimers REAL, " prefix     \
           "rows REAL, " prefix "tip_change REAL, " prefix "bad_blurry REAL"

#define VERDICT                                                                                    \
    "seq INTEGER, scan INTEGER, run INTEGER, cycle INTEGER, trace TEXT, line INTEGER, "            \
    "lines_seen INTEGER, lines_due INTEGER, lines_total INTEGER, " SCORES("p_")

/* Only the chain of a row that has none yet may be written, once. */
#define APPEND_ONLY(table)                                                                         \
    "CREATE TRIGGER " table "_stays BEFORE DELETE ON " table                                       \
    " BEGIN SELECT RAISE(ABORT, 'append-only'); END",                                              \
        "CREATE TRIGGER " table "_is_final BEFORE UPDATE ON " table                                \
        " WHEN OLD.chain IS NOT NULL BEGIN SELECT RAISE(ABORT, 'append-only'); END"

static const char *const schema[] = {
    "CREATE TABLE chain_head (name TEXT PRIMARY KEY, n INTEGER NOT NULL, head BLOB NOT NULL) "
    "STRICT",
    "CREATE TABLE boot (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, t_utc_us INTEGER NOT NULL, "
    "policy_name TEXT NOT NULL, policy_hash TEXT NOT NULL, model_hash TEXT NOT NULL, "
    "chain BLOB) STRICT",
    APPEND_ONLY("boot"),
    "CREATE TABLE night (id INTEGER PRIMARY KEY, first_action INTEGER NOT NULL, "
    "boot INTEGER NOT NULL, t_utc_us INTEGER NOT NULL, chain BLOB) STRICT",
    APPEND_ONLY("night"),
    "CREATE TABLE night_end (id INTEGER PRIMARY KEY, how TEXT NOT NULL, why TEXT NOT NULL, "
    "boot INTEGER NOT NULL, t_night_ns INTEGER NOT NULL, t_utc_us INTEGER NOT NULL, "
    "chain BLOB) STRICT",
    APPEND_ONLY("night_end"),
    "CREATE TABLE epoch (id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, "
    "actions_above INTEGER NOT NULL, chain BLOB) STRICT",
    APPEND_ONLY("epoch"),
    "CREATE TABLE place (night INTEGER PRIMARY KEY, site INTEGER NOT NULL, "
    "episode INTEGER NOT NULL, t_night_ns INTEGER NOT NULL, sum BLOB NOT NULL) STRICT",
    "CREATE TABLE action (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, boot INTEGER NOT NULL, "
    "epoch INTEGER NOT NULL, session TEXT NOT NULL, site INTEGER NOT NULL, "
    "episode INTEGER NOT NULL, who TEXT NOT NULL, rule INTEGER NOT NULL, rule_name TEXT NOT NULL, "
    "rule_line INTEGER NOT NULL, policy_hash TEXT NOT NULL, why TEXT NOT NULL, "
    "kind TEXT NOT NULL, voltage_v REAL NOT NULL, duration_s REAL NOT NULL, count REAL NOT NULL, "
    "depth_m REAL NOT NULL, speed_m_per_s REAL NOT NULL, dwell_s REAL NOT NULL, "
    "bias_v REAL NOT NULL, current_a REAL NOT NULL, coarse_steps REAL NOT NULL, "
    "lateral_steps REAL NOT NULL, x_frac REAL NOT NULL, y_frac REAL NOT NULL, "
    "dx_m REAL NOT NULL, dy_m REAL NOT NULL, " VERDICT ", "
    "t_night_ns INTEGER NOT NULL, t_utc_us INTEGER NOT NULL, chain BLOB) STRICT",
    APPEND_ONLY("action"),
    "CREATE TABLE outcome (id INTEGER PRIMARY KEY, "
    "action INTEGER NOT NULL UNIQUE REFERENCES action(id), state TEXT NOT NULL, "
    "crash_detected INTEGER NOT NULL, text TEXT NOT NULL, boot INTEGER NOT NULL, "
    "t_night_ns INTEGER NOT NULL, t_utc_us INTEGER NOT NULL, chain BLOB) STRICT",
    APPEND_ONLY("outcome"),
    "CREATE TABLE event (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, boot INTEGER NOT NULL, "
    "kind TEXT NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL, t_night_ns INTEGER NOT NULL, "
    "t_utc_us INTEGER NOT NULL) STRICT",
    "CREATE TABLE verdict (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, "
    "boot INTEGER NOT NULL, " VERDICT ", " SCORES("other_") ", t_night_ns INTEGER NOT NULL) STRICT",
    "CREATE TABLE decision (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, "
    "boot INTEGER NOT NULL, site INTEGER NOT NULL, episode INTEGER NOT NULL, kind TEXT NOT NULL, "
    "rule INTEGER NOT NULL, rule_name TEXT NOT NULL, rule_line INTEGER NOT NULL, "
    "policy_hash TEXT NOT NULL, response TEXT, action TEXT, why TEXT NOT NULL, guard TEXT, "
    "guard_why TEXT, " VERDICT ", t_night_ns INTEGER NOT NULL) STRICT",
    "CREATE INDEX decision_fired ON decision (night, rule_name, response, site, episode) "
    "WHERE kind = 'rule' AND response IN ('wait', 'good', 'hold', 'park')",
    "CREATE TABLE frame (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, boot INTEGER NOT NULL, "
    "site INTEGER NOT NULL, scan INTEGER NOT NULL, run INTEGER NOT NULL, cycle INTEGER NOT NULL, "
    "trace TEXT NOT NULL, points INTEGER NOT NULL, lines INTEGER NOT NULL, width_m REAL, "
    "height_m REAL, x_offset_m REAL, y_offset_m REAL, angle_deg REAL, raster_time_s REAL, "
    "bias_v REAL, setpoint_a REAL, lines_seen INTEGER NOT NULL, lines_missing INTEGER NOT NULL, "
    "lines_resent INTEGER NOT NULL, end TEXT NOT NULL, picture TEXT NOT NULL, " SCORES(
        "p_") ", "
              "t_night_ns INTEGER NOT NULL) STRICT",
    "CREATE TABLE spot (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, site INTEGER NOT NULL, "
    "page INTEGER NOT NULL, x_m REAL NOT NULL, y_m REAL NOT NULL, radius_m REAL NOT NULL) STRICT",
    "CREATE TABLE trial (id INTEGER PRIMARY KEY, night INTEGER NOT NULL, boot INTEGER NOT NULL, "
    "profile TEXT NOT NULL, kind TEXT NOT NULL, size REAL NOT NULL, seen TEXT NOT NULL, "
    "again INTEGER NOT NULL, worked INTEGER NOT NULL, t_night_ns INTEGER NOT NULL) STRICT",
    "CREATE TABLE forgotten (id INTEGER PRIMARY KEY, trial INTEGER NOT NULL, "
    "boot INTEGER NOT NULL, t_utc_us INTEGER NOT NULL) STRICT",
};

#define P5 "?,?,?,?,?"
#define P10 P5 "," P5

static const char *const statements[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_PLACE] = "INSERT OR REPLACE INTO place VALUES (" P5 ")",
    [STATEMENT_BOOT] = "INSERT INTO boot VALUES (" P5 ",?,NULL)",
    [STATEMENT_NIGHT] = "INSERT INTO night VALUES (?,?,?,?,NULL)",
    [STATEMENT_NIGHT_END] = "INSERT INTO night_end VALUES (" P5 ",?,NULL)",
    [STATEMENT_EPOCH] = "INSERT INTO epoch VALUES (?,?,?,NULL)",
    [STATEMENT_ACTION] = "INSERT INTO action VALUES (" P10 "," P10 "," P10 "," P10 "," P5 ",NULL)",
    [STATEMENT_OUTCOME] = "INSERT INTO outcome VALUES (" P5 ",?,?,?,NULL)",
    [STATEMENT_EVENT] = "INSERT INTO event VALUES (NULL," P5 ",?,?)",
    [STATEMENT_VERDICT] = "INSERT INTO verdict VALUES (NULL," P10 "," P10 ",?,?,?,?)",
    [STATEMENT_DECISION] = "INSERT INTO decision VALUES (NULL," P10 "," P10 "," P10 ")",
    [STATEMENT_FRAME] = "INSERT INTO frame VALUES (NULL," P10 "," P10 "," P5 ",?,?,?,?)",
    [STATEMENT_SPOT] = "INSERT INTO spot VALUES (NULL," P5 ",?)",
    [STATEMENT_TRIAL] = "INSERT INTO trial VALUES (NULL," P5 ",?,?,?,?)",
    [STATEMENT_FORGET] =
        "INSERT INTO forgotten VALUES (NULL, (SELECT coalesce(max(id), 0) FROM trial),?,?)",
    [STATEMENT_OUTCOME_FIND] =
        "SELECT action.id, outcome.id FROM action LEFT JOIN outcome ON outcome.action = action.id "
        "WHERE action.id = ?",
    [STATEMENT_OPEN_ACTIONS] =
        "SELECT action.id, session, kind, voltage_v, duration_s, count, depth_m, speed_m_per_s, "
        "dwell_s, bias_v, current_a, coarse_steps, lateral_steps, x_frac, y_frac, dx_m, dy_m "
        "FROM action WHERE NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.action = action.id) "
        "ORDER BY action.id",
    /* Parameters: first action, night, site, episode, start of the hour. */
    [STATEMENT_USE] =
        "WITH a AS (SELECT *, kind IN ('pulse', 'crash', 'neck', 'approach') AS acts, "
        "CASE kind WHEN 'pulse' THEN CAST(max(1.0, min(count, 1e6)) AS INTEGER) ELSE 0 END AS "
        "pulses "
        "FROM action WHERE id >= ?1 AND night = ?2) "
        "SELECT sum(acts AND site = ?3), sum(acts AND episode = ?4), "
        "sum(acts AND t_night_ns > ?5), sum(acts), sum(pulses * (episode = ?4)), "
        "sum(pulses * (t_night_ns > ?5)), sum(pulses), sum(kind = 'crash' AND episode = ?4), "
        "sum(kind = 'neck'), "
        "sum(kind = 'retract' AND (coarse_steps > 0 OR lateral_steps > 0)) FROM a",
    [STATEMENT_CRASH_DETECTIONS] =
        "SELECT count(*) FROM action JOIN outcome ON outcome.action = action.id "
        "WHERE action.id >= ?1 AND night = ?2 AND crash_detected",
    /* Parameters: first action, night, site, episode. */
    [STATEMENT_FIRED_ACTIONS] =
        "SELECT rule_name, kind, sum(site = ?3), sum(episode = ?4) FROM action "
        "WHERE id >= ?1 AND night = ?2 AND rule >= 0 GROUP BY rule_name, kind",
    /* Parameters: night, site, episode. */
    [STATEMENT_FIRED_DECISIONS] =
        "SELECT rule_name, response, sum(site = ?2), sum(episode = ?3) FROM decision "
        "WHERE night = ?1 AND kind = 'rule' AND coalesce(guard, '') IN ('', 'pass') "
        "AND response IN ('wait', 'good', 'hold', 'park') GROUP BY rule_name, response",
    /* The newest page only: older ones lie where the tip will not be again. */
    [STATEMENT_SPOTS] = "SELECT x_m, y_m, radius_m, page, "
                        "(SELECT count(*) FROM action WHERE action.id >= ?1 "
                        "AND action.night = spot.night AND action.site = spot.site "
                        "AND kind IN ('pulse', 'crash', 'neck', 'approach')) "
                        "FROM spot WHERE spot.night = ?2 AND page = "
                        "(SELECT max(page) FROM spot WHERE night = ?2) ORDER BY spot.id",
    /* Parameter: profile. */
    [STATEMENT_LEARNED] =
        "SELECT kind, size, seen, again, count(*), sum(worked) FROM trial WHERE profile = ?1 "
        "AND id > (SELECT coalesce(max(trial), 0) FROM forgotten) "
        "GROUP BY kind, size, seen, again ORDER BY max(id) DESC",
};

const char *journal_statement_text(enum statement statement)
{
    return statements[statement];
}

int journal_errno(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return -EINVAL;
    default:
        return -EIO;
    }
}

int journal_path(const char *directory, char *buf, size_t size)
{
    int length = snprintf(buf, size, "%s/journal.sqlite", directory);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* The single integer that `sql` gives. */
static int read_integer(sqlite3 *db, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? -EBADMSG : journal_errno(code);
}

static int create_schema(sqlite3 *db)
{
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(schema) / sizeof(schema[0]); i++)
        code = sqlite3_exec(db, schema[i], NULL, NULL, NULL);
    char pragmas[96];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, SCHEMA_VERSION);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return journal_errno(code);
}

/* WAL is asked for by name and must be what comes back: some file systems cannot do it. */
static int set_durability(sqlite3 *db)
{
    sqlite3_stmt *statement;
    int code =
        sqlite3_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return journal_errno(code);
    code = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    bool wal =
        code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    if (!wal)
        return code == SQLITE_ROW ? -EIO : journal_errno(code);
    return journal_errno(sqlite3_exec(db, "PRAGMA synchronous = FULL", NULL, NULL, NULL));
}

int journal_connect(const char *path, sqlite3 **ret_db, char *error, size_t error_size)
{
    sqlite3 *db = NULL;
    int64_t objects = 0;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    int result = journal_errno(code);
    if (result == 0)
        result = journal_errno(sqlite3_busy_timeout(db, 2000));
    if (result == 0)
        result = set_durability(db);
    if (result == 0)
        result = read_integer(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (result == 0 && objects == 0)
        result = create_schema(db);
    if (result != 0) {
        snprintf(error, error_size, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
        sqlite3_close(db);
        return result;
    }
    *ret_db = db;
    return 0;
}

/* True when both give the same text columns, row by row. */
static bool give_the_same(sqlite3_stmt *a, sqlite3_stmt *b)
{
    int code_a;
    while ((code_a = sqlite3_step(a)) == SQLITE_ROW && sqlite3_step(b) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(a); i++) {
            const char *text_a = (const char *)sqlite3_column_text(a, i);
            const char *text_b = (const char *)sqlite3_column_text(b, i);
            if ((text_a == NULL) != (text_b == NULL) || (text_a && strcmp(text_a, text_b) != 0))
                return false;
        }
    return code_a == SQLITE_DONE && sqlite3_step(b) == SQLITE_DONE;
}

int journal_schema_check(sqlite3 *db, char *error, size_t error_size)
{
    static const char *const list = "SELECT type, name, tbl_name, sql FROM sqlite_schema "
                                    "ORDER BY type, name";
    sqlite3 *model = NULL;
    sqlite3_stmt *is = NULL, *should_be = NULL;
    int64_t application = 0, version = 0;
    int result = read_integer(db, "PRAGMA application_id", &application);
    if (result == 0)
        result = read_integer(db, "PRAGMA user_version", &version);
    if (result == 0 && (application != APPLICATION_ID || version != SCHEMA_VERSION)) {
        snprintf(error, error_size, "not a journal of this version (version %d is wanted)",
                 SCHEMA_VERSION);
        return -EBADMSG;
    }
    if (result == 0)
        result = journal_errno(sqlite3_open(":memory:", &model));
    if (result == 0)
        result = create_schema(model);
    if (result == 0)
        result = journal_errno(sqlite3_prepare_v2(db, list, -1, &is, NULL));
    if (result == 0)
        result = journal_errno(sqlite3_prepare_v2(model, list, -1, &should_be, NULL));
    bool same = result == 0 && give_the_same(is, should_be);
    sqlite3_finalize(is);
    sqlite3_finalize(should_be);
    sqlite3_close(model);
    if (same)
        return 0;
    snprintf(error, error_size, "the tables are not those of a journal");
    return result ? result : -EBADMSG;
}
