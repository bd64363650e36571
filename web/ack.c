/* Links to acknowledge (docs/spec.md 5.3). GET looks and shows, so that mail filters which open links do
 * nothing; POST asks the router to acknowledge as the link's recipient. What the link may do is judged
 * here by what can be read, and once more by the router, which alone can't be overtaken. The key is read
 * at each use: a key that was taken away is worth nothing at once. */
#include "web/ack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/digest.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "proto/messages.h"
#include "router/store/told.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/http_server.h"
#include "web/router_client.h"

enum {
    ROUTER_MS = 10 * 1000,
    REQUEST_ID_HASH = 24, /* bytes of the token's hash: more than anybody can search */
    REQUEST_ID_BYTES = 5 + 2 * REQUEST_ID_HASH + 1,
    COMMAND_BYTES = 8 * LIMIT_NOTE_BYTES,
};

/* --- What stands behind a link ------------------------------------------------------------------ */

static void ack_clear(struct ack *ack)
{
    mem_free(ack->name);
    mem_free(ack->message);
    mem_free(ack->acknowledged_by);
    mem_free(ack->note);
    mem_free(ack->problem);
    *ack = (struct ack){.state = ACK_STATE_FAILED};
}

struct reading {
    struct ack *ack;
    const struct acklink_keys *keys;
    int64_t now_utc_ms;
    size_t rows;
};

static int on_incident(void *ctx, const void *row)
{
    struct reading *reading = ctx;
    struct ack *ack = reading->ack;
    const struct store_incident *stored = row;
    TC_CLEANUP(mem_freep) struct core_incident *incident = mem_alloc(sizeof *incident);
    int status = store_incident_read(stored, incident, NULL);
    if (status != TC_OK) {
        return status;
    }
    /* All are tried: the time it takes does not tell who was told. */
    for (size_t i = 0; i < incident->told_count; i++) {
        if (acklink_is_signed(&ack->link, reading->keys, incident->told[i].target)) {
            memcpy(ack->recipient, incident->told[i].target, sizeof ack->recipient);
        }
    }
    ack->monitor_id = stored->monitor_id;
    ack->name = mem_strdup(stored->monitor_name == NULL ? "" : stored->monitor_name);
    ack->message = mem_strdup(stored->message);
    ack->end = stored->end;
    ack->opened_utc_ms = stored->opened_utc_ms;
    ack->closed_utc_ms = stored->closed_utc_ms;
    return TC_OK;
}

static int on_monitor(void *ctx, const void *row)
{
    struct reading *reading = ctx;
    struct ack *ack = reading->ack;
    const struct store_monitor *monitor = row;
    int64_t expires = monitor->core.ack_expires_utc_ms;
    bool is_over = expires != CORE_NEVER && expires <= reading->now_utc_ms;
    reading->rows++;
    mem_free(ack->name);
    ack->name = mem_strdup(monitor->name);
    ack->acknowledged_utc_ms = is_over ? CORE_NEVER : monitor->core.acknowledged_utc_ms;
    ack->ack_expires_utc_ms = expires;
    ack->acknowledged_by = mem_strdup(monitor->acknowledged_by);
    ack->note = mem_strdup(monitor->ack_note);
    return TC_OK;
}

static int on_command(void *ctx, const void *row)
{
    struct reading *reading = ctx;
    (void)row;
    reading->rows++;
    return TC_OK;
}

/* The same for every use of a link, so that it acknowledges once; a hash, because requestId is stored. */
static void request_id_of(const struct call *call, char *ret_id)
{
    const char *token = call->path.segments[1];
    uint8_t hash[DIGEST_BYTES];
    char digits[2 * REQUEST_ID_HASH + 1];
    digest_sha256(token, strlen(token), hash);
    hex_encode(hash, REQUEST_ID_HASH, digits);
    (void)snprintf(ret_id, REQUEST_ID_BYTES, "link-%s", digits); /* fits by size */
}

