/*
 * A file that is complete under its name, or not there: written beside it, synced, renamed over it.
 */
#ifndef NN_NEW_FILE_H
#define NN_NEW_FILE_H

#include <stdio.h>

struct nn_new_file {
    FILE *stream;
    const char *path; /* borrowed */
    char *part;       /* owned: the path followed by ".part" */
};

/* 0 or what the system says; then nothing is open. */
int nn_new_file_open(const char *path, struct nn_new_file *ret_file);

/*
 * `error`: 0 when all has been written. The file takes the path's place only then and when the
 * system has it; else what was written is removed. 0, `error`, or what the system says.
 */
int nn_new_file_close(struct nn_new_file *file, int error);

#endif
