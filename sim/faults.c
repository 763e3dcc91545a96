/* A microscope that spoils what another one says. */
#include "sim/faults.h"

#include "sim/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAITING_MAX = 64, /* events held back or made up at any moment; a further one is lost */
    NOT_A_NUMBER_SAMPLES = 10
};

/* Nothing tells a caller how far the clock behind a step has to go: no further than this at once.
 */
static const int64_t STEP_NS = INT64_C(10000000000);

enum phase { WAITS, LASTS, OVER };

struct running {
    struct sim_fault fault;
    enum phase phase;
    int64_t began_ns;
    uint32_t lines; /* met since then */
    struct sim_random random;
};

/* An event to hand on at its time, with samples of its own. */
struct waiting {
    int64_t due_ns;
    struct microscope_event event;
    double *samples; /* owned */
};

struct sim_faults {
    struct microscope inner;
    struct microscope_ops ops; /* the wrapped one's name, our functions */
    struct sim_faults_options options;
    struct running list[SIM_FAULTS_MAX];
    size_t n;
    struct waiting queue[WAITING_MAX];
    size_t n_queue;
    double *spoilt; /* samples of the event just handed on */
    int64_t now_ns; /* of the inner clock */
    int64_t step_ns;
    uint32_t lines, actions; /* seen, begun */
    bool acting;
    bool scan_again; /* the scan was stopped until the late end of an action */
};

static const struct {
    const char *name;
    bool of_lines, has_size, any_sign;
} kinds[SIM_FAULT_COUNT] = {
    [SIM_FAULT_STALL] = {"stall", true, false, false},
    [SIM_FAULT_LOSE] = {"lose", true, false, false},
    [SIM_FAULT_DUPLICATE] = {"duplicate", true, false, false},
    [SIM_FAULT_SWAP] = {"swap", true, false, false},
    [SIM_FAULT_LATE] = {"late", true, true, false},
    [SIM_FAULT_NOT_A_NUMBER] = {"not_a_number", true, false, false},
    [SIM_FAULT_RAIL_CURRENT] = {"rail_current", true, false, false},
    [SIM_FAULT_WIDTH] = {"width", true, false, false},
    [SIM_FAULT_LATE_END] = {"late_end", false, true, false},
    [SIM_FAULT_NO_END] = {"no_end", false, false, false},
    [SIM_FAULT_CLOCK_STEP] = {"clock_step", false, true, true},
    [SIM_FAULT_FREEZE] = {"freeze", false, true, false},
    [SIM_FAULT_RESTART] = {"restart", false, false, false},
};

const char *sim_fault_name(size_t kind)
{
    return kind < SIM_FAULT_COUNT ? kinds[kind].name : NULL;
}

bool sim_fault_has_size(enum sim_fault_kind kind, bool *ret_any_sign)
{
    *ret_any_sign = kinds[kind].any_sign;
    return kinds[kind].has_size;
}

bool sim_fault_is_of_lines(enum sim_fault_kind kind)
{
    return kinds[kind].of_lines;
}

/* ---- which faults are in force ---- */

static void tell(struct sim_faults *f, const struct running *r, bool begins)
{
    if (f->options.told)
        f->options.told(f->options.ctx, &r->fault, begins, f->now_ns + f->step_ns);
}

static void finish(struct sim_faults *f, struct running *r)
{
    r->phase = OVER;
    tell(f, r, false);
}

static void forget_waiting(struct sim_faults *f)
{
    for (size_t i = 0; i < f->n_queue; i++)
        free(f->queue[i].samples);
    f->n_queue = 0;
}

/* Those that happen rather than last. */
static void strike(struct sim_faults *f, struct running *r)
{
    switch (r->fault.kind) {
    case SIM_FAULT_CLOCK_STEP:
        f->step_ns += (int64_t)llround(r->fault.size_s * 1e9);
        break;
    case SIM_FAULT_FREEZE:
        if (f->options.freeze)
            f->options.freeze(f->options.ctx, r->fault.size_s);
        break;
    case SIM_FAULT_RESTART:
        forget_waiting(f);
        f->acting = f->scan_again = false;
        f->inner.ops->abort(f->inner.self);
        f->inner.ops->scan_stop(f->inner.self);
        if (f->options.restart)
            f->options.restart(f->options.ctx);
        break;
    case SIM_FAULT_STALL:
    case SIM_FAULT_LOSE:
    case SIM_FAULT_DUPLICATE:
    case SIM_FAULT_SWAP:
    case SIM_FAULT_LATE:
    case SIM_FAULT_NOT_A_NUMBER:
    case SIM_FAULT_RAIL_CURRENT:
    case SIM_FAULT_WIDTH:
    case SIM_FAULT_LATE_END:
    case SIM_FAULT_NO_END:
    case SIM_FAULT_COUNT:
        return;
    }
    finish(f, r);
}

