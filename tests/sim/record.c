/* From a record of the audit to the oracle (I3, I8): checks the chain, finds the run, the command or
 * the edit that a record tells of, and notes what the rules want to be told. Called by watch.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "tests/sim/watch.h"

struct record {
    const char *kind, *reason, *type, *actor, *to, *hash;
    uint32_t monitor;
    uint64_t seq, incident;
    int64_t at_ms;
    struct json_dec after;
    bool has_after;
};

static bool was_told(const struct sim *sim, const struct record *record, enum core_kind kind)
{
    for (size_t i = sim->watch->note_count; i < sim->note_count; i++) {
        const struct sim_note *note = &sim->notes[i];
        if (note->record == record->seq && note->kind == kind) {
            return true;
        }
    }
    return false;
}

static void wish(struct sim *sim, const struct record *record, enum oracle_wish kind,
                 int64_t scheduled_ms)
{
    struct sim_watch *watch = sim->watch;
    struct sim_oracle *o = &sim->oracles[record->monitor];
    if (kind == WISH_NOTHING || watch->wish_count == WISHES_MAX) {
        return;
    }
    watch->wishes[watch->wish_count++] = (struct wish){
        .monitor = record->monitor, .list = o->list, .kind = kind, .record = record->seq};
    if (kind == WISH_FAILING && was_told(sim, record, CORE_KIND_REMINDER)) {
        oracle_told(o, CORE_KIND_REMINDER, record->at_ms, scheduled_ms);
    } else if (kind == WISH_FAILING && was_told(sim, record, CORE_KIND_ALERT)) {
        oracle_told(o, CORE_KIND_ALERT, record->at_ms, scheduled_ms);
    } else if (kind == WISH_END && was_told(sim, record, CORE_KIND_RECOVERY)) {
        oracle_told(o, CORE_KIND_RECOVERY, record->at_ms, scheduled_ms);
    }
}

/* SPEC 2.2: a result of an assignment that is over is history. */
static void check_generation(struct sim *sim, const struct run *run)
{
    uint64_t *last = &sim->watch->generation[run->monitor];
    if (run->number == UINT64_MAX) {
        return;
    }
    uint64_t generation = sim->truths[run->number].generation;
    if (generation < *last) {
        sim_fail(sim, "I3", "result n%" PRIu64 " of generation %" PRIu64 " counts after %" PRIu64,
                 run->number, generation, *last);
    }
    *last = generation;
}

/* OK results of a well monitor leave no record of their own: they come before the next record that
 * finds the monitor well. until: the run that must come next, or NULL. */
static void apply_silent_runs(struct sim *sim, uint32_t monitor, const struct run *until,
                              int64_t at_ms)
{
    struct sim_watch *watch = sim->watch;
    for (size_t i = 0; i < watch->run_count; i++) {
        struct run *run = &watch->runs[i];
        if (run == until) {
            return;
        }
        if (run->monitor != monitor || run->is_used) {
            continue;
        }
        const struct sim_oracle *o = &sim->oracles[monitor];
        if (!run->is_ok || o->is_alert || !(o->is_active || watch->was_active[monitor])) {
            sim_fail(sim, "I8", "a run of monitor %u that matters left no record", monitor);
            return;
        }
        run->is_used = true;
        check_generation(sim, run);
        (void)oracle_result(sim, monitor, ORACLE_OK, at_ms, run->scheduled_ms); /* tells nobody */
    }
}

void record_silent_runs(struct sim *sim, uint32_t monitor, int64_t at_ms)
{
    apply_silent_runs(sim, monitor, NULL, at_ms);
}

/* Those before the first run that has a record of its own may be applied at once. */
static struct run *find_run(struct sim *sim, const struct record *record)
{
    struct sim_watch *watch = sim->watch;
    for (size_t i = 0; i < watch->run_count; i++) {
        struct run *run = &watch->runs[i];
        if (run->monitor == record->monitor && !run->is_used && str_eq(run->hash, record->hash)) {
            return run;
        }
    }
    return NULL;
}

/* Who was to be told of the recovery of an incident (final.c looks at it). */
static void note_end(struct sim *sim, uint64_t incident, enum oracle_wish end)
{
    for (size_t i = 0; end == WISH_END && i < sim->note_count; i++) {
        sim->notes[i].is_recovered =
            sim->notes[i].is_recovered || sim->notes[i].incident == incident;
    }
}

