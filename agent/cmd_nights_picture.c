/*
 * Pictures of nights: many as bands below each other, one with its verdicts as a curve and its
 * images. Colours that the colour-blind tell apart (Okabe and Ito 2008), good ones blue and green.
 */
#include "agent/cmd_nights.h"
#include "agent/terminal.h"
#include "nn/canvas.h"
#include "sim/tip.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOTS = 8, BANDS_MAX = 60 };

static const double sheet_width = 800, left = 118, right = 12;
static const struct nn_color ink = {.15, .15, .15}, faint = {.85, .85, .85}, pale = {.96, .96, .96};

static const struct {
    enum sim_tip_state state;
    struct nn_color color;
} state_colors[] = {
    {SIM_TIP_ATOMIC, {0, .45, .70}},     {SIM_TIP_DIMER, {.34, .71, .91}},
    {SIM_TIP_ROWS, {0, .62, .45}},       {SIM_TIP_ASYM, {.94, .89, .26}},
    {SIM_TIP_MULTI, {.90, .62, 0}},      {SIM_TIP_BLUNT, {.72, .72, .72}},
    {SIM_TIP_UNSTABLE, {.80, .47, .65}}, {SIM_TIP_FOULED, {.45, .38, .32}},
};
enum { STATES = sizeof(state_colors) / sizeof(state_colors[0]) };

static const struct {
    enum night_opinion opinion;
    const char *name;
    struct nn_color color;
} opinions[] = {{NIGHT_OPINION_GOOD, "good", {.34, .71, .91}},
                {NIGHT_OPINION_UNDECIDED, "undecided", {.93, .93, .93}},
                {NIGHT_OPINION_BAD, "bad", {.84, .37, 0}}};
enum { OPINIONS = sizeof(opinions) / sizeof(opinions[0]) };

static const struct {
    enum action_kind kind;
    const char *name;
    struct nn_color color;
} actions[] = {{ACTION_CRASH, "crash", {.15, .15, .15}},
               {ACTION_PULSE, "pulse", {.84, .37, 0}},
               {ACTION_NECK, "neck", {.80, .47, .65}},
               {ACTION_REIMAGE, "new area", {0, .62, .45}},
               {ACTION_RETRACT, "retract", {.45, .38, .32}}};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

static struct nn_color state_color(int state)
{
    for (size_t i = 0; i < STATES; i++)
        if ((int)state_colors[i].state == state)
            return state_colors[i].color;
    return faint;
}

static struct nn_color opinion_color(int opinion)
{
    for (size_t i = 0; i < OPINIONS; i++)
        if ((int)opinions[i].opinion == opinion)
            return opinions[i].color;
    return faint;
}

/* A night's place on the sheet. */
struct lane {
    struct nn_canvas *canvas;
    double length_s;
    double x, width;
};

static double at(const struct lane *lane, double t_s)
{
    return lane->x + lane->width * fmin(t_s / lane->length_s, 1);
}

static void write_text(struct nn_canvas *canvas, double x, double y, double size, double anchor,
                       const char *text)
{
    struct nn_text style = {.size = size, .anchor = anchor, .color = ink};
    nn_canvas_text(canvas, x, y, &style, text);
}

static void fill_stretch(const struct lane *lane, enum night_mark_kind kind, int value,
                         double from_s, double until_s, struct nn_box rows)
{
    struct nn_color color = kind == NIGHT_MARK_STATE ? state_color(value) : opinion_color(value);
    struct nn_box box = {at(lane, from_s), rows.y, at(lane, until_s) - at(lane, from_s),
                         rows.height};
    if (value >= 0 && box.width > 0)
        nn_canvas_fill(lane->canvas, box, color);
}

/* Stretches of one kind of mark, each until another value or the night's end. */
static void draw_stretches(const struct lane *lane, const struct night_marks *marks,
                           enum night_mark_kind kind, double y, double height)
{
    int value = -1;
    struct nn_box rows = {.y = y, .height = height};
    double from_s = 0, end_s = lane->length_s;
    for (size_t i = 0; i < marks->n; i++) {
        const struct night_mark *mark = &marks->list[i];
        if (mark->kind == NIGHT_MARK_END)
            end_s = fmin(end_s, mark->t_s);
        if (mark->kind != kind || mark->value == value)
            continue;
        fill_stretch(lane, kind, value, from_s, mark->t_s, rows);
        value = mark->value;
        from_s = mark->t_s;
    }
    fill_stretch(lane, kind, value, from_s, end_s, rows);
}

