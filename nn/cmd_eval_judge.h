/* A model's scores of labelled frames at every share seen, as the agent would have had them. */
#ifndef NN_CMD_EVAL_JUDGE_H
#define NN_CMD_EVAL_JUDGE_H

#include "nn/decisions.h"
#include "nn/model.h"
#include "nn/scores.h"

enum { EVAL_THREADS_MAX = 64 };

struct eval_scores {
    struct nn_scores scores;
    float *values; /* from malloc; the scores point into it */
};

/* Unfinished frames are not judged. 0, or what the stream says. */
int eval_judge(const struct nn_model *model, const struct nn_dataset *dataset, uint32_t threads,
               struct eval_scores *ret_scores);

/* The model's decisions: of a label, the mean over the members that answer it. */
struct nn_decisions eval_decisions(const struct nn_model *model);

/* How many of the data set's recordings the model was trained on, as far as it tells. */
uint32_t eval_recordings_trained(const struct nn_model *model, const struct nn_dataset *dataset);

#endif