static void take_result(struct sim *sim, const struct record *record)
{
    struct sim_oracle *o = &sim->oracles[record->monitor];
    struct run *run = find_run(sim, record);
    bool is_missed = str_eq(record->kind, "deadline");
    if (run == NULL) {
        if (!(is_missed && str_eq(record->reason, "inactive"))) {
            sim_fail(sim, "I8", "a record of monitor %u (%s) tells of a run that has no row",
                     record->monitor, record->reason);
        }
        return;
    }
    apply_silent_runs(sim, record->monitor, run, record->at_ms);
    run->is_used = true;
    bool is_history = str_has_prefix(record->reason, "stale_") || str_eq(record->reason, "covered");
    if (str_eq(record->reason, "inactive")) {
        is_history = true;
        if (o->is_active) {
            sim_fail(sim, "I3", "monitor %u is active, its run was refused as inactive",
                     record->monitor);
        }
    } else if (!is_history && !o->is_active) {
        sim_fail(sim, "I3", "monitor %u is inactive, its run was applied", record->monitor);
    }
    if (!is_history) {
        check_generation(sim, run);
        enum oracle_event event = run->is_ok ? ORACLE_OK : is_missed ? ORACLE_MISSED : ORACLE_FAIL;
        enum oracle_wish wanted =
            oracle_result(sim, record->monitor, event, record->at_ms, run->scheduled_ms);
        wish(sim, record, wanted, run->scheduled_ms);
        note_end(sim, record->incident, wanted);
    }
    if (!str_eq(record->to, o->is_alert ? "alert" : "ok")) {
        sim_fail(sim, "I3", "monitor %u is %s by the record (%s) and not by the rules",
                 record->monitor, record->to, record->reason);
    }
}

static struct sim_command *find_command(struct sim *sim, const struct record *record)
{
    uint64_t number = 0;
    for (struct sim_command *one; (one = people_command(sim, number)) != NULL; number++) {
        char actor[32];
        char hash[AUDIT_NAME_BYTES];
        (void)snprintf(actor, sizeof(actor), "p%" PRIu64, number); /* short */
        audit_name(&sim->watch->names, actor, hash);
        if (str_eq(hash, record->actor)) {
            return one;
        }
    }
    return NULL;
}

static void check_refusal(struct sim *sim, const struct record *record, bool is_done)
{
    bool is_refused =
        str_has_prefix(record->reason, "ack_refused") || str_eq(record->reason, "ack_none");
    if (is_refused == is_done) {
        sim_fail(sim, "I10", "monitor %u: %s was %s (%s)", record->monitor, record->type,
                 is_refused ? "refused" : "carried out", record->reason);
    }
}

/* SPEC 1.8 "with `--quiet` nobody gets one but channels that keep an alert of their own" */
static void hush(struct sim *sim, uint64_t incident)
{
    for (size_t i = 0; i < sim->note_count; i++) {
        sim->notes[i].is_hushed = sim->notes[i].is_hushed || sim->notes[i].incident == incident;
    }
}

static void take_command(struct sim *sim, const struct record *record)
{
    struct sim_oracle *o = &sim->oracles[record->monitor];
    struct sim_command *command = find_command(sim, record);
    if (command == NULL) {
        sim_fail(sim, "G17", "a record of a command that nobody gave");
        return;
    }
    command->is_seen = true;
    if (str_eq(record->type, "Incident/Acknowledge")) {
        check_refusal(sim, record, oracle_ack(sim, record->monitor, command, record->at_ms));
    } else if (str_eq(record->type, "Incident/Unacknowledge")) {
        check_refusal(sim, record, oracle_unack(sim, record->monitor));
    } else if (str_eq(record->type, "Monitor/Reset")) {
        if (command->is_quiet && o->is_alert) {
            hush(sim, record->incident);
        }
        wish(sim, record, oracle_reset(sim, record->monitor), -1);
    } else if (str_eq(record->type, "Monitor/Remove")) {
        wish(sim, record, oracle_reset(sim, record->monitor), -1);
        o->is_gone = true;
    } else if (str_eq(record->type, "Monitor/Pause")) {
        o->is_active = false;
    } else if (str_eq(record->type, "Monitor/Resume")) {
        o->is_active = sim->watch->was_active[record->monitor] = true;
    } else if (str_eq(record->type, "Monitor/Edit")) {
        o->need_oks = command->oks;
        o->need_fails = command->fails;
        o->window_minutes = command->minutes;
        o->list = command->list;
    }
}

