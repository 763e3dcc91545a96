/* Settings by name, schedules, what a network is asked for, and how training can go. */
#include "make_dataset.h"

#include "nn/crossval.h"
#include "nn/goal.h"
#include "nn/trainer.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set(struct nn_train_settings *settings, const char *name, const char *value)
{
    char reason[160] = "";
    int index = nn_settings_find(name);
    ck_assert_msg(index >= 0, "%s", name);
    ck_assert_msg(nn_settings_set(settings, (size_t)index, value, reason, sizeof reason) == 0,
                  "%s=%s %s", name, value, reason);
}

static void get(const struct nn_train_settings *settings, const char *name, char *ret_text)
{
    nn_settings_get(settings, (size_t)nn_settings_find(name), ret_text);
}

/* What a setting says of itself is what it takes, and changes nothing. */
START_TEST(settings_say_what_they_take)
{
    struct nn_train_settings settings = nn_settings_default();
    for (size_t i = 0; nn_settings_at(i); i++) {
        struct nn_train_settings again = settings;
        char text[NN_SETTING_TEXT];
        char reason[160] = "";
        nn_settings_get(&settings, i, text);
        ck_assert_msg(nn_settings_set(&again, i, text, reason, sizeof reason) == 0, "%s=%s %s",
                      nn_settings_at(i)->name, text, reason);
        char after[NN_SETTING_TEXT];
        nn_settings_get(&again, i, after);
        ck_assert_str_eq(text, after);
        ck_assert_int_eq(nn_settings_find(nn_settings_at(i)->name), (int)i);
    }
    set(&settings, "rate", "0.004");
    set(&settings, "optimiser", "nesterov");
    set(&settings, "planes", "turn height");
    set(&settings, "rising", "0 0 0 0 2.5 0");
    set(&settings, "closer", "0.7");
    char text[NN_SETTING_TEXT];
    get(&settings, "rate", text);
    ck_assert_str_eq(text, "0.004");
    get(&settings, "planes", text);
    ck_assert_str_eq(text, "height turn");
    get(&settings, "rising", text);
    ck_assert_str_eq(text, "0 0 0 0 2.5 0");
    ck_assert_int_eq(settings.optimiser.kind, NN_OPTIMISER_NESTEROV);
    ck_assert(settings.augment.closer > 0.699 && settings.augment.closer < 0.701);
}
END_TEST

START_TEST(wrong_settings_are_refused)
{
    static const char *const wrong[][2] = {
        {"rate", "fast"},
        {"rate", "-1"},
        {"rate", "0.1 0.2"},
        {"rate", ""},
        {"rate", "nan"},
        {"epochs", "1.5"},
        {"epochs", "0"},
        {"optimiser", "adagrad"},
        {"optimiser", ""},
        {"rising", "1 2"},
        {"rising", "-1"},
        {"planes", "depth"},
        {"planes", ""},
        {"planes", "height,"},
        {"loss", "adam"},
        {"limit", "inf"},
        {"rising", "1 1 1 1 1 1 1"},
    };
    struct nn_train_settings settings = nn_settings_default();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct nn_train_settings before = settings;
        char reason[160] = "";
        int index = nn_settings_find(wrong[i][0]);
        ck_assert_int_eq(
            nn_settings_set(&settings, (size_t)index, wrong[i][1], reason, sizeof reason), -EINVAL);
        ck_assert_str_ne(reason, "");
        ck_assert_mem_eq(&before, &settings, sizeof settings);
    }
    ck_assert_int_eq(nn_settings_find("speed"), -1);
}
END_TEST

