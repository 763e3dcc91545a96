/* Rows of a Zooniverse export into votes. Cells with JSON: votes_answer.c. */
#include "nn/votes_zooniverse.h"

#include "nn/votes_answer.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIELDS_MAX = 256,
    ROW_BYTES_MAX = 16 << 20,
};

enum column {
    COLUMN_ID,
    COLUMN_USER_NAME,
    COLUMN_USER_ID,
    COLUMN_WORKFLOW,
    COLUMN_VERSION,
    COLUMN_CREATED,
    COLUMN_METADATA,
    COLUMN_ANNOTATIONS,
    COLUMN_SUBJECT,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_ID] = "classification_id",     [COLUMN_USER_NAME] = "user_name",
    [COLUMN_USER_ID] = "user_id",          [COLUMN_WORKFLOW] = "workflow_id",
    [COLUMN_VERSION] = "workflow_version", [COLUMN_CREATED] = "created_at",
    [COLUMN_METADATA] = "metadata",        [COLUMN_ANNOTATIONS] = "annotations",
    [COLUMN_SUBJECT] = "subject_data",
};

/* Names seen so far; open addressing, never more than half full. */
struct seen {
    char **slots;
    size_t n, room;
};

struct reader {
    const struct nn_export_options *options;
    struct nn_votes *votes;
    struct nn_export_report *report;
    struct seen ids;
    char *text; /* the row's fields, each terminated */
    size_t used, room;
    size_t starts[FIELDS_MAX];
    size_t n_fields;
    bool header_done;
    size_t header_fields;
    int place[COLUMN_COUNT]; /* -1: not in this file */
    uint64_t line, row_line; /* now, and where the row began */
    bool row_begun;
    int error; /* 0 or negative errno, ends the reading */
    char what[160];
};

static int fail(struct reader *reader, int error, const char *what)
{
    if (!reader->error) {
        reader->error = error;
        snprintf(reader->what, sizeof reader->what, "%s", what);
    }
    return error;
}

/* ---- names seen ---- */

static size_t find_slot(const struct seen *seen, const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    size_t slot = (size_t)hash & (seen->room - 1);
    while (seen->slots[slot] && strcmp(seen->slots[slot], name) != 0)
        slot = (slot + 1) & (seen->room - 1);
    return slot;
}

static int grow_seen(struct seen *seen)
{
    struct seen larger = {.n = seen->n, .room = seen->room ? 2 * seen->room : 1024};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < seen->room; i++)
        if (seen->slots[i])
            larger.slots[find_slot(&larger, seen->slots[i])] = seen->slots[i];
    free(seen->slots);
    *seen = larger;
    return 0;
}

/* 1: it had been there; 0: it is now; -ENOMEM. */
static int remember(struct seen *seen, const char *name)
{
    if (2 * (seen->n + 1) > seen->room && grow_seen(seen) < 0)
        return -ENOMEM;
    size_t slot = find_slot(seen, name);
    if (seen->slots[slot])
        return 1;
    size_t size = strlen(name) + 1;
    seen->slots[slot] = malloc(size);
    if (!seen->slots[slot])
        return -ENOMEM;
    memcpy(seen->slots[slot], name, size);
    seen->n++;
    return 0;
}

static void forget(struct seen *seen)
{
    for (size_t i = 0; i < seen->room; i++)
        free(seen->slots[i]);
    free(seen->slots);
}

/* ---- versions ---- */

/* "12" or "12.19" up to `end`. */
static bool read_version(const char **at, uint32_t *ret_major, uint32_t *ret_minor, bool *ret_both)
{
    unsigned major, minor = 0;
    int used = 0;
    if (**at < '0' || **at > '9' || sscanf(*at, "%9u%n", &major, &used) != 1)
        return false;
    *at += used;
    *ret_both = **at == '.';
    if (*ret_both) {
        const char *digits = *at + 1;
        if (*digits < '0' || *digits > '9' || sscanf(digits, "%9u%n", &minor, &used) != 1)
            return false;
        *at = digits + used;
    }
    *ret_major = major;
    *ret_minor = minor;
    return true;
}

int nn_workflow_versions_parse(const char *text, struct nn_workflow_versions *ret_versions)
{
    struct nn_workflow_versions v = {0};
    bool both;
    if (!read_version(&text, &v.from_major, &v.from_minor, &both))
        return -EINVAL;
    v.to_major = v.from_major;
    v.to_minor = both ? v.from_minor : UINT32_MAX;
    if (*text == '-') {
        text++;
        if (!read_version(&text, &v.to_major, &v.to_minor, &both))
            return -EINVAL;
        if (!both)
            v.to_minor = UINT32_MAX;
    }
    bool rising =
        v.from_major < v.to_major || (v.from_major == v.to_major && v.from_minor <= v.to_minor);
    if (*text || !rising)
        return -EINVAL;
    *ret_versions = v;
    return 0;
}

