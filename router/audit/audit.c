/* Building audit records: canonical bytes and the hash chain. Stores nothing; router/flow adds the
 * records to the transaction that they describe. */
#include "router/audit/audit.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/timetext.h"

enum {
    NAME_HASH_BYTES = (AUDIT_NAME_BYTES - 3) / 2,
};

void audit_name(const struct audit_chain *chain, const char *name, char *ret_text)
{
    uint8_t mac[DIGEST_BYTES];
    digest_hmac(chain->name_key, sizeof(chain->name_key), name, strlen(name), mac);
    ret_text[0] = 'n';
    ret_text[1] = ':';
    hex_encode(mac, NAME_HASH_BYTES, ret_text + 2);
}

/* A recipient keeps its channel readable: "email:n:0123...". */
static void recipient_text(const struct audit_chain *chain, const char *recipient, struct buf *out)
{
    const char *colon = strchr(recipient, ':');
    size_t channel = colon == NULL ? 0 : (size_t)(colon - recipient) + 1;
    char name[AUDIT_NAME_BYTES];
    audit_name(chain, recipient + channel, name);
    buf_add(out, recipient, channel);
    buf_add_str(out, name);
}

static void text_member(struct json_enc *e, const char *name, const char *value)
{
    if (value != NULL) {
        json_enc_str(e, name, value);
    }
}

static void number_member(struct json_enc *e, const char *name, uint64_t value)
{
    if (value != 0) {
        json_enc_u64_text(e, name, value);
    }
}

static int json_member_copy(struct json_enc *e, const char *name, const char *text, struct err *err)
{
    if (text == NULL) {
        return TC_OK;
    }
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(text, strlen(text), LIMIT_AUDIT_RECORD_BYTES, &json, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "audit member %s", name); /* the code is returned */
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf canonical;
    buf_init(&canonical, LIMIT_AUDIT_RECORD_BYTES);
    json_canonical(json_root(json), &canonical);
    json_enc_raw(e, name, canonical.p, canonical.len);
    return TC_OK;
}

static void people_members(struct json_enc *e, const struct audit_chain *chain,
                           const struct audit_entry *entry)
{
    if (entry->actor != NULL) {
        char name[AUDIT_NAME_BYTES];
        audit_name(chain, entry->actor, name);
        json_enc_str(e, "actor", name);
    }
}

static void recipient_member(struct json_enc *e, const struct audit_chain *chain,
                             const struct audit_entry *entry)
{
    if (entry->recipient != NULL) {
        TC_CLEANUP(buf_freep) struct buf text;
        buf_init(&text, LIMIT_RECIPIENT_BYTES + AUDIT_NAME_BYTES);
        recipient_text(chain, entry->recipient, &text);
        json_enc_str(e, "recipient", text.p);
    }
}

static void message_member(struct json_enc *e, const char *message)
{
    if (message != NULL) {
        uint8_t hash[DIGEST_BYTES];
        char text[2 * DIGEST_BYTES + 1];
        digest_sha256(message, strlen(message), hash);
        hex_encode(hash, sizeof(hash), text);
        json_enc_str(e, "messageSha256", text);
    }
}

/* The members in the order of their names: that, and json_enc's minimal escapes, make the bytes
 * canonical. */
static int record_write(const struct audit_chain *chain, const struct audit_entry *entry,
                        struct buf *bytes, struct err *err)
{
    struct json_enc e;
    json_enc_start(&e, bytes);
    json_enc_obj(&e, NULL);
    people_members(&e, chain, entry);
    int code = json_member_copy(&e, "after", entry->after, err);
    if (code != TC_OK) {
        return code;
    }
    json_enc_time(&e, "at", entry->at_utc_ms);
    code = json_member_copy(&e, "before", entry->before, err);
    if (code != TC_OK) {
        return code;
    }
    text_member(&e, "detail", entry->detail);
    text_member(&e, "digest", entry->digest);
    text_member(&e, "from", entry->from);
    number_member(&e, "incident", entry->incident_id);
    text_member(&e, "kind", entry->kind);
    message_member(&e, entry->message);
    number_member(&e, "monitor", entry->monitor_id);
    code = json_member_copy(&e, "notes", entry->notes, err);
    if (code != TC_OK) {
        return code;
    }
    number_member(&e, "notification", entry->notification_id);
    number_member(&e, "number", entry->number);
    text_member(&e, "reason", entry->reason);
    recipient_member(&e, chain, entry);
    text_member(&e, "runner", entry->runner);
    json_enc_u64_text(&e, "seq", chain->sequence + 1);
    number_member(&e, "spool", entry->spool_rank);
    text_member(&e, "to", entry->to);
    text_member(&e, "type", entry->type);
    text_member(&e, "via", entry->via);
    json_enc_obj_end(&e);
    return TC_OK;
}

int audit_append(struct audit_chain *chain, const struct audit_entry *entry, struct buf *bytes,
                 struct err *err)
{
    buf_reset(bytes);
    int code = record_write(chain, entry, bytes, err);
    if (code != TC_OK) {
        return code;
    }
    if (bytes->err != TC_OK || bytes->len > LIMIT_AUDIT_RECORD_BYTES) {
        return err_set(err, TC_ERANGE, "an audit record of kind %s is over %d bytes", entry->kind,
                       LIMIT_AUDIT_RECORD_BYTES);
    }
    struct digest digest;
    digest_start(&digest);
    digest_add(&digest, chain->head, sizeof(chain->head));
    digest_add(&digest, bytes->p, bytes->len);
    digest_end(&digest, chain->head);
    chain->sequence++;
    return TC_OK;
}

void audit_checkpoint_hash(uint64_t sequence, const uint8_t *head, int64_t at_utc_ms,
                           uint8_t *ret_hash)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, 256);
    char hex[2 * DIGEST_BYTES + 1];
    char at[TIMETEXT_SIZE];
    hex_encode(head, DIGEST_BYTES, hex);
    buf_add_fmt(&text, "tocsin-audit-1 %llu %s %s", (unsigned long long)sequence, hex,
                timetext_rfc3339(at_utc_ms, at));
    digest_sha256(text.p, text.len, ret_hash);
}
