#ifndef PROTO_MESSAGES_PARTS_H
#define PROTO_MESSAGES_PARTS_H

#include <stddef.h>
#include <stdint.h>

struct json_value;

/* Bounds and parts that messages share; include proto/messages.h. */

enum {
    MESSAGE_PROTOCOL = 1, /* the number in hello */
    MESSAGE_HEARTBEAT_SECONDS = 15,
    MESSAGE_LEASE_SECONDS = 30,    /* of a delivery handed to a notifier */
    MESSAGE_ASSIGN_MONITORS = 512, /* of one assign message, also bounded by LIMIT_FRAME_BYTES */
    MESSAGE_SCHEDULES = 64,        /* of one monitor */
    MESSAGE_IDS = 4096,            /* of one list of ids */
    MESSAGE_CODE_BYTES = 64,       /* of short fixed words: reasons, codes, actions */
};

/* No instant: an optional time that is absent. */
#define MESSAGE_NEVER INT64_MIN

/* JSON carried as it is: decoding sets value; for encoding either value, or text with size. All
 * unset: absent. */
struct message_json {
    const struct json_value *value;
    const char *text;
    size_t size;
};

struct message_strings {
    const char *const *items;
    size_t count;
};

struct message_ids {
    const uint64_t *items;
    size_t count;
};

struct message_schedule {
    const char *schedule; /* five fields or "@every 30s" */
    const char *timezone; /* IANA name */
};

#endif
