/*
 * The journal under kill -9 at every step, failing and full disks, a cut log, flipped bits: what it
 * has said yes to is there, numbers are never used twice, and damage is noticed.
 */
#include "agent/journal.h"
#include "agent/journal_read.h"
#include "fault_vfs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS_MAX = 4096 };

static char directory[64];
static char error[256];

/* What a run of the agent was told had become durable. */
struct report {
    enum { REPORT_BOOT, REPORT_INTENT, REPORT_OUTCOME, REPORT_EPOCH } what;
    uint64_t number;
};

/* The most that any run has been promised. */
static uint64_t last_boot, last_epoch, last_id;
static bool closed[1 << 20]; /* by id: an outcome was reported */
static uint32_t reported_actions;

static void setup(void)
{
    /* In memory where there is such a place: a killed process leaves the same there as on disk. */
    strcpy(directory, "/dev/shm/tipwright-faults-XXXXXX");
    if (!mkdtemp(directory)) {
        strcpy(directory, "/tmp/tipwright-faults-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
    last_boot = last_epoch = last_id = 0;
    reported_actions = 0;
    memset(closed, 0, sizeof(closed));
}

static void teardown(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static int open_in(const char *where, struct journal **ret_journal, struct journal_boot *ret_boot)
{
    const struct journal_options options = {
        .directory = where, .policy_hash = "abc", .policy_name = "test", .model_hash = "def"};
    return journal_open(&options, 1, ret_journal, ret_boot, error, sizeof(error));
}

static struct journal_intent make_intent(const struct journal_boot *boot)
{
    return (struct journal_intent){.session = "0123456789abcdef",
                                   .epoch = boot->epoch,
                                   .site = 1,
                                   .episode = 1,
                                   .action = action_default(ACTION_PULSE),
                                   .who = "policy",
                                   .rule_name = "bad",
                                   .policy_hash = "abc",
                                   .why = "because",
                                   .t_night_ns = boot->t_night_ns + 1};
}

static void tell(int pipe_fd, int what, uint64_t number)
{
    struct report report = {.number = number};
    report.what = (unsigned)what;
    if (write(pipe_fd, &report, sizeof(report)) != sizeof(report))
        _exit(9);
}

/*
 * One short life of an agent: everything it is told goes into the pipe at once. The first error
 * ends it; afterwards nothing else may be written. 0 or that error.
 */
static int live(int pipe_fd, int rounds)
{
    struct journal *journal;
    struct journal_boot boot;
    uint64_t id, epoch;
    int result = open_in(directory, &journal, &boot);
    if (result != 0)
        return result;
    tell(pipe_fd, REPORT_BOOT, boot.boot);
    tell(pipe_fd, REPORT_EPOCH, boot.epoch);
    for (int i = 0; result == 0 && i < rounds; i++) {
        struct journal_intent intent = make_intent(&boot);
        result = journal_event(journal, "note", "", "a line", boot.t_night_ns, 1);
        if (result == 0 && (result = journal_intent(journal, &intent, &id)) == 0)
            tell(pipe_fd, REPORT_INTENT, id);
        if (result == 0 &&
            (result = journal_outcome(journal, id, COMMAND_DONE, false, "", 2, 2)) == 0)
            tell(pipe_fd, REPORT_OUTCOME, id);
        if (result == 0 && (result = journal_raise_epoch(journal, &epoch)) == 0) {
            tell(pipe_fd, REPORT_EPOCH, epoch);
            boot.epoch = epoch;
        }
        if (result == 0)
            result = journal_place(journal, 1, 1, boot.t_night_ns + 5);
        if (result == 0)
            result = journal_flush(journal);
    }
    struct journal_intent intent = make_intent(&boot);
    if (result != 0 && journal_intent(journal, &intent, &id) != result)
        _exit(8); /* it went on writing after an error */
    journal_close(journal);
    return result;
}

static void note_report(const struct report *report)
{
    switch (report->what) {
    case REPORT_BOOT:
        ck_assert_uint_gt(report->number, last_boot);
        last_boot = report->number;
        break;
    case REPORT_EPOCH:
        ck_assert_uint_gt(report->number, last_epoch);
        last_epoch = report->number;
        break;
    case REPORT_INTENT:
        ck_assert_uint_gt(report->number, last_id);
        last_id = report->number;
        reported_actions++;
        break;
    case REPORT_OUTCOME:
        closed[report->number] = true;
        break;
    }
}

static void read_reports(int fd)
{
    static struct report reports[REPORTS_MAX];
    size_t used = 0;
    ssize_t got;
    while ((got = read(fd, (char *)reports + used, sizeof(reports) - used)) > 0)
        used += (size_t)got;
    ck_assert_uint_lt(used, sizeof(reports));
    for (size_t i = 0; i < used / sizeof(reports[0]); i++)
        note_report(&reports[i]);
}

/* Opens what is left behind and holds it against everything ever promised. */
static void check_promises(void)
{
    static struct journal_open_action open_actions[4096];
    static struct policy policy;
    struct journal *journal;
    struct journal_boot boot;
    struct budget_use use;
    size_t n;
    uint64_t id;
    ck_assert_msg(open_in(directory, &journal, &boot) == 0, "%s", error);
    ck_assert_uint_gt(boot.boot, last_boot);
    ck_assert_uint_gt(boot.epoch, last_epoch);
    ck_assert_int_eq(journal_open_actions(journal, open_actions, 4096, &n), 0);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(!closed[open_actions[i].id], "outcome of %u is lost",
                      (unsigned)open_actions[i].id);
        /* What an agent does at start: closed as unknown, never sent again. */
        ck_assert_int_eq(
            journal_outcome(journal, open_actions[i].id, COMMAND_UNKNOWN, false, "", 0, 0), 0);
    }
    ck_assert_int_eq(journal_use(journal, &policy, 1, 1, 0, &use), 0);
    /* More when an intent was on disk and the kill came before the word of it. */
    ck_assert_uint_ge(use.actions_night, reported_actions);
    reported_actions = use.actions_night;
    const struct journal_intent intent = make_intent(&boot);
    ck_assert_int_eq(journal_intent(journal, &intent, &id), 0);
    ck_assert_uint_gt(id, last_id);
    last_id = id;
    reported_actions++;
    last_boot = boot.boot;
    last_epoch = boot.epoch;
    journal_close(journal);
}

/* A life in a process of its own. `fault` at `at_call`, or a kill after some microseconds. */
static int live_apart(enum fault fault, int at_call, long kill_after_us)
{
    int fds[2], status;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        if (fault != FAULT_NONE)
            fault_vfs_start(fault, at_call);
        _exit(live(fds[1], kill_after_us ? 50 : 2) == 0 ? 0 : 1);
    }
    close(fds[1]);
    if (kill_after_us) {
        const struct timespec pause = {.tv_nsec = kill_after_us * 1000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
    }
    read_reports(fds[0]);
    close(fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void kill_at_every_step(enum fault fault)
{
    int steps = 0, status;
    do {
        status = live_apart(fault, ++steps, 0);
        if (WIFEXITED(status))
            ck_assert_int_eq(WEXITSTATUS(status), 0);
        check_promises();
    } while (WIFSIGNALED(status) || (fault == FAULT_TEAR && steps < 80));
    ck_assert_int_gt(steps, 40);
}

START_TEST(test_killed_at_every_step)
{
    kill_at_every_step(FAULT_KILL);
}
END_TEST

START_TEST(test_killed_in_every_write)
{
    kill_at_every_step(FAULT_TEAR);
}
END_TEST

START_TEST(test_killed_at_any_moment)
{
    srand(3);
    int killed = 0;
    for (int i = 0; i < 200; i++) {
        int status = live_apart(FAULT_NONE, 0, 1 + rand() % 15000);
        killed += WIFSIGNALED(status);
        check_promises();
    }
    ck_assert_int_gt(killed, 120);
    ck_assert_uint_ge(last_id, 200); /* some of them got somewhere */
}
END_TEST

static void fail_at_every_step(enum fault fault)
{
    int steps = 0, failures = 0, counted, result;
    do {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        fault_vfs_start(fault, ++steps);
        result = live(fds[1], 2);
        counted = fault_vfs_stop();
        ck_assert_int_le(result, 0);
        failures += result < 0;
        close(fds[1]);
        read_reports(fds[0]);
        close(fds[0]);
        check_promises();
    } while (counted >= steps);
    ck_assert_int_gt(failures, 20);
}

START_TEST(test_every_io_error_once)
{
    fail_at_every_step(FAULT_FAIL_ONCE);
}
END_TEST

START_TEST(test_disk_that_stays_full)
{
    fail_at_every_step(FAULT_FAIL_ON);
}
END_TEST

START_TEST(test_file_size_limit)
{
    int fds[2], status;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {400 * 1024, 400 * 1024};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        int result = live(fds[1], 1000);
        _exit(result == -EIO || result == -ENOSPC ? 0 : 1);
    }
    close(fds[1]);
    read_reports(fds[0]);
    close(fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(reported_actions, 5);
    check_promises();
}
END_TEST

/* --- a log cut short --- */

struct bytes {
    unsigned char *data;
    size_t size;
};

static struct bytes read_file(const char *name)
{
    char path[96];
    struct bytes bytes;
    struct stat info;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &info), 0);
    bytes.size = (size_t)info.st_size;
    bytes.data = malloc(bytes.size + 1);
    ck_assert_uint_eq(fread(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
    return bytes;
}

static void write_file(const char *name, const unsigned char *data, size_t size)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* Commits in the first `size` bytes of a log, by SQLite's published file format. */
static int count_commits(const struct bytes *log, size_t size)
{
    enum { HEADER = 32, FRAME = 24 + 4096 };
    int commits = 0;
    for (size_t at = HEADER; at + FRAME <= size; at += FRAME) {
        const unsigned char *frame = log->data + at;
        if (memcmp(frame + 8, log->data + 16, 8) != 0)
            break; /* salt of an earlier round: leftover */
        static const unsigned char zero[4];
        commits += memcmp(frame + 4, zero, 4) != 0;
    }
    return commits;
}

START_TEST(test_cut_log_gives_the_last_commit)
{
    enum { STEPS = 40 };
    static struct policy policy;
    struct journal *journal;
    struct journal_boot boot;
    uint64_t id;
    srand(5);
    ck_assert_msg(open_in(directory, &journal, &boot) == 0, "%s", error);
    const struct journal_intent intent = make_intent(&boot);
    for (int i = 0; i < STEPS; i++)
        ck_assert_int_eq(journal_intent(journal, &intent, &id), 0);
    struct bytes database = read_file("journal.sqlite"), log = read_file("journal.sqlite-wal");
    ck_assert_int_eq(count_commits(&log, log.size), STEPS);
    journal_close(journal);
    for (int i = 0; i < 400; i++) {
        /* Frame ends, their neighbours, and anywhere. */
        size_t size =
            i < 300 ? 32 + (size_t)(i / 3) * 4120 + (size_t)(i % 3) - 1 : (size_t)rand() % log.size;
        if (size > log.size)
            continue;
        write_file("journal.sqlite", database.data, database.size);
        write_file("journal.sqlite-wal", log.data, size);
        char shm[96];
        snprintf(shm, sizeof(shm), "%s/journal.sqlite-shm", directory);
        (void)unlink(shm);
        struct budget_use use;
        ck_assert_msg(open_in(directory, &journal, &boot) == 0, "cut at %zu: %s", size, error);
        ck_assert_int_eq(journal_use(journal, &policy, 1, 1, 0, &use), 0);
        ck_assert_uint_eq(use.actions_night, (unsigned)count_commits(&log, size));
        journal_close(journal);
    }
    free(database.data);
    free(log.data);
}
END_TEST

/* --- flipped bits --- */

/* Everything that budgets, ids and the night depend on; data NULL: SQLite noticed. */
static struct bytes dump(void)
{
    static const char *const tables[] = {"action", "outcome", "night", "night_end",
                                         "epoch",  "boot",    "place"};
    char path[96];
    char *text = NULL;
    size_t size;
    bool sound = true;
    sqlite3 *db;
    FILE *out = open_memstream(&text, &size);
    snprintf(path, sizeof(path), "%s/journal.sqlite", directory);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        sound = false;
    for (size_t t = 0; sound && t < sizeof(tables) / sizeof(tables[0]); t++) {
        char sql[64];
        sqlite3_stmt *row = NULL;
        snprintf(sql, sizeof(sql), "SELECT * FROM %s", tables[t]);
        int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
        while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(row); i++) {
                const void *value = sqlite3_column_blob(row, i);
                int bytes = sqlite3_column_bytes(row, i);
                fprintf(out, "%d %d ", sqlite3_column_type(row, i), bytes);
                fwrite(value ? value : "", 1, (size_t)bytes, out);
            }
            code = SQLITE_OK;
        }
        sound = code == SQLITE_DONE;
        sqlite3_finalize(row);
    }
    sqlite3_close(db);
    fclose(out);
    if (sound)
        return (struct bytes){(unsigned char *)text, size};
    free(text);
    return (struct bytes){NULL, 0};
}

static bool is_noticed(void)
{
    struct journal_reader *reader;
    if (journal_reader_open(directory, &reader, error, sizeof(error)) != 0)
        return true;
    bool noticed = journal_reader_verify(reader, error, sizeof(error)) != 0;
    journal_reader_close(reader);
    return noticed;
}

static size_t page_of(const char *table)
{
    char path[96], sql[96];
    sqlite3 *db;
    sqlite3_stmt *row;
    snprintf(path, sizeof(path), "%s/journal.sqlite", directory);
    snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    size_t page = (size_t)sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return page;
}

/* 1: noticed. 0: nothing that matters has changed. */
static int flip_and_look(const struct bytes *sound, const struct bytes *wanted, size_t byte,
                         int bit)
{
    sound->data[byte] ^= (unsigned char)(1 << bit);
    write_file("journal.sqlite", sound->data, sound->size);
    sound->data[byte] ^= (unsigned char)(1 << bit);
    if (is_noticed())
        return 1;
    struct bytes now = dump();
    bool same =
        now.data && now.size == wanted->size && memcmp(now.data, wanted->data, now.size) == 0;
    free(now.data);
    ck_assert_msg(same, "bit %d of byte %zu changed a row and was not noticed", bit, byte);
    return 0;
}

START_TEST(test_flipped_bits)
{
    struct journal *journal;
    struct journal_boot boot;
    uint64_t id;
    srand(11);
    ck_assert_msg(open_in(directory, &journal, &boot) == 0, "%s", error);
    const struct journal_intent intent = make_intent(&boot);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(journal_intent(journal, &intent, &id), 0);
        ck_assert_int_eq(journal_outcome(journal, id, COMMAND_DONE, false, "", 2, 2), 0);
    }
    journal_close(journal);
    struct bytes sound = read_file("journal.sqlite");
    ck_assert_msg(!is_noticed(), "%s", error);
    struct bytes wanted = dump();
    ck_assert_ptr_nonnull(wanted.data);
    int in_rows = 0, noticed = 0;
    static const char *const tables[] = {"action", "outcome"};
    for (int t = 0; t < 2; t++) {
        /* The rows of a page lie at its end; bytes 5 and 6 of its head say from where. */
        const size_t page = (page_of(tables[t]) - 1) * 4096;
        size_t rows = (size_t)sound.data[page + 5] << 8 | sound.data[page + 6];
        for (; rows < 4096; rows += 1 + (size_t)rand() % 3, in_rows++)
            noticed += flip_and_look(&sound, &wanted, page + rows, rand() % 8);
    }
    ck_assert_int_gt(in_rows, 500);
    ck_assert_int_ge(noticed, in_rows * 99 / 100);
    for (int i = 0; i < 200; i++)
        flip_and_look(&sound, &wanted, (size_t)rand() % sound.size, rand() % 8);
    free(wanted.data);
    free(sound.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal faults");
    TCase *tcase = tcase_create("journal faults");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_killed_at_every_step);
    tcase_add_test(tcase, test_killed_in_every_write);
    tcase_add_test(tcase, test_killed_at_any_moment);
    tcase_add_test(tcase, test_every_io_error_once);
    tcase_add_test(tcase, test_disk_that_stays_full);
    tcase_add_test(tcase, test_file_size_limit);
    tcase_add_test(tcase, test_cut_log_gives_the_last_commit);
    tcase_add_test(tcase, test_flipped_bits);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
