/* Any bytes as a policy: accepted or refused with a reason, and every complaint can be printed. */
#include "config/policy.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An accepted policy must keep what the loader promises. */
static void check_accepted(const struct policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        uint32_t n = policy_rule_steps(rule);
        struct action action;
        const struct action_parameter *parameter;
        if (rule->response != POLICY_DO || !policy->limits.allowed[rule->action.kind])
            continue;
        for (uint32_t k = 0; k < (n ? n : 4); k++)
            if (policy_rule_action(rule, k, &action) != 0 ||
                action_check(&action, &policy->limits, &parameter) != 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy policy;
    static FILE *sink;
    struct policy_errors errors;
    if (!sink)
        sink = fopen("/dev/null", "w");
    int rc = policy_parse("fuzz.yaml", (const char *)data, size, &policy, &errors);
    if ((rc == 0) != (errors.found == 0))
        abort();
    if (rc == 0)
        check_accepted(&policy);
    else if (sink)
        policy_errors_print(&errors, "fuzz.yaml", sink);
    policy_errors_finish(&errors);
    return 0;
}
