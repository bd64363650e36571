/* Control groups for checks: finds the delegated one, makes one for each run, reads what it met, kills
 * and removes it. What becomes of a run is job.c's. Called by spawner.c and job.c. */
#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/ids.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/file.h"

enum {
    FILE_BYTES = CGROUP_PATH_BYTES + 64,
    TEXT_BYTES_MAX = 1024 * 1024, /* of a file of the kernel's; mountinfo is the longest */
    EMPTY_TURNS = 100,            /* processes may be born while the others move */
    REMOVE_DESCRIPTORS = 16,
};

static const char main_name[] = "tocsin-main";

struct cgroup {
    char base[CGROUP_PATH_BYTES]; /* the delegated group */
    char path[CGROUP_PATH_BYTES]; /* below it: the folder of this spawner's runs */
    struct cgroup_options options;
    bool has_memory;
    bool has_pids;
};

/* --- Pure parts ------------------------------------------------------------------------------- */

/* The next word of a line, and behind it; size 0 at its end. */
static const char *next_word(const char **cursor, size_t *ret_size)
{
    const char *word = *cursor + strspn(*cursor, " ");
    *ret_size = strcspn(word, " \n");
    *cursor = word + *ret_size;
    return word;
}

static bool is_word(const char *word, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(word, wanted, size) == 0;
}

/* Root and mount point of a line of mountinfo, when it is one of cgroup v2. */
static bool read_mount(const char *line, char *ret_root, char *ret_point)
{
    enum {
        FIELD_ROOT = 3,
        FIELD_POINT = 4,
    };
    const char *words[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    size_t size = 0;
    const char *word = next_word(&line, &size);
    for (int field = 0; size > 0 && !is_word(word, size, "-"); field++) {
        if (field == FIELD_ROOT || field == FIELD_POINT) {
            words[field - FIELD_ROOT] = word;
            sizes[field - FIELD_ROOT] = size;
        }
        word = next_word(&line, &size);
    }
    word = next_word(&line, &size);
    if (!is_word(word, size, "cgroup2") || words[1] == NULL || sizes[0] >= CGROUP_PATH_BYTES ||
        sizes[1] >= CGROUP_PATH_BYTES) {
        return false;
    }
    memcpy(ret_root, words[0], sizes[0]);
    ret_root[sizes[0]] = '\0';
    memcpy(ret_point, words[1], sizes[1]);
    ret_point[sizes[1]] = '\0';
    return strchr(ret_point, '\\') == NULL; /* escaped blanks: no such mount is worth the trouble */
}

/* The line of version 2 in /proc/self/cgroup: "0::/path". */
static const char *own_line(const char *own, size_t *ret_size)
{
    static const char prefix[] = "0::";
    for (const char *line = own; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (str_has_prefix(line, prefix)) {
            *ret_size = strcspn(line + sizeof(prefix) - 1, "\n");
            return line + sizeof(prefix) - 1;
        }
    }
    return NULL;
}

int cgroup_locate(const char *own, const char *mounts, char *ret_path, struct err *err)
{
    char root[CGROUP_PATH_BYTES];
    char point[CGROUP_PATH_BYTES];
    size_t size = 0;
    const char *path = own_line(own, &size);
    if (path == NULL) {
        return err_set(err, TC_ENOENT, "this kernel has no cgroup v2");
    }
    for (const char *line = mounts; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (!read_mount(line, root, point)) {
            continue;
        }
        size_t skip = str_eq(root, "/") ? 0 : strlen(root);
        bool is_below = size >= skip && memcmp(path, root, skip) == 0 &&
                        (size == skip || path[skip] == '/') && !str_has_prefix(path, "/..");
        if (!is_below) {
            continue;
        }
        bool is_root = size == skip || (size == skip + 1 && path[skip] == '/');
        int length = snprintf(ret_path, CGROUP_PATH_BYTES, "%s%.*s", point,
                              is_root ? 0 : (int)(size - skip), path + skip);
        if (length >= CGROUP_PATH_BYTES) {
            return err_set(err, TC_ERANGE, "the path of this process's cgroup is too long");
        }
        return TC_OK;
    }
    return err_set(err, TC_ENOENT, "no cgroup v2 with this process in it is mounted here");
}

uint64_t cgroup_count(const char *events, const char *name)
{
    for (const char *line = events; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        size_t size = 0;
        uint64_t count = 0;
        const char *word = next_word(&line, &size);
        if (is_word(word, size, name) && parse_char(&line, ' ') &&
            parse_u64(&line, UINT64_MAX, &count) == TC_OK) {
            return count;
        }
    }
    return 0;
}

/* --- Files of the kernel's -------------------------------------------------------------------- */

static void file_of(const char *dir, const char *name, char *ret_path)
{
    (void)snprintf(ret_path, FILE_BYTES, "%s/%s", dir, name); /* paths and names have room */
}

static int write_to(const char *dir, const char *name, const char *text, struct err *err)
{
    char path[FILE_BYTES];
    file_of(dir, name, path);
    TC_CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        return err_set(err, err_from_errno(errno), "cannot write \"%s\" to %s: %s", text, path,
                       strerrordesc_np(errno));
    }
    return TC_OK;
}

