/*
 * One night in process: the agent's own decisions by the player, on the network's verdicts or on
 * the truth's.
 */
#include "agent/cmd_nights.h"
#include "agent/player.h"
#include "agent/terminal.h"
#include "nn/random.h"
#include "sim/simulated.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const float sure = .999F, hardly = .001F;
enum { VERDICT_STREAM = 41 };

/* A judge that looks at the tip instead of the picture. Counts lines as agent/judge.h does. */
struct oracle {
    struct nights_verdicts verdicts;
    uint64_t seed;
    enum sim_tip_state state; /* of the tip, now */
    uint64_t frames;          /* partial frames begun */
    bool begun, up;
    uint64_t scan;
    uint32_t first_row, last_row, lines_seen;
    bool last_row_forward;
    double luck; /* of this partial frame, 0..1 */
};

struct fast_night {
    const struct nights_play *play;
    struct night_score score;
    struct oracle oracle;
};

static void on_truth(void *ctx, const struct simulated_truth *truth)
{
    struct fast_night *night = ctx;
    night->oracle.state = truth->state;
    nights_score_truth(&night->score, truth);
}

/* ---- verdicts from the truth ---- */

static enum nn_label label_of(const struct oracle *oracle)
{
    enum sim_tip_state state = oracle->state;
    bool wanted = state == SIM_TIP_ATOMIC || state == SIM_TIP_DIMER;
    if (wanted && oracle->luck < oracle->verdicts.false_alarm)
        return NN_LABEL_BAD_BLURRY;
    if (!wanted && oracle->luck < oracle->verdicts.miss)
        return NN_LABEL_DIMERS;
    switch (state) {
    case SIM_TIP_ATOMIC:
        return NN_LABEL_INDIVIDUAL_ATOMS;
    case SIM_TIP_DIMER:
        return NN_LABEL_DIMERS;
    case SIM_TIP_ASYM:
        return NN_LABEL_ASYMMETRIES;
    case SIM_TIP_ROWS:
        return NN_LABEL_ROWS;
    case SIM_TIP_MULTI:
    case SIM_TIP_BLUNT:
    case SIM_TIP_UNSTABLE:
    case SIM_TIP_FOULED:
    case SIM_TIP_STATE_COUNT:
        break;
    }
    return NN_LABEL_BAD_BLURRY;
}

static void fill(const struct oracle *oracle, const struct judge_line *in, struct verdict *verdict)
{
    enum nn_label label = label_of(oracle);
    *verdict = (struct verdict){.seq = in->line->seq,
                                .scan = in->line->scan,
                                .run = in->line->run,
                                .cycle = in->line->cycle,
                                .trace = oracle->up ? SCAN_FORWARD_UP : SCAN_FORWARD_DOWN,
                                .line = in->line->line,
                                .lines_seen = oracle->lines_seen,
                                .lines_due = oracle->last_row + 1,
                                .lines_total = in->lines,
                                .t_night_ns = in->t_night_ns};
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        verdict->p[i] = i == (int)label ? sure : hardly;
        verdict->p_other[i] = in->both ? verdict->p[i] : NAN;
    }
}

static void begin(struct oracle *oracle, const struct judge_line *in, uint32_t row)
{
    struct nn_random random = nn_random_seed(oracle->seed, VERDICT_STREAM, oracle->frames++);
    oracle->luck = nn_random_unit(&random);
    oracle->begun = true;
    oracle->up = scan_trace_is_up(in->line->trace);
    oracle->scan = in->line->scan;
    oracle->first_row = row;
    oracle->lines_seen = 0;
    oracle->last_row_forward = false;
}

static int judge_by_truth(void *ctx, const struct judge_line *in, struct verdict *ret_verdict)
{
    struct oracle *oracle = ctx;
    const struct scan_line *line = in->line;
    bool up = scan_trace_is_up(line->trace);
    uint32_t row = up ? line->line : in->lines - 1 - line->line;
    if (!oracle->begun || oracle->scan != line->scan || oracle->up != up || in->restart)
        begin(oracle, in, in->restart ? row : 0);
    if (row < oracle->first_row)
        return -EINVAL;
    row -= oracle->first_row;
    if (scan_trace_is_forward(line->trace)) {
        oracle->last_row = row;
        oracle->lines_seen++;
        oracle->last_row_forward = true;
        if (in->both)
            return -EAGAIN;
    } else if (!in->both || !oracle->last_row_forward || oracle->last_row != row) {
        return -EAGAIN;
    }
    fill(oracle, in, ret_verdict);
    return 0;
}

/* ---- the night ---- */

static void on_news(void *ctx, const struct night_news *news)
{
    struct fast_night *night = ctx;
    const struct policy *policy = night->play->policy->policy;
    if (news->kind == NEWS_DECISION && news->decision->kind == DECISION_RULE &&
        news->decision->response == POLICY_GOOD) {
        night_score_good(&night->score, news->t_night_ns);
    } else if (news->kind == NEWS_VERDICT && night->play->marks &&
               decide_is_judged(policy, news->verdict)) {
        float wanted = 0;
        for (int i = 0; i < NN_LABEL_COUNT; i++)
            wanted = policy->accept[i] ? fmaxf(wanted, news->verdict->p[i]) : wanted;
        night_score_verdict(&night->score, news->t_night_ns, wanted,
                            news->verdict->p[NN_LABEL_BAD_BLURRY]);
    }
}

static int play_on(struct fast_night *night, struct microscope microscope,
                   struct night_summary *ret_summary)
{
    const struct nights_play *play = night->play;
    struct instrument_limits limits;
    limits_default(play->policy->policy->profile, &limits);
    struct player_options options = {.policy = play->policy->policy,
                                     .model = play->model,
                                     .verdict = play->verdicts.truth ? judge_by_truth : NULL,
                                     .verdict_ctx = &night->oracle,
                                     .limits = &limits,
                                     .duration_s = play->length_s,
                                     .news = on_news,
                                     .ctx = night};
    struct nights_camera *camera = play->film ? nights_camera_create(microscope, play->film) : NULL;
    int r =
        player_play(&options, camera ? nights_camera_microscope(camera) : microscope, ret_summary);
    nights_camera_destroy(camera);
    return r;
}

int nights_play_fast(const struct nights_play *play, struct night_figures *ret_figures)
{
    struct fast_night night = {.play = play,
                               .oracle = {.verdicts = play->verdicts, .seed = play->seed}};
    struct nights_microscope *microscope;
    struct night_summary summary = {.how = ""};
    bool lines = !play->verdicts.truth || play->film;
    int r = nights_world_start(play->world, play->seed, lines, on_truth, &night, &microscope);
    if (r == 0) {
        night.oracle.state = simulated_tip(nights_simulated(microscope))->state;
        nights_world_score(play->world, play, nights_simulated(microscope), &night.score);
        r = play_on(&night, nights_microscope(microscope), &summary);
        nights_microscope_destroy(microscope);
    }
    if (r < 0) {
        terminal_error(nights_command, "seed %" PRIu64 ", policy %s: %s", play->seed,
                       play->policy->name, strerror(-r));
        return EXIT_INTERNAL;
    }
    night_score_end(&night.score, summary.t_night_ns, summary.how);
    *ret_figures = night.score.figures;
    return EXIT_OK;
}
