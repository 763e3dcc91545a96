/*
 * What was said about labelled frames at every share seen: scores of a model, or of a
 * cross-validation's networks on the recordings that each had left out.
 *
 * The file is CSV: the columns of a table of votes (nn/dataset.h), `width_px` and `height_px`,
 * `fold` (0.., the fold that left the recording out; the same for all of its rows; empty: not
 * judged), one column LABEL@LINES with the logit per label and share, e.g. `dimers@24` for 24 of
 * 128 lines, and, all or none, LABEL@LINES_score with the calibrated score.
 */
#ifndef NN_SCORES_H
#define NN_SCORES_H

#include "nn/dataset.h"
#include "nn/evaluate.h"

#include <stdbool.h>

/* All borrowed. */
struct nn_scores {
    const struct nn_dataset *dataset;
    uint32_t folds;       /* 0: one model judged everything */
    const uint32_t *fold; /* (n_recordings), UINT32_MAX: not judged; NULL with folds = 0 */
    /* (n, NN_LABEL_COUNT) each. Areas order frames by logits, the rest goes by scores: each fold's
       calibration comes from the others, so a fold rich in a label is scored as if poor in it, and
       pooled scores would order frames by fold. */
    const float *logits[NN_SHARE_COUNT];
    const float *scores[NN_SHARE_COUNT];
};

/*
 * Whether an example counts: judged, and a finished frame (others never reach their frame's share).
 */
bool nn_scores_count(const struct nn_scores *scores, uint32_t example);

/* A label holds where at least half of the people said so. */
bool nn_scores_holds(const struct nn_example *example, uint32_t label);

/*
 * Scores from logits alone: each fold's calibrated on the other folds, so that nothing that judges
 * a recording has seen it. scores->scores is not read. ret_scores: NN_SHARE_COUNT times
 * (n, NN_LABEL_COUNT); rows that do not count among the others are filled all the same.
 */
void nn_scores_calibrate(const struct nn_scores *scores, float *const ret_scores[NN_SHARE_COUNT]);

/* 0, or negative errno. */
int nn_scores_save(const struct nn_scores *scores, const char *path);

/* A file's scores with all they refer to. */
struct nn_score_file {
    struct nn_scores scores;
    struct nn_dataset *dataset;
    uint32_t *fold;
    float *values; /* logits and scores, (2, NN_SHARE_COUNT, n, NN_LABEL_COUNT) */
};

/*
 * Pictures come from `reader`, as in nn_dataset_load; NULL: examples have none, but their width and
 * height. Scores that the file does not hold are calibrated from its logits. 0, or negative errno
 * with a sentence in `error`: -EBADMSG (a column missing, a value no number, fewer than two folds),
 * and as nn_dataset_load.
 */
int nn_scores_load(const char *path, nn_picture_reader reader, void *context,
                   struct nn_score_file **ret_file, char *error, size_t error_size);
void nn_score_file_destroy(struct nn_score_file *file);

#endif
