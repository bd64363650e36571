/* From the merged, checked document to struct config: one line a key, paths made absolute. Refuses
 * only what needs two keys to see. Called by config.c. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/sys/config.h"
#include "lib/sys/config_data.h"
#include "lib/sys/file.h"

static const char *text(const struct config *config, const char *path)
{
    const struct json_value *value = config_at(config, path);
    return value == NULL ? NULL : json_string(value);
}

static bool flag(const struct config *config, const char *path)
{
    const struct json_value *value = config_at(config, path);
    return value != NULL && json_boolean(value);
}

static int64_t number(const struct config *config, const char *path)
{
    const struct json_value *value = config_at(config, path);
    return value == NULL ? 0 : (int64_t)json_number(value);
}

static int64_t duration(const struct config *config, const char *path)
{
    const struct json_value *value = config_at(config, path);
    int64_t ms = 0;
    if (value != NULL && json_type_of(value) == JSON_NUMBER) {
        ms = (int64_t)json_number(value) * 1000;
    } else if (value != NULL) {
        int code = parse_whole_duration(json_string(value), &ms);
        TC_ASSERT(code == TC_OK); /* the rules have checked it */
    }
    return ms;
}

static const char *below(struct config *config, const char *dir, const char *path)
{
    return path == NULL ? NULL : config_keep(config, file_join(dir, path));
}

enum base {
    AS_IS,
    BELOW_FILE, /* relative paths are relative to the configuration file */
};

static struct config_list list(struct config *config, const char *path, enum base base)
{
    const struct json_value *array = config_at(config, path);
    size_t count = array == NULL ? 0 : json_count(array);
    if (count == 0) {
        return (struct config_list){NULL, 0};
    }
    const char **items = config_keep(config, mem_array(count, sizeof(*items)));
    size_t i = 0;
    for (const struct json_value *v = json_first(array); v != NULL; v = json_next(v)) {
        items[i++] =
            base == BELOW_FILE ? below(config, config->dir, json_string(v)) : json_string(v);
    }
    return (struct config_list){items, count};
}

/* prefix + path, with a relative path below state_dir. */
static const char *in_state(struct config *config, const char *address, const char *prefix)
{
    if (address == NULL || !str_has_prefix(address, prefix)) {
        return address;
    }
    TC_CLEANUP(mem_freep) char *path = file_join(config->state_dir, address + strlen(prefix));
    size_t size = strlen(prefix) + strlen(path) + 1;
    char *whole = config_keep(config, mem_alloc(size));
    (void)snprintf(whole, size, "%s%s", prefix, path); /* fits by size */
    return whole;
}

/* Where to connect when the file tells only where the router listens: any address is this host. */
static const char *reachable(struct config *config, const char *given, const char *listening)
{
    if (given != NULL) {
        return in_state(config, given, "ipc://");
    }
    static const char *const any[] = {"tcp://0.0.0.0:", "tcp://*:", "tcp://[::]:"};
    for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        if (str_has_prefix(listening, any[i])) {
            size_t size = strlen("tcp://127.0.0.1:") + strlen(listening) + 1;
            char *whole = config_keep(config, mem_alloc(size));
            (void)snprintf(whole, size, "tcp://127.0.0.1:%s", listening + strlen(any[i]));
            return whole;
        }
    }
    return listening;
}

static void fill_router(struct config *config)
{
    config->router.runners = in_state(config, text(config, "router.runners"), "ipc://");
    config->router.notifiers = in_state(config, text(config, "router.notifiers"), "ipc://");
    config->router.web = in_state(config, text(config, "router.web"), "ipc://");
    config->router.default_recipients = list(config, "router.default_recipients", AS_IS);
    config->router.lease_ms = duration(config, "router.lease");
    config->router.runner_dead_ms = duration(config, "router.runner_dead");
    config->router.grace_ms = duration(config, "router.grace");
    config->router.retry_for_ms = duration(config, "router.retry_for");
    config->router.keep_runs_ms = duration(config, "router.keep_runs");
    config->router.keep_incidents_ms = duration(config, "router.keep_incidents");
    config->router.audit_key = text(config, "router.audit_key");
}

