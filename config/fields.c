/* Readers of single values, of tables of them, and the reference off the same tables. */
#include "config/fields.h"
#include "config/units.h"

#include <errno.h>
#include <string.h>

enum { WHAT_MAX = 96, TEXT_MAX = 48, NAMES_MAX = 128, LIST_MAX = 64 };

/* Text of the file inside a message: its start is enough to find it, the caret shows the rest. */
#define SHOWN "%.40s"

static const char *kind_word(enum doc_kind kind)
{
    return kind == DOC_LIST ? "a list" : kind == DOC_MAP ? "a mapping" : "a single value";
}

bool field_scalar(struct policy_errors *errors, const struct doc_node *node, const char *what)
{
    if (node->kind == DOC_BROKEN)
        return false;
    if (node->kind != DOC_SCALAR) {
        policy_errors_add(errors, node->place, "%s: a single value is wanted, not %s", what,
                          kind_word(node->kind));
        return false;
    }
    if (node->text[0] == '\0') {
        policy_errors_add(errors, node->place, "%s: the value is missing", what);
        return false;
    }
    return true;
}

/* Complain about a text that units_read() refused. */
static void complain_units(struct policy_errors *errors, const struct doc_node *node,
                           const char *what, const char *unit, const char *example,
                           const struct units_report *report)
{
    struct place place = doc_place_within(node, report->at, report->length);
    const char *dimension = units_dimension(unit);
    const char *text = node->text + (node->plain ? report->at : 0);
    switch (report->fault) {
    case UNITS_FINE:
        break;
    case UNITS_NO_NUMBER:
        policy_errors_add(errors, place, "%s: '" SHOWN "' is not a number; write it like '%s'",
                          what, text, example);
        break;
    case UNITS_OVERFLOW:
        policy_errors_add(errors, place, "%s: '" SHOWN "' is beyond what a number can hold", what,
                          text);
        break;
    case UNITS_MISSING: {
        const char *suffix = strchr(example, ' ');
        policy_errors_add(errors, place, "%s: a %s needs its unit; did you mean '" SHOWN "%s'?",
                          what, dimension, text, suffix ? suffix : "");
        break;
    }
    case UNITS_UNKNOWN:
        policy_errors_add(errors, place, "%s: unknown unit '" SHOWN "'%s%s%s", what, text,
                          report->nearest ? "; did you mean '" : "",
                          report->nearest ? report->nearest : "", report->nearest ? "'?" : "");
        break;
    case UNITS_OTHER:
        policy_errors_add(errors, place,
                          "%s: '" SHOWN "' is a unit of %s; a %s is wanted, like '%s'", what, text,
                          report->dimension, dimension, example);
        break;
    case UNITS_UNEXPECTED:
        policy_errors_add(errors, place, "%s: takes a plain number without unit, like '%s'", what,
                          example);
        break;
    }
}

bool field_quantity(struct policy_errors *errors, const struct doc_node *node, const char *what,
                    const char *unit, const char *example, double *ret_value)
{
    struct units_report report;
    if (!field_scalar(errors, node, what))
        return false;
    if (units_read(node->text, unit, ret_value, &report) == 0)
        return true;
    complain_units(errors, node, what, unit, example, &report);
    return false;
}

bool field_count(struct policy_errors *errors, const struct doc_node *node, const char *what,
                 unsigned long *ret_value)
{
    if (!field_scalar(errors, node, what))
        return false;
    int rc = units_read_count(node->text, ret_value);
    if (rc == -ERANGE)
        policy_errors_add(errors, node->place, "%s: '" SHOWN "' is beyond any bound", what,
                          node->text);
    else if (rc != 0)
        policy_errors_add(errors, node->place,
                          "%s: a whole number without unit is wanted, not '" SHOWN "'", what,
                          node->text);
    return rc == 0;
}