static void draw_ticks(const struct lane *lane, const struct night_marks *marks, double y,
                       double height)
{
    for (size_t i = 0; i < marks->n; i++) {
        const struct night_mark *mark = &marks->list[i];
        for (size_t k = 0; k < ACTIONS && mark->kind == NIGHT_MARK_ACTION; k++) {
            struct nn_box box = {at(lane, mark->t_s) - .4, y, .8, height};
            if ((int)actions[k].kind == mark->value)
                nn_canvas_fill(lane->canvas, box, actions[k].color);
        }
    }
}

/* Confirmed good tips: a dot, hollow where the tip was none. */
static void draw_goods(const struct lane *lane, const struct night_marks *marks, double y,
                       double radius)
{
    double last_x = -radius * 4;
    for (size_t i = 0; i < marks->n; i++) {
        const struct night_mark *mark = &marks->list[i];
        double x = at(lane, mark->t_s);
        if (mark->kind != NIGHT_MARK_GOOD || (mark->value && x - last_x < radius * 2.2))
            continue;
        nn_canvas_dot(lane->canvas, ink, x, y, radius);
        if (!mark->value)
            nn_canvas_dot(lane->canvas, (struct nn_color){1, 1, 1}, x, y, radius * .6);
        last_x = x;
    }
}

static void draw_hours(const struct lane *lane, double y, double top)
{
    double hours = lane->length_s / 3600;
    double step = hours > 30 ? 6 : hours > 6 ? 1 : hours > 1 ? .5 : hours / 4;
    int steps = (int)floor(hours / step + 1e-9);
    for (int i = 0; i <= steps; i++) {
        double h = i * step;
        char text[24];
        double x = at(lane, h * 3600);
        struct nn_stroke stroke = {.color = faint, .width = .5};
        nn_canvas_line(lane->canvas, &stroke, 2, (double[]){x, x}, (double[]){top, y});
        snprintf(text, sizeof(text), i == steps ? "%.3g h" : "%.3g", h);
        write_text(lane->canvas, x, y + 10, 8, h + step > hours + 1e-9 ? 1 : .5, text);
    }
}

/* ---- what the colours mean ---- */

static double draw_key(struct nn_canvas *canvas, double x, double y, double width,
                       struct nn_color color, const char *name)
{
    struct nn_text style = {.size = 8, .color = ink};
    nn_canvas_fill(canvas, (struct nn_box){x, y - 6.5, width, 7}, color);
    nn_canvas_text(canvas, x + width + 3, y, &style, name);
    return x + width + 3 + nn_canvas_text_width(canvas, &style, name) + 10;
}

static void draw_legend(struct nn_canvas *canvas, double y)
{
    double x = left;
    write_text(canvas, 12, y, 8, 0, "true state of the tip");
    for (size_t i = 0; i < STATES; i++)
        x = draw_key(canvas, x, y, 9, state_colors[i].color,
                     sim_tip_state_name(state_colors[i].state));
    write_text(canvas, 12, y + 12, 8, 0, "verdict");
    x = left;
    for (size_t i = 0; i < OPINIONS; i++)
        x = draw_key(canvas, x, y + 12, 9, opinions[i].color, opinions[i].name);
    x += 24;
    for (size_t i = 0; i < ACTIONS; i++)
        x = draw_key(canvas, x, y + 12, 2, actions[i].color, actions[i].name);
    nn_canvas_dot(canvas, ink, x + 3, y + 9, 2.6);
    write_text(canvas, x + 9, y + 12, 8, 0, "good tip confirmed (hollow: it was none)");
}

/* ---- many nights ---- */

struct bands {
    const struct night_results *results;
    size_t index[BANDS_MAX]; /* nights that have marks, policy by policy */
    size_t n, policies;
};

/* Played side by side, nights come in no order. */
static void sort_by_seed(const struct night_result *list, size_t *index, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && list[index[j - 1]].seed > list[index[j]].seed; j--) {
            size_t other = index[j];
            index[j] = index[j - 1];
            index[j - 1] = other;
        }
}

