/* Replay of what was recorded, of pictures, of damaged files, and of real recordings if present. */
#include "drive.h"

#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "sim/record.h"
#include "sim/replay.h"
#include "sim/simulated.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/tipwright-replay-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char path[400];
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct replay *open_replay(const char *path)
{
    struct replay *replay;
    char error[400] = "";
    int r = replay_create(&path, 1, 0, &replay, error, sizeof(error));
    ck_assert_msg(r == 0, "%s", error);
    return replay;
}

static struct drive *start_replay(struct replay *replay)
{
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, replay_microscope(replay));
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), 0);
    return d;
}

static void free_drive(struct drive *d)
{
    drive_finish(d);
    free(d);
}

/* Two frames and a bit of a third one, through a pulse, on disk and in memory. */
static struct drive *record_night(void)
{
    struct simulated_options options;
    struct simulated *sim;
    struct record *record;
    simulated_options_default(&options);
    options.points = 40;
    options.lines = 12;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    struct record_options to = {.folder = folder,
                                .base = "default_night",
                                .comment = "seed 1",
                                .geometry = simulated_geometry(sim),
                                .t_utc_s = 1700000000};
    ck_assert_int_eq(record_create(&to, simulated_microscope(sim), &record), 0);
    struct drive *d = malloc(sizeof(*d));
    struct action pulse = action_default(ACTION_PULSE);
    drive_init(d, record_microscope(record));
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), 0);
    drive_messages(d, 50 + 1 + 7); /* a frame, and 3 1/2 lines of the next */
    ck_assert_int_eq(d->microscope.ops->begin(d->microscope.self, &pulse), 0);
    drive_messages(d, 50 + 9 + 50);
    ck_assert_int_eq(record_error(record), 0);
    ck_assert_uint_eq(record_frames(record), 3);
    ck_assert_int_eq(record_close(record), 0);
    simulated_destroy(sim);
    return d;
}

/* What the channel's file of the first frame weighs. */
static off_t size_of(const char *channel)
{
    char path[600];
    struct stat facts;
    snprintf(path, sizeof(path), "%s/default_night--1_1.%s_mtrx", folder, channel);
    ck_assert_int_eq(stat(path, &facts), 0);
    return facts.st_size;
}

START_TEST(current_is_recorded_in_files_of_its_own_and_a_stopped_line_as_far_as_it_came)
{
    struct simulated_options options;
    struct simulated *sim;
    struct record *record;
    make_folder();
    simulated_options_default(&options);
    options.points = 40;
    options.lines = 12;
    options.channels = SIM_CHANNEL_Z | SIM_CHANNEL_I;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    ck_assert_int_eq(simulated_disturb(sim, &(struct sim_disturbance){SIM_PARTIAL_LINE, .5, 1, 0}),
                     0);
    struct record_options to = {.folder = folder,
                                .base = "default_night",
                                .geometry = simulated_geometry(sim),
                                .current = true,
                                .t_utc_s = 1700000000};
    ck_assert_int_eq(record_create(&to, simulated_microscope(sim), &record), 0);
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, record_microscope(record));
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), 0);
    drive_to(d, 20000000000, 20000000000);
    ck_assert_int_eq(record_close(record), 0);
    /* Forward, backward ... 6 traces of Z and of I, then half of a forward one of Z. */
    ck_assert_uint_eq(d->n, 1 + 12 + 1 + 1);
    ck_assert_int_eq(size_of("Z") - size_of("I"), 20 * 4);
    free_drive(d);
    simulated_destroy(sim);
    remove_folder();
}
END_TEST

