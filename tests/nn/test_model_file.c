/* Model files: round trips, and every kind of bad file refused with its reason. */
#include "make_model.h"
#include "nn/bytes.h"
#include "nn/random.h"
#include "nn/stream.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_model_file.tipnn";

static uint8_t *data;
static size_t size;

static void set_up(void)
{
    nn_model_destroy(make_model(path, MAKE_WHOLE, 6));
    ck_assert_int_eq(nn_bytes_read_file(path, 1 << 24, &data, &size), 0);
}

static void tear_down(void)
{
    free(data);
    unlink(path);
}

/* Makes the checksum right again after a change. */
static void seal(void)
{
    crypto_hash_sha256(data + size - NN_BYTES_SEAL, data, size - NN_BYTES_SEAL);
}

static void refused(size_t n, int wanted, const char *reason)
{
    struct nn_model *model = NULL;
    char error[200] = "";
    ck_assert_int_eq(nn_model_parse(data, n, &model, error, sizeof error), wanted);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(error, reason) != NULL, "'%s' does not say '%s'", error, reason);
}

static struct nn_model *save_alone(const struct nn_model_member *member)
{
    struct nn_model_parts parts = {
        .input = make_input(MAKE_WHOLE), .members = member, .n_members = 1, .note = "alone"};
    struct nn_model *model = save_and_load(path, &parts);
    nn_network_destroy(member->network);
    return model;
}

START_TEST(loads_what_was_saved)
{
    struct nn_model *model = NULL;
    char error[200];
    ck_assert_int_eq(nn_model_load(path, &model, error, sizeof error), 0);
    ck_assert_str_eq(nn_model_note(model), "untrained");
    ck_assert_uint_eq(nn_model_input(model)->rows, 24);
    ck_assert_uint_eq(nn_model_input(model)->cols, 20);
    ck_assert_uint_eq(strlen(nn_model_hash(model)), 64);
    nn_model_destroy(model);
}
END_TEST

START_TEST(saving_twice_gives_the_same_bytes)
{
    uint8_t *again;
    size_t again_size;
    nn_model_destroy(make_model(path, MAKE_WHOLE, 6));
    ck_assert_int_eq(nn_bytes_read_file(path, 1 << 24, &again, &again_size), 0);
    ck_assert_uint_eq(again_size, size);
    ck_assert_mem_eq(again, data, size);
    free(again);
}
END_TEST

START_TEST(calibration_is_applied_between_its_knots)
{
    struct nn_model_member member = make_member(MAKE_WHOLE, 6);
    member.calibration.n = 2;
    member.calibration.knots[0] = (struct nn_calibration_knot){.seen = 0.25F};
    member.calibration.knots[1] = (struct nn_calibration_knot){.seen = 0.75F};
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        member.calibration.knots[1].offset[k] = 4.0F;
    struct nn_model *model = save_alone(&member);
    const float shares[] = {0.1F, 0.25F, 0.5F, 0.75F, 1.0F};
    const double wanted[] = {0.5, 0.5, 0.880797, 0.982014, 0.982014};
    for (int i = 0; i < 5; i++) {
        const float logits[NN_LABEL_COUNT] = {3.0F, -8.0F};
        float scores[NN_LABEL_COUNT];
        nn_calibration_apply(nn_model_calibration(model, 0), shares[i], logits, scores);
        ck_assert_double_eq_tol((double)scores[1], wanted[i], 1e-5);
    }
    nn_model_destroy(model);
}
END_TEST

