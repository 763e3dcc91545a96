/* Control messages: hello, lease, commands one way; events and status back. */
#include "instrument/json_fields.h"
#include "instrument/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[CONTROL_TYPE_COUNT] = {
    [CONTROL_HELLO] = "hello",     [CONTROL_WELCOME] = "welcome", [CONTROL_REFUSED] = "refused",
    [CONTROL_WHO] = "who",         [CONTROL_PING] = "ping",       [CONTROL_ACK] = "ack",
    [CONTROL_COMMAND] = "command", [CONTROL_EVENT] = "event",     [CONTROL_STATUS] = "status",
};

static const char *const verb_names[COMMAND_VERB_COUNT] = {
    [COMMAND_ACTION] = "action",
    [COMMAND_SCAN_START] = "scan_start",
    [COMMAND_SCAN_STOP] = "scan_stop",
    [COMMAND_ABORT] = "abort",
    [COMMAND_SAFE_RETRACT] = "safe_retract",
    [COMMAND_FENCE] = "fence",
    [COMMAND_RESEND] = "resend",
    [COMMAND_QUERY] = "query",
};

static const char *const command_states[COMMAND_STATE_COUNT] = {
    [COMMAND_ACCEPTED] = "accepted",   [COMMAND_STARTED] = "started",
    [COMMAND_DONE] = "done",           [COMMAND_FAILED] = "failed",
    [COMMAND_REJECTED] = "rejected",   [COMMAND_EXPIRED] = "expired",
    [COMMAND_CANCELLED] = "cancelled", [COMMAND_UNKNOWN] = "unknown",
};

static const char *const instrument_states[INSTRUMENT_STATE_COUNT] = {
    [INSTRUMENT_IDLE] = "idle",     [INSTRUMENT_SCANNING] = "scanning",
    [INSTRUMENT_ACTING] = "acting", [INSTRUMENT_WITHDRAWN] = "withdrawn",
    [INSTRUMENT_FAULT] = "fault",
};

const char *command_state_name(enum command_state state)
{
    return command_states[state];
}

const char *instrument_state_name(enum instrument_state state)
{
    return instrument_states[state];
}

bool protocol_compatible(const char *protocol, const char *ours)
{
    /* Up to the dot behind the major number: "tipwright.data/1". */
    const char *slash = strchr(ours, '/');
    size_t same = (size_t)(slash - ours) + strcspn(slash, ".");
    return strncmp(protocol, ours, same) == 0 && protocol[same] == '.';
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        abort();
}

/* {"pulse": {"voltage": [min, max], ...}, ...}; a kind that is not allowed is absent. */
static json_t *limits_to_json(const struct action_limits *limits)
{
    json_t *kinds = json_object();
    for (int k = 0; k < ACTION_KIND_COUNT; k++) {
        size_t n;
        const struct action_parameter *list = action_parameters((enum action_kind)k, &n);
        if (!limits->allowed[k])
            continue;
        json_t *ranges = json_object();
        for (size_t i = 0; i < n; i++)
            put(ranges, list[i].name,
                json_pack("[f, f]", limits->range[k][i].min, limits->range[k][i].max));
        put(kinds, action_kind_name((enum action_kind)k), ranges);
    }
    return kinds;
}

static void read_range(struct json_fields *ranges, const char *name, struct action_range *ret)
{
    const json_t *pair = ranges->failed ? NULL : json_object_get(ranges->object, name);
    const json_t *min = json_array_get(pair, 0), *max = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_number(min) || !json_is_number(max) ||
        json_number_value(min) > json_number_value(max)) {
        json_fields_fail(ranges, name, "not [min, max]");
        return;
    }
    ret->min = json_number_value(min);
    ret->max = json_number_value(max);
}

static void read_limits(struct json_fields *fields, struct action_limits *ret)
{
    struct json_fields kinds = json_fields_object(fields, "limits");
    for (int k = 0; k < ACTION_KIND_COUNT && !kinds.failed; k++) {
        const char *kind = action_kind_name((enum action_kind)k);
        if (!json_fields_has(&kinds, kind))
            continue;
        size_t n;
        const struct action_parameter *list = action_parameters((enum action_kind)k, &n);
        struct json_fields ranges = json_fields_object(&kinds, kind);
        for (size_t i = 0; i < n; i++)
            read_range(&ranges, list[i].name, &ret->range[k][i]);
        ret->allowed[k] = 1;
        kinds.failed = ranges.failed;
    }
    fields->failed = kinds.failed;
}

