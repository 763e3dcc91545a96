/*
 * What one person says of one picture: labels, marks where a tip change splits it, and for each
 * part between marks labels of its own.
 *
 * Rows are the picture's, row 0 on top. A mark m lies between rows m - 1 and m. Segments are
 * counted from the top: segment s has the rows from mark s - 1 (or 0) up to, not with, mark s (or
 * the height).
 */
#ifndef NN_VOTE_VALUE_H
#define NN_VOTE_VALUE_H

#include "nn/labels.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VOTE_MARKS_MAX = 16, VOTE_SEGMENTS_MAX = VOTE_MARKS_MAX + 1 };

/* Kinds of Bad/Blurry. */
enum vote_subkind { VOTE_NOISE, VOTE_TIP_CRASH, VOTE_SUBKIND_COUNT };

/* "noise", "tip_crash". Borrowed, lives for ever. */
const char *vote_subkind_name(enum vote_subkind subkind);
/* "Noise", "Tip crash". Borrowed, lives for ever. */
const char *vote_subkind_title(enum vote_subkind subkind);

struct vote_segment {
    double scores[NN_LABEL_COUNT]; /* 0..1; 0 or 1 where the box was ticked */
    bool subkinds[VOTE_SUBKIND_COUNT];
};

struct vote_value {
    uint32_t width, height; /* of the picture that was looked at */
    bool graded;            /* scores came from sliders, not from ticks */
    uint32_t n_marks;
    uint32_t marks[VOTE_MARKS_MAX];                  /* rising, 1 .. height - 1 */
    struct vote_segment segments[VOTE_SEGMENTS_MAX]; /* n_marks + 1 of them, from the top */
    /* Contrast when the vote was given: the levels drawn darkest and brightest, as shares of the
       picture's own range. NAN: it was left as shown first. */
    double low, high;
};

/*
 * Reads the form that vote_value_to_json writes. Every member is needed, none else may be there.
 * Tip Change is said of the whole picture: all segments agree on it, and with marks it is 1. A
 * sub-kind needs a score of Bad/Blurry above 0.
 *
 * 0, or -EINVAL with a sentence in `error`; *ret is then untouched.
 */
int vote_value_from_json(const json_t *json, struct vote_value *ret, char *error,
                         size_t error_size);

/* Yours: json_decref(). */
json_t *vote_value_to_json(const struct vote_value *value);

/* What the vote says of the whole picture: the label's highest score over the segments. */
double vote_value_score(const struct vote_value *value, enum nn_label label);

/* Rows of a segment: from *ret_from up to, not with, *ret_to. */
void vote_value_rows(const struct vote_value *value, uint32_t segment, uint32_t *ret_from,
                     uint32_t *ret_to);

#endif
