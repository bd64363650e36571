/* Time zones over GLib's GTimeZone, the only user of GLib: each zone is read once into a table of
 * periods, found by bisection because GLib numbers its intervals but does not tell their bounds.
 * Looks at names strictly, because GLib itself takes an unknown one for UTC. Called by cron, the
 * runner's schedule, and whatever shows local times. */
#include "lib/base/tz.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/assert.h"
#include "lib/base/civil.h"
#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum {
    NAMES_LINE_BYTES = 256,
    REFRESH_MS = 3600000,
};

#define SYSTEM_FOLDER "/usr/share/zoneinfo"
#define TABLE_START_S INT64_C(0)              /* 1970-01-01 */
#define TABLE_END_S   INT64_C(4102444800)     /* 2100-01-01 */
#define OFFSET_MS_MAX (26 * INT64_C(3600000)) /* beyond every offset that ever was */

/* What tells one file from the one that replaced it. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct tz {
    char name[LIMIT_ZONE_BYTES + 1];
    struct tz_period *periods; /* owned; gapless, ascending */
    size_t count;
    struct file_mark mark;
};

struct tz_cache {
    char *folder;      /* owned */
    struct tz **zones; /* owned, each as well */
    size_t count;
    int64_t checked_utc_ms;
};

static void g_time_zone_unrefp(GTimeZone **zone)
{
    if (*zone != NULL) {
        g_time_zone_unref(*zone);
    }
}

static void fclosep(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file); /* only read */
    }
}

struct tz_cache *tz_cache_new(const char *folder)
{
    struct tz_cache *cache = mem_alloc(sizeof(*cache));
    cache->folder = mem_strdup(folder != NULL ? folder : SYSTEM_FOLDER);
    return cache;
}

struct tz_cache *tz_cache_free(struct tz_cache *cache)
{
    if (cache == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < cache->count; i++) {
        mem_free(cache->zones[i]->periods);
        mem_free(cache->zones[i]);
    }
    mem_free(cache->zones);
    mem_free(cache->folder);
    mem_free(cache);
    return NULL;
}

const char *tz_name(const struct tz *zone)
{
    return zone->name;
}

/* Every zone's name begins with a capital letter; what else lies in the folder (posixrules,
 * localtime, right/, tzdata.zi) is no name of a zone. */
static bool is_name(const char *name)
{
    size_t size = strnlen(name, LIMIT_ZONE_BYTES + 1);
    if (size > LIMIT_ZONE_BYTES || name[0] < 'A' || name[0] > 'Z' || strstr(name, "//") != NULL) {
        return false;
    }
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/") ==
           size;
}

/* The name on a line of tzdata.zi: "Z NAME ..." or "L TARGET NAME"; NULL on others. */
static const char *name_of_line(char *line)
{
    char *name = NULL;
    if (strncmp(line, "Z ", 2) == 0) {
        name = line + 2;
    } else if (strncmp(line, "L ", 2) == 0) {
        name = strchr(line + 2, ' ');
        name = name == NULL ? NULL : name + 1;
    }
    if (name != NULL) {
        name[strcspn(name, " \n")] = '\0';
    }
    return name;
}

static bool is_city(const char *zone_name, const char *word)
{
    const char *city = strrchr(zone_name, '/');
    return city != NULL && str_eq_nocase(city + 1, word);
}

/* The nearest name there is, or an empty string. */
static void suggest(const char *folder, const char *word, char ret_name[LIMIT_ZONE_BYTES + 1])
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/tzdata.zi", folder); /* a cut path does not open */
    TC_CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char best[LIMIT_ZONE_BYTES + 1] = "";
    char line[NAMES_LINE_BYTES];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *name = name_of_line(line);
        if (name == NULL || !is_name(name)) {
            continue;
        }
        const char *nearer = str_nearer(word, best[0] == '\0' ? NULL : best, name);
        if (nearer == name || is_city(name, word)) {
            (void)snprintf(best, sizeof(best), "%.*s", LIMIT_ZONE_BYTES, name); /* is_name */
        }
        if (is_city(name, word)) {
            break;
        }
    }
    memcpy(ret_name, best, sizeof(best));
}

static int refuse_name(const struct tz_cache *cache, const char *name, struct err *err)
{
    struct stat status;
    if (stat(cache->folder, &status) != 0) {
        return err_set(err, TC_ENOENT,
                       "this machine has no time zones (%s is missing); install the package tzdata",
                       cache->folder);
    }
    char near[LIMIT_ZONE_BYTES + 1];
    suggest(cache->folder, name, near);
    if (near[0] != '\0') {
        return err_set(err, TC_EINVAL, "there is no time zone \"%.80s\"; did you mean \"%s\"?",
                       name, near);
    }
    return err_set(err, TC_EINVAL,
                   "there is no time zone \"%.80s\"; use a name like America/Chicago or UTC", name);
}

