/* Surface files by tables of fields. */
#include "sim/surface_file.h"

#include "config/fields.h"
#include "sim/surface_builtin.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Shorthand for one row of a table: where it goes, its unit and bounds, whether it must be there.
 */
#define NUMBER(s, key, member, u, lo, hi, need, text)                                              \
    {                                                                                              \
        .name = (key), .type = FIELD_NUMBER, .offset = offsetof(struct s, member), .unit = (u),    \
        .min = (lo), .max = (hi), .required = (need), .doc = (text)                                \
    }
#define PAIR(s, key, member, u, lo, hi, need, text)                                                \
    {                                                                                              \
        .name = (key), .type = FIELD_PAIR, .offset = offsetof(struct s, member), .unit = (u),      \
        .min = (lo), .max = (hi), .required = (need), .doc = (text)                                \
    }
#define TWO(s, key, member, u, lo, hi, need, text)                                                 \
    {                                                                                              \
        .name = (key), .type = FIELD_LIST, .offset = offsetof(struct s, member), .unit = (u),      \
        .min = (lo), .max = (hi), .size = 2, .required = (need), .doc = (text)                     \
    }
#define WORD(s, key, member, list, need, text)                                                     \
    {                                                                                              \
        .name = (key), .type = FIELD_WORD, .offset = offsetof(struct s, member), .words = (list),  \
        .required = (need), .doc = (text)                                                          \
    }
#define NAME(s, key, member, need, text)                                                           \
    {                                                                                              \
        .name = (key), .type = FIELD_NAME, .offset = offsetof(struct s, member),                   \
        .size = SIM_SURFACE_NAME_MAX, .required = (need), .doc = (text)                            \
    }
#define FLAG(s, key, member, need, text)                                                           \
    {                                                                                              \
        .name = (key), .type = FIELD_FLAG, .offset = offsetof(struct s, member),                   \
        .required = (need), .doc = (text)                                                          \
    }

/* Beyond 3 / sigma a Gaussian's spectrum is empty: sigma 2 pi order / length >= 3. */
#define BUMP_SHARPEST .48
#define VECTOR_MIN_M .2e-9
#define ACUTEST .3 /* sine of the angle between the vectors */
#define MEMBER_FARTHEST_M 8e-9

static const char *wave_part(size_t i)
{
    static const char *const words[SIM_WAVE_PART_COUNT] = {"fixed", "row",   "dimer",
                                                           "pair",  "mixed", "fine"};
    return i < SIM_WAVE_PART_COUNT ? words[i] : NULL;
}

static const char *height_sign(size_t i)
{
    static const char *const words[SIM_HEIGHT_SIGN_COUNT] = {"up", "down", "either"};
    return i < SIM_HEIGHT_SIGN_COUNT ? words[i] : NULL;
}

static const char *defect_site(size_t i)
{
    static const char *const words[SIM_SITE_COUNT] = {"any", "cell", "bump"};
    return i < SIM_SITE_COUNT ? words[i] : NULL;
}

static const struct field top_fields[] = {
    {.name = "surface_version",
     .type = FIELD_COUNT,
     .offset = offsetof(struct sim_surface_spec, version),
     .min = 1,
     .max = 1,
     .required = true,
     .doc = "of this form of file; tells a surface from a scenario or a policy"},
    NAME(sim_surface_spec, "name", name, true, "what the surface is called"),
    NUMBER(sim_surface_spec, "follow_apex", follow_apex, "", 0, 2, false,
           "fixed waves and bumps are pictured times (row contrast of the apex / 25 pm) to this"),
};
static const char *const top_children[] = {"cell",    "waves", "bumps",   "directions",
                                           "bias",    "steps", "patches", "ridges",
                                           "defects", "halo",  "marks",   NULL};
static const struct field_table top_table = {
    .name = "",
    .doc = "A surface: a lattice, its terraces, its defects, and what actions leave on it.",
    .fields = top_fields,
    .n = COUNT(top_fields),
    .children = top_children};

