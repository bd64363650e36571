/* init: a complete installation in one directory: configuration, keys, token, store. All or nothing:
 * what was written is removed when a later step fails. Needs and starts no other program. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/init_keys.h"
#include "cli/init_yaml.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "router/store/store.h"

enum {
    VALUES_MAX = 24,
    PORTS = 4,
    SOCKET_PATH_MAX = 100, /* of the web socket; the kernel's limit is 107 */
};

struct init {
    struct cli *cli;
    struct init_files files;
    const char *runner_name;
    int port_fds[PORTS]; /* held until the end, so that no port is given twice */
    size_t port_count;
    struct buf texts[VALUES_MAX];
    struct init_value values[VALUES_MAX + 1];
    size_t value_count;
    char url[64];
};

/* --- Values ------------------------------------------------------------------------------------ */

/* The buffer that takes the value of a path. */
static struct buf *value(struct init *init, const char *path)
{
    struct buf *text = &init->texts[init->value_count];
    buf_init(text, LIMIT_CONFIG_BYTES);
    init->values[init->value_count++].path = path;
    return text;
}

static void add_text(struct init *init, const char *path, const char *text)
{
    struct json_enc enc;
    json_enc_start(&enc, value(init, path));
    json_enc_str(&enc, NULL, text);
}

/* A reference to a secret's file: absolute, as the rules want it. */
static void add_secret(const struct init *init, struct buf *out, const char *name)
{
    TC_CLEANUP(mem_freep) char *path = init_path(&init->files, name);
    TC_CLEANUP(buf_freep) struct buf reference;
    struct json_enc enc;
    buf_init(&reference, PATH_MAX);
    buf_add_fmt(&reference, "file:%s", path);
    json_enc_start(&enc, out);
    json_enc_str(&enc, NULL, reference.p);
}

static void add_secret_member(const struct init *init, struct json_enc *enc, const char *member,
                              const char *name)
{
    TC_CLEANUP(buf_freep) struct buf reference;
    buf_init(&reference, PATH_MAX);
    add_secret(init, &reference, name);
    json_enc_raw(enc, member, reference.p, reference.len);
}

static void add_list(struct init *init, const char *path, const char *const *items, size_t count)
{
    struct json_enc enc;
    json_enc_start(&enc, value(init, path));
    json_enc_arr(&enc, NULL);
    for (size_t i = 0; i < count; i++) {
        json_enc_str(&enc, NULL, items[i]);
    }
    json_enc_arr_end(&enc);
}

/* A port of loopback that nobody listens on: the usual one when it is free. */
static int find_port(struct init *init, uint16_t usual, uint16_t *ret_port, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(err, err_from_errno(errno), "cannot make a socket to look for free ports");
    }
    init->port_fds[init->port_count++] = fd;
    const int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)); /* else another port */
    address.sin_port = htons(usual);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        address.sin_port = 0;
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
            return err_set(err, err_from_errno(errno), "there is no free port on 127.0.0.1");
        }
    }
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return err_set(err, TC_EIO, "cannot tell a socket's port");
    }
    *ret_port = ntohs(address.sin_port);
    return TC_OK;
}

static int add_addresses(struct init *init, struct err *err)
{
    static const struct {
        const char *path;
        uint16_t port;
    } usual[PORTS] = {{"router.runners", 5570},
                      {"router.notifiers", 5571},
                      {"web.listen", 8080},
                      {"router.web", 5572}};
    bool fits = strlen(init->files.dir) + strlen("/web.sock") <= SOCKET_PATH_MAX;
    for (size_t i = 0; i < PORTS; i++) {
        bool is_web = str_eq(usual[i].path, "web.listen");
        uint16_t port = 0;
        char text[64];
        if (i + 1 == PORTS && fits) {
            add_text(init, usual[i].path, "ipc://web.sock");
            break;
        }
        int code = find_port(init, usual[i].port, &port, err);
        if (code != TC_OK) {
            return code;
        }
        (void)snprintf(text, sizeof(text), "%s127.0.0.1:%u", is_web ? "" : "tcp://", port);
        add_text(init, usual[i].path, text);
        if (is_web) {
            (void)snprintf(init->url, sizeof(init->url), "http://127.0.0.1:%u", port);
            add_text(init, "web.public_url", init->url);
        }
    }
    return TC_OK;
}

