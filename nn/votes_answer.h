/* The cells of a Zooniverse export that hold JSON. For votes_zooniverse.c only. */
#ifndef NN_VOTES_ANSWER_H
#define NN_VOTES_ANSWER_H

#include "nn/votes_zooniverse.h"

/*
 * `annotations` into ret_says (NN_LABEL_COUNT). NN_SKIP_COUNT when it is a vote, else why not;
 * answers that are no labels are counted in `report`.
 */
enum nn_export_skip nn_answer_read(const char *annotations, const struct nn_export_options *options,
                                   struct nn_export_report *report, float *ret_says);

/* Size of the picture from `metadata`, as the browser saw it; untouched when it does not say. */
void nn_answer_size(const char *metadata, uint32_t *ret_width_px, uint32_t *ret_height_px);

/* Texts live until finish; `recording` is NULL unless asked for and there. */
struct nn_answer_subject {
    void *json;
    const char *image, *recording;
};

/* NN_SKIP_COUNT, or why not. */
enum nn_export_skip nn_answer_subject_read(const char *subject_data,
                                           const struct nn_export_options *options,
                                           struct nn_answer_subject *ret_subject);
void nn_answer_subject_finish(struct nn_answer_subject *subject);

#endif
