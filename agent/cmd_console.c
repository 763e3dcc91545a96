/*
 * The operator's side: `tipwright console` and the one-shot commands status, hold, resume, arm,
 * stop, do, judge. Speaks docs/protocol.md, "Operator console", and nothing else: all it knows of
 * the agent comes over the two sockets.
 */
#include "agent/command.h"
#include "agent/terminal.h"
#include "instrument/action.h"
#include "instrument/keys.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define TAG "TWO1"

enum {
    LINE_MAX_BYTES = 4096,
    WORDS_MAX = 32,
    ANSWER_BYTES_MAX = 256 * 1024,
    RENEW_MS = 3000,
    PATIENCE = 5
};

struct settings {
    const char *verb; /* argv[0] */
    const char *console, *feed, *keys, *key_name;
    double timeout_s;
    bool json, verdicts, yes;
};

struct client {
    const struct settings *settings;
    void *zmq, *requests, *feed;
    struct keys *keys;
    json_int_t next_id, answered;
    bool locked;
};

static void print_usage(const char *verb, FILE *out)
{
    if (strcmp(verb, "console") == 0)
        fputs("Usage: tipwright console [OPTION]...\n"
              "Watch the agent's feed and type commands; see `help` there.\n\n"
              "  --feed ENDPOINT     default tcp://127.0.0.1:47104\n"
              "  --verdicts          show every verdict, not only what happens\n",
              out);
    else if (strcmp(verb, "judge") == 0)
        fputs(
            "Usage: tipwright judge [FRAME] LABEL=yes|no... [OPTION]...\n"
            "What you say of a frame that the network has judged, for the record; changes nothing\n"
            "tonight. `tipwright labels from-night` makes labels of it. FRAME: last (default), or\n"
            "run and cycle of one of the last 64, with up or down behind it. LABEL: asymmetries,\n"
            "individual_atoms, dimers, rows, tip_change, bad_blurry; those not named stay as the\n"
            "network saw them:\n"
            "  tipwright judge 19_2 up dimers=yes bad_blurry=no\n\n",
            out);
    else if (strcmp(verb, "do") == 0)
        fputs("Usage: tipwright do ACTION [--PARAMETER VALUE]... [OPTION]...\n"
              "One action by hand: guarded, on record, sent once. The answer is its outcome.\n"
              "ACTION: pulse, crash, neck, retract, approach, reimage. Values carry their unit:\n"
              "  tipwright do pulse --voltage \"2.3 V\" --duration \"50 ms\"\n\n"
              "  --yes               confirm necking, coarse motion, pulses above 4 V\n",
              out);
    else
        fprintf(out, "Usage: tipwright %s [OPTION]...\nAsk the agent and print its answer.\n\n",
                verb);
    fputs("  --console ENDPOINT  the agent's, default tcp://127.0.0.1:47103\n"
          "  --keys DIR          CURVE keys\n"
          "  --key NAME          whose key in DIR, default operator\n"
          "  --timeout SECONDS   wait so long for an answer, default 60\n"
          "  --json              the answer as JSON\n"
          "  --help              this text\n\n"
          "Exit status: 0 done, 1 no answer or failed, 2 usage, 6 refused.\n",
          out);
}

/* ---- the wire ---- */

static int set_curve(void *socket, const struct client *client)
{
    if (!client->keys)
        return 0;
    struct zsock_curve curve = keys_curve_client(client->keys);
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, curve.server_key, KEYS_TEXT) ||
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, curve.public_key, KEYS_TEXT) ||
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, curve.secret_key, KEYS_TEXT);
}

static void *open_socket(struct client *client, int type, const char *endpoint)
{
    int linger_ms = 200;
    void *socket = zmq_socket(client->zmq, type);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    if (type == ZMQ_SUB)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (set_curve(socket, client) == 0 && zmq_connect(socket, endpoint) == 0)
        return socket;
    terminal_error(client->settings->verb, "%s: %s", endpoint, zmq_strerror(zmq_errno()));
    zmq_close(socket);
    return NULL;
}

