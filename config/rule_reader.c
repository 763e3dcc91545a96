/* A rule: conditions, answer, parameters, ramp. */
#include "config/rule_reader.h"
#include "config/fields.h"
#include "config/units.h"

#include <math.h>
#include <string.h>

enum { TEXT_MAX = 48, STEPS_MAX = 200 };

/* One parameter being read, with everything that bounds it. */
struct parameter_context {
    struct reading *r;
    struct policy_rule *rule;
    const struct action_parameter *parameter;
    const struct schema_bound *bound;
    char what[TEXT_MAX]; /* "crash.depth" */
    int index;
};

static bool is_key_of_rule(const char *word)
{
    return schema_find(SCHEMA_RULE, word) >= 0 || strcmp(word, "at_most") == 0;
}

/* A parameter of some action, but not of this rule's. */
static const char *owner_of_parameter(const char *word)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
        if (action_parameter_find((enum action_kind)kind, word) >= 0)
            return action_kind_name((enum action_kind)kind);
    return NULL;
}

static void complain_unknown(struct reading *r, const struct doc_node *key, const char *answer,
                             int kind)
{
    const char *names[SCHEMA_KEYS_MAX + ACTION_PARAMETERS_MAX];
    size_t n_keys, n_parameters = 0, n = 0;
    const struct schema_key *keys = schema_keys(&n_keys);
    for (size_t i = 0; i < n_keys; i++)
        if (keys[i].section == SCHEMA_RULE)
            names[n++] = keys[i].name;
    names[n++] = "at_most";
    const struct action_parameter *parameters =
        kind >= 0 ? action_parameters((enum action_kind)kind, &n_parameters) : NULL;
    for (size_t i = 0; i < n_parameters; i++)
        names[n++] = parameters[i].name;
    const char *owner = owner_of_parameter(key->text);
    const char *nearest = policy_errors_nearest(key->text, names, n);
    if (owner)
        policy_errors_add(r->errors, key->place,
                          "'%.40s' is a parameter of '%s', but this rule answers '%s'", key->text,
                          owner, answer);
    else
        policy_errors_add(r->errors, key->place, "unknown key '%.40s'%s%s%s", key->text,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "");
}

static void read_unknown(struct reading *r, const struct doc_node *node,
                         const struct policy_rule *rule, bool answered)
{
    int kind = rule->response == POLICY_DO ? (int)rule->action.kind : -1;
    const struct doc_node *then = doc_get(node, "then");
    for (size_t i = 0; i < node->n; i++) {
        const char *word = node->keys[i]->text;
        if (is_key_of_rule(word))
            continue;
        if (answered && kind >= 0 && action_parameter_find((enum action_kind)kind, word) >= 0)
            continue;
        /* Without a readable answer nobody knows which parameters belong here. */
        if (!answered && owner_of_parameter(word))
            continue;
        complain_unknown(r, node->keys[i], answered ? then->text : "nothing", answered ? kind : -1);
    }
}

/* Ceiling and policy bounds of one value; the message names the one that was passed. */
static bool check_value(const struct parameter_context *c, struct place place, double value)
{
    if (!c->r->profile)
        return true;
    enum action_profile profile = c->r->profile->ceiling;
    const struct action_range *range = &c->bound->range[profile];
    double ceiling_min = c->parameter->ceiling_min[profile];
    double ceiling_max = c->parameter->ceiling_max[profile];
    bool above = value > range->max;
    bool beyond = value > ceiling_max || value < ceiling_min;
    char said[TEXT_MAX], bound[TEXT_MAX];
    units_write(value, c->parameter->unit, said, sizeof(said));
    if (fabs(value) < c->bound->least) {
        units_write(c->bound->least, c->parameter->unit, bound, sizeof(bound));
        policy_errors_add(c->r->errors, place,
                          "%s: %s is below the policy bound of %s, of either sign", c->what, said,
                          bound);
        return false;
    }
    if (value >= range->min && value <= range->max)
        return true;
    double limit = above ? range->max : range->min;
    if (beyond)
        limit = above ? ceiling_max : ceiling_min;
    units_write(limit, c->parameter->unit, bound, sizeof(bound));
    policy_errors_add(c->r->errors, place, "%s: %s is %s the %s of %s (profile %s)", c->what, said,
                      above ? "above" : "below", beyond ? "compiled ceiling" : "policy bound",
                      bound, c->r->profile->name);
    return false;
}

