/* Audit records into the batch: the chain moves on with each, the names that stand in them as keyed
 * hashes go to the side table. */
#include <inttypes.h>

#include "lib/base/assert.h"
#include "lib/base/hex.h"
#include "router/flow/plan.h"

static void add_name(struct flow *flow, const char *name)
{
    if (name == NULL) {
        return;
    }
    char hash[AUDIT_NAME_BYTES];
    audit_name(&flow->chain, name, hash);
    struct store_name row = {.hash = hash, .name = name};
    store_batch_name_add(&flow->batch.rows, &row);
}

void flow_record(struct flow *flow, struct audit_entry *entry)
{
    entry->at_utc_ms = flow->batch.now_utc_ms;
    struct err err = ERR_INIT;
    if (audit_append(&flow->chain, entry, &flow->record, &err) != TC_OK) {
        struct audit_entry shorter = {.kind = entry->kind,
                                      .at_utc_ms = entry->at_utc_ms,
                                      .reason = entry->reason,
                                      .monitor_id = entry->monitor_id,
                                      .actor = entry->actor,
                                      .via = entry->via,
                                      .detail = err.text};
        int code = audit_append(&flow->chain, &shorter, &flow->record, &err);
        TC_ASSERT(code == TC_OK);
    }
    struct store_audit row = {.seq = flow->chain.sequence,
                              .format = AUDIT_FORMAT,
                              .at_utc_ms = entry->at_utc_ms,
                              .kind = entry->kind,
                              .monitor_id = entry->monitor_id,
                              .bytes = {.p = flow->record.p, .size = flow->record.len},
                              .hash = {.p = flow->chain.head, .size = DIGEST_BYTES}};
    store_batch_audit_add(&flow->batch.rows, &row);
    add_name(flow, entry->actor);
    if (entry->recipient != NULL) {
        const char *colon = strchr(entry->recipient, ':');
        add_name(flow, colon == NULL ? entry->recipient : colon + 1);
    }
}

void flow_record_runs(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    if (batch->run_count == 0) {
        return;
    }
    uint8_t hash[DIGEST_BYTES];
    char text[2 * DIGEST_BYTES + 1];
    digest_end(&batch->runs, hash);
    hex_encode(hash, sizeof(hash), text);
    struct audit_entry entry = {.kind = "runs", .number = batch->run_count, .digest = text};
    flow_record(flow, &entry);
}
