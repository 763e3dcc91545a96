/* Gradient descent for the detector of tip changes. */
#include "nn/event_train.h"

#include "nn/optimiser.h"
#include "nn/random.h"
#include "nn/schedule.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEATURES = NN_EVENT_FEATURES,
    WINDOW = NN_EVENT_WINDOW,
    INPUTS = WINDOW * FEATURES, /* the oldest line first */
    WIDE = NN_EVENT_WIDE,
    NARROW = NN_EVENT_NARROW,
    SIMULATED_LINES = 3072, /* drawn per step */
    MARKED_LINES = 2048,
    YES_FRAMES = 5, /* whose votes say that the tip changes */
    NO_FRAMES = 11,
    QUIET_KEPT = 4,   /* one in so many simulated lines without a change, and counts for all */
    CHUNK = 512,      /* lines at a time, so that they stay in the cache */
    NOISE = 1 << 16,  /* normal deviates kept ready */
    FRAMES_APART = 5, /* of which inputs' means and spreads are taken */
    LINES_APART = 7,
    NEWS_EVERY = 100,
};

#define RATE 3e-3F
#define DECAY 1e-3F
#define DROPPED 0.35         /* share of the wide layer's values, per line */
#define INPUT_NOISE 0.35F    /* in spreads of the input */
#define SIGNAL_SPREAD 1.5F   /* of what nn/event_trace.h has standardised */
#define START_BIAS (-5.0F)   /* changes are rare */
#define MARKED_COUNTS 1.5    /* times what simulated lines count */
#define VOTED_COUNTS 0.03    /* likewise: a vote says little of any one line */
#define YES_COUNTS 0.5       /* of a frame whose votes say yes, against 1 */
#define SURELY_QUIET (-1e-4) /* logarithm of a frame's chance of no change: at most this */
#define HARDLY_QUIET (-8.0)  /* below this a frame without a change counts no more */

/* What the optimiser moves: the first layer's as if its inputs had mean 0 and spread 1. */
struct weights {
    float wide[WIDE][INPUTS];
    float wide_bias[WIDE];
    float narrow[NARROW][WIDE];
    float narrow_bias[NARROW];
    float out[NARROW];
    float out_bias;
};

enum { WEIGHTS = sizeof(struct weights) / sizeof(float) };

struct line_ref {
    uint32_t frame, line;
    float weight;
};

struct list {
    uint32_t n;
    struct line_ref *refs;
};

/* Rows of `x` start `stride` apart: gathered lines, or a frame's windows, which overlap. */
struct rows {
    uint32_t n; /* at most CHUNK */
    const float *x;
    uint32_t stride;
};

struct trainer {
    const struct nn_event_material *material;
    struct nn_random random;
    struct list simulated, marked, yes, no;
    float mean[INPUTS], spread[INPUTS];
    struct weights weights, grads;
    struct weights plain; /* `weights` for inputs as they are; likewise the gradients */
    struct weights slopes;
    float noise[NOISE];
    float gathered[CHUNK][INPUTS];
    float wide[CHUNK][WIDE], narrow[CHUNK][NARROW], logits[CHUNK];
    float wide_slopes[CHUNK][WIDE], narrow_slopes[CHUNK][NARROW], logit_slopes[CHUNK];
    struct line_ref drawn[SIMULATED_LINES + MARKED_LINES];
};

struct nn_event_train_settings nn_event_train_default(void)
{
    return (struct nn_event_train_settings){.steps = 4000, .seed = 1};
}

static bool used(const struct nn_event_material *material, uint32_t frame)
{
    return !material->use || material->use[frame];
}

/* Means and spreads of the plain inputs; the others are known by how they are made. */
static void measure_inputs(struct trainer *t)
{
    const struct nn_event_material *m = t->material;
    for (int i = 0; i < FEATURES; i++) {
        double n = 0.0;
        double sum = 0.0;
        double squares = 0.0;
        for (uint32_t f = 0; i >= 2 * NN_EVENT_SIGNALS && f < m->n_recorded; f += FRAMES_APART)
            for (uint32_t line = 0; used(m, f) && line < m->recorded[f].lines;
                 line += LINES_APART) {
                double x = (double)m->recorded[f]
                               .features[((size_t)line + WINDOW - 1) * FEATURES + (size_t)i];
                n += 1.0;
                sum += x;
                squares += x * x;
            }
        double mean = n > 0.0 ? sum / n : 0.0;
        double spread = n > 0.0 ? sqrt(fmax(squares / n - mean * mean, 0.0)) + 1e-3 : 1.0;
        for (int ago = 0; ago < WINDOW; ago++) {
            t->mean[ago * FEATURES + i] = (float)mean;
            t->spread[ago * FEATURES + i] =
                i < 2 * NN_EVENT_SIGNALS ? SIGNAL_SPREAD : (float)spread;
        }
    }
}