static void begin_fault(struct sim_faults *f, struct running *r)
{
    r->phase = LASTS;
    r->began_ns = f->now_ns;
    tell(f, r, true);
    strike(f, r);
}

static bool is_due(const struct sim_faults *f, const struct running *r)
{
    switch (r->fault.trigger) {
    case SIM_FAULT_AT_TIME:
        return (double)f->now_ns * 1e-9 >= r->fault.at_s;
    case SIM_FAULT_AT_LINE:
        return f->lines >= r->fault.at;
    case SIM_FAULT_AT_ACTION:
        return f->actions >= r->fault.at;
    }
    return false;
}

static void look_at_clock(struct sim_faults *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct running *r = &f->list[i];
        if (r->phase == WAITS && is_due(f, r))
            begin_fault(f, r);
        if (r->phase == LASTS && r->fault.duration_s > 0 &&
            (double)(f->now_ns - r->began_ns) * 1e-9 >= r->fault.duration_s)
            finish(f, r);
    }
}

/* The one of this kind in force, or NULL. */
static struct running *in_force(struct sim_faults *f, enum sim_fault_kind kind)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].phase == LASTS && f->list[i].fault.kind == kind)
            return &f->list[i];
    return NULL;
}

/* The same for the line at hand, which counts for it and may be spared. */
static const struct sim_fault *meets_line(struct sim_faults *f, enum sim_fault_kind kind)
{
    struct running *r = in_force(f, kind);
    if (!r)
        return NULL;
    bool meant = r->fault.share >= 1 || sim_random_uniform(&r->random) < r->fault.share;
    if (r->fault.lines > 0 && ++r->lines >= r->fault.lines)
        finish(f, r);
    return meant ? &r->fault : NULL;
}

/* ---- events that wait ---- */

static void hold_back(struct sim_faults *f, const struct microscope_event *event, int64_t due_ns)
{
    struct waiting w = {.due_ns = due_ns, .event = *event};
    const struct scan_line *line = &event->data.line;
    if (f->n_queue == WAITING_MAX)
        return; /* lost as well: nobody could tell such a link from a dead one */
    if (event->kind == MICROSCOPE_DATA && line->samples && line->points > 0) {
        w.samples = malloc(line->points * sizeof(double));
        if (!w.samples)
            return;
        memcpy(w.samples, line->samples, line->points * sizeof(double));
        w.event.data.line.samples = w.samples;
    }
    f->queue[f->n_queue++] = w;
}

/* Index of the one due first, or -1. */
static int first_due(const struct sim_faults *f)
{
    int first = -1;
    for (size_t i = 0; i < f->n_queue; i++)
        if (first < 0 || f->queue[i].due_ns < f->queue[first].due_ns)
            first = (int)i;
    return first;
}

static void take_out(struct sim_faults *f, size_t i)
{
    f->n_queue--;
    memmove(f->queue + i, f->queue + i + 1, (f->n_queue - i) * sizeof(f->queue[0]));
}

static bool take_due(struct sim_faults *f, struct microscope_event *ret)
{
    int i = first_due(f);
    if (i < 0 || f->queue[i].due_ns > f->now_ns)
        return false;
    *ret = f->queue[i].event;
    free(f->spoilt);
    f->spoilt = f->queue[i].samples;
    take_out(f, (size_t)i);
    if (ret->kind == MICROSCOPE_ENDED) {
        ret->t_inst_ns = f->now_ns;
        f->acting = false;
        if (f->scan_again)
            f->inner.ops->scan_start(f->inner.self);
        f->scan_again = false;
    }
    return true;
}

static void forget_waiting_end(struct sim_faults *f)
{
    for (size_t i = 0; i < f->n_queue; i++)
        if (f->queue[i].event.kind == MICROSCOPE_ENDED) {
            take_out(f, i);
            return;
        }
}

