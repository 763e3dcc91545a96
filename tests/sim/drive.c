/* A microscope driven by a script. */
#include "drive.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void drive_init(struct drive *drive, struct microscope microscope)
{
    memset(drive, 0, sizeof(*drive));
    drive->microscope = microscope;
}

void drive_finish(struct drive *drive)
{
    free(drive->messages);
}

static uint64_t hash_samples(const struct scan_line *line)
{
    uint64_t h = 1469598103934665603u;
    for (uint32_t i = 0; i < line->points; i++) {
        uint64_t bits;
        memcpy(&bits, &line->samples[i], sizeof(bits));
        h = (h ^ bits) * 1099511628211u;
        h ^= h >> 29;
    }
    return h;
}

static void collect(struct drive *drive, const struct microscope_event *event)
{
    const struct data_message *data = &event->data;
    if (drive->n == drive->room) {
        drive->room = drive->room ? 2 * drive->room : 256;
        drive->messages = realloc(drive->messages, drive->room * sizeof(*drive->messages));
        ck_assert_ptr_nonnull(drive->messages);
    }
    struct drive_message *m = &drive->messages[drive->n++];
    *m = (struct drive_message){.type = data->type,
                                .end_reason = data->end_reason,
                                .scan = data->line.scan,
                                .run = data->line.run,
                                .cycle = data->line.cycle,
                                .line = data->line.line,
                                .trace = data->line.trace,
                                .flags = data->line.flags,
                                .t_inst_ns = data->line.t_inst_ns,
                                .geometry = data->geometry};
    memcpy(m->text, data->text, sizeof(m->text));
    if (data->type != DATA_LINE)
        return;
    ck_assert_uint_le(data->line.points, 8192);
    m->hash = hash_samples(&data->line);
    memcpy(drive->last, data->line.samples, data->line.points * sizeof(double));
    if (drive->first[0] == 0)
        memcpy(drive->first, drive->last, sizeof(drive->first));
}

/* One event; false when nothing happened up to this time. */
static bool step(struct drive *drive, int64_t until_ns)
{
    struct microscope_event event;
    drive->microscope.ops->advance(drive->microscope.self, until_ns, &event);
    ck_assert_int_ge(event.t_inst_ns, drive->now_ns);
    drive->now_ns = event.t_inst_ns;
    switch (event.kind) {
    case MICROSCOPE_DATA:
        collect(drive, &event);
        return true;
    case MICROSCOPE_ENDED:
        drive->ended++;
        drive->crash_detected |= event.crash_detected;
        return true;
    case MICROSCOPE_FINISHED:
        drive->finished = true;
        return false;
    case MICROSCOPE_NOTHING:
        break;
    }
    return false;
}

void drive_to(struct drive *drive, int64_t until_ns, int64_t slice_ns)
{
    while (drive->now_ns < until_ns && !drive->finished) {
        int64_t next_ns = drive->now_ns + slice_ns < until_ns ? drive->now_ns + slice_ns : until_ns;
        while (step(drive, next_ns))
            continue;
    }
}

void drive_messages(struct drive *drive, size_t n)
{
    int64_t limit_ns = drive->now_ns + INT64_C(3600000000000);
    while (drive->n < n && step(drive, limit_ns))
        continue;
}
