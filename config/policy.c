/* A policy from bytes: reader, schema, rules, lint, and the fingerprint. */
#include "config/policy.h"
#include "config/policy_lint.h"
#include "config/rule_reader.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)POLICY_BYTES_MAX == (int)DOC_BYTES_MAX, "one size limit");

static void hash_text(const char *text, size_t size, char *ret_hex)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)text, size);
    sodium_bin2hex(ret_hex, 2 * sizeof(digest) + 1, digest, sizeof(digest));
}

static void read_sections(struct reading *r, const struct doc_node *root,
                          struct schema_target *target)
{
    for (int s = SCHEMA_TOP; s < SCHEMA_RULE; s++) {
        enum schema_section section = (enum schema_section)s;
        const char *name = schema_section_name(section);
        const struct doc_node *map = s == SCHEMA_TOP ? root : doc_get(root, name);
        struct place at = root->place;
        for (size_t i = 0; s != SCHEMA_TOP && i < root->n; i++)
            if (strcmp(root->keys[i]->text, name) == 0)
                at = schema_key_place(root, i);
        schema_read_section(r, section, map, at, target, NULL);
    }
}

static void check_names(struct reading *r, const struct policy *policy)
{
    for (size_t i = 1; i < policy->n_rules; i++)
        for (size_t k = 0; k < i; k++)
            if (policy->rules[i].name[0] &&
                strcmp(policy->rules[i].name, policy->rules[k].name) == 0) {
                policy_errors_add(r->errors, r->places->rule[i].name,
                                  "a second rule named '%s'; the first is at line %d",
                                  policy->rules[i].name, r->places->rule[k].name.line);
                break;
            }
}

static void read_rules(struct reading *r, const struct doc_node *root, struct policy *policy)
{
    const struct doc_node *list = doc_get(root, "rules");
    r->places->rules = root->place;
    if (!list) {
        policy_errors_add(r->errors, root->place, "the key 'rules' is missing");
        return;
    }
    r->places->rules = list->place;
    if (list->kind != DOC_LIST || list->n == 0) {
        if (list->kind != DOC_BROKEN)
            policy_errors_add(r->errors, list->place, "'rules' is a list of at least one rule");
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (i >= POLICY_RULES_MAX) {
            policy_errors_add(r->errors, list->items[i]->place, "more than %d rules",
                              POLICY_RULES_MAX);
            break;
        }
        rule_read(r, list->items[i], &policy->rules[i], &r->places->rule[i]);
        policy->n_rules++;
    }
    check_names(r, policy);
}

static void read_policy(struct policy_errors *errors, const struct doc_node *root,
                        struct schema_target *target)
{
    struct policy *policy = &target->policy;
    struct policy_places *places = calloc(1, sizeof(*places));
    if (!places)
        abort();
    struct reading r = {.errors = errors, .policy = policy, .places = places};
    /* With aliases or doubled keys nobody knows what was meant: values yes, meaning no. */
    bool clean = errors->found == 0;
    if (root->kind != DOC_MAP) {
        policy_errors_add(errors, root->place, "a policy is a mapping of keys to values");
        free(places);
        return;
    }
    read_sections(&r, root, target);
    if (r.profile)
        schema_limits(r.profile, target->necking, &policy->limits);
    read_rules(&r, root, policy);
    if (clean) {
        lint_rules(&r, policy);
        lint_budget(&r, policy);
    }
    free(places);
}

int policy_parse(const char *path, const char *text, size_t size, struct policy *ret_policy,
                 struct policy_errors *ret_errors)
{
    struct doc_node *root = NULL;
    memset(ret_errors, 0, sizeof(*ret_errors));
    struct schema_target *target = calloc(1, sizeof(*target));
    if (!target)
        return -ENOMEM;
    if (size <= POLICY_BYTES_MAX) {
        ret_errors->text = malloc(size + 1);
        if (!ret_errors->text) {
            free(target);
            return -ENOMEM;
        }
        if (size > 0)
            memcpy(ret_errors->text, text, size);
        ret_errors->text[size] = '\0';
    }
    if (doc_read(text, size, ret_errors, &root) == 0)
        read_policy(ret_errors, root, target);
    doc_destroy(root);
    if (ret_errors->found == 0) {
        struct policy *policy = &target->policy;
        hash_text(text, size, policy->hash);
        snprintf(policy->path, sizeof(policy->path), "%s", path);
        *ret_policy = *policy;
    }
    free(target);
    policy_errors_sort(ret_errors);
    return ret_errors->found == 0 ? 0 : -EINVAL;
}

int policy_load(const char *path, struct policy *ret_policy, struct policy_errors *ret_errors)
{
    char *text = NULL;
    size_t size = 0;
    memset(ret_errors, 0, sizeof(*ret_errors));
    int rc = doc_read_file(path, &text, &size);
    if (rc != 0) {
        policy_errors_add(ret_errors, (struct place){0, 0, 1}, "%s", strerror(-rc));
        /* -EINVAL means "read and found wrong". */
        return rc == -EINVAL ? -EIO : rc;
    }
    rc = policy_parse(path, text, size, ret_policy, ret_errors);
    free(text);
    return rc;
}

uint32_t policy_rule_steps(const struct policy_rule *rule)
{
    if (rule->response != POLICY_DO || rule->ramp.parameter < 0)
        return 0;
    return (uint32_t)lround((rule->ramp.to - rule->ramp.from) / rule->ramp.step) + 1;
}

int policy_rule_action(const struct policy_rule *rule, uint32_t k, struct action *ret_action)
{
    if (rule->response != POLICY_DO)
        return -EINVAL;
    struct action action = rule->action;
    uint32_t steps = policy_rule_steps(rule);
    if (steps > 0) {
        size_t n;
        const struct action_parameter *parameters = action_parameters(action.kind, &n);
        if (k >= steps)
            return -ERANGE;
        /* By shares of the way, so that no rounding carries a value past the end. */
        double value = rule->ramp.from + (rule->ramp.to - rule->ramp.from) * k / (steps - 1);
        if (k + 1 == steps)
            value = rule->ramp.to;
        action_set(&action, &parameters[rule->ramp.parameter], value);
    }
    if (action.kind == ACTION_PULSE && rule->flip_sign_every > 0 &&
        k / rule->flip_sign_every % 2 == 1)
        action.voltage_v = -action.voltage_v;
    *ret_action = action;
    return 0;
}
