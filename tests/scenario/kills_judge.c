/*
 * Two witnesses that share nothing: the microscope's log, and the journal's tables read with plain
 * SQL from a copy made while no agent runs. Everything seen once must be there, unchanged, at every
 * later look.
 */
#include "kills.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARAMETERS = 14, NAME_MAX_ = 16, RECORDS_MAX = 20000, NIGHT_ACTIONS = 40 }; /* kills.yaml */

/* The log's names, and the journal's columns. */
static const struct {
    const char *name, *column;
} parameters[PARAMETERS] = {
    {"voltage", "voltage_v"},
    {"duration", "duration_s"},
    {"count", "count"},
    {"depth", "depth_m"},
    {"speed", "speed_m_per_s"},
    {"dwell", "dwell_s"},
    {"bias", "bias_v"},
    {"current", "current_a"},
    {"coarse_steps", "coarse_steps"},
    {"lateral_steps", "lateral_steps"},
    {"x", "x_frac"},
    {"y", "y_frac"},
    {"dx", "dx_m"},
    {"dy", "dy_m"},
};

struct record {
    uint64_t id, night, boot;
    char kind[NAME_MAX_];
    double values[PARAMETERS];
    char outcome[NAME_MAX_]; /* "" none */
};

struct kills_judge {
    const struct kills_paths *paths;
    struct kills_report *report;
    struct record *begun, *charged; /* from the log; from the journal */
    size_t n_begun, n_charged;
    long log_offset;
    uint64_t boots, last_boot_epochs;
    bool new_boot;
};

void kills_fault(struct kills_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (report->faults < KILLS_FAULTS_MAX)
        vsnprintf(report->fault[report->faults], KILLS_FAULT_TEXT_MAX, format, args);
    report->faults++;
    va_end(args);
}

struct kills_judge *kills_judge_create(const struct kills_paths *paths, struct kills_report *report)
{
    struct kills_judge *judge = calloc(1, sizeof(*judge));
    if (judge) {
        judge->paths = paths;
        judge->report = report;
        judge->begun = calloc(RECORDS_MAX, sizeof(*judge->begun));
        judge->charged = calloc(RECORDS_MAX, sizeof(*judge->charged));
    }
    if (!judge || !judge->begun || !judge->charged)
        abort();
    return judge;
}

void kills_judge_destroy(struct kills_judge *judge)
{
    free(judge->begun);
    free(judge->charged);
    free(judge);
}

static const struct record *find(const struct record *list, size_t n, uint64_t id)
{
    for (size_t i = n; i-- > 0;)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

/* ---- the log ---- */

static bool read_parameter(const char *word, struct record *record)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        size_t length = strlen(parameters[i].name);
        if (strncmp(word, parameters[i].name, length) != 0 || word[length] != '=')
            continue;
        record->values[i] = strtod(word + length + 1, NULL);
        return true;
    }
    return false;
}

static bool read_begin(char *line, struct record *record)
{
    char *rest, *word = strtok_r(line, " \n", &rest);
    *record = (struct record){0};
    if (!word || strcmp(word, "begin") != 0 || !(word = strtok_r(NULL, " \n", &rest)))
        return false;
    record->id = strtoull(word, NULL, 10);
    if (!(word = strtok_r(NULL, " \n", &rest)))
        return false;
    snprintf(record->kind, sizeof(record->kind), "%s", word);
    while ((word = strtok_r(NULL, " \n", &rest)))
        if (!read_parameter(word, record))
            return false;
    return true;
}

static void take_begin(struct kills_judge *judge, const struct record *record)
{
    uint64_t last = judge->n_begun > 0 ? judge->begun[judge->n_begun - 1].id : 0;
    if (find(judge->begun, judge->n_begun, record->id))
        kills_fault(judge->report, "action %" PRIu64 " was executed twice", record->id);
    else if (record->id <= last)
        kills_fault(judge->report, "action %" PRIu64 " was executed after %" PRIu64, record->id,
                    last);
    if (judge->n_begun < RECORDS_MAX)
        judge->begun[judge->n_begun++] = *record;
}

static void read_log(struct kills_judge *judge)
{
    char path[KILLS_PATH_MAX + 16], line[512];
    struct record record;
    snprintf(path, sizeof(path), "%s/begun.log", judge->paths->directory);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    fseek(file, judge->log_offset, SEEK_SET);
    while (fgets(line, sizeof(line), file) && line[strlen(line) - 1] == '\n') {
        judge->log_offset = ftell(file);
        if (read_begin(line, &record))
            take_begin(judge, &record);
        else
            kills_fault(judge->report, "a line of the log cannot be read");
    }
    fclose(file);
}

