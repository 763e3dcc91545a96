/* Reading the command line of `tipwright train`. */
#include "nn/cmd_train_options.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/cmd_labelled.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright train --labels TABLE --images FOLDER --output MODEL [OPTION]...\n"
        "       tipwright train --search GRID --results TABLE --labels TABLE --images FOLDER ...\n"
        "       tipwright train --sizes N:E,... --validate FOLD --results TABLE ...\n"
        "       tipwright train --reproduce\n"
        "Train networks on labelled pictures and write them as a model file. Figures come from\n"
        "folds of whole recordings that their network never saw; the model itself is trained\n"
        "on all of them, with the same settings.\n"
        "\n"
        "  -l, --labels TABLE     CSV with columns image, recording, responses and six scores\n"
        "  -i, --images FOLDER    where the pictures (PNG) are\n"
        "  -o, --output MODEL     model file to write; checkpoints lie beside it until then\n"
        "  -a, --architecture A   layers and settings: one that is shipped, or a YAML file\n"
        "                         (h-si-100)\n"
        "  -S, --set NAME=VALUE   any setting; --settings lists them\n"
        "  -e, --epochs N, -c, --cycle N, -b, --batch N, -r, --rate R, -s, --seed S,\n"
        "  -m, --mirror           the same as --set epochs=N and so on, --set looks=2\n"
        "      --from MODEL       begin with this model's weights instead of random ones\n"
        "      --also FOLDER      learn from FOLDER/labels.csv and FOLDER/images besides, in "
        "every\n"
        "                         training: what is left out and reported on never lies there\n"
        "      --limit N          the same as --set examples=N: learn from N pictures only\n"
        "  -k, --folds K          folds to leave out in turn (6); 0: no figures\n"
        "      --validate FOLD    train only what leaves out this fold, 1..K\n"
        "      --members N        networks of different seeds side by side (1)\n"
        "      --one-per-label    six networks, each for one label\n"
        "      --fold-members     the folds' own networks are the members\n"
        "      --vote             members vote; otherwise their scores are averaged\n"
        "      --events FILE      a detector of tip changes (train-events) that listens along in\n"
        "                         the model, and\n"
        "      --event-scores T   what its kind said of left-out frames (its --save-scores)\n"
        "      --event-weight W   times its log odds, times the share seen to the third, is\n"
        "                         added to tip_change's logit (0.6)\n"
        "  -t, --threads N        trainings at a time (1); the result is the same\n"
        "  -R, --resume           go on from what an interrupted training or search left\n"
        "      --history FILE     every epoch of every training, as CSV\n"
        "      --curves FILE      the same as a picture (PNG)\n"
        "      --save-scores FILE left-out scores of every picture, as CSV\n"
        "      --figures FILE     the folds' figures with their intervals, as JSON\n"
        "      --search GRID      try every combination of the settings in a YAML file\n"
        "      --results TABLE    CSV of what a search has found; also where it goes on\n"
        "      --inner K          folds that choose, within each of --folds that report (4)\n"
        "      --shard I/N        do the I-th of N parts of a search\n"
        "      --merge TABLE      take over results of another part; may stand several times\n"
        "      --sizes N:E,...    a learning curve: train on N pictures (or all) for E epochs "
        "each,\n"
        "                         leaving out --validate, with random weights and with --from's;\n"
        "                         into --results, and as a picture with --curves\n"
        "      --seeds N          seeds of each (3); N:E:S has its own number\n"
        "      --reproduce        train the shipped model again and compare its figures\n"
        "      --settings         list all settings\n"
        "      --help             this text\n"
        "\n"
        "Exit status: 0 written, or figures reproduced; 1 failed; 2 usage.\n",
        out);
}

static void print_settings(FILE *out)
{
    struct nn_train_settings defaults = nn_settings_default();
    fprintf(out, "%-15s %-28s %s\n", "setting", "default", "meaning");
    for (size_t i = 0; nn_settings_at(i); i++) {
        const struct nn_setting *setting = nn_settings_at(i);
        char value[NN_SETTING_TEXT];
        nn_settings_get(&defaults, i, value);
        fprintf(out, "%-15s %-28s %s", setting->name, value, setting->doc);
        if (setting->choices)
            fprintf(out, " (%s%s)\n", setting->kind == NN_SETTING_SET ? "any of: " : "",
                    setting->choices);
        else
            fprintf(out, " (%g..%g)\n", setting->min, setting->max);
    }
}

