/* Pictures: what is read back is what was drawn; missing lines, bar, marks and texts are there. */
#include "instrument/picture.h"
#include "instrument/picture_draw.h"
#include "instrument/picture_font.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 24, HEIGHT = 16 };

static char folder[] = "/tmp/tipwright-pictures-XXXXXX";
static char path[256];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/picture", folder);
}

static void remove_folder(void)
{
    unlink(path);
    /* Fails when a temporary file was left. */
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Rises by one from sample to sample, bottom row first. */
static const double *ramp(void)
{
    static double values[WIDTH * HEIGHT];
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        values[i] = i;
    return values;
}

static struct picture_frame ramp_frame(void)
{
    return (struct picture_frame){.width = WIDTH,
                                  .height = HEIGHT,
                                  .values = ramp(),
                                  .width_m = 1.2e-8,
                                  .height_m = 8e-9,
                                  .unit = "m",
                                  .title = "19_2 forward/up"};
}

static struct picture_gray read_back(void)
{
    struct picture_gray gray;
    char error[256] = "";
    int status = picture_read_png_gray(path, &gray, error, sizeof error);
    ck_assert_msg(status == 0, "%s", error);
    return gray;
}

START_TEST(gray_values_are_stretched_and_flipped)
{
    struct picture_frame frame = ramp_frame();
    struct picture_options options = {.low = 0, .high = 255, .no_scale_bar = true};
    ck_assert_int_eq(picture_write_png(path, &frame, &options), 0);
    struct picture_gray gray = read_back();
    ck_assert_uint_eq(gray.width, WIDTH);
    ck_assert_uint_eq(gray.height, HEIGHT);
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t value = (HEIGHT - 1 - y) * WIDTH + x;
            ck_assert_uint_eq(gray.pixels[y * WIDTH + x], value > 255 ? 255 : value);
        }
    picture_gray_finish(&gray);
    ck_assert_ptr_null(gray.pixels);
}
END_TEST

START_TEST(one_spike_does_not_blacken_the_frame)
{
    double values[WIDTH * HEIGHT], low, high;
    memcpy(values, ramp(), sizeof values);
    values[5] = 1e9;
    values[9] = -1e9;
    values[11] = (double)NAN;
    struct picture_frame frame = ramp_frame();
    frame.values = values;
    picture_contrast(&frame, &low, &high);
    ck_assert(low >= 0 && low < 10 && high > 370 && high < 384);
    uint8_t seen[HEIGHT] = {0};
    seen[1] = 1;
    frame.seen = seen;
    picture_contrast(&frame, &low, &high);
    ck_assert(low == WIDTH && high == 2 * WIDTH - 1);
    seen[1] = 0;
    picture_contrast(&frame, &low, &high);
    ck_assert(low == 0 && high == 0);
}
END_TEST

START_TEST(missing_lines_are_hatched)
{
    struct picture_frame frame = ramp_frame();
    uint8_t seen[HEIGHT];
    memset(seen, 1, sizeof seen);
    seen[0] = seen[3] = 0;
    double values[WIDTH * HEIGHT] = {0};
    values[5 * WIDTH + 2] = (double)NAN;
    frame.values = values;
    frame.seen = seen;
    struct picture_options options = {.low = -1, .high = 0, .no_scale_bar = true};
    struct picture_canvas canvas;
    ck_assert_int_eq(picture_draw(&frame, &options, &canvas), 0);
    for (uint32_t row = 0; row < HEIGHT; row++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint8_t *rgb = canvas.rgb + 3 * ((HEIGHT - 1 - row) * WIDTH + x);
            bool missing = row == 0 || row == 3 || (row == 5 && x == 2);
            /* Neither black nor any grey of the map: bluish. */
            ck_assert_int_eq(rgb[2] != rgb[0], missing);
        }
    bool both = memcmp(canvas.rgb + 3 * (HEIGHT - 1) * WIDTH,
                       canvas.rgb + 3 * ((HEIGHT - 1) * WIDTH + 4), 3) != 0;
    ck_assert_msg(both, "hatching has one tone only");
    free(canvas.rgb);
}
END_TEST

