/* Collecting, sorting and printing complaints. */
#include "config/policy_errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 48, EXCERPT_WIDTH = 90 };

/*
 * Pieces of the file stand in messages, cut to length: what could move a cursor, and characters cut
 * in half, become '?'.
 */
static void make_printable(char *s)
{
    for (size_t i = 0; s[i] != '\0';) {
        unsigned char c = (unsigned char)s[i];
        size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
        bool whole = n > 0;
        for (size_t k = 1; k < n && whole; k++)
            whole = ((unsigned char)s[i + k] & 0xC0) == 0x80;
        bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)s[i + 1] < 0xA0);
        if (whole && !control) {
            i += n;
            continue;
        }
        s[i++] = '?';
        while (((unsigned char)s[i] & 0xC0) == 0x80)
            memmove(s + i, s + i + 1, strlen(s + i));
    }
}

void policy_errors_add(struct policy_errors *errors, struct place place, const char *format, ...)
{
    errors->found++;
    if (errors->n >= POLICY_ERRORS_MAX)
        return;
    if (!errors->list) {
        errors->list = calloc(POLICY_ERRORS_MAX, sizeof(errors->list[0]));
        if (!errors->list)
            abort(); /* 27 kB: nothing else would work either */
    }
    struct policy_error *error = &errors->list[errors->n++];
    error->line = place.line;
    error->column = place.column;
    error->width = place.width > 0 ? place.width : 1;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    make_printable(error->message);
}

void policy_errors_sort(struct policy_errors *errors)
{
    /* Insertion: the list is short, and it must be stable. */
    for (size_t i = 1; i < errors->n; i++) {
        struct policy_error moved = errors->list[i];
        size_t j = i;
        while (j > 0 && (errors->list[j - 1].line > moved.line ||
                         (errors->list[j - 1].line == moved.line &&
                          errors->list[j - 1].column > moved.column))) {
            errors->list[j] = errors->list[j - 1];
            j--;
        }
        errors->list[j] = moved;
    }
}

void policy_errors_finish(struct policy_errors *errors)
{
    free(errors->list);
    free(errors->text);
    memset(errors, 0, sizeof(*errors));
}

/* The start of a line (from 1) of the text; *ret_length without its end. NULL: no such line. */
static const char *find_line(const char *text, int line, size_t *ret_length)
{
    for (int i = 1; i < line; i++) {
        text = strchr(text, '\n');
        if (!text)
            return NULL;
        text++;
    }
    *ret_length = strcspn(text, "\r\n");
    return text;
}

/* Bytes of the UTF-8 character at s: continuation bytes belong to the one before. */
static size_t character_bytes(const char *s, size_t left)
{
    size_t n = 1;
    while (n < left && ((unsigned char)s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

/*
 * The part of the line around the column, one column per character. Control characters could move
 * the cursor or colour the terminal, so they become '?', and a tab a space.
 */
static void print_excerpt(const struct policy_error *error, const char *line, size_t length,
                          FILE *out)
{
    int first = error->column > EXCERPT_WIDTH - 20 ? error->column - EXCERPT_WIDTH / 2 : 1;
    int column = 1;
    fprintf(out, "%5d | ", error->line);
    for (size_t i = 0; i < length && column < first + EXCERPT_WIDTH; column++) {
        size_t n = character_bytes(line + i, length - i);
        unsigned char c = (unsigned char)line[i];
        if (column >= first) {
            if (c == '\t')
                fputc(' ', out);
            else if (c < 0x20 || c == 0x7F ||
                     (c == 0xC2 && n == 2 && (unsigned char)line[i + 1] < 0xA0))
                fputc('?', out);
            else
                fwrite(line + i, 1, n, out);
        }
        i += n;
    }
    fprintf(out, "\n      | %*s^", error->column - first, "");
    for (int i = 1; i < error->width && error->column + i < first + EXCERPT_WIDTH; i++)
        fputc('~', out);
    fputc('\n', out);
}

void policy_errors_print(const struct policy_errors *errors, const char *path, FILE *out)
{
    for (size_t i = 0; i < errors->n; i++) {
        const struct policy_error *error = &errors->list[i];
        if (error->line <= 0) {
            fprintf(out, "%s: error: %s\n", path, error->message);
            continue;
        }
        fprintf(out, "%s:%d:%d: error: %s\n", path, error->line, error->column, error->message);
        size_t length;
        const char *line = errors->text ? find_line(errors->text, error->line, &length) : NULL;
        if (line && error->column > 0)
            print_excerpt(error, line, length, out);
    }
    if (errors->found > errors->n)
        fprintf(out, "%s: error: %zu more errors are not shown\n", path, errors->found - errors->n);
}

/*
 * Optimal string alignment distance of two short words, in half edits: swapping neighbours is the
 * likeliest slip and costs half of what the others do.
 */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= na; i++)
        d[i][0] = 2 * i;
    for (size_t j = 0; j <= nb; j++)
        d[0][j] = 2 * j;
    for (size_t i = 1; i <= na; i++) {
        for (size_t j = 1; j <= nb; j++) {
            size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 2 : 0);
            if (d[i - 1][j] + 2 < best)
                best = d[i - 1][j] + 2;
            if (d[i][j - 1] + 2 < best)
                best = d[i][j - 1] + 2;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[na][nb];
}

const char *policy_errors_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t length = strlen(word);
    /* One edit in a short word, else a third of it. */
    size_t least = 2 * (length < 4 ? 1 : length / 3) + 1;
    const char *nearest = NULL;
    if (length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > WORD_MAX)
            continue;
        size_t distance = edit_distance(word, length, candidates[i], candidate_length);
        if (distance < least) {
            least = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
