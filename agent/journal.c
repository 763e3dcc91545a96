/* Opening: one agent per directory, everything checked, then boot, epoch and night. */
#include "agent/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the directory and those above it that are missing. */
static int make_directory(const char *directory)
{
    char path[PATH_MAX];
    size_t length = strlen(directory);
    if (length == 0 || length >= sizeof(path))
        return length ? -ENAMETOOLONG : -EINVAL;
    memcpy(path, directory, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        char kept = path[i];
        path[i] = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return -errno;
        path[i] = kept;
    }
    return 0;
}

/* The lock goes with the descriptor, so that no crash leaves it behind. */
static int lock_directory(const char *directory, int *ret_fd)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

/* One row of integers; missing rows and NULLs leave `values` as they are. */
static int read_row(sqlite3 *db, const char *sql, int64_t key, int64_t *values, int n)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(row, 1, key);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        for (int i = 0; i < n; i++)
            if (sqlite3_column_type(row, i) != SQLITE_NULL)
                values[i] = sqlite3_column_int64(row, i);
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : journal_errno(code);
}

/* Where the last boot left things; all zero in a new journal. */
static int read_state(struct journal *journal, bool *ret_ended)
{
    int64_t last[5] = {0}, night[2] = {0}, place[3] = {1, 1, 0}, clock[1] = {0}, ended[1] = {0};
    int result =
        read_row(journal->db,
                 "SELECT (SELECT max(id) FROM boot), (SELECT max(id) FROM epoch), "
                 "(SELECT max(id) FROM action), (SELECT max(actions_above) FROM epoch), ?1",
                 0, last, 5);
    if (result == 0)
        result = read_row(journal->db,
                          "SELECT id, first_action FROM night WHERE id > ?1 ORDER BY id DESC "
                          "LIMIT 1",
                          0, night, 2);
    if (result == 0)
        result =
            read_row(journal->db, "SELECT site, episode, t_night_ns FROM place WHERE night = ?1",
                     night[0], place, 3);
    if (result == 0)
        result = read_row(journal->db, "SELECT max(t_night_ns) FROM action WHERE night = ?1",
                          night[0], clock, 1);
    if (result == 0)
        result =
            read_row(journal->db, "SELECT id FROM night_end WHERE id = ?1", night[0], ended, 1);
    if (result != 0)
        return result;
    journal->boot = (uint64_t)last[0];
    journal->epoch = (uint64_t)last[1];
    journal->next_action = (uint64_t)(last[2] > last[3] ? last[2] : last[3]) + 1;
    journal->night = (uint64_t)night[0];
    journal->first_action = (uint64_t)night[1];
    journal->site = (uint32_t)place[0];
    journal->episode = (uint32_t)place[1];
    journal->t_night_ns = place[2] > clock[0] ? place[2] : clock[0];
    *ret_ended = ended[0] != 0;
    return 0;
}

static int write_night_end(struct journal *journal, const char *how, const char *why,
                           int64_t t_utc_us)
{
    struct row row = journal_row(journal, STATEMENT_NIGHT_END);
    row_int(&row, (int64_t)journal->night);
    row_text(&row, how);
    row_text(&row, why);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, journal->t_night_ns);
    row_int(&row, t_utc_us);
    return row_end_chained(&row, CHAIN_NIGHT_END, (int64_t)journal->night);
}

static int begin_night(struct journal *journal, int64_t t_utc_us)
{
    journal->night++;
    journal->first_action = journal->next_action;
    journal->site = 1;
    journal->episode = 1;
    journal->t_night_ns = 0;
    journal->place_moved = true;
    struct row row = journal_row(journal, STATEMENT_NIGHT);
    row_int(&row, (int64_t)journal->night);
    row_int(&row, (int64_t)journal->first_action);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, t_utc_us);
    return row_end_chained(&row, CHAIN_NIGHT, (int64_t)journal->night);
}