static int read_from(const char *dir, const char *name, char **ret_text, struct err *err)
{
    char path[FILE_BYTES];
    file_of(dir, name, path);
    return file_read(path, TEXT_BYTES_MAX, ret_text, NULL, err);
}

static int make_dir(const char *path, struct err *err)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return err_set(err, err_from_errno(errno), "cannot make %s: %s", path,
                       strerrordesc_np(errno));
    }
    return TC_OK;
}

static void run_dir(const struct cgroup *cgroup, uint64_t run, char *ret_path)
{
    (void)snprintf(ret_path, FILE_BYTES, "%s/%" PRIu64, cgroup->path, run); /* has room */
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)place;
    if (type == FTW_DP) {
        (void)rmdir(path); /* what stays is met by the rmdir above it */
    }
    return 0;
}

/* Remove a group with those that the check made below it; true when it is gone. */
static bool remove_tree(const char *path)
{
    if (rmdir(path) != 0 && errno != ENOENT) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)nftw(path, remove_one, REMOVE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    }
    return access(path, F_OK) != 0;
}

/* --- The delegated group ---------------------------------------------------------------------- */

static bool has_mark(const char *path, const char *name)
{
    char value[4] = "";
    return getxattr(path, name, value, sizeof(value)) == 1 && value[0] == '1';
}

/* systemd marks what it delegates. A container's own group is the root of what it sees without being
 * the kernel's root, which alone has no type. */
static bool is_delegated(const char *path, bool is_top)
{
    char type[FILE_BYTES];
    char procs[FILE_BYTES];
    file_of(path, "cgroup.type", type);
    file_of(path, "cgroup.procs", procs);
    bool is_marked = has_mark(path, "user.delegate") || has_mark(path, "trusted.delegate");
    bool is_containers = is_top && access(type, F_OK) == 0;
    return (is_marked || is_containers) && access(procs, W_OK) == 0;
}

static int find_base(struct cgroup *cgroup, struct err *err)
{
    TC_CLEANUP(mem_freep) char *own = NULL;
    TC_CLEANUP(mem_freep) char *mounts = NULL;
    size_t size = 0;
    int rc = file_read("/proc/self/cgroup", TEXT_BYTES_MAX, &own, NULL, err);
    if (rc == TC_OK) {
        rc = file_read("/proc/self/mountinfo", TEXT_BYTES_MAX, &mounts, NULL, err);
    }
    if (rc == TC_OK) {
        rc = cgroup_locate(own, mounts, cgroup->base, err);
    }
    if (rc != TC_OK) {
        return rc;
    }
    const char *path = own_line(own, &size);
    bool is_top = size == 1;
    char *last = strrchr(cgroup->base, '/');
    if (last != NULL && str_eq(last + 1, main_name)) { /* an earlier spawner moved us here */
        *last = '\0';
        is_top = path != NULL && size == sizeof(main_name);
    }
    if (!is_delegated(cgroup->base, is_top)) {
        return err_set(err, TC_ENOENT, "%s is not delegated (Delegate=yes in its systemd unit)",
                       cgroup->base);
    }
    return TC_OK;
}

