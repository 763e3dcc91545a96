/* The night's state as JSON, and an operator's action from it. */
#include "agent/console_inside.h"

#include "config/units.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double CONFIRM_ABOVE_V = 4.0;

/* JSON has no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *scores(const float *p)
{
    json_t *object = json_object();
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        json_object_set_new(object, nn_label_name((enum nn_label)i), number((double)p[i]));
    return object;
}

json_t *console_verdict_json(const struct verdict *verdict)
{
    char name[32];
    if (verdict->lines_total == 0)
        return json_null();
    snprintf(name, sizeof(name), "%u_%u", verdict->run, verdict->cycle);
    json_t *json = json_object();
    json_object_set_new(json, "seq", json_integer((json_int_t)verdict->seq));
    json_object_set_new(json, "scan", json_integer((json_int_t)verdict->scan));
    json_object_set_new(json, "run_cycle", json_string(name));
    json_object_set_new(json, "trace", json_string(scan_trace_name(verdict->trace)));
    json_object_set_new(json, "line", json_integer(verdict->line));
    json_object_set_new(json, "lines_seen", json_integer(verdict->lines_seen));
    json_object_set_new(json, "lines_due", json_integer(verdict->lines_due));
    json_object_set_new(json, "lines_total", json_integer(verdict->lines_total));
    json_object_set_new(json, "scores", scores(verdict->p));
    if (isfinite(verdict->p_other[0]))
        json_object_set_new(json, "scores_backward", scores(verdict->p_other));
    if (verdict->changed)
        json_object_set_new(json, "tip_change_line", json_integer(verdict->change_line));
    return json;
}

json_t *console_action_json(const struct action *action)
{
    size_t n;
    const struct action_parameter *list = action_parameters(action->kind, &n);
    json_t *values = json_object();
    for (size_t i = 0; i < n; i++) {
        char text[48];
        units_write(action_get(action, &list[i]), list[i].unit, text, sizeof(text));
        json_object_set_new(values, list[i].name, json_string(text));
    }
    return json_pack("{s:s,s:o}", "action", action_kind_name(action->kind), "parameters", values);
}

json_t *console_policy_json(const struct policy *policy)
{
    static const char *const modes[] = {"active", "advise", "off"};
    static const char *const responses[] = {"do",   "new_area", "coarse_move", "good",
                                            "wait", "hold",     "park"};
    json_t *rules = json_array();
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        json_array_append_new(rules, json_pack("{s:s,s:i,s:s,s:s}", "name", rule->name, "line",
                                               rule->line, "mode", modes[rule->mode], "then",
                                               rule->response == POLICY_DO
                                                   ? action_kind_name(rule->action.kind)
                                                   : responses[rule->response]));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:o}", "name", policy->name, "path", policy->path, "hash",
                     policy->hash, "profile", policy->profile_name, "rules", rules);
}

static json_t *use_json(const struct budget_use *use, const struct policy_budget *budget)
{
    const struct {
        const char *name;
        uint32_t used, allowed;
    } rows[] = {{"actions_site", use->actions_site, budget->actions_per_site},
                {"actions_episode", use->actions_episode, budget->actions_per_episode},
                {"actions_hour", use->actions_hour, budget->actions_per_hour},
                {"actions_night", use->actions_night, budget->actions_per_night},
                {"pulses_episode", use->pulses_episode, budget->pulses_per_episode},
                {"pulses_hour", use->pulses_hour, budget->pulses_per_hour},
                {"pulses_night", use->pulses_night, budget->pulses_per_night},
                {"crashes_episode", use->crashes_episode, budget->crashes_per_episode},
                {"necks_night", use->necks_night, budget->necks_per_night},
                {"coarse_moves_night", use->coarse_moves_night, budget->coarse_moves_per_night},
                {"crash_detections_night", use->crash_detections_night,
                 budget->crash_detections_per_night}};
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        json_object_set_new(json, rows[i].name,
                            json_pack("[i,i]", (int)rows[i].used, (int)rows[i].allowed));
    return json;
}

static json_t *instrument_json(const struct night_state *state)
{
    if (state->hello->session[0] == '\0')
        return json_null();
    return json_pack("{s:s,s:s,s:b,s:b,s:s,s:o,s:o,s:o,s:b}", "name", state->hello->name, "session",
                     state->hello->session, "simulated", state->hello->simulated, "connected",
                     state->link_up, "state", instrument_state_name(state->status->state), "z_m",
                     number(state->status->z_m), "current_a", number(state->status->current_a),
                     "bias_v", number(state->status->bias_v), "feedback_on",
                     state->status->feedback_on);
}

static json_t *lines_json(const struct intake_counts *counts)
{
    json_t *json = json_object();
    json_object_set_new(json, "offered", json_integer((json_int_t)counts->offered));
    for (int f = 0; f < INTAKE_FATE_COUNT; f++)
        json_object_set_new(json, intake_fate_name((enum intake_fate)f),
                            json_integer((json_int_t)counts->fate[f]));
    json_object_set_new(json, "waiting", json_integer((json_int_t)counts->waiting));
    json_object_set_new(json, "missing", json_integer((json_int_t)counts->missing));
    json_object_set_new(json, "out_of_order", json_integer((json_int_t)counts->out_of_order));
    json_object_set_new(json, "undecodable", json_integer((json_int_t)counts->undecodable));
    json_object_set_new(json, "resend_requests", json_integer((json_int_t)counts->resend_requests));
    return json;
}

json_t *console_state_json(const struct night *night)
{
    struct night_state state;
    night_state(night, &state);
    json_t *json = json_pack("{s:s,s:s,s:b,s:b,s:b,s:b,s:I,s:I,s:i,s:i,s:f}", "safety",
                             safety_name(state.safety), "why", state.why, "armed", state.armed,
                             "good", state.good, "leaving", state.leaving, "hold_confirmed",
                             state.fenced, "epoch", (json_int_t)state.epoch, "night",
                             (json_int_t)state.night, "site", (int)state.site, "episode",
                             (int)state.episode, "night_s", (double)state.t_night_ns * 1e-9);
    if (!json)
        return json_object();
    json_object_set_new(json, "command_open", json_integer((json_int_t)state.command_open));
    json_object_set_new(json, "instrument", instrument_json(&state));
    json_object_set_new(json, "verdict", console_verdict_json(state.verdict));
    json_object_set_new(json, "budget", use_json(&state.use, &state.policy->budget));
    json_object_set_new(json, "lines", lines_json(state.counts));
    json_object_set_new(json, "policy", json_string(state.policy->name));
    json_object_set_new(json, "policy_hash", json_string(state.policy->hash));
    return json;
}

static json_t *decision_json(const struct night_news *news)
{
    static const char *const kinds[] = {"none", "advise", "rule", "end"};
    return json_pack("{s:s,s:i,s:s,s:s}", "kind", kinds[news->decision->kind], "rule",
                     news->decision->rule, "why", news->decision->why, "guard",
                     news->text ? news->text : "");
}

static json_t *action_news_json(const struct night_news *news)
{
    json_t *json = console_action_json(news->action);
    json_object_set_new(json, "id", json_integer((json_int_t)news->id));
    json_object_set_new(json, "who", json_string(news->who));
    json_object_set_new(
        json, "state",
        json_string(news->action_state < 0
                        ? "intent"
                        : command_state_name((enum command_state)news->action_state)));
    json_object_set_new(json, "text", json_string(news->text ? news->text : ""));
    return json;
}

json_t *console_news_json(const struct night *night, const struct night_news *news)
{
    switch (news->kind) {
    case NEWS_STATE:
        return console_state_json(night);
    case NEWS_VERDICT:
        return console_verdict_json(news->verdict);
    case NEWS_DECISION:
        return decision_json(news);
    case NEWS_ACTION:
        return action_news_json(news);
    case NEWS_FRAME:
        return json_pack("{s:I,s:i,s:i,s:s,s:i,s:i,s:s,s:s}", "scan", (json_int_t)news->frame->scan,
                         "run", (int)news->frame->run, "cycle", (int)news->frame->cycle, "trace",
                         scan_trace_name(news->frame->trace), "lines_seen",
                         (int)news->frame->lines_seen, "lines_missing",
                         (int)news->frame->lines_missing, "end", news->frame->end, "picture",
                         news->frame->picture);
    case NEWS_ALARM:
    case NEWS_LOG:
        return json_pack("{s:s}", "text", news->text);
    case NEWS_KIND_COUNT:
        break;
    }
    return json_object();
}

static int read_parameter(const struct action_parameter *parameter, const json_t *value,
                          double *ret_value, char *why, size_t why_size)
{
    struct units_report report;
    if (json_is_number(value) && parameter->unit[0] == '\0') {
        *ret_value = json_number_value(value);
        return 0;
    }
    if (json_is_string(value) &&
        units_read(json_string_value(value), parameter->unit, ret_value, &report) == 0)
        return 0;
    snprintf(why, why_size, "%s: %s", parameter->name,
             parameter->unit[0] ? "a text with its unit is needed, as in \"2.3 V\" or \"0.3 nm\""
                                : "a number is needed");
    return -EINVAL;
}

int console_read_action(const json_t *json, struct action *ret_action, char *why, size_t why_size)
{
    const char *name = json_string_value(json_object_get(json, "action"));
    int kind = name ? action_kind_from_name(name) : -1;
    if (kind < 0) {
        snprintf(why, why_size, "action: pulse, crash, neck, retract, approach or reimage");
        return -EINVAL;
    }
    struct action action = action_default((enum action_kind)kind);
    json_t *given = json_object_get(json, "parameters");
    const char *key;
    json_t *value;
    if (given && !json_is_object(given)) {
        snprintf(why, why_size, "parameters: an object is needed");
        return -EINVAL;
    }
    json_object_foreach(given, key, value)
    {
        double number_read;
        size_t n;
        int i = action_parameter_find(action.kind, key);
        if (i < 0) {
            snprintf(why, why_size, "%s has no parameter %.40s", name, key);
            return -EINVAL;
        }
        const struct action_parameter *parameter = &action_parameters(action.kind, &n)[i];
        int r = read_parameter(parameter, value, &number_read, why, why_size);
        if (r < 0)
            return r;
        action_set(&action, parameter, number_read);
    }
    *ret_action = action;
    return 0;
}

bool console_needs_confirmation(const struct action *action)
{
    return action->kind == ACTION_NECK || fabs(action->voltage_v) > CONFIRM_ABOVE_V ||
           action->coarse_steps > 0 || action->lateral_steps > 0;
}

/* "last", "19_2", "19_2 up", "19_2 down"; NULL is "last". */
static int read_frame_wanted(const char *text, struct night_frame_wanted *ret_frame)
{
    struct night_frame_wanted frame = {0};
    int used = 0;
    if (text && strcmp(text, "last") != 0) {
        if (text[0] < '0' || text[0] > '9' ||
            sscanf(text, "%9u_%9u%n", &frame.run, &frame.cycle, &used) != 2 || frame.run == 0 ||
            frame.cycle == 0)
            return -EINVAL;
        const char *way = text + used;
        if (strcmp(way, " up") == 0)
            frame.way = NIGHT_UP;
        else if (strcmp(way, " down") == 0)
            frame.way = NIGHT_DOWN;
        else if (way[0] != '\0')
            return -EINVAL;
    }
    *ret_frame = frame;
    return 0;
}

