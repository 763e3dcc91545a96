/* One rule of a policy: its keys by the schema, its action's parameters by action.h. */
#ifndef CONFIG_RULE_READER_H
#define CONFIG_RULE_READER_H

#include "config/schema_read.h"

/* Read the rule at `node` into *rule (zeroed) and *places (zeroed). */
void rule_read(struct reading *r, const struct doc_node *node, struct policy_rule *rule,
               struct rule_places *places);

#endif
