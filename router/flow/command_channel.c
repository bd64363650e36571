/* Commands about notifications, channels and tokens. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "router/flow/answer.h"
#include "router/flow/batch.h"
#include "router/flow/command.h"

enum {
    PROBE_MS = 30 * 1000, /* real time to wait for a notifier's answer */
};

/* --- A dead letter once more ------------------------------------------------------------------ */

struct letter {
    struct store_notification row;
    char *recipient;
    char *body;
};

static int take_letter(void *ctx, const void *stored)
{
    const struct store_notification *from = stored;
    struct letter *letter = ctx;
    letter->row = *from;
    letter->recipient = mem_strdup(from->recipient);
    letter->body = mem_strdup(from->body);
    return TC_OK;
}

/* The stored message under a new key: another message to the service, for it refused the first. */
static char *body_with_key(const char *stored, const char *key, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    buf_add_str(&text, stored);
    struct frames frames;
    frames_set(&frames, MESSAGE_DELIVER, 1, 0, 1, &text);
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_DELIVER};
    if (message_decode(MESSAGE_NOTIFIER, false, frames.part, &message, err) != TC_OK) {
        return NULL;
    }
    message.body.deliver.key = key;
    struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    if (message_encode(MESSAGE_DELIVER, &message.body.deliver, &body, err) != TC_OK) {
        buf_free(&body);
        return NULL;
    }
    return buf_take(&body);
}

static int enqueue_again(struct flow_command *command, const struct letter *letter, uint64_t old_id)
{
    struct flow *flow = command->flow;
    struct outbox_item item = {.id = ++flow->ids.notification,
                               .incident_id = letter->row.incident_id,
                               .monitor_id = letter->row.monitor_id,
                               .kind = letter->row.kind,
                               .round = letter->row.round,
                               .is_collapsed = letter->row.is_collapsed,
                               .created_utc_ms = flow->batch.now_utc_ms,
                               .due_utc_ms = flow->batch.now_utc_ms,
                               .leased_until_utc_ms = CORE_NEVER};
    char channel[OUTBOX_CHANNEL_BYTES];
    char *key = mem_alloc(64);
    (void)snprintf(key, 64, "again-%" PRIu64 "-%" PRIu64, old_id, item.id); /* 48 at most */
    (void)flow_keep_text(flow, key);
    char *body = body_with_key(letter->body, key, &command->err);
    if (body == NULL || str_copy(item.recipient, sizeof(item.recipient), letter->recipient) != 0 ||
        outbox_split(item.recipient, channel) == NULL) {
        mem_free(body);
        return flow_command_refuse(command, 409, "its row can't be read any more");
    }
    struct flow_touched_delivery *touched = flow_add_delivery(flow, &item);
    touched->row = letter->row;
    touched->row.id = item.id;
    touched->row.key = key;
    touched->row.recipient = flow_keep_text(flow, mem_strdup(letter->recipient));
    touched->row.body = flow_keep_text(flow, body);
    touched->row.decided_utc_ms = flow->batch.now_utc_ms;
    touched->row.status = STORE_QUEUED;
    touched->row.attempt = 0;
    touched->row.next_utc_ms = item.due_utc_ms;
    touched->row.lease_utc_ms = CORE_NEVER;
    touched->row.finished_utc_ms = CORE_NEVER;
    touched->row.code = NULL;
    touched->row.reason = NULL;
    touched->row.remote = NULL;
    touched->row.provider_id = NULL;
    touched->row.problem = NULL;
    struct audit_entry entry = {.kind = "command",
                                .reason = "sent_again",
                                .monitor_id = item.monitor_id,
                                .incident_id = item.incident_id,
                                .notification_id = item.id,
                                .number = old_id,
                                .type = command->message->action,
                                .actor = command->message->actor.name,
                                .via = command->message->actor.via,
                                .recipient = item.recipient};
    flow_record(flow, &entry);
    json_enc_u64_text(&command->result, "notificationId", item.id);
    return TC_OK;
}

