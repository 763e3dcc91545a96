/*
 * An instrument that fails the way instruments' control programs fail, at moments written down
 * before: a microscope around another one, which hands every call on and spoils what comes back.
 *
 * Same faults, same microscope, same commands at the same instrument times: same outcome to the
 * bit; only a freeze, which stops the program itself, counts seconds of the host. Faults of the
 * tunnelling gap and the scanner are not here: struct sim_disturbance.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "instrument/microscope.h"

#include <stddef.h>

enum sim_fault_kind {
    SIM_FAULT_STALL,     /* no more lines, though the scan is said to run; later ones come again */
    SIM_FAULT_LOSE,      /* lines that never come */
    SIM_FAULT_DUPLICATE, /* lines that come twice */
    SIM_FAULT_SWAP,      /* a line and the next one in the other order */
    SIM_FAULT_LATE,      /* lines that come `size_s` late, with their own time */
    SIM_FAULT_NOT_A_NUMBER, /* ten samples of each line are no numbers */
    SIM_FAULT_RAIL_CURRENT, /* current at the preamp's rail: lines of channel I, and the status */
    SIM_FAULT_WIDTH,        /* lines with half as many samples as the frame says */
    SIM_FAULT_LATE_END,   /* an action's end is told `size_s` late; nothing else comes meanwhile */
    SIM_FAULT_NO_END,     /* ... is never told; the scan goes on */
    SIM_FAULT_CLOCK_STEP, /* the instrument's clock jumps by `size_s`, either way */
    SIM_FAULT_FREEZE,     /* the whole program stands still for `size_s` of the host's time */
    SIM_FAULT_RESTART,    /* the program dies and starts again: scan off, another session */
    SIM_FAULT_COUNT
};

/* When a fault begins. */
enum sim_fault_trigger {
    SIM_FAULT_AT_TIME,  /* the instrument's clock */
    SIM_FAULT_AT_LINE,  /* the n-th line of channel Z since the start, counting from 1 */
    SIM_FAULT_AT_ACTION /* the n-th action begun, counting from 1 */
};

struct sim_fault {
    enum sim_fault_kind kind;
    enum sim_fault_trigger trigger;
    double at_s;
    uint32_t at; /* line or action */
    /* How long: whichever is over first. Neither given: one line; a stall, rail: for ever. */
    double duration_s;
    uint32_t lines;
    double share; /* of the lines meant; drawn */
    double size_s;
};

enum { SIM_FAULTS_MAX = 32 };

/* "stall", "lose", ...; NULL beyond the last. Borrowed, lives for ever. */
const char *sim_fault_name(size_t kind);

/* True: this kind needs size_s; *ret_any_sign whether it may be negative. */
bool sim_fault_has_size(enum sim_fault_kind kind, bool *ret_any_sign);

/* True: the kind concerns lines, so that `lines`, `duration_s` and `share` mean something. */
bool sim_fault_is_of_lines(enum sim_fault_kind kind);

struct sim_faults;

struct sim_faults_options {
    const struct sim_fault *list; /* copied */
    size_t n;
    uint64_t seed;
    double rail_a; /* the preamp's rail */
    /* All may be NULL. Called from within advance(). */
    void (*told)(void *ctx, const struct sim_fault *fault, bool begins, int64_t t_inst_ns);
    void (*freeze)(void *ctx, double seconds);
    void (*restart)(void *ctx);
    void *ctx;
};

/* `inner` is borrowed. 0, -EINVAL (too many, or one that cannot be meant), -ENOMEM. */
int sim_faults_create(const struct sim_faults_options *options, struct microscope inner,
                      struct sim_faults **ret);
void sim_faults_destroy(struct sim_faults *faults);

/* Borrows `faults`. */
struct microscope sim_faults_microscope(struct sim_faults *faults);

#endif
