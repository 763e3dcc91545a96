/* Scores kept and calibrated, decisions learnt, reports made and written. */
#include "nn/report.h"
#include "nn/report_table.h"
#include "nn/report_write.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDINGS = 6, EACH = 40, N = RECORDINGS * EACH, PLANE = N * NN_LABEL_COUNT };

/* Frames with random labels, and logits that know them the better the more lines are seen. */
struct world {
    struct nn_example examples[N];
    char *recordings[RECORDINGS];
    struct nn_dataset dataset;
    uint32_t fold[RECORDINGS];
    float logits[NN_SHARE_COUNT][PLANE];
    float values[NN_SHARE_COUNT][PLANE];
    struct nn_scores scores;
};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void calibrate(struct world *world)
{
    float *planes[NN_SHARE_COUNT];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        planes[share] = world->values[share];
    nn_scores_calibrate(&world->scores, planes);
}

/* knowledge: how far the logits of frames with a label lie above the others at the full frame. */
static struct world *make_world(double knowledge)
{
    static char names[RECORDINGS][16];
    static char images[N][16];
    struct world *world = calloc(1, sizeof *world);
    uint64_t state = 5;
    ck_assert_ptr_nonnull(world);
    for (uint32_t r = 0; r < RECORDINGS; r++) {
        snprintf(names[r], sizeof names[r], "night, \"%u\"", (unsigned)r);
        world->recordings[r] = names[r];
        world->fold[r] = r % 3;
    }
    for (uint32_t i = 0; i < N; i++) {
        struct nn_example *example = &world->examples[i];
        snprintf(images[i], sizeof images[i], "%u<&>.png", (unsigned)i);
        example->image = images[i];
        example->recording = i / EACH;
        example->responses = (float)(1 + i % 3);
        example->picture.width = example->picture.height = 8;
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
            bool holds = uniform(&state) < 0.3;
            example->wanted[k] = holds ? 1.0F : 0.0F;
            for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
                double noise = uniform(&state) + uniform(&state) - 1.0;
                world->logits[share][i * NN_LABEL_COUNT + k] =
                    (float)(noise + (holds ? knowledge * nn_share(share) : 0.0));
            }
        }
    }
    world->dataset = (struct nn_dataset){.examples = world->examples,
                                         .n = N,
                                         .recordings = world->recordings,
                                         .n_recordings = RECORDINGS};
    world->scores = (struct nn_scores){.dataset = &world->dataset, .folds = 3, .fold = world->fold};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        world->scores.logits[share] = world->logits[share];
        world->scores.scores[share] = world->values[share];
    }
    calibrate(world);
    return world;
}

static struct nn_report *report_of(const struct world *world, uint32_t draws)
{
    struct nn_report_settings settings = {.draws = draws, .seed = 2};
    struct nn_report *report = NULL;
    ck_assert_int_eq(nn_report_make(&world->scores, &settings, &report), 0);
    return report;
}

START_TEST(a_fold_is_judged_by_the_others_only)
{
    struct world *world = make_world(2.0);
    struct world *other = make_world(2.0);
    /* Other labels in fold 1 change the scores of the others, never its own. */
    for (uint32_t i = 0; i < N; i++)
        if (world->fold[world->examples[i].recording] == 1)
            other->examples[i].wanted[NN_LABEL_ROWS] = 1.0F;
    calibrate(other);
    bool elsewhere = false;
    for (uint32_t i = 0; i < N; i++) {
        float was = world->values[3][i * NN_LABEL_COUNT + NN_LABEL_ROWS];
        float is = other->values[3][i * NN_LABEL_COUNT + NN_LABEL_ROWS];
        if (world->fold[world->examples[i].recording] == 1)
            ck_assert(was == is);
        else
            elsewhere = elsewhere || was != is;
    }
    ck_assert(elsewhere);
    bool use[RECORDINGS];
    for (uint32_t r = 0; r < RECORDINGS; r++)
        use[r] = world->fold[r] != 1;
    struct nn_decisions first;
    struct nn_decisions second;
    other->scores.scores[3] = world->scores.scores[3];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        other->scores.scores[share] = world->values[share];
    nn_decisions_learn(&world->scores, use, &first);
    nn_decisions_learn(&other->scores, use, &second);
    ck_assert_mem_eq(&first, &second, sizeof first);
    free(other);
    free(world);
}
END_TEST

