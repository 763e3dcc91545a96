/* The file of votes: its tables, version 1, and every statement on them. */
#include "nn/vote_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION_ID = 0x74697076, SCHEMA_VERSION = 1, BUSY_MS = 2000 }; /* "tipv" */

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE image (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE vote (id INTEGER PRIMARY KEY, once TEXT NOT NULL UNIQUE,"
    " t_utc_us INTEGER NOT NULL, spent_ms INTEGER NOT NULL,"
    " person INTEGER NOT NULL REFERENCES person(id),"
    " image INTEGER NOT NULL REFERENCES image(id),"
    " act TEXT NOT NULL CHECK (act IN ('vote', 'skip', 'delete', 'undo')),"
    " value TEXT CHECK ((value IS NOT NULL) = (act = 'vote')),"
    " undoes INTEGER UNIQUE REFERENCES vote(id) CHECK ((undoes IS NOT NULL) = (act = 'undo')))"
    " STRICT;"
    "CREATE INDEX vote_of_person ON vote (person, image, id);"
    "CREATE VIEW done AS SELECT * FROM vote AS v WHERE v.act <> 'undo'"
    " AND NOT EXISTS (SELECT 1 FROM vote AS u WHERE u.undoes = v.id);"
    "CREATE VIEW standing AS SELECT * FROM done AS v WHERE v.act <> 'delete'"
    " AND NOT EXISTS (SELECT 1 FROM done AS w"
    "  WHERE w.person = v.person AND w.image = v.image AND w.id > v.id);"
    "CREATE TRIGGER vote_stays BEFORE DELETE ON vote"
    " BEGIN SELECT RAISE(ABORT, 'append-only'); END;"
    "CREATE TRIGGER vote_is_final BEFORE UPDATE ON vote"
    " BEGIN SELECT RAISE(ABORT, 'append-only'); END;"
    "PRAGMA application_id = 1953067126;"
    "PRAGMA user_version = 1;"
    "COMMIT";

_Static_assert(APPLICATION_ID == 1953067126 && SCHEMA_VERSION == 1, "as the schema says");

struct vote_store {
    sqlite3 *db;
};

static int errno_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_CANTOPEN:
        return -ENOENT;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return -EBADMSG;
    case SQLITE_NOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

/*
 * Prepares a statement and binds one value per letter: i an int64_t, t a text (NULL: null).
 */
static int prepare(struct vote_store *store, sqlite3_stmt **ret, const char *sql,
                   const char *letters, ...)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return errno_of(code);
    va_list values;
    va_start(values, letters);
    for (int i = 0; code == SQLITE_OK && letters[i] != '\0'; i++)
        code = letters[i] == 'i' ? sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t))
                                 : sqlite3_bind_text(statement, i + 1, va_arg(values, const char *),
                                                     -1, SQLITE_TRANSIENT);
    va_end(values);
    if (code != SQLITE_OK) {
        sqlite3_finalize(statement);
        return errno_of(code);
    }
    *ret = statement;
    return 0;
}

/* The first row's first column. -ENOENT: no row. Ends the statement. */
static int take_integer(sqlite3_stmt *statement, int64_t *ret)
{
    int code = sqlite3_step(statement);
    int status = code == SQLITE_DONE ? -ENOENT : errno_of(code);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

/* Runs a statement that gives no rows, and ends it. */
static int run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return errno_of(code);
}

static int execute(struct vote_store *store, const char *sql)
{
    return errno_of(sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

static int pragma(struct vote_store *store, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement, sql, "");
    return status ? status : take_integer(statement, ret);
}

/* Some file systems cannot do WAL, and then say that they did something else. */
static int set_wal(struct vote_store *store)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement, "PRAGMA journal_mode = WAL", "");
    if (status < 0)
        return status;
    int code = sqlite3_step(statement);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "";
    status = errno_of(code);
    if (status == 0 && (!mode || strcmp(mode, "wal") != 0))
        status = -EIO;
    sqlite3_finalize(statement);
    return status ? status : execute(store, "PRAGMA synchronous = FULL");
}