/* Rates worked out by hand at the ends and middles of each schedule's parts. */
START_TEST(schedules_by_hand)
{
    static const struct {
        struct nn_schedule schedule;
        double done, rate;
    } cases[] = {
        {{NN_SCHEDULE_CONSTANT, 0.1F, 2.0F, 0, 0.0F}, 1.0, 0.05},
        {{NN_SCHEDULE_CONSTANT, 0.1F, 2.0F, 0, 0.0F}, 7.0, 0.1},
        {{NN_SCHEDULE_COSINE, 0.1F, 1.0F, 0, 0.5F}, 0.5, 0.05},
        {{NN_SCHEDULE_COSINE, 0.1F, 1.0F, 0, 0.5F}, 1.0, 0.1},
        {{NN_SCHEDULE_COSINE, 0.1F, 0.0F, 0, 0.5F}, 5.0, 0.05},
        {{NN_SCHEDULE_COSINE, 0.1F, 0.0F, 0, 0.5F}, 10.0, 0.0},
        {{NN_SCHEDULE_COSINE, 0.1F, 0.0F, 4, 0.5F}, 4.0, 0.0},
        {{NN_SCHEDULE_COSINE, 0.1F, 0.0F, 4, 0.5F}, 6.0, 0.025},
        {{NN_SCHEDULE_COSINE, 0.1F, 1.0F, 4, 0.5F}, 4.5, 0.025},
        {{NN_SCHEDULE_STEP, 0.1F, 0.0F, 3, 0.1F}, 3.0, 0.1},
        {{NN_SCHEDULE_STEP, 0.1F, 0.0F, 3, 0.1F}, 3.5, 0.01},
        {{NN_SCHEDULE_STEP, 0.1F, 0.0F, 3, 0.1F}, 7.0, 0.001},
        {{NN_SCHEDULE_ONE_CYCLE, 0.1F, 0.0F, 0, 0.0F}, 1.5, 0.052},
        {{NN_SCHEDULE_ONE_CYCLE, 0.1F, 0.0F, 0, 0.0F}, 3.0, 0.1},
        {{NN_SCHEDULE_ONE_CYCLE, 0.1F, 0.0F, 0, 0.0F}, 10.0, 0.00001},
        {{NN_SCHEDULE_EXPONENTIAL, 0.1F, 0.0F, 0, 0.5F}, 2.0, 0.025},
    };
    double rate = (double)nn_schedule_rate(&cases[_i].schedule, 10, cases[_i].done);
    ck_assert_double_eq_tol(rate, cases[_i].rate, 1e-7);
}
END_TEST

START_TEST(long_gradients_are_clipped)
{
    struct nn_optimiser_settings settings = {.kind = NN_OPTIMISER_SGD, .clip = 1.0F};
    struct nn_optimiser *optimiser;
    float weights[2] = {0.0F, 0.0F};
    const float steep[2] = {30.0F, -40.0F};
    const float flat[2] = {0.3F, -0.4F};
    ck_assert_int_eq(nn_optimiser_create(&settings, 2, &optimiser), 0);
    nn_optimiser_step(optimiser, 1.0F, steep, weights);
    ck_assert_double_eq_tol((double)weights[0], -0.6, 1e-6);
    ck_assert_double_eq_tol((double)weights[1], 0.8, 1e-6);
    nn_optimiser_step(optimiser, 1.0F, flat, weights);
    ck_assert_double_eq_tol((double)weights[0], -0.9, 1e-6);
    nn_optimiser_destroy(optimiser);
}
END_TEST

static const struct nn_example voted = {.responses = 2.0F,
                                        .wanted = {0.5F, 0.0F, 1.0F, 0.0F, 0.25F, 0.0F}};

static struct nn_goal plain_goal(void)
{
    return nn_settings_default().goal;
}

START_TEST(votes_become_targets)
{
    struct nn_goal goal = plain_goal();
    struct nn_goal_view view = {.example = &voted, .rows = 1, .seen = 1.0F, .only = -1};
    float wanted[NN_LABEL_COUNT];
    float weights[NN_LABEL_COUNT];
    nn_goal_fill(&goal, &view, wanted, weights);
    ck_assert_mem_eq(wanted, voted.wanted, sizeof wanted);
    ck_assert_double_eq_tol((double)weights[0], sqrt(2.0), 1e-6);

    goal.trust = NN_TRUST_COUNT;
    goal.threshold = 0.5F;
    goal.smoothing = 0.2F;
    nn_goal_fill(&goal, &view, wanted, weights);
    ck_assert_double_eq_tol((double)wanted[0], 0.9, 1e-6);
    ck_assert_double_eq_tol((double)wanted[1], 0.1, 1e-6);
    ck_assert_double_eq_tol((double)wanted[4], 0.1, 1e-6);
    ck_assert_double_eq_tol((double)weights[3], 2.0, 1e-6);

    /* A positive vote that counts three times: of .25, .75 against .75. */
    goal = plain_goal();
    goal.trust = NN_TRUST_EQUAL;
    goal.class_weights[NN_LABEL_TIP_CHANGE] = 3.0F;
    view.only = NN_LABEL_TIP_CHANGE;
    nn_goal_fill(&goal, &view, wanted, weights);
    ck_assert_double_eq_tol((double)wanted[4], 0.5, 1e-6);
    ck_assert_double_eq_tol((double)weights[4], 1.5, 1e-6);
    ck_assert(weights[0] == 0.0F && weights[5] == 0.0F);
}
END_TEST

