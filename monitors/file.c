/* The file check. It asks for names, sizes and times only and opens no file. Called through
 * check_kinds. */
#include "monitors/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/timetext.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"
#include "monitors/params.h"
#include "monitors/place.h"

enum {
    LOOKED_AT_MAX = 1000 * 1000, /* entries of a folder */
    CLOCK_EVERY = 256,
    NS_PER_MS = 1000000,
};

/* --- The verdict ------------------------------------------------------------------------------- */

void file_count(struct file_facts *facts, const char *name, uint64_t bytes, int64_t utc_ms)
{
    bool is_first = facts->count++ == 0;
    if (is_first || utc_ms > facts->newest_utc_ms) {
        facts->newest_utc_ms = utc_ms;
        (void)snprintf(facts->newest, sizeof(facts->newest), "%s", name); /* cut at worst */
    }
    if (is_first || bytes < facts->smallest_bytes) {
        facts->smallest_bytes = bytes;
        (void)snprintf(facts->smallest, sizeof(facts->smallest), "%s", name);
    }
    if (is_first || bytes > facts->largest_bytes) {
        facts->largest_bytes = bytes;
        (void)snprintf(facts->largest, sizeof(facts->largest), "%s", name);
    }
}

static void judge_count(const struct file_facts *facts, const struct file_limits *limits,
                        struct check_result *result)
{
    int64_t count = (int64_t)facts->count;
    if (count < limits->count_min && !facts->is_pattern) {
        check_fail(result, "%s does not exist", facts->what);
    } else if (count < limits->count_min) {
        check_fail(result, "%" PRId64 " files match %s, at least %" PRId64 " must", count,
                   facts->what, limits->count_min);
    }
    if (limits->count_max >= 0 && count > limits->count_max && !facts->is_pattern) {
        check_fail(result, "%s exists, and must not", facts->what);
    } else if (limits->count_max >= 0 && count > limits->count_max) {
        check_fail(result, "%" PRId64 " files match %s, at most %" PRId64 " may; the newest is %s",
                   count, facts->what, limits->count_max, facts->newest);
    }
}

static void judge_sizes(const struct file_facts *facts, const struct file_limits *limits,
                        struct check_result *result)
{
    char limit[PLACE_SIZE_BYTES];
    if ((double)facts->smallest_bytes < limits->bytes_min) {
        check_fail(result, "%s has %" PRIu64 " bytes, at least %s (%.0f bytes) are right",
                   facts->smallest, facts->smallest_bytes,
                   place_size((uint64_t)limits->bytes_min, limit), limits->bytes_min);
    }
    if (limits->bytes_max >= 0 && (double)facts->largest_bytes > limits->bytes_max) {
        check_fail(result, "%s has %" PRIu64 " bytes, at most %s (%.0f bytes) are right",
                   facts->largest, facts->largest_bytes,
                   place_size((uint64_t)limits->bytes_max, limit), limits->bytes_max);
    }
}

void file_judge(const struct file_facts *facts, const struct file_limits *limits,
                int64_t now_utc_ms, struct check_result *result)
{
    char age_text[TIMETEXT_SIZE];
    char limit_text[TIMETEXT_SIZE];
    check_metric(result, "count", (double)facts->count);
    judge_count(facts, limits, result);
    if (facts->count == 0) {
        check_ok(result, "%s %s, as it should be", facts->what,
                 facts->is_pattern ? "matches no file" : "does not exist");
        return;
    }
    /* A time ahead of the clock counts as now. */
    int64_t age_ms = now_utc_ms > facts->newest_utc_ms ? now_utc_ms - facts->newest_utc_ms : 0;
    check_metric(result, "newestAgeSeconds", (double)age_ms / 1000.0);
    check_metric(result, "smallestBytes", (double)facts->smallest_bytes);
    check_metric(result, "largestBytes", (double)facts->largest_bytes);
    (void)timetext_duration(age_ms, age_text); /* gives its argument */
    (void)timetext_duration(limits->age_ms_max, limit_text);
    bool is_old = limits->age_ms_max > 0 && age_ms > limits->age_ms_max;
    if (is_old && facts->is_pattern) {
        check_fail(result, "The newest file of %s, %s, was written %s ago, the limit is %s",
                   facts->what, facts->newest, age_text, limit_text);
    } else if (is_old) {
        check_fail(result, "%s was written %s ago, the limit is %s", facts->what, age_text,
                   limit_text);
    }
    judge_sizes(facts, limits, result);
    if (facts->is_pattern) {
        check_ok(result, "%" PRIu64 " files match %s; the newest, %s, was written %s ago",
                 facts->count, facts->what, facts->newest, age_text);
    } else {
        check_ok(result, "%s has %" PRIu64 " bytes and was written %s ago", facts->what,
                 facts->largest_bytes, age_text);
    }
}

/* --- The facts --------------------------------------------------------------------------------- */

static int64_t modified_utc_ms(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / NS_PER_MS;
}