START_TEST(decisions_part_what_can_be_parted)
{
    struct world *world = make_world(2.0);
    struct nn_decisions decisions;
    nn_decisions_learn(&world->scores, NULL, &decisions);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        uint32_t undecided = 0;
        for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
            const struct nn_decision *at = &decisions.at[share][k];
            ck_assert(0.0F <= at->low && at->low <= at->threshold);
            ck_assert(at->threshold <= at->high && at->high <= 1.0F);
        }
        for (uint32_t i = 0; i < N; i++)
            undecided += nn_decide(&decisions.at[NN_SHARE_FULL][k],
                                   world->values[NN_SHARE_FULL][i * NN_LABEL_COUNT + k]) < 0;
        ck_assert_uint_le(undecided, N / 10 + 1);
    }
    /* Into a calibration's knots and out again. */
    struct nn_calibration calibration = {.n = NN_SHARE_COUNT};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        calibration.knots[share].seen = (float)nn_share(share);
    nn_decisions_store(&decisions, &calibration);
    struct nn_decisions again = nn_decisions_of(&calibration);
    ck_assert_mem_eq(&decisions, &again, sizeof decisions);
    free(world);
}
END_TEST

START_TEST(decide_has_three_answers)
{
    struct nn_decision decision = {.threshold = 0.4F, .low = 0.3F, .high = 0.6F};
    ck_assert_int_eq(nn_decide(&decision, 0.6F), 1);
    ck_assert_int_eq(nn_decide(&decision, 0.59F), -1);
    ck_assert_int_eq(nn_decide(&decision, 0.4F), -1);
    ck_assert_int_eq(nn_decide(&decision, 0.31F), -1);
    ck_assert_int_eq(nn_decide(&decision, 0.3F), 0);
    decision = nn_decision_default();
    ck_assert_int_eq(nn_decide(&decision, 0.5F), 1);
    ck_assert_int_eq(nn_decide(&decision, 0.4999F), 0);
}
END_TEST

START_TEST(truths_follow_votes)
{
    struct nn_example example = {.responses = 2.0F};
    ck_assert_int_eq(nn_decision_truth(&example, NN_DECISION_BAD), -1);
    example.wanted[NN_LABEL_BAD_BLURRY] = 0.5F;
    ck_assert_int_eq(nn_decision_truth(&example, NN_LABEL_BAD_BLURRY), 1);
    ck_assert_int_eq(nn_decision_truth(&example, NN_DECISION_BAD), 1);
    example.wanted[NN_LABEL_ROWS] = 1.0F;
    ck_assert_int_eq(nn_decision_truth(&example, NN_DECISION_BAD), -1);
    example.wanted[NN_LABEL_BAD_BLURRY] = 0.4F;
    ck_assert_int_eq(nn_decision_truth(&example, NN_DECISION_BAD), 0);
    const float bad[NN_LABEL_COUNT] = {0.1F, 0.1F, 0.1F, 0.1F, 0.5F, 0.9F};
    /* .9 x .6561 against .1 x .3439. */
    ck_assert_float_eq_tol(nn_calibration_bad(bad), 0.59049F / (0.59049F + 0.03439F), 1e-5F);
}
END_TEST