enum long_option {
    OPTION_FROM = 256,
    OPTION_ALSO,
    OPTION_LIMIT,
    OPTION_VALIDATE,
    OPTION_MEMBERS,
    OPTION_ONE_PER_LABEL,
    OPTION_FOLD_MEMBERS,
    OPTION_VOTE,
    OPTION_EVENTS,
    OPTION_EVENT_SCORES,
    OPTION_EVENT_WEIGHT,
    OPTION_HISTORY,
    OPTION_CURVES,
    OPTION_SCORES,
    OPTION_FIGURES,
    OPTION_SEARCH,
    OPTION_RESULTS,
    OPTION_INNER,
    OPTION_SHARD,
    OPTION_MERGE,
    OPTION_SIZES,
    OPTION_SEEDS,
    OPTION_REPRODUCE,
    OPTION_SETTINGS,
};

static const struct option names[] = {
    {"labels", required_argument, NULL, 'l'},
    {"images", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"architecture", required_argument, NULL, 'a'},
    {"set", required_argument, NULL, 'S'},
    {"folds", required_argument, NULL, 'k'},
    {"epochs", required_argument, NULL, 'e'},
    {"batch", required_argument, NULL, 'b'},
    {"cycle", required_argument, NULL, 'c'},
    {"rate", required_argument, NULL, 'r'},
    {"seed", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"resume", no_argument, NULL, 'R'},
    {"mirror", no_argument, NULL, 'm'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"also", required_argument, NULL, OPTION_ALSO},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"validate", required_argument, NULL, OPTION_VALIDATE},
    {"members", required_argument, NULL, OPTION_MEMBERS},
    {"one-per-label", no_argument, NULL, OPTION_ONE_PER_LABEL},
    {"fold-members", no_argument, NULL, OPTION_FOLD_MEMBERS},
    {"vote", no_argument, NULL, OPTION_VOTE},
    {"events", required_argument, NULL, OPTION_EVENTS},
    {"event-scores", required_argument, NULL, OPTION_EVENT_SCORES},
    {"event-weight", required_argument, NULL, OPTION_EVENT_WEIGHT},
    {"history", required_argument, NULL, OPTION_HISTORY},
    {"curves", required_argument, NULL, OPTION_CURVES},
    {"save-scores", required_argument, NULL, OPTION_SCORES},
    {"figures", required_argument, NULL, OPTION_FIGURES},
    {"search", required_argument, NULL, OPTION_SEARCH},
    {"results", required_argument, NULL, OPTION_RESULTS},
    {"inner", required_argument, NULL, OPTION_INNER},
    {"shard", required_argument, NULL, OPTION_SHARD},
    {"merge", required_argument, NULL, OPTION_MERGE},
    {"sizes", required_argument, NULL, OPTION_SIZES},
    {"seeds", required_argument, NULL, OPTION_SEEDS},
    {"reproduce", no_argument, NULL, OPTION_REPRODUCE},
    {"settings", no_argument, NULL, OPTION_SETTINGS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int train_options_set(struct train_options *options, const char *name, const char *value)
{
    if (options->n_set == TRAIN_SETTINGS_MAX) {
        terminal_error(command, "more than %d settings", TRAIN_SETTINGS_MAX);
        return -1;
    }
    char *text = options->set[options->n_set];
    int length =
        snprintf(text, TRAIN_SETTING_TEXT, "%s%s%s", name ? name : "", name ? "=" : "", value);
    if (length >= TRAIN_SETTING_TEXT) {
        terminal_error(command, "'%.40s...' is longer than any setting", text);
        return -1;
    }
    options->n_set++;
    return 0;
}

static int take_count(const char *name, const char *text, double min, double max,
                      uint32_t *ret_count)
{
    double value;
    if (labelled_number(command, name, text, min, max, &value) != 0)
        return -1;
    *ret_count = (uint32_t)value;
    return 0;
}

static int take_weight(struct train_options *options, const char *text)
{
    char *end;
    options->event_weight = strtof(text, &end);
    if (end != text && !*end && options->event_weight >= 0.0F && options->event_weight <= 10.0F)
        return 0;
    terminal_error(command, "--event-weight: '%s' is not a number in 0..10", text);
    return -1;
}

static int take_shard(struct train_options *options, const char *text)
{
    char *end;
    unsigned long shard = strtoul(text, &end, 10);
    unsigned long shards = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (*end || shard < 1 || shard > shards || shards > 10000) {
        terminal_error(command, "--shard: '%s' is not a part I/N with 1 <= I <= N", text);
        return -1;
    }
    options->shard = (uint32_t)shard;
    options->shards = (uint32_t)shards;
    return 0;
}

static int add_merge(struct train_options *options, const char *path)
{
    if (options->n_merge == TRAIN_MERGES_MAX) {
        terminal_error(command, "--merge: more than %d tables", TRAIN_MERGES_MAX);
        return -1;
    }
    options->merge[options->n_merge++] = path;
    return 0;
}

/* "100:80", "all:24", "all:24:1" up to a comma or the end, which is returned; NULL: none of these.
 */
static const char *take_size(const char *text, struct train_size *ret_size)
{
    bool all = strncmp(text, "all:", 4) == 0;
    char *end;
    unsigned long examples = all ? 0 : strtoul(text, &end, 10);
    if (!all && (*end != ':' || examples < 2 || examples > 1000000))
        return NULL;
    unsigned long epochs = strtoul(all ? text + 4 : end + 1, &end, 10);
    unsigned long seeds = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
    if ((*end && *end != ',') || epochs < 1 || epochs > 10000 || seeds > TRAIN_SEEDS_MAX)
        return NULL;
    *ret_size = (struct train_size){
        .examples = (uint32_t)examples, .epochs = (uint32_t)epochs, .seeds = (uint32_t)seeds};
    return end;
}

static int take_sizes(struct train_options *options, const char *text)
{
    const char *at = text;
    options->n_sizes = 0;
    while (at && options->n_sizes < TRAIN_SIZES_MAX) {
        at = take_size(at, &options->sizes[options->n_sizes++]);
        if (at && !*at)
            return 0;
        at = at ? at + 1 : NULL;
    }
    terminal_error(command, "--sizes: '%s' is not a list of up to %d N:EPOCHS or all:EPOCHS", text,
                   TRAIN_SIZES_MAX);
    return -1;
}

/* Files and flags. 0; 1: another kind of option. */
static int take_plain(struct train_options *options, int letter, const char *text)
{
    const struct {
        int letter;
        const char **to;
    } files[] = {{'l', &options->labels},
                 {'i', &options->images},
                 {'o', &options->output},
                 {'a', &options->architecture},
                 {OPTION_FROM, &options->from},
                 {OPTION_ALSO, &options->also},
                 {OPTION_EVENTS, &options->events},
                 {OPTION_EVENT_SCORES, &options->event_scores},
                 {OPTION_HISTORY, &options->history},
                 {OPTION_CURVES, &options->curves},
                 {OPTION_SCORES, &options->scores},
                 {OPTION_FIGURES, &options->figures},
                 {OPTION_SEARCH, &options->search},
                 {OPTION_RESULTS, &options->results}};
    const struct {
        int letter;
        bool *to;
    } flags[] = {{'R', &options->resume},
                 {OPTION_ONE_PER_LABEL, &options->one_per_label},
                 {OPTION_FOLD_MEMBERS, &options->fold_members},
                 {OPTION_VOTE, &options->vote},
                 {OPTION_REPRODUCE, &options->reproduce}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].letter == letter) {
            *files[i].to = text;
            return 0;
        }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].letter == letter) {
            *flags[i].to = true;
            return 0;
        }
    return 1;
}

