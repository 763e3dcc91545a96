/* What people answered, and about which picture: the JSON cells of an export. */
#include "nn/votes_answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_SIZE = 64 };

struct answers {
    const struct nn_export_options *options;
    struct nn_export_report *report;
    float *says;
    unsigned labels;             /* answers that are one of the six */
    bool graded[NN_LABEL_COUNT]; /* said with a slider, which goes before a tick */
    unsigned nothing;            /* empty lists, and answers that mean none of the six */
    unsigned others;             /* answers that are something else */
};

const char *nn_export_skip_text(enum nn_export_skip skip)
{
    static const char *const texts[NN_SKIP_COUNT] = {
        [NN_SKIP_FIELDS] = "too few fields",
        [NN_SKIP_WORKFLOW] = "of another workflow",
        [NN_SKIP_VERSION] = "of another version of the workflow",
        [NN_SKIP_DUPLICATE] = "the same classification_id once more",
        [NN_SKIP_ANNOTATIONS] = "annotations are not a JSON list of tasks",
        [NN_SKIP_TASK] = "without that task",
        [NN_SKIP_NO_ANSWER] = "no question answered (null, a drawing, a text)",
        [NN_SKIP_OTHER] = "no label among the answers",
        [NN_SKIP_SUBJECT] = "subject_data is not JSON of one subject",
        [NN_SKIP_NO_IMAGE] = "no picture's name in subject_data",
    };
    return texts[skip];
}

/* Letters and digits only, in lower case: "Bad/Blurry", "bad_blurry" and "BADBLURRY" are one. */
static void plain(const char *text, char ret[PLAIN_SIZE])
{
    size_t n = 0;
    for (; *text && n + 1 < PLAIN_SIZE; text++) {
        if ((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') ||
            (unsigned char)*text >= 0x80)
            ret[n++] = *text;
        else if (*text >= 'A' && *text <= 'Z')
            ret[n++] = (char)(*text - 'A' + 'a');
    }
    ret[n] = '\0';
}

static int label_of(const char *text, bool exactly)
{
    char asked[PLAIN_SIZE], title[PLAIN_SIZE];
    plain(text, asked);
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        const char *name = nn_label_title((enum nn_label)k);
        plain(name, title);
        if (exactly ? strcmp(text, name) == 0 : strcmp(asked, title) == 0)
            return k;
    }
    return -1;
}

static void count_other(struct nn_export_report *report, const char *text)
{
    report->other_answers++;
    for (size_t i = 0; i < NN_EXPORT_OTHERS; i++) {
        char cut[NN_EXPORT_OTHER_SIZE];
        size_t n = strlen(text);
        n = n < sizeof cut ? n : sizeof cut - 1;
        while (n > 0 && n < strlen(text) && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--; /* not inside a character */
        memcpy(cut, text, n);
        cut[n] = '\0';
        if (report->others[i].n > 0 && strcmp(report->others[i].text, cut) != 0)
            continue;
        memcpy(report->others[i].text, cut, sizeof cut);
        report->others[i].n++;
        return;
    }
}

static void take_text(struct answers *answers, const char *text)
{
    int label = label_of(text, answers->options->as_seed);
    char asked[PLAIN_SIZE], nothing[PLAIN_SIZE];
    if (label >= 0) {
        if (!answers->graded[label])
            answers->says[label] = 1.0F;
        answers->labels++;
        return;
    }
    if (answers->options->nothing) {
        plain(text, asked);
        plain(answers->options->nothing, nothing);
        if (strcmp(asked, nothing) == 0) {
            answers->nothing++;
            return;
        }
    }
    answers->others++;
    count_other(answers->report, text);
}

/*
 * A task's value: a string (one choice), a list of strings (several), a survey's list of
 * {"choice": ...}, or a combined task's list of {"task": ..., "value": ...}.
 */
static void take_value(struct answers *answers, const json_t *value, int depth)
{
    size_t i;
    const json_t *item;
    if (json_is_string(value)) {
        take_text(answers, json_string_value(value));
        return;
    }
    if (!json_is_array(value))
        return;
    answers->nothing += json_array_size(value) == 0;
    json_array_foreach(value, i, item)
    {
        const char *choice = json_string_value(json_object_get(item, "choice"));
        const json_t *inner = json_object_get(item, "value");
        if (json_is_string(item))
            take_text(answers, json_string_value(item));
        else if (choice)
            take_text(answers, choice);
        else if (inner && json_object_get(item, "task") && depth > 0)
            take_value(answers, inner, depth - 1);
    }
}

/* A slider: a number 0..1 as text, in a task whose question names one label. */
static bool take_slider(struct answers *answers, const json_t *task)
{
    const char *question = json_string_value(json_object_get(task, "task_label"));
    const char *text = json_string_value(json_object_get(task, "value"));
    char asked[PLAIN_SIZE], title[PLAIN_SIZE];
    char *end;
    if (!question || !text || answers->options->as_seed)
        return false;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0.0 && value <= 1.0))
        return false;
    plain(question, asked);
    int named = -1;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        plain(nn_label_title((enum nn_label)k), title);
        if (strstr(asked, title)) {
            if (named >= 0)
                return false;
            named = k;
        }
    }
    if (named < 0)
        return false;
    answers->says[named] = (float)value;
    answers->graded[named] = true;
    answers->labels++;
    return true;
}

