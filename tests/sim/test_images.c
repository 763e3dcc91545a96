/* Sets of simulated images: their runs, what people would say of them, and their grey values
 * against those of real ones (tests/sim/bands.csv: quantiles of confident images of one class). */
#include "sim/frame_labels.h"
#include "sim/images.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.141592653589793
enum { POINTS = 300, SAMPLES = POINTS * POINTS };

/* Runs. */

struct seen {
    uint32_t images, lines, events;
    double sum;
};

static int see(void *ctx, const struct sim_image *image)
{
    struct seen *seen = ctx;
    ck_assert_uint_eq(image->cycle, seen->images + 1);
    ck_assert_uint_eq(image->points, POINTS);
    ck_assert_uint_ge(image->lines, 4);
    ck_assert_uint_le(image->lines, image->points);
    seen->images++;
    seen->lines += image->lines;
    seen->events += (uint32_t)image->n_events;
    for (size_t i = 0; i < (size_t)image->points * image->lines; i++)
        seen->sum += image->heights_m[i] * (double)(1 + i % 7);
    return 0;
}

START_TEST(a_run_is_a_function_of_seed_and_number)
{
    struct sim_images_options options = {.seed = 5, .state = -1, .points = POINTS};
    uint32_t run = 0;
    while (sim_images_in_run(&options, run) != 3)
        run++;
    struct seen a = {0}, b = {0}, part = {0}, other = {0};
    ck_assert_int_eq(sim_images_run(&options, run, 3, see, &a), 0);
    ck_assert_int_eq(sim_images_run(&options, run, 3, see, &b), 0);
    ck_assert_int_eq(sim_images_run(&options, run, 1, see, &part), 0);
    ck_assert_int_eq(sim_images_run(&options, run + 1, 1, see, &other), 0);
    ck_assert_uint_eq(a.images, 3);
    ck_assert_mem_eq(&a, &b, sizeof(a));
    ck_assert_uint_eq(part.images, 1);
    ck_assert_double_ne(part.sum, other.sum);
}
END_TEST

START_TEST(runs_are_as_long_as_real_ones)
{
    struct sim_images_options options = {.seed = 1, .state = -1};
    uint32_t images = 0;
    for (uint32_t run = 0; run < 4000; run++)
        images += sim_images_in_run(&options, run);
    ck_assert_double_eq_tol(images / 4000.0, 3.55, .15);
    options.equal = true;
    ck_assert_uint_eq(sim_images_in_run(&options, 7), 1);
}
END_TEST

static int refuse(void *ctx, const struct sim_image *image)
{
    (void)ctx, (void)image;
    return -7;
}

START_TEST(what_the_taker_says_ends_the_run)
{
    struct sim_images_options options = {.seed = 1, .state = SIM_TIP_DIMER, .points = POINTS};
    ck_assert_int_eq(sim_images_run(&options, 0, 1, refuse, NULL), -7);
}
END_TEST

/* Labels of drawn lattices. */

struct drawing {
    double rows, dimers, pairs, phase_pair, noise;
    uint32_t step_at; /* 0: none */
};

static void draw(const struct drawing *d, double *z)
{
    struct sim_random random;
    sim_random_seed(&random, 9, SIM_STREAM_NOISE, 0);
    for (uint32_t y = 0; y < POINTS; y++)
        for (uint32_t x = 0; x < POINTS; x++) {
            double shift = d->step_at && y >= d->step_at ? 23 : 0;
            double a = 2 * PI * (x + shift) / 63, b = 2 * PI * y / 31.5;
            z[y * POINTS + x] = d->rows * cos(a) + d->dimers * cos(b) +
                                d->pairs * cos(2 * a + d->phase_pair) +
                                d->noise * sim_random_normal(&random);
        }
}

