/* docs/scenarios.md off the tables. */
#include "config/units.h"
#include "sim/scenario_keys.h"
#include "sim/surface_file.h"

static const char introduction[] =
    "# Scenarios\n"
    "\n"
    "Written by `tipwright sim --print-reference` off the tables that the program itself reads; do "
    "not\nedit it by hand.\n"
    "\n"
    "A scenario is one YAML file that says which microscope `tipwright sim --scenario` and "
    "`tipwright\nbench nights` are to be: surface, scan, tip, instrument, times, and what goes "
    "wrong when. What it\nleaves out is as in the default one. `tipwright check FILE` names every "
    "mistake with line and column;\na scenario with a mistake is not used.\n"
    "\n"
    "The form is that of policies (docs/policy.md): units are written, no key twice, no unknown "
    "key,\nvalues outside their bounds are refused. A range is `[lowest, highest]`, or one value. "
    "Which numbers\nare measured, fitted, chosen or unknown: docs/simulator.md.\n"
    "\n"
    "Shipped ones, by name without folder and ending: `default`, `quiet`, `regression`, "
    "`leeds-like`,\n`berkeley-like`, `rusty-tip-like`, `constant`, `memory`, `state-dependent`; "
    "and one for each fault,\n`faults/stall` and so on. The three `-like` ones have the numbers of "
    "actions that those laboratories\nreport, and nothing else of them.\n"
    "\n";

static const char families[] =
    "## Families\n"
    "\n"
    "| `family` | what actions do |\n"
    "|---|---|\n"
    "| `fitted` | with a probability that rises with depth or voltage the apex is drawn anew from "
    "a "
    "table; fitted where docs/simulator.md says so |\n"
    "| `constant` | whatever is done to whatever tip, it is good with probability `success` and "
    "bad otherwise; nothing changes by itself. Then no policy can need fewer actions than 1 / "
    "`success` in the mean: one that does reads what it must not see |\n"
    "| `state_dependent` | **invented**, to see whether a policy can learn: fouled answers to a "
    "pulse of 3 V and more, blunt to a crash of 1 nm and more, multi and rows to a crash of .5 nm "
    "and less, unstable to a pulse of 2 V and more against the sign of the one before; the right "
    "action makes a good tip with probability `right`, a wrong one with `luck`, and with `harm` "
    "another bad one; a good tip that is changed is lost. `difficulty` divides `right` and `luck` "
    "|\n"
    "\n";

static const char faults_text[] =
    "## Faults\n"
    "\n"
    "Of the instrument's program:\n"
    "\n"
    "| `fault` | what happens |\n"
    "|---|---|\n"
    "| `stall` | no more lines, though the scan is said to run |\n"
    "| `lose` | lines that never come |\n"
    "| `duplicate` | lines that come twice |\n"
    "| `swap` | a line and the next one in the other order |\n"
    "| `late` | lines that come `by` late, with their own time |\n"
    "| `not_a_number` | ten samples of a line are no numbers |\n"
    "| `rail_current` | current at the preamp's rail, in lines of current and in the status |\n"
    "| `width` | lines with half as many samples as the frame says |\n"
    "| `late_end` | an action's end is told `by` late, and nothing else comes meanwhile |\n"
    "| `no_end` | an action's end is never told; the scan goes on |\n"
    "| `clock_step` | the instrument's clock jumps by `by`, either way |\n"
    "| `freeze` | the whole program stands still for `by`, by the clock on the wall |\n"
    "| `restart` | the program dies and starts again, with another session and the scan off |\n"
    "\n"
    "Of the gap and the scanner, with `at`, `for` and `size` (docs/simulator.md, \"Instrument\"):\n"
    "\n"
    "| `fault` | `size` |\n"
    "|---|---|\n";

static void print_disturbances(FILE *out)
{
    for (int i = 0; i < SIM_DISTURBANCE_COUNT; i++) {
        const char *unit;
        struct sim_range range = sim_disturbance_range((enum sim_disturbance_kind)i, &unit);
        char low[48], high[48];
        units_write(range.low, unit, low, sizeof(low));
        units_write(range.high, unit, high, sizeof(high));
        fprintf(out, "| `%s` | ", sim_disturbance_name((enum sim_disturbance_kind)i));
        if (range.high > range.low)
            fprintf(out, "%s to %s |\n", low, high);
        else
            fputs("none |\n", out);
    }
    fputc('\n', out);
}

void sim_scenario_print_reference(FILE *out)
{
    struct scenario_reading r;
    struct scenario_fault fault = {.fault = {.share = 1}};
    scenario_reading_default(&r);
    fputs(introduction, out);
    fputs("## Keys\n\n", out);
    fields_print(scenario_top(), &r, out);
    for (size_t i = 0; i < SCENARIO_SECTIONS; i++)
        fields_print(scenario_section(i), &r, out);
    for (size_t i = 0; i < SCENARIO_TIP_TABLES; i++)
        fields_print(scenario_tip_table(i), &r, out);
    fields_print(scenario_fault_table(), &fault, out);
    fputs(families, out);
    fputs(faults_text, out);
    print_disturbances(out);
    sim_surface_print_reference(out);
}