bool field_flag(struct policy_errors *errors, const struct doc_node *node, const char *what,
                bool *ret_value)
{
    static const char *const yes[] = {"yes", "on", "y", "1", "True", "TRUE", "Yes", "On"};
    if (!field_scalar(errors, node, what))
        return false;
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
        *ret_value = node->text[0] == 't';
        return true;
    }
    const char *hint = "'true' or 'false'";
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (strcmp(node->text, yes[i]) == 0)
            hint = "'true'";
    policy_errors_add(errors, node->place, "%s: '" SHOWN "' is not a switch; write %s", what,
                      node->text, hint);
    return false;
}

bool field_name(struct policy_errors *errors, const struct doc_node *node, const char *what,
                size_t size, char *ret_name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!field_scalar(errors, node, what))
        return false;
    size_t good = strspn(node->text, allowed);
    if (node->text[good] != '\0') {
        policy_errors_add(errors, doc_place_within(node, good, 1),
                          "%s: only letters, digits and - _ . are allowed", what);
        return false;
    }
    if (good >= size) {
        policy_errors_add(errors, node->place, "%s: longer than %zu characters", what, size - 1);
        return false;
    }
    memcpy(ret_name, node->text, good + 1);
    return true;
}

int field_word(struct policy_errors *errors, const struct doc_node *node, const char *what,
               const char *(*word)(size_t))
{
    const char *names[32], *name;
    size_t n = 0;
    if (!field_scalar(errors, node, what))
        return -1;
    for (; n < 32 && (name = word(n)); n++) {
        if (strcmp(node->text, name) == 0)
            return (int)n;
        names[n] = name;
    }
    const char *nearest = policy_errors_nearest(node->text, names, n);
    if (nearest) {
        policy_errors_add(errors, node->place, "%s: unknown word '" SHOWN "'; did you mean '%s'?",
                          what, node->text, nearest);
        return -1;
    }
    char all[160] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", names[i]);
    policy_errors_add(errors, node->place, "%s: unknown word '" SHOWN "'; one of %s", what,
                      node->text, all);
    return -1;
}

void field_unknown_keys(struct policy_errors *errors, const struct doc_node *map,
                        const char *const *names, size_t n)
{
    for (size_t i = 0; i < map->n; i++) {
        const char *word = map->keys[i]->text;
        bool known = false;
        for (size_t k = 0; k < n && !known; k++)
            known = strcmp(word, names[k]) == 0;
        if (known)
            continue;
        const char *nearest = policy_errors_nearest(word, names, n);
        policy_errors_add(errors, map->keys[i]->place, "unknown key '" SHOWN "'%s%s%s", word,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "");
    }
}

/* Tables. */

static const char *unit_of(const struct field *field)
{
    return field->unit ? field->unit : "";
}

static bool check_bounds(struct policy_errors *errors, const struct field *field,
                         const struct doc_node *node, const char *what, double value)
{
    char said[TEXT_MAX], bound[TEXT_MAX];
    if (value >= field->min && value <= field->max)
        return true;
    bool above = value > field->max;
    units_write(value, unit_of(field), said, sizeof(said));
    units_write(above ? field->max : field->min, unit_of(field), bound, sizeof(bound));
    policy_errors_add(errors, node->place, "%s: %s is %s the bound of %s", what, said,
                      above ? "above" : "below", bound);
    return false;
}

/* One number inside its bounds. The upper bound serves as the example of how to write one. */
static bool read_number(struct policy_errors *errors, const struct field *field,
                        const struct doc_node *node, const char *what, double *ret_value)
{
    char example[TEXT_MAX];
    double value;
    units_write(field->max, unit_of(field), example, sizeof(example));
    if (!field_quantity(errors, node, what, unit_of(field), example, &value) ||
        !check_bounds(errors, field, node, what, value))
        return false;
    *ret_value = value;
    return true;
}

static void read_count(struct policy_errors *errors, const struct field *field,
                       const struct doc_node *node, const char *what, uint32_t *ret_value)
{
    unsigned long value;
    if (field_count(errors, node, what, &value) &&
        check_bounds(errors, field, node, what, (double)value))
        *ret_value = (uint32_t)value;
}

