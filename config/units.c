/* Quantities in text, and back. */
#include "config/units.h"
#include "config/policy_errors.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 32, EXPONENT_MAX = 300 };

/* One spelling: value in SI = number * factor * 10^exponent. */
static const struct {
    const char *text, *unit;
    int exponent;
    double factor;
} spellings[] = {
    {"V", "V", 0, 1},       {"mV", "V", -3, 1},     {"uV", "V", -6, 1},      {"A", "A", 0, 1},
    {"mA", "A", -3, 1},     {"uA", "A", -6, 1},     {"nA", "A", -9, 1},      {"pA", "A", -12, 1},
    {"fA", "A", -15, 1},    {"m", "m", 0, 1},       {"mm", "m", -3, 1},      {"um", "m", -6, 1},
    {"nm", "m", -9, 1},     {"pm", "m", -12, 1},    {"h", "s", 0, 3600},     {"min", "s", 0, 60},
    {"s", "s", 0, 1},       {"ms", "s", -3, 1},     {"us", "s", -6, 1},      {"mm/s", "m/s", -3, 1},
    {"um/s", "m/s", -6, 1}, {"nm/s", "m/s", -9, 1}, {"pm/s", "m/s", -12, 1}, {"kHz", "Hz", 3, 1},
    {"Hz", "Hz", 0, 1},     {"rad", "rad", 0, 1},   {"mrad", "rad", -3, 1},  {"deg", "deg", 0, 1},
    {"eV", "eV", 0, 1},
};

enum { N_SPELLINGS = sizeof(spellings) / sizeof(spellings[0]) };

static const struct {
    const char *unit, *dimension;
} dimensions[] = {
    {"V", "voltage"},    {"A", "current"}, {"m", "length"},  {"s", "time"},    {"m/s", "speed"},
    {"Hz", "frequency"}, {"rad", "angle"}, {"deg", "angle"}, {"eV", "energy"},
};

const char *units_dimension(const char *unit)
{
    for (size_t i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++)
        if (strcmp(unit, dimensions[i].unit) == 0)
            return dimensions[i].dimension;
    return "number";
}

const char *units_spelling(const char *unit, size_t i)
{
    for (size_t k = 0; k < N_SPELLINGS; k++)
        if (strcmp(spellings[k].unit, unit) == 0 && i-- == 0)
            return spellings[k].text;
    return NULL;
}

static size_t count_digits(const char *s)
{
    return strspn(s, "0123456789");
}

/*
 * Bytes of the plain decimal at the start of s, 0 if there is none: sign, digits with at most one
 * point, exponent. Hexadecimal, "nan" and "1_000" are not numbers here.
 */
static size_t scan_number(const char *s, size_t *ret_mantissa, int *ret_exponent)
{
    size_t n = s[0] == '+' || s[0] == '-';
    size_t whole = count_digits(s + n);
    n += whole;
    size_t part = 0;
    if (s[n] == '.') {
        part = count_digits(s + n + 1);
        n += 1 + part;
    }
    if (whole + part == 0)
        return 0;
    *ret_mantissa = n;
    *ret_exponent = 0;
    if (s[n] == 'e' || s[n] == 'E') {
        size_t sign = s[n + 1] == '+' || s[n + 1] == '-';
        size_t digits = count_digits(s + n + 1 + sign);
        if (digits > 0) {
            long exponent = digits > 4 ? EXPONENT_MAX * 2 : strtol(s + n + 1 + sign, NULL, 10);
            *ret_exponent = (int)(s[n + 1] == '-' ? -exponent : exponent);
            n += 1 + sign + digits;
        }
    }
    return n;
}

