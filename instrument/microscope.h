/*
 * A microscope as a struct of functions. The instrument end (instrument/microscope_end.h) drives
 * one; the simulator, the replay and later the bridge each provide one. All calls come from one
 * thread. The microscope owns its own clock, `t_inst_ns`, from 0 at its start; in a simulated one
 * this clock is virtual.
 */
#ifndef INSTRUMENT_MICROSCOPE_H
#define INSTRUMENT_MICROSCOPE_H

#include "instrument/message.h"

enum microscope_event_kind {
    MICROSCOPE_NOTHING, /* reached until_ns, or has nothing to do */
    MICROSCOPE_DATA,    /* `data` is the next message of the line stream */
    MICROSCOPE_ENDED,   /* the action begun last has ended */
    MICROSCOPE_FINISHED /* nothing more will ever come: a replay's end */
};

struct microscope_event {
    enum microscope_event_kind kind;
    int64_t t_inst_ns;
    /* MICROSCOPE_DATA: session, line.seq and t_utc_us are filled in by the end; samples are
     * borrowed until the next call. `scale` and `raw` allow exact int32 counts on the wire. */
    struct data_message data;
    const int32_t *raw; /* with `data.line.samples` NULL: counts, SI = raw * scale + offset */
    double scale, offset;
    /* MICROSCOPE_ENDED: 0, or negative errno with `text`. */
    int result;
    bool crash_detected;
    char text[MESSAGE_TEXT_MAX];
};

struct microscope_ops {
    const char *name; /* "simulated microscope" */
    bool simulated;

    /* Advance the microscope's clock up to until_ns, or less far if something happens first. */
    void (*advance)(void *self, int64_t until_ns, struct microscope_event *ret_event);

    /*
     * Begin an action that has passed all limits. 0: its end comes from advance(). -EBUSY: another
     * one is running. -ENOTSUP: this microscope cannot do it. -EAGAIN: not in this state (feedback
     * off, near the end of the z range, withdrawn).
     */
    int (*begin)(void *self, const struct action *action);

    /* Start or stop scanning. 0, or negative errno. */
    int (*scan_start)(void *self);
    int (*scan_stop)(void *self);

    /* End the running action now and restore bias, feedback and scan; its MICROSCOPE_ENDED does not
     * come any more. Harmless when none runs. */
    void (*abort)(void *self);

    /* Pulse ended, feedback on, scan stopped, tip withdrawn by `withdraw_m`. Idempotent. What runs
     * has been aborted before. */
    void (*safe_state)(void *self, double withdraw_m);

    /* z, current, bias, feedback, state and t_inst_ns; the end fills in the rest. */
    void (*status)(void *self, struct instrument_status *ret_status);
};

struct microscope {
    const struct microscope_ops *ops;
    void *self;
};

#endif