static const struct field cell_fields[] = {
    TWO(sim_cell, "a1", a1_m, "m", -20e-9, 20e-9, true, "first vector of the cell, x' and y'"),
    TWO(sim_cell, "a2", a2_m, "m", -20e-9, 20e-9, true, "second vector"),
};
static const struct field_table cell_table = {.name = "cell",
                                              .doc = "The cell that repeats.",
                                              .fields = cell_fields,
                                              .n = COUNT(cell_fields)};

static const struct field wave_fields[] = {
    TWO(sim_surface_wave, "order", order, "", -SIM_WAVE_ORDER_MAX, SIM_WAVE_ORDER_MAX, true,
        "periods per a1 and per a2: whole numbers"),
    WORD(sim_surface_wave, "part", part, wave_part, true,
         "row, dimer, pair, mixed, fine: as strong as the apex pictures that part of H:Si(100); "
         "fixed: "
         "as strong as `amplitude` says"),
    NUMBER(sim_surface_wave, "amplitude", amplitude_m, "m", 0, 1e-9, false, "of a fixed wave"),
    NUMBER(sim_surface_wave, "phase", phase_deg, "deg", -360, 360, false, "of a fixed wave"),
};
static const struct field_table wave_table = {.name = "waves",
                                              .doc = "List. Waves that the lattice is made of.",
                                              .fields = wave_fields,
                                              .n = COUNT(wave_fields)};

static const struct field bump_fields[] = {
    TWO(sim_surface_bump, "at", at, "", -1, 1, true, "place in the cell, in cells"),
    NUMBER(sim_surface_bump, "filled", filled_m, "m", -1e-9, 1e-9, true,
           "height at negative sample bias; negative: a hole"),
    NUMBER(sim_surface_bump, "empty", empty_m, "m", -1e-9, 1e-9, true,
           "height at positive sample bias"),
    NUMBER(sim_surface_bump, "sigma", sigma_m, "m", .1e-9, 2e-9, true, "Gaussian width"),
};
static const struct field_table bump_table = {.name = "bumps",
                                              .doc = "List. Bumps and holes in every cell.",
                                              .fields = bump_fields,
                                              .n = COUNT(bump_fields)};

static const struct field direction_fields[] = {
    NUMBER(sim_surface_direction, "angle", angle_deg, "deg", -180, 180, true,
           "of x' from the frame's x"),
    NUMBER(sim_surface_direction, "spread", spread_deg, "deg", 0, 180, true,
           "rms around it; 180 deg: any angle"),
    NUMBER(sim_surface_direction, "p", p, "", 0, 1, true, "weight of this direction"),
};
static const struct field_table direction_table = {
    .name = "directions",
    .doc = "List. How the sample may be mounted; one is drawn per session.",
    .fields = direction_fields,
    .n = COUNT(direction_fields)};

static const struct field bias_fields[] = {
    PAIR(sim_surface_bias, "empty", empty, "", 0, 2, true,
         "waves are this much as strong at positive bias; one value per session"),
    NUMBER(sim_surface_bias, "inverted_p", inverted_p, "", 0, 1, true,
           "probability that a session shows them upside down then"),
    NUMBER(sim_surface_bias, "sharpen_per_volt", sharpen_per_v, "", 0, 5, true,
           "dimer, pair, mixed and fine waves are stronger by this share per volt below "
           "`sharpen_below`"),
    NUMBER(sim_surface_bias, "sharpen_below", sharpen_below_v, "V", .1, 10, true, "absolute bias"),
};
static const struct field_table bias_table = {.name = "bias",
                                              .doc = "How waves change with sample bias.",
                                              .fields = bias_fields,
                                              .n = COUNT(bias_fields)};

