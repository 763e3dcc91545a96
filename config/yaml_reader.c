/* libyaml's events into a tree, refusing what a policy must not contain. */
#include "config/yaml_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct policy_errors *errors;
    const char *text;
    size_t size;
    struct doc_node *root;
    struct doc_node *open[DOC_DEPTH_MAX]; /* lists and mappings not yet closed */
    struct doc_node *key[DOC_DEPTH_MAX];  /* key waiting for its value, or NULL */
    size_t depth;
    size_t nodes;
    bool stop; /* nothing after this can be trusted */
};

/* Some kilobytes at most: without them there is no policy and no way to say so. */
static void *must_have(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static struct place place_of(const yaml_mark_t *start, const yaml_mark_t *end)
{
    struct place place = {(int)start->line + 1, (int)start->column + 1, 1};
    if (end->line == start->line && end->column > start->column)
        place.width = (int)(end->column - start->column);
    return place;
}

static struct doc_node *create_node(enum doc_kind kind, const yaml_event_t *event)
{
    struct doc_node *node = must_have(calloc(1, sizeof(*node)));
    node->kind = kind;
    node->place = place_of(&event->start_mark, &event->end_mark);
    if (kind == DOC_LIST || kind == DOC_MAP)
        node->place.width = 1;
    return node;
}

void doc_destroy(struct doc_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++) {
        if (node->keys)
            doc_destroy(node->keys[i]);
        doc_destroy(node->items[i]);
    }
    free(node->keys);
    free(node->items);
    free(node->text);
    free(node);
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
    if (map->kind != DOC_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

static int count_characters(const char *s, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)s[i] & 0xC0) != 0x80;
    return n;
}

struct place doc_place_within(const struct doc_node *scalar, size_t at, size_t length)
{
    size_t all = scalar->kind == DOC_SCALAR ? strlen(scalar->text) : 0;
    if (scalar->kind != DOC_SCALAR || !scalar->plain || at >= all)
        return scalar->place;
    if (length > all - at)
        length = all - at;
    struct place place = scalar->place;
    place.column += count_characters(scalar->text, at);
    place.width = count_characters(scalar->text + at, length);
    return place;
}

static void append(struct doc_node *parent, struct doc_node *key, struct doc_node *item)
{
    size_t bytes = (parent->n + 1) * sizeof(struct doc_node *);
    parent->items = must_have(realloc(parent->items, bytes));
    if (parent->kind == DOC_MAP) {
        parent->keys = must_have(realloc(parent->keys, bytes));
        parent->keys[parent->n] = key;
    }
    parent->items[parent->n++] = item;
}

static void discard(struct doc_node *key, struct doc_node *item)
{
    doc_destroy(key);
    doc_destroy(item);
}

/* A value has arrived for a mapping's waiting key: keep it, unless the key is a second one. */
static void add_entry(struct reader *r, struct doc_node *map, struct doc_node *key,
                      struct doc_node *item)
{
    if (strcmp(key->text, "<<") == 0) {
        policy_errors_add(r->errors, key->place, "merge keys are not allowed; write the keys out");
        discard(key, item);
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->keys[i]->text, key->text) == 0) {
            policy_errors_add(r->errors, key->place, "duplicate key '%.64s'; first at line %d",
                              key->text, map->keys[i]->place.line);
            discard(key, item);
            return;
        }
    }
    append(map, key, item);
}

/* Put a finished node where it belongs: document, list, waiting key, or value. Takes it. */
static void place_node(struct reader *r, struct doc_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return;
    }
    if (++r->nodes > DOC_NODES_MAX) {
        policy_errors_add(r->errors, node->place, "more than %d values in all", DOC_NODES_MAX);
        r->stop = true;
        doc_destroy(node);
        return;
    }
    struct doc_node *parent = r->open[r->depth - 1];
    struct doc_node **key = &r->key[r->depth - 1];
    if (parent->n >= DOC_ENTRIES_MAX) {
        policy_errors_add(r->errors, node->place, "more than %d entries in one %s", DOC_ENTRIES_MAX,
                          parent->kind == DOC_MAP ? "mapping" : "list");
        r->stop = true;
        doc_destroy(node);
    } else if (parent->kind == DOC_LIST) {
        append(parent, NULL, node);
    } else if (*key) {
        struct doc_node *k = *key;
        *key = NULL;
        add_entry(r, parent, k, node);
    } else if (node->kind == DOC_SCALAR) {
        *key = node;
    } else {
        policy_errors_add(r->errors, node->place, "a key must be a plain word");
        r->stop = true;
        doc_destroy(node);
    }
}

