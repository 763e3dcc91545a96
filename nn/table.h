/*
 * A CSV table (RFC 4180) in memory, row by row: fields quoted or not, lines ended by LF or CR LF.
 */
#ifndef NN_TABLE_H
#define NN_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum { NN_TABLE_COLUMNS_MAX = 256 };

struct nn_table {
    char *text; /* owned */
    char *at;
    unsigned line; /* of the current row, the header's is 1 */
    /* Of the current row, borrowed until the table is closed. Fields beyond the maximum are lost.
     */
    char *fields[NN_TABLE_COLUMNS_MAX];
    unsigned n_fields;
};

/* 0, -EFBIG (more than 256 MiB), -ENOMEM, or what the system says. */
int nn_table_open(const char *path, struct nn_table *ret_table);
void nn_table_close(struct nn_table *table);

/* The next row; false at the end. Empty lines are rows of one empty field. */
bool nn_table_next(struct nn_table *table);

/* Where the current row, a header, has this field; n_fields when nowhere. */
unsigned nn_table_find(const struct nn_table *table, const char *name);

/* One field, in quotes where it needs them. */
void nn_table_put(FILE *file, const char *field);

#endif
