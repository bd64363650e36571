#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "proto/messages.h"

struct buf;
struct json;

/* Messages between structs and frames. A message is LIMIT_FRAMES frames: type, sequence, monitor,
 * body; one table (proto/fields.h) drives encoding, decoding and the JSON Schema. */

enum {
    FRAME_TYPE,
    FRAME_SEQUENCE,
    FRAME_MONITOR,
    FRAME_BODY,
    FRAMES_HEAD_BYTES = 48, /* of each frame before the body, with a NUL */
};

struct frame {
    const void *bytes; /* borrowed */
    size_t size;
};

/* A message ready to be sent: part points into head and at the body. Don't copy the struct. */
struct frames {
    struct frame part[LIMIT_FRAMES];
    char head[LIMIT_FRAMES - 1][FRAMES_HEAD_BYTES];
};

/* A decoded message. */
struct message {
    enum message_kind kind;
    uint64_t seq;     /* 0 where unused */
    uint64_t prev;    /* of a result */
    uint32_t monitor; /* 0: none */
    union message_body body;
    struct json *json; /* owned: the strings of body lie in it */
    void *blocks;      /* owned: the arrays of body */
};

/* The word of frame 1 ("result/1"), which role it belongs to, and whether the router receives it.
 * Trivial. */
const char *message_type(enum message_kind kind);
enum message_role message_role(enum message_kind kind);
bool message_is_to_router(enum message_kind kind);
const char *message_role_name(enum message_role role);

/* Write a body.
 * Shape:  body is the kind's struct of messages.h; appends one JSON object to out.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_ERANGE when out is full or the body is over LIMIT_FRAME_BYTES.
 * Source: proto/PROTOCOL.md "Messages". */
int message_encode(enum message_kind kind, const void *body, struct buf *out, struct err *err);

/* Lay out the frames of a message around an encoded body.
 * Shape:  prev is used for results only; monitor 0 leaves its frame empty.
 * Units:  bytes.
 * Owns:   ret_frames borrows json.
 * Errors: none.
 * Source: proto/PROTOCOL.md "Frames". */
void frames_set(struct frames *ret_frames, enum message_kind kind, uint64_t seq, uint64_t prev,
                uint32_t monitor, const struct buf *json);

/* Read a message that came from, or (is_to_router false) goes to, a peer of a role.
 * Shape:  LIMIT_FRAMES frames; ret_message is overwritten, on failure left safe to free.
 * Units:  none.
 * Owns:   copies; the caller frees with message_free.
 * Errors: TC_ENOENT unknown type for this role, TC_EVERSION known type of another version, TC_EPROTO
 *         anything else that breaks PROTOCOL.md.
 * Source: proto/PROTOCOL.md "Frames" and "Messages". */
int message_decode(enum message_role role, bool is_to_router, const struct frame *frames,
                   struct message *ret_message, struct err *err);

/* Release what a decoded message owns; it may not be used afterwards. Trivial. */
void message_free(struct message *message);
void message_freep(struct message *message);

#endif
