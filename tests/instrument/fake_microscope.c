/* The recording microscope. */
#include "tests/instrument/fake_microscope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const int64_t line_ns = 1000000, action_ns = 5000000;

static void begin_frame(struct fake_microscope *fake)
{
    fake->scan++;
    fake->next = -1;
}

static void fill_data(struct fake_microscope *fake, struct data_message *data)
{
    data->line.scan = fake->scan;
    if (fake->next < 0) {
        data->type = DATA_SCAN_BEGIN;
        data->geometry = (struct scan_geometry){
            .points = FAKE_POINTS, .lines = FAKE_LINES, .width_m = 1e-8, .height_m = 1e-8};
    } else if (fake->next == FAKE_LINES) {
        data->type = DATA_SCAN_END;
        data->end_reason = SCAN_END_COMPLETE;
    } else {
        data->type = DATA_LINE;
        data->line.line = (uint32_t)fake->next;
        data->line.points = FAKE_POINTS;
        snprintf(data->line.channel, sizeof(data->line.channel), "Z");
        for (int i = 0; i < FAKE_POINTS; i++)
            fake->samples[i] = (double)fake->scan + fake->next + i * 1e-9;
        data->line.samples = fake->samples;
    }
}

static void scan_on(struct fake_microscope *fake, struct microscope_event *ret_event)
{
    ret_event->kind = MICROSCOPE_DATA;
    fill_data(fake, &ret_event->data);
    if (fake->next++ < FAKE_LINES)
        return;
    if (fake->frames_left > 0 && --fake->frames_left == 0)
        fake->scanning = false;
    else
        begin_frame(fake);
}

static void fake_advance(void *self, int64_t until_ns, struct microscope_event *ret_event)
{
    struct fake_microscope *fake = self;
    memset(ret_event, 0, sizeof(*ret_event));
    if (fake->acting && !fake->actions_never_end && fake->action_ends_ns <= until_ns) {
        fake->t_ns = fake->action_ends_ns;
        fake->acting = false;
        ret_event->kind = MICROSCOPE_ENDED;
        snprintf(ret_event->text, sizeof(ret_event->text), "ended by itself");
    } else if (fake->scanning && !fake->acting && fake->t_ns + line_ns <= until_ns) {
        fake->t_ns += line_ns;
        scan_on(fake, ret_event);
    } else {
        /* An endless action must not eat all time: a caller that waits for it would never return.
         */
        bool endless = fake->acting && fake->actions_never_end;
        fake->t_ns = endless ? fake->t_ns + line_ns : until_ns;
        ret_event->kind = fake->scan > 0 && !fake->scanning && fake->next > FAKE_LINES
                              ? MICROSCOPE_FINISHED
                              : MICROSCOPE_NOTHING;
    }
    ret_event->t_inst_ns = fake->t_ns;
}

static int fake_begin(void *self, const struct action *action)
{
    struct fake_microscope *fake = self;
    if (fake->acting)
        return -EBUSY;
    if (fake->withdrawn && action->kind != ACTION_APPROACH)
        return -EAGAIN;
    fake->acting = true;
    fake->action_ends_ns = fake->t_ns + action_ns;
    fake->last_action = *action;
    fake->begun++;
    return 0;
}

static int fake_scan_start(void *self)
{
    struct fake_microscope *fake = self;
    fake->withdrawn = false;
    fake->scanning = true;
    begin_frame(fake);
    return 0;
}

static int fake_scan_stop(void *self)
{
    struct fake_microscope *fake = self;
    fake->scanning = false;
    return 0;
}

static void fake_abort(void *self)
{
    struct fake_microscope *fake = self;
    fake->aborted++;
    fake->acting = false;
}

static void fake_safe_state(void *self, double withdraw_m)
{
    struct fake_microscope *fake = self;
    fake->safe++;
    fake->withdraw_m = withdraw_m;
    fake->scanning = false;
    fake->withdrawn = true;
}

static void fake_status(void *self, struct instrument_status *ret_status)
{
    const struct fake_microscope *fake = self;
    ret_status->t_inst_ns = fake->t_ns;
    ret_status->state = fake->acting      ? INSTRUMENT_ACTING
                        : fake->withdrawn ? INSTRUMENT_WITHDRAWN
                        : fake->scanning  ? INSTRUMENT_SCANNING
                                          : INSTRUMENT_IDLE;
    ret_status->feedback_on = true;
    ret_status->z_m = ret_status->current_a = ret_status->bias_v = 0;
}

#define FAKE_OPS                                                                                   \
    .advance = fake_advance, .begin = fake_begin, .scan_start = fake_scan_start,                   \
    .scan_stop = fake_scan_stop, .abort = fake_abort, .safe_state = fake_safe_state,               \
    .status = fake_status

struct microscope fake_microscope(struct fake_microscope *fake)
{
    static const struct microscope_ops simulated = {.name = "fake", .simulated = true, FAKE_OPS};
    static const struct microscope_ops real = {.name = "fake", .simulated = false, FAKE_OPS};
    return (struct microscope){fake->real ? &real : &simulated, fake};
}
