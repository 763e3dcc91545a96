/*
 * Numbers with units as people write them in policies: "2.3 V", "0.5 nm", "50 ms", "12 h".
 *
 * The result is SI and correctly rounded: "2.5 nm" is the double 2.5e-9 and not 2.5 * 1e-9, so that
 * a value written at a bound is at the bound.
 */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stddef.h>

/* What is wrong with a text, and which part of it. */
enum units_fault {
    UNITS_FINE,
    UNITS_NO_NUMBER,  /* no plain decimal number at the start */
    UNITS_OVERFLOW,   /* a number beyond double */
    UNITS_MISSING,    /* a number without the unit it needs */
    UNITS_UNKNOWN,    /* a unit nobody knows */
    UNITS_OTHER,      /* a unit of something else */
    UNITS_UNEXPECTED, /* a unit where a plain number is wanted */
};

struct units_report {
    enum units_fault fault;
    size_t at, length;     /* bytes of the text that are to blame */
    const char *dimension; /* UNITS_OTHER: what the unit measures, "time" */
    const char *nearest;   /* UNITS_UNKNOWN: the unit probably meant, or NULL */
};

/*
 * Read `text` as a quantity whose SI unit is `unit` ("V", "A", "m", "s", "m/s", "Hz", "rad",
 * "deg", "eV"), or as a plain number when `unit` is "". 0, or -EINVAL with *ret_report filled and
 * *ret_value untouched.
 */
int units_read(const char *text, const char *unit, double *ret_value,
               struct units_report *ret_report);

/* A whole number, digits only. 0, -EINVAL (not that), -ERANGE (above 4294967295). */
int units_read_count(const char *text, unsigned long *ret_value);

/* "voltage", "length", ... for an SI unit; "number" for "". */
const char *units_dimension(const char *unit);

/* The accepted spellings of an SI unit, by falling size. NULL beyond the last. */
const char *units_spelling(const char *unit, size_t i);

/* With engineering prefix and a space: "2.3 V", "0.3 nm", "12 h". Always terminated. */
void units_write(double value, const char *unit, char *buf, size_t size);

#endif