static void add_policy(struct bands *bands, const char *policy)
{
    const struct night_results *results = bands->results;
    size_t before = bands->n;
    for (size_t i = 0; i < results->n && bands->n < BANDS_MAX; i++)
        if (results->marks[i].n && strcmp(results->list[i].policy, policy) == 0)
            bands->index[bands->n++] = i;
    sort_by_seed(results->list, bands->index + before, bands->n - before);
    bands->policies += bands->n > before;
}

/* In the table's order. */
static void choose_bands(const struct night_results *results, struct bands *bands)
{
    *bands = (struct bands){.results = results};
    add_policy(bands, "default");
    for (size_t i = 0; i < results->n; i++) {
        bool known = strcmp(results->list[i].policy, "default") == 0;
        for (size_t j = 0; j < i; j++)
            known = known || strcmp(results->list[i].policy, results->list[j].policy) == 0;
        if (!known)
            add_policy(bands, results->list[i].policy);
    }
}

static const double band_height = 23, group_gap = 8;

static void draw_band(const struct lane *lane, const struct night_marks *marks, double y)
{
    nn_canvas_fill(lane->canvas, (struct nn_box){lane->x, y + 6, lane->width, 13}, pale);
    draw_ticks(lane, marks, y, 6);
    draw_stretches(lane, marks, NIGHT_MARK_STATE, y + 6, 9);
    draw_stretches(lane, marks, NIGHT_MARK_VERDICT, y + 15.5, 3.5);
    draw_goods(lane, marks, y + 10.5, 2.2);
}

static void name_band(struct nn_canvas *canvas, const struct night_result *night, double y)
{
    char text[120];
    snprintf(text, sizeof(text), "%.22s, seed %" PRIu64, night->policy, night->seed);
    write_text(canvas, left - 6, y + 11, 8, 1, text);
    snprintf(text, sizeof(text), "good tip %.0f %%",
             100 * night->figures.wanted_s / night->figures.length_s);
    write_text(canvas, left - 6, y + 20, 7, 1, text);
}

static void draw_bands(struct nn_canvas *canvas, const struct bands *bands, double top)
{
    double y = top;
    double bottom =
        top + (double)bands->n * band_height + (double)(bands->policies - 1) * group_gap;
    struct lane lane = {.canvas = canvas,
                        .length_s = bands->results->settings.length_s,
                        .x = left,
                        .width = sheet_width - left - right};
    draw_hours(&lane, bottom + 2, top);
    for (size_t i = 0; i < bands->n; i++) {
        const struct night_result *night = &bands->results->list[bands->index[i]];
        if (i > 0 && strcmp(night->policy, bands->results->list[bands->index[i - 1]].policy) != 0)
            y += group_gap;
        name_band(canvas, night, y);
        draw_band(&lane, &bands->results->marks[bands->index[i]], y);
        y += band_height;
    }
}

/* ---- one night ---- */

/* The wanted score, verdict by verdict; the line breaks where none came for a while. */
static void draw_curve(const struct lane *lane, const struct night_marks *marks, struct nn_box box)
{
    double *x = malloc((2 * marks->n + 1) * sizeof(*x)),
           *y = malloc((2 * marks->n + 1) * sizeof(*y));
    uint32_t n = 0;
    double last_s = 0;
    if (!x || !y)
        abort();
    for (size_t i = 0; i < marks->n; i++) {
        const struct night_mark *mark = &marks->list[i];
        if (mark->kind != NIGHT_MARK_VERDICT)
            continue;
        if (mark->t_s - last_s > lane->length_s / 100) {
            x[n] = at(lane, mark->t_s);
            y[n++] = (double)NAN;
        }
        x[n] = at(lane, mark->t_s);
        y[n++] = box.y + box.height * (1 - (double)mark->score);
        last_s = mark->t_s;
    }
    struct nn_stroke stroke = {.color = {0, .45, .70}, .width = .7};
    nn_canvas_line(lane->canvas, &stroke, n, x, y);
    free(x);
    free(y);
}

static void frame_box(struct nn_canvas *canvas, struct nn_box box)
{
    struct nn_stroke stroke = {.color = faint, .width = .6};
    double x[] = {box.x, box.x + box.width, box.x + box.width, box.x, box.x};
    double y[] = {box.y, box.y, box.y + box.height, box.y + box.height, box.y};
    nn_canvas_line(canvas, &stroke, 5, x, y);
}

