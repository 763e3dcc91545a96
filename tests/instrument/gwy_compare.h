/*
 * Gwyddion as second reader of a MATRIX image: headless conversion, then every sample compared.
 */
#ifndef TESTS_INSTRUMENT_GWY_COMPARE_H
#define TESTS_INSTRUMENT_GWY_COMPARE_H

#include <stdbool.h>

/* False, after a line that says so, when Gwyddion is not installed. */
bool gwy_installed(void);

/*
 * Read `image_path` with Gwyddion (by way of the file `gwy_path`, replaced) and with our reader;
 * the current test fails where they differ in traces, size, or a value of a complete line.
 */
void gwy_compare(const char *image_path, const char *gwy_path);

#endif
