/* Which programs a host runs, and where they lie. Starts none but to ask it about its configuration;
 * supervising is up.c's. Called by up, doctor and config check. */
#include "cli/siblings.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/child.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"

enum {
    ASK_MS = 20 * 1000,
    ANSWER_BYTES_MAX = 16 * 1024,
    OTHERS = 3, /* beside router and notifiers: runner, web, check */
};

static void add(struct sibling *siblings, size_t *count, const char *program, const char *operand,
                enum sibling_stage stage)
{
    struct sibling *one = &siblings[(*count)++];
    *one = (struct sibling){.operand = operand, .stage = stage};
    (void)snprintf(one->program, sizeof(one->program), "tocsin-%s", program); /* short words */
    /* A channel's name is as long as its writer likes; the label is for lists only. */
    (void)snprintf(one->label, sizeof(one->label), "%s%s%.40s", program, operand == NULL ? "" : " ",
                   operand == NULL ? "" : operand);
}

int siblings_of(const struct config *config, struct sibling *ret_siblings, size_t *ret_count,
                struct err *err)
{
    size_t count = 0;
    add(ret_siblings, &count, "router", NULL, SIBLING_ROUTER);
    const struct json_value *channels = config_at(config, "channels");
    for (const struct json_value *c = channels == NULL ? NULL : json_first(channels); c != NULL;
         c = json_next(c)) {
        if (count + OTHERS >= SIBLINGS_MAX) {
            return err_set(err, TC_ERANGE, "channels: more than %d", SIBLINGS_MAX - OTHERS - 1);
        }
        add(ret_siblings, &count, "notifier", json_name(c), SIBLING_NOTIFIER);
    }
    if (config->runner.name != NULL) {
        add(ret_siblings, &count, "runner", NULL, SIBLING_EDGE);
    }
    add(ret_siblings, &count, "web", NULL, SIBLING_EDGE);
    *ret_count = count;
    return TC_OK;
}

int siblings_to_ask(const struct config *config, struct sibling *ret_siblings, size_t *ret_count,
                    struct err *err)
{
    int code = siblings_of(config, ret_siblings, ret_count, err);
    bool has_sources = config->runner.sources != NULL && json_count(config->runner.sources) > 0;
    if (code == TC_OK && (config->runner.name != NULL || has_sources)) {
        add(ret_siblings, ret_count, "check", NULL, SIBLING_EDGE);
    }
    return code;
}

static char *take_if_executable(const char *dir, const char *program)
{
    TC_CLEANUP(mem_freep) char *path = file_join(dir, program);
    return access(path, X_OK) == 0 ? TC_TAKE_PTR(path) : NULL;
}

static char *find_on_path(const char *list, const char *program)
{
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ":");
        TC_CLEANUP(mem_freep) char *dir = mem_dup(list, size);
        char *found = *dir == '/' ? take_if_executable(dir, program) : NULL;
        if (found != NULL) {
            return found;
        }
        list += size + (list[size] == ':' ? 1 : 0);
    }
    return NULL;
}

int sibling_find(const struct cli *cli, const char *program, char **ret_path, struct err *err)
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[size < 0 ? 0 : size] = '\0';
    TC_CLEANUP(mem_freep) char *own = file_dir(self);
    TC_CLEANUP(mem_freep) char *helpers = file_join(own, "../libexec/tocsin");
    char *found = take_if_executable(own, program);
    if (found == NULL) {
        found = take_if_executable(helpers, program);
    }
    if (found == NULL) {
        found = find_on_path(cli_environ(cli, "PATH"), program);
    }
    if (found == NULL) {
        return err_set(err, TC_ENOENT, "%s is neither in %s nor on PATH; install it there", program,
                       own);
    }
    *ret_path = found;
    return TC_OK;
}

/* Collect standard error until the child closes it or time is up. */
static bool collect(const struct child *child, struct buf *text)
{
    char piece[4096];
    struct pollfd waiting = {.fd = child->err, .events = POLLIN};
    for (;;) {
        if (poll(&waiting, 1, ASK_MS) <= 0) {
            return false;
        }
        ssize_t size = read(child->err, piece, sizeof(piece));
        if (size <= 0) {
            return true;
        }
        buf_add(text, piece, (size_t)size); /* what is over the limit is dropped */
    }
}

int sibling_ask(const struct cli *cli, const struct sibling *sibling, const char *argument,
                int *ret_status, char **ret_text, struct err *err)
{
    TC_CLEANUP(mem_freep) char *path = NULL;
    int code = sibling_find(cli, sibling->program, &path, err);
    if (code != TC_OK) {
        return code;
    }
    const char *const argv[] = {sibling->program, "--config",       cli->config->file,
                                argument,         sibling->operand, NULL};
    const struct child_spec spec = {.path = path,
                                    .argv = argv,
                                    .envp = cli->environ_list,
                                    .in = CHILD_NULL,
                                    .out = CHILD_NULL,
                                    .err = CHILD_PIPE,
                                    .keep_fd = -1,
                                    .dies_with_parent = true};
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    code = child_start(&spec, &child, err);
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, ANSWER_BYTES_MAX);
    bool is_done = collect(&child, &text);
    struct pollfd ended = {.fd = child.pidfd, .events = POLLIN};
    is_done = is_done && poll(&ended, 1, ASK_MS) > 0;
    if (!is_done) {
        child_signal(&child, SIGKILL);
        (void)poll(&ended, 1, ASK_MS); /* SIGKILL does not fail; the reaping below would tell */
    }
    struct child_exit end = {.status = -1};
    (void)child_reap(&child, &end); /* a child that can't be reaped is init's when we end */
    if (!is_done) {
        return err_set(err, TC_ETIMEDOUT, "%s did not answer in %d s", sibling->program,
                       ASK_MS / 1000);
    }
    size_t size = 0;
    const char *trimmed = str_trim(text.p, text.len, &size);
    *ret_text = mem_dup(trimmed, size);
    *ret_status = end.signo != 0 ? 128 + end.signo : end.status;
    return TC_OK;
}

void sibling_sentence(char *text)
{
    char *start = strstr(text, "msg=\"");
    if (start == NULL) {
        return;
    }
    start += strlen("msg=\"");
    size_t size = 0;
    for (const char *c = start; *c != '\0' && *c != '"'; c++) {
        c += *c == '\\' && c[1] != '\0' ? 1 : 0;
        text[size++] = *c;
    }
    text[size] = '\0';
}
