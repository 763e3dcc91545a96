/*
 * What goes over the wire, as plain values: data messages one way, commands the other, events and
 * status back. Encoding is instrument/protocol.h; the meaning of each field is docs/protocol.md.
 */
#ifndef INSTRUMENT_MESSAGE_H
#define INSTRUMENT_MESSAGE_H

#include "instrument/action.h"
#include "instrument/scan.h"

enum data_type { DATA_SCAN_BEGIN, DATA_LINE, DATA_SCAN_END, DATA_GAP, DATA_NOTE, DATA_TYPE_COUNT };

enum scan_end_reason {
    SCAN_END_COMPLETE,
    SCAN_END_STOPPED,
    SCAN_END_RESTARTED,
    SCAN_END_FAULT,
    SCAN_END_REASON_COUNT
};

enum { SESSION_ID_MAX = 17, MESSAGE_TEXT_MAX = 200 };

/* One message of the line stream. `line` carries seq, scan and times for every type. */
struct data_message {
    enum data_type type;
    char session[SESSION_ID_MAX];  /* 16 hex digits, random per start of the instrument end */
    struct scan_line line;         /* DATA_LINE: all of it; else samples NULL, points 0 */
    struct scan_geometry geometry; /* DATA_SCAN_BEGIN */
    bool simulated;
    enum scan_end_reason end_reason; /* DATA_SCAN_END */
    uint64_t from_seq, to_seq;       /* DATA_GAP: dropped; only a resend may still bring them */
    char text[MESSAGE_TEXT_MAX];     /* DATA_NOTE: text; DATA_SCAN_END: result file or "" */
};

enum command_verb {
    COMMAND_ACTION,     /* changes the tip or the frame: struct action; expires, at most once */
    COMMAND_SCAN_START, /* changing, too */
    COMMAND_SCAN_STOP,
    COMMAND_ABORT,        /* ends the running action, outputs restored; overtakes */
    COMMAND_SAFE_RETRACT, /* abort, then tip withdrawn, scan stopped; overtakes */
    COMMAND_FENCE,        /* from now on only this epoch and later; overtakes */
    COMMAND_RESEND,       /* data messages from_seq..to_seq once more, flagged late */
    COMMAND_QUERY,        /* what became of command query_id? */
    COMMAND_VERB_COUNT
};

#define COMMAND_ID_FREE (UINT64_C(1) << 62)

/* Epochs beyond this are refused at both doors: no journal can hold them. */
#define COMMAND_EPOCH_MAX (UINT64_C(1) << 62)

struct command {
    enum command_verb verb;
    /*
     * Of a changing command: rises strictly over the life of the journal, never used twice. Of the
     * others, which may be repeated without harm: any number from COMMAND_ID_FREE on.
     */
    uint64_t id;
    uint64_t epoch;               /* fencing number */
    char session[SESSION_ID_MAX]; /* the instrument session that is meant */
    int64_t base_inst_host_ns;    /* last instrument host clock that the agent has seen */
    uint32_t ttl_ms;              /* not executed later than this after base, by its own clock */
    struct action action;         /* COMMAND_ACTION */
    uint64_t from_seq, to_seq;    /* COMMAND_RESEND */
    uint64_t query_id; /* COMMAND_QUERY: answered by an event with this id, then by its own */
};

enum command_state {
    COMMAND_ACCEPTED, /* inside limits, queued */
    COMMAND_STARTED,
    COMMAND_DONE,
    COMMAND_FAILED,    /* started, then an error; outputs restored */
    COMMAND_REJECTED,  /* not executed: limits, session, epoch, state, arguments */
    COMMAND_EXPIRED,   /* not executed: too late */
    COMMAND_CANCELLED, /* ended by abort, safe_retract or a lost lease */
    COMMAND_UNKNOWN,   /* answer to a query: this session has never executed that id */
    COMMAND_STATE_COUNT
};

struct command_event {
    uint64_t id;
    enum command_state state;
    uint64_t data_seq;   /* last data message sent before this event */
    uint64_t epoch;      /* the instrument's fence now */
    int64_t t_inst_ns;   /* instrument clock */
    bool crash_detected; /* done: the action ended in an unwanted contact */
    char text[MESSAGE_TEXT_MAX];
};

/* Answer to the agent's hello, and at every (re)connection. */
struct instrument_hello {
    char session[SESSION_ID_MAX];
    char name[64]; /* "simulated microscope", "replay", ... */
    char protocol[32];
    uint32_t contact; /* rises each time this session has to look for an agent */
    uint64_t last_id; /* highest command id executed or refused in this session; 0 none */
    uint64_t epoch;
    bool simulated;
    bool gated;                  /* waits for an ack after each data message */
    int64_t host_ns;             /* instrument end's host clock, first base for ttl_ms */
    struct action_limits limits; /* the instrument's own */
};

/* The agent's answer: from now on its lease runs. */
struct agent_welcome {
    char protocol[32];
    uint32_t contact;     /* of the hello that is answered */
    char policy_hash[65]; /* SHA-256, hex, or "" */
    uint32_t lease_ms;
};

enum instrument_state {
    INSTRUMENT_IDLE,
    INSTRUMENT_SCANNING,
    INSTRUMENT_ACTING,
    INSTRUMENT_WITHDRAWN, /* safe state: tip away from the surface, no scan */
    INSTRUMENT_FAULT,
    INSTRUMENT_STATE_COUNT
};

struct instrument_status {
    char session[SESSION_ID_MAX];
    int64_t host_ns; /* instrument end's host clock, base for ttl_ms */
    int64_t t_inst_ns;
    enum instrument_state state;
    double z_m, current_a, bias_v; /* NAN: not known */
    bool feedback_on;
    uint64_t last_seq; /* last data message sent */
    uint64_t dropped;  /* data messages that found no room */
    uint64_t epoch;
    uint64_t command_id;         /* running command, 0 none */
    char text[MESSAGE_TEXT_MAX]; /* why it is in a safe state, or "" */
};

#endif
