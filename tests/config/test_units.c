/* Quantities in text: exact values, every kind of fault, and the way back. */
#include "config/units.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void check_value(const char *text, const char *unit, double expected)
{
    struct units_report report;
    double value = NAN;
    ck_assert_msg(units_read(text, unit, &value, &report) == 0, "'%s' refused", text);
    ck_assert_int_eq(report.fault, UNITS_FINE);
    ck_assert_msg(value == expected, "'%s' is %.17g, not %.17g", text, value, expected);
}

START_TEST(values_are_correctly_rounded)
{
    check_value("2.3 V", "V", 2.3);
    check_value("-2.5V", "V", -2.5);
    check_value("+20 mV", "V", 20e-3);
    check_value("0.5 nm", "m", 0.5e-9);
    check_value("2.5 nm", "m", 2.5e-9);
    check_value("0.30 nm", "m", 0.3e-9);
    check_value("300 pm", "m", 300e-12);
    check_value("50 ms", "s", 50e-3);
    check_value("12 h", "s", 43200);
    check_value("1.5 min", "s", 90);
    check_value("150 nm/s", "m/s", 150e-9);
    check_value("100 pA", "A", 100e-12);
    check_value("330 nA", "A", 330e-9);
    check_value(".5 V", "V", 0.5);
    check_value("5. V", "V", 5);
    check_value("1e-9 m", "m", 1e-9);
    check_value("1E3 nm", "m", 1e-6);
    check_value("3   V", "V", 3);
    check_value("5 \xC2\xB5m", "m", 5e-6);
    check_value("5 \xCE\xBCV", "V", 5e-6);
    check_value("0.35", "", 0.35);
    check_value("-1", "", -1);
}
END_TEST

static const struct {
    const char *text, *unit;
    enum units_fault fault;
    size_t at, length;
} faults[] = {
    {"2.3", "V", UNITS_MISSING, 0, 3},
    {"2.3 ", "V", UNITS_MISSING, 0, 3},
    {"2.3 ms", "V", UNITS_OTHER, 4, 2},
    {"2.3 nm", "m/s", UNITS_OTHER, 4, 2},
    {"80n", "m", UNITS_UNKNOWN, 2, 1},
    {"2 volts", "V", UNITS_UNKNOWN, 2, 5},
    {"2 v", "V", UNITS_UNKNOWN, 2, 1},
    {"2 V V", "V", UNITS_UNKNOWN, 2, 3},
    {"2 Vabcdefghijklmnop", "V", UNITS_UNKNOWN, 2, 17},
    {"0.5 V", "", UNITS_UNEXPECTED, 4, 1},
    {"", "V", UNITS_NO_NUMBER, 0, 1},
    {"V", "V", UNITS_NO_NUMBER, 0, 1},
    {".", "V", UNITS_NO_NUMBER, 0, 1},
    {"-", "V", UNITS_NO_NUMBER, 0, 1},
    {"nan V", "V", UNITS_NO_NUMBER, 0, 5},
    {"inf", "", UNITS_NO_NUMBER, 0, 3},
    {"1e400 V", "V", UNITS_OVERFLOW, 0, 5},
    {"1e99999999999 V", "V", UNITS_OVERFLOW, 0, 13},
    {"11111111111111111111111111111111111 V", "V", UNITS_OVERFLOW, 0, 35},
    /* Hexadecimal, underscores, commas, sexagesimal: the rest is no unit. */
    {"0x10 V", "V", UNITS_UNKNOWN, 1, 5},
    {"1_000 V", "V", UNITS_UNKNOWN, 1, 6},
    {"2,3 V", "V", UNITS_UNKNOWN, 1, 4},
    {"1:30 s", "s", UNITS_UNKNOWN, 1, 5},
    {"1.2.3 V", "V", UNITS_UNKNOWN, 3, 4},
    {"1e V", "V", UNITS_UNKNOWN, 1, 3},
};

