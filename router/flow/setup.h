#ifndef ROUTER_FLOW_SETUP_H
#define ROUTER_FLOW_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cron.h"
#include "lib/base/err.h"
#include "router/core/decide.h"
#include "router/store/rows.h"

struct tz;
struct tz_cache;

/* What a person configures of a monitor, checked and ready for use, as one object that is replaced
 * as a whole. A row that can't be used is no error: it is a setup with a problem (docs/spec.md
 * 1.9, 1.10). Internal to this folder. */

struct flow_schedule {
    uint32_t id; /* of its CronJobs row; 0: not stored yet */
    uint64_t version;
    bool is_active;
    char *schedule;        /* owned */
    char *timezone;        /* owned */
    struct cron cron;      /* meaningful unless zone is NULL */
    const struct tz *zone; /* borrowed from the cache of zones; NULL: not usable */
};

struct flow_setup {
    char *uuid; /* all texts owned */
    char *name;
    char *check_name; /* as in the row, may be NULL */
    char *php_class;
    char *check; /* what runs: checkName, or php:<phpClass>; NULL: nothing */
    char *params;
    char *labels;
    char *runs_on;
    char *people;
    char *runbook_url;
    uint32_t timeout_seconds;
    enum store_severity severity;
    int64_t created_utc_ms;
    struct flow_schedule *schedules; /* owned */
    size_t schedule_count;
    char *problem;        /* why this monitor can't be run, for people; NULL: it can */
    char *people_problem; /* what is wrong with peopleToNotify; NULL: nothing */
    bool is_internal;     /* a reserved monitor of tocsin itself */
};

/* Build a setup from a row; schedules follow one by one, then everything is checked.
 * Shape:  row as read, or as a command wants it.
 * Units:  none.
 * Owns:   copies; the caller frees with flow_setup_free (NULL is fine, returns NULL).
 * Errors: none: what is wrong becomes setup->problem, the first that is found. */
struct flow_setup *flow_setup_new(const struct store_monitor *row);
void flow_setup_add_schedule(struct flow_setup *setup, const struct store_cron *row,
                             struct tz_cache *zones);
void flow_setup_check(struct flow_setup *setup);
struct flow_setup *flow_setup_free(struct flow_setup *setup);
void flow_setup_freep(struct flow_setup **setup);

/* A deep copy, for a command that changes some of it. Trivial. */
struct flow_setup *flow_setup_copy(const struct flow_setup *setup);

/* The recipients that the row names.
 * Shape:  ret_targets has LIMIT_RECIPIENTS; problem may be NULL, else it gets what is wrong.
 * Units:  none.
 * Owns:   copies.
 * Errors: as the value. */
enum core_recipients flow_setup_recipients(const struct flow_setup *setup,
                                           struct core_target *ret_targets, size_t *ret_count,
                                           struct err *problem);

/* When the monitor's schedules fire next after an instant; CRON_NEVER: not at all. Trivial. */
int64_t flow_setup_next_utc_ms(const struct flow_setup *setup, int64_t after_utc_ms);

/* The zone in which people read this monitor's times. Trivial. */
const char *flow_setup_timezone(const struct flow_setup *setup);

/* Whether two setups would make a runner do the same. Trivial. */
bool flow_setup_runs_alike(const struct flow_setup *a, const struct flow_setup *b);

#endif