/* Images evenly over the night, each tied to its moment. */
static void draw_film(const struct lane *lane, const struct nights_film *film, double y,
                      double moment_y)
{
    double side = lane->width / SHOTS - 6;
    for (size_t k = 0; k < SHOTS && film->n > 0; k++) {
        double wanted_s = lane->length_s * ((double)k + .5) / SHOTS;
        const struct nights_shot *shot = &film->list[0];
        for (size_t i = 1; i < film->n; i++)
            if (fabs(film->list[i].t_s - wanted_s) < fabs(shot->t_s - wanted_s))
                shot = &film->list[i];
        double x = lane->x + ((double)k + .5) * lane->width / SHOTS;
        struct nn_box box = {x - side / 2, y, side, side};
        struct nn_stroke stroke = {.color = ink, .width = .5};
        nn_canvas_line(lane->canvas, &stroke, 2, (double[]){at(lane, shot->t_s), x},
                       (double[]){moment_y, y});
        nn_canvas_picture(lane->canvas, box, shot->gray, NIGHTS_SHOT_SIDE, NIGHTS_SHOT_SIDE);
        frame_box(lane->canvas, box);
    }
}

static const double single_height = 296;

static void draw_single(struct nn_canvas *canvas, const struct night_results *results,
                        const struct nights_film *film, double top)
{
    const struct night_marks *marks = &results->marks[0];
    const struct night_figures *f = &results->list[0].figures;
    struct lane lane = {.canvas = canvas,
                        .length_s = results->settings.length_s,
                        .x = left,
                        .width = sheet_width - left - right};
    struct nn_box curve = {lane.x, top + 52, lane.width, 60};
    char text[200], good[60] = "none confirmed";
    draw_hours(&lane, top + 122, top);
    write_text(canvas, left - 6, top + 10, 8, 1, "actions");
    draw_ticks(&lane, marks, top, 14);
    write_text(canvas, left - 6, top + 29, 8, 1, "true state");
    draw_stretches(&lane, marks, NIGHT_MARK_STATE, top + 16, 18);
    write_text(canvas, left - 6, top + 45, 8, 1, "confirmed good");
    draw_goods(&lane, marks, top + 42, 2.6);
    write_text(canvas, left - 6, top + 80, 8, 1, "the network's score");
    write_text(canvas, left - 6, top + 90, 8, 1, "for a wanted tip");
    write_text(canvas, lane.x - 3, curve.y + 4, 7, 1, "1");
    write_text(canvas, lane.x - 3, curve.y + curve.height, 7, 1, "0");
    frame_box(canvas, curve);
    draw_curve(&lane, marks, curve);
    draw_stretches(&lane, marks, NIGHT_MARK_VERDICT, top + 114, 5);
    draw_film(&lane, film, top + 150, top + 136);
    if (f->first_good_found)
        snprintf(good, sizeof(good), "first one confirmed after %.1f min", f->first_good_s / 60);
    snprintf(text, sizeof(text),
             "Simulated. Scanned by a tip that shows dimers or atoms for %.0f %% of the time; %s; "
             "%" PRIu32 " actions, %" PRIu32 " of them on a good tip.",
             100 * f->wanted_s / f->length_s, good, f->actions, f->actions_on_wanted);
    write_text(canvas, left, top + 150 + lane.width / SHOTS + 12, 8, 0, text);
}

int nights_picture(const struct night_results *results, const struct nights_film *film,
                   const char *path)
{
    struct bands bands;
    struct nn_canvas *canvas;
    choose_bands(results, &bands);
    if (bands.n == 0) {
        terminal_error(nights_command, "%s: none of these nights has a timeline", path);
        return EXIT_INTERNAL;
    }
    bool single = results->n == 1;
    double top = 40;
    double height = single ? single_height
                           : top + (double)bands.n * band_height +
                                 (double)(bands.policies - 1) * group_gap + 18;
    int r = nn_canvas_create(NN_CANVAS_PNG, sheet_width, height, &canvas);
    if (r == 0) {
        draw_legend(canvas, 14);
        if (single)
            draw_single(canvas, results, film, top);
        else
            draw_bands(canvas, &bands, top);
        r = nn_canvas_write(canvas, path);
        nn_canvas_destroy(canvas);
    }
    if (r == 0)
        return EXIT_OK;
    terminal_error(nights_command, "%s: %s", path, strerror(-r));
    return EXIT_INTERNAL;
}
