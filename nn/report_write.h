/* A report as JSON, CSV, one picture or one page that needs nothing beside itself. */
#ifndef NN_REPORT_WRITE_H
#define NN_REPORT_WRITE_H

#include "nn/report.h"

#include <stdio.h>

/* What a report is about; all borrowed. */
struct nn_report_about {
    const char *title;
    const char *what;    /* whose scores these are, one sentence */
    const char *warning; /* what they must not be taken for; NULL: nothing */
    const char *command; /* that made this */
    const char *model;   /* hash; NULL: none */
    const char *note;    /* the model's; NULL: none */
    const struct nn_scores *scores;
};

/* 0, or negative errno. */
int nn_report_write_json(FILE *out, const struct nn_report *report,
                         const struct nn_report_about *about);

/* lines_of_128 (empty: of the whole frame), subject, measure, other, value, low, high. */
int nn_report_write_csv(FILE *out, const struct nn_report *report);

/* Worst errors are shown where the examples have pictures. */
int nn_report_write_html(FILE *out, const struct nn_report *report,
                         const struct nn_report_about *about);

int nn_report_write_png(const char *path, const struct nn_report *report,
                        const struct nn_report_about *about);

#endif
