/* Tables of fields: values arrive, mistakes are named where they stand, and nothing is clamped. */
#include "config/fields.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    uint32_t count;
    double size_m, plain, range_m[2], list[3];
    bool on;
    int colour;
    char name[8], text[12];
};

static const char *colour_word(size_t i)
{
    static const char *const words[] = {"red", "green"};
    return i < 2 ? words[i] : NULL;
}

static const struct field fields[] = {
    {.name = "count",
     .type = FIELD_COUNT,
     .offset = offsetof(struct thing, count),
     .min = 1,
     .max = 9,
     .doc = "How many."},
    {.name = "size",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct thing, size_m),
     .unit = "m",
     .min = 1e-12,
     .max = 1e-6,
     .required = true,
     .doc = "How large."},
    {.name = "plain",
     .type = FIELD_NUMBER,
     .offset = offsetof(struct thing, plain),
     .min = -1,
     .max = 1,
     .doc = "Without unit."},
    {.name = "range",
     .type = FIELD_PAIR,
     .offset = offsetof(struct thing, range_m),
     .unit = "m",
     .min = 0,
     .max = 1e-6,
     .doc = "From to."},
    {.name = "list",
     .type = FIELD_LIST,
     .offset = offsetof(struct thing, list),
     .min = 0,
     .max = 10,
     .size = 3,
     .doc = "Three."},
    {.name = "on", .type = FIELD_FLAG, .offset = offsetof(struct thing, on), .doc = "Switch."},
    {.name = "colour",
     .type = FIELD_WORD,
     .offset = offsetof(struct thing, colour),
     .words = colour_word,
     .doc = "Hue."},
    {.name = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct thing, name),
     .size = 8,
     .doc = "Name."},
    {.name = "text",
     .type = FIELD_TEXT,
     .offset = offsetof(struct thing, text),
     .size = 12,
     .doc = "Text."},
};

static const char *const children[] = {"parts", NULL};
static const struct field_table table = {.name = "thing",
                                         .doc = "A thing.",
                                         .fields = fields,
                                         .n = sizeof(fields) / sizeof(fields[0]),
                                         .children = children};

static const struct thing defaults = {
    .count = 2, .plain = .5, .range_m = {1e-9, 2e-9}, .list = {1, 2, 3}, .name = "it"};

static bool read_text(const char *text, struct thing *ret_thing, struct policy_errors *ret_errors)
{
    struct doc_node *root = NULL;
    memset(ret_errors, 0, sizeof(*ret_errors));
    *ret_thing = defaults;
    ck_assert_int_eq(doc_read(text, strlen(text), ret_errors, &root), 0);
    bool ok = fields_read(&table, root, root->place, ret_errors, ret_thing);
    doc_destroy(root);
    return ok;
}

