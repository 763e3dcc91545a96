/* Order, gaps and fates of data messages. */
#include "agent/intake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 1024,    /* numbers that may wait, about four frames' worth of a slow worker */
    MEMORY = 4096,    /* numbers behind us whose fate is remembered */
    RESEND_MAX = 3,   /* requests per gap */
    RESEND_SPAN = 512 /* numbers per request */
};

/* After this long without an answer the request is repeated, or the gap given up. */
static const int64_t RESEND_WAIT_NS = 250000000;

/* What is remembered of a number behind us. */
enum { MEMORY_NONE, MEMORY_RELEASED, MEMORY_MISSING };

struct slot {
    bool filled;
    int64_t arrived_ns;
    struct data_message message;
    double *samples; /* owned; message.line.samples points here */
    uint32_t room;   /* samples that fit */
};

struct intake {
    char session[SESSION_ID_MAX];
    bool started;                /* a first message of the session has come */
    uint64_t next;               /* number to hand on next */
    uint64_t highest;            /* highest number received or announced by status */
    uint64_t highest_got;        /* highest number received */
    uint64_t far;                /* the last number that had no room */
    uint64_t lost_from, lost_to; /* announced by a gap message: will not come */
    int64_t gap_since_ns;        /* the last request, or the first sight of the gap; -1: no gap */
    unsigned requests;           /* for the present gap */
    bool asked_now;              /* ask without waiting: a later message is here already */
    struct slot slots[WINDOW];
    struct slot taken; /* handed out by intake_next() */
    uint8_t memory[MEMORY];
    struct scan_geometry geometry;
    uint64_t scan;
    bool frame; /* geometry and scan are those of the frame being sent */
    struct intake_counts counts;
};

const char *intake_fate_name(enum intake_fate fate)
{
    static const char *const names[INTAKE_FATE_COUNT] = {
        [INTAKE_USED] = "used",
        [INTAKE_LATE] = "late",
        [INTAKE_CONTROL] = "control",
        [INTAKE_NOT_FINITE] = "not_finite",
        [INTAKE_RAILED] = "railed",
        [INTAKE_PARTIAL] = "partial",
        [INTAKE_WRONG_WIDTH] = "wrong_width",
        [INTAKE_WRONG_PLACE] = "wrong_place",
        [INTAKE_DUPLICATE] = "duplicate",
        [INTAKE_TOO_LATE] = "too_late",
        [INTAKE_OLD_SESSION] = "old_session",
        [INTAKE_NO_ROOM] = "no_room",
    };
    return names[fate];
}

bool intake_counts_balance(const struct intake_counts *counts)
{
    uint64_t released = 0, refused = 0;
    for (int f = 0; f < INTAKE_DUPLICATE; f++)
        released += counts->fate[f];
    for (int f = INTAKE_DUPLICATE; f < INTAKE_FATE_COUNT; f++)
        refused += counts->fate[f];
    return counts->offered == released + refused + counts->waiting &&
           counts->passed == released + counts->missing;
}

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (!memory) {
        fputs("tipwright: out of memory for the line queue\n", stderr);
        abort();
    }
    return memory;
}

struct intake *intake_create(void)
{
    struct intake *intake = allocate(1, sizeof(*intake));
    intake->gap_since_ns = -1;
    return intake;
}

void intake_destroy(struct intake *intake)
{
    if (!intake)
        return;
    for (size_t i = 0; i < WINDOW; i++)
        free(intake->slots[i].samples);
    free(intake->taken.samples);
    free(intake);
}

void intake_session(struct intake *intake, const char *session)
{
    if (strcmp(session, intake->session) == 0)
        return;
    for (size_t i = 0; i < WINDOW; i++) {
        if (!intake->slots[i].filled)
            continue;
        intake->slots[i].filled = false;
        intake->counts.waiting--;
        intake->counts.fate[INTAKE_OLD_SESSION]++;
    }
    memset(intake->memory, MEMORY_NONE, sizeof(intake->memory));
    snprintf(intake->session, sizeof(intake->session), "%s", session);
    intake->started = false;
    intake->frame = false;
    intake->gap_since_ns = -1;
    intake->next = intake->highest = intake->highest_got = intake->far = 0;
    intake->lost_from = intake->lost_to = 0;
}

static enum intake_fate refuse(struct intake *intake, enum intake_fate fate)
{
    intake->counts.fate[fate]++;
    return fate;
}

