/* The sub-commands of `tipwright labels`, each in a file of its own. argv[0] is their name. */
#ifndef NN_CMD_LABELS_H
#define NN_CMD_LABELS_H

#include "nn/votes.h"

int cmd_labels_aggregate(int argc, char **argv);
int cmd_labels_from_night(int argc, char **argv);
int cmd_labels_serve(int argc, char **argv);
int cmd_labels_export(int argc, char **argv);

/* The table as CSV; complete under its name, or not there. `path` NULL: stdout. 0, -errno. */
int labels_write_table(const struct nn_tally *tally, const char *path);

#endif
