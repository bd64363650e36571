#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* A control group (cgroup v2) for each check: limits that hold for the check with all that it starts,
 * and a kill that none of it escapes. Only below a group that is delegated to the runner (systemd's
 * Delegate=yes, or a container's own); nothing else of the host is touched. The processes of the
 * delegated group move into its child "tocsin-main", for the kernel wants inner groups empty. */
struct cgroup;

enum {
    CGROUP_PATH_BYTES = 1024,
};

struct cgroup_options {
    const char *key;      /* any text that is this spawner's alone: names its folder */
    int64_t memory_bytes; /* of one check; 0: unlimited */
    int64_t processes;    /* and threads, of one check */
};

/* What a check's group met. */
struct cgroup_hits {
    bool is_out_of_memory;    /* the kernel killed it for its memory.max */
    bool is_out_of_processes; /* a fork was refused */
};

/* Take possession of the delegated group and clear what an earlier spawner of the same key left.
 * Shape:  options as above; key is hashed.
 * Units:  none.
 * Owns:   the caller frees with cgroup_free, which kills what is left in it.
 * Errors: TC_ENOENT nothing is delegated; mapped errno when the kernel refuses; err says what. */
int cgroup_new(const struct cgroup_options *options, struct cgroup **ret_cgroup, struct err *err);
struct cgroup *cgroup_free(struct cgroup *cgroup);

/* The folder, and which limits the kernel keeps in it. Trivial. */
const char *cgroup_path(const struct cgroup *cgroup);
bool cgroup_limits_memory(const struct cgroup *cgroup);
bool cgroup_limits_processes(const struct cgroup *cgroup);

/* Make the group of a run.
 * Shape:  ret_fd takes "0" from the process that is to join (child_spec.group_fd).
 * Units:  none.
 * Owns:   the caller closes ret_fd; the group goes in cgroup_sweep.
 * Errors: mapped errno; nothing is left behind. */
int cgroup_add(struct cgroup *cgroup, uint64_t run, int *ret_fd, struct err *err);

/* Kill all in the group of a run, at once. Trivial. */
void cgroup_kill(const struct cgroup *cgroup, uint64_t run);

/* What the group of a run met so far. Trivial. */
struct cgroup_hits cgroup_hits(const struct cgroup *cgroup, uint64_t run);

/* Kill and remove the groups of runs that are over; returns how many are still there, because the
 * kernel is not done with their processes: call again soon when not 0.
 * Shape:  is_known tells the runs that are going on.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
size_t cgroup_sweep(const struct cgroup *cgroup, bool (*is_known)(void *ctx, uint64_t run),
                    void *ctx);

/* --- Pure parts, for tests ---------------------------------------------------------------------- */

/* The folder of this process's group.
 * Shape:  own and mounts are the texts of /proc/self/cgroup and /proc/self/mountinfo; ret_path has
 *         CGROUP_PATH_BYTES.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ENOENT no cgroup v2, or not visible from here; TC_ERANGE too long. */
int cgroup_locate(const char *own, const char *mounts, char *ret_path, struct err *err);

/* The number behind a name in a file of "name number" lines; 0 when it is not there. Trivial. */
uint64_t cgroup_count(const char *events, const char *name);

#endif