static const struct field step_fields[] = {
    NUMBER(sim_surface_steps, "height", height_m, "m", 10e-12, 2e-9, true, "of one step"),
    NUMBER(sim_surface_steps, "terrace", terrace_m, "m", 8e-9, 1e-3, true,
           "mean width of a terrace"),
    NUMBER(sim_surface_steps, "uneven", uneven, "", 0, .3, true,
           "edges lie up to so many terraces off even spacing"),
    NUMBER(sim_surface_steps, "turn", turn_deg, "deg", -90, 90, true,
           "of the lattice from terrace to terrace; half turns together count as none"),
    TWO(sim_surface_steps, "shift", shift, "", -1, 1, true,
        "of its origin from terrace to terrace, in cells"),
    NUMBER(sim_surface_steps, "edge", edge_m, "m", 10e-12, 2e-9, true,
           "half width of an edge under the sharpest tip"),
    NUMBER(sim_surface_steps, "kink", kink_m, "m", .1e-9, 10e-9, true,
           "edges stray in units of this"),
    NUMBER(sim_surface_steps, "along", along_deg, "deg", 1, 180, true,
           "edges follow y' or a direction a multiple of this from it"),
    NUMBER(sim_surface_steps, "off_axis", off_axis_deg, "deg", 0, 15, true,
           "by how much the mean edge misses that direction, rms"),
    PAIR(sim_surface_steps, "straight_persistence", straight_m, "m", .1e-9, 1e-6, true,
         "of an edge along the upper terrace's y' (S_A)"),
    NUMBER(sim_surface_steps, "straight_stray", straight_stray_m, "m", 0, 50e-9, true,
           "how far it strays at most"),
    PAIR(sim_surface_steps, "ragged_persistence", ragged_m, "m", .1e-9, 1e-6, true,
         "of an edge of the other kind (S_B)"),
    NUMBER(sim_surface_steps, "ragged_stray", ragged_stray_m, "m", 0, 50e-9, true,
           "how far it strays at most"),
};
static const struct field_table step_table = {.name = "steps",
                                              .doc = "Terraces and their edges.",
                                              .fields = step_fields,
                                              .n = COUNT(step_fields)};

static const struct field patch_fields[] = {
    NUMBER(sim_surface_patches, "size", size_m, "m", 4e-9, 1e-6, true, "side of a patch"),
    NUMBER(sim_surface_patches, "share", share, "", 0, 1, true, "of the area that is dirty"),
    NUMBER(sim_surface_patches, "dirty", dirty, "", 0, 20, true,
           "density there, over the mean density"),
    NUMBER(sim_surface_patches, "clean", clean, "", 0, 20, true, "density elsewhere"),
};
static const struct field_table patch_table = {
    .name = "patches",
    .doc = "Clean and dirty areas, for defects with `in_patches`.",
    .fields = patch_fields,
    .n = COUNT(patch_fields)};

static const struct field ridge_fields[] = {
    NUMBER(sim_surface_ridges, "period", period_m, "m", 1e-9, 100e-9, true,
           "from pair to pair, across a straight stretch"),
    NUMBER(sim_surface_ridges, "apart", apart_m, "m", 0, 50e-9, true, "the two of a pair"),
    PAIR(sim_surface_ridges, "height", height_m, "m", 1e-12, 1e-9, true, "one value per session"),
    NUMBER(sim_surface_ridges, "sigma", sigma_m, "m", .1e-9, 10e-9, true, "Gaussian width"),
    PAIR(sim_surface_ridges, "elbow", elbow_m, "m", 2e-9, 1e-6, true,
         "length of a straight stretch; one value per session"),
    NUMBER(sim_surface_ridges, "bend", bend_deg, "deg", 0, 60, true,
           "of a stretch from the mean direction"),
    NUMBER(sim_surface_ridges, "along", along_deg, "deg", -180, 180, true,
           "mean direction, from y'"),
};
static const struct field_table ridge_table = {
    .name = "ridges",
    .doc = "Optional. A reconstruction of ridge pairs in zigzag on top of the lattice.",
    .fields = ridge_fields,
    .n = COUNT(ridge_fields)};

