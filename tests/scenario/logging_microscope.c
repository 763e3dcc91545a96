/*
 * An instrument that is made to be killed: the real instrument end over a microscope of ten-line
 * frames, which writes every action to a file, by one write(2) to an O_APPEND descriptor, before
 * anything else comes of it. A SIGKILL loses nothing of such a file, so it is the witness of what
 * was executed.
 *
 * A line: begin ID KIND then every parameter of the kind, name=value, exact to the last bit (%a).
 *
 * Usage: logging_microscope DATA_ENDPOINT COMMAND_ENDPOINT LOG
 */
#include "instrument/limits.h"
#include "instrument/microscope_end.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { POINTS = 32, LINES = 10 };

static const int64_t LINE_NS = 2000000000;
static const int64_t ACTION_NS = 500000000;

struct microscope_state {
    int64_t t_ns, action_ends_ns;
    bool scanning, acting, withdrawn;
    uint64_t scan;
    uint32_t cycle;
    int next;        /* -1: scan_begin, 0 .. LINES - 1, LINES: scan_end */
    bool cut;        /* an action has ended the frame */
    double x_m, y_m; /* where the frame lies */
    double samples[POINTS];
    int log_fd;
    uint64_t accepted_id; /* of the command that is about to begin */
};

static void begin_frame(struct microscope_state *m)
{
    m->scan++;
    m->cycle++;
    m->next = -1;
    m->cut = false;
}

/* Rough enough to be a surface and not so rough as to be a bad area. */
static void fill_samples(struct microscope_state *m)
{
    for (int i = 0; i < POINTS; i++)
        m->samples[i] = 1e-11 * (double)((i * 7 + m->next * 3) % 11);
}

static void fill_data(struct microscope_state *m, struct data_message *data)
{
    data->line.scan = m->scan;
    data->line.run = 1;
    data->line.cycle = m->cycle;
    if (m->next < 0) {
        data->type = DATA_SCAN_BEGIN;
        data->geometry = (struct scan_geometry){.points = POINTS,
                                                .lines = LINES,
                                                .width_m = 4e-9,
                                                .height_m = 4e-9,
                                                .x_offset_m = m->x_m,
                                                .y_offset_m = m->y_m,
                                                .raster_time_s = 0.03,
                                                .bias_v = -2,
                                                .setpoint_a = 5e-11};
    } else if (m->cut || m->next == LINES) {
        data->type = DATA_SCAN_END;
        data->end_reason = m->cut ? SCAN_END_RESTARTED : SCAN_END_COMPLETE;
    } else {
        data->type = DATA_LINE;
        data->line.line = (uint32_t)m->next;
        data->line.trace = SCAN_FORWARD_UP;
        data->line.points = POINTS;
        snprintf(data->line.channel, sizeof(data->line.channel), "Z");
        fill_samples(m);
        data->line.samples = m->samples;
    }
}

static void scan_on(struct microscope_state *m, struct microscope_event *ret_event)
{
    ret_event->kind = MICROSCOPE_DATA;
    fill_data(m, &ret_event->data);
    if (ret_event->data.type == DATA_SCAN_END)
        begin_frame(m);
    else
        m->next++;
}

static void advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct microscope_state *m = self;
    memset(ret_event, 0, sizeof(*ret_event));
    if (m->acting && m->action_ends_ns <= until_ns) {
        m->t_ns = m->action_ends_ns;
        m->acting = false;
        ret_event->kind = MICROSCOPE_ENDED;
    } else if (m->scanning && !m->acting && m->t_ns + LINE_NS <= until_ns) {
        m->t_ns += LINE_NS;
        scan_on(m, ret_event);
    } else {
        m->t_ns = until_ns;
    }
    ret_event->t_inst_ns = m->t_ns;
}