/* From a link that is ours to what it may still do. */
static int read_open(struct call *call, struct store *store, struct reading *reading)
{
    char request_id[REQUEST_ID_BYTES];
    struct ack *ack = reading->ack;
    struct store_filter filter = {.id = ack->monitor_id};
    int status = store_read(store, STORE_MONITOR, &filter, on_monitor, reading, NULL);
    if (status != TC_OK) {
        return status;
    }
    if (reading->rows == 0) {
        ack->state = ACK_STATE_OVER; /* its monitor was removed a moment ago */
        return TC_OK;
    }
    if (ack->acknowledged_utc_ms != CORE_NEVER) {
        ack->state = ACK_STATE_TAKEN;
        return TC_OK;
    }
    reading->rows = 0;
    request_id_of(call, request_id);
    filter = (struct store_filter){.text = request_id};
    status = store_read(store, STORE_COMMAND, &filter, on_command, reading, NULL);
    ack->state = reading->rows > 0 ? ACK_STATE_USED : ACK_STATE_OPEN;
    return status;
}

static int read_state(struct call *call, struct store *store, const struct acklink_keys *keys,
                      struct ack *ack)
{
    struct reading reading = {
        .ack = ack, .keys = keys, .now_utc_ms = loop_now_utc_ms(call->web->loop)};
    struct store_filter filter = {.id = ack->link.incident_id};
    int status = store_read(store, STORE_INCIDENT, &filter, on_incident, &reading, NULL);
    if (status != TC_OK) {
        return status;
    }
    if (ack->recipient[0] == '\0') {
        ack->state = ACK_STATE_FORGED; /* also an incident that does not exist: they look alike */
        return TC_OK;
    }
    if (ack->link.expires_utc_ms <= reading.now_utc_ms) {
        ack->state = ACK_STATE_EXPIRED;
        return TC_OK;
    }
    if (ack->end != CORE_END_OPEN) {
        ack->state = ACK_STATE_OVER;
        return TC_OK;
    }
    return read_open(call, store, &reading);
}

static void judge(struct call *call, struct ack *ack)
{
    const struct config *config = call->web->config;
    struct err err = ERR_INIT;
    struct acklink_keys keys = {0};
    *ack = (struct ack){.state = ACK_STATE_FAILED};
    if (acklink_keys_load(config->keys.link, config->dir, &keys, &err) != TC_OK) {
        log_error("web.ack", "keys.link can't be read; cause=%s", err.text);
        ack->problem = mem_strdup("tocsin can't read its key; nothing was done. Sign in instead.");
        return;
    }
    if (keys.count == 0) {
        ack->state = ACK_STATE_OFF;
    } else if (acklink_parse(call->path.segments[1], &ack->link) != TC_OK ||
               ack->link.incident_id > INT64_MAX) {
        ack->state = ACK_STATE_FORGED;
    } else {
        struct store *store = web_store(call->web);
        if (store == NULL || read_state(call, store, &keys, ack) != TC_OK) {
            ack_clear(ack);
            ack->problem =
                mem_strdup("The database can't be read; nothing was done. Try again in a moment.");
        }
    }
    acklink_keys_wipe(&keys);
}

/* --- Answers ------------------------------------------------------------------------------------ */

static void count(struct call *call, const struct ack *ack, bool is_done)
{
    static const enum ack_count counts[] = {
        [ACK_STATE_OFF] = ACK_LATE,     [ACK_STATE_FORGED] = ACK_FORGED,
        [ACK_STATE_EXPIRED] = ACK_LATE, [ACK_STATE_OVER] = ACK_LATE,
        [ACK_STATE_TAKEN] = ACK_LATE,   [ACK_STATE_USED] = ACK_LATE,
        [ACK_STATE_OPEN] = ACK_SHOWN,   [ACK_STATE_FAILED] = ACK_FAILED,
    };
    call->web->ack_counts[is_done ? ACK_DONE : counts[ack->state]]++;
}

/* Once a call; clears ack. */
static void answer(struct call *call, struct ack *ack, bool is_done)
{
    count(call, ack, is_done);
    call->is_secret = true;
    ack_page_write(ack, &call->out);
    call_send(call, ack_page_status(ack->state), "text/html; charset=utf-8");
    ack_clear(ack);
}

