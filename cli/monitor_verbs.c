/* monitor …: reading and simple actions over the API. Adding and editing is monitor_edit.c's. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/show.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"

enum {
    HISTORY_DEFAULT = 20,
    PATH_BYTES_MAX = 4 * LIMIT_URL_BYTES,
    SENTENCE_BYTES_MAX = 4 * LIMIT_NAME_BYTES,
};

static void add_path(struct buf *path, const char *monitor, const char *rest)
{
    buf_add_str(path, "/api/v1/monitors/");
    escape_url(path, monitor);
    buf_add_str(path, rest);
}

/* --- list -------------------------------------------------------------------------------------- */

static void state_cell(struct table *table, const struct json_value *monitor)
{
    bool is_alert = str_eq(show_text(monitor, "state"), "alert");
    bool is_acknowledged = *show_text(monitor, "acknowledgedDt") != '\0';
    if (*show_text(monitor, "problem") != '\0') {
        table_add(table, "unusable", TABLE_BAD);
    } else if (!show_flag(monitor, "isActive")) {
        table_add(table, is_alert ? "paused (alert)" : "paused", TABLE_WEAK);
    } else if (is_alert) {
        table_add(table, is_acknowledged ? "ALERT (ack)" : "ALERT", TABLE_BAD);
    } else {
        table_add(table, "ok", TABLE_GOOD);
    }
}

static void check_cell(struct table *table, const struct json_value *monitor)
{
    const char *check = show_text(monitor, "checkName");
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, SENTENCE_BYTES_MAX);
    buf_add_fmt(&text, "%s%s", *check == '\0' ? "php:" : check,
                *check == '\0' ? show_text(monitor, "phpClass") : "");
    table_add(table, text.p, TABLE_PLAIN);
}

static const struct table_column list_titles[] = {
    {.title = "ID", .is_right = true},
    {.title = "STATE"},
    {.title = "NAME", .is_flexible = true},
    {.title = "CHECK", .is_flexible = true},
    {.title = "LAST RUN"},
    {.title = "LAST MESSAGE", .is_flexible = true},
    {.title = NULL},
};
static const struct show_column list_columns[] = {
    {.member = "id"},     {.cell = state_cell},    {.member = "name"},
    {.cell = check_cell}, {.member = "lastRunDt"}, {.member = "lastResultMessage"},
};

int verb_monitor_list(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    buf_init(&path, PATH_BYTES_MAX);
    buf_add_str(&path, "/api/v1/monitors");
    if (cli->args.state != NULL) {
        buf_add_fmt(&path, "?state=%s", cli->args.state);
    }
    if (cli->args.name != NULL) {
        buf_add_fmt(&path, "%cq=", cli->args.state == NULL ? '?' : '&');
        escape_url(&path, cli->args.name);
    }
    const struct show_list list = {
        .path = path.p,
        .name = "monitors",
        .titles = list_titles,
        .columns = list_columns,
        .empty = cli->args.state == NULL && cli->args.name == NULL
                     ? "there are no monitors yet; add one with tocsin monitor add"
                     : "no monitor is like that",
        .is_paged = true};
    return show_list(cli, &list, 0, err);
}

int verb_monitor_show(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    struct client_answer answer = {0};
    buf_init(&path, PATH_BYTES_MAX);
    add_path(&path, cli->operands.items[0], "");
    int code = client_get(cli, path.p, &answer, err);
    if (code == TC_OK) {
        code = show_value(cli, json_root(answer.json), err);
    }
    client_answer_clear(&answer);
    return code;
}

/* --- history ----------------------------------------------------------------------------------- */

static void result_cell(struct table *table, const struct json_value *run)
{
    bool is_ok = show_flag(run, "isOk");
    table_add(table, is_ok ? "ok" : "FAILED", is_ok ? TABLE_GOOD : TABLE_BAD);
}

static void duration_cell(struct table *table, const struct json_value *run)
{
    char text[TIMETEXT_SIZE];
    table_add(table, timetext_duration(show_number(run, "durationMs"), text), TABLE_PLAIN);
}