START_TEST(a_recorded_night_replays_as_it_was)
{
    make_folder();
    struct drive *night = record_night();
    struct replay *replay = open_replay(folder);
    ck_assert_uint_eq(replay_files(replay), 3);
    struct drive *again = start_replay(replay);
    drive_messages(again, 1000);
    ck_assert(again->finished);
    size_t k = 0;
    for (size_t i = 0; i < night->n; i++) {
        const struct drive_message *was = &night->messages[i];
        /* Of a line in progress no reader makes a line. */
        if (was->type == DATA_LINE && was->run == 1 && was->cycle == 2 && was->line == 3)
            continue;
        ck_assert_uint_lt(k, again->n);
        const struct drive_message *is = &again->messages[k++];
        ck_assert_int_eq(is->type, was->type);
        ck_assert_uint_eq(is->run, was->run);
        ck_assert_uint_eq(is->cycle, was->cycle);
        ck_assert_uint_eq(is->line, was->line);
        ck_assert_int_eq(is->trace, was->trace);
        if (is->type == DATA_SCAN_END)
            ck_assert_int_eq(is->end_reason, was->end_reason == SCAN_END_COMPLETE
                                                 ? SCAN_END_COMPLETE
                                                 : SCAN_END_STOPPED);
    }
    ck_assert_uint_eq(k, again->n);
    /* Heights to the converter's step. */
    for (int i = 0; i < 40; i++) {
        ck_assert_double_eq_tol(again->first[i], night->first[i], 1e-15);
        ck_assert_double_eq_tol(again->last[i], night->last[i], 1e-15);
    }
    ck_assert_double_eq_tol(again->messages[0].geometry.width_m, 3.6e-9, 1e-15);
    ck_assert_double_eq_tol(again->messages[0].geometry.bias_v, -1.8, 1e-6);
    ck_assert_uint_eq(replay_frames(replay), 3);
    replay_destroy(replay);
    free_drive(again);
    free_drive(night);
    remove_folder();
}
END_TEST

START_TEST(actions_are_taken_and_change_nothing)
{
    make_folder();
    free_drive(record_night());
    struct replay *quiet = open_replay(folder), *busy = open_replay(folder);
    struct drive *a = start_replay(quiet), *b = start_replay(busy);
    struct action pulse = action_default(ACTION_PULSE);
    drive_messages(a, 1000);
    drive_messages(b, 10);
    ck_assert_int_eq(b->microscope.ops->begin(b->microscope.self, &pulse), 0);
    ck_assert_int_eq(b->microscope.ops->begin(b->microscope.self, &pulse), -EBUSY);
    drive_messages(b, 1000);
    ck_assert_uint_eq(b->ended, 1);
    ck_assert_uint_eq(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        ck_assert_int_eq(a->messages[i].type, b->messages[i].type);
        ck_assert_uint_eq(a->messages[i].hash, b->messages[i].hash);
    }
    replay_destroy(quiet);
    replay_destroy(busy);
    free_drive(a);
    free_drive(b);
    remove_folder();
}
END_TEST

/* Grey level of row `top` (0 = top), column x. */
static int grey(uint32_t top, uint32_t x)
{
    return (int)((top * 37 + x * 11) % 256);
}

