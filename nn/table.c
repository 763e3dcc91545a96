/* Reading and writing CSV. */
#include "nn/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES_MAX = 256 << 20 };

static int read_text(FILE *file, char **ret_text)
{
    size_t room = 1 << 16;
    size_t used = 0;
    char *text = malloc(room);
    while (text) {
        used += fread(text + used, 1, room - used - 1, file);
        if (used < room - 1)
            break;
        if (room >= TABLE_BYTES_MAX) {
            free(text);
            return -EFBIG;
        }
        char *larger = realloc(text, room *= 2);
        if (!larger)
            free(text);
        text = larger;
    }
    if (!text)
        return -ENOMEM;
    if (ferror(file)) {
        free(text);
        return -EIO;
    }
    text[used] = '\0';
    *ret_text = text;
    return 0;
}

int nn_table_open(const char *path, struct nn_table *ret_table)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -errno;
    char *text = NULL;
    int error = read_text(file, &text);
    fclose(file);
    if (!error)
        *ret_table = (struct nn_table){.text = text, .at = text};
    return error;
}

void nn_table_close(struct nn_table *table)
{
    free(table->text);
    *table = (struct nn_table){0};
}

/* One field, unquoted in place and terminated. Returns the character that ended it. */
static char next_field(struct nn_table *table, char **ret_field)
{
    char *from = table->at;
    char *to = from;
    *ret_field = to;
    bool quoted = *from == '"';
    if (quoted)
        from++;
    for (; *from; from++) {
        if (quoted && *from == '"' && from[1] == '"')
            from++;
        else if (quoted && *from == '"') {
            quoted = false;
            continue;
        } else if (!quoted && (*from == ',' || *from == '\n'))
            break;
        if (quoted || *from != '\r')
            *to++ = *from;
    }
    char ended_by = *from;
    table->at = ended_by ? from + 1 : from;
    *to = '\0';
    return ended_by;
}

bool nn_table_next(struct nn_table *table)
{
    if (!*table->at)
        return false;
    table->line++;
    table->n_fields = 0;
    char *field;
    char ended_by;
    do {
        ended_by = next_field(table, &field);
        if (table->n_fields < NN_TABLE_COLUMNS_MAX)
            table->fields[table->n_fields++] = field;
    } while (ended_by == ',');
    return true;
}

unsigned nn_table_find(const struct nn_table *table, const char *name)
{
    unsigned column = 0;
    while (column < table->n_fields && strcmp(table->fields[column], name) != 0)
        column++;
    return column;
}

void nn_table_put(FILE *file, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        fputs(field, file);
        return;
    }
    fputc('"', file);
    for (; *field; field++) {
        if (*field == '"')
            fputc('"', file);
        fputc(*field, file);
    }
    fputc('"', file);
}