static float uniform(struct nn_random *random, uint32_t inputs)
{
    return (float)((2.0 * nn_random_unit(random) - 1.0) / sqrt((double)inputs));
}

static void start_weights(struct trainer *t)
{
    struct weights *w = &t->weights;
    for (int u = 0; u < WIDE; u++) {
        for (int i = 0; i < INPUTS; i++)
            w->wide[u][i] = uniform(&t->random, INPUTS);
        w->wide_bias[u] = uniform(&t->random, INPUTS);
    }
    for (int u = 0; u < NARROW; u++) {
        for (int i = 0; i < WIDE; i++)
            w->narrow[u][i] = uniform(&t->random, WIDE);
        w->narrow_bias[u] = uniform(&t->random, WIDE);
        w->out[u] = uniform(&t->random, NARROW);
    }
    w->out_bias = START_BIAS;
    for (int i = 0; i < NOISE; i++)
        t->noise[i] = INPUT_NOISE * (float)nn_random_normal(&t->random);
}

static int list_lines(struct trainer *t, bool simulated, struct list *ret_list)
{
    const struct nn_event_material *m = t->material;
    const struct nn_event_frame *frames = simulated ? m->simulated : m->recorded;
    uint32_t n_frames = simulated ? m->n_simulated : m->n_recorded;
    size_t room = 1;
    for (uint32_t f = 0; f < n_frames; f++)
        room += frames[f].lines;
    ret_list->refs = malloc(room * sizeof *ret_list->refs);
    if (!ret_list->refs)
        return -ENOMEM;
    for (uint32_t f = 0; f < n_frames; f++) {
        if (!frames[f].wanted || (!simulated && !used(m, f)))
            continue;
        for (uint32_t line = 0; line < frames[f].lines; line++) {
            float weight = frames[f].weight[line];
            if (simulated && frames[f].wanted[line] <= 0.0F) {
                bool kept = nn_random_below(&t->random, QUIET_KEPT) == 0;
                weight *= kept ? (float)QUIET_KEPT : 0.0F;
            }
            if (weight > 0.0F || !simulated)
                ret_list->refs[ret_list->n++] = (struct line_ref){f, line, weight};
        }
    }
    return 0;
}

static int list_frames(struct trainer *t, bool yes, struct list *ret_list)
{
    const struct nn_event_material *m = t->material;
    ret_list->refs = malloc(((size_t)m->n_recorded + 1) * sizeof *ret_list->refs);
    if (!ret_list->refs)
        return -ENOMEM;
    for (uint32_t f = 0; f < m->n_recorded; f++) {
        float vote = m->recorded[f].vote;
        if (used(m, f) && m->recorded[f].lines > 0 && (yes ? vote >= 0.5F : vote < 0.5F))
            ret_list->refs[ret_list->n++] = (struct line_ref){.frame = f};
    }
    return 0;
}

/* From `weights` to `plain`, which takes inputs as they come. */
static void fold_inputs(struct trainer *t)
{
    t->plain = t->weights;
    for (int u = 0; u < WIDE; u++) {
        float shift = 0.0F;
        for (int i = 0; i < INPUTS; i++) {
            t->plain.wide[u][i] = t->weights.wide[u][i] / t->spread[i];
            shift += t->plain.wide[u][i] * t->mean[i];
        }
        t->plain.wide_bias[u] -= shift;
    }
}

/* And the gradients back. */
static void unfold_slopes(struct trainer *t)
{
    t->grads = t->slopes;
    for (int u = 0; u < WIDE; u++)
        for (int i = 0; i < INPUTS; i++)
            t->grads.wide[u][i] =
                (t->slopes.wide[u][i] - t->slopes.wide_bias[u] * t->mean[i]) / t->spread[i];
}

