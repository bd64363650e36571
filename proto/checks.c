/* Check names and the rules of the built-in checks' params. It neither runs checks nor knows what a
 * host allows; router, web, cli, runner and tocsin-check validate with it. */
#include "proto/checks.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"

enum {
    FILE_BYTES = 64, /* of the part behind the colon */
    STATUS_COUNT_MAX = 32,
};
#define DAY_MS      INT64_C(86400000)
#define BYTES_LIMIT (INT64_C(1) << 53)

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "OPTIONS", NULL};
static const char *const modes[] = {"value", "count", "rows", "freshness", NULL};
static const char *const warnings[] = {"failure", "ok", NULL};

static int check_url(const char *text, struct err *err)
{
    if (!str_has_prefix(text, "http://") && !str_has_prefix(text, "https://")) {
        return err_set(err, TC_EINVAL, "must begin with http:// or https://");
    }
    return TC_OK;
}

static int check_path(const char *text, struct err *err)
{
    if (text[0] != '/') {
        return err_set(err, TC_EINVAL, "must be an absolute path");
    }
    if (strstr(text, "/../") != NULL || str_has_suffix(text, "/..")) {
        return err_set(err, TC_EINVAL, "must not contain \"..\"");
    }
    return TC_OK;
}

static int check_host(const char *text, struct err *err)
{
    if (strpbrk(text, " \t\r\n/@") != NULL) {
        return err_set(err, TC_EINVAL, "must be a host name or address alone");
    }
    return TC_OK;
}

static int check_header(const char *text, struct err *err)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || strpbrk(text, "\r\n") != NULL) {
        return err_set(err, TC_EINVAL, "must be \"Name: value\" on one line");
    }
    return TC_OK;
}

static const struct rule http_rules[] = {
    {.name = "url",
     .type = RULE_STRING,
     .is_required = true,
     .min = 8,
     .max = LIMIT_URL_BYTES,
     .check = check_url,
     .doc = "What to fetch."},
    {.name = "method",
     .type = RULE_STRING,
     .max = 16,
     .choices = methods,
     .fallback = "\"GET\"",
     .doc = "Request method."},
    {.name = "headers",
     .type = RULE_STRINGS,
     .max = LIMIT_LABELS,
     .check = check_header,
     .doc = "Header lines to send, \"Name: value\"; no secrets, rows are read by many."},
    {.name = "body",
     .type = RULE_STRING,
     .max = LIMIT_PARAMS_BYTES,
     .doc = "Request body, for POST and PUT."},
    {.name = "expectStatus",
     .type = RULE_ANY,
     .doc = "The status that is right, or an array of them; without it any of 200 to 299."},
    {.name = "bodyContains",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_LABELS_BYTES,
     .doc = "Text that the first 64 KiB of the answer must contain."},
    {.name = "bodyLacks",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_LABELS_BYTES,
     .doc = "Text that the first 64 KiB of the answer must not contain."},
    {.name = "expectHeaders",
     .type = RULE_STRINGS,
     .max = LIMIT_LABELS,
     .check = check_header,
     .doc =
         "Header lines that the answer must have: \"Name: value\", or \"Name:\" with any value."},
    {.name = "followRedirects",
     .type = RULE_BOOLEAN,
     .fallback = "false",
     .doc = "Go where a redirect points, five times at most."},
    {.name = "maxMs",
     .type = RULE_INTEGER,
     .min = 1,
     .max = 3600000,
     .doc = "Fails when the whole answer takes longer."},
    {.name = "certDays",
     .type = RULE_INTEGER,
     .max = 3650,
     .doc = "Fails when the certificate ends within so many days; https only."},
    {.name = NULL},
};

static const struct rule tcp_rules[] = {
    {.name = "host",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .check = check_host,
     .doc = "Where to connect."},
    {.name = "port",
     .type = RULE_INTEGER,
     .is_required = true,
     .min = 1,
     .max = 65535,
     .doc = "Port."},
    {.name = "send",
     .type = RULE_STRING,
     .max = LIMIT_LABELS_BYTES,
     .doc = "Text to send once connected."},
    {.name = "expect",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_LABELS_BYTES,
     .doc = "Text that the answer must contain."},
    {.name = "maxMs",
     .type = RULE_INTEGER,
     .min = 1,
     .max = 3600000,
     .doc = "Fails when connecting, and the text that is expected, take longer."},
    {.name = NULL},
};

