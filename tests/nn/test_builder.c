/* Training sets: how often a picture goes in, on which side, and what becomes of its pixels. */
#include "nn/builder_picture.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tables ---- */

static struct nn_dataset *make_dataset(uint32_t n, uint32_t recordings)
{
    struct nn_dataset *dataset = calloc(1, sizeof *dataset);
    dataset->examples = calloc(n, sizeof *dataset->examples);
    dataset->n = n;
    dataset->n_recordings = recordings;
    dataset->recordings = calloc(recordings, sizeof *dataset->recordings);
    for (uint32_t i = 0; i < recordings; i++)
        dataset->recordings[i] = calloc(1, 8);
    return dataset;
}

/* Means as people make them: up to eight votes, written with six digits. */
static struct nn_dataset *generated(uint32_t n)
{
    struct nn_random random = nn_random_seed(11, 0, 0);
    struct nn_dataset *dataset = make_dataset(n, 12);
    for (uint32_t i = 0; i < n; i++) {
        struct nn_example *example = &dataset->examples[i];
        uint32_t votes = 1 + nn_random_below(&random, 8);
        example->recording = nn_random_below(&random, 12);
        example->picture = (struct nn_picture){.width = 4, .height = i % 5 ? 4 : 3};
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            char text[16];
            uint32_t yes = 0;
            for (uint32_t v = 0; v < votes; v++)
                yes += nn_random_below(&random, 6) <= (uint32_t)k;
            snprintf(text, sizeof text, "%.6g", (double)yes / votes);
            example->wanted[k] = strtof(text, NULL);
        }
    }
    return dataset;
}

static struct nn_builder_plan *make_plan(const struct nn_dataset *dataset,
                                         struct nn_builder_options options)
{
    struct nn_builder_plan *plan;
    ck_assert_int_eq(nn_builder_plan(dataset, &options, &plan), 0);
    return plan;
}

/*
 * Copies as the scripts' report describes them: the range cut into R + 1 equal bins, a mean on an
 * inner edge or at the end lowered by 0.0001, bin k makes k copies. In whole numbers: the mean is
 * yes / votes with at most eight votes.
 */
static uint32_t copies_by_bins(double mean, uint32_t repeats)
{
    for (uint32_t votes = 1; votes <= 8; votes++)
        for (uint32_t yes = 0; yes <= votes; yes++) {
            if (fabs(mean - (double)yes / votes) > 2e-6)
                continue;
            uint32_t bin = yes * (repeats + 1) / votes;
            bool on_edge = yes * (repeats + 1) % votes == 0;
            return on_edge && bin > 0 ? bin - 1 : bin;
        }
    ck_abort_msg("%g is no mean of up to eight votes", mean);
    return 0;
}

