/* tipwright keys: make key pairs, list who may connect. */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/keys.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: tipwright keys [--add ROLE:NAME]... DIR\n"
    "       tipwright keys --list [--json] DIR\n"
    "Make the CURVE keys of an instrument link, or list the keys that may connect.\n"
    "\n"
    "Without --add, DIR gets the four keys agent, instrument, operator and viewer and the\n"
    "allow-list `allow`. The agent uses DIR as it is. A client needs its own NAME.key and\n"
    "agent.pub in a directory of its own; its key stays secret (mode 0600). Deleting a line of\n"
    "`allow` shuts that key out at the agent's next start.\n"
    "\n"
    "  -a, --add ROLE:NAME  one more key; ROLE is instrument, operator or viewer\n"
    "  -l, --list           who may connect: role, name, public key\n"
    "      --json           the list as JSON\n"
    "      --help           this text\n"
    "\n"
    "Exit status: 0 done, 1 cannot read or write, 2 usage, 6 a file is refused.\n";

enum { OPTION_HELP = 256, OPTION_JSON, ADD_MAX = 32 };

struct settings {
    const char *dir;
    const char *add[ADD_MAX];
    size_t n_add;
    bool list, json;
};

static int fail(int rc, const char *error)
{
    terminal_error("keys", "%s", error);
    return rc == -EPERM || rc == -EBADMSG || rc == -EEXIST ? EXIT_REFUSED : EXIT_INTERNAL;
}

static int wrong_usage(const char *what, const char *detail)
{
    terminal_error("keys", "%s%s; see `tipwright keys --help`", what, detail);
    return EXIT_USAGE;
}

static int list_keys(const struct settings *settings)
{
    char error[KEYS_ERROR_MAX];
    struct key_entry *entries;
    size_t n;
    int rc = keys_allow_list(settings->dir, &entries, &n, error, sizeof(error));
    if (rc != 0)
        return fail(rc, error);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        const char *role = key_role_name(entries[i].role);
        if (settings->json)
            json_array_append_new(array,
                                  json_pack("{s:s, s:s, s:s}", "role", role, "name",
                                            entries[i].name, "public", entries[i].public_key));
        else
            printf("%-10s %-20s %s\n", role, entries[i].name, entries[i].public_key);
    }
    if (settings->json) {
        json_dumpf(array, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(array);
    free(entries);
    return EXIT_OK;
}

static int make_key(const char *dir, const char *name, enum key_role role)
{
    char error[KEYS_ERROR_MAX];
    int rc = keys_create(dir, name, role, error, sizeof(error));
    if (rc != 0)
        return fail(rc, error);
    terminal_note("keys", "made %s/%s.key (%s)", dir, name, key_role_name(role));
    return EXIT_OK;
}

static int add_keys(const struct settings *settings)
{
    for (size_t i = 0; i < settings->n_add; i++) {
        char role_name[16];
        const char *colon = strchr(settings->add[i], ':');
        size_t length = colon ? (size_t)(colon - settings->add[i]) : sizeof(role_name);
        int role = -1;
        if (length < sizeof(role_name)) {
            memcpy(role_name, settings->add[i], length);
            role_name[length] = '\0';
            role = key_role_from_name(role_name);
        }
        if (role < 0 || role == KEY_AGENT)
            return wrong_usage("not ROLE:NAME with a role that connects: ", settings->add[i]);
        int code = make_key(settings->dir, colon + 1, (enum key_role)role);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static int make_all(const char *dir)
{
    for (int role = 0; role < KEY_ROLE_COUNT; role++) {
        int code = make_key(dir, key_role_name((enum key_role)role), (enum key_role)role);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

/* An exit code, or -1: go on. */
static int read_options(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {{"add", required_argument, NULL, 'a'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "a:l", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            if (settings->n_add == ADD_MAX)
                return wrong_usage("too many --add", "");
            settings->add[settings->n_add++] = optarg;
            break;
        case 'l':
            settings->list = true;
            break;
        case OPTION_JSON:
            settings->json = true;
            break;
        case OPTION_HELP:
            fputs(usage, stdout);
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc)
        return wrong_usage("exactly one DIR is needed", "");
    if ((settings->list && settings->n_add > 0) || (settings->json && !settings->list))
        return wrong_usage("--add, --list and --json do not go together like this", "");
    settings->dir = argv[optind];
    return -1;
}

int cmd_keys(int argc, char **argv)
{
    struct settings settings = {0};
    int code = read_options(argc, argv, &settings);
    if (code >= 0)
        return code;
    if (settings.list)
        return list_keys(&settings);
    return settings.n_add > 0 ? add_keys(&settings) : make_all(settings.dir);
}