static const struct field defect_fields[] = {
    NAME(sim_surface_defect, "name", name, true, "what it is called"),
    NUMBER(sim_surface_defect, "per_nm2", per_nm2, "", 0, .2, true, "mean number per nm2"),
    WORD(sim_surface_defect, "site", site, defect_site, true,
         "any place, a cell's origin, or one of the cell's bumps"),
    FLAG(sim_surface_defect, "in_patches", in_patches, false, "gathers in dirty patches"),
    FLAG(sim_surface_defect, "charged", charged, false, "has a halo, where halos are enabled"),
    PAIR(sim_surface_defect, "copies", copies, "", 1, 8, false, "its members so many times"),
    NUMBER(sim_surface_defect, "scatter", scatter_m, "m", 0, 2e-9, false,
           "how far off each copy lies, rms per axis"),
    TWO(sim_surface_defect, "array", array, "", .5, 10, false,
        "its members repeated every so many cells inside a disc"),
    PAIR(sim_surface_defect, "radius", radius_m, "m", 0, 4e-9, false,
         "of that disc; 0 nm: not repeated"),
};
static const char *const defect_children[] = {"members", NULL};
static const struct field_table defect_table = {
    .name = "defects",
    .doc = "List. Kinds of defects, each with a list of `members`.",
    .fields = defect_fields,
    .n = COUNT(defect_fields),
    .children = defect_children};

static const struct field member_fields[] = {
    TWO(sim_defect_member, "at", at, "", -4, 4, false,
        "cells from the defect's place; s to either side"),
    PAIR(sim_defect_member, "height", height_m, "m", 1e-12, 5e-9, true,
         "size, even in its logarithm"),
    WORD(sim_defect_member, "sign", sign, height_sign, true, "bump, hole, or either"),
    PAIR(sim_defect_member, "sigma", sigma_m, "m", .1e-9, 4e-9, true, "Gaussian width"),
    NUMBER(sim_defect_member, "p", p, "", 0, 1, false, "probability that this member is there"),
};
static const struct field_table member_table = {.name = "members",
                                                .doc = "List. Bumps and holes of one defect.",
                                                .fields = member_fields,
                                                .n = COUNT(member_fields)};

static const struct field halo_fields[] = {
    FLAG(sim_surface_halo, "enabled", enabled, true, "whether charged defects have halos"),
    NUMBER(sim_surface_halo, "disc", disc_m, "m", 1e-9, 12e-9, true,
           "full width at half height of the bright disc at positive bias"),
    NUMBER(sim_surface_halo, "dip", dip_m, "m", .5e-9, 12e-9, true,
           "the same of the dip in its middle"),
    PAIR(sim_surface_halo, "height", height_m, "m", 1e-12, 200e-12, true,
         "of the disc, and depth of the dip"),
};
static const struct field_table halo_table = {.name = "halo",
                                              .doc = "Halos of charged defects.",
                                              .fields = halo_fields,
                                              .n = COUNT(halo_fields)};

static const struct field mark_fields[] = {
    NUMBER(sim_surface_marks, "poke_depth", poke_depth_m, "m", .1e-9, 20e-9, true,
           "a crash of this depth surely leaves a mark, a shallower one in proportion"),
    PAIR(sim_surface_marks, "poke_height", poke_height_m, "m", 1e-12, 2e-9, true,
         "of the hillock, at no depth; doubled at 1 nm"),
    NUMBER(sim_surface_marks, "crater_p", crater_p, "", 0, 1, true,
           "probability that it is a hole of half that height instead"),
    NUMBER(sim_surface_marks, "poke_sigma", poke_sigma_m, "m", .05e-9, 2e-9, true,
           "its Gaussian width at no depth"),
    NUMBER(sim_surface_marks, "poke_widening", poke_widening, "", 0, 2, true,
           "how much wider, over the depth"),
    NUMBER(sim_surface_marks, "debris_per_nm", debris_per_nm, "", 0, 10, true,
           "clusters strewn around, mean number per nm of depth"),
    NUMBER(sim_surface_marks, "debris_reach", debris_reach_m, "m", .1e-9, 50e-9, true, "how far"),
    PAIR(sim_surface_marks, "debris_height", debris_height_m, "m", 1e-12, 2e-9, true,
         "of such a cluster"),
    PAIR(sim_surface_marks, "debris_sigma", debris_sigma_m, "m", .1e-9, 2e-9, true,
         "its Gaussian width"),
    NUMBER(sim_surface_marks, "pulse_above", pulse_above_v, "V", 0, 20, true,
           "a pulse above this leaves defects"),
    NUMBER(sim_surface_marks, "pulse_below", pulse_below_v, "V", -20, 0, true,
           "and one below this"),
    NAME(sim_surface_marks, "pulse_defect", pulse_defect, true, "which of the defects"),
    PAIR(sim_surface_marks, "pulse_radius", pulse_radius_m, "m", .1e-9, 50e-9, true,
         "of their patch at 5 V, and at most"),
    NUMBER(sim_surface_marks, "pulse_widening", pulse_widening_m_per_v, "m", 0, 20e-9, true,
           "of the patch per volt beyond 5 V"),
    NUMBER(sim_surface_marks, "pulse_count", pulse_count, "", 0, 50, true,
           "mean number of defects in the widest patch, beside two"),
};
static const struct field_table mark_table = {.name = "marks",
                                              .doc = "What actions leave behind.",
                                              .fields = mark_fields,
                                              .n = COUNT(mark_fields)};

