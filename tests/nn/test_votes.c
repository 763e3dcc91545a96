/* Votes: exports with every trap seen in real ones, and what is made of them. */
#include "nn/dataset.h"
#include "nn/random.h"
#include "nn/votes_zooniverse.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[256];
static struct nn_export_report report;

/* ---- tallies ---- */

static void vote(struct nn_votes *votes, const char *image, const char *person, const char *when,
                 const char *says)
{
    struct nn_vote v = {.image = image, .person = person, .when = when};
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        v.says[k] = says[k] == '1' ? 1.0F : says[k] == 'h' ? 0.5F : 0.0F;
    ck_assert_int_eq(nn_votes_add(votes, &v), 0);
}

static struct nn_tally *tally(struct nn_votes *votes, struct nn_tally_options options)
{
    struct nn_tally *result;
    ck_assert_int_eq(nn_tally(votes, &options, &result), 0);
    return result;
}

START_TEST(mean_weight_and_agreement_are_as_defined)
{
    struct nn_votes *votes = nn_votes_create();
    vote(votes, "b--3_4.png", "x", "1", "001100");
    vote(votes, "b--3_4.png", "y", "2", "000100");
    vote(votes, "b--3_4.png", "z", "3", "0001h0");
    vote(votes, "a--1_1.png", "x", "1", "000000");
    struct nn_tally *t = tally(votes, (struct nn_tally_options){0});
    ck_assert_uint_eq(t->n, 2);
    ck_assert_uint_eq(t->votes_used, 4);
    ck_assert_str_eq(t->rows[0].image, "a--1_1.png");
    const struct nn_tally_row *row = &t->rows[1];
    ck_assert_str_eq(row->recording, "b");
    ck_assert(row->numbered);
    ck_assert_uint_eq(row->run, 3);
    ck_assert_uint_eq(row->cycle, 4);
    ck_assert_uint_eq(row->responses, 3);
    static const double mean[] = {0, 0, 1.0 / 3, 1, 1.0 / 6, 0};
    double agreement = 0;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        ck_assert_double_eq_tol(row->mean[k], mean[k], 1e-12);
        ck_assert_double_eq_tol(row->weighted[k], mean[k] / 1.5, 1e-12);
        ck_assert_double_eq_tol(row->agreement[k], fabs(2 * mean[k] - 1), 1e-12);
        agreement += row->agreement[k] / 6;
        ck_assert_double_eq(t->rows[0].weighted[k], 0);
    }
    ck_assert_double_eq_tol(row->mean_agreement, agreement, 1e-12);
    nn_tally_destroy(t);
    t = tally(votes, (struct nn_tally_options){.sixths = true});
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ck_assert_double_eq_tol(t->rows[0].weighted[k], 1.0 / 6, 1e-12);
    nn_tally_destroy(t);
    nn_votes_destroy(votes);
}
END_TEST

START_TEST(of_repeat_votes_the_first_the_last_or_all_count)
{
    static const struct {
        enum nn_repeat_votes repeats;
        uint32_t responses, left;
        double dimers;
    } cases[] = {{NN_REPEATS_ALL, 5, 0, 3.0 / 5},
                 {NN_REPEATS_FIRST, 4, 1, 3.0 / 4},
                 {NN_REPEATS_LAST, 4, 1, 2.0 / 4}};
    struct nn_votes *votes = nn_votes_create();
    vote(votes, "a--1_1.png", "x", "2017-07-12 09:00:31 UTC", "000000"); /* later, though first */
    vote(votes, "a--1_1.png", "x", "2017-07-12 09:00:00 UTC", "001000");
    vote(votes, "a--1_1.png", "y", "2017-07-12 09:00:00 UTC", "001000");
    vote(votes, "a--1_1.png", "", "", "000000"); /* two nobodies are two people */
    vote(votes, "a--1_1.png", "", "", "001000");
    struct nn_tally *t = tally(votes, (struct nn_tally_options){.repeats = cases[_i].repeats});
    ck_assert_uint_eq(t->n, 1);
    ck_assert_uint_eq(t->rows[0].responses, cases[_i].responses);
    ck_assert_double_eq_tol(t->rows[0].mean[NN_LABEL_DIMERS], cases[_i].dimers, 1e-12);
    ck_assert_uint_eq(t->repeats, 1);
    ck_assert_uint_eq(t->repeats_left, cases[_i].left);
    nn_tally_destroy(t);
    nn_votes_destroy(votes);
}
END_TEST

