/*
 * What people would say about a rendered frame: scores computed from what is visible in it, never
 * from the tip's hidden state, and virtual raters who turn scores into votes.
 *
 * Formulas: thresholds between the classes are measured on confident real images (rows to dimers at
 * A(g2)/A(g1) = .34, dimers to atoms at A(2g1)/A(g1) = .6, dimers to asymmetries by the phase of
 * 2 g1 as in sim/shows.h); the widths are chosen. See
 * docs/simulator.md, "Held to account".
 */
#ifndef SIM_FRAME_LABELS_H
#define SIM_FRAME_LABELS_H

#include "sim/random.h"

#include <stddef.h>
#include <stdint.h>

/* In the order of every label file. */
enum sim_frame_label {
    SIM_FRAME_ASYMMETRIES,
    SIM_FRAME_ATOMS,
    SIM_FRAME_DIMERS,
    SIM_FRAME_ROWS,
    SIM_FRAME_TIP_CHANGE,
    SIM_FRAME_BAD,
    SIM_FRAME_LABEL_COUNT
};

/* A flattened frame, and where its lattice lies. */
struct sim_frame_view {
    const double *heights; /* (lines, points), row 0 = bottom, every line flattened; any unit */
    uint32_t points, lines;
    double g1[2], g2[2];    /* across and along the rows: cycles per sample in x, per line in y */
    const uint32_t *events; /* lines at which something happened to the tip */
    size_t n_events;
};

/* What is visible. */
struct sim_frame_marks {
    double amplitude; /* of the rows, unit of the heights */
    double dimers;    /* A(g2) / A(g1) */
    double pairs;     /* A(2 g1) / A(g1) */
    double asymmetry; /* phase of 2 g1 against g1, folded to 0..pi/2 */
    double lattice;   /* amplitude of all components over the line noise */
    double shown;     /* amplitude of all components over the range of heights */
    double step;      /* largest step between lines, in robust sigmas of all of them */
    double contrast;  /* inter-quartile range over range */
    double visible;   /* share of the frame's square that has lines without outliers */
    double events;    /* step at the events, over what neighbouring lines differ by anyway */
};

/* 0, -EINVAL (under 4 lines or 16 points), -ENOMEM. */
int sim_frame_measure(const struct sim_frame_view *view, struct sim_frame_marks *ret);

/* Probability that a person gives each label. */
void sim_frame_scores(const struct sim_frame_marks *marks, double ret[SIM_FRAME_LABEL_COUNT]);

/* Mean votes of 1-4 people; returns how many (shares measured). */
unsigned sim_frame_votes(const double scores[SIM_FRAME_LABEL_COUNT], struct sim_random *random,
                         double ret_mean[SIM_FRAME_LABEL_COUNT]);

#endif