START_TEST(figures_of_perfect_scores_are_perfect)
{
    struct world *world = make_world(2.0);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        for (uint32_t i = 0; i < N; i++)
            for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
                float logit = world->examples[i].wanted[k] > 0.5F ? 9.0F : -9.0F;
                world->logits[share][i * NN_LABEL_COUNT + k] = logit;
                world->values[share][i * NN_LABEL_COUNT + k] = 1.0F / (1.0F + expf(-logit));
            }
    struct nn_report *report = report_of(world, 20);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        const struct nn_report_share *at = &report->figures.shares[share];
        const struct nn_figure *mean = at->labels[NN_REPORT_MEAN];
        ck_assert_double_eq_tol(mean[NN_MEASURE_AUC].value, 1.0, 1e-12);
        ck_assert_double_eq_tol(mean[NN_MEASURE_ACCURACY].low, 1.0, 1e-12);
        ck_assert_double_eq_tol(mean[NN_MEASURE_SENSITIVITY].value, 1.0, 1e-12);
        ck_assert_double_eq_tol(mean[NN_MEASURE_MATTHEWS].value, 1.0, 1e-12);
        ck_assert_double_lt(mean[NN_MEASURE_CALIBRATION].value, 0.001);
        ck_assert_double_eq(mean[NN_MEASURE_UNDECIDED].value, 0.0);
        ck_assert_double_eq(at->bad_accuracy.value, 1.0);
        ck_assert_double_eq(at->class_accuracy.value, 1.0);
        ck_assert_double_eq(at->rejected.value, 1.0);
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
                ck_assert_double_eq(at->confusion[k][j].value,
                                    report->figures.together[k][j].value);
    }
    /* All is known after 16 of 128 lines. */
    ck_assert_double_eq_tol(report->figures.sequence_mean.seen.value, 0.125, 1e-12);
    ck_assert_double_eq_tol(report->figures.sequence_mean.cost.value, 0.0, 1e-12);
    ck_assert_double_eq_tol(report->figures.rejected_after.value, 0.125, 1e-12);
    ck_assert_uint_eq(report->n_alarms[0] + report->n_misses[0], 0);
    free(report);
    free(world);
}
END_TEST

START_TEST(figures_grow_with_what_is_known)
{
    struct world *world = make_world(1.5);
    world->examples[7].picture.height = 3; /* stopped early: not counted */
    world->fold[5] = UINT32_MAX;           /* not judged: nor this recording */
    struct nn_report *report = report_of(world, 200);
    struct nn_report *again = report_of(world, 200);
    ck_assert_uint_eq(report->frames, 5 * EACH - 1);
    ck_assert_uint_eq(report->recordings, 5);
    const struct nn_report_share *early = &report->figures.shares[0];
    const struct nn_report_share *full = &report->figures.shares[NN_SHARE_FULL];
    const struct nn_figure *auc = &full->labels[NN_REPORT_MEAN][NN_MEASURE_AUC];
    ck_assert_double_gt(auc->value, 0.95);
    ck_assert_double_lt(early->labels[NN_REPORT_MEAN][NN_MEASURE_AUC].value, 0.75);
    ck_assert(auc->low < auc->value && auc->value < auc->high);
    ck_assert_mem_eq(&report->figures, &again->figures, sizeof report->figures);
    const struct nn_report_sequence *sequence = &report->figures.sequence_mean;
    ck_assert(sequence->seen.value > 0.125 && sequence->seen.value < 1.0);
    ck_assert_double_lt(sequence->cost.value, 0.05);
    double before = 0.0;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        double decided = report->figures.shares[share].decided[0].value;
        ck_assert(decided >= before);
        before = decided;
    }
    ck_assert_double_eq(before, 1.0);
    /* Worst first. */
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t i = 0; i < report->n_misses[k]; i++)
            ck_assert_float_eq(world->examples[report->misses[k][i].example].wanted[k], 1.0F);
    bool use[RECORDINGS] = {true, true, true, true, true, false};
    ck_assert_double_eq_tol(nn_report_mean_auc(&world->dataset, world->logits[NN_SHARE_FULL], use),
                            auc->value, 1e-12);
    free(again);
    free(report);
    free(world);
}
END_TEST

START_TEST(the_second_human_comes_from_two_answers)
{
    struct world *world = make_world(1.5);
    /* Of the frames with two answers every other is split. */
    uint32_t n = 0;
    double both = 0.0;
    double split = 0.0;
    double neither = 0.0;
    for (uint32_t i = 0; i < N; i++) {
        float *wanted = &world->examples[i].wanted[NN_LABEL_DIMERS];
        if (world->examples[i].responses < 1.5F || world->examples[i].responses > 2.5F)
            continue;
        if (n++ % 2)
            *wanted = 0.5F;
        both += *wanted > 0.9F;
        neither += *wanted < 0.1F;
        split += n % 2 == 0;
    }
    struct nn_report_settings settings = {.humans_from_labels = true};
    struct nn_report *report;
    ck_assert_int_eq(nn_report_make(&world->scores, &settings, &report), 0);
    ck_assert_uint_eq(report->two_answers, n);
    ck_assert_double_eq_tol(report->humans[NN_LABEL_DIMERS].sensitivity,
                            2.0 * both / (2.0 * both + split), 1e-12);
    ck_assert_double_eq_tol(report->humans[NN_LABEL_DIMERS].specificity,
                            2.0 * neither / (2.0 * neither + split), 1e-12);
    ck_assert_double_eq(report->humans[NN_LABEL_ROWS].specificity, 1.0);
    ck_assert(isnan(report->figures.sequence_mean.seen.low));
    free(report);
    settings.humans_from_labels = false;
    ck_assert_int_eq(nn_report_make(&world->scores, &settings, &report), 0);
    ck_assert_double_eq(report->humans[NN_LABEL_TIP_CHANGE].sensitivity, 0.728);
    free(report);
    free(world);
}
END_TEST