START_TEST(pictures_with_few_votes_or_little_agreement_are_left_out_and_counted)
{
    struct nn_votes *votes = nn_votes_create();
    vote(votes, "one.png", "x", "", "100000");
    vote(votes, "split.png", "x", "", "111000");
    vote(votes, "split.png", "y", "", "000111");
    vote(votes, "whole.png", "x", "", "000001");
    vote(votes, "whole.png", "y", "", "000001");
    struct nn_tally *t =
        tally(votes, (struct nn_tally_options){.min_votes = 2, .drop_agreement_below = 1.0});
    ck_assert_uint_eq(t->n, 1);
    ck_assert_str_eq(t->rows[0].image, "whole.png");
    ck_assert_str_eq(t->rows[0].recording, "whole");
    ck_assert_uint_eq(t->few_votes, 1);
    ck_assert_uint_eq(t->low_agreement, 1);
    ck_assert_uint_eq(t->own_recording, 1);
    nn_tally_destroy(t);
    nn_votes_destroy(votes);
}
END_TEST

START_TEST(a_recording_is_all_before_the_last_two_dashes)
{
    static const char *const names[][2] = {{"s--12_1.png", "s"},   {"a--b--1_2.png", "a--b"},
                                           {"plain.png", "plain"}, {"none", "none"},
                                           {"---1_2", "-"},        {".png", ".png"}};
    char recording[32];
    nn_recording_of(names[_i][0], recording);
    ck_assert_str_eq(recording, names[_i][1]);
}
END_TEST

static int no_picture(void *context, const char *image, struct nn_picture *ret_picture)
{
    (void)context;
    (void)image;
    *ret_picture = (struct nn_picture){.width = 1, .height = 1, .gray = calloc(1, 1)};
    return 0;
}