static void refuse_decoration(struct reader *r, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct place place = place_of(&event->start_mark, &event->start_mark);
    if (anchor)
        policy_errors_add(r->errors, place, "anchors are not allowed ('&%.64s')",
                          (const char *)anchor);
    if (tag)
        policy_errors_add(r->errors, place, "tags are not allowed; the schema knows the type");
}

static void on_scalar(struct reader *r, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    refuse_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag);
    struct doc_node *node = create_node(DOC_SCALAR, event);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                  event->start_mark.line == event->end_mark.line;
    if (event->data.scalar.anchor || event->data.scalar.tag)
        node->plain = false;
    if (memchr(value, '\0', length)) {
        /* "\0" in double quotes: the text would end early, and hide what follows. */
        policy_errors_add(r->errors, node->place, "a NUL character inside a value");
        length = strlen(value);
    }
    node->text = must_have(malloc(length + 1));
    memcpy(node->text, value, length);
    node->text[length] = '\0';
    place_node(r, node);
}

static void on_alias(struct reader *r, const yaml_event_t *event)
{
    struct doc_node *node = create_node(DOC_BROKEN, event);
    policy_errors_add(r->errors, node->place, "aliases are not allowed ('*%.64s'); write it out",
                      (const char *)event->data.alias.anchor);
    if (r->depth > 0 && r->open[r->depth - 1]->kind == DOC_MAP && !r->key[r->depth - 1]) {
        r->stop = true; /* an alias as key */
        doc_destroy(node);
        return;
    }
    place_node(r, node);
}