START_TEST(one_fold_alone_has_nothing_to_learn_from)
{
    struct world *world = make_world(1.5);
    for (uint32_t r = 0; r < RECORDINGS; r++)
        world->fold[r] = r < 2 ? 0 : UINT32_MAX;
    for (uint32_t i = 0; i < PLANE; i++)
        world->values[NN_SHARE_FULL][i] = 1.0F / (1.0F + expf(-world->logits[NN_SHARE_FULL][i]));
    struct nn_report *report = report_of(world, 0);
    ck_assert_uint_eq(report->frames, 2 * EACH);
    /* At .5, for want of anything better, and never undecided. */
    ck_assert_double_eq(
        report->figures.shares[NN_SHARE_FULL].labels[NN_REPORT_MEAN][NN_MEASURE_UNDECIDED].value,
        0.0);
    free(report);
    world->fold[0] = world->fold[1] = UINT32_MAX;
    struct nn_report_settings settings = {.draws = 0};
    ck_assert_int_eq(nn_report_make(&world->scores, &settings, &report), -ENODATA);
    free(world);
}
END_TEST

/* A name of our own in the working folder of the tests. */
static const char *scratch(const char *ending)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/report-%ld%s", TEST_BINARY_DIR, (long)getpid(), ending);
    return path;
}

START_TEST(scores_survive_their_file)
{
    struct world *world = make_world(1.5);
    world->fold[4] = UINT32_MAX;
    calibrate(world);
    char error[200];
    struct nn_score_file *file = NULL;
    const char *path = scratch(".csv");
    ck_assert_int_eq(nn_scores_save(&world->scores, path), 0);
    ck_assert_msg(nn_scores_load(path, NULL, NULL, &file, error, sizeof error) == 0, "%s", error);
    ck_assert_uint_eq(file->scores.folds, 3);
    ck_assert_uint_eq(file->dataset->n, N);
    ck_assert_str_eq(file->dataset->recordings[2], "night, \"2\"");
    for (uint32_t i = 0; i < N; i++) {
        bool judged = world->examples[i].recording != 4;
        ck_assert(nn_scores_count(&file->scores, i) == judged);
        for (uint32_t share = 0; share < NN_SHARE_COUNT && judged; share++)
            for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
                size_t at = (size_t)i * NN_LABEL_COUNT + k;
                ck_assert(file->scores.logits[share][at] == world->logits[share][at]);
                ck_assert(file->scores.scores[share][at] == world->values[share][at]);
            }
    }
    nn_score_file_destroy(file);
    unlink(path);
    free(world);
}
END_TEST

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

