/* Token buckets by destination. Arithmetic only: the engine asks and waits. */
#include "notifiers/pace.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"

/* On our allocator; the default hash function falls through a switch, which clang refuses. */

enum {
    DESTINATIONS_KEPT = 1024, /* above it those at rest are forgotten */
};

#define MINUTE_US INT64_C(60000000)

/* Counted in microseconds of waiting instead of fractions of tokens: `due_us` is when the bucket
 * would be empty of debt (generic cell rate algorithm). */
struct destination {
    char *name; /* owned */
    int64_t due_us;
    int64_t paused_until_us;
    UT_hash_handle hh;
};

struct pace {
    int64_t interval_us; /* of one request */
    int64_t burst_us;    /* how far ahead of its pace a destination may be */
    struct destination *destinations;
};

struct pace *pace_new(int64_t rate_per_minute, int64_t burst)
{
    TC_ASSERT(rate_per_minute > 0);
    TC_ASSERT(burst > 0);
    struct pace *pace = mem_alloc(sizeof *pace);
    pace->interval_us = MINUTE_US / rate_per_minute;
    pace->burst_us = (burst - 1) * pace->interval_us;
    return pace;
}

/* uthash's macros nest deeper than a function of ours may: they stand here alone. */
/* NOLINTBEGIN(readability-function-size) */

static struct destination *find(const struct pace *pace, const char *name)
{
    struct destination *destination = NULL;
    HASH_FIND_STR(pace->destinations, name, destination);
    return destination;
}

static void add(struct pace *pace, struct destination *destination)
{
    HASH_ADD_KEYPTR(hh, pace->destinations, destination->name, strlen(destination->name),
                    destination);
}

static void forget(struct pace *pace, struct destination *destination)
{
    HASH_DEL(pace->destinations, destination);
    mem_free(destination->name);
    mem_free(destination);
}

/* NOLINTEND(readability-function-size) */

struct pace *pace_free(struct pace *pace)
{
    if (pace == NULL) {
        return NULL;
    }
    while (pace->destinations != NULL) {
        forget(pace, pace->destinations);
    }
    mem_free(pace);
    return NULL;
}

static void forget_rested(struct pace *pace, int64_t now_us)
{
    struct destination *destination = NULL;
    struct destination *next = NULL;
    if (HASH_COUNT(pace->destinations) < DESTINATIONS_KEPT) {
        return;
    }
    HASH_ITER(hh, pace->destinations, destination, next)
    {
        if (destination->due_us <= now_us && destination->paused_until_us <= now_us) {
            forget(pace, destination);
        }
    }
}

static struct destination *find_or_add(struct pace *pace, const char *name, int64_t now_us)
{
    struct destination *destination = find(pace, name);
    if (destination == NULL) {
        forget_rested(pace, now_us);
        destination = mem_alloc(sizeof *destination);
        destination->name = mem_strdup(name);
        destination->due_us = now_us;
        destination->paused_until_us = now_us;
        add(pace, destination);
    }
    return destination;
}

int64_t pace_wait_ms(struct pace *pace, const char *destination, int64_t now_us)
{
    const struct destination *d = find(pace, destination);
    if (d == NULL) {
        return 0;
    }
    int64_t ready_us = d->due_us - pace->burst_us;
    if (d->paused_until_us > ready_us) {
        ready_us = d->paused_until_us;
    }
    return ready_us > now_us ? (ready_us - now_us + 999) / 1000 : 0;
}

void pace_take(struct pace *pace, const char *destination, int64_t now_us)
{
    struct destination *d = find_or_add(pace, destination, now_us);
    d->due_us = (d->due_us > now_us ? d->due_us : now_us) + pace->interval_us;
}

void pace_pause(struct pace *pace, const char *destination, int64_t pause_ms, int64_t now_us)
{
    struct destination *d = find_or_add(pace, destination, now_us);
    int64_t until_us = now_us + pause_ms * 1000;
    if (until_us > d->paused_until_us) {
        d->paused_until_us = until_us;
    }
}
