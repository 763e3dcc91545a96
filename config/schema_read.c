/* One reader per type of the schema. */
#include "config/schema_read.h"
#include "config/fields.h"
#include "config/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT_MAX = 96, TEXT_MAX = 48 };

/* Text of the file inside a message: its start is enough to find it, the caret shows the rest. */
#define SHOWN "%.40s"

struct place schema_key_place(const struct doc_node *map, size_t i)
{
    return map->keys[i]->place;
}

/* Every key of `map` that the section does not have, with the nearest one that it has. */
static void read_unknown(struct reading *r, enum schema_section section, const struct doc_node *map)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    const char *names[SCHEMA_KEYS_MAX + SCHEMA_SECTION_COUNT];
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i].section == section)
            names[n_names++] = keys[i].name;
    if (section == SCHEMA_TOP) {
        for (int s = SCHEMA_TOP + 1; s < SCHEMA_RULE; s++)
            names[n_names++] = schema_section_name((enum schema_section)s);
        names[n_names++] = "rules";
    }
    field_unknown_keys(r->errors, map, names, n_names);
}

/* "budget.night", for messages. */
static void name_key(const struct schema_key *key, char *buf, size_t size)
{
    const char *section = schema_section_name(key->section);
    if (key->section == SCHEMA_RULE || key->section == SCHEMA_TOP)
        snprintf(buf, size, "%s", key->name);
    else if (key->section == SCHEMA_AT_MOST)
        snprintf(buf, size, "at_most.%s", key->name);
    else
        snprintf(buf, size, "%s.%s", section, key->name);
}

static bool check_bounds(struct reading *r, const struct schema_key *key,
                         const struct doc_node *node, const char *what, double value)
{
    char said[TEXT_MAX], max[TEXT_MAX], min[TEXT_MAX], ceiling[TEXT_MAX];
    units_write(value, key->unit, said, sizeof(said));
    units_write(key->min, key->unit, min, sizeof(min));
    units_write(key->max, key->unit, max, sizeof(max));
    units_write(key->ceiling, key->unit, ceiling, sizeof(ceiling));
    if (value > key->ceiling)
        policy_errors_add(r->errors, node->place, "%s: %s is above the compiled ceiling of %s",
                          what, said, ceiling);
    else if (value > key->max)
        policy_errors_add(r->errors, node->place,
                          "%s: %s is above the policy bound of %s (the compiled ceiling is %s)",
                          what, said, max, ceiling);
    else if (value < key->min)
        policy_errors_add(r->errors, node->place, "%s: %s is below the policy bound of %s", what,
                          said, min);
    else
        return true;
    return false;
}

static void read_count(struct reading *r, const struct schema_key *key, const struct doc_node *node,
                       const char *what, uint32_t *ret_value)
{
    unsigned long value;
    if (field_count(r->errors, node, what, &value) &&
        check_bounds(r, key, node, what, (double)value))
        *ret_value = (uint32_t)value;
}

static const char *label_word(size_t i)
{
    return i <= POLICY_TIP_GOOD ? schema_label_name((int)i) : NULL;
}

/* The labels before these two are those that can be wanted of a tip. */
enum { N_WANTABLE = NN_LABEL_TIP_CHANGE };
_Static_assert((int)NN_LABEL_BAD_BLURRY > (int)NN_LABEL_TIP_CHANGE &&
                   (int)NN_LABEL_BAD_BLURRY == (int)NN_LABEL_COUNT - 1,
               "tip_change and bad_blurry come last");

static const char *accept_word(size_t i)
{
    return i < N_WANTABLE ? nn_label_name((enum nn_label)i) : NULL;
}

static const char *answer_word(size_t i)
{
    const struct schema_answer *answer = schema_answer(i);
    return answer ? answer->name : NULL;
}

static const char *mode_word(size_t i)
{
    return i <= POLICY_OFF ? schema_mode_name((enum policy_mode)i) : NULL;
}

static const char *strategy_word(size_t i)
{
    return i <= POLICY_RANDOM ? schema_strategy_name((enum policy_strategy)i) : NULL;
}

const char *policy_profile_name(size_t i)
{
    const struct schema_profile *profile = schema_profile(i);
    return profile ? profile->name : NULL;
}

static void read_profile(struct reading *r, const struct doc_node *node, const char *what,
                         struct schema_target *target)
{
    int i = field_word(r->errors, node, what, policy_profile_name);
    if (i < 0)
        return;
    r->profile = schema_profile((size_t)i);
    target->policy.profile = r->profile->ceiling;
    snprintf(target->policy.profile_name, sizeof(target->policy.profile_name), "%s",
             r->profile->name);
}

