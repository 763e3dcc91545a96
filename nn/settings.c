/* The table of settings. */
#include "nn/settings.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a value lies in struct nn_train_settings. */
enum store {
    STORE_U32,
    STORE_U64,
    STORE_FLOAT,
    STORE_DOUBLE,
    STORE_CHOICE,
    STORE_SET,
    STORE_LABELS
};

struct row {
    struct nn_setting setting;
    enum store store;
    size_t offset;
};

#define AT(field) offsetof(struct nn_train_settings, field)
#define COUNT(name, field, low, high, doc)                                                         \
    {                                                                                              \
        {name, NN_SETTING_COUNT, low, high, NULL, doc}, STORE_U32, AT(field)                       \
    }
#define NUMBER(name, field, low, high, doc)                                                        \
    {                                                                                              \
        {name, NN_SETTING_NUMBER, low, high, NULL, doc}, STORE_FLOAT, AT(field)                    \
    }
#define SHARE(name, field, low, high, doc)                                                         \
    {                                                                                              \
        {name, NN_SETTING_NUMBER, low, high, NULL, doc}, STORE_DOUBLE, AT(field)                   \
    }
#define CHOICE(name, field, words, doc)                                                            \
    {                                                                                              \
        {name, NN_SETTING_CHOICE, 0, 0, words, doc}, STORE_CHOICE, AT(field)                       \
    }
#define SET(name, field, words, doc)                                                               \
    {                                                                                              \
        {name, NN_SETTING_SET, 0, 0, words, doc}, STORE_SET, AT(field)                             \
    }
#define LABELS(name, field, low, high, doc)                                                        \
    {                                                                                              \
        {name, NN_SETTING_LABELS, low, high, NULL, doc}, STORE_LABELS, AT(field)                   \
    }

/* Words stand in the order of their enums, of sets in that of their bits. */
static const struct row rows[] = {
    COUNT("rows", input.rows, 8, 512, "of the input grid"),
    COUNT("cols", input.cols, 8, 512, "of the input grid"),
    CHOICE("flatten", input.flatten, "none median mean linear", "what each line loses by itself"),
    NUMBER("limit", input.limit, 1e-3, 1e6, "heights are cut off at this many spreads"),
    COUNT("looks", input.looks, 1, 2, "2: also at the mirror image, for twice the time"),
    SET("planes", input.planes, "height roughness step seen turn", "what each grid cell tells"),
    CHOICE("scaling", input.scaling, "median frozen",
           "frozen: complete rows never change again, as row-causal networks need"),
    COUNT("lead_in", input.lead_in, 0, 512, "grid rows shown upside down before the first"),
    CHOICE("optimiser", optimiser.kind, "adam sgd nesterov", "adam with decoupled decay"),
    NUMBER("momentum", optimiser.momentum, 0, 0.9999, "adam: beta1"),
    NUMBER("beta2", optimiser.beta2, 0, 0.999999, "adam only"),
    NUMBER("epsilon", optimiser.epsilon, 1e-12, 1, "adam only"),
    NUMBER("decay", optimiser.decay, 0, 1, "weights shrink by rate x decay per step"),
    NUMBER("clip", optimiser.clip, 0, 1e6, "gradients are shortened to this length; 0: never"),
    CHOICE("schedule", schedule.kind, "constant cosine step one-cycle exponential",
           "how the learning rate moves"),
    NUMBER("rate", schedule.rate, 1e-8, 10, "highest learning rate"),
    NUMBER("warmup", schedule.warmup, 0, 1000, "epochs in which the rate rises to it"),
    COUNT("cycle", schedule.cycle, 0, 10000, "epochs, of cosine and step; 0: all"),
    NUMBER("factor", schedule.factor, 0, 1,
           "cosine, step: the next cycle's height; exponential: the next epoch's"),
    COUNT("epochs", epochs, 1, 10000, "passes over the pictures"),
    COUNT("batch", batch, 2, 1024, "pictures per step"),
    NUMBER("averaging", averaging, 0, 0.99999,
           "share of the running average of weights kept per step"),
    COUNT("patience", patience, 0, 10000,
          "epochs without a better one before training stops; 0: never"),
    COUNT("validate_every", validate_every, 0, 10000,
          "epochs between looks at left-out frames; 0: never"),
    NUMBER("mixup", mixup, 0, 1, "alpha of the mixing of pairs of pictures; 0: none"),
    CHOICE("loss", goal.loss, "binary categorical squared", "what is made small"),
    CHOICE("trust", goal.trust, "equal root count", "how people who answered weigh a picture"),
    NUMBER("threshold", goal.threshold, 0, 1,
           "votes from here up are 1, others 0; 0: shares of votes as they are"),
    NUMBER("smoothing", goal.smoothing, 0, 1, "share by which wanted scores move to .5"),
    LABELS("class_weights", goal.class_weights, 1e-3, 1e3, "of positive votes, label by label"),
    NUMBER("balance", goal.balance, 0, 1,
           "class weights times (negative / positive votes) to this power"),
    NUMBER("first_row", goal.first_row, 0, 1,
           "output rows before this share of the frame do not count"),
    LABELS("rising", goal.rising, 0, 100,
           "an output row at share s counts s to this power, label by label"),
    SHARE("whole", augment.whole, 0, 1, "share of views that see all there is"),
    SHARE("seen_min", augment.seen_min, 0.001, 1, "least share of the frame the others see"),
    SHARE("closer", augment.closer, 0.1, 1, "smallest crop, as share of the sides"),
    SHARE("wider", augment.wider, 1, 4, "largest frame, by mirroring, as share of the sides"),
    SHARE("shear", augment.shear, 0, 1, "largest drift, columns per line"),
    SHARE("mirror", augment.mirror, 0, 1, "share of views with columns turned"),
    SHARE("turn", augment.turn, 0, 1, "share of views with lines turned"),
    SHARE("gamma", augment.gamma, 1, 4, "grey levels to a power between 1 / this and this"),
    SHARE("contrast", augment.contrast, 1, 4, "largest stretch of grey levels, ends cut off"),
    SHARE("streaks", augment.streaks, 0, 10,
          "largest noise along lines, in standard deviations of the line"),
    SHARE("missing", augment.missing, 0, 0.9, "largest share of lines that do not arrive"),
    SHARE("bad", augment.bad, 0, 0.9, "largest share of lines buried in noise"),
    COUNT("examples", examples, 0, 1000000, "pictures to learn from, drawn at random; 0: all"),
    SHARE("also_share", also_share, 0, 0.95, "share of an epoch's pictures that --also gives"),
    {{"seed", NN_SETTING_COUNT, 0, 4294967295.0, NULL, "start of all that is random"},
     STORE_U64,
     AT(seed)},
};

