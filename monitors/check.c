/* The frame around a built-in check: from the request's bytes to the answer's bytes. It looks at
 * nothing itself. Called by serve.c for each request. */
#include "monitors/check.h"

#include <math.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"

enum {
    TIMEOUT_SECONDS = 30, /* when the request names none */
    MARGIN_MS_MAX = 1000, /* what is kept back of the runner's limit, to say so in words */
    MARGIN_PART = 10,
    KIND_BYTES = 64,
};

/* --- Results ----------------------------------------------------------------------------------- */

void check_result_init(struct check_result *result)
{
    *result = (struct check_result){.is_ok = false};
    buf_init(&result->message, LIMIT_MESSAGE_BYTES);
}

void check_result_freep(struct check_result *result)
{
    buf_free(&result->message);
}

void check_ok(struct check_result *result, const char *fmt, ...)
{
    va_list args;
    if (result->is_failed) {
        return;
    }
    result->is_ok = true;
    buf_reset(&result->message);
    va_start(args, fmt);
    buf_add_vfmt(&result->message, fmt, args);
    va_end(args);
}

void check_fail(struct check_result *result, const char *fmt, ...)
{
    va_list args;
    if (result->is_failed) {
        buf_add_str(&result->message, "; ");
    } else {
        buf_reset(&result->message);
    }
    result->is_ok = false;
    result->is_failed = true;
    va_start(args, fmt);
    buf_add_vfmt(&result->message, fmt, args);
    va_end(args);
}

void check_metric(struct check_result *result, const char *name, double value)
{
    TC_ASSERT(result->metric_count < CHECK_METRICS_MAX);
    if (isfinite(value)) {
        result->metrics[result->metric_count++] = (struct check_metric){name, value};
    }
}

static void write_result(const struct check_result *result, struct buf *out)
{
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_bool(&e, "isOk", result->is_ok);
    json_enc_str(&e, "message", result->message.p);
    if (result->metric_count > 0) {
        json_enc_obj(&e, "metrics");
        for (size_t i = 0; i < result->metric_count; i++) {
            json_enc_num(&e, result->metrics[i].name, result->metrics[i].value);
        }
        json_enc_obj_end(&e);
    }
    json_enc_obj_end(&e);
}

/* --- Requests ---------------------------------------------------------------------------------- */

const struct check_ops *check_find(const char *name)
{
    for (const struct check_ops *const *ops = check_kinds; *ops != NULL; ops++) {
        if (str_eq((*ops)->name, name)) {
            return *ops;
        }
    }
    return NULL;
}

static int64_t limit_of(int64_t timeout_seconds)
{
    int64_t timeout_ms = timeout_seconds * 1000;
    int64_t margin_ms = timeout_ms / MARGIN_PART;
    return timeout_ms - (margin_ms < MARGIN_MS_MAX ? margin_ms : MARGIN_MS_MAX);
}

/* Which check is asked for, with which params. */
static int read_request(const struct json_value *root, const struct check_ops **ops,
                        struct check_request *request, struct err *err)
{
    struct json_dec d;
    json_dec_start(&d, root, "", err);
    const char *kind = json_str_opt(&d, "kind", KIND_BYTES, NULL);
    const struct json_value *params = json_any(&d, "params");
    int64_t seconds = json_i64_opt(&d, "timeoutSeconds", 1, LIMIT_TIMEOUT_SECONDS, TIMEOUT_SECONDS);
    int rc = json_end(&d);
    if (rc != TC_OK) {
        return rc;
    }
    if (*ops == NULL) {
        *ops = kind == NULL ? NULL : check_find(kind);
    } else if (kind != NULL && !str_eq(kind, (*ops)->name)) {
        return err_set(err, TC_EINVAL, "kind is \"%s\", but this process answers for \"%s\"", kind,
                       (*ops)->name);
    }
    if (*ops == NULL) {
        return err_set(err, TC_EINVAL,
                       "kind must be one of sql, http, tcp, disk, file, and is \"%s\"",
                       kind == NULL ? "" : kind);
    }
    if (params == NULL || json_type_of(params) == JSON_NULL) {
        return err_set(err, TC_EINVAL, "params must be an object, and is missing");
    }
    request->params = params;
    request->limit_ms = limit_of(seconds);
    return checks_check_params((*ops)->kind, params, err);
}

static void run(const struct check_host *host, const struct check_ops *ops,
                const struct check_request *request, struct check_result *result)
{
    TC_ASSERT(ops != NULL);
    if (ops->needs_config && host->config == NULL) {
        check_fail(result, "The check can't run without this host's configuration: %s",
                   host->problem);
        return;
    }
    ops->run(host, request, result);
}

void check_answer(const struct check_host *host, const struct check_ops *ops, const char *text,
                  size_t size, struct buf *out)
{
    TC_CLEANUP(check_result_freep) struct check_result result;
    check_result_init(&result);
    struct err err = ERR_INIT;
    struct check_request request = {.now_utc_ms = clock_now_utc_ms(host->clock)};
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int rc = json_parse(text, size, CHECK_REQUEST_BYTES, &json, &err);
    if (rc != TC_OK) {
        check_fail(&result, "The request is not a JSON object: %s", err.text);
    } else if (read_request(json_root(json), &ops, &request, &err) != TC_OK) {
        check_fail(&result, "The check can't run as it is set up: %s", err.text);
    } else {
        run(host, ops, &request, &result);
    }
    write_result(&result, out);
}

/* --- The manual -------------------------------------------------------------------------------- */

void check_describe(const struct check_ops *ops, struct buf *out)
{
    buf_add_fmt(out, "%s: %s\n\nParams:\n\n", ops->name, ops->doc);
    rules_describe(checks_rules(ops->kind), out);
    for (size_t i = 0; i < CHECK_EXAMPLES_MAX && ops->examples[i].doc != NULL; i++) {
        buf_add_fmt(out, "\n%s\n\n    %s\n", ops->examples[i].doc, ops->examples[i].params);
    }
}