/* What the optional keys are when they do not stand there. */
static const struct sim_surface_defect defect_default = {.copies = {1, 1}, .array = {1, 1}};
static const struct sim_defect_member member_default = {.p = 1};

/* A mapping that must be there. */
static void read_section(const struct field_table *table, const struct doc_node *root,
                         struct policy_errors *errors, void *base)
{
    if (!doc_get(root, table->name)) {
        policy_errors_add(errors, root->place, "the key '%s' is missing", table->name);
        return;
    }
    const struct doc_node *map = fields_child(root, table->name, DOC_MAP, errors);
    if (map)
        fields_read(table, map, map->place, errors, base);
}

/* The list under the table's name, if there is one and it is not too long. */
static const struct doc_node *get_list(const struct field_table *table, const struct doc_node *map,
                                       size_t max, struct policy_errors *errors)
{
    const struct doc_node *list = fields_child(map, table->name, DOC_LIST, errors);
    if (list && list->n > max) {
        policy_errors_add(errors, list->place, "'%s': at most %zu entries", table->name, max);
        return NULL;
    }
    return list;
}

/* A list of mappings into an array of zeroed structs of `size` bytes; how many. */
static uint32_t read_list(const struct field_table *table, const struct doc_node *map, size_t max,
                          size_t size, struct policy_errors *errors, void *base)
{
    const struct doc_node *list = get_list(table, map, max, errors);
    for (size_t i = 0; list && i < list->n; i++)
        fields_read(table, list->items[i], list->items[i]->place, errors, (char *)base + i * size);
    return list ? (uint32_t)list->n : 0;
}

static void read_waves(const struct doc_node *root, struct policy_errors *errors,
                       struct sim_surface_spec *spec)
{
    spec->n_waves = read_list(&wave_table, root, SIM_SURFACE_WAVES_MAX, sizeof(spec->waves[0]),
                              errors, spec->waves);
    for (uint32_t i = 0; i < spec->n_waves; i++)
        for (int k = 0; k < 2; k++)
            if (floor(spec->waves[i].order[k]) != spec->waves[i].order[k])
                policy_errors_add(errors, fields_place(doc_get(root, "waves")->items[i], "order"),
                                  "waves.order: whole numbers are wanted");
}

static void read_defects(const struct doc_node *root, struct policy_errors *errors,
                         struct sim_surface_spec *spec)
{
    const struct doc_node *list = get_list(&defect_table, root, SIM_SURFACE_DEFECTS_MAX, errors);
    for (size_t i = 0; list && i < list->n; i++) {
        const struct doc_node *map = list->items[i];
        struct sim_surface_defect *defect = &spec->defects[spec->n_defects++];
        *defect = defect_default;
        for (size_t m = 0; m < SIM_SURFACE_MEMBERS_MAX; m++)
            defect->members[m] = member_default;
        if (!fields_read(&defect_table, map, map->place, errors, defect))
            continue;
        defect->n_members = read_list(&member_table, map, SIM_SURFACE_MEMBERS_MAX,
                                      sizeof(defect->members[0]), errors, defect->members);
        if (defect->n_members == 0)
            policy_errors_add(errors, map->place, "defect '%s' has no members", defect->name);
    }
}

