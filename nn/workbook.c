/* Three sheets through libxlsxwriter. */
#include "nn/workbook.h"

#include <errno.h>
#include <xlsxwriter.h>

/* Which scores a sheet shows. */
typedef const double *(*scores_fn)(const struct nn_tally_row *row);

static const double *mean_of(const struct nn_tally_row *row)
{
    return row->mean;
}

static const double *weighted_of(const struct nn_tally_row *row)
{
    return row->weighted;
}

static const double *agreement_of(const struct nn_tally_row *row)
{
    return row->agreement;
}

enum { COLUMN_NAME, COLUMN_RESPONSES, COLUMN_LABELS, COLUMN_MEAN = COLUMN_LABELS + NN_LABEL_COUNT };

static lxw_error write_row(lxw_worksheet *sheet, lxw_row_t at, const struct nn_tally_row *row,
                           scores_fn scores)
{
    lxw_error error = worksheet_write_string(sheet, at, COLUMN_NAME, row->image, NULL);
    if (!error)
        error = worksheet_write_number(sheet, at, COLUMN_RESPONSES, row->responses, NULL);
    for (lxw_col_t k = 0; k < NN_LABEL_COUNT && !error; k++)
        error =
            worksheet_write_number(sheet, at, (lxw_col_t)(COLUMN_LABELS + k), scores(row)[k], NULL);
    if (!error && scores == agreement_of)
        error = worksheet_write_number(sheet, at, COLUMN_MEAN, row->mean_agreement, NULL);
    return error;
}

static lxw_error write_sheet(lxw_workbook *workbook, const char *name, const struct nn_tally *tally,
                             scores_fn scores)
{
    lxw_worksheet *sheet = workbook_add_worksheet(workbook, name);
    if (!sheet)
        return LXW_ERROR_MEMORY_MALLOC_FAILED;
    lxw_error error = worksheet_write_string(sheet, 0, COLUMN_NAME, "Name", NULL);
    if (!error)
        error = worksheet_write_string(sheet, 0, COLUMN_RESPONSES, "No. Responses", NULL);
    for (lxw_col_t k = 0; k < NN_LABEL_COUNT && !error; k++)
        error = worksheet_write_string(sheet, 0, (lxw_col_t)(COLUMN_LABELS + k),
                                       nn_label_title((enum nn_label)k), NULL);
    if (!error && scores == agreement_of)
        error = worksheet_write_string(sheet, 0, COLUMN_MEAN, "Mean", NULL);
    for (size_t i = 0; i < tally->n && !error; i++)
        error = write_row(sheet, (lxw_row_t)(i + 1), &tally->rows[i], scores);
    return error;
}

int nn_workbook_write(const char *path, const struct nn_tally *tally)
{
    static const struct {
        const char *name;
        scores_fn scores;
    } sheets[] = {{"Mean_Score", mean_of},
                  {"Weighted_Score", weighted_of},
                  {"Agreement_Score", agreement_of}};
    if (tally->n >= LXW_ROW_MAX)
        return -EFBIG;
    lxw_workbook *workbook = workbook_new(path);
    if (!workbook)
        return -EIO;
    lxw_error error = LXW_NO_ERROR;
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets && !error; i++)
        error = write_sheet(workbook, sheets[i].name, tally, sheets[i].scores);
    lxw_error closed = workbook_close(workbook);
    return error || closed ? -EIO : 0;
}
