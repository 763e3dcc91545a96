/*
 * Messages to bytes and back; no I/O, no state. The wire itself is described in docs/protocol.md.
 *
 * Decoders take bytes from anybody: sizes are capped, every field is checked, duplicates and
 * unknown words are refused, unknown fields ignored. On failure they answer -EBADMSG, write one
 * sentence to `error` and leave the result untouched.
 */
#ifndef INSTRUMENT_PROTOCOL_H
#define INSTRUMENT_PROTOCOL_H

#include "instrument/message.h"

#include <stddef.h>

#define PROTOCOL_DATA "tipwright.data/1.0"
#define PROTOCOL_CONTROL "tipwright.control/1.0"
#define PROTOCOL_CONTROL_TAG "TWC1" /* frame 0 of every control message */
#define PROTOCOL_ROUTING_ID "instrument"

enum {
    PROTOCOL_HEADER_MAX = 16 * 1024,
    PROTOCOL_CONTROL_MAX = 64 * 1024,
    PROTOCOL_SAMPLES_MAX = SCAN_POINTS_MAX * 8,
    PROTOCOL_ERROR_MAX = 200,
    PROTOCOL_LEASE_MIN_MS = 150,
    PROTOCOL_LEASE_MAX_MS = 10000,
    PROTOCOL_STATUS_MS = 500,
};

/* The two frames of a data message. */
struct protocol_frames {
    char *header;
    size_t header_size;
    unsigned char *samples;
    size_t samples_size;
};

/* Exact converter counts instead of `message->line.samples`: SI = raw * scale + offset. */
struct protocol_counts {
    const int32_t *raw; /* line.points of them */
    double scale, offset;
};

/* `counts` NULL: samples travel as doubles. 0, or -EINVAL. Free with protocol_frames_finish(). */
int protocol_encode_data(const struct data_message *message, const struct protocol_counts *counts,
                         struct protocol_frames *ret_frames);
void protocol_frames_finish(struct protocol_frames *frames);

/*
 * `samples` has room for SCAN_POINTS_MAX values; ret_message->line.samples points there. Flags
 * SCAN_LINE_NOT_FINITE and SCAN_LINE_RAILED are set from the samples as well as from the sender's
 * word: int32 counts at 0x7fff0000 (top of the preamp range, observed), INT32_MAX or INT32_MIN.
 */
int protocol_decode_data(const struct protocol_frames *frames, double *samples,
                         struct data_message *ret_message, char *error, size_t error_size);

enum control_type {
    CONTROL_HELLO,   /* instrument: who I am */
    CONTROL_WELCOME, /* agent: accepted, the lease runs */
    CONTROL_REFUSED, /* agent: not accepted, and why */
    CONTROL_WHO,     /* agent: I do not know you, say hello */
    CONTROL_PING,    /* agent: renews the lease; answered by a status */
    CONTROL_ACK,     /* agent to a gated instrument */
    CONTROL_COMMAND, /* agent */
    CONTROL_EVENT,   /* instrument */
    CONTROL_STATUS,  /* instrument */
    CONTROL_TYPE_COUNT
};

struct control_ack {
    bool of_event;   /* an event number, not a data sequence number */
    uint64_t number; /* all up to this one have been handled */
};

struct control_event {
    uint64_t number; /* rises by one per event of a session, from 1 */
    char session[SESSION_ID_MAX];
    struct command_event event;
};

struct control_message {
    enum control_type type;
    union {
        struct instrument_hello hello;
        struct agent_welcome welcome;
        char text[MESSAGE_TEXT_MAX];  /* CONTROL_REFUSED */
        char session[SESSION_ID_MAX]; /* CONTROL_PING: whose lease is renewed */
        struct control_ack ack;
        struct command command;
        struct control_event event;
        struct instrument_status status;
    };
};

/* The JSON of frame 1. Free with free(). */
int protocol_encode_control(const struct control_message *message, char **ret_json,
                            size_t *ret_size);
int protocol_decode_control(const void *json, size_t size, struct control_message *ret_message,
                            char *error, size_t error_size);

/* The id of a command that may be unreadable otherwise, so that it can be refused; 0: none. */
uint64_t protocol_command_id(const void *json, size_t size);

/* True when `protocol` ("tipwright.control/1.7") has the same name and major number as `ours`. */
bool protocol_compatible(const char *protocol, const char *ours);

/* "accepted", ... Borrowed. */
const char *command_state_name(enum command_state state);
const char *instrument_state_name(enum instrument_state state);

#endif