static bool read_one(const struct parameter_context *c, const struct doc_node *node,
                     const char *part, bool is_step, double *ret_value)
{
    char what[TEXT_MAX * 2];
    snprintf(what, sizeof(what), "%s%s%s", c->what, part[0] ? "." : "", part);
    if (!field_quantity(c->r->errors, node, what, c->parameter->unit, c->bound->example, ret_value))
        return false;
    if ((c->bound->flags & SCHEMA_WHOLE) && *ret_value != floor(*ret_value)) {
        policy_errors_add(c->r->errors, node->place, "%s: a whole number is wanted", what);
        return false;
    }
    return is_step || check_value(c, node->place, *ret_value);
}

/* Size of the step against the policy's bounds for steps. */
static bool check_step_size(const struct parameter_context *c, const struct doc_node *node,
                            double step)
{
    if (!c->r->profile)
        return true;
    const struct action_range *range = &c->bound->step[c->r->profile->ceiling];
    if (range->max == 0 || (fabs(step) >= range->min && fabs(step) <= range->max))
        return true;
    char said[TEXT_MAX], min[TEXT_MAX], max[TEXT_MAX];
    units_write(step, c->parameter->unit, said, sizeof(said));
    units_write(range->min, c->parameter->unit, min, sizeof(min));
    units_write(range->max, c->parameter->unit, max, sizeof(max));
    policy_errors_add(c->r->errors, node->place,
                      "%s.step: %s is outside the policy bounds of %s to %s", c->what, said, min,
                      max);
    return false;
}

/* from, step, to must make a ramp that ends exactly at `to`. */
static bool check_ramp(const struct parameter_context *c, const struct doc_node *node,
                       const struct policy_ramp *ramp)
{
    const struct doc_node *step = doc_get(node, "step"), *to = doc_get(node, "to");
    char end[TEXT_MAX];
    if (ramp->from == ramp->to) {
        policy_errors_add(c->r->errors, to->place, "%s: 'from' and 'to' are equal; write one value",
                          c->what);
        return false;
    }
    if (ramp->step == 0) {
        policy_errors_add(c->r->errors, step->place, "%s.step: a step of 0 never arrives", c->what);
        return false;
    }
    if ((ramp->step > 0) != (ramp->to > ramp->from)) {
        policy_errors_add(c->r->errors, step->place,
                          "%s.step: leads away from 'to'; its sign must be %s", c->what,
                          ramp->to > ramp->from ? "positive" : "negative");
        return false;
    }
    if (!check_step_size(c, step, ramp->step))
        return false;
    double steps = (ramp->to - ramp->from) / ramp->step;
    if (steps > STEPS_MAX) {
        policy_errors_add(c->r->errors, step->place, "%s.step: more than %d steps", c->what,
                          STEPS_MAX);
        return false;
    }
    if (fabs(steps - round(steps)) > 1e-6) {
        units_write(ramp->from + floor(steps) * ramp->step, c->parameter->unit, end, sizeof(end));
        policy_errors_add(c->r->errors, to->place,
                          "%s.to: the steps do not arrive here; the last one is at %s", c->what,
                          end);
        return false;
    }
    if (c->bound->least > 0 && (ramp->from > 0) != (ramp->to > 0)) {
        policy_errors_add(c->r->errors, to->place, "%s.to: the ramp passes through 0", c->what);
        return false;
    }
    return true;
}

static bool read_ramp(const struct parameter_context *c, const struct doc_node *node,
                      double *ret_from)
{
    static const char *const parts[] = {"from", "to", "step"};
    double value[3];
    bool ok = true;
    for (size_t i = 0; i < node->n; i++) {
        const char *word = node->keys[i]->text;
        if (strcmp(word, "from") == 0 || strcmp(word, "to") == 0 || strcmp(word, "step") == 0)
            continue;
        const char *nearest = policy_errors_nearest(word, parts, 3);
        policy_errors_add(c->r->errors, node->keys[i]->place, "unknown key '%.40s'%s%s%s", word,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "");
        ok = false;
    }
    for (int i = 0; i < 3; i++) {
        const struct doc_node *part = doc_get(node, parts[i]);
        if (!part) {
            policy_errors_add(c->r->errors, node->place, "%s: a ramp needs 'from', 'to' and 'step'",
                              c->what);
            return false;
        }
        ok = read_one(c, part, parts[i], i == 2, &value[i]) && ok;
    }
    struct policy_ramp ramp = {c->index, value[0], value[1], value[2]};
    if (!ok || !check_ramp(c, node, &ramp))
        return false;
    if (c->rule->ramp.parameter >= 0) {
        policy_errors_add(c->r->errors, node->place,
                          "%s: only one parameter of a rule can be a ramp", c->what);
        return false;
    }
    c->rule->ramp = ramp;
    *ret_from = ramp.from;
    return true;
}

