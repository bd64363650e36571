/* runner add and revoke: keys and the router's list of peers, on the router's host. The router reads the
 * list by itself; the runners that there are, runner list asks of the API. */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/init_keys.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "proto/link/allow.h"

enum {
    ALLOW_BYTES_MAX = 4 * 1024 * 1024,
};

static int read_allow(struct cli *cli, char **ret_path, char **ret_text, struct err *err)
{
    int code = cli_config(cli, err);
    if (code != TC_OK) {
        return code;
    }
    *ret_path = file_join(cli->config->keys.dir, LINK_FILE_ALLOW);
    return file_read(*ret_path, ALLOW_BYTES_MAX, ret_text, NULL, err);
}

static bool is_runner(const struct allow_entry *entry, const char *name)
{
    return entry->role == MESSAGE_RUNNER && str_eq(entry->name, name);
}

static int check_free(const char *text, const char *name, struct err *err)
{
    struct allow allow = {0};
    int code = allow_parse(text, &allow, err);
    for (size_t i = 0; code == TC_OK && i < allow.count; i++) {
        if (is_runner(&allow.entries[i], name)) {
            code = err_set(err, TC_EEXIST,
                           "there is a runner \"%s\" already; give the new one another name, or "
                           "run tocsin runner revoke first",
                           name);
        }
    }
    allow_free(&allow);
    return code;
}

static int print_done(const struct cli *cli, const char *name, const char *sentence,
                      struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_CONFIG_BYTES);
    if (cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "runner", name);
        json_enc_obj_end(&enc);
        buf_add_char(&out, '\n');
    } else {
        buf_add_fmt(&out, "%s\n", sentence);
    }
    return cli_print(&out, err);
}

/* The new host's files first: a line in the list without them would be a key nobody has. */
static int write_pair(const struct cli *cli, const char *name, struct buf *line, struct err *err)
{
    const char *dir = cli->args.dir == NULL ? "." : cli->args.dir;
    TC_CLEANUP(mem_freep) char *path = file_join(dir, LINK_FILE_RUNNER);
    TC_CLEANUP(mem_freep) char *public = file_join(dir, LINK_FILE_ROUTER_PUB);
    TC_CLEANUP(mem_freep) char *router = file_join(cli->config->keys.dir, LINK_FILE_ROUTER_PUB);
    struct link_key key;
    struct link_key of_router = {.public_z85 = ""};
    int code = link_key_read_public(router, of_router.public_z85, err);
    if (code == TC_OK) {
        code = link_key_make(&key, err);
    }
    if (code == TC_OK) {
        code = link_key_write(path, &key, err);
    }
    if (code == TC_OK && access(public, F_OK) != 0) {
        code = link_key_write_public(public, &of_router, err);
    }
    if (code == TC_OK) {
        buf_add_fmt(line, "runner %s %s\n", name, key.public_z85);
    }
    link_key_wipe(&key);
    return code;
}

int verb_runner_add(struct cli *cli, struct err *err)
{
    const char *name = cli->operands.items[0];
    TC_CLEANUP(mem_freep) char *path = NULL;
    TC_CLEANUP(mem_freep) char *text = NULL;
    TC_CLEANUP(buf_freep) struct buf fresh;
    buf_init(&fresh, ALLOW_BYTES_MAX);
    int code = init_check_name(name, err);
    if (code == TC_OK) {
        code = read_allow(cli, &path, &text, err);
    }
    if (code == TC_OK) {
        code = check_free(text, name, err);
    }
    if (code == TC_OK) {
        buf_add_str(&fresh, text);
        if (fresh.len > 0 && fresh.p[fresh.len - 1] != '\n') {
            buf_add_char(&fresh, '\n');
        }
        code = write_pair(cli, name, &fresh, err);
    }
    if (code == TC_OK) {
        code = file_write(path, 0644, fresh.p, fresh.len, err);
    }
    return code == TC_OK ? print_done(cli, name,
                                      "the router knows it now; copy runner.key and router.pub "
                                      "into keys.dir of its host",
                                      err)
                         : code;
}

/* Copy all lines but those that are the runner's. */
static size_t drop_runner(const char *text, const char *name, struct buf *out)
{
    size_t dropped = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        size += text[size] == '\n' ? 1 : 0;
        TC_CLEANUP(mem_freep) char *line = mem_dup(text, size);
        struct allow allow = {0};
        bool is_his = allow_parse(line, &allow, NULL) == TC_OK && allow.count == 1 &&
                      is_runner(&allow.entries[0], name);
        allow_free(&allow);
        if (is_his) {
            dropped++;
        } else {
            buf_add_str(out, line);
        }
        text += size;
    }
    return dropped;
}

int verb_runner_revoke(struct cli *cli, struct err *err)
{
    const char *name = cli->operands.items[0];
    TC_CLEANUP(mem_freep) char *path = NULL;
    TC_CLEANUP(mem_freep) char *text = NULL;
    TC_CLEANUP(buf_freep) struct buf fresh;
    buf_init(&fresh, ALLOW_BYTES_MAX);
    int code = read_allow(cli, &path, &text, err);
    if (code != TC_OK) {
        return code;
    }
    if (drop_runner(text, name, &fresh) == 0) {
        return err_set(err, TC_ENOENT, "%s knows no runner \"%s\"; see tocsin runner list", path,
                       name);
    }
    code = file_write(path, 0644, fresh.p, fresh.len, err);
    return code == TC_OK ? print_done(cli, name, "its key opens nothing any more", err) : code;
}