static void read_labels(struct reading *r, const struct doc_node *node, const char *what,
                        bool *ret_accept)
{
    if (node->kind == DOC_BROKEN)
        return;
    if (node->kind != DOC_LIST || node->n == 0) {
        policy_errors_add(r->errors, node->place,
                          "%s: a list of labels is wanted, like [individual_atoms, dimers]", what);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct doc_node *item = node->items[i];
        if (item->kind == DOC_SCALAR && nn_label_from_name(item->text) >= N_WANTABLE) {
            policy_errors_add(r->errors, item->place, "%s: '%s' cannot be wanted of a tip", what,
                              item->text);
            continue;
        }
        int label = field_word(r->errors, item, what, accept_word);
        if (label < 0)
            continue;
        if (ret_accept[label])
            policy_errors_add(r->errors, item->place, "%s: '%s' is named twice", what, item->text);
        ret_accept[label] = true;
    }
}

/* The parts of "bad_blurry >= 0.80", as bytes into the text. */
struct condition_parts {
    size_t label_length, operator_at, operator_length, threshold_at;
};

static void split_condition(const char *text, struct condition_parts *parts)
{
    parts->label_length = strcspn(text, " <>=!");
    parts->operator_at = parts->label_length + strspn(text + parts->label_length, " ");
    parts->operator_length = strspn(text + parts->operator_at, "<>=!");
    parts->threshold_at = parts->operator_at + parts->operator_length;
    parts->threshold_at += strspn(text + parts->threshold_at, " ");
}

static bool read_operator(struct reading *r, const struct doc_node *node,
                          const struct condition_parts *parts, bool *ret_below)
{
    const char *op = node->text + parts->operator_at;
    size_t n = parts->operator_length;
    if ((n == 2 && memcmp(op, ">=", 2) == 0) || (n == 1 && *op == '<')) {
        *ret_below = *op == '<';
        return true;
    }
    struct place place = doc_place_within(node, parts->operator_at, n ? n : 1);
    if (n == 0)
        policy_errors_add(r->errors, place,
                          "a condition is a label, >= or <, and a threshold, like "
                          "'bad_blurry >= 0.80'");
    else
        policy_errors_add(r->errors, place, "only >= and < are known here; write '%s'",
                          *op == '<' ? "<" : ">=");
    return false;
}

static bool read_threshold(struct reading *r, const struct doc_node *node,
                           const struct condition_parts *parts, double *ret_threshold)
{
    struct units_report report;
    const char *text = node->text + parts->threshold_at;
    struct place place = doc_place_within(node, parts->threshold_at, strlen(text));
    if (units_read(text, "", ret_threshold, &report) != 0) {
        if (strchr(text, '%'))
            policy_errors_add(r->errors, place, "scores go from 0 to 1; write 0.80 for 80 %%");
        else
            policy_errors_add(r->errors, place, "the threshold must be a plain number, like 0.80");
        return false;
    }
    if (!(*ret_threshold >= 0.01 && *ret_threshold <= 0.99)) {
        policy_errors_add(r->errors, place,
                          "a threshold lies between the policy bounds 0.01 and 0.99%s",
                          *ret_threshold > 1 ? "; scores go from 0 to 1" : "");
        return false;
    }
    return true;
}

/* "sure_good" and "sure_bad" stand for thresholds of tip_good that the section `sure` gives. */
static bool read_sure(const struct reading *r, const char *text,
                      struct policy_condition *ret_condition)
{
    if (strcmp(text, "sure_good") != 0 && strcmp(text, "sure_bad") != 0)
        return false;
    bool below = strcmp(text, "sure_bad") == 0;
    *ret_condition = (struct policy_condition){.label = POLICY_TIP_GOOD,
                                               .below = below,
                                               .threshold = below ? r->policy->sure.act_on_good
                                                                  : 1 - r->policy->sure.accept_bad};
    return true;
}

static bool read_condition(struct reading *r, const struct doc_node *node,
                           struct policy_condition *ret_condition)
{
    struct condition_parts parts;
    if (!field_scalar(r->errors, node, "condition"))
        return false;
    if (read_sure(r, node->text, ret_condition))
        return true;
    split_condition(node->text, &parts);
    struct doc_node word = {.kind = DOC_SCALAR,
                            .place = doc_place_within(node, 0, parts.label_length),
                            .plain = node->plain};
    char label[TEXT_MAX];
    snprintf(label, sizeof(label), "%.*s",
             (int)(parts.label_length < TEXT_MAX ? parts.label_length : TEXT_MAX), node->text);
    word.text = label;
    int i = field_word(r->errors, &word, "condition", label_word);
    bool ok = read_operator(r, node, &parts, &ret_condition->below);
    ok = ok && read_threshold(r, node, &parts, &ret_condition->threshold);
    ret_condition->label = i;
    return ok && i >= 0;
}

