/* The figures of a report, one after the other, by name. */
#ifndef NN_REPORT_TABLE_H
#define NN_REPORT_TABLE_H

#include "nn/report.h"

/* A label's title, or "mean of six". */
const char *nn_report_row_title(uint32_t row);

const char *nn_class_name(enum nn_class which);

struct nn_report_entry {
    uint32_t lines;      /* of 128, 0: of the whole frame or of none */
    const char *subject; /* a label, "mean", "four_classes", "good_or_bad", a class */
    const char *measure;
    const char *other; /* of matrices: the column; else NULL */
    const struct nn_figure *figure;
};

struct nn_report_listener {
    void (*take)(void *context, const struct nn_report_entry *entry);
    void *context;
};

void nn_report_walk(const struct nn_report *report, const struct nn_report_listener *listener);

#endif
