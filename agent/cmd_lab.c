/* Commands of the laboratory's program, tipwright-lab, which lies beside this one. */
#include "agent/command.h"
#include "agent/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_lab(int argc, char **argv)
{
    char path[COMMAND_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "-lab");
    if (n <= 0) {
        terminal_error(argv[0], "cannot find this program's own file: %s", strerror(errno));
        return EXIT_INTERNAL;
    }
    memcpy(path + n, "-lab", sizeof "-lab");

    char **arguments = calloc((size_t)argc + 2, sizeof *arguments);
    if (!arguments)
        abort();
    arguments[0] = path;
    for (int i = 0; i < argc; i++)
        arguments[i + 1] = argv[i];
    execv(path, arguments);
    terminal_error(argv[0], "%s: %s", path, strerror(errno));
    free(arguments);
    return EXIT_INTERNAL;
}
