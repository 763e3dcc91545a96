/*
 * Architectures: a network's layers and the settings it is trained with, as a small YAML file.
 *
 *   layers:              # in order; a kind alone, or with what it needs
 *     - conv: {units: 16, kernel: 5, stride: 2}
 *     - norm
 *     - relu
 *     - max_pool: 2
 *     - global_pool
 *     - dense: 6
 *   training:            # settings of nn/settings.c that differ from their defaults
 *     rate: 0.004
 *
 * docs/training.md has every kind with what it takes.
 */
#ifndef NN_CMD_ARCHITECTURE_H
#define NN_CMD_ARCHITECTURE_H

#include "nn/settings.h"

struct doc_node;      /* config/yaml_reader.h */
struct policy_errors; /* config/policy_errors.h */

struct architecture {
    struct nn_layer_spec layers[NN_NETWORK_LAYERS_MAX];
    struct nn_train_settings settings; /* settings.layers points to `layers`: never copy this */
};

/* The settings' names and values in a mapping, into `settings`; complaints into `errors`. */
void architecture_read_settings(const struct doc_node *map, struct nn_train_settings *settings,
                                struct policy_errors *errors);

/* Text of a file. 0, or -EINVAL with complaints; free *ret_errors with policy_errors_finish. */
int architecture_read(const char *text, size_t size, struct architecture *ret_architecture,
                      struct policy_errors *ret_errors);

/*
 * `name` is one of those that come with the program, or a file: with a slash or ending in .yaml.
 * Says what is wrong with it, on stderr. 0, or -1.
 */
int architecture_load(const char *command, const char *name, struct architecture *ret_architecture);

/* A whole text file with '\0' behind it, at most as large as a policy may be; free(*ret_text). 0,
 * or negative errno. */
int architecture_read_file(const char *path, char **ret_text, size_t *ret_size);

#endif
