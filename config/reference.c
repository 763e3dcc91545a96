/* docs/policy.md, written off the schema's tables. */
#include "config/reference.h"
#include "config/policy_lint.h"
#include "config/schema.h"
#include "config/units.h"

#include <string.h>

enum { TEXT_MAX = 48 };

static const char introduction[] =
    "# Policies\n"
    "\n"
    "Written by `tipwright check --print-reference` off the tables that the program itself reads; "
    "do not\nedit it by hand.\n"
    "\n"
    "A policy says what may be done to a tip, when, and how often. It is one YAML file, read and "
    "checked\nwhole before anything uses it:\n"
    "\n"
    "```\n"
    "tipwright check my-policy.yaml\n"
    "```\n"
    "\n"
    "names every mistake with line and column. A policy with a mistake is not used, neither in "
    "part nor\nwith values brought inside their bounds.\n"
    "\n"
    "## Form\n"
    "\n"
    "- At most 256 KiB, 32 levels, 256 entries in one list or mapping, 32 rules, one document.\n"
    "- No anchors, aliases, tags, merge keys or directives. No key twice. No unknown key.\n"
    "- A value with a dimension carries its unit: `2.3 V`, `0.30 nm`, `50 ms`, `12 h`. Without "
    "one it is\n  an error, and so is a unit of something else.\n"
    "- Switches are `true` or `false`.\n"
    "- Two bounds: what a policy may say (*bounds* below), and the compiled *ceiling*. The "
    "instrument's\n  own limits file can be tighter than both.\n"
    "\n"
    "Units:";

static const char conditions_text[] =
    "## Conditions\n"
    "\n"
    "`LABEL >= THRESHOLD` or `LABEL < THRESHOLD`, threshold 0.01 to 0.99. All conditions of a list "
    "must\nhold. Instead of a list, `when: always` holds for every verdict; actions on the tip may "
    "not use it.\n"
    "\n"
    "Labels:";

static const char sure_text[] =
    "## Being sure\n"
    "\n"
    "`tip_good` is the chance that the tip is good: an accepted label holds, `bad_blurry` does "
    "not, "
    "nor\n`asymmetries` unless accepted. It is put together from every verdict that counts since "
    "the last action:\nthe present frame's, forward and backward, and, once a frame has ended, "
    "that frame's last one. Frames\nof one tip repeat each other's mistakes (`sure.frames_alike`), "
    "so the second adds less than the first;\nanother place is more of a second opinion "
    "(`sure.places_alike`); what was seen fades towards `sure.good_before` as "
    "tips change by themselves (`sure.tip_lasts`); a\nnoticed tip change takes a third of it, an "
    "action or a `wait` all. So a rule can act after a few lines of a clear\nframe, and look "
    "longer at a doubtful "
    "one:\n"
    "\n"
    "```yaml\n"
    "sure:\n"
    "  act_on_good: 0.02   # of the tips acted upon, at most 2 in 100 were good\n"
    "  accept_bad: 0.05    # of the tips accepted, at most 5 in 100 are bad\n"
    "rules:\n"
    "  - {name: good, when: [sure_good], confirm: 1 verdict, then: good}\n"
    "  - {name: crash, when: [sure_bad], confirm: 1 verdict, then: crash, ...}\n"
    "```\n"
    "\n"
    "`sure_bad` is `tip_good < 0.02` with these numbers, `sure_good` is `tip_good >= 0.95`; in "
    "between the\nscan goes on.\n"
    "\n";

static const char ramps_text[] =
    "### Ramps\n"
    "\n"
    "One parameter of a rule may change from firing to firing:\n"
    "\n"
    "```yaml\n"
    "depth: {from: 0.30 nm, to: 0.70 nm, step: 0.05 nm}\n"
    "```\n"
    "\n"
    "The first firing in an episode uses `from`, each further one goes on by `step`, the last uses "
    "exactly\n`to`; then the rule is used up until the next episode. `step` is negative when `to` "
    "is below `from`,\nand whole steps must arrive at `to`. Both ends must lie inside the bounds.\n"
    "\n";

