/*
 * What a person sees: messages on stderr, colour only where wanted, progress only on a terminal.
 * stdout is left to data.
 */
#ifndef AGENT_TERMINAL_H
#define AGENT_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* "tipwright COMMAND: error: text" on stderr, one line. */
void terminal_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void terminal_note(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A progress line on stderr: a bar with time left on a terminal, else one line per 10 %. */
struct progress {
    const char *title; /* borrowed */
    uint64_t total;
    uint64_t shown; /* last drawn step, in 1/1000 (terminal) or 1/10 (else) of the total */
    int64_t started_ns;
    bool tty;
};

void progress_start(struct progress *progress, const char *title, uint64_t total);
/* `detail` may be NULL; it stands behind the bar. */
void progress_update(struct progress *progress, uint64_t done, const char *detail);
/* All is done: a full bar. */
void progress_finish(struct progress *progress);
/* Ended where it stands. */
void progress_end(struct progress *progress);

#endif