/* Vectors long enough, and not nearly along one line. */
static void check_cell(const struct doc_node *root, struct policy_errors *errors,
                       const struct sim_surface_spec *spec)
{
    const struct sim_cell *cell = &spec->cell;
    double area = cell->a1_m[0] * cell->a2_m[1] - cell->a1_m[1] * cell->a2_m[0];
    double first_m = hypot(cell->a1_m[0], cell->a1_m[1]);
    double second_m = hypot(cell->a2_m[0], cell->a2_m[1]);
    if (fmin(first_m, second_m) < VECTOR_MIN_M)
        policy_errors_add(errors, fields_place(root, "cell"), "cell: a vector is too short");
    else if (fabs(area) < ACUTEST * first_m * second_m)
        policy_errors_add(errors, fields_place(root, "cell"),
                          "cell: its vectors lie nearly along one line");
    for (uint32_t i = 0; i < spec->n_bumps; i++)
        if (spec->bumps[i].sigma_m < BUMP_SHARPEST * fmax(first_m, second_m) / SIM_WAVE_ORDER_MAX)
            policy_errors_add(errors, doc_get(root, "bumps")->items[i]->place,
                              "bumps: too narrow for so long a cell");
}

static void check_defects(const struct doc_node *root, struct policy_errors *errors,
                          const struct sim_surface_spec *spec)
{
    const struct sim_cell *cell = &spec->cell;
    double cell_m = fmax(hypot(cell->a1_m[0], cell->a1_m[1]), hypot(cell->a2_m[0], cell->a2_m[1]));
    int known = 0;
    for (uint32_t i = 0; i < spec->n_defects; i++) {
        const struct sim_surface_defect *defect = &spec->defects[i];
        struct place place = doc_get(root, "defects")->items[i]->place;
        bool far = false;
        for (uint32_t m = 0; m < defect->n_members; m++)
            far |= fmax(fabs(defect->members[m].at[0]), fabs(defect->members[m].at[1])) * cell_m >
                   MEMBER_FARTHEST_M;
        if (far)
            policy_errors_add(errors, place, "defect '%s': a member is more than 8 nm away",
                              defect->name);
        if (defect->site == SIM_SITE_BUMP && spec->n_bumps == 0)
            policy_errors_add(errors, place, "defect '%s': the cell has no bumps", defect->name);
        known += strcmp(defect->name, spec->marks.pulse_defect) == 0;
    }
    if (known != 1)
        policy_errors_add(errors, fields_place(doc_get(root, "marks"), "pulse_defect"),
                          "marks.pulse_defect: no one defect is called '%s'",
                          spec->marks.pulse_defect);
}

/* What no single key can tell. */
static void check_whole(const struct doc_node *root, struct policy_errors *errors,
                        const struct sim_surface_spec *spec)
{
    const struct sim_surface_steps *steps = &spec->steps;
    const struct sim_surface_ridges *ridges = &spec->ridges;
    double stray_m = fmax(steps->straight_stray_m, steps->ragged_stray_m) + steps->kink_m;
    double weight = 0;
    for (uint32_t i = 0; i < spec->n_directions; i++)
        weight += spec->directions[i].p;
    if (!(weight > 0))
        policy_errors_add(errors, fields_place(root, "directions"),
                          "directions: at least one with a weight is wanted");
    if (stray_m + steps->uneven * steps->terrace_m > .48 * steps->terrace_m)
        policy_errors_add(errors, fields_place(root, "steps"),
                          "steps: terraces are so narrow that their edges could cross");
    if (ridges->period_m > 0 && ridges->apart_m + 4 * ridges->sigma_m > 2 * ridges->period_m)
        policy_errors_add(errors, fields_place(root, "ridges"),
                          "ridges: a pair is wider than two periods");
    check_cell(root, errors, spec);
    check_defects(root, errors, spec);
}

static void read_surface(const struct doc_node *root, struct policy_errors *errors,
                         struct sim_surface_spec *spec)
{
    fields_read(&top_table, root, root->place, errors, spec);
    if (root->kind != DOC_MAP)
        return;
    read_section(&cell_table, root, errors, &spec->cell);
    read_section(&bias_table, root, errors, &spec->bias);
    read_section(&step_table, root, errors, &spec->steps);
    read_section(&patch_table, root, errors, &spec->patches);
    read_section(&halo_table, root, errors, &spec->halo);
    read_section(&mark_table, root, errors, &spec->marks);
    if (doc_get(root, "ridges"))
        read_section(&ridge_table, root, errors, &spec->ridges);
    read_waves(root, errors, spec);
    spec->n_bumps = read_list(&bump_table, root, SIM_SURFACE_BUMPS_MAX, sizeof(spec->bumps[0]),
                              errors, spec->bumps);
    spec->n_directions = read_list(&direction_table, root, SIM_SURFACE_DIRECTIONS_MAX,
                                   sizeof(spec->directions[0]), errors, spec->directions);
    read_defects(root, errors, spec);
    if (errors->found == 0)
        check_whole(root, errors, spec);
}

