/* Votes in, a table per picture out. */
#include "nn/votes.h"

#include "nn/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOTES_MAX = 10000000 };

struct stored {
    char *image, *person, *when, *recording; /* recording NULL: from the name */
    uint32_t width_px, height_px;
    float says[NN_LABEL_COUNT];
    size_t order; /* of arrival */
};

struct nn_votes {
    struct stored *list;
    size_t n, room;
};

struct nn_votes *nn_votes_create(void)
{
    return calloc(1, sizeof(struct nn_votes));
}

static void free_texts(struct stored *vote)
{
    free(vote->image);
    free(vote->person);
    free(vote->when);
    free(vote->recording);
}

void nn_votes_destroy(struct nn_votes *votes)
{
    if (!votes)
        return;
    for (size_t i = 0; i < votes->n; i++)
        free_texts(&votes->list[i]);
    free(votes->list);
    free(votes);
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

int nn_votes_add(struct nn_votes *votes, const struct nn_vote *vote)
{
    if (!vote->image[0])
        return -EINVAL;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        if (!(vote->says[k] >= 0.0F && vote->says[k] <= 1.0F))
            return -EINVAL;
    if (votes->n >= VOTES_MAX)
        return -EFBIG;
    if (votes->n == votes->room) {
        size_t room = votes->room ? 2 * votes->room : 1024;
        struct stored *more = realloc(votes->list, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        votes->list = more;
        votes->room = room;
    }
    struct stored stored = {.image = copy_text(vote->image),
                            .person = copy_text(vote->person),
                            .when = copy_text(vote->when),
                            .recording = vote->recording ? copy_text(vote->recording) : NULL,
                            .width_px = vote->width_px,
                            .height_px = vote->height_px,
                            .order = votes->n};
    memcpy(stored.says, vote->says, sizeof stored.says);
    if (!stored.image || !stored.person || !stored.when || (vote->recording && !stored.recording)) {
        free_texts(&stored);
        return -ENOMEM;
    }
    votes->list[votes->n++] = stored;
    return 0;
}

/* By picture, then person, then time; at one time, or without, as they came. */
static int compare(const void *a, const void *b)
{
    const struct stored *x = a;
    const struct stored *y = b;
    int order = strcmp(x->image, y->image);
    if (!order)
        order = strcmp(x->person, y->person);
    if (!order)
        order = strcmp(x->when, y->when);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

bool nn_recording_of(const char *image, char *ret_recording)
{
    const char *mark = NULL;
    for (const char *at = strstr(image, "--"); at; at = strstr(at + 1, "--"))
        mark = at;
    const char *end = mark ? mark : strrchr(image, '.');
    size_t n = end && end > image ? (size_t)(end - image) : strlen(image);
    memcpy(ret_recording, image, n);
    ret_recording[n] = '\0';
    return mark != NULL;
}

/* RUN_CYCLE behind the last "--". */
static void read_numbers(struct nn_tally_row *row)
{
    const char *mark = NULL;
    for (const char *at = strstr(row->image, "--"); at; at = strstr(at + 1, "--"))
        mark = at;
    int used = 0;
    unsigned run, cycle;
    if (mark && mark[2] >= '0' && mark[2] <= '9' &&
        sscanf(mark + 2, "%9u_%9u%n", &run, &cycle, &used) == 2 &&
        !(mark[2 + used] >= '0' && mark[2 + used] <= '9')) {
        row->numbered = true;
        row->run = run;
        row->cycle = cycle;
    }
}

static void score(struct nn_tally_row *row, const struct nn_tally_options *options)
{
    double sum = 0.0;
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        row->mean[k] /= row->responses;
        sum += row->mean[k];
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        double all_zero = options->sixths ? 1.0 / NN_LABEL_COUNT : 0.0;
        row->weighted[k] = sum > 0.0 ? row->mean[k] / sum : all_zero;
        row->agreement[k] = 2.0 * fabs(row->mean[k] - 0.5);
        row->mean_agreement += row->agreement[k];
    }
    row->mean_agreement /= NN_LABEL_COUNT;
}

/* A vote that is neither the first nor, when wanted, the last of its person on its picture. */
static bool is_left_out(const struct stored *list, size_t i, size_t begin, size_t end,
                        enum nn_repeat_votes repeats)
{
    const char *person = list[i].person;
    if (repeats == NN_REPEATS_FIRST)
        return person[0] && i > begin && strcmp(list[i - 1].person, person) == 0;
    if (repeats == NN_REPEATS_LAST)
        return person[0] && i + 1 < end && strcmp(list[i + 1].person, person) == 0;
    return false;
}

/* One picture's votes, [begin, end), into a row without texts. */
static void add_up(const struct stored *list, size_t begin, size_t end,
                   const struct nn_tally_options *options, struct nn_tally *tally,
                   struct nn_tally_row *row)
{
    for (size_t i = begin; i < end; i++) {
        const struct stored *vote = &list[i];
        tally->repeats +=
            vote->person[0] && i > begin && strcmp(list[i - 1].person, vote->person) == 0;
        if (is_left_out(list, i, begin, end, options->repeats)) {
            tally->repeats_left++;
            continue;
        }
        row->responses++;
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            row->mean[k] += (double)vote->says[k];
        if (!row->width_px) {
            row->width_px = vote->width_px;
            row->height_px = vote->height_px;
        }
    }
    score(row, options);
}

static int name_row(const struct stored *list, size_t begin, size_t end, struct nn_tally *tally,
                    struct nn_tally_row *row)
{
    const char *given = NULL;
    for (size_t i = begin; i < end && !given; i++)
        given = list[i].recording;
    row->image = copy_text(list[begin].image);
    row->recording = given ? copy_text(given) : malloc(strlen(list[begin].image) + 1);
    if (!row->image || !row->recording) {
        free(row->image);
        free(row->recording);
        return -ENOMEM;
    }
    if (!given && !nn_recording_of(row->image, row->recording))
        tally->own_recording++;
    read_numbers(row);
    return 0;
}

static int add_picture(const struct stored *list, size_t begin, size_t end,
                       const struct nn_tally_options *options, struct nn_tally *tally)
{
    struct nn_tally_row row = {0};
    add_up(list, begin, end, options, tally, &row);
    if (row.responses < options->min_votes) {
        tally->few_votes++;
        return 0;
    }
    if (row.mean_agreement < options->drop_agreement_below) {
        tally->low_agreement++;
        return 0;
    }
    int error = name_row(list, begin, end, tally, &row);
    if (!error) {
        tally->rows[tally->n++] = row;
        tally->votes_used += row.responses;
    }
    return error;
}

int nn_tally(struct nn_votes *votes, const struct nn_tally_options *options,
             struct nn_tally **ret_tally)
{
    if (votes->n)
        qsort(votes->list, votes->n, sizeof *votes->list, compare);
    struct nn_tally *tally = calloc(1, sizeof *tally);
    size_t pictures = 0;
    for (size_t i = 0; i < votes->n; i++)
        pictures += i == 0 || strcmp(votes->list[i - 1].image, votes->list[i].image) != 0;
    if (tally)
        tally->rows = calloc(pictures + 1, sizeof *tally->rows);
    int error = tally && tally->rows ? 0 : -ENOMEM;
    for (size_t begin = 0, end; begin < votes->n && !error; begin = end) {
        for (end = begin + 1; end < votes->n; end++)
            if (strcmp(votes->list[begin].image, votes->list[end].image) != 0)
                break;
        error = add_picture(votes->list, begin, end, options, tally);
    }
    if (error)
        nn_tally_destroy(tally);
    else
        *ret_tally = tally;
    return error;
}

void nn_tally_destroy(struct nn_tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; i < tally->n; i++) {
        free(tally->rows[i].image);
        free(tally->rows[i].recording);
    }
    free(tally->rows);
    free(tally);
}

static void write_number(FILE *file, bool known, uint32_t value)
{
    fputc(',', file);
    if (known)
        fprintf(file, "%u", (unsigned)value);
}

static void write_scores(FILE *file, const double scores[NN_LABEL_COUNT])
{
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(file, ",%.9g", scores[k]);
}

int nn_tally_write_csv(const struct nn_tally *tally, FILE *file)
{
    fputs("image,recording,run,cycle,width_px,height_px,responses", file);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(file, ",%s", nn_label_name((enum nn_label)k));
    fputs(",mean_agreement", file);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(file, ",weighted_%s", nn_label_name((enum nn_label)k));
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        fprintf(file, ",agreement_%s", nn_label_name((enum nn_label)k));
    fputc('\n', file);
    for (size_t i = 0; i < tally->n; i++) {
        const struct nn_tally_row *row = &tally->rows[i];
        nn_table_put(file, row->image);
        fputc(',', file);
        nn_table_put(file, row->recording);
        write_number(file, row->numbered, row->run);
        write_number(file, row->numbered, row->cycle);
        write_number(file, row->width_px > 0, row->width_px);
        write_number(file, row->height_px > 0, row->height_px);
        write_number(file, true, row->responses);
        write_scores(file, row->mean);
        fprintf(file, ",%.9g", row->mean_agreement);
        write_scores(file, row->weighted);
        write_scores(file, row->agreement);
        fputc('\n', file);
    }
    return ferror(file) ? -EIO : 0;
}