int flow_command_retry(struct flow_command *command)
{
    uint64_t id = json_u64_text(&command->params, "notificationId");
    if (json_end(&command->params) != TC_OK) {
        return TC_EINVAL;
    }
    struct letter letter = {.recipient = NULL};
    struct store_filter filter = {.id = id};
    int code = store_read(command->flow->options.store, STORE_NOTIFICATION, &filter, take_letter,
                          &letter, &command->err);
    TC_CLEANUP(mem_freep) char *recipient = letter.recipient;
    TC_CLEANUP(mem_freep) char *body = letter.body;
    (void)body; /* held to be freed only */
    if (code != TC_OK) {
        command->status = 503;
        return code;
    }
    if (recipient == NULL) {
        return flow_command_refuse(command, 404, "there is no notification %" PRIu64, id);
    }
    if (letter.row.status != STORE_DEAD) {
        return flow_command_refuse(command, 409,
                                   "notification %" PRIu64 " is not a dead letter: only those are "
                                   "sent again",
                                   id);
    }
    const struct flow_incident *incident =
        flow_find_incident(command->flow, letter.row.incident_id);
    if (letter.row.kind != CORE_KIND_RECOVERY && letter.row.kind != CORE_KIND_CLOSED &&
        (incident == NULL || incident->row.end != CORE_END_OPEN)) {
        return flow_command_refuse(
            command, 409,
            "the incident of notification %" PRIu64 " is over: nobody would be told its end", id);
    }
    return enqueue_again(command, &letter, id);
}

/* --- Trying a channel ------------------------------------------------------------------------- */

static int send_probe(struct flow *flow, const struct flow_sink *sink, uint64_t id,
                      const char *target)
{
    char key[48];
    (void)snprintf(key, sizeof(key), "test-%" PRIu64, id); /* 25 at most */
    int64_t now = flow->batch.now_utc_ms;
    struct message_deliver body = {
        .key = key,
        .attempt = 1,
        .kind = MESSAGE_DELIVER_TEST,
        .target = target,
        .monitor = {.name = "Test of the channel",
                    .uuid = "00000000-0000-4000-8000-000000000000",
                    .severity = MESSAGE_SEVERITY_INFO,
                    .labels = {.text = "{}", .size = 2},
                    .timezone = "UTC"},
        .incident = {.id = id, .opened_at_utc_ms = now, .ended_at_utc_ms = MESSAGE_NEVER},
        .result = {.message = "This is a test. Nothing is wrong.",
                   .scheduled_at_utc_ms = MESSAGE_NEVER,
                   .finished_at_utc_ms = now,
                   .runner = "router",
                   .reason = "test"},
        .decided_at_utc_ms = now,
        .created_at_utc_ms = now};
    struct flow_head head = {.kind = MESSAGE_PROBE, .seq = id};
    return flow_send_body(flow, MESSAGE_NOTIFIER, sink->connection, &head, &body);
}

int flow_command_test(struct flow_command *command)
{
    struct flow *flow = command->flow;
    const char *channel = json_str(&command->params, "channel", OUTBOX_CHANNEL_BYTES - 1);
    const char *target = json_str(&command->params, "target", LIMIT_RECIPIENT_BYTES);
    if (json_end(&command->params) != TC_OK) {
        return TC_EINVAL;
    }
    const struct flow_sink *sink = flow_find_sink(flow, channel);
    if (sink == NULL || sink->connection == 0 || sink->is_dead) {
        return flow_command_refuse(command, 409, "no notifier for channel %s is connected",
                                   channel);
    }
    struct flow_probe *probe = FLOW_LIST_ADD(flow->batch.probes);
    probe->id = ++flow->probe_count + FLOW_PROBE_FIRST;
    probe->connection = command->event->connection;
    probe->seq = command->event->message.seq;
    probe->due_mono_ms = clock_mono_us(flow->options.clock) / 1000 + PROBE_MS;
    probe->channel = mem_strdup(channel);
    probe->target = mem_strdup(target);
    TC_CLEANUP(buf_freep) struct buf recipient;
    buf_init(&recipient, CORE_TARGET_BYTES);
    buf_add_fmt(&recipient, "%s:%s", channel, target);
    struct audit_entry entry = {.kind = "command",
                                .reason = "channel_tested",
                                .type = command->message->action,
                                .actor = command->message->actor.name,
                                .via = command->message->actor.via,
                                .recipient = recipient.p};
    flow_record(flow, &entry);
    command->is_answered_later = true;
    return TC_OK;
}

