/*
 * What the tip's end looks like in each state: apices with their widths, and how strongly, sharply
 * and quietly they picture the lattice. Drawn once per apex.
 *
 * Ranges, and where each comes from: docs/simulator.md, "Tip".
 */
#ifndef SIM_APEX_H
#define SIM_APEX_H

#include "sim/random.h"

#include <stdbool.h>
#include <stdint.h>

enum sim_tip_state {
    SIM_TIP_ATOMIC,
    SIM_TIP_ASYM,
    SIM_TIP_DIMER,
    SIM_TIP_ROWS,
    SIM_TIP_MULTI,
    SIM_TIP_BLUNT,
    SIM_TIP_UNSTABLE,
    SIM_TIP_FOULED,
    SIM_TIP_STATE_COUNT
};

enum { SIM_TIP_APICES_MAX = 4 };

/* One protrusion of the tip's end. */
struct sim_apex {
    double dx_m, dy_m; /* where it stands beside the tip's axis */
    double recess_m;   /* >= 0, behind the foremost one */
    double sigma_m;    /* width of its Gaussian blur */
};

/* A wave of the lattice beside its rows. */
struct sim_overtone {
    double ratio; /* over row component, before blur */
    double phase; /* rad */
};

/* How sharply, how strongly and how quietly this very apex pictures the lattice. */
struct sim_contrast {
    double row_m;                 /* cosine amplitude of the rows before blur */
    double ratio_dimer;           /* dimer (.384 nm) over row component, before blur */
    double ratio_pair;            /* second harmonic of the rows over rows */
    double phase_pair;            /* rad; pi: both H of a dimer alike */
    double ratio_fine;            /* 2 g1 + g2 and 2 g1 - g2 over rows; phase of the pair */
    struct sim_overtone mixed[2]; /* g1 + g2 and g1 - g2: an end that is not round slants dimers */
    double radius_m;              /* paraboloid that widens large features */
    double noise_m;               /* line noise, rms of its main part */
    double grain;                 /* times the length of the noise along the line */
    double rumble;                /* weight of the noise's long part */
    double drag;                  /* weight of the noise that lives for some lines */
    double drag_memory;           /* 0..1: of its two equal poles from line to line */
    bool poor;                    /* a multiple tip whose apices are dull as well */
    bool busy;                    /* many single-line glitches */
    bool islands;                 /* apex switches over: sharp-edged blobs, in bursts of lines */
    double island_m;              /* height of these blobs */
    double island_sigmas;         /* of a random field: above it lies an island */
    double island_grain;          /* 0: as broad as some lines; 1: of one line each */
    double island_apart_lines;    /* mean way between bursts */
    struct sim_apex level;        /* second level of a telegraph tip, relative to the apices */
    double dwell_s;               /* mean time on one level */
};

/* An apex of this state. ret_apices: (SIM_TIP_APICES_MAX), of which *ret_n are filled. */
void sim_apex_draw(enum sim_tip_state state, struct sim_random *random, struct sim_apex *ret_apices,
                   uint32_t *ret_n, struct sim_contrast *ret_contrast);

#endif