static void put_hello(json_t *to, const struct instrument_hello *hello)
{
    put(to, "protocol", json_from_text(hello->protocol));
    put(to, "session", json_from_text(hello->session));
    put(to, "name", json_from_text(hello->name));
    put(to, "simulated", json_boolean(hello->simulated));
    put(to, "gated", json_boolean(hello->gated));
    put(to, "contact", json_from_u64(hello->contact));
    put(to, "last_id", json_from_u64(hello->last_id));
    put(to, "epoch", json_from_u64(hello->epoch));
    put(to, "host_ns", json_from_i64(hello->host_ns));
    put(to, "limits", limits_to_json(&hello->limits));
}

static void read_hello(struct json_fields *fields, struct instrument_hello *hello)
{
    json_fields_text(fields, "protocol", hello->protocol, sizeof(hello->protocol));
    json_fields_session(fields, "session", hello->session, sizeof(hello->session));
    json_fields_text(fields, "name", hello->name, sizeof(hello->name));
    json_fields_bool(fields, "simulated", &hello->simulated);
    json_fields_bool(fields, "gated", &hello->gated);
    json_fields_u32(fields, "contact", UINT32_MAX, &hello->contact);
    json_fields_u64(fields, "last_id", COMMAND_ID_FREE - 1, &hello->last_id);
    json_fields_u64(fields, "epoch", COMMAND_EPOCH_MAX, &hello->epoch);
    json_fields_i64(fields, "host_ns", &hello->host_ns);
    read_limits(fields, &hello->limits);
}

static json_t *action_to_json(const struct action *action)
{
    size_t n;
    const struct action_parameter *list = action_parameters(action->kind, &n);
    json_t *object = json_object();
    put(object, "kind", json_string(action_kind_name(action->kind)));
    for (size_t i = 0; i < n; i++)
        put(object, list[i].name, json_from_double(action_get(action, &list[i])));
    return object;
}

/* Every parameter must be there and none that the kind does not know: an action is never guessed.
 */
static void read_action(struct json_fields *fields, struct action *ret)
{
    struct json_fields members = json_fields_object(fields, "action");
    const char *names[ACTION_KIND_COUNT];
    for (int k = 0; k < ACTION_KIND_COUNT; k++)
        names[k] = action_kind_name((enum action_kind)k);
    ret->kind = (enum action_kind)json_fields_name(&members, "kind", names, ACTION_KIND_COUNT);
    size_t n;
    const struct action_parameter *list = action_parameters(ret->kind, &n);
    for (size_t i = 0; i < n; i++) {
        double value = (double)NAN;
        json_fields_double(&members, list[i].name, &value);
        action_set(ret, &list[i], value);
    }
    if (!members.failed && json_object_size(members.object) != n + 1)
        json_fields_fail(&members, "action", "has a parameter that its kind does not know");
    fields->failed = members.failed;
}

static void put_command(json_t *to, const struct command *command)
{
    put(to, "verb", json_string(verb_names[command->verb]));
    put(to, "id", json_from_u64(command->id));
    put(to, "epoch", json_from_u64(command->epoch));
    put(to, "session", json_from_text(command->session));
    put(to, "base_host_ns", json_from_i64(command->base_inst_host_ns));
    put(to, "ttl_ms", json_from_u64(command->ttl_ms));
    if (command->verb == COMMAND_ACTION)
        put(to, "action", action_to_json(&command->action));
    if (command->verb == COMMAND_RESEND) {
        put(to, "from_seq", json_from_u64(command->from_seq));
        put(to, "to_seq", json_from_u64(command->to_seq));
    }
    if (command->verb == COMMAND_QUERY)
        put(to, "query_id", json_from_u64(command->query_id));
}