static void reply_to_probe(struct flow *flow, const struct flow_probe *probe,
                           const struct message_reply *reply)
{
    struct flow_head head = {.kind = MESSAGE_REPLY, .seq = probe->seq};
    (void)flow_send_body(flow, MESSAGE_WEB, probe->connection, &head, reply); /* or it times out */
}

static void probe_clear(struct flow_probe *probe)
{
    mem_free(probe->channel);
    mem_free(probe->target);
    probe->channel = probe->target = NULL;
}

void flow_probes_send(struct flow *flow)
{
    for (size_t i = 0; i < flow->batch.probes.count; i++) {
        struct flow_probe *probe = &flow->batch.probes.items[i];
        const struct flow_sink *sink = flow_find_sink(flow, probe->channel);
        TC_ASSERT(sink != NULL); /* looked up when the command was applied */
        if (send_probe(flow, sink, probe->id, probe->target) == TC_OK) {
            probe_clear(probe);
            *FLOW_LIST_ADD(flow->probes) = *probe;
        } else {
            struct message_reply reply = {.status = 503,
                                          .has_problem = true,
                                          .problem = {.title = "not possible now",
                                                      .detail = "the notifier takes nothing now"}};
            reply_to_probe(flow, probe, &reply);
        }
    }
    flow_probes_forget(flow);
}

void flow_probes_forget(struct flow *flow)
{
    for (size_t i = 0; i < flow->batch.probes.count; i++) {
        probe_clear(&flow->batch.probes.items[i]);
    }
    flow->batch.probes.count = 0;
}

bool flow_probe_answered(struct flow *flow, uint64_t id, const struct message_outcome *outcome)
{
    for (size_t i = 0; i < flow->probes.count; i++) {
        struct flow_probe probe = flow->probes.items[i];
        if (probe.id != id) {
            continue;
        }
        flow->probes.items[i] = flow->probes.items[--flow->probes.count];
        TC_CLEANUP(buf_freep) struct buf result;
        buf_init(&result, LIMIT_FRAME_BYTES / 2);
        struct json_enc e;
        json_enc_start(&e, &result);
        json_enc_obj(&e, NULL);
        char code[24];
        (void)snprintf(code, sizeof(code), "%" PRId64, outcome->code); /* fits any int64_t */
        json_enc_str(&e, "code", code);
        json_enc_str(&e, "remote", outcome->remote);
        json_enc_obj_end(&e);
        bool is_ok = outcome->class == MESSAGE_OUTCOME_OK;
        struct message_reply reply = {
            .is_ok = is_ok,
            .status = is_ok ? 200 : 502,
            .result = {.text = result.p, .size = result.len},
            .has_problem = !is_ok,
            .problem = {.title = "the channel did not take it", .detail = outcome->reason}};
        reply_to_probe(flow, &probe, &reply);
        return true;
    }
    return id > FLOW_PROBE_FIRST;
}

void flow_probes_expire(struct flow *flow)
{
    int64_t mono_ms = clock_mono_us(flow->options.clock) / 1000;
    for (size_t i = 0; i < flow->probes.count;) {
        struct flow_probe probe = flow->probes.items[i];
        if (mono_ms < probe.due_mono_ms) {
            i++;
            continue;
        }
        flow->probes.items[i] = flow->probes.items[--flow->probes.count];
        struct message_reply reply = {
            .status = 504,
            .has_problem = true,
            .problem = {.title = "no answer", .detail = "the notifier did not answer in time"}};
        reply_to_probe(flow, &probe, &reply);
    }
}

/* --- Tokens ---------------------------------------------------------------------------------- */

static void record_token(struct flow_command *command, const char *reason, uint64_t id)
{
    struct audit_entry entry = {.kind = "command",
                                .reason = reason,
                                .number = id,
                                .type = command->message->action,
                                .actor = command->message->actor.name,
                                .via = command->message->actor.via};
    flow_record(command->flow, &entry);
}

