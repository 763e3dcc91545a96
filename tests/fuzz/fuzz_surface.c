/* Any bytes as a surface: refused with a reason, or a world that can be looked at anywhere. */
#include "sim/surface_file.h"
#include "sim/tip.h"

#include "sim/surface.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FEATURES_MAX = 2048, POINTS = 16 };

/* Heights and features at a far-off place. */
static void look(const struct sim_surface *surface, const struct sim_lattice *lattice, double x0)
{
    static struct sim_feature features[FEATURES_MAX];
    struct sim_box box = {x0, 0, x0 + 4e-9, 1e-9};
    struct sim_terrain terrain;
    struct sim_view view = {.lattice = lattice, .blur_m = .2e-9, .dx_m = .3e-9};
    double x[POINTS], z[POINTS];
    for (int i = 0; i < POINTS; i++)
        x[i] = x0 + i * 4e-9 / POINTS;
    sim_surface_terrain(surface, &box, &terrain);
    sim_terrain_heights(&terrain, &view, x, .5e-9, POINTS, z);
    for (int i = 0; i < POINTS; i++)
        if (!isfinite(z[i]))
            abort();
    size_t n = sim_surface_features(surface, 1.8, &box, features, FEATURES_MAX);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(features[i].x_m + features[i].y_m + features[i].height_m) ||
            !(features[i].sigma_m > 0))
            abort();
}

static void check_accepted(const struct sim_surface_spec *spec)
{
    static const struct sim_contrast contrast = {.row_m = 20e-12, .ratio_dimer = 1};
    struct sim_wave waves[SIM_WAVES_MAX];
    struct sim_surface *surface;
    struct sim_lattice lattice;
    struct sim_random random;
    struct action poke = action_default(ACTION_CRASH), pulse = action_default(ACTION_PULSE);
    if (sim_surface_create(spec, 1, &surface) < 0)
        return;
    if (sim_lattice_init(&lattice, sim_surface_cell(surface)) < 0)
        abort();
    size_t n = sim_surface_waves(surface, &contrast, 1.2, waves);
    sim_lattice_fill(&lattice, sim_surface_cell(surface), waves, n, .05e-9);
    sim_random_seed(&random, 1, SIM_STREAM_ACTION, 0);
    poke.depth_m = 3e-9;
    pulse.voltage_v = 10;
    sim_surface_mark(surface, &poke, 0, 0, &random);
    sim_surface_mark(surface, &pulse, 0, 0, &random);
    look(surface, &lattice, 0);
    look(surface, &lattice, -731e-9);
    sim_lattice_finish(&lattice);
    sim_surface_destroy(surface);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sim_surface_spec spec;
    static FILE *sink;
    struct policy_errors errors;
    if (!sink)
        sink = fopen("/dev/null", "w");
    int rc = sim_surface_parse((const char *)data, size, &spec, &errors);
    if ((rc == 0) != (errors.found == 0))
        abort();
    if (rc == 0)
        check_accepted(&spec);
    else if (sink)
        policy_errors_print(&errors, "fuzz.yaml", sink);
    policy_errors_finish(&errors);
    return 0;
}