START_TEST(balance_makes_up_for_rare_labels)
{
    struct nn_dataset *dataset = make_dataset();
    uint32_t order[EXAMPLES];
    double rows = 0.0;
    for (uint32_t i = 0; i < EXAMPLES; i++) {
        order[i] = i;
        rows += (double)dataset->examples[i].wanted[NN_LABEL_ROWS];
    }
    struct nn_goal goal = plain_goal();
    goal.balance = 1.0F;
    struct nn_goal balanced = nn_goal_balanced(&goal, dataset, order, EXAMPLES);
    ck_assert_double_eq_tol((double)balanced.class_weights[NN_LABEL_ROWS], (EXAMPLES - rows) / rows,
                            1e-5);
    ck_assert(balanced.class_weights[NN_LABEL_TIP_CHANGE] == 1.0F);
    nn_dataset_destroy(dataset);
}
END_TEST

/* Rows of one label sum to one; early rows of a rising label weigh less; unseen ones nothing. */
START_TEST(rows_are_weighed)
{
    enum { ROWS = 8 };
    struct nn_goal goal = plain_goal();
    goal.trust = NN_TRUST_EQUAL;
    goal.first_row = 0.25F;
    goal.rising[NN_LABEL_TIP_CHANGE] = 2.0F;
    struct nn_goal_view view = {.example = &voted, .rows = ROWS, .seen = 1.0F, .only = -1};
    float wanted[NN_LABEL_COUNT * ROWS];
    float weights[NN_LABEL_COUNT * ROWS];
    nn_goal_fill(&goal, &view, wanted, weights);
    const float *dimers = weights + NN_LABEL_DIMERS * ROWS;
    const float *change = weights + NN_LABEL_TIP_CHANGE * ROWS;
    ck_assert(dimers[0] == 0.0F);
    ck_assert_double_eq_tol((double)dimers[1], 1.0 / 7.0, 1e-6);
    ck_assert_double_eq_tol((double)dimers[7], 1.0 / 7.0, 1e-6);
    double sum = 0.0;
    for (int r = 0; r < ROWS; r++)
        sum += (double)change[r];
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
    ck_assert_double_eq_tol((double)(change[7] / change[3]), 4.0, 1e-5);
    ck_assert(wanted[NN_LABEL_DIMERS * ROWS + 5] == 1.0F);

    view.seen = 0.5F;
    nn_goal_fill(&goal, &view, wanted, weights);
    ck_assert_double_eq_tol((double)dimers[3], 1.0 / 7.0, 1e-6);
    ck_assert(dimers[4] == 0.0F && change[7] == 0.0F);
}
END_TEST

/* The loss of the mixture is the mixture of the losses. */
START_TEST(mixtures_mix_losses)
{
    float wanted_a[3] = {1.0F, 0.0F, 0.5F};
    float wanted_b[3] = {0.0F, 0.0F, 1.0F};
    float weights_a[3] = {1.0F, 2.0F, 0.0F};
    float weights_b[3] = {3.0F, 0.5F, 1.0F};
    const float logits[3] = {0.7F, -1.1F, 0.2F};
    float grad[3];
    struct nn_targets a = {1, 3, 1, wanted_a, weights_a};
    struct nn_targets b = {1, 3, 1, wanted_b, weights_b};
    double loss_a = nn_loss(NN_LOSS_BINARY, &a, logits, grad);
    double loss_b = nn_loss(NN_LOSS_BINARY, &b, logits, grad);
    nn_goal_mix(0.3F, 3, (float *[2]){wanted_a, wanted_b}, (float *[2]){weights_a, weights_b});
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_BINARY, &a, logits, grad), 0.3 * loss_a + 0.7 * loss_b,
                            1e-5);
    ck_assert_double_eq_tol(nn_loss(NN_LOSS_BINARY, &b, logits, grad), 0.3 * loss_b + 0.7 * loss_a,
                            1e-5);
}
END_TEST

static struct nn_crossval *cross(const struct nn_dataset *dataset,
                                 const struct nn_crossval_settings *settings)
{
    struct nn_crossval *crossval = NULL;
    ck_assert_int_eq(nn_crossval_run(dataset, settings, &crossval), 0);
    return crossval;
}

static unsigned count_right(const struct nn_dataset *dataset, const struct nn_crossval *crossval)
{
    unsigned right = 0;
    for (uint32_t i = 0; i < EXAMPLES; i++) {
        const float *logits = crossval->together.at[NN_SHARE_FULL] + i * NN_LABEL_COUNT;
        right += (logits[NN_LABEL_ROWS] > logits[NN_LABEL_DIMERS]) ==
                 (dataset->examples[i].wanted[NN_LABEL_ROWS] > 0.5F);
    }
    return right;
}

