/* The charts of a report, each into a box of a canvas. */
#ifndef NN_REPORT_CHART_H
#define NN_REPORT_CHART_H

#include "nn/canvas.h"
#include "nn/report.h"

/* One measure against the lines seen, a line per label and their mean. */
void report_chart_measure(struct nn_canvas *canvas, struct nn_box box,
                          const struct nn_report *report, enum nn_measure measure);

/* Sensitivity at the second human's specificity, beside the second human's own. */
void report_chart_human(struct nn_canvas *canvas, struct nn_box box,
                        const struct nn_report *report);

/* Of frames scored s, the share that carries the label: all of them at one share seen. */
void report_chart_reliability(struct nn_canvas *canvas, struct nn_box box,
                              const struct nn_report *report, uint32_t label);

/* Labels together in votes; labels in votes against labels called, at one share. */
void report_chart_together(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report);
void report_chart_confusion(struct nn_canvas *canvas, struct nn_box box,
                            const struct nn_report *report, uint32_t share);

/* Later papers' readings: good or bad, and the four classes. */
void report_chart_readings(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report);
void report_chart_classes(struct nn_canvas *canvas, struct nn_box box,
                          const struct nn_report *report, uint32_t share);

/* How many frames have their sequential verdict after so many lines. */
void report_chart_sequence(struct nn_canvas *canvas, struct nn_box box,
                           const struct nn_report *report);

#endif
