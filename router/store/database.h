#ifndef ROUTER_STORE_DATABASE_H
#define ROUTER_STORE_DATABASE_H

#include "router/store/sql.h"

/* A connection as the parts see it that are the same for every backend: writing a batch row by row
 * (database.c) and judging a schema (migrate.c). */
struct database {
    void *db; /* borrowed: the backend's connection */
    int (*run)(void *db, enum sql_query_id query, const void *params, uint64_t *ret_changes,
               struct err *err);
    int (*read)(void *db, enum sql_query_id query, const void *params, store_row_fn fn, void *ctx,
                struct err *err);
    const struct sql_step *steps; /* SQL_STEP_COUNT migrations of its dialect */
};

/* Write the rows of a batch one by one, inside a transaction of the caller's.
 * Shape:  as store_commit.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECONFLICT, TC_EFENCED: the caller rolls back; else what run returned. */
int database_write(const struct database *database, const struct store_batch *batch,
                   struct store_conflicts *ret_conflicts, struct err *err);

/* Claim a lease and read the token, inside a transaction of the caller's.
 * Shape:  as store_take_lease.
 * Units:  Unix ms in claim.
 * Owns:   nothing.
 * Errors: TC_EFENCED, the caller rolls back; else what run and read returned. */
int database_claim(const struct database *database, const struct store_claim *claim,
                   uint64_t *ret_token, struct err *err);

#endif