/* A token by its hash or (hash NULL) by its id. */
struct token {
    uint32_t id;
    const char *hash; /* hexadecimal */
    bool is_found;
};

static int find_token(void *ctx, const void *row)
{
    const struct store_token *stored = row;
    struct token *token = ctx;
    char hash[2 * DIGEST_BYTES + 1] = "";
    if (stored->hash.size == DIGEST_BYTES) {
        hex_encode(stored->hash.p, DIGEST_BYTES, hash);
    }
    bool is_it = token->hash == NULL ? stored->id == token->id : str_eq(hash, token->hash);
    token->is_found = token->is_found || is_it;
    return TC_OK;
}

/* Whether there is a token, stored or added by the batch at hand. */
static int look_for_token(struct flow_command *command, struct token *token)
{
    const struct flow *flow = command->flow;
    const struct store_rows *added = &flow->batch.rows.rows[STORE_TOKEN_ADD];
    for (size_t i = 0; i < added->count; i++) {
        (void)find_token(token, (const struct store_token *)added->p + i); /* always TC_OK */
    }
    int code =
        store_read(flow->options.store, STORE_TOKENS, NULL, find_token, token, &command->err);
    command->status = code == TC_OK ? command->status : 503;
    return code;
}

static bool is_role(const char *role)
{
    return str_eq(role, "viewer") || str_eq(role, "operator") || str_eq(role, "admin");
}

int flow_command_token_add(struct flow_command *command)
{
    struct flow *flow = command->flow;
    const char *name = json_str(&command->params, "name", LIMIT_NAME_BYTES);
    const char *role = json_str(&command->params, "role", LIMIT_NAME_BYTES);
    const char *hash_text = json_str(&command->params, "hash", 2 * (size_t)DIGEST_BYTES);
    int64_t expires = json_time_opt(&command->params, "expiresDt", CORE_NEVER);
    uint8_t hash[DIGEST_BYTES];
    if (json_end(&command->params) != TC_OK) {
        return TC_EINVAL;
    }
    if (hex_decode(hash_text, sizeof(hash), hash) != TC_OK) {
        return flow_command_refuse(command, 400,
                                   "parameters.hash must be a SHA-256 in hexadecimal");
    }
    if (!is_role(role)) {
        return flow_command_refuse(command, 400,
                                   "parameters.role must be viewer, operator or admin");
    }
    char canonical[2 * DIGEST_BYTES + 1];
    hex_encode(hash, sizeof(hash), canonical);
    struct token same = {.hash = canonical};
    int code = look_for_token(command, &same);
    if (code != TC_OK) {
        return code;
    }
    if (same.is_found) {
        return flow_command_refuse(command, 409, "there is this token already: make another one");
    }
    struct store_token row = {.id = (uint32_t)++flow->ids.token,
                              .name = name,
                              .hash = {.p = hash, .size = sizeof(hash)},
                              .role = role,
                              .created_utc_ms = flow->batch.now_utc_ms,
                              .expires_utc_ms = expires};
    store_batch_token_add(&flow->batch.rows, &row);
    record_token(command, "token_added", row.id);
    json_enc_i64(&command->result, "tokenId", row.id);
    return TC_OK;
}

int flow_command_token_remove(struct flow_command *command)
{
    int64_t id = json_i64(&command->params, "tokenId", 1, UINT32_MAX);
    if (json_end(&command->params) != TC_OK) {
        return TC_EINVAL;
    }
    struct token token = {.id = (uint32_t)id};
    int code = look_for_token(command, &token);
    if (code != TC_OK) {
        return code;
    }
    const struct store_rows *removed = &command->flow->batch.rows.rows[STORE_TOKEN_REMOVE];
    for (size_t i = 0; i < removed->count; i++) {
        if (((const struct store_key *)removed->p)[i].id == token.id) {
            token.is_found = false;
        }
    }
    if (!token.is_found) {
        return flow_command_refuse(command, 404, "there is no token %u", token.id);
    }
    struct store_key key = {.id = token.id};
    store_batch_token_remove(&command->flow->batch.rows, &key);
    record_token(command, "token_removed", (uint64_t)id);
    json_enc_i64(&command->result, "tokenId", id);
    return TC_OK;
}
