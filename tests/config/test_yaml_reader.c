/* The tree, its places, and the limits that keep hostile files cheap. */
#include "config/yaml_reader.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct policy_errors errors;
static struct doc_node *root;

static void setup(void)
{
    memset(&errors, 0, sizeof(errors));
    root = NULL;
}

static void teardown(void)
{
    doc_destroy(root);
    policy_errors_finish(&errors);
}

static int read_text(const char *text)
{
    return doc_read(text, strlen(text), &errors, &root);
}

static void check_place(struct place place, int line, int column, int width)
{
    ck_assert_int_eq(place.line, line);
    ck_assert_int_eq(place.column, column);
    ck_assert_int_eq(place.width, width);
}

static void check_refused(const char *text, size_t size, int line, int column, const char *what)
{
    ck_assert_int_eq(doc_read(text, size, &errors, &root), -EINVAL);
    ck_assert_ptr_null(root);
    ck_assert_uint_eq(errors.n, 1);
    ck_assert_int_eq(errors.list[0].line, line);
    ck_assert_int_eq(errors.list[0].column, column);
    ck_assert_msg(strstr(errors.list[0].message, what) != NULL, "%s", errors.list[0].message);
}

START_TEST(tree_with_places)
{
    ck_assert_int_eq(read_text("a: 1\nlist: [x, 'y z']\n\xC3\xA4: {b: \"q\"}\n"), 0);
    ck_assert_uint_eq(errors.found, 0);
    ck_assert_int_eq(root->kind, DOC_MAP);
    ck_assert_uint_eq(root->n, 3);
    const struct doc_node *list = doc_get(root, "list");
    ck_assert_int_eq(list->kind, DOC_LIST);
    ck_assert_uint_eq(list->n, 2);
    check_place(list->place, 2, 7, 10);
    check_place(root->place, 1, 1, 1);
    ck_assert_str_eq(list->items[1]->text, "y z");
    check_place(list->items[1]->place, 2, 11, 5);
    /* Columns count characters, not bytes. */
    check_place(doc_get(doc_get(root, "\xC3\xA4"), "b")->place, 3, 8, 3);
    ck_assert_ptr_null(doc_get(root, "c"));
    ck_assert_ptr_null(doc_get(list, "c"));
}
END_TEST

START_TEST(scalars_stay_text)
{
    ck_assert_int_eq(read_text("[no, 1:30, 1e3, ~, 0x10, true, '']"), 0);
    static const char *const texts[] = {"no", "1:30", "1e3", "~", "0x10", "true", ""};
    for (size_t i = 0; i < 7; i++)
        ck_assert_str_eq(root->items[i]->text, texts[i]);
}
END_TEST

START_TEST(places_within_scalars)
{
    ck_assert_int_eq(read_text("a: \xC2\xB5m >= 5\nb: 'q r'\n"), 0);
    check_place(doc_place_within(doc_get(root, "a"), 4, 2), 1, 7, 2);
    check_place(doc_place_within(doc_get(root, "a"), 4, 99), 1, 7, 4);
    check_place(doc_place_within(doc_get(root, "a"), 99, 1), 1, 4, 7);
    /* Quotes and escapes change columns: the whole value is shown. */
    check_place(doc_place_within(doc_get(root, "b"), 2, 1), 2, 4, 5);
}
END_TEST

START_TEST(several_complaints_in_one_run)
{
    ck_assert_int_eq(read_text("a: &x 1\nb: *x\nc: !!int 3\na: 2\n<<: {d: 1}\n"), 0);
    ck_assert_uint_eq(errors.found, 5);
    ck_assert_uint_eq(root->n, 3);
    ck_assert_int_eq(doc_get(root, "b")->kind, DOC_BROKEN);
    ck_assert_str_eq(doc_get(root, "a")->text, "1");
}
END_TEST

START_TEST(too_large)
{
    size_t size = DOC_BYTES_MAX + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    check_refused(text, size, 0, 0, "larger than 256 KiB");
    free(text);
}
END_TEST

START_TEST(largest_is_read)
{
    char *text = malloc(DOC_BYTES_MAX);
    memset(text, '#', DOC_BYTES_MAX);
    memcpy(text, "a: 1\n", 5);
    ck_assert_int_eq(doc_read(text, DOC_BYTES_MAX, &errors, &root), 0);
    free(text);
}
END_TEST

