/* Where a data set's pictures come from: folders of PNG pictures or of MATRIX recordings. */
#ifndef NN_CMD_DATASET_SOURCE_H
#define NN_CMD_DATASET_SOURCE_H

#include "nn/dataset.h"

enum dataset_source_kind { DATASET_IMAGES, DATASET_MATRIX };

struct dataset_source {
    enum dataset_source_kind kind;
    const char *folder;
};

struct dataset_sources {
    const struct dataset_source *list;
    unsigned n;
};

/*
 * For nn_dataset_load, `context` is a struct dataset_sources: the picture of the first folder that
 * has it. Of a recording: the Z image's forward/up trace, its complete lines only, each less its
 * own straight line, the whole stretched to 0..255, the last line on top. Says on stderr what is
 * wrong with a file that is there.
 */
int dataset_source_read(void *context, const char *image, struct nn_picture *ret_picture);

#endif
