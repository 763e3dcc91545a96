/* Names of the four traces. */
#include "instrument/scan.h"

#include <string.h>

static const char *const trace_names[SCAN_TRACE_COUNT] = {
    [SCAN_FORWARD_UP] = "forward/up",
    [SCAN_BACKWARD_UP] = "backward/up",
    [SCAN_FORWARD_DOWN] = "forward/down",
    [SCAN_BACKWARD_DOWN] = "backward/down",
};

const char *scan_trace_name(enum scan_trace trace)
{
    return trace_names[trace];
}

int scan_trace_from_name(const char *name)
{
    for (int i = 0; i < SCAN_TRACE_COUNT; i++)
        if (strcmp(name, trace_names[i]) == 0)
            return i;
    return -1;
}

bool scan_trace_is_forward(enum scan_trace trace)
{
    return trace == SCAN_FORWARD_UP || trace == SCAN_FORWARD_DOWN;
}

bool scan_trace_is_up(enum scan_trace trace)
{
    return trace == SCAN_FORWARD_UP || trace == SCAN_BACKWARD_UP;
}
