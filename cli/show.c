/* Shows answers of the API. Knows their form only as far as it is asked for; asks nothing by itself but
 * the pages of a list. Called by the commands over the API. */
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"

enum {
    OUT_BYTES_MAX = 256 * 1024 * 1024,
    CELL_BYTES_MAX = 1024 * 1024,
    NAME_COLUMN = 28,
};

const char *show_text(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_type_of(value) == JSON_STRING ? json_string(value) : "";
}

int64_t show_number(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_type_of(value) == JSON_NUMBER ? (int64_t)json_number(value) : 0;
}

bool show_flag(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_type_of(value) == JSON_BOOL && json_boolean(value);
}

const struct json_value *show_object(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_type_of(value) == JSON_OBJECT ? value : NULL;
}

/* A value as one text: texts without quotes, null as nothing. */
static void add_plain(const struct json_value *value, struct buf *out)
{
    switch (json_type_of(value)) {
    case JSON_NULL:
        return;
    case JSON_STRING:
        buf_add_str(out, json_string(value));
        return;
    case JSON_BOOL:
        buf_add_str(out, json_boolean(value) ? "yes" : "no");
        return;
    case JSON_ARRAY:
        for (const struct json_value *e = json_first(value); e != NULL; e = json_next(e)) {
            buf_add_str(out, e == json_first(value) ? "" : ", ");
            if (json_type_of(e) == JSON_STRING) {
                buf_add_str(out, json_string(e));
            } else {
                json_canonical(e, out);
            }
        }
        return;
    case JSON_NUMBER:
    case JSON_OBJECT:
        json_canonical(value, out);
        return;
    }
}

static void add_cell(struct table *table, const struct json_value *element, const char *member)
{
    const struct json_value *value = json_member(element, member);
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, CELL_BYTES_MAX);
    if (value != NULL) {
        add_plain(value, &text);
    }
    table_add(table, text.p, TABLE_PLAIN);
}

/* --- Lists ------------------------------------------------------------------------------------- */

struct listing {
    const struct show_list *list;
    bool is_json;
    struct json_enc enc;
    struct table table;
};

static void on_element(void *ctx, const struct json_value *element)
{
    struct listing *listing = ctx;
    if (listing->is_json) {
        json_enc_value(&listing->enc, NULL, element);
        return;
    }
    if (json_type_of(element) != JSON_OBJECT) {
        return;
    }
    for (size_t i = 0; listing->list->titles[i].title != NULL; i++) {
        const struct show_column *column = &listing->list->columns[i];
        if (column->cell != NULL) {
            column->cell(&listing->table, element);
        } else {
            add_cell(&listing->table, element, column->member);
        }
    }
}

static int fetch(struct cli *cli, struct listing *listing, uint64_t max, struct err *err)
{
    const struct show_list *list = listing->list;
    if (list->is_paged) {
        const struct client_pages pages = {.path = list->path, .name = list->name, .max = max};
        return client_list(cli, &pages, on_element, listing, err);
    }
    struct client_answer answer = {0};
    int code = client_get(cli, list->path, &answer, err);
    if (code != TC_OK) {
        return code;
    }
    const struct json_value *all = json_member(json_root(answer.json), list->name);
    bool is_list = all != NULL && json_type_of(all) == JSON_ARRAY;
    for (const struct json_value *e = is_list ? json_first(all) : NULL; e != NULL;
         e = json_next(e)) {
        on_element(listing, e);
    }
    client_answer_clear(&answer);
    return TC_OK;
}

int show_list(struct cli *cli, const struct show_list *list, uint64_t max, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    struct listing listing = {.list = list, .is_json = cli->args.is_json};
    buf_init(&out, OUT_BYTES_MAX);
    table_start(&listing.table, list->titles);
    json_enc_start(&listing.enc, &out);
    if (listing.is_json) {
        json_enc_obj(&listing.enc, NULL);
        json_enc_arr(&listing.enc, list->name);
    }
    int code = fetch(cli, &listing, max, err);
    if (code == TC_OK && listing.is_json) {
        json_enc_arr_end(&listing.enc);
        if (list->is_paged) {
            json_enc_null(&listing.enc, "nextCursor");
        }
        json_enc_obj_end(&listing.enc);
        buf_add_char(&out, '\n');
    } else if (code == TC_OK && listing.table.count == 0) {
        cli_say("%s", list->empty);
    } else if (code == TC_OK) {
        table_print(&listing.table, cli->width, cli->is_coloured, &out);
    }
    table_freep(&listing.table);
    return code == TC_OK ? cli_print(&out, err) : code;
}

/* --- Single values ----------------------------------------------------------------------------- */

void show_members(const struct cli *cli, const struct json_value *object, struct buf *out)
{
    for (const struct json_value *m = json_first(object); m != NULL; m = json_next(m)) {
        TC_CLEANUP(buf_freep) struct buf text;
        TC_CLEANUP(buf_freep) struct buf label;
        buf_init(&text, CELL_BYTES_MAX);
        buf_init(&label, CELL_BYTES_MAX);
        add_plain(m, &text);
        buf_add_fmt(&label, "%-*s", NAME_COLUMN, json_name(m));
        table_paint(out, label.p, TABLE_WEAK, cli->is_coloured);
        buf_add_char(out, ' ');
        table_paint(out, text.len == 0 ? "-" : text.p, TABLE_PLAIN, false);
        buf_add_char(out, '\n');
    }
}

int show_value(struct cli *cli, const struct json_value *value, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, OUT_BYTES_MAX);
    if (cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_value(&enc, NULL, value);
        buf_add_char(&out, '\n');
    } else {
        show_members(cli, value, &out);
    }
    return cli_print(&out, err);
}

int show_done(struct cli *cli, const struct json_value *answer, const char *sentence,
              struct err *err)
{
    if (cli->args.is_json) {
        return show_value(cli, answer, err);
    }
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, OUT_BYTES_MAX);
    escape_line(&out, sentence, strlen(sentence));
    buf_add_char(&out, '\n');
    return cli_print(&out, err);
}
