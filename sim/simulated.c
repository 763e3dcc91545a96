/* The simulated microscope: virtual time, frames, actions. */
#include "sim/simulated.h"

#include "sim/disturb.h"
#include "sim/scanner.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.141592653589793
#define FRAME_MAX_M 150e-9

enum phase { IDLE, SCANNING, ACTING, WITHDRAWN };

struct simulated {
    struct simulated_options options;
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_tip tip;
    struct sim_disturbances disturbances;
    int64_t now_ns;
    enum phase phase;
    bool finished;

    /* The frame in progress, or the next one. */
    bool frame_open; /* between scan_begin and scan_end */
    bool end_due;    /* scan_end to be sent before anything else */
    enum scan_end_reason end_reason;
    uint64_t ended_scan; /* what end_due is about */
    uint32_t ended_run, ended_cycle;
    uint64_t scan;
    uint32_t run, cycle;
    uint32_t step;      /* lines done on the way up and down */
    bool backward_next; /* forward of this line has been sent */
    bool current_next;  /* z of this trace has been sent, its current not yet */
    double stop_step;   /* where in the frame, in lines on the way up and down, it stops; < 0: no */
    int64_t due_ns;     /* of the next scan_begin or trace */
    double *forward, *backward, *forward_a, *backward_a;
    bool saturated[2]; /* current of the forward and the backward trace */

    struct action action;
    uint64_t actions;          /* begun so far: stream of their outcomes */
    int64_t active_ns, end_ns; /* of the running action: from when it has its effect, its end */
    bool resume;               /* scan again after it */
    double withdrawn_m;
    double coarse_m; /* lateral motor steps made since the last contact */

    uint64_t shown_apex;  /* whose picture is known, 0: none yet ... */
    enum sim_shows shows; /* ... and what it shows */
};

void simulated_options_default(struct simulated_options *ret)
{
    *ret = (struct simulated_options){.channels = SIM_CHANNEL_Z,
                                      .seed = 1,
                                      .start = -1,
                                      .event_scale = 1,
                                      .points = 300,
                                      .lines = 300,
                                      .frame_m = 3.6e-9,
                                      .line_time_s = .33};
    sim_tip_model_default(&ret->tip);
    sim_instrument_default(&ret->instrument);
}

static int64_t ns(double s)
{
    return (int64_t)llround(s * 1e9);
}

static double now_s(const struct simulated *sim)
{
    return (double)sim->now_ns * 1e-9;
}

static void init_tip(struct simulated *sim)
{
    struct sim_random random;
    int state = sim->options.start;
    if (state < 0) {
        sim_random_seed(&random, sim->options.seed, SIM_STREAM_START, 0);
        state = (int)sim_random_pick(&random, sim->options.tip.start, SIM_TIP_STATE_COUNT);
    }
    sim_tip_init_as(&sim->tip, &sim->options.tip, sim->options.seed, (enum sim_tip_state)state);
}

static bool options_ok(const struct simulated_options *o)
{
    return o->start < SIM_TIP_STATE_COUNT && sim_tip_model_ok(&o->tip) && o->event_scale >= 0 &&
           o->event_scale <= 1000 && o->lines >= 1 && o->lines <= SCAN_LINES_MAX &&
           o->points >= SIM_POINTS_MIN && o->points <= SIM_POINTS_MAX && o->frame_m >= .1e-9 &&
           o->frame_m <= FRAME_MAX_M && o->line_time_s >= 1e-3 && o->line_time_s <= 100 &&
           o->duration_ns >= 0 && (o->channels & SIM_CHANNEL_Z) &&
           sim_instrument_ok(&o->instrument);
}

