/* Checkpoints of a training. */
#include "nn/bytes.h"
#include "nn/trainer.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_BYTES_MAX = 1 << 30 };

static const uint8_t magic[8] = {'T', 'I', 'P', 'C', 'K', '\r', '\n', 1};

static void put_settings(struct nn_bytes_writer *writer, const struct nn_train_settings *s)
{
    nn_bytes_put_u32(writer, s->input.rows);
    nn_bytes_put_u32(writer, s->input.cols);
    nn_bytes_put_u32(writer, (uint32_t)s->input.flatten);
    nn_bytes_put_u32(writer, (uint32_t)s->optimiser.kind);
    nn_bytes_put_u32(writer, s->epochs);
    nn_bytes_put_u32(writer, s->cycle);
    nn_bytes_put_u32(writer, s->batch);
    nn_bytes_put_u64(writer, s->seed);
    const float floats[] = {s->input.limit,
                            s->optimiser.momentum,
                            s->optimiser.beta2,
                            s->optimiser.epsilon,
                            s->optimiser.decay,
                            s->rate,
                            s->averaging,
                            (float)s->augment.whole,
                            (float)s->augment.seen_min,
                            (float)s->augment.closer,
                            (float)s->augment.wider,
                            (float)s->augment.shear};
    nn_bytes_put_f32s(writer, floats, sizeof floats / sizeof *floats);
    nn_bytes_put_f32s(writer, s->class_weights, NN_LABEL_COUNT);
    for (uint32_t i = 0; i < s->n_layers; i++) {
        uint32_t numbers[NN_LAYER_SPEC_NUMBERS];
        nn_layer_spec_pack(&s->layers[i], numbers);
        for (size_t k = 0; k < NN_LAYER_SPEC_NUMBERS; k++)
            nn_bytes_put_u32(writer, numbers[k]);
    }
}

/* A fingerprint of all that must be the same for a checkpoint to be of use. */
static int fingerprint(const struct nn_trainer *trainer, uint8_t *ret_hash)
{
    struct nn_bytes_writer writer = {0};
    put_settings(&writer, &trainer->settings);
    nn_bytes_put_u32(&writer, trainer->number);
    for (uint32_t i = 0; i < trainer->n; i++) {
        const struct nn_example *example = &trainer->dataset->examples[trainer->order[i]];
        nn_bytes_put(&writer, example->image, strlen(example->image) + 1);
        nn_bytes_put_f32s(&writer, &example->responses, 1);
        nn_bytes_put_f32s(&writer, example->wanted, NN_LABEL_COUNT);
    }
    if (!writer.failed)
        crypto_hash_sha256(ret_hash, writer.data, writer.size);
    free(writer.data);
    return writer.failed ? -ENOMEM : 0;
}

/* The arrays that make up a training's state, in file order. */
enum { ARRAY_COUNT = 5 };
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
    nn_bytes_put_u64(&writer, *steps);
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
    size_t wanted = sizeof magic + sizeof hash + 4 + 8 + NN_BYTES_SEAL;
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
    *steps = nn_bytes_get_u64(&reader);
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
