/* Scenario files: tables of their keys, and the reading. */
#include "sim/scenario.h"

#include "config/fields.h"
#include "sim/scenario_keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const expectations[] = {"", "recover", "hold", "retract", "parked"};

const char *sim_expectation_name(size_t expectation)
{
    return expectation <= SIM_EXPECT_PARKED ? expectations[expectation] : NULL;
}

void sim_scenario_default(struct sim_scenario *ret)
{
    memset(ret, 0, sizeof(*ret));
    snprintf(ret->name, sizeof(ret->name), "default");
    snprintf(ret->surface, sizeof(ret->surface), "h-si-100");
    simulated_options_default(&ret->options);
}

/* What the file says in words or other units than the options have. */
static void take_words(struct scenario_reading *r)
{
    struct simulated_options *o = &r->scenario.options;
    o->start = r->start_word - 1;
    o->channels = r->channels_word ? SIM_CHANNEL_Z | SIM_CHANNEL_I : SIM_CHANNEL_Z;
    r->scenario.expect = r->expect_word + 1;
}

static void read_sections(struct scenario_reading *r, const struct doc_node *root,
                          struct policy_errors *errors)
{
    for (size_t i = 0; i < SCENARIO_SECTIONS; i++) {
        const struct field_table *table = scenario_section(i);
        const struct doc_node *map = doc_get(root, table->name);
        if (map)
            fields_read(table, map, map->place, errors, r);
    }
}

/* The rows of the jump matrix and the redraw tables stand one level deeper. */
static void read_tables(struct scenario_reading *r, const struct doc_node *root,
                        struct policy_errors *errors)
{
    const struct doc_node *tip = doc_get(root, "tip");
    if (!tip || tip->kind != DOC_MAP)
        return;
    for (size_t i = 0; i < SCENARIO_TIP_TABLES; i++) {
        const struct field_table *table = scenario_tip_table(i);
        const struct doc_node *map =
            fields_child(tip, strchr(table->name, '.') + 1, DOC_MAP, errors);
        if (map)
            fields_read(table, map, map->place, errors, r);
    }
}

/* ---- faults ---- */

/* One entry of the list, before it is known which kind of fault it is. */
static bool read_magnitude(const struct doc_node *map, enum sim_disturbance_kind kind,
                           struct policy_errors *errors, double *ret_magnitude)
{
    const char *unit;
    struct sim_range range = sim_disturbance_range(kind, &unit);
    const struct field size = {.name = "size",
                               .type = FIELD_NUMBER,
                               .unit = unit,
                               .min = range.low,
                               .max = range.high,
                               .required = range.high > range.low};
    const struct field_table table = {.name = "faults[]", .fields = &size, .n = 1};
    struct doc_node only = {.kind = DOC_MAP, .place = map->place};
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->text, "size") == 0) {
            only.keys = &map->keys[i];
            only.items = &map->items[i];
            only.n = 1;
        }
    return fields_read(&table, &only, map->place, errors, ret_magnitude);
}

/* Complain about a key that this kind of fault does not have. */
static void refuse_keys(const struct doc_node *map, const char *const *names, const char *kind,
                        struct policy_errors *errors)
{
    for (; *names; names++) {
        const struct doc_node *node = doc_get(map, *names);
        if (node)
            policy_errors_add(errors, node->place, "faults[]: '%s' has no '%s'", kind, *names);
    }
}

static void add_disturbance(struct sim_scenario *s, const struct scenario_fault *entry,
                            const struct doc_node *map, struct policy_errors *errors)
{
    static const char *const foreign[] = {"at_line", "at_action", "lines", "share", "by", NULL};
    int kind = entry->kind_word - SIM_FAULT_COUNT;
    struct sim_disturbance d = {.kind = (enum sim_disturbance_kind)kind,
                                .start_s = entry->fault.at_s,
                                .duration_s = entry->fault.duration_s};
    refuse_keys(map, foreign, sim_disturbance_name(d.kind), errors);
    if (!read_magnitude(map, d.kind, errors, &d.magnitude))
        return;
    if (!doc_get(map, "at"))
        policy_errors_add(errors, map->place, "faults[]: say when it begins: at");
    if (s->n_disturbances == SIM_DISTURBANCES_MAX)
        policy_errors_add(errors, map->place, "faults[]: more than %d of the physical ones",
                          SIM_DISTURBANCES_MAX);
    else
        s->disturbances[s->n_disturbances++] = d;
}

static bool read_trigger(struct sim_fault *fault, const struct doc_node *map,
                         struct policy_errors *errors)
{
    bool time = doc_get(map, "at"), line = doc_get(map, "at_line"),
         action = doc_get(map, "at_action");
    if (time + line + action != 1) {
        policy_errors_add(errors, map->place,
                          "faults[]: say when it begins, once: at, at_line or at_action");
        return false;
    }
    fault->trigger = time ? SIM_FAULT_AT_TIME : line ? SIM_FAULT_AT_LINE : SIM_FAULT_AT_ACTION;
    return true;
}