static void read_parameter(struct reading *r, const struct doc_node *node, struct policy_rule *rule,
                           struct rule_places *places, int index)
{
    size_t n;
    struct parameter_context c = {.r = r, .rule = rule, .index = index};
    const struct doc_node *value;
    double number;
    c.parameter = &action_parameters(rule->action.kind, &n)[index];
    c.bound = schema_bound(rule->action.kind, (size_t)index);
    snprintf(c.what, sizeof(c.what), "%s.%s", action_kind_name(rule->action.kind),
             c.parameter->name);
    value = doc_get(node, c.parameter->name);
    if (!value) {
        if ((c.bound->flags & SCHEMA_REQUIRED))
            policy_errors_add(r->errors, places->then, "a %s needs its '%s', like '%s: %s'",
                              action_kind_name(rule->action.kind), c.parameter->name,
                              c.parameter->name, c.bound->example);
        return;
    }
    if ((c.bound->flags & SCHEMA_REQUIRED))
        places->parameter = value->place;
    bool ok = value->kind == DOC_MAP ? read_ramp(&c, value, &number)
                                     : read_one(&c, value, "", false, &number);
    if (ok)
        action_set(&rule->action, c.parameter, number);
}

static void read_parameters(struct reading *r, const struct doc_node *node,
                            struct policy_rule *rule, struct rule_places *places)
{
    size_t n;
    action_parameters(rule->action.kind, &n);
    for (size_t i = 0; i < n; i++)
        read_parameter(r, node, rule, places, (int)i);
    if (rule->flip_sign_every > 0 && rule->action.kind != ACTION_PULSE)
        policy_errors_add(r->errors, places->flip, "flip_sign_every: only a pulse has a sign");
}

static struct place place_or(const struct doc_node *node, const char *key, struct place otherwise)
{
    const struct doc_node *value = doc_get(node, key);
    return value ? value->place : otherwise;
}

void rule_read(struct reading *r, const struct doc_node *node, struct policy_rule *rule,
               struct rule_places *places)
{
    size_t before = r->errors->found;
    places->rule = node->place;
    rule->line = node->place.line;
    rule->ramp.parameter = -1;
    if (node->kind != DOC_MAP) {
        if (node->kind != DOC_BROKEN)
            policy_errors_add(r->errors, node->place, "a rule is a mapping: name, when, then, ...");
        return;
    }
    places->name = place_or(node, "name", node->place);
    places->then = place_or(node, "then", node->place);
    places->confirm = place_or(node, "confirm", places->then);
    places->at_most = place_or(node, "at_most", places->then);
    places->flip = place_or(node, "flip_sign_every", places->then);
    places->parameter = places->then;
    /* No answer yet: an unreadable one must not pass for the first of the enum. */
    rule->response = POLICY_PARK;
    bool answered = false;
    const struct doc_node *then = doc_get(node, "then");
    for (size_t i = 0; then && then->kind == DOC_SCALAR && schema_answer(i) && !answered; i++)
        answered = strcmp(schema_answer(i)->name, then->text) == 0;
    schema_read_section(r, SCHEMA_RULE, node, node->place, rule, places);
    const struct doc_node *at_most = doc_get(node, "at_most");
    schema_read_section(r, SCHEMA_AT_MOST, at_most, places->at_most, rule, places);
    read_unknown(r, node, rule, answered);
    if (answered && rule->response == POLICY_DO)
        read_parameters(r, node, rule, places);
    else if (answered && rule->flip_sign_every > 0)
        policy_errors_add(r->errors, places->flip, "flip_sign_every: only a pulse has a sign");
    places->ok = r->errors->found == before;
}
