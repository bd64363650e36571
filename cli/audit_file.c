/* The form of an exported audit, and verifying a whole chain with its checkpoints. The rules of one
 * record are router/audit/verify.c's. Called by audit_verbs.c and doctor. */
#include "cli/audit_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/timetext.h"
#include "router/store/store.h"

enum {
    LINE_BYTES_MAX = 8 * LIMIT_AUDIT_RECORD_BYTES, /* escaping can grow a record sixfold */
    SIGNATURE_HEX_MAX = 2 * DIGEST_SIGNATURE_MAX + 1,
};

struct audit_head {
    uint8_t hash[DIGEST_BYTES];
};

/* --- Writing ----------------------------------------------------------------------------------- */

static void add_hex(struct json_enc *enc, const char *name, const void *bytes, size_t size)
{
    char text[SIGNATURE_HEX_MAX] = "";
    if (size <= DIGEST_SIGNATURE_MAX) {
        hex_encode(bytes, size, text);
    }
    json_enc_str(enc, name, text);
}

void audit_file_record(const struct store_audit *row, struct buf *out)
{
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    json_enc_u64_text(&enc, "seq", row->seq);
    json_enc_i64(&enc, "format", row->format);
    add_hex(&enc, "hash", row->hash.p, row->hash.size);
    json_enc_strn(&enc, "bytes", row->bytes.p, row->bytes.size);
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}

void audit_file_checkpoint(const struct store_checkpoint *row, struct buf *out)
{
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    json_enc_u64_text(&enc, "checkpoint", row->seq);
    json_enc_time(&enc, "at", row->at_utc_ms);
    add_hex(&enc, "hash", row->hash.p, row->hash.size);
    add_hex(&enc, "signature", row->signature.p, row->signature.size);
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}

/* --- Verifying --------------------------------------------------------------------------------- */

void audit_walk_start(struct audit_walk *walk)
{
    *walk = (struct audit_walk){0};
    audit_check_start(&walk->check, 0, NULL);
}

void audit_walk_end(struct audit_walk *walk)
{
    walk->key = digest_key_free(walk->key);
    mem_free(walk->heads);
    walk->heads = NULL;
}

static int take_record(struct audit_walk *walk, const struct audit_record *record)
{
    int code = audit_check_record(&walk->check, record, walk->err);
    if (code != TC_OK) {
        return code;
    }
    if (walk->head_count == walk->head_cap) {
        walk->head_cap = walk->head_cap == 0 ? 4096 : walk->head_cap * 2;
        walk->heads = mem_resize(walk->heads, walk->head_cap, sizeof(*walk->heads));
    }
    memcpy(walk->heads[walk->head_count++].hash, walk->check.head, DIGEST_BYTES);
    return TC_OK;
}

static int take_checkpoint(struct audit_walk *walk, const struct store_checkpoint *row)
{
    unsigned long long seq = row->seq;
    if (row->seq == 0 || row->seq > walk->head_count) {
        return err_set(walk->err, TC_ECORRUPT,
                       "checkpoint %llu: the chain ends at record %llu: its tail was cut off", seq,
                       (unsigned long long)walk->head_count);
    }
    if (row->hash.size != DIGEST_BYTES ||
        memcmp(walk->heads[row->seq - 1].hash, row->hash.p, DIGEST_BYTES) != 0) {
        return err_set(walk->err, TC_ECORRUPT,
                       "checkpoint %llu: record %llu has another hash: the chain was replaced", seq,
                       seq);
    }
    if (walk->key != NULL) {
        uint8_t hash[DIGEST_BYTES];
        audit_checkpoint_hash(row->seq, row->hash.p, row->at_utc_ms, hash);
        if (digest_verify(walk->key, hash, row->signature.p, row->signature.size, NULL) != TC_OK) {
            return err_set(walk->err, TC_ECORRUPT,
                           "checkpoint %llu: its signature is not of this key", seq);
        }
    }
    walk->checkpoints++;
    return TC_OK;
}

static int on_row(void *ctx, const void *data)
{
    struct audit_walk *walk = ctx;
    const struct store_audit *row = data;
    if (row->hash.size != DIGEST_BYTES) {
        return err_set(walk->err, TC_ECORRUPT, "record %llu: its hash has %zu bytes, not %d",
                       (unsigned long long)row->seq, row->hash.size, DIGEST_BYTES);
    }
    const struct audit_record record = {.sequence = row->seq,
                                        .format = (int)row->format,
                                        .bytes = row->bytes.p,
                                        .size = row->bytes.size,
                                        .hash = row->hash.p};
    return take_record(walk, &record);
}

