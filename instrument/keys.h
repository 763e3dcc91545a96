/*
 * Who may knock: CURVE key pairs in a directory, the allow-list, the ZAP handler that applies it,
 * and the rule that without keys nothing leaves this machine.
 *
 * A key directory holds, for each person or program NAME, `NAME.key` (role, public and secret key;
 * mode 0600 or it is not read) and `NAME.pub` (role and public key), and `allow`, one line per key
 * that may connect: role, name, public key. Clients need their own `.key` and `agent.pub`.
 */
#ifndef INSTRUMENT_KEYS_H
#define INSTRUMENT_KEYS_H

#include "instrument/zsock.h"

#include <stddef.h>

enum key_role {
    KEY_AGENT,      /* the server; nobody connects with it */
    KEY_INSTRUMENT, /* sends lines, executes commands */
    KEY_OPERATOR,   /* looks and acts */
    KEY_VIEWER,     /* looks */
    KEY_ROLE_COUNT
};

/* Doors of the agent, each for some roles. */
#define KEYS_DOOR_INSTRUMENT "instrument" /* KEY_INSTRUMENT */
#define KEYS_DOOR_CONSOLE "console"       /* KEY_OPERATOR, KEY_VIEWER */

enum { KEYS_NAME_MAX = 32, KEYS_TEXT = 41, KEYS_ERROR_MAX = 300 };

struct key_entry {
    char name[KEYS_NAME_MAX]; /* letters, digits, '-', '_' */
    enum key_role role;
    char public_key[KEYS_TEXT]; /* Z85 */
};

/* "operator", ... Borrowed. */
const char *key_role_name(enum key_role role);
/* The role with this name, or -1. */
int key_role_from_name(const char *name);

/*
 * Make a key pair and put it on the allow-list (except an agent's). The directory is made with mode
 * 0700 if it is not there. -EEXIST: NAME has a key already; keys are never overwritten.
 */
int keys_create(const char *dir, const char *name, enum key_role role, char *error,
                size_t error_size);

struct keys;

/*
 * NAME's key pair, the agent's public key and, for the agent, the allow-list. -EPERM: the secret is
 * readable by others; -EBADMSG: not a key file or a bad allow-list; -errno. `error` is a sentence.
 */
int keys_load(const char *dir, const char *name, struct keys **ret_keys, char *error,
              size_t error_size);
void keys_destroy(struct keys *keys);

/* Read the allow-list alone. *ret_entries is yours, free(). */
int keys_allow_list(const char *dir, struct key_entry **ret_entries, size_t *ret_n, char *error,
                    size_t error_size);

/* Pointers into `keys`, which must live as long. */
struct zsock_curve keys_curve_server(const struct keys *keys, const char *door);
struct zsock_curve keys_curve_client(const struct keys *keys);

/*
 * May an endpoint be used? 0, or -EPERM: without keys only loopback (127.0.0.0/8, [::1],
 * localhost), ipc and inproc.
 */
int keys_endpoint_allowed(const char *endpoint, const struct keys *keys);

/*
 * The ZAP handler of one hub's ZeroMQ context: lets in who is on the allow-list with a role that
 * the door knows, and names him "role:name" (zsock_message_user()). Needed before any CURVE bind.
 */
struct keys_guard;

int keys_guard_open(struct zsock_hub *hub, const struct keys *keys, struct keys_guard **ret_guard);
uint64_t keys_guard_refused(const struct keys_guard *guard);
/* Before zsock_hub_close(). NULL is harmless. */
void keys_guard_close(struct keys_guard *guard);

#endif
