/* Commands: the table of actions, and those on a monitor's state. Whatever is done leaves a record
 * in the same transaction; whatever is refused leaves one too. */
#include "router/flow/command.h"

#include <stdarg.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "router/core/reason.h"
#include "router/flow/answer.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/expect.h"

enum {
    KEEP_MINUTES_MAX = 7 * 24 * 60,
    RESULT_BYTES = LIMIT_FRAME_BYTES / 2,
    STATUS_UNAVAILABLE = 503,
    ID_BYTES_MAX = 20,
};

int flow_command_refuse(struct flow_command *command, int64_t status, const char *fmt, ...)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, ERR_TEXT_MAX);
    va_list args;
    va_start(args, fmt);
    buf_add_vfmt(&text, fmt, args);
    va_end(args);
    command->status = status;
    return err_set(&command->err, TC_EINVAL, "%s", text.p);
}

struct flow_monitor *flow_command_monitor(struct flow_command *command)
{
    uint32_t id = (uint32_t)json_i64(&command->params, "monitorId", 1, UINT32_MAX);
    if (json_end(&command->params) != TC_OK) {
        command->status = 400;
        return NULL;
    }
    struct flow_monitor *monitor = flow_live_monitor(command->flow, id);
    if (monitor == NULL) {
        (void)flow_command_refuse(command, 404, "there is no monitor %u", id);
    }
    return monitor;
}

struct flow_cause flow_command_cause(const struct flow_command *command)
{
    return (struct flow_cause){.kind = "command",
                               .action = command->message->action,
                               .actor = command->message->actor.name,
                               .via = command->message->actor.via,
                               .scheduled_utc_ms = CORE_NEVER};
}

/* --- Actions on a monitor's state ------------------------------------------------------------ */

static int run(struct flow_command *command)
{
    struct flow *flow = command->flow;
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    struct flow_row *row = &monitor->row;
    if (row->setup->is_internal) {
        return flow_command_refuse(command, 409, "%s is tocsin's own: it runs nothing",
                                   row->setup->name);
    }
    if (!row->core.is_active) {
        return flow_command_refuse(command, 409, "%s is paused: resume it first", row->setup->name);
    }
    if (row->setup->problem != NULL) {
        return flow_command_refuse(command, 409, "%s can't run: %s", row->setup->name,
                                   row->setup->problem);
    }
    const struct flow_runner *runner = flow_runner_with_id(flow, row->runner_id);
    if (runner == NULL || !runner->is_welcome || runner->is_dead) {
        return flow_command_refuse(command, 409, "%s%s is not connected, so %s can't run now",
                                   runner == NULL ? "a runner that takes it" : "runner ",
                                   runner == NULL ? "" : runner->name, row->setup->name);
    }
    flow_touch_monitor(flow, monitor)->needs_decide = true;
    row->core.last_run_utc_ms = CORE_NEVER;
    row->run_asked_utc_ms = flow->batch.now_utc_ms;
    flow_mark_dirty(flow, monitor);
    struct audit_entry entry = {.kind = "command",
                                .reason = "run_asked",
                                .monitor_id = monitor->id,
                                .type = command->message->action,
                                .actor = command->message->actor.name,
                                .via = command->message->actor.via,
                                .runner = runner->name};
    flow_record(flow, &entry);
    command->status = 202;
    json_enc_i64(&command->result, "monitorId", monitor->id);
    return TC_OK;
}

static int pause_monitor(struct flow_command *command)
{
    return flow_command_switch(command, false);
}

static int resume_monitor(struct flow_command *command)
{
    return flow_command_switch(command, true);
}

/* Ask the core, and tell what it refuses in a sentence. */
static int decide(struct flow_command *command, struct flow_monitor *monitor,
                  const struct core_event *event, const struct flow_cause *cause)
{
    enum core_reason reason = CORE_REASON_NONE;
    bool is_refused = false;
    flow_decide(command->flow, monitor, event, cause, &reason, &is_refused);
    if (is_refused) {
        return flow_command_refuse(command, 409, "%s: refused, %s", monitor->row.setup->name,
                                   core_reason_name(reason));
    }
    flow_expect(command->flow, monitor, command->flow->batch.now_utc_ms);
    return TC_OK;
}

