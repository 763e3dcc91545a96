/* The lattice's components in one cell, as the whole tip pictures it. */
#include "sim/shows.h"

#include <math.h>

enum { ACROSS = 24, ALONG = 12 }; /* of one cell; the highest component has two periods across */

#define PI 3.141592653589793
#define ROW_PERIOD_M .768e-9
#define DIMER_PERIOD_M .384e-9
#define TWO_KAPPA_PER_M 2.17e10 /* barrier 4.5 eV */

const char *sim_shows_name(enum sim_shows shows)
{
    static const char *const names[SIM_SHOWS_COUNT] = {"atoms", "asymmetries", "dimers", "rows",
                                                       "nothing"};
    return names[shows];
}

/* What its Gaussian leaves of the rows, of dimers and pairs, and of mixed waves. */
struct blurs {
    double rows, dimers, mixed, fine;
};

static struct blurs blurs_of(const struct sim_apex *apex)
{
    double k1 = 2 * PI / ROW_PERIOD_M, k2 = 2 * PI / DIMER_PERIOD_M;
    double s2 = apex->sigma_m * apex->sigma_m;
    double rows = exp(-.5 * s2 * k1 * k1), dimers = exp(-.5 * s2 * k2 * k2);
    return (struct blurs){rows, dimers, rows * dimers, dimers * dimers};
}

/* Height over one cell by one apex, whose place is given as phases of rows and dimers. */
static double apex_height(const struct sim_apex *apex, const struct sim_contrast *c, double a,
                          double b)
{
    struct blurs blur = blurs_of(apex);
    const struct sim_overtone *plus = &c->mixed[0], *minus = &c->mixed[1];
    double mixed =
        plus->ratio * cos(a + b + plus->phase) + minus->ratio * cos(a - b + minus->phase);
    double pair = 2 * a + c->phase_pair;
    return c->row_m * (blur.rows * cos(a) + c->ratio_dimer * blur.dimers * cos(b) +
                       blur.mixed * mixed + c->ratio_pair * blur.dimers * cos(pair) +
                       2 * c->ratio_fine * blur.fine * cos(pair) * cos(b)) -
           apex->recess_m;
}

static double tip_height(const struct sim_apex *apices, uint32_t n, const struct sim_contrast *c,
                         double row_angle, double a, double b)
{
    double z[SIM_TIP_APICES_MAX], top = -HUGE_VAL, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double u = apices[i].dx_m * cos(row_angle) + apices[i].dy_m * sin(row_angle);
        double v = apices[i].dy_m * cos(row_angle) - apices[i].dx_m * sin(row_angle);
        z[i] = apex_height(&apices[i], c, a + 2 * PI * u / ROW_PERIOD_M,
                           b + 2 * PI * v / DIMER_PERIOD_M);
        top = fmax(top, z[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        sum += exp(TWO_KAPPA_PER_M * (z[i] - top));
    return top + log(sum) / TWO_KAPPA_PER_M;
}

/* One Fourier component. */
struct wave {
    double cosine, sine;
};

static void add(struct wave *wave, double height_m, double phase)
{
    wave->cosine += height_m * cos(phase);
    wave->sine += height_m * sin(phase);
}

/* The components of the whole tip's picture, over one cell. */
struct picture {
    struct wave rows, dimers, pairs;
};

static struct picture picture_of_one(const struct sim_apex *apex, const struct sim_contrast *c)
{
    struct blurs blur = blurs_of(apex);
    double pair_m = c->row_m * c->ratio_pair * blur.dimers;
    return (struct picture){.rows = {c->row_m * blur.rows, 0},
                            .dimers = {c->row_m * c->ratio_dimer * blur.dimers, 0},
                            .pairs = {pair_m * cos(c->phase_pair), -pair_m * sin(c->phase_pair)}};
}

static struct picture picture_of_several(const struct sim_apex *apices, uint32_t n,
                                         const struct sim_contrast *contrast, double row_angle)
{
    struct picture picture = {{0, 0}, {0, 0}, {0, 0}};
    for (int i = 0; i < ACROSS; i++)
        for (int j = 0; j < ALONG; j++) {
            double a = 2 * PI * i / ACROSS, b = 2 * PI * j / ALONG;
            double z = 2 * tip_height(apices, n, contrast, row_angle, a, b) / (ACROSS * ALONG);
            add(&picture.rows, z, a);
            add(&picture.dimers, z, b);
            add(&picture.pairs, z, 2 * a);
        }
    return picture;
}

static double size(const struct wave *wave)
{
    return hypot(wave->cosine, wave->sine);
}

static double phase(const struct wave *wave)
{
    return atan2(wave->sine, wave->cosine);
}

enum sim_shows sim_shows(const struct sim_apex *apices, uint32_t n,
                         const struct sim_contrast *contrast, double row_angle)
{
    struct picture picture = n == 1 ? picture_of_one(apices, contrast)
                                    : picture_of_several(apices, n, contrast, row_angle);
    double row_m = size(&picture.rows);
    double dimer_ratio = size(&picture.dimers) / row_m, pair_ratio = size(&picture.pairs) / row_m;
    double off = fmod(fabs(phase(&picture.pairs) - 2 * phase(&picture.rows)), PI);
    if (hypot(row_m, size(&picture.dimers)) < 1.5 * contrast->noise_m)
        return SIM_SHOWS_NOTHING;
    if (fmin(off, PI - off) >= .75 && pair_ratio >= .29 && pair_ratio < .74 && dimer_ratio >= .34)
        return SIM_SHOWS_ASYMMETRIES;
    if (pair_ratio >= .6 && dimer_ratio >= .3)
        return SIM_SHOWS_ATOMS;
    return dimer_ratio >= .34 ? SIM_SHOWS_DIMERS : SIM_SHOWS_ROWS;
}

bool sim_shows_is_good(enum sim_shows shows)
{
    return shows == SIM_SHOWS_ATOMS || shows == SIM_SHOWS_DIMERS;
}
