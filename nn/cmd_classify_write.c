/* Verdicts and alarms as text. */
#include "nn/cmd_classify_write.h"

#include "nn/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void classify_write_head(const struct classify_format *format)
{
    if (format->json)
        return;
    fputs("image", stdout);
    for (int k = 0; k < NN_LABEL_COUNT && !format->events; k++)
        printf(",%s", nn_label_name((enum nn_label)k));
    puts(format->events ? ",line,hazard" : "");
}

/* A number with as many decimals as the table has, so that both say the same. */
static json_t *rounded(float value, int decimals)
{
    char text[32];
    snprintf(text, sizeof text, "%.*f", decimals, (double)value);
    return json_real(strtod(text, NULL));
}

static json_t *scores_of(const struct classified *found)
{
    json_t *scores = json_object();
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        json_object_set_new(scores, nn_label_name((enum nn_label)k), rounded(found->scores[k], 6));
    return scores;
}

static json_t *events_of(const struct classified *found)
{
    json_t *events = json_array();
    for (uint32_t i = 0; i < found->n_alarms; i++)
        json_array_append_new(events,
                              json_pack("{s:I, s:o}", "line", (json_int_t)found->alarms[i].line,
                                        "hazard", rounded(found->alarms[i].hazard, 3)));
    return events;
}

static void write_json(bool events, const char *image, const struct classified *found)
{
    /* A file's name need not be text that JSON can hold. */
    json_t *name = json_string(image);
    json_t *root = json_pack("{s:o}", "image", name ? name : json_null());
    if (events)
        json_object_set_new(root, "events", events_of(found));
    else
        json_object_update_new(
            root, json_pack("{s:b, s:o}", "verdict", !found->too_few, "scores", scores_of(found)));
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
    putchar('\n');
    json_decref(root);
}

void classify_write(const struct classify_format *format, const char *image,
                    const struct classified *found)
{
    if (format->json) {
        write_json(format->events, image, found);
        return;
    }
    for (uint32_t i = 0; i < found->n_alarms && format->events; i++) {
        nn_table_put(stdout, image);
        printf(",%u,%.3f\n", (unsigned)found->alarms[i].line, (double)found->alarms[i].hazard);
    }
    if (format->events)
        return;
    nn_table_put(stdout, image);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        printf(",%.6f", (double)found->scores[k]);
    putchar('\n');
}
