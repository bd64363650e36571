/* runner.sources: its rules, and one source taken apart. It connects to nothing. Called by sql.c and,
 * for the rules, by every program that loads the configuration with them. */
#include "monitors/source.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/mysql_url.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/secret.h"

enum {
    NAMES_BYTES = 300, /* of the list in a message */
    CA_BYTES = 4 * 1024 * 1024,
};

static const char sqlite_scheme[] = "sqlite:";
static const char mysql_scheme[] = "mysql://";

/* A part of the URL, without its bounds, into an array. */
static int take(const char *from, size_t size, char *ret_word, size_t room, const char *what,
                struct err *err)
{
    if (size == 0 || size >= room) {
        return err_set(err, TC_EINVAL, "its %s must have 1 to %zu bytes", what, room - 1);
    }
    memcpy(ret_word, from, size);
    ret_word[size] = '\0';
    return TC_OK;
}

static int read_mysql(const char *text, struct source *source, struct err *err)
{
    struct mysql_url url;
    int rc = mysql_url_parse(text, &url, err);
    if (rc == TC_OK) {
        source->engine = SOURCE_MYSQL;
        source->port = url.port;
        (void)snprintf(source->user, sizeof(source->user), "%s", url.user); /* same sizes */
        (void)snprintf(source->host, sizeof(source->host), "%s", url.host);
        (void)snprintf(source->database, sizeof(source->database), "%s", url.database);
    }
    return rc;
}

static int read_url(const char *url, struct source *source, struct err *err)
{
    if (str_has_prefix(url, sqlite_scheme)) {
        const char *path = url + sizeof(sqlite_scheme) - 1;
        source->engine = SOURCE_SQLITE;
        return take(path, strlen(path), source->path, sizeof(source->path), "path", err);
    }
    if (str_has_prefix(url, mysql_scheme)) {
        return read_mysql(url, source, err);
    }
    return err_set(err, TC_EINVAL, "must begin with sqlite: or mysql://");
}

static int check_url(const char *text, struct err *err)
{
    struct source source;
    return read_url(text, &source, err);
}

static const struct rule rules[] = {
    {.name = "url",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = SOURCE_PATH_BYTES,
     .check = check_url,
     .doc = "sqlite:FILE (relative to state_dir) or mysql://USER@HOST:PORT/DATABASE, also for "
            "MariaDB. Give the account SELECT and nothing else."},
    {.name = "password", .type = RULE_SECRET, .doc = "Password of the account."},
    {.name = "socket",
     .type = RULE_STRING,
     .min = 1,
     .max = 107,
     .doc = "Socket of a server on this host, instead of TCP."},
    {.name = "require_tls",
     .type = RULE_BOOLEAN,
     .fallback = "false",
     .doc = "Refuse a connection without TLS and a certificate for the host."},
    {.name = "ca",
     .type = RULE_STRING,
     .min = 1,
     .max = SOURCE_PATH_BYTES - 1,
     .doc = "CA certificates that the server is checked against; default: the system's."},
    {.name = "timezone",
     .type = RULE_STRING,
     .min = 1,
     .max = SOURCE_WORD_BYTES - 1,
     .fallback = "\"UTC\"",
     .doc = "Zone of the times that it holds without one (DATETIME, text)."},
    {.name = NULL},
};

const struct config_section source_sections[] = {
    {.path = "runner.sources", .is_map = true, .rules = rules},
    {.path = NULL},
};

void source_describe(struct buf *out)
{
    rules_describe(rules, out);
}

static int find_none(const struct config *config, const char *name, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf names;
    buf_init(&names, NAMES_BYTES);
    const struct json_value *all = config->runner.sources;
    for (const struct json_value *one = all == NULL ? NULL : json_first(all); one != NULL;
         one = json_next(one)) {
        buf_add_fmt(&names, "%s%s", names.len == 0 ? "" : ", ", json_name(one));
    }
    return err_set(err, TC_ENOENT,
                   "This host has no source \"%.100s\" in runner.sources of %s; there %s%s", name,
                   config->file, names.len == 0 ? "is none" : "are: ", names.p);
}