enum { ROWS = sizeof rows / sizeof *rows };
static_assert(sizeof(enum nn_loss_kind) == sizeof(unsigned), "choices are stored as unsigned");
static_assert(sizeof(enum nn_flatten) == sizeof(unsigned), "choices are stored as unsigned");

struct nn_train_settings nn_settings_default(void)
{
    struct nn_train_settings settings = {
        .input = {.rows = 96,
                  .cols = 96,
                  .flatten = NN_FLATTEN_LINEAR,
                  .limit = 5.0F,
                  .looks = 1,
                  .planes = NN_PLANES_DEFAULT},
        .optimiser = nn_optimiser_adam(),
        .schedule = {.kind = NN_SCHEDULE_COSINE, .rate = 1e-3F, .warmup = 1.0F, .factor = 0.5F},
        .epochs = 30,
        .batch = 16,
        .averaging = 0.995F,
        .validate_every = 1,
        .goal = {.trust = NN_TRUST_ROOT},
        .augment = {.mirror = 0.5,
                    .turn = 0.5,
                    .whole = 1.0,
                    .seen_min = 0.08,
                    .closer = 1.0,
                    .wider = 1.0,
                    .gamma = 1.0,
                    .contrast = 1.0},
        .also_share = 0.5,
        .seed = 1,
    };
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        settings.goal.class_weights[k] = 1.0F;
    return settings;
}

const struct nn_setting *nn_settings_at(size_t index)
{
    return index < ROWS ? &rows[index].setting : NULL;
}

int nn_settings_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].setting.name, name) == 0)
            return i;
    return -1;
}

/* The n-th word of a list of words; false beyond the last. ret_word: (NN_SETTING_TEXT) */
static bool word_of(const char *words, unsigned n, char *ret_word)
{
    for (; n > 0 && words; n--)
        if ((words = strchr(words, ' ')))
            words++;
    if (!words)
        return false;
    snprintf(ret_word, NN_SETTING_TEXT, "%.*s", (int)strcspn(words, " "), words);
    return true;
}

static double value_of(const struct row *row, const char *at)
{
    uint32_t count;
    uint64_t large;
    float number;
    double wide;
    switch (row->store) {
    case STORE_U32:
        memcpy(&count, at, sizeof count);
        return (double)count;
    case STORE_U64:
        memcpy(&large, at, sizeof large);
        return (double)large;
    case STORE_DOUBLE:
        memcpy(&wide, at, sizeof wide);
        return wide;
    case STORE_FLOAT:
    case STORE_CHOICE:
    case STORE_SET:
    case STORE_LABELS:
        break;
    }
    memcpy(&number, at, sizeof number);
    return (double)number;
}

static void store_value(const struct row *row, double value, char *at)
{
    uint32_t count = (uint32_t)value;
    uint64_t large = (uint64_t)value;
    float number = (float)value;
    switch (row->store) {
    case STORE_U32:
        memcpy(at, &count, sizeof count);
        return;
    case STORE_U64:
        memcpy(at, &large, sizeof large);
        return;
    case STORE_DOUBLE:
        memcpy(at, &value, sizeof value);
        return;
    case STORE_FLOAT:
    case STORE_CHOICE:
    case STORE_SET:
    case STORE_LABELS:
        break;
    }
    memcpy(at, &number, sizeof number);
}

/* The fewest digits that give the same float again. */
static int print_float(char *text, size_t size, float value)
{
    int length = 0;
    for (int digits = 6; digits <= 9; digits++) {
        length = snprintf(text, size, "%.*g", digits, (double)value);
        float again = strtof(text, NULL);
        if (again <= value && again >= value)
            break;
    }
    return length;
}