int console_read_correction(const json_t *json, struct night_frame_wanted *ret_frame,
                            int ret_says[NN_LABEL_COUNT], char *why, size_t why_size)
{
    const json_t *frame = json_object_get(json, "frame");
    json_t *labels = json_object_get(json, "labels");
    int says[NN_LABEL_COUNT] = {-1, -1, -1, -1, -1, -1};
    const char *name;
    json_t *value;
    struct night_frame_wanted wanted;
    if ((frame && !json_is_string(frame)) ||
        read_frame_wanted(json_string_value(frame), &wanted) < 0) {
        snprintf(why, why_size, "frame: last, or a run and cycle as in \"19_2 up\"");
        return -EINVAL;
    }
    if (json_object_size(labels) == 0) {
        snprintf(why, why_size, "labels: which hold, and which do not?");
        return -EINVAL;
    }
    json_object_foreach(labels, name, value)
    {
        int label = nn_label_from_name(name);
        if (label < 0 || !json_is_boolean(value)) {
            snprintf(why, why_size, "labels: %.40s: %s", name,
                     label < 0 ? "no such label" : "true or false");
            return -EINVAL;
        }
        says[label] = json_is_true(value);
    }
    *ret_frame = wanted;
    memcpy(ret_says, says, sizeof(says));
    return 0;
}