/* Tasks that were looked at. */
static unsigned take_tasks(struct answers *answers, const json_t *tasks)
{
    const struct nn_export_options *options = answers->options;
    unsigned taken = 0;
    size_t i;
    const json_t *task;
    json_array_foreach(tasks, i, task)
    {
        const char *name = json_string_value(json_object_get(task, "task"));
        if (options->as_seed && i > 0)
            break;
        if (options->task && (!name || strcmp(name, options->task) != 0))
            continue;
        taken++;
        if (take_slider(answers, task))
            continue;
        /* Combined tasks do not hold combined tasks. */
        take_value(answers, json_object_get(task, "value"), 1);
    }
    return taken;
}

enum nn_export_skip nn_answer_read(const char *annotations, const struct nn_export_options *options,
                                   struct nn_export_report *report, float *ret_says)
{
    struct answers answers = {.options = options, .report = report, .says = ret_says};
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_says[k] = 0.0F;
    json_t *tasks = json_loads(annotations, 0, NULL);
    if (!json_is_array(tasks)) {
        json_decref(tasks);
        return NN_SKIP_ANNOTATIONS;
    }
    unsigned taken = take_tasks(&answers, tasks);
    json_decref(tasks);
    if (options->as_seed || answers.labels > 0)
        return NN_SKIP_COUNT;
    if (options->task && taken == 0)
        return NN_SKIP_TASK;
    if (answers.others > 0)
        return NN_SKIP_OTHER;
    return answers.nothing > 0 ? NN_SKIP_COUNT : NN_SKIP_NO_ANSWER;
}

void nn_answer_size(const char *metadata, uint32_t *ret_width_px, uint32_t *ret_height_px)
{
    enum { SIDE_MAX = 1 << 20 };
    json_t *json = json_loads(metadata, 0, NULL);
    const json_t *size = json_array_get(json_object_get(json, "subject_dimensions"), 0);
    json_int_t width = json_integer_value(json_object_get(size, "naturalWidth"));
    json_int_t height = json_integer_value(json_object_get(size, "naturalHeight"));
    if (width > 0 && width <= SIDE_MAX && height > 0 && height <= SIDE_MAX) {
        *ret_width_px = (uint32_t)width;
        *ret_height_px = (uint32_t)height;
    }
    json_decref(json);
}

enum nn_export_skip nn_answer_subject_read(const char *subject_data,
                                           const struct nn_export_options *options,
                                           struct nn_answer_subject *ret_subject)
{
    json_t *json = json_loads(subject_data, 0, NULL);
    /* {"8100899": {"retired": null, "Filename": "..."}} */
    const json_t *subject = json_object_iter_value(json_object_iter(json));
    if (!json_is_object(subject) || (json_object_size(json) != 1 && !options->as_seed)) {
        json_decref(json);
        return NN_SKIP_SUBJECT;
    }
    const char *image = json_string_value(json_object_get(subject, options->image_field));
    if (!image || !image[0]) {
        json_decref(json);
        return NN_SKIP_NO_IMAGE;
    }
    ret_subject->json = json;
    ret_subject->image = image;
    ret_subject->recording =
        options->recording_field
            ? json_string_value(json_object_get(subject, options->recording_field))
            : NULL;
    return NN_SKIP_COUNT;
}

void nn_answer_subject_finish(struct nn_answer_subject *subject)
{
    json_decref(subject->json);
    subject->json = NULL;
}
