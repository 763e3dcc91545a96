/*
 * A table of votes as a workbook (.xlsx) with the sheets Mean_Score, Weighted_Score and
 * Agreement_Score: one heading row, one row per picture: Name, No. Responses, the six labels; in
 * Agreement_Score their mean, too. Source of the form: the Nottingham scripts, whose readers expect
 * the means in Mean_Score C2:H and the agreement in Agreement_Score I2.
 */
#ifndef NN_WORKBOOK_H
#define NN_WORKBOOK_H

#include "nn/votes.h"

/* 0; -EFBIG: more rows than a sheet holds; -EIO: cannot be written. */
int nn_workbook_write(const char *path, const struct nn_tally *tally);

#endif
