/*
 * Mistakes that no single value shows: rules that can never fire, nights that never end, budgets
 * that a ladder cannot live on. docs/policy.md lists them for the reader of a policy.
 *
 * Every check is sound in one direction: what is reported is truly so under the meaning of rules in
 * policy.h. What is not reported may still be unwise.
 */
#ifndef CONFIG_POLICY_LINT_H
#define CONFIG_POLICY_LINT_H

#include "config/schema_read.h"

/* Checks among rules. Rules that were not read cleanly are left out. */
void lint_rules(struct reading *r, const struct policy *policy);

/* Checks of budgets, times and sites, against each other and against what the rules need. */
void lint_budget(struct reading *r, const struct policy *policy);

/* True when every verdict that meets `a` meets `b` too. `accept`: what "wanted" is made of. */
bool lint_implies(const struct policy_condition *a, const struct policy_condition *b,
                  const bool *accept);

/* A line for each check, for the reference. NULL beyond the last. */
const char *lint_doc(size_t i);

#endif