/* Where a list of conditions goes, and where it stood. */
struct condition_list {
    struct policy_condition *conditions; /* POLICY_CONDITIONS_MAX */
    size_t *n;
    struct place *places; /* POLICY_CONDITIONS_MAX */
    struct place *all;
};

static void read_conditions(struct reading *r, const struct doc_node *node, const char *what,
                            const struct condition_list *list)
{
    bool may_be_always = strcmp(what, "when") == 0;
    *list->all = node->place;
    if (node->kind == DOC_BROKEN)
        return;
    if (may_be_always && node->kind == DOC_SCALAR && strcmp(node->text, "always") == 0)
        return;
    if (node->kind != DOC_LIST || node->n == 0) {
        policy_errors_add(r->errors, node->place,
                          "%s: a list of conditions is wanted, like [bad_blurry >= 0.80]%s", what,
                          may_be_always ? ", or 'always'" : "");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        struct policy_condition condition;
        if (i >= POLICY_CONDITIONS_MAX) {
            policy_errors_add(r->errors, node->items[i]->place, "%s: more than %d conditions", what,
                              POLICY_CONDITIONS_MAX);
            return;
        }
        if (!read_condition(r, node->items[i], &condition))
            continue;
        list->places[*list->n] = node->items[i]->place;
        list->conditions[(*list->n)++] = condition;
    }
}

/* Something counted: "2 verdicts" with its singular, and how many of it there may be. */
struct counted {
    const char *one, *many;
    unsigned long least, most;
};

/* Index of what is counted, its number in *ret_n; or -1 after a complaint. */
static int read_counted(struct reading *r, const struct doc_node *node, const char *what,
                        const struct counted kinds[2], uint32_t *ret_n)
{
    if (!field_scalar(r->errors, node, what))
        return -1;
    char count[16];
    size_t digits = strspn(node->text, "0123456789");
    const char *word = node->text + digits + strspn(node->text + digits, " ");
    int kind = -1;
    unsigned long n = 0;
    for (int i = 0; i < 2; i++)
        if (strcmp(word, kinds[i].one) == 0 || strcmp(word, kinds[i].many) == 0)
            kind = i;
    snprintf(count, sizeof(count), "%.*s", (int)(digits < 11 ? digits : 11), node->text);
    if (units_read_count(count, &n) != 0 || kind < 0) {
        policy_errors_add(r->errors, node->place,
                          "%s: write a number and what is counted, like '2 %s' or '3 %s'", what,
                          kinds[0].many, kinds[1].many);
        return -1;
    }
    if (n < kinds[kind].least || n > kinds[kind].most) {
        policy_errors_add(r->errors, doc_place_within(node, 0, digits),
                          "%s: %lu is outside the policy bounds of %lu to %lu %s", what, n,
                          kinds[kind].least, kinds[kind].most, kinds[kind].many);
        return -1;
    }
    *ret_n = (uint32_t)n;
    return kind;
}

static void read_confirm(struct reading *r, const struct doc_node *node, const char *what,
                         struct policy_rule *rule)
{
    static const struct counted kinds[] = {
        [POLICY_VERDICTS] = {"verdict", "verdicts", 1, 20},
        [POLICY_FRAMES] = {"frame", "frames", 1, 10},
    };
    int kind = read_counted(r, node, what, kinds, &rule->confirm_n);
    if (kind >= 0)
        rule->confirm = (enum policy_confirm)kind;
}

static void read_look(struct reading *r, const struct doc_node *node, const char *what,
                      struct policy *policy)
{
    static const struct counted kinds[] = {{"frame", "frames", 1, 10}, {"line", "lines", 8, 512}};
    uint32_t n;
    int kind = read_counted(r, node, what, kinds, &n);
    if (kind < 0)
        return;
    policy->look_first_frames = kind == 0 ? n : 0;
    policy->look_first_lines = kind == 1 ? n : 0;
}

static void read_strategy(struct reading *r, const struct doc_node *node, const char *what,
                          struct policy *policy)
{
    int i = field_word(r->errors, node, what, strategy_word);
    if (i >= 0)
        policy->strategy = (enum policy_strategy)i;
}

