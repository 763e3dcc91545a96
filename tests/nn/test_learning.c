/* Losses, optimisers, calibration, and trainings that can be interrupted. */
#include "make_dataset.h"

#include "nn/bytes.h"
#include "nn/crossval.h"
#include "nn/loss.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(loss_gradients)
{
    /* One sample of three labels in two rows, and another. */
    const float wanted[12] = {1.0F, 0.2F, 0.0F, 0.5F, 0.0F, 0.3F,
                              0.1F, 0.0F, 0.1F, 0.0F, 0.8F, 1.0F};
    const float weights[12] = {2.0F, 0.5F, 2.0F, 0.5F, 2.0F, 0.5F,
                               1.0F, 0.0F, 1.0F, 0.0F, 1.0F, 0.0F};
    float logits[12] = {0.3F, 0.0F, -1.2F, 0.7F, 2.0F, -3.0F, 0.1F, 0.4F, -0.6F, 0.2F, 0.9F, 1.5F};
    float grad[12];
    float unused[12];
    enum nn_loss_kind kind = (enum nn_loss_kind)_i;
    struct nn_targets targets = {.n = 2, .k = 3, .rows = 2, .wanted = wanted, .weights = weights};
    nn_loss(kind, &targets, logits, grad);
    for (int i = 0; i < 12; i++) {
        float held = logits[i];
        logits[i] = held + 1e-2F;
        double up = nn_loss(kind, &targets, logits, unused);
        logits[i] = held - 1e-2F;
        double down = nn_loss(kind, &targets, logits, unused);
        logits[i] = held;
        ck_assert_double_eq_tol((up - down) / 2e-2, (double)grad[i], 2e-4);
    }
}
END_TEST

START_TEST(losses_by_hand)
{
    const float one[2] = {1.0F, 1.0F};
    const float wanted[2] = {1.0F, 0.0F};
    const float logits[2] = {0.0F, 2.0F};
    float grad[2];
    struct nn_targets targets = {.n = 1, .k = 2, .rows = 1, .wanted = wanted, .weights = one};
    double binary = log(2.0) + log(1.0 + exp(2.0));
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_BINARY, &targets, logits, grad), binary, 1e-6);
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_CATEGORICAL, &targets, logits, grad),
                            log(1.0 + exp(2.0)), 1e-6);
    const float huge[2] = {-800.0F, 800.0F};
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_BINARY, &targets, huge, grad), 1600.0, 1e-3);
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_CATEGORICAL, &targets, huge, grad), 1600.0, 1e-3);
    ck_assert(isfinite(grad[0]) && isfinite(grad[1]));
}
END_TEST

/* First steps on w = 1 with gradient 0.5, worked out by hand from the formulas of the header. */
START_TEST(optimisers_by_hand)
{
    static const struct {
        struct nn_optimiser_settings settings;
        double after[2];
    } cases[] = {
        {{.kind = NN_OPTIMISER_SGD}, {0.95, 0.90}},
        {{.kind = NN_OPTIMISER_SGD, .momentum = 0.9F}, {0.95, 0.855}},
        {{.kind = NN_OPTIMISER_NESTEROV, .momentum = 0.9F}, {0.905, 0.7695}},
        {{.kind = NN_OPTIMISER_ADAM, .momentum = 0.9F, .beta2 = 0.999F, .epsilon = 1e-8F},
         {0.9, 0.8}},
        {{.kind = NN_OPTIMISER_SGD, .decay = 0.1F}, {0.94, 0.8806}},
    };
    struct nn_optimiser *optimiser;
    float weight = 1.0F;
    const float grad = 0.5F;
    ck_assert_int_eq(nn_optimiser_create(&cases[_i].settings, 1, &optimiser), 0);
    for (int step = 0; step < 2; step++) {
        nn_optimiser_step(optimiser, 0.1F, &grad, &weight);
        ck_assert_double_eq_tol((double)weight, cases[_i].after[step], 1e-5);
    }
    nn_optimiser_destroy(optimiser);
}
END_TEST

START_TEST(calibration_finds_the_line)
{
    enum { N = 4000 };
    static float logits[N];
    static float wanted[N];
    static float weights[N];
    struct nn_random random = nn_random_seed(1, 1, 1);
    for (int i = 0; i < N; i++) {
        logits[i] = (float)(3.0 * nn_random_normal(&random));
        wanted[i] = (float)(1.0 / (1.0 + exp(-(0.4 * (double)logits[i] - 1.0))));
        weights[i] = 1.0F;
    }
    float scale;
    float offset;
    nn_calibration_fit(N, logits, wanted, weights, &scale, &offset);
    ck_assert_double_eq_tol((double)scale, 0.4, 0.01);
    ck_assert_double_eq_tol((double)offset, -1.0, 0.01);
    nn_calibration_fit(0, logits, wanted, weights, &scale, &offset);
    ck_assert(scale == 1.0F && offset == 0.0F);
}
END_TEST

static struct nn_crossval *run(const struct nn_dataset *dataset, uint32_t threads)
{
    struct nn_crossval_settings settings = {.train = make_settings(),
                                            .folds = 2,
                                            .only_fold = UINT32_MAX,
                                            .members = 1,
                                            .threads = threads};
    struct nn_crossval *crossval = NULL;
    ck_assert_int_eq(nn_crossval_run(dataset, &settings, &crossval), 0);
    return crossval;
}

