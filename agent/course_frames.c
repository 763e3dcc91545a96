/* Frames from begin to end, and the places where they lie. */
#include "agent/course.h"

#include <errno.h>
#include <math.h>

void course_add_place(struct course *course, const struct sites_spot *spot)
{
    if (course->n_spots == SITES_MAX)
        return;
    if (spot->radius_m == 0) {
        course->here = course->n_spots;
        course->new_place = false;
    }
    course->spots[course->n_spots++] = *spot;
}

static double known(double value)
{
    return isfinite(value) ? value : 0;
}

/*
 * The newest place is the one the frame lies on; the first frame of a run fixes the origin to it.
 * True: a place was added.
 */
static bool place_frame(struct course *course, const struct scan_geometry *geometry)
{
    double x_m = known(geometry->x_offset_m), y_m = known(geometry->y_offset_m);
    if (!course->origin_known) {
        bool taken_up = course->n_spots > 0;
        course->origin_x_m = x_m - (taken_up ? course->spots[course->here].x_m : 0);
        course->origin_y_m = y_m - (taken_up ? course->spots[course->here].y_m : 0);
        course->origin_known = true;
    }
    course->area = (struct sites_frame){.x_m = x_m - course->origin_x_m,
                                        .y_m = y_m - course->origin_y_m,
                                        .width_m = known(geometry->width_m),
                                        .height_m = known(geometry->height_m),
                                        .angle_deg = known(geometry->angle_deg)};
    if (!course->new_place || course->n_spots == SITES_MAX)
        return false;
    struct sites_spot spot = {.x_m = course->area.x_m, .y_m = course->area.y_m};
    course_add_place(course, &spot);
    return true;
}

int course_frame_begin(struct course *course, const struct data_message *message)
{
    int r = frame_begin(&course->frame, message->line.scan, &message->geometry);
    course->current_trace = -1;
    if (r < 0)
        return r;
    return place_frame(course, &message->geometry);
}

int course_frame_line(struct course *course, const struct scan_line *line, int *ret_ended)
{
    *ret_ended = -1;
    if (!course->frame.begun || line->scan != course->frame.scan)
        return 0;
    int forward = scan_trace_is_up(line->trace) ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN;
    if (course->current_trace >= 0 && course->current_trace != forward)
        *ret_ended = course->current_trace;
    course->current_trace = forward;
    return frame_add_line(&course->frame, line) == -ENOMEM ? -ENOMEM : 0;
}

int course_frame_end(struct course *course)
{
    int ended = course->current_trace;
    course->current_trace = -1;
    course->frame.begun = false;
    return ended;
}

/* The frame's last verdict, or one without scores. */
static struct verdict last_verdict(const struct course *course, enum scan_trace trace)
{
    struct verdict none = {.t_night_ns = course->t_night_ns};
    if (course->verdict.scan == course->frame.scan && course->verdict.trace == trace)
        return course->verdict;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        none.p[i] = none.p_other[i] = NAN;
    return none;
}

bool course_trace_record(struct course *course, enum scan_trace kind, const char *end,
                         struct journal_frame *ret_frame)
{
    const struct frame *frame = &course->frame;
    const struct frame_trace *trace = &frame->traces[kind];
    if (trace->lines_seen == 0)
        return false;
    *ret_frame = (struct journal_frame){.scan = frame->scan,
                                        .run = frame->run,
                                        .cycle = frame->cycle,
                                        .trace = kind,
                                        .geometry = frame->geometry,
                                        .lines_seen = trace->lines_seen,
                                        .lines_missing = frame->geometry.lines - trace->lines_seen,
                                        .lines_resent = trace->lines_late,
                                        .site = course->site,
                                        .end = end,
                                        .picture = "",
                                        .last = last_verdict(course, kind)};
    course->summary.frames++;
    return true;
}

void course_leave_mark(struct course *course, const struct action *action)
{
    struct sites_spot mark = {.radius_m = sites_radius_m(&course->policy->sites, action)};
    if (mark.radius_m == 0 || course->n_spots == 0)
        return;
    if (course->area.width_m == 0 || course->n_spots == SITES_MAX) {
        course->spots[course->here].used = true;
        return;
    }
    sites_place(&course->area, action->x_frac, action->y_frac, &mark.x_m, &mark.y_m);
    course_add_place(course, &mark);
    course->new_mark = true;
}

bool course_mark(struct course *course, struct sites_spot *ret_mark)
{
    bool fresh = course->new_mark;
    course->new_mark = false;
    if (fresh)
        *ret_mark = course->spots[course->n_spots - 1];
    return fresh;
}

void course_choose_place(const struct course *course, struct action *action)
{
    if (sites_radius_m(&course->policy->sites, action) > 0)
        (void)sites_choose_within(&course->policy->sites, course->spots, course->n_spots,
                                  &course->area, &action->x_frac, &action->y_frac);
}

int course_new_area(const struct course *course, double *ret_dx_m, double *ret_dy_m)
{
    struct sites_spot here = {.x_m = 0};
    double x_m, y_m;
    if (course->n_spots > 0)
        here = course->spots[course->here];
    int r = course->n_spots == SITES_MAX
                ? -ENOSPC
                : sites_choose(&course->policy->sites, course->spots, course->n_spots, here.x_m,
                               here.y_m, &x_m, &y_m);
    if (r < 0)
        return r;
    *ret_dx_m = x_m - here.x_m;
    *ret_dy_m = y_m - here.y_m;
    return 0;
}
