/* Names of the six labels. */
#include "nn/labels.h"

#include <string.h>

static const char *const label_names[NN_LABEL_COUNT] = {
    [NN_LABEL_ASYMMETRIES] = "asymmetries", [NN_LABEL_INDIVIDUAL_ATOMS] = "individual_atoms",
    [NN_LABEL_DIMERS] = "dimers",           [NN_LABEL_ROWS] = "rows",
    [NN_LABEL_TIP_CHANGE] = "tip_change",   [NN_LABEL_BAD_BLURRY] = "bad_blurry",
};

static const char *const label_titles[NN_LABEL_COUNT] = {
    [NN_LABEL_ASYMMETRIES] = "Asymmetries", [NN_LABEL_INDIVIDUAL_ATOMS] = "Individual Atoms",
    [NN_LABEL_DIMERS] = "Dimers",           [NN_LABEL_ROWS] = "Rows",
    [NN_LABEL_TIP_CHANGE] = "Tip Change",   [NN_LABEL_BAD_BLURRY] = "Bad/Blurry",
};

const char *nn_label_name(enum nn_label label)
{
    return label_names[label];
}

int nn_label_from_name(const char *name)
{
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (strcmp(label_names[i], name) == 0)
            return i;
    return -1;
}

const char *nn_label_title(enum nn_label label)
{
    return label_titles[label];
}
