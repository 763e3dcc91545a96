/* From paths to a sorted list of recordings. */
#include "sim/replay_list.h"

#include "instrument/matrix_image.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Base, run and cycle of either kind; pictures of a scan carry the scan's name. */
static int parse_name(const struct replay_file *file, struct matrix_name *ret)
{
    if (!file->is_picture)
        return matrix_name_parse(file->path, ret);
    char as_scan[512];
    const char *name = file_name(file->path);
    int n = snprintf(as_scan, sizeof(as_scan), "%.*s.Z_mtrx", (int)(strlen(name) - 4), name);
    return n < 0 || (size_t)n >= sizeof(as_scan) ? -EINVAL : matrix_name_parse(as_scan, ret);
}

static bool is_picture_name(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcasecmp(name + n - 4, ".png") == 0;
}

/* Append; -EBADMSG when the name is neither an image's nor a picture's. */
static int append(struct replay_list *list, const char *path)
{
    struct matrix_name name;
    struct replay_file file = {.is_picture = is_picture_name(path)};
    if (!file.is_picture && matrix_name_parse(path, &name) < 0)
        return -EBADMSG;
    struct replay_file *room = realloc(list->files, (list->n + 1) * sizeof(*room));
    if (!room)
        return -ENOMEM;
    list->files = room;
    file.path = strdup(path);
    if (!file.path)
        return -ENOMEM;
    if (parse_name(&file, &name) == 0) {
        file.run = name.run;
        file.cycle = name.cycle;
    }
    list->files[list->n++] = file;
    return 0;
}

/* By base, run and cycle; files without them follow, by path. */
static int compare(const void *a, const void *b)
{
    const struct replay_file *left = a, *right = b;
    struct matrix_name l, r;
    bool left_named = parse_name(left, &l) == 0, right_named = parse_name(right, &r) == 0;
    if (left_named != right_named)
        return left_named ? -1 : 1;
    int by_base = left_named ? strcmp(l.base, r.base) : 0;
    if (by_base)
        return by_base;
    if (left->run != right->run)
        return left->run < right->run ? -1 : 1;
    if (left->cycle != right->cycle)
        return left->cycle < right->cycle ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* In a folder only what a person would call an image: heights and pictures. */
static bool wanted_in_folder(const char *name)
{
    struct matrix_name scan;
    return is_picture_name(name) ||
           (matrix_name_parse(name, &scan) == 0 && strcmp(scan.channel, "Z") == 0);
}

static int append_folder(struct replay_list *list, const char *path)
{
    DIR *folder = opendir(path);
    size_t first = list->n;
    int r = 0;
    if (!folder)
        return -errno;
    for (struct dirent *entry; r == 0 && (entry = readdir(folder));) {
        char whole[4096];
        int n = snprintf(whole, sizeof(whole), "%s/%s", path, entry->d_name);
        if (n > 0 && (size_t)n < sizeof(whole) && wanted_in_folder(entry->d_name))
            r = append(list, whole);
    }
    closedir(folder);
    if (list->n > first)
        qsort(list->files + first, list->n - first, sizeof(*list->files), compare);
    return r < 0 ? r : list->n > first ? 0 : -ENOENT;
}

static int append_path(struct replay_list *list, const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? append_folder(list, path) : append(list, path);
}

int replay_list_create(const char *const *paths, size_t n, struct replay_list *ret, char *error,
                       size_t error_size)
{
    struct replay_list list = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        int r = append_path(&list, paths[i]);
        if (r == 0)
            continue;
        struct stat status;
        bool empty = r == -ENOENT && stat(paths[i], &status) == 0;
        snprintf(error, error_size, "%s: %s", paths[i],
                 r == -EBADMSG ? "neither a MATRIX image nor a PNG picture, by its name"
                 : empty       ? "no MATRIX image and no PNG picture in this folder"
                               : strerror(-r));
        replay_list_finish(&list);
        return r;
    }
    for (size_t i = 0; i < list.n; i++)
        if (list.files[i].run == 0) { /* MATRIX counts from 1: the name did not say */
            list.files[i].run = (uint32_t)i + 1;
            list.files[i].cycle = 1;
        }
    *ret = list;
    return 0;
}

void replay_list_finish(struct replay_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (struct replay_list){NULL, 0};
}
