/* tipwright train --from: weights to begin with. */
#include "agent/terminal.h"
#include "nn/cmd_train.h"

#include <stdlib.h>
#include <string.h>

static const char command[] = "train";

static bool same_input(const struct nn_input_spec *a, const struct nn_input_spec *b)
{
    /* `looks` is how often a network is asked, not what it is shown. */
    return a->rows == b->rows && a->cols == b->cols && a->flatten == b->flatten &&
           a->limit >= b->limit && a->limit <= b->limit && a->planes == b->planes &&
           a->scaling == b->scaling && a->lead_in == b->lead_in;
}

/* Whether a network with these layers can take the weights over. */
static bool same_layers(const struct nn_network *start, const struct architecture *architecture)
{
    const struct nn_train_settings *s = &architecture->settings;
    struct nn_network *trial;
    if (nn_network_create(nn_input_shape(&s->input), s->layers, s->n_layers, &trial) != 0)
        return false;
    bool same = nn_network_copy(start, trial) == 0;
    nn_network_destroy(trial);
    return same;
}

bool train_names_recording(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = names; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strcspn(line, "\n") == length && memcmp(line, name, length) == 0)
            return true;
    return false;
}

/* Left-out figures of recordings that the start has learned from would be none. */
static bool figures_honest(const struct train_options *options, const struct nn_model *model,
                           const struct nn_dataset *dataset)
{
    for (uint32_t r = 0; r < dataset->n_recordings && options->folds; r++)
        if (train_names_recording(nn_model_recordings(model), dataset->recordings[r])) {
            terminal_error(command,
                           "%s has learned from recording %s, so folds that leave it out tell "
                           "nothing; --folds 0 trains without figures",
                           options->from, dataset->recordings[r]);
            return false;
        }
    if (options->folds && !nn_model_recordings(model)[0])
        terminal_note(command,
                      "%s does not tell what it has learned from; figures hold only if "
                      "that was none of these recordings",
                      options->from);
    return true;
}

int train_start(struct train_options *options, struct architecture *architecture,
                const struct nn_dataset *dataset, struct nn_model **ret_model)
{
    struct nn_model *model = NULL;
    char reason[200];
    *ret_model = NULL;
    if (!options->from && options->from_hash) {
        terminal_error(command,
                       "these figures began with the weights of model %.12s; name it by --from",
                       options->from_hash);
        return -1;
    }
    if (!options->from)
        return 0;
    if (nn_model_load(options->from, &model, reason, sizeof reason) != 0) {
        terminal_error(command, "%s: %s", options->from, reason);
        return -1;
    }
    if (options->from_hash && strcmp(options->from_hash, nn_model_hash(model)) != 0) {
        terminal_error(command, "%s is model %.12s, but these figures began with %.12s",
                       options->from, nn_model_hash(model), options->from_hash);
        nn_model_destroy(model);
        return -1;
    }
    bool fits = nn_model_members(model) == 1 &&
                same_input(nn_model_input(model), &architecture->settings.input) &&
                same_layers(nn_model_trained(model, 0), architecture);
    if (!fits)
        terminal_error(command, "%s is not one network of the layers and input of %s",
                       options->from, options->architecture);
    if (!fits || !figures_honest(options, model, dataset)) {
        nn_model_destroy(model);
        return -1;
    }
    architecture->settings.start = nn_model_trained(model, 0);
    options->start = model;
    *ret_model = model;
    return 0;
}
