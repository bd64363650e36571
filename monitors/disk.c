/* The disk check. It tells how much room is left on the file system of a path; it never lists or
 * reads. Called through check_kinds. */
#include "monitors/disk.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "monitors/place.h"

static double percent(uint64_t free, uint64_t used)
{
    double all = (double)free + (double)used;
    return all > 0 ? 100.0 * (double)free / all : 100.0;
}

/* Down to one decimal: 9.96 is shown as 9.9, so that what is below a limit looks so. */
static double shown(double value)
{
    return (double)(int64_t)(value * 10.0) / 10.0;
}

void disk_judge(const struct disk_facts *facts, const struct disk_limits *limits,
                struct check_result *result)
{
    char free_text[PLACE_SIZE_BYTES];
    char all_text[PLACE_SIZE_BYTES];
    char limit_text[PLACE_SIZE_BYTES];
    double free_percent = percent(facts->free_bytes, facts->used_bytes);
    double inodes_percent = percent(facts->free_inodes, facts->used_inodes);
    bool has_inodes = facts->free_inodes + facts->used_inodes > 0;
    (void)place_size(facts->free_bytes, free_text); /* gives its argument */
    (void)place_size(facts->free_bytes + facts->used_bytes, all_text);
    check_metric(result, "freePercent", free_percent);
    check_metric(result, "freeBytes", (double)facts->free_bytes);
    check_metric(result, "totalBytes", (double)facts->free_bytes + (double)facts->used_bytes);
    if (has_inodes) {
        check_metric(result, "freeInodesPercent", inodes_percent);
    }
    if (free_percent < limits->free_percent_min) {
        check_fail(result, "%s has %.1f %% free (%s of %s), the limit is %g %%", facts->path,
                   shown(free_percent), free_text, all_text, limits->free_percent_min);
    }
    if ((double)facts->free_bytes < limits->free_bytes_min) {
        check_fail(result, "%s has %s free (%ju bytes), the limit is %s", facts->path, free_text,
                   (uintmax_t)facts->free_bytes,
                   place_size((uint64_t)limits->free_bytes_min, limit_text));
    }
    if (has_inodes && inodes_percent < limits->free_inodes_percent_min) {
        check_fail(result,
                   "%s has %.1f %% of its inodes free (%ju files can still be made), the "
                   "limit is %g %%",
                   facts->path, shown(inodes_percent), (uintmax_t)facts->free_inodes,
                   limits->free_inodes_percent_min);
    }
    check_ok(result, "%s has %.1f %% free (%s of %s)", facts->path, shown(free_percent), free_text,
             all_text);
}

static void run(const struct check_host *host, const struct check_request *request,
                struct check_result *result)
{
    struct err err = ERR_INIT;
    struct json_dec d;
    json_dec_start(&d, request->params, "params", &err);
    struct disk_facts facts = {.path = json_string(json_member(request->params, "path"))};
    struct disk_limits limits = {
        .free_percent_min = json_num_opt(&d, "minFreePercent", 0),
        .free_bytes_min = json_num_opt(&d, "minFreeBytes", 0),
        .free_inodes_percent_min = json_num_opt(&d, "minFreeInodesPercent", 0),
    };
    TC_CLEANUP(fd_closep) int fd = -1;
    struct statvfs st;
    if (place_open(&host->config->runner.roots, facts.path, &fd, &err) != TC_OK) {
        check_fail(result, "%s", err.text);
        return;
    }
    if (fstatvfs(fd, &st) != 0) {
        check_fail(result, "The file system of %s can't be asked: %s", facts.path,
                   strerrordesc_np(errno));
        return;
    }
    facts.used_bytes = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
    facts.free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    facts.used_inodes = st.f_files - st.f_ffree;
    facts.free_inodes = st.f_favail;
    disk_judge(&facts, &limits, result);
}

const struct check_ops check_disk = {
    .kind = CHECKS_DISK,
    .name = "disk",
    .doc = "Room left on a file system, for ordinary users, as df counts it.",
    .needs_config = true,
    .examples = {{"Less than a tenth, or less than 5 GB, is left on /var:",
                  "{\"path\": \"/var\", \"minFreePercent\": 10, \"minFreeBytes\": 5000000000}"}},
    .run = run,
};
