/* Looks at pictures: what training may do to them and what not. */
#include "make_dataset.h"

#include "nn/random.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 48, CELLS = SIDE * SIDE };

/* One cell per grey level, heights as they come, but for their scale. */
static const struct nn_input_spec spec = {.rows = SIDE,
                                          .cols = SIDE,
                                          .flatten = NN_FLATTEN_NONE,
                                          .limit = 1e5F,
                                          .looks = 1,
                                          .planes = NN_PLANES_DEFAULT};

/* Upright stripes. */
static struct nn_picture make_picture(void)
{
    struct nn_picture picture = {.width = SIDE, .height = SIDE, .gray = malloc(CELLS)};
    ck_assert_ptr_nonnull(picture.gray);
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            picture.gray[y * SIDE + x] = (uint8_t)(128.5 + 100.0 * sin(0.7 * (double)x));
    return picture;
}

/* ret_planes: (4, SIDE, SIDE) */
static void show(const struct nn_view *view, const struct nn_picture *picture, float *ret_planes)
{
    static double work[NN_INPUT_POINTS_MAX];
    struct nn_input *input;
    ck_assert_int_eq(nn_input_create(&spec, &input), 0);
    ck_assert_int_eq(nn_view_show(view, picture, work, input), 0);
    nn_input_write(input, ret_planes);
    nn_input_destroy(input);
}

static const struct nn_augment everything = {.mirror = 0.5,
                                             .turn = 0.5,
                                             .whole = 0.5,
                                             .seen_min = 0.2,
                                             .closer = 0.7,
                                             .wider = 1.3,
                                             .shear = 0.1,
                                             .gamma = 1.5,
                                             .contrast = 1.5,
                                             .streaks = 0.5,
                                             .missing = 0.3,
                                             .bad = 0.2};

/* Switching one thing off changes that and nothing else. */
START_TEST(each_thing_has_a_switch)
{
    struct nn_picture picture = make_picture();
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct nn_augment less = everything;
        less.mirror = 0.0;
        less.streaks = 0.0;
        less.missing = 0.0;
        less.gamma = 1.0;
        struct nn_random one = nn_random_seed(seed, 1, 1);
        struct nn_random other = nn_random_seed(seed, 1, 1);
        struct nn_view a = nn_view_random(&picture, &everything, &one);
        struct nn_view b = nn_view_random(&picture, &less, &other);
        ck_assert(!b.mirrored && b.streak <= 0.0 && b.missing <= 0.0);
        ck_assert_double_eq(b.gamma, 1.0);
        ck_assert(a.width == b.width && a.x == b.x && a.lines == b.lines && a.seen == b.seen);
        ck_assert(a.upside_down == b.upside_down && a.seed == b.seed);
        ck_assert_double_eq(a.bad, b.bad);
        ck_assert_double_eq(a.contrast, b.contrast);
        ck_assert(a.gamma >= 1.0 / 1.5 - 1e-9 && a.gamma <= 1.5 + 1e-9);
    }
    free(picture.gray);
}
END_TEST

START_TEST(the_same_view_twice_is_the_same)
{
    struct nn_picture picture = make_picture();
    static float once[4 * CELLS];
    static float again[4 * CELLS];
    struct nn_random random = nn_random_seed(3, 3, 3);
    for (int i = 0; i < 10; i++) {
        struct nn_view view = nn_view_random(&picture, &everything, &random);
        show(&view, &picture, once);
        show(&view, &picture, again);
        ck_assert_mem_eq(once, again, sizeof once);
    }
    free(picture.gray);
}
END_TEST

/* The fast axis stays the fast axis: what lies across it in the picture does in every view. */
START_TEST(lines_stay_lines)
{
    struct nn_picture picture = make_picture();
    static float planes[4 * CELLS];
    struct nn_augment augment = everything;
    augment.streaks = augment.missing = augment.bad = augment.shear = 0.0;
    struct nn_random random = nn_random_seed(4, 4, 4);
    for (int i = 0; i < 20; i++) {
        struct nn_view view = nn_view_random(&picture, &augment, &random);
        show(&view, &picture, planes);
        uint32_t rows = SIDE * view.seen / view.lines;
        float least = planes[0];
        float most = planes[0];
        for (uint32_t c = 0; c < SIDE; c++) {
            for (uint32_t r = 1; r < rows; r++)
                ck_assert_float_eq_tol(planes[r * SIDE + c], planes[c], 1e-4F);
            least = fminf(least, planes[c]);
            most = fmaxf(most, planes[c]);
        }
        ck_assert(most - least > 1.0F);
    }
    free(picture.gray);
}
END_TEST