static void print_set(const struct row *row, const char *at, char *ret_text)
{
    uint32_t bits;
    char word[NN_SETTING_TEXT];
    int length = 0;
    memcpy(&bits, at, sizeof bits);
    ret_text[0] = '\0';
    for (unsigned n = 0; word_of(row->setting.choices, n, word); n++)
        if (bits & (1U << n))
            length += snprintf(ret_text + length, (size_t)(NN_SETTING_TEXT - length), "%s%s",
                               length ? " " : "", word);
}

void nn_settings_get(const struct nn_train_settings *settings, size_t index, char *ret_text)
{
    const struct row *row = &rows[index];
    const char *at = (const char *)settings + row->offset;
    if (row->store == STORE_CHOICE) {
        unsigned choice;
        memcpy(&choice, at, sizeof choice);
        if (!word_of(row->setting.choices, choice, ret_text))
            snprintf(ret_text, NN_SETTING_TEXT, "%u", choice);
    } else if (row->store == STORE_SET) {
        print_set(row, at, ret_text);
    } else if (row->store == STORE_LABELS) {
        int length = 0;
        for (size_t k = 0; k < NN_LABEL_COUNT; k++) {
            length += print_float(ret_text + length, (size_t)(NN_SETTING_TEXT - length),
                                  (float)value_of(row, at + k * sizeof(float)));
            if (k + 1 < NN_LABEL_COUNT)
                ret_text[length++] = ' ';
        }
    } else if (row->store == STORE_FLOAT) {
        print_float(ret_text, NN_SETTING_TEXT, (float)value_of(row, at));
    } else {
        snprintf(ret_text, NN_SETTING_TEXT, "%.15g", value_of(row, at));
    }
}

static int set_choice(const struct row *row, const char *text, char *at, char *reason, size_t size)
{
    char word[NN_SETTING_TEXT];
    for (unsigned choice = 0; word_of(row->setting.choices, choice, word); choice++) {
        if (strcmp(word, text) == 0) {
            memcpy(at, &choice, sizeof choice);
            return 0;
        }
    }
    snprintf(reason, size, "is one of: %s", row->setting.choices);
    return -EINVAL;
}

static int set_words(const struct row *row, const char *text, char *at, char *reason, size_t size)
{
    uint32_t bits = 0;
    while (*text) {
        char word[NN_SETTING_TEXT];
        size_t length = strcspn(text, " ");
        unsigned n = 0;
        while (word_of(row->setting.choices, n, word) &&
               (strlen(word) != length || strncmp(word, text, length) != 0))
            n++;
        if (!word_of(row->setting.choices, n, word))
            break;
        bits |= 1U << n;
        text += length;
        text += strspn(text, " ");
    }
    if (*text || bits == 0) {
        snprintf(reason, size, "is one or more of: %s", row->setting.choices);
        return -EINVAL;
    }
    memcpy(at, &bits, sizeof bits);
    return 0;
}

/* Reads one number and moves past it; false when there is none in range. */
static bool take_number(const struct row *row, const char **text, double *ret_value)
{
    char *end;
    double value = strtod(*text, &end);
    bool fits = end != *text && value >= row->setting.min && value <= row->setting.max;
    if (fits && row->setting.kind == NN_SETTING_COUNT)
        fits = floor(value) >= value;
    if (!fits)
        return false;
    *text = end + strspn(end, " ");
    *ret_value = value;
    return true;
}

static int set_labels(const struct row *row, const char *text, char *at, char *reason, size_t size)
{
    double values[NN_LABEL_COUNT];
    size_t n = 0;
    while (*text && n < NN_LABEL_COUNT && take_number(row, &text, &values[n]))
        n++;
    if (*text || (n != 1 && n != NN_LABEL_COUNT)) {
        snprintf(reason, size, "is %d numbers between %g and %g, or one for all labels",
                 NN_LABEL_COUNT, row->setting.min, row->setting.max);
        return -EINVAL;
    }
    for (size_t k = 0; k < NN_LABEL_COUNT; k++)
        store_value(row, values[n == 1 ? 0 : k], at + k * sizeof(float));
    return 0;
}

int nn_settings_set(struct nn_train_settings *settings, size_t index, const char *text,
                    char *reason, size_t reason_size)
{
    const struct row *row = &rows[index];
    char *at = (char *)settings + row->offset;
    if (row->store == STORE_CHOICE)
        return set_choice(row, text, at, reason, reason_size);
    if (row->store == STORE_SET)
        return set_words(row, text, at, reason, reason_size);
    if (row->store == STORE_LABELS)
        return set_labels(row, text, at, reason, reason_size);
    double value;
    if (!take_number(row, &text, &value) || *text) {
        snprintf(reason, reason_size, "is a %snumber between %g and %g",
                 row->setting.kind == NN_SETTING_COUNT ? "whole " : "", row->setting.min,
                 row->setting.max);
        return -EINVAL;
    }
    store_value(row, value, at);
    return 0;
}