START_TEST(tip_change_is_marked_on_its_row)
{
    struct picture_frame frame = ramp_frame();
    static const uint32_t rows[] = {4, 99};
    struct picture_options options = {
        .no_scale_bar = true, .tip_change_rows = rows, .n_tip_change_rows = 2, .min_side_px = 48};
    struct picture_canvas canvas;
    ck_assert_int_eq(picture_draw(&frame, &options, &canvas), 0);
    ck_assert_uint_eq(canvas.width, 3 * WIDTH);
    ck_assert_uint_eq(canvas.height, 3 * HEIGHT);
    for (uint32_t y = 0; y < canvas.height; y++) {
        const uint8_t *left = canvas.rgb + (size_t)3 * y * canvas.width;
        const uint8_t *right = left + (size_t)3 * (canvas.width - 1);
        bool marked = HEIGHT - 1 - y / 3 == 4;
        ck_assert_int_eq(left[0] != left[2], marked);
        ck_assert_int_eq(right[0] != right[2], marked);
    }
    free(canvas.rgb);
}
END_TEST

static const struct {
    double limit_m, length_m;
    const char *text;
} bars[] = {
    {6e-9, 5e-9, "5 nm"},        {5e-9, 5e-9, "5 nm"},   {4.99e-9, 2e-9, "2 nm"},
    {2e-9, 2e-9, "2 nm"},        {1.9e-9, 1e-9, "1 nm"}, {9.9e-10, 5e-10, "500 pm"},
    {3e-6, 2e-6, "2 \xC2\xB5m"}, {3e-8, 2e-8, "20 nm"},  {1.5e-7, 1e-7, "100 nm"},
};

START_TEST(scale_bar_follows_one_two_five)
{
    char text[32];
    double length_m = picture_scale_bar_length(bars[_i].limit_m);
    ck_assert_msg(fabs(length_m / bars[_i].length_m - 1) < 1e-9, "%g", length_m);
    picture_format_length(length_m, text, sizeof text);
    ck_assert_str_eq(text, bars[_i].text);
}
END_TEST

/* The longest run of pure white in the lowest rows. */
static uint32_t bar_px(const struct picture_canvas *canvas)
{
    uint32_t best = 0;
    for (uint32_t y = canvas->height - 10; y < canvas->height; y++)
        for (uint32_t x = 0, run = 0; x < canvas->width; x++) {
            const uint8_t *rgb = canvas->rgb + 3 * ((size_t)y * canvas->width + x);
            run = rgb[0] == 255 && rgb[1] == 255 && rgb[2] == 255 ? run + 1 : 0;
            best = run > best ? run : best;
        }
    return best;
}

START_TEST(scale_bar_has_its_length)
{
    struct picture_frame frame = ramp_frame();
    struct picture_options options = {.low = 0, .high = 1000, .min_side_px = 160};
    struct picture_canvas canvas;
    ck_assert_int_eq(picture_draw(&frame, &options, &canvas), 0);
    /* 12 nm over 240 px: at most 30 % is 3.6 nm, so 2 nm. */
    ck_assert_uint_eq(canvas.width, 240);
    ck_assert_uint_eq(bar_px(&canvas), 40);
    free(canvas.rgb);
    frame.width_m = (double)NAN;
    ck_assert_int_eq(picture_draw(&frame, &options, &canvas), 0);
    ck_assert_uint_eq(bar_px(&canvas), 0);
    free(canvas.rgb);
}
END_TEST

START_TEST(gold_rises_from_black_to_pale)
{
    double values[256];
    for (int i = 0; i < 256; i++)
        values[i] = i;
    struct picture_frame frame = {.width = 256, .height = 1, .values = values};
    struct picture_options options = {.map = PICTURE_GOLD, .high = 255};
    struct picture_canvas canvas;
    ck_assert_int_eq(picture_draw(&frame, &options, &canvas), 0);
    static const uint8_t black[3] = {0, 0, 0};
    ck_assert_mem_eq(canvas.rgb, black, 3);
    for (size_t i = 1; i < 256; i++)
        for (size_t c = 0; c < 3; c++)
            ck_assert_uint_ge(canvas.rgb[3 * i + c], canvas.rgb[3 * (i - 1) + c]);
    ck_assert(canvas.rgb[3 * 255] == 255 && canvas.rgb[3 * 255 + 2] < 255);
    free(canvas.rgb);
    ck_assert_int_eq(picture_map_from_name("gold"), PICTURE_GOLD);
    ck_assert_int_eq(picture_map_from_name("jet"), -1);
    ck_assert_str_eq(picture_map_name(PICTURE_GRAY), "gray");
}
END_TEST

