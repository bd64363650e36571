/* notification, channel, runner list and token …: over the API. */
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
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"

enum {
    COUNT_DEFAULT = 50,
};

/* --- Notifications ----------------------------------------------------------------------------- */

static void status_cell(struct table *table, const struct json_value *notification)
{
    const char *status = show_text(notification, "status");
    enum table_colour colour = TABLE_PLAIN;
    if (str_eq(status, "dead")) {
        colour = TABLE_BAD;
    } else if (str_eq(status, "sent")) {
        colour = TABLE_GOOD;
    }
    table_add(table, status, colour);
}

int verb_notification_list(struct cli *cli, struct err *err)
{
    static const struct table_column titles[] = {{.title = "ID", .is_right = true},
                                                 {.title = "DECIDED"},
                                                 {.title = "KIND"},
                                                 {.title = "RECIPIENT", .is_flexible = true},
                                                 {.title = "STATUS"},
                                                 {.title = "TRIES", .is_right = true},
                                                 {.title = "MONITOR", .is_right = true},
                                                 {.title = "ANSWER", .is_flexible = true},
                                                 {.title = NULL}};
    static const struct show_column columns[] = {{.member = "id"},        {.member = "decidedDt"},
                                                 {.member = "kind"},      {.member = "recipient"},
                                                 {.cell = status_cell},   {.member = "attempt"},
                                                 {.member = "monitorId"}, {.member = "remote"}};
    TC_CLEANUP(buf_freep) struct buf path;
    buf_init(&path, (size_t)4 * LIMIT_URL_BYTES);
    buf_add_str(&path, "/api/v1/notifications");
    if (cli->args.status != NULL) {
        buf_add_fmt(&path, "?status=%s", cli->args.status);
    }
    if (cli->args.name != NULL) {
        buf_add_fmt(&path, "%cmonitor=", cli->args.status == NULL ? '?' : '&');
        escape_url(&path, cli->args.name);
    }
    const struct show_list list = {.path = path.p,
                                   .name = "notifications",
                                   .titles = titles,
                                   .columns = columns,
                                   .empty = "no notification is like that",
                                   .is_paged = true};
    uint64_t count = cli->args.count == CLI_UNSET ? COUNT_DEFAULT : (uint64_t)cli->args.count;
    return show_list(cli, &list, count, err);
}

int verb_notification_show(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    struct client_answer answer = {0};
    buf_init(&path, (size_t)4 * LIMIT_URL_BYTES);
    buf_add_str(&path, "/api/v1/notifications/");
    escape_url(&path, cli->operands.items[0]);
    int code = client_get(cli, path.p, &answer, err);
    if (code == TC_OK) {
        code = show_value(cli, json_root(answer.json), err);
    }
    client_answer_clear(&answer);
    return code;
}

/* Carry out an action with parameters and say it. */
static int act(struct cli *cli, const char *action, const struct buf *parameters,
               const char *sentence, struct err *err)
{
    struct client_answer answer = {0};
    int code = client_act(cli, action, parameters, 0, &answer, err);
    if (code == TC_OK) {
        code = show_done(cli, json_root(answer.json), sentence, err);
    }
    client_answer_clear(&answer);
    return code;
}

int verb_notification_retry(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "notificationId", cli->operands.items[0]);
    json_enc_obj_end(&enc);
    return act(cli, "Notification/Retry", &parameters, "queued again; see tocsin notification show",
               err);
}

/* --- Channels and runners ---------------------------------------------------------------------- */

static void connected_cell(struct table *table, const struct json_value *channel)
{
    bool is_connected = show_flag(channel, "isConnected");
    table_add(table, is_connected ? "connected" : "NOT CONNECTED",
              is_connected ? TABLE_GOOD : TABLE_BAD);
}

int verb_channel_list(struct cli *cli, struct err *err)
{
    static const struct table_column titles[] = {{.title = "NAME"},
                                                 {.title = "STATE"},
                                                 {.title = "QUEUED", .is_right = true},
                                                 {.title = NULL}};
    static const struct show_column columns[] = {
        {.member = "name"}, {.cell = connected_cell}, {.member = "queued"}};
    static const struct show_list list = {
        .path = "/api/v1/channels",
        .name = "channels",
        .titles = titles,
        .columns = columns,
        .empty = "there are no channels; add one to the configuration"};
    return show_list(cli, &list, 0, err);
}

