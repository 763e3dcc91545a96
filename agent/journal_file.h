/*
 * Inside of the journal: the connection, its cached statements, the chained tables. For journal*.c
 * only; the rest of the agent uses agent/journal.h.
 *
 * A chained table's rows carry chain = SHA-256(chain of the row before || table name || every other
 * column), and chain_head holds number and last chain of each: a changed, removed or inserted row
 * is noticed, at the end of the table too.
 */
#ifndef AGENT_JOURNAL_FILE_H
#define AGENT_JOURNAL_FILE_H

#include "agent/journal.h"

#include <sqlite3.h>

enum { CHAIN_BYTES = 32 };

enum chain {
    CHAIN_BOOT,
    CHAIN_NIGHT,
    CHAIN_NIGHT_END,
    CHAIN_EPOCH,
    CHAIN_ACTION,
    CHAIN_OUTCOME,
    CHAIN_COUNT
};

struct chain_head {
    int64_t n;
    unsigned char head[CHAIN_BYTES];
};

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_PLACE,
    STATEMENT_BOOT,
    STATEMENT_NIGHT,
    STATEMENT_NIGHT_END,
    STATEMENT_EPOCH,
    STATEMENT_ACTION,
    STATEMENT_OUTCOME,
    STATEMENT_EVENT,
    STATEMENT_VERDICT,
    STATEMENT_DECISION,
    STATEMENT_FRAME,
    STATEMENT_SPOT,
    STATEMENT_TRIAL,
    STATEMENT_FORGET,
    STATEMENT_OUTCOME_FIND,
    STATEMENT_OPEN_ACTIONS,
    STATEMENT_USE,
    STATEMENT_CRASH_DETECTIONS,
    STATEMENT_FIRED_ACTIONS,
    STATEMENT_FIRED_DECISIONS,
    STATEMENT_SPOTS,
    STATEMENT_LEARNED,
    STATEMENT_COUNT
};

struct journal {
    sqlite3 *db;
    int lock_fd;
    int failed; /* 0, or the error that ended all writing */
    bool in_transaction;
    bool place_moved; /* the row of `place` is behind the fields below */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct chain_head heads[CHAIN_COUNT];
    uint64_t boot, epoch, night;
    uint64_t next_action;  /* id of the next intent */
    uint64_t first_action; /* of this night */
    uint32_t site, episode;
    int64_t t_night_ns; /* highest seen */
};

/* --- journal_schema.c --- */

extern const char *const journal_chain_names[CHAIN_COUNT];

/* Negative errno for an SQLite result code. */
int journal_errno(int sqlite_code);

/* "DIRECTORY/journal.sqlite". -ENAMETOOLONG. */
int journal_path(const char *directory, char *buf, size_t size);

/* Open for writing, with WAL and full synchronisation; the schema is made in an empty file. */
int journal_connect(const char *path, sqlite3 **ret_db, char *error, size_t error_size);

/* The tables, triggers and indices are exactly those of this version. 0 or -EBADMSG. */
int journal_schema_check(sqlite3 *db, char *error, size_t error_size);

/* The text of a cached statement. */
const char *journal_statement_text(enum statement statement);

/* --- journal_verify.c --- */

/*
 * Everything that can be checked: SQLite's own integrity, schema, chains, place. 0 with the heads,
 * -EBADMSG with a sentence.
 */
int journal_check(sqlite3 *db, struct chain_head heads[CHAIN_COUNT], char *error,
                  size_t error_size);

/* Chain the row `id` just inserted, and move the head. */
int journal_chain_append(struct journal *journal, enum chain chain, int64_t id);

/* Checksum of a row of `place`, from its four numbers. */
void journal_place_sum(const int64_t place[4], unsigned char ret_sum[CHAIN_BYTES]);

/* --- journal_write.c --- */

/*
 * One row being written. Columns are bound in their order; an error sticks and is told at the end.
 */
struct row {
    struct journal *journal;
    sqlite3_stmt *statement;
    int column;
    int code; /* SQLite's */
};

/* Opens a transaction when there is none. Check `code` only at the end. */
struct row journal_row(struct journal *journal, enum statement statement);
void row_int(struct row *row, int64_t value);
void row_real(struct row *row, double value); /* NAN becomes NULL */
void row_text(struct row *row, const char *text);
void row_null(struct row *row);
void row_null_n(struct row *row, int n);
/* seq, scan, run, cycle, trace, line, lines_seen, lines_due, lines_total, six scores; NULL: none.
 */
void row_verdict(struct row *row, const struct verdict *verdict);
void row_scores(struct row *row, const float p[NN_LABEL_COUNT]);
/* Writes it. 0 or negative errno, which then is the journal's for good. */
int row_end(struct row *row);
/* The same for a chained table, whose last column is left out. */
int row_end_chained(struct row *row, enum chain chain, int64_t id);

/* What is written until now becomes durable, with the place. */
int journal_commit(struct journal *journal);

/* The night clock, as far as it has been seen. Never goes back. */
void journal_advance(struct journal *journal, int64_t t_night_ns);

/* A cached statement for reading, reset and with its first parameters bound to integers. */
int journal_query(struct journal *journal, enum statement statement, const int64_t *values, int n,
                  sqlite3_stmt **ret_statement);

#endif
