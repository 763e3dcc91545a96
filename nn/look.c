/* Logits of a frame and of its mirror image. */
#include "nn/look.h"

#include "nn/engine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct nn_look {
    const struct nn_network *network;
    struct nn_input_spec spec;
    /* A row-causal network is judged so that each row has the bits of nn/rows.h. */
    struct nn_workspace *workspace;
    struct nn_engine *engine; /* any other */
    float *planes;            /* (looks, input) */
    const float *logits;      /* (looks, output) of the last frame judged, borrowed */
};

static int create_judge(struct nn_look *look)
{
    if (nn_network_row_causal(look->network))
        return nn_workspace_create(look->network, look->spec.looks, false, &look->workspace);
    struct nn_engine_options options = nn_engine_options();
    options.max_n = look->spec.looks;
    return nn_engine_create(look->network, &options, &look->engine);
}

int nn_look_create(const struct nn_network *network, const struct nn_input_spec *spec,
                   struct nn_look **ret_look)
{
    struct nn_look *look = calloc(1, sizeof *look);
    if (!look)
        return -ENOMEM;
    look->network = network;
    look->spec = *spec;
    size_t size = nn_shape_size(nn_network_input(network));
    look->planes = malloc(spec->looks * size * sizeof *look->planes);
    int error = look->planes ? create_judge(look) : -ENOMEM;
    if (error) {
        nn_look_destroy(look);
        return error;
    }
    *ret_look = look;
    return 0;
}

void nn_look_destroy(struct nn_look *look)
{
    if (!look)
        return;
    nn_workspace_destroy(look->workspace);
    nn_engine_destroy(look->engine);
    free(look->planes);
    free(look);
}

bool nn_look_lasting(const struct nn_look *look)
{
    return look->spec.scaling == NN_SCALING_FROZEN && nn_network_row_causal(look->network);
}

uint32_t nn_look_rows(const struct nn_look *look, const struct nn_input *input)
{
    if (nn_network_row_causal(look->network))
        return nn_network_rows_after(look->network, nn_input_rows_complete(input));
    uint32_t rows = nn_network_output(look->network).h;
    float reached = ceilf(nn_input_seen(input) * (float)rows);
    return reached < 1.0F ? 1 : reached < (float)rows ? (uint32_t)reached : rows;
}

void nn_look_row(const struct nn_look *look, uint32_t rows, float *ret_logits)
{
    struct nn_shape out = nn_network_output(look->network);
    for (uint32_t k = 0; k < out.c; k++) {
        float plain = look->logits[(size_t)k * out.h + rows - 1];
        ret_logits[k] = plain;
        if (look->spec.looks > 1)
            ret_logits[k] = 0.5F * (plain + look->logits[(size_t)(out.c + k) * out.h + rows - 1]);
    }
}

int nn_look_judge(struct nn_look *look, const struct nn_input *input, float *ret_logits)
{
    uint32_t looks = look->spec.looks;
    uint32_t rows = nn_look_rows(look, input);
    if (rows == 0)
        return -ENODATA;
    size_t size = nn_shape_size(nn_network_input(look->network));
    float share = nn_input_seen(input);
    const float seen[2] = {share, share};
    nn_input_write(input, look->planes);
    if (looks > 1)
        nn_input_mirror(&look->spec, look->planes, look->planes + size);
    struct nn_batch batch = {.n = looks, .inputs = look->planes, .seen = seen};
    look->logits = look->engine ? nn_engine_judge(look->engine, &batch)
                                : nn_network_judge(look->network, look->workspace, &batch);
    nn_look_row(look, rows, ret_logits);
    return 0;
}