/* A line that waited for the next one to overtake it; true when there was one. */
static bool let_overtaken_go(struct sim_faults *f)
{
    for (size_t i = 0; i < f->n_queue; i++)
        if (f->queue[i].due_ns == INT64_MAX) {
            f->queue[i].due_ns = f->now_ns;
            return true;
        }
    return false;
}

/* ---- what passes ---- */

/* The line's samples as a copy that may be written to, or NULL. */
static double *own_samples(struct sim_faults *f, struct scan_line *line)
{
    double *copy = line->samples ? malloc(line->points * sizeof(double)) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, line->samples, line->points * sizeof(double));
    free(f->spoilt);
    f->spoilt = copy;
    line->samples = copy;
    return copy;
}

static void spoil_samples(struct sim_faults *f, struct scan_line *line)
{
    bool current = strcmp(line->channel, "I") == 0;
    if (current && in_force(f, SIM_FAULT_RAIL_CURRENT)) {
        double *samples = own_samples(f, line);
        for (uint32_t i = 0; samples && i < line->points; i++)
            samples[i] = f->options.rail_a;
        line->flags |= SCAN_LINE_RAILED;
    }
    if (!current && meets_line(f, SIM_FAULT_NOT_A_NUMBER)) {
        double *samples = own_samples(f, line);
        uint32_t first = line->points / 3;
        for (uint32_t i = first; samples && i < line->points && i < first + NOT_A_NUMBER_SAMPLES;
             i++)
            samples[i] = (double)NAN;
        line->flags |= SCAN_LINE_NOT_FINITE;
    }
    if (!current && meets_line(f, SIM_FAULT_WIDTH))
        line->points -= line->points / 2;
}

/* False: the line goes no further now. */
static bool pass_line(struct sim_faults *f, struct microscope_event *event)
{
    struct scan_line *line = &event->data.line;
    bool height = strcmp(line->channel, "Z") == 0;
    bool overtakes = let_overtaken_go(f);
    if (height) {
        f->lines++;
        look_at_clock(f);
    }
    if (meets_line(f, SIM_FAULT_STALL) || meets_line(f, SIM_FAULT_LOSE))
        return false;
    if (height)
        meets_line(f, SIM_FAULT_RAIL_CURRENT);
    spoil_samples(f, line);
    const struct sim_fault *late = meets_line(f, SIM_FAULT_LATE);
    if (late) {
        hold_back(f, event, f->now_ns + (int64_t)llround(late->size_s * 1e9));
        return false;
    }
    if (meets_line(f, SIM_FAULT_DUPLICATE))
        hold_back(f, event, f->now_ns);
    if (!overtakes && meets_line(f, SIM_FAULT_SWAP)) {
        hold_back(f, event, INT64_MAX);
        return false;
    }
    return true;
}

static bool pass_end(struct sim_faults *f, const struct microscope_event *event)
{
    struct running *r = in_force(f, SIM_FAULT_NO_END);
    if (r) {
        finish(f, r);
        f->acting = false;
        return false;
    }
    r = in_force(f, SIM_FAULT_LATE_END);
    if (r) {
        struct instrument_status status = {0};
        f->inner.ops->status(f->inner.self, &status);
        f->scan_again = status.state == INSTRUMENT_SCANNING;
        if (f->scan_again)
            f->inner.ops->scan_stop(f->inner.self);
        hold_back(f, event, f->now_ns + (int64_t)llround(r->fault.size_s * 1e9));
        finish(f, r);
        return false;
    }
    f->acting = false;
    return true;
}

static bool pass(struct sim_faults *f, struct microscope_event *event)
{
    switch (event->kind) {
    case MICROSCOPE_DATA:
        if (event->data.type == DATA_LINE)
            return pass_line(f, event);
        let_overtaken_go(f);
        return true;
    case MICROSCOPE_ENDED:
        return pass_end(f, event);
    case MICROSCOPE_NOTHING:
    case MICROSCOPE_FINISHED:
        break;
    }
    return true;
}

static void show_time(const struct sim_faults *f, struct microscope_event *event)
{
    event->t_inst_ns += f->step_ns;
    event->data.line.t_inst_ns += f->step_ns;
}