static void write_picture(const char *name, uint32_t width, uint32_t height)
{
    char path[400];
    double *values = malloc(sizeof(double) * width * height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            values[y * width + x] = grey(height - 1 - y, x);
    struct picture_frame frame = {.width = width, .height = height, .values = values, .unit = ""};
    struct picture_options options = {.low = 0, .high = 255, .no_scale_bar = true};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(picture_write_png(path, &frame, &options), 0);
    free(values);
}

START_TEST(a_picture_is_scanned_from_its_bottom_row)
{
    make_folder();
    write_picture("default--7_3.png", 20, 20);
    struct replay *replay = open_replay(folder);
    struct drive *d = start_replay(replay);
    drive_messages(d, 2);
    const struct drive_message *begin = &d->messages[0];
    ck_assert_uint_eq(begin->run, 7);
    ck_assert_uint_eq(begin->cycle, 3);
    ck_assert_uint_eq(begin->geometry.lines, 20);
    ck_assert(!begin->geometry.x_retrace && !begin->geometry.y_retrace);
    ck_assert_uint_eq(d->messages[1].line, 0);
    for (uint32_t x = 0; x < 20; x++)
        ck_assert_double_eq(d->last[x], grey(19, x) / 255.0 * REPLAY_M_PER_WHITE);
    drive_messages(d, 1000);
    ck_assert(d->finished);
    ck_assert_uint_eq(d->n, 22);
    for (uint32_t x = 0; x < 20; x++)
        ck_assert_double_eq(d->last[x], grey(0, x) / 255.0 * REPLAY_M_PER_WHITE);
    ck_assert_int_eq(d->messages[21].end_reason, SCAN_END_COMPLETE);
    replay_destroy(replay);
    free_drive(d);
    remove_folder();
}
END_TEST

START_TEST(a_low_picture_is_a_scan_that_was_stopped)
{
    make_folder();
    write_picture("part.png", 20, 8);
    struct replay *replay = open_replay(folder);
    struct drive *d = start_replay(replay);
    drive_messages(d, 1000);
    ck_assert_uint_eq(d->messages[0].geometry.lines, 20);
    ck_assert_uint_eq(d->n, 10);
    ck_assert_uint_eq(d->messages[0].run, 1);
    ck_assert_int_eq(d->messages[9].end_reason, SCAN_END_STOPPED);
    replay_destroy(replay);
    free_drive(d);
    remove_folder();
}
END_TEST

START_TEST(a_folder_plays_in_order_of_run_and_cycle)
{
    static const uint32_t order[][2] = {{2, 1}, {2, 10}, {10, 1}, {10, 2}};
    make_folder();
    write_picture("default--10_2.png", 16, 16);
    write_picture("default--2_10.png", 16, 16);
    write_picture("default--10_1.png", 16, 16);
    write_picture("default--2_1.png", 16, 16);
    write_picture("another name.png", 16, 16);
    struct replay *replay = open_replay(folder);
    struct drive *d = start_replay(replay);
    drive_messages(d, 1000);
    ck_assert_uint_eq(d->n, 5 * 18);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(d->messages[18 * i].run, order[i][0]);
        ck_assert_uint_eq(d->messages[18 * i].cycle, order[i][1]);
        ck_assert_uint_eq(d->messages[18 * i].scan, i + 1);
    }
    ck_assert_uint_eq(d->messages[18 * 4].run, 5);
    replay_destroy(replay);
    free_drive(d);
    remove_folder();
}
END_TEST

static void write_bytes(const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(damaged_files_are_passed_over_with_a_note)
{
    make_folder();
    write_bytes("default--1_1.Z_mtrx", "ONTMATRX0101 and then nothing of sense");
    write_bytes("default--2_1.png", "no picture");
    write_picture("default--3_1.png", 16, 16);
    struct replay *replay = open_replay(folder);
    struct drive *d = start_replay(replay);
    drive_messages(d, 1000);
    ck_assert(d->finished);
    ck_assert_uint_eq(d->n, 2 + 18);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(d->messages[i].type, DATA_NOTE);
        ck_assert_ptr_nonnull(strstr(d->messages[i].text, "default--"));
    }
    ck_assert_uint_eq(replay_passed_over(replay), 2);
    ck_assert_uint_eq(replay_frames(replay), 1);
    replay_destroy(replay);
    free_drive(d);
    remove_folder();
}
END_TEST

START_TEST(nothing_to_replay_is_an_error)
{
    struct replay *replay;
    char error[400];
    make_folder();
    const char *empty = folder, *absent = "/nowhere/at--1_1.Z_mtrx";
    ck_assert_int_eq(replay_create(&empty, 1, 0, &replay, error, sizeof(error)), -ENOENT);
    ck_assert_int_eq(replay_create(&absent, 1, 0, &replay, error, sizeof(error)), -ENOENT);
    write_bytes("notes.txt", "x");
    char path[400];
    snprintf(path, sizeof(path), "%s/notes.txt", folder);
    const char *notes = path;
    ck_assert_int_eq(replay_create(&notes, 1, 0, &replay, error, sizeof(error)), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(error, "notes.txt"));
    remove_folder();
}
END_TEST

