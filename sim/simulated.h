/*
 * The simulated microscope: a struct microscope over simulated surface, tip and scanner, in
 * virtual time. It scans frames up and down without end, obeys every action, and is as exactly
 * repeatable as its commands: same options, same commands at the same instrument times, same lines
 * to the bit, however the time in between was sliced.
 *
 * An action with the scan running ends the frame (scan_end "restarted"); afterwards a new frame
 * starts from the bottom. After retract and safe_state the tip is withdrawn: only approach and
 * further retracts are possible (-EAGAIN for all else), and scanning starts on command only.
 *
 * What really happened to the tip goes to the truth callback, never into a message.
 */
#ifndef SIM_SIMULATED_H
#define SIM_SIMULATED_H

#include "instrument/microscope.h"
#include "sim/instrument.h"
#include "sim/shows.h"
#include "sim/tip.h"

struct simulated;
struct sim_surface_spec; /* sim/surface_spec.h */

enum simulated_truth_kind {
    SIMULATED_LINE,   /* forward and backward trace rendered; event: what happened in it */
    SIMULATED_ACTION, /* an action has taken effect */
    SIMULATED_TRUTH_COUNT
};

/* For scoring only. Strings are borrowed, live for ever. */
struct simulated_truth {
    enum simulated_truth_kind kind;
    int64_t t_inst_ns;
    uint32_t run, cycle, line;
    bool up;
    enum sim_tip_state state; /* afterwards */
    uint64_t apex;            /* serial number of the apex, afterwards */
    enum sim_shows shows;     /* what this apex shows of clean H:Si(100) */
    enum sim_tip_event_kind event;
    double event_at; /* 0..1 of the line's time */
    struct action action;
    bool changed; /* a new apex */
    bool crashed; /* ... by an unwanted crash */
};

struct simulated_options {
    uint64_t seed;
    int start;          /* enum sim_tip_state; -1: drawn by the tip model's weights */
    double event_scale; /* times the measured rates of spontaneous events */
    uint32_t points, lines;
    double frame_m;
    double line_time_s;                     /* forward and backward together */
    int64_t duration_ns;                    /* then MICROSCOPE_FINISHED; 0: without end */
    const struct sim_surface_spec *surface; /* borrowed; NULL: H:Si(100) */
    struct sim_tip_model tip;
    struct sim_instrument instrument;
    unsigned channels; /* SIM_CHANNEL_Z, SIM_CHANNEL_I: which lines are sent; Z at least */
    bool truth_only;   /* lines are sent flat, not rendered; what happens to the tip is the same */
    void (*truth)(void *ctx, const struct simulated_truth *truth); /* NULL: nobody asks */
    void *truth_ctx;
};

/*
 * Seed 1, 300 x 300 samples on 3.6 nm, .33 s per line, no end, the fitted tip, the default
 * instrument, Z lines only, rendered.
 */
void simulated_options_default(struct simulated_options *ret);

/* Idle, tip in tunnelling contact. 0, -EINVAL (an option out of range), -ENOMEM. */
int simulated_create(const struct simulated_options *options, struct simulated **ret);
void simulated_destroy(struct simulated *sim);

/* Borrows `sim`. */
struct microscope simulated_microscope(struct simulated *sim);

/*
 * From now on this happens at its time; what is past by then happens at once. 0, -EINVAL (a
 * magnitude or time out of range), -ENOSPC (SIM_DISTURBANCES_MAX of them wait or last).
 */
int simulated_disturb(struct simulated *sim, const struct sim_disturbance *disturbance);

/* The tip as it is now, for scoring. */
const struct sim_tip *simulated_tip(const struct simulated *sim);

/* The geometry that the next frame will have. */
struct scan_geometry simulated_geometry(const struct simulated *sim);

#endif
