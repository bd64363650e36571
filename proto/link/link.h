#ifndef PROTO_LINK_LINK_H
#define PROTO_LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "proto/codec.h"

struct link_key;
struct loop;

/* Messages over ZeroMQ with CURVE. The router has a server socket a role, peers one client socket
 * each. Sockets keep nothing that matters: accepted is not delivered, the spool and the outbox are
 * the queues. Nothing here logs; events tell the process's shell. */

/* One ZeroMQ context, and in the router its gate: the ZAP handler that lets keys of the allow-list in.
 * Make it after signals are blocked, never before a fork. */
struct link_context;

/* Who sent a message: what its key says, and the connection that answers go to. */
struct link_peer {
    uint32_t connection; /* unique while the server lives; a reconnecting peer gets another */
    enum message_role role;
    const char *name; /* borrowed during the call */
};

enum link_refusal_reason {
    LINK_UNKNOWN_KEY,
    LINK_WRONG_ROLE, /* the key is known, but belongs to another socket */
    LINK_REVOKED,    /* a live connection whose key left the list */
    LINK_NOT_CURVE,
    LINK_BAD_FRAMES, /* count or size of a message's frames */
    LINK_CHOSEN_ID,  /* the peer set its own routing id */
    LINK_BAD_LIST,   /* the allow-list can't be read; the last good one stays */
};

struct link_refusal {
    enum link_refusal_reason reason;
    const char *who;     /* "role:name" or "" when unknown */
    const char *key;     /* first 8 characters of the z85 key: enough to find it; or "" */
    const char *address; /* of the peer, or "" */
    const char *detail;  /* one sentence */
    uint64_t suppressed; /* alike ones not told since the last */
};

/* Told of peers turned away: at most one a second of each reason.
 * Shape:  refusal and its texts are borrowed during the call. */
typedef void (*link_refused_fn)(void *ctx, const struct link_refusal *refusal);

/* Make a context without a gate (peers) or with one (router), and end it.
 * Shape:  allow_path: file of "role name z85key" lines, read again within a second of a change.
 * Units:  none.
 * Owns:   the caller frees after every socket of it; NULL is fine, returns NULL. loop outlives it.
 * Errors: TC_ECONFIG unusable allow-list, TC_EIO.
 * Source: proto/PROTOCOL.md "Keys"; RFC 27/ZAP. */
int link_context_new(struct loop *loop, struct link_context **ret_context, struct err *err);
int link_context_new_gate(struct loop *loop, const char *allow_path, link_refused_fn refused,
                          void *ctx, struct link_context **ret_context, struct err *err);
struct link_context *link_context_free(struct link_context *context);

/* --- Server ---------------------------------------------------------------------------------- */

struct link_server;

/* A message of a peer that the list allows now.
 * Shape:  peer and LIMIT_FRAMES frames are borrowed during the call. */
typedef void (*link_server_fn)(void *ctx, const struct link_peer *peer, const struct frame *frames);

/* Bind one role's socket and prove that a throw-away key can't get in.
 * Shape:  endpoint "tcp://…" or "ipc://…"; context has a gate.
 * Units:  none.
 * Owns:   key is copied; the caller frees with link_server_free (NULL fine, returns NULL).
 * Errors: TC_ECONFIG endpoint unusable or in use, TC_EPERM the throw-away key was let in.
 * Source: proto/PROTOCOL.md "Connection". */
int link_server_new(struct link_context *context, enum message_role role, const char *endpoint,
                    const struct link_key *key, struct link_server **ret_server, struct err *err);
void link_server_on_message(struct link_server *server, link_server_fn fn, void *ctx);
struct link_server *link_server_free(struct link_server *server);

/* The address really bound ("tcp://127.0.0.1:40123" for port "*"). Trivial. */
const char *link_server_endpoint(const struct link_server *server);

/* Send to a connection, without waiting.
 * Shape:  frames laid out by frames_set.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EAGAIN the peer takes no more now, TC_ECLOSED it is gone, TC_ERANGE over the limits,
 *         TC_EIO.
 * Source: proto/PROTOCOL.md "Connection". */
int link_server_send(struct link_server *server, uint32_t connection, const struct frames *frames);

/* --- Client ---------------------------------------------------------------------------------- */

struct link_client;

enum link_state {
    LINK_DOWN,      /* nobody there, or the connection broke */
    LINK_UP,        /* handshake done: say hello */
    LINK_REFUSED,   /* the router does not let this key in */
    LINK_WRONG_KEY, /* whoever answers has another key than the configured one, or is no router */
};

/* Told of each change of state once, with a sentence.
 * Shape:  detail is borrowed during the call. */
typedef void (*link_state_fn)(void *ctx, enum link_state state, const char *detail);

/* A message of the router.
 * Shape:  LIMIT_FRAMES frames, borrowed during the call. */
typedef void (*link_client_fn)(void *ctx, const struct frame *frames);

/* What a client needs and calls; copied but for what the pointers mean. */
struct link_client_options {
    const char *endpoint;
    const struct link_key *key;
    const char *server_key; /* z85 */
    link_client_fn on_message;
    link_state_fn on_state;
    void *ctx;
};

/* Connect, and keep connecting (0.2 s to 30 s apart).
 * Shape:  calls back from the loop only; both functions may free the client.
 * Units:  none.
 * Owns:   the caller frees with link_client_free (NULL fine, returns NULL).
 * Errors: TC_ECONFIG endpoint or key unusable.
 * Source: proto/PROTOCOL.md "Connection". */
int link_client_new(struct link_context *context, const struct link_client_options *options,
                    struct link_client **ret_client, struct err *err);
struct link_client *link_client_free(struct link_client *client);

/* Send to the router, without waiting.
 * Shape:  frames laid out by frames_set.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EAGAIN not connected, or takes no more now; TC_ERANGE over the limits; TC_EIO.
 * Source: proto/PROTOCOL.md "Connection". */
int link_client_send(struct link_client *client, const struct frames *frames);

#endif
