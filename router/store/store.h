#ifndef ROUTER_STORE_STORE_H
#define ROUTER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "router/store/batch.h"
#include "router/store/records.h"
#include "router/store/rows.h"

/* The database of a router behind one interface: SQLite or MariaDB for production, SQLite in memory for
 * tests and simulation (router/store/memory.h). One writer; web and cli open readers. The handle
 * blocks for at most its time-outs and is used by one thread. One on MariaDB outlives its connection:
 * while the server is away all calls give TC_EAGAIN, afterwards they work again. */
struct store;

struct store_config {
    const char
        *url; /* "sqlite:tocsin.db"; a relative path lies in dir. "mysql://user@host:port/db" */
    const char *dir; /* state_dir */
    const char *vfs; /* SQLite's name of a file layer, for fault tests; NULL: the default */
    /* MariaDB only; NULL: none. */
    const char *user;       /* another account than url names */
    const char *password;   /* secret reference (lib/sys/secret.h) */
    const char *secret_dir; /* that a file: reference is relative to */
    const char *socket;     /* of a server on this host, instead of TCP */
    const char *ca; /* certificates that the server is checked against; NULL: the system's */
    bool is_tls_required;
};

/* Open the database of a router: takes the lock (a second router is told the first one's process id),
 * refuses what is not a healthy tocsin database of this version, and never makes one.
 * Shape:  config texts outlive the call only.
 * Units:  none.
 * Owns:   the caller closes with store_close, which accepts NULL and returns NULL.
 * Errors: TC_ECONFIG url, file system or server, TC_ENOENT no database (run tocsin migrate), TC_EEXIST
 *         already running, TC_EPERM, TC_ECORRUPT, TC_EVERSION, TC_EIO, TC_ENOSPC; each with what to do.
 *         TC_EAGAIN the server is away: the same call may succeed later. */
int store_open(const struct store_config *config, struct store **ret_store, struct err *err);
struct store *store_close(struct store *store);
void store_closep(struct store **store);

/* Open for reading only, beside a router or without one.
 * Shape:  as store_open; needs read access to a file and its -wal and -shm, or to all tables of a
 *         server. store_commit asserts.
 * Units:  none.
 * Owns:   as store_open.
 * Errors: as store_open, but takes no lock. */
int store_open_reader(const struct store_config *config, struct store **ret_store, struct err *err);

/* Bring the schema up to this version, or (dry run) hand out the SQL that would do it.
 * Shape:  fn is called once a step, before it runs; sql is NULL-free text. Safe against kill -9 and a
 *         second call at the same time.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   fn borrows.
 * Errors: as store_open; TC_EVERSION a newer database or a changed step; TC_ECONFLICT tables of our
 *         names that tocsin did not make; TC_EEXIST a router is running. */
typedef void (*store_migrate_fn)(void *ctx, const char *name, const char *sql);
int store_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                  store_migrate_fn fn, void *ctx, struct err *err);

/* --- Writing --------------------------------------------------------------------------------- */

enum {
    STORE_CONFLICTS_MAX = 64,
};

/* The rows that were not as the batch expected them, the first STORE_CONFLICTS_MAX. */
struct store_conflict {
    enum store_write write;
    size_t index; /* in batch->rows[write] */
    uint64_t id;  /* of the row; 0 where it has none */
};
struct store_conflicts {
    size_t count;
    struct store_conflict items[STORE_CONFLICTS_MAX];
};

/* Write a batch in one durable transaction.
 * Shape:  an empty batch is fine and costs nothing. ret_conflicts is filled on TC_ECONFLICT too.
 * Units:  none.
 * Owns:   batch is read only.
 * Errors: TC_ECONFLICT nothing written: reload those rows, decide again. TC_EAGAIN nothing written:
 *         commit the same batch again. TC_EUNKNOWN: look up a key of it, then commit again or skip.
 *         TC_EFENCED nothing written, the lease is another's: stop. TC_ENOSPC nothing written:
 *         store_use_reserve makes room for the alarm. TC_EIO, TC_ECORRUPT: end the process, a restart
 *         reads what is really there. TC_EINVAL the schema refuses a value: nothing written, a bug. */
int store_commit(struct store *store, const struct store_batch *batch,
                 struct store_conflicts *ret_conflicts, struct err *err);

/* After TC_EUNKNOWN: whether the batch was written. A batch of nothing but rows that may be written
 * again (deliveries under way, notices) counts as not written.
 * Shape:  the batch as it was committed, nothing written since.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as store_read; TC_EAGAIN ask again, and write nothing before it is answered. */
int store_was_committed(struct store *store, const struct store_batch *batch,
                        bool *ret_was_committed, struct err *err);

/* Give up the space kept in reserve, once, so that a full disk can still be reported; it is kept
 * again after the next start with room.
 * Trivial. True when there was some. */
bool store_use_reserve(struct store *store);