START_TEST(texts_are_in_the_file)
{
    struct picture_frame frame = ramp_frame();
    static const struct picture_text texts[] = {{"Run_Cycle", "19_2"}, {"Policy hash", "abc"}};
    struct picture_options options = {.texts = texts, .n_texts = 2};
    ck_assert_int_eq(picture_write_png(path, &frame, &options), 0);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_read_info(png, info);
    png_textp found;
    ck_assert_int_eq(png_get_text(png, info, &found, NULL), 2);
    ck_assert_str_eq(found[0].key, "Run_Cycle");
    ck_assert_str_eq(found[0].text, "19_2");
    ck_assert_str_eq(found[1].key, "Policy hash");
    ck_assert_str_eq(found[1].text, "abc");
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
    static const struct picture_text bad[] = {{" key", "value"}};
    options.texts = bad;
    options.n_texts = 1;
    ck_assert_int_eq(picture_write_png(path, &frame, &options), -EINVAL);
}
END_TEST

/* One pixel row of a colour type of libpng's, and the greys it must become. */
static const struct {
    int type, depth;
    uint8_t row[16];
    uint8_t gray[3];
} kinds[] = {
    {PNG_COLOR_TYPE_GRAY, 8, {0, 77, 255}, {0, 77, 255}},
    {PNG_COLOR_TYPE_GRAY, 1, {0x40}, {0, 255, 0}},
    {PNG_COLOR_TYPE_GRAY, 16, {0, 0, 77, 77, 255, 255}, {0, 77, 255}},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 8, {3, 0, 77, 128, 255, 255}, {3, 77, 255}},
    {PNG_COLOR_TYPE_RGB, 8, {9, 9, 9, 255, 0, 0, 0, 255, 0}, {9, 54, 182}},
    {PNG_COLOR_TYPE_RGB_ALPHA, 8, {9, 9, 9, 0, 254, 254, 254, 9, 0, 0, 255, 9}, {9, 254, 18}},
};

static void write_kind(size_t i)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, 3, 1, kinds[i].depth, kinds[i].type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_write_row(png, kinds[i].row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

START_TEST(every_colour_type_becomes_gray)
{
    write_kind((size_t)_i);
    struct picture_gray gray = read_back();
    ck_assert_uint_eq(gray.width, 3);
    ck_assert_mem_eq(gray.pixels, kinds[_i].gray, 3);
    picture_gray_finish(&gray);
}
END_TEST

START_TEST(every_cut_png_is_refused)
{
    struct picture_frame frame = ramp_frame();
    ck_assert_int_eq(picture_write_png(path, &frame, NULL), 0);
    FILE *file = fopen(path, "rb");
    uint8_t bytes[8192];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert(size > 100 && size < sizeof bytes);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 40) {
        struct picture_gray gray = {0};
        char error[256] = "";
        file = fopen(path, "wb");
        fwrite(bytes, 1, cut, file);
        fclose(file);
        ck_assert_int_eq(picture_read_png_gray(path, &gray, error, sizeof error), -EBADMSG);
        ck_assert(error[0] && !strchr(error, '\n') && !gray.pixels);
    }
    unlink(path);
    struct picture_gray gray;
    char error[256];
    ck_assert_int_eq(picture_read_png_gray(path, &gray, error, sizeof error), -ENOENT);
}
END_TEST

static float float_at(const uint8_t *bytes)
{
    uint32_t bits =
        bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Titles of four lengths give all four paddings. */
static const char *const titles[] = {"a", "ab", "abc", "abcd"};

START_TEST(gsf_has_header_padding_and_top_row_first)
{
    struct picture_frame frame = ramp_frame();
    uint8_t seen[HEIGHT], bytes[8192];
    memset(seen, 1, sizeof seen);
    seen[2] = 0;
    frame.seen = seen;
    frame.title = titles[_i];
    ck_assert_int_eq(picture_write_gsf(path, &frame), 0);
    FILE *file = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    size_t header = strlen((const char *)bytes), padded = (header / 4 + 1) * 4;
    ck_assert_uint_eq(size, padded + 4 * WIDTH * HEIGHT);
    for (size_t i = header; i < padded; i++)
        ck_assert_uint_eq(bytes[i], 0);
    static const char start[] = "Gwyddion Simple Field 1.0\nXRes = 24\nYRes = 16\n";
    ck_assert_mem_eq(bytes, start, sizeof start - 1);
    ck_assert_ptr_nonnull(strstr((const char *)bytes, "\nZUnits = m\n"));
    ck_assert_ptr_nonnull(strstr((const char *)bytes, "\nXReal = 1.2"));
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t row = HEIGHT - 1 - y;
            float value = float_at(bytes + padded + 4 * (y * WIDTH + x));
            if (row == 2)
                ck_assert(isnan(value));
            else
                ck_assert(value == (float)(row * WIDTH + x));
        }
}
END_TEST

