/* People: operators who write rows by hand, and others who give commands through a web process and
 * ask again until they are answered. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    COMMANDS_MAX = 4096,
    ASK_AGAIN_MS = 5000,
    MONITORS_MAX = 10,
    SQL_BYTES = 1024,
};

const char *const people_lists[SIM_LISTS] = {
    "[\"a@example.com\"]",
    "[\"a@example.com\", \"slack:#ops\", \"pagerduty:core\"]",
    "[\"b@example.com\", \"pagerduty:core\"]",
    "[]",
    "[\"slack:#ops\"]",
    "[\"a@example.com\", \"b@example.com\", \"pagerduty:extra\"]",
};

struct sim_people {
    struct sim_link link;
    bool is_up;
    struct sim_command commands[COMMANDS_MAX];
    size_t command_count;
    uint64_t asked; /* sequence of requests */
    uint32_t made;  /* monitors made by hand */
};

size_t people_targets(uint32_t list, const char **ret_targets)
{
    static const char *const targets[SIM_LISTS][4] = {
        {"email:a@example.com"},
        {"email:a@example.com", "slack:#ops", "pagerduty:core"},
        {"email:b@example.com", "pagerduty:core"},
        {NULL},
        {"slack:#ops"},
        {"email:a@example.com", "email:b@example.com", "pagerduty:extra"},
    };
    size_t count = 0;
    while (list < SIM_LISTS && count < 4 && targets[list][count] != NULL) {
        ret_targets[count] = targets[list][count];
        count++;
    }
    if (list >= SIM_LISTS) { /* a reserved monitor: router.default_recipients */
        ret_targets[count++] = "email:ops@example.com";
    }
    return count;
}

struct sim_link *people_link(struct sim *sim)
{
    return &sim->people->link;
}

struct sim_command *people_command(struct sim *sim, uint64_t number)
{
    return number < sim->people->command_count ? &sim->people->commands[number] : NULL;
}

size_t people_waiting(const struct sim *sim)
{
    size_t waiting = 0;
    for (size_t i = 0; i < sim->people->command_count; i++) {
        waiting += sim->people->commands[i].is_done ? 0 : 1;
    }
    return waiting;
}

/* --- By hand ------------------------------------------------------------------------------------ */

static void run_sql(struct sim *sim, const char *sql)
{
    struct err err = ERR_INIT;
    sim_trace(sim, "by hand: %s", sql);
    if (store_memory_by_hand(sim->store, sql, &err) != TC_OK) {
        sim_fail(sim, "simulator", "by hand: %s: %s", sql, err.text);
    }
}

static int note_id(void *ctx, const void *row)
{
    *(uint32_t *)ctx = ((const struct store_monitor *)row)->core.id;
    return TC_OK;
}

static void make_monitor(struct sim *sim)
{
    static const uint32_t windows[] = {0, 1, 2, 5, 60};
    static const char *const schedules[] = {"* * * * *", "@every 20s", "*/2 * * * *", "@every 45s"};
    struct sim_people *people = sim->people;
    struct sim_oracle made = {.is_known = true,
                              .is_active = true,
                              .need_oks = sim_pick(sim, 4),
                              .need_fails = sim_pick(sim, 3),
                              .window_minutes = windows[sim_pick(sim, 5)],
                              .last_ms = -1,
                              .last_scheduled_ms = -1,
                              .list = sim_pick(sim, SIM_LISTS)};
    char sql[SQL_BYTES];
    char name[32];
    (void)snprintf(name, sizeof(name), "monitor %u", ++people->made); /* short */
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO Monitors (uuid, name, checkName, params, requiredConsecutiveOks, "
        "requiredConsecutiveFailures, reminderFrequencyMinutes, peopleToNotify, "
        "timeoutSeconds, dtCreated) VALUES ('00000000-0000-4000-8000-%012u', '%s', 'tcp', "
        "'{\"host\": \"h\", \"port\": 1}', %u, %u, %u, '%s', 10, '2026-01-01 00:00:00.000')",
        people->made, name, made.need_oks, made.need_fails, made.window_minutes,
        people_lists[made.list]);
    run_sql(sim, sql);
    uint32_t id = 0;
    struct store_filter filter = {.text = name};
    struct err err = ERR_INIT;
    (void)store_read(sim->store, STORE_MONITORS_NAMED, &filter, note_id, &id, &err); /* id tells */
    if (id == 0 || id >= SIM_MONITORS) {
        sim_fail(sim, "simulator", "no room for monitor %u: %s", id, err.text);
        return;
    }
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO CronJobs (schedule, timezone, action, parameters, dtCreated) VALUES "
        "('%s', 'UTC', 'Monitor/Run', '{\"monitorId\": %u}', '2026-01-01 00:00:00.000')",
        schedules[sim_pick(sim, 4)], id);
    run_sql(sim, sql);
    sim->oracles[id] = made;
    sim->checks[id].exists = true;
    sim->monitor_count++;
}