/* Some of the wide layer's values are dropped, the others raised so that the mean stays. */
static void drop(struct trainer *t, uint32_t n)
{
    const uint32_t below = (uint32_t)(DROPPED * 65536.0);
    const float raise = (float)(1.0 / (1.0 - DROPPED));
    for (uint32_t r = 0; r < n; r++)
        for (int u = 0; u < WIDE; u += 4) {
            uint64_t bits = nn_random_bits(&t->random);
            for (int k = 0; k < 4; k++) {
                bool kept = ((bits >> (16 * k)) & 0xFFFFU) >= below;
                t->wide[r][u + k] *= kept ? raise : 0.0F;
            }
        }
}

static void forward(struct trainer *t, const struct rows *rows)
{
    const struct weights *w = &t->plain;
    for (uint32_t r = 0; r < rows->n; r++)
        memcpy(t->wide[r], w->wide_bias, sizeof w->wide_bias);
    /* BLAS takes no rows that overlap: line by line of the window. */
    for (int k = 0; k < WINDOW; k++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows->n, WIDE, FEATURES, 1.0F,
                    rows->x + k * FEATURES, (int)rows->stride, w->wide[0] + k * FEATURES, INPUTS,
                    1.0F, t->wide[0], WIDE);
    for (uint32_t r = 0; r < rows->n; r++)
        for (int u = 0; u < WIDE; u++)
            t->wide[r][u] = t->wide[r][u] > 0.0F ? t->wide[r][u] : 0.0F;
    drop(t, rows->n);
    for (uint32_t r = 0; r < rows->n; r++)
        memcpy(t->narrow[r], w->narrow_bias, sizeof w->narrow_bias);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows->n, NARROW, WIDE, 1.0F,
                t->wide[0], WIDE, w->narrow[0], WIDE, 1.0F, t->narrow[0], NARROW);
    for (uint32_t r = 0; r < rows->n; r++) {
        float sum = w->out_bias;
        for (int u = 0; u < NARROW; u++) {
            t->narrow[r][u] = t->narrow[r][u] > 0.0F ? t->narrow[r][u] : 0.0F;
            sum += w->out[u] * t->narrow[r][u];
        }
        t->logits[r] = sum;
    }
}

/* Adds what `logit_slopes` mean for the weights to `slopes`. After forward() of the same rows. */
static void backward(struct trainer *t, const struct rows *rows)
{
    const float raise = (float)(1.0 / (1.0 - DROPPED));
    struct weights *s = &t->slopes;
    for (uint32_t r = 0; r < rows->n; r++) {
        float slope = t->logit_slopes[r];
        s->out_bias += slope;
        for (int u = 0; u < NARROW; u++) {
            s->out[u] += slope * t->narrow[r][u];
            float back = t->narrow[r][u] > 0.0F ? slope * t->plain.out[u] : 0.0F;
            t->narrow_slopes[r][u] = back;
            s->narrow_bias[u] += back;
        }
    }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, NARROW, WIDE, (int)rows->n, 1.0F,
                t->narrow_slopes[0], NARROW, t->wide[0], WIDE, 1.0F, s->narrow[0], WIDE);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows->n, WIDE, NARROW, 1.0F,
                t->narrow_slopes[0], NARROW, t->plain.narrow[0], WIDE, 0.0F, t->wide_slopes[0],
                WIDE);
    for (uint32_t r = 0; r < rows->n; r++)
        for (int u = 0; u < WIDE; u++) {
            float back = t->wide[r][u] > 0.0F ? raise * t->wide_slopes[r][u] : 0.0F;
            t->wide_slopes[r][u] = back;
            s->wide_bias[u] += back;
        }
    for (int k = 0; k < WINDOW; k++)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, WIDE, FEATURES, (int)rows->n, 1.0F,
                    t->wide_slopes[0], WIDE, rows->x + k * FEATURES, (int)rows->stride, 1.0F,
                    s->wide[0] + k * FEATURES, INPUTS);
}