int simulated_create(const struct simulated_options *options, struct simulated **ret)
{
    if (!options_ok(options))
        return -EINVAL;
    struct simulated *sim = calloc(1, sizeof(*sim));
    if (!sim)
        return -ENOMEM;
    sim->options = *options;
    sim->forward = calloc(options->points, sizeof(double));
    sim->backward = calloc(options->points, sizeof(double));
    sim->forward_a = calloc(options->points, sizeof(double));
    sim->backward_a = calloc(options->points, sizeof(double));
    struct sim_scanner_options scanner = {.seed = options->seed,
                                          .points = options->points,
                                          .lines = options->lines,
                                          .frame_m = options->frame_m,
                                          .line_time_s = options->line_time_s,
                                          .event_scale = options->event_scale,
                                          .instrument = &options->instrument,
                                          .disturbances = &sim->disturbances,
                                          .truth_only = options->truth_only};
    if (!sim->forward || !sim->backward || !sim->forward_a || !sim->backward_a ||
        sim_surface_create(options->surface, options->seed, &sim->surface) < 0 ||
        sim_scanner_create(&scanner, sim->surface, &sim->scanner) < 0) {
        simulated_destroy(sim);
        return -ENOMEM;
    }
    init_tip(sim);
    *ret = sim;
    return 0;
}

void simulated_destroy(struct simulated *sim)
{
    if (!sim)
        return;
    sim_scanner_destroy(sim->scanner);
    sim_surface_destroy(sim->surface);
    free(sim->forward);
    free(sim->backward);
    free(sim->forward_a);
    free(sim->backward_a);
    free(sim);
}

int simulated_disturb(struct simulated *sim, const struct sim_disturbance *disturbance)
{
    struct sim_disturbance from_now = *disturbance;
    if (from_now.start_s < now_s(sim))
        from_now.start_s = now_s(sim);
    sim_disturbances_expire(&sim->disturbances, now_s(sim));
    return sim_disturbances_add(&sim->disturbances, &from_now);
}

const struct sim_tip *simulated_tip(const struct simulated *sim)
{
    return &sim->tip;
}

struct scan_geometry simulated_geometry(const struct simulated *sim)
{
    const struct simulated_options *o = &sim->options;
    struct scan_geometry g = {.points = o->points,
                              .lines = o->lines,
                              .x_retrace = true,
                              .y_retrace = true,
                              .width_m = o->frame_m,
                              .height_m = o->frame_m,
                              .angle_deg = 0,
                              .raster_time_s = o->line_time_s / (2.0 * o->points),
                              .bias_v = sim_scanner_bias_v(sim->scanner, now_s(sim)),
                              .setpoint_a = o->instrument.setpoint_a};
    sim_scanner_centre(sim->scanner, &g.x_offset_m, &g.y_offset_m);
    return g;
}

/* Frames. */

static void start_run(struct simulated *sim)
{
    sim->phase = SCANNING;
    sim->run++;
    sim->cycle = 1;
    sim->due_ns = sim->now_ns;
}

/* The frame in progress ends here; the line in progress is lost. */
static void end_frame(struct simulated *sim, enum scan_end_reason reason)
{
    if (!sim->frame_open)
        return;
    sim->frame_open = false;
    sim->end_due = true;
    sim->end_reason = reason;
    sim->ended_scan = sim->scan;
    sim->ended_run = sim->run;
    sim->ended_cycle = sim->cycle;
}

static bool scanning_up(const struct simulated *sim)
{
    return sim->step < sim->options.lines;
}

static uint32_t current_line(const struct simulated *sim)
{
    return scanning_up(sim) ? sim->step : 2 * sim->options.lines - 1 - sim->step;
}

static void fill_data(const struct simulated *sim, enum data_type type,
                      struct microscope_event *event)
{
    event->kind = MICROSCOPE_DATA;
    event->scale = 1;
    event->data.type = type;
    event->data.simulated = true;
    event->data.line.scan = sim->scan;
    event->data.line.run = sim->run;
    event->data.line.cycle = sim->cycle;
    event->data.line.t_inst_ns = sim->now_ns;
    event->data.line.flags = type == DATA_LINE ? SCAN_LINE_SIMULATED : 0;
}

/* An image is a frame's way up, or down. */
static void draw_stop(struct simulated *sim)
{
    double share = sim->options.instrument.incomplete_share;
    struct sim_random random;
    sim->stop_step = -1;
    sim_random_seed(&random, sim->options.seed, SIM_STREAM_STOP, sim->scan);
    for (uint32_t image = 0; image < 2 && sim->stop_step < 0; image++)
        if (sim_random_uniform(&random) < share)
            sim->stop_step = sim->options.lines * (image + sim_instrument_draw_stop(&random));
}

