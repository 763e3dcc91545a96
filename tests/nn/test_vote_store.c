/* Votes: their JSON form, the store that loses nothing, and the tables that leave it. */
#include "nn/vote_export.h"
#include "nn/vote_store.h"
#include "nn/vote_value.h"
#include "nn/votes_zooniverse.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_vote_store.sqlite";
static char error[300];

static struct vote_store *store;

static void open_store(void)
{
    error[0] = '\0';
    int code = vote_store_open(path, VOTE_STORE_WRITE, &store, error, sizeof error);
    ck_assert_msg(code == 0, "%d: %s", code, error);
}

static void start(void)
{
    unlink(path);
    unlink(TEST_BINARY_DIR "/test_vote_store.sqlite-wal");
    unlink(TEST_BINARY_DIR "/test_vote_store.sqlite-shm");
    open_store();
}

static void finish(void)
{
    vote_store_close(store);
    unlink(path);
}

/* ---- values ---- */

#define SCORES(a, b, c, d, e, f)                                                                   \
    "\"scores\":{\"asymmetries\":" #a ",\"individual_atoms\":" #b ",\"dimers\":" #c                \
    ",\"rows\":" #d ",\"tip_change\":" #e ",\"bad_blurry\":" #f "}"
#define PART(scores, subkinds) "{" scores ",\"subkinds\":[" subkinds "]}"
#define VALUE(marks, parts)                                                                        \
    "{\"width\":300,\"height\":200,\"graded\":false,\"marks\":[" marks "],\"segments\":[" parts    \
    "],\"contrast\":null}"

static const char plain[] = VALUE("", PART(SCORES(0, 0, 1, 1, 0, 0), ""));
static const char split[] =
    VALUE("50, 120", PART(SCORES(0, 0, 0, 0, 1, 1), "\"tip_crash\"") "," PART(
                         SCORES(0, 0, 1, 0, 1, 0), "") "," PART(SCORES(1, 0, 0, 0, 1, 0), ""));

static int read_value(const char *text, struct vote_value *ret)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    error[0] = '\0';
    int code = vote_value_from_json(json, ret, error, sizeof error);
    json_decref(json);
    return code;
}

START_TEST(a_value_survives_its_json)
{
    struct vote_value value;
    ck_assert_int_eq(read_value(split, &value), 0);
    ck_assert_uint_eq(value.n_marks, 2);
    ck_assert_uint_eq(value.marks[1], 120);
    ck_assert(value.segments[0].subkinds[VOTE_TIP_CRASH]);
    ck_assert(!value.segments[0].subkinds[VOTE_NOISE]);
    ck_assert(vote_value_score(&value, NN_LABEL_DIMERS) == 1.0);
    ck_assert(vote_value_score(&value, NN_LABEL_ROWS) == 0.0);
    uint32_t from, to;
    vote_value_rows(&value, 1, &from, &to);
    ck_assert(from == 50 && to == 120);
    vote_value_rows(&value, 2, &from, &to);
    ck_assert(from == 120 && to == 200);

    value.low = 0.125;
    value.high = 0.75;
    json_t *json = vote_value_to_json(&value);
    struct vote_value again;
    ck_assert_int_eq(vote_value_from_json(json, &again, error, sizeof error), 0);
    ck_assert_mem_eq(&again, &value, sizeof value);
    json_decref(json);
}
END_TEST

