/* The console's sockets, lease, limits and feed. */
#include "agent/console_inside.h"

#include "instrument/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { REQUEST_BYTES_MAX = 16 * 1024, HWM = 1000, OUTBOX = 1000, REQUESTS_PER_S = 50 };

static const int64_t LEASE_NS = 10000000000;

/* Requests of one identity in the running second. */
struct peer {
    unsigned char identity[CONSOLE_IDENTITY_MAX];
    size_t identity_size;
    int64_t second_ns;
    unsigned requests;
};

struct console {
    struct zsock *requests, *feed;
    struct night *night;
    bool with_keys;
    uint64_t feed_seq;
    struct console_return pending[CONSOLE_PENDING_MAX];
    struct peer peers[CONSOLE_PEERS_MAX];
    size_t next_peer;
    char lease_who[CONSOLE_NAME_MAX]; /* "" nobody */
    unsigned char lease_identity[CONSOLE_IDENTITY_MAX];
    size_t lease_identity_size;
    int64_t lease_until_ns;
    json_t *history[CONSOLE_HISTORY_MAX];
    size_t history_next;
};

struct night *console_night(struct console *console)
{
    return console->night;
}

uint64_t console_feed_seq(const struct console *console)
{
    return console->feed_seq;
}

/* ---- answers ---- */

static const char *error_word(int code)
{
    switch (-code) {
    case EINVAL:
    case ENOENT:
        return "invalid";
    case EPERM:
        return "not-permitted";
    case EACCES:
        return "guard";
    case EBUSY:
        return "busy";
    case ETIMEDOUT:
        return "unconfirmed";
    case ENOTCONN:
        return "not-connected";
    case ECHILD:
        return "rate";
    default:
        return "failed";
    }
}

static void send_answer(const struct console_return *back, int code, const char *text,
                        json_t *result)
{
    json_t *json = json_object();
    json_object_set(json, "id", back->id);
    json_object_set_new(json, "ok", json_boolean(code == 0));
    if (code != 0)
        json_object_set_new(json, "error", json_string(error_word(code)));
    json_t *said = json_string(text);
    json_object_set_new(json, "text", said ? said : json_string("(not UTF-8)"));
    if (result)
        json_object_set_new(json, "result", result);
    char *bytes = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!bytes)
        return;
    struct zsock_part parts[4];
    size_t n = 0;
    parts[n++] = (struct zsock_part){back->identity, back->identity_size};
    if (back->delimiter)
        parts[n++] = (struct zsock_part){"", 0};
    parts[n++] = (struct zsock_part){CONSOLE_TAG, strlen(CONSOLE_TAG)};
    parts[n++] = (struct zsock_part){bytes, strlen(bytes)};
    (void)zsock_send(back->console->requests, parts, n);
    free(bytes);
}

void console_answer(const struct console_request *request, int code, const char *text,
                    json_t *result)
{
    send_answer(request->back, code, text, result);
}

static void answer_later(void *ctx, int result, const char *text)
{
    struct console_return *back = ctx;
    send_answer(back, result, text, NULL);
    json_decref(back->id);
    back->used = false;
}

bool console_later(const struct console_request *request, struct night_request *ret_asked)
{
    struct console *console = request->console;
    for (size_t i = 0; i < CONSOLE_PENDING_MAX; i++) {
        struct console_return *slot = &console->pending[i];
        if (slot->used)
            continue;
        *slot = *request->back;
        slot->used = true;
        json_incref(slot->id);
        *ret_asked = (struct night_request){request->who, answer_later, slot};
        return true;
    }
    console_answer(request, -EBUSY, "too many requests are waiting", NULL);
    return false;
}

/* ---- the lease ---- */

static bool has_lease(const struct console *console, const struct console_return *back)
{
    return console->lease_identity_size == back->identity_size &&
           memcmp(console->lease_identity, back->identity, back->identity_size) == 0;
}

static bool lease_runs(const struct console *console, int64_t now_ns)
{
    return console->lease_who[0] && now_ns < console->lease_until_ns;
}

bool console_lease_is_anothers(const struct console_request *request)
{
    return lease_runs(request->console, request->now_ns) &&
           !has_lease(request->console, request->back);
}