/* The last frame of the next message as JSON, or NULL. The first frame goes to `first`. */
static json_t *receive(void *socket, char *first, size_t first_size)
{
    json_t *json = NULL;
    int more = 1;
    for (int frame = 0; more; frame++) {
        zmq_msg_t message;
        size_t more_size = sizeof(more);
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, socket, 0) < 0) {
            zmq_msg_close(&message);
            break;
        }
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
        if (frame == 0)
            snprintf(first, first_size, "%.*s", (int)zmq_msg_size(&message),
                     (const char *)zmq_msg_data(&message));
        if (!more && zmq_msg_size(&message) <= ANSWER_BYTES_MAX)
            json = json_loadb(zmq_msg_data(&message), zmq_msg_size(&message),
                              JSON_REJECT_DUPLICATES, NULL);
        zmq_msg_close(&message);
    }
    return json;
}

/* Takes over `request`. */
static void send_request(struct client *client, json_t *request)
{
    json_object_set_new(request, "id", json_integer(++client->next_id));
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text)
        return;
    zmq_send(client->requests, TAG, strlen(TAG), ZMQ_SNDMORE);
    zmq_send(client->requests, text, strlen(text), 0);
    free(text);
}

/* The answer to the last request, or NULL when none has come in time. */
static json_t *await(struct client *client)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        double left_s = client->settings->timeout_s - (double)(now.tv_sec - begin.tv_sec) -
                        (double)(now.tv_nsec - begin.tv_nsec) * 1e-9;
        zmq_pollitem_t item = {.socket = client->requests, .events = ZMQ_POLLIN};
        if (left_s <= 0 || zmq_poll(&item, 1, (long)(left_s * 1000) + 1) <= 0)
            return NULL;
        char tag[16];
        json_t *answer = receive(client->requests, tag, sizeof(tag));
        if (json_integer_value(json_object_get(answer, "id")) == client->next_id)
            return answer;
        json_decref(answer);
    }
}