static int reset(struct flow_command *command)
{
    bool is_quiet = json_bool_opt(&command->params, "isQuiet", false);
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    struct core_event event = {.type = CORE_EVENT_RESET, .is_quiet = is_quiet};
    struct flow_cause cause = flow_command_cause(command);
    cause.is_quiet = is_quiet;
    cause.message = is_quiet ? NULL : "reset";
    json_enc_i64(&command->result, "monitorId", monitor->id);
    return decide(command, monitor, &event, &cause);
}

/* Whether there still is what the sender saw: a link, or a page that was open for long, must not
 * acknowledge the next incident, nor take over another person's acknowledgement. */
static int check_seen(struct flow_command *command, const struct flow_monitor *monitor,
                      const char *incident_id, bool is_first)
{
    const struct core_monitor *core = &monitor->row.core;
    int64_t now_utc_ms = command->flow->batch.now_utc_ms;
    uint64_t id = 0;
    if (incident_id != NULL && parse_whole_u64(incident_id, INT64_MAX, &id) != TC_OK) {
        return flow_command_refuse(command, 400, "parameters.incidentId: must be an id as text");
    }
    if (incident_id != NULL && (core->state == CORE_OK || monitor->row.incident_id != id)) {
        return flow_command_refuse(command, 409, "%s: incident %s is over",
                                   monitor->row.setup->name, incident_id);
    }
    bool is_acknowledged =
        core->acknowledged_utc_ms != CORE_NEVER &&
        (core->ack_expires_utc_ms == CORE_NEVER || core->ack_expires_utc_ms > now_utc_ms);
    if (is_first && is_acknowledged) {
        const char *by = monitor->row.acknowledged_by;
        return flow_command_refuse(command, 409, "%s is acknowledged already by %s",
                                   monitor->row.setup->name, by == NULL ? "somebody" : by);
    }
    return TC_OK;
}

static int acknowledge(struct flow_command *command)
{
    struct core_event event = {.type = CORE_EVENT_ACKNOWLEDGE};
    event.acknowledge.expires_utc_ms = json_time_opt(&command->params, "expiresDt", CORE_NEVER);
    event.acknowledge.keep_minutes =
        (uint32_t)json_i64_opt(&command->params, "keepMinutes", 0, KEEP_MINUTES_MAX, 0);
    const char *note = json_str_opt(&command->params, "note", LIMIT_NOTE_BYTES, NULL);
    const char *seen_id = json_str_opt(&command->params, "incidentId", ID_BYTES_MAX, NULL);
    bool is_first = json_bool_opt(&command->params, "ifUnacknowledged", false);
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL || check_seen(command, monitor, seen_id, is_first) != TC_OK) {
        return TC_EINVAL;
    }
    uint64_t incident_id = monitor->row.incident_id;
    struct flow_touched_monitor *touched = flow_touch_monitor(command->flow, monitor);
    struct flow_cause cause = flow_command_cause(command);
    int code = decide(command, monitor, &event, &cause);
    if (code != TC_OK) {
        return code;
    }
    flow_set_text(&monitor->row.acknowledged_by, touched->before.acknowledged_by,
                  mem_strdup(command->message->actor.name));
    flow_set_text(&monitor->row.ack_note, touched->before.ack_note, mem_strdup(note));
    touched->needs_decide = true;
    json_enc_i64(&command->result, "monitorId", monitor->id);
    json_enc_u64_text(&command->result, "incidentId", incident_id);
    return TC_OK;
}

static int unacknowledge(struct flow_command *command)
{
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    uint64_t incident_id = monitor->row.incident_id;
    struct core_event event = {.type = CORE_EVENT_UNACKNOWLEDGE};
    struct flow_cause cause = flow_command_cause(command);
    int code = decide(command, monitor, &event, &cause);
    if (code != TC_OK) {
        return code;
    }
    json_enc_i64(&command->result, "monitorId", monitor->id);
    json_enc_u64_text(&command->result, "incidentId", incident_id);
    return TC_OK;
}

/* --- The table ------------------------------------------------------------------------------- */