static bool is_wanted(const struct nn_workflow_versions *wanted, const char *text)
{
    uint32_t major, minor;
    bool both;
    if (!read_version(&text, &major, &minor, &both) || *text)
        return false;
    bool late_enough =
        major > wanted->from_major || (major == wanted->from_major && minor >= wanted->from_minor);
    bool early_enough =
        major < wanted->to_major || (major == wanted->to_major && minor <= wanted->to_minor);
    return late_enough && early_enough;
}

/* ---- rows ---- */

/* "" when the column is not in this file, the row is short, or R wrote NA. */
static const char *field(const struct reader *reader, enum column column)
{
    int place = reader->place[column];
    if (place < 0 || (size_t)place >= reader->n_fields)
        return "";
    const char *text = reader->text + reader->starts[place];
    return strcmp(text, "NA") == 0 ? "" : text;
}

static bool field_is_there(const struct reader *reader, enum column column)
{
    return reader->place[column] >= 0 && (size_t)reader->place[column] < reader->n_fields;
}

static int read_header(struct reader *reader)
{
    for (int c = 0; c < COLUMN_COUNT; c++) {
        reader->place[c] = -1;
        for (size_t i = 0; i < reader->n_fields && reader->place[c] < 0; i++)
            if (strcmp(reader->text + reader->starts[i], column_names[c]) == 0)
                reader->place[c] = (int)i;
    }
    reader->header_done = true;
    reader->header_fields = reader->n_fields;
    reader->report->unnamed_column = reader->n_fields > 0 && !reader->text[reader->starts[0]];
    static const enum column needed[] = {COLUMN_ANNOTATIONS, COLUMN_SUBJECT};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (reader->place[needed[i]] < 0) {
            char what[96];
            snprintf(what, sizeof what, "no column '%s': not a classification export",
                     column_names[needed[i]]);
            return fail(reader, -EBADMSG, what);
        }
    return 0;
}

/* R's write.table names one column less than it writes. */
static void shift_columns(struct reader *reader)
{
    if (reader->report->unnamed_column || reader->n_fields != reader->header_fields + 1)
        return;
    reader->report->unnamed_column = true;
    reader->header_fields++;
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (reader->place[c] >= 0)
            reader->place[c]++;
}

/* NN_SKIP_COUNT: use it. Negative errno: out of memory. */
static int use_row(struct reader *reader)
{
    const struct nn_export_options *options = reader->options;
    const char *id = field(reader, COLUMN_ID);
    if (!field_is_there(reader, COLUMN_ANNOTATIONS) || !field_is_there(reader, COLUMN_SUBJECT))
        return NN_SKIP_FIELDS;
    if (options->workflow && strcmp(field(reader, COLUMN_WORKFLOW), options->workflow) != 0)
        return NN_SKIP_WORKFLOW;
    if (options->versions && !is_wanted(options->versions, field(reader, COLUMN_VERSION)))
        return NN_SKIP_VERSION;
    if (id[0] && !options->as_seed) {
        int known = remember(&reader->ids, id);
        if (known)
            return known < 0 ? known : NN_SKIP_DUPLICATE;
    }
    struct nn_vote vote = {.when = field(reader, COLUMN_CREATED)};
    int skip =
        (int)nn_answer_read(field(reader, COLUMN_ANNOTATIONS), options, reader->report, vote.says);
    if (skip != NN_SKIP_COUNT)
        return skip;
    /* Of people without an account only the name tells them apart: a hash of their address. */
    bool logged_in = field(reader, COLUMN_USER_ID)[0];
    vote.person = field(reader, logged_in ? COLUMN_USER_ID : COLUMN_USER_NAME);
    nn_answer_size(field(reader, COLUMN_METADATA), &vote.width_px, &vote.height_px);
    struct nn_answer_subject subject;
    skip = (int)nn_answer_subject_read(field(reader, COLUMN_SUBJECT), options, &subject);
    if (skip != NN_SKIP_COUNT)
        return skip;
    vote.image = subject.image;
    vote.recording = subject.recording;
    int error = nn_votes_add(reader->votes, &vote);
    nn_answer_subject_finish(&subject);
    reader->report->not_logged_in += !error && !logged_in;
    return error ? error : NN_SKIP_COUNT;
}

static void take_row(struct reader *reader)
{
    struct nn_export_report *report = reader->report;
    if (!reader->header_done) {
        (void)read_header(reader);
        return;
    }
    report->rows++;
    shift_columns(reader);
    int skip = use_row(reader);
    if (skip < 0) {
        (void)fail(reader, skip, skip == -EFBIG ? "too many votes" : "out of memory");
    } else if (skip == NN_SKIP_COUNT) {
        report->used++;
    } else {
        if (report->skipped[skip]++ == 0)
            report->first_line[skip] = reader->row_line;
    }
}

/* ---- libcsv ---- */