static void write_log(const struct microscope_state *m, const struct action *action)
{
    char line[512];
    size_t n, length;
    const struct action_parameter *list = action_parameters(action->kind, &n);
    length = (size_t)snprintf(line, sizeof(line), "begin %" PRIu64 " %s", m->accepted_id,
                              action_kind_name(action->kind));
    for (size_t i = 0; i < n; i++)
        length += (size_t)snprintf(line + length, sizeof(line) - length, " %s=%a", list[i].name,
                                   action_get(action, &list[i]));
    line[length++] = '\n';
    if (write(m->log_fd, line, length) != (ssize_t)length)
        _exit(1);
}

static int begin(void *self, const struct action *action)
{
    struct microscope_state *m = self;
    write_log(m, action);
    if (m->acting)
        return -EBUSY;
    if (m->withdrawn && action->kind != ACTION_APPROACH)
        return -EAGAIN;
    if (action->kind == ACTION_REIMAGE) {
        m->x_m += action->dx_m;
        m->y_m += action->dy_m;
    }
    m->withdrawn = action->kind == ACTION_RETRACT;
    m->cut = m->scanning;
    m->acting = true;
    m->action_ends_ns = m->t_ns + ACTION_NS;
    return 0;
}

static int scan_start(void *self)
{
    struct microscope_state *m = self;
    if (m->withdrawn)
        return -EAGAIN;
    m->scanning = true;
    begin_frame(m);
    return 0;
}

static int scan_stop(void *self)
{
    struct microscope_state *m = self;
    m->scanning = false;
    return 0;
}

static void abort_action(void *self)
{
    struct microscope_state *m = self;
    m->acting = false;
}

static void safe_state(void *self, double withdraw_m)
{
    struct microscope_state *m = self;
    (void)withdraw_m;
    m->scanning = false;
    m->withdrawn = true;
}

static void status(void *self, struct instrument_status *ret_status)
{
    const struct microscope_state *m = self;
    ret_status->t_inst_ns = m->t_ns;
    ret_status->state = m->acting      ? INSTRUMENT_ACTING
                        : m->withdrawn ? INSTRUMENT_WITHDRAWN
                        : m->scanning  ? INSTRUMENT_SCANNING
                                       : INSTRUMENT_IDLE;
    ret_status->feedback_on = true;
    ret_status->z_m = 0;
    ret_status->current_a = 5e-11;
    ret_status->bias_v = -2;
}

static void on_event(void *ctx, const struct command_event *event)
{
    struct microscope_state *m = ctx;
    if (event->state == COMMAND_ACCEPTED)
        m->accepted_id = event->id;
}

static int serve(struct microscope_state *m, const char *data, const char *command)
{
    static const struct microscope_ops ops = {.name = "logging microscope",
                                              .simulated = true,
                                              .advance = advance,
                                              .begin = begin,
                                              .scan_start = scan_start,
                                              .scan_stop = scan_stop,
                                              .abort = abort_action,
                                              .safe_state = safe_state,
                                              .status = status};
    static const struct microscope_end_callbacks callbacks = {.event = on_event};
    struct microscope_end_options options = {
        .data_endpoint = data, .command_endpoint = command, .start_scanning = true};
    struct instrument_limits limits;
    struct zsock_hub *hub;
    struct microscope_end *end;
    uv_loop_t loop;
    limits_default(ACTION_PROFILE_SILICON, &limits);
    options.limits = limits.limits;
    options.withdraw_m = limits.withdraw_m;
    uv_loop_init(&loop);
    if (zsock_hub_create(&loop, zmq_ctx_new(), &hub) < 0)
        return 1;
    int r = microscope_end_create(hub, &options, (struct microscope){&ops, m}, &callbacks, m, &end);
    if (r < 0) {
        fprintf(stderr, "logging_microscope: %s\n", strerror(-r));
        return 1;
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    struct microscope_state m = {0};
    if (argc != 4) {
        fputs("logging_microscope: two endpoints and a log file are needed\n", stderr);
        return 2;
    }
    m.log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (m.log_fd < 0) {
        fprintf(stderr, "logging_microscope: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    return serve(&m, argv[1], argv[2]);
}