/* Move every process of the group into its child, until none is left in it. */
static int empty_base(const struct cgroup *cgroup, struct err *err)
{
    char main_path[FILE_BYTES];
    file_of(cgroup->base, main_name, main_path);
    for (int i = 0; i < EMPTY_TURNS; i++) {
        TC_CLEANUP(mem_freep) char *procs = NULL;
        int rc = read_from(cgroup->base, "cgroup.procs", &procs, err);
        if (rc != TC_OK || procs[0] == '\0') {
            return rc;
        }
        rc = make_dir(main_path, err);
        const char *cursor = procs;
        int64_t pid = 0;
        while (rc == TC_OK && parse_i64(&cursor, 0, INT32_MAX, &pid) == TC_OK) {
            char text[24];
            (void)snprintf(text, sizeof(text), "%" PRId64, pid); /* has room */
            (void)write_to(main_path, "cgroup.procs", text,
                           NULL); /* it may have ended: the next turn tells */
            (void)parse_char(&cursor, '\n');
        }
        if (rc != TC_OK) {
            return rc;
        }
    }
    return err_set(err, TC_EAGAIN, "the processes of %s can't be moved into %s", cgroup->base,
                   main_path);
}

/* Whether a controller works in the groups of runs, which it must be let down to in two steps. */
static bool let_down(const struct cgroup *cgroup, const char *word)
{
    return write_to(cgroup->base, "cgroup.subtree_control", word, NULL) == TC_OK &&
           write_to(cgroup->path, "cgroup.subtree_control", word, NULL) == TC_OK;
}

static bool is_none_known(void *ctx, uint64_t run)
{
    (void)ctx;
    (void)run;
    return false;
}

static int take_possession(struct cgroup *cgroup, struct err *err)
{
    int size = snprintf(cgroup->path, sizeof(cgroup->path), "%s/tocsin-checks-%016" PRIx64,
                        cgroup->base, ids_hash(cgroup->options.key));
    if (size >= (int)sizeof(cgroup->path) - (int)sizeof("/18446744073709551615")) {
        return err_set(err, TC_ERANGE, "the path %s is too long", cgroup->base);
    }
    int rc = empty_base(cgroup, err);
    if (rc == TC_OK) {
        rc = make_dir(cgroup->path, err);
    }
    if (rc != TC_OK) {
        return rc;
    }
    (void)write_to(cgroup->path, "cgroup.kill", "1", NULL); /* before Linux 5.14 it is not there */
    (void)cgroup_sweep(cgroup, is_none_known, NULL);        /* the first job's end sweeps again */
    cgroup->has_memory = let_down(cgroup, "+memory");
    cgroup->has_pids = let_down(cgroup, "+pids");
    return TC_OK;
}

/* Go into a group of a run and back: what every check's start will do. */
static int try_out(struct cgroup *cgroup, struct err *err)
{
    char main_path[FILE_BYTES];
    TC_CLEANUP(fd_closep) int fd = -1;
    file_of(cgroup->base, main_name, main_path);
    int rc = cgroup_add(cgroup, 0, &fd, err);
    if (rc != TC_OK) {
        return rc;
    }
    if (write(fd, "0", 1) != 1) {
        rc = err_set(err, err_from_errno(errno), "no process can be put below %s: %s", cgroup->path,
                     strerrordesc_np(errno));
    } else {
        rc = write_to(main_path, "cgroup.procs", "0", err);
    }
    char path[FILE_BYTES];
    run_dir(cgroup, 0, path);
    (void)remove_tree(path);
    return rc;
}

int cgroup_new(const struct cgroup_options *options, struct cgroup **ret_cgroup, struct err *err)
{
    TC_CLEANUP(mem_freep) struct cgroup *cgroup = mem_alloc(sizeof(*cgroup));
    cgroup->options = *options;
    int rc = find_base(cgroup, err);
    if (rc == TC_OK) {
        rc = take_possession(cgroup, err);
    }
    if (rc == TC_OK) {
        rc = try_out(cgroup, err);
    }
    if (rc == TC_OK) {
        *ret_cgroup = TC_TAKE_PTR(cgroup);
    }
    return rc;
}