static void read_list(struct policy_errors *errors, const struct field *field,
                      const struct doc_node *node, const char *what, double *ret_values)
{
    double values[LIST_MAX];
    bool ok = true;
    if (node->kind == DOC_BROKEN)
        return;
    if (node->kind != DOC_LIST || node->n != field->size || node->n > LIST_MAX) {
        policy_errors_add(errors, node->place, "%s: a list of %zu numbers is wanted", what,
                          field->size);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        ok = read_number(errors, field, node->items[i], what, &values[i]) && ok;
    if (ok)
        memcpy(ret_values, values, field->size * sizeof(double));
}

static void read_pair(struct policy_errors *errors, const struct field *field,
                      const struct doc_node *node, const char *what, double *ret_pair)
{
    double pair[2];
    if (node->kind == DOC_BROKEN)
        return;
    if (node->kind == DOC_SCALAR) {
        if (read_number(errors, field, node, what, &pair[0]))
            ret_pair[0] = ret_pair[1] = pair[0];
        return;
    }
    if (node->kind != DOC_LIST || node->n != 2) {
        policy_errors_add(errors, node->place, "%s: a range is wanted, like [lowest, highest]",
                          what);
        return;
    }
    bool ok = read_number(errors, field, node->items[0], what, &pair[0]);
    ok = read_number(errors, field, node->items[1], what, &pair[1]) && ok;
    if (ok && pair[0] > pair[1]) {
        policy_errors_add(errors, node->place, "%s: the lower end of a range comes first", what);
        ok = false;
    }
    if (ok)
        memcpy(ret_pair, pair, sizeof(pair));
}

static void read_text(struct policy_errors *errors, const struct field *field,
                      const struct doc_node *node, const char *what, char *ret_text)
{
    if (!field_scalar(errors, node, what))
        return;
    size_t length = strlen(node->text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)node->text[i] < ' ' || node->text[i] == 127) {
            policy_errors_add(errors, node->place, "%s: one line of text is wanted", what);
            return;
        }
    if (length >= field->size)
        policy_errors_add(errors, node->place, "%s: longer than %zu bytes", what, field->size - 1);
    else
        memcpy(ret_text, node->text, length + 1);
}

static void read_field(struct policy_errors *errors, const struct field *field,
                       const struct doc_node *node, const char *what, void *value)
{
    int word;
    switch (field->type) {
    case FIELD_COUNT:
        read_count(errors, field, node, what, value);
        break;
    case FIELD_NUMBER:
        read_number(errors, field, node, what, value);
        break;
    case FIELD_PAIR:
        read_pair(errors, field, node, what, value);
        break;
    case FIELD_LIST:
        read_list(errors, field, node, what, value);
        break;
    case FIELD_FLAG:
        field_flag(errors, node, what, value);
        break;
    case FIELD_WORD:
        word = field_word(errors, node, what, field->words);
        if (word >= 0)
            memcpy(value, &word, sizeof(word));
        break;
    case FIELD_NAME:
        field_name(errors, node, what, field->size, value);
        break;
    case FIELD_TEXT:
        read_text(errors, field, node, what, value);
        break;
    }
}

static void read_unknown(const struct field_table *table, const struct doc_node *map,
                         struct policy_errors *errors)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < table->n && n < NAMES_MAX; i++)
        names[n++] = table->fields[i].name;
    for (size_t i = 0; table->children && table->children[i] && n < NAMES_MAX; i++)
        names[n++] = table->children[i];
    field_unknown_keys(errors, map, names, n);
}

bool fields_read(const struct field_table *table, const struct doc_node *map, struct place at,
                 struct policy_errors *errors, void *base)
{
    size_t before = errors->found;
    if (map && map->kind != DOC_MAP) {
        if (map->kind != DOC_BROKEN)
            policy_errors_add(errors, map->place, "'%s' is a mapping of keys to values",
                              table->name);
        return false;
    }
    if (map)
        read_unknown(table, map, errors);
    for (size_t i = 0; i < table->n; i++) {
        const struct field *field = &table->fields[i];
        const struct doc_node *node = map ? doc_get(map, field->name) : NULL;
        char what[WHAT_MAX];
        snprintf(what, sizeof(what), "%s%s%s", table->name, table->name[0] ? "." : "", field->name);
        if (node)
            read_field(errors, field, node, what, (char *)base + field->offset);
        else if (field->required)
            policy_errors_add(errors, at, "the key '%s' is missing", what);
    }
    return errors->found == before;
}