int console_lock(const struct console_request *request, bool force)
{
    struct console *console = request->console;
    if (console_lease_is_anothers(request) && !force)
        return -EBUSY;
    if (!lease_runs(console, request->now_ns) || !has_lease(console, request->back)) {
        char text[2 * CONSOLE_NAME_MAX + 32];
        bool from = lease_runs(console, request->now_ns);
        snprintf(text, sizeof(text), "control taken%s%s", from ? " from " : "",
                 from ? console->lease_who : "");
        struct night_request asked = {.who = request->who};
        night_annotate(console->night, &asked, text);
    }
    snprintf(console->lease_who, sizeof(console->lease_who), "%s", request->who);
    memcpy(console->lease_identity, request->back->identity, request->back->identity_size);
    console->lease_identity_size = request->back->identity_size;
    console->lease_until_ns = request->now_ns + LEASE_NS;
    return 0;
}

void console_unlock(const struct console_request *request)
{
    if (has_lease(request->console, request->back))
        request->console->lease_who[0] = '\0';
}

json_t *console_lease_json(const struct console *console, int64_t now_ns)
{
    if (!lease_runs(console, now_ns))
        return json_null();
    return json_pack("{s:s,s:f}", "who", console->lease_who, "left_s",
                     (double)(console->lease_until_ns - now_ns) * 1e-9);
}

/* ---- requests ---- */

static bool within_rate(struct console *console, const struct console_return *back, int64_t now_ns)
{
    struct peer *peer = NULL;
    for (size_t i = 0; i < CONSOLE_PEERS_MAX && !peer; i++)
        if (console->peers[i].identity_size == back->identity_size &&
            memcmp(console->peers[i].identity, back->identity, back->identity_size) == 0)
            peer = &console->peers[i];
    if (!peer) {
        peer = &console->peers[console->next_peer++ % CONSOLE_PEERS_MAX];
        *peer = (struct peer){.identity_size = back->identity_size, .second_ns = now_ns};
        memcpy(peer->identity, back->identity, back->identity_size);
    }
    if (now_ns - peer->second_ns >= 1000000000) {
        peer->second_ns = now_ns;
        peer->requests = 0;
    }
    return ++peer->requests <= REQUESTS_PER_S;
}

/* The frames before the JSON: identity, perhaps an empty one, the tag. */
static bool unwrap(const struct zsock_part *parts, size_t n, struct console_return *back,
                   struct zsock_part *ret_json)
{
    if (n < 3 || n > 4 || parts[0].size == 0 || parts[0].size > CONSOLE_IDENTITY_MAX)
        return false;
    memcpy(back->identity, parts[0].data, parts[0].size);
    back->identity_size = parts[0].size;
    back->delimiter = n == 4;
    if (back->delimiter && parts[1].size != 0)
        return false;
    if (parts[n - 2].size != strlen(CONSOLE_TAG) ||
        memcmp(parts[n - 2].data, CONSOLE_TAG, strlen(CONSOLE_TAG)) != 0)
        return false;
    *ret_json = parts[n - 1];
    return true;
}

static void name_asker(const struct console *console, struct console_request *request)
{
    const char *user =
        console->with_keys ? zsock_message_user(console->requests) : "operator:local";
    const char *role = key_role_name(KEY_OPERATOR);
    snprintf(request->who, sizeof(request->who), "%s", user);
    request->operator_role = strncmp(user, role, strlen(role)) == 0 && user[strlen(role)] == ':';
}

static void on_request(void *ctx, const struct zsock_part *parts, size_t n)
{
    struct console *console = ctx;
    struct console_return back = {.console = console};
    struct zsock_part bytes;
    if (!unwrap(parts, n, &back, &bytes))
        return;
    struct console_request request = {
        .console = console, .back = &back, .now_ns = (int64_t)uv_hrtime()};
    back.id = json_null();
    if (!within_rate(console, &back, request.now_ns)) {
        console_answer(&request, -ECHILD, "more than 50 requests in a second", NULL);
        return;
    }
    json_error_t error;
    request.json = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(request.json)) {
        console_answer(&request, -EINVAL, "not a JSON object", NULL);
    } else {
        json_t *id = json_object_get(request.json, "id");
        if (json_is_integer(id) || json_is_string(id))
            back.id = id;
        name_asker(console, &request);
        if (has_lease(console, &back) && lease_runs(console, request.now_ns))
            console->lease_until_ns = request.now_ns + LEASE_NS;
        console_handle(&request);
    }
    json_decref(request.json);
}