/* ---- what is shown ---- */

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static double number_at(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static void print_verdict(const json_t *verdict)
{
    const char *label;
    json_t *score;
    printf("%s %s line %d, %d of %d lines:", text_at(verdict, "run_cycle"),
           text_at(verdict, "trace"), (int)number_at(verdict, "line"),
           (int)number_at(verdict, "lines_seen"), (int)number_at(verdict, "lines_total"));
    json_object_foreach(json_object_get(verdict, "scores"), label, score)
        printf(" %s %.2f", label, json_number_value(score));
    putchar('\n');
}

static void print_status(const json_t *state)
{
    const json_t *instrument = json_object_get(state, "instrument");
    const json_t *verdict = json_object_get(state, "verdict");
    const json_t *lease = json_object_get(state, "lease");
    const char *name;
    json_t *use;
    printf("%s%s%s%s%s\n", text_at(state, "safety"), text_at(state, "why")[0] ? ": " : "",
           text_at(state, "why"), json_is_true(json_object_get(state, "armed")) ? ", armed" : "",
           json_is_true(json_object_get(state, "good")) ? ", good tip" : "");
    if (json_is_object(instrument))
        printf("instrument: %s, %s, %s\n", text_at(instrument, "name"),
               json_is_true(json_object_get(instrument, "connected")) ? "connected" : "lost",
               text_at(instrument, "state"));
    else
        puts("instrument: none yet");
    printf("night %d: %.2f h, site %d, episode %d, policy %s\n", (int)number_at(state, "night"),
           number_at(state, "night_s") / 3600, (int)number_at(state, "site"),
           (int)number_at(state, "episode"), text_at(state, "policy"));
    if (json_is_object(verdict))
        print_verdict(verdict);
    fputs("used:", stdout);
    json_object_foreach(json_object_get(state, "budget"), name, use)
        printf(" %s %d/%d", name, (int)json_integer_value(json_array_get(use, 0)),
               (int)json_integer_value(json_array_get(use, 1)));
    putchar('\n');
    if (json_is_object(lease))
        printf("control: %s\n", text_at(lease, "who"));
}

static void print_result(const json_t *result)
{
    if (json_object_get(result, "safety")) {
        print_status(result);
    } else if (result) {
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    }
}

/* Returns the exit code that the answer stands for. */
static int show_answer(const struct settings *settings, const json_t *answer)
{
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (settings->json) {
        json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    } else {
        if (text_at(answer, "text")[0] && ok)
            printf("%s: %s\n", settings->verb, text_at(answer, "text"));
        else if (!ok)
            terminal_error(settings->verb, "%s: %s", text_at(answer, "error"),
                           text_at(answer, "text"));
        print_result(json_object_get(answer, "result"));
    }
    fflush(stdout);
    if (ok)
        return EXIT_OK;
    return strcmp(text_at(answer, "error"), "failed") == 0 ||
                   strcmp(text_at(answer, "error"), "unconfirmed") == 0 ||
                   strcmp(text_at(answer, "error"), "not-connected") == 0
               ? EXIT_INTERNAL
               : EXIT_REFUSED;
}

static void show_news(const struct client *client, const char *topic, const json_t *news)
{
    double hours = number_at(news, "t_night_s") / 3600;
    if (strcmp(topic, "verdict") == 0) {
        if (client->settings->verdicts) {
            printf("%.3f h  ", hours);
            print_verdict(news);
        }
    } else if (strcmp(topic, "state") == 0) {
        printf("%.3f h  state %s%s%s\n", hours, text_at(news, "safety"),
               text_at(news, "why")[0] ? ": " : "", text_at(news, "why"));
    } else if (strcmp(topic, "action") == 0) {
        printf("%.3f h  %d %s %s %s\n", hours, (int)number_at(news, "id"), text_at(news, "action"),
               text_at(news, "state"), text_at(news, "text"));
    } else if (strcmp(topic, "decision") == 0) {
        printf("%.3f h  decision: %s%s%s\n", hours, text_at(news, "why"),
               text_at(news, "guard")[0] ? "; guard: " : "", text_at(news, "guard"));
    } else if (strcmp(topic, "frame") == 0) {
        printf("%.3f h  frame %d_%d %s: %d lines, %d missing\n", hours, (int)number_at(news, "run"),
               (int)number_at(news, "cycle"), text_at(news, "trace"),
               (int)number_at(news, "lines_seen"), (int)number_at(news, "lines_missing"));
    } else {
        printf("%.3f h  %s: %s\n", hours, topic, text_at(news, "text"));
    }
    fflush(stdout);
}

/* ---- requests from words ---- */

/* Splits at blanks; "..." keeps them. Returns the number of words. */
static int split(char *line, char **words)
{
    int n = 0;
    char *at = line;
    while (n < WORDS_MAX) {
        at += strspn(at, " \t\r\n");
        if (*at == '\0')
            break;
        const char *end = *at == '"' ? "\"" : " \t\r\n";
        at += *at == '"';
        words[n++] = at;
        at += strcspn(at, end);
        if (*at)
            *at++ = '\0';
    }
    return n;
}

static json_t *simple(const char *verb)
{
    return json_pack("{s:s}", "verb", verb);
}

/* "pulse --voltage "2.3 V" --yes". NULL: said why. */
static json_t *action_request(int n, char **words)
{
    int kind = n > 0 ? action_kind_from_name(words[0]) : -1;
    if (kind < 0) {
        terminal_error("do", "which action? pulse, crash, neck, retract, approach or reimage");
        return NULL;
    }
    json_t *parameters = json_object();
    json_t *request =
        json_pack("{s:s,s:s,s:o}", "verb", "do", "action", words[0], "parameters", parameters);
    for (int i = 1; i < n; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s", words[i] + (strncmp(words[i], "--", 2) == 0 ? 2 : 0));
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : *c;
        if (strcmp(name, "yes") == 0) {
            json_object_set_new(request, "confirm", json_true());
            continue;
        }
        if (action_parameter_find((enum action_kind)kind, name) < 0 || i + 1 == n) {
            terminal_error("do", "%s: %s", words[i],
                           i + 1 == n ? "a value is missing" : "no such parameter");
            json_decref(request);
            return NULL;
        }
        json_object_set_new(parameters, name, json_string(words[++i]));
    }
    return request;
}

/* "last dimers=yes tip_change=no", "19_2 up bad_blurry=yes". NULL: said why. */
static json_t *correction_request(int n, char **words)
{
    char frame[64] = "last";
    int i = 0;
    if (n > 0 && !strchr(words[0], '=')) {
        bool way = n > 1 && (strcmp(words[1], "up") == 0 || strcmp(words[1], "down") == 0);
        snprintf(frame, sizeof(frame), "%.40s%s%s", words[0], way ? " " : "", way ? words[1] : "");
        i = way ? 2 : 1;
    }
    json_t *labels = json_object();
    bool good = i < n;
    for (; i < n && good; i++) {
        char *value = strchr(words[i], '=');
        good = value && (strcmp(value, "=yes") == 0 || strcmp(value, "=no") == 0);
        if (good) {
            *value = '\0';
            json_object_set_new(labels, words[i], json_boolean(value[1] == 'y'));
        }
    }
    if (!good) {
        terminal_error("judge", "judge [FRAME] LABEL=yes|no...   as in: judge 19_2 up dimers=yes");
        json_decref(labels);
        return NULL;
    }
    return json_pack("{s:s,s:s,s:o}", "verb", "judge", "frame", frame, "labels", labels);
}

static json_t *typed_request(struct client *client, int n, char **words)
{
    static const char *const plain[] = {"status", "arm",     "disarm",   "resume",     "stop",
                                        "unlock", "history", "snapshot", "policy.show"};
    const char *verb = words[0];
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strcmp(verb, plain[i]) == 0 && n == 1) {
            client->locked = client->locked && strcmp(verb, "unlock") != 0;
            return simple(verb);
        }
    if (strcmp(verb, "do") == 0)
        return action_request(n - 1, words + 1);
    if (strcmp(verb, "hold") == 0)
        return json_pack("{s:s,s:s}", "verb", verb, "why", n > 1 ? words[1] : "");
    if (strcmp(verb, "judge") == 0)
        return correction_request(n - 1, words + 1);
    if (strcmp(verb, "annotate") == 0 && n == 2)
        return json_pack("{s:s,s:s}", "verb", verb, "text", words[1]);
    if (strcmp(verb, "scan") == 0 && n == 2)
        return json_pack("{s:s,s:s}", "verb", verb, "what", words[1]);
    if (strcmp(verb, "policy.reload") == 0)
        return json_pack("{s:s,s:s}", "verb", verb, "path", n > 1 ? words[1] : "");
    if (strcmp(verb, "lock") == 0) {
        client->locked = true;
        return json_pack("{s:s,s:b}", "verb", verb, "force",
                         n > 1 && strcmp(words[1], "force") == 0);
    }
    puts("status | hold [\"why\"] | resume | arm | disarm | stop | history\n"
         "scan start | scan stop\n"
         "do ACTION [PARAMETER \"VALUE\"]... [yes]   as in: do pulse voltage \"2.3 V\"\n"
         "judge [FRAME] LABEL=yes|no...             as in: judge 19_2 up dimers=yes tip_change=no\n"
         "policy.show | policy.reload [\"FILE\"] | annotate \"TEXT\"\n"
         "lock [force] | unlock | quit");
    return NULL;
}

