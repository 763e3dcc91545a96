/* What the simulated microscope records is opened by Gwyddion, with the values that we read. */
#include "drive.h"

#include "instrument/matrix_image.h"
#include "sim/record.h"
#include "sim/simulated.h"
#include "tests/instrument/gwy_compare.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/tipwright-record-XXXXXX";

/* Three frames, the last one stopped on its way down or up, through a pulse and a crash. */
static void record_night(void)
{
    struct simulated_options options;
    struct simulated *sim;
    struct record *record;
    simulated_options_default(&options);
    options.points = options.lines = 64;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    struct record_options to = {.folder = folder,
                                .base = "default_night--2",
                                .comment = "a night of the tests",
                                .geometry = simulated_geometry(sim),
                                .t_utc_s = 1800000000};
    ck_assert_int_eq(record_create(&to, simulated_microscope(sim), &record), 0);
    struct drive *d = malloc(sizeof(*d));
    ck_assert_ptr_nonnull(d);
    struct action pulse = action_default(ACTION_PULSE), crash = action_default(ACTION_CRASH);
    drive_init(d, record_microscope(record));
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), 0);
    drive_messages(d, 100);
    ck_assert_int_eq(d->microscope.ops->begin(d->microscope.self, &pulse), 0);
    drive_messages(d, 400);
    ck_assert_int_eq(d->microscope.ops->begin(d->microscope.self, &crash), 0);
    drive_messages(d, 700);
    ck_assert_int_eq(record_error(record), 0);
    ck_assert_uint_ge(record_frames(record), 2);
    ck_assert_int_eq(record_close(record), 0);
    simulated_destroy(sim);
    drive_finish(d);
    free(d);
}

START_TEST(recorded_frames_open_with_equal_values)
{
    if (!gwy_installed())
        return;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    record_night();
    char gwy[400], path[400];
    snprintf(gwy, sizeof gwy, "%s/second-reader.gwy", folder);
    int compared = 0;
    struct matrix_name name;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (matrix_name_parse(entry->d_name, &name) == 0) {
            snprintf(path, sizeof path, "%s/%.300s", folder, entry->d_name);
            gwy_compare(path, gwy);
            compared++;
        }
    ck_assert_int_ge(compared, 3);
    rewinddir(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%.300s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    ck_assert_int_eq(rmdir(folder), 0);
    printf("%d recorded frames compared with Gwyddion\n", compared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record gwyddion");
    TCase *tcase = tcase_create("record");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, recorded_frames_open_with_equal_values);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
