/* Messages and progress for people. */
#include "agent/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* True when `stream` is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb". */
static bool is_coloured(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && !(no_color && no_color[0]) && term &&
           strcmp(term, "dumb") != 0;
}

__attribute__((format(printf, 4, 0))) static void
say(const char *command, const char *word, const char *colour, const char *format, va_list args)
{
    bool paint = is_coloured(stderr);
    fprintf(stderr, "tipwright %s: %s%s%s: ", command, paint ? colour : "", word,
            paint ? "\033[0m" : "");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void terminal_error(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(command, "error", "\033[1;31m", format, args);
    va_end(args);
}

void terminal_note(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(command, "note", "\033[1m", format, args);
    va_end(args);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(struct progress *progress, const char *title, uint64_t total)
{
    *progress = (struct progress){.title = title,
                                  .total = total ? total : 1,
                                  .shown = UINT64_MAX,
                                  .started_ns = monotonic_ns(),
                                  .tty = isatty(STDERR_FILENO)};
    progress_update(progress, 0, NULL);
}

static void draw_bar(const struct progress *progress, uint64_t done, const char *detail)
{
    enum { WIDTH = 30 };
    int filled = (int)(done * WIDTH / progress->total);
    double elapsed_s = (double)(monotonic_ns() - progress->started_ns) * 1e-9;
    double left_s = done ? elapsed_s * (double)(progress->total - done) / (double)done : 0;
    fprintf(stderr, "\r\033[K%s [%.*s%.*s] %3d %%", progress->title, filled,
            "##############################", WIDTH - filled, "..............................",
            (int)(done * 100 / progress->total));
    if (done && done < progress->total)
        fprintf(stderr, "  %.0f s left", left_s);
    if (detail)
        fprintf(stderr, "  %s", detail);
    fflush(stderr);
}

void progress_update(struct progress *progress, uint64_t done, const char *detail)
{
    if (done > progress->total)
        done = progress->total;
    uint64_t step = done * (progress->tty ? 1000 : 10) / progress->total;
    if (step == progress->shown)
        return;
    progress->shown = step;
    if (progress->tty)
        draw_bar(progress, done, detail);
    else if (step > 0)
        fprintf(stderr, "%s: %d %%%s%s\n", progress->title, (int)(done * 100 / progress->total),
                detail ? "  " : "", detail ? detail : "");
}

void progress_end(struct progress *progress)
{
    if (progress->tty)
        fputc('\n', stderr);
}

void progress_finish(struct progress *progress)
{
    progress_update(progress, progress->total, NULL);
    progress_end(progress);
}