static void add_fault(struct sim_scenario *s, const struct scenario_fault *entry,
                      const struct doc_node *map, struct policy_errors *errors)
{
    static const char *const of_lines[] = {"lines", "share", "for", NULL};
    static const char *const sized[] = {"by", NULL}, *const physical[] = {"size", NULL};
    struct sim_fault fault = entry->fault;
    bool any_sign;
    fault.kind = (enum sim_fault_kind)entry->kind_word;
    const char *name = sim_fault_name(fault.kind);
    bool has_size = sim_fault_has_size(fault.kind, &any_sign);
    refuse_keys(map, physical, name, errors);
    if (!sim_fault_is_of_lines(fault.kind))
        refuse_keys(map, of_lines, name, errors);
    if (!has_size)
        refuse_keys(map, sized, name, errors);
    else if (!doc_get(map, "by"))
        policy_errors_add(errors, map->place, "faults[]: '%s' needs to know by how much: by", name);
    else if (!any_sign && !(fault.size_s > 0))
        policy_errors_add(errors, fields_place(map, "by"),
                          "faults[]: '%s' goes one way only: by "
                          "more than 0 s",
                          name);
    if (!read_trigger(&fault, map, errors))
        return;
    if (s->n_faults == SIM_FAULTS_MAX)
        policy_errors_add(errors, map->place, "faults[]: more than %d", SIM_FAULTS_MAX);
    else
        s->faults[s->n_faults++] = fault;
}

static void read_faults(struct sim_scenario *s, const struct doc_node *root,
                        struct policy_errors *errors)
{
    const struct doc_node *list = fields_child(root, "faults", DOC_LIST, errors);
    for (size_t i = 0; list && i < list->n; i++) {
        const struct doc_node *map = list->items[i];
        struct scenario_fault entry = {.kind_word = -1, .fault = {.share = 1}};
        if (!fields_read(scenario_fault_table(), map, map->place, errors, &entry) ||
            map->kind != DOC_MAP)
            continue;
        if (entry.kind_word < SIM_FAULT_COUNT)
            add_fault(s, &entry, map, errors);
        else
            add_disturbance(s, &entry, map, errors);
    }
}

/* ---- the whole ---- */

static void check_whole(const struct scenario_reading *r, const struct doc_node *root,
                        struct policy_errors *errors)
{
    const struct simulated_options *o = &r->scenario.options;
    if (r->version != 1)
        policy_errors_add(errors, fields_place(root, "scenario_version"),
                          "scenario_version: this program reads version 1");
    if (!sim_tip_model_ok(&o->tip))
        policy_errors_add(errors, fields_place(root, "tip"),
                          "'tip': its values do not fit together: tables need weights to draw "
                          "from, hard is beyond mild, luck and harm are at most 1 together");
    if (!sim_instrument_ok(&o->instrument))
        policy_errors_add(errors, fields_place(root, "instrument"),
                          "'instrument': its values do not fit together: the preamp's ranges rise "
                          "from above the set-point");
}

static void read_scenario(struct scenario_reading *r, const struct doc_node *root,
                          struct policy_errors *errors)
{
    if (root->kind != DOC_MAP) {
        policy_errors_add(errors, root->place, "a scenario is a mapping of keys to values");
        return;
    }
    fields_read(scenario_top(), root, root->place, errors, r);
    read_sections(r, root, errors);
    read_tables(r, root, errors);
    read_faults(&r->scenario, root, errors);
    take_words(r);
    if (errors->found == 0)
        check_whole(r, root, errors);
}

static void accept(const struct doc_node *root, struct sim_scenario *ret,
                   struct policy_errors *errors)
{
    struct scenario_reading *r = malloc(sizeof(*r));
    if (!r)
        abort();
    scenario_reading_default(r);
    r->scenario.name[0] = '\0';
    if (errors->found == 0)
        read_scenario(r, root, errors);
    if (errors->found == 0)
        *ret = r->scenario;
    policy_errors_sort(errors);
    free(r);
}

int sim_scenario_parse(const char *text, size_t size, struct sim_scenario *ret,
                       struct policy_errors *ret_errors)
{
    struct doc_node *root = NULL;
    memset(ret_errors, 0, sizeof(*ret_errors));
    if (doc_read(text, size, ret_errors, &root) == 0)
        accept(root, ret, ret_errors);
    doc_destroy(root);
    return ret_errors->found == 0 ? 0 : -EINVAL;
}

int sim_scenario_load(const char *path, struct sim_scenario *ret, struct policy_errors *ret_errors)
{
    struct doc_node *root = NULL;
    int rc = doc_load(path, ret_errors, &root);
    if (rc == 0)
        accept(root, ret, ret_errors);
    doc_destroy(root);
    if (rc != 0)
        return rc;
    return ret_errors->found == 0 ? 0 : -EINVAL;
}

bool sim_scenario_recognised(const char *text, size_t size)
{
    static const char key[] = "scenario_version:";
    size_t length = strlen(key);
    for (size_t i = 0; i + length <= size; i++)
        if ((i == 0 || text[i - 1] == '\n') && memcmp(text + i, key, length) == 0)
            return true;
    return false;
}