static void scores_of(const struct drawing *d, double scores[SIM_FRAME_LABEL_COUNT])
{
    double *z = malloc(SAMPLES * sizeof(double));
    struct sim_frame_marks marks;
    draw(d, z);
    struct sim_frame_view view = {.heights = z,
                                  .points = POINTS,
                                  .lines = POINTS,
                                  .g1 = {1 / 63.0, 0},
                                  .g2 = {0, 1 / 31.5},
                                  .events = &d->step_at,
                                  .n_events = d->step_at != 0};
    ck_assert_int_eq(sim_frame_measure(&view, &marks), 0);
    sim_frame_scores(&marks, scores);
    free(z);
}

START_TEST(a_lattice_gets_the_label_of_what_is_visible)
{
    double s[SIM_FRAME_LABEL_COUNT];
    scores_of(&(struct drawing){.rows = 20, .dimers = 2, .pairs = 1, .phase_pair = PI, .noise = 2},
              s);
    ck_assert_double_ge(s[SIM_FRAME_ROWS], .8);
    ck_assert_double_le(s[SIM_FRAME_DIMERS], .2);
    ck_assert_double_le(s[SIM_FRAME_BAD], .2);
    scores_of(&(struct drawing){.rows = 20, .dimers = 16, .pairs = 4, .phase_pair = PI, .noise = 2},
              s);
    ck_assert_double_ge(s[SIM_FRAME_DIMERS], .8);
    ck_assert_double_le(s[SIM_FRAME_ROWS], .2);
    ck_assert_double_le(s[SIM_FRAME_ATOMS], .2);
    scores_of(
        &(struct drawing){.rows = 10, .dimers = 12, .pairs = 14, .phase_pair = PI, .noise = 1}, s);
    ck_assert_double_ge(s[SIM_FRAME_ATOMS], .8);
    scores_of(
        &(struct drawing){.rows = 20, .dimers = 16, .pairs = 9, .phase_pair = PI + 1.2, .noise = 2},
        s);
    ck_assert_double_ge(s[SIM_FRAME_ASYMMETRIES], .8);
}
END_TEST

START_TEST(noise_is_bad_and_a_jump_is_a_tip_change)
{
    double s[SIM_FRAME_LABEL_COUNT];
    scores_of(&(struct drawing){.rows = .02, .noise = 2}, s);
    ck_assert_double_ge(s[SIM_FRAME_BAD], .9);
    ck_assert_double_le(s[SIM_FRAME_ROWS], .1);
    ck_assert_double_le(s[SIM_FRAME_TIP_CHANGE], .1);
    scores_of(&(struct drawing){.rows = 20, .dimers = 16, .noise = 2, .step_at = 150}, s);
    ck_assert_double_ge(s[SIM_FRAME_TIP_CHANGE], .8);
}
END_TEST

START_TEST(few_people_vote_and_mostly_agree)
{
    static const double scores[SIM_FRAME_LABEL_COUNT] = {0, .05, .9, .1, .5, 1};
    double mean, sums[SIM_FRAME_LABEL_COUNT] = {0};
    double votes[SIM_FRAME_LABEL_COUNT];
    struct sim_random random;
    unsigned people = 0;
    sim_random_seed(&random, 3, SIM_STREAM_IMAGES, 0);
    for (int i = 0; i < 4000; i++) {
        people += sim_frame_votes(scores, &random, votes);
        for (int label = 0; label < SIM_FRAME_LABEL_COUNT; label++)
            sums[label] += votes[label];
    }
    for (int label = 0; label < SIM_FRAME_LABEL_COUNT; label++) {
        mean = sums[label] / 4000;
        ck_assert_double_eq_tol(mean, scores[label], .03);
    }
    ck_assert_double_eq_tol(people / 4000.0, 1.54, .05); /* measured: 7,698 answers, 4,981 images */
}
END_TEST

