/* Checkpoints of a training. */
#include "nn/bytes.h"
#include "nn/settings.h"
#include "nn/trainer.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_BYTES_MAX = 1 << 30 };

static const uint8_t magic[8] = {'T', 'I', 'P', 'C', 'K', '\r', '\n', 2};

static void put_settings(struct nn_bytes_writer *writer, const struct nn_train_settings *s)
{
    for (size_t i = 0; nn_settings_at(i); i++) {
        char text[NN_SETTING_TEXT];
        nn_settings_get(s, i, text);
        nn_bytes_put(writer, text, strlen(text) + 1);
    }
    /* Every field of a layer is a number of 32 bits, so there is nothing between them. */
    for (uint32_t i = 0; i < s->n_layers; i++)
        for (size_t k = 0; k < sizeof s->layers[i] / sizeof(uint32_t); k++) {
            uint32_t field;
            memcpy(&field, (const char *)&s->layers[i] + k * sizeof field, sizeof field);
            nn_bytes_put_u32(writer, field);
        }
}

static void put_start(struct nn_bytes_writer *writer, const struct nn_network *start)
{
    for (uint32_t i = 0; start && i < nn_network_layer_count(start); i++) {
        const struct nn_layer *layer = nn_network_layer(start, i);
        nn_bytes_put_f32s(writer, nn_network_layer_weights(start, i), layer->weights);
        nn_bytes_put_f32s(writer, nn_network_layer_stats(start, i), layer->stats);
    }
}

/* A fingerprint of all that must be the same for a checkpoint to be of use. */
static int fingerprint(const struct nn_trainer *trainer, uint8_t *ret_hash)
{
    struct nn_bytes_writer writer = {0};
    put_settings(&writer, &trainer->settings);
    put_start(&writer, trainer->settings.start);
    nn_bytes_put_u32(&writer, trainer->number);
    nn_bytes_put_u32(&writer, (uint32_t)(trainer->only + 1));
    for (uint32_t r = 0; trainer->validate && r < trainer->dataset->n_recordings; r++)
        nn_bytes_put_u32(&writer, trainer->validate[r]);
    for (uint32_t i = 0; i < trainer->n; i++)
        nn_example_put(&writer, &trainer->dataset->examples[trainer->order[i]]);
    const struct nn_dataset *also = trainer->settings.also;
    for (uint32_t i = 0; also && i < also->n; i++)
        nn_example_put(&writer, &also->examples[i]);
    if (!writer.failed)
        crypto_hash_sha256(ret_hash, writer.data, writer.size);
    free(writer.data);
    return writer.failed ? -ENOMEM : 0;
}

/* The arrays that make up a training's state, in file order. */
enum { ARRAY_COUNT = 7 };
struct array {
    float *values;
    size_t n;
};

static void find_arrays(struct nn_trainer *trainer, struct array *ret_arrays, uint64_t **ret_steps)
{
    ret_arrays[0].values = nn_network_weights(trainer->network, &ret_arrays[0].n);
    ret_arrays[1].values = nn_network_stats(trainer->network, &ret_arrays[1].n);
    ret_arrays[2].values = nn_network_weights(trainer->average, &ret_arrays[2].n);
    ret_arrays[3].values = nn_network_stats(trainer->average, &ret_arrays[3].n);
    ret_arrays[4].values = nn_optimiser_state(trainer->optimiser, &ret_arrays[4].n, ret_steps);
    ret_arrays[5] = ret_arrays[6] = (struct array){0};
    if (trainer->best) {
        ret_arrays[5].values = nn_network_weights(trainer->best, &ret_arrays[5].n);
        ret_arrays[6].values = nn_network_stats(trainer->best, &ret_arrays[6].n);
    }
}

int nn_trainer_save(struct nn_trainer *trainer, const char *path)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    int error = fingerprint(trainer, hash);
    if (error)
        return error;
    struct array arrays[ARRAY_COUNT];
    uint64_t *steps;
    find_arrays(trainer, arrays, &steps);
    struct nn_bytes_writer writer = {0};
    nn_bytes_put(&writer, magic, sizeof magic);
    nn_bytes_put(&writer, hash, sizeof hash);
    nn_bytes_put_u32(&writer, trainer->epochs_done);
    nn_bytes_put_u32(&writer, trainer->best_epoch);
    nn_bytes_put_u64(&writer, *steps);
    for (uint32_t i = 0; i < trainer->settings.epochs; i++) {
        const struct nn_epoch *epoch = &trainer->history[i];
        nn_bytes_put_f32s(&writer, (const float[]){epoch->rate, epoch->loss, epoch->check}, 3);
    }
    for (int i = 0; i < ARRAY_COUNT; i++)
        nn_bytes_put_f32s(&writer, arrays[i].values, arrays[i].n);
    if (!writer.failed)
        nn_bytes_seal(&writer);
    error = writer.failed ? -ENOMEM : nn_bytes_write_file(path, writer.data, writer.size);
    free(writer.data);
    return error;
}

static int take_over(struct nn_trainer *trainer, const uint8_t *data, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    int error = fingerprint(trainer, hash);
    if (error)
        return error;
    struct array arrays[ARRAY_COUNT];
    uint64_t *steps;
    find_arrays(trainer, arrays, &steps);
    size_t wanted = sizeof magic + sizeof hash + 4 + 4 + 8 + NN_BYTES_SEAL;
    wanted += (size_t)trainer->settings.epochs * 3 * sizeof(float);
    for (int i = 0; i < ARRAY_COUNT; i++)
        wanted += 4 * arrays[i].n;
    if (!nn_bytes_sealed(data, size))
        return -EBADMSG;
    if (size != wanted || memcmp(data, magic, sizeof magic) != 0 ||
        memcmp(data + sizeof magic, hash, sizeof hash) != 0)
        return -EPROTO;
    struct nn_bytes_reader reader = {.at = data + sizeof magic + sizeof hash,
                                     .left = size - sizeof magic - sizeof hash};
    trainer->epochs_done = nn_bytes_get_u32(&reader);
    trainer->best_epoch = nn_bytes_get_u32(&reader);
    *steps = nn_bytes_get_u64(&reader);
    for (uint32_t i = 0; i < trainer->settings.epochs; i++) {
        float values[3];
        nn_bytes_get_f32s(&reader, values, 3);
        trainer->history[i] =
            (struct nn_epoch){.rate = values[0], .loss = values[1], .check = values[2]};
    }
    for (int i = 0; i < ARRAY_COUNT; i++)
        nn_bytes_get_f32s(&reader, arrays[i].values, arrays[i].n);
    return 0;
}

int nn_trainer_resume(struct nn_trainer *trainer, const char *path)
{
    uint8_t *data;
    size_t size;
    int error = nn_bytes_read_file(path, CHECKPOINT_BYTES_MAX, &data, &size);
    if (error)
        return error;
    error = take_over(trainer, data, size);
    free(data);
    return error;
}
