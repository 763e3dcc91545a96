/*
 * Any bytes as a Zooniverse export: read with every row accounted for, or refused with a reason.
 * The first byte chooses the options.
 */
#include "nn/votes_zooniverse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every build, with or without NDEBUG. */
static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void check(struct nn_votes *votes, const struct nn_export_report *report)
{
    uint64_t accounted = report->used;
    for (int i = 0; i < NN_SKIP_COUNT; i++) {
        require((report->skipped[i] > 0) == (report->first_line[i] > 0));
        accounted += report->skipped[i];
    }
    require(accounted == report->rows);
    struct nn_tally *tally;
    const struct nn_tally_options options = {.repeats = NN_REPEATS_LAST};
    require(nn_tally(votes, &options, &tally) == 0);
    require(tally->votes_used + tally->repeats_left == report->used);
    for (size_t i = 0; i < tally->n; i++)
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            require(tally->rows[i].mean[k] >= 0.0 && tally->rows[i].mean[k] <= 1.0);
    nn_tally_destroy(tally);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nn_workflow_versions versions = {12, 3, 14, 0};
    if (size == 0)
        return 0;
    const struct nn_export_options options = {.workflow = data[0] & 1 ? "42" : NULL,
                                              .versions = data[0] & 2 ? &versions : NULL,
                                              .task = data[0] & 4 ? "T0" : NULL,
                                              .nothing = data[0] & 8 ? "None" : NULL,
                                              .image_field = "Filename",
                                              .latin_1 = data[0] & 16,
                                              .as_seed = data[0] & 32};
    char error[256] = "";
    struct nn_export_report report;
    struct nn_votes *votes = nn_votes_create();
    require(votes);
    int status = nn_zooniverse_read((const char *)data + 1, size - 1, &options, votes, &report,
                                    error, sizeof error);
    require((status == 0) == (error[0] == '\0'));
    if (status == 0)
        check(votes, &report);
    nn_votes_destroy(votes);
    return 0;
}
