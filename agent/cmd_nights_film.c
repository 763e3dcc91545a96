/* Images of a night as its lines go by. */
#include "agent/cmd_nights.h"
#include "nn/flatten.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = NIGHTS_SHOT_SIDE, MISSING = 255, BRIGHTEST = 250 };

struct nights_camera {
    struct microscope microscope;
    struct nights_film *film;
    uint32_t lines; /* of the frame; 0: none has begun */
    bool up;        /* the pass that is being seen */
    uint32_t seen;  /* rows that have come */
    int64_t t_inst_ns;
    double rows[SIDE][SIDE]; /* flattened, row 0 = bottom */
    bool has[SIDE];
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values between which nearly all of them lie. */
static void contrast(const struct nights_camera *camera, double *ret_low, double *ret_high)
{
    static const double cut = .01;
    double *sorted = malloc(sizeof(camera->rows));
    size_t n = 0;
    if (!sorted)
        abort();
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE && camera->has[y]; x++)
            sorted[n++] = camera->rows[y][x];
    qsort(sorted, n, sizeof(*sorted), by_size);
    *ret_low = n ? sorted[(size_t)(cut * (double)(n - 1))] : 0;
    *ret_high = n ? sorted[(size_t)((1 - cut) * (double)(n - 1))] : 0;
    free(sorted);
}

static void develop(const struct nights_camera *camera, struct nights_shot *shot)
{
    double low, high;
    contrast(camera, &low, &high);
    shot->t_s = (double)camera->t_inst_ns * 1e-9;
    memset(shot->gray, MISSING, sizeof(shot->gray));
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE && camera->has[y]; x++) {
            double share = high > low ? (camera->rows[y][x] - low) / (high - low) : 0;
            shot->gray[(SIDE - 1 - y) * SIDE + x] = (uint8_t)(BRIGHTEST * fmin(fmax(share, 0), 1));
        }
}

/* The pass is over. One that was hardly begun shows nothing. */
static void finish_pass(struct nights_camera *camera)
{
    struct nights_film *film = camera->film;
    if (camera->seen >= SIDE / 3) {
        if (film->n == film->room) {
            film->room = film->room ? 2 * film->room : 64;
            film->list = realloc(film->list, film->room * sizeof(*film->list));
            if (!film->list)
                abort();
        }
        develop(camera, &film->list[film->n++]);
    }
    camera->seen = 0;
    memset(camera->has, 0, sizeof(camera->has));
}

static void see_line(struct nights_camera *camera, const struct scan_line *line)
{
    double flat[SCAN_POINTS_MAX];
    bool up = scan_trace_is_up(line->trace);
    if (!scan_trace_is_forward(line->trace) || camera->lines == 0 || line->points == 0 ||
        line->points > SCAN_POINTS_MAX || line->line >= camera->lines)
        return;
    if (up != camera->up)
        finish_pass(camera);
    camera->up = up;
    camera->t_inst_ns = line->t_inst_ns;
    uint32_t row = line->line * SIDE / camera->lines;
    if (camera->has[row])
        return;
    nn_flatten_line(NN_FLATTEN_LINEAR, line->points, line->samples, NULL, flat);
    for (uint32_t x = 0; x < SIDE; x++)
        camera->rows[row][x] = flat[x * line->points / SIDE];
    camera->has[row] = true;
    camera->seen++;
}

static void camera_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct nights_camera *camera = self;
    camera->microscope.ops->advance(camera->microscope.self, until_ns, ret_event);
    if (ret_event->kind != MICROSCOPE_DATA)
        return;
    const struct data_message *data = &ret_event->data;
    if (data->type == DATA_LINE && data->line.samples)
        see_line(camera, &data->line);
    if (data->type == DATA_SCAN_BEGIN || data->type == DATA_SCAN_END)
        finish_pass(camera);
    if (data->type == DATA_SCAN_BEGIN) {
        camera->lines = data->geometry.lines;
        camera->up = true;
    }
}

static int camera_begin(void *self, const struct action *action)
{
    const struct nights_camera *camera = self;
    return camera->microscope.ops->begin(camera->microscope.self, action);
}

static int camera_scan_start(void *self)
{
    const struct nights_camera *camera = self;
    return camera->microscope.ops->scan_start(camera->microscope.self);
}

static int camera_scan_stop(void *self)
{
    const struct nights_camera *camera = self;
    return camera->microscope.ops->scan_stop(camera->microscope.self);
}

static void camera_abort(void *self)
{
    const struct nights_camera *camera = self;
    camera->microscope.ops->abort(camera->microscope.self);
}

static void camera_safe_state(void *self, double withdraw_m)
{
    const struct nights_camera *camera = self;
    camera->microscope.ops->safe_state(camera->microscope.self, withdraw_m);
}

static void camera_status(void *self, struct instrument_status *ret_status)
{
    const struct nights_camera *camera = self;
    camera->microscope.ops->status(camera->microscope.self, ret_status);
}

struct nights_camera *nights_camera_create(struct microscope microscope, struct nights_film *film)
{
    struct nights_camera *camera = calloc(1, sizeof(*camera));
    if (!camera)
        abort();
    camera->microscope = microscope;
    camera->film = film;
    return camera;
}

void nights_camera_destroy(struct nights_camera *camera)
{
    free(camera);
}

struct microscope nights_camera_microscope(struct nights_camera *camera)
{
    static const struct microscope_ops ops = {.name = "simulated microscope",
                                              .simulated = true,
                                              .advance = camera_advance,
                                              .begin = camera_begin,
                                              .scan_start = camera_scan_start,
                                              .scan_stop = camera_scan_stop,
                                              .abort = camera_abort,
                                              .safe_state = camera_safe_state,
                                              .status = camera_status};
    return (struct microscope){.ops = &ops, .self = camera};
}