START_TEST(csv_has_bottom_row_first_and_gaps_empty)
{
    double values[6] = {0.1, -2, 3e-10, 4, (double)NAN, 6};
    uint8_t seen[3] = {1, 1, 0};
    struct picture_frame frame = {.width = 2, .height = 3, .values = values, .seen = seen};
    ck_assert_int_eq(picture_write_csv(path, &frame), 0);
    char text[256] = "";
    FILE *file = fopen(path, "rb");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    ck_assert_str_eq(text, "0.10000000000000001,-2\n3e-10,4\n,\n");
}
END_TEST

START_TEST(impossible_frames_and_places_are_refused)
{
    struct picture_frame frame = ramp_frame();
    frame.width = 0;
    ck_assert_int_eq(picture_write_png(path, &frame, NULL), -EINVAL);
    frame.width = PICTURE_SIDE_MAX + 1;
    ck_assert_int_eq(picture_write_png(path, &frame, NULL), -EINVAL);
    ck_assert_int_eq(picture_write_gsf(path, &frame), -EINVAL);
    ck_assert_int_eq(picture_write_csv(path, &frame), -EINVAL);
    frame = ramp_frame();
    ck_assert_int_eq(picture_write_png("/nowhere/at/all.png", &frame, NULL), -ENOENT);
    ck_assert_int_eq(picture_write_gsf("/nowhere/at/all.gsf", &frame), -ENOENT);
}
END_TEST

START_TEST(font_draws_distinct_letters)
{
    const char *text = "A\xC2\xB5\xE2\x82\xAC";
    ck_assert_uint_eq(picture_text_length(text), 3);
    const uint8_t *a = picture_next_glyph(&text), *mu = picture_next_glyph(&text);
    const uint8_t *unknown = picture_next_glyph(&text);
    const char *question = "?";
    ck_assert_ptr_eq(unknown, picture_next_glyph(&question));
    ck_assert_ptr_null(picture_next_glyph(&text));
    ck_assert_int_ne(memcmp(a, mu, PICTURE_GLYPH_HEIGHT), 0);
    for (char c = '!'; c < '~'; c++)
        for (char d = (char)(c + 1); d <= '~'; d++) {
            char one[2] = {c, 0}, two[2] = {d, 0};
            const char *first = one, *second = two;
            ck_assert_msg(memcmp(picture_next_glyph(&first), picture_next_glyph(&second),
                                 PICTURE_GLYPH_HEIGHT) != 0,
                          "'%c' looks like '%c'", c, d);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("picture");
    TCase *tcase = tcase_create("picture");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, gray_values_are_stretched_and_flipped);
    tcase_add_test(tcase, one_spike_does_not_blacken_the_frame);
    tcase_add_test(tcase, missing_lines_are_hatched);
    tcase_add_test(tcase, tip_change_is_marked_on_its_row);
    tcase_add_loop_test(tcase, scale_bar_follows_one_two_five, 0, sizeof bars / sizeof *bars);
    tcase_add_test(tcase, scale_bar_has_its_length);
    tcase_add_test(tcase, gold_rises_from_black_to_pale);
    tcase_add_test(tcase, texts_are_in_the_file);
    tcase_add_loop_test(tcase, every_colour_type_becomes_gray, 0, sizeof kinds / sizeof *kinds);
    tcase_add_test(tcase, every_cut_png_is_refused);
    tcase_add_loop_test(tcase, gsf_has_header_padding_and_top_row_first, 0,
                        sizeof titles / sizeof *titles);
    tcase_add_test(tcase, csv_has_bottom_row_first_and_gaps_empty);
    tcase_add_test(tcase, impossible_frames_and_places_are_refused);
    tcase_add_test(tcase, font_draws_distinct_letters);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
