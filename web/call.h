#ifndef WEB_CALL_H
#define WEB_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "router/store/store.h"
#include "web/gate.h"
#include "web/url.h"

struct config;
struct events;
struct http_request;
struct loop;
struct router_client;

/* What every handler of a request works with, and how it answers. */

/* What became of links to acknowledge. */
enum ack_count {
    ACK_SHOWN,  /* the form */
    ACK_DONE,   /* acknowledged */
    ACK_LATE,   /* expired, over, or somebody was first */
    ACK_FORGED, /* not signed by us, or not for anybody who was told */
    ACK_FAILED, /* the router or the database did not answer */
    ACK_COUNTS,
};

struct web {
    struct loop *loop;            /* borrowed */
    const struct config *config;  /* borrowed */
    struct router_client *router; /* owned */
    struct events *events;        /* owned */
    struct gate *gate;            /* owned */
    struct store *store;          /* owned; NULL while it can't be opened */
    int64_t store_tried_us;
    char store_problem[ERR_TEXT_MAX]; /* why not */
    uint64_t ack_counts[ACK_COUNTS];
};

enum {
    CALL_ANSWER_BYTES = 32 * 1024 * 1024,
    CALL_LIMIT = 100, /* rows of a list, unless asked for otherwise */
    CALL_LIMIT_MAX = 1000,
};

struct call {
    struct web *web;              /* borrowed */
    struct http_request *request; /* borrowed */
    struct url_path path;
    struct url_query query;
    struct who who;
    struct buf out;    /* the answer's body */
    struct json_enc e; /* writes to out */
    bool is_secret;    /* the page's address is (struct http_answer) */
    bool is_answered;
    bool is_kept; /* the handler frees the call, later */
};

/* Made for one request, freed after its answer. Trivial. */
struct call *call_new(struct web *web, struct http_request *request);
struct call *call_free(struct call *call);

/* Answer with what stands in out; as JSON with a status; with a problem.
 * Shape:  once a call. pointer may be NULL.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void call_send(struct call *call, int status, const char *type);
void call_json(struct call *call, int status);
void call_problem(struct call *call, int status, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The reader's handle, opened anew when needed.
 * Shape:  NULL: answered with 503 already.
 * Units:  none.
 * Owns:   borrowed.
 * Errors: as an answer. */
struct store *call_store(struct call *call);

/* The same without a call, for health and metrics; NULL with web->store_problem set. Trivial. */
struct store *web_store(struct web *web);

/* Read rows; false: answered with a problem already. A row function that ends the reading on purpose
 * returns CALL_ENOUGH.
 * Trivial. */
enum {
    CALL_ENOUGH = 1,
};
bool call_read(struct call *call, enum store_view view, const struct store_filter *filter,
               store_row_fn fn, void *ctx);

/* Refuse query parameters but those of a NULL-terminated list; false: answered already.
 * Trivial. */
bool call_allows(struct call *call, const char *const *names);

/* The parameters that every list has; false: answered already.
 * Trivial. */
bool call_page(struct call *call, uint32_t *ret_limit, uint64_t *ret_cursor);

/* The id of the monitor that text names by id, uuid or unique name; false: answered already.
 * Trivial. */
bool call_monitor(struct call *call, const char *text, const char *pointer, uint32_t *ret_id);

#endif
