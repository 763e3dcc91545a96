/* The sub-commands of `tipwright labels`, each in a file of its own. argv[0] is their name. */
#ifndef NN_CMD_LABELS_H
#define NN_CMD_LABELS_H

int cmd_labels_aggregate(int argc, char **argv);
int cmd_labels_from_night(int argc, char **argv);
int cmd_labels_serve(int argc, char **argv);
int cmd_labels_export(int argc, char **argv);

#endif
