/* Key files, the allow-list, and which endpoints need them. */
#include "instrument/keys.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { KEY_FILE_MAX = 64 * 1024, ALLOW_MAX = 1000, PATH_SIZE = 4096 };

static const char *const role_names[KEY_ROLE_COUNT] = {
    [KEY_AGENT] = "agent",
    [KEY_INSTRUMENT] = "instrument",
    [KEY_OPERATOR] = "operator",
    [KEY_VIEWER] = "viewer",
};

static const char agent_name[] = "agent";

struct keys {
    enum key_role role;
    char name[KEYS_NAME_MAX];
    char public_key[KEYS_TEXT];
    char secret_key[KEYS_TEXT];
    char server_key[KEYS_TEXT]; /* the agent's */
    struct key_entry *allowed;  /* agent only */
    size_t n_allowed;
};

const char *key_role_name(enum key_role role)
{
    return role_names[role];
}

int key_role_from_name(const char *name)
{
    for (int i = 0; i < KEY_ROLE_COUNT; i++)
        if (strcmp(name, role_names[i]) == 0)
            return i;
    return -1;
}

static bool is_name(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return length > 0 && length < KEYS_NAME_MAX && name[length] == '\0';
}

static bool is_key(const char *text)
{
    unsigned char raw[32];
    return strlen(text) == KEYS_TEXT - 1 && zmq_z85_decode(raw, text) != NULL;
}

static int say(int rc, char *error, size_t error_size, const char *path, const char *what)
{
    snprintf(error, error_size, "%s: %s", path, what);
    return rc;
}

/* dir/name + suffix. -ENAMETOOLONG. */
static int make_path(const char *dir, const char *name, const char *suffix, char *buf, size_t size,
                     char *error, size_t error_size)
{
    int n = snprintf(buf, size, "%s/%s%s", dir, name, suffix);
    if (n < 0 || (size_t)n >= size)
        return say(-ENAMETOOLONG, error, error_size, dir, "the path is too long");
    return 0;
}

/* A small text file, terminated; yours. NULL: *ret_rc says why. With `secret` nobody else may have
 * access. */
static char *read_text(const char *path, bool secret, int *ret_rc, char *error, size_t error_size)
{
    FILE *file = fopen(path, "re");
    struct stat info;
    char *text = NULL;
    if (!file || fstat(fileno(file), &info) != 0) {
        *ret_rc = say(-errno, error, error_size, path, strerror(errno));
    } else if (secret && (info.st_mode & 077)) {
        *ret_rc = say(-EPERM, error, error_size, path, "readable by others; chmod 600 it");
    } else if (!S_ISREG(info.st_mode) || info.st_size > KEY_FILE_MAX) {
        *ret_rc = say(-EBADMSG, error, error_size, path, "not a key file");
    } else {
        text = calloc(1, KEY_FILE_MAX + 1);
        if (!text)
            abort();
        size_t n = fread(text, 1, KEY_FILE_MAX, file);
        if (ferror(file) || strlen(text) != n) {
            *ret_rc = say(-EBADMSG, error, error_size, path, "not a text file");
            free(text);
            text = NULL;
        }
    }
    if (file)
        fclose(file);
    return text;
}

static int write_text(const char *path, int flags, mode_t mode, const char *text, char *error,
                      size_t error_size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
    if (fd < 0)
        return say(-errno, error, error_size, path, strerror(errno));
    size_t size = strlen(text);
    ssize_t written = write(fd, text, size);
    int rc = written == (ssize_t)size && fsync(fd) == 0 ? 0 : -(errno ? errno : EIO);
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc == 0 ? 0 : say(rc, error, error_size, path, strerror(-rc));
}