static bool is_named(const struct sim *sim, const char *list, const char *hash)
{
    char text[AUDIT_NAME_BYTES];
    audit_name(&sim->watch->names, list, text);
    return str_eq(text, hash);
}

/* A command's list stands in the row without spaces. */
static uint32_t list_of(struct sim *sim, const char *hash)
{
    for (uint32_t i = 0; i < SIM_LISTS; i++) {
        char tight[128];
        size_t size = 0;
        for (const char *c = people_lists[i]; *c != '\0' && size + 1 < sizeof(tight); c++) {
            tight[size] = *c;
            size += *c == ' ' ? 0 : 1;
        }
        tight[size] = '\0';
        if (is_named(sim, people_lists[i], hash) || is_named(sim, tight, hash)) {
            return i;
        }
    }
    sim_fail(sim, "simulator", "a list of recipients that nobody wrote");
    return 0;
}

static uint32_t number_or(struct json_dec *d, const char *name, uint32_t fallback)
{
    return (uint32_t)json_i64_opt(d, name, 0, UINT32_MAX, fallback);
}

/* A hand changed the row: state first, since a reset zeroes what it may have set. */
static void take_edit(struct sim *sim, struct record *record)
{
    struct sim_oracle *o = &sim->oracles[record->monitor];
    struct json_dec *after = &record->after;
    if (str_eq(record->reason, "deleted")) {
        wish(sim, record, oracle_reset(sim, record->monitor), -1);
        o->is_gone = true;
        return;
    }
    if (!record->has_after) {
        return;
    }
    sim->cover->oracle[o->is_alert][ORACLE_EDIT][o->is_acked ? 1 : 0]++;
    o->is_active = number_or(after, "isActive", o->is_active) != 0;
    sim->watch->was_active[record->monitor] =
        sim->watch->was_active[record->monitor] || o->is_active;
    o->need_oks = number_or(after, "requiredConsecutiveOks", o->need_oks);
    o->need_fails = number_or(after, "requiredConsecutiveFailures", o->need_fails);
    o->window_minutes = number_or(after, "reminderFrequencyMinutes", o->window_minutes);
    const char *people = json_str_opt(after, "peopleToNotify", 64, NULL);
    o->list = people == NULL ? o->list : list_of(sim, people);
    bool is_alert = number_or(after, "inAlert", o->is_alert) != 0;
    bool is_reset = o->is_alert && !is_alert;
    bool has_ack = json_has(after, "acknowledgedDt");
    if (is_reset) {
        wish(sim, record, oracle_reset(sim, record->monitor), -1);
        return;
    }
    o->oks = number_or(after, "consecutiveOkCount", o->oks);
    if (is_alert && !o->is_alert) { /* SPEC 1.8: nobody was told of it */
        o->is_alert = true;
        o->is_told = o->is_kept = false;
        o->oks = o->fails = 0;
        o->keep_minutes = 0;
    }
    int64_t last_ms = json_time_opt(after, "lastNotificationDt", -1);
    if (json_any(after, "lastNotificationDt") != NULL && last_ms != o->last_ms) {
        o->last_ms = last_ms;
        o->last_scheduled_ms = -1;
    }
    if (json_any(after, "acknowledgedDt") == NULL) {
        return;
    }
    if (has_ack && o->is_alert) {
        o->keep_minutes = o->is_acked ? o->keep_minutes : 0;
        o->is_acked = true;
        o->ack_until_ms = json_time_opt(after, "ackExpiresDt", o->ack_until_ms);
    } else {
        o->is_acked = false;
        o->ack_until_ms = -1;
        o->keep_minutes = o->is_kept ? o->keep_minutes : 0;
    }
}

static void take_refusal(struct sim *sim, struct json_dec *d)
{
    const char *runner = json_str_opt(d, "runner", 64, NULL);
    if (runner != NULL && runner[0] == 'r') {
        struct sent *sent = &sim->watch->sent[(runner[1] - '0') % SIM_RUNNERS];
        uint64_t seq = json_u64_text(d, "number");
        if (seq < sent->cap) {
            sent->is_refused[seq] = true;
        }
        if (seq < sent->cap && sent->numbers[seq] < sim->truth_count) {
            sim->truths[sent->numbers[seq]].is_refused = true;
        }
    }
}

