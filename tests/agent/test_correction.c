/* An operator's correction survives its way through the journal, and nothing else passes for one.
 */
#include "agent/correction.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <string.h>

static struct correction sample(void)
{
    struct correction c = {.scan = 7,
                           .run = 19,
                           .cycle = 2,
                           .up = true,
                           .picture = "frames/plain/19_2_up.png",
                           .says = {-1, -1, 1, -1, 0, 0},
                           .shown = {0.01F, 0.49F, 0.33F, 0.5F, 0.0F, 0.91F}};
    return c;
}

START_TEST(it_is_a_line_for_people_and_reads_back)
{
    struct correction c = sample(), back;
    char text[CORRECTION_TEXT_MAX];
    correction_write(&c, text);
    ck_assert_str_eq(text, "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers, no tip_change "
                           "bad_blurry; shown 0.01 0.49 0.33 0.50 0.00 0.91");
    ck_assert_int_eq(correction_read(text, &back), 0);
    ck_assert_uint_eq(back.scan, 7);
    ck_assert_uint_eq(back.run, 19);
    ck_assert_uint_eq(back.cycle, 2);
    ck_assert(back.up);
    ck_assert_str_eq(back.picture, c.picture);
    ck_assert_mem_eq(back.says, c.says, sizeof(c.says));
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        ck_assert_float_eq_tol(back.shown[i], c.shown[i], 0.005F);
}
END_TEST

START_TEST(the_longest_one_fits_and_reads_back)
{
    struct correction c = {.scan = 999999999999999999, .run = 999999999, .cycle = 999999999};
    struct correction back;
    char text[CORRECTION_TEXT_MAX];
    memset(c.picture, 'a', sizeof(c.picture) - 1);
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        c.says[i] = i % 2;
        c.shown[i] = 1.0F;
    }
    correction_write(&c, text);
    ck_assert_uint_lt(strlen(text), CORRECTION_TEXT_MAX - 1);
    ck_assert_int_eq(correction_read(text, &back), 0);
    ck_assert_mem_eq(back.says, c.says, sizeof(c.says));
    ck_assert(!back.up);
}
END_TEST

START_TEST(what_is_said_goes_before_what_was_shown)
{
    struct correction c = sample();
    static const int holds[NN_LABEL_COUNT] = {0, 0, 1, 1, 0, 0};
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        ck_assert_int_eq(correction_holds(&c, (enum nn_label)i), holds[i]);
    c.shown[0] = NAN;
    ck_assert_int_eq(correction_holds(&c, NN_LABEL_ASYMMETRIES), -1);
    char text[CORRECTION_TEXT_MAX];
    correction_write(&c, text);
    ck_assert_ptr_nonnull(strstr(text, "; shown - 0.49"));
    struct correction back;
    ck_assert_int_eq(correction_read(text, &back), 0);
    ck_assert(isnan(back.shown[0]));
}
END_TEST

#define SHOWN "; shown 0 0 0 0 0 1"

static const char *const refused[] = {
    "",
    "control taken",
    "19_2 up, scan 7, frames/plain/19_2_up.png:" SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes" SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes atoms" SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers dimers" SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers, no dimers" SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers, " SHOWN,
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers",
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers; shown 0 0 0 0 0",
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers; shown 0 0 0 0 0 2",
    "19_2 up, scan 7, frames/plain/19_2_up.png: yes dimers" SHOWN " ",
    "19_2 left, scan 7, frames/plain/19_2_up.png: yes dimers" SHOWN,
    "19_2 up, scan 7, /etc/passwd: yes dimers" SHOWN,
    "19_2 up, scan 7, ../../secret.png: yes dimers" SHOWN,
    "19_2 up, scan 7, frames/a b.png: yes dimers" SHOWN,
    "19_2 up, scan 7, : yes dimers" SHOWN,
};

START_TEST(nothing_else_passes_for_one)
{
    struct correction c = {.run = 42};
    ck_assert_int_eq(correction_read(refused[_i], &c), -EINVAL);
    ck_assert_uint_eq(c.run, 42);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("correction");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, it_is_a_line_for_people_and_reads_back);
    tcase_add_test(tcase, the_longest_one_fits_and_reads_back);
    tcase_add_test(tcase, what_is_said_goes_before_what_was_shown);
    tcase_add_loop_test(tcase, nothing_else_passes_for_one, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
