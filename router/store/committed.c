/* What became of a commit whose answer was lost: looked up by the keys that only the router gives out.
 * Called by router/flow. */
#include "lib/base/assert.h"
#include "router/store/sql.h"

/* A row that shows whether a batch was written, and what it says then. */
struct witness {
    uint64_t id;   /* 0: the batch has none of the kind */
    uint64_t rank; /* of a runner's spool */
    uint64_t expected;
    uint64_t found;
};

/* The highest number of the rows of a kind; 0: the batch has none of them. */
static uint64_t highest(const struct store_batch *batch, enum store_write write)
{
    enum sql_row_id kind = sql_writes[write].row;
    const struct store_rows *rows = &batch->rows[write];
    uint64_t found = 0;
    for (size_t i = 0; i < rows->count; i++) {
        uint64_t id = sql_row_id(kind, (const char *)rows->p + i * sql_rows[kind].size);
        found = id > found ? id : found;
    }
    return found;
}

static int take_ids(void *ctx, const void *row)
{
    *(struct store_ids *)ctx = *(const struct store_ids *)row;
    return TC_OK;
}

static int find_checkpoint(void *ctx, const void *row)
{
    ((struct witness *)ctx)->found = ((const struct store_checkpoint *)row)->seq;
    return TC_OK;
}

static int find_cursor(void *ctx, const void *row)
{
    struct witness *witness = ctx;
    const struct store_runner *runner = row;
    if (runner->id == witness->id && runner->spool_rank == witness->rank) {
        witness->found = runner->seq;
    }
    return TC_OK;
}

static int find_version(void *ctx, const void *row)
{
    ((struct witness *)ctx)->found = ((const struct store_monitor *)row)->version;
    return TC_OK;
}

/* By the numbers that count up; false: the batch has none of them. */
static bool tell_by_ids(const struct store_batch *batch, const struct store_ids *ids,
                        bool *ret_was_committed)
{
    const struct {
        enum store_write write;
        uint64_t known;
    } keys[] = {
        {STORE_AUDIT_ADD, ids->audit},
        {STORE_RUN_ADD, ids->run},
        {STORE_NOTIFICATION_ADD, ids->notification},
        {STORE_INCIDENT_ADD, ids->incident},
        {STORE_RUNNER_ADD, ids->runner},
        {STORE_TOKEN_ADD, ids->token},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t key = highest(batch, keys[i].write);
        if (key != 0) {
            *ret_was_committed = keys[i].known >= key;
            return true;
        }
    }
    return false;
}

/* A monitor that the batch writes by its version. */
static void choose_monitor(const struct store_batch *batch, struct witness *witness)
{
    const struct store_rows *decided = &batch->rows[STORE_MONITOR_DECIDE];
    const struct store_rows *seen = &batch->rows[STORE_MONITOR_SEEN];
    if (decided->count > 0) {
        const struct store_monitor *one = decided->p;
        witness->id = one->core.id;
        witness->expected = one->version + 1;
    } else if (seen->count > 0) {
        const struct store_seen *one = seen->p;
        witness->id = one->id;
        witness->expected = one->version + 1;
    }
}

static int tell_by_rows(struct store *store, const struct store_batch *batch,
                        bool *ret_was_committed, struct err *err)
{
    struct witness witness = {.expected = highest(batch, STORE_CHECKPOINT_ADD)};
    int code = TC_OK;
    if (witness.expected != 0) {
        const struct store_filter from = {.after_id = witness.expected - 1, .limit = 1};
        code = store_read(store, STORE_CHECKPOINTS, &from, find_checkpoint, &witness, err);
        *ret_was_committed = witness.found == witness.expected;
        return code;
    }
    if (batch->rows[STORE_CURSOR_SET].count > 0) {
        const struct store_cursor *cursor = batch->rows[STORE_CURSOR_SET].p;
        bool moves = cursor->spool_rank != cursor->was_rank || cursor->seq != cursor->was_seq;
        witness = (struct witness){cursor->id, cursor->spool_rank, cursor->seq, UINT64_MAX};
        code = store_read(store, STORE_RUNNERS, NULL, find_cursor, &witness, err);
        *ret_was_committed = moves && witness.found == witness.expected;
        return code;
    }
    choose_monitor(batch, &witness);
    if (witness.id != 0) {
        const struct store_filter one = {.id = witness.id};
        code = store_read(store, STORE_MONITOR, &one, find_version, &witness, err);
    }
    *ret_was_committed = witness.id != 0 && witness.found == witness.expected;
    return code;
}

int store_was_committed(struct store *store, const struct store_batch *batch,
                        bool *ret_was_committed, struct err *err)
{
    TC_ASSERT(ret_was_committed != NULL);
    struct store_ids ids = {.audit = 0};
    bool was_committed = false;
    int code = store_read(store, STORE_IDS, NULL, take_ids, &ids, err);
    if (code == TC_OK && !tell_by_ids(batch, &ids, &was_committed)) {
        code = tell_by_rows(store, batch, &was_committed, err);
    }
    if (code == TC_OK) {
        *ret_was_committed = was_committed;
    }
    return code;
}