/* "slack:#ops" apart, or a bare address, which is mail. */
int verb_channel_test(struct cli *cli, struct err *err)
{
    const char *recipient = cli->operands.items[0];
    const char *at = strchr(recipient, '@');
    const char *colon = strchr(recipient, ':');
    bool is_mail = at != NULL && (colon == NULL || at < colon);
    if (!is_mail && (colon == NULL || colon == recipient || colon[1] == '\0')) {
        return err_set(err, TC_EINVAL,
                       "\"%s\" is neither an address nor CHANNEL:TARGET, like slack:#ops",
                       recipient);
    }
    TC_CLEANUP(mem_freep)
    char *channel = is_mail ? mem_strdup("email") : mem_dup(recipient, (size_t)(colon - recipient));
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "channel", channel);
    json_enc_str(&enc, "target", is_mail ? recipient : colon + 1);
    json_enc_obj_end(&enc);
    return act(cli, "Channel/Test", &parameters, "the channel took a test notification", err);
}

static void live_cell(struct table *table, const struct json_value *runner)
{
    bool is_live = show_object(runner, "live") != NULL;
    table_add(table, is_live ? "connected" : "NOT CONNECTED", is_live ? TABLE_GOOD : TABLE_BAD);
}

int verb_runner_list(struct cli *cli, struct err *err)
{
    static const struct table_column titles[] = {{.title = "ID", .is_right = true},
                                                 {.title = "NAME", .is_flexible = true},
                                                 {.title = "STATE"},
                                                 {.title = "LAST SEEN"},
                                                 {.title = "CHECKS", .is_flexible = true},
                                                 {.title = "VERSION"},
                                                 {.title = NULL}};
    static const struct show_column columns[] = {
        {.member = "id"},         {.member = "name"},   {.cell = live_cell},
        {.member = "lastSeenDt"}, {.member = "checks"}, {.member = "programVersion"}};
    static const struct show_list list = {.path = "/api/v1/runners",
                                          .name = "runners",
                                          .titles = titles,
                                          .columns = columns,
                                          .empty =
                                              "no runner has connected yet; see tocsin runner add"};
    return show_list(cli, &list, 0, err);
}

/* --- Tokens ------------------------------------------------------------------------------------ */

int verb_token_list(struct cli *cli, struct err *err)
{
    static const struct table_column titles[] = {{.title = "ID", .is_right = true},
                                                 {.title = "NAME", .is_flexible = true},
                                                 {.title = "ROLE"},
                                                 {.title = "MADE"},
                                                 {.title = "EXPIRES"},
                                                 {.title = NULL}};
    static const struct show_column columns[] = {{.member = "id"},
                                                 {.member = "name"},
                                                 {.member = "role"},
                                                 {.member = "dtCreated"},
                                                 {.member = "expiresDt"}};
    static const struct show_list list = {.path = "/api/v1/tokens",
                                          .name = "tokens",
                                          .titles = titles,
                                          .columns = columns,
                                          .empty = "there are no tokens"};
    return show_list(cli, &list, 0, err);
}

int verb_token_add(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct client_answer answer = {0};
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "name", cli->operands.items[0]);
    json_enc_str(&enc, "role", cli->args.role == NULL ? "viewer" : cli->args.role);
    if (cli->args.for_ms != CLI_UNSET) {
        json_enc_time(&enc, "expiresDt", clock_now_utc_ms(cli->clock) + cli->args.for_ms);
    }
    json_enc_obj_end(&enc);
    int code = client_act(cli, "Token/Add", &parameters, 0, &answer, err);
    if (code == TC_OK) {
        const struct json_value *result = show_object(json_root(answer.json), "result");
        const char *token = result == NULL ? "" : show_text(result, "token");
        if (!cli->args.is_json) {
            cli_say("keep it now: it can't be shown again");
        }
        code = show_done(cli, json_root(answer.json), token, err);
    }
    client_answer_clear(&answer);
    return code;
}

int verb_token_remove(struct cli *cli, struct err *err)
{
    int64_t id = 0;
    if (parse_whole_i64(cli->operands.items[0], 1, UINT32_MAX, &id) != TC_OK) {
        return err_set(err, TC_EINVAL, "\"%s\" is not the id of a token; see tocsin token list",
                       cli->operands.items[0]);
    }
    TC_CLEANUP(buf_freep) struct buf parameters;
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_i64(&enc, "tokenId", id);
    json_enc_obj_end(&enc);
    return act(cli, "Token/Remove", &parameters, "removed; it opens nothing any more", err);
}
