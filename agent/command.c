/* What the sub-commands share: where the files that come with the program lie. */
#include "agent/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The program's own folder, without a final slash; "" when the system does not say. */
static void own_folder(char *buf, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", buf, size - 1);
    buf[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(buf, '/');
    if (slash)
        *slash = '\0';
}

static bool is_in_build_tree(const char *folder)
{
    size_t length = strlen(TIPWRIGHT_BUILDDIR);
    return strncmp(folder, TIPWRIGHT_BUILDDIR, length) == 0 && folder[length] == '/';
}

void command_data_path(const char *name, char *buf, size_t size)
{
    /* Where the installed folders come from. */
    static const struct {
        const char *installed, *source;
    } folders[] = {{"models/", "nn/models/"},
                   {"architectures/", "nn/architectures/"},
                   {"policies/", "config/policies/"},
                   {"surfaces/", "sim/surfaces/"},
                   {"scenarios/", "sim/scenarios/"}};
    char folder[COMMAND_PATH_MAX];
    own_folder(folder, sizeof(folder));
    if (!is_in_build_tree(folder)) {
        /* Relative, so that an installed tree may be moved as a whole. */
        snprintf(buf, size, "%s/%s/%s", folder, TIPWRIGHT_DATADIR_FROM_BINDIR, name);
        return;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t length = strlen(folders[i].installed);
        if (strncmp(name, folders[i].installed, length) != 0)
            continue;
        snprintf(buf, size, "%s/%s%s", TIPWRIGHT_SOURCEDIR, folders[i].source, name + length);
        return;
    }
    snprintf(buf, size, "%s/%s", TIPWRIGHT_SOURCEDIR, name);
}