START_TEST(reads_every_type)
{
    struct thing t;
    struct policy_errors errors;
    ck_assert(read_text("count: 3\nsize: 2.5 nm\nplain: -.25\nrange: [0 nm, 3 pm]\n"
                        "list: [1, 0.5, 10]\non: true\ncolour: green\nname: a-b_c.1\n"
                        "text: \"a /b c\"\nparts: []\n",
                        &t, &errors));
    ck_assert_uint_eq(t.count, 3);
    ck_assert(t.size_m == 2.5e-9 && t.plain == -.25 && t.range_m[0] == 0 && t.range_m[1] == 3e-12);
    ck_assert(t.list[0] == 1 && t.list[1] == .5 && t.list[2] == 10);
    ck_assert(t.on && t.colour == 1);
    ck_assert_str_eq(t.name, "a-b_c.1");
    ck_assert_str_eq(t.text, "a /b c");
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(keeps_what_is_not_said)
{
    struct thing t;
    struct policy_errors errors;
    ck_assert(read_text("size: 1 nm\nrange: 4 nm\n", &t, &errors));
    ck_assert_uint_eq(t.count, 2);
    ck_assert(t.plain == .5 && t.range_m[0] == 4e-9 && t.range_m[1] == 4e-9);
    ck_assert_str_eq(t.name, "it");
    policy_errors_finish(&errors);
}
END_TEST

static const struct {
    const char *line; /* beside "size: 1 nm" */
    int column;
    const char *message;
} wrong[] = {
    {"count: 10", 8, "thing.count: 10 is above the bound of 9"},
    {"count: 0", 8, "thing.count: 0 is below the bound of 1"},
    {"count: 2.5", 8, "thing.count: a whole number without unit is wanted, not '2.5'"},
    {"coumt: 2", 1, "unknown key 'coumt'; did you mean 'count'?"},
    {"part: []", 1, "unknown key 'part'; did you mean 'parts'?"},
    {"plain: 1 nm", 10, "thing.plain: takes a plain number without unit, like '1'"},
    {"range: [2 nm, 1 nm]", 8, "thing.range: the lower end of a range comes first"},
    {"range: [1 nm]", 8, "thing.range: a range is wanted, like [lowest, highest]"},
    {"range: [1 nm, 2 um]", 15, "thing.range: 2 um is above the bound of 1 um"},
    {"list: [1, 2]", 7, "thing.list: a list of 3 numbers is wanted"},
    {"list: [1, x, 3]", 11, "thing.list: 'x' is not a number; write it like '10'"},
    {"on: yes", 5, "thing.on: 'yes' is not a switch; write 'true'"},
    {"colour: gren", 9, "thing.colour: unknown word 'gren'; did you mean 'green'?"},
    {"name: a b", 8, "thing.name: only letters, digits and - _ . are allowed"},
    {"name: abcdefgh", 7, "thing.name: longer than 7 characters"},
    {"text: abcdefghijkl", 7, "thing.text: longer than 11 bytes"},
    {"text: \"a\\tb\"", 7, "thing.text: one line of text is wanted"},
};

START_TEST(names_each_mistake)
{
    struct thing t;
    struct policy_errors errors;
    char text[80];
    snprintf(text, sizeof(text), "size: 1 nm\n%s\n", wrong[_i].line);
    ck_assert(!read_text(text, &t, &errors));
    ck_assert_uint_eq(errors.found, 1);
    ck_assert_str_eq(errors.list[0].message, wrong[_i].message);
    ck_assert_int_eq(errors.list[0].line, 2);
    ck_assert_int_eq(errors.list[0].column, wrong[_i].column);
    /* Refused values leave no trace. */
    struct thing wanted = defaults;
    wanted.size_m = 1e-9;
    ck_assert_mem_eq(&t, &wanted, sizeof(t));
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(misses_what_is_required)
{
    struct thing t = defaults;
    struct policy_errors errors;
    ck_assert(!read_text("count: 3\n", &t, &errors));
    ck_assert_str_eq(errors.list[0].message, "the key 'thing.size' is missing");
    policy_errors_finish(&errors);
    memset(&errors, 0, sizeof(errors));
    ck_assert(!fields_read(&table, NULL, (struct place){7, 3, 1}, &errors, &t));
    ck_assert_int_eq(errors.list[0].line, 7);
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(children_have_their_kind)
{
    static const char text[] = "parts: {}\nother: 3\n";
    struct doc_node *root = NULL;
    struct policy_errors errors = {0};
    ck_assert_int_eq(doc_read(text, strlen(text), &errors, &root), 0);
    ck_assert_ptr_null(fields_child(root, "none", DOC_MAP, &errors));
    ck_assert_ptr_nonnull(fields_child(root, "parts", DOC_MAP, &errors));
    ck_assert_uint_eq(errors.found, 0);
    ck_assert_ptr_null(fields_child(root, "parts", DOC_LIST, &errors));
    ck_assert_str_eq(errors.list[0].message, "'parts': a list is wanted, not a mapping");
    ck_assert_int_eq(fields_place(root, "other").line, 2);
    ck_assert_int_eq(fields_place(root, "none").line, 1);
    doc_destroy(root);
    policy_errors_finish(&errors);
}
END_TEST

START_TEST(reference_shows_the_defaults)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    fields_print(&table, &defaults, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "### `thing`\n"));
    ck_assert_ptr_nonnull(strstr(text, "| `count` | whole number | 1 to 9 | `2` | How many. |"));
    ck_assert_ptr_nonnull(strstr(text, "| `size` | length | 1 pm to 1 um | required |"));
    ck_assert_ptr_nonnull(
        strstr(text, "| `range` | range of length | 0 m to 1 um | `[1 nm, 2 nm]`"));
    ck_assert_ptr_nonnull(strstr(text, "| `colour` | word | `red`, `green` | `red` | Hue. |"));
    free(text);
}
END_TEST

START_TEST(loads_a_file_or_says_why_not)
{
    struct policy_errors errors;
    struct doc_node *root = NULL;
    ck_assert_int_lt(doc_load("/does/not/exist.yaml", &errors, &root), 0);
    ck_assert_ptr_null(root);
    ck_assert_uint_eq(errors.found, 1);
    policy_errors_finish(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fields");
    TCase *tc = tcase_create("fields");
    tcase_add_test(tc, reads_every_type);
    tcase_add_test(tc, keeps_what_is_not_said);
    tcase_add_loop_test(tc, names_each_mistake, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(tc, misses_what_is_required);
    tcase_add_test(tc, children_have_their_kind);
    tcase_add_test(tc, reference_shows_the_defaults);
    tcase_add_test(tc, loads_a_file_or_says_why_not);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