static int write_boot(struct journal *journal, const struct journal_options *options,
                      int64_t t_utc_us)
{
    struct row row = journal_row(journal, STATEMENT_BOOT);
    row_int(&row, (int64_t)journal->boot);
    row_int(&row, (int64_t)journal->night);
    row_int(&row, t_utc_us);
    row_text(&row, options->policy_name);
    row_text(&row, options->policy_hash);
    row_text(&row, options->model_hash);
    return row_end_chained(&row, CHAIN_BOOT, (int64_t)journal->boot);
}

/* Boot, night and epoch in one transaction: after a crash all of them are there or none. */
static int start_boot(struct journal *journal, const struct journal_options *options,
                      int64_t t_utc_us, bool *ret_ended)
{
    bool ended = false;
    int result = read_state(journal, &ended);
    if (result != 0)
        return result;
    journal->boot++;
    if (journal->night > 0 && options->new_night && !ended)
        result = write_night_end(journal, "abandoned", "another night was begun", t_utc_us);
    if (result == 0 && (journal->night == 0 || options->new_night)) {
        ended = false;
        result = begin_night(journal, t_utc_us);
    }
    if (result == 0)
        result = write_boot(journal, options, t_utc_us);
    uint64_t epoch;
    if (result == 0)
        result = journal_raise_epoch(journal, &epoch);
    if (result == 0)
        *ret_ended = ended;
    return result;
}

static int open_checked(struct journal *journal, const struct journal_options *options,
                        int64_t t_utc_us, bool *ret_ended, char *error, size_t error_size)
{
    char path[PATH_MAX];
    int result = journal_path(options->directory, path, sizeof(path));
    if (result == 0)
        result = journal_connect(path, &journal->db, error, error_size);
    if (result != 0)
        return result;
    result = journal_check(journal->db, journal->heads, error, error_size);
    if (result != 0)
        return result;
    result = start_boot(journal, options, t_utc_us, ret_ended);
    if (result != 0)
        snprintf(error, error_size, "%s: %s", path, sqlite3_errmsg(journal->db));
    else /* as much as readers allow: less then depends on the log beside the database */
        (void)sqlite3_wal_checkpoint_v2(journal->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return result;
}

int journal_open(const struct journal_options *options, int64_t t_utc_us,
                 struct journal **ret_journal, struct journal_boot *ret_boot, char *error,
                 size_t error_size)
{
    bool ended = false;
    struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        abort(); /* out of memory before anything has begun */
    journal->lock_fd = -1;
    int result = make_directory(options->directory);
    if (result == 0)
        result = lock_directory(options->directory, &journal->lock_fd);
    if (result != 0)
        snprintf(error, error_size, "%s: %s", options->directory,
                 result == -EBUSY ? "another agent holds this directory" : strerror(-result));
    else
        result = open_checked(journal, options, t_utc_us, &ended, error, error_size);
    if (result != 0) {
        journal_close(journal);
        return result;
    }
    *ret_boot = (struct journal_boot){
        .boot = journal->boot,
        .epoch = journal->epoch,
        .night = journal->night,
        .t_night_ns = journal->t_night_ns,
        .site = journal->site,
        .episode = journal->episode,
        .parked = ended ? JOURNAL_PARKED : JOURNAL_NOT_PARKED,
    };
    *ret_journal = journal;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->db && !journal->failed)
        (void)journal_commit(journal); /* only the record waits; intents are on disk long since */
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->db);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    free(journal);
}

int journal_end_night(struct journal *journal, const char *how, const char *why, int64_t t_night_ns,
                      int64_t t_utc_us)
{
    int64_t ended[1] = {0};
    if (journal->failed)
        return journal->failed;
    int result = read_row(journal->db, "SELECT id FROM night_end WHERE id = ?1",
                          (int64_t)journal->night, ended, 1);
    if (result != 0 || ended[0] != 0)
        return result ? result : -EALREADY;
    journal_advance(journal, t_night_ns);
    result = write_night_end(journal, how, why, t_utc_us);
    return result == 0 ? journal_commit(journal) : result;
}
