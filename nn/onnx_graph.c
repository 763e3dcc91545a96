/* A whole model as a graph: its members side by side, their answers made into scores. */
#include "nn/onnx_layers.h"
#include "nn/onnx_model.h"

#include <stdlib.h>

/* One member's logits on their way to scores. */
struct answer {
    const char *value;
    uint32_t labels;
    uint32_t rows; /* 0: (n, labels), else (n, labels, rows) */
};

static uint32_t count_labels(uint32_t answers)
{
    uint32_t n = 0;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        n += answers >> k & 1U;
    return n;
}

static struct answer write_member(struct onnx_build *build, const struct onnx_view *view,
                                  uint32_t m)
{
    const char *prefix = onnx_build_name(build, "m%u.", (unsigned)m);
    struct answer answer = {.labels = count_labels(view->answers[m])};
    const char *logits = onnx_layers_write(build, prefix, "planes", view->networks[m]);
    answer.value = onnx_build_node(build, "Identity",
                                   onnx_build_name(build, "logits.%u", (unsigned)m), &logits, 1);
    uint32_t h = nn_network_output(view->networks[m]).h;
    answer.rows = h > 1 ? h : 0;
    return answer;
}

/* Number that calibration has for a label at a share of the frame. */
enum which { SCALE, OFFSET, THRESHOLD };

static float calibration_at(const struct nn_calibration *calibration, float seen, int label,
                            enum which which)
{
    struct nn_calibration_knot knot = nn_calibration_at(calibration, seen);
    return which == SCALE    ? knot.scale[label]
           : which == OFFSET ? knot.offset[label]
                             : knot.decisions[label].threshold;
}

/* A tensor (1, labels) or (1, labels, rows), to stand beside the answer. */
static const char *add_table(struct onnx_build *build, const char *name,
                             const struct onnx_view *view, uint32_t m, const struct answer *answer,
                             enum which which)
{
    /* One knot says the same at every share. */
    uint32_t rows = answer->rows && view->calibrations[m]->n > 1 ? answer->rows : 1;
    float *table = malloc((size_t)answer->labels * rows * sizeof *table);
    if (!table)
        abort();
    float *at = table;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t r = 0; r < rows && (view->answers[m] >> k & 1U); r++) {
            float seen = (float)(r + 1) / (float)rows;
            *at++ = calibration_at(view->calibrations[m], seen, k, which);
        }
    const char *added = onnx_build_floats(build, name, table, (int64_t[]){1, answer->labels, rows},
                                          answer->rows ? 3 : 2);
    free(table);
    return added;
}

static void apply(struct onnx_build *build, struct answer *answer, const char *op, uint32_t m,
                  const char *what, const char *second)
{
    const char *inputs[] = {answer->value, second};
    answer->value = onnx_build_node(build, op, onnx_build_name(build, "m%u.%s", (unsigned)m, what),
                                    inputs, second ? 2 : 1);
}

/* One member that answers everything: its scores are the model's. */
static bool alone(const struct onnx_view *view)
{
    return view->n == 1 && view->combine == NN_COMBINE_MEAN;
}

/* From logits to a member's part of the scores. */
static void write_calibration(struct onnx_build *build, const struct onnx_view *view, uint32_t m,
                              struct answer *answer)
{
    const char *scale =
        add_table(build, onnx_build_name(build, "m%u.scale", (unsigned)m), view, m, answer, SCALE);
    apply(build, answer, "Mul", m, "scaled", scale);
    const char *offset = add_table(build, onnx_build_name(build, "m%u.offset", (unsigned)m), view,
                                   m, answer, OFFSET);
    apply(build, answer, "Add", m, "calibrated", offset);
    if (alone(view)) {
        onnx_build_node(build, "Sigmoid", "scores", &answer->value, 1);
        return;
    }
    apply(build, answer, "Sigmoid", m, "scores", NULL);
    if (view->combine != NN_COMBINE_VOTE)
        return;
    const char *threshold = add_table(build, onnx_build_name(build, "m%u.threshold", (unsigned)m),
                                      view, m, answer, THRESHOLD);
    apply(build, answer, "GreaterOrEqual", m, "yes", threshold);
    apply(build, answer, "Cast", m, "votes", NULL);
    onnx_build_int(build, "to", ONNX_FLOAT);
}

