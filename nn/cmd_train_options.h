/* The command line of `tipwright train`. */
#ifndef NN_CMD_TRAIN_OPTIONS_H
#define NN_CMD_TRAIN_OPTIONS_H

#include "nn/cmd_architecture.h"
#include "nn/crossval.h"
#include "nn/model.h"

enum {
    TRAIN_SETTINGS_MAX = 64,
    TRAIN_SETTING_TEXT = 192,
    TRAIN_MERGES_MAX = 64,
    TRAIN_SIZES_MAX = 32,
    TRAIN_SEEDS_MAX = 64,
    TRAIN_HASH_TEXT = 65
};

/* So many pictures to learn from, 0: all, for so many epochs, with so many seeds; 0: as all sizes.
 */
struct train_size {
    uint32_t examples, epochs, seeds;
};

/* All pointers borrowed, text from the command line. */
struct train_options {
    const char *labels;
    const char *images;
    const char *output;
    const char *architecture;
    char set[TRAIN_SETTINGS_MAX][TRAIN_SETTING_TEXT]; /* "name=value", also of short options */
    size_t n_set;
    uint32_t folds;
    uint32_t validate; /* the one fold to train for, from 1; 0: all */
    uint32_t members;
    uint32_t threads;
    bool one_per_label;
    bool fold_members;
    bool vote; /* members vote instead of averaging */
    bool resume;
    const char *from;                  /* a model whose weights to begin with; NULL: none */
    const char *from_hash;             /* what its hash must be; NULL: anything */
    const struct nn_model *start;      /* once train_start has loaded it */
    const char *also;                  /* folder of a further set to learn from; NULL: none */
    const struct nn_dataset *also_set; /* once train_also has loaded it, */
    char also_hash[TRAIN_HASH_TEXT];   /* and what it is known by */
    const char *events;       /* a detector of tip changes to take into the model; NULL: none */
    const char *event_scores; /* and what it said of left-out frames */
    float event_weight;       /* how much its log odds count */
    const char *history;      /* files to write; NULL: not */
    const char *curves;
    const char *scores;
    const char *figures;
    const char *search; /* a grid */
    const char *results;
    uint32_t inner;
    uint32_t shard, shards; /* shard of shards, from 1 */
    const char *merge[TRAIN_MERGES_MAX];
    size_t n_merge;
    struct train_size sizes[TRAIN_SIZES_MAX];
    uint32_t n_sizes; /* 0: no learning curve */
    uint32_t seeds;
    bool reproduce;
};

/* One more setting, "value" being "name=value" where `name` is NULL. 0, or -1 after saying why not.
 */
int train_options_set(struct train_options *options, const char *name, const char *value);

/* An exit status, or -1 to go on. Says what is wrong. */
int train_options_read(int argc, char **argv, struct train_options *ret_options);

/* Loads the architecture and applies the settings. 0, or -1 after saying why not. */
int train_options_architecture(const struct train_options *options,
                               struct architecture *ret_architecture);

#endif