static void read_answer(struct reading *r, const struct doc_node *node, const char *what,
                        struct policy_rule *rule)
{
    int i = field_word(r->errors, node, what, answer_word);
    if (i < 0)
        return;
    const struct schema_answer *answer = schema_answer((size_t)i);
    rule->response = answer->response;
    if (answer->response == POLICY_DO)
        rule->action = action_default(answer->kind);
}

static void read_rule_value(struct reading *r, const struct schema_key *key,
                            const struct doc_node *node, const char *what, struct policy_rule *rule,
                            struct rule_places *places)
{
    if (key->type == SCHEMA_CONFIRM) {
        read_confirm(r, node, what, rule);
    } else if (key->type == SCHEMA_ANSWER) {
        read_answer(r, node, what, rule);
    } else if (key->type == SCHEMA_MODE) {
        int mode = field_word(r->errors, node, what, mode_word);
        if (mode >= 0)
            rule->mode = (enum policy_mode)mode;
    } else if (key->offset == offsetof(struct policy_rule, when)) {
        struct condition_list list = {rule->when, &rule->n_when, places->when, &places->when_all};
        read_conditions(r, node, what, &list);
    } else {
        struct condition_list list = {rule->until, &rule->n_until, places->until,
                                      &places->until_all};
        read_conditions(r, node, what, &list);
    }
}

static void read_value(struct reading *r, const struct schema_key *key, const struct doc_node *node,
                       void *base, struct rule_places *rule)
{
    char what[WHAT_MAX];
    void *field = (char *)base + key->offset;
    double value;
    name_key(key, what, sizeof(what));
    switch (key->type) {
    case SCHEMA_COUNT:
        read_count(r, key, node, what, field);
        break;
    case SCHEMA_NUMBER:
    case SCHEMA_QUANTITY:
        if (field_quantity(r->errors, node, what, key->unit, key->fallback, &value) &&
            check_bounds(r, key, node, what, value))
            memcpy(field, &value, sizeof(value));
        break;
    case SCHEMA_FLAG:
        field_flag(r->errors, node, what, field);
        break;
    case SCHEMA_NAME:
        field_name(r->errors, node, what, POLICY_NAME_MAX, field);
        break;
    case SCHEMA_PROFILE:
        read_profile(r, node, what, base);
        break;
    case SCHEMA_LABELS:
        read_labels(r, node, what, field);
        break;
    case SCHEMA_LOOK:
        read_look(r, node, what, &((struct schema_target *)base)->policy);
        break;
    case SCHEMA_STRATEGY:
        read_strategy(r, node, what, &((struct schema_target *)base)->policy);
        break;
    case SCHEMA_CONDITIONS:
    case SCHEMA_CONFIRM:
    case SCHEMA_ANSWER:
    case SCHEMA_MODE:
        read_rule_value(r, key, node, what, base, rule);
        break;
    }
}

/* A default is read by the same code as the file, so the reference cannot say something else. */
static void read_fallback(struct reading *r, const struct schema_key *key, struct place at,
                          void *base, struct rule_places *rule)
{
    char what[WHAT_MAX], text[TEXT_MAX];
    name_key(key, what, sizeof(what));
    if (!key->fallback) {
        policy_errors_add(r->errors, at, "the key '%s' is missing", what);
    } else if (key->fallback[0] != '\0') {
        snprintf(text, sizeof(text), "%s", key->fallback);
        struct doc_node node = {.kind = DOC_SCALAR, .place = at, .text = text, .plain = true};
        read_value(r, key, &node, base, rule);
    }
}

void schema_read_section(struct reading *r, enum schema_section section, const struct doc_node *map,
                         struct place at, void *base, struct rule_places *rule)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    size_t before = r->errors->found;
    if (section < SCHEMA_RULE)
        r->places->sections[section] = at;
    if (map && map->kind == DOC_MAP && section != SCHEMA_RULE)
        read_unknown(r, section, map);
    if (map && map->kind != DOC_MAP) {
        if (map->kind != DOC_BROKEN)
            policy_errors_add(r->errors, map->place, "'%s' is a mapping of keys to values",
                              schema_section_name(section));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (keys[i].section != section)
            continue;
        const struct doc_node *node = map ? doc_get(map, keys[i].name) : NULL;
        if (node)
            read_value(r, &keys[i], node, base, rule);
        else
            read_fallback(r, &keys[i], at, base, rule);
        if (section < SCHEMA_RULE)
            r->places->keys[i] = node ? node->place : (struct place){0};
    }
    if (section < SCHEMA_RULE) {
        r->places->section_ok[section] = r->errors->found == before;
    }
}