static float hazard_of(float logit)
{
    return 1.0F / (1.0F + expf(-logit));
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
    return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

/* Where a line's window starts in its frame: the row of the oldest. */
static const float *window_of(const struct nn_event_frame *frame, uint32_t line)
{
    return frame->features + (size_t)line * FEATURES;
}

static void gather(struct trainer *t, const struct nn_event_frame *frames,
                   const struct line_ref *refs, uint32_t n)
{
    for (uint32_t r = 0; r < n; r++) {
        const float *x = window_of(&frames[refs[r].frame], refs[r].line);
        const float *noise = t->noise + nn_random_below(&t->random, NOISE - INPUTS);
        for (int i = 0; i < INPUTS; i++)
            t->gathered[r][i] = x[i] + noise[i] * t->spread[i];
    }
}

/* Lines drawn from a list, `counts` in all against other parts of the loss. Returns theirs. */
static double learn_lines(struct trainer *t, const struct nn_event_frame *frames,
                          const struct list *list, uint32_t n_drawn, double counts)
{
    double total = 0.0;
    double loss = 0.0;
    for (uint32_t i = 0; list->n > 0 && i < n_drawn; i++) {
        t->drawn[i] = list->refs[nn_random_below(&t->random, list->n)];
        total += (double)t->drawn[i].weight;
    }
    if (total <= 0.0)
        return 0.0;
    for (uint32_t from = 0; from < n_drawn; from += CHUNK) {
        const struct line_ref *refs = &t->drawn[from];
        struct rows rows = {.n = n_drawn - from < CHUNK ? n_drawn - from : CHUNK,
                            .x = t->gathered[0],
                            .stride = INPUTS};
        gather(t, frames, refs, rows.n);
        forward(t, &rows);
        for (uint32_t r = 0; r < rows.n; r++) {
            float wanted = frames[refs[r].frame].wanted[refs[r].line];
            double share = counts * (double)refs[r].weight / total;
            double logit = (double)t->logits[r];
            loss += share * (softplus(logit) - (double)wanted * logit);
            t->logit_slopes[r] = (float)share * (hazard_of(t->logits[r]) - wanted);
        }
        backward(t, &rows);
    }
    return loss;
}

/*
 * With quiet = the logarithm of the chance that no line of the frame saw a change: minus the vote's
 * log likelihood, and how that goes with `quiet`.
 */
static double vote_loss(double vote, double quiet, double *ret_slope)
{
    bool held = quiet > SURELY_QUIET;
    double q = held ? SURELY_QUIET : quiet;
    double none = exp(q);
    *ret_slope = held ? 0.0 : vote * none / (1.0 - none);
    if (q > HARDLY_QUIET && !held)
        *ret_slope -= 1.0 - vote;
    return -vote * log1p(-none) - (1.0 - vote) * fmax(q, HARDLY_QUIET);
}

/* One frame of at most CHUNK lines by its vote; longer ones by a part as long, drawn anew. */
static double learn_frame(struct trainer *t, const struct nn_event_frame *frame, double counts)
{
    uint32_t n = frame->lines < CHUNK ? frame->lines : CHUNK;
    uint32_t from = nn_random_below(&t->random, frame->lines - n + 1);
    struct rows rows = {.n = n, .x = window_of(frame, from), .stride = FEATURES};
    forward(t, &rows);
    double quiet = 0.0;
    for (uint32_t r = 0; r < n; r++)
        quiet -= softplus((double)t->logits[r]) / NN_EVENT_REACH;
    double slope;
    double loss = counts * vote_loss((double)frame->vote, quiet, &slope);
    for (uint32_t r = 0; r < n; r++)
        t->logit_slopes[r] = (float)(-counts * slope / NN_EVENT_REACH) * hazard_of(t->logits[r]);
    backward(t, &rows);
    return loss;
}

static double learn_votes(struct trainer *t)
{
    const struct list *lists[] = {&t->yes, &t->no};
    static const uint32_t frames[] = {YES_FRAMES, NO_FRAMES};
    static const double counts[] = {YES_COUNTS, 1.0};
    double total = 0.0;
    double loss = 0.0;
    for (int k = 0; k < 2; k++)
        total += lists[k]->n > 0 ? counts[k] * frames[k] : 0.0;
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; lists[k]->n > 0 && i < frames[k]; i++) {
            const struct line_ref *ref = &lists[k]->refs[nn_random_below(&t->random, lists[k]->n)];
            loss += learn_frame(t, &t->material->recorded[ref->frame],
                                VOTED_COUNTS * counts[k] / total);
        }
    return loss;
}

