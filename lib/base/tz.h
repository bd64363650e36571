#ifndef LIB_BASE_TZ_H
#define LIB_BASE_TZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"

struct err;

/* Time zones of the system's tzdata, by IANA name. A zone is a table of periods of one offset, read
 * once and pure afterwards; no environment variable, no process-wide state. Covers 1970 to 2100;
 * before and after, the first and last offset hold. "Local ms" is what a clock on the wall shows,
 * counted from 1970-01-01 00:00 on that wall (civil_from_ms takes it apart). */

enum {
    TZ_ABBREVIATION_BYTES = 15,
};

struct tz_period {
    int64_t start_utc_ms;     /* INT64_MIN in the first */
    int64_t end_utc_ms;       /* exclusive; INT64_MAX in the last */
    int64_t reached_local_ms; /* what walls showed before it, exclusive; INT64_MIN in the first */
    int32_t offset_s;         /* east of UTC */
    char abbreviation[TZ_ABBREVIATION_BYTES + 1];
};

enum tz_local_kind {
    TZ_LOCAL_ONCE,
    TZ_LOCAL_NEVER, /* in a gap: clocks were put forward over it */
    TZ_LOCAL_TWICE, /* in a fold: clocks were put back over it */
};

struct tz_local {
    enum tz_local_kind kind;
    int64_t first_utc_ms; /* TZ_LOCAL_NEVER: the first instant after the gap */
    int64_t last_utc_ms;  /* as first but for TZ_LOCAL_TWICE: the last pass */
};

struct tz;
struct tz_cache;

/* Make an empty cache of zones.
 * Shape:  folder NULL for the system's; else absolute, laid out like it.
 * Units:  none.
 * Owns:   copies folder; the caller releases it with tz_cache_free, which ends all its zones.
 * Errors: none. */
struct tz_cache *tz_cache_new(const char *folder);
struct tz_cache *tz_cache_free(struct tz_cache *cache);
TC_DEFINE_CLEANUP(struct tz_cache *, tz_cache_free)

/* Open a zone by its exact name; one that is open already costs a look-up.
 * Shape:  "America/Chicago", "UTC"; not "CST5CDT,M3...", "+05:00" or a path.
 * Units:  none.
 * Owns:   the cache keeps the zone; ret_zone is valid, at this address, until tz_cache_free.
 * Errors: TC_EINVAL unknown or misspelt, with the nearest name there is; TC_ENOENT no tzdata on
 *         this machine; TC_ECORRUPT its file is not a zone. Never another zone instead. */
int tz_open(struct tz_cache *cache, const char *name, const struct tz **ret_zone, struct err *err);

/* Look whether files of open zones changed, at most once an hour, and read those that did. A zone
 * whose new file is missing or unusable keeps what it has.
 * Shape:  ret_changed: how many zones differ now: schedules must be computed anew.
 * Units:  now in Unix ms.
 * Owns:   zones stay at their addresses; periods got before are gone.
 * Errors: that of the first unusable file; ret_changed is set all the same. */
int tz_cache_refresh(struct tz_cache *cache, int64_t now_utc_ms, size_t *ret_changed,
                     struct err *err);

/* The name it was opened by. Trivial. */
const char *tz_name(const struct tz *zone);

/* The period that holds an instant: offset and abbreviation, since and until when.
 * Shape:  any instant.
 * Units:  Unix ms, UTC.
 * Owns:   borrowed from the zone until the next tz_cache_refresh.
 * Errors: none; never NULL. */
const struct tz_period *tz_period_at(const struct tz *zone, int64_t utc_ms);

/* The period after one of this zone, or NULL after the last. Trivial. */
const struct tz_period *tz_period_next(const struct tz *zone, const struct tz_period *period);

/* The instant or instants at which walls of the zone show a time.
 * Shape:  any local time.
 * Units:  local ms in, Unix ms out.
 * Owns:   nothing.
 * Errors: none. */
struct tz_local tz_from_local(const struct tz *zone, int64_t local_ms);

#endif
