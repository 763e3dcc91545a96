/*
 * Every setting of a training by name: what architecture files, grids and command lines say, what
 * a checkpoint is bound to, and what documents list are all read off one table.
 */
#ifndef NN_SETTINGS_H
#define NN_SETTINGS_H

#include "nn/train.h"

enum nn_setting_kind {
    NN_SETTING_COUNT,  /* whole number */
    NN_SETTING_NUMBER, /* number */
    NN_SETTING_CHOICE, /* one word of `choices` */
    NN_SETTING_SET,    /* some words of `choices`, separated by blanks */
    NN_SETTING_LABELS, /* six numbers in the order of the labels, or one for all */
};

struct nn_setting {
    const char *name;
    enum nn_setting_kind kind;
    double min, max;
    const char *choices; /* separated by blanks */
    const char *doc;     /* half a sentence */
};

/* How training goes when nothing else is said; no layers. */
struct nn_train_settings nn_settings_default(void);

/* The index-th setting, or NULL beyond the last. Borrowed, lives for ever. */
const struct nn_setting *nn_settings_at(size_t index);

/* The index of a name, or -1. */
int nn_settings_find(const char *name);

enum { NN_SETTING_TEXT = 160 };

/* Its value as nn_settings_set would take it. ret_text: (NN_SETTING_TEXT) */
void nn_settings_get(const struct nn_train_settings *settings, size_t index, char *ret_text);

/*
 * 0, or -EINVAL with half a sentence in `reason` that says what would be right; `settings` is then
 * as before.
 */
int nn_settings_set(struct nn_train_settings *settings, size_t index, const char *text,
                    char *reason, size_t reason_size);

#endif