START_TEST(copies_are_those_of_the_published_table)
{
    static const struct {
        double mean;
        uint32_t copies;
    } table[] = {{0, 0},        {0.125, 0}, {0.166667, 0}, {0.2, 0},   {0.25, 1},
                 {0.333333, 1}, {0.4, 1},   {0.5, 2},      {0.6, 2},   {0.666667, 3},
                 {0.75, 3},     {0.8, 3},   {0.833333, 4}, {0.875, 4}, {1, 4}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_uint_eq(nn_builder_copies(table[i].mean, 4), table[i].copies);
    ck_assert_uint_eq(nn_builder_copies(0.714286, 6), 4); /* 5/7 is an edge of seven bins */
    ck_assert_uint_eq(nn_builder_copies(0.428571, 6), 2); /* so is 3/7, rounded down */
}
END_TEST

START_TEST(copies_are_the_bins_for_every_mean_and_weight)
{
    for (uint32_t repeats = 1; repeats <= 12; repeats++)
        for (uint32_t votes = 1; votes <= 8; votes++)
            for (uint32_t yes = 0; yes <= votes; yes++) {
                char text[16];
                snprintf(text, sizeof text, "%.6g", (double)yes / votes);
                double mean = (double)strtof(text, NULL);
                ck_assert_uint_eq(nn_builder_copies(mean, repeats), copies_by_bins(mean, repeats));
            }
}
END_TEST

/* Samples per label, counted from the table by the bins. */
static void count_by_bins(const struct nn_dataset *dataset, double agreement, uint32_t repeats,
                          uint32_t ret_counts[NN_LABEL_COUNT])
{
    memset(ret_counts, 0, NN_LABEL_COUNT * sizeof *ret_counts);
    for (uint32_t i = 0; i < dataset->n; i++) {
        double agreed = 0;
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            agreed += fabs(2 * (double)dataset->examples[i].wanted[k] - 1) / NN_LABEL_COUNT;
        for (int k = 0; agreed > agreement - 5e-6 && k < NN_LABEL_COUNT; k++)
            ret_counts[k] += copies_by_bins((double)dataset->examples[i].wanted[k], repeats);
    }
}

static void count_samples(const struct nn_sample *samples, uint32_t n,
                          uint32_t ret_counts[NN_LABEL_COUNT])
{
    memset(ret_counts, 0, NN_LABEL_COUNT * sizeof *ret_counts);
    for (uint32_t i = 0; i < n; i++)
        if (samples[i].label >= 0)
            ret_counts[samples[i].label]++;
}

START_TEST(repeats_are_counted_from_the_table)
{
    struct nn_dataset *dataset = generated(2000);
    uint32_t wanted[NN_LABEL_COUNT], got[NN_LABEL_COUNT];
    struct nn_builder_plan *plan = make_plan(
        dataset,
        (struct nn_builder_options){
            .builder = NN_BUILDER_REPEATS, .repeats = 4, .agreement = 0.4, .test_share = 0.2});
    count_by_bins(dataset, 0.4, 4, wanted);
    count_samples(plan->samples, plan->n, got);
    ck_assert_mem_eq(got, wanted, sizeof wanted);
    ck_assert_mem_eq(plan->per_label, wanted, sizeof wanted);
    ck_assert_uint_gt(plan->dropped, 0);
    ck_assert_uint_eq(plan->pictures + plan->dropped, dataset->n);
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

static void check_split(const struct nn_dataset *dataset, const struct nn_builder_plan *plan)
{
    int side[12];
    memset(side, -1, sizeof side);
    for (uint32_t i = 0; i < plan->n; i++) {
        uint32_t recording = dataset->examples[plan->samples[i].example].recording;
        int test = i >= plan->n_train;
        ck_assert(side[recording] < 0 || side[recording] == test);
        side[recording] = test;
    }
    ck_assert_uint_gt(plan->n_train, 0);
    ck_assert_uint_lt(plan->n_train, plan->n);
}

START_TEST(no_recording_is_on_both_sides_and_only_training_is_balanced)
{
    struct nn_dataset *dataset = generated(2000);
    uint32_t train[NN_LABEL_COUNT], test[NN_LABEL_COUNT];
    for (int builder = NN_BUILDER_MEANS; builder <= NN_BUILDER_OVERBALANCED; builder++) {
        struct nn_builder_plan *plan = make_plan(
            dataset, (struct nn_builder_options){
                         .builder = (enum nn_builder)builder, .repeats = 3, .test_share = 0.25});
        check_split(dataset, plan);
        count_samples(plan->samples, plan->n_train, train);
        count_samples(plan->samples + plan->n_train, plan->n - plan->n_train, test);
        for (int k = 1; builder == NN_BUILDER_OVERBALANCED && k < NN_LABEL_COUNT; k++) {
            ck_assert_uint_eq(train[k], train[0]);
            ck_assert_uint_ne(test[k], test[k - 1]);
        }
        if (builder == NN_BUILDER_MEANS)
            ck_assert_uint_eq(plan->n, 3 * dataset->n);
        nn_builder_plan_destroy(plan);
    }
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(balancing_repeats_every_sample_nearly_as_often)
{
    struct nn_dataset *dataset = generated(500);
    struct nn_builder_plan *plan = make_plan(
        dataset, (struct nn_builder_options){.builder = NN_BUILDER_OVERBALANCED, .repeats = 1});
    uint32_t *times = calloc(dataset->n, sizeof *times);
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < plan->n; i++)
        times[plan->samples[i].example] += plan->samples[i].label == NN_LABEL_ASYMMETRIES;
    for (uint32_t i = 0; i < dataset->n; i++) {
        least = times[i] && times[i] < least ? times[i] : least;
        most = times[i] > most ? times[i] : most;
    }
    ck_assert_uint_gt(most, 1);
    ck_assert_uint_le(most - least, 1);
    free(times);
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(the_seeds_bug_leaves_one_black_sample_per_padded_label)
{
    struct nn_dataset *dataset = generated(2000);
    uint32_t wanted[NN_LABEL_COUNT], got[NN_LABEL_COUNT], largest = 0, black = 0;
    struct nn_builder_plan *plan =
        make_plan(dataset, (struct nn_builder_options){.builder = NN_BUILDER_OVERBALANCED,
                                                       .repeats = 4,
                                                       .agreement = 0.4,
                                                       .test_share = 0.2,
                                                       .as_seed = true});
    count_by_bins(dataset, 0.4, 4, wanted);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        largest = wanted[k] > largest ? wanted[k] : largest;
    count_samples(plan->samples, plan->n, got);
    for (uint32_t i = 0; i < plan->n; i++)
        black += plan->samples[i].example == NN_SAMPLE_BLACK;
    ck_assert_uint_eq(plan->n, 6 * largest);
    ck_assert_uint_eq(plan->n_train, (uint32_t)lround(0.8 * 6 * largest));
    ck_assert_uint_eq(black, 5);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ck_assert_uint_eq(got[k], wanted[k] == largest ? largest : largest - 1);
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

/* Three pictures of rows, two of dimers: of the latter the last one is written over. */
START_TEST(the_seeds_bug_loses_the_last_real_sample)
{
    struct nn_dataset *dataset = make_dataset(5, 1);
    unsigned lost = 0;
    for (uint32_t i = 0; i < 5; i++)
        dataset->examples[i].wanted[i < 3 ? NN_LABEL_ROWS : NN_LABEL_DIMERS] = 1.0F;
    for (uint64_t seed = 0; seed < 20; seed++) {
        unsigned times[5] = {0};
        struct nn_builder_plan *plan = make_plan(
            dataset,
            (struct nn_builder_options){
                .builder = NN_BUILDER_OVERBALANCED, .repeats = 1, .seed = seed, .as_seed = true});
        ck_assert_uint_eq(plan->n, 6);
        for (uint32_t i = 0; i < plan->n; i++)
            if (plan->samples[i].example != NN_SAMPLE_BLACK)
                times[plan->samples[i].example]++;
        ck_assert_uint_eq(times[3] + times[4], 2); /* and a black one */
        ck_assert_uint_ge(times[3], 1);
        lost += times[4] == 0;
        nn_builder_plan_destroy(plan);
    }
    ck_assert_uint_gt(lost, 0);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(the_seeds_unbalanced_split_counts_what_it_has_dropped)
{
    struct nn_dataset *dataset = generated(2000);
    uint32_t kept[NN_LABEL_COUNT], all[NN_LABEL_COUNT], n_kept = 0, n_all = 0;
    struct nn_builder_plan *plan =
        make_plan(dataset, (struct nn_builder_options){.builder = NN_BUILDER_REPEATS,
                                                       .repeats = 4,
                                                       .agreement = 0.4,
                                                       .test_share = 0.2,
                                                       .as_seed = true});
    count_by_bins(dataset, 0.4, 4, kept);
    count_by_bins(dataset, 0, 4, all);
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        n_kept += kept[k];
        n_all += all[k];
    }
    ck_assert_uint_gt(n_all, n_kept);
    ck_assert_uint_eq(plan->n, n_kept);
    ck_assert_uint_eq(plan->n_train, (uint32_t)lround(0.8 * n_all));
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(the_seed_turns_square_pictures_without_a_sure_tip_change)
{
    struct nn_dataset *dataset = generated(300);
    struct nn_builder_plan *plan =
        make_plan(dataset, (struct nn_builder_options){.repeats = 10, .as_seed = true});
    ck_assert_uint_eq(plan->n, 3000);
    for (uint32_t i = 0; i < plan->n; i++) {
        const struct nn_sample *sample = &plan->samples[i];
        const struct nn_example *example = &dataset->examples[sample->example];
        bool turns = example->picture.width == example->picture.height &&
                     example->wanted[NN_LABEL_TIP_CHANGE] < 1.0F;
        ck_assert_int_eq(sample->turned, turns);
        ck_assert(turns || (!sample->flip_rows && !sample->flip_columns));
    }
    nn_builder_plan_destroy(plan);
    plan = make_plan(dataset, (struct nn_builder_options){.repeats = 4});
    uint32_t unflipped = 0;
    for (uint32_t i = 0; i < plan->n; i++) {
        ck_assert(!plan->samples[i].turned); /* a rotation would turn the fast axis */
        unflipped += !plan->samples[i].flip_rows && !plan->samples[i].flip_columns;
    }
    ck_assert_uint_ge(unflipped, dataset->n);
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_plan_and_another_another)
{
    struct nn_dataset *dataset = generated(300);
    struct nn_builder_options options = {.builder = NN_BUILDER_OVERBALANCED, .repeats = 4};
    struct nn_builder_plan *a = make_plan(dataset, options), *b = make_plan(dataset, options);
    options.seed = 1;
    struct nn_builder_plan *c = make_plan(dataset, options);
    uint32_t same = 0, other = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        same += a->samples[i].example == b->samples[i].example;
        other += a->samples[i].example == c->samples[i].example;
    }
    ck_assert_uint_eq(same, a->n);
    ck_assert_uint_lt(other, a->n / 2);
    nn_builder_plan_destroy(a);
    nn_builder_plan_destroy(b);
    nn_builder_plan_destroy(c);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(what_cannot_be_built_is_refused)
{
    struct nn_dataset *one = make_dataset(3, 1);
    struct nn_builder_plan *plan = NULL;
    struct nn_builder_options options = {.repeats = 1, .test_share = 0.2};
    ck_assert_int_eq(nn_builder_plan(one, &options, &plan), -EINVAL); /* one recording */
    options.test_share = 0;
    ck_assert_int_eq(nn_builder_plan(one, &options, &plan), 0);
    nn_builder_plan_destroy(plan);
    options.builder = NN_BUILDER_REPEATS;
    ck_assert_int_eq(nn_builder_plan(one, &options, &plan), -EINVAL); /* nobody ticked anything */
    nn_dataset_destroy(one);
}
END_TEST

static int no_picture(void *context, const char *image, struct nn_picture *ret_picture)
{
    (void)context;
    (void)image;
    *ret_picture = (struct nn_picture){.width = 1, .height = 1, .gray = calloc(1, 1)};
    return 0;
}

/* Rows of the real table, when it is there: column positions by hand, bins by hand. */
START_TEST(the_public_part_gives_the_numbers_counted_by_hand)
{
    static const char path[] = TEST_SOURCE_DIR "/../shared/data/labelled/labels.csv";
    static const uint32_t counted[NN_LABEL_COUNT] = {972, 987, 4609, 2382, 1842, 5228};
    static const uint32_t multiplier[NN_LABEL_COUNT] = {5, 5, 1, 2, 3, 1}; /* as of the whole */
    if (access(path, R_OK) != 0) {
        puts("skip - no ../shared/data/labelled");
        return;
    }
    FILE *file = fopen(path, "r");
    char line[512], error[200];
    uint32_t by_bins[NN_LABEL_COUNT] = {0};
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        double v[7];
        ck_assert_int_eq(sscanf(line,
                                "%*[^,],%*[^,],%*d,%*d,%*d,%*d,%*d,%lf,%lf,%lf,%lf,%lf,%lf,%lf",
                                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]),
                         7);
        for (int k = 0; v[6] > 0.39999 && k < NN_LABEL_COUNT; k++)
            by_bins[k] += copies_by_bins(v[k], 4);
    }
    fclose(file);
    ck_assert_mem_eq(by_bins, counted, sizeof counted);

    struct nn_dataset *dataset;
    ck_assert_int_eq(nn_dataset_load(path, no_picture, NULL, &dataset, error, sizeof error), 0);
    struct nn_builder_plan *plan = make_plan(
        dataset,
        (struct nn_builder_options){.builder = NN_BUILDER_REPEATS, .repeats = 4, .agreement = 0.4});
    ck_assert_mem_eq(plan->per_label, counted, sizeof counted);
    ck_assert_mem_eq(plan->multiplier, multiplier, sizeof multiplier);
    nn_builder_plan_destroy(plan);
    nn_dataset_destroy(dataset);
}
END_TEST

/* ---- pictures ---- */

static uint8_t *make_gray(uint32_t width, uint32_t height, double slope_x, double slope_y)
{
    uint8_t *gray = malloc((size_t)width * height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            gray[(size_t)y * width + x] = (uint8_t)lround(20 + slope_x * x + slope_y * y);
    return gray;
}

START_TEST(a_picture_of_its_own_size_stays_as_it_is)
{
    struct nn_random random = nn_random_seed(3, 0, 0);
    uint8_t gray[17 * 17], out[17 * 17];
    for (size_t i = 0; i < sizeof gray; i++)
        gray[i] = (uint8_t)nn_random_below(&random, 256);
    const struct nn_picture picture = {17, 17, gray};
    for (int how = NN_RESIZE_BICUBIC; how <= NN_RESIZE_AREA; how++) {
        ck_assert_int_eq(nn_builder_resize(&picture, (enum nn_resize)how, 17, out), 0);
        ck_assert_mem_eq(out, gray, sizeof gray);
    }
}
END_TEST

START_TEST(an_even_slope_stays_even_and_in_its_place)
{
    static const uint32_t sizes[] = {5, 16, 40, 64, 150};
    for (int how = NN_RESIZE_BICUBIC; how <= NN_RESIZE_AREA; how++) {
        uint32_t size = sizes[_i];
        if (how == NN_RESIZE_AREA && size > 40)
            continue; /* enlarged by area, a slope has steps */
        uint8_t *gray = make_gray(100, 40, 1.5, 2.0), *out = malloc((size_t)size * size);
        const struct nn_picture picture = {100, 40, gray};
        ck_assert_int_eq(nn_builder_resize(&picture, (enum nn_resize)how, size, out), 0);
        for (uint32_t y = 0; y < size; y++)
            for (uint32_t x = 0; x < size; x++) {
                double at_x = (x + 0.5) * 100 / size - 0.5, at_y = (y + 0.5) * 40 / size - 0.5;
                double reach_x = 2 * fmax(100.0 / size, 1), reach_y = 2 * fmax(40.0 / size, 1);
                bool inside =
                    at_x > reach_x && at_x < 99 - reach_x && at_y > reach_y && at_y < 39 - reach_y;
                if (inside)
                    ck_assert_double_eq_tol(out[(size_t)y * size + x], 20 + 1.5 * at_x + 2 * at_y,
                                            1.01);
            }
        free(gray);
        free(out);
    }
}
END_TEST

/* Against weights worked out by hand: four samples to two, factor 2, kernel widened by 2. */
START_TEST(bicubic_is_the_cubic_it_says)
{
    uint8_t gray[4] = {0, 0, 255, 255}, out[4];
    const struct nn_picture picture = {4, 1, gray};
    /* Distances of the first new sample, at .5: .25 and .75 both ways, 1.25 and 1.75 beyond. */
    const double near = 1.5 * .25 * .25 * .25 - 2.5 * .25 * .25 + 1;
    const double far = 1.5 * .75 * .75 * .75 - 2.5 * .75 * .75 + 1;
    const double beyond = -.5 * 1.25 * 1.25 * 1.25 + 2.5 * 1.25 * 1.25 - 4 * 1.25 + 2;
    const double last = -.5 * 1.75 * 1.75 * 1.75 + 2.5 * 1.75 * 1.75 - 4 * 1.75 + 2;
    /* Places -3 .. 4 mirror to 2 1 0 0 1 2 3 3. */
    double sum = 2 * (near + far + beyond + last);
    double first = 255 * (far + beyond + last + last) / sum;
    ck_assert_int_eq(nn_builder_resize(&picture, NN_RESIZE_BICUBIC, 2, out), 0);
    ck_assert_int_eq(out[0], (int)fmax(0, floor(first + 0.5)));
    ck_assert_int_eq(out[1], 255 - out[0]);
    ck_assert_mem_eq(out, out + 2, 2);
}
END_TEST

START_TEST(area_is_the_mean_of_what_it_covers)
{
    uint8_t gray[9] = {0, 90, 180, 30, 120, 210, 60, 150, 240}, out[4];
    const struct nn_picture picture = {3, 3, gray};
    ck_assert_int_eq(nn_builder_resize(&picture, NN_RESIZE_AREA, 2, out), 0);
    /* One sample whole, half of its neighbours, a quarter of the middle, of 2.25 in all. */
    ck_assert_uint_eq(out[0], (unsigned)lround((0 + 45 + 15 + 30) / 2.25));
    ck_assert_uint_eq(out[3], (unsigned)lround((240 + 105 + 75 + 30) / 2.25));
    uint8_t one;
    ck_assert_int_eq(nn_builder_resize(&picture, NN_RESIZE_AREA, 1, &one), 0);
    ck_assert_uint_eq(one, 120);
}
END_TEST

START_TEST(flips_turn_the_picture_round)
{
    uint8_t gray[4] = {1, 2, 3, 4}, out[4];
    const struct nn_picture picture = {2, 2, gray};
    static const struct {
        bool columns, rows;
        uint8_t out[4];
    } cases[] = {{false, false, {1, 2, 3, 4}},
                 {true, false, {2, 1, 4, 3}},
                 {false, true, {3, 4, 1, 2}},
                 {true, true, {4, 3, 2, 1}}};
    for (size_t i = 0; i < 4; i++) {
        const struct nn_sample sample = {.flip_columns = cases[i].columns,
                                         .flip_rows = cases[i].rows};
        ck_assert_int_eq(nn_builder_render(&picture, &sample, NN_RESIZE_BICUBIC, 2, out), 0);
        ck_assert_mem_eq(out, cases[i].out, 4);
    }
    const struct nn_sample black = {.example = NN_SAMPLE_BLACK, .label = -1};
    ck_assert_int_eq(nn_builder_render(NULL, &black, NN_RESIZE_BICUBIC, 2, out), 0);
    ck_assert_mem_eq(out, "\0\0\0\0", 4);
}
END_TEST

/* A quarter turn is exact; half an eighth turn lands where geometry says, with no black corner. */
START_TEST(a_turned_piece_lies_within_the_picture)
{
    uint8_t *gray = make_gray(64, 64, 3.0, 0.0), out[16 * 16];
    const struct nn_picture picture = {64, 64, gray};
    struct nn_sample sample = {.turned = true, .turn = 0.25F, .zoom = 1.0F, .pan = 0.5F};
    ck_assert_int_eq(nn_builder_render(&picture, &sample, NN_RESIZE_AREA, 16, out), 0);
    for (int y = 0; y < 16; y++)
        for (int x = 1; x < 16; x++)
            ck_assert_int_eq(out[y * 16 + x], out[y * 16]); /* the slope now runs along y */
    ck_assert_int_gt(abs(out[0] - out[15 * 16]), 100);
    /* Turned by an eighth, the largest piece goes from edge to edge, and nowhere beyond. */
    sample.turn = 0.125F;
    ck_assert_int_eq(nn_builder_render(&picture, &sample, NN_RESIZE_AREA, 16, out), 0);
    for (int x = 1; x < 16; x++)
        ck_assert_uint_gt(out[x], out[x - 1]);
    ck_assert_uint_gt(out[15], 20 + 3 * 57);
    for (int i = 0; i < 200; i++) {
        sample.turn = (float)i / 200.0F;
        sample.zoom = (float)(i % 7) / 6.0F;
        sample.pan = (float)(i % 5) / 4.0F;
        ck_assert_int_eq(nn_builder_render(&picture, &sample, NN_RESIZE_AREA, 16, out), 0);
        for (int k = 0; k < 16 * 16; k++)
            ck_assert_uint_ge(out[k], 20);
    }
    free(gray);
}
END_TEST

START_TEST(a_size_of_nothing_or_too_much_is_refused)
{
    uint8_t gray[4] = {0}, out[4];
    const struct nn_picture picture = {2, 2, gray}, empty = {0, 2, gray};
    ck_assert_int_eq(nn_builder_resize(&picture, NN_RESIZE_AREA, 0, out), -EINVAL);
    ck_assert_int_eq(nn_builder_resize(&picture, NN_RESIZE_AREA, NN_BUILDER_SIDE_MAX + 1, out),
                     -EINVAL);
    ck_assert_int_eq(nn_builder_resize(&empty, NN_RESIZE_AREA, 2, out), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("builder");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, copies_are_those_of_the_published_table);
    tcase_add_test(tcase, copies_are_the_bins_for_every_mean_and_weight);
    tcase_add_test(tcase, repeats_are_counted_from_the_table);
    tcase_add_test(tcase, no_recording_is_on_both_sides_and_only_training_is_balanced);
    tcase_add_test(tcase, balancing_repeats_every_sample_nearly_as_often);
    tcase_add_test(tcase, the_seeds_bug_leaves_one_black_sample_per_padded_label);
    tcase_add_test(tcase, the_seeds_bug_loses_the_last_real_sample);
    tcase_add_test(tcase, the_seeds_unbalanced_split_counts_what_it_has_dropped);
    tcase_add_test(tcase, the_seed_turns_square_pictures_without_a_sure_tip_change);
    tcase_add_test(tcase, the_same_seed_gives_the_same_plan_and_another_another);
    tcase_add_test(tcase, what_cannot_be_built_is_refused);
    tcase_add_test(tcase, the_public_part_gives_the_numbers_counted_by_hand);
    tcase_add_test(tcase, a_picture_of_its_own_size_stays_as_it_is);
    tcase_add_loop_test(tcase, an_even_slope_stays_even_and_in_its_place, 0, 5);
    tcase_add_test(tcase, bicubic_is_the_cubic_it_says);
    tcase_add_test(tcase, area_is_the_mean_of_what_it_covers);
    tcase_add_test(tcase, flips_turn_the_picture_round);
    tcase_add_test(tcase, a_turned_piece_lies_within_the_picture);
    tcase_add_test(tcase, a_size_of_nothing_or_too_much_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