static void send_begin(struct simulated *sim, struct microscope_event *event)
{
    sim->frame_open = true;
    sim->scan++;
    sim->step = 0;
    sim->backward_next = sim->current_next = false;
    sim->due_ns = sim->now_ns + ns(sim->options.line_time_s / 2);
    draw_stop(sim);
    sim_scanner_begin_frame(sim->scanner);
    fill_data(sim, DATA_SCAN_BEGIN, event);
    event->data.geometry = simulated_geometry(sim);
}

static void send_end(struct simulated *sim, struct microscope_event *event)
{
    sim->end_due = false;
    fill_data(sim, DATA_SCAN_END, event);
    event->data.line.scan = sim->ended_scan;
    event->data.line.run = sim->ended_run;
    event->data.line.cycle = sim->ended_cycle;
    event->data.end_reason = sim->end_reason;
}

/* The apex's own picture, worked out once per apex: on the rows of the first terrace. */
static enum sim_shows shown(struct simulated *sim)
{
    const struct sim_tip *tip = &sim->tip;
    if (sim->shown_apex != tip->serial)
        sim->shows = sim_shows(tip->apices, tip->n_apices, &tip->contrast,
                               sim_surface_direction(sim->surface));
    sim->shown_apex = tip->serial;
    return sim->shows;
}

static void tell_line(struct simulated *sim, const struct sim_line *line)
{
    if (!sim->options.truth)
        return;
    struct simulated_truth truth = {.kind = SIMULATED_LINE,
                                    .t_inst_ns = sim->now_ns,
                                    .run = sim->run,
                                    .cycle = sim->cycle,
                                    .line = current_line(sim),
                                    .up = scanning_up(sim),
                                    .state = sim->tip.state,
                                    .apex = sim->tip.serial,
                                    .shows = shown(sim),
                                    .event = line->event.kind,
                                    .event_at = line->event.at,
                                    .changed = line->event.kind == SIM_TIP_CHANGE,
                                    .crashed = line->crashed};
    sim->options.truth(sim->options.truth_ctx, &truth);
}

static void render_line(struct simulated *sim)
{
    bool current = sim->options.channels & SIM_CHANNEL_I;
    struct sim_line line = {.forward = sim->forward,
                            .backward = sim->backward,
                            .forward_a = current ? sim->forward_a : NULL,
                            .backward_a = current ? sim->backward_a : NULL};
    sim_scanner_line(sim->scanner, &sim->tip, current_line(sim), now_s(sim), &line);
    memcpy(sim->saturated, line.saturated, sizeof(sim->saturated));
    if (line.crashed) {
        struct action deep = {.kind = ACTION_CRASH, .depth_m = 5e-9};
        struct sim_random random;
        sim_random_seed(&random, sim->options.seed, SIM_STREAM_TOUCH, ~sim->scan);
        sim_surface_mark(sim->surface, &deep, line.crash_x_m, line.crash_y_m, &random);
    }
    tell_line(sim, &line);
}

static void fill_trace(const struct simulated *sim, struct microscope_event *event)
{
    bool up = scanning_up(sim);
    struct scan_line *line = &event->data.line;
    fill_data(sim, DATA_LINE, event);
    line->line = current_line(sim);
    line->trace = sim->backward_next ? (up ? SCAN_BACKWARD_UP : SCAN_BACKWARD_DOWN)
                                     : (up ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN);
    line->channel[0] = sim->current_next ? 'I' : 'Z';
    line->points = sim->options.points;
    line->samples = sim->backward_next ? sim->backward : sim->forward;
    if (sim->current_next)
        line->samples = sim->backward_next ? sim->backward_a : sim->forward_a;
    if (sim->current_next && sim->saturated[sim->backward_next])
        line->flags |= SCAN_LINE_RAILED;
}

/* How much of the trace that comes next is scanned: less than 1, and the scan stops in it. */
static double scanned_part(struct simulated *sim)
{
    struct sim_disturbance stop;
    double part = 1;
    if (sim->stop_step >= 0)
        part = 2 * (sim->stop_step - sim->step) - sim->backward_next;
    if (sim_disturbances_take(&sim->disturbances, SIM_PARTIAL_LINE, now_s(sim), &stop))
        part = fmin(part, stop.magnitude);
    return part;
}