/* The mantissa with the exponents of number and prefix together, rounded once. */
static int convert(const char *mantissa, size_t length, int exponent, double *ret_value)
{
    char text[NUMBER_MAX + 16];
    if (length > NUMBER_MAX || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return -ERANGE;
    snprintf(text, sizeof(text), "%.*se%d", (int)length, mantissa, exponent);
    char *end;
    double value = strtod(text, &end);
    /* A foreign decimal point in the locale ends the number early: better no value than a wrong
     * one. */
    if (*end != '\0' || !isfinite(value))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

static int find_spelling(const char *word, size_t length)
{
    char text[8];
    /* Both micro signs of Unicode stand for u. */
    bool micro =
        length > 2 && (memcmp(word, "\xC2\xB5", 2) == 0 || memcmp(word, "\xCE\xBC", 2) == 0);
    if (length >= sizeof(text))
        return -1;
    snprintf(text, sizeof(text), "%s%.*s", micro ? "u" : "", (int)(length - (micro ? 2 : 0)),
             word + (micro ? 2 : 0));
    for (int i = 0; i < N_SPELLINGS; i++)
        if (strcmp(text, spellings[i].text) == 0)
            return i;
    return -1;
}

static const char *nearest_spelling(const char *word, const char *unit)
{
    const char *candidates[N_SPELLINGS];
    size_t n = 0;
    while ((candidates[n] = units_spelling(unit, n)))
        n++;
    return policy_errors_nearest(word, candidates, n);
}

static int blame(struct units_report *report, enum units_fault fault, size_t at, size_t length)
{
    *report = (struct units_report){.fault = fault, .at = at, .length = length ? length : 1};
    return -EINVAL;
}

int units_read(const char *text, const char *unit, double *ret_value,
               struct units_report *ret_report)
{
    size_t mantissa;
    int exponent;
    size_t n = scan_number(text, &mantissa, &exponent);
    if (n == 0)
        return blame(ret_report, UNITS_NO_NUMBER, 0, strlen(text));
    size_t at = n + strspn(text + n, " ");
    size_t length = strlen(text + at);
    double factor = 1;
    int prefix = 0;
    if (length > 0) {
        int i = find_spelling(text + at, length);
        if (i < 0) {
            blame(ret_report, UNITS_UNKNOWN, at, length);
            ret_report->nearest = nearest_spelling(text + at, unit);
            return -EINVAL;
        }
        if (unit[0] == '\0')
            return blame(ret_report, UNITS_UNEXPECTED, at, length);
        if (strcmp(spellings[i].unit, unit) != 0) {
            blame(ret_report, UNITS_OTHER, at, length);
            ret_report->dimension = units_dimension(spellings[i].unit);
            return -EINVAL;
        }
        factor = spellings[i].factor;
        prefix = spellings[i].exponent;
    } else if (unit[0] != '\0') {
        return blame(ret_report, UNITS_MISSING, 0, n);
    }
    double value;
    if (convert(text, mantissa, exponent + prefix, &value) != 0)
        return blame(ret_report, UNITS_OVERFLOW, 0, n);
    *ret_value = value * factor;
    *ret_report = (struct units_report){.fault = UNITS_FINE};
    return 0;
}

int units_read_count(const char *text, unsigned long *ret_value)
{
    size_t n = count_digits(text);
    if (n == 0 || text[n] != '\0')
        return -EINVAL;
    if (n > 10)
        return -ERANGE;
    unsigned long long value = strtoull(text, NULL, 10);
    if (value > 0xFFFFFFFFu)
        return -ERANGE;
    *ret_value = (unsigned long)value;
    return 0;
}

void units_write(double value, const char *unit, char *buf, size_t size)
{
    if (unit[0] == '\0') {
        snprintf(buf, size, "%.7g", value);
        return;
    }
    double magnitude = fabs(value);
    const char *text = unit;
    double scale = 1;
    for (size_t i = 0; i < N_SPELLINGS; i++) {
        if (strcmp(spellings[i].unit, unit) != 0)
            continue;
        double spelling_scale = spellings[i].factor * pow(10, spellings[i].exponent);
        /* As operators write them: 0.5 V, 0.5 nA and 0.05 nm, but 20 mV and 5 pm. Minutes and hours
         * only in whole halves. */
        double least = 0.9999;
        if (strcmp(spellings[i].text, "V") == 0 || strcmp(spellings[i].text, "nA") == 0)
            least = 0.0999;
        else if (strncmp(spellings[i].text, "nm", 2) == 0)
            least = 0.0499;
        if (spellings[i].factor > 1 && fmod(magnitude, spellings[i].factor / 2) != 0)
            continue;
        text = spellings[i].text;
        scale = spelling_scale;
        if (magnitude >= least * scale)
            break;
    }
    if (magnitude == 0) {
        text = unit;
        scale = 1;
    }
    snprintf(buf, size, "%.7g %s", value / scale, text);
}
