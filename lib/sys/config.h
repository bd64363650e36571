#ifndef LIB_SYS_CONFIG_H
#define LIB_SYS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct buf;
struct json_value;
struct rule;

/* The configuration of one host, read from one YAML file and the environment, valid as a whole or
 * refused. Immutable. Every text is valid until config_free; every path is absolute; durations are
 * ms. What each key means and its default stands in config_rules.c, nowhere else. */

/* A list of texts. */
struct config_list {
    const char *const *items;
    size_t count;
};

struct config {
    const char *file; /* absolute path of the file read */
    const char *dir;  /* its directory: `file:` secrets are relative to it */
    const char *state_dir;
    bool is_demo;
    int64_t demo_since_utc_ms; /* INT64_MIN when not set */

    struct {
        const char *level;  /* error, warn, info, debug */
        const char *format; /* auto, text, json, journal */
    } log;
    struct {
        const char *dir;  /* CURVE keys of this host and the public keys of its peers */
        const char *link; /* secret reference: signs links to acknowledge; NULL: none */
    } keys;
    struct {
        const char *url;      /* "sqlite:/absolute/path" or "mysql://user@host:port/name" */
        const char *password; /* secret reference or NULL */
        const char *socket;   /* of a server on this host, instead of TCP, or NULL */
        const char *ca;       /* CA file for TLS to the server, or NULL */
        bool is_tls_required;
        bool is_network_file_allowed;
        const char *group;    /* that may read the SQLite file, or NULL */
        const char *web_user; /* account of the web process with reading rights only, or NULL */
        const char *web_password;
        const char *migrate_user; /* account that may make tables, or NULL */
        const char *migrate_password;
    } store;
    struct {
        const char *runners; /* addresses to listen on */
        const char *notifiers;
        const char *web;
        struct config_list default_recipients;
        int64_t lease_ms;
        int64_t runner_dead_ms;
        int64_t grace_ms;          /* added to every deadline */
        int64_t retry_for_ms;      /* a delivery is given up after this */
        int64_t keep_runs_ms;      /* history of runs; 0: for ever */
        int64_t keep_incidents_ms; /* ended incidents, finished notifications; 0: for ever */
        const char *audit_key; /* secret reference: signs checkpoints; NULL: keys.dir/audit.pem */
    } router;
    struct {
        const char *name;                 /* NULL: this host is no runner */
        const struct json_value *labels;  /* object of strings, or NULL */
        const char *router;               /* address to connect to */
        struct config_list checks;        /* directories */
        struct config_list php;           /* directories of php: checks */
        struct config_list plugins;       /* directories of nagios: plugins */
        struct config_list allow;         /* patterns of check names */
        struct config_list roots;         /* directories that disk and file may look below */
        const struct json_value *sources; /* map, or NULL; the sql check's own rules */
        const char *user;                 /* checks run as this user; NULL: as the runner */
        int64_t concurrency;
        int64_t workers; /* warm processes for built-in checks */
        int64_t spool_bytes;
        int64_t spool_keep_ms;
        int64_t splay_ms;
        int64_t memory_bytes;             /* address space of a check; 0: unlimited */
        struct config_list alone_command; /* run when no router answers; empty: none */
        int64_t alone_after_ms;
    } runner;
    struct {
        const char *router;     /* address to connect to */
        int64_t timeout_ms;     /* one call of a provider */
        int64_t link_expiry_ms; /* of a link to acknowledge, from the decision on */
    } notifier;
    struct {
        const char *listen; /* "host:port" */
        const char *public_url;
        const char *router;       /* address to connect to */
        const char *tls_cert;     /* files; NULL: plain HTTP */
        const char *tls_key;      /* secret reference */
        struct config_list hosts; /* names accepted in Host, besides public_url's */
        int64_t session_ms;
        int64_t connections;
    } web;

    struct config_data *data; /* owned */
};

/* A part of the file that belongs to another module: it brings the rules of it. */
struct config_section {
    const char *path; /* "channels.email", "channels.email.targets", "runner.sources" */
    bool is_map;      /* each member of the value is checked by rules, under any name */
    const struct rule *rules;
    int (*check)(const struct json_value *value, const struct config *config, struct err *err);
};

/* Read, complete, validate.
 * Shape:  path NULL: TOCSIN_CONFIG, else /etc/tocsin/tocsin.yaml. environ_list is "NAME=value"
 *         strings, NULL-terminated; sections end with a NULL path, NULL: none.
 * Units:  none.
 * Owns:   the caller frees with config_free (NULL is fine; returns NULL).
 * Errors: TC_ECONFIG with "file:line: path: cause", or "environment: VARIABLE: path: cause"; TC_ENOENT,
 *         TC_EPERM. */
int config_load(const char *path, const char *const *environ_list,
                const struct config_section *sections, struct config **ret_config, struct err *err);
struct config *config_free(struct config *config);
void config_freep(struct config **config);

/* Say where in the file something stands that a program could not use.
 * Shape:  err holds "path: cause"; it becomes "file:line: path: cause", or "environment: VARIABLE: path:
 *         cause", and TC_ECONFIG.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECONFIG, always. */
int config_locate(const struct config *config, struct err *err);

/* The value at a dotted path of the merged configuration, or NULL: config_at(config,
 * "channels.slack").
 * Trivial. */
const struct json_value *config_at(const struct config *config, const char *path);

/* Print the merged configuration as YAML, each value with where it comes from: the file's line, an
 * environment variable or the default. Secrets are references, so nothing needs hiding.
 * Trivial. */
void config_print(const struct config *config, struct buf *out);

/* The manual of every key, from the rules.
 * Trivial. */
void config_describe(struct buf *out);

/* The rules of the whole file.
 * Trivial. */
const struct rule *config_rules(void);

#endif