static void read_command(struct json_fields *fields, struct command *command)
{
    command->verb =
        (enum command_verb)json_fields_name(fields, "verb", verb_names, COMMAND_VERB_COUNT);
    json_fields_u64(fields, "id", UINT64_MAX, &command->id);
    json_fields_u64(fields, "epoch", COMMAND_EPOCH_MAX, &command->epoch);
    json_fields_session(fields, "session", command->session, sizeof(command->session));
    json_fields_i64(fields, "base_host_ns", &command->base_inst_host_ns);
    json_fields_u32(fields, "ttl_ms", UINT32_MAX, &command->ttl_ms);
    if (command->verb == COMMAND_ACTION)
        read_action(fields, &command->action);
    if (command->verb == COMMAND_RESEND) {
        json_fields_u64(fields, "from_seq", UINT64_MAX, &command->from_seq);
        json_fields_u64(fields, "to_seq", UINT64_MAX, &command->to_seq);
    }
    if (command->verb == COMMAND_QUERY)
        json_fields_u64(fields, "query_id", UINT64_MAX, &command->query_id);
    bool changing = command->verb == COMMAND_ACTION || command->verb == COMMAND_SCAN_START ||
                    command->verb == COMMAND_SCAN_STOP;
    if (!fields->failed && (command->id == 0 || changing != (command->id < COMMAND_ID_FREE)))
        json_fields_fail(fields, "id", "changing commands: 1 .. 2^62 - 1, others: from 2^62");
}

static void put_event(json_t *to, const struct control_event *event)
{
    put(to, "event", json_from_u64(event->number));
    put(to, "session", json_from_text(event->session));
    put(to, "id", json_from_u64(event->event.id));
    put(to, "state", json_string(command_states[event->event.state]));
    put(to, "data_seq", json_from_u64(event->event.data_seq));
    put(to, "epoch", json_from_u64(event->event.epoch));
    put(to, "t_inst_ns", json_from_i64(event->event.t_inst_ns));
    put(to, "crash_detected", json_boolean(event->event.crash_detected));
    put(to, "text", json_from_text(event->event.text));
}

static void read_event(struct json_fields *fields, struct control_event *event)
{
    json_fields_u64(fields, "event", UINT64_MAX, &event->number);
    json_fields_session(fields, "session", event->session, sizeof(event->session));
    json_fields_u64(fields, "id", UINT64_MAX, &event->event.id);
    event->event.state =
        (enum command_state)json_fields_name(fields, "state", command_states, COMMAND_STATE_COUNT);
    json_fields_u64(fields, "data_seq", UINT64_MAX, &event->event.data_seq);
    json_fields_u64(fields, "epoch", COMMAND_EPOCH_MAX, &event->event.epoch);
    json_fields_inst_time(fields, "t_inst_ns", &event->event.t_inst_ns);
    json_fields_bool(fields, "crash_detected", &event->event.crash_detected);
    json_fields_text(fields, "text", event->event.text, sizeof(event->event.text));
}

static void put_status(json_t *to, const struct instrument_status *status)
{
    put(to, "session", json_from_text(status->session));
    put(to, "host_ns", json_from_i64(status->host_ns));
    put(to, "t_inst_ns", json_from_i64(status->t_inst_ns));
    put(to, "state", json_string(instrument_states[status->state]));
    put(to, "z_m", json_from_double(status->z_m));
    put(to, "current_a", json_from_double(status->current_a));
    put(to, "bias_v", json_from_double(status->bias_v));
    put(to, "feedback_on", json_boolean(status->feedback_on));
    put(to, "last_seq", json_from_u64(status->last_seq));
    put(to, "dropped", json_from_u64(status->dropped));
    put(to, "epoch", json_from_u64(status->epoch));
    put(to, "command_id", json_from_u64(status->command_id));
    put(to, "text", json_from_text(status->text));
}

static void read_status(struct json_fields *fields, struct instrument_status *status)
{
    json_fields_session(fields, "session", status->session, sizeof(status->session));
    json_fields_i64(fields, "host_ns", &status->host_ns);
    json_fields_inst_time(fields, "t_inst_ns", &status->t_inst_ns);
    status->state = (enum instrument_state)json_fields_name(fields, "state", instrument_states,
                                                            INSTRUMENT_STATE_COUNT);
    json_fields_double(fields, "z_m", &status->z_m);
    json_fields_double(fields, "current_a", &status->current_a);
    json_fields_double(fields, "bias_v", &status->bias_v);
    json_fields_bool(fields, "feedback_on", &status->feedback_on);
    json_fields_u64(fields, "last_seq", UINT64_MAX, &status->last_seq);
    json_fields_u64(fields, "dropped", UINT64_MAX, &status->dropped);
    json_fields_u64(fields, "epoch", COMMAND_EPOCH_MAX, &status->epoch);
    json_fields_u64(fields, "command_id", UINT64_MAX, &status->command_id);
    json_fields_text(fields, "text", status->text, sizeof(status->text));
}

