/* Which monitor runs when: ticks on a heap, due monitors in a queue, running ones marked. It only
 * decides; runner.c starts processes and owns the clock. Nothing here is kept on disk. */
#include "runner/schedule.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cron.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/heap.h"
#include "lib/base/ids.h"
#include "lib/base/mem.h"
#include "lib/base/tz.h"

#define MINUTE_MS INT64_C(60000)

struct row {
    struct cron cron;
    const struct tz *zone; /* borrowed from the cache of zones */
    int64_t next_utc_ms;
};

struct entry {
    uint64_t id;
    struct row *rows; /* owned */
    size_t row_count;
    int64_t splay_ms;      /* this monitor's own share */
    struct heap_node tick; /* keyed by its next tick, with splay; not in while it is due */
    struct entry *after;   /* borrowed: behind it in the queue */
    bool is_waiting;       /* in the queue */
    bool is_running;
    bool is_due;   /* waits for a tick; its rows still point at it */
    bool is_asked; /* waits for a request too, or runs again after this run */
    bool is_removed;
    UT_hash_handle hh;
};

struct schedule {
    struct tz_cache *zones; /* borrowed */
    uint32_t concurrency;
    struct entry *entries; /* owned, by id */
    struct heap ticks;
    struct entry *first; /* of the queue */
    struct entry *last;
    size_t waiting_count;
    size_t running_count;
};

static void queue_push(struct schedule *schedule, struct entry *entry)
{
    if (entry->is_waiting) {
        return;
    }
    entry->is_waiting = true;
    entry->after = NULL;
    if (schedule->last != NULL) {
        schedule->last->after = entry;
    } else {
        schedule->first = entry;
    }
    schedule->last = entry;
    schedule->waiting_count++;
}

static void queue_remove(struct schedule *schedule, struct entry *entry)
{
    if (!entry->is_waiting) {
        return;
    }
    struct entry *before = NULL;
    for (struct entry *at = schedule->first; at != entry; at = at->after) {
        before = at;
    }
    if (before != NULL) {
        before->after = entry->after;
    } else {
        schedule->first = entry->after;
    }
    if (schedule->last == entry) {
        schedule->last = before;
    }
    entry->is_waiting = false;
    schedule->waiting_count--;
}

static int64_t next_tick(const struct entry *entry)
{
    int64_t next_utc_ms = CRON_NEVER;
    for (size_t i = 0; i < entry->row_count; i++) {
        if (entry->rows[i].next_utc_ms < next_utc_ms) {
            next_utc_ms = entry->rows[i].next_utc_ms;
        }
    }
    return next_utc_ms;
}

/* Put the entry's next tick on the heap. */
static void wait_for_tick(struct schedule *schedule, struct entry *entry)
{
    int64_t tick_utc_ms = next_tick(entry);
    if (tick_utc_ms == CRON_NEVER) {
        heap_remove(&schedule->ticks, &entry->tick);
        return;
    }
    heap_set(&schedule->ticks, &entry->tick, tick_utc_ms + entry->splay_ms, entry->id);
}

/* Move every row beyond a tick; rows other than those that fired skip the rest of its minute. */
static void pass_tick(struct entry *entry, int64_t tick_utc_ms)
{
    int64_t into_minute_ms = (tick_utc_ms % MINUTE_MS + MINUTE_MS) % MINUTE_MS;
    int64_t minute_end_ms = tick_utc_ms - into_minute_ms + MINUTE_MS;
    for (size_t i = 0; i < entry->row_count; i++) {
        struct row *row = &entry->rows[i];
        if (row->next_utc_ms < minute_end_ms) {
            bool has_fired = row->next_utc_ms <= tick_utc_ms;
            row->next_utc_ms =
                cron_next(&row->cron, row->zone, has_fired ? tick_utc_ms : minute_end_ms - 1);
        }
    }
}

/* Take the latest tick at or before an instant; count those before it, up to SCHEDULE_MISSED_MAX. */
static int64_t take_latest_tick(struct entry *entry, int64_t until_utc_ms, uint32_t *ret_missed)
{
    int64_t tick_utc_ms = next_tick(entry);
    uint32_t missed = 0;
    pass_tick(entry, tick_utc_ms);
    while (next_tick(entry) <= until_utc_ms && missed < SCHEDULE_MISSED_MAX) {
        tick_utc_ms = next_tick(entry);
        pass_tick(entry, tick_utc_ms);
        missed++;
    }
    for (size_t i = 0; i < entry->row_count; i++) {
        struct row *row = &entry->rows[i];
        if (row->next_utc_ms <= until_utc_ms) {
            int64_t last_utc_ms = cron_last(&row->cron, row->zone, until_utc_ms);
            tick_utc_ms = last_utc_ms > tick_utc_ms ? last_utc_ms : tick_utc_ms;
            row->next_utc_ms = cron_next(&row->cron, row->zone, until_utc_ms);
        }
    }
    *ret_missed = missed;
    return tick_utc_ms;
}