START_TEST(faults_name_their_place)
{
    struct units_report report;
    double value = 42;
    ck_assert_int_eq(units_read(faults[_i].text, faults[_i].unit, &value, &report), -EINVAL);
    ck_assert_msg(report.fault == faults[_i].fault, "'%s': fault %d", faults[_i].text,
                  report.fault);
    ck_assert_uint_eq(report.at, faults[_i].at);
    ck_assert_uint_eq(report.length, faults[_i].length);
    ck_assert_double_eq(value, 42);
}
END_TEST

START_TEST(hints)
{
    struct units_report report;
    double value;
    ck_assert_int_eq(units_read("80n", "m", &value, &report), -EINVAL);
    ck_assert_ptr_nonnull(report.nearest);
    ck_assert_int_eq(units_read("2 mn", "m", &value, &report), -EINVAL);
    ck_assert_str_eq(report.nearest, "nm");
    ck_assert_int_eq(units_read("2 v", "V", &value, &report), -EINVAL);
    ck_assert_str_eq(report.nearest, "V");
    ck_assert_int_eq(units_read("2 furlongs", "m", &value, &report), -EINVAL);
    ck_assert_ptr_null(report.nearest);
    ck_assert_int_eq(units_read("2 ms", "V", &value, &report), -EINVAL);
    ck_assert_str_eq(report.dimension, "time");
}
END_TEST

START_TEST(counts)
{
    unsigned long value = 7;
    ck_assert_int_eq(units_read_count("0", &value), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_int_eq(units_read_count("4294967295", &value), 0);
    ck_assert_uint_eq(value, 4294967295u);
    value = 7;
    ck_assert_int_eq(units_read_count("4294967296", &value), -ERANGE);
    ck_assert_int_eq(units_read_count("99999999999999999999999999", &value), -ERANGE);
    static const char *const wrong[] = {"", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "one"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(units_read_count(wrong[i], &value) == -EINVAL, "'%s'", wrong[i]);
    ck_assert_uint_eq(value, 7);
}
END_TEST

static void check_written(double value, const char *unit, const char *expected)
{
    char buf[48];
    units_write(value, unit, buf, sizeof(buf));
    ck_assert_str_eq(buf, expected);
}

START_TEST(written_as_people_write)
{
    check_written(2.3, "V", "2.3 V");
    check_written(0.5, "V", "0.5 V");
    check_written(-4, "V", "-4 V");
    check_written(20e-3, "V", "20 mV");
    check_written(0.3e-9, "m", "0.3 nm");
    check_written(5e-12, "m", "5 pm");
    check_written(650e-9, "m", "650 nm");
    check_written(50e-3, "s", "50 ms");
    check_written(5, "s", "5 s");
    check_written(43200, "s", "12 h");
    check_written(330e-9, "A", "330 nA");
    check_written(1e-9, "m/s", "1 nm/s");
    check_written(0, "V", "0 V");
    check_written(0.35, "", "0.35");
}
END_TEST

/* What is written can be read, and is the same to the seven digits written. */
START_TEST(round_trip)
{
    static const char *const units[] = {"V", "A", "m", "s", "m/s", ""};
    srand(1);
    for (int i = 0; i < 5000; i++) {
        const char *unit = units[i % 6];
        double value =
            (rand() % 2 ? 1 : -1) * (double)(rand() % 9999 + 1) * pow(10, rand() % 14 - 14);
        struct units_report report;
        char buf[48];
        double back;
        units_write(value, unit, buf, sizeof(buf));
        ck_assert_msg(units_read(buf, unit, &back, &report) == 0, "'%s'", buf);
        ck_assert_msg(fabs(back - value) <= 1e-6 * fabs(value), "'%s' for %.17g", buf, value);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *tc = tcase_create("units");
    tcase_add_test(tc, values_are_correctly_rounded);
    tcase_add_loop_test(tc, faults_name_their_place, 0, sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(tc, hints);
    tcase_add_test(tc, counts);
    tcase_add_test(tc, written_as_people_write);
    tcase_add_test(tc, round_trip);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
