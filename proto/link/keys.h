#ifndef PROTO_LINK_KEYS_H
#define PROTO_LINK_KEYS_H

#include <stdbool.h>

#include "lib/base/err.h"

enum {
    LINK_KEY_TEXT = 41, /* 40 characters of z85 and a NUL */
};

/* Files of keys.dir, made by `tocsin init` (proto/PROTOCOL.md "Keys"). A pair is link_key_write's; a
 * notifier's pair is "notifier-CHANNEL.key". */
#define LINK_FILE_ROUTER     "router.key"
#define LINK_FILE_ROUTER_PUB "router.pub" /* what peers know of it: its "public <z85>" line */
#define LINK_FILE_ALLOW      "allow"      /* the router's list of peers */
#define LINK_FILE_RUNNER     "runner.key"
#define LINK_FILE_NOTIFIER   "notifier-%s.key"
#define LINK_FILE_WEB        "web.key"
#define LINK_FILE_LINK       "link.key"  /* HMAC key of links to acknowledge, hexadecimal */
#define LINK_FILE_NAMES      "names.key" /* HMAC key of names in the audit, 32 bytes hexadecimal */
#define LINK_FILE_AUDIT      "audit.pem" /* signs checkpoints of the audit */
#define LINK_FILE_AUDIT_PUB  "audit.pub.pem"

/* A CURVE key pair. Wipe with link_key_wipe when done. */
struct link_key {
    char public_z85[LINK_KEY_TEXT];
    char secret_z85[LINK_KEY_TEXT];
};

/* Make a new pair.
 * Shape:  ret_key is overwritten.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EIO when the system has no CURVE.
 * Source: RFC 26/CurveZMQ; RFC 32/Z85. */
int link_key_make(struct link_key *ret_key, struct err *err);

/* Write a pair to a new file of mode 0600: "public <z85>" and "secret <z85>" lines.
 * Shape:  never over an existing file.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EEXIST, and as file_create.
 * Source: proto/PROTOCOL.md "Keys". */
int link_key_write(const char *path, const struct link_key *key, struct err *err);

/* Read a pair; the public half must belong to the secret one.
 * Shape:  lines as above, "#" begins a comment line.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as file_read_secret; TC_ECONFIG malformed.
 * Source: proto/PROTOCOL.md "Keys". */
int link_key_read(const char *path, struct link_key *ret_key, struct err *err);

/* Write and read the public half alone, a file with its "public <z85>" line.
 * Shape:  never over an existing file; mode 0644; ret_z85 has LINK_KEY_TEXT bytes.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as file_create and file_read; TC_ECONFIG malformed.
 * Source: proto/PROTOCOL.md "Keys". */
int link_key_write_public(const char *path, const struct link_key *key, struct err *err);
int link_key_read_public(const char *path, char *ret_z85, struct err *err);

/* Whether text is one z85 key. Trivial. */
bool link_key_is_valid(const char *z85);

/* Forget a pair. Trivial. */
void link_key_wipe(struct link_key *key);

#endif