START_TEST(values_that_contradict_themselves_are_refused)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"[]", "six members"},
        {"{}", "six members"},
        {VALUE("", PART(SCORES(0, 0, 2, 0, 0, 0), "")), "dimers is not a number from 0 to 1"},
        {VALUE("", PART(SCORES(0, 0, -0.1, 0, 0, 0), "")), "dimers"},
        {VALUE("", PART(SCORES(0, 0, null, 0, 0, 0), "")), "dimers"},
        {VALUE("", PART(SCORES(0, 0, "1", 0, 0, 0), "")), "dimers"},
        {VALUE("", "{\"scores\":{},\"subkinds\":[]}"), "six labels"},
        {VALUE("", PART(SCORES(0, 0, 0, 0, 0, 0), "\"noise\"")), "noise without bad_blurry"},
        {VALUE("", PART(SCORES(0, 0, 0, 0, 0, 1), "\"snow\"")), "unknown"},
        {VALUE("", PART(SCORES(0, 0, 0, 0, 0, 1), "\"noise\",\"noise\"")), "twice"},
        {VALUE("", ""), "one more than there are marks"},
        {VALUE("9", PART(SCORES(0, 0, 0, 0, 1, 0), "")), "one more"},
        {VALUE("9", PART(SCORES(0, 0, 0, 0, 0, 0), "") "," PART(SCORES(0, 0, 0, 0, 0, 0), "")),
         "marks without tip_change"},
        {VALUE("9", PART(SCORES(0, 0, 0, 0, 1, 0), "") "," PART(SCORES(0, 0, 0, 0, 0, 0), "")),
         "differ in tip_change"},
        {VALUE("0", PART(SCORES(0, 0, 0, 0, 1, 0), "") "," PART(SCORES(0, 0, 0, 0, 1, 0), "")),
         "from 1 to 199"},
        {VALUE("200", PART(SCORES(0, 0, 0, 0, 1, 0), "") "," PART(SCORES(0, 0, 0, 0, 1, 0), "")),
         "from 1 to 199"},
        {VALUE("9, 9", ""), "do not rise"},
        {VALUE("1.5", ""), "whole number"},
        {VALUE("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", ""), "at most 16"},
        {"{\"width\":0,\"height\":2,\"graded\":true,\"marks\":[],\"segments\":[],\"contrast\":0}",
         "whole number"},
        {"{\"width\":2,\"height\":2,\"graded\":1,\"marks\":[],\"segments\":[],\"contrast\":0}",
         "graded"},
        {"{\"width\":2,\"height\":2,\"graded\":true,\"marks\":[],\"segments\":[" PART(
             SCORES(0, 0, 1, 0, 0, 0), "") "],\"contrast\":{\"low\":0.5,\"high\":0.5}}",
         "upside down"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vote_value value = {.width = 77};
        ck_assert_int_eq(read_value(cases[i].text, &value), -EINVAL);
        ck_assert_msg(strstr(error, cases[i].reason) != NULL, "%zu: %s", i, error);
        ck_assert_uint_eq(value.width, 77);
    }
}
END_TEST

/* ---- acts ---- */

static unsigned acts;

/* Ada's next act, one second after the last. */
static struct vote_by by(const char *user, const char *image)
{
    static char once[32];
    acts++;
    snprintf(once, sizeof once, "act-%u-of-%s", acts, user);
    return (struct vote_by){
        .user = user,
        .image = image,
        .once = once,
        .t_utc_us = (INT64_C(1500000000) + acts) * 1000000,
        .spent_ms = 1500,
    };
}

static void vote(const char *user, const char *image, const char *value)
{
    struct vote_by who = by(user, image);
    ck_assert_int_eq(vote_store_vote(store, &who, value), 0);
}

static int take(int (*act)(struct vote_store *, const struct vote_by *), const char *user,
                const char *image)
{
    struct vote_by who = by(user, image);
    return act(store, &who);
}

static int undo(const char *user, const char *wanted_image)
{
    struct vote_by who = by(user, "");
    char *image = NULL;
    int code = vote_store_undo(store, &who, &image);
    if (code == 0)
        ck_assert_str_eq(image, wanted_image);
    free(image);
    return code;
}

static int note(void *context, const struct vote_standing *standing)
{
    char *text = context;
    size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s %s %s;", standing->user, standing->image,
             standing->value ? standing->value : "skip");
    return 0;
}

/* All that stands, as "USER IMAGE VALUE;" in order of time. */
static const char *standing(const char *user, const char *image)
{
    static char text[400];
    text[0] = '\0';
    ck_assert_int_eq(vote_store_each(store, user, image, note, text), 0);
    return text;
}

START_TEST(undo_goes_back_step_by_step)
{
    vote("Ada", "a.png", "1");
    vote("Ada", "b.png", "2");
    vote("Ben", "a.png", "3");
    vote("Ada", "a.png", "4");
    ck_assert_str_eq(standing(NULL, NULL), "Ada b.png 2;Ben a.png 3;Ada a.png 4;");
    ck_assert_str_eq(standing("Ada", "a.png"), "Ada a.png 4;");
    ck_assert_int_eq(take(vote_store_delete, "Ada", "b.png"), 0);
    ck_assert_int_eq(take(vote_store_delete, "Ada", "b.png"), -ENOENT);
    ck_assert_int_eq(take(vote_store_skip, "Ada", "c.png"), 0);
    ck_assert_int_eq(take(vote_store_skip, "Ada", "a.png"), -EEXIST);
    ck_assert_str_eq(standing("Ada", NULL), "Ada a.png 4;Ada c.png skip;");

    ck_assert_int_eq(undo("Ada", "c.png"), 0);
    ck_assert_str_eq(standing("Ada", NULL), "Ada a.png 4;");
    ck_assert_int_eq(undo("Ada", "b.png"), 0);
    ck_assert_str_eq(standing("Ada", NULL), "Ada b.png 2;Ada a.png 4;");
    ck_assert_int_eq(undo("Ada", "a.png"), 0);
    ck_assert_str_eq(standing("Ada", NULL), "Ada a.png 1;Ada b.png 2;");
    ck_assert_int_eq(undo("Ada", "b.png"), 0);
    ck_assert_int_eq(undo("Ada", "a.png"), 0);
    ck_assert_int_eq(undo("Ada", ""), -ENOENT);
    ck_assert_str_eq(standing(NULL, NULL), "Ben a.png 3;");
}
END_TEST

