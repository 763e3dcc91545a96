/*
 * The six labels a frame can carry, in the one order used everywhere: tables, model outputs,
 * policies, records. Several may hold at once; each has its own score in 0..1.
 *
 * Source: the categories of the Nottingham report on H:Si(100) images.
 */
#ifndef NN_LABELS_H
#define NN_LABELS_H

enum nn_label {
    NN_LABEL_ASYMMETRIES,
    NN_LABEL_INDIVIDUAL_ATOMS,
    NN_LABEL_DIMERS,
    NN_LABEL_ROWS,
    NN_LABEL_TIP_CHANGE,
    NN_LABEL_BAD_BLURRY,
    NN_LABEL_COUNT
};

/* The label's name in files, e.g. "tip_change". Borrowed, lives for ever. */
const char *nn_label_name(enum nn_label label);

/* The label with this name, or -1. */
int nn_label_from_name(const char *name);

/*
 * The label's name where people read it, e.g. "Tip Change", as in the report, in Zooniverse's
 * exports and in the published workbooks. Borrowed, lives for ever.
 */
const char *nn_label_title(enum nn_label label);

#endif