static uint32_t some_monitor(struct sim *sim)
{
    uint32_t ids[SIM_MONITORS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIM_MONITORS; i++) {
        if (sim->checks[i].exists) {
            ids[count++] = i;
        }
    }
    return count == 0 ? 0 : ids[sim_pick(sim, count)];
}

static int note_null(void *ctx, const void *row)
{
    *(bool *)ctx = ((const struct store_monitor *)row)->core.last_run_utc_ms == CORE_NEVER;
    return TC_OK;
}

static bool is_run_asked(struct sim *sim, uint32_t id)
{
    bool is_asked = false;
    struct err err = ERR_INIT;
    struct store_filter filter = {.id = id};
    (void)store_read(sim->store, STORE_MONITOR, &filter, note_null, &is_asked,
                     &err); /* in memory */
    return is_asked;
}

static void change_row(struct sim *sim, uint32_t id)
{
    char sql[SQL_BYTES];
    char set[256];
    char when[TIMETEXT_SIZE];
    switch (sim_pick(sim, 12)) {
    case 0:
        (void)snprintf(set, sizeof(set), "isActive = 1 - isActive");
        break;
    case 1:
        (void)snprintf(set, sizeof(set),
                       "state = 'ok', consecutiveOkCount = 0, lastNotificationDt = NULL, "
                       "lastNotificationType = NULL");
        break;
    case 2:
        (void)snprintf(set, sizeof(set), "state = 'alert'");
        break;
    case 3:
        (void)snprintf(set, sizeof(set), "requiredConsecutiveOks = %u", sim_pick(sim, 4));
        break;
    case 4:
        (void)snprintf(set, sizeof(set), "reminderFrequencyMinutes = %u", sim_pick(sim, 6));
        break;
    case 5:
        (void)snprintf(set, sizeof(set), "peopleToNotify = '%s'",
                       people_lists[sim_pick(sim, SIM_LISTS)]);
        break;
    case 6:
        (void)snprintf(set, sizeof(set), "lastRunDt = NULL");
        if (!is_run_asked(sim, id)) { /* a NULL over a NULL asks for nothing new */
            sim->asked_utc_ms[id] = sim_utc_ms(sim);
        }
        break;
    case 7:
        (void)snprintf(set, sizeof(set), "lastNotificationDt = NULL, lastNotificationType = NULL");
        break;
    case 8:
        (void)snprintf(set, sizeof(set), "acknowledgedDt = '%s', acknowledgedBy = 'hand'",
                       timetext_rfc3339(sim_utc_ms(sim), when));
        break;
    case 9:
        (void)snprintf(set, sizeof(set),
                       "acknowledgedDt = NULL, acknowledgedBy = NULL, ackExpiresDt = NULL");
        break;
    case 10:
        (void)snprintf(set, sizeof(set), "requiredConsecutiveFailures = %u", sim_pick(sim, 3));
        break;
    default:
        (void)snprintf(set, sizeof(set), "severity = 'info'");
        break;
    }
    (void)snprintf(sql, sizeof(sql), "UPDATE Monitors SET %s WHERE id = %u", set, id);
    run_sql(sim, sql);
}

static void by_hand(struct sim *sim)
{
    uint32_t id = some_monitor(sim);
    uint32_t dice = sim_pick(sim, 40);
    if (dice == 0 && sim->monitor_count < MONITORS_MAX) {
        make_monitor(sim);
    } else if (dice == 1 && id != 0 && sim_pick(sim, 3) == 0) {
        char sql[SQL_BYTES];
        (void)snprintf(sql, sizeof(sql), "DELETE FROM Monitors WHERE id = %u", id);
        run_sql(sim, sql);
        sim->checks[id].exists = false;
    } else if (id != 0) {
        change_row(sim, id);
    }
}

/* --- Commands ----------------------------------------------------------------------------------- */

static void write_parameters(const struct sim_command *command, struct buf *out)
{
    char when[TIMETEXT_SIZE];
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_i64(&e, "monitorId", command->monitor);
    if (str_eq(command->action, "Incident/Acknowledge")) {
        if (command->expires_ms != CORE_NEVER) {
            json_enc_str(&e, "expiresDt", timetext_rfc3339(command->expires_ms, when));
        }
        json_enc_i64(&e, "keepMinutes", command->keep_minutes);
    } else if (str_eq(command->action, "Monitor/Reset")) {
        json_enc_bool(&e, "isQuiet", command->is_quiet);
    } else if (str_eq(command->action, "Monitor/Edit")) {
        json_enc_i64(&e, "requiredConsecutiveOks", command->oks);
        json_enc_i64(&e, "requiredConsecutiveFailures", command->fails);
        json_enc_i64(&e, "reminderFrequencyMinutes", command->minutes);
        json_enc_raw(&e, "peopleToNotify", people_lists[command->list],
                     strlen(people_lists[command->list]));
    }
    json_enc_obj_end(&e);
}

