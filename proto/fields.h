#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

/* How the members of each message are spelled, bounded and laid out: the one table behind encoder,
 * decoder and JSON Schema. */
enum field_type {
    FIELD_STRING,  /* const char *: min..max bytes; optional: NULL */
    FIELD_INTEGER, /* int64_t: min..max; optional: 0 */
    FIELD_U64,     /* uint64_t: decimal text */
    FIELD_BOOLEAN, /* bool; optional: false */
    FIELD_TIME,    /* int64_t, Unix ms; optional: MESSAGE_NEVER */
    FIELD_CHOICE,  /* an enum: the index of one of the words */
    FIELD_JSON,    /* struct message_json: any value */
    FIELD_MAP,     /* struct message_json: an object */
    FIELD_TEXTS,   /* struct message_json: an object of at most max strings */
    FIELD_NUMBERS, /* struct message_json: an object of at most max numbers */
    FIELD_LIST,    /* struct message_json: an array */
    FIELD_STRINGS, /* struct message_strings: at most max, of LIMIT_NAME_BYTES */
    FIELD_IDS,     /* struct message_ids: at most max numbers of 32 bits; optional: none */
    FIELD_U64S,    /* struct message_ids: at most max decimal texts; optional: none */
    FIELD_OBJECT,  /* a struct, by shape; optional: the bool at extra says whether it is there */
    FIELD_OBJECTS, /* pointer to structs, by shape, with the size_t count at extra: at most max */
};

struct field {
    const char *name; /* NULL ends a table */
    enum field_type type;
    bool is_required;
    size_t offset;
    size_t extra;
    int64_t min;
    int64_t max;
    const char *const *choices; /* NULL-terminated */
    const struct shape *shape;
};

struct shape {
    size_t size;
    const struct field *fields;
};

/* One kind of message. */
struct fields_kind {
    const char *type; /* frame 1, "result/1" */
    enum message_role role;
    bool is_to_router;
    bool has_seq; /* frame 2 is not "0" */
    bool has_monitor;
    struct shape shape;
};

enum {
    FIELDS_DEPTH = 4, /* of objects in a body */
};

/* What there is to know of a kind. Trivial. */
const struct fields_kind *fields_of(enum message_kind kind);

#endif