static struct file_mark mark_of(const struct stat *status)
{
    return (struct file_mark){.device = status->st_dev,
                              .inode = status->st_ino,
                              .size = status->st_size,
                              .changed = status->st_mtim};
}

static bool is_same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int zone_path(const struct tz_cache *cache, const char *name, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", cache->folder, name);
    return size > 0 && size < PATH_MAX ? TC_OK : TC_ERANGE;
}

/* Make sure that GLib will find a zone in this file, since it would not tell. */
static int check_file(const char *path, struct file_mark *ret_mark)
{
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_from_errno(errno);
    }
    struct stat status;
    char magic[4];
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return TC_ENOENT;
    }
    if (read(fd, magic, sizeof(magic)) != (ssize_t)sizeof(magic) ||
        memcmp(magic, "TZif", sizeof(magic)) != 0) {
        return TC_ECORRUPT;
    }
    *ret_mark = mark_of(&status);
    return TC_OK;
}

/* The first second after `from` that is not of its interval; TABLE_END_S if there is none. */
static int64_t interval_end_s(GTimeZone *source, int64_t from_s)
{
    int interval = g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, from_s);
    if (g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, TABLE_END_S) == interval) {
        return TABLE_END_S;
    }
    int64_t inside = from_s;
    int64_t outside = TABLE_END_S;
    while (outside - inside > 1) {
        int64_t middle = inside + (outside - inside) / 2;
        if (g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, middle) == interval) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    return outside;
}

static struct tz_period period_at_s(GTimeZone *source, int64_t from_s)
{
    struct tz_period period = {.start_utc_ms = from_s * 1000};
    int interval = g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, from_s);
    period.offset_s = g_time_zone_get_offset(source, interval);
    (void)snprintf(period.abbreviation, sizeof(period.abbreviation), "%s",
                   g_time_zone_get_abbreviation(source, interval)); /* a longer one is cut */
    return period;
}

static void append_period(struct tz *zone, struct tz_period period)
{
    if (zone->count > 0) {
        struct tz_period *before = &zone->periods[zone->count - 1];
        if (before->offset_s == period.offset_s &&
            strcmp(before->abbreviation, period.abbreviation) == 0) {
            return;
        }
        before->end_utc_ms = period.start_utc_ms;
        int64_t reached = period.start_utc_ms + (int64_t)before->offset_s * 1000;
        period.reached_local_ms =
            reached > before->reached_local_ms ? reached : before->reached_local_ms;
    }
    zone->periods = mem_resize(zone->periods, zone->count + 1, sizeof(period));
    zone->periods[zone->count++] = period;
}

static void fill_table(struct tz *zone, GTimeZone *source)
{
    for (int64_t at_s = TABLE_START_S; at_s < TABLE_END_S; at_s = interval_end_s(source, at_s)) {
        append_period(zone, period_at_s(source, at_s));
    }
    zone->periods[0].start_utc_ms = INT64_MIN;
    zone->periods[0].reached_local_ms = INT64_MIN;
    zone->periods[zone->count - 1].end_utc_ms = INT64_MAX;
}

/* Read a zone's file into a table; zone keeps nothing of a failure. */
static int load(const struct tz_cache *cache, struct tz *zone, struct err *err)
{
    char path[PATH_MAX];
    struct tz fresh = {.count = 0};
    int rc = zone_path(cache, zone->name, path);
    if (rc == TC_OK) {
        rc = check_file(path, &fresh.mark);
    }
    if (rc == TC_ECORRUPT) {
        return err_set(err, rc, "%s is not a time zone file; install the package tzdata again",
                       path);
    }
    if (rc != TC_OK) {
        return refuse_name(cache, zone->name, err);
    }
    TC_CLEANUP(g_time_zone_unrefp) GTimeZone *source = g_time_zone_new_identifier(path);
    if (source == NULL) {
        return err_set(err, TC_ECORRUPT, "%s can't be read as a time zone", path);
    }
    fill_table(&fresh, source);
    mem_free(zone->periods);
    zone->periods = fresh.periods;
    zone->count = fresh.count;
    zone->mark = fresh.mark;
    return TC_OK;
}