START_TEST(a_repeated_request_is_done_once)
{
    struct vote_by who = by("Ada", "a.png");
    ck_assert_int_eq(vote_store_vote(store, &who, "1"), 0);
    ck_assert_int_eq(vote_store_vote(store, &who, "1"), 0);
    vote("Ada", "b.png", "2");
    who = by("Ada", "");
    for (int i = 0; i < 3; i++) {
        char *image;
        ck_assert_int_eq(vote_store_undo(store, &who, &image), 0);
        ck_assert_str_eq(image, "b.png");
        free(image);
    }
    ck_assert_str_eq(standing(NULL, NULL), "Ada a.png 1;");
}
END_TEST

/* One number out of the file itself. */
static int64_t ask_file(const char *sql, int *ret_code)
{
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    *ret_code = code;
    return value;
}

START_TEST(nothing_is_ever_lost)
{
    int code;
    vote("Ada", "a.png", "1");
    vote("Ada", "a.png", "2");
    ck_assert_int_eq(undo("Ada", "a.png"), 0);
    ck_assert_int_eq(take(vote_store_delete, "Ada", "a.png"), 0);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM vote", &code), 4);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM vote WHERE value IS NOT NULL", &code), 2);
    ask_file("DELETE FROM vote WHERE id = 1", &code);
    ck_assert_int_eq(code, SQLITE_CONSTRAINT);
    ask_file("UPDATE vote SET value = '3' WHERE id = 1", &code);
    ck_assert_int_eq(code, SQLITE_CONSTRAINT);
    vote_store_close(store);
    open_store();
    ck_assert_str_eq(standing(NULL, NULL), "");
    ck_assert_int_eq(undo("Ada", "a.png"), 0);
    ck_assert_str_eq(standing(NULL, NULL), "Ada a.png 1;");
}
END_TEST

START_TEST(files_of_others_are_refused_and_left_alone)
{
    int code;
    struct vote_store *other = NULL;
    vote_store_close(store);
    store = NULL;
    unlink(path);
    ck_assert_int_eq(vote_store_open(path, VOTE_STORE_READ, &other, error, sizeof error), -ENOENT);
    ck_assert_int_ne(access(path, F_OK), 0);

    ask_file("CREATE TABLE journal (x)", &code);
    ck_assert_int_eq(vote_store_open(path, VOTE_STORE_WRITE, &other, error, sizeof error),
                     -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, "not a file of votes"));
    ck_assert_int_eq(ask_file("SELECT count(*) FROM sqlite_schema", &code), 1);
    unlink(path);

    FILE *file = fopen(path, "wb");
    fputs("This is no database, but it is long enough to look for a header in it, and more.", file);
    fclose(file);
    ck_assert_int_eq(vote_store_open(path, VOTE_STORE_WRITE, &other, error, sizeof error),
                     -EBADMSG);
    ck_assert_ptr_null(other);
}
END_TEST

/* ---- tables ---- */

/* What `write` writes; free() it. */
static char *table(int (*write)(struct vote_store *, FILE *), size_t *ret_size)
{
    FILE *file = tmpfile();
    ck_assert_int_eq(write(store, file), 0);
    long size = ftell(file);
    char *text = calloc((size_t)size + 1, 1);
    rewind(file);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    *ret_size = (size_t)size;
    return text;
}

static void give_examples(void)
{
    vote("Ada \"A\"", "x, y--1_1.png", plain);
    vote("Ada \"A\"", "x, y--1_2.png", split);
    vote(
        "Ben", "x, y--1_1.png",
        "{\"width\":300,\"height\":200,\"graded\":true,\"marks\":[],\"segments\":[" PART(
            SCORES(0, 0, 0.25, 0, 0, 0.5), "\"noise\"") "],\"contrast\":{\"low\":0,\"high\":0.5}}");
    vote("Ben", "x, y--1_2.png", VALUE("", PART(SCORES(0, 0, 0, 0, 0, 0), "")));
    ck_assert_int_eq(take(vote_store_skip, "Ben", "x, y--1_3.png"), 0);
}