START_TEST(learns_and_does_not_depend_on_threads)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval *one = run(dataset, 1);
    struct nn_crossval *three = run(dataset, 3);
    size_t n;
    const float *a = nn_network_weights(one->runs[0].network, &n);
    const float *b = nn_network_weights(three->runs[0].network, &n);
    ck_assert_mem_eq(a, b, n * sizeof *a);
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        ck_assert_mem_eq(one->together.at[share], three->together.at[share],
                         sizeof(float) * EXAMPLES * NN_LABEL_COUNT);
    unsigned right = 0;
    for (uint32_t i = 0; i < EXAMPLES; i++) {
        const float *logits = one->together.at[NN_SHARE_FULL] + i * NN_LABEL_COUNT;
        right += (logits[NN_LABEL_ROWS] > logits[NN_LABEL_DIMERS]) ==
                 (dataset->examples[i].wanted[NN_LABEL_ROWS] > 0.5F);
    }
    ck_assert_uint_ge(right, EXAMPLES * 9 / 10);
    nn_crossval_destroy(one);
    nn_crossval_destroy(three);
    nn_dataset_destroy(dataset);
}
END_TEST

static const char checkpoint[] = TEST_BINARY_DIR "/test_learning.checkpoint";

static struct nn_trainer *make_trainer(const struct nn_dataset *dataset, uint64_t seed)
{
    const bool use[RECORDINGS] = {true, true, false, true};
    struct nn_train_settings settings = make_settings();
    settings.seed = seed;
    struct nn_trainer *trainer = NULL;
    struct nn_train_part part = {.use = use, .only = -1};
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &trainer), 0);
    return trainer;
}

START_TEST(resuming_ends_with_the_same_weights)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_trainer *through = make_trainer(dataset, 5);
    struct nn_trainer *resumed = make_trainer(dataset, 5);
    for (int epoch = 0; epoch < 5; epoch++) {
        ck_assert_int_eq(nn_trainer_epoch(through), 0);
        if (epoch == 2)
            ck_assert_int_eq(nn_trainer_save(through, checkpoint), 0);
    }
    ck_assert_int_eq(nn_trainer_resume(resumed, checkpoint), 0);
    ck_assert_uint_eq(nn_trainer_epochs_done(resumed), 3);
    for (int epoch = 3; epoch < 5; epoch++)
        ck_assert_int_eq(nn_trainer_epoch(resumed), 0);
    size_t n;
    const float *a = nn_network_weights(nn_trainer_network(through), &n);
    const float *b = nn_network_weights(nn_trainer_network(resumed), &n);
    ck_assert_mem_eq(a, b, n * sizeof *a);
    nn_trainer_destroy(through);
    nn_trainer_destroy(resumed);
    nn_dataset_destroy(dataset);
    unlink(checkpoint);
}
END_TEST

START_TEST(checkpoints_of_others_and_damaged_ones_are_refused)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_trainer *trainer = make_trainer(dataset, 5);
    struct nn_trainer *other = make_trainer(dataset, 6);
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), -ENOENT);
    ck_assert_int_eq(nn_trainer_save(trainer, checkpoint), 0);
    ck_assert_int_eq(nn_trainer_resume(other, checkpoint), -EPROTO);
    dataset->examples[0].wanted[0] = 0.25F;
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), -EPROTO);
    dataset->examples[0].wanted[0] = 0.0F;
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), 0);
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(nn_bytes_read_file(checkpoint, 1 << 24, &data, &size), 0);
    data[size / 2] ^= 4;
    ck_assert_int_eq(nn_bytes_write_file(checkpoint, data, size), 0);
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), -EBADMSG);
    ck_assert_int_eq(nn_bytes_write_file(checkpoint, data, size / 3), 0);
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), -EBADMSG);
    free(data);
    nn_trainer_destroy(trainer);
    nn_trainer_destroy(other);
    nn_dataset_destroy(dataset);
    unlink(checkpoint);
}
END_TEST

START_TEST(bad_settings_are_refused)
{
    struct nn_dataset *dataset = make_dataset();
    const bool all[RECORDINGS] = {true, true, true, true};
    const bool none[RECORDINGS] = {false};
    struct nn_trainer *trainer = NULL;
    struct nn_train_settings settings = make_settings();
    struct nn_train_part nothing = {.use = none, .only = -1};
    struct nn_train_part part = {.use = all, .only = -1};
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &nothing, &trainer), -EINVAL);
    settings.batch = 1;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &trainer), -EINVAL);
    settings = make_settings();
    settings.n_layers--;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &trainer), -EINVAL);
    struct nn_crossval *crossval = NULL;
    struct nn_crossval_settings folds = {
        .train = make_settings(), .folds = 5, .members = 1, .threads = 1};
    ck_assert_int_eq(nn_crossval_run(dataset, &folds, &crossval), -EINVAL);
    ck_assert_ptr_null(trainer);
    ck_assert_ptr_null(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning");
    TCase *tcase = tcase_create("learning");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_loop_test(tcase, loss_gradients, 0, 3);
    tcase_add_test(tcase, losses_by_hand);
    tcase_add_loop_test(tcase, optimisers_by_hand, 0, 5);
    tcase_add_test(tcase, calibration_finds_the_line);
    tcase_add_test(tcase, learns_and_does_not_depend_on_threads);
    tcase_add_test(tcase, resuming_ends_with_the_same_weights);
    tcase_add_test(tcase, checkpoints_of_others_and_damaged_ones_are_refused);
    tcase_add_test(tcase, bad_settings_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