static const struct rule disk_rules[] = {
    {.name = "path",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = 1023,
     .check = check_path,
     .doc = "Any path of the file system; below a root that the runner's configuration allows."},
    {.name = "minFreePercent",
     .type = RULE_NUMBER,
     .doc = "Fails when less is free for ordinary users."},
    {.name = "minFreeBytes",
     .type = RULE_INTEGER,
     .max = BYTES_LIMIT,
     .doc = "Fails when less is free for ordinary users."},
    {.name = "minFreeInodesPercent",
     .type = RULE_NUMBER,
     .doc = "Fails when fewer files can be made."},
    {.name = NULL},
};

static const struct rule file_rules[] = {
    {.name = "path",
     .type = RULE_STRING,
     .min = 1,
     .max = 1023,
     .check = check_path,
     .doc = "One file, below a root that the runner's configuration allows."},
    {.name = "glob",
     .type = RULE_STRING,
     .min = 1,
     .max = 1023,
     .check = check_path,
     .doc = "A pattern of files instead; wildcards in its last part only."},
    {.name = "maxAge",
     .type = RULE_DURATION,
     .min = 1000,
     .max = 3650 * DAY_MS,
     .doc = "Fails when the newest file is older."},
    {.name = "minSize", .type = RULE_INTEGER, .max = BYTES_LIMIT, .doc = "Bytes of each file."},
    {.name = "maxSize", .type = RULE_INTEGER, .max = BYTES_LIMIT, .doc = "Bytes of each file."},
    {.name = "minCount",
     .type = RULE_INTEGER,
     .max = 1000000,
     .fallback = "1",
     .doc = "Fewest files; 0 by default when maxCount is 0."},
    {.name = "maxCount", .type = RULE_INTEGER, .max = 1000000, .doc = "Most files."},
    {.name = NULL},
};

static const struct rule sql_rules[] = {
    {.name = "source",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "Name of a database in the runner's configuration."},
    {.name = "query",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_PARAMS_BYTES,
     .doc = "One statement that reads."},
    {.name = "mode",
     .type = RULE_STRING,
     .is_required = true,
     .max = 16,
     .choices = modes,
     .doc = "value: the first column of the one row; count: how many rows come back; rows: each "
            "row that comes back is a violation; freshness: the age of the newest time in the "
            "first column."},
    {.name = "min", .type = RULE_NUMBER, .doc = "Fails below; for value and count."},
    {.name = "max",
     .type = RULE_NUMBER,
     .doc = "Fails above; for value and count; for rows how many are tolerated."},
    {.name = "equals",
     .type = RULE_ANY,
     .doc = "Fails when different: a number or a text; for value and count."},
    {.name = "maxAge",
     .type = RULE_DURATION,
     .min = 1000,
     .max = 3650 * DAY_MS,
     .doc = "Fails when the time is further back, for freshness."},
    {.name = "timezone",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_ZONE_BYTES,
     .doc = "Zone of times that the database gives without one; default: the source's, else UTC."},
    {.name = "maxRows",
     .type = RULE_INTEGER,
     .min = 1,
     .max = 100000,
     .fallback = "1000",
     .doc = "Rows read at most; more of them is a failure."},
    {.name = "messageColumns",
     .type = RULE_STRINGS,
     .max = 16,
     .doc = "Columns of the first rows to quote in the message."},
    {.name = NULL},
};

static const struct rule nagios_rules[] = {
    {.name = "args", .type = RULE_STRINGS, .max = 64, .doc = "Arguments of the plugin, one each."},
    {.name = "warningIs",
     .type = RULE_STRING,
     .max = 16,
     .choices = warnings,
     .fallback = "\"failure\"",
     .doc = "What exit status 1 counts as."},
    {.name = NULL},
};

