/*
 * What a surface is made of: everything that one file of sim/surfaces/ says, as plain numbers.
 *
 * Lengths in metres, angles in degrees. The lattice has axes of its own, x' and y'; places in a
 * cell are (s, t), at s a1 + t a2. Ranges are [lowest, highest]; values are drawn from them evenly,
 * heights, radii and persistences evenly in their logarithm.
 */
#ifndef SIM_SURFACE_SPEC_H
#define SIM_SURFACE_SPEC_H

#include "sim/lattice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_SURFACE_NAME_MAX = 32,
    SIM_SURFACE_WAVES_MAX = 16,
    SIM_SURFACE_BUMPS_MAX = 32,
    SIM_SURFACE_DIRECTIONS_MAX = 8,
    SIM_SURFACE_DEFECTS_MAX = 16,
    SIM_SURFACE_MEMBERS_MAX = 8
};

/* How strongly a wave is pictured: as the apex pictures that part of H:Si(100), or by itself. */
enum sim_wave_part {
    SIM_WAVE_FIXED, /* its own amplitude, see follow_apex */
    SIM_WAVE_ROW,
    SIM_WAVE_DIMER,
    SIM_WAVE_PAIR,
    SIM_WAVE_MIXED,
    SIM_WAVE_FINE,
    SIM_WAVE_PART_COUNT
};

struct sim_surface_wave {
    double order[2]; /* h, k: whole numbers */
    int part;        /* enum sim_wave_part */
    double amplitude_m;
    double phase_deg; /* SIM_WAVE_FIXED; the others take the apex's own */
};

/* A Gaussian bump or hole in every cell. */
struct sim_surface_bump {
    double at[2];             /* (s, t) */
    double filled_m, empty_m; /* height at negative and at positive sample bias */
    double sigma_m;
};

/* Into which direction x' points, from the frame's x: one of several, by weight. */
struct sim_surface_direction {
    double angle_deg, spread_deg; /* normal around; spread 180 or more: any */
    double p;
};

/* What positive sample bias, and less of any bias, does to the waves. */
struct sim_surface_bias {
    double empty[2];        /* waves times this at positive bias */
    double inverted_p;      /* that they are turned upside down then, for a whole session */
    double sharpen_per_v;   /* all waves but those of the rows: this much more per volt less ... */
    double sharpen_below_v; /* ... than this */
};

struct sim_surface_steps {
    double height_m;
    double terrace_m;     /* mean width */
    double uneven;        /* how far edges lie off even spacing, at most, in terraces */
    double turn_deg;      /* of the lattice from one terrace to the next */
    double shift[2];      /* of its origin likewise, in cells */
    double edge_m;        /* half the width of an edge under the sharpest tip */
    double kink_m;        /* edges stray in units of this */
    double along_deg;     /* edges run along y' or a direction that many degrees from it */
    double off_axis_deg;  /* by how much, rms, the mean edge misses that direction */
    double straight_m[2]; /* persistence of an edge that runs along the upper terrace's y' (S_A) */
    double straight_stray_m; /* how far it strays, at most */
    double ragged_m[2];      /* the same of the other kind (S_B) */
    double ragged_stray_m;
};

/* Clean and dirty areas: some defects gather in the latter. */
struct sim_surface_patches {
    double size_m;
    double share;        /* of the area that is dirty */
    double dirty, clean; /* density there over the mean density */
};

/* Pairs of ridges in zigzag, a reconstruction on top of the lattice. period_m 0: none. */
struct sim_surface_ridges {
    double period_m;    /* from pair to pair, across a straight stretch */
    double apart_m;     /* of the two ridges of a pair */
    double height_m[2]; /* one value per session */
    double sigma_m;
    double elbow_m[2]; /* length of a straight stretch; one value per session */
    double bend_deg;   /* of a stretch from the mean direction */
    double along_deg;  /* of the mean direction from y' */
};

enum sim_height_sign { SIM_HEIGHT_UP, SIM_HEIGHT_DOWN, SIM_HEIGHT_EITHER, SIM_HEIGHT_SIGN_COUNT };

/* One bump or hole of a defect. */
struct sim_defect_member {
    double at[2]; /* cells from the defect's place; at a defect's side, s counts either way */
    double height_m[2];
    int sign; /* enum sim_height_sign */
    double sigma_m[2];
    double p; /* that it is there */
};

/* Where a defect's place may lie. */
enum sim_defect_site {
    SIM_SITE_ANY,
    SIM_SITE_CELL, /* at a cell's origin */
    SIM_SITE_BUMP, /* on one of the cell's bumps */
    SIM_SITE_COUNT
};

struct sim_surface_defect {
    char name[SIM_SURFACE_NAME_MAX];
    double per_nm2;
    int site;           /* enum sim_defect_site */
    bool in_patches;    /* gathers in dirty areas */
    bool charged;       /* has a halo, if halos are on */
    double copies[2];   /* its members, so many times, ... */
    double scatter_m;   /* ... each copy this far off, rms per axis */
    double array[2];    /* or repeated every so many cells, ... */
    double radius_m[2]; /* ... inside a disc; [0, 0]: not repeated */
    struct sim_defect_member members[SIM_SURFACE_MEMBERS_MAX];
    uint32_t n_members;
};

/* The bright disc around a charged defect at positive bias, with a dip in its middle. */
struct sim_surface_halo {
    bool enabled;
    double disc_m, dip_m; /* full widths at half height */
    double height_m[2];
};

/* What actions leave behind. */
struct sim_surface_marks {
    double poke_depth_m;     /* a crash of this depth surely leaves a mark; shallower ones in
                                proportion */
    double poke_height_m[2]; /* at no depth; doubled at 1 nm, and so on */
    double crater_p;         /* that it is a hole, of half that height */
    double poke_sigma_m;     /* at no depth */
    double poke_widening;    /* more of it per depth */
    double debris_per_nm;    /* clusters strewn around, mean per nanometre of depth ... */
    double debris_reach_m;   /* ... within this distance */
    double debris_height_m[2], debris_sigma_m[2];
    double pulse_above_v, pulse_below_v; /* beyond either (signed), a pulse leaves defects ... */
    char pulse_defect[SIM_SURFACE_NAME_MAX]; /* ... of this name */
    double pulse_radius_m[2];                /* of their patch: at the threshold, and at most */
    double pulse_widening_m_per_v;
    double pulse_count; /* mean number in the widest patch, beside two */
};

struct sim_surface_spec {
    uint32_t version; /* of the file's form: 1 */
    char name[SIM_SURFACE_NAME_MAX];
    struct sim_cell cell;
    double
        follow_apex; /* fixed waves and bumps: times (row contrast of the apex / 25 pm) to this */
    struct sim_surface_wave waves[SIM_SURFACE_WAVES_MAX];
    struct sim_surface_bump bumps[SIM_SURFACE_BUMPS_MAX];
    struct sim_surface_direction directions[SIM_SURFACE_DIRECTIONS_MAX];
    struct sim_surface_defect defects[SIM_SURFACE_DEFECTS_MAX];
    uint32_t n_waves, n_bumps, n_directions, n_defects;
    struct sim_surface_bias bias;
    struct sim_surface_steps steps;
    struct sim_surface_patches patches;
    struct sim_surface_ridges ridges;
    struct sim_surface_halo halo;
    struct sim_surface_marks marks;
};

/* H:Si(100), as sim/surfaces/h-si-100.yaml says; the file is built in. */
void sim_surface_spec_default(struct sim_surface_spec *ret);

#endif
