/*
 * Shared by the console's source files: console.c (sockets, lease, limits, feed), console_verbs.c
 * (what is asked), console_json.c (what is shown).
 */
#ifndef AGENT_CONSOLE_INSIDE_H
#define AGENT_CONSOLE_INSIDE_H

#include "agent/console.h"

#include <jansson.h>

enum {
    CONSOLE_IDENTITY_MAX = 64,
    CONSOLE_PENDING_MAX = 64, /* requests whose answer the night owes */
    CONSOLE_PEERS_MAX = 64,
    CONSOLE_HISTORY_MAX = 256,
    CONSOLE_NAME_MAX = 64
};

#define CONSOLE_TAG "TWO1" /* frame before the JSON, both ways */

/* Where an answer goes. */
struct console_return {
    struct console *console;
    bool used;
    unsigned char identity[CONSOLE_IDENTITY_MAX];
    size_t identity_size;
    bool delimiter; /* the asker puts an empty frame first (REQ) */
    json_t *id;     /* as asked, borrowed by nobody */
};

/* One request while it is looked at. */
struct console_request {
    struct console *console;
    json_t *json;
    const struct console_return *back;
    char who[CONSOLE_NAME_MAX]; /* "operator:anna" */
    bool operator_role;
    int64_t now_ns;
};

/* console.c */
struct night *console_night(struct console *console);
/* Answer now. `result` is taken over, NULL: none. */
void console_answer(const struct console_request *request, int code, const char *text,
                    json_t *result);
/* A request for the night, answered when the night says. False: refused and answered already. */
bool console_later(const struct console_request *request, struct night_request *ret_asked);
uint64_t console_feed_seq(const struct console *console);
json_t *console_history(const struct console *console);

/* The control lease. */
bool console_lease_is_anothers(const struct console_request *request);
int console_lock(const struct console_request *request, bool force);
void console_unlock(const struct console_request *request);
json_t *console_lease_json(const struct console *console, int64_t now_ns);

/* console_verbs.c */
void console_handle(const struct console_request *request);

/* console_json.c */
json_t *console_state_json(const struct night *night);
json_t *console_verdict_json(const struct verdict *verdict);
json_t *console_action_json(const struct action *action);
json_t *console_policy_json(const struct policy *policy);
json_t *console_news_json(const struct night *night, const struct night_news *news);

/*
 * An action from {"action": NAME, "parameters": {NAME: "2.3 V", ...}}; what is not given is at its
 * fallback. 0, or -EINVAL with a sentence.
 */
int console_read_action(const json_t *json, struct action *ret_action, char *why, size_t why_size);
/*
 * What a correction says from {"frame": "19_2 up", "labels": {"dimers": true, ...}}; no frame, or
 * "last": the newest. 0, or -EINVAL with a sentence.
 */
int console_read_correction(const json_t *json, struct night_frame_wanted *ret_frame,
                            int ret_says[NN_LABEL_COUNT], char *why, size_t why_size);
/* True for actions that an operator must confirm: necking, coarse motion, pulses above 4 V. */
bool console_needs_confirmation(const struct action *action);

#endif