static const struct rule heartbeat_rules[] = {
    {.name = NULL},
};

static const struct {
    const char *name; /* with the colon of those that take a file */
    const struct rule *rules;
} kinds[] = {
    [CHECKS_SQL] = {"sql", sql_rules},    [CHECKS_HTTP] = {"http", http_rules},
    [CHECKS_TCP] = {"tcp", tcp_rules},    [CHECKS_DISK] = {"disk", disk_rules},
    [CHECKS_FILE] = {"file", file_rules}, [CHECKS_HEARTBEAT] = {"heartbeat", heartbeat_rules},
    [CHECKS_EXEC] = {"exec:", NULL},      [CHECKS_NAGIOS] = {"nagios:", nagios_rules},
    [CHECKS_PHP] = {"php:", NULL},
};

static int check_file(const char *name, const char *file, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (file[0] == '\0' || strlen(file) > FILE_BYTES || file[strspn(file, allowed)] != '\0' ||
        str_eq(file, ".") || str_eq(file, "..")) {
        return err_set(err, TC_EINVAL,
                       "check \"%.80s\": the name behind the colon must be 1 to %d of A-Z, a-z, "
                       "0-9, \"_\", \".\", \"-\"",
                       name, FILE_BYTES);
    }
    return TC_OK;
}

int checks_parse(const char *name, enum checks_kind *ret_kind, const char **ret_file,
                 struct err *err)
{
    const char *nearest = NULL;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *file = name + strlen(name);
        if (str_has_suffix(kinds[i].name, ":")) {
            if (!str_has_prefix(name, kinds[i].name)) {
                continue;
            }
            file = name + strlen(kinds[i].name);
            int rc = check_file(name, file, err);
            if (rc != TC_OK) {
                return rc;
            }
        } else if (!str_eq(name, kinds[i].name)) {
            nearest = str_nearer(name, nearest, kinds[i].name);
            continue;
        }
        *ret_kind = (enum checks_kind)i;
        if (ret_file != NULL) {
            *ret_file = file;
        }
        return TC_OK;
    }
    return err_set(err, TC_EINVAL,
                   "there is no check \"%.80s\"%s%s; built in are sql, http, tcp, disk, file and "
                   "heartbeat, others are exec:<file>, nagios:<plugin>, php:<Class>",
                   name, nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
}

const struct rule *checks_rules(enum checks_kind kind)
{
    return kinds[kind].rules;
}

static bool has(const struct json_value *params, const char *name)
{
    const struct json_value *value = json_member(params, name);
    return value != NULL && json_type_of(value) != JSON_NULL;
}

static int check_order(const struct json_value *params, const char *low, const char *high,
                       struct err *err)
{
    if (has(params, low) && has(params, high) &&
        json_number(json_member(params, low)) > json_number(json_member(params, high))) {
        return err_set(err, TC_EINVAL, "params.%s must not be over params.%s", low, high);
    }
    return TC_OK;
}

static int check_percent(const struct json_value *params, const char *name, struct err *err)
{
    if (has(params, name)) {
        double percent = json_number(json_member(params, name));
        if (percent < 0 || percent > 100) {
            return err_set(err, TC_EINVAL, "params.%s must be 0 to 100", name);
        }
    }
    return TC_OK;
}

static int check_disk(const struct json_value *params, struct err *err)
{
    if (!has(params, "minFreePercent") && !has(params, "minFreeBytes") &&
        !has(params, "minFreeInodesPercent")) {
        return err_set(err, TC_EINVAL,
                       "params must have minFreePercent, minFreeBytes or minFreeInodesPercent");
    }
    int rc = check_percent(params, "minFreePercent", err);
    return rc != TC_OK ? rc : check_percent(params, "minFreeInodesPercent", err);
}

