/* From labelled pictures to a list of samples. */
#include "nn/builder.h"

#include "nn/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_MAX = 10000000,
    ROUNDS_OF_SEED = 50, /* permutations that the script has at hand to pad with */
};

/* Apart from the generator's other uses. */
enum stream { STREAM_COPIES = 1, STREAM_PAD, STREAM_TRAIN, STREAM_TEST };

static const double TABLE_DIGITS = 1e-5;

struct list {
    struct nn_sample *samples;
    uint32_t n, room;
};

struct plan {
    const struct nn_dataset *dataset;
    const struct nn_builder_options *options;
    struct nn_builder_plan *out;
    bool *kept;    /* (examples) */
    bool *is_test; /* (recordings) */
};

static int append(struct list *list, const struct nn_sample *sample)
{
    if (list->n >= SAMPLES_MAX)
        return -EFBIG;
    if (list->n == list->room) {
        uint32_t room = list->room ? 2 * list->room : 1024;
        struct nn_sample *more = realloc(list->samples, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        list->samples = more;
        list->room = room;
    }
    list->samples[list->n++] = *sample;
    return 0;
}

static int append_list(struct list *list, const struct list *other)
{
    int error = 0;
    for (uint32_t i = 0; i < other->n && !error; i++)
        error = append(list, &other->samples[i]);
    return error;
}

uint32_t nn_builder_copies(double mean, uint32_t repeats)
{
    double step = ceil((mean - TABLE_DIGITS) * (double)(repeats + 1));
    return step > 1.0 ? (uint32_t)step - 1 : 0;
}

double nn_builder_agreement(const struct nn_example *example)
{
    double sum = 0.0;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        sum += 2.0 * fabs((double)example->wanted[k] - 0.5);
    return sum / NN_LABEL_COUNT + TABLE_DIGITS;
}

static void choose_pictures(struct plan *plan)
{
    double sums[NN_LABEL_COUNT] = {0.0};
    double largest = 0.0;
    for (uint32_t i = 0; i < plan->dataset->n; i++) {
        const struct nn_example *example = &plan->dataset->examples[i];
        plan->kept[i] = nn_builder_agreement(example) >= plan->options->agreement;
        plan->out->pictures += plan->kept[i];
        plan->out->dropped += !plan->kept[i];
        for (int k = 0; plan->kept[i] && k < NN_LABEL_COUNT; k++)
            sums[k] += (double)example->wanted[k];
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        largest = fmax(largest, sums[k]);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        plan->out->multiplier[k] = sums[k] > 0.0 ? (uint32_t)lround(largest / sums[k]) : 0;
}

/* As many folds as make one of them the test's share. */
static int choose_recordings(struct plan *plan)
{
    uint32_t n = plan->dataset->n_recordings;
    if (plan->options->test_share <= 0.0)
        return 0;
    long folds = lround(1.0 / plan->options->test_share);
    if (n < 2)
        return -EINVAL;
    uint32_t *fold = calloc(n, sizeof *fold);
    if (!fold)
        return -ENOMEM;
    nn_dataset_split(plan->dataset, (uint32_t)folds < n ? (uint32_t)folds : n, fold);
    /* The last fold: the largest recordings, dealt first, are better in training. */
    uint32_t last = 0;
    for (uint32_t i = 0; i < n; i++)
        last = fold[i] > last ? fold[i] : last;
    for (uint32_t i = 0; i < n; i++)
        plan->is_test[i] = fold[i] == last;
    free(fold);
    return 0;
}

/* ---- six means ---- */

/* The scripts turn square pictures that are not all tip change, and leave the others as they are.
 */
static struct nn_sample draw_as_seed(const struct nn_example *example, struct nn_random *random)
{
    struct nn_sample sample = {.label = -1};
    bool square = example->picture.width == example->picture.height;
    bool all_change = (double)example->wanted[NN_LABEL_TIP_CHANGE] > 1.0 - TABLE_DIGITS;
    if (!square || all_change)
        return sample;
    sample.flip_rows = nn_random_unit(random) < 0.5;
    sample.flip_columns = nn_random_unit(random) < 0.5;
    sample.turned = true;
    sample.turn = (float)nn_random_unit(random);
    sample.zoom = (float)nn_random_unit(random);
    sample.pan = (float)nn_random_unit(random);
    return sample;
}

static int add_means(const struct plan *plan, uint32_t example, struct list *list)
{
    struct nn_random random = nn_random_seed(plan->options->seed, STREAM_COPIES, example);
    int error = 0;
    for (uint32_t copy = 0; copy < plan->options->repeats && !error; copy++) {
        struct nn_sample sample = {.label = -1};
        if (plan->options->as_seed) {
            sample = draw_as_seed(&plan->dataset->examples[example], &random);
        } else if (copy > 0) {
            sample.flip_rows = nn_random_unit(&random) < 0.5;
            sample.flip_columns = nn_random_unit(&random) < 0.5;
        }
        sample.example = example;
        error = append(list, &sample);
    }
    return error;
}

/* ---- one label ---- */

static int add_repeats(const struct plan *plan, uint32_t example, enum nn_label label,
                       struct list *list)
{
    double mean = (double)plan->dataset->examples[example].wanted[label];
    const struct nn_sample sample = {.example = example, .label = (int)label};
    int error = 0;
    for (uint32_t n = nn_builder_copies(mean, plan->options->repeats); n > 0 && !error; n--)
        error = append(list, &sample);
    return error;
}

/*
 * Pads with random permutations of the list's own samples. The script begins one place too early,
 * so that its last real sample is lost and its last place stays empty, and it has 50 permutations.
 */
static int pad(const struct plan *plan, enum nn_label label, uint32_t wanted, struct list *list)
{
    bool as_seed = plan->options->as_seed;
    const struct nn_sample black = {.example = NN_SAMPLE_BLACK, .label = -1};
    uint32_t own = list->n;
    if (own == 0 || own >= wanted)
        return 0;
    struct nn_random random = nn_random_seed(plan->options->seed, STREAM_PAD, (uint64_t)label);
    uint32_t *order = malloc(own * sizeof *order);
    struct nn_sample *samples = malloc(own * sizeof *samples);
    int error = order && samples ? 0 : -ENOMEM;
    if (!error)
        memcpy(samples, list->samples, own * sizeof *samples);
    for (uint32_t i = 0; i < own && !error; i++)
        order[i] = i;
    uint32_t end = as_seed ? wanted - 1 : wanted;
    if (as_seed)
        list->n--;
    for (uint32_t round = 0; list->n < end && !error && (!as_seed || round < ROUNDS_OF_SEED);
         round++) {
        nn_random_shuffle(&random, order, own);
        for (uint32_t i = 0; i < own && list->n < end && !error; i++)
            error = append(list, &samples[order[i]]);
    }
    while (list->n < wanted && !error)
        error = append(list, &black);
    free(order);
    free(samples);
    return error;
}

static int balance(const struct plan *plan, struct list lists[NN_LABEL_COUNT])
{
    uint32_t largest = 0;
    int error = 0;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        largest = lists[k].n > largest ? lists[k].n : largest;
    for (int k = 0; k < NN_LABEL_COUNT && !error; k++)
        error = pad(plan, (enum nn_label)k, largest, &lists[k]);
    return error;
}

/* ---- the whole ---- */

/* All pictures when as the scripts do, else those of one side. */
static bool is_wanted(const struct plan *plan, uint32_t example, bool test)
{
    return plan->kept[example] &&
           (plan->options->as_seed ||
            plan->is_test[plan->dataset->examples[example].recording] == test);
}

static int add_side(const struct plan *plan, bool test, struct list *list)
{
    enum nn_builder builder = plan->options->builder;
    struct list lists[NN_LABEL_COUNT] = {{0}};
    int error = 0;
    for (uint32_t i = 0; i < plan->dataset->n && !error; i++) {
        if (!is_wanted(plan, i, test))
            continue;
        if (builder == NN_BUILDER_MEANS)
            error = add_means(plan, i, list);
        for (int k = 0; builder != NN_BUILDER_MEANS && k < NN_LABEL_COUNT && !error; k++)
            error = add_repeats(plan, i, (enum nn_label)k, &lists[k]);
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        plan->out->per_label[k] += lists[k].n;
    if (!error && builder == NN_BUILDER_OVERBALANCED && !test)
        error = balance(plan, lists);
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        if (!error)
            error = append_list(list, &lists[k]);
        free(lists[k].samples);
    }
    return error;
}

static int shuffle(struct nn_sample *samples, uint32_t n, uint64_t seed, enum stream stream)
{
    struct nn_random random = nn_random_seed(seed, stream, 0);
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = nn_random_below(&random, i);
        struct nn_sample swap = samples[i - 1];
        samples[i - 1] = samples[j];
        samples[j] = swap;
    }
    return 0;
}

/* Where the scripts cut: the unbalanced one counts pictures that it has dropped before. */
static uint32_t cut_of_seed(const struct plan *plan, uint32_t n)
{
    uint32_t counted = n;
    if (plan->options->builder == NN_BUILDER_REPEATS)
        for (uint32_t i = 0; i < plan->dataset->n; i++)
            for (int k = 0; !plan->kept[i] && k < NN_LABEL_COUNT; k++)
                counted += nn_builder_copies((double)plan->dataset->examples[i].wanted[k],
                                             plan->options->repeats);
    long cut = lround((1.0 - plan->options->test_share) * counted);
    return (uint32_t)cut < n ? (uint32_t)cut : n;
}

static int make(struct plan *plan)
{
    struct list list = {0};
    uint64_t seed = plan->options->seed;
    choose_pictures(plan);
    int error = plan->options->as_seed ? 0 : choose_recordings(plan);
    if (!error)
        error = add_side(plan, false, &list);
    uint32_t n_train = list.n;
    if (!error && !plan->options->as_seed)
        error = add_side(plan, true, &list);
    if (!error && list.n == 0)
        error = -EINVAL;
    if (error) {
        free(list.samples);
        return error;
    }
    if (plan->options->as_seed) {
        shuffle(list.samples, list.n, seed, STREAM_TRAIN);
        n_train = cut_of_seed(plan, list.n);
    } else {
        shuffle(list.samples, n_train, seed, STREAM_TRAIN);
        shuffle(list.samples + n_train, list.n - n_train, seed, STREAM_TEST);
    }
    plan->out->samples = list.samples;
    plan->out->n = list.n;
    plan->out->n_train = n_train;
    return 0;
}

int nn_builder_plan(const struct nn_dataset *dataset, const struct nn_builder_options *options,
                    struct nn_builder_plan **ret_plan)
{
    struct plan plan = {.dataset = dataset,
                        .options = options,
                        .out = calloc(1, sizeof *plan.out),
                        .kept = calloc(dataset->n + 1, sizeof *plan.kept),
                        .is_test = calloc(dataset->n_recordings + 1, sizeof *plan.is_test)};
    int error = plan.out && plan.kept && plan.is_test ? make(&plan) : -ENOMEM;
    free(plan.kept);
    free(plan.is_test);
    if (error)
        nn_builder_plan_destroy(plan.out);
    else
        *ret_plan = plan.out;
    return error;
}

void nn_builder_plan_destroy(struct nn_builder_plan *plan)
{
    if (!plan)
        return;
    free(plan->samples);
    free(plan);
}