/* "0.5 nm to 2 nm" and the like. */
static void print_range(FILE *out, double min, double max, const char *unit)
{
    char low[TEXT_MAX], high[TEXT_MAX];
    units_write(min, unit, low, sizeof(low));
    units_write(max, unit, high, sizeof(high));
    fprintf(out, "%s to %s", low, high);
}

static const char *type_word(enum schema_type type)
{
    switch (type) {
    case SCHEMA_COUNT:
        return "whole number";
    case SCHEMA_NUMBER:
        return "number";
    case SCHEMA_QUANTITY:
        return "quantity";
    case SCHEMA_FLAG:
        return "switch";
    case SCHEMA_NAME:
        return "name";
    case SCHEMA_PROFILE:
        return "profile";
    case SCHEMA_LABELS:
        return "list of labels";
    case SCHEMA_CONDITIONS:
        return "conditions";
    case SCHEMA_CONFIRM:
        return "confirmation";
    case SCHEMA_LOOK:
        return "frames or lines";
    case SCHEMA_STRATEGY:
        return "strategy";
    case SCHEMA_ANSWER:
        return "answer";
    case SCHEMA_MODE:
        return "mode";
    }
    return "";
}

static void print_key(FILE *out, const struct schema_key *key)
{
    bool bounded =
        key->type == SCHEMA_COUNT || key->type == SCHEMA_NUMBER || key->type == SCHEMA_QUANTITY;
    char ceiling[TEXT_MAX];
    fprintf(out, "| `%s` | ", key->name);
    if (key->type == SCHEMA_QUANTITY)
        fprintf(out, "%s", units_dimension(key->unit));
    else
        fputs(type_word(key->type), out);
    fputs(" | ", out);
    if (bounded)
        print_range(out, key->min, key->max, key->unit);
    fputs(" | ", out);
    if (bounded && key->ceiling > key->max) {
        units_write(key->ceiling, key->unit, ceiling, sizeof(ceiling));
        fputs(ceiling, out);
    }
    if (!key->fallback)
        fputs(" | required", out);
    else if (key->fallback[0] != '\0')
        fprintf(out, " | `%s`", key->fallback);
    else
        fputs(" | none", out);
    fprintf(out, " | %s |\n", key->doc);
}

static void print_section(FILE *out, enum schema_section section)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    const char *name = schema_section_name(section);
    if (name[0] != '\0')
        fprintf(out, "### `%s`\n\n", name);
    else
        fputs("### Top\n\n", out);
    fprintf(out, "%s\n\n", schema_section_doc(section));
    fputs("| key | type | bounds | ceiling | default | meaning |\n|---|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < n; i++)
        if (keys[i].section == section)
            print_key(out, &keys[i]);
    fputc('\n', out);
}

static void print_profiles(FILE *out)
{
    fputs("## Profiles\n\n| profile | bounds | meaning |\n|---|---|---|\n", out);
    for (size_t i = 0; schema_profile(i); i++)
        fprintf(out, "| `%s` | %s | %s |\n", schema_profile(i)->name,
                schema_profile(i)->ceiling == ACTION_PROFILE_METAL ? "metal" : "silicon",
                schema_profile(i)->doc);
    fputc('\n', out);
}

static void print_units(FILE *out)
{
    static const char *const units[] = {"V", "A", "m", "s", "m/s"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        fprintf(out, "%s %s", i ? ";" : "", units_dimension(units[i]));
        for (size_t k = 0; units_spelling(units[i], k); k++)
            fprintf(out, "%s `%s`", k ? "," : "", units_spelling(units[i], k));
    }
    fputs(".\n\n", out);
}

