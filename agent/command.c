/* What the sub-commands share: where the files that come with the program lie. */
#include "agent/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool runs_from_build_tree(void)
{
    char self[COMMAND_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    size_t length = strlen(TIPWRIGHT_BUILDDIR);
    return strncmp(self, TIPWRIGHT_BUILDDIR, length) == 0 && self[length] == '/';
}

void command_data_path(const char *name, char *buf, size_t size)
{
    /* Where the installed folders come from. */
    static const struct {
        const char *installed, *source;
    } folders[] = {{"models/", "nn/models/"}, {"policies/", "config/policies/"}};
    if (!runs_from_build_tree()) {
        snprintf(buf, size, "%s/%s", TIPWRIGHT_DATADIR, name);
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
