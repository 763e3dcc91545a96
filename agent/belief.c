/* Log odds, added up with care. */
#include "agent/belief.h"

#include <math.h>
#include <stdlib.h>

/* Both of the labelled images, see the header. */
static const double USUAL = 0.33, SLOPE = 0.8;
/* No single verdict is surer than this. */
static const double LEAST = 1e-4;
/* Of what was seen before a tip change, this much still holds: see the header. */
static const double KEEPS = 0.7;

static double log_odds(double chance)
{
    return log(chance / (1 - chance));
}

static double chance_of(double odds)
{
    return 1 / (1 + exp(-odds));
}

double belief_of_scores(const struct policy *policy, const float scores[NN_LABEL_COUNT])
{
    double wanted = 0;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (policy->accept[i])
            wanted = fmax(wanted, (double)scores[i]);
    double clean = 1 - (double)scores[NN_LABEL_BAD_BLURRY];
    double even =
        policy->accept[NN_LABEL_ASYMMETRIES] ? 1 : 1 - (double)scores[NN_LABEL_ASYMMETRIES];
    double together = fmin(wanted, fmin(clean, even));
    double chance = sqrt(wanted * clean * even * together);
    return chance_of(SLOPE * log_odds(fmin(fmax(chance, LEAST), 1 - LEAST)));
}

static double evidence(const struct policy *policy, const struct verdict *verdict)
{
    double odds = log_odds(belief_of_scores(policy, verdict->p));
    if (!isnan(verdict->p_other[0]))
        odds = (odds + log_odds(belief_of_scores(policy, verdict->p_other))) / 2;
    return odds - log_odds(USUAL);
}

/* What the sum of the evidence of n witnesses with that correlation is divided by. */
static double shared(double n, double correlation)
{
    return 1 + fmax(n - 1, 0) * correlation;
}

/* `sum`, and `n` more (may be a part of one) that say `evidence`. */
static struct belief_sum together(const struct belief_sum *sum, double evidence, double n,
                                  double correlation)
{
    return (struct belief_sum){.evidence =
                                   (sum->evidence * shared(sum->n, correlation) + evidence) /
                                   shared(sum->n + n, correlation),
                               .n = sum->n + n};
}

static struct belief_sum all_here(const struct belief *belief, const struct policy *policy)
{
    if (!belief->in_frame)
        return belief->here;
    return together(&belief->here, belief->now, belief->share, policy->sure.frames_alike);
}

static struct belief_sum all_places(const struct belief *belief, const struct policy *policy)
{
    struct belief_sum here = all_here(belief, policy);
    return together(&belief->elsewhere, here.evidence, fmin(here.n, 1), policy->sure.places_alike);
}

void belief_forget(struct belief *belief)
{
    *belief = (struct belief){0};
}

static void fade_sum(struct belief_sum *sum, double before, double keeps)
{
    double chance = chance_of(log_odds(before) + sum->evidence);
    chance = before + (chance - before) * keeps;
    sum->evidence = log_odds(chance) - log_odds(before);
    sum->n *= keeps;
}

/* What the frames before said of the tip holds a little less than it did. */
static void fade(struct belief *belief, const struct policy *policy, int64_t t_night_ns)
{
    double passed_s = (double)(t_night_ns - belief->t_night_ns) * 1e-9;
    belief->t_night_ns = t_night_ns;
    if (!(passed_s > 0))
        return;
    double keeps = exp(-passed_s / policy->sure.tip_lasts_s);
    fade_sum(&belief->here, policy->sure.good_before, keeps);
    fade_sum(&belief->elsewhere, policy->sure.good_before, keeps);
}

static void weaken(struct belief_sum *sum)
{
    sum->evidence *= KEEPS;
    sum->n *= KEEPS;
}

static bool is_same_frame(const struct belief *belief, const struct verdict *verdict)
{
    return belief->in_frame && belief->scan == verdict->scan && belief->run == verdict->run &&
           belief->cycle == verdict->cycle && belief->trace == verdict->trace;
}

static void end_frame(struct belief *belief, const struct policy *policy)
{
    if (!belief->in_frame)
        return;
    belief->here = all_here(belief, policy);
    belief->lines += belief->lines_now;
    belief->in_frame = false;
}

void belief_move(struct belief *belief, const struct policy *policy)
{
    end_frame(belief, policy);
    belief->elsewhere = all_places(belief, policy);
    belief->here = (struct belief_sum){0};
}

static void begin_frame(struct belief *belief, const struct policy *policy,
                        const struct verdict *verdict)
{
    end_frame(belief, policy);
    belief->in_frame = true;
    belief->scan = verdict->scan;
    belief->run = verdict->run;
    belief->cycle = verdict->cycle;
    belief->trace = verdict->trace;
    belief->changed = false;
}

/* Lines of the frame since the change that it tells of. */
static uint32_t lines_since_change(const struct verdict *verdict)
{
    uint32_t since = (uint32_t)labs((long)verdict->line - (long)verdict->change_line) + 1;
    return since < verdict->lines_seen ? since : verdict->lines_seen;
}

void belief_see(struct belief *belief, const struct policy *policy, struct verdict *verdict)
{
    if (!is_same_frame(belief, verdict))
        begin_frame(belief, policy, verdict);
    fade(belief, policy, verdict->t_night_ns);
    if (verdict->changed && !(belief->changed && belief->change_line == verdict->change_line)) {
        belief->changed = true;
        belief->change_line = verdict->change_line;
        weaken(&belief->here);
        weaken(&belief->elsewhere);
    }
    belief->lines_now = belief->changed ? lines_since_change(verdict) : verdict->lines_seen;
    belief->share = (double)belief->lines_now / verdict->lines_total;
    double since = (double)belief->lines_now / verdict->lines_seen;
    belief->now = evidence(policy, verdict) * (KEEPS + (1 - KEEPS) * since);
    verdict->tip_good =
        (float)chance_of(log_odds(policy->sure.good_before) + all_places(belief, policy).evidence);
    verdict->tip_good_lines = belief->lines + belief->lines_now;
}
