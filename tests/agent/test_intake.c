/* Every message and every number gets exactly one fate; bad lines are never handed on as good. */
#include "agent/intake.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 8, LINES = 64 };

static const char session_a[] = "00000000000000aa";
static const char session_b[] = "00000000000000bb";
static const int64_t MS = 1000000;

static double samples[16];

static struct data_message begin_message(uint64_t seq, uint64_t scan)
{
    struct data_message m = {.type = DATA_SCAN_BEGIN};
    snprintf(m.session, sizeof(m.session), "%s", session_a);
    m.line.seq = seq;
    m.line.scan = scan;
    m.geometry.points = POINTS;
    m.geometry.lines = LINES;
    return m;
}

static struct data_message line_message(uint64_t seq, uint64_t scan, uint32_t line)
{
    struct data_message m = {.type = DATA_LINE};
    snprintf(m.session, sizeof(m.session), "%s", session_a);
    for (int i = 0; i < POINTS; i++)
        samples[i] = 1e-12 * (double)((seq * 7 + (uint64_t)i * 3) % 11);
    m.line = (struct scan_line){.seq = seq,
                                .scan = scan,
                                .line = line,
                                .trace = SCAN_FORWARD_UP,
                                .channel = "Z",
                                .points = POINTS,
                                .samples = samples};
    return m;
}

static struct intake *started(void)
{
    struct intake *intake = intake_create();
    intake_session(intake, session_a);
    struct data_message m = begin_message(1, 1);
    ck_assert_int_eq(intake_offer(intake, &m, 0), INTAKE_USED);
    struct intake_item item;
    ck_assert(intake_next(intake, 0, &item));
    ck_assert_int_eq(item.fate, INTAKE_CONTROL);
    return intake;
}

static enum intake_fate next_fate(struct intake *intake, int64_t now_ns)
{
    struct intake_item item;
    ck_assert(intake_next(intake, now_ns, &item));
    return item.fate;
}

static enum intake_fate fate_of(struct data_message m)
{
    struct intake *intake = started();
    ck_assert_int_eq(intake_offer(intake, &m, 0), INTAKE_USED);
    enum intake_fate fate = next_fate(intake, 0);
    ck_assert_uint_eq(intake_counts(intake)->fate[fate], 1 + (fate == INTAKE_CONTROL));
    ck_assert(intake_counts_balance(intake_counts(intake)));
    intake_destroy(intake);
    return fate;
}

START_TEST(bad_lines_are_told_apart)
{
    struct data_message m = line_message(2, 1, 0);
    ck_assert_int_eq(fate_of(m), INTAKE_USED);
    samples[3] = (double)NAN;
    ck_assert_int_eq(fate_of(m), INTAKE_NOT_FINITE);
    m = line_message(2, 1, 0);
    samples[7] = -(double)INFINITY;
    ck_assert_int_eq(fate_of(m), INTAKE_NOT_FINITE);
    m = line_message(2, 1, 0);
    m.line.flags = SCAN_LINE_NOT_FINITE;
    ck_assert_int_eq(fate_of(m), INTAKE_NOT_FINITE);
    m.line.flags = SCAN_LINE_RAILED;
    ck_assert_int_eq(fate_of(m), INTAKE_RAILED);
    m.line.flags = SCAN_LINE_PARTIAL;
    ck_assert_int_eq(fate_of(m), INTAKE_PARTIAL);
    m.line.flags = SCAN_LINE_LATE;
    ck_assert_int_eq(fate_of(m), INTAKE_LATE);
    m.line.flags = 0;
    m.line.points = POINTS - 1;
    ck_assert_int_eq(fate_of(m), INTAKE_WRONG_WIDTH);
    m.line.points = POINTS + 1;
    ck_assert_int_eq(fate_of(m), INTAKE_WRONG_WIDTH);
    m = line_message(2, 1, LINES);
    ck_assert_int_eq(fate_of(m), INTAKE_WRONG_PLACE);
    m = line_message(2, 9, 0);
    ck_assert_int_eq(fate_of(m), INTAKE_WRONG_PLACE);
}
END_TEST