START_TEST(the_table_is_what_the_trainer_reads)
{
    static const char path[] = TEST_BINARY_DIR "/test_votes.csv";
    struct nn_votes *votes = nn_votes_create();
    vote(votes, "a, \"b\"--1_1.png", "x", "", "100000");
    vote(votes, "a, \"b\"--1_1.png", "y", "", "100001");
    vote(votes, "c--1_1.png", "y", "", "010000");
    struct nn_tally *t = tally(votes, (struct nn_tally_options){0});
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(nn_tally_write_csv(t, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    struct nn_dataset *dataset;
    ck_assert_msg(nn_dataset_load(path, no_picture, NULL, &dataset, error, sizeof error) == 0, "%s",
                  error);
    unlink(path);
    ck_assert_uint_eq(dataset->n, 2);
    ck_assert_uint_eq(dataset->n_recordings, 2);
    ck_assert_str_eq(dataset->examples[0].image, "a, \"b\"--1_1.png");
    ck_assert_str_eq(dataset->recordings[0], "a, \"b\"");
    ck_assert(dataset->examples[0].wanted[NN_LABEL_BAD_BLURRY] == 0.5F);
    ck_assert(dataset->examples[0].responses == 2.0F);
    nn_dataset_destroy(dataset);
    nn_tally_destroy(t);
    nn_votes_destroy(votes);
}
END_TEST

START_TEST(a_vote_outside_its_range_or_without_a_name_is_refused)
{
    struct nn_votes *votes = nn_votes_create();
    struct nn_vote v = {.image = "", .person = "", .when = ""};
    ck_assert_int_eq(nn_votes_add(votes, &v), -EINVAL);
    v.image = "a";
    v.says[3] = 1.5F;
    ck_assert_int_eq(nn_votes_add(votes, &v), -EINVAL);
    v.says[3] = NAN;
    ck_assert_int_eq(nn_votes_add(votes, &v), -EINVAL);
    nn_votes_destroy(votes);
}
END_TEST

/* ---- exports ---- */

#define HEAD                                                                                       \
    "classification_id,user_name,user_id,workflow_id,workflow_version,created_at,"                 \
    "annotations,subject_data\n"
#define SUBJECT "\"{\"\"8\"\":{\"\"retired\"\":null,\"\"Filename\"\":\"\"s--1_1.png\"\"}}\"\n"

static const struct nn_export_options plain = {.image_field = "Filename"};

static int read_bytes(const char *text, size_t size, const struct nn_export_options *options,
                      struct nn_tally **ret_tally)
{
    struct nn_votes *votes = nn_votes_create();
    error[0] = '\0';
    int status = nn_zooniverse_read(text, size, options, votes, &report, error, sizeof error);
    ck_assert((status == 0) == (error[0] == '\0'));
    if (ret_tally)
        *ret_tally = tally(votes, (struct nn_tally_options){0});
    nn_votes_destroy(votes);
    return status;
}

/* One row with these annotations, without the CSV's quotes. Its votes, or NULL when skipped. */
static struct nn_tally_row *read_answer(const char *annotations,
                                        const struct nn_export_options *options,
                                        struct nn_tally **ret_tally)
{
    char text[4096];
    int n = snprintf(text, sizeof text, HEAD "1,ann,7,42,12.19,now,\"");
    for (const char *at = annotations; *at; at++) {
        text[n++] = *at;
        if (*at == '"')
            text[n++] = '"';
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "\"," SUBJECT);
    ck_assert_int_eq(read_bytes(text, (size_t)n, options, ret_tally), 0);
    ck_assert_uint_eq(report.rows, 1);
    return (*ret_tally)->n ? &(*ret_tally)->rows[0] : NULL;
}

static const struct {
    const char *annotations;
    const char *says; /* one letter per label, 'h' half; NULL: skipped, */
    enum nn_export_skip skip;
} answers[] = {
    {"[{\"task\":\"T0\",\"value\":[\"Dimers\",\"Bad/Blurry\"]}]", "001001", 0},
    {"[{\"task\":\"T0\",\"task_label\":\"line\\nbreak \\\"quoted\\\"\",\"value\":[\"Rows\"]}]",
     "000100", 0},
    {"[{\"task\":\"T0\",\"value\":\"Tip Change\"}]", "000010", 0},
    {"[{\"task\":\"T0\",\"value\":[]}]", "000000", 0},
    {"[{\"task\":\"T0\",\"value\":[{\"choice\":\"INDIVIDUALATOMS\",\"answers\":{}}]}]", "010000",
     0},
    {"[{\"task\":\"T0\",\"value\":[\"rows\"]},{\"task\":\"T1\",\"value\":\"asymmetries\"}]",
     "100100", 0},
    {"[{\"task\":\"T9\",\"value\":[{\"task\":\"T0\",\"value\":[\"Dimers\"]}]}]", "001000", 0},
    {"[{\"task\":\"T0\",\"value\":[\"Dimers\",\"Something else\"]}]", "001000", 0},
    {"[{\"task\":\"T0\",\"value\":[\"Rows\"]},"
     "{\"task\":\"T1\",\"task_label\":\"How clearly: Rows\",\"value\":\"0.50\"}]",
     "000h00", 0},
    {"[{\"task\":\"T1\",\"task_label\":\"How clearly: Rows\",\"value\":\"0.50\"},"
     "{\"task\":\"T0\",\"value\":[\"Rows\"]}]",
     "000h00", 0},
    {"[{\"task\":\"T0\",\"value\":null}]", NULL, NN_SKIP_NO_ANSWER},
    {"[]", NULL, NN_SKIP_NO_ANSWER},
    {"[{\"task\":\"T0\",\"value\":[{\"x\":1.5,\"y\":2,\"tool\":0}]}]", NULL, NN_SKIP_NO_ANSWER},
    {"[{\"task\":\"T0\",\"value\":[\"Giraffes\"]}]", NULL, NN_SKIP_OTHER},
    {"[{\"task\":\"T1\",\"task_label\":\"How clearly: Rows\",\"value\":\"7\"}]", NULL,
     NN_SKIP_OTHER},
    {"{\"task\":\"T0\"}", NULL, NN_SKIP_ANNOTATIONS},
    {"[{\"task\":\"T0\",\"value\":[\"Dimers\"}]", NULL, NN_SKIP_ANNOTATIONS},
    {"", NULL, NN_SKIP_ANNOTATIONS},
};

START_TEST(every_form_of_an_answer_is_read_or_skipped_with_its_reason)
{
    struct nn_tally *t;
    const struct nn_tally_row *row = read_answer(answers[_i].annotations, &plain, &t);
    if (answers[_i].says) {
        ck_assert_ptr_nonnull(row);
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            ck_assert_double_eq(row->mean[k], answers[_i].says[k] == '1'   ? 1.0
                                              : answers[_i].says[k] == 'h' ? 0.5
                                                                           : 0.0);
    } else {
        ck_assert_ptr_null(row);
        ck_assert_uint_eq(report.skipped[answers[_i].skip], 1);
        ck_assert_uint_eq(report.first_line[answers[_i].skip], 2);
        ck_assert(nn_export_skip_text(answers[_i].skip)[0]);
    }
    nn_tally_destroy(t);
}
END_TEST

START_TEST(one_task_may_be_wanted_and_an_answer_may_mean_nothing)
{
    static const char both[] = "[{\"task\":\"T0\",\"value\":[\"None of these\"]},"
                               "{\"task\":\"T1\",\"value\":[\"Rows\"]}]";
    struct nn_export_options options = plain;
    struct nn_tally *t;
    options.task = "T0";
    ck_assert_ptr_null(read_answer(both, &options, &t));
    ck_assert_uint_eq(report.skipped[NN_SKIP_OTHER], 1);
    ck_assert_str_eq(report.others[0].text, "None of these");
    nn_tally_destroy(t);
    options.nothing = "none of these!";
    const struct nn_tally_row *row = read_answer(both, &options, &t);
    ck_assert_ptr_nonnull(row);
    ck_assert_double_eq(row->mean[NN_LABEL_ROWS], 0);
    nn_tally_destroy(t);
    options.task = "T7";
    ck_assert_ptr_null(read_answer(both, &options, &t));
    ck_assert_uint_eq(report.skipped[NN_SKIP_TASK], 1);
    nn_tally_destroy(t);
}
END_TEST

START_TEST(the_seeds_way_takes_the_first_task_and_exact_names_and_counts_the_rest_as_nothing)
{
    static const struct {
        const char *annotations;
        double rows;
    } cases[] = {{"[{\"task\":\"T0\",\"value\":[\"Rows\"]}]", 1},
                 {"[{\"task\":\"T0\",\"value\":[\"rows\"]}]", 0},
                 {"[{\"task\":\"T0\",\"value\":null},{\"task\":\"T1\",\"value\":[\"Rows\"]}]", 0},
                 {"[{\"task\":\"T0\",\"value\":[\"Giraffes\"]}]", 0}};
    struct nn_export_options options = plain;
    struct nn_tally *t;
    options.as_seed = true;
    const struct nn_tally_row *row = read_answer(cases[_i].annotations, &options, &t);
    ck_assert_ptr_nonnull(row);
    ck_assert_double_eq(row->mean[NN_LABEL_ROWS], cases[_i].rows);
    nn_tally_destroy(t);
}
END_TEST

#define ROW(id, name, account, workflow, version, label)                                           \
    id "," name "," account "," workflow "," version ",t" id ",\"[{\"\"task\"\":\"\"T0\"\","       \
       "\"\"value\"\":[\"\"" label "\"\"]}]\"," SUBJECT

START_TEST(rows_are_chosen_by_workflow_and_version_and_counted_once)
{
    static const char text[] = HEAD ROW("1", "ann", "7", "42", "12.9", "Rows") /**/
        ROW("2", "ann", "7", "42", "12.19", "Dimers")                          /**/
        ROW("2", "ann", "7", "42", "12.19", "Dimers")                          /**/
        ROW("3", "ann", "7", "43", "12.19", "Dimers")                          /**/
        ROW("4", "not-logged-in-a1", "", "42", "12.20", "Dimers")              /**/
        ROW("5", "not-logged-in-b2", "", "42", "13.1", "Dimers") "6,short\n";
    struct nn_workflow_versions versions;
    struct nn_export_options options = plain;
    struct nn_tally *t;
    ck_assert_int_eq(nn_workflow_versions_parse("12.19-12.20", &versions), 0);
    options.workflow = "42";
    options.versions = &versions;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &options, &t), 0);
    ck_assert_uint_eq(report.rows, 7);
    ck_assert_uint_eq(report.used, 2);
    ck_assert_uint_eq(report.skipped[NN_SKIP_VERSION], 2);
    ck_assert_uint_eq(report.skipped[NN_SKIP_DUPLICATE], 1);
    ck_assert_uint_eq(report.first_line[NN_SKIP_DUPLICATE], 4);
    ck_assert_uint_eq(report.skipped[NN_SKIP_WORKFLOW], 1);
    ck_assert_uint_eq(report.skipped[NN_SKIP_FIELDS], 1);
    ck_assert_uint_eq(report.not_logged_in, 1);
    ck_assert_uint_eq(t->rows[0].responses, 2);
    ck_assert_uint_eq(t->repeats, 0);
    nn_tally_destroy(t);
}
END_TEST