/* Makes the tables in an empty file; refuses a file of somebody else's before touching it. */
static int adopt(struct vote_store *store, enum vote_store_mode mode)
{
    int64_t objects = 0, application = 0, version = 0;
    int status = pragma(store, "SELECT count(*) FROM sqlite_schema", &objects);
    if (status == 0)
        status = pragma(store, "PRAGMA application_id", &application);
    if (status == 0)
        status = pragma(store, "PRAGMA user_version", &version);
    if (status < 0)
        return status;
    bool empty = objects == 0 && mode == VOTE_STORE_WRITE;
    if (!empty && (application != APPLICATION_ID || version != SCHEMA_VERSION))
        return -EBADMSG;
    status = execute(store, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON");
    if (status == 0 && mode == VOTE_STORE_WRITE)
        status = set_wal(store);
    if (status == 0 && empty)
        status = execute(store, schema);
    return status;
}

int vote_store_open(const char *path, enum vote_store_mode mode, struct vote_store **ret,
                    char *error, size_t error_size)
{
    int flags = mode == VOTE_STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                         : SQLITE_OPEN_READONLY;
    struct vote_store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    int status = errno_of(sqlite3_open_v2(path, &store->db, flags, NULL));
    if (status == 0)
        status = errno_of(sqlite3_busy_timeout(store->db, BUSY_MS));
    if (status == 0)
        status = adopt(store, mode);
    if (status < 0) {
        if (status == -EBADMSG)
            snprintf(error, error_size, "not a file of votes (version %d)", SCHEMA_VERSION);
        else
            snprintf(error, error_size, "%s",
                     store->db ? sqlite3_errmsg(store->db) : strerror(-status));
        vote_store_close(store);
        return status;
    }
    *ret = store;
    return 0;
}

void vote_store_close(struct vote_store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    free(store);
}

/* The number of a name in `person` or `image`, new when it is not there. */
static int number_of(struct vote_store *store, const char *insert, const char *select,
                     const char *name, int64_t *ret)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement, insert, "t", name);
    if (status == 0)
        status = run(statement);
    if (status == 0)
        status = prepare(store, &statement, select, "t", name);
    return status ? status : take_integer(statement, ret);
}

static int numbers_of(struct vote_store *store, const struct vote_by *by, int64_t *ret_person,
                      int64_t *ret_image)
{
    int status = number_of(store, "INSERT OR IGNORE INTO person (name) VALUES (?)",
                           "SELECT id FROM person WHERE name = ?", by->user, ret_person);
    if (status == 0 && ret_image)
        status = number_of(store, "INSERT OR IGNORE INTO image (name) VALUES (?)",
                           "SELECT id FROM image WHERE name = ?", by->image, ret_image);
    return status;
}

struct act {
    const char *name;
    const char *value;
    int64_t person, image;
    int64_t undoes; /* 0: nothing */
};

static int add_row(struct vote_store *store, const struct vote_by *by, const struct act *act)
{
    sqlite3_stmt *statement;
    int status =
        prepare(store, &statement,
                "INSERT INTO vote (once, t_utc_us, spent_ms, person, image, act, value, undoes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0))",
                "tiiiitti", by->once, by->t_utc_us, by->spent_ms, act->person, act->image,
                act->name, act->value, act->undoes);
    return status ? status : run(statement);
}

/* 1: an act with this `once` is there; 0: not. */
static int done_before(struct vote_store *store, const char *once, int64_t *ret_id)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement, "SELECT id FROM vote WHERE once = ?", "t", once);
    if (status == 0)
        status = take_integer(statement, ret_id);
    if (status == -ENOENT)
        return 0;
    return status ? status : 1;
}

/* 1: a vote stands; 0: none. */
static int has_vote(struct vote_store *store, int64_t person, int64_t image)
{
    sqlite3_stmt *statement;
    int64_t id;
    int status = prepare(store, &statement,
                         "SELECT id FROM standing WHERE person = ? AND image = ? AND act = 'vote'",
                         "ii", person, image);
    if (status == 0)
        status = take_integer(statement, &id);
    if (status == -ENOENT)
        return 0;
    return status ? status : 1;
}