static int check_files(const struct json_value *params, struct err *err)
{
    if (has(params, "path") == has(params, "glob")) {
        return err_set(err, TC_EINVAL, "params must have either path or glob");
    }
    if (has(params, "glob")) {
        const char *glob = json_string(json_member(params, "glob"));
        if (strchr(glob + strcspn(glob, "*?["), '/') != NULL) {
            return err_set(err, TC_EINVAL, "params.glob may have wildcards in its last part only");
        }
    }
    int rc = check_order(params, "minSize", "maxSize", err);
    return rc != TC_OK ? rc : check_order(params, "minCount", "maxCount", err);
}

static int check_sql(const struct json_value *params, struct err *err)
{
    const char *mode = json_string(json_member(params, "mode"));
    bool is_fresh = str_eq(mode, "freshness");
    if (is_fresh != has(params, "maxAge")) {
        return err_set(err, TC_EINVAL, "params.maxAge belongs to mode freshness, and only there");
    }
    bool is_rows = str_eq(mode, "rows");
    bool has_limit = has(params, "min") || has(params, "max") || has(params, "equals");
    if (is_rows && (has(params, "min") || has(params, "equals"))) {
        return err_set(err, TC_EINVAL,
                       "params.min and equals do not belong to mode rows, where each row is a "
                       "violation; to count rows use mode count");
    }
    if (!is_rows && is_fresh == has_limit) {
        return err_set(err, TC_EINVAL,
                       "params.min, max and equals belong to modes value and count, which need "
                       "one of them");
    }
    if (has(params, "equals")) {
        enum json_type type = json_type_of(json_member(params, "equals"));
        if (type != JSON_NUMBER && type != JSON_STRING) {
            return err_set(err, TC_EINVAL, "params.equals must be a number or a string");
        }
    }
    return check_order(params, "min", "max", err);
}

static int check_status(const struct json_value *value, struct err *err)
{
    double status = json_type_of(value) == JSON_NUMBER ? json_number(value) : 0;
    if (status < 100 || status > 599 || status - (double)(int)status > 0) {
        return err_set(err, TC_EINVAL,
                       "params.expectStatus must be a status from 100 to 599, or an array of them");
    }
    return TC_OK;
}

static int check_statuses(const struct json_value *params, struct err *err)
{
    const struct json_value *value = json_member(params, "expectStatus");
    if (value == NULL || json_type_of(value) == JSON_NULL) {
        return TC_OK;
    }
    if (json_type_of(value) != JSON_ARRAY) {
        return check_status(value, err);
    }
    if (json_count(value) == 0 || json_count(value) > STATUS_COUNT_MAX) {
        return err_set(err, TC_EINVAL, "params.expectStatus must list 1 to %d statuses",
                       STATUS_COUNT_MAX);
    }
    int rc = TC_OK;
    for (value = json_first(value); rc == TC_OK && value != NULL; value = json_next(value)) {
        rc = check_status(value, err);
    }
    return rc;
}

static int check_http(const struct json_value *params, struct err *err)
{
    int rc = check_statuses(params, err);
    if (rc != TC_OK) {
        return rc;
    }
    if (has(params, "certDays") &&
        !str_has_prefix(json_string(json_member(params, "url")), "https://")) {
        return err_set(err, TC_EINVAL, "params.certDays needs an https:// url");
    }
    return TC_OK;
}

int checks_check_params(enum checks_kind kind, const struct json_value *params, struct err *err)
{
    if (json_type_of(params) != JSON_OBJECT) {
        return err_set(err, TC_EINVAL, "params must be an object");
    }
    if (kinds[kind].rules == NULL) {
        return TC_OK;
    }
    int rc = rules_check(kinds[kind].rules, params, "params", err);
    if (rc != TC_OK) {
        return rc;
    }
    switch (kind) {
    case CHECKS_SQL:
        return check_sql(params, err);
    case CHECKS_HTTP:
        return check_http(params, err);
    case CHECKS_DISK:
        return check_disk(params, err);
    case CHECKS_FILE:
        return check_files(params, err);
    case CHECKS_TCP:
    case CHECKS_HEARTBEAT:
    case CHECKS_EXEC:
    case CHECKS_NAGIOS:
    case CHECKS_PHP:
        return TC_OK;
    }
    return TC_OK;
}