START_TEST(a_strip_is_too_little_and_a_hair_is_refused)
{
    double *z = calloc(SAMPLES, sizeof(double));
    struct sim_frame_marks marks;
    double scores[SIM_FRAME_LABEL_COUNT];
    draw(&(struct drawing){.rows = 20, .dimers = 16, .noise = 2}, z);
    struct sim_frame_view view = {
        .heights = z, .points = POINTS, .lines = 20, .g1 = {1 / 63.0, 0}, .g2 = {0, 1 / 31.5}};
    ck_assert_int_eq(sim_frame_measure(&view, &marks), 0);
    sim_frame_scores(&marks, scores);
    ck_assert_double_ge(scores[SIM_FRAME_BAD], .8);
    view.lines = 3;
    ck_assert_int_ne(sim_frame_measure(&view, &marks), 0);
    free(z);
}
END_TEST

/* Against real images: the statistics as the outside tool defines them. */

enum statistic {
    IQR_RANGE,
    SKEW,
    KURT,
    LINE_CORR,
    ACF_3,
    ACF_5,
    ACF_8,
    ACF_12,
    ACF_20,
    STATISTICS
};

static const char *const names[STATISTICS] = {"iqr_range", "skew",  "kurt",   "line_corr", "acf_3",
                                              "acf_5",     "acf_8", "acf_12", "acf_20"};
static const int lags[] = {3, 5, 8, 12, 20};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(double), compare_doubles);
    return n % 2 ? values[n / 2] : .5 * (values[n / 2 - 1] + values[n / 2]);
}

static void flatten(double *z)
{
    double middle = .5 * (POINTS - 1), norm = POINTS * ((double)POINTS * POINTS - 1) / 12;
    for (int y = 0; y < POINTS; y++, z += POINTS) {
        double mean = 0, slope = 0;
        for (int x = 0; x < POINTS; x++)
            mean += z[x] / POINTS;
        for (int x = 0; x < POINTS; x++)
            slope += (x - middle) * (z[x] - mean) / norm;
        for (int x = 0; x < POINTS; x++)
            z[x] -= mean + slope * (x - middle);
    }
}

static void grey_statistics(const double *z, double *ret)
{
    double *sorted = malloc(SAMPLES * sizeof(double)), m2 = 0, m3 = 0, m4 = 0;
    memcpy(sorted, z, SAMPLES * sizeof(double));
    qsort(sorted, SAMPLES, sizeof(double), compare_doubles);
    ret[IQR_RANGE] =
        (sorted[3 * SAMPLES / 4] - sorted[SAMPLES / 4]) / (sorted[SAMPLES - 1] - sorted[0]);
    for (int i = 0; i < SAMPLES; i++) {
        double d2 = z[i] * z[i];
        m2 += d2 / SAMPLES;
        m3 += d2 * z[i] / SAMPLES;
        m4 += d2 * d2 / SAMPLES;
    }
    ret[SKEW] = m3 / pow(m2, 1.5);
    ret[KURT] = m4 / (m2 * m2) - 3;
    free(sorted);
}

