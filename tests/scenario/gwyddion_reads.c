/*
 * Gwyddion as second reader of a simulated night's files: each is converted and every sample of
 * every complete line compared with our own reader's.
 *
 * Usage: gwyddion_reads SCRATCH_FILE.gwy IMAGE...
 */
#include "tests/instrument/gwy_compare.h"

#include <check.h>
#include <stdlib.h>

static char **paths;

START_TEST(gwyddion_reads_equal_values)
{
    gwy_compare(paths[2 + _i], paths[1]);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    paths = argv;
    Suite *suite = suite_create("a simulated night in Gwyddion");
    TCase *tcase = tcase_create("image");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, gwyddion_reads_equal_values, 0, argc - 2);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
