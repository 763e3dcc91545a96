/* No wake-up is lost, under any load; and the check would notice. */
#include "instrument/zsock.h"
#include "tests/instrument/wakeups.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { STUCK_MS = 4000 };

static void expect_all(const struct wakeups_load *load)
{
    struct wakeups_result result = wakeups_check(&wakeups_zsock, load);
    ck_assert(!result.stuck);
    ck_assert_uint_eq(result.wrong, 0);
    ck_assert_uint_eq(result.received, load->messages);
}

static const struct wakeups_load flat_out = {.messages = 1000000, .stuck_after_ms = STUCK_MS};

START_TEST(a_million_flat_out)
{
    expect_all(&flat_out);
}
END_TEST

START_TEST(light_load_and_sends)
{
    expect_all(&(struct wakeups_load){
        .messages = 20000, .window = 7, .send_every_ms = 1, .stuck_after_ms = STUCK_MS});
}
END_TEST

/* 4 ms stand for inference; on the loop thread, where the product never does it, is the worst. */
static const struct wakeups_load inference_on_loop = {.messages = 5000,
                                                      .window = 2,
                                                      .work = WORK_ON_LOOP,
                                                      .work_us = 4000,
                                                      .send_every_ms = 3,
                                                      .stuck_after_ms = STUCK_MS};
static const struct wakeups_load inference_on_worker = {.messages = 5000,
                                                        .window = 8,
                                                        .work = WORK_ON_WORKER,
                                                        .work_us = 4000,
                                                        .send_every_ms = 3,
                                                        .stuck_after_ms = STUCK_MS};

START_TEST(busy_loop_and_sends)
{
    expect_all(&inference_on_loop);
}
END_TEST

START_TEST(busy_worker_and_sends)
{
    expect_all(&inference_on_worker);
}
END_TEST

static void expect_stuck(const struct wakeups_way *way, const struct wakeups_load *load)
{
    struct wakeups_result result = wakeups_check(way, load);
    ck_assert_msg(result.stuck, "%s: all %llu messages arrived", way->name,
                  (unsigned long long)result.received);
    ck_assert_uint_lt(result.received, load->messages);
}

/* Both under loads that the product bears above. */
START_TEST(one_receive_per_event_is_caught)
{
    expect_stuck(&wakeups_one_per_event, &flat_out);
}
END_TEST

START_TEST(draining_on_events_only_is_caught)
{
    expect_stuck(&wakeups_drain_on_event, &inference_on_loop);
}
END_TEST

static void no_message(void *ctx, const struct zsock_part *parts, size_t n)
{
    (void)ctx, (void)parts, (void)n;
    ck_abort_msg("nobody sends here");
}

START_TEST(outbox_is_bounded_and_counts)
{
    void *context = zmq_ctx_new();
    uv_loop_t loop;
    struct zsock_hub *hub;
    struct zsock *sock;
    uv_loop_init(&loop);
    ck_assert_int_eq(zsock_hub_create(&loop, context, &hub), 0);
    const struct zsock_options options = {
        .type = ZMQ_PUSH, .hwm = 10, .max_bytes = 100, .outbox_max = 3};
    ck_assert_int_eq(zsock_create(hub, &options, no_message, NULL, &sock), 0);
    ck_assert_int_eq(zsock_connect(sock, "tcp://127.0.0.1:9"), 0);
    const struct zsock_part part = {"x", 1};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(zsock_send(sock, &part, 1), 0);
    ck_assert_int_eq(zsock_send(sock, &part, 1), -EAGAIN);
    /* Nobody is connected: with ZMQ_IMMEDIATE nothing leaves the outbox. */
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(zsock_pending(sock), 3);
    ck_assert_uint_eq(zsock_dropped(sock), 1);
    zsock_close(sock);
    zsock_hub_close(hub, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    zmq_ctx_term(context);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zsock");
    TCase *plain = tcase_create("wake-ups");
    tcase_set_timeout(plain, 120);
    tcase_add_test(plain, a_million_flat_out);
    tcase_add_test(plain, light_load_and_sends);
    tcase_add_test(plain, busy_loop_and_sends);
    tcase_add_test(plain, busy_worker_and_sends);
    tcase_add_test(plain, one_receive_per_event_is_caught);
    tcase_add_test(plain, draining_on_events_only_is_caught);
    tcase_add_test(plain, outbox_is_bounded_and_counts);
    suite_add_tcase(suite, plain);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
