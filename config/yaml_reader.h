/*
 * A YAML file as a small tree that remembers where everything stood.
 *
 * A deliberately small YAML: one document of mappings, lists and scalars. Scalars stay text; what
 * they mean is the schema's business, so `no`, `1:30` and `1e3` cannot be misread. Anchors,
 * aliases, tags, merge keys, directives and duplicate keys are refused: a policy has to say
 * exactly what stands there, once.
 *
 * Safe on anything: size, depth, entries of one mapping or list, and values in all are capped.
 */
#ifndef CONFIG_YAML_READER_H
#define CONFIG_YAML_READER_H

#include "config/policy_errors.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    DOC_BYTES_MAX = 256 * 1024,
    DOC_DEPTH_MAX = 32,
    DOC_ENTRIES_MAX = 256,
    DOC_NODES_MAX = 16384,
};

enum doc_kind {
    DOC_SCALAR,
    DOC_LIST,
    DOC_MAP,
    DOC_BROKEN /* already complained about; say nothing more */
};

struct doc_node {
    enum doc_kind kind;
    struct place place;      /* of the scalar, or of the first character of a list or mapping */
    char *text;              /* scalar: its value, no NUL inside, never NULL */
    bool plain;              /* scalar: unquoted and on one line, so columns can be counted */
    struct doc_node **keys;  /* mapping: (n) scalars; list: NULL */
    struct doc_node **items; /* (n) */
    size_t n;
};

/*
 * Read a whole file's text. 0: *ret_root is the document, possibly with complaints about parts of
 * it (compare errors->n). -EINVAL: no tree, the reason is in *errors. Free with doc_destroy().
 */
int doc_read(const char *text, size_t size, struct policy_errors *errors,
             struct doc_node **ret_root);

void doc_destroy(struct doc_node *node);

/*
 * A file's bytes, one more than DOC_BYTES_MAX at most, so that too large a file is seen as such.
 * 0, or negative errno. Free *ret_text.
 */
int doc_read_file(const char *path, char **ret_text, size_t *ret_size);

/*
 * A whole file: its text into *ret_errors (to be printed and freed with policy_errors_finish() in
 * any case), its tree into *ret_root. 0, possibly with complaints about parts of it; -EINVAL: no
 * tree; other negative errno: not readable. Both say why in *ret_errors.
 */
int doc_load(const char *path, struct policy_errors *ret_errors, struct doc_node **ret_root);

/* The value under `key`, or NULL. Borrowed. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);

/* The place of `length` bytes at byte `at` of a scalar; all of it when that cannot be told. */
struct place doc_place_within(const struct doc_node *scalar, size_t at, size_t length);

#endif
