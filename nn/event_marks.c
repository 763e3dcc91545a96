/* Marked lines, and alarms counted against them. */
#include "nn/event_marks.h"

#include "nn/event.h"
#include "nn/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HIGHEST_LINE = 65535,
    MARKS_MAX = 1000000,
    EXCUSED_BEFORE = 3, /* lines around a streak or an unsure mark */
    EXCUSED_AFTER = 5,
    AFTERMATH = 6, /* lines after a change's reach that may or may not still be told */
    EARLY = 1,     /* marks are that exact: an alarm one line before is one for the change */
    LATEST = 8,    /* later alarms are false ones */
};

static const char *const kinds[] = {"step", "streak", "unsure"};

struct columns {
    unsigned image, first, last, what;
};

static bool parse_line(const char *text, uint32_t *ret_line)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > HIGHEST_LINE)
        return false;
    *ret_line = (uint32_t)value;
    return true;
}

/* 0, -EBADMSG, -ENOMEM. */
static int parse_row(const struct nn_table *table, const struct columns *columns,
                     struct nn_event_mark *ret_mark)
{
    unsigned most = columns->image;
    most = columns->first > most ? columns->first : most;
    most = columns->last > most ? columns->last : most;
    most = columns->what > most ? columns->what : most;
    struct nn_event_mark mark = {0};
    if (most >= table->n_fields || !parse_line(table->fields[columns->first], &mark.first) ||
        !parse_line(table->fields[columns->last], &mark.last) || mark.last < mark.first)
        return -EBADMSG;
    int kind = 0;
    while (kind <= NN_EVENT_MARK_UNSURE && strcmp(table->fields[columns->what], kinds[kind]) != 0)
        kind++;
    if (kind > NN_EVENT_MARK_UNSURE)
        return -EBADMSG;
    mark.kind = (enum nn_event_mark_kind)kind;
    mark.image = strdup(table->fields[columns->image]);
    if (!mark.image)
        return -ENOMEM;
    *ret_mark = mark;
    return 0;
}