static void send_command(struct sim *sim, uint64_t number)
{
    struct sim_people *people = sim->people;
    struct sim_command *command = &people->commands[number];
    TC_CLEANUP(buf_freep) struct buf parameters;
    char request[32];
    char actor[32];
    buf_init(&parameters, LIMIT_FRAME_BYTES);
    write_parameters(command, &parameters);
    (void)snprintf(request, sizeof(request), "q%" PRIu64, number); /* short */
    (void)snprintf(actor, sizeof(actor), "p%" PRIu64, number);     /* short */
    struct message_command body = {.request_id = request,
                                   .actor = {.name = actor, .via = "session"},
                                   .action = command->action,
                                   .parameters = {.text = parameters.p, .size = parameters.len}};
    net_send_body(sim, &people->link, MESSAGE_COMMAND, number + 1, &body);
}

static void ask(struct sim *sim, const struct sim_event *event)
{
    struct sim_people *people = sim->people;
    if (people->commands[event->number].is_done) {
        return;
    }
    if (people->is_up) {
        send_command(sim, event->number);
    }
    sim_in(sim, ASK_AGAIN_MS, ask, 0, event->number);
}

static void give_command(struct sim *sim)
{
    static const char *const actions[] = {"Monitor/Run",          "Monitor/Pause",
                                          "Monitor/Resume",       "Monitor/Resume",
                                          "Monitor/Reset",        "Monitor/Edit",
                                          "Incident/Acknowledge", "Incident/Acknowledge",
                                          "Incident/Acknowledge", "Incident/Unacknowledge"};
    struct sim_people *people = sim->people;
    uint32_t id = some_monitor(sim);
    if (people->command_count == COMMANDS_MAX || id == 0) {
        return;
    }
    struct sim_command *command = &people->commands[people->command_count];
    *command = (struct sim_command){.action = actions[sim_pick(sim, 10)],
                                    .monitor = id,
                                    .expires_ms = CORE_NEVER,
                                    .oks = sim_pick(sim, 4),
                                    .fails = sim_pick(sim, 3),
                                    .minutes = sim_pick(sim, 6),
                                    .list = sim_pick(sim, SIM_LISTS),
                                    .is_quiet = sim_pick(sim, 3) == 0};
    if (sim_pick(sim, 60) == 0) {
        command->action = "Monitor/Remove";
        sim->checks[id].exists = false;
    }
    if (sim_pick(sim, 2) == 0) {
        command->expires_ms = sim_utc_ms(sim) + sim_between(sim, -10, 600) * 1000;
    }
    if (sim_pick(sim, 2) == 0) {
        command->keep_minutes = sim_pick(sim, 8);
    }
    sim_in(sim, 0, ask, 0, people->command_count++);
}

void people_receive(struct sim *sim, const struct sim_packet *packet)
{
    struct frame frames[LIMIT_FRAMES];
    struct err err = ERR_INIT;
    net_frames(packet, frames);
    TC_CLEANUP(message_freep) struct message message = {.seq = 0};
    if (message_decode(MESSAGE_WEB, false, frames, &message, &err) != TC_OK) {
        sim_fail(sim, "protocol", "a message of the router can't be read: %s", err.text);
        return;
    }
    if (message.kind != MESSAGE_REPLY) {
        return;
    }
    struct sim_command *command = people_command(sim, message.seq - 1);
    if (command == NULL) {
        sim_fail(sim, "protocol", "a reply to nothing");
        return;
    }
    if (message.body.reply.is_ok && !command->is_seen) {
        sim_fail(sim, "G17", "command p%" PRIu64 " was answered before its record was durable",
                 message.seq - 1);
    }
    command->is_done = true;
}

/* --- The link and the day ----------------------------------------------------------------------- */

static void connect_up(struct sim *sim, const struct sim_event *event)
{
    struct sim_people *people = sim->people;
    static const struct message_web_hello hello = {.protocol = MESSAGE_PROTOCOL, .version = "sim"};
    (void)event;
    if (people->is_up) {
        return;
    }
    if (!router_is_up(sim)) {
        sim_in(sim, 1000, connect_up, 0, 0);
        return;
    }
    net_connect(sim, &people->link);
    people->is_up = true;
    net_send_body(sim, &people->link, MESSAGE_WEB_HELLO, 0, &hello);
}

void people_disconnected(struct sim *sim)
{
    sim->people->is_up = false;
    sim->people->link.connection = 0;
    sim_in(sim, 500, connect_up, 0, 0);
}

static void day(struct sim *sim, const struct sim_event *event)
{
    (void)event;
    if (sim_chance(sim, sim->faults.by_hand)) {
        by_hand(sim);
    }
    if (sim_chance(sim, sim->faults.command)) {
        give_command(sim);
    }
    sim_in(sim, sim_between(sim, 1, 20000), day, 0, 0);
}

static void first_day(struct sim *sim, const struct sim_event *event)
{
    uint32_t count = 1 + sim_pick(sim, 6);
    for (uint32_t i = 0; i < count; i++) {
        make_monitor(sim);
    }
    day(sim, event);
}

void people_begin(struct sim *sim)
{
    sim->people = mem_alloc(sizeof(*sim->people));
    sim_in(sim, 1, connect_up, 0, 0);
    sim_in(sim, 100, first_day, 0, 0);
}

void people_end(struct sim *sim)
{
    mem_free(sim->people);
}
