/*
 * Nodes of a YAML tree into C values, by the rows of the schema, complaining at the right column.
 */
#ifndef CONFIG_SCHEMA_READ_H
#define CONFIG_SCHEMA_READ_H

#include "config/schema.h"
#include "config/yaml_reader.h"

/* Where the parts of one rule stand, for complaints that only the whole policy allows. */
struct rule_places {
    bool ok; /* read without a complaint: only then is it worth a second look */
    struct place rule, name, then, parameter, confirm, at_most, flip;
    struct place when[POLICY_CONDITIONS_MAX], until[POLICY_CONDITIONS_MAX];
    struct place when_all, until_all;
};

struct policy_places {
    struct place keys[SCHEMA_KEYS_MAX]; /* by index in schema_keys(); line 0: a default */
    struct place sections[SCHEMA_SECTION_COUNT];
    bool section_ok[SCHEMA_SECTION_COUNT];
    struct place rules;
    struct rule_places rule[POLICY_RULES_MAX];
};

/* One reading of one file. */
struct reading {
    struct policy_errors *errors;
    const struct schema_profile *profile; /* NULL: not known, then bounds are not checked */
    const struct policy *policy;          /* what has been read of it by now */
    struct policy_places *places;
};

/*
 * All keys of a section into `base`; what is missing gets its default or a complaint at `at`.
 * `map` may be NULL: defaults only. Names of rules and lists of conditions are read as well, the
 * latter with their places into `rule`, which may be NULL elsewhere.
 */
void schema_read_section(struct reading *r, enum schema_section section, const struct doc_node *map,
                         struct place at, void *base, struct rule_places *rule);

/* The place of a key's word in its mapping. */
struct place schema_key_place(const struct doc_node *map, size_t i);

#endif