static void copy_below(const char *dir, const char *path, char *ret_path)
{
    TC_CLEANUP(mem_freep) char *full = file_join(dir, path);
    if (str_copy(ret_path, SOURCE_PATH_BYTES, full) != TC_OK) {
        ret_path[0] = '\0'; /* does not fit: the file is not found, and the message says so */
    }
}

int source_find(const struct config *config, const char *name, struct source *ret_source,
                struct err *err)
{
    const struct json_value *all = config->runner.sources;
    const struct json_value *value = all == NULL ? NULL : json_member(all, name);
    if (value == NULL) {
        return find_none(config, name, err);
    }
    struct source source = {.port = MYSQL_URL_PORT};
    struct json_dec d;
    json_dec_start(&d, value, "runner.sources", err);
    (void)snprintf(source.name, sizeof(source.name), "%s", name); /* cut at worst */
    int rc = read_url(json_str(&d, "url", SOURCE_PATH_BYTES), &source, err);
    const char *ca = json_str_opt(&d, "ca", SOURCE_PATH_BYTES - 1, NULL);
    source.is_tls_required = json_bool_opt(&d, "require_tls", false) || ca != NULL;
    if (rc == TC_OK) {
        rc = str_copy(source.password, sizeof(source.password),
                      json_str_opt(&d, "password", SOURCE_PATH_BYTES - 1, ""));
    }
    if (rc == TC_OK) {
        rc = str_copy(source.socket, sizeof(source.socket),
                      json_str_opt(&d, "socket", SOURCE_PATH_BYTES - 1, ""));
    }
    if (rc == TC_OK) {
        rc = str_copy(source.zone, sizeof(source.zone),
                      json_str_opt(&d, "timezone", SOURCE_WORD_BYTES - 1, "UTC"));
    }
    if (rc != TC_OK || json_end(&d) != TC_OK) {
        return err_set(err, TC_ECONFIG, "The source \"%.100s\" in %s is not usable", name,
                       config->file);
    }
    if (ca != NULL) {
        copy_below(config->dir, ca, source.ca);
    }
    if (source.engine == SOURCE_SQLITE) {
        char relative[SOURCE_PATH_BYTES];
        memcpy(relative, source.path, sizeof(relative));
        copy_below(config->state_dir, relative, source.path);
    }
    *ret_source = source;
    return TC_OK;
}

/* What its use would refuse, for one source. */
static int check_source(const struct config *config, const char *name, struct tz_cache *zones,
                        struct err *err)
{
    struct source source = {.port = MYSQL_URL_PORT};
    const struct tz *zone = NULL;
    int rc = source_find(config, name, &source, err);
    if (rc != TC_OK) {
        return rc;
    }
    const char *key = "password";
    if (source.password[0] != '\0') {
        rc = secret_check(source.password, config->dir, err);
    }
    if (rc == TC_OK && source.ca[0] != '\0') {
        TC_CLEANUP(mem_freep) char *text = NULL;
        key = "ca";
        rc = file_read(source.ca, CA_BYTES, &text, NULL, err);
    }
    if (rc == TC_OK) {
        key = "timezone";
        rc = tz_open(zones, source.zone, &zone, err);
    }
    if (rc != TC_OK) {
        (void)err_ctx(err, "runner.sources.%s.%s", name, key); /* located by the caller */
    }
    return rc;
}

int source_check_all(const struct config *config, struct err *err)
{
    const struct json_value *all = config->runner.sources;
    struct tz_cache *zones = tz_cache_new(NULL);
    int rc = TC_OK;
    for (const struct json_value *one = all == NULL ? NULL : json_first(all);
         rc == TC_OK && one != NULL; one = json_next(one)) {
        rc = check_source(config, json_name(one), zones, err);
    }
    (void)tz_cache_free(zones); /* always NULL */
    return rc == TC_OK ? TC_OK : config_locate(config, err);
}