static void on_open(struct reader *r, const yaml_event_t *event, enum doc_kind kind)
{
    struct doc_node *node = create_node(kind, event);
    if (kind == DOC_MAP)
        refuse_decoration(r, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    else
        refuse_decoration(r, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    if (r->depth >= DOC_DEPTH_MAX) {
        policy_errors_add(r->errors, node->place, "nested deeper than %d levels", DOC_DEPTH_MAX);
        r->stop = true;
        doc_destroy(node);
        return;
    }
    if (r->depth > 0 && r->open[r->depth - 1]->kind == DOC_MAP && !r->key[r->depth - 1]) {
        policy_errors_add(r->errors, node->place, "a key must be a plain word");
        r->stop = true;
        doc_destroy(node);
        return;
    }
    r->key[r->depth] = NULL;
    r->open[r->depth++] = node;
}

static void on_close(struct reader *r, const yaml_event_t *event)
{
    struct doc_node *node = r->open[--r->depth];
    int end_line = (int)event->end_mark.line + 1, end_column = (int)event->end_mark.column + 1;
    if (end_line == node->place.line && end_column > node->place.column)
        node->place.width = end_column - node->place.column;
    place_node(r, node);
}

static void on_document(struct reader *r, const yaml_event_t *event)
{
    struct place place = place_of(&event->start_mark, &event->start_mark);
    if (r->root) {
        policy_errors_add(r->errors, place, "a second document begins here; one file, one policy");
        r->stop = true;
    } else if (event->data.document_start.version_directive ||
               event->data.document_start.tag_directives.start !=
                   event->data.document_start.tag_directives.end) {
        policy_errors_add(r->errors, place, "directives (%%YAML, %%TAG) are not allowed");
    }
}

static void on_event(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document(r, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(r, event);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(r, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(r, event, DOC_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(r, event, DOC_MAP);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(r, event);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

static struct place place_of_offset(const char *text, size_t offset)
{
    struct place place = {1, 1, 1};
    size_t start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            place.line++;
            start = i + 1;
        }
    }
    place.column = count_characters(text + start, offset - start) + 1;
    return place;
}

/* The first byte of the character there, or NUL beyond the end. */
static char character_at(const struct reader *r, struct place place)
{
    size_t i = 0;
    for (int line = 1; line < place.line && i < r->size; i++)
        line += r->text[i] == '\n';
    for (int column = 1; i < r->size; i++) {
        bool starts = ((unsigned char)r->text[i] & 0xC0) != 0x80;
        if (starts && column++ == place.column)
            return r->text[i];
    }
    return '\0';
}

static void on_syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "unreadable";
    if (p->error == YAML_READER_ERROR) {
        size_t offset = p->problem_offset < r->size ? p->problem_offset : r->size;
        policy_errors_add(r->errors, place_of_offset(r->text, offset), "not UTF-8 text: %s",
                          problem);
        return;
    }
    struct place place = place_of(&p->problem_mark, &p->problem_mark);
    if (character_at(r, place) == '\t')
        policy_errors_add(r->errors, place, "a tab cannot indent; use spaces");
    else if (p->context)
        policy_errors_add(r->errors, place, "not valid YAML: %s, %s", problem, p->context);
    else
        policy_errors_add(r->errors, place, "not valid YAML: %s", problem);
    r->stop = true;
}

static void read_events(struct reader *r)
{
    bool end = false;
    while (!end && !r->stop) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            on_syntax_error(r);
            r->stop = true;
            return;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        on_event(r, &event);
        yaml_event_delete(&event);
    }
}

/* Refused before libyaml sees it. */
static int check_bytes(const char *text, size_t size, struct policy_errors *errors)
{
    const struct place whole = {0, 0, 1};
    if (size > DOC_BYTES_MAX) {
        policy_errors_add(errors, whole, "larger than %d KiB", DOC_BYTES_MAX / 1024);
        return -EINVAL;
    }
    const char *nul = size ? memchr(text, '\0', size) : NULL;
    if (nul) {
        policy_errors_add(errors, place_of_offset(text, (size_t)(nul - text)),
                          "a NUL byte: this is not a text file");
        return -EINVAL;
    }
    return 0;
}

int doc_read(const char *text, size_t size, struct policy_errors *errors,
             struct doc_node **ret_root)
{
    if (check_bytes(text, size, errors) != 0)
        return -EINVAL;
    struct reader r = {.errors = errors, .text = text, .size = size};
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    read_events(&r);
    yaml_parser_delete(&r.parser);
    if (!r.stop && !r.root)
        policy_errors_add(errors, (struct place){1, 1, 1}, "the file is empty");
    if (r.stop || !r.root) {
        while (r.depth > 0) {
            r.depth--;
            discard(r.key[r.depth], r.open[r.depth]);
        }
        doc_destroy(r.root);
        return -EINVAL;
    }
    *ret_root = r.root;
    return 0;
}

int doc_read_file(const char *path, char **ret_text, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -errno;
    char *text = malloc(DOC_BYTES_MAX + 1);
    size_t size = text ? fread(text, 1, DOC_BYTES_MAX + 1, file) : 0;
    int rc = ferror(file) ? -errno : 0;
    fclose(file);
    if (!text)
        return -ENOMEM;
    if (rc != 0) {
        free(text);
        return rc;
    }
    *ret_text = text;
    *ret_size = size;
    return 0;
}

int doc_load(const char *path, struct policy_errors *ret_errors, struct doc_node **ret_root)
{
    char *text = NULL;
    size_t size = 0;
    memset(ret_errors, 0, sizeof(*ret_errors));
    int rc = doc_read_file(path, &text, &size);
    if (rc != 0 || !text) {
        policy_errors_add(ret_errors, (struct place){0, 0, 1}, "%s", strerror(-rc));
        /* -EINVAL means "read and found wrong". */
        return rc == -EINVAL ? -EIO : rc;
    }
    rc = doc_read(text, size, ret_errors, ret_root);
    if (size > DOC_BYTES_MAX) {
        free(text); /* too long for excerpts, and not terminated */
        return rc;
    }
    text[size] = '\0';
    ret_errors->text = text;
    return rc;
}
