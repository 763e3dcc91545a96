/*
 * Complaints about a file: every one found, in order, shown as a compiler would.
 *
 * The reader, the schema and the lint all write into one list; whoever prints it is the edge.
 */
#ifndef CONFIG_POLICY_ERRORS_H
#define CONFIG_POLICY_ERRORS_H

#include <stddef.h>
#include <stdio.h>

enum { POLICY_ERRORS_MAX = 100 }; /* further ones are only counted */

/* One complaint about a policy file. */
struct policy_error {
    int line, column; /* from 1, column in characters; 0: the file as a whole */
    int width;        /* characters to underline, at least 1 */
    char message[256];
};

/* All complaints of one file, with the text they point into. */
struct policy_errors {
    struct policy_error *list;
    size_t n;
    char *text;   /* the file, for excerpts; NULL when unreadable */
    size_t found; /* all complaints made, also those beyond POLICY_ERRORS_MAX */
};

/* Where something stands in the file; line 0: it does not (a default). */
struct place {
    int line, column, width;
};

/* Append one complaint; beyond POLICY_ERRORS_MAX it is only counted. */
void policy_errors_add(struct policy_errors *errors, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* By line, then column; complaints about one place keep the order they were made in. */
void policy_errors_sort(struct policy_errors *errors);

void policy_errors_finish(struct policy_errors *errors);

/* Compiler form: `path:line:col: error: ...`, the line, a caret under the word. */
void policy_errors_print(const struct policy_errors *errors, const char *path, FILE *out);

/*
 * The candidate that `word` is most likely a misspelling of, by edit distance (insert, delete,
 * replace, swap neighbours), at most a third of its length. NULL: none is near.
 */
const char *policy_errors_nearest(const char *word, const char *const *candidates, size_t n);

#endif
