/* What is done with a database in the same way whichever it is: a batch row by row, a lease. It begins
 * and ends no transaction: the backends do. */
#include "router/store/database.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/timetext.h"

static void note(struct store_conflicts *conflicts, enum store_write write, size_t index,
                 uint64_t id)
{
    if (conflicts->count < STORE_CONFLICTS_MAX) {
        conflicts->items[conflicts->count] = (struct store_conflict){write, index, id};
        conflicts->count++;
    }
}

static int write_rows(const struct database *database, enum store_write write,
                      const struct store_rows *rows, struct store_conflicts *conflicts,
                      struct err *err)
{
    const struct sql_write *how = &sql_writes[write];
    for (size_t i = 0; i < rows->count; i++) {
        const char *row = (const char *)rows->p + i * sql_rows[how->row].size;
        uint64_t changes = 0;
        int code = database->run(database->db, how->query, row, &changes, err);
        if (code != TC_OK && code != TC_ECONFLICT) {
            return code;
        }
        if (code == TC_ECONFLICT || (how->must_change && changes != 1)) {
            if (write == STORE_LEASE_RENEW) {
                return err_set(err, TC_EFENCED, "the lease is another router's by now");
            }
            note(conflicts, write, i, sql_row_id(how->row, row));
        }
    }
    return TC_OK;
}

int database_write(const struct database *database, const struct store_batch *batch,
                   struct store_conflicts *ret_conflicts, struct err *err)
{
    for (enum store_write write = 0; write < STORE_WRITE_COUNT_; write++) {
        int code = write_rows(database, write, &batch->rows[write], ret_conflicts, err);
        if (code != TC_OK) {
            return code;
        }
    }
    if (ret_conflicts->count > 0) {
        const struct store_conflict *first = &ret_conflicts->items[0];
        return err_set(err, TC_ECONFLICT, "%s: row %llu is not as expected any more",
                       sql_queries[sql_writes[first->write].query].name,
                       (unsigned long long)first->id);
    }
    return TC_OK;
}

struct claiming {
    const struct store_claim *claim;
    uint64_t token;
    struct err *err;
};

static int take_lease(void *ctx, const void *row)
{
    struct claiming *claiming = ctx;
    const struct store_lease *lease = row;
    if (lease->holder == NULL || strcmp(lease->holder, claiming->claim->holder) != 0) {
        char until[TIMETEXT_SIZE];
        return err_set(claiming->err, TC_EFENCED, "shard %u belongs to another router until %s",
                       lease->shard, timetext_rfc3339(lease->expires_utc_ms, until));
    }
    claiming->token = lease->token;
    return TC_OK;
}

int database_claim(const struct database *database, const struct store_claim *claim,
                   uint64_t *ret_token, struct err *err)
{
    struct claiming claiming = {.claim = claim, .err = err};
    int code = database->run(database->db, SQL_LEASE_CLAIM, claim, NULL, err);
    if (code == TC_OK) {
        code = database->read(database->db, SQL_LEASE, claim, take_lease, &claiming, err);
    }
    if (code != TC_OK) {
        return code;
    }
    TC_ASSERT(claiming.token > 0);
    *ret_token = claiming.token;
    return TC_OK;
}
