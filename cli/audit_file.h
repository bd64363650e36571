#ifndef CLI_AUDIT_FILE_H
#define CLI_AUDIT_FILE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/digest.h"
#include "router/audit/audit.h"

struct buf;
struct store;
struct store_audit;
struct store_checkpoint;

/* The exported audit, JSON lines: one object a record, then one a checkpoint.
 *
 *     {"seq":"1","format":1,"hash":"hex","bytes":"the record's bytes as one string"}
 *     {"checkpoint":"1000","at":"2026-…Z","hash":"hex","signature":"hex"}
 *
 * And the walk that verifies a chain from its first record, from such a file or from the database. */

/* Append one line. Trivial. */
void audit_file_record(const struct store_audit *row, struct buf *out);
void audit_file_checkpoint(const struct store_checkpoint *row, struct buf *out);

struct audit_head;

struct audit_walk {
    struct audit_check check;
    struct digest_key *key;   /* owned; NULL: signatures are not checked */
    struct audit_head *heads; /* owned: of every record that a checkpoint may name */
    uint64_t head_count;
    uint64_t head_cap;
    uint64_t checkpoints; /* found good */
    struct err *err;      /* borrowed while walking */
};

/* Begin and release. Trivial. */
void audit_walk_start(struct audit_walk *walk);
void audit_walk_end(struct audit_walk *walk);

/* Verify everything.
 * Shape:  walk just started; path of an export, or an open store.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECORRUPT with the first bad record or checkpoint; TC_EPARSE a line that is no JSON of that
 *         form, with its number; TC_EVERSION; as file and store reading. */
int audit_walk_file(struct audit_walk *walk, const char *path, struct err *err);
int audit_walk_store(struct audit_walk *walk, struct store *store, struct err *err);

#endif
