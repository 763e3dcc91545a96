/*
 * A little set of labelled pictures to train on: `labelled_stripes FOLDER` writes 72 of them into
 * FOLDER/images and FOLDER/labels.csv. Each of the six labels has a pattern of its own; six
 * recordings, each with a phase of its own, so that one predicts the others.
 */
#include "instrument/picture.h"
#include "nn/labels.h"
#include "nn/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 32, PICTURES = 72, RECORDINGS = 6 };

static double pattern(enum nn_label label, double x, double y, double phase)
{
    switch (label) {
    case NN_LABEL_ASYMMETRIES:
        return sin(0.8 * x + phase) + 0.8 * sin(1.6 * x + 2.0 * phase);
    case NN_LABEL_INDIVIDUAL_ATOMS:
        return sin(0.9 * x + phase) * sin(0.9 * y);
    case NN_LABEL_DIMERS:
        return sin(0.9 * x + phase);
    case NN_LABEL_ROWS:
        return sin(0.9 * x + 1.6 * y + phase);
    case NN_LABEL_TIP_CHANGE:
        return sin(0.9 * x + phase) + (y > 15.0 ? 3.0 : 0.0) * sin(0.3 * x);
    case NN_LABEL_BAD_BLURRY:
    case NN_LABEL_COUNT:
        break;
    }
    return 0.0;
}

static int write_picture(const char *folder, int index, FILE *table)
{
    enum nn_label label = (enum nn_label)(index % NN_LABEL_COUNT);
    int recording = index / NN_LABEL_COUNT % RECORDINGS;
    struct nn_random random = nn_random_seed(1, 2, (uint64_t)index);
    double values[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            values[y * SIDE + x] = pattern(label, x, y, 0.7 * recording + 0.1 * index) +
                                   0.4 * nn_random_normal(&random);
    struct picture_frame frame = {.width = SIDE, .height = SIDE, .values = values, .unit = ""};
    struct picture_options options = {.low = -2.5, .high = 2.5, .no_scale_bar = true};
    char path[4096];
    snprintf(path, sizeof path, "%s/images/r%d--%d.png", folder, recording, index);
    fprintf(table, "r%d--%d.png,r%d,%d", recording, index, recording, 1 + index % 3);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(table, ",%d", k == (int)label);
    fputc('\n', table);
    return picture_write_png(path, &frame, &options);
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc != 2)
        return 2;
    snprintf(path, sizeof path, "%s/images", argv[1]);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return 1;
    snprintf(path, sizeof path, "%s/labels.csv", argv[1]);
    FILE *table = fopen(path, "w");
    if (!table)
        return 1;
    fputs("image,recording,responses", table);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(table, ",%s", nn_label_name((enum nn_label)k));
    fputc('\n', table);
    int error = 0;
    for (int i = 0; i < PICTURES && !error; i++)
        error = write_picture(argv[1], i, table);
    return fclose(table) != 0 || error ? 1 : 0;
}