START_TEST(people_without_an_account_are_told_apart_by_name)
{
    static const char text[] = HEAD ROW("1", "not-logged-in-a1", "", "42", "1.1", "Rows") /**/
        ROW("2", "not-logged-in-a1", "", "42", "1.1", "Rows")                             /**/
        ROW("3", "not-logged-in-b2", "", "42", "1.1", "Rows")                             /**/
        ROW("4", "renamed", "7", "42", "1.1", "Rows") ROW("5", "ann", "7", "42", "1.1", "Rows");
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &plain, &t), 0);
    ck_assert_uint_eq(report.not_logged_in, 3);
    ck_assert_uint_eq(t->repeats, 2);
    nn_tally_destroy(t);
}
END_TEST

/* As R writes a table back: row names under no heading, or under none at all; NA for empty. */
static const char *const through_r[] = {
    "\"\"," HEAD "\"1\"," ROW("1", "ann", "NA", "42", "12.1", "Rows") "\"2\"," ROW(
        "NA", "bob", "7", "42", "12.1", "Rows") "\"3\"," ROW("NA", "eve", "8", "42", "12.1",
                                                             "Rows"),
    HEAD "\"1\"," ROW("1", "ann", "NA", "42", "12.1", "Rows") "\"2\"," ROW(
        "NA", "bob", "7", "42", "12.1", "Rows") "\"3\"," ROW("NA", "eve", "8", "42", "12.1",
                                                             "Rows"),
};

