/* What is too old goes, a chunk at a time. Ids ascend with time, so a pass reads each table from its
 * oldest row and ends at the first chunk that is young; the few old rows that must stay are read over.
 * Nothing here commits: turn.c gives each chunk a batch of its own. */
#include "router/flow/retain.h"

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/timetext.h"
#include "lib/sys/clock.h"
#include "router/flow/index.h"
#include "router/flow/plan.h"

enum {
    CHUNK_ROWS = 500,
    CHUNK_MS = 250,           /* between chunks: 2,000 rows a second at most */
    BUSY_MS = 5 * 1000,       /* a router with work left lets a chunk wait so long */
    PASS_MS = 3600 * 1000,    /* between passes */
    WAIT_MS = 15 * 60 * 1000, /* after a start or a step: a wrong clock may be put right */
    RECORD_ROWS = 100 * 1000, /* a long pass tells in between what it removed */
};

/* Where retention stands, and the chunk at hand. */
struct flow_retain {
    enum flow_retained table;              /* looked through now; FLOW_RETAINED_COUNT_: none is */
    uint64_t after_id;                     /* up to here */
    int64_t due_mono_ms;                   /* the next chunk, real time; INT64_MAX: never */
    int64_t pass_utc_ms;                   /* when this pass began: ages count up to here */
    uint64_t counts[FLOW_RETAINED_COUNT_]; /* removed since the last record */
    bool is_at_hand;                       /* a chunk was read, and is not kept or dropped yet */
    FLOW_LIST(uint64_t) ids;               /* of the chunk: what goes */
    size_t row_count;                      /* of the chunk: what was looked at */
    uint64_t last_id;                      /* of these */
    bool has_old;
    bool has_young;
    bool ends_table;
    bool needs_record;
};

static const struct {
    enum store_view view;
    enum store_write write;
    const char *name; /* in the record */
} tables[FLOW_RETAINED_COUNT_] = {
    [FLOW_RETAINED_RUNS] = {STORE_RUNS_AGED, STORE_RUN_REMOVE, "runs"},
    [FLOW_RETAINED_NOTIFICATIONS] = {STORE_NOTIFICATIONS_AGED, STORE_NOTIFICATION_REMOVE,
                                     "notifications"},
    [FLOW_RETAINED_INCIDENTS] = {STORE_INCIDENTS_AGED, STORE_INCIDENT_REMOVE, "incidents"},
};

static int64_t mono_ms_of(const struct flow *flow)
{
    return clock_mono_us(flow->options.clock) / 1000;
}

/* 0: for ever. */
static int64_t keep_ms_of(const struct flow *flow, enum flow_retained table)
{
    return table == FLOW_RETAINED_RUNS ? flow->options.keep_runs_ms
                                       : flow->options.keep_incidents_ms;
}

/* The first table from here on that does not keep its rows for ever. */
static enum flow_retained table_from(const struct flow *flow, enum flow_retained table)
{
    while (table < FLOW_RETAINED_COUNT_ && keep_ms_of(flow, table) == 0) {
        table++;
    }
    return table;
}

void flow_retain_start(struct flow *flow)
{
    flow->retain = mem_alloc(sizeof(*flow->retain));
    flow_retain_wait(flow);
}

void flow_retain_end(struct flow *flow)
{
    if (flow->retain != NULL) {
        mem_free(flow->retain->ids.items);
        mem_free(flow->retain);
    }
}

void flow_retain_wait(struct flow *flow)
{
    struct flow_retain *retain = flow->retain;
    retain->table = table_from(flow, FLOW_RETAINED_RUNS);
    retain->after_id = 0;
    retain->due_mono_ms =
        retain->table == FLOW_RETAINED_COUNT_ ? INT64_MAX : mono_ms_of(flow) + WAIT_MS;
}

int64_t flow_retain_due_mono_ms(const struct flow *flow)
{
    return flow->retain->due_mono_ms;
}

bool flow_retain_is_due(const struct flow *flow, bool is_idle)
{
    int64_t late_ms = mono_ms_of(flow) - flow->retain->due_mono_ms;
    return late_ms >= (is_idle ? 0 : BUSY_MS);
}

/* --- Choosing -------------------------------------------------------------------------------- */

/* What memory holds may still be written: an incident that may be reopened, one on whose deliveries
 * something depends. */
static bool is_in_use(const struct flow *flow, const struct store_aged *row)
{
    switch (flow->retain->table) {
    case FLOW_RETAINED_RUNS:
        return false;
    case FLOW_RETAINED_NOTIFICATIONS:
        return outbox_find(flow->outbox, row->id) != NULL ||
               flow_find_incident(flow, row->incident_id) != NULL;
    case FLOW_RETAINED_INCIDENTS:
        return flow_find_incident(flow, row->id) != NULL;
    case FLOW_RETAINED_COUNT_:
        break;
    }
    TC_UNREACHABLE();
}

static int take_aged(void *ctx, const void *stored)
{
    const struct store_aged *row = stored;
    struct flow *flow = ctx;
    struct flow_retain *retain = flow->retain;
    int64_t before_utc_ms = retain->pass_utc_ms - keep_ms_of(flow, retain->table);
    retain->row_count++;
    retain->last_id = row->id;
    retain->has_old |= row->born_utc_ms != CORE_NEVER && row->born_utc_ms < before_utc_ms;
    retain->has_young |=
        row->born_utc_ms >= before_utc_ms && row->born_utc_ms <= retain->pass_utc_ms;
    bool is_over = !row->is_kept && row->ended_utc_ms != CORE_NEVER &&
                   row->ended_utc_ms < before_utc_ms && row->closed_utc_ms < before_utc_ms;
    if (is_over && !is_in_use(flow, row)) {
        *FLOW_LIST_ADD(retain->ids) = row->id;
    }
    return TC_OK;
}

