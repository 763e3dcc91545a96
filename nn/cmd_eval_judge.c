/* Judging labelled frames line by line, side by side on threads. */
#include "nn/cmd_eval_judge.h"

#include "agent/terminal.h"
#include "nn/cmd_labelled.h"
#include "nn/stream.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct shop {
    const struct nn_model *model;
    const struct nn_scores *scores;
    float *logits[NN_SHARE_COUNT];
    float *values[NN_SHARE_COUNT]; /* scores */
    pthread_mutex_t lock;          /* over everything below */
    uint32_t next;
    uint32_t done;
    int error; /* the first */
    struct progress progress;
};

/* Where areas order frames by logits; 1e-7 is where a float's score stops telling. */
static float logit_of(float score)
{
    double inside = fmin(fmax((double)score, 1e-7), 1.0 - 1e-7);
    return (float)log(inside / (1.0 - inside));
}

/* Scores after so many lines; .5 while the model has no verdict yet. */
static int ask(struct nn_stream *stream, float *ret_scores)
{
    int error = nn_stream_scores(stream, ret_scores);
    if (error != -ENODATA)
        return error;
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        ret_scores[k] = 0.5F;
    return 0;
}

static int judge_frame(struct shop *shop, struct nn_stream *stream, uint32_t i, double *line)
{
    const struct nn_picture *picture = &shop->scores->dataset->examples[i].picture;
    int error = nn_stream_begin(stream, picture->width, picture->height);
    uint32_t row = 0;
    for (uint32_t share = 0; share < NN_SHARE_COUNT && !error; share++) {
        uint32_t until = labelled_share(picture->height, nn_share(share));
        for (; row < until && !error; row++) {
            const uint8_t *gray =
                picture->gray + (size_t)(picture->height - 1 - row) * picture->width;
            for (uint32_t x = 0; x < picture->width; x++)
                line[x] = (double)gray[x] / 255.0;
            error = nn_stream_add_line(stream, row, line);
        }
        float *scores = shop->values[share] + (size_t)i * NN_LABEL_COUNT;
        float *logits = shop->logits[share] + (size_t)i * NN_LABEL_COUNT;
        if (!error)
            error = ask(stream, scores);
        for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
            logits[k] = logit_of(scores[k]);
    }
    return error;
}

static void judge_some(struct shop *shop, struct nn_stream *stream, double *line)
{
    for (;;) {
        pthread_mutex_lock(&shop->lock);
        bool more = !shop->error && shop->next < shop->scores->dataset->n;
        uint32_t i = more ? shop->next++ : 0;
        if (more)
            progress_update(&shop->progress, shop->done++, NULL);
        pthread_mutex_unlock(&shop->lock);
        if (!more)
            return;
        int error = nn_scores_count(shop->scores, i) ? judge_frame(shop, stream, i, line) : 0;
        pthread_mutex_lock(&shop->lock);
        shop->error = shop->error ? shop->error : error;
        pthread_mutex_unlock(&shop->lock);
    }
}

static void *work(void *argument)
{
    struct shop *shop = argument;
    struct nn_stream *stream = NULL;
    uint32_t widest = 0;
    for (uint32_t i = 0; i < shop->scores->dataset->n; i++) {
        uint32_t width = shop->scores->dataset->examples[i].picture.width;
        widest = width > widest ? width : widest;
    }
    double *line = malloc((widest + (size_t)1) * sizeof *line);
    int error = line ? nn_stream_create(shop->model, &stream) : -ENOMEM;
    if (!error) {
        judge_some(shop, stream, line);
    } else {
        pthread_mutex_lock(&shop->lock);
        shop->error = shop->error ? shop->error : error;
        pthread_mutex_unlock(&shop->lock);
    }
    nn_stream_destroy(stream);
    free(line);
    return NULL;
}

static int allocate(const struct nn_dataset *dataset, struct shop *shop, struct eval_scores *made)
{
    size_t plane = (size_t)dataset->n * NN_LABEL_COUNT;
    made->values = calloc(2 * NN_SHARE_COUNT * plane + 1, sizeof *made->values);
    if (!made->values)
        return -ENOMEM;
    made->scores = (struct nn_scores){.dataset = dataset};
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        shop->logits[share] = made->values + share * plane;
        shop->values[share] = made->values + (NN_SHARE_COUNT + share) * plane;
        made->scores.logits[share] = shop->logits[share];
        made->scores.scores[share] = shop->values[share];
    }
    return 0;
}

int eval_judge(const struct nn_model *model, const struct nn_dataset *dataset, uint32_t threads,
               struct eval_scores *ret_scores)
{
    struct eval_scores made;
    struct shop shop = {.model = model};
    int error = allocate(dataset, &shop, &made);
    if (error)
        return error;
    shop.scores = &made.scores;
    pthread_mutex_init(&shop.lock, NULL);
    progress_start(&shop.progress, "judging", dataset->n);
    pthread_t others[EVAL_THREADS_MAX];
    uint32_t started = 0;
    while (started + 1 < threads && pthread_create(&others[started], NULL, work, &shop) == 0)
        started++;
    work(&shop);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    if (shop.error)
        progress_end(&shop.progress);
    else
        progress_finish(&shop.progress);
    pthread_mutex_destroy(&shop.lock);
    if (shop.error)
        free(made.values);
    else
        *ret_scores = made;
    return shop.error;
}

struct nn_decisions eval_decisions(const struct nn_model *model)
{
    struct nn_decisions mean = {0};
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++) {
        /* Good or bad goes by several labels; who answers the last of them stands for all. */
        uint32_t label = d < NN_LABEL_COUNT ? d : NN_LABEL_BAD_BLURRY;
        float n = 0.0F;
        for (uint32_t m = 0; m < nn_model_members(model); m++)
            n += (float)(nn_model_answers(model, m) >> label & 1U);
        for (uint32_t m = 0; m < nn_model_members(model); m++) {
            if (!(nn_model_answers(model, m) >> label & 1U))
                continue;
            struct nn_decisions own = nn_decisions_of(nn_model_calibration(model, m));
            for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
                mean.at[share][d].threshold += own.at[share][d].threshold / n;
                mean.at[share][d].low += own.at[share][d].low / n;
                mean.at[share][d].high += own.at[share][d].high / n;
            }
        }
    }
    return mean;
}

uint32_t eval_recordings_trained(const struct nn_model *model, const struct nn_dataset *dataset)
{
    uint32_t known = 0;
    for (uint32_t r = 0; r < dataset->n_recordings; r++) {
        const char *name = dataset->recordings[r];
        size_t length = strlen(name);
        for (const char *at = nn_model_recordings(model); *at;) {
            size_t line = strcspn(at, "\n");
            known += line == length && strncmp(at, name, length) == 0;
            at += at[line] ? line + 1 : line;
        }
    }
    return known;
}