static void on_field(void *data, size_t size, void *user)
{
    struct reader *reader = user;
    if (reader->error)
        return;
    if (reader->n_fields == FIELDS_MAX || size > ROW_BYTES_MAX ||
        reader->used + size + 1 > ROW_BYTES_MAX) {
        (void)fail(reader, -EBADMSG, "a row of this length is none of an export");
        return;
    }
    if (reader->used + size + 1 > reader->room) {
        size_t room = 2 * (reader->used + size + 1);
        char *more = realloc(reader->text, room);
        if (!more) {
            (void)fail(reader, -ENOMEM, "out of memory");
            return;
        }
        reader->text = more;
        reader->room = room;
    }
    reader->starts[reader->n_fields++] = reader->used;
    if (size)
        memcpy(reader->text + reader->used, data, size);
    reader->text[reader->used + size] = '\0';
    reader->used += size + 1;
}

static void on_row(int ended_by, void *user)
{
    struct reader *reader = user;
    (void)ended_by;
    if (!reader->error && reader->n_fields > 0)
        take_row(reader);
    reader->n_fields = 0;
    reader->used = 0;
    reader->row_begun = false;
}

/* Physical line by physical line, so that an error can name one. */
static void read_lines(struct reader *reader, struct csv_parser *parser, const char *text,
                       size_t size)
{
    while (size > 0 && !reader->error) {
        const char *end = memchr(text, '\n', size);
        size_t n = end ? (size_t)(end - text) + 1 : size;
        reader->line++;
        if (!reader->row_begun)
            reader->row_line = reader->line;
        reader->row_begun = true;
        if (csv_parse(parser, text, n, on_field, on_row, reader) != n)
            (void)fail(reader, csv_error(parser) == CSV_ENOMEM ? -ENOMEM : -EBADMSG,
                       csv_strerror(csv_error(parser)));
        text += n;
        size -= n;
    }
    if (!reader->error && csv_fini(parser, on_field, on_row, reader) != 0)
        (void)fail(reader, -EBADMSG, "the file ends inside a quoted cell");
    if (!reader->error && !reader->header_done)
        (void)fail(reader, -EBADMSG, "the file is empty");
}

/* ---- characters ---- */

/* Bytes of the UTF-8 character at `at`, 0 when it is none: too long, a surrogate, beyond Unicode.
 */
static size_t character(const unsigned char *at, size_t size)
{
    static const uint32_t least[] = {0, 0x01, 0x80, 0x800, 0x10000};
    size_t n = at[0] < 0x80   ? 1
               : at[0] < 0xC0 ? 0
               : at[0] < 0xE0 ? 2
               : at[0] < 0xF0 ? 3
               : at[0] < 0xF8 ? 4
                              : 0;
    if (n == 0 || n > size)
        return 0;
    uint32_t code = n == 1 ? at[0] : at[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3FU);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[n] || surrogate || code > 0x10FFFF ? 0 : n;
}

/* Line of the first byte that is no UTF-8, from 1; 0: there is none. */
static uint64_t first_bad_line(const unsigned char *text, size_t size)
{
    uint64_t line = 1;
    for (size_t at = 0; at < size;) {
        size_t n = character(text + at, size - at);
        if (n == 0)
            return line;
        line += text[at] == '\n';
        at += n;
    }
    return 0;
}

/* Latin-1 to UTF-8, malloc'd; NULL without memory. */
static char *from_latin_1(const unsigned char *text, size_t size, size_t *ret_size)
{
    char *utf_8 = malloc(2 * size + 1);
    size_t n = 0;
    for (size_t i = 0; utf_8 && i < size; i++) {
        if (text[i] >= 0x80)
            utf_8[n++] = (char)(0xC0 | text[i] >> 6);
        utf_8[n++] = (char)(text[i] < 0x80 ? text[i] : 0x80 | (text[i] & 0x3F));
    }
    *ret_size = n;
    return utf_8;
}

int nn_zooniverse_read(const char *text, size_t size, const struct nn_export_options *options,
                       struct nn_votes *votes, struct nn_export_report *ret_report, char *error,
                       size_t error_size)
{
    char *converted = NULL;
    memset(ret_report, 0, sizeof *ret_report);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        size -= 3;
    }
    uint64_t bad_line = first_bad_line((const unsigned char *)text, size);
    if (bad_line && (!options->latin_1 || memchr(text, '\0', size))) {
        snprintf(error, error_size, "line %llu: not UTF-8", (unsigned long long)bad_line);
        return -EILSEQ;
    }
    if (bad_line) {
        converted = from_latin_1((const unsigned char *)text, size, &size);
        text = converted;
        ret_report->read_as_latin_1 = true;
    }
    struct reader reader = {.options = options, .votes = votes, .report = ret_report};
    struct csv_parser parser;
    bool begun = csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0;
    if (!begun || (bad_line && !converted)) {
        (void)fail(&reader, -ENOMEM, "out of memory");
    } else {
        read_lines(&reader, &parser, text, size);
    }
    if (begun)
        csv_free(&parser);
    if (reader.error)
        snprintf(error, error_size, "line %llu: %s", (unsigned long long)reader.line, reader.what);
    forget(&reader.ids);
    free(reader.text);
    free(converted);
    return reader.error;
}
