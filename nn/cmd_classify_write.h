/* What `tipwright classify` prints: rows of a table, or one JSON object per image and line. */
#ifndef NN_CMD_CLASSIFY_WRITE_H
#define NN_CMD_CLASSIFY_WRITE_H

#include "nn/labels.h"

#include <stdbool.h>
#include <stdint.h>

/* A tip change noticed. */
struct alarm {
    uint32_t line; /* from 0, as scanned */
    float hazard;
};

/* What one image came to: scores, or alarms. */
struct classified {
    float scores[NN_LABEL_COUNT];
    bool too_few; /* lines for a verdict: the scores say what is usual */
    struct alarm *alarms;
    uint32_t n_alarms;
};

struct classify_format {
    bool json;
    bool events;
};

void classify_write_head(const struct classify_format *format);
void classify_write(const struct classify_format *format, const char *image,
                    const struct classified *found);

#endif