int tz_open(struct tz_cache *cache, const char *name, const struct tz **ret_zone, struct err *err)
{
    TC_ASSERT(cache != NULL);
    TC_ASSERT(name != NULL);
    TC_ASSERT(ret_zone != NULL);
    for (size_t i = 0; i < cache->count; i++) {
        if (str_eq(cache->zones[i]->name, name)) {
            *ret_zone = cache->zones[i];
            return TC_OK;
        }
    }
    if (!is_name(name)) {
        return refuse_name(cache, name, err);
    }
    TC_CLEANUP(mem_freep) struct tz *zone = mem_alloc(sizeof(*zone));
    memcpy(zone->name, name, strlen(name) + 1);
    int rc = load(cache, zone, err);
    if (rc != TC_OK) {
        return rc;
    }
    cache->zones = mem_resize(cache->zones, cache->count + 1, sizeof(struct tz *));
    cache->zones[cache->count++] = zone;
    *ret_zone = TC_TAKE_PTR(zone);
    return TC_OK;
}

static bool is_same_table(const struct tz_period *a, size_t a_count, const struct tz *b)
{
    if (a_count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a_count; i++) {
        if (a[i].start_utc_ms != b->periods[i].start_utc_ms ||
            a[i].offset_s != b->periods[i].offset_s ||
            strcmp(a[i].abbreviation, b->periods[i].abbreviation) != 0) {
            return false;
        }
    }
    return true;
}

static int refresh_zone(const struct tz_cache *cache, struct tz *zone, bool *ret_is_changed,
                        struct err *err)
{
    char path[PATH_MAX];
    struct stat status;
    if (zone_path(cache, zone->name, path) == TC_OK && stat(path, &status) == 0) {
        struct file_mark mark = mark_of(&status);
        if (is_same_mark(&mark, &zone->mark)) {
            return TC_OK;
        }
    }
    TC_CLEANUP(mem_freep)
    struct tz_period *old = (void *)mem_dup(zone->periods, zone->count * sizeof(*zone->periods));
    size_t old_count = zone->count;
    int rc = load(cache, zone, err);
    if (rc != TC_OK) {
        return rc;
    }
    *ret_is_changed = !is_same_table(old, old_count, zone);
    return TC_OK;
}

int tz_cache_refresh(struct tz_cache *cache, int64_t now_utc_ms, size_t *ret_changed,
                     struct err *err)
{
    TC_ASSERT(cache != NULL);
    TC_ASSERT(ret_changed != NULL);
    *ret_changed = 0;
    int64_t elapsed_ms = now_utc_ms - cache->checked_utc_ms;
    if (elapsed_ms >= 0 && elapsed_ms < REFRESH_MS) {
        return TC_OK;
    }
    cache->checked_utc_ms = now_utc_ms;
    int first_rc = TC_OK;
    for (size_t i = 0; i < cache->count; i++) {
        bool is_changed = false;
        int rc = refresh_zone(cache, cache->zones[i], &is_changed, first_rc == TC_OK ? err : NULL);
        first_rc = first_rc == TC_OK ? rc : first_rc;
        *ret_changed += is_changed ? 1 : 0;
    }
    return first_rc;
}

const struct tz_period *tz_period_at(const struct tz *zone, int64_t utc_ms)
{
    size_t low = 0;
    size_t high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->periods[middle].start_utc_ms <= utc_ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &zone->periods[low];
}

const struct tz_period *tz_period_next(const struct tz *zone, const struct tz_period *period)
{
    return period + 1 < zone->periods + zone->count ? period + 1 : NULL;
}

struct tz_local tz_from_local(const struct tz *zone, int64_t local_ms)
{
    struct tz_local found = {.kind = TZ_LOCAL_NEVER};
    bool is_found = false;
    const struct tz_period *at = tz_period_at(zone, local_ms - OFFSET_MS_MAX);
    for (; at != NULL && at->start_utc_ms <= local_ms + OFFSET_MS_MAX;
         at = tz_period_next(zone, at)) {
        int64_t utc_ms = local_ms - (int64_t)at->offset_s * 1000;
        bool is_shown = utc_ms >= at->start_utc_ms && utc_ms < at->end_utc_ms;
        if (is_shown && is_found && found.kind != TZ_LOCAL_NEVER) {
            found.kind = TZ_LOCAL_TWICE;
            found.last_utc_ms = utc_ms;
        } else if (is_shown) {
            found = (struct tz_local){TZ_LOCAL_ONCE, utc_ms, utc_ms};
            is_found = true;
        } else if (!is_found && utc_ms < at->start_utc_ms) {
            found = (struct tz_local){TZ_LOCAL_NEVER, at->start_utc_ms, at->start_utc_ms};
            is_found = true;
        }
    }
    return found;
}