/* 0, or -1 after saying why not. */
static int take_option(struct train_options *options, int letter, const char *text)
{
    switch (letter) {
    case 'S':
        return train_options_set(options, NULL, text);
    case 'e':
        return train_options_set(options, "epochs", text);
    case 'c':
        return train_options_set(options, "cycle", text);
    case 'b':
        return train_options_set(options, "batch", text);
    case 'r':
        return train_options_set(options, "rate", text);
    case 's':
        return train_options_set(options, "seed", text);
    case 'm':
        return train_options_set(options, "looks", "2");
    case OPTION_LIMIT:
        return train_options_set(options, "examples", text);
    case 'k':
        return take_count("--folds", text, 0, NN_FOLDS_MAX, &options->folds);
    case 't':
        return take_count("--threads", text, 1, 64, &options->threads);
    case OPTION_VALIDATE:
        return take_count("--validate", text, 1, NN_FOLDS_MAX, &options->validate);
    case OPTION_MEMBERS:
        return take_count("--members", text, 1, NN_MEMBERS_MAX, &options->members);
    case OPTION_INNER:
        return take_count("--inner", text, 2, NN_FOLDS_MAX, &options->inner);
    case OPTION_EVENT_WEIGHT:
        return take_weight(options, text);
    case OPTION_SIZES:
        return take_sizes(options, text);
    case OPTION_SEEDS:
        return take_count("--seeds", text, 1, TRAIN_SEEDS_MAX, &options->seeds);
    case OPTION_SHARD:
        return take_shard(options, text);
    default:
        return add_merge(options, text);
    }
}