/* ---- the journal ---- */

static int copy_file(const char *from, const char *to)
{
    static _Thread_local char bytes[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return unlink(to) == 0 || errno == ENOENT ? 0 : -errno;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = -1;
    while (out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
        if (write(out, bytes, (size_t)n) != n)
            break;
    close(in);
    return out < 0 || close(out) < 0 || n != 0 ? -EIO : 0;
}

/* Opening the journal itself would recover it, which is for the next agent to do. */
static sqlite3 *open_copy(struct kills_judge *judge)
{
    static const char *const parts[] = {"", "-wal"};
    char from[KILLS_PATH_MAX + 48], to[KILLS_PATH_MAX + 48];
    sqlite3 *db = NULL;
    for (size_t i = 0; i < 2; i++) {
        snprintf(from, sizeof(from), "%s/state/journal.sqlite%s", judge->paths->directory,
                 parts[i]);
        snprintf(to, sizeof(to), "%s/look.sqlite%s", judge->paths->directory, parts[i]);
        if (copy_file(from, to) < 0) {
            kills_fault(judge->report, "the journal cannot be copied");
            return NULL;
        }
    }
    snprintf(from, sizeof(from), "%s/look.sqlite-shm", judge->paths->directory);
    unlink(from);
    snprintf(to, sizeof(to), "%s/look.sqlite", judge->paths->directory);
    if (access(to, F_OK) != 0)
        return NULL;
    if (sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        kills_fault(judge->report, "the journal cannot be opened: %s", sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

static uint64_t read_number(sqlite3 *db, const char *sql, uint64_t parameter)
{
    sqlite3_stmt *statement;
    uint64_t number = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return 0;
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)parameter);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static const char *column_text(sqlite3_stmt *statement, int i)
{
    const unsigned char *text = sqlite3_column_text(statement, i);
    return text ? (const char *)text : "";
}

static bool same_but_outcome(const struct record *a, const struct record *b)
{
    return a->id == b->id && a->night == b->night && a->boot == b->boot &&
           strcmp(a->kind, b->kind) == 0 && memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

/* `i` counts the journal's rows in the order of their ids, as `charged` holds them. */
static void take_row(struct kills_judge *judge, size_t i, const struct record *row)
{
    struct record *known = &judge->charged[i];
    if (i >= judge->n_charged) {
        if (i > 0 && row->id <= judge->charged[i - 1].id)
            kills_fault(judge->report, "intent %" PRIu64 " is not above the one before", row->id);
        judge->charged[judge->n_charged++] = *row;
    } else if (!same_but_outcome(known, row)) {
        kills_fault(judge->report, "intent %" PRIu64 " is now another or gone", known->id);
    } else if (known->outcome[0] && strcmp(known->outcome, row->outcome) != 0) {
        kills_fault(judge->report, "intent %" PRIu64 " was %s and is now %s", row->id,
                    known->outcome, row->outcome);
    } else {
        *known = *row;
    }
}

static size_t read_rows(struct kills_judge *judge, sqlite3 *db)
{
    char sql[1024];
    size_t n = 0, length = (size_t)snprintf(sql, sizeof(sql),
                                            "SELECT action.id, action.night, action.boot, kind, "
                                            "coalesce(outcome.state, '')");
    for (size_t i = 0; i < PARAMETERS; i++)
        length +=
            (size_t)snprintf(sql + length, sizeof(sql) - length, ", %s", parameters[i].column);
    snprintf(sql + length, sizeof(sql) - length,
             " FROM action LEFT JOIN outcome ON outcome.action = action.id ORDER BY action.id");
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return 0;
    while (sqlite3_step(statement) == SQLITE_ROW && n < RECORDS_MAX) {
        struct record row = {.id = (uint64_t)sqlite3_column_int64(statement, 0),
                             .night = (uint64_t)sqlite3_column_int64(statement, 1),
                             .boot = (uint64_t)sqlite3_column_int64(statement, 2)};
        snprintf(row.kind, sizeof(row.kind), "%s", column_text(statement, 3));
        snprintf(row.outcome, sizeof(row.outcome), "%s", column_text(statement, 4));
        for (int i = 0; i < PARAMETERS; i++)
            row.values[i] = sqlite3_column_double(statement, 5 + i);
        take_row(judge, n++, &row);
    }
    sqlite3_finalize(statement);
    return n;
}

static void read_journal(struct kills_judge *judge)
{
    sqlite3 *db = open_copy(judge);
    judge->new_boot = false;
    if (!db)
        return;
    size_t n = read_rows(judge, db);
    if (n < judge->n_charged)
        kills_fault(judge->report, "%zu intents were on record, now there are %zu",
                    judge->n_charged, n);
    uint64_t boots = read_number(db, "SELECT max(id) FROM boot", 0);
    judge->new_boot = boots > judge->boots;
    judge->boots = boots;
    judge->last_boot_epochs = read_number(db, "SELECT count(*) FROM epoch WHERE boot = ?", boots);
    judge->report->nights = (uint32_t)read_number(db, "SELECT count(*) FROM night", 0);
    sqlite3_close(db);
}

/* ---- one against the other ---- */

static bool is_tip_action(const struct record *record)
{
    return strcmp(record->kind, "crash") == 0 || strcmp(record->kind, "pulse") == 0;
}

/* In a night each crash has another depth and each pulse another voltage: a count that had shrunk
 * would bring a value back. */
static void check_charge(struct kills_judge *judge, size_t i)
{
    const struct record *row = &judge->charged[i];
    uint32_t before = 0;
    for (size_t k = 0; is_tip_action(row) && k < i; k++) {
        const struct record *other = &judge->charged[k];
        if (other->night != row->night || !is_tip_action(other))
            continue;
        before++;
        if (strcmp(other->kind, row->kind) == 0 && other->values[0] == row->values[0] &&
            other->values[3] == row->values[3])
            kills_fault(judge->report, "intents %" PRIu64 " and %" PRIu64 " are the same step",
                        other->id, row->id);
    }
    if (before >= NIGHT_ACTIONS)
        kills_fault(judge->report, "intent %" PRIu64 " is beyond the budget of night %" PRIu64,
                    row->id, row->night);
}

static void check_begun(struct kills_judge *judge, const struct record *begun)
{
    const struct record *row = find(judge->charged, judge->n_charged, begun->id);
    if (!row)
        kills_fault(judge->report, "action %" PRIu64 " was begun without intent", begun->id);
    else if (strcmp(row->kind, begun->kind) != 0 ||
             memcmp(row->values, begun->values, sizeof(row->values)) != 0)
        kills_fault(judge->report, "action %" PRIu64 " is not what was intended", begun->id);
    else if (strcmp(row->outcome, "rejected") == 0 || strcmp(row->outcome, "expired") == 0)
        kills_fault(judge->report, "action %" PRIu64 " was begun and is on record as %s", begun->id,
                    row->outcome);
}

void kills_judge_look(struct kills_judge *judge)
{
    size_t charged = judge->n_charged;
    read_log(judge);
    read_journal(judge);
    for (size_t i = charged; i < judge->n_charged; i++)
        check_charge(judge, i);
    /* The last few only: older ones have been compared and cannot change unnoticed. */
    for (size_t i = judge->n_begun > 100 ? judge->n_begun - 100 : 0; i < judge->n_begun; i++)
        check_begun(judge, &judge->begun[i]);
}

enum kills_step kills_judge_step(const struct kills_judge *judge)
{
    if (!judge->new_boot)
        return KILLED_BEFORE_BOOT;
    const struct record *last = judge->n_charged ? &judge->charged[judge->n_charged - 1] : NULL;
    if (!last || last->boot != judge->boots)
        return judge->last_boot_epochs > 1 ? KILLED_ARMED : KILLED_BEFORE_ARM;
    if (last->outcome[0])
        return KILLED_BETWEEN;
    return find(judge->begun, judge->n_begun, last->id) ? KILLED_BEGUN : KILLED_INTENT;
}

uint32_t kills_judge_charged(const struct kills_judge *judge, uint64_t night)
{
    uint32_t n = 0;
    for (size_t i = 0; i < judge->n_charged; i++)
        n += judge->charged[i].night == night && is_tip_action(&judge->charged[i]);
    return n;
}

void kills_judge_close(struct kills_judge *judge)
{
    struct kills_report *report = judge->report;
    kills_judge_look(judge);
    for (size_t i = 0; i < judge->n_begun; i++)
        check_begun(judge, &judge->begun[i]);
    for (size_t i = 0; i < judge->n_charged; i++) {
        const struct record *row = &judge->charged[i];
        bool begun = find(judge->begun, judge->n_begun, row->id) != NULL;
        report->unknown += strcmp(row->outcome, "unknown") == 0;
        report->never_begun += !begun;
        if (strcmp(row->outcome, "done") == 0 && !begun)
            kills_fault(report, "action %" PRIu64 " is done on record and was never begun",
                        row->id);
    }
    report->begun = (uint32_t)judge->n_begun;
    report->intents = (uint32_t)judge->n_charged;
}