/* Ways to train that must all still learn what is easy. */
START_TEST(every_way_learns)
{
    static const char *const ways[][6] = {
        {"optimiser", "nesterov", "momentum", "0.9", "rate", "0.05"},
        {"optimiser", "sgd", "schedule", "one-cycle", "rate", "0.2"},
        {"mixup", "0.4", "clip", "1", "schedule", "step"},
        {"balance", "1", "smoothing", "0.1", "threshold", "0.5"},
        {"streaks", "0.5", "missing", "0.2", "bad", "0.1"},
        {"gamma", "1.5", "contrast", "1.5", "schedule", "exponential"},
        {"loss", "squared", "trust", "count", "rate", "0.05"},
        {"loss", "categorical", "trust", "equal", "planes", "height seen"},
    };
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {
        .train = make_settings(), .folds = 2, .only_fold = 0, .members = 1, .threads = 1};
    for (int k = 0; k < 6; k += 2)
        set(&settings.train, ways[_i][k], ways[_i][k + 1]);
    set(&settings.train, "epochs", "16");
    set(&settings.train, "cycle", "0");
    set(&settings.train, "factor", "0.9");
    struct nn_crossval *crossval = cross(dataset, &settings);
    const struct nn_crossval_training *run = &crossval->runs[0];
    ck_assert_uint_eq(crossval->n_runs, 1);
    ck_assert_uint_eq(run->epochs, 16);
    ck_assert_msg(run->history[15].check > 0.85F, "%s: %g", ways[_i][0],
                  (double)run->history[15].check);
    nn_crossval_destroy(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

static const struct nn_layer_spec row_layers[] = {
    {.kind = NN_LAYER_CONV,
     .units = 6,
     .kernel_rows = 3,
     .kernel_cols = 3,
     .stride_rows = 2,
     .stride_cols = 2,
     .padding_left = 1,
     .padding_right = 1,
     .causal = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_NOISE, .permille = 20},
    {.kind = NN_LAYER_PREFIX_POOL},
    {.kind = NN_LAYER_GRU, .units = 8},
    {.kind = NN_LAYER_CONV,
     .units = NN_LABEL_COUNT,
     .kernel_rows = 1,
     .kernel_cols = 1,
     .stride_rows = 1,
     .stride_cols = 1,
     .causal = 1,
     .bias = 1},
};

static float right_at(const struct nn_dataset *dataset, const struct nn_crossval *crossval,
                      uint32_t share)
{
    bool use[RECORDINGS];
    float area;
    for (uint32_t r = 0; r < RECORDINGS; r++)
        use[r] = crossval->fold[r] == 0;
    ck_assert_int_eq(
        nn_train_area(dataset, use, NN_LABEL_ROWS, crossval->together.at[share], &area), 0);
    return area;
}

/* A verdict after every row learns from whole frames what it says of parts of them; rows that do
 * not count do not learn. */
START_TEST(rows_learn)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {
        .train = make_settings(), .folds = 2, .only_fold = 0, .members = 1, .threads = 1};
    settings.train.layers = row_layers;
    settings.train.n_layers = sizeof row_layers / sizeof *row_layers;
    set(&settings.train, "scaling", "frozen");
    set(&settings.train, "whole", "0.8");
    set(&settings.train, "epochs", "20");
    set(&settings.train, "cycle", "0");
    set(&settings.train, "clip", "1");
    struct nn_crossval *crossval = cross(dataset, &settings);
    ck_assert(right_at(dataset, crossval, NN_SHARE_FULL) > 0.9F);
    ck_assert(right_at(dataset, crossval, NN_SHARE_FULL - 2) > 0.8F);
    nn_crossval_destroy(crossval);

    /* With the last row's weight alone, early rows are asked for nothing. */
    set(&settings.train, "first_row", "1");
    set(&settings.train, "whole", "0");
    set(&settings.train, "seen_min", "0.1");
    crossval = cross(dataset, &settings);
    const struct nn_epoch *last = &crossval->runs[0].history[19];
    ck_assert(last->loss >= 0.0F && last->loss < 0.5F);
    nn_crossval_destroy(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(stops_early_and_keeps_the_best)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_train_settings settings = make_settings();
    set(&settings, "patience", "2");
    set(&settings, "epochs", "40");
    const bool use[RECORDINGS] = {true, true, false, false};
    const bool validate[RECORDINGS] = {false, false, true, false};
    struct nn_train_part part = {.use = use, .validate = validate, .only = -1};
    struct nn_trainer *trainer = NULL;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &trainer), 0);
    size_t n;
    float *best = NULL;
    float top = -1.0F;
    while (!nn_trainer_finished(trainer)) {
        ck_assert_int_eq(nn_trainer_epoch(trainer), 0);
        uint32_t epoch = nn_trainer_epochs_done(trainer);
        float check = nn_trainer_history(trainer)[epoch - 1].check;
        if (check > top) {
            const float *weights = nn_network_weights(nn_trainer_network(trainer), &n);
            best = realloc(best, n * sizeof *best);
            memcpy(best, weights, n * sizeof *best);
            ck_assert_uint_eq(nn_trainer_best_epoch(trainer), epoch);
            top = check;
        }
    }
    uint32_t epochs = nn_trainer_epochs_done(trainer);
    ck_assert_uint_lt(epochs, 40);
    ck_assert_uint_eq(nn_trainer_best_epoch(trainer) + 2, epochs);
    ck_assert_mem_eq(nn_network_weights(nn_trainer_network(trainer), &n), best, n * sizeof *best);
    part.validate = NULL;
    struct nn_trainer *none = NULL;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &none), -EINVAL);
    free(best);
    nn_trainer_destroy(trainer);
    nn_dataset_destroy(dataset);
}
END_TEST