START_TEST(files_that_went_through_r_are_read)
{
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(through_r[_i], strlen(through_r[_i]), &plain, &t), 0);
    ck_assert(report.unnamed_column);
    ck_assert_uint_eq(report.rows, 3);
    ck_assert_uint_eq(report.used, 3);
    ck_assert_uint_eq(report.not_logged_in, 1);
    ck_assert_double_eq(t->rows[0].mean[NN_LABEL_ROWS], 1);
    nn_tally_destroy(t);
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_are_refused_with_their_line_or_read_as_latin_1)
{
    static const char text[] =
        "\xEF\xBB\xBF" HEAD ROW("1", "Zo\xC3\xAB", "7", "42", "1.1", "Rows") /**/
        ROW("2", "Zo\xEB", "8", "42", "1.1", "Rows");
    struct nn_export_options options = plain;
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &options, NULL), -EILSEQ);
    ck_assert_str_eq(error, "line 3: not UTF-8");
    options.latin_1 = true;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &options, &t), 0);
    ck_assert(report.read_as_latin_1);
    ck_assert_uint_eq(report.used, 2);
    nn_tally_destroy(t);
}
END_TEST

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    struct {
        const char *text;
        size_t size;
    } bytes;
    int status;
    const char *says;
} broken[] = {
    {BYTES(""), -EBADMSG, "line 0: the file is empty"},
    {BYTES("a,b\n1,2\n"), -EBADMSG, "line 1: no column 'annotations'"},
    {BYTES("annotations\n[]\n"), -EBADMSG, "line 1: no column 'subject_data'"},
    {BYTES(HEAD "1,\"ann\n"), -EBADMSG, "line 2: the file ends inside a quoted cell"},
    {BYTES(HEAD "1,an\"n,7\n"), -EBADMSG, "line 2: "},
    {BYTES(HEAD "1,a\0n,7\n"), -EILSEQ, "line 2: not UTF-8"},
    {BYTES(HEAD "1,\xC0\x80,7\n"), -EILSEQ, "line 2: not UTF-8"},     /* too long a form of NUL */
    {BYTES(HEAD "1,\xED\xA0\x80,7\n"), -EILSEQ, "line 2: not UTF-8"}, /* a surrogate */
};

START_TEST(what_is_no_export_is_refused_with_its_line)
{
    ck_assert_int_eq(read_bytes(broken[_i].bytes.text, broken[_i].bytes.size, &plain, NULL),
                     broken[_i].status);
    ck_assert_msg(strncmp(error, broken[_i].says, strlen(broken[_i].says)) == 0, "%s", error);
}
END_TEST

START_TEST(a_row_of_too_many_fields_is_refused)
{
    char text[1024] = HEAD;
    memset(text + strlen(text), ',', 300);
    ck_assert_int_eq(read_bytes(text, strlen(text), &plain, NULL), -EBADMSG);
}
END_TEST