static void keep(struct intake *intake, const struct data_message *message, int64_t now_ns)
{
    struct slot *slot = &intake->slots[message->line.seq % WINDOW];
    uint32_t points = message->line.samples ? message->line.points : 0;
    if (points > slot->room) {
        free(slot->samples);
        slot->samples = allocate(points, sizeof(*slot->samples));
        slot->room = points;
    }
    slot->message = *message;
    if (points)
        memcpy(slot->samples, message->line.samples, points * sizeof(*slot->samples));
    slot->message.line.samples = points ? slot->samples : NULL;
    slot->message.line.points = points;
    slot->arrived_ns = now_ns;
    slot->filled = true;
    intake->counts.waiting++;
}

/*
 * A number beyond the window, with nothing waiting: one alone may be a slip, a second that follows
 * the first is an instrument that has dropped more than the window holds.
 */
static bool follow_jump(struct intake *intake, uint64_t seq)
{
    bool believed = intake->counts.waiting == 0 && seq == intake->far + 1;
    intake->far = seq;
    if (!believed)
        return false;
    intake->counts.missing += seq - intake->next;
    intake->counts.passed += seq - intake->next;
    memset(intake->memory, MEMORY_MISSING, sizeof(intake->memory));
    intake->next = seq;
    intake->gap_since_ns = -1;
    return true;
}

enum intake_fate intake_offer(struct intake *intake, const struct data_message *message,
                              int64_t now_ns)
{
    uint64_t seq = message->line.seq;
    intake->counts.offered++;
    if (intake->session[0] == '\0' || strcmp(message->session, intake->session) != 0)
        return refuse(intake, INTAKE_OLD_SESSION);
    if (!intake->started) {
        intake->started = true;
        intake->next = seq;
        if (intake->highest < seq)
            intake->highest = seq;
        intake->highest_got = seq;
    }
    if (seq < intake->next) {
        bool missed =
            intake->next - seq <= MEMORY && intake->memory[seq % MEMORY] == MEMORY_MISSING;
        return refuse(intake, missed ? INTAKE_TOO_LATE : INTAKE_DUPLICATE);
    }
    if (seq - intake->next >= WINDOW && !follow_jump(intake, seq))
        return refuse(intake, INTAKE_NO_ROOM);
    if (intake->slots[seq % WINDOW].filled)
        return refuse(intake, INTAKE_DUPLICATE);
    keep(intake, message, now_ns);
    if (seq < intake->highest_got && !(message->line.flags & SCAN_LINE_LATE))
        intake->counts.out_of_order++;
    if (seq > intake->highest_got)
        intake->highest_got = seq;
    if (seq > intake->highest)
        intake->highest = seq;
    if (message->type == DATA_GAP && message->from_seq <= message->to_seq &&
        message->to_seq < seq) {
        intake->lost_from = message->from_seq;
        intake->lost_to = message->to_seq;
    }
    return INTAKE_USED;
}

void intake_undecodable(struct intake *intake)
{
    intake->counts.undecodable++;
}

void intake_last_sent(struct intake *intake, uint64_t last_seq)
{
    if (!intake->started) {
        /* Joined a running instrument: the last number is the one that it may be waiting on. */
        if (last_seq == 0 || intake->session[0] == '\0')
            return;
        intake->started = true;
        intake->next = last_seq;
    }
    if (last_seq > intake->highest)
        intake->highest = last_seq;
}

/* The numbers from next up to, not including, the first one that is here. */
static uint64_t gap_end(const struct intake *intake)
{
    uint64_t end = intake->next;
    while (end <= intake->highest && end - intake->next < WINDOW &&
           !intake->slots[end % WINDOW].filled)
        end++;
    return end;
}

static bool in_gap(const struct intake *intake)
{
    return intake->started && intake->next <= intake->highest &&
           !intake->slots[intake->next % WINDOW].filled;
}

static void pass(struct intake *intake, uint8_t memory)
{
    intake->memory[intake->next % MEMORY] = memory;
    intake->counts.passed++;
    intake->next++;
}

static void give_up(struct intake *intake, uint64_t end)
{
    while (intake->next < end) {
        pass(intake, MEMORY_MISSING);
        intake->counts.missing++;
    }
    intake->gap_since_ns = -1;
}

/* Drop what is announced as lost, and what has been asked for often enough. */
static void settle_gap(struct intake *intake, int64_t now_ns)
{
    while (in_gap(intake)) {
        uint64_t end = gap_end(intake);
        if (intake->next >= intake->lost_from && intake->next <= intake->lost_to) {
            give_up(intake, end <= intake->lost_to ? end : intake->lost_to + 1);
            continue;
        }
        if (intake->gap_since_ns < 0) {
            intake->gap_since_ns = now_ns;
            intake->requests = 0;
            intake->asked_now = end <= intake->highest_got;
            return;
        }
        if (intake->requests < RESEND_MAX || now_ns - intake->gap_since_ns < RESEND_WAIT_NS)
            return;
        give_up(intake, end);
    }
    intake->gap_since_ns = -1;
}

