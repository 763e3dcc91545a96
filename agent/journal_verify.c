/* Checksums and chains: written with each row, checked as a whole at open and on request. */
#include "agent/journal_file.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static void hash_int64(crypto_hash_sha256_state *state, int64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

/* Type, then value; lengths before texts, so that no two rows read alike. */
static void hash_column(crypto_hash_sha256_state *state, sqlite3_stmt *row, int column)
{
    int type = sqlite3_column_type(row, column);
    double real;
    int64_t bits;
    hash_int64(state, type);
    switch (type) {
    case SQLITE_INTEGER:
        hash_int64(state, sqlite3_column_int64(row, column));
        break;
    case SQLITE_FLOAT:
        real = sqlite3_column_double(row, column);
        memcpy(&bits, &real, sizeof(bits));
        hash_int64(state, bits);
        break;
    case SQLITE_NULL:
        break;
    default: {
        const void *bytes = sqlite3_column_blob(row, column);
        int size = sqlite3_column_bytes(row, column);
        hash_int64(state, size);
        if (size > 0)
            crypto_hash_sha256_update(state, bytes, (unsigned long long)size);
    }
    }
}

/* The chain value of the row that `row` stands on; `chain` is its last column. */
static void hash_row(sqlite3_stmt *row, const char *table, const unsigned char before[CHAIN_BYTES],
                     unsigned char ret_hash[CHAIN_BYTES])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, CHAIN_BYTES);
    crypto_hash_sha256_update(&state, (const unsigned char *)table, strlen(table) + 1);
    for (int i = 0; i < sqlite3_column_count(row) - 1; i++)
        hash_column(&state, row, i);
    crypto_hash_sha256_final(&state, ret_hash);
}

static bool is_hash(sqlite3_stmt *row, int column, const unsigned char hash[CHAIN_BYTES])
{
    return sqlite3_column_type(row, column) == SQLITE_BLOB &&
           sqlite3_column_bytes(row, column) == CHAIN_BYTES &&
           memcmp(sqlite3_column_blob(row, column), hash, CHAIN_BYTES) == 0;
}

static int store_chain(sqlite3 *db, const char *table, int64_t id, const struct chain_head *head)
{
    sqlite3_stmt *statement = NULL;
    char sql[64];
    snprintf(sql, sizeof(sql), "UPDATE %s SET chain = ? WHERE id = ?", table);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(statement, 1, head->head, CHAIN_BYTES, SQLITE_TRANSIENT);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, id);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE)
        return code;
    code = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO chain_head VALUES (?,?,?)", -1,
                              &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, head->n);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(statement, 3, head->head, CHAIN_BYTES, SQLITE_TRANSIENT);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code;
}

int journal_chain_append(struct journal *journal, enum chain chain, int64_t id)
{
    const char *table = journal_chain_names[chain];
    struct chain_head head = journal->heads[chain];
    sqlite3_stmt *row = NULL;
    char sql[64];
    snprintf(sql, sizeof(sql), "SELECT * FROM %s WHERE id = ?", table);
    /* What is hashed is what SQLite has stored, not what it was given. */
    int code = sqlite3_prepare_v2(journal->db, sql, -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(row, 1, id);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        hash_row(row, table, journal->heads[chain].head, head.head);
    sqlite3_finalize(row);
    if (code == SQLITE_ROW) {
        head.n++;
        code = store_chain(journal->db, table, id, &head);
    }
    if (code != SQLITE_DONE)
        return journal_errno(code) ? journal_errno(code) : -EIO;
    journal->heads[chain] = head;
    return 0;
}

void journal_place_sum(const int64_t place[4], unsigned char ret_sum[CHAIN_BYTES])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (int i = 0; i < 4; i++)
        hash_int64(&state, place[i]);
    crypto_hash_sha256_final(&state, ret_sum);
}

/* What went wrong in reading, as a sentence; -EBADMSG for damage, else as SQLite says. */
static int complain(sqlite3 *db, int code, const char *where, char *error, size_t error_size)
{
    int result = journal_errno(code);
    snprintf(error, error_size, "%s: %s", where, sqlite3_errmsg(db));
    return result ? result : -EBADMSG;
}

