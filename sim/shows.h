/*
 * What a tip shows of a clean surface, without noise: the class that its own geometry gives the
 * picture, as against the hidden state that it was drawn from.
 *
 * Thresholds between classes: best single ones on confident real images (measured): rows to dimers
 * at A(g2)/A(g1) = .34, dimers to atoms at A(2g1)/A(g1) = .6 with g2/g1 at least .3. Asymmetric:
 * 2 g1 has .29 to .74 of the amplitude of the rows (measured, against dimers and atoms) and stands
 * .75 rad or more off its place against them (chosen: between the .66 that parts as many dimers
 * from asymmetries and the 1.4 that parts them as frequent as they are; both measured). Nothing:
 * rows and dimers together below 1.5 times the tip's line noise (chosen, as for the labels of
 * rendered frames).
 */
#ifndef SIM_SHOWS_H
#define SIM_SHOWS_H

#include "sim/apex.h"

enum sim_shows {
    SIM_SHOWS_ATOMS,
    SIM_SHOWS_ASYMMETRIES,
    SIM_SHOWS_DIMERS,
    SIM_SHOWS_ROWS,
    SIM_SHOWS_NOTHING,
    SIM_SHOWS_COUNT
};

/* "atoms", ... Borrowed, lives for ever. */
const char *sim_shows_name(enum sim_shows shows);

/*
 * Of H:Si(100)-2x1 whose dimer rows stand at `row_angle` (rad, of the direction across the rows
 * against x). The currents of several apices add (sim/scanner.h). `noise_m` in the contrast counts.
 */
enum sim_shows sim_shows(const struct sim_apex *apices, uint32_t n,
                         const struct sim_contrast *contrast, double row_angle);

/* Symmetric dimers or atoms. */
bool sim_shows_is_good(enum sim_shows shows);

#endif
