/* From rows to parts of messages. The protocol's table (proto/fields.c) is the one rule of what peers
 * can read; here it is asked beforehand, where a row is taken up, so that no message is built of a row
 * that nobody could read. */
#include "router/flow/part.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"
#include "proto/codec.h"
#include "proto/columns.h"

#define NO_UUID "00000000-0000-4000-8000-000000000000"

enum {
    UUID_BYTES = 36,
};

static struct message_json json_or_empty(const char *text)
{
    const char *json = text == NULL ? "{}" : text;
    return (struct message_json){.text = json, .size = strlen(json)};
}

/* What the columns can be told by their names. */
static int check_columns(const struct flow_setup *setup, struct err *err)
{
    int code = columns_check_text("name", setup->name, LIMIT_NAME_BYTES, err);
    code = code == TC_OK ? columns_check_text("uuid", setup->uuid, UUID_BYTES, err) : code;
    code =
        code == TC_OK ? columns_check_text("checkName", setup->check, LIMIT_NAME_BYTES, err) : code;
    code = code == TC_OK ? columns_check_url("runbookUrl", setup->runbook_url, err) : code;
    code = code == TC_OK ? columns_check_labels(setup->labels, err) : code;
    size_t active = 0;
    for (size_t i = 0; i < setup->schedule_count; i++) {
        active += setup->schedules[i].is_active ? 1 : 0;
    }
    if (code == TC_OK && active > MESSAGE_SCHEDULES) {
        return err_set(err, TC_EINVAL, "%zu active rows of CronJobs: at most %d are allowed",
                       active, MESSAGE_SCHEDULES);
    }
    return code;
}

/* Everything else, such as how deep params nest: read it as the runner will. */
static int check_assignment(const struct flow_setup *setup, struct err *err)
{
    TC_CLEANUP(mem_freep)
    struct message_schedule *schedules = mem_array(setup->schedule_count + 1, sizeof(*schedules));
    struct message_assignment part;
    flow_part_assignment(setup, schedules, &part);
    part.id = 1;
    part.generation = UINT64_MAX;
    struct message_assign assign = {.monitors = &part, .monitor_count = 1};
    TC_CLEANUP(buf_freep) struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_ASSIGN};
    int code = message_encode(MESSAGE_ASSIGN, &assign, &body, err);
    if (code == TC_OK) {
        struct frames frames;
        frames_set(&frames, MESSAGE_ASSIGN, 0, 0, 0, &body);
        code = message_decode(MESSAGE_RUNNER, false, frames.part, &message, err);
    }
    return code == TC_OK ? TC_OK : err_ctx(err, "no runner could read this row");
}

int flow_part_check(const struct flow_setup *setup, struct err *err)
{
    int code = check_columns(setup, err);
    return code == TC_OK ? check_assignment(setup, err) : code;
}

void flow_part_assignment(const struct flow_setup *setup, struct message_schedule *schedules,
                          struct message_assignment *ret_part)
{
    size_t count = 0;
    for (size_t i = 0; i < setup->schedule_count; i++) {
        if (setup->schedules[i].is_active && setup->schedules[i].zone != NULL) {
            schedules[count].schedule = setup->schedules[i].schedule;
            schedules[count++].timezone = setup->schedules[i].timezone;
        }
    }
    *ret_part = (struct message_assignment){.uuid = setup->uuid,
                                            .name = setup->name,
                                            .check = setup->check,
                                            .params = json_or_empty(setup->params),
                                            .labels = json_or_empty(setup->labels),
                                            .timeout_seconds = setup->timeout_seconds,
                                            .schedules = schedules,
                                            .schedule_count = count};
}

static enum message_severity severity_of(enum store_severity severity)
{
    switch (severity) {
    case STORE_INFO:
        return MESSAGE_SEVERITY_INFO;
    case STORE_WARNING:
        return MESSAGE_SEVERITY_WARNING;
    case STORE_CRITICAL:
        return MESSAGE_SEVERITY_CRITICAL;
    }
    TC_UNREACHABLE();
}

void flow_part_deliver(const struct flow_setup *setup, char *name,
                       struct message_deliver_monitor *ret_part)
{
    TC_CLEANUP(buf_freep) struct buf whole;
    TC_CLEANUP(buf_freep) struct buf cut;
    size_t size = strlen(setup->name);
    buf_init(&whole, 3 * size + 1);
    buf_init(&cut, LIMIT_NAME_BYTES);
    utf8_add_repaired(&whole, setup->name, size);
    utf8_add_cut(&cut, whole.p, whole.len, LIMIT_NAME_BYTES);
    int code = str_copy(name, LIMIT_NAME_BYTES + 1, cut.p);
    TC_ASSERT(code == TC_OK);
    bool has_uuid = columns_check_text("uuid", setup->uuid, UUID_BYTES, NULL) == TC_OK;
    bool has_runbook = columns_check_url("runbookUrl", setup->runbook_url, NULL) == TC_OK;
    bool has_labels = columns_check_labels(setup->labels, NULL) == TC_OK;
    *ret_part =
        (struct message_deliver_monitor){.name = name,
                                         .uuid = has_uuid ? setup->uuid : NO_UUID,
                                         .severity = severity_of(setup->severity),
                                         .labels = json_or_empty(has_labels ? setup->labels : NULL),
                                         .runbook_url = has_runbook ? setup->runbook_url : NULL,
                                         .timezone = flow_setup_timezone(setup)};
}
