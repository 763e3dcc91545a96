/* Judging commands. */
#include "instrument/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct command command;
    struct command_event event;
};

struct ledger {
    struct entry entries[LEDGER_ENTRIES]; /* id 0: free */
    size_t next;
    uint64_t last_id;
    uint64_t epoch;
};

struct ledger *ledger_create(void)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    if (!ledger)
        abort();
    return ledger;
}

void ledger_destroy(struct ledger *ledger)
{
    free(ledger);
}

uint64_t ledger_last_id(const struct ledger *ledger)
{
    return ledger->last_id;
}

uint64_t ledger_epoch(const struct ledger *ledger)
{
    return ledger->epoch;
}

static struct entry *find_entry(struct ledger *ledger, uint64_t id)
{
    for (size_t i = 0; i < LEDGER_ENTRIES; i++)
        if (id != 0 && ledger->entries[i].command.id == id)
            return &ledger->entries[i];
    return NULL;
}

const struct command_event *ledger_find(const struct ledger *ledger, uint64_t id)
{
    for (size_t i = 0; i < LEDGER_ENTRIES; i++)
        if (id != 0 && ledger->entries[i].command.id == id)
            return &ledger->entries[i].event;
    return NULL;
}

void ledger_note(struct ledger *ledger, const struct command_event *event)
{
    struct entry *entry = find_entry(ledger, event->id);
    if (entry)
        entry->event = *event;
}

static bool same_action(const struct action *a, const struct action *b)
{
    if (a->kind != b->kind)
        return false;
    size_t n;
    const struct action_parameter *list = action_parameters(a->kind, &n);
    for (size_t i = 0; i < n; i++)
        if (!(action_get(a, &list[i]) == action_get(b, &list[i])))
            return false;
    return true;
}

/* All that decides what happens; a repeat may carry a newer base. */
static bool same_content(const struct command *a, const struct command *b)
{
    return a->verb == b->verb && a->epoch == b->epoch && strcmp(a->session, b->session) == 0 &&
           (a->verb != COMMAND_ACTION || same_action(&a->action, &b->action));
}

static bool is_changing(enum command_verb verb)
{
    return verb == COMMAND_ACTION || verb == COMMAND_SCAN_START || verb == COMMAND_SCAN_STOP;
}

static void keep(struct ledger *ledger, const struct command *command)
{
    struct entry *entry = &ledger->entries[ledger->next];
    ledger->next = (ledger->next + 1) % LEDGER_ENTRIES;
    *entry = (struct entry){.command = *command, .event = {.id = command->id}};
    if (command->id > ledger->last_id)
        ledger->last_id = command->id;
}

static enum ledger_verdict refuse(const struct command *command, enum command_state state,
                                  const char *why, struct command_event *ret_event)
{
    *ret_event = (struct command_event){.id = command->id, .state = state};
    snprintf(ret_event->text, sizeof(ret_event->text), "%s", why);
    return LEDGER_REFUSE;
}

static void describe_limit(const struct action *action, int error,
                           const struct action_parameter *parameter,
                           const struct action_limits *limits, char *buf, size_t size)
{
    const char *kind = action_kind_name(action->kind);
    if (error == -EINVAL) {
        snprintf(buf, size, "%s: a count that is not whole, or a parameter that it has not", kind);
    } else if (!parameter) {
        snprintf(buf, size, "%s is not allowed here", kind);
    } else {
        int i = action_parameter_find(action->kind, parameter->name);
        snprintf(buf, size, "%s %s %g %s is outside %g .. %g %s", kind, parameter->name,
                 action_get(action, parameter), parameter->unit, limits->range[action->kind][i].min,
                 limits->range[action->kind][i].max, parameter->unit);
    }
}

static enum ledger_verdict judge_age(const struct command *command, const struct ledger_now *now,
                                     struct command_event *ret_event)
{
    if (command->ttl_ms == 0 || command->ttl_ms > LEDGER_TTL_MAX_MS)
        return refuse(command, COMMAND_REJECTED, "ttl_ms is not 1 .. 60000", ret_event);
    if (command->base_inst_host_ns < 0 || command->base_inst_host_ns > now->host_ns)
        return refuse(command, COMMAND_REJECTED, "base_host_ns is no past moment of this clock",
                      ret_event);
    if (now->host_ns - command->base_inst_host_ns > (int64_t)command->ttl_ms * 1000000)
        return refuse(command, COMMAND_EXPIRED, "too late", ret_event);
    return LEDGER_RUN;
}

static enum ledger_verdict judge_change(struct ledger *ledger, const struct command *command,
                                        const struct ledger_now *now,
                                        struct command_event *ret_event)
{
    if (command->epoch < ledger->epoch)
        return refuse(command, COMMAND_REJECTED, "an epoch before the fence", ret_event);
    if (!now->leased)
        return refuse(command, COMMAND_REJECTED, "no lease", ret_event);
    if (judge_age(command, now, ret_event) != LEDGER_RUN)
        return LEDGER_REFUSE;
    if (now->acting)
        return refuse(command, COMMAND_REJECTED, "busy", ret_event);
    if (command->verb == COMMAND_ACTION) {
        const struct action_parameter *parameter;
        int error = action_check(&command->action, now->limits, &parameter);
        char why[MESSAGE_TEXT_MAX];
        if (error != 0) {
            describe_limit(&command->action, error, parameter, now->limits, why, sizeof(why));
            return refuse(command, COMMAND_REJECTED, why, ret_event);
        }
    }
    ledger->epoch = command->epoch;
    return LEDGER_RUN;
}

static enum ledger_verdict judge_new(struct ledger *ledger, const struct command *command,
                                     const struct ledger_now *now, struct command_event *ret_event)
{
    if (is_changing(command->verb))
        return judge_change(ledger, command, now, ret_event);
    if (command->verb == COMMAND_FENCE) {
        if (command->epoch < ledger->epoch)
            return refuse(command, COMMAND_REJECTED, "an epoch before the fence", ret_event);
        ledger->epoch = command->epoch;
    }
    return LEDGER_RUN;
}

enum ledger_verdict ledger_judge(struct ledger *ledger, const struct command *command,
                                 const struct ledger_now *now, struct command_event *ret_event)
{
    if (strcmp(command->session, now->session) != 0)
        return refuse(command, COMMAND_REJECTED, "meant for another session", ret_event);
    /* Harmless when done twice, so nothing is remembered of them and their ids have no order. */
    if (!is_changing(command->verb))
        return judge_new(ledger, command, now, ret_event);
    struct entry *entry = find_entry(ledger, command->id);
    if (entry && !same_content(&entry->command, command))
        return refuse(command, COMMAND_REJECTED, "this id had another content", ret_event);
    if (entry) {
        *ret_event = entry->event;
        return LEDGER_REPEAT;
    }
    if (command->id <= ledger->last_id)
        return refuse(command, COMMAND_REJECTED, "an id below the last one", ret_event);
    keep(ledger, command);
    enum ledger_verdict verdict = judge_new(ledger, command, now, ret_event);
    if (verdict == LEDGER_REFUSE)
        ledger_note(ledger, ret_event);
    return verdict;
}