/* ---- the feed ---- */

static const char *topic_of(enum night_news_kind kind)
{
    static const char *const topics[NEWS_KIND_COUNT] = {
        [NEWS_STATE] = "state",   [NEWS_VERDICT] = "verdict", [NEWS_DECISION] = "decision",
        [NEWS_ACTION] = "action", [NEWS_FRAME] = "frame",     [NEWS_ALARM] = "alarm",
        [NEWS_LOG] = "log"};
    return topics[kind];
}

/* Verdicts and states are too many to look back on; the rest is kept for `history`. */
static void remember(struct console *console, json_t *json, enum night_news_kind kind)
{
    if (kind == NEWS_VERDICT || kind == NEWS_STATE)
        return;
    json_t **slot = &console->history[console->history_next++ % CONSOLE_HISTORY_MAX];
    json_decref(*slot);
    *slot = json_incref(json);
}

json_t *console_history(const struct console *console)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CONSOLE_HISTORY_MAX; i++) {
        json_t *entry = console->history[(console->history_next + i) % CONSOLE_HISTORY_MAX];
        if (entry)
            json_array_append(list, entry);
    }
    return list;
}

void console_news(struct console *console, const struct night_news *news)
{
    const char *topic = topic_of(news->kind);
    json_t *json = console_news_json(console->night, news);
    if (!json_is_object(json)) {
        json_decref(json);
        return;
    }
    json_object_set_new(json, "topic", json_string(topic));
    json_object_set_new(json, "feed_seq", json_integer((json_int_t)++console->feed_seq));
    json_object_set_new(json, "t_night_s", json_real((double)news->t_night_ns * 1e-9));
    remember(console, json, news->kind);
    char *bytes = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!bytes)
        return;
    struct zsock_part parts[] = {{topic, strlen(topic)}, {bytes, strlen(bytes)}};
    (void)zsock_send(console->feed, parts, 2);
    free(bytes);
}

/* ---- life ---- */

static int open_sockets(struct console *console, struct zsock_hub *hub,
                        const struct console_options *options)
{
    struct zsock_curve curve;
    if (options->keys)
        curve = keys_curve_server(options->keys, KEYS_DOOR_CONSOLE);
    struct zsock_options requests = {.type = ZMQ_ROUTER,
                                     .hwm = HWM,
                                     .max_bytes = REQUEST_BYTES_MAX,
                                     .outbox_max = OUTBOX,
                                     .urgent = true,
                                     .handover = true,
                                     .curve = options->keys ? &curve : NULL};
    struct zsock_options feed = {.type = ZMQ_PUB,
                                 .hwm = HWM,
                                 .max_bytes = REQUEST_BYTES_MAX,
                                 .outbox_max = OUTBOX,
                                 .curve = options->keys ? &curve : NULL};
    int r = zsock_create(hub, &requests, on_request, console, &console->requests);
    if (r == 0)
        r = zsock_create(hub, &feed, NULL, console, &console->feed);
    if (r == 0)
        r = zsock_bind(console->requests, options->request_endpoint);
    if (r == 0)
        r = zsock_bind(console->feed, options->feed_endpoint);
    return r;
}

int console_create(struct zsock_hub *hub, const struct console_options *options,
                   struct night *night, struct console **ret_console)
{
    int r = keys_endpoint_allowed(options->request_endpoint, options->keys);
    if (r == 0)
        r = keys_endpoint_allowed(options->feed_endpoint, options->keys);
    if (r < 0)
        return r;
    struct console *console = calloc(1, sizeof(*console));
    if (!console)
        return -ENOMEM;
    console->night = night;
    console->with_keys = options->keys != NULL;
    r = open_sockets(console, hub, options);
    if (r < 0) {
        console_close(console);
        return r;
    }
    *ret_console = console;
    return 0;
}

void console_close(struct console *console)
{
    if (!console)
        return;
    zsock_close(console->requests);
    zsock_close(console->feed);
    for (size_t i = 0; i < CONSOLE_PENDING_MAX; i++)
        if (console->pending[i].used)
            json_decref(console->pending[i].id);
    for (size_t i = 0; i < CONSOLE_HISTORY_MAX; i++)
        json_decref(console->history[i]);
    free(console);
}