struct schedule *schedule_new(struct tz_cache *zones, uint32_t concurrency)
{
    TC_ASSERT(zones != NULL);
    TC_ASSERT(concurrency > 0);
    struct schedule *schedule = mem_alloc(sizeof(*schedule));
    schedule->zones = zones;
    schedule->concurrency = concurrency;
    return schedule;
}

/* uthash's macros nest deeper than a function of ours may: they stand here alone. */
/* NOLINTBEGIN(readability-function-size) */

static struct entry *find(const struct schedule *schedule, uint64_t id)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, schedule->entries, &id, sizeof(id), entry);
    return entry;
}

static void add(struct schedule *schedule, struct entry *entry)
{
    HASH_ADD(hh, schedule->entries, id, sizeof(entry->id), entry);
}

static void drop(struct schedule *schedule, struct entry *entry)
{
    HASH_DEL(schedule->entries, entry);
    mem_free(entry->rows);
    mem_free(entry);
}

/* NOLINTEND(readability-function-size) */

static void forget(struct schedule *schedule, struct entry *entry)
{
    heap_remove(&schedule->ticks, &entry->tick);
    queue_remove(schedule, entry);
    drop(schedule, entry);
}

struct schedule *schedule_free(struct schedule *schedule)
{
    if (schedule == NULL) {
        return NULL;
    }
    struct entry *entry = NULL;
    struct entry *next = NULL;
    HASH_ITER(hh, schedule->entries, entry, next)
    {
        drop(schedule, entry);
    }
    heap_free(&schedule->ticks);
    mem_free(schedule);
    return NULL;
}

static struct entry *find_or_add(struct schedule *schedule, uint64_t id)
{
    struct entry *entry = find(schedule, id);
    if (entry == NULL) {
        entry = mem_alloc(sizeof(*entry));
        entry->id = id;
        add(schedule, entry);
    }
    entry->is_removed = false;
    return entry;
}

static int parse_row(const struct schedule *schedule, const struct schedule_row *from,
                     struct row *ret_row, struct err *err)
{
    int rc = cron_parse(from->expression, &ret_row->cron, err);
    if (rc != TC_OK) {
        return rc;
    }
    return tz_open(schedule->zones, from->timezone, &ret_row->zone, err);
}

static const struct row *same_row(const struct entry *entry, const struct row *row)
{
    TC_ASSERT(entry->row_count == 0 || entry->rows != NULL);
    for (size_t i = 0; i < entry->row_count; i++) {
        if (entry->rows[i].zone == row->zone && cron_is_same(&entry->rows[i].cron, &row->cron)) {
            return &entry->rows[i];
        }
    }
    return NULL;
}

