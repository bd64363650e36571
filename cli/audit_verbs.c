/* audit tail, verify and export: work on the database or an exported file, without a router. What a
 * good chain is, router/audit/verify.c says. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/audit_file.h"
#include "cli/cli.h"
#include "cli/local_store.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "proto/link/keys.h"
#include "router/audit/audit.h"

enum {
    TAIL_DEFAULT = 20,
    OUT_BYTES_MAX = 64 * 1024 * 1024,
    FLUSH_BYTES = 256 * 1024,
};

/* --- tail -------------------------------------------------------------------------------------- */

struct tail {
    const struct cli *cli;
    struct table table;
    struct buf out;
    struct json_enc enc;
};

static const char *member_text(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_member(object, name);
    return value != NULL && json_type_of(value) == JSON_STRING ? json_string(value) : NULL;
}

static int tail_json(struct tail *tail, const struct store_audit *row)
{
    char hash[2 * DIGEST_BYTES + 1] = "";
    if (row->hash.size == DIGEST_BYTES) {
        hex_encode(row->hash.p, DIGEST_BYTES, hash);
    }
    json_enc_obj(&tail->enc, NULL);
    json_enc_u64_text(&tail->enc, "seq", row->seq);
    json_enc_time(&tail->enc, "dt", row->at_utc_ms);
    json_enc_str(&tail->enc, "kind", row->kind);
    if (row->monitor_id == 0) {
        json_enc_null(&tail->enc, "monitorId");
    } else {
        json_enc_i64(&tail->enc, "monitorId", row->monitor_id);
    }
    json_enc_str(&tail->enc, "hash", hash);
    json_enc_raw(&tail->enc, "record", row->bytes.p, row->bytes.size);
    json_enc_obj_end(&tail->enc);
    return TC_OK;
}

static int on_tail(void *ctx, const void *data)
{
    struct tail *tail = ctx;
    const struct store_audit *row = data;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(row->bytes.p, row->bytes.size, LIMIT_AUDIT_RECORD_BYTES, &json, NULL);
    bool is_json = code == TC_OK && json_type_of(json_root(json)) == JSON_OBJECT;
    if (tail->cli->args.is_json && is_json) {
        return tail_json(tail, row);
    }
    char text[TIMETEXT_SIZE];
    TC_CLEANUP(buf_freep) struct buf number;
    buf_init(&number, TIMETEXT_SIZE);
    const struct json_value *record = is_json ? json_root(json) : NULL;
    buf_add_fmt(&number, "%llu", (unsigned long long)row->seq);
    table_add(&tail->table, number.p, TABLE_PLAIN);
    table_add(&tail->table, timetext_rfc3339(row->at_utc_ms, text), TABLE_PLAIN);
    table_add(&tail->table, row->kind, TABLE_PLAIN);
    buf_reset(&number);
    buf_add_fmt(&number, "%u", row->monitor_id);
    table_add(&tail->table, row->monitor_id == 0 ? NULL : number.p, TABLE_PLAIN);
    table_add(&tail->table, is_json ? member_text(record, "reason") : NULL, TABLE_PLAIN);
    table_add(&tail->table,
              is_json ? member_text(record, "detail") : "not a record: run audit verify",
              is_json ? TABLE_PLAIN : TABLE_BAD);
    return TC_OK;
}

int verb_audit_tail(struct cli *cli, struct err *err)
{
    static const struct table_column columns[] = {{.title = "SEQ", .is_right = true},
                                                  {.title = "TIME"},
                                                  {.title = "KIND"},
                                                  {.title = "MONITOR"},
                                                  {.title = "REASON"},
                                                  {.title = "DETAIL", .is_flexible = true},
                                                  {.title = NULL}};
    TC_CLEANUP(store_closep) struct store *store = NULL;
    int code = local_store_open(cli, &store, err);
    if (code != TC_OK) {
        return code;
    }
    struct tail tail = {.cli = cli};
    table_start(&tail.table, columns);
    buf_init(&tail.out, OUT_BYTES_MAX);
    json_enc_start(&tail.enc, &tail.out);
    if (cli->args.is_json) {
        json_enc_obj(&tail.enc, NULL);
        json_enc_arr(&tail.enc, "records");
    }
    const struct store_filter filter = {
        .limit = cli->args.count == CLI_UNSET ? TAIL_DEFAULT : (uint32_t)cli->args.count};
    code = store_read(store, STORE_AUDIT_NEWEST, &filter, on_tail, &tail, err);
    if (code == TC_OK) {
        if (cli->args.is_json) {
            json_enc_arr_end(&tail.enc);
            json_enc_obj_end(&tail.enc);
            buf_add_char(&tail.out, '\n');
        } else {
            table_print(&tail.table, cli->width, cli->is_coloured, &tail.out);
        }
        code = cli_print(&tail.out, err);
    }
    table_freep(&tail.table);
    buf_free(&tail.out);
    return code;
}

/* --- verify ------------------------------------------------------------------------------------ */