/* What was not scanned any more is no number. The scan is off afterwards. */
static void cut_trace(struct simulated *sim, double part, struct microscope_event *event)
{
    double *samples = sim->backward_next ? sim->backward : sim->forward;
    uint32_t n = sim->options.points;
    for (uint32_t k = (uint32_t)fmax(0, part * n); k < n; k++)
        samples[sim->backward_next ? n - 1 - k : k] = (double)NAN;
    event->data.line.flags |= SCAN_LINE_PARTIAL;
    end_frame(sim, SCAN_END_STOPPED);
    sim->phase = IDLE;
}

static void pass_trace(struct simulated *sim)
{
    sim->due_ns += ns(sim->options.line_time_s / 2);
    if (sim->backward_next && ++sim->step == 2 * sim->options.lines) {
        end_frame(sim, SCAN_END_COMPLETE);
        sim->cycle++;
        sim->due_ns = sim->now_ns + ns(sim->options.instrument.turn_s);
    }
    sim->backward_next = !sim->backward_next;
}

static void send_trace(struct simulated *sim, struct microscope_event *event)
{
    if (!sim->current_next && !sim->backward_next)
        render_line(sim);
    fill_trace(sim, event);
    double part = sim->current_next ? 1 : scanned_part(sim);
    if (part < 1) {
        cut_trace(sim, part, event);
        return;
    }
    if (sim->options.channels & SIM_CHANNEL_I)
        sim->current_next = !sim->current_next;
    if (!sim->current_next)
        pass_trace(sim);
}

/* Actions. */

static double action_time_s(const struct sim_instrument *i, const struct action *action,
                            double *ret_active_s)
{
    *ret_active_s = 0;
    switch (action->kind) {
    case ACTION_PULSE:
        *ret_active_s = i->travel_s;
        return 2 * i->travel_s + action->count * (action->duration_s + i->settle_pulse_s);
    case ACTION_CRASH:
        *ret_active_s = i->travel_s;
        return 2 * i->travel_s + i->settle_crash_s + 2 * action->depth_m / action->speed_m_per_s +
               action->dwell_s;
    case ACTION_NECK:
        *ret_active_s = i->travel_s;
        return 2 * i->travel_s + fmin(action->duration_s, 10);
    case ACTION_RETRACT:
        return i->retract_s + i->motor_step_s * (action->coarse_steps + action->lateral_steps);
    case ACTION_APPROACH:
        *ret_active_s = i->approach_s;
        return i->approach_s;
    case ACTION_REIMAGE:
        *ret_active_s = i->move_s;
        return i->move_s;
    case ACTION_KIND_COUNT:
        break;
    }
    return 0;
}

/* Chance that an action ends in a contact that nobody wanted. Chosen, not measured. */
static double p_crash(const struct action *action)
{
    if (action->kind == ACTION_APPROACH)
        return .01;
    if (action->kind == ACTION_CRASH)
        return action->depth_m <= 1.2e-9 ? .0005 : action->depth_m <= 3e-9 ? .005 : .02;
    return action->kind == ACTION_NECK ? .02 : 0;
}

static void move_after(struct simulated *sim, const struct action *action,
                       struct sim_random *random)
{
    if (action->kind == ACTION_REIMAGE) {
        sim_scanner_move(sim->scanner, action->dx_m, action->dy_m, now_s(sim));
    } else if (action->kind == ACTION_RETRACT && action->lateral_steps > 0) {
        sim->coarse_m += action->lateral_steps * sim->options.instrument.lateral_step_m;
    } else if (action->kind == ACTION_APPROACH && sim->coarse_m > 0) {
        double angle = sim_random_range(random, 0, 2 * PI);
        double way_m = sim->coarse_m * sim_random_range(random, .6, 1.4);
        sim_scanner_coarse_move(sim->scanner, way_m * cos(angle), way_m * sin(angle), now_s(sim));
        sim->coarse_m = 0;
    }
}