static void print_conditions(FILE *out)
{
    fputs(conditions_text, out);
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        fprintf(out, "%s `%s`", i ? "," : "", nn_label_name((enum nn_label)i));
    fputs(
        "; `wanted`, the\nhighest score among `accept.labels`; and `tip_good`, the chance that the "
        "tip is good (see Being sure),\nfor which `sure_good` and `sure_bad` are written without "
        "a threshold.\n\n",
        out);
    fputs(sure_text, out);
}

static void print_answers(FILE *out)
{
    fputs("## Answers\n\n| `then` | meaning |\n|---|---|\n", out);
    for (size_t i = 0; schema_answer(i); i++)
        fprintf(out, "| `%s` | %s |\n", schema_answer(i)->name, schema_answer(i)->doc);
    fputs("\n### Strategies\n\n| `strategy` | meaning |\n|---|---|\n", out);
    for (int i = POLICY_LADDER; i <= POLICY_RANDOM; i++)
        fprintf(out, "| `%s` | %s |\n", schema_strategy_name((enum policy_strategy)i),
                schema_strategy_doc((enum policy_strategy)i));
    fputs("\n### Modes\n\n| `mode` | meaning |\n|---|---|\n", out);
    for (int i = POLICY_ACTIVE; i <= POLICY_OFF; i++)
        fprintf(out, "| `%s` | %s |\n", schema_mode_name((enum policy_mode)i),
                schema_mode_doc((enum policy_mode)i));
    fputc('\n', out);
}

/* The bounds of one parameter under one profile, with what restricts it further. */
static void print_bound(FILE *out, const struct schema_bound *bound,
                        const struct action_parameter *parameter, enum action_profile profile)
{
    char text[TEXT_MAX];
    print_range(out, bound->range[profile].min, bound->range[profile].max, parameter->unit);
    if (bound->least > 0) {
        units_write(bound->least, parameter->unit, text, sizeof(text));
        fprintf(out, ", at least %s of either sign", text);
    }
    if (bound->step[profile].max > 0) {
        fputs("; steps ", out);
        print_range(out, bound->step[profile].min, bound->step[profile].max, parameter->unit);
    }
}

static void print_parameters(FILE *out)
{
    fputs("## Parameters of actions\n\nWritten beside `then`. Every action sends all of its "
          "parameters; what a rule leaves out has the\ndefault. Ceilings in brackets.\n\n"
          "| action | parameter | silicon | metal | default | meaning |\n"
          "|---|---|---|---|---|---|\n",
          out);
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        const struct action_parameter *parameters = action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++) {
            const struct schema_bound *bound = schema_bound((enum action_kind)kind, i);
            char fallback[TEXT_MAX];
            units_write(parameters[i].fallback, parameters[i].unit, fallback, sizeof(fallback));
            fprintf(out, "| `%s` | `%s` | ", action_kind_name((enum action_kind)kind),
                    parameters[i].name);
            for (int p = 0; p < ACTION_PROFILE_COUNT; p++) {
                print_bound(out, bound, &parameters[i], (enum action_profile)p);
                fputs(" [", out);
                print_range(out, parameters[i].ceiling_min[p], parameters[i].ceiling_max[p],
                            parameters[i].unit);
                fputs("] | ", out);
            }
            if (bound->flags & SCHEMA_REQUIRED)
                fprintf(out, "required | %s |\n", bound->doc);
            else
                fprintf(out, "`%s` | %s |\n", fallback, bound->doc);
        }
    }
    fputc('\n', out);
    fputs(ramps_text, out);
}

static void print_lint(FILE *out)
{
    fputs("## Refused although every value is fine\n\n", out);
    for (size_t i = 0; lint_doc(i); i++)
        fprintf(out, "- %s\n", lint_doc(i));
}

void reference_print(FILE *out)
{
    fputs(introduction, out);
    print_units(out);
    fputs("## Keys\n\n", out);
    for (int s = SCHEMA_TOP; s < SCHEMA_SECTION_COUNT; s++)
        print_section(out, (enum schema_section)s);
    print_profiles(out);
    print_conditions(out);
    print_answers(out);
    print_parameters(out);
    print_lint(out);
}