const struct doc_node *fields_child(const struct doc_node *map, const char *name,
                                    enum doc_kind kind, struct policy_errors *errors)
{
    const struct doc_node *node = doc_get(map, name);
    if (!node || node->kind == kind)
        return node;
    if (node->kind != DOC_BROKEN)
        policy_errors_add(errors, node->place, "'%s': %s is wanted, not %s", name, kind_word(kind),
                          kind_word(node->kind));
    return NULL;
}

struct place fields_place(const struct doc_node *map, const char *name)
{
    const struct doc_node *node = doc_get(map, name);
    return node ? node->place : map->place;
}

/* Reference. */

static void print_number(double value, const char *unit, FILE *out)
{
    char text[TEXT_MAX];
    units_write(value, unit, text, sizeof(text));
    fputs(text, out);
}

static void print_type(const struct field *field, FILE *out)
{
    const char *dimension = units_dimension(unit_of(field));
    switch (field->type) {
    case FIELD_COUNT:
        fputs("whole number", out);
        break;
    case FIELD_NUMBER:
        fputs(dimension, out);
        break;
    case FIELD_PAIR:
        fprintf(out, "range of %s", dimension);
        break;
    case FIELD_LIST:
        fprintf(out, "%zu of %s", field->size, dimension);
        break;
    case FIELD_FLAG:
        fputs("switch", out);
        break;
    case FIELD_WORD:
        fputs("word", out);
        break;
    case FIELD_NAME:
        fputs("name", out);
        break;
    case FIELD_TEXT:
        fputs("text", out);
        break;
    }
}

static void print_bounds(const struct field *field, FILE *out)
{
    if (field->type == FIELD_WORD) {
        for (size_t i = 0; field->words(i); i++)
            fprintf(out, "%s`%s`", i ? ", " : "", field->words(i));
    } else if (field->type <= FIELD_LIST) {
        print_number(field->min, unit_of(field), out);
        fputs(" to ", out);
        print_number(field->max, unit_of(field), out);
    }
}

static void print_numbers(const double *values, size_t n, const char *unit, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "[", out);
        print_number(values[i], unit, out);
    }
    fputs("]", out);
}

static void print_default(const struct field *field, const void *value, FILE *out)
{
    int word;
    if (field->required) {
        fputs("required", out);
        return;
    }
    fputc('`', out);
    switch (field->type) {
    case FIELD_COUNT:
        fprintf(out, "%u", *(const uint32_t *)value);
        break;
    case FIELD_NUMBER:
        print_number(*(const double *)value, unit_of(field), out);
        break;
    case FIELD_PAIR:
        print_numbers(value, 2, unit_of(field), out);
        break;
    case FIELD_LIST:
        print_numbers(value, field->size, unit_of(field), out);
        break;
    case FIELD_FLAG:
        fputs(*(const bool *)value ? "true" : "false", out);
        break;
    case FIELD_WORD:
        memcpy(&word, value, sizeof(word));
        fputs(word >= 0 ? field->words((size_t)word) : "none", out);
        break;
    case FIELD_NAME:
    case FIELD_TEXT:
        fputs(*(const char *)value ? (const char *)value : "none", out);
        break;
    }
    fputc('`', out);
}

void fields_print(const struct field_table *table, const void *defaults, FILE *out)
{
    if (table->name[0] != '\0')
        fprintf(out, "### `%s`\n\n", table->name);
    else
        fputs("### Top\n\n", out);
    fprintf(out, "%s\n\n| key | type | bounds | default | meaning |\n|---|---|---|---|---|\n",
            table->doc);
    for (size_t i = 0; i < table->n; i++) {
        const struct field *field = &table->fields[i];
        fprintf(out, "| `%s` | ", field->name);
        print_type(field, out);
        fputs(" | ", out);
        print_bounds(field, out);
        fputs(" | ", out);
        print_default(field, (const char *)defaults + field->offset, out);
        fprintf(out, " | %s |\n", field->doc);
    }
    fputc('\n', out);
}