/* A member's scores on the whole frame only, where others have no rows. */
static void take_last(struct onnx_build *build, uint32_t m, struct answer *answer)
{
    const char *index =
        onnx_build_int64s(build, onnx_build_name(build, "m%u.last.index", (unsigned)m),
                          (int64_t[]){(int64_t)answer->rows - 1}, 1);
    apply(build, answer, "Gather", m, "last.row", index);
    onnx_build_int(build, "axis", 2);
    apply(build, answer, "Squeeze", m, "last",
          onnx_build_int64s(build, onnx_build_name(build, "m%u.last.axis", (unsigned)m),
                            (int64_t[]){2}, 1));
    answer->rows = 0;
}

/* Mean, over the members that answer it, of label k. */
static const char *write_label(struct onnx_build *build, const struct onnx_view *view,
                               const struct answer *answers, int k)
{
    const char *name = nn_label_name((enum nn_label)k);
    const char *voices[NN_MODEL_MEMBERS_MAX];
    uint32_t n = 0;
    for (uint32_t m = 0; m < view->n; m++) {
        if (!(view->answers[m] >> k & 1U))
            continue;
        int64_t channel = count_labels(view->answers[m] & ((1U << k) - 1U));
        const char *inputs[] = {
            answers[m].value,
            onnx_build_int64s(build, onnx_build_name(build, "m%u.%s.index", (unsigned)m, name),
                              &channel, 1)};
        voices[n++] = onnx_build_node(
            build, "Gather", onnx_build_name(build, "m%u.%s", (unsigned)m, name), inputs, 2);
        onnx_build_int(build, "axis", 1);
    }
    return onnx_build_node(build, "Mean", onnx_build_name(build, "%s", name), voices, n);
}

static void write_scores(struct onnx_build *build, const struct onnx_view *view,
                         const struct answer *answers)
{
    const char *parts[NN_MODEL_MEMBERS_MAX];
    bool all = true;
    for (uint32_t m = 0; m < view->n; m++) {
        all = all && view->answers[m] == NN_MODEL_ALL_LABELS;
        parts[m] = answers[m].value;
    }
    if (all) {
        onnx_build_node(build, "Mean", "scores", parts, view->n);
        return;
    }
    const char *labels[NN_LABEL_COUNT];
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        labels[k] = write_label(build, view, answers, k);
    onnx_build_node(build, "Concat", "scores", labels, NN_LABEL_COUNT);
    onnx_build_int(build, "axis", 1);
}

void onnx_model_graph(struct onnx_build *build, const struct onnx_view *view)
{
    struct nn_shape shape = nn_input_shape(&view->input);
    onnx_build_input(build, "planes", (int64_t[]){-1, shape.c, shape.h, shape.w}, 4);
    struct answer answers[NN_MODEL_MEMBERS_MAX];
    uint32_t rows = 0;
    bool same = true;
    for (uint32_t m = 0; m < view->n; m++) {
        answers[m] = write_member(build, view, m);
        same = same && answers[m].rows == answers[0].rows;
        rows = answers[m].rows;
    }
    for (uint32_t m = 0; m < view->n; m++) {
        write_calibration(build, view, m, &answers[m]);
        if (!same && answers[m].rows)
            take_last(build, m, &answers[m]);
    }
    if (!alone(view))
        write_scores(build, view, answers);
    rows = same ? rows : 0;
    onnx_build_output(build, "scores", (int64_t[]){-1, NN_LABEL_COUNT, rows}, rows ? 3 : 2);
    for (uint32_t m = 0; m < view->n; m++) {
        uint32_t h = nn_network_output(view->networks[m]).h;
        onnx_build_output(build, onnx_build_name(build, "logits.%u", (unsigned)m),
                          (int64_t[]){-1, count_labels(view->answers[m]), h}, h > 1 ? 3 : 2);
    }
}
