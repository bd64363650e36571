#ifndef ROUTER_OUTBOX_OUTBOX_H
#define ROUTER_OUTBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/core/types.h"

/* The unfinished notifications, in memory, in the order in which they may be handed to sinks. The
 * rows of Notifications are the truth; this index is rebuilt from them at start and follows each
 * commit. Order holds per line: what one recipient is told of one monitor goes out one by one, and
 * a retry holds up only its own line (docs/spec.md 1.3). */
struct outbox;

enum {
    OUTBOX_CHANNEL_BYTES = 32,
};

struct outbox_item {
    uint64_t id; /* of the row; ascends within a line */
    uint64_t incident_id;
    uint32_t monitor_id;
    enum core_kind kind;
    uint32_t round; /* of its incident when it was decided (docs/spec.md 1.3) */
    bool is_collapsed;
    bool is_uncertain; /* some attempt may have been accepted without our knowing */
    int32_t attempts;  /* handed over so often */
    int64_t created_utc_ms;
    int64_t due_utc_ms;                /* not before */
    int64_t leased_until_utc_ms;       /* CORE_NEVER: not with a sink */
    char recipient[CORE_TARGET_BYTES]; /* "channel:target" */
};

/* Make and free an index; outbox_free(NULL) is fine and returns NULL.
 * Trivial. */
struct outbox *outbox_new(void);
struct outbox *outbox_free(struct outbox *outbox);

/* Add a notification behind the others of its line.
 * Shape:  item->id is new and higher than all of its line; recipient has a channel.
 * Units:  instants in Unix ms.
 * Owns:   copies.
 * Errors: none. */
void outbox_add(struct outbox *outbox, const struct outbox_item *item);

/* Look one up; the pointer holds until the item is removed. NULL when it is not there.
 * Trivial. */
const struct outbox_item *outbox_find(const struct outbox *outbox, uint64_t id);

/* Take a finished or cancelled notification out (an unknown id is fine); its line goes on.
 * Trivial. */
void outbox_remove(struct outbox *outbox, uint64_t id);

/* Note that an item went to a sink until an instant, when it counts as lost and may go again; or
 * that it is to be tried again from an instant on.
 * Shape:  id must be there.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: none. */
void outbox_lease(struct outbox *outbox, uint64_t id, int64_t until_utc_ms);
void outbox_postpone(struct outbox *outbox, uint64_t id, int64_t due_utc_ms);

/* Put an item back as it was before a batch that did not commit.
 * Shape:  before->id is there.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void outbox_restore(struct outbox *outbox, const struct outbox_item *before);

/* Hold everything for one recipient back until an instant (its service said: slow down).
 * Shape:  recipient "channel:target".
 * Units:  Unix ms.
 * Owns:   copies.
 * Errors: none. */
void outbox_pause(struct outbox *outbox, const char *recipient, int64_t until_utc_ms);

/* Move every instant with the clock, which was stepped: what waited so long still waits so long.
 * Shape:  no batch is at hand.
 * Units:  ms, backwards below 0.
 * Owns:   nothing.
 * Errors: none.
 * Source: SPEC 2.5 "Durations never come from the wall clock". */
void outbox_shift(struct outbox *outbox, int64_t step_ms);

/* The next notification of a channel that may be handed over now: the head of the line that has
 * waited longest. NULL when there is none. It stays first until leased, postponed or removed.
 * Trivial. */
const struct outbox_item *outbox_next(struct outbox *outbox, const char *channel,
                                      int64_t now_utc_ms);

/* The instant at which outbox_next of a channel has something; CORE_NEVER when its lines are empty.
 * Trivial. */
int64_t outbox_ready_utc_ms(const struct outbox *outbox, const char *channel);

/* Call fn for each unfinished notification of an incident, in order of id; fn must not change the
 * outbox.
 * Trivial. */
typedef void (*outbox_fn)(void *ctx, const struct outbox_item *item);
void outbox_each_of_incident(const struct outbox *outbox, uint64_t incident_id, outbox_fn fn,
                             void *ctx);

/* How many are unfinished in all, and in one channel.
 * Trivial. */
size_t outbox_count(const struct outbox *outbox);
size_t outbox_count_of_channel(const struct outbox *outbox, const char *channel);

/* The channel of "channel:target", and where the target begins.
 * Shape:  ret_channel has OUTBOX_CHANNEL_BYTES; NULL when there is no channel or it is too long.
 * Units:  none.
 * Owns:   the result points into recipient.
 * Errors: none. */
const char *outbox_split(const char *recipient, char *ret_channel);

#endif
