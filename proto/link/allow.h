#ifndef PROTO_LINK_ALLOW_H
#define PROTO_LINK_ALLOW_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "proto/link/keys.h"
#include "proto/messages.h"

/* The allow-list: which key is whom. Private to proto/link. */
struct allow_entry {
    char key[LINK_KEY_TEXT];
    char name[LIMIT_NAME_BYTES + 1];
    enum message_role role;
};

struct allow {
    struct allow_entry *entries; /* owned, sorted by key */
    size_t count;
};

/* Read a list from its text: "role name z85key" lines, blank ones and "#" comments.
 * Shape:  ret_allow is overwritten on success only.
 * Units:  none.
 * Owns:   the caller frees with allow_free.
 * Errors: TC_ECONFIG with the line.
 * Source: proto/PROTOCOL.md "Keys". */
int allow_parse(const char *text, struct allow *ret_allow, struct err *err);

/* Whose key it is; NULL for a stranger's. Trivial. */
const struct allow_entry *allow_find(const struct allow *allow, const char *key);

/* Release the entries. Trivial. */
void allow_free(struct allow *allow);

#endif
