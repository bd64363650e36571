#ifndef RUNNER_SCHEDULE_H
#define RUNNER_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"

struct err;
struct tz_cache;

/* Which monitor runs when, as decisions alone: no clock, no process, no message. The runner calls
 * schedule_take until nothing is left, starts what it says, tells schedule_finished, and sleeps
 * until schedule_wake_utc_ms.
 *
 * - One run of a monitor at a time. A tick while it runs is skipped and told as SCHEDULE_OVERRUN.
 * - After downtime, a step of the clock or a long queue, a monitor runs once for its latest tick;
 *   the ticks before it are counted as missed, never replayed.
 * - Asked runs coalesce: with each other, with a tick that is due, and while the monitor runs into
 *   one more run after it.
 * - Several rows of a monitor all fire; ticks of different rows in one minute are one.
 * - At most `concurrency` run at once; those that wait start in the order in which they came due. */

enum {
    SCHEDULE_ROWS_MAX = 16,     /* of one monitor */
    SCHEDULE_MISSED_MAX = 1000, /* counted exactly up to here, then "so many or more" */
};

struct schedule_row {
    const char *expression; /* cron_parse */
    const char *timezone;   /* IANA name */
};

struct schedule_monitor {
    uint64_t id;
    const char *uuid; /* spreads the splay */
    const struct schedule_row *rows;
    size_t row_count;    /* 0: runs only when asked to */
    int64_t splay_ms;    /* starts are put off by 0..splay_ms, the same for every run */
    int64_t last_utc_ms; /* tick of its last run, for missed ones; 0: unknown, none missed */
};

enum schedule_kind {
    SCHEDULE_NOTHING,
    SCHEDULE_RUN,     /* start it now; schedule_finished is owed */
    SCHEDULE_OVERRUN, /* its tick was skipped, because it still runs */
};

struct schedule_event {
    enum schedule_kind kind;
    uint64_t id;
    bool has_tick;       /* false: only asked for */
    bool is_asked;       /* answers every schedule_ask since the run before */
    int64_t tick_utc_ms; /* the scheduled time, without splay */
    uint32_t missed;     /* ticks that passed before this one without a run */
};

struct schedule;

/* Make an empty schedule.
 * Shape:  zones borrowed, must outlive it; concurrency > 0.
 * Units:  none.
 * Owns:   the caller releases it with schedule_free.
 * Errors: none. */
struct schedule *schedule_new(struct tz_cache *zones, uint32_t concurrency);
struct schedule *schedule_free(struct schedule *schedule);
TC_DEFINE_CLEANUP(struct schedule *, schedule_free)

/* Add a monitor, or change one: a running or waiting one stays so; unchanged rows keep their tick.
 * Shape:  everything is copied.
 * Units:  now in Unix ms.
 * Owns:   nothing retained.
 * Errors: TC_EINVAL and others of cron_parse and tz_open, with the row; the monitor then has no
 *         ticks any more, as spec 1.10 wants. */
int schedule_set(struct schedule *schedule, const struct schedule_monitor *monitor,
                 int64_t now_utc_ms, struct err *err);

/* Forget a monitor. One that runs is forgotten when it has finished. Unknown ids are ignored.
 * Trivial. */
void schedule_remove(struct schedule *schedule, uint64_t id);

/* Ask for one run, now or after the one that runs.
 * Shape:  any id.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ENOENT unknown. */
int schedule_ask(struct schedule *schedule, uint64_t id);

/* The next thing to do, if there is any.
 * Shape:  call until SCHEDULE_NOTHING.
 * Units:  now in Unix ms.
 * Owns:   a plain value.
 * Errors: none. */
struct schedule_event schedule_take(struct schedule *schedule, int64_t now_utc_ms);

/* A run that schedule_take gave has ended, or could not be started.
 * Trivial. */
void schedule_finished(struct schedule *schedule, uint64_t id);

/* When to call schedule_take next.
 * Shape:  INT64_MAX when only schedule_ask, _set or _finished can bring something.
 * Units:  Unix ms; INT64_MIN: at once.
 * Owns:   nothing.
 * Errors: none. */
int64_t schedule_wake_utc_ms(const struct schedule *schedule);

/* Compute coming ticks anew, after the clock stepped or zones changed. What is due already stays
 * due and runs once, unless the clock stepped back behind its tick.
 * Shape:  now is the clock's after the step.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: none. */
void schedule_rebase(struct schedule *schedule, int64_t now_utc_ms);

/* How many runs wait for a place, and how many run. Trivial. */
size_t schedule_waiting(const struct schedule *schedule);
size_t schedule_running(const struct schedule *schedule);

#endif