static const struct action {
    const char *name;
    int (*fn)(struct flow_command *command);
} actions[] = {
    {"Monitor/Run", run},
    {"Monitor/Pause", pause_monitor},
    {"Monitor/Resume", resume_monitor},
    {"Monitor/Reset", reset},
    {"Monitor/Add", flow_command_add},
    {"Monitor/Edit", flow_command_edit},
    {"Monitor/Remove", flow_command_remove},
    {"Incident/Acknowledge", acknowledge},
    {"Incident/Unacknowledge", unacknowledge},
    {"Notification/Retry", flow_command_retry},
    {"Channel/Test", flow_command_test},
    {"Token/Add", flow_command_token_add},
    {"Token/Remove", flow_command_token_remove},
};

static const struct action *action_of(const char *name)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (str_eq(actions[i].name, name)) {
            return &actions[i];
        }
    }
    return NULL;
}

/* --- Answers --------------------------------------------------------------------------------- */

static int copy_reply(void *ctx, const void *row)
{
    const struct store_command *command = row;
    char **reply = ctx;
    *reply = mem_strdup(command->reply);
    return TC_OK;
}

/* A copy of a command that was carried out gets the first answer. */
static bool answer_copy(struct flow *flow, const struct flow_event *event, const char *request_id)
{
    const struct store_rows *rows = &flow->batch.rows.rows[STORE_COMMAND_ADD];
    const struct store_command *done = rows->p;
    for (size_t i = 0; i < rows->count; i++) {
        if (str_eq(done[i].request_id, request_id)) {
            flow_reply_text(flow, event->connection, event->message.seq, mem_strdup(done[i].reply));
            return true;
        }
    }
    char *reply = NULL;
    struct store_filter filter = {.text = request_id};
    if (store_read(flow->options.store, STORE_COMMAND, &filter, copy_reply, &reply, NULL) !=
            TC_OK ||
        reply == NULL) {
        return false;
    }
    flow_reply_text(flow, event->connection, event->message.seq, reply);
    return true;
}

static void record_refusal(struct flow_command *command)
{
    struct audit_entry entry = {.kind = "refusal",
                                .reason = "command_refused",
                                .type = command->message->action,
                                .actor = command->message->actor.name,
                                .via = command->message->actor.via,
                                .detail = command->status == 404 ? "not found" : "not possible"};
    flow_record(command->flow, &entry);
}

/* The first answer is the answer, refusals too; only what could not be read now may go well later. */
static void remember(struct flow_command *command, const char *reply)
{
    struct flow *flow = command->flow;
    struct store_command row = {.request_id = command->message->request_id,
                                .at_utc_ms = flow->batch.now_utc_ms,
                                .reply = reply};
    if (command->status != STATUS_UNAVAILABLE) {
        store_batch_command_add(&flow->batch.rows, &row);
    }
}

static void answer(struct flow_command *command, int code, const struct buf *result)
{
    struct flow *flow = command->flow;
    struct message_reply reply = {.is_ok = code == TC_OK, .status = command->status};
    if (code == TC_OK) {
        reply.result = (struct message_json){.text = result->p, .size = result->len};
    } else {
        record_refusal(command);
        reply.status = command->status == 200 ? 400 : command->status;
        reply.has_problem = true;
        reply.problem.title = command->status == 409   ? "not possible now"
                              : command->status == 404 ? "not found"
                                                       : "the parameters are not right";
        reply.problem.detail = command->err.text;
    }
    remember(command, flow_reply(flow, command->event, &reply));
}

void flow_apply_command(struct flow *flow, const struct flow_event *event)
{
    const struct message_command *message = &event->message.body.command;
    if (answer_copy(flow, event, message->request_id)) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf result;
    buf_init(&result, RESULT_BYTES);
    struct flow_command command = {.flow = flow, .event = event, .message = message, .status = 200};
    json_dec_start(&command.params, message->parameters.value, "parameters", &command.err);
    json_enc_start(&command.result, &result);
    json_enc_obj(&command.result, NULL);
    const struct action *action = action_of(message->action);
    int code = action == NULL
                   ? flow_command_refuse(&command, 400, "there is no action %s", message->action)
                   : action->fn(&command);
    json_enc_obj_end(&command.result);
    if (!command.is_answered_later) {
        answer(&command, code, &result);
    }
}