START_TEST(the_export_is_read_by_the_aggregation)
{
    size_t size;
    give_examples();
    char *text = table(vote_export_classifications, &size);
    const struct nn_export_options options = {.image_field = "Filename"};
    struct nn_export_report report;
    struct nn_votes *votes = nn_votes_create();
    int code = nn_zooniverse_read(text, size, &options, votes, &report, error, sizeof error);
    ck_assert_msg(code == 0, "%s", error);
    ck_assert_uint_eq(report.rows, 4);
    ck_assert_uint_eq(report.used, 4);
    const struct nn_tally_options tally_options = {0};
    struct nn_tally *tally;
    ck_assert_int_eq(nn_tally(votes, &tally_options, &tally), 0);
    ck_assert_uint_eq(tally->n, 2);
    const struct nn_tally_row *row = &tally->rows[0];
    ck_assert_str_eq(row->image, "x, y--1_1.png");
    ck_assert_str_eq(row->recording, "x, y");
    ck_assert_uint_eq(row->width_px, 300);
    ck_assert_uint_eq(row->height_px, 200);
    ck_assert_uint_eq(row->responses, 2);
    ck_assert_double_eq_tol(row->mean[NN_LABEL_DIMERS], 0.625, 1e-6);
    ck_assert_double_eq_tol(row->mean[NN_LABEL_ROWS], 0.5, 1e-6);
    ck_assert_double_eq_tol(row->mean[NN_LABEL_BAD_BLURRY], 0.25, 1e-6);
    static const double split_and_none[NN_LABEL_COUNT] = {.5, 0, .5, 0, .5, .5};
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ck_assert_double_eq_tol(tally->rows[1].mean[k], split_and_none[k], 1e-6);
    nn_tally_destroy(tally);
    nn_votes_destroy(votes);
    free(text);
}
END_TEST

START_TEST(the_export_looks_like_zooniverses)
{
    size_t size;
    give_examples();
    char *text = table(vote_export_classifications, &size);
    const char *row = strchr(text, '\n') + 1;
    ck_assert_ptr_nonnull(strstr(row, ",\"Ada \"\"A\"\"\",1,,1,tipwright labels,1.1,2017-07-14 "));
    ck_assert_ptr_nonnull(strstr(row, "\"\"value\"\":[\"\"Dimers\"\",\"\"Rows\"\"]}"));
    ck_assert_ptr_nonnull(strstr(
        row, "\"{\"\"1\"\":{\"\"retired\"\":null,\"\"Filename\"\":\"\"x, y--1_1.png\"\"}}\",1\n"));
    ck_assert_ptr_nonnull(strstr(row, "\"\"y\"\":120,"));
    ck_assert_ptr_nonnull(strstr(row, "\"\"task\"\":\"\"T6\"\",\"\"task_label\"\":\"\"How clearly: "
                                      "Dimers\"\",\"\"value\"\":\"\"0.25\"\""));
    free(text);
}
END_TEST

START_TEST(marks_are_counted_in_lines_from_below)
{
    size_t size;
    give_examples();
    char *text = table(vote_export_marks, &size);
    ck_assert_str_eq(text, "image,user,height_px,row,line,fraction\n"
                           "\"x, y--1_2.png\",\"Ada \"\"A\"\"\",200,120,80,0.400000\n"
                           "\"x, y--1_2.png\",\"Ada \"\"A\"\"\",200,50,150,0.750000\n");
    free(text);
}
END_TEST

START_TEST(a_vote_that_nobody_gave_is_not_exported)
{
    vote("Ada", "a.png", "{\"width\":3}");
    FILE *file = tmpfile();
    ck_assert_int_eq(vote_export_classifications(store, file), -EBADMSG);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vote_store");
    TCase *values = tcase_create("values");
    tcase_add_test(values, a_value_survives_its_json);
    tcase_add_test(values, values_that_contradict_themselves_are_refused);
    suite_add_tcase(suite, values);
    TCase *stores = tcase_create("stores");
    tcase_add_checked_fixture(stores, start, finish);
    tcase_add_test(stores, undo_goes_back_step_by_step);
    tcase_add_test(stores, a_repeated_request_is_done_once);
    tcase_add_test(stores, nothing_is_ever_lost);
    tcase_add_test(stores, files_of_others_are_refused_and_left_alone);
    tcase_add_test(stores, the_export_is_read_by_the_aggregation);
    tcase_add_test(stores, the_export_looks_like_zooniverses);
    tcase_add_test(stores, marks_are_counted_in_lines_from_below);
    tcase_add_test(stores, a_vote_that_nobody_gave_is_not_exported);
    suite_add_tcase(suite, stores);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