START_TEST(withdrawn_it_is_silent_until_approach_and_start)
{
    make_folder();
    write_picture("default--1_1.png", 16, 16);
    write_picture("default--1_2.png", 16, 16);
    struct replay *replay = open_replay(folder);
    struct drive *d = start_replay(replay);
    struct action approach = action_default(ACTION_APPROACH);
    drive_messages(d, 5);
    d->microscope.ops->safe_state(d->microscope.self, 1e-7);
    drive_to(d, d->now_ns + 100 * S, S);
    ck_assert_uint_eq(d->n, 6);
    ck_assert_int_eq(d->messages[5].type, DATA_SCAN_END);
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), -EAGAIN);
    ck_assert_int_eq(d->microscope.ops->begin(d->microscope.self, &approach), 0);
    drive_to(d, d->now_ns + 10 * S, S);
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), 0);
    drive_messages(d, 1000);
    ck_assert_uint_eq(d->n, 6 + 18);
    ck_assert_uint_eq(d->messages[6].cycle, 2);
    replay_destroy(replay);
    free_drive(d);
    remove_folder();
}
END_TEST

static bool is_absent(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return false;
    fprintf(stderr, "skipped: %s is not here\n", path);
    return true;
}

START_TEST(real_recordings_replay_whole)
{
    static const struct {
        const char *path;
        size_t files;
    } sets[] = {{TEST_SOURCE_DIR "/../shared/data/matrix/proespm", 1},
                {TEST_SOURCE_DIR "/../shared/data/matrix/pymtrx", 16},
                {TEST_SOURCE_DIR "/../shared/data/matrix/srsml24", 3}};
    for (size_t i = 0; i < 3; i++) {
        if (is_absent(sets[i].path))
            return;
        struct replay *replay = open_replay(sets[i].path);
        ck_assert_uint_eq(replay_files(replay), sets[i].files);
        struct drive *d = start_replay(replay);
        while (!d->finished)
            drive_messages(d, d->n + 1000);
        ck_assert_uint_eq(replay_passed_over(replay), 0);
        ck_assert_uint_eq(replay_frames(replay), sets[i].files);
        size_t lines = 0;
        for (size_t k = 0; k < d->n; k++)
            lines += d->messages[k].type == DATA_LINE;
        ck_assert_uint_eq(lines + 2 * sets[i].files, d->n);
        replay_destroy(replay);
        free_drive(d);
    }
}
END_TEST

START_TEST(the_trace_of_a_real_image_comes_to_the_bit)
{
    const char *path = TEST_SOURCE_DIR "/../shared/data/matrix/proespm/20201111--4_1.Z_mtrx";
    struct matrix_image *image;
    char error[400];
    if (is_absent(path))
        return;
    ck_assert_int_eq(matrix_image_load(path, NULL, &image, error, sizeof(error)), 0);
    uint32_t cols = image->geometry.points;
    double *values = malloc(sizeof(double) * cols * image->geometry.lines);
    ck_assert_int_eq(matrix_image_to_si(image, SCAN_FORWARD_UP, values), 0);
    struct replay *replay = open_replay(path);
    struct drive *d = start_replay(replay);
    drive_messages(d, 2);
    ck_assert_mem_eq(d->first, values, sizeof(double) * cols);
    free(values);
    matrix_image_destroy(image);
    replay_destroy(replay);
    free_drive(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/replay");
    TCase *tcase = tcase_create("replay");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase,
                   current_is_recorded_in_files_of_its_own_and_a_stopped_line_as_far_as_it_came);
    tcase_add_test(tcase, a_recorded_night_replays_as_it_was);
    tcase_add_test(tcase, actions_are_taken_and_change_nothing);
    tcase_add_test(tcase, a_picture_is_scanned_from_its_bottom_row);
    tcase_add_test(tcase, a_low_picture_is_a_scan_that_was_stopped);
    tcase_add_test(tcase, a_folder_plays_in_order_of_run_and_cycle);
    tcase_add_test(tcase, damaged_files_are_passed_over_with_a_note);
    tcase_add_test(tcase, nothing_to_replay_is_an_error);
    tcase_add_test(tcase, withdrawn_it_is_silent_until_approach_and_start);
    tcase_add_test(tcase, real_recordings_replay_whole);
    tcase_add_test(tcase, the_trace_of_a_real_image_comes_to_the_bit);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
