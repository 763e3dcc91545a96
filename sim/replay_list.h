/*
 * Which recordings a replay shows, in which order: files and folders as given on a command line
 * become a list of files.
 */
#ifndef SIM_REPLAY_LIST_H
#define SIM_REPLAY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay_file {
    char *path;
    bool is_picture;
    uint32_t run, cycle; /* from the name; else place in the list, 1 */
};

struct replay_list {
    struct replay_file *files;
    size_t n;
};

/* Rules and errors: sim/replay.h. */
int replay_list_create(const char *const *paths, size_t n, struct replay_list *ret, char *error,
                       size_t error_size);
void replay_list_finish(struct replay_list *list);

#endif
