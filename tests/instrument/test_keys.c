/* Keys, the allow-list, doors, and what is refused without them. */
#include "instrument/keys.h"
#include "tests/instrument/link.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static char dir[64];
static char error[KEYS_ERROR_MAX];

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/tipwright-keys-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    static const char *const names[] = {"agent",  "instrument", "anna", "guest",
                                        "second", "stranger",   "allow"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s.key", dir, names[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s.pub", dir, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/allow", dir);
    unlink(path);
    rmdir(dir);
}

static void create(const char *name, enum key_role role)
{
    ck_assert_msg(keys_create(dir, name, role, error, sizeof(error)) == 0, "%s", error);
}

static struct keys *load(const char *name)
{
    struct keys *keys = NULL;
    ck_assert_msg(keys_load(dir, name, &keys, error, sizeof(error)) == 0, "%s", error);
    return keys;
}

START_TEST(created_keys_load_and_are_never_overwritten)
{
    create("agent", KEY_AGENT);
    create("anna", KEY_OPERATOR);
    struct key_entry *entries;
    size_t n;
    ck_assert_int_eq(keys_allow_list(dir, &entries, &n, error, sizeof(error)), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(entries[0].name, "anna");
    ck_assert_int_eq(entries[0].role, KEY_OPERATOR);
    free(entries);
    ck_assert_int_eq(keys_create(dir, "anna", KEY_VIEWER, error, sizeof(error)), -EEXIST);
    ck_assert_int_eq(keys_create(dir, "../x", KEY_VIEWER, error, sizeof(error)), -EINVAL);
    ck_assert_int_eq(keys_create(dir, "agent", KEY_VIEWER, error, sizeof(error)), -EINVAL);
    ck_assert_int_eq(keys_create(dir, "second", KEY_AGENT, error, sizeof(error)), -EINVAL);
    struct keys *keys = load("anna");
    ck_assert_int_eq(keys_curve_client(keys).server, false);
    keys_destroy(keys);
    keys_destroy(load("agent"));
}
END_TEST

START_TEST(secret_that_others_can_read_is_refused)
{
    char path[128];
    struct stat info;
    struct keys *keys;
    create("agent", KEY_AGENT);
    snprintf(path, sizeof(path), "%s/agent.key", dir);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(keys_load(dir, "agent", &keys, error, sizeof(error)), -EPERM);
    ck_assert_ptr_nonnull(strstr(error, "readable by others"));
}
END_TEST

START_TEST(damaged_files_are_refused)
{
    static const char *const bad[] = {
        "operator anna abc\n",
        "operator rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
        "king anna rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
        "agent anna rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
        "viewer an/na rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
        ("viewer a rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n"
         "operator b rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n"),
    };
    char path[128];
    struct key_entry *entries;
    size_t n;
    snprintf(path, sizeof(path), "%s/allow", dir);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FILE *file = fopen(path, "w");
        fputs(bad[i], file);
        fclose(file);
        ck_assert_msg(keys_allow_list(dir, &entries, &n, error, sizeof(error)) == -EBADMSG,
                      "accepted: %s", bad[i]);
    }
    struct keys *keys;
    ck_assert_int_eq(keys_load(dir, "nobody", &keys, error, sizeof(error)), -ENOENT);
}
END_TEST