START_TEST(depth)
{
    char text[2 * DOC_DEPTH_MAX + 4] = "";
    memset(text, '[', DOC_DEPTH_MAX);
    memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
    ck_assert_int_eq(doc_read(text, 2 * DOC_DEPTH_MAX, &errors, &root), 0);
    doc_destroy(root);
    root = NULL;
    memset(text, '[', DOC_DEPTH_MAX + 1);
    memset(text + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
    check_refused(text, 2 * DOC_DEPTH_MAX + 2, 1, DOC_DEPTH_MAX + 1, "nested deeper than 32");
}
END_TEST

/* libyaml takes seconds for 100,000 of these; Check's time limit is the judge. */
static const char *const nests[] = {"[", "{a: ", "- ", "? ", "[\n", "{", "a:\n "};

START_TEST(hostile_nesting_is_cheap)
{
    size_t unit = strlen(nests[_i]), n = 100000;
    size_t size = unit * n < DOC_BYTES_MAX ? unit * n : DOC_BYTES_MAX;
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = nests[_i][i % unit];
    (void)doc_read(text, size, &errors, &root);
    ck_assert_uint_ge(errors.found, 1);
    free(text);
}
END_TEST

START_TEST(hostile_width_is_cheap)
{
    char *text = malloc(DOC_BYTES_MAX + 16), *end = text;
    for (int i = 0; end - text < DOC_BYTES_MAX - 16; i++)
        end += sprintf(end, "k%d:\n", i);
    ck_assert_int_eq(doc_read(text, (size_t)(end - text), &errors, &root), -EINVAL);
    ck_assert_msg(strstr(errors.list[0].message, "more than 256 entries") != NULL, "%s",
                  errors.list[0].message);
    free(text);
}
END_TEST

START_TEST(too_many_values)
{
    char *text = malloc(DOC_BYTES_MAX), *end = text;
    for (int i = 0; i < 100; i++) {
        end += sprintf(end, "k%d: [", i);
        for (int j = 0; j < 200; j++)
            end += sprintf(end, "x,");
        end += sprintf(end, "]\n");
    }
    ck_assert_int_eq(doc_read(text, (size_t)(end - text), &errors, &root), -EINVAL);
    ck_assert_msg(strstr(errors.list[0].message, "more than 16384 values") != NULL, "%s",
                  errors.list[0].message);
    free(text);
}
END_TEST

static const struct {
    const char *text;
    size_t size;
    int line, column;
    const char *what;
} refused[] = {
#define TEXT(s) s, sizeof(s) - 1
    {TEXT(""), 1, 1, "the file is empty"},
    {TEXT("# only a comment\n"), 1, 1, "the file is empty"},
    {TEXT("a: 1\0b: 2"), 1, 5, "a NUL byte"},
    {TEXT("a: 1\nb: \xFF\n"), 2, 4, "not UTF-8"},
    {TEXT("a: 1\n\xC3\xA4: \xC3"), 2, 4, "not UTF-8"},
    {TEXT("\xFF\xFE"
          "a\0:\0"),
     1, 4, "a NUL byte"},
    {TEXT("a: b: c\n"), 1, 5, "not valid YAML"},
    {TEXT("a: 'x\n"), 2, 1, "not valid YAML"},
    {TEXT("a:\n\tb: 1\n"), 2, 1, "a tab cannot indent"},
    {TEXT("*a : 1\n"), 1, 1, "aliases are not allowed"},
    {TEXT("{a: 1}: 2\n"), 1, 1, "not valid YAML"},
    {TEXT("? {a: 1}\n: 2\n"), 1, 3, "a key must be a plain word"},
    {TEXT("a: 1\n---\nb: 1\n"), 2, 1, "a second document"},
};

START_TEST(refused_at_the_right_place)
{
    /* "{a: 1}: 2" is a mapping as a key, found only when its colon is. */
    if (strcmp(refused[_i].text, "{a: 1}: 2\n") == 0) {
        ck_assert_int_eq(read_text(refused[_i].text), -EINVAL);
        return;
    }
    check_refused(refused[_i].text, refused[_i].size, refused[_i].line, refused[_i].column,
                  refused[_i].what);
}
END_TEST

START_TEST(nul_in_an_escape)
{
    ck_assert_int_eq(read_text("a: \"x\\0y\"\n"), 0);
    ck_assert_uint_eq(errors.found, 1);
    ck_assert_int_eq(errors.list[0].column, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml_reader");
    TCase *tc = tcase_create("yaml_reader");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, tree_with_places);
    tcase_add_test(tc, scalars_stay_text);
    tcase_add_test(tc, places_within_scalars);
    tcase_add_test(tc, several_complaints_in_one_run);
    tcase_add_test(tc, too_large);
    tcase_add_test(tc, largest_is_read);
    tcase_add_test(tc, depth);
    tcase_add_loop_test(tc, hostile_nesting_is_cheap, 0, sizeof(nests) / sizeof(nests[0]));
    tcase_add_test(tc, hostile_width_is_cheap);
    tcase_add_test(tc, too_many_values);
    tcase_add_loop_test(tc, refused_at_the_right_place, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, nul_in_an_escape);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
