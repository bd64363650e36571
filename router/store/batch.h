#ifndef ROUTER_STORE_BATCH_H
#define ROUTER_STORE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "router/store/records.h"
#include "router/store/rows.h"

/* All that one commit writes, as data: the caller collects rows, a backend writes them in one
 * transaction, all or nothing, in the order of enum store_write. A batch may be committed again after
 * TC_EAGAIN, or dropped; it does not change by being committed. */
enum store_write {
    STORE_LEASE_RENEW,       /* struct store_lease; otherwise TC_EFENCED */
    STORE_COMMAND_ADD,       /* struct store_command; a known request id is a conflict */
    STORE_MONITOR_ADD,       /* struct store_monitor, all but read only members */
    STORE_MONITOR_CONFIGURE, /* struct store_monitor: isActive and what a person configures */
    STORE_MONITOR_DECIDE,    /* struct store_monitor: core and what the router notes */
    STORE_MONITOR_SEEN,      /* struct store_seen */
    STORE_CRON_ADD,          /* struct store_cron */
    STORE_CRON_CONFIGURE,    /* struct store_cron */
    STORE_CRON_REMOVE,       /* struct store_key */
    STORE_RUNNER_ADD,        /* struct store_runner */
    STORE_RUNNER_SET,        /* struct store_runner: all but where it stands */
    STORE_CURSOR_SET,        /* struct store_cursor */
    STORE_RUN_ADD,           /* struct store_run */
    STORE_INCIDENT_ADD,      /* struct store_incident */
    STORE_INCIDENT_SET,      /* struct store_incident */
    STORE_NOTIFICATION_ADD,  /* struct store_notification */
    STORE_NOTIFICATION_SET,  /* struct store_notification: status and what follows it */
    STORE_MONITOR_REMOVE,    /* struct store_key; runs, incidents and notifications stay */
    STORE_AUDIT_ADD,         /* struct store_audit */
    STORE_NAME_ADD,          /* struct store_name; one already there is left as it is */
    STORE_CHECKPOINT_ADD,    /* struct store_checkpoint */
    STORE_TOKEN_ADD,         /* struct store_token */
    STORE_TOKEN_REMOVE,      /* struct store_key */
    STORE_CHANGES_DONE,      /* struct store_key: this notice has been acted on */

    /* Retention: struct store_key; a row that is not, or no longer, to be removed stays. */
    STORE_RUN_REMOVE,
    STORE_NOTIFICATION_REMOVE, /* a finished one */
    STORE_INCIDENT_REMOVE,     /* one that ended, without notifications */
    STORE_WRITE_COUNT_,
};

/* Monitors and CronJobs are written by compare-and-set: `version` is what the caller read, the row
 * then has version + 1 (1 after an ADD). A row of its own kind may occur once a batch, and a monitor
 * in one of CONFIGURE, DECIDE, SEEN, REMOVE only, but CONFIGURE and DECIDE of one monitor may stand
 * together: DECIDE then expects version + 1. */
struct store_rows {
    void *p; /* owned: count structs of the kind's type, texts in the batch's memory */
    size_t count;
    size_t cap;
};

struct store_memory_block;

struct store_batch {
    struct store_rows rows[STORE_WRITE_COUNT_];
    struct store_memory_block *memory; /* owned: texts and blobs */
};

/* Start, empty and release a batch; emptying keeps the room it has.
 * Trivial. */
void store_batch_init(struct store_batch *batch);
void store_batch_reset(struct store_batch *batch);
void store_batch_free(struct store_batch *batch);

/* Add one row; prefer the typed functions below.
 * Shape:  row is of the type that enum store_write names.
 * Units:  none.
 * Owns:   copies the row with its texts and blobs.
 * Errors: none. */
void store_batch_add(struct store_batch *batch, enum store_write write, const void *row);

/* How many rows of all kinds it holds. Trivial. */
size_t store_batch_count(const struct store_batch *batch);

#define STORE_BATCH_FUNCTION(name, write, type)                                       \
    static inline void store_batch_##name(struct store_batch *batch, const type *row) \
    {                                                                                 \
        store_batch_add(batch, write, row);                                           \
    }

/* store_batch_lease_renew(batch, &row) and so on: one for each kind. Trivial. */
STORE_BATCH_FUNCTION(lease_renew, STORE_LEASE_RENEW, struct store_lease)
STORE_BATCH_FUNCTION(command_add, STORE_COMMAND_ADD, struct store_command)
STORE_BATCH_FUNCTION(monitor_add, STORE_MONITOR_ADD, struct store_monitor)
STORE_BATCH_FUNCTION(monitor_configure, STORE_MONITOR_CONFIGURE, struct store_monitor)
STORE_BATCH_FUNCTION(monitor_decide, STORE_MONITOR_DECIDE, struct store_monitor)
STORE_BATCH_FUNCTION(monitor_seen, STORE_MONITOR_SEEN, struct store_seen)
STORE_BATCH_FUNCTION(monitor_remove, STORE_MONITOR_REMOVE, struct store_key)
STORE_BATCH_FUNCTION(cron_add, STORE_CRON_ADD, struct store_cron)
STORE_BATCH_FUNCTION(cron_configure, STORE_CRON_CONFIGURE, struct store_cron)
STORE_BATCH_FUNCTION(cron_remove, STORE_CRON_REMOVE, struct store_key)
STORE_BATCH_FUNCTION(runner_add, STORE_RUNNER_ADD, struct store_runner)
STORE_BATCH_FUNCTION(runner_set, STORE_RUNNER_SET, struct store_runner)
STORE_BATCH_FUNCTION(cursor_set, STORE_CURSOR_SET, struct store_cursor)
STORE_BATCH_FUNCTION(run_add, STORE_RUN_ADD, struct store_run)
STORE_BATCH_FUNCTION(incident_add, STORE_INCIDENT_ADD, struct store_incident)
STORE_BATCH_FUNCTION(incident_set, STORE_INCIDENT_SET, struct store_incident)
STORE_BATCH_FUNCTION(notification_add, STORE_NOTIFICATION_ADD, struct store_notification)
STORE_BATCH_FUNCTION(notification_set, STORE_NOTIFICATION_SET, struct store_notification)
STORE_BATCH_FUNCTION(audit_add, STORE_AUDIT_ADD, struct store_audit)
STORE_BATCH_FUNCTION(name_add, STORE_NAME_ADD, struct store_name)
STORE_BATCH_FUNCTION(checkpoint_add, STORE_CHECKPOINT_ADD, struct store_checkpoint)
STORE_BATCH_FUNCTION(token_add, STORE_TOKEN_ADD, struct store_token)
STORE_BATCH_FUNCTION(token_remove, STORE_TOKEN_REMOVE, struct store_key)
STORE_BATCH_FUNCTION(changes_done, STORE_CHANGES_DONE, struct store_key)
STORE_BATCH_FUNCTION(run_remove, STORE_RUN_REMOVE, struct store_key)
STORE_BATCH_FUNCTION(notification_remove, STORE_NOTIFICATION_REMOVE, struct store_key)
STORE_BATCH_FUNCTION(incident_remove, STORE_INCIDENT_REMOVE, struct store_key)

#endif