static void add_channels(struct init *init)
{
    const struct cli_args *args = &init->cli->args;
    TC_CLEANUP(mem_freep) char *mail = file_join(init->files.dir, "mail");
    struct json_enc enc;
    json_enc_start(&enc, value(init, "channels"));
    json_enc_obj(&enc, NULL);
    json_enc_obj(&enc, "file");
    json_enc_str(&enc, "directory", mail);
    json_enc_obj_end(&enc);
    if (args->smtp != NULL) {
        json_enc_obj(&enc, "email");
        json_enc_str(&enc, "smtp", args->smtp);
        json_enc_str(&enc, "from", args->from == NULL ? "tocsin@localhost" : args->from);
        json_enc_obj_end(&enc);
    }
    if (args->slack != NULL) {
        json_enc_obj(&enc, "slack");
        json_enc_obj(&enc, "targets");
        json_enc_obj(&enc, "#ops");
        add_secret_member(init, &enc, "webhook", "secrets/slack-ops");
        json_enc_obj_end(&enc);
        json_enc_obj_end(&enc);
        json_enc_obj_end(&enc);
    }
    if (args->pagerduty != NULL) {
        json_enc_obj(&enc, "pagerduty");
        json_enc_obj(&enc, "targets");
        json_enc_obj(&enc, "core");
        add_secret_member(init, &enc, "routing_key", "secrets/pagerduty-core");
        json_enc_obj_end(&enc);
        json_enc_obj_end(&enc);
        json_enc_str(&enc, "endpoint", args->pagerduty);
        json_enc_obj_end(&enc);
    }
    json_enc_obj_end(&enc);
}

static int add_sources(struct init *init, struct err *err)
{
    const struct opt_list *sources = &init->cli->args.sources;
    if (sources->count == 0) {
        return TC_OK;
    }
    struct json_enc enc;
    json_enc_start(&enc, value(init, "runner.sources"));
    json_enc_obj(&enc, NULL);
    for (size_t i = 0; i < sources->count; i++) {
        size_t size = strcspn(sources->items[i], "=");
        if (size == 0 || sources->items[i][size] == '\0') {
            return err_set(err, TC_EINVAL, "--source: \"%s\" is not NAME=URL", sources->items[i]);
        }
        TC_CLEANUP(mem_freep) char *name = mem_dup(sources->items[i], size);
        json_enc_obj(&enc, name);
        json_enc_str(&enc, "url", sources->items[i] + size + 1);
        json_enc_obj_end(&enc);
    }
    json_enc_obj_end(&enc);
    return TC_OK;
}

static int add_values(struct init *init, struct err *err)
{
    static const char *const operators[] = {"file:operator"};
    static const char *const checks[] = {"checks"};
    static const char *const allow[] = {"sql", "http", "tcp", "disk", "file", "exec:*", "nagios:*"};
    const struct cli_args *args = &init->cli->args;
    add_text(init, "state_dir", init->files.dir);
    if (args->is_demo) {
        char now[TIMETEXT_SIZE];
        buf_add_str(value(init, "demo"), "true");
        add_text(init, "demo_since", timetext_rfc3339(clock_now_utc_ms(init->cli->clock), now));
    }
    add_secret(init, value(init, "keys.link"), "keys/" LINK_FILE_LINK);
    add_text(init, "store.url", "sqlite:tocsin.db");
    bool has_notify = args->notify.count > 0;
    add_list(init, "router.default_recipients", has_notify ? args->notify.items : operators,
             has_notify ? args->notify.count : 1);
    add_text(init, "runner.name", init->runner_name);
    bool has_checks = args->checks.count > 0;
    add_list(init, "runner.checks", has_checks ? args->checks.items : checks,
             has_checks ? args->checks.count : 1);
    add_list(init, "runner.allow", allow, sizeof(allow) / sizeof(allow[0]));
    add_channels(init);
    int code = add_sources(init, err);
    return code == TC_OK ? add_addresses(init, err) : code;
}

/* --- Steps ------------------------------------------------------------------------------------- */

static int write_secrets(struct init *init, struct err *err)
{
    const struct cli_args *args = &init->cli->args;
    int code = TC_OK;
    if (args->slack != NULL) {
        code = init_write(&init->files, "secrets/slack-ops", args->slack, err);
    }
    if (code == TC_OK && args->pagerduty != NULL) {
        char key[INIT_HEX_SIZE];
        init_random_hex(key);
        key[32] = '\0'; /* a routing key has 32 characters */
        code = init_write(&init->files, "secrets/pagerduty-core", key, err);
    }
    return code;
}

static int write_config(struct init *init, struct err *err)
{
    int code = add_values(init, err);
    for (size_t i = 0; i < init->value_count; i++) {
        init->values[i].json = init->texts[i].p;
    }
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    init_yaml_write(init->values, &text);
    TC_CLEANUP(mem_freep) char *path = init_path(&init->files, "tocsin.yaml");
    code = file_create(path, 0640, text.p, text.len, err);
    if (code != TC_OK) {
        return code;
    }
    init_created(&init->files, "tocsin.yaml");
    /* What the options brought in may be unusable: their text is judged by the same rules. */
    struct config *config = NULL;
    code = config_load(path, NULL, NULL, &config, err);
    (void)config_free(config); /* returns NULL */
    return code;
}

