#ifndef WEB_GATE_H
#define WEB_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct config;
struct http_request;
struct store;

/* Who asks, and what they may: bearer tokens, and sessions begun with one. */
struct gate;

/* What a route or an action asks of the asker; 0 is nothing that may stand in a table. */
enum access {
    ACCESS_UNSET,
    ACCESS_LINK, /* anybody: the address itself is the proof, and a session counts for nothing */
    ACCESS_OPEN, /* anybody who can connect */
    ACCESS_VIEWER,
    ACCESS_OPERATOR,
    ACCESS_ADMIN,
};

enum {
    GATE_SESSIONS = 128,
    GATE_NAME_BYTES = 256,
    GATE_SECRET_BYTES = 64 + 1, /* a session or token as text */
};

struct who {
    enum access access; /* what they may at most; ACCESS_OPEN: unknown */
    uint32_t token_id;
    bool is_session;
    char name[GATE_NAME_BYTES];
};

/* Made with the process, freed with it (sessions are wiped). Trivial. */
struct gate *gate_new(const struct config *config);
struct gate *gate_free(struct gate *gate);

/* Whether the request was meant for this server (Host): against DNS rebinding.
 * Trivial. */
bool gate_is_for_us(const struct gate *gate, const struct http_request *request);

/* Whether it comes from no page or from one of this server (Origin): against pages that use a session
 * they do not have.
 * Trivial. */
bool gate_is_from_us(const struct http_request *request);

/* Who asks, by Authorization or cookie; looked up for every request, so that a removed token is
 * worth nothing at once.
 * Shape:  ret_who->access ACCESS_OPEN: nobody known.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: as store_read. */
int gate_identify(struct gate *gate, struct store *store, const struct http_request *request,
                  int64_t now_utc_ms, struct who *ret_who, struct err *err);

/* Begin a session with a token that is good; end the one of a request.
 * Shape:  ret_session has GATE_SECRET_BYTES.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: TC_EPERM the token is unknown or over; as store_read. */
int gate_login(struct gate *gate, struct store *store, const char *token, int64_t now_utc_ms,
               char *ret_session, struct err *err);
void gate_logout(struct gate *gate, const struct http_request *request);

/* A new token's text and its hash in hexadecimal; both arrays have GATE_SECRET_BYTES.
 * Trivial. */
void gate_make_token(char *ret_token, char *ret_hash);

/* The role's word in rows ("viewer"), and back; ACCESS_UNSET for anything else. Trivial. */
const char *gate_role_name(enum access access);
enum access gate_role_parse(const char *name);

#endif