/* Commits when `status` is 0, else takes all back; the status, or why there was no commit. */
static int end_act(struct vote_store *store, int status)
{
    if (status == 0)
        status = execute(store, "COMMIT");
    if (status < 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* The acts on one picture, each in one transaction. */
static int do_act(struct vote_store *store, const struct vote_by *by, const char *name,
                  const char *value)
{
    struct act act = {.name = name, .value = value};
    int64_t before;
    int status = execute(store, "BEGIN IMMEDIATE");
    if (status < 0)
        return status;
    status = done_before(store, by->once, &before);
    if (status != 0)
        return end_act(store, status < 0 ? status : 0);
    status = numbers_of(store, by, &act.person, &act.image);
    if (status == 0 && !value) {
        bool deletes = strcmp(name, "delete") == 0;
        int voted = has_vote(store, act.person, act.image);
        if (voted < 0)
            status = voted;
        else if (deletes && !voted)
            status = -ENOENT;
        else if (!deletes && voted)
            status = -EEXIST;
    }
    if (status == 0)
        status = add_row(store, by, &act);
    return end_act(store, status);
}

int vote_store_vote(struct vote_store *store, const struct vote_by *by, const char *value)
{
    return do_act(store, by, "vote", value);
}

int vote_store_delete(struct vote_store *store, const struct vote_by *by)
{
    return do_act(store, by, "delete", NULL);
}

int vote_store_skip(struct vote_store *store, const struct vote_by *by)
{
    return do_act(store, by, "skip", NULL);
}

/* The picture that an act was about. */
static int image_of_act(struct vote_store *store, int64_t id, char **ret_image)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement,
                         "SELECT image.name FROM vote JOIN image ON image.id = vote.image"
                         " WHERE vote.id = ?",
                         "i", id);
    if (status < 0)
        return status;
    int code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? -ENOENT : errno_of(code);
    if (code == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        char *image = name ? strdup(name) : NULL;
        if (image)
            *ret_image = image;
        else
            status = -ENOMEM;
    }
    sqlite3_finalize(statement);
    return status;
}

/* Adds the row that takes back the user's last act. */
static int add_undo(struct vote_store *store, const struct vote_by *by, int64_t *ret_id)
{
    struct act act = {.name = "undo"};
    sqlite3_stmt *statement;
    int status = numbers_of(store, by, &act.person, NULL);
    if (status == 0)
        status = prepare(store, &statement, "SELECT id FROM done WHERE person = ? ORDER BY id DESC",
                         "i", act.person);
    if (status == 0)
        status = take_integer(statement, &act.undoes);
    if (status == 0)
        status = prepare(store, &statement, "SELECT image FROM vote WHERE id = ?", "i", act.undoes);
    if (status == 0)
        status = take_integer(statement, &act.image);
    if (status == 0)
        status = add_row(store, by, &act);
    if (status == 0)
        *ret_id = act.undoes;
    return status;
}

int vote_store_undo(struct vote_store *store, const struct vote_by *by, char **ret_image)
{
    int64_t id = 0;
    char *image = NULL;
    int status = execute(store, "BEGIN IMMEDIATE");
    if (status < 0)
        return status;
    status = done_before(store, by->once, &id);
    if (status == 0)
        status = add_undo(store, by, &id);
    if (status >= 0)
        status = image_of_act(store, id, &image);
    status = end_act(store, status);
    if (status == 0)
        *ret_image = image;
    else
        free(image);
    return status;
}

int vote_store_each(struct vote_store *store, const char *user, const char *image, vote_store_fn fn,
                    void *context)
{
    sqlite3_stmt *statement;
    int status = prepare(store, &statement,
                         "SELECT s.id, s.person, s.image, person.name, image.name, s.t_utc_us,"
                         " s.spent_ms, s.value FROM standing AS s"
                         " JOIN person ON person.id = s.person JOIN image ON image.id = s.image"
                         " WHERE (?1 IS NULL OR person.name = ?1)"
                         " AND (?2 IS NULL OR image.name = ?2) ORDER BY s.id",
                         "tt", user, image);
    if (status < 0)
        return status;
    int code;
    while (status == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            status = errno_of(code);
            break;
        }
        const struct vote_standing standing = {
            .id = sqlite3_column_int64(statement, 0),
            .user_id = sqlite3_column_int64(statement, 1),
            .image_id = sqlite3_column_int64(statement, 2),
            .user = (const char *)sqlite3_column_text(statement, 3),
            .image = (const char *)sqlite3_column_text(statement, 4),
            .t_utc_us = sqlite3_column_int64(statement, 5),
            .spent_ms = sqlite3_column_int64(statement, 6),
            .value = (const char *)sqlite3_column_text(statement, 7),
        };
        status = fn(context, &standing);
    }
    sqlite3_finalize(statement);
    return status;
}
