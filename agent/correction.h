/*
 * What an operator says of a frame that the network has judged: on record as the text of a journal
 * event of kind "judge", and read from there into labels.
 */
#ifndef AGENT_CORRECTION_H
#define AGENT_CORRECTION_H

#include "nn/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORRECTION_PICTURE_MAX = 64, CORRECTION_TEXT_MAX = 256 };

struct correction {
    uint64_t scan;
    uint32_t run, cycle;
    bool up;
    char picture[CORRECTION_PICTURE_MAX]; /* within the state directory */
    int says[NN_LABEL_COUNT];             /* 1 yes, 0 no, -1 not said */
    float shown[NN_LABEL_COUNT];          /* the network's last scores; NAN: it had none */
};

/*
 * One line, for people and for correction_read: "19_2 up, scan 7, frames/plain/19_2_up.png: yes
 * dimers, no bad_blurry; shown 0.01 0.02 0.33 0.80 0.00 0.91". `buf` has CORRECTION_TEXT_MAX.
 */
void correction_write(const struct correction *correction, char *buf);

/*
 * 0, or -EINVAL: not such a line, nothing said, or a picture that is not a plain path below the
 * state directory. *ret_correction is untouched on failure.
 */
int correction_read(const char *text, struct correction *ret_correction);

/* Whether the label holds: as said, else as shown, from 0.5 up. -1: neither said nor shown. */
int correction_holds(const struct correction *correction, enum nn_label label);

#endif
