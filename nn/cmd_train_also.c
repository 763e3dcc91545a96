/* tipwright train --also: a further set to learn from, simulated for instance. */
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/cmd_train.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

static struct nn_dataset *load(const char *folder)
{
    size_t room = strlen(folder) + sizeof "/labels.csv";
    char *table = malloc(room);
    char *images = malloc(room);
    if (!table || !images)
        abort();
    snprintf(table, room, "%s/labels.csv", folder);
    snprintf(images, room, "%s/images", folder);
    struct nn_dataset *set = labelled_load(command, table, images);
    free(table);
    free(images);
    return set;
}

/* Pictures and labels, by which another run knows the set again. ret_hash: (TRAIN_HASH_TEXT) */
static void make_hash(const struct nn_dataset *set, char *ret_hash)
{
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct nn_example *example = &set->examples[i];
        const struct nn_picture *picture = &example->picture;
        char text[256];
        size_t length = (size_t)snprintf(text, sizeof text, "%u %u %.4f", (unsigned)picture->width,
                                         (unsigned)picture->height, (double)example->responses);
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            length += (size_t)snprintf(text + length, sizeof text - length, " %.4f",
                                       (double)example->wanted[k]);
        size_t points = (size_t)picture->width * picture->height;
        crypto_hash_sha256_update(&state, (const uint8_t *)text, length);
        crypto_hash_sha256_update(&state, picture->gray, points);
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(ret_hash, TRAIN_HASH_TEXT, hash, sizeof hash);
}

/* The first recording that both have, or NULL. */
static const char *common_recording(const struct nn_dataset *a, const struct nn_dataset *b)
{
    for (uint32_t i = 0; i < a->n_recordings; i++)
        for (uint32_t k = 0; k < b->n_recordings; k++)
            if (strcmp(a->recordings[i], b->recordings[k]) == 0)
                return a->recordings[i];
    return NULL;
}

int train_also(struct train_options *options, struct architecture *architecture,
               const struct nn_dataset *dataset, struct nn_dataset **ret_also)
{
    *ret_also = NULL;
    if (!options->also)
        return 0;
    struct nn_dataset *set = load(options->also);
    if (!set)
        return -1;
    const char *common = options->folds ? common_recording(dataset, set) : NULL;
    if (common) {
        terminal_error(command,
                       "%s: recording %s is also in %s, so folds that leave it out tell nothing",
                       options->also, common, options->labels);
        nn_dataset_destroy(set);
        return -1;
    }
    make_hash(set, options->also_hash);
    options->also_set = set;
    architecture->settings.also = set;
    *ret_also = set;
    return 0;
}
