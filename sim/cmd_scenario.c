/* Finding and reading scenarios and their surfaces. */
#include "sim/cmd_scenario.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "sim/surface_file.h"

#include <string.h>

/* Name or path of a file that may come with the program. */
static void find(const char *folder, const char *word, char *buf, size_t size)
{
    char name[SIM_SCENARIO_TEXT_MAX + 64];
    size_t length = strlen(word);
    if (length > 5 && strcmp(word + length - 5, ".yaml") == 0) {
        snprintf(buf, size, "%s", word);
        return;
    }
    snprintf(name, sizeof(name), "%s/%.255s.yaml", folder, word);
    command_data_path(name, buf, size);
}

int cmd_scenario_load(const char *word, struct sim_scenario *ret_scenario)
{
    char path[COMMAND_PATH_MAX];
    struct policy_errors errors;
    find("scenarios", word, path, sizeof(path));
    int r = sim_scenario_load(path, ret_scenario, &errors);
    if (r < 0)
        policy_errors_print(&errors, path, stderr);
    policy_errors_finish(&errors);
    return r < 0 ? EXIT_REFUSED : EXIT_OK;
}

int cmd_scenario_surface(struct sim_scenario *scenario, struct sim_surface_spec *ret_surface)
{
    char path[COMMAND_PATH_MAX];
    struct policy_errors errors;
    find("surfaces", scenario->surface, path, sizeof(path));
    int r = sim_surface_load(path, ret_surface, &errors);
    if (r < 0)
        policy_errors_print(&errors, path, stderr);
    else
        scenario->options.surface = ret_surface;
    policy_errors_finish(&errors);
    return r < 0 ? EXIT_REFUSED : EXIT_OK;
}

int cmd_scenario_disturb(const struct sim_scenario *scenario, struct simulated *sim)
{
    for (size_t i = 0; i < scenario->n_disturbances; i++) {
        const struct sim_disturbance *d = &scenario->disturbances[i];
        int r = simulated_disturb(sim, d);
        if (r < 0) {
            terminal_error("sim", "the fault '%s' cannot be played: %s",
                           sim_disturbance_name(d->kind), strerror(-r));
            return EXIT_REFUSED;
        }
    }
    return EXIT_OK;
}