START_TEST(a_line_after_the_end_of_its_frame_is_out_of_place)
{
    struct intake *intake = started();
    struct data_message end = begin_message(2, 1), m = line_message(3, 1, 0);
    end.type = DATA_SCAN_END;
    intake_offer(intake, &end, 0);
    intake_offer(intake, &m, 0);
    ck_assert_int_eq(next_fate(intake, 0), INTAKE_CONTROL);
    ck_assert_int_eq(next_fate(intake, 0), INTAKE_WRONG_PLACE);
    intake_destroy(intake);
}
END_TEST

START_TEST(swapped_lines_come_out_in_order)
{
    struct intake *intake = started();
    struct intake_item item;
    struct data_message third = line_message(3, 1, 1);
    ck_assert_int_eq(intake_offer(intake, &third, 0), INTAKE_USED);
    ck_assert(!intake_next(intake, 0, &item));
    struct data_message second = line_message(2, 1, 0);
    ck_assert_int_eq(intake_offer(intake, &second, 0), INTAKE_USED);
    ck_assert(intake_next(intake, 0, &item));
    ck_assert_uint_eq(item.message->line.seq, 2);
    ck_assert(intake_next(intake, 0, &item));
    ck_assert_uint_eq(item.message->line.seq, 3);
    ck_assert_uint_eq(intake_counts(intake)->out_of_order, 1);
    ck_assert(intake_counts_balance(intake_counts(intake)));
    intake_destroy(intake);
}
END_TEST

START_TEST(a_gap_is_asked_for_and_given_up_in_bounded_time)
{
    struct intake *intake = started();
    struct intake_item item;
    uint64_t from, to;
    int asked = 0;
    struct data_message m = line_message(5, 1, 3);
    intake_offer(intake, &m, 0);
    int64_t now_ns = 0;
    for (; now_ns < 5000 * MS && !intake_next(intake, now_ns, &item); now_ns += 10 * MS)
        if (intake_resend(intake, now_ns, &from, &to)) {
            asked++;
            ck_assert_uint_eq(from, 2);
            ck_assert_uint_eq(to, 4);
        }
    ck_assert_int_eq(asked, 3);
    ck_assert(now_ns <= 1000 * MS);
    ck_assert_uint_eq(item.message->line.seq, 5);
    ck_assert_uint_eq(intake_counts(intake)->missing, 3);
    /* What now still comes is too late; a copy of what was used is a duplicate. */
    struct data_message late = line_message(3, 1, 1);
    late.line.flags = SCAN_LINE_LATE;
    ck_assert_int_eq(intake_offer(intake, &late, now_ns), INTAKE_TOO_LATE);
    ck_assert_int_eq(intake_offer(intake, &m, now_ns), INTAKE_DUPLICATE);
    ck_assert(intake_counts_balance(intake_counts(intake)));
    intake_destroy(intake);
}
END_TEST

START_TEST(a_resent_line_closes_the_gap)
{
    struct intake *intake = started();
    struct intake_item item;
    uint64_t from, to;
    struct data_message m = line_message(3, 1, 1);
    intake_offer(intake, &m, 0);
    ck_assert(intake_resend(intake, 0, &from, &to));
    struct data_message late = line_message(2, 1, 0);
    late.line.flags = SCAN_LINE_LATE;
    ck_assert_int_eq(intake_offer(intake, &late, MS), INTAKE_USED);
    ck_assert(intake_next(intake, MS, &item));
    ck_assert_uint_eq(item.message->line.seq, 2);
    ck_assert_int_eq(item.fate, INTAKE_LATE);
    ck_assert_int_eq(next_fate(intake, MS), INTAKE_USED);
    ck_assert_uint_eq(intake_counts(intake)->missing, 0);
    ck_assert_uint_eq(intake_counts(intake)->out_of_order, 0);
    intake_destroy(intake);
}
END_TEST