START_TEST(a_detector_comes_back_as_it_was)
{
    struct nn_model_member member = make_member(MAKE_ROWS, 3);
    struct nn_event_net event = make_event_net(5);
    struct nn_model_parts parts = {.input = make_input(MAKE_ROWS),
                                   .members = &member,
                                   .n_members = 1,
                                   .event = &event,
                                   .event_weight = 0.75F,
                                   .note = ""};
    struct nn_model *model = save_and_load(path, &parts);
    ck_assert_mem_eq(nn_model_event(model), &event, sizeof event);
    ck_assert_float_eq(nn_model_event_weight(model, 1.0F), 0.75F);
    nn_model_destroy(model);
    parts.event_weight = -1.0F;
    ck_assert_int_eq(nn_model_save(path, &parts), -EINVAL);
    parts.event_weight = 0.75F;
    event.out_bias = NAN;
    ck_assert_int_eq(nn_model_save(path, &parts), -EINVAL);
    nn_network_destroy(member.network);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    for (size_t n = 0; n < size; n += n < 400 ? 1 : 97) {
        struct nn_model *model = NULL;
        char error[200] = "";
        ck_assert_int_lt(nn_model_parse(data, n, &model, error, sizeof error), 0);
        ck_assert_ptr_null(model);
        ck_assert_uint_gt(strlen(error), 0);
    }
    refused(4, -EPROTO, "not a tipwright model");
    refused(size - 1, -EBADMSG, "bytes instead of");
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    for (size_t at = 0; at < size; at += at < 400 ? 1 : 61) {
        data[at] ^= (uint8_t)(1U << (at % 8));
        struct nn_model *model = NULL;
        char error[200] = "";
        ck_assert_int_lt(nn_model_parse(data, size, &model, error, sizeof error), 0);
        ck_assert_ptr_null(model);
        data[at] ^= (uint8_t)(1U << (at % 8));
    }
    data[size / 2] ^= 1;
    refused(size, -EBADMSG, "checksum");
}
END_TEST

START_TEST(foreign_and_newer_files_are_named)
{
    data[8] = 3;
    seal();
    refused(size, -EPROTO, "model format 3, this program reads 2");
    data[8] = 1;
    seal();
    refused(size, -EPROTO, "model format 1, this program reads 2; train it anew");
    memcpy(data, "\x89PNG\r\n\x1a\n", 8);
    refused(size, -EPROTO, "not a tipwright model");
}
END_TEST

/* Where the table of six names ends: how members combine, their number, the first one's answers. */
enum { AFTER_LABELS = 119 };

START_TEST(sealed_nonsense_is_refused)
{
    /* 8 magic, 4 version, 8 size; rows, cols, flatten, limit, looks, planes, scaling, lead_in,
     * labels. */
    static const struct {
        size_t at;
        uint8_t value;
        const char *reason;
    } cases[] = {
        {20, 1, "input grid"},
        {22, 0xFF, "input grid"},
        {28, 9, "input grid"},
        {28, 0, "self-test"},
        {36, 3, "input grid"},
        {40, 0, "input grid"},
        {41, 1, "input grid"},
        {40, 7, "weights"},
        {44, 2, "input grid"},
        {48, 1, "input grid"},
        {52, 5, "labels"},
        {57, 'A', "labels"},
        {AFTER_LABELS, 2, "number of networks"},
        {AFTER_LABELS + 4, 17, "number of networks"},
        {AFTER_LABELS + 8, 0, "per label"},
        {AFTER_LABELS + 8, 0x7F, "per label"},
        {AFTER_LABELS + 8, 0x1F, "per label"},
    };
    data[cases[_i].at] = cases[_i].value;
    seal();
    refused(size, -EBADMSG, cases[_i].reason);
}
END_TEST

START_TEST(a_changed_weight_fails_the_self_test)
{
    /* The dense layer's biases are the last weights; the label table and layers come before. */
    struct nn_model_member member = make_member(MAKE_WHOLE, 6);
    size_t n;
    float *weights = nn_network_weights(member.network, &n);
    uint8_t wanted[4];
    memcpy(wanted, &weights[n - 20], 4);
    size_t found = 0;
    for (size_t at = 0; at + 4 < size && !found; at++)
        found = memcmp(data + at, wanted, 4) == 0 ? at : 0;
    ck_assert_uint_gt(found, 0);
    nn_network_destroy(member.network);
    const float other = 3.5F;
    memcpy(data + found, &other, 4);
    seal();
    refused(size, -EBADMSG, "self-test");
    const uint8_t nan_bytes[4] = {0, 0, 0xC0, 0x7F};
    memcpy(data + found, nan_bytes, 4);
    seal();
    refused(size, -EBADMSG, "finite");
}
END_TEST

