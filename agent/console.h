/*
 * The operators' door: requests on a ROUTER socket, a feed on a PUB socket, the control lease, and
 * who may do what. JSON over ZeroMQ, docs/protocol.md, "Operator console". Everything that acts is
 * asked of the night (agent/night.h), which guards and records it. Loop thread only.
 */
#ifndef AGENT_CONSOLE_H
#define AGENT_CONSOLE_H

#include "agent/night.h"

struct console;

struct console_options {
    const char *request_endpoint; /* bound, ROUTER */
    const char *feed_endpoint;    /* bound, PUB */
    const struct keys *keys;      /* NULL: loopback or ipc only, and everybody is an operator */
};

/* `night` is borrowed and outlives the console. 0; -EPERM: an endpoint needs keys; -errno. */
int console_create(struct zsock_hub *hub, const struct console_options *options,
                   struct night *night, struct console **ret_console);

/* To be called with every piece of the night's news. */
void console_news(struct console *console, const struct night_news *news);

/* After night_close() has been called, so that no answer comes any more. NULL is harmless. */
void console_close(struct console *console);

#endif