static int parse_rows(const struct schedule *schedule, const struct schedule_monitor *monitor,
                      struct row *rows, struct err *err)
{
    for (size_t i = 0; i < monitor->row_count; i++) {
        int rc = parse_row(schedule, &monitor->rows[i], &rows[i], err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    return TC_OK;
}

static void stop_ticks(struct schedule *schedule, struct entry *entry)
{
    heap_remove(&schedule->ticks, &entry->tick);
    mem_free(entry->rows);
    entry->rows = NULL;
    entry->row_count = 0;
    entry->is_due = false;
    if (!entry->is_asked) {
        queue_remove(schedule, entry);
    }
}

int schedule_set(struct schedule *schedule, const struct schedule_monitor *monitor,
                 int64_t now_utc_ms, struct err *err)
{
    TC_ASSERT(schedule != NULL);
    TC_ASSERT(monitor != NULL);
    struct entry *entry = find_or_add(schedule, monitor->id);
    if (monitor->row_count > SCHEDULE_ROWS_MAX) {
        stop_ticks(schedule, entry);
        return err_set(err, TC_ERANGE, "%zu schedules for one monitor; at most %d are possible",
                       monitor->row_count, SCHEDULE_ROWS_MAX);
    }
    TC_CLEANUP(mem_freep) struct row *rows = mem_array(monitor->row_count + 1, sizeof(*rows));
    int rc = parse_rows(schedule, monitor, rows, err);
    if (rc != TC_OK) {
        stop_ticks(schedule, entry);
        return rc;
    }
    bool is_new = entry->rows == NULL;
    bool has_kept_due = false;
    int64_t from_utc_ms = now_utc_ms;
    if (is_new && monitor->last_utc_ms != 0 && monitor->last_utc_ms < now_utc_ms) {
        from_utc_ms = monitor->last_utc_ms;
    }
    for (size_t i = 0; i < monitor->row_count; i++) {
        const struct row *old = same_row(entry, &rows[i]);
        rows[i].next_utc_ms =
            old != NULL ? old->next_utc_ms : cron_next(&rows[i].cron, rows[i].zone, from_utc_ms);
        has_kept_due = has_kept_due || (old != NULL && old->next_utc_ms <= now_utc_ms);
    }
    mem_free(entry->rows);
    entry->rows = TC_TAKE_PTR(rows);
    entry->row_count = monitor->row_count;
    entry->splay_ms = 0;
    if (monitor->splay_ms > 0) {
        entry->splay_ms = (int64_t)(ids_hash(monitor->uuid) % ((uint64_t)monitor->splay_ms + 1));
    }
    entry->is_due = entry->is_due && has_kept_due;
    if (!entry->is_due) {
        wait_for_tick(schedule, entry);
    }
    if (!entry->is_due && !entry->is_asked) {
        queue_remove(schedule, entry);
    }
    return TC_OK;
}

void schedule_remove(struct schedule *schedule, uint64_t id)
{
    struct entry *entry = find(schedule, id);
    if (entry == NULL) {
        return;
    }
    if (!entry->is_running) {
        forget(schedule, entry);
        return;
    }
    entry->is_asked = false;
    stop_ticks(schedule, entry);
    entry->is_removed = true;
}

int schedule_ask(struct schedule *schedule, uint64_t id)
{
    struct entry *entry = find(schedule, id);
    if (entry == NULL || entry->is_removed) {
        return TC_ENOENT;
    }
    entry->is_asked = true;
    if (!entry->is_running) {
        queue_push(schedule, entry);
    }
    return TC_OK;
}

static struct schedule_event overrun(struct schedule *schedule, struct entry *entry,
                                     int64_t now_utc_ms)
{
    struct schedule_event event = {.kind = SCHEDULE_OVERRUN, .id = entry->id, .has_tick = true};
    event.tick_utc_ms = take_latest_tick(entry, now_utc_ms - entry->splay_ms, &event.missed);
    wait_for_tick(schedule, entry);
    return event;
}

static struct schedule_event start(struct schedule *schedule, struct entry *entry,
                                   int64_t now_utc_ms)
{
    struct schedule_event event = {.kind = SCHEDULE_RUN,
                                   .id = entry->id,
                                   .has_tick = entry->is_due,
                                   .is_asked = entry->is_asked};
    queue_remove(schedule, entry);
    if (entry->is_due) {
        event.tick_utc_ms = take_latest_tick(entry, now_utc_ms - entry->splay_ms, &event.missed);
        wait_for_tick(schedule, entry);
    }
    entry->is_due = false;
    entry->is_asked = false;
    entry->is_running = true;
    schedule->running_count++;
    return event;
}

struct schedule_event schedule_take(struct schedule *schedule, int64_t now_utc_ms)
{
    TC_ASSERT(schedule != NULL);
    struct heap_node *node = heap_first(&schedule->ticks);
    for (; node != NULL && node->key <= now_utc_ms; node = heap_first(&schedule->ticks)) {
        struct entry *entry = HEAP_OWNER(node, struct entry, tick);
        if (entry->is_running) {
            return overrun(schedule, entry, now_utc_ms);
        }
        heap_remove(&schedule->ticks, &entry->tick);
        entry->is_due = true;
        queue_push(schedule, entry);
    }
    if (schedule->first != NULL && schedule->running_count < schedule->concurrency) {
        return start(schedule, schedule->first, now_utc_ms);
    }
    return (struct schedule_event){.kind = SCHEDULE_NOTHING};
}

void schedule_finished(struct schedule *schedule, uint64_t id)
{
    struct entry *entry = find(schedule, id);
    TC_ASSERT(entry != NULL);
    TC_ASSERT(entry->is_running);
    entry->is_running = false;
    schedule->running_count--;
    if (entry->is_removed) {
        forget(schedule, entry);
    } else if (entry->is_asked) {
        queue_push(schedule, entry);
    }
}

int64_t schedule_wake_utc_ms(const struct schedule *schedule)
{
    if (schedule->first != NULL && schedule->running_count < schedule->concurrency) {
        return INT64_MIN;
    }
    const struct heap_node *node = heap_first(&schedule->ticks);
    return node != NULL ? node->key : INT64_MAX;
}

/* A tick that is due stays due, unless the clock stepped back behind it. */
static void rebase_entry(struct schedule *schedule, struct entry *entry, int64_t now_utc_ms)
{
    if (next_tick(entry) <= now_utc_ms) {
        return;
    }
    for (size_t i = 0; i < entry->row_count; i++) {
        struct row *row = &entry->rows[i];
        row->next_utc_ms = cron_next(&row->cron, row->zone, now_utc_ms);
    }
    entry->is_due = false;
    if (!entry->is_asked) {
        queue_remove(schedule, entry);
    }
    wait_for_tick(schedule, entry);
}

void schedule_rebase(struct schedule *schedule, int64_t now_utc_ms)
{
    struct entry *entry = NULL;
    struct entry *next = NULL;
    HASH_ITER(hh, schedule->entries, entry, next)
    {
        rebase_entry(schedule, entry, now_utc_ms);
    }
}

size_t schedule_waiting(const struct schedule *schedule)
{
    return schedule->waiting_count;
}

size_t schedule_running(const struct schedule *schedule)
{
    return schedule->running_count;
}