static void line_correlation(const double *z, double *ret)
{
    double near[POINTS - 1];
    for (int y = 0; y + 1 < POINTS; y++) {
        double ab = 0, aa = 0, bb = 0;
        for (int x = 0; x < POINTS; x++) {
            double a = z[y * POINTS + x], b = z[(y + 1) * POINTS + x];
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        near[y] = ab / sqrt(aa * bb);
    }
    ret[LINE_CORR] = median(near, POINTS - 1);
}

/* Of the second difference across lines, lines with outliers left out. */
static void noise_correlation(const double *z, double *ret)
{
    static double e[POINTS - 2][POINTS];
    double rms[POINTS - 2], sorted[POINTS - 2], top[POINTS - 2], var = 0, sums[5] = {0};
    for (int y = 0; y + 2 < POINTS; y++) {
        double mean = 0, square = 0;
        for (int x = 0; x < POINTS; x++) {
            const double *at = z + (y + 1) * POINTS + x;
            e[y][x] = (at[0] - .5 * (at[-POINTS] + at[POINTS])) / sqrt(1.5);
            mean += e[y][x] / POINTS;
        }
        top[y] = 0;
        for (int x = 0; x < POINTS; x++) {
            e[y][x] -= mean;
            square += e[y][x] * e[y][x] / POINTS;
            top[y] = fmax(top[y], fabs(e[y][x]));
        }
        rms[y] = sorted[y] = sqrt(square);
    }
    double usual = median(sorted, POINTS - 2), clean = 0;
    for (int y = 0; y + 2 < POINTS; y++) {
        if (top[y] >= 6 * usual)
            continue;
        clean++;
        var += rms[y] * rms[y];
        for (int l = 0; l < 5; l++)
            for (int x = 0; x + lags[l] < POINTS; x++)
                sums[l] += e[y][x] * e[y][x + lags[l]] / (POINTS - lags[l]);
    }
    ck_assert_double_ge(clean, 30);
    for (int l = 0; l < 5; l++)
        ret[ACF_3 + l] = sums[l] / var;
}

struct sample {
    double values[STATISTICS][64];
    uint32_t n;
};

static int take_statistics(void *ctx, const struct sim_image *image)
{
    struct sample *sample = ctx;
    double s[STATISTICS];
    if (image->lines < image->points)
        return 0;
    flatten(image->heights_m);
    grey_statistics(image->heights_m, s);
    line_correlation(image->heights_m, s);
    noise_correlation(image->heights_m, s);
    for (int i = 0; i < STATISTICS; i++)
        sample->values[i][sample->n] = s[i];
    sample->n++;
    return 0;
}

struct band {
    double low, high;
};

static struct band band_of(const char *class, const char *statistic)
{
    char line[200], a[20], b[20];
    double low, mid, high;
    FILE *file = fopen(TEST_SOURCE_DIR "/tests/sim/bands.csv", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%19[^,],%19[^,],%*d,%lf,%lf,%lf", a, b, &low, &mid, &high) == 5 &&
            strcmp(a, class) == 0 && strcmp(b, statistic) == 0) {
            fclose(file);
            return (struct band){low, high};
        }
    ck_abort_msg("no band for %s %s", class, statistic);
}

/* 80 % of real images lie in each band; of simulated ones at least two in five, and the median. */
static void check_class(const char *class, enum sim_tip_state state)
{
    struct sim_images_options options = {.seed = 2, .state = (int)state, .points = POINTS};
    struct sample sample = {.n = 0};
    for (uint32_t run = 0; run < 48; run++)
        ck_assert_int_eq(sim_images_run(&options, run, 1, take_statistics, &sample), 0);
    for (int i = 0; i < STATISTICS; i++) {
        struct band band = band_of(class, names[i]);
        uint32_t inside = 0;
        for (uint32_t k = 0; k < sample.n; k++)
            inside += sample.values[i][k] >= band.low && sample.values[i][k] <= band.high;
        double mid = median(sample.values[i], sample.n);
        ck_assert_msg(mid >= band.low && mid <= band.high, "%s: median %s %g, band %g to %g", class,
                      names[i], mid, band.low, band.high);
        ck_assert_msg(5 * inside >= 2 * sample.n, "%s: %s of %u in %u inside", class, names[i],
                      inside, sample.n);
    }
}

START_TEST(grey_values_are_those_of_real_images)
{
    check_class("Rows", SIM_TIP_ROWS);
    check_class("Dimers", SIM_TIP_DIMER);
    check_class("Atoms", SIM_TIP_ATOMIC);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("images");
    tcase_add_test(tcase, a_run_is_a_function_of_seed_and_number);
    tcase_add_test(tcase, runs_are_as_long_as_real_ones);
    tcase_add_test(tcase, what_the_taker_says_ends_the_run);
    tcase_add_test(tcase, a_lattice_gets_the_label_of_what_is_visible);
    tcase_add_test(tcase, noise_is_bad_and_a_jump_is_a_tip_change);
    tcase_add_test(tcase, few_people_vote_and_mostly_agree);
    tcase_add_test(tcase, a_strip_is_too_little_and_a_hair_is_refused);
    tcase_add_test(tcase, grey_values_are_those_of_real_images);
    tcase_set_timeout(tcase, 60);
    Suite *suite = suite_create("sim/images");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