START_TEST(some_lines_are_missing_but_never_the_last)
{
    struct nn_picture picture = make_picture();
    static float planes[4 * CELLS];
    struct nn_view view = nn_view_plain(&picture, 1.0);
    view.missing = 0.4;
    view.seed = 11;
    show(&view, &picture, planes);
    int seen = 0;
    for (uint32_t r = 0; r < SIDE; r++)
        seen += planes[NN_PLANE_SEEN * CELLS + r * SIDE] > 0.5F;
    ck_assert_int_ge(seen, SIDE * 4 / 10);
    ck_assert_int_le(seen, SIDE * 8 / 10);
    ck_assert(planes[NN_PLANE_SEEN * CELLS + (SIDE - 1) * SIDE] > 0.5F);
    free(picture.gray);
}
END_TEST

/* Noise is like that of an instrument: the same along a line for a while, new on the next. */
START_TEST(streaks_run_along_lines)
{
    struct nn_picture picture = make_picture();
    static float clean[4 * CELLS];
    static float noisy[4 * CELLS];
    struct nn_view view = nn_view_plain(&picture, 1.0);
    show(&view, &picture, clean);
    view.streak = 0.5;
    view.streak_px = 10.0;
    view.seed = 12;
    show(&view, &picture, noisy);
    double power = 0.0;
    double along = 0.0;
    double across = 0.0;
    /* The frame's spread grows with the noise: both in their own lines' terms. */
    double ratio = 1.0 / sqrt(1.25);
    for (uint32_t r = 0; r + 1 < SIDE; r++)
        for (uint32_t c = 0; c + 1 < SIDE; c++) {
            uint32_t i = r * SIDE + c;
            double here = (double)noisy[i] - ratio * (double)clean[i];
            power += here * here;
            along += here * ((double)noisy[i + 1] - ratio * (double)clean[i + 1]);
            across += here * ((double)noisy[i + SIDE] - ratio * (double)clean[i + SIDE]);
        }
    ck_assert_double_gt(power / (double)CELLS, 0.05);
    ck_assert_double_gt(along / power, 0.7);
    ck_assert_double_lt(fabs(across / power), 0.35);
    free(picture.gray);
}
END_TEST

START_TEST(grey_levels_are_bent_and_cut_off)
{
    struct nn_picture picture = make_picture();
    static float planes[4 * CELLS];
    struct nn_view view = nn_view_plain(&picture, 1.0);
    view.gamma = 2.0;
    show(&view, &picture, planes);
    double ratio = pow((double)picture.gray[2] / (double)picture.gray[7], 2.0);
    ck_assert_double_eq_tol((double)(planes[2] / planes[7]) / ratio, 1.0, 1e-3);
    view.gamma = 1.0;
    view.contrast = 4.0;
    show(&view, &picture, planes);
    float white = 0.0F;
    for (uint32_t c = 0; c < SIDE; c++)
        white = fmaxf(white, planes[c]);
    for (uint32_t c = 0; c < SIDE; c++) {
        if (picture.gray[c] >= 160)
            ck_assert_float_eq_tol(planes[c], white, 1e-5F);
        else if (picture.gray[c] <= 95)
            ck_assert_float_eq_tol(planes[c], 0.0F, 1e-5F);
        else
            ck_assert(planes[c] < white && planes[c] > 0.0F);
    }
    free(picture.gray);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view");
    TCase *tcase = tcase_create("view");
    tcase_add_test(tcase, each_thing_has_a_switch);
    tcase_add_test(tcase, the_same_view_twice_is_the_same);
    tcase_add_test(tcase, lines_stay_lines);
    tcase_add_test(tcase, some_lines_are_missing_but_never_the_last);
    tcase_add_test(tcase, streaks_run_along_lines);
    tcase_add_test(tcase, grey_levels_are_bent_and_cut_off);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
