/* Charts: files that readers accept, marks where the values are. */
#include "nn/chart.h"

#include <cairo.h>
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE = 2 }; /* pixels to the point in a PNG */

struct bytes {
    const uint8_t *data;
    size_t left;
};

static cairo_status_t give(void *context, unsigned char *data, unsigned int size)
{
    struct bytes *bytes = context;
    if (size > bytes->left)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, bytes->data, size);
    bytes->data += size;
    bytes->left -= size;
    return CAIRO_STATUS_SUCCESS;
}

/* The drawn sheet, read back from its PNG. */
static cairo_surface_t *finish(struct nn_canvas *canvas)
{
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(nn_canvas_encode(canvas, &data, &size), 0);
    struct bytes bytes = {.data = data, .left = size};
    cairo_surface_t *sheet = cairo_image_surface_create_from_png_stream(give, &bytes);
    ck_assert_int_eq(cairo_surface_status(sheet), CAIRO_STATUS_SUCCESS);
    free(data);
    nn_canvas_destroy(canvas);
    return sheet;
}

static void pixel(cairo_surface_t *sheet, double x, double y, int *ret_rgb)
{
    const unsigned char *at = cairo_image_surface_get_data(sheet) +
                              (int)(y * SCALE) * cairo_image_surface_get_stride(sheet) +
                              (int)(x * SCALE) * 4;
    for (int i = 0; i < 3; i++)
        ret_rgb[i] = at[2 - i];
}

/* Pixels within a box that have about this colour. */
static int count(cairo_surface_t *sheet, struct nn_box box, struct nn_color color)
{
    int n = 0;
    for (double y = box.y; y < box.y + box.height; y += 1.0 / SCALE)
        for (double x = box.x; x < box.x + box.width; x += 1.0 / SCALE) {
            int rgb[3];
            pixel(sheet, x, y, rgb);
            n += abs(rgb[0] - (int)(255.0 * color.red)) < 30 &&
                 abs(rgb[1] - (int)(255.0 * color.green)) < 30 &&
                 abs(rgb[2] - (int)(255.0 * color.blue)) < 30;
        }
    return n;
}

START_TEST(sheets_have_sides_in_range)
{
    struct nn_canvas *canvas = NULL;
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 0.0, 10.0, &canvas), -EINVAL);
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 10.0, 1e6, &canvas), -EINVAL);
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_SVG, NAN, 10.0, &canvas), -EINVAL);
    ck_assert_ptr_null(canvas);
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 30.0, 20.0, &canvas), 0);
    cairo_surface_t *sheet = finish(canvas);
    ck_assert_int_eq(cairo_image_surface_get_width(sheet), 30 * SCALE);
    ck_assert_int_eq(cairo_image_surface_get_height(sheet), 20 * SCALE);
    ck_assert_int_eq(count(sheet, (struct nn_box){0, 0, 30, 20}, (struct nn_color){1, 1, 1}),
                     30 * 20 * SCALE * SCALE);
    cairo_surface_destroy(sheet);
}
END_TEST

START_TEST(lines_rise_where_their_values_rise)
{
    const struct nn_color red = {1.0, 0.0, 0.0};
    const double x[5] = {0.0, 1.0, 2.0, 3.0, 4.0};
    const double y[5] = {0.0, 1.0, NAN, 3.0, 4.0};
    struct nn_series series = {.n = 5, .x = x, .y = y, .color = red};
    struct nn_line_chart chart = {.series = &series, .n_series = 1};
    struct nn_canvas *canvas;
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 200.0, 200.0, &canvas), 0);
    nn_chart_lines(canvas, (struct nn_box){0, 0, 200, 200}, &chart);
    cairo_surface_t *sheet = finish(canvas);
    /* The plot spans about x 48..190, y 6..166: the line joins opposite corners, with a gap. */
    ck_assert_int_gt(count(sheet, (struct nn_box){48, 126, 40, 40}, red), 20);
    ck_assert_int_gt(count(sheet, (struct nn_box){150, 6, 40, 40}, red), 20);
    ck_assert_int_eq(count(sheet, (struct nn_box){100, 60, 40, 40}, red), 0);
    ck_assert_int_eq(count(sheet, (struct nn_box){48, 6, 40, 40}, red), 0);
    ck_assert_int_eq(count(sheet, (struct nn_box){150, 126, 40, 40}, red), 0);
    cairo_surface_destroy(sheet);
}
END_TEST