/* False: the operator leaves. */
static bool run_typed(struct client *client, char *line)
{
    char *words[WORDS_MAX];
    int n = split(line, words);
    if (n == 0)
        return true;
    if (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)
        return false;
    json_t *request = typed_request(client, n, words);
    if (request)
        send_request(client, request);
    return true;
}

/* ---- the interactive console ---- */

struct typing {
    char bytes[LINE_MAX_BYTES];
    size_t n;
    bool ended;
    int patience; /* silent rounds while a script waits for an answer */
};

/* A person types on; a script's next line waits for the answer to the last. */
static bool may_run_next(const struct client *client)
{
    return client->answered >= client->next_id || isatty(STDIN_FILENO);
}

/* False: the operator leaves. */
static bool run_typed_lines(struct client *client, struct typing *typing)
{
    char *newline;
    while (may_run_next(client) && (newline = strchr(typing->bytes, '\n'))) {
        *newline = '\0';
        if (!run_typed(client, typing->bytes))
            return false;
        typing->n -= (size_t)(newline + 1 - typing->bytes);
        memmove(typing->bytes, newline + 1, typing->n + 1);
    }
    return true;
}

static void read_typed(struct typing *typing)
{
    if (typing->n == sizeof(typing->bytes) - 1)
        typing->n = 0; /* no command is so long */
    ssize_t got =
        read(STDIN_FILENO, typing->bytes + typing->n, sizeof(typing->bytes) - 1 - typing->n);
    typing->ended = got <= 0;
    typing->n += got > 0 ? (size_t)got : 0;
    typing->bytes[typing->n] = '\0';
}

