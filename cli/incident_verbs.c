/* ack and why: what people do with an incident, over the API. */
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
#include "lib/sys/clock.h"

enum {
    OUT_BYTES_MAX = 16 * 1024 * 1024,
    WHY_DEFAULT = 20,
};

int verb_ack(struct cli *cli, struct err *err)
{
    const struct cli_args *args = &cli->args;
    TC_CLEANUP(buf_freep) struct buf parameters;
    TC_CLEANUP(buf_freep) struct buf sentence;
    struct client_answer answer = {0};
    struct json_enc enc;
    buf_init(&parameters, LIMIT_HTTP_BODY_BYTES);
    buf_init(&sentence, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &parameters);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "monitor", cli->operands.items[0]);
    if (args->note != NULL) {
        json_enc_str(&enc, "note", args->note);
    }
    if (args->for_ms != CLI_UNSET) {
        json_enc_time(&enc, "expiresDt", clock_now_utc_ms(cli->clock) + args->for_ms);
    }
    if (args->keep_minutes != CLI_UNSET) {
        json_enc_i64(&enc, "keepMinutes", args->keep_minutes);
    }
    json_enc_obj_end(&enc);
    int code = client_act(cli, "Incident/Acknowledge", &parameters, 0, &answer, err);
    if (code == TC_OK) {
        buf_add_fmt(&sentence, "%s: acknowledged; no reminders until it recovers%s",
                    cli->operands.items[0], args->for_ms == CLI_UNSET ? "" : " or the time is up");
        code = show_done(cli, json_root(answer.json), sentence.p, err);
    }
    client_answer_clear(&answer);
    return code;
}

/* --- why --------------------------------------------------------------------------------------- */

static const struct json_value *list_of(const struct json_value *object, const char *name)
{
    const struct json_value *list = json_member(object, name);
    bool is_list = list != NULL && json_type_of(list) == JSON_ARRAY;
    return is_list ? json_first(list) : NULL;
}

static void add_sentences(const struct json_value *why, struct buf *out)
{
    for (const struct json_value *s = list_of(why, "sentences"); s != NULL; s = json_next(s)) {
        if (json_type_of(s) == JSON_STRING) {
            table_paint(out, json_string(s), TABLE_PLAIN, false);
            buf_add_char(out, '\n');
        }
    }
}

static void add_decisions(const struct cli *cli, const struct json_value *why, struct buf *out)
{
    static const struct table_column columns[] = {{.title = "TIME"},
                                                  {.title = "KIND"},
                                                  {.title = "SENT"},
                                                  {.title = "WHY", .is_flexible = true},
                                                  {.title = NULL}};
    struct table table;
    size_t count = 0;
    table_start(&table, columns);
    for (const struct json_value *d = list_of(why, "decisions");
         d != NULL && count < WHY_DEFAULT && json_type_of(d) == JSON_OBJECT; d = json_next(d)) {
        bool is_withheld = show_flag(d, "isWithheld");
        const char *sentence = show_text(d, "sentence");
        const char *detail = show_text(d, "detail");
        table_add(&table, show_text(d, "at"), TABLE_PLAIN);
        table_add(&table, show_text(d, "kind"), TABLE_PLAIN);
        table_add(&table, is_withheld ? "withheld" : "", is_withheld ? TABLE_WEAK : TABLE_PLAIN);
        const char *plain = *detail == '\0' ? show_text(d, "reason") : detail;
        table_add(&table, *sentence == '\0' ? plain : sentence, TABLE_PLAIN);
        count++;
    }
    if (count > 0) {
        buf_add_char(out, '\n');
        table_print(&table, cli->width, cli->is_coloured, out);
    }
    table_freep(&table);
}

int verb_why(struct cli *cli, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    struct client_answer answer = {0};
    buf_init(&path, (size_t)4 * LIMIT_URL_BYTES);
    buf_add_str(&path, "/api/v1/monitors/");
    escape_url(&path, cli->operands.items[0]);
    buf_add_str(&path, "/why");
    int code = client_get(cli, path.p, &answer, err);
    if (code == TC_OK && cli->args.is_json) {
        code = show_value(cli, json_root(answer.json), err);
    } else if (code == TC_OK) {
        TC_CLEANUP(buf_freep) struct buf out;
        buf_init(&out, OUT_BYTES_MAX);
        add_sentences(json_root(answer.json), &out);
        add_decisions(cli, json_root(answer.json), &out);
        code = cli_print(&out, err);
    }
    client_answer_clear(&answer);
    return code;
}