static int on_checkpoint(void *ctx, const void *data)
{
    return take_checkpoint(ctx, data);
}

int audit_walk_store(struct audit_walk *walk, struct store *store, struct err *err)
{
    walk->err = err;
    int code = store_read(store, STORE_AUDIT, NULL, on_row, walk, err);
    return code == TC_OK ? store_read(store, STORE_CHECKPOINTS, NULL, on_checkpoint, walk, err)
                         : code;
}

/* --- A file ------------------------------------------------------------------------------------ */

static int line_checkpoint(struct audit_walk *walk, struct json_dec *d)
{
    uint8_t hash[DIGEST_BYTES];
    uint8_t signature[DIGEST_SIGNATURE_MAX];
    struct store_checkpoint row = {.seq = json_u64_text(d, "checkpoint"),
                                   .at_utc_ms = json_time(d, "at"),
                                   .hash = {hash, sizeof(hash)}};
    const char *hash_text = json_str(d, "hash", (size_t)2 * DIGEST_BYTES);
    const char *text = json_str(d, "signature", (size_t)2 * DIGEST_SIGNATURE_MAX);
    row.signature = (struct store_blob){signature, strlen(text) / 2};
    if (json_end(d) == TC_OK && hex_decode(hash_text, sizeof(hash), hash) != TC_OK) {
        return json_fail(d, "hash", TC_EPARSE, "is not the hexadecimal form of 32 bytes");
    }
    if (json_end(d) == TC_OK && hex_decode(text, row.signature.size, signature) != TC_OK) {
        return json_fail(d, "signature", TC_EPARSE, "is not hexadecimal");
    }
    return json_end(d) == TC_OK ? take_checkpoint(walk, &row) : json_end(d);
}

static int line_record(struct audit_walk *walk, struct json_dec *d)
{
    uint8_t hash[DIGEST_BYTES];
    struct audit_record record = {.sequence = json_u64_text(d, "seq"),
                                  .format = (int)json_i64(d, "format", 0, INT32_MAX),
                                  .hash = hash};
    const char *text = json_str(d, "hash", (size_t)2 * DIGEST_BYTES);
    record.bytes = json_str(d, "bytes", LIMIT_AUDIT_RECORD_BYTES);
    record.size = strlen(record.bytes);
    if (json_end(d) == TC_OK && hex_decode(text, sizeof(hash), hash) != TC_OK) {
        return json_fail(d, "hash", TC_EPARSE, "is not the hexadecimal form of 32 bytes");
    }
    return json_end(d) == TC_OK ? take_record(walk, &record) : json_end(d);
}

static int take_line(struct audit_walk *walk, const char *line, size_t size)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(line, size, LINE_BYTES_MAX, &json, walk->err);
    if (code != TC_OK) {
        return code;
    }
    struct json_dec d;
    json_dec_start(&d, json_root(json), "", walk->err);
    if (json_end(&d) != TC_OK) {
        return json_end(&d);
    }
    return json_has(&d, "checkpoint") ? line_checkpoint(walk, &d) : line_record(walk, &d);
}

static int walk_lines(struct audit_walk *walk, FILE *file, struct buf *line)
{
    char piece[16 * 1024];
    unsigned long long number = 1;
    while (fgets(piece, sizeof(piece), file) != NULL) {
        buf_add_str(line, piece);
        if (line->err != TC_OK) {
            return err_set(walk->err, TC_ERANGE, "line %llu is longer than any record", number);
        }
        if (line->p[line->len - 1] != '\n' && feof(file) == 0) {
            continue;
        }
        int code = take_line(walk, line->p, line->len);
        if (code != TC_OK) {
            (void)err_ctx(walk->err, "line %llu", number); /* the code is returned */
            return code;
        }
        buf_reset(line);
        number++;
    }
    return ferror(file) == 0 ? TC_OK : err_set(walk->err, TC_EIO, "reading failed");
}

int audit_walk_file(struct audit_walk *walk, const char *path, struct err *err)
{
    walk->err = err;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set(err, err_from_errno(errno), "cannot read %s: %s", path,
                       strerrordesc_np(errno));
    }
    TC_CLEANUP(buf_freep) struct buf line;
    buf_init(&line, LINE_BYTES_MAX);
    int code = walk_lines(walk, file, &line);
    (void)fclose(file); /* it was only read */
    if (code != TC_OK) {
        (void)err_ctx(err, "%s", path); /* the code is returned */
    }
    return code;
}
