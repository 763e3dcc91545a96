/* What the commands train, eval and classify share: labelled pictures in, figures out. */
#ifndef NN_CMD_LABELLED_H
#define NN_CMD_LABELLED_H

#include "nn/dataset.h"
#include "nn/report.h"
#include "nn/stream.h"

#include <stdio.h>

/* Loads a table and the pictures it names below `folder`; says why not. NULL on failure. */
struct nn_dataset *labelled_load(const char *command, const char *table, const char *folder);

/* Likewise scores kept in a file; folder NULL: without pictures. */
struct nn_score_file *labelled_load_scores(const char *command, const char *path,
                                           const char *folder);

/* Figures with intervals, for people. */
void labelled_print(FILE *out, const char *title, const struct nn_report *report);

/* Lines of a frame that picture rows belong to: a picture wider than high was stopped early. */
uint32_t labelled_frame_lines(uint32_t width, uint32_t height);

/*
 * Shows the stream the first `seen` lines of a picture, as an agent would be shown them. 0, or what
 * nn_stream says.
 */
int labelled_show(struct nn_stream *stream, const struct nn_picture *picture, uint32_t seen);

/* A share of a frame's lines, rounded, at least one and at most all. */
uint32_t labelled_share(uint32_t lines, double share);

/* A whole number in min..max from a command line; says why not. 0, or -1. */
int labelled_number(const char *command, const char *option, const char *text, double min,
                    double max, double *ret_value);

#endif