/* Take the lease of a shard when it is free, expired or one's own already. One that ends later than
 * twice its length from now was taken before the clock stepped back, and counts as expired (2.5).
 * Shape:  wanted without its token; holder names this process uniquely; a new token is higher than any before.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: TC_EFENCED somebody else holds it (until when is in the text); as store_commit. */
int store_take_lease(struct store *store, const struct store_lease *wanted, int64_t now_utc_ms,
                     uint64_t *ret_token, struct err *err);

/* --- Reading --------------------------------------------------------------------------------- */

/* What can be read: the row type, the order, and the members of the filter it uses. */
enum store_view {
    STORE_MONITORS,         /* store_monitor, by id, after_id, limit */
    STORE_MONITOR,          /* store_monitor with id */
    STORE_MONITORS_NAMED,   /* store_monitor whose name or uuid is text: a name may be shared */
    STORE_CRONS,            /* store_cron, by id */
    STORE_CRONS_OF_MONITOR, /* store_cron, by id; id = monitor */
    STORE_RUNS_OF_MONITOR,  /* store_run, newest first; id = monitor, before_id, limit */
    STORE_RUN,              /* store_run with id */
    STORE_INCIDENTS,        /* store_incident, newest first; before_id, limit */
    STORE_INCIDENTS_OPEN,   /* store_incident, open, or the monitor's newest and still reopenable at
                             * since_utc_ms; by id */
    STORE_INCIDENTS_DELIVERING, /* store_incident with notifications queued or leased, by id */
    STORE_INCIDENTS_OF_MONITOR, /* store_incident, newest first; id = monitor, before_id, limit */
    STORE_INCIDENT,             /* store_incident with id */
    STORE_NOTIFICATIONS,        /* store_notification, newest first; before_id, limit */
    STORE_NOTIFICATIONS_UNFINISHED,  /* store_notification queued or leased, by id */
    STORE_NOTIFICATIONS_OF_MONITOR,  /* store_notification, newest first; id = monitor, ... */
    STORE_NOTIFICATIONS_OF_INCIDENT, /* store_notification, by id; id = incident */
    STORE_NOTIFICATIONS_WITH_STATUS, /* store_notification, newest first; text = status, ... */
    STORE_NOTIFICATION,              /* store_notification with id */
    STORE_NOTIFICATION_COUNTS,       /* store_count, one a status */
    STORE_RUNNERS,                   /* store_runner, by id */
    STORE_AUDIT,                     /* store_audit, by seq; after_id, limit */
    STORE_AUDIT_NEWEST,              /* store_audit, newest first; before_id, limit */
    STORE_AUDIT_OF_MONITOR,          /* store_audit, newest first; id = monitor, before_id, limit */
    STORE_CHECKPOINTS,               /* store_checkpoint, by seq; after_id, limit */
    STORE_NAMES,                     /* store_name with text = hash */
    STORE_COMMAND,                   /* store_command with text = request id */
    STORE_TOKENS,                    /* store_token, by id */
    STORE_TOKEN_WITH_HASH,           /* store_token with blob = hash */
    STORE_CHANGES,                   /* store_change, by seq; after_id, limit */
    STORE_RUNS_AGED,                 /* store_aged, by id; after_id, limit */
    STORE_NOTIFICATIONS_AGED,        /* store_aged, by id; after_id, limit */
    STORE_INCIDENTS_AGED,            /* store_aged, by id; after_id, limit */
    STORE_IDS,                       /* store_ids, one row */
    STORE_VIEW_COUNT_,
};

/* What a view looks at; 0 and NULL: everything. */
struct store_filter {
    uint64_t id;
    uint64_t after_id;
    uint64_t before_id;
    uint32_t limit;
    const char *text;
    struct store_blob blob;
    int64_t since_utc_ms;
};

/* Called once a row, of the type that enum store_view names; anything but TC_OK ends the reading and
 * is returned. It may not call the store. */
typedef int (*store_row_fn)(void *ctx, const void *row);

/* Read rows, one consistent statement.
 * Shape:  filter may be NULL. A row that a hand has spoilt comes with `problem` set and neutral values
 *         in its place; it never stops the others.
 * Units:  as in the rows.
 * Owns:   rows are borrowed during the call of fn.
 * Errors: TC_EAGAIN busy, TC_EIO, TC_ECORRUPT, or what fn returned. No row is no error. */
int store_read(struct store *store, enum store_view view, const struct store_filter *filter,
               store_row_fn fn, void *ctx, struct err *err);

#define STORE_FREE_UNKNOWN UINT64_MAX

/* Figures of the storage, for metrics and doctor. Trivial. */
struct store_stats {
    uint64_t file_bytes;
    uint64_t wal_bytes;
    uint64_t reserve_bytes; /* 0: used up */
    uint64_t free_bytes;    /* on its file system; STORE_FREE_UNKNOWN: the disk is a server's */
    uint32_t free_permille; /* 1000 when not known */
};

/* Read the figures. Trivial. */
int store_stats(struct store *store, struct store_stats *ret_stats, struct err *err);

#endif
