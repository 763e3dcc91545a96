#include "tests/instrument/gwy_compare.h"

#include "instrument/matrix_image.h"
#include "tests/instrument/gwy.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool gwy_installed(void)
{
    bool installed = system("command -v gwyddion >/dev/null 2>&1") == 0;
    if (!installed)
        printf("SKIPPED: gwyddion is not installed\n");
    return installed;
}

/* Gwyddion's fields have the top row first, and 0 where no line was scanned. */
static void compare_fields(const struct matrix_image *image, const struct gwy_file *gwy)
{
    ck_assert_uint_eq(gwy->n_fields, image->n_traces);
    static const char *const names[SCAN_TRACE_COUNT] = {"TraceUp", "RetraceUp", "TraceDown",
                                                        "RetraceDown"};
    for (uint32_t i = 0; i < image->n_traces; i++) {
        const struct matrix_trace *trace = &image->traces[i];
        const struct gwy_field *field = gwy_find(gwy, names[trace->id]);
        ck_assert_msg(field != NULL, "no field %s", names[trace->id]);
        uint32_t lines = image->geometry.lines;
        ck_assert_uint_eq(field->xres, trace->cols);
        ck_assert_uint_eq(field->yres, lines);
        ck_assert(fabs(field->xreal / image->geometry.width_m - 1) < 1e-12);
        for (uint32_t row = 0; row < trace->rows; row++)
            for (uint32_t col = 0; col < trace->cols; col++) {
                uint32_t y = lines - 1 - (trace->first_row + row);
                double theirs = field->data[(size_t)y * trace->cols + col];
                int32_t raw = trace->raw[(size_t)row * trace->cols + col];
                double ours = matrix_transfer_apply(&image->transfer, raw);
                /* It multiplies by a prepared 1 / factor: the last bit may differ. */
                ck_assert_msg(fabs(ours - theirs) <= 1e-15 * fabs(ours),
                              "%s (%u, %u): ours %.17g, Gwyddion %.17g", names[trace->id], row, col,
                              ours, theirs);
            }
    }
}

void gwy_compare(const char *image_path, const char *gwy_path)
{
    char command[3000], error[256] = "";
    struct gwy_file gwy;
    struct matrix_image *image;
    snprintf(command, sizeof command, "gwyddion --convert-to-gwy='%s' '%s' >/dev/null 2>&1",
             gwy_path, image_path);
    ck_assert_msg(system(command) == 0, "gwyddion does not open %s", image_path);
    ck_assert_msg(gwy_read(gwy_path, &gwy), "no readable %s", gwy_path);
    int status = matrix_image_load(image_path, NULL, &image, error, sizeof error);
    ck_assert_msg(status == 0, "%s: %s", image_path, error);
    compare_fields(image, &gwy);
    matrix_image_destroy(image);
    gwy_free(&gwy);
}