START_TEST(a_lost_tail_is_seen_by_the_status)
{
    struct intake *intake = started();
    uint64_t from, to;
    intake_last_sent(intake, 3);
    ck_assert(!intake_resend(intake, 0, &from, &to)); /* may be on its way */
    ck_assert(intake_resend(intake, 300 * MS, &from, &to));
    ck_assert_uint_eq(from, 2);
    ck_assert_uint_eq(to, 3);
    intake_destroy(intake);
}
END_TEST

START_TEST(another_session_is_refused_and_empties_the_queue)
{
    struct intake *intake = started();
    struct intake_item item;
    struct data_message waiting = line_message(4, 1, 2), other = line_message(2, 1, 0);
    intake_offer(intake, &waiting, 0);
    snprintf(other.session, sizeof(other.session), "%s", session_b);
    ck_assert_int_eq(intake_offer(intake, &other, 0), INTAKE_OLD_SESSION);
    intake_session(intake, session_b);
    ck_assert(!intake_next(intake, 0, &item));
    ck_assert_int_eq(intake_offer(intake, &waiting, 0), INTAKE_OLD_SESSION);
    ck_assert_uint_eq(intake_counts(intake)->fate[INTAKE_OLD_SESSION], 3);
    /* Lines of a frame whose beginning was never seen have no place. */
    ck_assert_int_eq(intake_offer(intake, &other, 0), INTAKE_USED);
    ck_assert_int_eq(next_fate(intake, 0), INTAKE_WRONG_PLACE);
    ck_assert(intake_counts_balance(intake_counts(intake)));
    intake_destroy(intake);
}
END_TEST

START_TEST(one_wild_number_is_not_believed_two_in_a_row_are)
{
    struct intake *intake = started();
    struct data_message wild = line_message(1000000, 1, 0), next = line_message(2, 1, 0);
    ck_assert_int_eq(intake_offer(intake, &wild, 0), INTAKE_NO_ROOM);
    ck_assert_int_eq(intake_offer(intake, &next, 0), INTAKE_USED);
    ck_assert_int_eq(next_fate(intake, 0), INTAKE_USED);
    struct data_message a = line_message(50000, 1, 1), b = line_message(50001, 1, 2);
    ck_assert_int_eq(intake_offer(intake, &a, 0), INTAKE_NO_ROOM);
    ck_assert_int_eq(intake_offer(intake, &b, 0), INTAKE_USED);
    ck_assert_int_eq(next_fate(intake, 0), INTAKE_USED);
    ck_assert_uint_eq(intake_counts(intake)->missing, 50001 - 3);
    ck_assert(intake_counts_balance(intake_counts(intake)));
    intake_destroy(intake);
}
END_TEST

/* ---- any mixture of faults adds up ---- */

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

struct truth {
    uint64_t sent, lost, bad;
};

static void drain(struct intake *intake, int64_t now_ns, uint64_t *last, uint64_t *good)
{
    struct intake_item item;
    while (intake_next(intake, now_ns, &item)) {
        ck_assert_uint_gt(item.message->line.seq, *last);
        *last = item.message->line.seq;
        if (item.message->type == DATA_LINE &&
            (item.fate == INTAKE_USED || item.fate == INTAKE_LATE)) {
            (*good)++;
            ck_assert_uint_eq(item.message->line.points, POINTS);
            for (int i = 0; i < POINTS; i++)
                ck_assert(isfinite(item.message->line.samples[i]));
        }
    }
}

static void spoil(struct data_message *m, struct truth *truth)
{
    switch (draw(60)) {
    case 0:
        samples[draw(POINTS)] = (double)NAN;
        break;
    case 1:
        m->line.flags |= SCAN_LINE_RAILED;
        break;
    case 2:
        m->line.points = POINTS / 2;
        break;
    case 3:
        m->line.line = LINES + 5;
        break;
    default:
        return;
    }
    truth->bad++;
}

