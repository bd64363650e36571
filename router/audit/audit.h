#ifndef ROUTER_AUDIT_AUDIT_H
#define ROUTER_AUDIT_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/digest.h"

struct buf;

/* The audit: one record for each thing that happened or was withheld, in a chain of SHA-256 hashes.
 * A record's bytes are canonical JSON (RFC 8785) and are stored as they were hashed:
 *
 *     hash = SHA-256(hash of the record before || bytes)     the first one follows 32 zero bytes
 *
 * Addresses and people's names stand in the bytes as keyed hashes only; a side table gives them
 * back and can be erased without breaking the chain (docs/spec.md section 4). */
enum {
    AUDIT_FORMAT = 1,
    AUDIT_NAME_BYTES = 32 + 1, /* "n:" and 30 hexadecimal digits, and NUL */
};

/* Where the chain stands; a plain value: copy it before a batch, put it back when the batch fails. */
struct audit_chain {
    uint64_t sequence; /* of the last record; 0: none yet */
    uint8_t head[DIGEST_BYTES];
    uint8_t name_key[DIGEST_BYTES]; /* keyed hashes of names; secret */
};

/* What one record tells; what is NULL or 0 is left out. */
struct audit_entry {
    const char *kind; /* "result", "transition", "notification", "command", ... (docs/schema.md) */
    int64_t at_utc_ms;
    const char *reason; /* a reason's short fixed name */
    uint32_t monitor_id;
    uint64_t incident_id;
    uint64_t notification_id;
    const char *from; /* states */
    const char *to;
    const char *type;      /* of a notification, or a command's action */
    const char *actor;     /* a person: stands there as a keyed hash */
    const char *via;       /* how the actor came in: "token", "session", "link" */
    const char *recipient; /* "channel:target": the target stands there as a keyed hash */
    const char *runner;
    uint64_t spool_rank;
    uint64_t number;     /* a result's number, a count */
    const char *message; /* stands there as its SHA-256 */
    const char *digest;  /* hexadecimal */
    const char *before;  /* JSON */
    const char *after;   /* JSON */
    const char *notes;   /* JSON array of {reason, recipient}: done and withheld for whom */
    const char *detail;  /* a sentence without names, addresses and secrets */
};

/* The record after chain->sequence: write its bytes and move the chain on.
 * Shape:  entry->kind not NULL; before, after and notes are valid JSON without names or addresses; bytes is
 *         emptied first and then holds the record.
 * Units:  at_utc_ms Unix ms.
 * Owns:   nothing retained.
 * Errors: TC_ERANGE over LIMIT_AUDIT_RECORD_BYTES, TC_EPARSE before, after or notes is not JSON; the chain
 *         stays where it was. */
int audit_append(struct audit_chain *chain, const struct audit_entry *entry, struct buf *bytes,
                 struct err *err);

/* The keyed hash of a name or address, as it stands in records.
 * Shape:  ret_text has AUDIT_NAME_BYTES.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void audit_name(const struct audit_chain *chain, const char *name, char *ret_text);

/* --- Verifying ------------------------------------------------------------------------------- */

/* A record as stored or exported. */
struct audit_record {
    uint64_t sequence;
    int format;
    const char *bytes; /* borrowed, need not be NUL-terminated */
    size_t size;
    const uint8_t *hash; /* borrowed, DIGEST_BYTES */
};

/* A running verification: start, then every record in order, then the end. */
struct audit_check {
    uint64_t sequence; /* of the last good record */
    uint8_t head[DIGEST_BYTES];
};

/* Begin at the start of the chain, or behind a known head.
 * Shape:  head NULL: the start, sequence 0.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void audit_check_start(struct audit_check *check, uint64_t sequence, const uint8_t *head);

/* The next record: its number follows, its hash is right, its bytes are canonical and say the same
 * number.
 * Shape:  any bytes.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECORRUPT with the first bad sequence and what is wrong with it; TC_EVERSION an unknown
 *         format. */
int audit_check_record(struct audit_check *check, const struct audit_record *record,
                       struct err *err);

/* A head known from elsewhere (a checkpoint, an export) must be the hash of its record: call it when the
 * check stands at that sequence, or has ended.
 * Shape:  hash has DIGEST_BYTES.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECORRUPT another head, or the chain ends before it. */
int audit_check_head(const struct audit_check *check, uint64_t sequence, const uint8_t *hash,
                     struct err *err);

/* The bytes that a checkpoint signs: "tocsin-audit-1 <sequence> <head in hex> <time>".
 * Shape:  ret_hash has DIGEST_BYTES: their SHA-256.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: none. */
void audit_checkpoint_hash(uint64_t sequence, const uint8_t *head, int64_t at_utc_ms,
                           uint8_t *ret_hash);

#endif
