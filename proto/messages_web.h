#ifndef PROTO_MESSAGES_WEB_H
#define PROTO_MESSAGES_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages_parts.h"

/* What web and router tell each other; include proto/messages.h. */

struct message_web_hello {
    int64_t protocol;
    const char *version;
};

struct message_actor {
    const char *name;
    const char *via;     /* "session", "token", "link", "slack", "ping", ... */
    const char *address; /* NULL: none */
};

/* Sequence: the request's number, repeated by its reply. */
struct message_command {
    const char *request_id; /* the same in every copy: done once */
    struct message_actor actor;
    const char *action; /* "Monitor/Run", ... */
    struct message_json parameters;
};

struct message_problem {
    const char *title;
    const char *detail;
    const char *pointer; /* JSON pointer into parameters; NULL: none */
};

struct message_reply {
    bool is_ok;
    int64_t status; /* as of HTTP */
    struct message_json result;
    bool has_problem;
    struct message_problem problem;
};

struct message_status {
    const char *state; /* "starting", "active", "standby", "stopping" */
    bool is_store_ok;
    int64_t last_commit_at_utc_ms; /* MESSAGE_NEVER: none since start */
    struct message_json runners;   /* [{name, isConnected, lastHeardAt, spoolCount, ...}] */
    struct message_json channels;  /* [{name, isConnected, queued, credit, ...}] */
    struct message_json counts;    /* {name: number} */
};

struct message_change {
    struct message_ids monitors;
    struct message_ids incidents;
};

#endif
