/* The verbs of the console: who may, and what of the night is asked. */
#include "agent/console_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a verb needs of whoever asks. */
enum need {
    NEED_NOTHING,  /* viewers, too */
    NEED_OPERATOR, /* an operator, whoever has the lease: makes it safer, or is only a note */
    NEED_CONTROL   /* an operator, and nobody else has the lease */
};

struct verb {
    const char *name;
    enum need need;
    void (*run)(const struct console_request *request);
};

static const char *text_of(const struct console_request *request, const char *key)
{
    const char *text = json_string_value(json_object_get(request->json, key));
    return text ? text : "";
}

static void run_status(const struct console_request *request)
{
    json_t *state = console_state_json(console_night(request->console));
    json_object_set_new(state, "feed_seq",
                        json_integer((json_int_t)console_feed_seq(request->console)));
    json_object_set_new(state, "lease", console_lease_json(request->console, request->now_ns));
    json_object_set_new(state, "you", json_string(request->who));
    console_answer(request, 0, "", state);
}

static void run_hold(const struct console_request *request)
{
    struct night_request asked;
    if (console_later(request, &asked))
        night_hold(console_night(request->console), &asked, text_of(request, "why"));
}

static void run_disarm(const struct console_request *request)
{
    struct night_request asked;
    if (console_later(request, &asked))
        night_disarm(console_night(request->console), &asked);
}

static void run_arm(const struct console_request *request)
{
    struct night_request asked;
    if (console_later(request, &asked))
        night_arm(console_night(request->console), &asked);
}

static void run_resume(const struct console_request *request)
{
    struct night_request asked;
    if (console_later(request, &asked))
        night_resume(console_night(request->console), &asked);
}

static void run_stop(const struct console_request *request)
{
    struct night_request asked;
    if (console_later(request, &asked))
        night_stop(console_night(request->console), &asked);
}

static void run_do(const struct console_request *request)
{
    struct night_request asked;
    struct action action;
    char why[160];
    if (console_read_action(request->json, &action, why, sizeof(why)) < 0) {
        console_answer(request, -EINVAL, why, NULL);
        return;
    }
    if (console_needs_confirmation(&action) &&
        !json_is_true(json_object_get(request->json, "confirm"))) {
        console_answer(request, -EACCES, "needs confirmation: ask again with \"confirm\": true",
                       console_action_json(&action));
        return;
    }
    if (console_later(request, &asked))
        night_do(console_night(request->console), &asked, &action);
}

static void run_scan(const struct console_request *request)
{
    struct night_request asked;
    const char *what = text_of(request, "what");
    bool start = strcmp(what, "start") == 0;
    if (!start && strcmp(what, "stop") != 0)
        console_answer(request, -EINVAL, "what: start or stop", NULL);
    else if (console_later(request, &asked))
        night_scan(console_night(request->console), &asked, start);
}

static void run_policy_show(const struct console_request *request)
{
    struct night_state state;
    night_state(console_night(request->console), &state);
    console_answer(request, 0, "", console_policy_json(state.policy));
}

static void run_policy_reload(const struct console_request *request)
{
    struct night_request asked;
    const char *path = text_of(request, "path");
    if (console_later(request, &asked))
        night_reload(console_night(request->console), &asked, path[0] ? path : NULL);
}

static void run_annotate(const struct console_request *request)
{
    struct night_request asked;
    const char *text = text_of(request, "text");
    if (text[0] == '\0')
        console_answer(request, -EINVAL, "text: what is to be noted?", NULL);
    else if (console_later(request, &asked))
        night_annotate(console_night(request->console), &asked, text);
}

static void run_judge(const struct console_request *request)
{
    struct night_request asked;
    struct night_frame_wanted frame;
    int says[NN_LABEL_COUNT];
    char why[160];
    if (console_read_correction(request->json, &frame, says, why, sizeof(why)) < 0)
        console_answer(request, -EINVAL, why, NULL);
    else if (console_later(request, &asked))
        night_correct(console_night(request->console), &asked, &frame, says);
}

static void run_history(const struct console_request *request)
{
    console_answer(request, 0, "", console_history(request->console));
}

static void run_lock(const struct console_request *request)
{
    bool force = json_is_true(json_object_get(request->json, "force"));
    int r = console_lock(request, force);
    console_answer(request, r, r < 0 ? "another operator has control" : "control is yours",
                   console_lease_json(request->console, request->now_ns));
}

static void run_renew(const struct console_request *request)
{
    bool anothers = console_lease_is_anothers(request);
    int r = anothers ? -EBUSY : console_lock(request, false);
    console_answer(request, r, r < 0 ? "another operator has control" : "renewed", NULL);
}

static void run_unlock(const struct console_request *request)
{
    console_unlock(request);
    console_answer(request, 0, "released", NULL);
}

static const struct verb verbs[] = {
    {"status", NEED_NOTHING, run_status},
    {"snapshot", NEED_NOTHING, run_status},
    {"history", NEED_NOTHING, run_history},
    {"policy.show", NEED_NOTHING, run_policy_show},
    {"hold", NEED_OPERATOR, run_hold},
    {"stop", NEED_OPERATOR, run_stop},
    {"annotate", NEED_OPERATOR, run_annotate},
    {"judge", NEED_OPERATOR, run_judge},
    {"disarm", NEED_OPERATOR, run_disarm},
    {"lock", NEED_OPERATOR, run_lock},
    {"renew", NEED_OPERATOR, run_renew},
    {"unlock", NEED_OPERATOR, run_unlock},
    {"arm", NEED_CONTROL, run_arm},
    {"resume", NEED_CONTROL, run_resume},
    {"do", NEED_CONTROL, run_do},
    {"scan", NEED_CONTROL, run_scan},
    {"policy.reload", NEED_CONTROL, run_policy_reload},
};

void console_handle(const struct console_request *request)
{
    const char *name = json_string_value(json_object_get(request->json, "verb"));
    for (size_t i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        if (verbs[i].need != NEED_NOTHING && !request->operator_role)
            console_answer(request, -EPERM, "a viewer's key may only look", NULL);
        else if (verbs[i].need == NEED_CONTROL && console_lease_is_anothers(request))
            console_answer(request, -EBUSY, "another operator has control; lock with force",
                           console_lease_json(request->console, request->now_ns));
        else
            verbs[i].run(request);
        return;
    }
    console_answer(request, -EINVAL, "no such verb", NULL);
}
