/*
 * Votes of people on pictures, and what follows from them: per picture and label the mean, the
 * weighted score and the agreement, as a table that trainers read.
 *
 *   mean       sum of what the votes say / number of votes
 *   weighted   mean / sum of the picture's six means; 0 where all six are 0
 *   agreement  2 |mean - 1/2|: 1 when all say the same, 0 when they are evenly split
 *
 * Source of the three: the Nottingham report and its script, which weighs an all-zero picture 1/6
 * per label (nn_tally_options.sixths).
 */
#ifndef NN_VOTES_H
#define NN_VOTES_H

#include "nn/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One person's answer on one picture. Texts are borrowed and copied. */
struct nn_vote {
    const char *image;
    const char *person;         /* "" unknown: never a repeat of anybody's */
    const char *when;           /* sorts as text, e.g. ISO 8601; "" unknown */
    const char *recording;      /* NULL: from the picture's name */
    uint32_t width_px;          /* 0: unknown */
    uint32_t height_px;         /* likewise */
    float says[NN_LABEL_COUNT]; /* 0 no .. 1 yes */
};

struct nn_votes;

/* NULL without memory. */
struct nn_votes *nn_votes_create(void);
void nn_votes_destroy(struct nn_votes *votes);

/* 0; -EINVAL: no name, or an answer outside 0..1; -EFBIG: more than 10^7 votes; -ENOMEM. */
int nn_votes_add(struct nn_votes *votes, const struct nn_vote *vote);

/* Which of several votes by one person on one picture count. */
enum nn_repeat_votes { NN_REPEATS_ALL, NN_REPEATS_FIRST, NN_REPEATS_LAST };

/* All zero: every vote and every picture counts. */
struct nn_tally_options {
    enum nn_repeat_votes repeats;
    uint32_t min_votes;          /* pictures with fewer are left out */
    double drop_agreement_below; /* so are pictures whose mean agreement is lower */
    bool sixths;                 /* weigh all-zero pictures 1/6 each, as the seed's script does */
};

struct nn_tally_row {
    char *image;
    char *recording;
    bool numbered; /* the name ends in --RUN_CYCLE */
    uint32_t run, cycle;
    uint32_t width_px, height_px; /* 0: unknown */
    uint32_t responses;
    double mean[NN_LABEL_COUNT];
    double weighted[NN_LABEL_COUNT];
    double agreement[NN_LABEL_COUNT];
    double mean_agreement;
};

/* Rows are sorted by name, byte by byte. */
struct nn_tally {
    struct nn_tally_row *rows;
    size_t n;
    uint64_t votes_used;
    uint64_t repeats;      /* votes by somebody who had voted on that picture already, */
    uint64_t repeats_left; /* of which so many do not count */
    uint64_t few_votes;    /* pictures left out */
    uint64_t low_agreement;
    uint64_t own_recording; /* pictures whose name has no "--": each a recording of its own */
};

/* 0, or -ENOMEM. */
int nn_tally(struct nn_votes *votes, const struct nn_tally_options *options,
             struct nn_tally **ret_tally);
void nn_tally_destroy(struct nn_tally *tally);

/*
 * As CSV with a header, ready for nn_dataset_load: image, recording, run, cycle, width_px,
 * height_px, responses, the six means, mean_agreement, weighted_LABEL and agreement_LABEL. What is
 * unknown is empty. 0, or -EIO.
 */
int nn_tally_write_csv(const struct nn_tally *tally, FILE *file);

/*
 * A picture's recording from its name: all before the last "--" (MATRIX names a file
 * SESSION--RUN_CYCLE), else the name without its ending. `ret_recording`: (strlen(image) + 1).
 * True when the name has "--".
 */
bool nn_recording_of(const char *image, char *ret_recording);

#endif
