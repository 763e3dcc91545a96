/* Feeds every file of a corpus folder to a fuzz target, in the form of a Check closing line. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    size_t size = 0, room = 1 << 16;
    uint8_t *data = malloc(room);
    while (data) {
        size += fread(data + size, 1, room - size, file);
        if (size < room)
            break;
        room *= 2;
        uint8_t *more = realloc(data, room);
        if (!more)
            free(data);
        data = more;
    }
    fclose(file);
    if (!data)
        return -1;
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int n = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            fprintf(stderr, "%s: no such corpus\n", argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(folder));) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            failed += replay_file(path) != 0;
            n++;
        }
        closedir(folder);
    }
    /* An empty corpus proves nothing. */
    if (n == 0)
        failed = 1;
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n", failed ? 0 : 100, n ? n : 1, failed);
    return failed != 0;
}
