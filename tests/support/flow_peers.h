#ifndef TESTS_SUPPORT_FLOW_PEERS_H
#define TESTS_SUPPORT_FLOW_PEERS_H

#include "lib/base/cleanup.h"
#include "tests/support/flow_world.h"

/* The peers of a world (tests/support/flow_world.h): what they tell the router, and what its rows say
 * afterwards. */

/* Hand a body to the flow as a message of a peer. Trivial. */
static inline void peers_say(struct world *w, enum message_kind kind, uint32_t connection,
                             const char *name, const void *body, uint64_t seq, uint64_t prev,
                             uint32_t monitor)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    assert_int_equal(message_encode(kind, body, &text, NULL), TC_OK);
    struct frames frames;
    frames_set(&frames, kind, seq, prev, monitor, &text);
    flow_message(w->flow, message_role(kind), connection, name, frames.part);
}

/* A runner says hello: process and spool as numbers, the newest result in its spool. Trivial. */
static inline void peers_hello(struct world *w, uint32_t connection, const char *name,
                               uint64_t boot_id, uint64_t spool_id, uint64_t last)
{
    static const char *const checks[] = {"*"};
    struct message_runner_hello hello = {.protocol = MESSAGE_PROTOCOL,
                                         .version = "1",
                                         .boot_id = boot_id,
                                         .spool_id = spool_id,
                                         .first = last == 0 ? 0 : 1,
                                         .last = last,
                                         .checks = {.items = checks, .count = 1},
                                         .concurrency = 1};
    peers_say(w, MESSAGE_RUNNER_HELLO, connection, name, &hello, 0, 0, 0);
}

static inline void peers_beat(struct world *w, uint32_t connection, const char *name,
                              int64_t spool_count, uint64_t dropped)
{
    struct message_runner_heartbeat beat = {
        .spool_count = spool_count, .dropped = dropped, .now_utc_ms = w->utc_ms};
    peers_say(w, MESSAGE_RUNNER_HEARTBEAT, connection, name, &beat, 0, 0, 0);
}

/* Result number seq of host7, of its assignment with a generation; scheduled and run at an instant.
 * Trivial. */
static inline void peers_result(struct world *w, uint64_t seq, uint32_t monitor,
                                uint64_t generation, bool is_ok, int64_t at_utc_ms)
{
    struct message_result result = {.generation = generation,
                                    .scheduled_at_utc_ms = at_utc_ms,
                                    .started_at_utc_ms = at_utc_ms,
                                    .is_ok = is_ok,
                                    .reason = is_ok ? "ok" : "failed",
                                    .message = is_ok ? "fine" : "no purchase order"};
    peers_say(w, MESSAGE_RESULT, WORLD_RUNNER, "host7", &result, seq, seq - 1, monitor);
}

/* The notifier of a channel says hello, and what became of a delivery. Trivial. */
static inline void peers_sink(struct world *w, const char *channel, int64_t credit)
{
    struct message_notifier_hello hello = {
        .protocol = MESSAGE_PROTOCOL, .version = "1", .channel = channel, .credit = credit};
    peers_say(w, MESSAGE_NOTIFIER_HELLO, WORLD_SINK, channel, &hello, 0, 0, 0);
}

static inline void peers_outcome(struct world *w, const char *channel, uint64_t delivery,
                                 enum message_outcome_class class)
{
    struct message_outcome outcome = {
        .class = class, .code = 250, .reason = "said", .remote = "remote"};
    peers_say(w, MESSAGE_OUTCOME, WORLD_SINK, channel, &outcome, delivery, 0, 0);
}

/* Somebody asks for something; parameters as JSON. Trivial. */
static inline void peers_command(struct world *w, const char *action, const char *parameters)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "request-%llu", (unsigned long long)++w->requests); /* fits */
    struct message_command command = {
        .request_id = id,
        .actor = {.name = "ann", .via = "session"},
        .action = action,
        .parameters = {.text = parameters, .size = strlen(parameters)}};
    peers_say(w, MESSAGE_COMMAND, WORLD_WEB, "web", &command, w->requests, 0, 0);
}

/* --- What they were told --------------------------------------------------------------------- */

/* The newest message of a type, or NULL. Trivial. */
static inline const struct world_sent *world_last(const struct world *w, const char *type)
{
    for (size_t i = w->sent_count; i > 0; i--) {
        if (str_eq(w->sent[i - 1].type, type)) {
            return &w->sent[i - 1];
        }
    }
    return NULL;
}

static inline size_t world_count_sent(const struct world *w, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < w->sent_count; i++) {
        count += str_eq(w->sent[i].type, type) ? 1 : 0;
    }
    return count;
}

/* --- What the rows say ----------------------------------------------------------------------- */

struct peers_row {
    int found;
    struct store_monitor monitor; /* its texts are gone */
    char name[LIMIT_NAME_BYTES + 1];
    char message[1000];
};

static inline int peers_take_monitor(void *ctx, const void *row)
{
    struct peers_row *found = ctx;
    found->found++;
    found->monitor = *(const struct store_monitor *)row;
    (void)snprintf(found->name, sizeof(found->name), "%s", found->monitor.name); /* cut is fine */
    (void)snprintf(found->message, sizeof(found->message), "%s",
                   found->monitor.last_result_message == NULL
                       ? ""
                       : found->monitor.last_result_message); /* cut is fine */
    return TC_OK;
}

/* The row of a monitor by its id (name NULL) or name; found 0: none. Trivial. */
static inline struct peers_row peers_monitor(struct world *w, uint32_t id, const char *name)
{
    struct peers_row row = {.found = 0};
    struct store_filter filter = {.id = id, .text = name};
    int code = store_read(w->store, name == NULL ? STORE_MONITOR : STORE_MONITORS_NAMED, &filter,
                          peers_take_monitor, &row, NULL);
    assert_int_equal(code, TC_OK);
    return row;
}

static inline int peers_count_row(void *ctx, const void *row)
{
    (void)row;
    (*(size_t *)ctx)++;
    return TC_OK;
}

/* How many rows a view gives for an id (0: any) and a text. Trivial. */
static inline size_t peers_count(struct world *w, enum store_view view, uint64_t id,
                                 const char *text)
{
    size_t count = 0;
    struct store_filter filter = {.id = id, .text = text};
    assert_int_equal(store_read(w->store, view, &filter, peers_count_row, &count, NULL), TC_OK);
    return count;
}

struct peers_search {
    const char *needle;
    size_t count;
};

static inline int peers_search_audit(void *ctx, const void *row)
{
    const struct store_audit *audit = row;
    struct peers_search *search = ctx;
    size_t size = strlen(search->needle);
    search->count +=
        memmem(audit->bytes.p, audit->bytes.size, search->needle, size) == NULL ? 0 : 1;
    return TC_OK;
}

/* How many audit records hold a text. Trivial. */
static inline size_t peers_audited(struct world *w, const char *needle)
{
    struct peers_search search = {.needle = needle};
    assert_int_equal(store_read(w->store, STORE_AUDIT, NULL, peers_search_audit, &search, NULL),
                     TC_OK);
    return search.count;
}

#endif