static int run_console(struct client *client)
{
    struct typing typing = {.patience = PATIENCE};
    int code = EXIT_OK;
    send_request(client, simple("status"));
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = client->requests, .events = ZMQ_POLLIN},
                                  {.socket = client->feed, .events = ZMQ_POLLIN},
                                  {.fd = STDIN_FILENO, .events = ZMQ_POLLIN}};
        bool reads = !typing.ended && (may_run_next(client) || !strchr(typing.bytes, '\n'));
        int ready = zmq_poll(items, reads ? 3 : 2, RENEW_MS);
        char topic[32];
        if (ready < 0)
            return EXIT_INTERNAL;
        if (items[0].revents) {
            json_t *answer = receive(client->requests, topic, sizeof(topic));
            code = show_answer(client->settings, answer);
            client->answered++;
            json_decref(answer);
        }
        if (items[1].revents) {
            json_t *news = receive(client->feed, topic, sizeof(topic));
            show_news(client, topic, news);
            json_decref(news);
        }
        if (reads && items[2].revents)
            read_typed(&typing);
        if (!run_typed_lines(client, &typing))
            return code;
        if (typing.ended && !strchr(typing.bytes, '\n') && client->answered >= client->next_id)
            return code;
        if (ready == 0 && client->locked)
            send_request(client, simple("renew"));
        if (ready == 0 && !isatty(STDIN_FILENO) && client->answered < client->next_id &&
            --typing.patience < 0) {
            terminal_error("console", "no answer from the agent");
            return EXIT_INTERNAL;
        }
    }
}

static int run_once(struct client *client, json_t *request)
{
    send_request(client, request);
    json_t *answer = await(client);
    if (!answer) {
        terminal_error(client->settings->verb, "no answer from %s", client->settings->console);
        return EXIT_INTERNAL;
    }
    int code = show_answer(client->settings, answer);
    json_decref(answer);
    return code;
}

/* ---- the command line ---- */

