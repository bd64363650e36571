#ifndef MONITORS_CHECK_H
#define MONITORS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "proto/checks.h"

struct clock;
struct config;
struct json_value;
struct sql_pool;

/* A built-in check is one entry of check_kinds: a name, a sentence, and a function that looks at one
 * thing and says in one clear sentence whether it is well. What its params may be is proto/checks.c's. */

enum {
    CHECK_METRICS_MAX = 16,
    CHECK_REQUEST_BYTES = 160 * 1024, /* one request, as a line or as the whole input */
    CHECK_EXAMPLES_MAX = 2,
};

/* What lives as long as the process. */
struct check_host {
    const struct config *config; /* borrowed; NULL: there is none, problem says why */
    const char *problem;         /* borrowed; NULL when config is there */
    const struct clock *clock;   /* borrowed; real time, never that of a demonstration */
    struct sql_pool *sql;        /* borrowed: connections kept between requests */
};

struct check_request {
    const struct json_value *params; /* valid by the kind's rules; borrowed */
    int64_t limit_ms;                /* real; ends before the runner's own limit */
    int64_t now_utc_ms;
};

struct check_metric {
    const char *name; /* static */
    double value;
};

/* What a check says. Until it says something it is not ok. */
struct check_result {
    bool is_ok;
    bool is_failed;     /* check_fail was called: no later check_ok changes that */
    struct buf message; /* owned */
    struct check_metric metrics[CHECK_METRICS_MAX];
    size_t metric_count;
};

struct check_ops {
    enum checks_kind kind;
    const char *name; /* as in checkName */
    const char *doc;  /* one sentence for the manual */
    bool needs_config;
    const struct check_example {
        const char *doc;
        const char *params; /* JSON, valid by the rules */
    } examples[CHECK_EXAMPLES_MAX];
    void (*run)(const struct check_host *host, const struct check_request *request,
                struct check_result *result);
};

/* All kinds, ended by one without a name.
 * Trivial. */
extern const struct check_ops *const check_kinds[];

/* The kind of that name, or NULL.
 * Trivial. */
const struct check_ops *check_find(const char *name);

/* Make and release an empty result.
 * Trivial. */
void check_result_init(struct check_result *result);
void check_result_freep(struct check_result *result);

/* Say that all is well, or what is not: the thing, what it is, what it should be. A second failure
 * is joined to the first.
 * Shape:  printf-like, no line end.
 * Units:  none.
 * Owns:   copies.
 * Errors: none; what passes the limit of a message is dropped. */
void check_ok(struct check_result *result, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_fail(struct check_result *result, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Add a number under a static name; one that is not finite is left out.
 * Trivial. */
void check_metric(struct check_result *result, const char *name, double value);

/* Answer one request: parse, validate, run, write. Whatever comes in, an answer goes out.
 * Shape:  ops NULL: the request's "kind" decides, else a "kind" must be the same; appends one JSON
 *         object {isOk, message, metrics} without a line end.
 * Units:  none.
 * Owns:   nothing retained but connections in host->sql.
 * Errors: none; they are answers. */
void check_answer(const struct check_host *host, const struct check_ops *ops, const char *text,
                  size_t size, struct buf *out);

/* The manual of a kind: its sentence, its params from their rules, its examples.
 * Shape:  appends text.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: none but out's. */
void check_describe(const struct check_ops *ops, struct buf *out);

#endif
