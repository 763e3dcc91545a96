/*
 * Damaged, cut and contradictory MATRIX files: refused with one line, or read as far as they are
 * whole; never a crash, never invented data.
 */
#include "instrument/matrix_blocks.h"
#include "instrument/matrix_chain.h"
#include "instrument/matrix_file.h"
#include "tests/instrument/matrix_night.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets in a data file (observed in all real ones). */
enum { AT_CHANNEL_ID = 40, AT_PLANNED = 60, AT_ACQUIRED = 64, AT_TYPE = 72, AT_ATAD_SIZE = 100 };

struct pair {
    uint8_t *image, *chain;
    size_t image_size, chain_size;
};

static const char file_name[] = "night--1_1.Z_mtrx";

/* A complete 6 x 5 image with four traces and its chain. */
static struct pair make_pair(void)
{
    struct night night;
    struct pair pair;
    char path[1024];
    struct scan_geometry g = night_geometry(6, 5, true, true);
    night_open(&night, "night", &g, true);
    night_image(&night, 1, 1, night_all_samples(&g));
    ck_assert_int_eq(matrix_session_close(night.session, night.t_utc_s), 0);
    night_path(&night, file_name, path, sizeof path);
    ck_assert_int_eq(matrix_file_read(path, &pair.image, &pair.image_size), 0);
    night_path(&night, "night_0001.mtrx", path, sizeof path);
    ck_assert_int_eq(matrix_file_read(path, &pair.chain, &pair.chain_size), 0);
    night_finish(&night);
    return pair;
}

static void free_pair(struct pair *pair)
{
    free(pair->image);
    free(pair->chain);
}

/* A copy of exactly this size, so that a sanitizer sees every byte read beyond the end. */
static uint8_t *exact_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    return copy;
}

static int decode(const struct pair *pair, size_t image_size, size_t chain_size,
                  struct matrix_image **ret, char error[256])
{
    uint8_t *image_copy = exact_copy(pair->image, image_size);
    uint8_t *chain_copy = exact_copy(pair->chain, chain_size);
    const struct matrix_buffer image = {image_copy, image_size}, chain = {chain_copy, chain_size};
    *ret = NULL;
    error[0] = '\0';
    int status =
        matrix_image_decode(file_name, &image, chain_size ? &chain : NULL, NULL, ret, error, 256);
    free(image_copy);
    free(chain_copy);
    return status;
}

static void check_outcome(int status, struct matrix_image *image, const char *error)
{
    if (status == 0) {
        ck_assert_ptr_nonnull(image);
        ck_assert_uint_le(image->acquired, image->planned);
        for (uint32_t i = 0; i < image->n_traces; i++)
            ck_assert_uint_le((uint64_t)image->traces[i].first_row + image->traces[i].rows,
                              image->geometry.lines);
    } else {
        ck_assert_ptr_null(image);
        ck_assert(error[0] != '\0' && strchr(error, '\n') == NULL);
    }
    matrix_image_destroy(image);
}

START_TEST(every_cut_of_the_image_is_survived)
{
    struct pair pair = make_pair();
    for (size_t size = 0; size < pair.image_size; size++) {
        struct matrix_image *image;
        char error[256];
        int status = decode(&pair, size, pair.chain_size, &image, error);
        if (size < 104) {
            ck_assert_int_eq(status, -EBADMSG);
        } else {
            ck_assert_int_eq(status, 0);
            ck_assert_uint_eq(image->acquired, (size - 104) / 4);
            ck_assert_uint_eq(image->claimed, 6 * 5 * 4);
        }
        check_outcome(status, image, error);
    }
    free_pair(&pair);
}
END_TEST