START_TEST(quoted_cells_may_hold_line_breaks_and_lines_are_still_counted)
{
    static const char text[] = HEAD ROW("1", "\"two\r\nlines, \"\"ann\"\"\"", "", "42", "1.1",
                                        "Rows") ROW("2", "bob", "", "42", "1.1", "Giraffes");
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &plain, &t), 0);
    ck_assert_uint_eq(report.used, 1);
    ck_assert_uint_eq(report.first_line[NN_SKIP_OTHER], 4);
    nn_tally_destroy(t);
}
END_TEST

static const struct {
    const char *cell;
    enum nn_export_skip skip;
} subjects[] = {
    {"{}", NN_SKIP_SUBJECT},
    {"[]", NN_SKIP_SUBJECT},
    {"{\"\"8\"\":7}", NN_SKIP_SUBJECT},
    {"{\"\"8\"\":{\"\"Filename\"\":\"\"a\"\"},\"\"9\"\":{\"\"Filename\"\":\"\"b\"\"}}",
     NN_SKIP_SUBJECT},
    {"{\"\"8\"\":{\"\"link\"\":\"\"a\"\"}}", NN_SKIP_NO_IMAGE},
    {"{\"\"8\"\":{\"\"Filename\"\":7}}", NN_SKIP_NO_IMAGE},
    {"{\"\"8\"\":{\"\"Filename\"\":\"\"\"\"}}", NN_SKIP_NO_IMAGE},
};

START_TEST(a_row_needs_one_subject_with_a_picture)
{
    char text[512];
    snprintf(text, sizeof text,
             "annotations,subject_data\n\"[{\"\"task\"\":\"\"T0\"\",\"\"value\"\":[]}]\",\"%s\"\n",
             subjects[_i].cell);
    ck_assert_int_eq(read_bytes(text, strlen(text), &plain, NULL), 0);
    ck_assert_uint_eq(report.skipped[subjects[_i].skip], 1);
    ck_assert_uint_eq(report.used, 0);
}
END_TEST

START_TEST(recording_and_size_come_from_the_export_when_it_has_them)
{
    static const char text[] =
        "annotations,subject_data,metadata\n"
        "\"[{\"\"value\"\":[\"\"Rows\"\"]}]\",\"{\"\"8\"\":{\"\"name\"\":\"\"p.png\"\","
        "\"\"night\"\":\"\"March\"\"}}\",\"{\"\"subject_dimensions\"\":[{\"\"naturalWidth\"\":300,"
        "\"\"naturalHeight\"\":200}]}\"\n";
    const struct nn_export_options options = {.image_field = "name", .recording_field = "night"};
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &options, &t), 0);
    ck_assert_str_eq(t->rows[0].recording, "March");
    ck_assert_uint_eq(t->rows[0].width_px, 300);
    ck_assert_uint_eq(t->rows[0].height_px, 200);
    ck_assert_uint_eq(t->own_recording, 0);
    nn_tally_destroy(t);
}
END_TEST

START_TEST(versions_are_two_numbers)
{
    static const struct {
        const char *text;
        int status;
        uint32_t from_major, from_minor, to_major, to_minor;
    } cases[] = {{"12", 0, 12, 0, 12, UINT32_MAX},      {"12.19", 0, 12, 19, 12, 19},
                 {"12.3-14", 0, 12, 3, 14, UINT32_MAX}, {"12.9-12.19", 0, 12, 9, 12, 19},
                 {"12.19-12.9", -EINVAL, 0, 0, 0, 0},   {"", -EINVAL, 0, 0, 0, 0},
                 {"12.", -EINVAL, 0, 0, 0, 0},          {"12.1x", -EINVAL, 0, 0, 0, 0},
                 {"-12", -EINVAL, 0, 0, 0, 0},          {"12-", -EINVAL, 0, 0, 0, 0}};
    struct nn_workflow_versions v;
    ck_assert_int_eq(nn_workflow_versions_parse(cases[_i].text, &v), cases[_i].status);
    if (cases[_i].status == 0) {
        ck_assert_uint_eq(v.from_major, cases[_i].from_major);
        ck_assert_uint_eq(v.from_minor, cases[_i].from_minor);
        ck_assert_uint_eq(v.to_major, cases[_i].to_major);
        ck_assert_uint_eq(v.to_minor, cases[_i].to_minor);
    }
}
END_TEST

