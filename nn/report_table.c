/* The figures of a report, one after the other, by name. */
#include "nn/report_table.h"

#include "nn/report_write.h"

#include <errno.h>
#include <stdio.h>

static void tell(const struct nn_report_listener *listener, struct nn_report_entry entry,
                 const struct nn_figure *figure)
{
    entry.figure = figure;
    listener->take(listener->context, &entry);
}

static const char *row_name(uint32_t row)
{
    return row < NN_LABEL_COUNT ? nn_label_name((enum nn_label)row) : "mean";
}

const char *nn_report_row_title(uint32_t row)
{
    return row < NN_LABEL_COUNT ? nn_label_title((enum nn_label)row) : "mean of six";
}

const char *nn_class_name(enum nn_class which)
{
    static const char *const names[NN_CLASS_COUNT] = {"individual_atoms", "dimers_or_asymmetries",
                                                      "rows", "bad_blurry"};
    return names[which];
}

static const char *decision_name(uint32_t decision)
{
    return decision < NN_LABEL_COUNT ? nn_label_name((enum nn_label)decision) : "good_or_bad";
}

static void walk_matrices(const struct nn_report_share *share, uint32_t lines,
                          const struct nn_report_listener *listener)
{
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
            tell(listener,
                 (struct nn_report_entry){.lines = lines,
                                          .subject = nn_label_name((enum nn_label)k),
                                          .measure = "called",
                                          .other = nn_label_name((enum nn_label)j)},
                 &share->confusion[k][j]);
    for (uint32_t c = 0; c < NN_CLASS_COUNT; c++)
        for (uint32_t j = 0; j < NN_CLASS_COUNT; j++)
            tell(listener,
                 (struct nn_report_entry){.lines = lines,
                                          .subject = nn_class_name((enum nn_class)c),
                                          .measure = "class_called",
                                          .other = nn_class_name((enum nn_class)j)},
                 &share->class_confusion[c][j]);
}

static void walk_share(const struct nn_report_share *share, uint32_t lines,
                       const struct nn_report_listener *listener)
{
    for (uint32_t row = 0; row < NN_REPORT_ROWS; row++)
        for (int m = 0; m < NN_MEASURE_COUNT; m++)
            tell(listener,
                 (struct nn_report_entry){.lines = lines,
                                          .subject = row_name(row),
                                          .measure = nn_measure_name((enum nn_measure)m)},
                 &share->labels[row][m]);
    const struct {
        const char *subject;
        const char *measure;
        const struct nn_figure *figure;
    } others[] = {
        {"four_classes", "roc_area", &share->class_auc},
        {"four_classes", "balanced_accuracy", &share->class_accuracy},
        {"good_or_bad", "roc_area", &share->bad_auc},
        {"good_or_bad", "balanced_accuracy", &share->bad_accuracy},
        {"good_or_bad", "undecided", &share->bad_undecided},
        {"good_or_bad", "rejected", &share->rejected},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        tell(listener,
             (struct nn_report_entry){
                 .lines = lines, .subject = others[i].subject, .measure = others[i].measure},
             others[i].figure);
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
        tell(listener,
             (struct nn_report_entry){
                 .lines = lines, .subject = decision_name(d), .measure = "decided"},
             &share->decided[d]);
    walk_matrices(share, lines, listener);
}

static void walk_sequence(const struct nn_report_sequence *sequence, const char *subject,
                          const struct nn_report_listener *listener)
{
    const struct {
        const char *measure;
        const struct nn_figure *figure;
    } figures[] = {
        {"sequential_share_seen", &sequence->seen},
        {"sequential_balanced_accuracy", &sequence->accuracy},
        {"sequential_full_balanced_accuracy", &sequence->full},
        {"sequential_cost", &sequence->cost},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        tell(listener, (struct nn_report_entry){.subject = subject, .measure = figures[i].measure},
             figures[i].figure);
}

void nn_report_walk(const struct nn_report *report, const struct nn_report_listener *listener)
{
    const struct nn_report_figures *figures = &report->figures;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++)
        walk_share(&figures->shares[share], nn_share_lines(share), listener);
    for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
        for (uint32_t j = 0; j < NN_LABEL_COUNT; j++)
            tell(listener,
                 (struct nn_report_entry){.subject = nn_label_name((enum nn_label)k),
                                          .measure = "together_with",
                                          .other = nn_label_name((enum nn_label)j)},
                 &figures->together[k][j]);
    for (uint32_t d = 0; d < NN_DECISION_COUNT; d++)
        walk_sequence(&figures->sequences[d], decision_name(d), listener);
    walk_sequence(&figures->sequence_mean, "mean", listener);
    tell(listener,
         (struct nn_report_entry){.subject = "good_or_bad", .measure = "rejected_after_share"},
         &figures->rejected_after);
}

static void put_number(FILE *out, double value)
{
    if (value == value)
        fprintf(out, ",%.6g", value);
    else
        fputc(',', out);
}

static void put_line(void *context, const struct nn_report_entry *entry)
{
    FILE *out = context;
    if (entry->lines)
        fprintf(out, "%u", (unsigned)entry->lines);
    fprintf(out, ",%s,%s,%s", entry->subject, entry->measure, entry->other ? entry->other : "");
    put_number(out, entry->figure->value);
    put_number(out, entry->figure->low);
    put_number(out, entry->figure->high);
    fputc('\n', out);
}

int nn_report_write_csv(FILE *out, const struct nn_report *report)
{
    struct nn_report_listener listener = {.take = put_line, .context = out};
    fputs("lines_of_128,subject,measure,other,value,low,high\n", out);
    nn_report_walk(report, &listener);
    return ferror(out) ? -EIO : 0;
}
