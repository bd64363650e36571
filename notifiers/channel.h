#ifndef NOTIFIERS_CHANNEL_H
#define NOTIFIERS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct json_value;
struct net_result;
struct notification;
struct rule;

/* A channel is one file with two pure functions and a line in channels.c: how a notification
 * becomes a request, and what the service's answer means. The engine does all else: sockets,
 * limits, retries, the router. A new channel never touches another file. */

/* What to send. Made by render; the engine releases it. */
enum request_kind {
    REQUEST_NOTHING, /* this service needs no word of this; counts as done */
    REQUEST_HTTP,    /* POST body to url */
    REQUEST_SMTP,    /* body, a mail, from `from` to `to` through url */
    REQUEST_FILE,    /* body into the Maildir at url */
};

enum {
    REQUEST_HEADERS_MAX = 4,
    REQUEST_PROVIDER_ID_BYTES = 256,
};

struct request {
    enum request_kind kind;
    struct buf url;                          /* may hold a secret: never logged */
    struct buf body;                         /* bytes as they go out */
    struct buf from;                         /* SMTP */
    struct buf to;                           /* SMTP */
    struct buf headers[REQUEST_HEADERS_MAX]; /* HTTP: "Name: value"; may hold a secret */
    size_t header_count;
    char *user;     /* SMTP: owned, NULL: none */
    char *password; /* SMTP: owned, with user */
    char *helo;     /* SMTP: owned, NULL: this host's name */
    char *ca_file;  /* owned, NULL: the system's */
    int tls;        /* SMTP: enum smtp_tls */
    char provider_id
        [REQUEST_PROVIDER_ID_BYTES]; /* known before the answer; "" if the answer has it */
};

/* Make empty, release.
 * Trivial. */
void request_init(struct request *request);
void request_clear(struct request *request);

/* The next header's empty buffer.
 * Trivial. */
struct buf *request_header(struct request *request);

/* What became of a request; data for the router. */
enum outcome_class {
    OUTCOME_OK,    /* the service has taken it over */
    OUTCOME_RETRY, /* the same request may succeed later */
    OUTCOME_DEAD,  /* it never will: a dead letter, and the channel is reported */
};

enum {
    OUTCOME_TEXT_BYTES = 400,
};

struct outcome {
    enum outcome_class class;
    bool is_throttle;       /* the whole destination must pause for retry_after_ms */
    bool is_ambiguous;      /* it may have arrived: the next attempt is a possible duplicate */
    int64_t retry_after_ms; /* -1: the router's own back-off */
    int code;               /* HTTP status or SMTP reply code; 0: none came */
    char reason[OUTCOME_TEXT_BYTES];             /* a sentence for the operator */
    char remote[OUTCOME_TEXT_BYTES];             /* what the service said, cut, one line */
    char provider_id[REQUEST_PROVIDER_ID_BYTES]; /* its name for the message, or "" */
};

struct channel {
    const char *name;         /* "slack"; the prefix of its targets */
    const char *doc;          /* one sentence for the manual */
    const struct rule *rules; /* of its section of the configuration */
    int64_t rate_per_minute;  /* requests to one destination */
    int64_t burst;            /* that may go at once after a pause */
    size_t concurrency;       /* requests in flight, all destinations */
    bool
        acknowledges_itself; /* people acknowledge there: its messages have no link to do it here */

    /* What rules can't say. NULL: nothing. */
    int (*check)(const struct json_value *settings, struct err *err);

    /* Notification to request. Pure. settings is the section with its secrets filled in.
     * An error is a sentence why this can never be sent: a dead letter. */
    int (*render)(const struct notification *notification, const struct json_value *settings,
                  struct request *request, struct err *err);

    /* The service's answer to outcome. Pure. outcome comes as outcome_of_net left it. */
    void (*classify)(const struct request *request, const struct net_result *answer,
                     struct outcome *outcome);
};

/* The channel of a name, or NULL.
 * Trivial. */
const struct channel *channel_find(const char *name);

/* All channels; NULL ends the list.
 * Trivial. */
const struct channel *const *channel_all(void);

#endif