/* The action's effect on tip, surface and place. Returns true for an unwanted crash. */
static bool take_effect(struct simulated *sim)
{
    const struct action *action = &sim->action;
    struct sim_random random;
    double x_m, y_m;
    sim_random_seed(&random, sim->options.seed, SIM_STREAM_ACTION, sim->actions);
    sim_scanner_surface_at(sim->scanner, action->x_frac, action->y_frac, now_s(sim), &x_m, &y_m);
    bool changed = sim_tip_act(&sim->tip, action, &random);
    sim_surface_mark(sim->surface, action, x_m, y_m, &random);
    bool crashed = sim_random_uniform(&random) < p_crash(action);
    if (crashed) {
        struct action deep = {.kind = ACTION_CRASH, .depth_m = 5e-9};
        sim_tip_wreck(&sim->tip, &random);
        sim_surface_mark(sim->surface, &deep, x_m, y_m, &random);
    }
    move_after(sim, action, &random);
    if (sim->options.truth) {
        struct simulated_truth truth = {.kind = SIMULATED_ACTION,
                                        .t_inst_ns = sim->now_ns,
                                        .run = sim->run,
                                        .cycle = sim->cycle,
                                        .state = sim->tip.state,
                                        .apex = sim->tip.serial,
                                        .shows = shown(sim),
                                        .action = *action,
                                        .changed = changed || crashed,
                                        .crashed = crashed};
        sim->options.truth(sim->options.truth_ctx, &truth);
    }
    return crashed;
}

static void finish_action(struct simulated *sim, struct microscope_event *event)
{
    bool crashed = take_effect(sim);
    if (sim->action.kind == ACTION_RETRACT)
        sim->phase = WITHDRAWN;
    else if (sim->resume || sim->action.kind == ACTION_REIMAGE)
        start_run(sim);
    else
        sim->phase = IDLE;
    if (sim->action.kind == ACTION_RETRACT)
        sim->withdrawn_m = sim->options.instrument.z_end_m;
    if (sim->action.kind == ACTION_APPROACH)
        sim->withdrawn_m = 0;
    event->kind = MICROSCOPE_ENDED;
    event->crash_detected = crashed;
    if (crashed)
        snprintf(event->text, sizeof(event->text), "current saturated after the action");
}

/* Whether the place of an action is within the scanner's reach after it. */
static bool in_reach(const struct simulated *sim, const struct action *action)
{
    struct scan_geometry g = simulated_geometry(sim);
    double half_m = sim->options.frame_m / 2, reach_m = sim->options.instrument.reach_m;
    return fabs(g.x_offset_m + action->dx_m) + half_m <= reach_m &&
           fabs(g.y_offset_m + action->dy_m) + half_m <= reach_m;
}

static int simulated_begin(void *self, const struct action *action)
{
    struct simulated *sim = self;
    double active_s;
    if (sim->phase == ACTING)
        return -EBUSY;
    if (sim->finished)
        return -EAGAIN;
    bool away = sim->phase == WITHDRAWN;
    if (away ? action->kind != ACTION_APPROACH && action->kind != ACTION_RETRACT
             : action->kind == ACTION_APPROACH)
        return -EAGAIN;
    if (action->kind == ACTION_REIMAGE && !in_reach(sim, action))
        return -ERANGE;
    sim->resume = sim->phase == SCANNING && action->kind != ACTION_RETRACT;
    end_frame(sim, sim->resume ? SCAN_END_RESTARTED : SCAN_END_STOPPED);
    sim->phase = ACTING;
    sim->action = *action;
    sim->actions++;
    double whole_s = action_time_s(&sim->options.instrument, action, &active_s);
    sim->active_ns = sim->now_ns + ns(active_s);
    sim->end_ns = sim->now_ns + ns(whole_s);
    return 0;
}

/* What the tip has touched by then, it has touched. */
static void simulated_abort(void *self)
{
    struct simulated *sim = self;
    if (sim->phase != ACTING)
        return;
    bool away = sim->action.kind == ACTION_RETRACT ||
                (sim->action.kind == ACTION_APPROACH && sim->withdrawn_m > 0);
    if (sim->now_ns >= sim->active_ns)
        take_effect(sim);
    if (away) {
        sim->phase = WITHDRAWN;
        sim->withdrawn_m = sim->options.instrument.z_end_m;
    } else if (sim->resume) {
        start_run(sim);
    } else {
        sim->phase = IDLE;
    }
}

