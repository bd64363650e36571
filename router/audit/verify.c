/* Verifying the audit chain: needs the records and nothing else, so that an auditor can run it
 * without router and database. Used by `tocsin audit verify`, doctor and the web process. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "router/audit/audit.h"

void audit_check_start(struct audit_check *check, uint64_t sequence, const uint8_t *head)
{
    *check = (struct audit_check){.sequence = sequence};
    if (head != NULL) {
        memcpy(check->head, head, sizeof(check->head));
    }
}

static int bad(const struct audit_record *record, struct err *err, const char *what)
{
    return err_set(err, TC_ECORRUPT, "audit record %llu %s", (unsigned long long)record->sequence,
                   what);
}

static int check_bytes(const struct audit_record *record, struct err *err)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    if (json_parse(record->bytes, record->size, LIMIT_AUDIT_RECORD_BYTES, &json, NULL) != TC_OK) {
        return bad(record, err, "is not JSON");
    }
    TC_CLEANUP(buf_freep) struct buf canonical;
    buf_init(&canonical, 4 * (size_t)LIMIT_AUDIT_RECORD_BYTES);
    json_canonical(json_root(json), &canonical);
    if (canonical.len != record->size || memcmp(canonical.p, record->bytes, record->size) != 0) {
        return bad(record, err, "is not in canonical form");
    }
    struct json_dec d;
    json_dec_start(&d, json_root(json), "record", NULL);
    uint64_t sequence = json_u64_text(&d, "seq");
    if (json_end(&d) != TC_OK || sequence != record->sequence) {
        return bad(record, err, "says another number inside");
    }
    return TC_OK;
}

int audit_check_record(struct audit_check *check, const struct audit_record *record,
                       struct err *err)
{
    if (record->sequence != check->sequence + 1) {
        return err_set(err, TC_ECORRUPT, "audit record %llu is missing: record %llu follows %llu",
                       (unsigned long long)check->sequence + 1,
                       (unsigned long long)record->sequence, (unsigned long long)check->sequence);
    }
    if (record->format != AUDIT_FORMAT) {
        return err_set(err, TC_EVERSION,
                       "audit record %llu has format %d, this program knows format %d",
                       (unsigned long long)record->sequence, record->format, AUDIT_FORMAT);
    }
    uint8_t hash[DIGEST_BYTES];
    struct digest digest;
    digest_start(&digest);
    digest_add(&digest, check->head, sizeof(check->head));
    digest_add(&digest, record->bytes, record->size);
    digest_end(&digest, hash);
    if (memcmp(hash, record->hash, sizeof(hash)) != 0) {
        return bad(record, err, "was altered, or the one before it was: its hash does not match");
    }
    int code = check_bytes(record, err);
    if (code != TC_OK) {
        return code;
    }
    memcpy(check->head, hash, sizeof(hash));
    check->sequence = record->sequence;
    return TC_OK;
}

int audit_check_head(const struct audit_check *check, uint64_t sequence, const uint8_t *hash,
                     struct err *err)
{
    if (check->sequence < sequence) {
        return err_set(
            err, TC_ECORRUPT,
            "the audit ends at record %llu, but a head of record %llu is known: its tail "
            "was cut",
            (unsigned long long)check->sequence, (unsigned long long)sequence);
    }
    if (check->sequence == sequence && memcmp(check->head, hash, DIGEST_BYTES) != 0) {
        return err_set(err, TC_ECORRUPT,
                       "audit record %llu has another hash than the known head: the chain was "
                       "rewritten",
                       (unsigned long long)sequence);
    }
    return TC_OK;
}
