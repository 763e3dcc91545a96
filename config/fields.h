/*
 * Mappings of a YAML file into plain structs, by tables of fields.
 *
 * A table says what a mapping may hold: name, type, unit, bounds, meaning, and where in the struct
 * the value goes. The struct's own content before reading is the default, so defaults stand in one
 * place only, and the reference printed from a table shows the defaults that the program has.
 * Unknown keys, wrong types, missing units and values outside their bounds are complaints with
 * line and column; nothing is ever brought inside its bounds.
 *
 * The readers of single values below the tables are shared with the schema of policies.
 */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include "config/yaml_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_COUNT,  /* whole number, into uint32_t */
    FIELD_NUMBER, /* number, with its unit when `unit` is not "", into double, SI */
    FIELD_PAIR,   /* [lo, hi], lo <= hi; or one number for both; into double[2], SI */
    FIELD_LIST,   /* exactly `size` numbers, into double[size], SI */
    FIELD_FLAG,   /* true or false, into bool */
    FIELD_WORD,   /* one of `words`, its index into int */
    FIELD_NAME,   /* letters, digits and - _ . into char[size] */
    FIELD_TEXT    /* anything printable on one line, into char[size] */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;    /* in the struct that is read into */
    const char *unit; /* COUNT, NUMBER, PAIR, LIST: SI unit of config/units.h, NULL or "": none */
    double min, max;  /* of the same, both included */
    size_t size;      /* LIST, NAME, TEXT */
    const char *(*words)(size_t i); /* WORD: NULL beyond the last */
    bool required;                  /* else what the struct holds stays */
    const char *doc;
};

struct field_table {
    const char *name; /* of the mapping, "surface"; "" at the top of a file */
    const char *doc;  /* one sentence for the reference */
    const struct field *fields;
    size_t n;
    const char *const *children; /* further keys, which the caller reads itself; NULL at the end;
                                    NULL: none */
};

/*
 * Read `map` into `base`, which holds the defaults. `map` NULL: only what is required is missed, at
 * `at`. True: no complaint was made. Values that drew a complaint leave `base` as it was.
 */
bool fields_read(const struct field_table *table, const struct doc_node *map, struct place at,
                 struct policy_errors *errors, void *base);

/* The value under `name` if it is of this kind; NULL if absent or, after a complaint, another. */
const struct doc_node *fields_child(const struct doc_node *map, const char *name,
                                    enum doc_kind kind, struct policy_errors *errors);

/* Where the value under `name` stands, or the mapping itself when it does not. */
struct place fields_place(const struct doc_node *map, const char *name);

/* One section of a reference in Markdown; `defaults` is a struct that holds them. */
void fields_print(const struct field_table *table, const void *defaults, FILE *out);

/*
 * Readers of one value. `what` names it in complaints ("budget.night"). All return true when they
 * have set *ret_value, and complain otherwise; none checks bounds.
 */
bool field_scalar(struct policy_errors *errors, const struct doc_node *node, const char *what);

/* A number with the unit `unit`, or without when it is "". `example`: how one looks. */
bool field_quantity(struct policy_errors *errors, const struct doc_node *node, const char *what,
                    const char *unit, const char *example, double *ret_value);

bool field_count(struct policy_errors *errors, const struct doc_node *node, const char *what,
                 unsigned long *ret_value);

bool field_flag(struct policy_errors *errors, const struct doc_node *node, const char *what,
                bool *ret_value);

/* Letters, digits and - _ . only, `size` with its terminator. */
bool field_name(struct policy_errors *errors, const struct doc_node *node, const char *what,
                size_t size, char *ret_name);

/* Index of the word, or -1 after a complaint. `word` gives NULL beyond the last. */
int field_word(struct policy_errors *errors, const struct doc_node *node, const char *what,
               const char *(*word)(size_t));

/* Complain about every key of `map` that is none of `names`, with the nearest one. */
void field_unknown_keys(struct policy_errors *errors, const struct doc_node *map,
                        const char *const *names, size_t n);

#endif
