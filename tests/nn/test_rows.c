/* Rows one at a time against the whole frame at once, bit for bit. */
#include "nn/random.h"
#include "nn/rows.h"

#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 12, SPECS = 40 };

static uint32_t draw(struct nn_random *random, uint32_t from, uint32_t to)
{
    return from + nn_random_below(random, to - from + 1);
}

static struct nn_layer_spec draw_conv(struct nn_random *random)
{
    uint32_t cols = draw(random, 0, 2) ? 3 : draw(random, 1, 5);
    return (struct nn_layer_spec){.kind = NN_LAYER_CONV,
                                  .units = draw(random, 1, 19),
                                  .kernel_rows = draw(random, 1, 5),
                                  .kernel_cols = cols,
                                  .stride_rows = draw(random, 1, 3),
                                  .stride_cols = draw(random, 0, 2) ? 1 : 2,
                                  .padding_left = cols / 2,
                                  .padding_right = (cols - 1) / 2,
                                  .causal = 1,
                                  .bias = draw(random, 0, 1)};
}

static struct nn_layer_spec draw_pool(struct nn_random *random)
{
    uint32_t rows = draw(random, 1, 3);
    return (struct nn_layer_spec){.kind =
                                      draw(random, 0, 1) ? NN_LAYER_MAX_POOL : NN_LAYER_AVG_POOL,
                                  .kernel_rows = rows,
                                  .kernel_cols = draw(random, 1, 3),
                                  .stride_rows = rows,
                                  .stride_cols = draw(random, 1, 2)};
}