static void fill_runner(struct config *config)
{
    config->runner.name = text(config, "runner.name");
    config->runner.labels = config_at(config, "runner.labels");
    config->runner.router =
        reachable(config, text(config, "runner.router"), config->router.runners);
    config->runner.checks = list(config, "runner.checks", BELOW_FILE);
    config->runner.php = list(config, "runner.php", BELOW_FILE);
    config->runner.plugins = list(config, "runner.plugins", BELOW_FILE);
    config->runner.allow = list(config, "runner.allow", AS_IS);
    config->runner.roots = list(config, "runner.roots", BELOW_FILE);
    config->runner.sources = config_at(config, "runner.sources");
    config->runner.user = text(config, "runner.user");
    config->runner.concurrency = number(config, "runner.concurrency");
    config->runner.workers = number(config, "runner.workers");
    config->runner.spool_bytes = number(config, "runner.spool_bytes");
    config->runner.spool_keep_ms = duration(config, "runner.spool_keep");
    config->runner.splay_ms = duration(config, "runner.splay");
    config->runner.memory_bytes = number(config, "runner.memory_bytes");
    config->runner.alone_command = list(config, "runner.alone_command", AS_IS);
    config->runner.alone_after_ms = duration(config, "runner.alone_after");
}

static void fill_others(struct config *config)
{
    config->log.level = text(config, "log.level");
    config->log.format = text(config, "log.format");
    config->keys.dir = below(config, config->state_dir, text(config, "keys.dir"));
    config->keys.link = text(config, "keys.link");
    config->store.url = in_state(config, text(config, "store.url"), "sqlite:");
    config->store.password = text(config, "store.password");
    config->store.socket = text(config, "store.socket");
    config->store.ca = below(config, config->dir, text(config, "store.ca"));
    config->store.is_tls_required = flag(config, "store.require_tls");
    config->store.is_network_file_allowed = flag(config, "store.allow_network_file");
    config->store.group = text(config, "store.group");
    config->store.web_user = text(config, "store.web_user");
    config->store.web_password = text(config, "store.web_password");
    config->store.migrate_user = text(config, "store.migrate_user");
    config->store.migrate_password = text(config, "store.migrate_password");
    config->notifier.router =
        reachable(config, text(config, "notifier.router"), config->router.notifiers);
    config->notifier.timeout_ms = duration(config, "notifier.timeout");
    config->notifier.link_expiry_ms = duration(config, "notifier.link_expiry");
    config->web.listen = text(config, "web.listen");
    config->web.public_url = text(config, "web.public_url");
    config->web.router = reachable(config, text(config, "web.router"), config->router.web);
    config->web.tls_cert = below(config, config->dir, text(config, "web.tls_cert"));
    config->web.tls_key = text(config, "web.tls_key");
    config->web.hosts = list(config, "web.hosts", AS_IS);
    config->web.session_ms = duration(config, "web.session");
    config->web.connections = number(config, "web.connections");
}

static int check_sockets(const struct config *config, struct err *err)
{
    enum {
        SOCKET_PATH_MAX = 107, /* sun_path without its NUL */
    };
    const char *const addresses[] = {config->router.runners, config->router.notifiers,
                                     config->router.web};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (str_has_prefix(addresses[i], "ipc://") && strlen(addresses[i] + 6) > SOCKET_PATH_MAX) {
            return err_set(err, TC_ECONFIG,
                           "%s: the socket path %s is longer than %d bytes; use a shorter "
                           "state_dir or tcp://",
                           config->file, addresses[i] + 6, SOCKET_PATH_MAX);
        }
    }
    return TC_OK;
}

int config_fill(struct config *config, struct err *err)
{
    config->state_dir = below(config, config->dir, text(config, "state_dir"));
    config->is_demo = flag(config, "demo");
    config->demo_since_utc_ms = INT64_MIN;
    if (text(config, "demo_since") != NULL) {
        int code =
            timetext_parse_rfc3339(text(config, "demo_since"), &config->demo_since_utc_ms, err);
        TC_ASSERT(code == TC_OK); /* the rules have checked it */
    }
    fill_router(config);
    fill_runner(config);
    fill_others(config);
    if ((config->web.tls_cert == NULL) != (config->web.tls_key == NULL)) {
        bool has_cert = config->web.tls_cert != NULL;
        (void)err_set(err, TC_ECONFIG, "web.%s: needs web.%s as well",
                      has_cert ? "tls_cert" : "tls_key", has_cert ? "tls_key" : "tls_cert");
        return config_locate(config, err);
    }
    return check_sockets(config, err);
}