START_TEST(charts_stand_up_to_empty_and_odd_values)
{
    const double odd[3] = {NAN, INFINITY, NAN};
    const double same[3] = {5.0, 5.0, 5.0};
    const double powers[3] = {0.0, 0.01, 100.0};
    struct nn_series series[4] = {{.name = "nothing", .n = 0},
                                  {.name = "odd", .n = 3, .x = same, .y = odd, .dots = true},
                                  {.name = "same", .n = 3, .x = same, .y = same, .low = odd},
                                  {.name = "powers", .n = 3, .x = powers, .y = powers}};
    struct nn_canvas *canvas;
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 300.0, 300.0, &canvas), 0);
    struct nn_box box = {0, 0, 300, 300};
    for (uint32_t n = 0; n <= 4; n++) {
        struct nn_line_chart chart = {.title = "a", .series = series, .n_series = n};
        nn_chart_lines(canvas, box, &chart);
        chart.y.logarithmic = true;
        nn_chart_lines(canvas, box, &chart);
    }
    const char *names[3] = {"a", "b", "c"};
    struct nn_bar_chart bars = {
        .groups = names, .n_groups = 3, .series = names, .n_series = 1, .values = odd};
    nn_chart_bars(canvas, box, &bars);
    struct nn_matrix_chart matrix = {
        .rows = names, .columns = names, .n_rows = 1, .n_columns = 3, .values = odd};
    nn_chart_matrix(canvas, box, &matrix);
    nn_canvas_picture(canvas, box, NULL, 0, 0);
    cairo_surface_destroy(finish(canvas));
}
END_TEST

START_TEST(bars_are_as_high_as_their_values)
{
    const char *groups[2] = {"a", "b"};
    const char *name = "share";
    const double values[2] = {0.25, 1.0};
    struct nn_bar_chart chart = {.y = {.low = 0.0, .high = 1.0},
                                 .groups = groups,
                                 .n_groups = 2,
                                 .series = &name,
                                 .n_series = 1,
                                 .values = values};
    struct nn_canvas *canvas;
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 200.0, 200.0, &canvas), 0);
    nn_chart_bars(canvas, (struct nn_box){0, 0, 200, 200}, &chart);
    cairo_surface_t *sheet = finish(canvas);
    struct nn_box left = {48, 6, 71, 160};
    struct nn_box right = {119, 6, 71, 160};
    double ratio = (double)count(sheet, left, nn_chart_color(0)) /
                   (double)count(sheet, right, nn_chart_color(0));
    ck_assert_double_eq_tol(ratio, 0.25, 0.02);
    cairo_surface_destroy(sheet);
}
END_TEST

START_TEST(pictures_keep_their_shape)
{
    const uint8_t gray[2] = {0, 200};
    struct nn_canvas *canvas;
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 100.0, 100.0, &canvas), 0);
    nn_canvas_picture(canvas, (struct nn_box){10, 10, 80, 80}, gray, 2, 1);
    cairo_surface_t *sheet = finish(canvas);
    int rgb[3];
    pixel(sheet, 15, 50, rgb);
    ck_assert_int_eq(rgb[0], 0);
    pixel(sheet, 85, 50, rgb);
    ck_assert_int_eq(rgb[1], 200);
    pixel(sheet, 50, 15, rgb);
    ck_assert_int_eq(rgb[2], 255);
    cairo_surface_destroy(sheet);
}
END_TEST

START_TEST(vector_files_are_vectors)
{
    struct nn_canvas *canvas;
    const struct nn_text style = {.size = 9.0};
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_SVG, 100.0, 100.0, &canvas), 0);
    nn_canvas_text(canvas, 10, 10, &style, "five");
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(nn_canvas_encode(canvas, &data, &size), 0);
    nn_canvas_destroy(canvas);
    char *text = realloc(data, size + 1);
    ck_assert_ptr_nonnull(text);
    text[size] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "<svg"));
    ck_assert_ptr_nonnull(strstr(text, "</svg>"));
    ck_assert_ptr_null(strstr(text, "<image"));
    free(text);
    ck_assert_int_eq(nn_canvas_create(NN_CANVAS_PNG, 10.0, 10.0, &canvas), 0);
    ck_assert_int_lt(nn_canvas_write(canvas, "no/such/folder/chart.png"), 0);
    nn_canvas_destroy(canvas);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chart");
    TCase *tcase = tcase_create("chart");
    tcase_add_test(tcase, sheets_have_sides_in_range);
    tcase_add_test(tcase, lines_rise_where_their_values_rise);
    tcase_add_test(tcase, charts_stand_up_to_empty_and_odd_values);
    tcase_add_test(tcase, bars_are_as_high_as_their_values);
    tcase_add_test(tcase, pictures_keep_their_shape);
    tcase_add_test(tcase, vector_files_are_vectors);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