struct cgroup *cgroup_free(struct cgroup *cgroup)
{
    if (cgroup != NULL) {
        (void)write_to(cgroup->path, "cgroup.kill", "1",
                       NULL);            /* all at once, where there is one */
        (void)remove_tree(cgroup->path); /* else the next spawner removes it */
        mem_free(cgroup);
    }
    return NULL;
}

const char *cgroup_path(const struct cgroup *cgroup)
{
    return cgroup->path;
}

bool cgroup_limits_memory(const struct cgroup *cgroup)
{
    return cgroup->has_memory;
}

bool cgroup_limits_processes(const struct cgroup *cgroup)
{
    return cgroup->has_pids;
}

/* --- Groups of runs --------------------------------------------------------------------------- */

static int set_limits(const struct cgroup *cgroup, const char *dir, struct err *err)
{
    char text[24];
    int rc = TC_OK;
    if (cgroup->has_pids) {
        (void)snprintf(text, sizeof(text), "%" PRId64, cgroup->options.processes); /* has room */
        rc = write_to(dir, "pids.max", text, err);
    }
    if (rc == TC_OK && cgroup->has_memory) {
        rc = write_to(dir, "memory.oom.group", "1", err);
    }
    if (rc == TC_OK && cgroup->has_memory && cgroup->options.memory_bytes > 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64, cgroup->options.memory_bytes); /* has room */
        (void)write_to(dir, "memory.swap.max", "0", NULL); /* not there without swap */
        rc = write_to(dir, "memory.max", text, err);
    }
    return rc;
}

int cgroup_add(struct cgroup *cgroup, uint64_t run, int *ret_fd, struct err *err)
{
    char dir[FILE_BYTES];
    char procs[FILE_BYTES + 16];
    run_dir(cgroup, run, dir);
    (void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir); /* has room */
    int rc = make_dir(dir, err);
    if (rc == TC_OK) {
        rc = set_limits(cgroup, dir, err);
    }
    if (rc != TC_OK) {
        (void)rmdir(dir); /* as good as it can be */
        return rc;
    }
    int fd = open(procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        rc = err_set(err, err_from_errno(errno), "cannot open %s: %s", procs,
                     strerrordesc_np(errno));
        (void)rmdir(dir); /* as good as it can be */
        return rc;
    }
    *ret_fd = fd;
    return TC_OK;
}

void cgroup_kill(const struct cgroup *cgroup, uint64_t run)
{
    char dir[FILE_BYTES];
    run_dir(cgroup, run, dir);
    (void)write_to(dir, "cgroup.kill", "1", NULL); /* gone already, or a kernel before 5.14 */
}

struct cgroup_hits cgroup_hits(const struct cgroup *cgroup, uint64_t run)
{
    struct cgroup_hits hits = {.is_out_of_memory = false};
    char dir[FILE_BYTES];
    TC_CLEANUP(mem_freep) char *memory = NULL;
    TC_CLEANUP(mem_freep) char *pids = NULL;
    run_dir(cgroup, run, dir);
    if (cgroup->has_memory && read_from(dir, "memory.events", &memory, NULL) == TC_OK) {
        hits.is_out_of_memory = cgroup_count(memory, "oom_kill") > 0;
    }
    if (cgroup->has_pids && read_from(dir, "pids.events", &pids, NULL) == TC_OK) {
        hits.is_out_of_processes = cgroup_count(pids, "max") > 0;
    }
    return hits;
}

size_t cgroup_sweep(const struct cgroup *cgroup, bool (*is_known)(void *ctx, uint64_t run),
                    void *ctx)
{
    size_t left = 0;
    DIR *dir = opendir(cgroup->path);
    if (dir == NULL) {
        return 0;
    }
    const struct dirent *entry = NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((entry = readdir(dir)) != NULL) {
        uint64_t run = 0;
        char path[FILE_BYTES];
        if (parse_whole_u64(entry->d_name, UINT64_MAX, &run) != TC_OK || is_known(ctx, run)) {
            continue;
        }
        run_dir(cgroup, run, path);
        cgroup_kill(cgroup, run);
        left += remove_tree(path) ? 0 : 1;
    }
    (void)closedir(dir); /* read only */
    return left;
}