START_TEST(without_keys_only_this_machine)
{
    static const char *const fine[] = {"tcp://127.0.0.1:5555", "tcp://127.1.2.3:*",
                                       "tcp://localhost:1",    "tcp://[::1]:1",
                                       "ipc:///run/x",         "inproc://x"};
    static const char *const foul[] = {"tcp://0.0.0.0:1",
                                       "tcp://*:1",
                                       "tcp://192.168.1.1:1",
                                       "tcp://[::]:1",
                                       "tcp://127.0.0.1.evil:1",
                                       "tcp://127.0.0:1",
                                       "tcp://lo:1",
                                       "pgm://127.0.0.1:1",
                                       "tcp://localhost.evil:80",
                                       "127.0.0.1:1",
                                       "tcp://127.0.0.1",
                                       "udp://127.0.0.1:1",
                                       "tcp://eth0;127.0.0.1:1",
                                       "",
                                       "tcp://",
                                       "tcp://128.0.0.1:1"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        ck_assert_msg(keys_endpoint_allowed(fine[i], NULL) == 0, "%s", fine[i]);
    for (size_t i = 0; i < sizeof(foul) / sizeof(foul[0]); i++)
        ck_assert_msg(keys_endpoint_allowed(foul[i], NULL) == -EPERM, "%s", foul[i]);
    create("agent", KEY_AGENT);
    struct keys *keys = load("agent");
    ck_assert_int_eq(keys_endpoint_allowed("tcp://0.0.0.0:1", keys), 0);
    keys_destroy(keys);
}
END_TEST

/* A link whose instrument end has the named key. */
static void try_link(const char *name, bool expected)
{
    struct link *link = malloc(sizeof(*link));
    struct keys *server = load("agent"), *client = load(name);
    link_init(link);
    link->agent_options.keys = server;
    link->instrument_options.keys = client;
    link_open_agent(link);
    link_open_instrument(link);
    if (expected)
        LINK_UNTIL(link, link->hellos == 1 && link->n_data > 10);
    else
        LINK_UNTIL(link, keys_guard_refused(link->guard) >= 2);
    ck_assert_int_eq(link->hellos, expected);
    ck_assert(expected == (link->n_data > 0));
    link_finish(link);
    keys_destroy(server);
    keys_destroy(client);
    free(link);
}

START_TEST(only_a_listed_instrument_is_an_instrument)
{
    create("agent", KEY_AGENT);
    create("instrument", KEY_INSTRUMENT);
    create("anna", KEY_OPERATOR);
    create("guest", KEY_VIEWER);
    try_link("instrument", true);
    try_link("anna", false);
    try_link("guest", false);
    /* A valid pair that nobody has listed. */
    char path[128];
    create("stranger", KEY_INSTRUMENT);
    snprintf(path, sizeof(path), "%s/allow", dir);
    unlink(path);
    create("second", KEY_INSTRUMENT);
    try_link("stranger", false);
    try_link("second", true);
}
END_TEST

struct greeting {
    char user[64];
    int n;
    struct zsock *sock;
};

static void on_greeting(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct greeting *greeting = ctx;
    (void)parts, (void)n;
    greeting->n++;
    snprintf(greeting->user, sizeof(greeting->user), "%s", zsock_message_user(greeting->sock));
}

static void on_nothing(void *ctx, const struct zsock_part *parts, size_t n)
{
    (void)ctx, (void)parts, (void)n;
}

START_TEST(receiver_knows_who_speaks)
{
    struct link_side side;
    struct greeting greeting = {0};
    char endpoint[64];
    create("agent", KEY_AGENT);
    create("anna", KEY_OPERATOR);
    struct keys *server = load("agent"), *client = load("anna");
    uv_loop_init(&side.loop);
    side.zmq = zmq_ctx_new();
    ck_assert_int_eq(zsock_hub_create(&side.loop, side.zmq, &side.hub), 0);
    struct zsock_curve theirs = keys_curve_server(server, KEYS_DOOR_CONSOLE);
    struct zsock_curve mine = keys_curve_client(client);
    const struct zsock_options bound = {
        .type = ZMQ_ROUTER, .hwm = 10, .max_bytes = 1000, .outbox_max = 10, .curve = &theirs};
    const struct zsock_options connected = {
        .type = ZMQ_DEALER, .hwm = 10, .max_bytes = 1000, .outbox_max = 10, .curve = &mine};
    struct zsock *dealer;
    struct keys_guard *guard;
    ck_assert_int_eq(zsock_create(side.hub, &bound, on_greeting, &greeting, &greeting.sock), 0);
    /* Without a handler of the allow-list CURVE would let everybody in. */
    ck_assert_int_eq(zsock_bind(greeting.sock, "tcp://127.0.0.1:*"), -EPERM);
    ck_assert_int_eq(keys_guard_open(side.hub, server, &guard), 0);
    ck_assert_int_eq(zsock_bind(greeting.sock, "tcp://127.0.0.1:*"), 0);
    ck_assert_int_eq(zsock_last_endpoint(greeting.sock, endpoint, sizeof(endpoint)), 0);
    ck_assert_int_eq(zsock_create(side.hub, &connected, on_nothing, NULL, &dealer), 0);
    ck_assert_int_eq(zsock_connect(dealer, endpoint), 0);
    ck_assert_int_eq(zsock_send(dealer, &(struct zsock_part){"hi", 2}, 1), 0);
    while (greeting.n == 0)
        uv_run(&side.loop, UV_RUN_ONCE);
    ck_assert_str_eq(greeting.user, "operator:anna");
    ck_assert_str_eq(zsock_message_user(greeting.sock), "");
    zsock_close(dealer);
    zsock_close(greeting.sock);
    keys_guard_close(guard);
    zsock_hub_close(side.hub, NULL, NULL);
    uv_run(&side.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&side.loop), 0);
    zmq_ctx_term(side.zmq);
    keys_destroy(server);
    keys_destroy(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_dir, remove_dir);
    tcase_add_test(tests, created_keys_load_and_are_never_overwritten);
    tcase_add_test(tests, secret_that_others_can_read_is_refused);
    tcase_add_test(tests, damaged_files_are_refused);
    tcase_add_test(tests, without_keys_only_this_machine);
    tcase_add_test(tests, only_a_listed_instrument_is_an_instrument);
    tcase_add_test(tests, receiver_knows_who_speaks);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
