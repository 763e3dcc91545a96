/*
 * Charts on a canvas: lines with intervals, bars with whiskers, matrices. Each is drawn into a box
 * of its sheet, title, axes and legend included. Values that are not finite are left out.
 */
#ifndef NN_CHART_H
#define NN_CHART_H

#include "nn/canvas.h"

/* The chart's colours in order, distinguishable by the colour-blind (Okabe and Ito 2008). */
struct nn_color nn_chart_color(uint32_t index);

struct nn_axis {
    const char *name;
    double low, high;    /* both 0: from the values */
    const double *ticks; /* (n_ticks), NULL: at round numbers */
    uint32_t n_ticks;
    bool logarithmic; /* values must be above 0 */
};

struct nn_series {
    const char *name; /* in the legend; NULL: not there */
    uint32_t n;
    const double *x;
    const double *y;
    const double *low, *high; /* (n) ends of the intervals, NULL: none */
    struct nn_color color;
    bool dashed;
    bool dots;
};

struct nn_line_chart {
    const char *title;
    struct nn_axis x, y;
    const struct nn_series *series;
    uint32_t n_series;
};

void nn_chart_lines(struct nn_canvas *canvas, struct nn_box box, const struct nn_line_chart *chart);

/* Groups of bars side by side, one colour per series. */
struct nn_bar_chart {
    const char *title;
    struct nn_axis y;
    const char *const *groups; /* (n_groups) */
    uint32_t n_groups;
    const char *const *series; /* (n_series) */
    uint32_t n_series;
    const double *values;     /* (n_series, n_groups) */
    const double *low, *high; /* likewise, NULL: none */
};

void nn_chart_bars(struct nn_canvas *canvas, struct nn_box box, const struct nn_bar_chart *chart);

/* A table whose cells are the darker the higher their value. */
struct nn_matrix_chart {
    const char *title;
    const char *across, *down;  /* what columns and rows are */
    const char *const *columns; /* (n_columns) */
    uint32_t n_columns;
    const char *const *rows; /* (n_rows) */
    uint32_t n_rows;
    const double *values; /* (n_rows, n_columns) */
    double high;          /* the darkest */
    int decimals;         /* of the numbers written into the cells */
};

void nn_chart_matrix(struct nn_canvas *canvas, struct nn_box box,
                     const struct nn_matrix_chart *chart);

#endif