static void meet_reserved(struct sim *sim, uint32_t monitor)
{
    sim->oracles[monitor] = (struct sim_oracle){.is_known = true,
                                                .is_internal = true,
                                                .is_active = true,
                                                .need_oks = 1,
                                                .need_fails = 1,
                                                .window_minutes = 60,
                                                .last_ms = -1,
                                                .last_scheduled_ms = -1,
                                                .list = SIM_LISTS};
}

/* Which notifications the record enqueued. */
static void take_notes(struct sim *sim, struct json_dec *d, uint64_t seq, struct err *err)
{
    const struct json_value *notes = json_arr(d, "notes", LIMIT_TOLD + LIMIT_RECIPIENTS + 64);
    for (const struct json_value *note = json_first(notes); note != NULL; note = json_next(note)) {
        struct json_dec one;
        json_dec_start(&one, note, "notes", err);
        uint64_t id = json_has(&one, "notification") ? json_u64_text(&one, "notification") : 0;
        if (id > 0 && id <= sim->note_count) {
            sim->notes[id - 1].record = seq;
        }
    }
}

static void take_members(struct sim *sim, struct json_dec *d, const struct store_audit *row)
{
    struct record record = {.kind = row->kind,
                            .seq = row->seq,
                            .monitor = row->monitor_id,
                            .at_ms = row->at_utc_ms,
                            .reason = json_str_opt(d, "reason", 64, ""),
                            .type = json_str_opt(d, "type", 64, ""),
                            .actor = json_str_opt(d, "actor", 64, ""),
                            .to = json_str_opt(d, "to", 64, ""),
                            .hash = json_str_opt(d, "messageSha256", 64, ""),
                            .has_after = json_has(d, "after")};
    sim_trace(sim, "audit %" PRIu64 " %s m%u %s %s to=%s", row->seq, row->kind, row->monitor_id,
              record.reason, record.type, record.to);
    if (json_has(d, "notes")) {
        take_notes(sim, d, row->seq, d->err);
    }
    if (str_eq(record.kind, "refusal")) {
        take_refusal(sim, d);
        return;
    }
    if (record.monitor == 0 || record.monitor >= SIM_MONITORS) {
        return;
    }
    if (!sim->oracles[record.monitor].is_known) {
        meet_reserved(sim, record.monitor);
    }
    record.incident = json_has(d, "incident") ? json_u64_text(d, "incident") : 0;
    if (record.has_after) {
        json_obj(d, "after", &record.after);
    }
    if (str_eq(record.kind, "result") || str_eq(record.kind, "deadline")) {
        take_result(sim, &record);
    } else if (str_eq(record.kind, "command") && record.to[0] != '\0') {
        take_command(sim, &record);
    } else if (str_eq(record.kind, "command")) {
        struct sim_command *command = find_command(sim, &record);
        if (command != NULL) {
            command->is_seen = true;
        }
    } else if (str_eq(record.kind, "edit")) {
        take_edit(sim, &record);
    } else if (str_eq(record.kind, "timer")) {
        oracle_timer(sim, record.monitor, record.at_ms);
    }
}

int record_take(void *ctx, const void *stored)
{
    const struct store_audit *row = stored;
    struct sim *sim = ctx;
    struct err err = ERR_INIT;
    struct audit_record record = {.sequence = row->seq,
                                  .format = (int)row->format,
                                  .bytes = row->bytes.p,
                                  .size = row->bytes.size,
                                  .hash = row->hash.p};
    if (audit_check_record(&sim->watch->chain, &record, &err) != TC_OK) {
        sim_fail(sim, "I8", "%s", err.text);
        return TC_ECORRUPT;
    }
    TC_CLEANUP(json_freep) struct json *json = NULL;
    struct json_dec d;
    if (json_parse(row->bytes.p, row->bytes.size, LIMIT_AUDIT_RECORD_BYTES, &json, &err) != TC_OK) {
        sim_fail(sim, "I8", "%s", err.text);
        return TC_ECORRUPT;
    }
    json_dec_start(&d, json_root(json), "", &err);
    take_members(sim, &d, row);
    if (json_end(&d) != TC_OK) {
        sim_fail(sim, "I8", "record %" PRIu64 ": %s", row->seq, err.text);
    }
    return TC_OK;
}