/* A training with everything switched on, cut after each epoch, goes on to the same bits. */
START_TEST(resumes_with_everything_on)
{
    static const char checkpoint[] = TEST_BINARY_DIR "/test_train.checkpoint";
    struct nn_dataset *dataset = make_dataset();
    struct nn_train_settings settings = make_settings();
    set(&settings, "patience", "3");
    set(&settings, "mixup", "0.3");
    set(&settings, "streaks", "0.3");
    set(&settings, "missing", "0.1");
    set(&settings, "optimiser", "nesterov");
    set(&settings, "also_share", "0.4");
    struct nn_dataset *also = make_dataset();
    settings.also = also;
    const bool use[RECORDINGS] = {true, true, false, false};
    const bool validate[RECORDINGS] = {false, false, true, false};
    struct nn_train_part part = {.use = use, .validate = validate, .only = -1};
    struct nn_trainer *through = NULL;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &through), 0);
    while (!nn_trainer_finished(through))
        ck_assert_int_eq(nn_trainer_epoch(through), 0);
    bool finished = false;
    for (uint32_t epoch = 0; !finished; epoch++) {
        struct nn_trainer *cut = NULL;
        ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &cut), 0);
        ck_assert_int_eq(epoch ? nn_trainer_resume(cut, checkpoint) : 0, 0);
        ck_assert_uint_eq(nn_trainer_epochs_done(cut), epoch);
        ck_assert_int_eq(nn_trainer_epoch(cut), 0);
        ck_assert_int_eq(nn_trainer_save(cut, checkpoint), 0);
        finished = nn_trainer_finished(cut);
        if (finished) {
            size_t n;
            const float *a = nn_network_weights(nn_trainer_network(through), &n);
            const float *b = nn_network_weights(nn_trainer_network(cut), &n);
            ck_assert_mem_eq(a, b, n * sizeof *a);
            ck_assert_uint_eq(nn_trainer_epochs_done(cut), nn_trainer_epochs_done(through));
            for (uint32_t e = 0; e <= epoch; e++)
                ck_assert_mem_eq(&nn_trainer_history(cut)[e], &nn_trainer_history(through)[e],
                                 sizeof(struct nn_epoch));
        }
        nn_trainer_destroy(cut);
    }
    nn_trainer_destroy(through);
    nn_dataset_destroy(also);
    nn_dataset_destroy(dataset);
    unlink(checkpoint);
}
END_TEST

/* Weights to begin with are those a training has before it learns, and bind its checkpoints. */
START_TEST(begins_with_given_weights)
{
    static const char checkpoint[] = TEST_BINARY_DIR "/test_train.start";
    struct nn_dataset *dataset = make_dataset();
    struct nn_train_settings settings = make_settings();
    const bool use[RECORDINGS] = {true, true, true, false};
    struct nn_train_part part = {.use = use, .only = -1};
    struct nn_trainer *first = NULL;
    struct nn_trainer *second = NULL;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &first), 0);
    ck_assert_int_eq(nn_trainer_epoch(first), 0);
    struct nn_network *start = nn_trainer_network(first);
    settings.start = start;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &second), 0);
    size_t n;
    const float *given = nn_network_weights(start, &n);
    ck_assert_mem_eq(nn_network_weights(nn_trainer_network(second), &n), given, n * sizeof *given);
    given = nn_network_stats(start, &n);
    ck_assert_mem_eq(nn_network_stats(nn_trainer_network(second), &n), given, n * sizeof *given);

    ck_assert_int_eq(nn_trainer_epoch(second), 0);
    ck_assert_int_eq(nn_trainer_save(second, checkpoint), 0);
    ck_assert_int_eq(nn_trainer_resume(second, checkpoint), 0);
    nn_trainer_destroy(second);
    nn_network_weights(start, &n)[0] += 1e-3F;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &second), 0);
    ck_assert_int_eq(nn_trainer_resume(second, checkpoint), -EPROTO);
    nn_trainer_destroy(second);

    settings.layers = row_layers;
    settings.n_layers = sizeof row_layers / sizeof *row_layers;
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &second), -EINVAL);
    nn_trainer_destroy(first);
    nn_dataset_destroy(dataset);
    unlink(checkpoint);
}
END_TEST