static void on_step(void *ctx, const char *name, const char *sql)
{
    (void)ctx;
    (void)name;
    (void)sql;
}

static int make_store(struct init *init, struct err *err)
{
    const struct store_config config = {.url = "sqlite:tocsin.db", .dir = init->files.dir};
    int64_t now_utc_ms = clock_now_utc_ms(init->cli->clock);
    init_created(&init->files, "tocsin.db.lock");
    init_created(&init->files, "tocsin.db.reserve");
    init_created(&init->files, "tocsin.db-shm");
    init_created(&init->files, "tocsin.db-wal");
    init_created(&init->files, "tocsin.db");
    int code = store_migrate(&config, false, now_utc_ms, on_step, NULL, err);
    return code == TC_OK ? init_token(&init->files, &config, now_utc_ms, err) : code;
}

static int make_dirs(struct init *init, struct err *err)
{
    static const char *const names[] = {"keys", "checks", "mail", "secrets"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TC_CLEANUP(mem_freep) char *path = init_path(&init->files, names[i]);
        int code = file_make_dirs(path, 0700, err);
        if (code != TC_OK) {
            return code;
        }
        init_created(&init->files, names[i]);
    }
    return TC_OK;
}

static int make_all(struct init *init, struct err *err)
{
    const struct cli_args *args = &init->cli->args;
    const char *channels[] = {"file", NULL, NULL, NULL, NULL};
    size_t count = 1;
    if (args->smtp != NULL) {
        channels[count++] = "email";
    }
    if (args->slack != NULL) {
        channels[count++] = "slack";
    }
    if (args->pagerduty != NULL) {
        channels[count++] = "pagerduty";
    }
    int code = make_dirs(init, err);
    if (code == TC_OK) {
        code = init_keys(&init->files, init->runner_name, channels, err);
    }
    if (code == TC_OK) {
        code = write_secrets(init, err);
    }
    if (code == TC_OK) {
        code = make_store(init, err);
    }
    return code == TC_OK ? write_config(init, err) : code;
}

static int print_result(const struct init *init, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    TC_CLEANUP(mem_freep) char *config = init_path(&init->files, "tocsin.yaml");
    TC_CLEANUP(mem_freep) char *token = init_path(&init->files, "admin.token");
    buf_init(&out, LIMIT_CONFIG_BYTES);
    if (init->cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "config", config);
        json_enc_str(&enc, "tokenFile", token);
        json_enc_str(&enc, "url", init->url);
        json_enc_obj_end(&enc);
        buf_add_char(&out, '\n');
    } else {
        buf_add_fmt(&out, "wrote %s\nstart:  tocsin --config %s up\npage:   %s/ (token in %s)\n",
                    config, config, init->url, token);
    }
    return cli_print(&out, err);
}

static int check_target(struct init *init, struct err *err)
{
    const struct cli_args *args = &init->cli->args;
    if (args->dir == NULL) {
        return err_set(err, TC_EINVAL, "tocsin init needs --dir DIR: where everything is written");
    }
    if (args->from != NULL && args->smtp == NULL) {
        return err_set(err, TC_EINVAL, "--from is of use with --smtp URL only");
    }
    int code = file_make_dirs(args->dir, 0700, err);
    if (code != TC_OK) {
        return code;
    }
    char real[PATH_MAX];
    if (realpath(args->dir, real) == NULL) {
        return err_set(err, err_from_errno(errno), "cannot find %s", args->dir);
    }
    init->files.dir = mem_strdup(real);
    static const char *const taken[] = {"tocsin.yaml", "tocsin.db", "keys"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        TC_CLEANUP(mem_freep) char *path = init_path(&init->files, taken[i]);
        if (access(path, F_OK) == 0) {
            return err_set(err, TC_EEXIST,
                           "%s exists already; give another --dir, or move what is there away",
                           path);
        }
    }
    return TC_OK;
}

int verb_init(struct cli *cli, struct err *err)
{
    struct init *init = mem_alloc(sizeof(*init));
    char host[HOST_NAME_MAX + 1] = "localhost";
    (void)gethostname(host, sizeof(host) - 1); /* the name above serves as well */
    init->cli = cli;
    init->runner_name = cli->args.name == NULL ? host : cli->args.name;
    int code = check_target(init, err);
    if (code == TC_OK) {
        code = make_all(init, err);
        if (code != TC_OK) {
            init_undo(&init->files);
        }
    }
    for (size_t i = 0; i < init->port_count; i++) {
        (void)close(init->port_fds[i]); /* nothing was sent through it */
    }
    if (code == TC_OK) {
        code = print_result(init, err);
    }
    for (size_t i = 0; i < init->value_count; i++) {
        buf_free(&init->texts[i]);
    }
    init_files_clear(&init->files);
    mem_free(init);
    return code;
}