/* The key that checkpoints are checked with: --key, else the configuration's. None is no error: the
 * chain can be verified without, and that is said. */
static int load_key(struct cli *cli, struct audit_walk *walk, struct err *err)
{
    TC_CLEANUP(mem_freep) char *path = NULL;
    TC_CLEANUP(mem_freep) char *pem = NULL;
    if (cli->args.key != NULL) {
        path = mem_strdup(cli->args.key);
    } else if (cli->operands.count == 0 || cli->args.config != NULL) {
        int code = cli_config(cli, err);
        if (code != TC_OK) {
            return code;
        }
        path = file_join(cli->config->keys.dir, LINK_FILE_AUDIT_PUB);
        if (access(path, F_OK) != 0) {
            return TC_OK;
        }
    } else {
        return TC_OK;
    }
    int code = file_read(path, DIGEST_PEM_MAX, &pem, NULL, err);
    if (code == TC_OK) {
        code = digest_key_read(pem, &walk->key, err);
        if (code != TC_OK) {
            (void)err_ctx(err, "%s", path); /* the code is returned below */
        }
    }
    return code;
}

static int print_verified(const struct cli *cli, const struct audit_walk *walk, struct err *err)
{
    char head[2 * DIGEST_BYTES + 1];
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_CONFIG_BYTES);
    hex_encode(walk->check.head, DIGEST_BYTES, head);
    if (cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_bool(&enc, "ok", true);
        json_enc_u64_text(&enc, "records", walk->check.sequence);
        json_enc_str(&enc, "head", head);
        json_enc_u64_text(&enc, "checkpoints", walk->checkpoints);
        json_enc_bool(&enc, "signaturesChecked", walk->key != NULL);
        json_enc_obj_end(&enc);
        buf_add_char(&out, '\n');
    } else {
        buf_add_fmt(&out, "ok: %llu records, head %s, %llu checkpoints%s\n",
                    (unsigned long long)walk->check.sequence, head,
                    (unsigned long long)walk->checkpoints,
                    walk->key != NULL ? " with good signatures"
                                      : " (signatures not checked: no key; give --key FILE)");
    }
    return cli_print(&out, err);
}

int verb_audit_verify(struct cli *cli, struct err *err)
{
    struct audit_walk walk;
    audit_walk_start(&walk);
    int code = load_key(cli, &walk, err);
    if (code == TC_OK && cli->operands.count == 1) {
        code = audit_walk_file(&walk, cli->operands.items[0], err);
    } else if (code == TC_OK) {
        TC_CLEANUP(store_closep) struct store *store = NULL;
        code = local_store_open(cli, &store, err);
        if (code == TC_OK) {
            code = audit_walk_store(&walk, store, err);
        }
    }
    if (code == TC_OK) {
        code = print_verified(cli, &walk, err);
    }
    audit_walk_end(&walk);
    return code;
}

/* --- export ------------------------------------------------------------------------------------ */

struct export
{
    int fd;
    struct buf out;
    struct err *err;
    uint64_t last;
};

static int flush(struct export *export)
{
    int code = file_write_fd(export->fd, export->out.p, export->out.len);
    buf_reset(&export->out);
    return code == TC_OK ? TC_OK : err_set(export->err, code, "cannot write the export");
}

static int on_export(void *ctx, const void *data)
{
    struct export *export = ctx;
    const struct store_audit *row = data;
    audit_file_record(row, &export->out);
    export->last = row->seq;
    return export->out.len < FLUSH_BYTES ? TC_OK : flush(export);
}

static int on_export_checkpoint(void *ctx, const void *data)
{
    struct export *export = ctx;
    audit_file_checkpoint(data, &export->out);
    return export->out.len < FLUSH_BYTES ? TC_OK : flush(export);
}

int verb_audit_export(struct cli *cli, struct err *err)
{
    TC_CLEANUP(store_closep) struct store *store = NULL;
    TC_CLEANUP(fd_closep) int fd = -1;
    int code = local_store_open(cli, &store, err);
    if (code != TC_OK) {
        return code;
    }
    bool is_file = cli->operands.count == 1;
    if (is_file) {
        fd = open(cli->operands.items[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (fd < 0) {
            return err_set(err, err_from_errno(errno), "cannot make %s: %s", cli->operands.items[0],
                           strerrordesc_np(errno));
        }
    }
    struct export export = {.fd = is_file ? fd : STDOUT_FILENO, .err = err};
    buf_init(&export.out, OUT_BYTES_MAX);
    code = store_read(store, STORE_AUDIT, NULL, on_export, &export, err);
    if (code == TC_OK) {
        code = store_read(store, STORE_CHECKPOINTS, NULL, on_export_checkpoint, &export, err);
    }
    if (code == TC_OK) {
        code = flush(&export);
    }
    if (code == TC_OK && is_file && fsync(fd) != 0) {
        code = err_set(err, TC_EIO, "cannot write %s to disk", cli->operands.items[0]);
    }
    buf_free(&export.out);
    return code;
}
