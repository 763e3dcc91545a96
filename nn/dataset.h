/*
 * Labelled pictures: a table of votes and the pictures it names.
 *
 * The table is CSV (RFC 4180) with a header; columns are found by name: `image`, `recording`,
 * `responses` and one per label, in any order, others ignored. `image` ends the path that the
 * reader is given; `recording` names the session, by which examples are split.
 */
#ifndef NN_DATASET_H
#define NN_DATASET_H

#include "nn/labels.h"

#include <stddef.h>
#include <stdint.h>

/* Grey levels, (height, width), row 0 the top of the picture and therefore the last line. */
struct nn_picture {
    uint32_t width, height;
    uint8_t *gray; /* from malloc */
};

struct nn_example {
    char *image;
    uint32_t recording;
    float responses;              /* people who answered */
    float wanted[NN_LABEL_COUNT]; /* mean score, 0..1 */
    struct nn_picture picture;
};

struct nn_bytes_writer;

/* Name, answers and labels, by which a training is known again; the picture is not among them. */
void nn_example_put(struct nn_bytes_writer *writer, const struct nn_example *example);

struct nn_dataset {
    struct nn_example *examples;
    uint32_t n;
    char **recordings;
    uint32_t n_recordings;
};

/* Called once per row. 0, or negative errno; *ret_picture is then untouched. */
typedef int (*nn_picture_reader)(void *context, const char *image, struct nn_picture *ret_picture);

/*
 * 0, or negative errno with a sentence in `error`: -ENOENT and the like, -EBADMSG (a column
 * missing, a value not a number in range, a picture that cannot be read), -EFBIG (more than 10^6
 * rows or a table over 256 MiB).
 */
int nn_dataset_load(const char *csv_path, nn_picture_reader reader, void *context,
                    struct nn_dataset **ret_dataset, char *error, size_t error_size);
void nn_dataset_destroy(struct nn_dataset *dataset);

/*
 * Deals whole recordings out to `folds` folds, largest first to the emptiest fold.
 * ret_fold: (n_recordings), 0 .. folds - 1.
 */
void nn_dataset_split(const struct nn_dataset *dataset, uint32_t folds, uint32_t *ret_fold);

#endif