static int check_integrity(sqlite3 *db, char *error, size_t error_size)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int result = 0;
    if (!text) {
        result = complain(db, code, "integrity check", error, error_size);
    } else if (strcmp(text, "ok") != 0) {
        snprintf(error, error_size, "integrity check: %s", text);
        result = -EBADMSG;
    }
    sqlite3_finalize(statement);
    return result;
}

static int walk_chain(sqlite3 *db, const char *table, struct chain_head *head, char *error,
                      size_t error_size)
{
    char sql[64];
    sqlite3_stmt *row = NULL;
    snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY id", table);
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    int result = 0;
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        hash_row(row, table, head->head, head->head);
        if (!is_hash(row, sqlite3_column_count(row) - 1, head->head)) {
            snprintf(error, error_size, "%s %" PRId64 " is not as it was written", table,
                     (int64_t)sqlite3_column_int64(row, 0));
            result = -EBADMSG;
            break;
        }
        head->n++;
        code = SQLITE_OK;
    }
    if (result == 0 && code != SQLITE_DONE)
        result = complain(db, code, table, error, error_size);
    sqlite3_finalize(row);
    return result;
}

/* The stored head must be the one that the rows give; none is stored while there are no rows. */
static int check_head(sqlite3 *db, const char *table, const struct chain_head *head, char *error,
                      size_t error_size)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(db, "SELECT n, head FROM chain_head WHERE name = ?", -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(row, 1, table, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    bool same = code == SQLITE_DONE
                    ? head->n == 0
                    : code == SQLITE_ROW && sqlite3_column_int64(row, 0) == head->n &&
                          is_hash(row, 1, head->head);
    sqlite3_finalize(row);
    if (same)
        return 0;
    snprintf(error, error_size, "table %s does not end where it was left", table);
    return journal_errno(code) ? journal_errno(code) : -EBADMSG;
}

static int check_place(sqlite3 *db, char *error, size_t error_size)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db, "SELECT night, site, episode, t_night_ns, sum FROM place ORDER BY night", -1, &row,
        NULL);
    int result = 0;
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t place[4];
        unsigned char sum[CHAIN_BYTES];
        for (int i = 0; i < 4; i++)
            place[i] = sqlite3_column_int64(row, i);
        journal_place_sum(place, sum);
        if (!is_hash(row, 4, sum)) {
            snprintf(error, error_size, "place of night %" PRId64 " is not as it was written",
                     place[0]);
            result = -EBADMSG;
            break;
        }
        code = SQLITE_OK;
    }
    if (result == 0 && code != SQLITE_DONE)
        result = complain(db, code, "place", error, error_size);
    sqlite3_finalize(row);
    return result;
}

/* A night without its place, or an outcome without its action, is damage too. */
static int check_references(sqlite3 *db, char *error, size_t error_size)
{
    static const char *const sql =
        "SELECT (SELECT count(*) FROM night WHERE id NOT IN (SELECT night FROM place)) + "
        "(SELECT count(*) FROM outcome WHERE action NOT IN (SELECT id FROM action)) + "
        "(SELECT count(*) FROM action WHERE night NOT IN (SELECT id FROM night))";
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    bool sound = code == SQLITE_ROW && sqlite3_column_int64(row, 0) == 0;
    sqlite3_finalize(row);
    if (sound)
        return 0;
    snprintf(error, error_size, "rows refer to rows that are not there");
    return journal_errno(code) ? journal_errno(code) : -EBADMSG;
}

int journal_check(sqlite3 *db, struct chain_head heads[CHAIN_COUNT], char *error, size_t error_size)
{
    memset(heads, 0, CHAIN_COUNT * sizeof(heads[0]));
    int result = journal_schema_check(db, error, error_size);
    if (result == 0)
        result = check_integrity(db, error, error_size);
    for (int i = 0; result == 0 && i < CHAIN_COUNT; i++) {
        result = walk_chain(db, journal_chain_names[i], &heads[i], error, error_size);
        if (result == 0)
            result = check_head(db, journal_chain_names[i], &heads[i], error, error_size);
    }
    if (result == 0)
        result = check_place(db, error, error_size);
    if (result == 0)
        result = check_references(db, error, error_size);
    return result;
}
