/*
 * Votes from a classification export of Zooniverse: CSV, one row per person and subject, with JSON
 * in the columns `annotations` and `subject_data`.
 *
 * Observed in real exports, and dealt with: columns in any order, an extra unnamed first column and
 * NA for empty cells (files that went through R), rows that occur twice, people without an account
 * (their name is a hash), versions "12.19" that are two numbers, answers that are null, one string,
 * a list, a survey's list of objects, or spread over several tasks.
 */
#ifndef NN_VOTES_ZOONIVERSE_H
#define NN_VOTES_ZOONIVERSE_H

#include "nn/votes.h"

/* Versions of a workflow, both ends included. The minor number is no decimal: 12.9 < 12.19. */
struct nn_workflow_versions {
    uint32_t from_major, from_minor;
    uint32_t to_major, to_minor;
};

/* "12", "12.19", "12-14", "12.3-12.19". A major number alone takes all its minor ones. 0, -EINVAL.
 */
int nn_workflow_versions_parse(const char *text, struct nn_workflow_versions *ret_versions);

struct nn_export_options {
    const char *workflow;                        /* id; NULL: all */
    const struct nn_workflow_versions *versions; /* NULL: all */
    const char *task;                            /* "T0"; NULL: all tasks of a row together */
    const char *nothing;         /* an answer that means none of the six labels; NULL: none does */
    const char *image_field;     /* of subject_data, e.g. "Filename" */
    const char *recording_field; /* likewise; NULL: from the picture's name */
    bool latin_1;                /* read a file that is not UTF-8 as Latin-1 */
    /* As the seed's script: only a row's first task, labels spelled exactly so, and whatever else
       was answered counts as a vote for nothing. Duplicates count. */
    bool as_seed;
};

/* Why a row was not used. */
enum nn_export_skip {
    NN_SKIP_FIELDS, /* too few */
    NN_SKIP_WORKFLOW,
    NN_SKIP_VERSION,
    NN_SKIP_DUPLICATE,   /* its classification_id occurred before */
    NN_SKIP_ANNOTATIONS, /* not a JSON list of tasks */
    NN_SKIP_TASK,        /* the wanted task is not in it */
    NN_SKIP_NO_ANSWER,   /* null, a drawing, a text */
    NN_SKIP_OTHER,       /* answered, but with nothing that is one of the six labels */
    NN_SKIP_SUBJECT,     /* subject_data is no JSON object of one subject */
    NN_SKIP_NO_IMAGE,    /* no image_field in it */
    NN_SKIP_COUNT
};

/* For people: "of another workflow". Borrowed, lives for ever. */
const char *nn_export_skip_text(enum nn_export_skip skip);

enum { NN_EXPORT_OTHERS = 8, NN_EXPORT_OTHER_SIZE = 64 };

struct nn_export_report {
    uint64_t rows, used;
    uint64_t skipped[NN_SKIP_COUNT];
    uint64_t first_line[NN_SKIP_COUNT]; /* where the first such row begins, from 1 */
    uint64_t not_logged_in;             /* of the rows used */
    uint64_t other_answers;             /* answers that are none of the six labels; */
    struct {                            /* the first few of them */
        char text[NN_EXPORT_OTHER_SIZE];
        uint64_t n;
    } others[NN_EXPORT_OTHERS];
    bool read_as_latin_1;
    bool unnamed_column; /* the file went through R */
};

/*
 * Adds the votes of an export of `size` bytes. 0; -EILSEQ: not UTF-8 (or it has NUL bytes);
 * -EBADMSG: not CSV, or a column is missing; -EFBIG; -ENOMEM. `error` then holds one line that
 * begins with the number of the line where it was seen, if there is one.
 */
int nn_zooniverse_read(const char *text, size_t size, const struct nn_export_options *options,
                       struct nn_votes *votes, struct nn_export_report *ret_report, char *error,
                       size_t error_size);

#endif