static void put_body(json_t *to, const struct control_message *message)
{
    switch (message->type) {
    case CONTROL_HELLO:
        put_hello(to, &message->hello);
        break;
    case CONTROL_WELCOME:
        put(to, "protocol", json_from_text(message->welcome.protocol));
        put(to, "contact", json_from_u64(message->welcome.contact));
        put(to, "policy_hash", json_from_text(message->welcome.policy_hash));
        put(to, "lease_ms", json_from_u64(message->welcome.lease_ms));
        break;
    case CONTROL_REFUSED:
        put(to, "text", json_from_text(message->text));
        break;
    case CONTROL_PING:
        put(to, "session", json_from_text(message->session));
        break;
    case CONTROL_ACK:
        put(to, message->ack.of_event ? "event" : "seq", json_from_u64(message->ack.number));
        break;
    case CONTROL_COMMAND:
        put_command(to, &message->command);
        break;
    case CONTROL_EVENT:
        put_event(to, &message->event);
        break;
    case CONTROL_STATUS:
        put_status(to, &message->status);
        break;
    case CONTROL_WHO:
    case CONTROL_TYPE_COUNT:
        break;
    }
}

static void read_body(struct json_fields *fields, struct control_message *message)
{
    switch (message->type) {
    case CONTROL_HELLO:
        read_hello(fields, &message->hello);
        break;
    case CONTROL_WELCOME:
        json_fields_text(fields, "protocol", message->welcome.protocol,
                         sizeof(message->welcome.protocol));
        json_fields_u32(fields, "contact", UINT32_MAX, &message->welcome.contact);
        json_fields_text(fields, "policy_hash", message->welcome.policy_hash,
                         sizeof(message->welcome.policy_hash));
        json_fields_u32(fields, "lease_ms", UINT32_MAX, &message->welcome.lease_ms);
        break;
    case CONTROL_REFUSED:
        json_fields_text(fields, "text", message->text, sizeof(message->text));
        break;
    case CONTROL_PING:
        json_fields_session(fields, "session", message->session, sizeof(message->session));
        break;
    case CONTROL_ACK:
        message->ack.of_event = json_fields_has(fields, "event");
        json_fields_u64(fields, message->ack.of_event ? "event" : "seq", UINT64_MAX,
                        &message->ack.number);
        break;
    case CONTROL_COMMAND:
        read_command(fields, &message->command);
        break;
    case CONTROL_EVENT:
        read_event(fields, &message->event);
        break;
    case CONTROL_STATUS:
        read_status(fields, &message->status);
        break;
    case CONTROL_WHO:
    case CONTROL_TYPE_COUNT:
        break;
    }
}

int protocol_encode_control(const struct control_message *message, char **ret_json,
                            size_t *ret_size)
{
    if ((unsigned)message->type >= CONTROL_TYPE_COUNT)
        return -EINVAL;
    json_t *object = json_object();
    put(object, "type", json_string(type_names[message->type]));
    put_body(object, message);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!text)
        abort();
    *ret_json = text;
    *ret_size = strlen(text);
    return 0;
}

uint64_t protocol_command_id(const void *json, size_t size)
{
    char error[PROTOCOL_ERROR_MAX];
    uint64_t id = 0;
    json_t *object =
        size > PROTOCOL_CONTROL_MAX ? NULL : json_fields_parse(json, size, error, sizeof(error));
    const char *type = json_string_value(json_object_get(object, "type"));
    struct json_fields fields = {.object = object, .error = error, .error_size = sizeof(error)};
    if (type && strcmp(type, type_names[CONTROL_COMMAND]) == 0)
        json_fields_u64(&fields, "id", UINT64_MAX, &id);
    json_decref(object);
    return id;
}

int protocol_decode_control(const void *json, size_t size, struct control_message *ret_message,
                            char *error, size_t error_size)
{
    if (size > PROTOCOL_CONTROL_MAX) {
        snprintf(error, error_size, "control message too large");
        return -EBADMSG;
    }
    json_t *object = json_fields_parse(json, size, error, error_size);
    if (!object)
        return -EBADMSG;
    struct json_fields fields = {.object = object, .error = error, .error_size = error_size};
    struct control_message message;
    memset(&message, 0, sizeof(message));
    message.type =
        (enum control_type)json_fields_name(&fields, "type", type_names, CONTROL_TYPE_COUNT);
    if (!fields.failed)
        read_body(&fields, &message);
    json_decref(object);
    if (fields.failed)
        return -EBADMSG;
    *ret_message = message;
    return 0;
}