/* One file; nothing there is a fact, not an error. */
static int look_at(const struct config_list *roots, struct file_facts *facts, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = -1;
    struct stat st;
    int rc = place_open(roots, facts->what, &fd, err);
    if (rc == TC_ENOENT) {
        return TC_OK;
    }
    if (rc != TC_OK) {
        return rc;
    }
    if (fstat(fd, &st) != 0) {
        return err_set(err, TC_EIO, "%s can't be looked at: %s", facts->what,
                       strerrordesc_np(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return err_set(err, TC_EINVAL,
                       "%s is a directory; to look at the files in it, use glob with %s/*",
                       facts->what, facts->what);
    }
    file_count(facts, facts->what, (uint64_t)st.st_size, modified_utc_ms(&st));
    return TC_OK;
}

static void closedirp(DIR **dir)
{
    if (*dir != NULL) {
        (void)closedir(*dir); /* nothing was written */
    }
}

/* The folder of a pattern, opened to be listed. */
static int open_folder(const struct config_list *roots, const char *folder, DIR **ret_dir,
                       struct err *err)
{
    TC_CLEANUP(fd_closep) int place = -1;
    int rc = place_open(roots, folder, &place, err);
    if (rc != TC_OK) {
        return rc == TC_ENOENT ? err_set(err, rc, "the folder %s does not exist", folder) : rc;
    }
    int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR) {
        return err_set(err, TC_EINVAL, "%s is not a folder", folder);
    }
    if (fd < 0) {
        return err_set(err, TC_EPERM, "the folder %s can't be listed: %s", folder,
                       strerrordesc_np(errno));
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int reason = errno;
        fd_closep(&fd);
        return err_set(err, err_from_errno(reason), "the folder %s can't be listed: %s", folder,
                       strerrordesc_np(reason));
    }
    *ret_dir = dir; /* owns fd from here */
    return TC_OK;
}

/* Count the regular files of a pattern; links, folders and devices are none. */
static int look_through(const struct check_host *host, int64_t limit_ms, struct file_facts *facts,
                        struct err *err)
{
    TC_CLEANUP(mem_freep) char *folder = file_dir(facts->what);
    TC_CLEANUP(closedirp) DIR *dir = NULL;
    const char *pattern = strrchr(facts->what, '/') + 1;
    int64_t end_us = clock_mono_us(host->clock) + limit_ms * 1000;
    int rc = open_folder(&host->config->runner.roots, folder, &dir, err);
    if (rc != TC_OK) {
        return rc;
    }
    TC_ASSERT(dir != NULL);
    size_t looked_at = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (++looked_at > LOOKED_AT_MAX) {
            return err_set(err, TC_ERANGE, "the folder %s holds more than %d entries", folder,
                           LOOKED_AT_MAX);
        }
        if (looked_at % CLOCK_EVERY == 0 && clock_mono_us(host->clock) > end_us) {
            return err_set(err, TC_ETIMEDOUT, "the folder %s could not be listed in time", folder);
        }
        struct stat st;
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            file_count(facts, entry->d_name, (uint64_t)st.st_size, modified_utc_ms(&st));
        }
    }
    return TC_OK;
}

static void run(const struct check_host *host, const struct check_request *request,
                struct check_result *result)
{
    struct err err = ERR_INIT;
    struct json_dec d;
    json_dec_start(&d, request->params, "params", &err);
    const char *glob = json_str_opt(&d, "glob", PATH_MAX, NULL);
    struct file_facts facts = {.what = glob, .is_pattern = glob != NULL};
    if (!facts.is_pattern) {
        facts.what = json_str(&d, "path", PATH_MAX);
    }
    int64_t count_max = json_i64_opt(&d, "maxCount", 0, INT32_MAX, -1);
    struct file_limits limits = {
        .age_ms_max = params_duration(request->params, "maxAge"),
        .bytes_min = json_num_opt(&d, "minSize", 0),
        .bytes_max = json_num_opt(&d, "maxSize", -1),
        .count_min = json_i64_opt(&d, "minCount", 0, INT32_MAX, count_max == 0 ? 0 : 1),
        .count_max = count_max,
    };
    int rc = facts.is_pattern ? look_through(host, request->limit_ms, &facts, &err)
                              : look_at(&host->config->runner.roots, &facts, &err);
    if (rc != TC_OK) {
        check_fail(result, "%s", err.text);
        return;
    }
    file_judge(&facts, &limits, request->now_utc_ms, result);
}

const struct check_ops check_file = {
    .kind = CHECKS_FILE,
    .name = "file",
    .doc = "Whether a file, or those that match a pattern, are there, fresh and of the right size.",
    .needs_config = true,
    .examples = {{"No new feed has arrived for an hour, or one is empty:",
                  "{\"glob\": \"/srv/feeds/*.csv\", \"maxAge\": \"1h\", \"minSize\": 1}"},
                 {"The backup left its lock behind:",
                  "{\"path\": \"/srv/backup/lock\", \"maxCount\": 0}"}},
    .run = run,
};
