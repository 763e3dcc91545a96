/* Whole files: a model out, and the same model back in. */
#include "nn/onnx_write.h"

#include "nn/onnx_layers.h"
#include "nn/onnx_model.h"
#include "nn/onnx_proto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void view_model(const struct nn_model *model, struct onnx_view *ret_view)
{
    *ret_view = (struct onnx_view){.input = *nn_model_input(model),
                                   .combine = nn_model_combine(model),
                                   .note = nn_model_note(model),
                                   .recordings = nn_model_recordings(model),
                                   .hash = nn_model_hash(model),
                                   .n = nn_model_members(model)};
    for (uint32_t m = 0; m < ret_view->n; m++) {
        ret_view->networks[m] = nn_model_trained(model, m);
        ret_view->calibrations[m] = nn_model_calibration(model, m);
        ret_view->answers[m] = nn_model_answers(model, m);
    }
}

static void view_parts(const struct nn_model_parts *parts, struct onnx_view *ret_view)
{
    *ret_view =
        (struct onnx_view){.input = parts->input, .combine = parts->combine, .n = parts->n_members};
    for (uint32_t m = 0; m < ret_view->n; m++) {
        ret_view->networks[m] = parts->members[m].network;
        ret_view->calibrations[m] = &parts->members[m].calibration;
        ret_view->answers[m] = parts->members[m].answers;
    }
}

int nn_onnx_write(const struct nn_model *model, uint8_t **ret_data, size_t *ret_size)
{
    struct onnx_view view;
    view_model(model, &view);
    struct onnx_build *build = onnx_build_create();
    onnx_model_graph(build, &view);
    onnx_model_metadata(build, &view);
    int error = onnx_build_pack(build, ret_data, ret_size);
    onnx_build_destroy(build);
    return error;
}

/* Whether a graph is, to the byte, what these parts would be written as. */
static bool same_graph(const struct nn_model_parts *parts, const Onnx__GraphProto *graph)
{
    struct onnx_view view;
    view_parts(parts, &view);
    struct onnx_build *build = onnx_build_create();
    onnx_model_graph(build, &view);
    const Onnx__GraphProto *ours = onnx_build_graph(build);
    size_t size = onnx__graph_proto__get_packed_size(ours);
    bool same = size == onnx__graph_proto__get_packed_size(graph);
    uint8_t *packed = same ? malloc(2 * size) : NULL;
    if (packed) {
        onnx__graph_proto__pack(ours, packed);
        onnx__graph_proto__pack(graph, packed + size);
        same = memcmp(packed, packed + size, size) == 0;
    }
    free(packed);
    onnx_build_destroy(build);
    return same && packed;
}

static const char *restore(const Onnx__ModelProto *model, size_t size,
                           struct nn_onnx_restored *restored)
{
    const char *reason = onnx_model_read_metadata(model, size, restored);
    for (uint32_t m = 0; m < restored->parts.n_members && !reason; m++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "m%u.", (unsigned)m);
        if (onnx_layers_read(model->graph, prefix, restored->members[m].network) != 0)
            reason = "damaged: weights are missing or do not fit its layers";
        if (!reason && nn_network_output(restored->members[m].network).w != 1)
            reason = "damaged: its layers do not lead to verdicts";
    }
    if (!reason && !same_graph(&restored->parts, model->graph))
        reason = "its graph is not the one that its metadata describes; without the metadata "
                 "that begin with 'tipwright.' it can be imported as another program's";
    return reason;
}

int nn_onnx_restore(const uint8_t *data, size_t size, struct nn_onnx_restored *ret_restored,
                    char *error, size_t error_size)
{
    *ret_restored = (struct nn_onnx_restored){0};
    struct onnx_proto proto;
    if (!onnx_proto_read(data, size, &proto) || !proto.model->graph) {
        snprintf(error, error_size, "not an ONNX model, or damaged");
        onnx_proto_finish(&proto);
        return -EPROTO;
    }
    int code = 0;
    if (!onnx_model_find(proto.model, ONNX_KEY_FORMAT)) {
        snprintf(error, error_size, "not written by tipwright");
        code = -ENOENT;
    } else {
        const char *reason = restore(proto.model, size, ret_restored);
        if (reason)
            snprintf(error, error_size, "%s", reason);
        code = reason ? -EPROTO : 0;
    }
    onnx_proto_finish(&proto);
    if (code)
        nn_onnx_restored_finish(ret_restored);
    return code;
}

void nn_onnx_restored_finish(struct nn_onnx_restored *restored)
{
    for (uint32_t m = 0; m < NN_MODEL_MEMBERS_MAX; m++)
        nn_network_destroy(restored->members[m].network);
    free(restored->note);
    free(restored->recordings);
    *restored = (struct nn_onnx_restored){0};
}
