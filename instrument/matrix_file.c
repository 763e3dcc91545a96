/* Whole files, read into memory. */
#include "instrument/matrix_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t size_max = (size_t)5 << 28;

static int read_all(int fd, uint8_t *data, size_t size, size_t *ret_size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_size = done;
    return 0;
}

int matrix_file_read(const char *path, uint8_t **ret_data, size_t *ret_size)
{
    /* Not blocking: opening a named pipe must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat info;
    int status = fstat(fd, &info) < 0 ? -errno : 0;
    uint8_t *data = NULL;
    size_t size = 0;
    if (status == 0 && !S_ISREG(info.st_mode))
        status = S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL;
    if (status == 0 && (uintmax_t)info.st_size > size_max)
        status = -EFBIG;
    if (status == 0) {
        data = malloc(info.st_size ? (size_t)info.st_size : 1);
        status = data ? read_all(fd, data, (size_t)info.st_size, &size) : -ENOMEM;
    }
    close(fd);
    if (status < 0) {
        free(data);
        return status;
    }
    *ret_data = data;
    *ret_size = size;
    return 0;
}

const char *matrix_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool matrix_file_is_chain(const char *path)
{
    static const size_t tail = sizeof "_0001.mtrx" - 1;
    size_t n = strlen(path);
    if (n <= tail || strcmp(path + n - 5, ".mtrx") != 0 || path[n - tail] != '_')
        return false;
    for (size_t i = n - tail + 1; i < n - 5; i++)
        if (!isdigit((unsigned char)path[i]))
            return false;
    return true;
}