/* What does not go together. 0, or -1 after saying so. */
static int check_options(const struct train_options *options)
{
    const char *wrong = NULL;
    if (options->reproduce)
        return 0;
    if (!options->labels || !options->images)
        wrong = "--labels and --images are needed";
    else if (options->search && !options->results)
        wrong = "--search writes what it finds to --results, which is needed";
    else if (options->n_sizes && (options->search || !options->results || !options->validate))
        wrong = "--sizes goes with --validate and --results, and without --search";
    else if (!options->search && !options->n_sizes && !options->output)
        wrong = "--output is needed";
    else if (!options->search && (options->n_merge || options->shards))
        wrong = "--shard and --merge are parts of --search";
    else if (options->folds == 1)
        wrong = "--folds: one fold leaves nothing to train on; 0 or 2 and more";
    else if (options->validate > options->folds)
        wrong = "--validate: there is no such fold";
    else if (options->folds == 0 && (options->scores || options->figures || options->search))
        wrong = "--save-scores, --figures and --search need folds";
    else if (options->from && options->search)
        wrong = "--search begins with random weights, without --from";
    else if (!options->events != !options->event_scores)
        wrong = "--events and --event-scores go together";
    else if (options->vote && options->members == 1 && !options->fold_members)
        wrong = "--vote: one network has nobody to vote against";
    if (wrong)
        terminal_error(command, "%s; see --help", wrong);
    return wrong ? -1 : 0;
}

int train_options_read(int argc, char **argv, struct train_options *ret_options)
{
    struct train_options options = {.architecture = "h-si-100",
                                    .folds = 6,
                                    .members = 1,
                                    .threads = 1,
                                    .inner = 4,
                                    .seeds = 3,
                                    .event_weight = 0.6F};
    optind = 1;
    int letter;
    while ((letter = getopt_long(argc, argv, "l:i:o:a:S:k:e:c:b:r:s:t:Rm", names, NULL)) != -1) {
        if (letter == 'h' || letter == OPTION_SETTINGS) {
            (letter == 'h' ? print_usage : print_settings)(stdout);
            return EXIT_OK;
        }
        if (letter == '?')
            return EXIT_USAGE;
        if (take_plain(&options, letter, optarg) != 0 && take_option(&options, letter, optarg) != 0)
            return EXIT_USAGE;
    }
    if (optind < argc) {
        terminal_error(command, "unexpected argument '%s'", argv[optind]);
        return EXIT_USAGE;
    }
    if (check_options(&options) != 0)
        return EXIT_USAGE;
    *ret_options = options;
    return -1;
}

int train_options_architecture(const struct train_options *options,
                               struct architecture *ret_architecture)
{
    if (architecture_load(command, options->architecture, ret_architecture) != 0)
        return -1;
    for (size_t i = 0; i < options->n_set; i++) {
        const char *equals = strchr(options->set[i], '=');
        char name[NN_SETTING_TEXT];
        char reason[160];
        if (!equals) {
            terminal_error(command, "--set: '%s' is not NAME=VALUE", options->set[i]);
            return -1;
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - options->set[i]), options->set[i]);
        int index = nn_settings_find(name);
        if (index < 0) {
            terminal_error(command, "--set: no setting '%s'; see --settings", name);
            return -1;
        }
        if (nn_settings_set(&ret_architecture->settings, (size_t)index, equals + 1, reason,
                            sizeof reason) != 0) {
            terminal_error(command, "'%s' %s", name, reason);
            return -1;
        }
    }
    return 0;
}
