/* Any bytes as a scenario: accepted or refused with a reason; what is accepted makes a microscope.
 */
#include "sim/scenario.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sim_scenario scenario;
    static FILE *sink;
    struct policy_errors errors;
    struct sim_faults_options options = {.list = scenario.faults};
    struct microscope none = {.ops = &(struct microscope_ops){.name = "none"}};
    struct sim_faults *faults = NULL;
    if (!sink)
        sink = fopen("/dev/null", "w");
    int rc = sim_scenario_parse((const char *)data, size, &scenario, &errors);
    if ((rc == 0) != (errors.found == 0))
        abort();
    if (rc != 0 && sink)
        policy_errors_print(&errors, "fuzz.yaml", sink);
    policy_errors_finish(&errors);
    options.n = scenario.n_faults;
    if (rc == 0 && (!sim_tip_model_ok(&scenario.options.tip) ||
                    !sim_instrument_ok(&scenario.options.instrument) ||
                    sim_faults_create(&options, none, &faults) < 0))
        abort();
    sim_faults_destroy(faults);
    return 0;
}