void ack_show(struct call *call)
{
    struct ack ack;
    judge(call, &ack);
    answer(call, &ack, false);
}

/* --- Acknowledging ------------------------------------------------------------------------------ */

static void on_gone(void *ctx, struct http_request *request)
{
    struct call *call = ctx;
    (void)request;
    router_client_forget(call->web->router, call);
    (void)call_free(call); /* gives NULL */
}

/* The rows tell what became of it: they are committed before the reply leaves. */
static void on_reply(void *ctx, const struct message_reply *reply)
{
    struct call *call = ctx;
    struct ack ack;
    judge(call, &ack);
    bool is_done = reply != NULL && reply->is_ok && ack.state == ACK_STATE_TAKEN;
    if (ack.state == ACK_STATE_OPEN) {
        ack.state = ACK_STATE_FAILED;
        ack.problem = mem_strdup(reply == NULL || !reply->has_problem
                                     ? "tocsin's router does not answer. Try again in a moment."
                                     : reply->problem.detail);
    }
    if (is_done) {
        log_info("web.ack", "acknowledged by a link; incident=%" PRIu64 " monitor=%u",
                 ack.link.incident_id, ack.monitor_id);
    }
    http_on_end(call->request, NULL, NULL);
    answer(call, &ack, is_done);
    (void)call_free(call); /* gives NULL */
}

/* The note of a form, "" for none; a body that is no form has none. */
static void take_note(const struct call *call, char *ret_note, size_t size)
{
    TC_CLEANUP(mem_freep) struct url_query *form = mem_alloc(sizeof *form);
    size_t body_size = 0;
    const char *body = http_body(call->request, &body_size);
    ret_note[0] = '\0';
    if (memchr(body, '\0', body_size) != NULL || url_query_parse(body, form) != TC_OK) {
        return;
    }
    const char *note = url_query_get(form, "note");
    size_t length = 0;
    const char *trimmed = note == NULL ? "" : str_trim(note, strlen(note), &length);
    if (length < size) {
        memcpy(ret_note, trimmed, length);
        ret_note[length] = '\0';
    }
}

static void write_parameters(const struct call *call, const struct ack *ack, struct buf *out)
{
    char note[LIMIT_NOTE_BYTES + 1];
    struct json_enc e;
    take_note(call, note, sizeof note);
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_i64(&e, "monitorId", ack->monitor_id);
    json_enc_u64_text(&e, "incidentId", ack->link.incident_id);
    json_enc_bool(&e, "ifUnacknowledged", true);
    if (note[0] != '\0') {
        json_enc_str(&e, "note", note);
    }
    json_enc_obj_end(&e);
}

static int send_command(struct call *call, const struct ack *ack, struct err *err)
{
    char request_id[REQUEST_ID_BYTES];
    TC_CLEANUP(buf_freep) struct buf parameters;
    buf_init(&parameters, COMMAND_BYTES);
    request_id_of(call, request_id);
    write_parameters(call, ack, &parameters);
    const struct message_command command = {
        .request_id = request_id,
        .actor = {.name = acklink_actor(ack->recipient),
                  .via = "link",
                  .address = http_address(call->request)},
        .action = "Incident/Acknowledge",
        .parameters = {.text = parameters.p, .size = parameters.len},
    };
    return router_client_command(call->web->router, &command, ROUTER_MS, on_reply, call, err);
}

void ack_send(struct call *call)
{
    struct ack ack;
    struct err err = ERR_INIT;
    judge(call, &ack);
    if (ack.state != ACK_STATE_OPEN) {
        answer(call, &ack, false);
        return;
    }
    if (send_command(call, &ack, &err) == TC_OK) {
        call->is_kept = true;
        http_on_end(call->request, on_gone, call);
        ack_clear(&ack);
        return;
    }
    ack.state = ACK_STATE_FAILED;
    ack.problem = mem_strdup("tocsin's router does not answer; nothing was done. Try again in a "
                             "moment.");
    answer(call, &ack, false);
}