/* Few examples are drawn from the recordings learned from, and are among the more. */
START_TEST(learns_from_few)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_train_settings settings = make_settings();
    const bool use[RECORDINGS] = {true, true, true, false};
    struct nn_train_part part = {.use = use, .only = -1};
    struct nn_trainer *few = NULL;
    struct nn_trainer *more = NULL;
    set(&settings, "examples", "5");
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &few), 0);
    set(&settings, "examples", "20");
    ck_assert_int_eq(nn_trainer_create(dataset, &settings, &part, &more), 0);
    ck_assert_uint_eq(few->n, 5);
    ck_assert_uint_eq(more->n, 20);
    ck_assert_mem_eq(few->order, more->order, 5 * sizeof *few->order);
    uint32_t at_start = 0;
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert(use[dataset->examples[more->order[i]].recording]);
        at_start += more->order[i] < 20;
    }
    ck_assert_uint_lt(at_start, 20);
    ck_assert_int_eq(nn_trainer_epoch(few), 0);
    nn_trainer_destroy(few);
    nn_trainer_destroy(more);
    nn_dataset_destroy(dataset);
}
END_TEST

static struct nn_trainer *learn_also(const struct nn_dataset *dataset,
                                     struct nn_train_settings *settings,
                                     const struct nn_dataset *also)
{
    static const bool use[RECORDINGS] = {true, true, true, false};
    struct nn_train_part part = {.use = use, .only = -1};
    struct nn_trainer *trainer = NULL;
    settings->also = also;
    ck_assert_int_eq(nn_trainer_create(dataset, settings, &part, &trainer), 0);
    return trainer;
}

/* A further set makes up its share of each epoch, as far as there is so much of it. */
START_TEST(a_further_set_has_its_share)
{
    static const struct {
        const char *share;
        uint32_t n;
    } cases[] = {{"0", 0}, {"0.25", 12}, {"0.5", 36}, {"0.9", EXAMPLES}};
    struct nn_dataset *dataset = make_dataset();
    struct nn_dataset *also = make_dataset();
    struct nn_train_settings settings = make_settings();
    set(&settings, "also_share", cases[_i].share);
    struct nn_trainer *trainer = learn_also(dataset, &settings, also);
    ck_assert_uint_eq(trainer->n, 36);
    ck_assert_uint_eq(trainer->n_also, cases[_i].n);
    ck_assert_int_eq(nn_trainer_epoch(trainer), 0);
    nn_trainer_destroy(trainer);
    trainer = learn_also(dataset, &settings, NULL);
    ck_assert_uint_eq(trainer->n_also, 0);
    nn_trainer_destroy(trainer);
    nn_dataset_destroy(also);
    nn_dataset_destroy(dataset);
}
END_TEST

/* Examples whose voters disagree teach nothing; with a further set the left-out ones are told, and
 * another set is another training. */
START_TEST(learns_from_a_further_set)
{
    static const char checkpoint[] = TEST_BINARY_DIR "/test_train.also";
    struct nn_dataset *dataset = make_dataset();
    struct nn_dataset *also = make_dataset();
    struct nn_crossval_settings settings = {
        .train = make_settings(), .folds = 2, .only_fold = 0, .members = 1, .threads = 1};
    set(&settings.train, "epochs", "12");
    uint32_t fold[RECORDINGS];
    nn_dataset_split(dataset, 2, fold);
    for (uint32_t i = 0; i < EXAMPLES; i++)
        if (fold[dataset->examples[i].recording] != 0)
            for (int k = 0; k < NN_LABEL_COUNT; k++)
                dataset->examples[i].wanted[k] = 0.5F;
    struct nn_crossval *alone = cross(dataset, &settings);
    settings.train.also = also;
    struct nn_crossval *both = cross(dataset, &settings);
    ck_assert(right_at(dataset, alone, NN_SHARE_FULL) < 0.9F);
    ck_assert(right_at(dataset, both, NN_SHARE_FULL) > 0.95F);
    ck_assert_uint_eq(both->n, EXAMPLES);
    nn_crossval_destroy(alone);
    nn_crossval_destroy(both);

    struct nn_trainer *trainer = learn_also(dataset, &settings.train, also);
    ck_assert_int_eq(nn_trainer_save(trainer, checkpoint), 0);
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), 0);
    nn_trainer_destroy(trainer);
    also->examples[3].wanted[0] = 0.5F;
    trainer = learn_also(dataset, &settings.train, also);
    ck_assert_int_eq(nn_trainer_resume(trainer, checkpoint), -EPROTO);
    nn_trainer_destroy(trainer);
    nn_dataset_destroy(also);
    nn_dataset_destroy(dataset);
    unlink(checkpoint);
}
END_TEST