/* The tree of a file into a surface. */
static int take(const struct doc_node *root, struct policy_errors *errors,
                struct sim_surface_spec *ret)
{
    struct sim_surface_spec *spec = calloc(1, sizeof(*spec));
    if (!spec)
        return -ENOMEM;
    read_surface(root, errors, spec);
    policy_errors_sort(errors);
    int rc = errors->found ? -EINVAL : 0;
    if (rc == 0)
        *ret = *spec;
    free(spec);
    return rc;
}

int sim_surface_parse(const char *text, size_t size, struct sim_surface_spec *ret,
                      struct policy_errors *ret_errors)
{
    struct doc_node *root;
    memset(ret_errors, 0, sizeof(*ret_errors));
    ret_errors->text = calloc(1, size + 1);
    if (!ret_errors->text)
        return -ENOMEM;
    if (size)
        memcpy(ret_errors->text, text, size);
    int rc = doc_read(text, size, ret_errors, &root);
    if (rc < 0)
        return rc;
    rc = take(root, ret_errors, ret);
    doc_destroy(root);
    return rc;
}

int sim_surface_load(const char *path, struct sim_surface_spec *ret,
                     struct policy_errors *ret_errors)
{
    struct doc_node *root;
    int rc = doc_load(path, ret_errors, &root);
    if (rc < 0)
        return rc;
    rc = take(root, ret_errors, ret);
    doc_destroy(root);
    return rc;
}

bool sim_surface_recognised(const char *text, size_t size)
{
    static const char key[] = "surface_version:";
    size_t length = strlen(key);
    for (size_t i = 0; i + length <= size; i++)
        if ((i == 0 || text[i - 1] == '\n') && memcmp(text + i, key, length) == 0)
            return true;
    return false;
}

void sim_surface_spec_default(struct sim_surface_spec *ret)
{
    struct policy_errors errors;
    /* The text is part of the program: if it is wrong, so is the program. */
    if (sim_surface_parse((const char *)sim_surface_builtin, sim_surface_builtin_size, ret,
                          &errors) < 0)
        abort();
    policy_errors_finish(&errors);
}

static const char introduction[] =
    "## Surface files\n\n"
    "What `surface` names in a scenario: one of `h-si-100`, `si-111-7x7`, `au-111`, or the path of "
    "a "
    "file of\none's own, best begun as a copy of one of sim/surfaces/. A surface is a lattice of "
    "waves "
    "and bumps on\nterraces, with defects; each key must be there unless a default is given. "
    "Places "
    "in a cell are `[s, t]`,\nin cells along `a1` and `a2`. Heights, radii and persistences are "
    "drawn "
    "evenly in their logarithm, other\nranges evenly. One fixed endless world comes from file and "
    "seed.\n\n";

void sim_surface_print_reference(FILE *out)
{
    static const struct sim_surface_spec none;
    static const struct {
        const struct field_table *table;
        const void *defaults;
    } sections[] = {
        {&top_table, &none},
        {&cell_table, &none.cell},
        {&wave_table, none.waves},
        {&bump_table, none.bumps},
        {&direction_table, none.directions},
        {&bias_table, &none.bias},
        {&step_table, &none.steps},
        {&patch_table, &none.patches},
        {&ridge_table, &none.ridges},
        {&defect_table, &defect_default},
        {&member_table, &member_default},
        {&halo_table, &none.halo},
        {&mark_table, &none.marks},
    };
    fputs(introduction, out);
    for (size_t i = 0; i < COUNT(sections); i++)
        fields_print(sections[i].table, sections[i].defaults, out);
}