START_TEST(random_sealed_bytes_never_crash)
{
    uint64_t state = 1;
    if (_i == 1) {
        free(data);
        nn_model_destroy(make_model(path, MAKE_ROWS, 6));
        ck_assert_int_eq(nn_bytes_read_file(path, 1 << 24, &data, &size), 0);
    }
    for (int round = 0; round < 2000; round++) {
        size_t at[3];
        uint8_t held[3];
        for (int k = 0; k < 3; k++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            at[k] = 20 + (size_t)(state >> 33) % (round % 2 ? 500 : size - 20 - NN_BYTES_SEAL);
            held[k] = data[at[k]];
            data[at[k]] = (uint8_t)(state >> 21);
        }
        seal();
        struct nn_model *model = NULL;
        char error[200];
        if (nn_model_parse(data, size, &model, error, sizeof error) == 0)
            nn_model_destroy(model);
        for (int k = 3; k-- > 0;)
            data[at[k]] = held[k];
    }
}
END_TEST

/* White noise is no surface that anybody could classify; the shipped weights have to know. */
START_TEST(the_shipped_model_loads_and_calls_noise_bad)
{
    struct nn_model *model = NULL;
    char error[200] = "";
    int code =
        nn_model_load(TEST_SOURCE_DIR "/nn/models/h-si-100.tipnn", &model, error, sizeof error);
    ck_assert_msg(code == 0, "%s", error);
    struct nn_stream *stream;
    ck_assert_int_eq(nn_stream_create(model, &stream), 0);
    ck_assert_int_eq(nn_stream_begin(stream, 300, 300), 0);
    struct nn_random random = nn_random_seed(1, 1, 1);
    for (uint32_t row = 0; row < 300; row++) {
        double line[300];
        for (int x = 0; x < 300; x++)
            line[x] = 1e-11 * nn_random_normal(&random);
        ck_assert_int_eq(nn_stream_add_line(stream, row, line), 0);
    }
    float scores[NN_LABEL_COUNT];
    ck_assert_int_eq(nn_stream_scores(stream, scores), 0);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ck_assert(k == NN_LABEL_BAD_BLURRY ? scores[k] > 0.5F : scores[k] < 0.5F);
    nn_stream_destroy(stream);
    nn_model_destroy(model);
}
END_TEST

START_TEST(a_missing_file_is_said_to_be_missing)
{
    struct nn_model *model = NULL;
    char error[200] = "";
    ck_assert_int_eq(nn_model_load("/nonexistent.tipnn", &model, error, sizeof error), -ENOENT);
    ck_assert_uint_gt(strlen(error), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_file");
    TCase *tcase = tcase_create("model_file");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, loads_what_was_saved);
    tcase_add_test(tcase, saving_twice_gives_the_same_bytes);
    tcase_add_test(tcase, calibration_is_applied_between_its_knots);
    tcase_add_test(tcase, a_detector_comes_back_as_it_was);
    tcase_add_test(tcase, every_truncation_is_refused);
    tcase_add_test(tcase, every_flipped_bit_is_refused);
    tcase_add_test(tcase, foreign_and_newer_files_are_named);
    tcase_add_loop_test(tcase, sealed_nonsense_is_refused, 0, 13);
    tcase_add_test(tcase, a_changed_weight_fails_the_self_test);
    tcase_add_loop_test(tcase, random_sealed_bytes_never_crash, 0, 2);
    tcase_add_test(tcase, the_shipped_model_loads_and_calls_noise_bad);
    tcase_add_test(tcase, a_missing_file_is_said_to_be_missing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