START_TEST(every_cut_of_the_chain_is_survived)
{
    struct pair pair = make_pair();
    int named = 0, at_end = 0, inferred = 0;
    for (size_t size = 1; size < pair.chain_size; size++) {
        struct matrix_image *image;
        char error[256];
        int status = decode(&pair, pair.image_size, size, &image, error);
        if (size < 12) {
            ck_assert_int_eq(status, -EBADMSG);
        } else if (status == 0) {
            named += image->source == MATRIX_FROM_CHAIN;
            at_end += image->source == MATRIX_FROM_CHAIN_END;
            inferred += image->source == MATRIX_INFERRED;
        } else {
            /* Without geometry a 6 x 5 frame cannot be guessed. */
            ck_assert_int_eq(status, -ENODATA);
        }
        check_outcome(status, image, error);
    }
    ck_assert_int_gt(named, 0);
    ck_assert_int_gt(at_end, 0);
    ck_assert_int_eq(inferred, 0);
    free_pair(&pair);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One to eight changes: a bit, a byte, or a length-like word. */
static void mutate(uint8_t *data, size_t size, uint64_t *random)
{
    static const uint32_t nasty[] = {0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x10000, 10001};
    for (uint64_t n = 1 + next_random(random) % 8; n > 0; n--) {
        size_t at = next_random(random) % size;
        switch (next_random(random) % 3) {
        case 0:
            data[at] ^= (uint8_t)(1u << next_random(random) % 8);
            break;
        case 1:
            data[at] = (uint8_t)next_random(random);
            break;
        default:
            at = at / 4 * 4;
            if (at + 4 <= size)
                memcpy(data + at, &nasty[next_random(random) % 7], 4);
        }
    }
}

START_TEST(thousands_of_mutations_are_survived)
{
    struct pair pair = make_pair();
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    int accepted = 0, refused = 0;
    for (int i = 0; i < 10000; i++) {
        struct pair bad = {malloc(pair.image_size), malloc(pair.chain_size), pair.image_size,
                           pair.chain_size};
        memcpy(bad.image, pair.image, pair.image_size);
        memcpy(bad.chain, pair.chain, pair.chain_size);
        if (i % 2)
            mutate(bad.image, 104, &random);
        else
            mutate(bad.chain, bad.chain_size, &random);
        struct matrix_image *image;
        char error[256];
        int status = decode(&bad, bad.image_size, bad.chain_size, &image, error);
        accepted += status == 0;
        refused += status < 0;
        check_outcome(status, image, error);
        struct matrix_chain_summary summary;
        (void)matrix_chain_summarize(bad.chain, bad.chain_size, NULL, NULL, &summary, error,
                                     sizeof error);
        free_pair(&bad);
    }
    ck_assert_int_gt(accepted, 1000);
    ck_assert_int_gt(refused, 1000);
    free_pair(&pair);
}
END_TEST

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* A head that contradicts itself, and the word that the refusal must contain. */
static const struct {
    size_t at;
    uint32_t value;
    const char *says;
} bad_heads[] = {
    {12, 0x11111111, "TLKB"},
    {AT_PLANNED, 0, "plans 0 samples"},
    {AT_PLANNED, 119, "claims 120"},
    {AT_ACQUIRED, 121, "claims 121"},
    {AT_ACQUIRED, 0xFFFFFFFF, "claims"},
    {AT_TYPE, 0x00490054, "SI32"},
    {AT_PLANNED, 121, "do not fit"},
    {0, 0x20202020, "ONTMATRX0101"},
    {32, 0x11111111, "before its samples"},
    {96, 0x11111111, "before its samples"},
};

START_TEST(contradictory_head_is_refused)
{
    struct pair pair = make_pair();
    put_u32(pair.image + bad_heads[_i].at, bad_heads[_i].value);
    struct matrix_image *image;
    char error[256];
    ck_assert_int_eq(decode(&pair, pair.image_size, pair.chain_size, &image, error), -EBADMSG);
    ck_assert_msg(strstr(error, bad_heads[_i].says) != NULL, "says: %s", error);
    free_pair(&pair);
}
END_TEST

START_TEST(head_that_claims_too_much_is_clipped)
{
    struct pair pair = make_pair();
    struct matrix_image *image;
    char error[256];
    put_u32(pair.image + AT_ATAD_SIZE, 0xFFFFFFFF);
    ck_assert_int_eq(decode(&pair, pair.image_size - 41, pair.chain_size, &image, error), 0);
    ck_assert_uint_eq(image->acquired, 120 - 11);
    ck_assert_uint_eq(image->claimed, 120);
    ck_assert_uint_eq(image->traces[SCAN_FORWARD_DOWN].rows, 4);
    ck_assert_uint_eq(image->traces[SCAN_FORWARD_DOWN].first_row, 1);
    matrix_image_destroy(image);
    put_u32(pair.image + AT_ATAD_SIZE, 4 * 24);
    ck_assert_int_eq(decode(&pair, pair.image_size, pair.chain_size, &image, error), 0);
    ck_assert_uint_eq(image->acquired, 24);
    matrix_image_destroy(image);
    free_pair(&pair);
}
END_TEST

START_TEST(unknown_channel_id_gives_no_scale)
{
    struct pair pair = make_pair();
    struct matrix_image *image;
    char error[256];
    put_u32(pair.image + AT_CHANNEL_ID + 4, 99);
    ck_assert_int_eq(decode(&pair, pair.image_size, pair.chain_size, &image, error), 0);
    ck_assert_int_eq(image->source, MATRIX_FROM_CHAIN);
    ck_assert_int_eq(image->transfer.function, MATRIX_UNSCALED);
    ck_assert_str_eq(image->unscaled_because, "the chain does not know this channel");
    double values[30];
    ck_assert_int_eq(matrix_image_to_si(image, SCAN_FORWARD_UP, values), -ENODATA);
    matrix_image_destroy(image);
    /* The id of I in a file named Z. */
    put_u32(pair.image + AT_CHANNEL_ID + 4, 7);
    ck_assert_int_eq(decode(&pair, pair.image_size, pair.chain_size, &image, error), -EBADMSG);
    ck_assert_str_eq(error, "the result chain calls this channel I");
    free_pair(&pair);
}
END_TEST

static void append(struct pair *pair, struct matrix_block *block)
{
    size_t size;
    const uint8_t *data = matrix_block_finish(block, &size);
    pair->chain = realloc(pair->chain, pair->chain_size + size);
    memcpy(pair->chain + pair->chain_size, data, size);
    pair->chain_size += size;
}

struct number {
    const char *name;
    double value;
};

/* A further CCSY behind the chain's end, with one function for the key of Z. */
static void append_function(struct pair *pair, const char *function, const struct number *numbers,
                            uint32_t n)
{
    struct matrix_block block = {0};
    matrix_block_begin(&block, "YSCC", 1, 0);
    matrix_put_u32(&block, 0);
    matrix_inner_begin(&block, "REFX");
    matrix_put_u32(&block, 0x00200043);
    matrix_put_u32(&block, 14);
    matrix_put_text(&block, function);
    matrix_put_text(&block, "m");
    matrix_put_u32(&block, n);
    for (uint32_t i = 0; i < n; i++) {
        struct matrix_put_value value = matrix_put_double(numbers[i].value);
        matrix_put_text(&block, numbers[i].name);
        matrix_put_typed(&block, &value);
    }
    matrix_inner_end(&block);
    append(pair, &block);
    matrix_block_free(&block);
}

static struct matrix_recording find_other(const struct pair *pair)
{
    struct matrix_recording recording;
    char error[256] = "";
    int status = matrix_chain_find(pair->chain, pair->chain_size, "not yet stored",
                                   UINT64_C(0x0000000200440043), &recording, error, sizeof error);
    ck_assert_msg(status == 0, "%s", error);
    ck_assert(!recording.named);
    return recording;
}

START_TEST(last_function_of_a_key_holds)
{
    struct pair pair = make_pair();
    ck_assert(find_other(&pair).transfer.factor == 2.4e15);
    static const struct number linear[] = {{"Factor", 3.12e15}, {"Offset", 5}};
    append_function(&pair, "TFF_Linear1D", linear, 2);
    struct matrix_recording r = find_other(&pair);
    ck_assert(r.transfer.factor == 3.12e15 && r.transfer.offset == 5);
    /* The dictionary came with an earlier block and still holds. */
    ck_assert_str_eq(r.channel, "Z");
    append_function(&pair, "TFF_Identity", NULL, 0);
    ck_assert_int_eq(find_other(&pair).transfer.function, MATRIX_IDENTITY);
    free_pair(&pair);
}
END_TEST

static const struct {
    const char *function;
    struct number numbers[5];
    uint32_t n;
} unusable[] = {
    {"TFF_Linear1D", {{"Offset", 0}, {"Factor", 0}}, 2},
    {"TFF_Linear1D", {{"Offset", 0}}, 1},
    {"TFF_Linear1D", {{"Factor", 1}}, 1},
    {"TFF_Linear1D", {{"Offset", 0}, {"Factor", HUGE_VAL}}, 2},
    {"TFF_MultiLinear1D",
     {{"Offset", 0},
      {"NeutralFactor", 1e200},
      {"PreFactor", 1e200},
      {"PreOffset", 0},
      {"Raw_1", 1}},
     5},
    {"TFF_MultiLinear1D",
     {{"Offset", 0}, {"NeutralFactor", 1}, {"PreFactor", 0}, {"PreOffset", 0}, {"Raw_1", 1}},
     5},
    {"TFF_MultiLinear1D", {{"Offset", 0}, {"NeutralFactor", 1}, {"PreFactor", 1}, {"Raw_1", 1}}, 4},
    {"TFF_Cubic", {{"Offset", 0}, {"Factor", 1}}, 2},
};

START_TEST(unusable_function_gives_no_scale)
{
    struct pair pair = make_pair();
    append_function(&pair, unusable[_i].function, unusable[_i].numbers, unusable[_i].n);
    struct matrix_recording r = find_other(&pair);
    ck_assert_int_eq(r.transfer.function, MATRIX_UNSCALED);
    ck_assert_ptr_nonnull(r.unscaled_because);
    free_pair(&pair);
}
END_TEST

static void append_change(struct pair *pair, const char *instance, const char *property,
                          const char *unit, double number)
{
    struct matrix_block block = {0};
    struct matrix_put_value value = matrix_put_double(number);
    matrix_block_begin(&block, "DOMP", NIGHT_START_UTC_S + 900, 0);
    matrix_put_u32(&block, 0);
    matrix_put_text(&block, instance);
    matrix_put_text(&block, property);
    matrix_put_text(&block, unit);
    matrix_put_u32(&block, 0);
    matrix_put_typed(&block, &value);
    append(pair, &block);
    matrix_block_free(&block);
}

static void append_stored(struct pair *pair, const char *name)
{
    struct matrix_block block = {0};
    matrix_block_begin(&block, "FERB", NIGHT_START_UTC_S + 901, 0);
    matrix_put_u32(&block, 0);
    matrix_put_text(&block, name);
    append(pair, &block);
    matrix_block_free(&block);
}

START_TEST(spectrum_does_not_end_an_image)
{
    struct pair pair = make_pair();
    append_change(&pair, "GapVoltageControl", "Voltage", "Volt", -2.0);
    ck_assert(!find_other(&pair).bias_changed);
    append_change(&pair, "GapVoltageControl", "Voltage", "Volt", 1.5);
    append_stored(&pair, "night--7_1.I(V)_mtrx");
    ck_assert(find_other(&pair).bias_changed);
    append_stored(&pair, "night--1_2.Z_mtrx");
    ck_assert(!find_other(&pair).bias_changed);
    free_pair(&pair);
}
END_TEST

START_TEST(setpoint_in_another_unit_is_unknown)
{
    struct pair pair = make_pair();
    ck_assert(find_other(&pair).geometry.setpoint_a == 5e-11);
    append_change(&pair, "Regulator", "Setpoint_1", "Hertz", -20);
    ck_assert(isnan(find_other(&pair).geometry.setpoint_a));
    free_pair(&pair);
}
END_TEST

START_TEST(unknown_type_word_is_named_with_its_place)
{
    struct pair pair = make_pair();
    size_t at = 0;
    for (size_t i = 0; i + 4 <= pair.chain_size && at == 0; i++)
        if (memcmp(pair.chain + i, "BUOD", 4) == 0)
            at = i;
    ck_assert_uint_gt(at, 0);
    memcpy(pair.chain + at, "TROH", 4);
    struct matrix_image *image;
    char error[256];
    ck_assert_int_eq(decode(&pair, pair.image_size, pair.chain_size, &image, error), -EBADMSG);
    ck_assert_msg(strstr(error, "damaged start values at byte ") != NULL, "says: %s", error);
    free_pair(&pair);
}
END_TEST

/* Without a chain: planned samples, --points, and what comes of it. */
static const struct {
    uint32_t planned, given;
    int status;
    uint32_t points, lines, n_traces;
} guesses[] = {
    {4 * 9, 0, 0, 3, 3, 4},          {2 * 16, 0, 0, 4, 4, 2}, {4 * 30, 0, -ENODATA, 0, 0, 0},
    {7, 0, -ENODATA, 0, 0, 0},       {4 * 30, 6, 0, 6, 5, 4}, {2 * 64, 8, 0, 8, 8, 2},
    {6 * 5, 6, 0, 6, 5, 1},          {2 * 35, 7, 0, 7, 5, 2}, {4 * 30, 7, -EINVAL, 0, 0, 0},
    {4 * 9, 9000, -EINVAL, 0, 0, 0},
};

START_TEST(geometry_without_a_chain)
{
    struct pair pair = make_pair();
    put_u32(pair.image + AT_PLANNED, guesses[_i].planned);
    put_u32(pair.image + AT_ACQUIRED, 1);
    const struct matrix_buffer file = {pair.image, pair.image_size};
    const struct matrix_load_options options = {.points = guesses[_i].given};
    struct matrix_image *image = NULL;
    char error[256] = "";
    int status = matrix_image_decode(file_name, &file, NULL, &options, &image, error, sizeof error);
    ck_assert_msg(status == guesses[_i].status, "%d: %s", status, error);
    if (status == 0) {
        ck_assert_int_eq(image->source, guesses[_i].given ? MATRIX_GIVEN : MATRIX_INFERRED);
        ck_assert_uint_eq(image->geometry.points, guesses[_i].points);
        ck_assert_uint_eq(image->geometry.lines, guesses[_i].lines);
        ck_assert_uint_eq(image->n_traces, guesses[_i].n_traces);
        ck_assert(isnan(image->geometry.bias_v) && isnan(image->geometry.width_m));
        ck_assert_int_eq(image->transfer.function, MATRIX_UNSCALED);
        ck_assert_str_eq(image->unscaled_because, "no result chain");
    } else if (status == -ENODATA) {
        ck_assert_msg(strstr(error, "--points N") != NULL, "says: %s", error);
    }
    matrix_image_destroy(image);
    free_pair(&pair);
}
END_TEST

static const char *const bad_names[] = {
    "",
    "x",
    "a--1_1.Z",
    "a--1.Z_mtrx",
    "a--0_1.Z_mtrx",
    "a--1_0.Z_mtrx",
    "a--1_1._mtrx",
    "--1_1.Z_mtrx",
    "a--1_1.I(V)_mtrx",
    "a--1_1.Z_mtrx.bak",
    "a--x_1.Z_mtrx",
    "a--1_99999999999.Z_mtrx",
    "a_0001.mtrx",
    "a--1_1.Z_flat",
    "a--1_1.ChannelNameTooLong_mtrx",
};

START_TEST(names_that_are_no_image)
{
    struct matrix_name name;
    ck_assert_int_eq(matrix_name_parse(bad_names[_i], &name), -EINVAL);
}
END_TEST

START_TEST(name_may_hold_nearly_anything)
{
    struct matrix_name name;
    ck_assert_int_eq(matrix_name_parse("/d--9_9.Z_mtrx/a b--7_2.x--12_34.Aux1_mtrx", &name), 0);
    ck_assert_str_eq(name.base, "a b--7_2.x");
    ck_assert_uint_eq(name.run, 12);
    ck_assert_uint_eq(name.cycle, 34);
    ck_assert_str_eq(name.channel, "Aux1");
}
END_TEST

START_TEST(what_is_no_file_is_refused_at_once)
{
    char folder[] = "/tmp/tipwright-files-XXXXXX", path[256], error[256];
    struct matrix_image *image = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a--1_1.Z_mtrx", folder);
    ck_assert_int_eq(matrix_image_load(path, NULL, &image, error, sizeof error), -ENOENT);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(matrix_image_load(path, NULL, &image, error, sizeof error), -EISDIR);
    ck_assert_int_eq(rmdir(path), 0);
    /* A pipe nobody writes to must not hang the reader. */
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(matrix_image_load(path, NULL, &image, error, sizeof error), -EINVAL);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_ptr_null(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix damage");
    TCase *tcase = tcase_create("damage");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_cut_of_the_image_is_survived);
    tcase_add_test(tcase, every_cut_of_the_chain_is_survived);
    tcase_add_test(tcase, thousands_of_mutations_are_survived);
    tcase_add_loop_test(tcase, contradictory_head_is_refused, 0,
                        sizeof bad_heads / sizeof *bad_heads);
    tcase_add_test(tcase, head_that_claims_too_much_is_clipped);
    tcase_add_test(tcase, unknown_channel_id_gives_no_scale);
    tcase_add_test(tcase, last_function_of_a_key_holds);
    tcase_add_loop_test(tcase, unusable_function_gives_no_scale, 0,
                        sizeof unusable / sizeof *unusable);
    tcase_add_test(tcase, spectrum_does_not_end_an_image);
    tcase_add_test(tcase, setpoint_in_another_unit_is_unknown);
    tcase_add_test(tcase, unknown_type_word_is_named_with_its_place);
    tcase_add_loop_test(tcase, geometry_without_a_chain, 0, sizeof guesses / sizeof *guesses);
    tcase_add_loop_test(tcase, names_that_are_no_image, 0, sizeof bad_names / sizeof *bad_names);
    tcase_add_test(tcase, name_may_hold_nearly_anything);
    tcase_add_test(tcase, what_is_no_file_is_refused_at_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