START_TEST(any_mixture_of_faults_adds_up)
{
    random_state = (uint64_t)_i + 1;
    struct intake *intake = started();
    struct truth truth = {0, 0, 0};
    struct data_message held;
    double held_samples[POINTS];
    bool holding = false;
    uint64_t last = 1, good = 0, duplicates = 0;
    int64_t now_ns = 0;
    for (uint64_t seq = 2; seq < 3000; seq++, now_ns += 50 * MS) {
        struct data_message m = line_message(seq, 1, (uint32_t)(seq % LINES));
        truth.sent++;
        spoil(&m, &truth);
        uint32_t way = seq > 2990 ? 99 : draw(30);
        if (way == 0 && !holding) {
            truth.lost++;
            truth.bad -= m.line.points != POINTS || m.line.line >= LINES ||
                         (m.line.flags & SCAN_LINE_RAILED) ||
                         !isfinite(samples[0] + samples[1] + samples[2] + samples[3] + samples[4] +
                                   samples[5] + samples[6] + samples[7]);
        } else if (way == 1 && !holding) {
            held = m; /* overtaken by the next one */
            memcpy(held_samples, samples, sizeof(held_samples));
            held.line.samples = held_samples;
            holding = true;
            continue;
        } else {
            intake_offer(intake, &m, now_ns);
            if (way == 2) {
                ck_assert_int_eq(intake_offer(intake, &m, now_ns), INTAKE_DUPLICATE);
                duplicates++;
            }
        }
        if (holding)
            intake_offer(intake, &held, now_ns);
        holding = false;
        uint64_t from, to;
        (void)intake_resend(intake, now_ns, &from, &to); /* nobody answers */
        drain(intake, now_ns, &last, &good);
    }
    for (int i = 0; i < 1000; i++, now_ns += 50 * MS) {
        uint64_t from, to;
        (void)intake_resend(intake, now_ns, &from, &to);
        drain(intake, now_ns, &last, &good);
    }
    const struct intake_counts *counts = intake_counts(intake);
    ck_assert(intake_counts_balance(counts));
    ck_assert_uint_eq(counts->waiting, 0);
    ck_assert_uint_eq(counts->missing, truth.lost);
    ck_assert_uint_eq(counts->fate[INTAKE_DUPLICATE], duplicates);
    ck_assert_uint_eq(good, truth.sent - truth.lost - truth.bad);
    ck_assert_uint_eq(last, 2999);
    intake_destroy(intake);
}
END_TEST

START_TEST(checks_see_flat_bad_and_over_current_lines)
{
    struct policy_guards guards = {.over_current_a = 5e-9, .over_current_samples = 3};
    struct intake_check check;
    struct data_message m = line_message(2, 1, 0);
    for (int i = 0; i < POINTS; i++)
        samples[i] = 3e-9 + 2e-10 * i; /* a slope is not corrugation */
    intake_check_line(&m.line, &guards, &check);
    ck_assert(check.peak_to_peak < 1e-20);
    samples[4] += 1e-9;
    intake_check_line(&m.line, &guards, &check);
    ck_assert(check.peak_to_peak > 0.7e-9 && check.peak_to_peak < 1.3e-9);
    ck_assert(!check.over_current);
    strcpy(m.line.channel, "I");
    for (int i = 0; i < POINTS; i++)
        samples[i] = i == 2 || i == 3 || i == 5 || i == 6 ? -6e-9 : 1e-10;
    intake_check_line(&m.line, &guards, &check);
    ck_assert(!check.over_current);
    samples[4] = 5.1e-9;
    intake_check_line(&m.line, &guards, &check);
    ck_assert(check.over_current);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intake");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, bad_lines_are_told_apart);
    tcase_add_test(tcase, a_line_after_the_end_of_its_frame_is_out_of_place);
    tcase_add_test(tcase, swapped_lines_come_out_in_order);
    tcase_add_test(tcase, a_gap_is_asked_for_and_given_up_in_bounded_time);
    tcase_add_test(tcase, a_resent_line_closes_the_gap);
    tcase_add_test(tcase, a_lost_tail_is_seen_by_the_status);
    tcase_add_test(tcase, another_session_is_refused_and_empties_the_queue);
    tcase_add_test(tcase, one_wild_number_is_not_believed_two_in_a_row_are);
    tcase_add_loop_test(tcase, any_mixture_of_faults_adds_up, 0, 100);
    tcase_add_test(tcase, checks_see_flat_bad_and_over_current_lines);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
