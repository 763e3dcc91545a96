/*
 * Reading a journal without being its agent: beside a running one, or after the night. Read-only,
 * without the lock, in one snapshot.
 */
#ifndef AGENT_JOURNAL_READ_H
#define AGENT_JOURNAL_READ_H

#include <stddef.h>
#include <stdint.h>

struct journal_reader;

/* 0; -ENOENT: no journal there; -EBADMSG: not a journal. `error` gets a sentence. */
int journal_reader_open(const char *directory, struct journal_reader **ret_reader, char *error,
                        size_t error_size);
void journal_reader_close(struct journal_reader *reader);

/* The same checks as journal_open. 0, or -EBADMSG with a sentence. */
int journal_reader_verify(struct journal_reader *reader, char *error, size_t error_size);

enum journal_list { JOURNAL_ACTIONS, JOURNAL_DECISIONS, JOURNAL_EVENTS };

struct journal_cell {
    const char *name; /* of the column */
    enum { JOURNAL_NULL, JOURNAL_INTEGER, JOURNAL_REAL, JOURNAL_TEXT } type;
    int64_t integer;
    double real;
    const char *text;
};

/*
 * One row; pointers live until return. `line` is the row as a line for people. That of a decision
 * holds nothing that differs between two runs over the same lines: no wall clock, session, epoch.
 */
typedef void (*journal_row_fn)(void *data, const char *line, const struct journal_cell *cells,
                               size_t n);

/* All rows of a list in order; night 0: of every night. 0 or negative errno. */
int journal_reader_list(struct journal_reader *reader, enum journal_list list, uint64_t night,
                        journal_row_fn row, void *data);

#endif