/* A file of logits alone: two rows, `cell` as the second's first logit, `fold` as its fold. */
static void write_logits(const char *path, const char *fold, const char *cell)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs("width_px,height_px,fold,image,recording,responses", out);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(out, ",%s", nn_label_name((enum nn_label)k));
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            fprintf(out, ",%s@%u", nn_label_name((enum nn_label)k),
                    (unsigned)nn_share_lines(share));
    for (int row = 0; row < 2; row++) {
        fprintf(out, "\n4,4,%s,%d.png,%s,1,0,0,1,0,0,0", row ? fold : "0", row, row ? "b" : "a");
        for (int i = 0; i < NN_SHARE_COUNT * NN_LABEL_COUNT; i++)
            fprintf(out, ",%s", row && i == 0 ? cell : "0.5");
    }
    fputc('\n', out);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(odd_score_files_are_refused)
{
    char error[200];
    struct nn_score_file *file = NULL;
    const char *path = scratch(".odd.csv");
    static const struct {
        const char *fold;
        const char *cell;
        const char *reason; /* NULL: fine */
    } cases[] = {
        {"1", "0.25", NULL},
        {"0", "0.25", "two folds"},
        {"", "0.25", "two folds"},
        {"1", "much", "'much' is no number"},
        {"1", "nan", "'nan' is no number"},
        {"1", "", "'' is no number"},
        {"-1", "0.25", "'-1' is no number"},
        {"100000", "0.25", "'100000' is no number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_logits(path, cases[i].fold, cases[i].cell);
        int code = nn_scores_load(path, NULL, NULL, &file, error, sizeof error);
        ck_assert_int_eq(code, cases[i].reason ? -EBADMSG : 0);
        if (cases[i].reason)
            ck_assert_msg(strstr(error, cases[i].reason) != NULL, "'%s' does not say '%s'", error,
                          cases[i].reason);
        else {
            /* Calibrated here. */
            float score = file->scores.scores[0][2];
            ck_assert(score > 0.0F && score < 1.0F);
            nn_score_file_destroy(file);
        }
    }
    write_text(path, "image,recording,responses,asymmetries,individual_atoms,dimers,rows,"
                     "tip_change,bad_blurry\na.png,r,1,0,0,0,0,0,0\n");
    ck_assert_int_eq(nn_scores_load(path, NULL, NULL, &file, error, sizeof error), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, "'width_px'"));
    unlink(path);
    ck_assert_int_eq(nn_scores_load(path, NULL, NULL, &file, error, sizeof error), -ENOENT);
}
END_TEST

static char *written(const struct nn_report *report, const struct nn_report_about *about,
                     char format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    int error = format == 'h'   ? nn_report_write_html(out, report, about)
                : format == 'j' ? nn_report_write_json(out, report, about)
                                : nn_report_write_csv(out, report);
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(reports_are_written_whole)
{
    struct world *world = make_world(1.0);
    uint8_t gray[64] = {0};
    for (uint32_t i = 0; i < N; i++)
        world->examples[i].picture.gray = gray;
    struct nn_report *report = report_of(world, 10);
    struct nn_report_about about = {.title = "A <title>",
                                    .what = "what & whose",
                                    .warning = "beware",
                                    .command = "tipwright eval",
                                    .scores = &world->scores};
    char *page = written(report, &about, 'h');
    ck_assert_ptr_nonnull(strstr(page, "A &lt;title&gt;"));
    ck_assert_ptr_nonnull(strstr(page, "beware"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;&amp;&gt;.png")); /* of an image's name */
    ck_assert_ptr_nonnull(strstr(page, "data:image/png;base64,"));
    ck_assert_ptr_nonnull(strstr(page, "data:image/svg+xml;base64,"));
    ck_assert_ptr_nonnull(strstr(page, "</html>"));
    /* Nothing is fetched from elsewhere. */
    ck_assert_ptr_null(strstr(page, "src=\"http"));
    ck_assert_ptr_null(strstr(page, "href="));
    free(page);
    char *text = written(report, &about, 'j');
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(json);
    json_t *at = json_object_get(json_object_get(json, "figures"), "128");
    json_t *auc = json_object_get(json_object_get(at, "rows"), "roc_area");
    ck_assert_double_eq_tol(
        json_number_value(json_object_get(auc, "value")),
        report->figures.shares[NN_SHARE_FULL].labels[NN_LABEL_ROWS][NN_MEASURE_AUC].value, 1e-9);
    json_decref(json);
    free(text);
    char *table = written(report, &about, 'c');
    size_t lines = 0;
    for (const char *c = table; *c; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 1 + sizeof report->figures / sizeof(struct nn_figure));
    free(table);
    free(report);
    free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_fold_is_judged_by_the_others_only);
    tcase_add_test(tcase, decisions_part_what_can_be_parted);
    tcase_add_test(tcase, decide_has_three_answers);
    tcase_add_test(tcase, truths_follow_votes);
    tcase_add_test(tcase, figures_of_perfect_scores_are_perfect);
    tcase_add_test(tcase, figures_grow_with_what_is_known);
    tcase_add_test(tcase, the_second_human_comes_from_two_answers);
    tcase_add_test(tcase, one_fold_alone_has_nothing_to_learn_from);
    tcase_add_test(tcase, scores_survive_their_file);
    tcase_add_test(tcase, odd_score_files_are_refused);
    tcase_add_test(tcase, reports_are_written_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