static struct nn_layer_spec draw_layer(struct nn_random *random)
{
    static const enum nn_layer_kind others[] = {NN_LAYER_RELU,   NN_LAYER_SIGMOID,
                                                NN_LAYER_LINEAR, NN_LAYER_DROPOUT,
                                                NN_LAYER_NOISE,  NN_LAYER_PREFIX_POOL};
    switch (draw(random, 0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return draw_conv(random);
    case 4:
    case 5:
        return draw_pool(random);
    case 6:
        return (struct nn_layer_spec){.kind = NN_LAYER_GRU, .units = draw(random, 1, 20)};
    case 7:
        return (struct nn_layer_spec){.kind = NN_LAYER_LSTM, .units = draw(random, 1, 20)};
    default:
        return (struct nn_layer_spec){.kind = others[draw(random, 0, 5)]};
    }
}

/* Layers that fit, as many as will. */
static struct nn_network *draw_network(uint64_t seed)
{
    struct nn_random random = nn_random_seed(seed, 21, 0);
    struct nn_shape shape = {draw(&random, 1, 11), draw(&random, 8, 33), draw(&random, 5, 40)};
    struct nn_layer_spec specs[LAYERS_MAX];
    struct nn_layer_spec last = {.kind = NN_LAYER_LINEAR};
    struct nn_network_size size;
    uint32_t wanted = draw(&random, 1, LAYERS_MAX - 1);
    uint32_t n = 0;
    for (int tries = 0; n < wanted && tries < 100; tries++) {
        specs[n] = draw_layer(&random);
        n += nn_network_measure(shape, specs, n + 1, &size) == 0;
    }
    specs[n++] = last;
    struct nn_network *network;
    ck_assert_int_eq(nn_network_create(shape, specs, n, &network), 0);
    nn_network_randomise(network, seed);
    size_t n_weights;
    float *weights = nn_network_weights(network, &n_weights);
    for (size_t i = 0; i < n_weights; i++)
        weights[i] += 0.01F * (float)(i % 5);
    return network;
}

static float *draw_frame(struct nn_shape shape, uint64_t seed)
{
    struct nn_random random = nn_random_seed(seed, 22, 0);
    size_t n = nn_shape_size(shape);
    float *frame = calloc(n, sizeof *frame);
    ck_assert_ptr_nonnull(frame);
    for (size_t i = 0; i < n; i++)
        frame[i] = (float)nn_random_normal(&random);
    return frame;
}

/* Row y of frame (c, h, w), to (c, w). */
static void cut_row(struct nn_shape shape, const float *frame, uint32_t y, float *ret_row)
{
    for (uint32_t c = 0; c < shape.c; c++)
        memcpy(ret_row + c * shape.w, frame + ((size_t)c * shape.h + y) * shape.w,
               shape.w * sizeof *ret_row);
}

static void check_newest(const struct nn_network *network, const struct nn_rows *rows,
                         const float *whole)
{
    struct nn_shape out = nn_network_output(network);
    uint32_t y = nn_rows_done(rows) - 1;
    const float *newest = nn_rows_newest(rows);
    for (uint32_t c = 0; c < out.c; c++)
        ck_assert_mem_eq(newest + c * out.w, whole + ((size_t)c * out.h + y) * out.w,
                         out.w * sizeof *newest);
}

static void follow(const struct nn_network *network, struct nn_rows *rows, const float *frame,
                   const float *whole)
{
    struct nn_shape in = nn_network_input(network);
    float *row = calloc((size_t)in.c * in.w, sizeof *row);
    ck_assert_ptr_nonnull(row);
    ck_assert_ptr_null(nn_rows_newest(rows));
    for (uint32_t y = 0; y < in.h; y++) {
        cut_row(in, frame, y, row);
        uint32_t before = nn_rows_done(rows);
        int fresh = nn_rows_push(rows, row);
        ck_assert_uint_eq(nn_rows_done(rows), before + (uint32_t)fresh);
        ck_assert_uint_eq(nn_rows_done(rows), nn_network_rows_after(network, y + 1));
        if (fresh)
            check_newest(network, rows, whole);
    }
    ck_assert_uint_eq(nn_rows_done(rows), nn_network_output(network).h);
    ck_assert_int_eq(nn_rows_push(rows, row), -EINVAL);
    free(row);
}

START_TEST(every_row_has_the_bits_of_the_whole_frame)
{
    struct nn_network *network = draw_network((uint64_t)_i);
    struct nn_workspace *ws;
    struct nn_rows *rows;
    ck_assert_int_eq(nn_workspace_create(network, 1, false, &ws), 0);
    ck_assert_int_eq(nn_rows_create(network, &rows), 0);
    for (uint64_t seed = 0; seed < 2; seed++) {
        float *frame = draw_frame(nn_network_input(network), seed);
        struct nn_batch batch = {.n = 1, .inputs = frame};
        nn_rows_begin(rows);
        follow(network, rows, frame, nn_network_judge(network, ws, &batch));
        free(frame);
    }
    nn_rows_destroy(rows);
    nn_workspace_destroy(ws);
    nn_network_destroy(network);
}
END_TEST

START_TEST(an_abandoned_frame_leaves_nothing_behind)
{
    struct nn_network *network = draw_network((uint64_t)_i);
    struct nn_shape in = nn_network_input(network);
    struct nn_workspace *ws;
    struct nn_rows *rows;
    ck_assert_int_eq(nn_workspace_create(network, 1, false, &ws), 0);
    ck_assert_int_eq(nn_rows_create(network, &rows), 0);
    float *other = draw_frame(in, 8);
    for (uint32_t y = 0; y < in.h - 1; y++)
        nn_rows_push(rows, other);
    float *frame = draw_frame(in, 9);
    struct nn_batch batch = {.n = 1, .inputs = frame};
    nn_rows_begin(rows);
    follow(network, rows, frame, nn_network_judge(network, ws, &batch));
    free(other);
    free(frame);
    nn_rows_destroy(rows);
    nn_workspace_destroy(ws);
    nn_network_destroy(network);
}
END_TEST

START_TEST(nothing_is_allocated_after_creation)
{
    struct nn_network *network = draw_network(3);
    struct nn_shape in = nn_network_input(network);
    struct nn_rows *rows;
    ck_assert_int_eq(nn_rows_create(network, &rows), 0);
    float *frame = draw_frame(in, 1);
    nn_rows_push(rows, frame);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 3; i++) {
        nn_rows_begin(rows);
        while (nn_rows_push(rows, frame) >= 0)
            ck_assert_uint_eq(mallinfo2().uordblks, before);
    }
    free(frame);
    nn_rows_destroy(rows);
    nn_network_destroy(network);
}
END_TEST

START_TEST(networks_that_look_ahead_are_refused)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = NN_LAYER_GLOBAL_POOL},
        {.kind = NN_LAYER_DENSE, .units = 2},
        {.kind = NN_LAYER_CONV,
         .units = 1,
         .kernel_rows = 3,
         .kernel_cols = 3,
         .stride_rows = 1,
         .stride_cols = 1},
        {.kind = NN_LAYER_MAX_POOL,
         .kernel_rows = 3,
         .kernel_cols = 1,
         .stride_rows = 2,
         .stride_cols = 1},
        {.kind = NN_LAYER_BATCH_NORM},
    };
    struct nn_network *network;
    struct nn_rows *rows = NULL;
    ck_assert_int_eq(nn_network_create((struct nn_shape){1, 8, 8}, &specs[_i], 1, &network), 0);
    ck_assert_int_eq(nn_rows_create(network, &rows), -EINVAL);
    ck_assert_ptr_null(rows);
    nn_network_destroy(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_loop_test(tcase, every_row_has_the_bits_of_the_whole_frame, 0, SPECS);
    tcase_add_loop_test(tcase, an_abandoned_frame_leaves_nothing_behind, 0, 5);
    tcase_add_test(tcase, nothing_is_allocated_after_creation);
    tcase_add_loop_test(tcase, networks_that_look_ahead_are_refused, 0, 5);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