bool intake_resend(struct intake *intake, int64_t now_ns, uint64_t *ret_from, uint64_t *ret_to)
{
    settle_gap(intake, now_ns);
    if (intake->gap_since_ns < 0 || intake->requests >= RESEND_MAX)
        return false;
    if (!intake->asked_now && now_ns - intake->gap_since_ns < RESEND_WAIT_NS)
        return false;
    uint64_t end = gap_end(intake);
    *ret_from = intake->next;
    *ret_to = (end - intake->next > RESEND_SPAN ? intake->next + RESEND_SPAN : end) - 1;
    intake->asked_now = false;
    intake->requests++;
    intake->gap_since_ns = now_ns;
    intake->counts.resend_requests++;
    return true;
}

static enum intake_fate judge_fate(struct intake *intake, const struct data_message *message)
{
    const struct scan_line *line = &message->line;
    if (message->type == DATA_SCAN_BEGIN) {
        intake->geometry = message->geometry;
        intake->scan = line->scan;
        intake->frame = true;
    }
    if (message->type == DATA_SCAN_END && line->scan == intake->scan)
        intake->frame = false;
    if (message->type != DATA_LINE)
        return INTAKE_CONTROL;
    if (!intake->frame || line->scan != intake->scan || line->line >= intake->geometry.lines ||
        line->trace >= SCAN_TRACE_COUNT)
        return INTAKE_WRONG_PLACE;
    if (line->points != intake->geometry.points)
        return INTAKE_WRONG_WIDTH;
    if (line->flags & SCAN_LINE_PARTIAL)
        return INTAKE_PARTIAL;
    if (line->flags & SCAN_LINE_RAILED)
        return INTAKE_RAILED;
    for (uint32_t i = 0; i < line->points; i++)
        if (!isfinite(line->samples[i]))
            return INTAKE_NOT_FINITE;
    if (line->flags & SCAN_LINE_NOT_FINITE)
        return INTAKE_NOT_FINITE;
    return line->flags & SCAN_LINE_LATE ? INTAKE_LATE : INTAKE_USED;
}

/* The first message in the queue, if it is next in order; NULL: none. */
static const struct data_message *peek(const struct intake *intake)
{
    const struct slot *slot = &intake->slots[intake->next % WINDOW];
    return intake->started && slot->filled ? &slot->message : NULL;
}

bool intake_next(struct intake *intake, int64_t now_ns, struct intake_item *ret_item)
{
    settle_gap(intake, now_ns);
    if (!peek(intake))
        return false;
    /* Swapped, so that the samples stay valid while the slot is filled again. */
    struct slot *slot = &intake->slots[intake->next % WINDOW];
    struct slot old = intake->taken;
    intake->taken = *slot;
    *slot = old;
    slot->filled = false;
    intake->counts.waiting--;
    pass(intake, MEMORY_RELEASED);
    enum intake_fate fate = judge_fate(intake, &intake->taken.message);
    intake->counts.fate[fate]++;
    ret_item->message = &intake->taken.message;
    ret_item->fate = fate;
    ret_item->arrived_ns = intake->taken.arrived_ns;
    return true;
}

const struct intake_counts *intake_counts(const struct intake *intake)
{
    return &intake->counts;
}

/* Peak to peak of what a least-squares straight line leaves. */
static double residual_span(const double *samples, uint32_t points)
{
    double mid = 0.5 * (points - 1), sum = 0, moment = 0, spread = 0;
    for (uint32_t i = 0; i < points; i++) {
        double x = i - mid;
        sum += samples[i];
        moment += x * samples[i];
        spread += x * x;
    }
    double mean = sum / points, slope = moment / spread;
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (uint32_t i = 0; i < points; i++) {
        double rest = samples[i] - mean - slope * (i - mid);
        low = rest < low ? rest : low;
        high = rest > high ? rest : high;
    }
    return high - low;
}

void intake_check_line(const struct scan_line *line, const struct policy_guards *guards,
                       struct intake_check *ret_check)
{
    *ret_check = (struct intake_check){.peak_to_peak = (double)NAN};
    if (line->points >= 3)
        ret_check->peak_to_peak = residual_span(line->samples, line->points);
    if (line->channel[0] != 'I')
        return;
    uint32_t run = 0;
    for (uint32_t i = 0; i < line->points; i++) {
        run = fabs(line->samples[i]) > guards->over_current_a ? run + 1 : 0;
        if (run >= guards->over_current_samples && run > 0)
            ret_check->over_current = true;
    }
}