/* With patience, what stops a fold is another fold, and the last trainings know how long. */
START_TEST(stopping_leaves_figures_honest)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {
        .train = make_settings(), .folds = 4, .only_fold = UINT32_MAX, .members = 1, .threads = 2};
    set(&settings.train, "patience", "1");
    struct nn_crossval *crossval = cross(dataset, &settings);
    uint32_t sum = 0;
    for (uint32_t i = 1; i < crossval->n_runs; i++)
        sum += crossval->runs[i].best_epoch;
    ck_assert_uint_eq(crossval->runs[0].fold, 4);
    ck_assert_uint_eq(crossval->runs[0].epochs, (sum + 2) / 4);

    /* Changed labels of the left-out fold change nothing in its training. */
    for (uint32_t i = 0; i < EXAMPLES; i++)
        if (crossval->fold[dataset->examples[i].recording] == 1)
            for (int k = 0; k < NN_LABEL_COUNT; k++)
                dataset->examples[i].wanted[k] = 1.0F - dataset->examples[i].wanted[k];
    settings.only_fold = 1;
    struct nn_crossval *changed = cross(dataset, &settings);
    ck_assert_uint_eq(changed->n_runs, 1);
    ck_assert_uint_eq(crossval->runs[2].fold, 1);
    ck_assert_uint_eq(changed->runs[0].epochs, crossval->runs[2].epochs);
    ck_assert_mem_eq(changed->runs[0].history, crossval->runs[2].history,
                     crossval->runs[2].epochs * sizeof(struct nn_epoch));
    nn_crossval_destroy(changed);

    settings.folds = 2;
    changed = NULL;
    ck_assert_int_eq(nn_crossval_run(dataset, &settings, &changed), -EINVAL);
    nn_crossval_destroy(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(members_differ_and_are_averaged)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {
        .train = make_settings(), .folds = 2, .only_fold = UINT32_MAX, .members = 2, .threads = 2};
    struct nn_crossval *crossval = cross(dataset, &settings);
    ck_assert_uint_eq(crossval->n_runs, 6);
    ck_assert_uint_eq(nn_crossval_member_count(crossval), 2);
    struct nn_crossval_member members[2];
    nn_crossval_members(crossval, dataset, members);
    size_t n;
    const float *a = nn_network_weights(members[0].network, &n);
    const float *b = nn_network_weights(members[1].network, &n);
    ck_assert_mem_ne(a, b, n * sizeof *a);
    for (size_t i = 0; i < (size_t)EXAMPLES * NN_LABEL_COUNT; i++) {
        float x = crossval->logits[0].at[NN_SHARE_FULL][i];
        float y = crossval->logits[1].at[NN_SHARE_FULL][i];
        ck_assert_double_eq_tol((double)crossval->together.at[NN_SHARE_FULL][i],
                                0.5 * ((double)x + (double)y), 1e-5);
    }
    ck_assert_uint_ge(count_right(dataset, crossval), EXAMPLES * 9 / 10);
    float scores[EXAMPLES * NN_LABEL_COUNT];
    nn_crossval_scores(crossval, NN_MEMBERS_ALL, dataset, NN_SHARE_FULL, scores);
    float one[EXAMPLES * NN_LABEL_COUNT];
    float two[EXAMPLES * NN_LABEL_COUNT];
    nn_crossval_scores(crossval, 0, dataset, NN_SHARE_FULL, one);
    nn_crossval_scores(crossval, 1, dataset, NN_SHARE_FULL, two);
    for (uint32_t i = 0; i < EXAMPLES * NN_LABEL_COUNT; i++)
        ck_assert_float_eq_tol(scores[i], 0.5F * (one[i] + two[i]), 1e-6F);
    for (uint32_t i = 0; i < EXAMPLES * NN_LABEL_COUNT; i++)
        ck_assert(scores[i] > 0.0F && scores[i] < 1.0F);
    nn_crossval_destroy(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

/* Six networks of one output each, whose outputs are what was scored for their labels. */
START_TEST(one_network_per_label)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {.train = make_settings(),
                                            .folds = 2,
                                            .only_fold = 0,
                                            .members = 1,
                                            .one_per_label = true,
                                            .threads = 2};
    struct nn_crossval *crossval = cross(dataset, &settings);
    struct nn_crossval_member members[NN_LABEL_COUNT];
    ck_assert_uint_eq(nn_crossval_member_count(crossval), NN_LABEL_COUNT);
    nn_crossval_members(crossval, dataset, members);
    bool use[RECORDINGS];
    for (uint32_t r = 0; r < RECORDINGS; r++)
        use[r] = crossval->fold[r] == 0;
    struct nn_input *input;
    double work[NN_INPUT_POINTS_MAX];
    settings.train.input.looks = 1;
    ck_assert_int_eq(nn_input_create(&settings.train.input, &input), 0);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++) {
        struct nn_workspace *workspace;
        ck_assert_int_eq(members[k].label, (int)k);
        ck_assert_uint_eq(nn_shape_size(nn_network_output(members[k].network)), 1);
        ck_assert_int_eq(nn_workspace_create(members[k].network, 1, false, &workspace), 0);
        for (uint32_t i = 0; i < EXAMPLES; i++) {
            const struct nn_picture *picture = &dataset->examples[i].picture;
            float planes[NN_PLANE_COUNT * 12 * 12];
            float mirrored[NN_PLANE_COUNT * 12 * 12];
            if (!use[dataset->examples[i].recording])
                continue;
            struct nn_view view = nn_view_plain(picture, 1.0);
            ck_assert_int_eq(nn_view_show(&view, picture, work, input), 0);
            nn_input_write(input, planes);
            nn_input_mirror(&settings.train.input, planes, mirrored);
            struct nn_batch batch = {.n = 1, .inputs = planes};
            double logit = (double)nn_network_judge(members[k].network, workspace, &batch)[0];
            batch.inputs = mirrored;
            logit += (double)nn_network_judge(members[k].network, workspace, &batch)[0];
            size_t at = (size_t)i * NN_LABEL_COUNT + k;
            ck_assert_double_eq_tol((double)crossval->together.at[NN_SHARE_FULL][at], 0.5 * logit,
                                    1e-3);
        }
        nn_workspace_destroy(workspace);
    }
    nn_input_destroy(input);
    nn_crossval_destroy(crossval);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(folds_can_be_the_members)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_crossval_settings settings = {.train = make_settings(),
                                            .folds = 3,
                                            .only_fold = UINT32_MAX,
                                            .members = 1,
                                            .fold_members = true,
                                            .threads = 2};
    struct nn_crossval *crossval = cross(dataset, &settings);
    ck_assert_uint_eq(crossval->n_runs, 3);
    ck_assert_uint_eq(nn_crossval_member_count(crossval), 3);
    struct nn_crossval_member members[3];
    nn_crossval_members(crossval, dataset, members);
    for (uint32_t m = 0; m < 3; m++) {
        bool own[RECORDINGS];
        for (uint32_t r = 0; r < RECORDINGS; r++)
            own[r] = crossval->fold[r] == m;
        struct nn_calibration calibration = nn_crossval_calibrate(crossval, 0, dataset, own);
        ck_assert_mem_eq(calibration.knots[NN_SHARE_FULL].scale,
                         members[m].calibration.knots[NN_SHARE_FULL].scale,
                         sizeof calibration.knots[0].scale);
    }
    nn_crossval_destroy(crossval);
    settings.folds = 0;
    crossval = NULL;
    ck_assert_int_eq(nn_crossval_run(dataset, &settings, &crossval), -EINVAL);
    nn_dataset_destroy(dataset);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("train");
    TCase *tcase = tcase_create("train");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_test(tcase, settings_say_what_they_take);
    tcase_add_test(tcase, wrong_settings_are_refused);
    tcase_add_loop_test(tcase, schedules_by_hand, 0, 16);
    tcase_add_test(tcase, long_gradients_are_clipped);
    tcase_add_test(tcase, votes_become_targets);
    tcase_add_test(tcase, balance_makes_up_for_rare_labels);
    tcase_add_test(tcase, rows_are_weighed);
    tcase_add_test(tcase, mixtures_mix_losses);
    tcase_add_loop_test(tcase, every_way_learns, 0, 8);
    tcase_add_test(tcase, rows_learn);
    tcase_add_test(tcase, stops_early_and_keeps_the_best);
    tcase_add_test(tcase, resumes_with_everything_on);
    tcase_add_test(tcase, begins_with_given_weights);
    tcase_add_test(tcase, learns_from_few);
    tcase_add_loop_test(tcase, a_further_set_has_its_share, 0, 4);
    tcase_add_test(tcase, learns_from_a_further_set);
    tcase_add_test(tcase, stopping_leaves_figures_honest);
    tcase_add_test(tcase, members_differ_and_are_averaged);
    tcase_add_test(tcase, one_network_per_label);
    tcase_add_test(tcase, folds_can_be_the_members);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