/* 400 pictures, up to 8 votes each, in random order, against sums kept on the side. */
START_TEST(a_generated_export_gives_the_sums_it_was_made_of)
{
    enum { PICTURES = 400, VOTES = 1600, ROOM = 400 };
    static unsigned sums[PICTURES][NN_LABEL_COUNT], n[PICTURES];
    struct nn_random random = nn_random_seed(5, 0, 0);
    char *text = malloc((size_t)VOTES * ROOM);
    ck_assert_ptr_nonnull(text);
    size_t used = (size_t)sprintf(text, HEAD);
    for (int v = 0; v < VOTES; v++) {
        uint32_t picture = nn_random_below(&random, PICTURES);
        n[picture]++;
        used += (size_t)sprintf(text + used, "%d,u,%d,42,1.1,now,\"[{\"\"value\"\":[", v, v);
        const char *comma = "";
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            if (nn_random_unit(&random) < 0.6)
                continue;
            sums[picture][k]++;
            used += (size_t)sprintf(text + used, "%s\"\"%s\"\"", comma,
                                    nn_label_title((enum nn_label)k));
            comma = ",";
        }
        used += (size_t)sprintf(text + used,
                                "]}]\",\"{\"\"8\"\":{\"\"Filename\"\":\"\"s--1_%03u.png\"\"}}\"\n",
                                (unsigned)picture);
    }
    struct nn_tally *t;
    ck_assert_int_eq(read_bytes(text, used, &plain, &t), 0);
    free(text);
    ck_assert_uint_eq(report.used, VOTES);
    size_t at = 0;
    for (unsigned picture = 0; picture < PICTURES; picture++) {
        if (n[picture] == 0)
            continue;
        const struct nn_tally_row *row = &t->rows[at++];
        ck_assert_uint_eq(row->cycle, picture);
        ck_assert_uint_eq(row->responses, n[picture]);
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            ck_assert_double_eq_tol(row->mean[k], (double)sums[picture][k] / n[picture], 1e-12);
    }
    ck_assert_uint_eq(t->n, at);
    nn_tally_destroy(t);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof(list[0])))

int main(void)
{
    Suite *suite = suite_create("votes");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, mean_weight_and_agreement_are_as_defined);
    tcase_add_loop_test(tcase, of_repeat_votes_the_first_the_last_or_all_count, 0, 3);
    tcase_add_test(tcase, pictures_with_few_votes_or_little_agreement_are_left_out_and_counted);
    tcase_add_loop_test(tcase, a_recording_is_all_before_the_last_two_dashes, 0, 6);
    tcase_add_test(tcase, the_table_is_what_the_trainer_reads);
    tcase_add_test(tcase, a_vote_outside_its_range_or_without_a_name_is_refused);
    tcase_add_loop_test(tcase, every_form_of_an_answer_is_read_or_skipped_with_its_reason, 0,
                        COUNT(answers));
    tcase_add_test(tcase, one_task_may_be_wanted_and_an_answer_may_mean_nothing);
    tcase_add_loop_test(
        tcase, the_seeds_way_takes_the_first_task_and_exact_names_and_counts_the_rest_as_nothing, 0,
        4);
    tcase_add_test(tcase, rows_are_chosen_by_workflow_and_version_and_counted_once);
    tcase_add_test(tcase, people_without_an_account_are_told_apart_by_name);
    tcase_add_loop_test(tcase, files_that_went_through_r_are_read, 0, COUNT(through_r));
    tcase_add_test(tcase, bytes_that_are_not_utf_8_are_refused_with_their_line_or_read_as_latin_1);
    tcase_add_loop_test(tcase, what_is_no_export_is_refused_with_its_line, 0, COUNT(broken));
    tcase_add_test(tcase, a_row_of_too_many_fields_is_refused);
    tcase_add_test(tcase, quoted_cells_may_hold_line_breaks_and_lines_are_still_counted);
    tcase_add_loop_test(tcase, a_row_needs_one_subject_with_a_picture, 0, COUNT(subjects));
    tcase_add_test(tcase, recording_and_size_come_from_the_export_when_it_has_them);
    tcase_add_loop_test(tcase, versions_are_two_numbers, 0, 10);
    tcase_add_test(tcase, a_generated_export_gives_the_sums_it_was_made_of);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
