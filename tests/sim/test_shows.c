/* What a tip shows by its geometry. */
#include "sim/shows.h"
#include "sim/tip.h"

#include <check.h>
#include <stdlib.h>

enum { TIPS = 300 };

/* Share of tips of this state that show this. */
static double share(enum sim_tip_state state, enum sim_shows shows)
{
    int n = 0;
    for (int i = 0; i < TIPS; i++) {
        struct sim_tip tip;
        sim_tip_init(&tip, (uint64_t)i, state);
        n += sim_shows(tip.apices, tip.n_apices, &tip.contrast, .3 * i) == shows;
    }
    return (double)n / TIPS;
}

/* "The first four show their own class": the fit of the states rests on it. */
START_TEST(single_apices_show_their_state)
{
    ck_assert_double_ge(share(SIM_TIP_ATOMIC, SIM_SHOWS_ATOMS), .9);
    ck_assert_double_ge(share(SIM_TIP_ASYM, SIM_SHOWS_ASYMMETRIES), .9);
    ck_assert_double_ge(share(SIM_TIP_DIMER, SIM_SHOWS_DIMERS), .9);
    ck_assert_double_ge(share(SIM_TIP_ROWS, SIM_SHOWS_ROWS), .9);
    ck_assert_double_ge(share(SIM_TIP_BLUNT, SIM_SHOWS_NOTHING), .9);
    ck_assert_double_ge(share(SIM_TIP_FOULED, SIM_SHOWS_NOTHING), .9);
}
END_TEST

/* Two equal apices half a row apart see each other's rows away, and the dimers stay. */
START_TEST(two_apices_half_a_row_apart_lose_the_rows)
{
    struct sim_apex apices[2] = {{.sigma_m = .05e-9}, {.dx_m = .384e-9, .sigma_m = .05e-9}};
    struct sim_contrast contrast = {.row_m = 4e-12, .ratio_dimer = .2, .phase_pair = 3.14159};
    ck_assert_int_eq(sim_shows(apices, 1, &contrast, 0), SIM_SHOWS_ROWS);
    ck_assert_int_ne(sim_shows(apices, 2, &contrast, 0), SIM_SHOWS_ROWS);
    /* Turned by 90 degrees they stand along the rows, and change nothing. */
    ck_assert_int_eq(sim_shows(apices, 2, &contrast, 1.5707963), SIM_SHOWS_ROWS);
    /* An apex far behind carries no current. */
    apices[1].recess_m = 1e-9;
    ck_assert_int_eq(sim_shows(apices, 2, &contrast, 0), SIM_SHOWS_ROWS);
}
END_TEST

/* The second harmonic decides by its phase against the rows, wherever the picture begins. */
START_TEST(a_pair_out_of_place_is_an_asymmetry)
{
    struct sim_apex one = {.sigma_m = .03e-9}, shifted[2] = {one, one};
    struct sim_contrast contrast = {
        .row_m = 4e-12, .ratio_dimer = 1, .ratio_pair = .5, .phase_pair = 3.14159};
    ck_assert_int_eq(sim_shows(&one, 1, &contrast, 0), SIM_SHOWS_DIMERS);
    contrast.phase_pair = 3.14159 - 1.5;
    ck_assert_int_eq(sim_shows(&one, 1, &contrast, 0), SIM_SHOWS_ASYMMETRIES);
    /* Two apices on the same spot of neighbouring cells are one. */
    shifted[1].dx_m = .768e-9;
    shifted[1].dy_m = .384e-9;
    ck_assert_int_eq(sim_shows(shifted, 2, &contrast, 0), SIM_SHOWS_ASYMMETRIES);
    contrast.ratio_pair = 1;
    ck_assert_int_eq(sim_shows(&one, 1, &contrast, 0), SIM_SHOWS_ATOMS);
}
END_TEST

/* As often as the fit of the states has it, whatever way the rows run. */
START_TEST(multiple_tips_show_a_little_of_everything)
{
    ck_assert_double_eq_tol(share(SIM_TIP_MULTI, SIM_SHOWS_ASYMMETRIES), .17, .06);
    ck_assert_double_eq_tol(share(SIM_TIP_MULTI, SIM_SHOWS_DIMERS), .18, .06);
    ck_assert_double_eq_tol(share(SIM_TIP_MULTI, SIM_SHOWS_ROWS), .13, .06);
    ck_assert_double_eq_tol(share(SIM_TIP_MULTI, SIM_SHOWS_NOTHING), .53, .08);
}
END_TEST

START_TEST(noise_hides_everything)
{
    struct sim_apex apex = {.sigma_m = .05e-9};
    struct sim_contrast contrast = {
        .row_m = 20e-12, .ratio_dimer = 1, .phase_pair = 3.14159, .noise_m = 3e-12};
    ck_assert_int_eq(sim_shows(&apex, 1, &contrast, 0), SIM_SHOWS_DIMERS);
    contrast.noise_m = 30e-12;
    ck_assert_int_eq(sim_shows(&apex, 1, &contrast, 0), SIM_SHOWS_NOTHING);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shows");
    TCase *tcase = tcase_create("shows");
    tcase_add_test(tcase, single_apices_show_their_state);
    tcase_add_test(tcase, two_apices_half_a_row_apart_lose_the_rows);
    tcase_add_test(tcase, a_pair_out_of_place_is_an_asymmetry);
    tcase_add_test(tcase, multiple_tips_show_a_little_of_everything);
    tcase_add_test(tcase, noise_hides_everything);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