static void faults_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct sim_faults *f = self;
    if (f->step_ns != 0 && until_ns > f->now_ns + STEP_NS)
        until_ns = f->now_ns + STEP_NS;
    look_at_clock(f);
    while (!take_due(f, ret_event)) {
        int first = first_due(f);
        int64_t next_ns = until_ns;
        if (first >= 0 && f->queue[first].due_ns < next_ns)
            next_ns = f->queue[first].due_ns;
        f->inner.ops->advance(f->inner.self, next_ns, ret_event);
        if (ret_event->t_inst_ns > f->now_ns)
            f->now_ns = ret_event->t_inst_ns;
        look_at_clock(f);
        first = first_due(f);
        bool made_room = ret_event->kind == MICROSCOPE_NOTHING && first >= 0 &&
                         f->queue[first].due_ns <= f->now_ns;
        if (!made_room && pass(f, ret_event))
            break;
    }
    show_time(f, ret_event);
}

static int faults_begin(void *self, const struct action *action)
{
    struct sim_faults *f = self;
    if (f->acting)
        return -EBUSY;
    int r = f->inner.ops->begin(f->inner.self, action);
    if (r < 0)
        return r;
    f->acting = true;
    f->actions++;
    return 0;
}

static int faults_scan_start(void *self)
{
    struct sim_faults *f = self;
    return f->acting ? -EBUSY : f->inner.ops->scan_start(f->inner.self);
}

static int faults_scan_stop(void *self)
{
    struct sim_faults *f = self;
    f->scan_again = false;
    return f->inner.ops->scan_stop(f->inner.self);
}

static void faults_abort(void *self)
{
    struct sim_faults *f = self;
    forget_waiting_end(f);
    f->acting = false;
    if (f->scan_again)
        f->inner.ops->scan_start(f->inner.self);
    f->scan_again = false;
    f->inner.ops->abort(f->inner.self);
}

static void faults_safe_state(void *self, double withdraw_m)
{
    struct sim_faults *f = self;
    forget_waiting_end(f);
    f->acting = f->scan_again = false;
    f->inner.ops->safe_state(f->inner.self, withdraw_m);
}

static void faults_status(void *self, struct instrument_status *ret)
{
    struct sim_faults *f = self;
    f->inner.ops->status(f->inner.self, ret);
    ret->t_inst_ns += f->step_ns;
    if (f->acting)
        ret->state = INSTRUMENT_ACTING;
    if (in_force(f, SIM_FAULT_RAIL_CURRENT))
        ret->current_a = f->options.rail_a;
}

/* ---- making and ending ---- */

static bool fault_ok(const struct sim_fault *fault)
{
    bool any_sign, sized = sim_fault_has_size(fault->kind, &any_sign);
    bool when = fault->trigger == SIM_FAULT_AT_TIME ? fault->at_s >= 0 : fault->at > 0;
    return when && fault->duration_s >= 0 && fault->share > 0 && fault->share <= 1 &&
           (!sized || any_sign ? fabs(fault->size_s) <= 1e7 : fault->size_s > 0);
}

int sim_faults_create(const struct sim_faults_options *options, struct microscope inner,
                      struct sim_faults **ret)
{
    if (options->n > SIM_FAULTS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < options->n; i++)
        if (options->list[i].kind >= SIM_FAULT_COUNT || !fault_ok(&options->list[i]))
            return -EINVAL;
    struct sim_faults *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->inner = inner;
    f->options = *options;
    f->n = options->n;
    for (size_t i = 0; i < f->n; i++) {
        struct running *r = &f->list[i];
        r->fault = options->list[i];
        bool endless = r->fault.kind == SIM_FAULT_STALL || r->fault.kind == SIM_FAULT_RAIL_CURRENT;
        if (kinds[r->fault.kind].of_lines && r->fault.duration_s == 0 && r->fault.lines == 0 &&
            !endless)
            r->fault.lines = 1;
        sim_random_seed(&r->random, options->seed, SIM_STREAM_FAULT, i);
    }
    f->options.list = NULL;
    f->ops = (struct microscope_ops){.name = inner.ops->name,
                                     .simulated = inner.ops->simulated,
                                     .advance = faults_advance,
                                     .begin = faults_begin,
                                     .scan_start = faults_scan_start,
                                     .scan_stop = faults_scan_stop,
                                     .abort = faults_abort,
                                     .safe_state = faults_safe_state,
                                     .status = faults_status};
    *ret = f;
    return 0;
}

void sim_faults_destroy(struct sim_faults *f)
{
    if (!f)
        return;
    forget_waiting(f);
    free(f->spoilt);
    free(f);
}

struct microscope sim_faults_microscope(struct sim_faults *faults)
{
    return (struct microscope){.ops = &faults->ops, .self = faults};
}
