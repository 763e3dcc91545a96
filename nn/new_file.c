/* Files that appear when they are complete. */
#include "nn/new_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int nn_new_file_open(const char *path, struct nn_new_file *ret_file)
{
    size_t room = strlen(path) + sizeof ".part";
    char *part = malloc(room);
    if (!part)
        return -ENOMEM;
    snprintf(part, room, "%s.part", path);
    FILE *stream = fopen(part, "wbe");
    if (!stream) {
        int error = -errno;
        free(part);
        return error;
    }
    *ret_file = (struct nn_new_file){.stream = stream, .path = path, .part = part};
    return 0;
}

int nn_new_file_close(struct nn_new_file *file, int error)
{
    if (!error && ferror(file->stream))
        error = -EIO;
    if (!error && (fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0))
        error = -errno;
    if (fclose(file->stream) != 0 && !error)
        error = -errno;
    if (!error && rename(file->part, file->path) != 0)
        error = -errno;
    if (error)
        remove(file->part);
    free(file->part);
    return error;
}