/* Options of ours are taken out; what is left (an action and its parameters) stays in order. */
static int read_settings(int argc, char **argv, struct settings *s, int *ret_n, char **words)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"--console", &s->console},
                 {"--feed", &s->feed},
                 {"--keys", &s->keys},
                 {"--key", &s->key_name}};
    int n = 0;
    for (int i = 1; i < argc; i++) {
        bool taken = false;
        for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]) && !taken; t++) {
            size_t length = strlen(texts[t].name);
            if (strncmp(argv[i], texts[t].name, length) != 0)
                continue;
            if (argv[i][length] == '=') {
                *texts[t].text = argv[i] + length + 1;
                taken = true;
            } else if (argv[i][length] == '\0' && i + 1 < argc) {
                *texts[t].text = argv[++i];
                taken = true;
            }
        }
        if (taken)
            continue;
        if (strcmp(argv[i], "--help") == 0)
            return 1;
        if (strcmp(argv[i], "--json") == 0)
            s->json = true;
        else if (strcmp(argv[i], "--verdicts") == 0)
            s->verdicts = true;
        else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc)
            s->timeout_s = strtod(argv[++i], NULL);
        else if (n < WORDS_MAX)
            words[n++] = argv[i];
    }
    *ret_n = n;
    bool acts = strcmp(s->verb, "do") == 0 || strcmp(s->verb, "judge") == 0;
    bool holds = strcmp(s->verb, "hold") == 0;
    /* A hold's one word is its reason; what looks like an option is a misspelt one. */
    if (s->timeout_s > 0 && (n == 0 || acts || (holds && n == 1 && words[0][0] != '-')))
        return 0;
    terminal_error(s->verb, "%s: not understood", n > 0 ? words[0] : "--timeout");
    return -EINVAL;
}

static int open_client(struct client *client)
{
    const struct settings *s = client->settings;
    char error[KEYS_ERROR_MAX];
    if (s->keys && keys_load(s->keys, s->key_name, &client->keys, error, sizeof(error)) < 0) {
        terminal_error(s->verb, "%s: %s", s->keys, error);
        return EXIT_REFUSED;
    }
    if (keys_endpoint_allowed(s->console, client->keys) < 0 ||
        (strcmp(s->verb, "console") == 0 && keys_endpoint_allowed(s->feed, client->keys) < 0)) {
        terminal_error(s->verb, "an agent beyond this machine is reached with --keys only");
        return EXIT_REFUSED;
    }
    client->zmq = zmq_ctx_new();
    client->requests = open_socket(client, ZMQ_DEALER, s->console);
    if (!client->requests)
        return EXIT_USAGE;
    if (strcmp(s->verb, "console") != 0)
        return EXIT_OK;
    client->feed = open_socket(client, ZMQ_SUB, s->feed);
    return client->feed ? EXIT_OK : EXIT_USAGE;
}

static void close_client(struct client *client)
{
    if (client->requests)
        zmq_close(client->requests);
    if (client->feed)
        zmq_close(client->feed);
    if (client->zmq)
        zmq_ctx_term(client->zmq);
    keys_destroy(client->keys);
}

int cmd_console(int argc, char **argv)
{
    struct settings settings = {.verb = argv[0],
                                .console = "tcp://127.0.0.1:47103",
                                .feed = "tcp://127.0.0.1:47104",
                                .key_name = "operator",
                                .timeout_s = 60};
    char *words[WORDS_MAX];
    int n = 0;
    int r = read_settings(argc, argv, &settings, &n, words);
    json_t *request = NULL;
    if (r == 0 && strcmp(argv[0], "do") == 0)
        request = action_request(n, words);
    else if (r == 0 && strcmp(argv[0], "judge") == 0)
        request = correction_request(n, words);
    else if (r == 0 && strcmp(argv[0], "hold") == 0)
        request = json_pack("{s:s,s:s}", "verb", "hold", "why", n > 0 ? words[0] : "");
    else if (r == 0)
        request = simple(argv[0]);
    if (!request) {
        print_usage(argv[0], r > 0 ? stdout : stderr);
        return r > 0 ? EXIT_OK : EXIT_USAGE;
    }
    struct client client = {.settings = &settings};
    int code = open_client(&client);
    if (code == EXIT_OK && strcmp(argv[0], "console") == 0) {
        json_decref(request);
        code = run_console(&client);
    } else if (code == EXIT_OK) {
        code = run_once(&client, request);
    } else {
        json_decref(request);
    }
    close_client(&client);
    return code;
}
