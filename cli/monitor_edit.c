/* monitor add and edit: an option for every column. What is valid the router decides; only what must be
 * taken apart to be sent (JSON, k=v) is checked here. */
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/show.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

static void add_text(struct json_enc *enc, const char *member, const char *text)
{
    if (text != NULL && *text == '\0') {
        json_enc_null(enc, member);
    } else if (text != NULL) {
        json_enc_str(enc, member, text);
    }
}

static void add_number(struct json_enc *enc, const char *member, int64_t value)
{
    if (value != CLI_UNSET) {
        json_enc_i64(enc, member, value);
    }
}

static int add_params(const struct cli_args *args, struct json_enc *enc, struct err *err)
{
    if (args->params == NULL) {
        return TC_OK;
    }
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(args->params, strlen(args->params), LIMIT_PARAMS_BYTES, &json, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "--params"); /* the code is returned below */
        return TC_EINVAL;
    }
    if (json_type_of(json_root(json)) != JSON_OBJECT) {
        return err_set(err, TC_EINVAL, "--params must be a JSON object, like '{\"url\": \"…\"}'");
    }
    json_enc_value(enc, "params", json_root(json));
    return TC_OK;
}

static int add_labels(const struct cli_args *args, struct json_enc *enc, struct err *err)
{
    if (args->labels.count == 0) {
        return TC_OK;
    }
    json_enc_obj(enc, "labels");
    for (size_t i = 0; i < args->labels.count; i++) {
        const char *label = args->labels.items[i];
        size_t size = strcspn(label, "=");
        if (size == 0 || label[size] == '\0') {
            return err_set(err, TC_EINVAL, "--label: \"%s\" is not NAME=TEXT", label);
        }
        TC_CLEANUP(mem_freep) char *name = mem_dup(label, size);
        json_enc_str(enc, name, label + size + 1);
    }
    json_enc_obj_end(enc);
    return TC_OK;
}

static int add_people(const struct cli_args *args, struct json_enc *enc, struct err *err)
{
    if (args->has_nobody && args->notify.count > 0) {
        return err_set(err, TC_EINVAL, "--notify and --notify-nobody exclude each other");
    }
    if (args->has_nobody || args->notify.count > 0) {
        json_enc_arr(enc, "peopleToNotify");
        for (size_t i = 0; i < args->notify.count; i++) {
            json_enc_str(enc, NULL, args->notify.items[i]);
        }
        json_enc_arr_end(enc);
    }
    return TC_OK;
}

static int add_schedules(const struct cli_args *args, struct json_enc *enc, struct err *err)
{
    if (args->schedules.count == 0) {
        return args->timezone == NULL
                   ? TC_OK
                   : err_set(err, TC_EINVAL, "--tz is of use with --schedule only");
    }
    json_enc_arr(enc, "schedules");
    for (size_t i = 0; i < args->schedules.count; i++) {
        json_enc_obj(enc, NULL);
        json_enc_str(enc, "schedule", args->schedules.items[i]);
        if (args->timezone != NULL) {
            json_enc_str(enc, "timezone", args->timezone);
        }
        json_enc_obj_end(enc);
    }
    json_enc_arr_end(enc);
    return TC_OK;
}

static int add_columns(const struct cli_args *args, struct json_enc *enc, struct err *err)
{
    add_text(enc, "name", args->name);
    add_text(enc, "checkName", args->check);
    add_text(enc, "phpClass", args->php_class);
    add_text(enc, "runsOn", args->runs_on);
    add_text(enc, "severity", args->severity);
    add_text(enc, "runbookUrl", args->runbook);
    add_number(enc, "timeoutSeconds", args->timeout_s);
    add_number(enc, "requiredConsecutiveOks", args->required_oks);
    add_number(enc, "requiredConsecutiveFailures", args->required_failures);
    add_number(enc, "reminderFrequencyMinutes", args->reminder_minutes);
    if (args->is_inactive) {
        json_enc_bool(enc, "isActive", false);
    }
    int code = add_params(args, enc, err);
    if (code == TC_OK) {
        code = add_labels(args, enc, err);
    }
    if (code == TC_OK) {
        code = add_people(args, enc, err);
    }
    return code == TC_OK ? add_schedules(args, enc, err) : code;
}

static int act(struct cli *cli, const char *action, const char *monitor, const char *done,
               struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct client_answer answer = {0};
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    if (monitor != NULL) {
        json_enc_str(&enc, "monitor", monitor);
    }
    size_t empty = parameters.len;
    int code = add_columns(&cli->args, &enc, err);
    if (code == TC_OK && monitor != NULL && parameters.len == empty) {
        code = err_set(err, TC_EINVAL,
                       "nothing to change was given; see tocsin monitor edit "
                       "--help");
    }
    json_enc_obj_end(&enc);
    if (code == TC_OK) {
        code = client_act(cli, action, &parameters, 0, &answer, err);
    }
    if (code == TC_OK) {
        TC_CLEANUP(buf_freep) struct buf sentence;
        buf_init(&sentence, LIMIT_HTTP_BODY_BYTES);
        const struct json_value *result = show_object(json_root(answer.json), "result");
        buf_add_fmt(&sentence, "monitor %lld %s",
                    (long long)(result == NULL ? 0 : show_number(result, "monitorId")), done);
        code = show_done(cli, json_root(answer.json), sentence.p, err);
    }
    client_answer_clear(&answer);
    return code;
}

int verb_monitor_add(struct cli *cli, struct err *err)
{
    const struct cli_args *args = &cli->args;
    if (args->name == NULL || (args->check == NULL && args->php_class == NULL)) {
        return err_set(err, TC_EINVAL,
                       "tocsin monitor add needs --name NAME and --check CHECK; see tocsin monitor "
                       "add --help");
    }
    return act(cli, "Monitor/Add", NULL, "added", err);
}

int verb_monitor_edit(struct cli *cli, struct err *err)
{
    return act(cli, "Monitor/Edit", cli->operands.items[0], "changed", err);
}