/* The value behind "field = " on a line of its own. */
static bool find_field(const char *text, const char *field, char *ret, size_t size)
{
    size_t field_size = strlen(field);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (strncmp(line, field, field_size) == 0 && strncmp(line + field_size, " = ", 3) == 0) {
            size_t n = length - field_size - 3;
            if (n >= size)
                return false;
            memcpy(ret, line + field_size + 3, n);
            ret[n] = '\0';
            return true;
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

static int read_key_file(const char *dir, const char *name, struct keys *keys, char *error,
                         size_t error_size)
{
    char path[PATH_SIZE], role[16] = "";
    int rc = make_path(dir, name, ".key", path, sizeof(path), error, error_size);
    char *text = rc == 0 ? read_text(path, true, &rc, error, error_size) : NULL;
    if (!text)
        return rc;
    bool complete = find_field(text, "role", role, sizeof(role)) &&
                    find_field(text, "public", keys->public_key, sizeof(keys->public_key)) &&
                    find_field(text, "secret", keys->secret_key, sizeof(keys->secret_key)) &&
                    key_role_from_name(role) >= 0 && is_key(keys->public_key) &&
                    is_key(keys->secret_key);
    free(text);
    if (!complete)
        return say(-EBADMSG, error, error_size, path, "not a key file");
    keys->role = (enum key_role)key_role_from_name(role);
    snprintf(keys->name, sizeof(keys->name), "%s", name);
    return 0;
}

static int read_server_key(const char *dir, struct keys *keys, char *error, size_t error_size)
{
    char path[PATH_SIZE];
    int rc = make_path(dir, agent_name, ".pub", path, sizeof(path), error, error_size);
    char *text = rc == 0 ? read_text(path, false, &rc, error, error_size) : NULL;
    if (!text)
        return rc;
    bool found = find_field(text, "public", keys->server_key, sizeof(keys->server_key)) &&
                 is_key(keys->server_key);
    free(text);
    return found ? 0 : say(-EBADMSG, error, error_size, path, "no public key in it");
}

/* "ROLE NAME KEY"; the key last, since it may begin with '#'. NULL, or what is wrong with it. */
static const char *parse_allow_line(const char *line, size_t length, struct key_entry *ret_entry)
{
    char copy[160], role[16], name[64], extra[2], key[64];
    if (length >= sizeof(copy))
        return "a line is too long";
    memcpy(copy, line, length);
    copy[length] = '\0';
    if (sscanf(copy, "%15s %63s %63s %1s", role, name, key, extra) != 3)
        return "a line is not ROLE NAME KEY";
    int found = key_role_from_name(role);
    if (found < 0 || found == KEY_AGENT)
        return "a role is not instrument, operator or viewer";
    if (!is_key(key) || !is_name(name))
        return "a key or a name is malformed";
    ret_entry->role = (enum key_role)found;
    memcpy(ret_entry->name, name, strlen(name) + 1);
    memcpy(ret_entry->public_key, key, KEYS_TEXT);
    return NULL;
}

static const char *parse_allow_list(const char *text, struct key_entry *entries, size_t *ret_n)
{
    size_t n = 0;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        bool blank = line[0] == '#' || strspn(line, " \t") >= length;
        if (!blank) {
            if (n == ALLOW_MAX)
                return "more than 1000 keys";
            const char *why = parse_allow_line(line, length, &entries[n]);
            if (why)
                return why;
            for (size_t i = 0; i < n; i++)
                if (strcmp(entries[i].public_key, entries[n].public_key) == 0)
                    return "a key is listed twice";
            n++;
        }
        line += length + (line[length] == '\n');
    }
    *ret_n = n;
    return NULL;
}

int keys_allow_list(const char *dir, struct key_entry **ret_entries, size_t *ret_n, char *error,
                    size_t error_size)
{
    char path[PATH_SIZE];
    int rc = make_path(dir, "allow", "", path, sizeof(path), error, error_size);
    char *text = rc == 0 ? read_text(path, false, &rc, error, error_size) : NULL;
    if (!text)
        return rc;
    struct key_entry *entries = calloc(ALLOW_MAX, sizeof(*entries));
    if (!entries)
        abort();
    const char *why = parse_allow_list(text, entries, ret_n);
    free(text);
    if (why) {
        free(entries);
        return say(-EBADMSG, error, error_size, path, why);
    }
    *ret_entries = entries;
    return 0;
}

int keys_load(const char *dir, const char *name, struct keys **ret_keys, char *error,
              size_t error_size)
{
    if (!is_name(name))
        return say(-EINVAL, error, error_size, name, "not a key's name");
    struct keys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        abort();
    int rc = read_key_file(dir, name, keys, error, error_size);
    if (rc == 0)
        rc = read_server_key(dir, keys, error, error_size);
    if (rc == 0 && keys->role == KEY_AGENT)
        rc = keys_allow_list(dir, &keys->allowed, &keys->n_allowed, error, error_size);
    if (rc != 0) {
        keys_destroy(keys);
        return rc;
    }
    *ret_keys = keys;
    return 0;
}

/* The compiler must not drop it as a dead store. */
static void wipe(char *text, size_t size)
{
    volatile char *bytes = text;
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}

void keys_destroy(struct keys *keys)
{
    if (!keys)
        return;
    wipe(keys->secret_key, sizeof(keys->secret_key));
    free(keys->allowed);
    free(keys);
}

static int write_key_files(const char *dir, const char *name, enum key_role role,
                           const char *public_key, const char *secret_key, char *error,
                           size_t error_size)
{
    char path[PATH_SIZE], text[256];
    int rc = make_path(dir, name, ".key", path, sizeof(path), error, error_size);
    if (rc != 0)
        return rc;
    snprintf(text, sizeof(text), "role = %s\npublic = %s\nsecret = %s\n", role_names[role],
             public_key, secret_key);
    rc = write_text(path, O_EXCL, 0600, text, error, error_size);
    wipe(text, sizeof(text));
    if (rc != 0)
        return rc;
    rc = make_path(dir, name, ".pub", path, sizeof(path), error, error_size);
    snprintf(text, sizeof(text), "role = %s\npublic = %s\n", role_names[role], public_key);
    return rc == 0 ? write_text(path, O_TRUNC, 0644, text, error, error_size) : rc;
}

int keys_create(const char *dir, const char *name, enum key_role role, char *error,
                size_t error_size)
{
    char public_key[KEYS_TEXT], secret_key[KEYS_TEXT], path[PATH_SIZE], line[160] = "";
    if (!is_name(name) || (role == KEY_AGENT) != (strcmp(name, agent_name) == 0))
        return say(-EINVAL, error, error_size, name, "not a name for a key of this role");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return say(-errno, error, error_size, dir, strerror(errno));
    if (zmq_curve_keypair(public_key, secret_key) != 0)
        return say(-ENOTSUP, error, error_size, name, "this ZeroMQ has no CURVE");
    int rc = write_key_files(dir, name, role, public_key, secret_key, error, error_size);
    wipe(secret_key, sizeof(secret_key));
    if (rc == 0)
        rc = make_path(dir, "allow", "", path, sizeof(path), error, error_size);
    if (rc != 0)
        return rc;
    if (role != KEY_AGENT)
        snprintf(line, sizeof(line), "%s %s %s\n", role_names[role], name, public_key);
    return write_text(path, O_APPEND, 0644, line, error, error_size);
}

struct zsock_curve keys_curve_server(const struct keys *keys, const char *door)
{
    return (struct zsock_curve){.server = true,
                                .domain = door,
                                .secret_key = keys->secret_key,
                                .public_key = keys->public_key};
}

struct zsock_curve keys_curve_client(const struct keys *keys)
{
    return (struct zsock_curve){.secret_key = keys->secret_key,
                                .public_key = keys->public_key,
                                .server_key = keys->server_key};
}

static bool is_loopback_host(const char *host, size_t length)
{
    static const char *const whole[] = {"localhost", "[::1]"};
    for (size_t i = 0; i < 2; i++)
        if (length == strlen(whole[i]) && strncmp(host, whole[i], length) == 0)
            return true;
    unsigned a, b, c, d;
    char copy[32], extra;
    if (length >= sizeof(copy))
        return false;
    memcpy(copy, host, length);
    copy[length] = '\0';
    return strspn(copy, "0123456789.") == length &&
           sscanf(copy, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &extra) == 4 && a == 127 && b < 256 &&
           c < 256 && d < 256;
}

int keys_endpoint_allowed(const char *endpoint, const struct keys *keys)
{
    if (keys || strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0)
        return 0;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return -EPERM;
    const char *host = endpoint + 6;
    const char *port = strrchr(host, ':');
    return port && is_loopback_host(host, (size_t)(port - host)) ? 0 : -EPERM;
}

static bool door_knows(const char *door, enum key_role role)
{
    if (strcmp(door, KEYS_DOOR_INSTRUMENT) == 0)
        return role == KEY_INSTRUMENT;
    if (strcmp(door, KEYS_DOOR_CONSOLE) == 0)
        return role == KEY_OPERATOR || role == KEY_VIEWER;
    return false;
}

struct keys_guard {
    const struct keys *keys;
    struct zsock *zap;
    uint64_t refused;
};

static const struct key_entry *find_allowed(const struct keys *keys, const char *door,
                                            const struct zsock_part *key)
{
    char text[KEYS_TEXT];
    if (key->size != 32 || !zmq_z85_encode(text, key->data, key->size))
        return NULL;
    for (size_t i = 0; i < keys->n_allowed; i++)
        if (strcmp(keys->allowed[i].public_key, text) == 0 &&
            door_knows(door, keys->allowed[i].role))
            return &keys->allowed[i];
    return NULL;
}

/*
 * ZAP 1.0 (rfc.zeromq.org/27) through a ROUTER: reply path, "", version, request id, domain,
 * address, routing id, mechanism, credentials.
 */
static void on_zap_request(void *ctx, const struct zsock_part *parts, size_t n)
{
    enum { PATH, EMPTY, VERSION, REQUEST, DOMAIN, ADDRESS, ROUTING, MECHANISM, KEY, PARTS };
    struct keys_guard *guard = ctx;
    char door[64] = "", user[KEYS_NAME_MAX + 32] = "";
    if (n < REQUEST + 1)
        return;
    const struct key_entry *entry = NULL;
    bool curve = n == PARTS && parts[VERSION].size == 3 &&
                 memcmp(parts[VERSION].data, "1.0", 3) == 0 && parts[MECHANISM].size == 5 &&
                 memcmp(parts[MECHANISM].data, "CURVE", 5) == 0;
    if (curve && parts[DOMAIN].size < sizeof(door)) {
        memcpy(door, parts[DOMAIN].data, parts[DOMAIN].size);
        entry = find_allowed(guard->keys, door, &parts[KEY]);
    }
    if (entry)
        snprintf(user, sizeof(user), "%s:%s", role_names[entry->role], entry->name);
    else
        guard->refused++;
    const char *text = entry ? "OK" : "not on the allow-list for this door";
    const struct zsock_part reply[] = {
        parts[PATH],
        {"", 0},
        {"1.0", 3},
        parts[REQUEST],
        {entry ? "200" : "400", 3},
        {text, strlen(text)},
        {user, strlen(user)},
        {"", 0},
    };
    zsock_send(guard->zap, reply, sizeof(reply) / sizeof(reply[0]));
}

int keys_guard_open(struct zsock_hub *hub, const struct keys *keys, struct keys_guard **ret_guard)
{
    struct keys_guard *guard = calloc(1, sizeof(*guard));
    if (!guard)
        abort();
    guard->keys = keys;
    const struct zsock_options options = {
        .type = ZMQ_ROUTER,
        .hwm = 1000,
        .max_bytes = 4096,
        .outbox_max = 256,
        .urgent = true,
    };
    int rc = zsock_create(hub, &options, on_zap_request, guard, &guard->zap);
    if (rc == 0)
        rc = zsock_bind(guard->zap, "inproc://zeromq.zap.01");
    if (rc != 0) {
        zsock_close(guard->zap);
        free(guard);
        return rc;
    }
    *ret_guard = guard;
    return 0;
}

uint64_t keys_guard_refused(const struct keys_guard *guard)
{
    return guard->refused;
}

void keys_guard_close(struct keys_guard *guard)
{
    if (!guard)
        return;
    /* A closed socket calls nobody back, so its context may go now. */
    zsock_close(guard->zap);
    free(guard);
}