static const struct table_column run_titles[] = {
    {.title = "STARTED"}, {.title = "RESULT"}, {.title = "TOOK", .is_right = true},
    {.title = "RUNNER"},  {.title = "STATE"},  {.title = "SUMMARY", .is_flexible = true},
    {.title = NULL},
};
static const struct show_column run_columns[] = {
    {.member = "startedAt"}, {.cell = result_cell}, {.cell = duration_cell},
    {.member = "runner"},    {.member = "state"},   {.member = "summary"},
};

int verb_monitor_history(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    buf_init(&path, PATH_BYTES_MAX);
    add_path(&path, cli->operands.items[0], "/runs");
    const struct show_list list = {.path = path.p,
                                   .name = "runs",
                                   .titles = run_titles,
                                   .columns = run_columns,
                                   .empty = "it has not run yet",
                                   .is_paged = true};
    uint64_t count = cli->args.count == CLI_UNSET ? HISTORY_DEFAULT : (uint64_t)cli->args.count;
    return show_list(cli, &list, count, err);
}

/* --- actions ----------------------------------------------------------------------------------- */

/* One action on the monitor of the first operand; the sentence has one %s for it. */
static int act(struct cli *cli, const char *action, bool is_quiet, const char *done,
               struct err *err)
{
    const char *monitor = cli->operands.items[0];
    TC_CLEANUP(buf_freep) struct buf parameters;
    TC_CLEANUP(buf_freep) struct buf sentence;
    struct client_answer answer = {0};
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    buf_init(&sentence, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "monitor", monitor);
    if (is_quiet) {
        json_enc_bool(&enc, "isQuiet", true);
    }
    json_enc_obj_end(&enc);
    int code = client_act(cli, action, &parameters, 0, &answer, err);
    if (code == TC_OK) {
        buf_add_fmt(&sentence, "%s: %s", monitor, done);
        code = show_done(cli, json_root(answer.json), sentence.p, err);
    }
    client_answer_clear(&answer);
    return code;
}

int verb_monitor_pause(struct cli *cli, struct err *err)
{
    return act(cli, "Monitor/Pause", false, "paused; it neither runs nor notifies until resumed",
               err);
}

int verb_monitor_resume(struct cli *cli, struct err *err)
{
    return act(cli, "Monitor/Resume", false, "resumed", err);
}

int verb_monitor_reset(struct cli *cli, struct err *err)
{
    return act(cli, "Monitor/Reset", cli->args.is_quiet,
               "reset to ok; its incident is closed and what was not yet sent is cancelled", err);
}

int verb_monitor_remove(struct cli *cli, struct err *err)
{
    if (!cli->args.is_yes) {
        return err_set(err, TC_EINVAL,
                       "removing \"%s\" can't be undone; say --yes if you mean it (monitor pause "
                       "keeps it)",
                       cli->operands.items[0]);
    }
    return act(cli, "Monitor/Remove", false, "removed; its runs and incidents stay", err);
}

int verb_unack(struct cli *cli, struct err *err)
{
    return act(cli, "Incident/Unacknowledge", false,
               "no longer acknowledged; reminders are sent again", err);
}

/* What a run that was waited for gave. */
static int show_run(struct cli *cli, const struct json_value *answer, struct err *err)
{
    const struct json_value *result = show_object(answer, "result");
    const struct json_value *run = result == NULL ? NULL : show_object(result, "run");
    if (run == NULL) {
        return show_done(cli, answer, "asked for; see tocsin monitor history", err);
    }
    TC_CLEANUP(buf_freep) struct buf sentence;
    buf_init(&sentence, (size_t)2 * LIMIT_MESSAGE_BYTES);
    buf_add_fmt(&sentence, "%s: %s", show_flag(run, "isOk") ? "ok" : "FAILED",
                show_text(run, "message"));
    return show_done(cli, answer, sentence.p, err);
}

int verb_monitor_run(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct client_answer answer = {0};
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "monitor", cli->operands.items[0]);
    json_enc_obj_end(&enc);
    int64_t wait_s = cli->args.wait_s == CLI_UNSET ? 0 : cli->args.wait_s;
    int code = client_act(cli, "Monitor/Run", &parameters, wait_s, &answer, err);
    if (code == TC_OK) {
        code = show_run(cli, json_root(answer.json), err);
    }
    client_answer_clear(&answer);
    return code;
}