static void simulated_safe_state(void *self, double withdraw_m)
{
    struct simulated *sim = self;
    simulated_abort(sim);
    end_frame(sim, SCAN_END_STOPPED);
    sim->phase = WITHDRAWN;
    sim->withdrawn_m = fmax(sim->withdrawn_m, withdraw_m);
}

static int simulated_scan_start(void *self)
{
    struct simulated *sim = self;
    if (sim->phase == ACTING)
        return -EBUSY;
    if (sim->phase == WITHDRAWN || sim->finished)
        return -EAGAIN;
    end_frame(sim, SCAN_END_RESTARTED);
    start_run(sim);
    return 0;
}

static int simulated_scan_stop(void *self)
{
    struct simulated *sim = self;
    if (sim->phase == ACTING)
        sim->resume = false;
    if (sim->phase != SCANNING)
        return 0;
    end_frame(sim, SCAN_END_STOPPED);
    sim->phase = IDLE;
    return 0;
}

static void simulated_status(void *self, struct instrument_status *ret)
{
    static const enum instrument_state states[] = {
        [IDLE] = INSTRUMENT_IDLE,
        [SCANNING] = INSTRUMENT_SCANNING,
        [ACTING] = INSTRUMENT_ACTING,
        [WITHDRAWN] = INSTRUMENT_WITHDRAWN,
    };
    const struct simulated *sim = self;
    bool acting = sim->phase == ACTING && sim->action.kind != ACTION_REIMAGE;
    ret->state = states[sim->phase];
    ret->t_inst_ns = sim->now_ns;
    ret->z_m = sim_scanner_z_m(sim->scanner, now_s(sim)) + sim->withdrawn_m;
    ret->current_a = sim->phase == WITHDRAWN ? 0
                     : acting                ? (double)NAN
                                             : sim_scanner_current_a(sim->scanner, now_s(sim));
    ret->bias_v = acting && sim->action.kind == ACTION_PULSE
                      ? sim->action.voltage_v
                      : sim_scanner_bias_v(sim->scanner, now_s(sim));
    ret->feedback_on = !acting;
}

/* The next thing that happens by itself; its time is at most until_ns. */
static bool next_event(struct simulated *sim, int64_t until_ns, struct microscope_event *event)
{
    if (sim->phase == ACTING) {
        if (sim->end_ns > until_ns)
            return false;
        sim->now_ns = sim->end_ns;
        finish_action(sim, event);
        return true;
    }
    if (sim->phase != SCANNING || sim->due_ns > until_ns)
        return false;
    sim->now_ns = sim->due_ns;
    if (sim->frame_open)
        send_trace(sim, event);
    else
        send_begin(sim, event);
    return true;
}

static void simulated_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct simulated *sim = self;
    int64_t night_ns = sim->options.duration_ns;
    memset(ret_event, 0, sizeof(*ret_event));
    bool last = night_ns && until_ns >= night_ns;
    if (last)
        until_ns = night_ns;
    if (sim->end_due) {
        send_end(sim, ret_event);
    } else if (!next_event(sim, until_ns, ret_event)) {
        if (until_ns > sim->now_ns)
            sim->now_ns = until_ns;
        if (last && sim->frame_open) {
            end_frame(sim, SCAN_END_STOPPED);
            sim->phase = IDLE;
            send_end(sim, ret_event);
        } else if (last) {
            sim->finished = true;
            ret_event->kind = MICROSCOPE_FINISHED;
        }
    }
    ret_event->t_inst_ns = sim->now_ns;
}

static const struct microscope_ops simulated_ops = {
    .name = "simulated microscope",
    .simulated = true,
    .advance = simulated_advance,
    .begin = simulated_begin,
    .scan_start = simulated_scan_start,
    .scan_stop = simulated_scan_stop,
    .abort = simulated_abort,
    .safe_state = simulated_safe_state,
    .status = simulated_status,
};

struct microscope simulated_microscope(struct simulated *sim)
{
    return (struct microscope){.ops = &simulated_ops, .self = sim};
}
