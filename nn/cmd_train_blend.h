/* What a detector of tip changes said of left-out frames, added to what the networks said. */
#ifndef NN_CMD_TRAIN_BLEND_H
#define NN_CMD_TRAIN_BLEND_H

#include "nn/cmd_train_options.h"
#include "nn/event.h"

/*
 * Adds the table's log odds times the weight at the share to every member's logits of tip_change,
 * as nn_stream does with the detector in the model. The table is that of `tipwright train-events
 * --save-scores`: `image` and `event@LINES` per share, said by detectors that had not learned from
 * the picture's recording; only scans stopped early, which do not count, may be missing. 0, or -1
 * after saying why not.
 */
int train_blend_events(const struct train_options *options, const struct nn_dataset *dataset,
                       struct nn_crossval *crossval);

#endif
