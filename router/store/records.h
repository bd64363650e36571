#ifndef ROUTER_STORE_RECORDS_H
#define ROUTER_STORE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/core/types.h"

/* Rows beside the pipeline itself: the audit chain, commands, tokens, the lease, notices of change.
 * The rules of router/store/rows.h hold for them too. */

struct store_blob {
    const void *p; /* NULL is SQL NULL */
    size_t size;
};

/* A row of AuditLog, of Checkpoints, of AuditNames (the erasable side table). */
struct store_audit {
    uint64_t seq;
    uint32_t format;
    int64_t at_utc_ms;
    const char *kind;
    uint32_t monitor_id; /* 0: of none */
    struct store_blob bytes;
    struct store_blob hash;
};
struct store_checkpoint {
    uint64_t seq;
    int64_t at_utc_ms;
    struct store_blob hash;
    struct store_blob signature;
};
struct store_name {
    const char *hash; /* hex, as it stands in the bytes */
    const char *name;
};

/* Exactly once: a command's request id with what was answered. */
struct store_command {
    const char *request_id;
    int64_t at_utc_ms;
    const char *reply; /* JSON */
};

/* A row of ApiTokens. */
struct store_token {
    uint32_t id;
    const char *name;
    struct store_blob hash; /* SHA-256 of the token */
    const char *role;
    int64_t created_utc_ms;
    int64_t expires_utc_ms;
};

/* The lease that every commit renews, if the batch carries one (guarantee G15). */
struct store_lease {
    uint32_t shard;
    uint64_t token; /* what it must be */
    const char *holder;
    int64_t expires_utc_ms;
};

/* A notice in Changes: somebody else changed a row. */
struct store_change {
    uint64_t seq;
    const char *table; /* "Monitors" or "CronJobs" */
    uint64_t row_id;
    uint32_t monitor_id; /* the monitor it touches; 0: none */
};

/* One row to remove or to find, with the version it must have (0 where the table has none). */
struct store_key {
    uint64_t id;
    uint64_t version;
};

/* What retention looks at of a row of MonitorRuns, Notifications or Incidents (docs/spec.md 3.5). */
struct store_aged {
    uint64_t id;
    uint64_t incident_id;  /* of a notification; 0: of none */
    int64_t born_utc_ms;   /* ascends with id, unless a clock was wrong */
    int64_t ended_utc_ms;  /* its age counts from here; CORE_NEVER: it can't be told */
    int64_t closed_utc_ms; /* when a notification's incident ended; CORE_NEVER: of none */
    bool is_kept;          /* not finished, or ids and readers need it */
};

/* The highest ids in use (0: none), where the router goes on counting. */
struct store_ids {
    uint64_t monitor;
    uint64_t cron;
    uint64_t run;
    uint64_t incident;
    uint64_t notification;
    uint64_t runner;
    uint64_t spool_rank;
    uint64_t audit;
    uint64_t token;
};

/* How many of something there are. */
struct store_count {
    const char *name;
    uint64_t count;
};

#endif