static int add_row(const struct nn_table *table, const struct columns *columns,
                   struct nn_event_marks *marks)
{
    if (marks->n == MARKS_MAX)
        return -EFBIG;
    /* Room doubles whenever it is full, which is at powers of two. */
    if ((marks->n & (marks->n - 1)) == 0) {
        size_t room = marks->n ? 2 * (size_t)marks->n : 1;
        struct nn_event_mark *more = realloc(marks->marks, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        marks->marks = more;
    }
    int error = parse_row(table, columns, &marks->marks[marks->n]);
    marks->n += !error;
    return error;
}

int nn_event_marks_load(const char *path, struct nn_event_marks *ret_marks, char *error,
                        size_t error_size)
{
    struct nn_table table;
    struct nn_event_marks marks = {0};
    int code = nn_table_open(path, &table);
    if (code) {
        snprintf(error, error_size, "%s", strerror(-code));
        return code;
    }
    bool header = nn_table_next(&table);
    struct columns columns = {nn_table_find(&table, "image"), nn_table_find(&table, "first_line"),
                              nn_table_find(&table, "last_line"), nn_table_find(&table, "what")};
    unsigned n = table.n_fields;
    if (!header || columns.image == n || columns.first == n || columns.last == n ||
        columns.what == n) {
        snprintf(error, error_size, "needs the columns image, first_line, last_line and what");
        code = -EBADMSG;
    }
    while (!code && nn_table_next(&table)) {
        code = add_row(&table, &columns, &marks);
        if (code == -EBADMSG)
            snprintf(error, error_size,
                     "line %u: wants an image, two lines and step, streak or unsure", table.line);
        else if (code)
            snprintf(error, error_size, "line %u: %s", table.line, strerror(-code));
    }
    nn_table_close(&table);
    if (code)
        nn_event_marks_finish(&marks);
    else
        *ret_marks = marks;
    return code;
}

void nn_event_marks_finish(struct nn_event_marks *marks)
{
    for (uint32_t i = 0; i < marks->n; i++)
        free(marks->marks[i].image);
    free(marks->marks);
    *marks = (struct nn_event_marks){0};
}

int nn_event_truth_create(uint32_t lines, struct nn_event_truth *ret_truth)
{
    struct nn_event_truth truth = {.lines = lines};
    truth.changes = calloc((size_t)lines + 1, sizeof *truth.changes);
    truth.excused = calloc((size_t)lines + 1, sizeof *truth.excused);
    if (!truth.changes || !truth.excused) {
        nn_event_truth_finish(&truth);
        return -ENOMEM;
    }
    *ret_truth = truth;
    return 0;
}

void nn_event_truth_finish(struct nn_event_truth *truth)
{
    free(truth->changes);
    free(truth->excused);
    *truth = (struct nn_event_truth){0};
}

void nn_event_truth_excuse(struct nn_event_truth *truth, int64_t first, int64_t last)
{
    for (int64_t line = first < 0 ? 0 : first; line <= last && line < truth->lines; line++)
        truth->excused[line] = true;
}

static int by_line(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return (*left > *right) - (*left < *right);
}

int nn_event_marks_truth(const struct nn_event_marks *marks, const char *image, uint32_t lines,
                         bool upside_down, struct nn_event_truth *ret_truth, bool *ret_marked)
{
    int error = nn_event_truth_create(lines, ret_truth);
    bool marked = false;
    for (uint32_t i = 0; i < marks->n && !error; i++) {
        const struct nn_event_mark *mark = &marks->marks[i];
        if (strcmp(mark->image, image) != 0)
            continue;
        marked = true;
        int64_t first = upside_down ? (int64_t)lines - 1 - mark->last : mark->first;
        int64_t last = upside_down ? (int64_t)lines - 1 - mark->first : mark->last;
        /* Seen from the other end, the first line of the other tip is the one before. */
        int64_t change = upside_down ? (int64_t)lines - mark->first : mark->first;
        if (mark->kind != NN_EVENT_MARK_STEP)
            nn_event_truth_excuse(ret_truth, first - EXCUSED_BEFORE, last + EXCUSED_AFTER);
        else if (change >= 0 && change < lines && ret_truth->n_changes < lines)
            ret_truth->changes[ret_truth->n_changes++] = (uint32_t)change;
    }
    if (error)
        return error;
    qsort(ret_truth->changes, ret_truth->n_changes, sizeof *ret_truth->changes, by_line);
    *ret_marked = marked;
    return 0;
}

void nn_event_truth_targets(const struct nn_event_truth *truth, float *ret_wanted,
                            float *ret_weight)
{
    for (uint32_t line = 0; line < truth->lines; line++) {
        ret_wanted[line] = 0.0F;
        ret_weight[line] = truth->excused[line] ? 0.0F : 1.0F;
    }
    for (uint32_t i = 0; i < truth->n_changes; i++) {
        uint32_t change = truth->changes[i];
        for (uint32_t k = 0; k < NN_EVENT_REACH + AFTERMATH && change + k < truth->lines; k++) {
            bool told = k < NN_EVENT_REACH;
            if (told)
                ret_wanted[change + k] = 1.0F;
            /* A change halfway through a line has little to show there. */
            ret_weight[change + k] = !told ? 0.0F : k > 0 ? 1.0F : 0.5F;
        }
    }
}

uint32_t nn_event_check_late(uint32_t index)
{
    static const uint32_t lates[NN_EVENT_CHECK_LATES] = {0, 1, 2, 4};
    return lates[index];
}

static bool is_near(uint32_t change, uint32_t alarm)
{
    return alarm + EARLY >= change && alarm <= change + LATEST;
}

/* Whether any alarm, (n), is for this change and at most `late` lines after it. */
static bool noticed(const uint32_t *alarms, uint32_t n, uint32_t change, uint32_t late)
{
    for (uint32_t i = 0; i < n; i++)
        if (is_near(change, alarms[i]) && alarms[i] <= change + late)
            return true;
    return false;
}

static bool is_false(const struct nn_event_truth *truth, uint32_t alarm)
{
    for (uint32_t i = 0; i < truth->n_changes; i++)
        if (is_near(truth->changes[i], alarm))
            return false;
    return !truth->excused[alarm];
}

/* Lines that raise an alarm, as nn_event_add_line does. ret_alarms: room for (lines) */
static uint32_t find_alarms(uint32_t lines, const float *logits, float threshold,
                            uint32_t *ret_alarms)
{
    uint32_t n = 0;
    for (uint32_t line = 0; line < lines; line++)
        if (logits[line] > threshold && (n == 0 || line - ret_alarms[n - 1] > NN_EVENT_REFRACTORY))
            ret_alarms[n++] = line;
    return n;
}

struct nn_event_check nn_event_check_frame(const struct nn_event_truth *truth, const float *logits,
                                           float threshold)
{
    struct nn_event_check check = {0};
    uint32_t *alarms = malloc(((size_t)truth->lines + 1) * sizeof *alarms);
    if (!alarms)
        abort();
    uint32_t n = find_alarms(truth->lines, logits, threshold, alarms);
    for (uint32_t i = 0; i < truth->n_changes; i++) {
        if (truth->changes[i] < NN_EVENT_CHECK_FIRST)
            continue;
        check.changes++;
        for (uint32_t late = 0; late < NN_EVENT_CHECK_LATES; late++)
            check.noticed[late] += noticed(alarms, n, truth->changes[i], nn_event_check_late(late));
    }
    for (uint32_t i = 0; i < n; i++)
        check.false_alarms += is_false(truth, alarms[i]);
    free(alarms);
    return check;
}

float nn_event_check_threshold(uint32_t n, const struct nn_event_truth *truths,
                               const float *const *logits, double false_alarms)
{
    float low = -12.0F;
    float high = 12.0F;
    for (int halving = 0; halving < 24; halving++) {
        float middle = 0.5F * (low + high);
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < n; i++)
            wrong += nn_event_check_frame(&truths[i], logits[i], middle).false_alarms;
        if ((double)wrong > false_alarms * (double)n)
            low = middle;
        else
            high = middle;
    }
    return high;
}
