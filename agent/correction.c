/* An operator's correction as a line of text, and back. */
#include "agent/correction.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t write_said(const struct correction *correction, int answer, const char *word,
                         char *buf, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (correction->says[i] == answer)
            n += (size_t)snprintf(buf + n, size - n, "%s %s", n == 0 ? word : "",
                                  nn_label_name((enum nn_label)i));
    return n;
}

void correction_write(const struct correction *correction, char *buf)
{
    size_t size = CORRECTION_TEXT_MAX;
    size_t n = (size_t)snprintf(
        buf, size, "%" PRIu32 "_%" PRIu32 " %s, scan %" PRIu64 ", %s:", correction->run,
        correction->cycle, correction->up ? "up" : "down", correction->scan, correction->picture);
    size_t yes = write_said(correction, 1, " yes", buf + n, size - n);
    n += yes;
    n += write_said(correction, 0, yes ? ", no" : " no", buf + n, size - n);
    n += (size_t)snprintf(buf + n, size - n, "; shown");
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        double shown = (double)correction->shown[i];
        if (isfinite(shown))
            n += (size_t)snprintf(buf + n, size - n, " %.2f", shown);
        else
            n += (size_t)snprintf(buf + n, size - n, " -");
    }
}

/* Letters, digits and ._-/ only, never up or from the root: it is put behind a folder's name. */
static bool is_plain_path(const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";
    return path[0] && path[0] != '/' && path[strspn(path, letters)] == '\0' && !strstr(path, "..");
}

/* Names behind "yes" or "no", up to ',' or ';'. */
static int read_names(const char **at, int answer, int says[NN_LABEL_COUNT])
{
    int n = 0;
    while (**at == ' ') {
        char name[32];
        size_t length = strcspn(*at + 1, " ,;");
        if (length == 0 || length >= sizeof(name))
            return -EINVAL;
        memcpy(name, *at + 1, length);
        name[length] = '\0';
        int label = nn_label_from_name(name);
        if (label < 0 || says[label] >= 0)
            return -EINVAL;
        says[label] = answer;
        *at += 1 + length;
        n++;
    }
    return n > 0 ? 0 : -EINVAL;
}

static int read_shown(const char *at, float shown[NN_LABEL_COUNT])
{
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        if (*at++ != ' ')
            return -EINVAL;
        char *end;
        double value = strtod(at, &end);
        if (at[0] == '-' && (at[1] == ' ' || at[1] == '\0')) {
            shown[i] = NAN;
            at++;
        } else if (end > at && value >= 0 && value <= 1) {
            shown[i] = (float)value;
            at = end;
        } else {
            return -EINVAL;
        }
    }
    return *at == '\0' ? 0 : -EINVAL;
}

int correction_read(const char *text, struct correction *ret_correction)
{
    struct correction c = {.says = {-1, -1, -1, -1, -1, -1}};
    char way[5];
    int used = 0;
    if (sscanf(text, "%9" SCNu32 "_%9" SCNu32 " %4[a-z], scan %18" SCNu64 ", %63[^:]:%n", &c.run,
               &c.cycle, way, &c.scan, c.picture, &used) != 5 ||
        used == 0 || !is_plain_path(c.picture))
        return -EINVAL;
    c.up = strcmp(way, "up") == 0;
    if (!c.up && strcmp(way, "down") != 0)
        return -EINVAL;
    const char *at = text + used;
    bool yes = strncmp(at, " yes", 4) == 0;
    if (yes) {
        at += 4;
        if (read_names(&at, 1, c.says) < 0)
            return -EINVAL;
        at += *at == ',';
    }
    if (strncmp(at, " no", 3) == 0) {
        at += 3;
        if (read_names(&at, 0, c.says) < 0)
            return -EINVAL;
    } else if (!yes) {
        return -EINVAL;
    }
    if (strncmp(at, "; shown", 7) != 0 || read_shown(at + 7, c.shown) < 0)
        return -EINVAL;
    *ret_correction = c;
    return 0;
}

int correction_holds(const struct correction *correction, enum nn_label label)
{
    if (correction->says[label] >= 0)
        return correction->says[label];
    float shown = correction->shown[label];
    return isfinite((double)shown) ? shown >= 0.5F : -1;
}