static uint64_t untold(const struct flow_retain *retain)
{
    uint64_t sum = retain->ids.count;
    for (size_t i = 0; i < FLOW_RETAINED_COUNT_; i++) {
        sum += retain->counts[i];
    }
    return sum;
}

int flow_retain_read(struct flow *flow, struct err *err)
{
    struct flow_retain *retain = flow->retain;
    TC_ASSERT(retain->table < FLOW_RETAINED_COUNT_);
    if (retain->table == table_from(flow, FLOW_RETAINED_RUNS) && retain->after_id == 0) {
        retain->pass_utc_ms = clock_now_utc_ms(flow->options.clock);
    }
    retain->ids.count = 0;
    retain->row_count = 0;
    retain->has_old = retain->has_young = false;
    struct store_filter filter = {.after_id = retain->after_id, .limit = CHUNK_ROWS};
    int code =
        store_read(flow->options.store, tables[retain->table].view, &filter, take_aged, flow, err);
    if (code != TC_OK) {
        return code;
    }
    retain->is_at_hand = true;
    bool is_young = retain->has_young && !retain->has_old;
    retain->ends_table = retain->row_count < CHUNK_ROWS || is_young;
    bool ends_pass =
        retain->ends_table && table_from(flow, retain->table + 1) == FLOW_RETAINED_COUNT_;
    retain->needs_record = untold(retain) > 0 && (ends_pass || untold(retain) >= RECORD_ROWS);
    return TC_OK;
}

bool flow_retain_has_rows(const struct flow *flow)
{
    return flow->retain->ids.count > 0 || flow->retain->needs_record;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void record(struct flow *flow)
{
    const struct flow_retain *retain = flow->retain;
    TC_CLEANUP(buf_freep) struct buf after;
    TC_CLEANUP(buf_freep) struct buf detail;
    buf_init(&after, LIMIT_AUDIT_RECORD_BYTES);
    buf_init(&detail, LIMIT_AUDIT_RECORD_BYTES);
    struct json_enc e;
    json_enc_start(&e, &after);
    json_enc_obj(&e, NULL);
    for (enum flow_retained table = 0; table < FLOW_RETAINED_COUNT_; table++) {
        uint64_t at_hand = table == retain->table ? retain->ids.count : 0;
        json_enc_i64(&e, tables[table].name, (int64_t)(retain->counts[table] + at_hand));
    }
    json_enc_obj_end(&e);
    buf_add_str(&detail, "removed by age");
    for (enum flow_retained table = 0; table < FLOW_RETAINED_COUNT_; table++) {
        char when[TIMETEXT_SIZE];
        int64_t keep_ms = keep_ms_of(flow, table);
        if (keep_ms != 0) {
            buf_add_fmt(&detail, ", %s from before %s", tables[table].name,
                        timetext_rfc3339(retain->pass_utc_ms - keep_ms, when));
        }
    }
    struct audit_entry entry = {.kind = "retention",
                                .reason = "too_old",
                                .number = untold(retain),
                                .after = after.p,
                                .detail = detail.p};
    flow_record(flow, &entry);
}

void flow_retain_write(struct flow *flow)
{
    const struct flow_retain *retain = flow->retain;
    if (!retain->is_at_hand) {
        return;
    }
    for (size_t i = 0; i < retain->ids.count; i++) {
        const struct store_key key = {.id = retain->ids.items[i]};
        store_batch_add(&flow->batch.rows, tables[retain->table].write, &key);
    }
    if (retain->needs_record) {
        record(flow);
    }
}

bool flow_retain_removes(const struct flow *flow)
{
    return flow->retain->is_at_hand && flow->retain->ids.count > 0;
}

static int take_id(void *ctx, const void *stored)
{
    *(uint64_t *)ctx = ((const struct store_aged *)stored)->id;
    return TC_OK;
}

int flow_retain_look(struct flow *flow, bool *ret_is_committed, struct err *err)
{
    const struct flow_retain *retain = flow->retain;
    TC_ASSERT(retain->ids.count > 0);
    uint64_t id = 0;
    struct store_filter filter = {.after_id = retain->ids.items[0] - 1, .limit = 1};
    int code =
        store_read(flow->options.store, tables[retain->table].view, &filter, take_id, &id, err);
    *ret_is_committed = code == TC_OK && id != retain->ids.items[0];
    return code;
}

void flow_retain_keep(struct flow *flow)
{
    struct flow_retain *retain = flow->retain;
    if (!retain->is_at_hand) {
        return;
    }
    retain->is_at_hand = false;
    retain->counts[retain->table] += retain->ids.count;
    flow->stats.removed[retain->table] += retain->ids.count;
    retain->ids.count = 0;
    if (retain->needs_record) {
        memset(retain->counts, 0, sizeof(retain->counts));
        retain->needs_record = false;
    }
    retain->due_mono_ms = mono_ms_of(flow) + CHUNK_MS;
    retain->after_id = retain->ends_table ? 0 : retain->last_id;
    if (retain->ends_table) {
        retain->table = table_from(flow, retain->table + 1);
    }
    if (retain->table == FLOW_RETAINED_COUNT_) {
        retain->table = table_from(flow, FLOW_RETAINED_RUNS);
        retain->due_mono_ms = mono_ms_of(flow) + PASS_MS;
    }
}

void flow_retain_drop(struct flow *flow)
{
    struct flow_retain *retain = flow->retain;
    if (retain->is_at_hand) {
        retain->is_at_hand = false;
        retain->needs_record = false;
        retain->ids.count = 0;
        retain->due_mono_ms = mono_ms_of(flow) + CHUNK_MS;
    }
}