static double step(struct trainer *t)
{
    const struct nn_event_material *m = t->material;
    fold_inputs(t);
    memset(&t->slopes, 0, sizeof t->slopes);
    double loss = learn_lines(t, m->simulated, &t->simulated, SIMULATED_LINES, 1.0);
    loss += learn_lines(t, m->recorded, &t->marked, MARKED_LINES, MARKED_COUNTS);
    loss += learn_votes(t);
    unfold_slopes(t);
    return loss;
}

/* The optimiser sees one row of numbers. */
static void move(struct trainer *t, struct nn_optimiser *optimiser, float rate)
{
    float weights[WEIGHTS];
    float grads[WEIGHTS];
    memcpy(weights, &t->weights, sizeof weights);
    memcpy(grads, &t->grads, sizeof grads);
    nn_optimiser_step(optimiser, rate, grads, weights);
    memcpy(&t->weights, weights, sizeof weights);
}

static void descend(struct trainer *t, const struct nn_event_train_settings *settings,
                    struct nn_optimiser *optimiser)
{
    struct nn_schedule schedule = {.kind = NN_SCHEDULE_ONE_CYCLE, .rate = RATE};
    double loss = 0.0;
    uint32_t n = 0;
    for (uint32_t done = 1; done <= settings->steps; done++) {
        loss += step(t);
        n++;
        move(t, optimiser, nn_schedule_rate(&schedule, settings->steps, (double)done));
        if (settings->progress && (n == NEWS_EVERY || done == settings->steps)) {
            settings->progress(settings->context, done, loss / (double)n);
            loss = 0.0;
            n = 0;
        }
    }
}

static void write_net(struct trainer *t, struct nn_event_net *ret_net)
{
    fold_inputs(t);
    const struct weights *w = &t->plain;
    for (int u = 0; u < WIDE; u++)
        for (int ago = 0; ago < WINDOW; ago++)
            memcpy(ret_net->wide[u][ago], &w->wide[u][(WINDOW - 1 - ago) * FEATURES],
                   sizeof ret_net->wide[u][ago]);
    memcpy(ret_net->wide_bias, w->wide_bias, sizeof w->wide_bias);
    memcpy(ret_net->narrow, w->narrow, sizeof w->narrow);
    memcpy(ret_net->narrow_bias, w->narrow_bias, sizeof w->narrow_bias);
    memcpy(ret_net->out, w->out, sizeof w->out);
    ret_net->out_bias = w->out_bias;
    ret_net->threshold = 0.5F;
}

static int prepare(struct trainer *t)
{
    int error = list_lines(t, true, &t->simulated);
    if (!error)
        error = list_lines(t, false, &t->marked);
    if (!error)
        error = list_frames(t, true, &t->yes);
    if (!error)
        error = list_frames(t, false, &t->no);
    if (!error && t->simulated.n + t->marked.n + t->yes.n + t->no.n == 0)
        error = -EINVAL;
    if (error)
        return error;
    measure_inputs(t);
    start_weights(t);
    return 0;
}

int nn_event_train(const struct nn_event_material *material,
                   const struct nn_event_train_settings *settings, struct nn_event_net *ret_net)
{
    if (settings->steps == 0)
        return -EINVAL;
    struct trainer *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->material = material;
    t->random = nn_random_seed(settings->seed, 0, 0);
    /* Results must not depend on how many cores there are. */
    openblas_set_num_threads(1);
    struct nn_optimiser_settings adam = nn_optimiser_adam();
    adam.decay = DECAY;
    struct nn_optimiser *optimiser = NULL;
    int error = prepare(t);
    if (!error)
        error = nn_optimiser_create(&adam, WEIGHTS, &optimiser);
    if (!error) {
        descend(t, settings, optimiser);
        write_net(t, ret_net);
    }
    nn_optimiser_destroy(optimiser);
    free(t->simulated.refs);
    free(t->marked.refs);
    free(t->yes.refs);
    free(t->no.refs);
    free(t);
    return error;
}
