/* Names of the six labels. */
#include "nn/labels.h"

#include <string.h>

static const char *const label_names[NN_LABEL_COUNT] = {
    [NN_LABEL_ASYMMETRIES] = "asymmetries", [NN_LABEL_INDIVIDUAL_ATOMS] = "individual_atoms",
    [NN_LABEL_DIMERS] = "dimers",           [NN_LABEL_ROWS] = "rows",
    [NN_LABEL_TIP_CHANGE] = "tip_change",   [NN_LABEL_BAD_BLURRY] = "bad_blurry",
};

const char *nn_label_name(enum nn_label label)
{
    return label_names[label];
}

int nn_label_from_name(const char *name)
{
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (strcmp(name, label_names[i]) == 0)
            return i;
    return -1;
}
