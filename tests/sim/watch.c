/* After each turn of the router: reads what became durable, checks the chain, feeds the oracle with
 * it in the order of the audit, and holds rows, notifications and acknowledgements against it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "router/audit/audit.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    RUNS_MAX = 2048,   /* of one turn */
    WISHES_MAX = 2048, /* of one turn */
    ACKS_MAX = 64,
    RECORD_BYTES = LIMIT_AUDIT_RECORD_BYTES,
};

struct run {
    uint32_t monitor;
    bool is_ok, is_used;
    int64_t scheduled_ms;
    char hash[2 * DIGEST_BYTES + 1];
};

struct wish {
    uint32_t monitor, list;
    enum oracle_wish kind;
    int64_t at_ms;
};

struct sent {          /* of one runner's spool, by number */
    uint64_t *numbers; /* owned */
    bool *is_refused;  /* owned */
    size_t cap;
    uint64_t acked, checked;
};

struct sim_watch {
    uint64_t run_id, commits;
    struct audit_check chain;
    struct run runs[RUNS_MAX];
    size_t run_count;
    struct wish wishes[WISHES_MAX];
    size_t wish_count;
    size_t note_count; /* before this turn */
    struct sent sent[SIM_RUNNERS];
    bool is_edited[SIM_MONITORS]; /* by hand, not acted on yet */
    struct audit_chain names;     /* for keyed hashes */
};

/* --- What was sent and acknowledged (I1) -------------------------------------------------------- */

void watch_sent(struct sim *sim, uint32_t runner, uint64_t seq, uint64_t number)
{
    struct sent *sent = &sim->watch->sent[runner];
    if (seq >= sent->cap) {
        size_t cap = (size_t)seq + 1024;
        sent->numbers = mem_resize(sent->numbers, cap, sizeof(*sent->numbers));
        sent->is_refused = mem_resize(sent->is_refused, cap, sizeof(*sent->is_refused));
        for (size_t i = sent->cap; i < cap; i++) {
            sent->numbers[i] = UINT64_MAX;
            sent->is_refused[i] = false;
        }
        sent->cap = cap;
    }
    sent->numbers[seq] = number;
}

void watch_acked(struct sim *sim, uint32_t runner, uint64_t seq)
{
    struct sent *sent = &sim->watch->sent[runner];
    sent->acked = seq > sent->acked ? seq : sent->acked;
}

void watch_new_spool(struct sim *sim, uint32_t runner)
{
    struct sent *sent = &sim->watch->sent[runner];
    mem_free(sent->numbers);
    mem_free(sent->is_refused);
    *sent = (struct sent){.numbers = NULL};
}

static void check_acks(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        struct sent *sent = &sim->watch->sent[i];
        for (; sent->checked < sent->acked; sent->checked++) {
            uint64_t seq = sent->checked + 1;
            uint64_t number = seq < sent->cap ? sent->numbers[seq] : UINT64_MAX;
            if (number != UINT64_MAX && !sent->is_refused[seq] && !sim->truths[number].is_stored) {
                sim_fail(sim, "I1",
                         "runner %u: result %" PRIu64 " (n%" PRIu64
                         ") was acknowledged and is not stored",
                         i, seq, number);
            }
        }
    }
}

/* --- Runs (I2) ---------------------------------------------------------------------------------- */

static int64_t or_never(int64_t utc_ms)
{
    return utc_ms == CORE_NEVER ? -1 : utc_ms;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
    *ret_number = 0;
    if (text[0] != 'n' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    for (const char *c = text + 1; *c >= '0' && *c <= '9'; c++) {
        *ret_number = *ret_number * 10 + (uint64_t)(*c - '0');
    }
    return true;
}

static int take_run(void *ctx, const void *stored)
{
    const struct store_run *row = stored;
    struct sim *sim = ctx;
    struct sim_watch *watch = sim->watch;
    const char *text = row->message == NULL ? row->summary : row->message;
    uint64_t number = 0;
    watch->run_id = row->id;
    if (read_number(text, &number) && number < sim->truth_count) {
        struct sim_truth *truth = &sim->truths[number];
        if (truth->is_stored) {
            sim_fail(sim, "I2", "result n%" PRIu64 " was stored twice", number);
        }
        if (truth->monitor != row->monitor_id || truth->is_ok != row->is_ok) {
            sim_fail(sim, "I2", "result n%" PRIu64 " was stored as another", number);
        }
        truth->is_stored = true;
    }
    if (watch->run_count == RUNS_MAX) {
        sim_fail(sim, "simulator", "too many runs in one turn");
        return TC_OK;
    }
    struct run *run = &watch->runs[watch->run_count++];
    *run = (struct run){.monitor = row->monitor_id,
                        .is_ok = row->is_ok,
                        .scheduled_ms = or_never(row->scheduled_utc_ms)};
    uint8_t hash[DIGEST_BYTES];
    digest_sha256(text, strlen(text), hash);
    hex_encode(hash, sizeof(hash), run->hash);
    return TC_OK;
}

static void read_runs(struct sim *sim)
{
    struct err err = ERR_INIT;
    uint64_t before = 0;
    sim->watch->run_count = 0;
    do {
        before = sim->watch->run_id;
        struct store_filter filter = {.id = before + 1};
        (void)store_read(sim->store, STORE_RUN, &filter, take_run, sim, &err); /* in memory */
    } while (sim->watch->run_id != before);
}

/* --- Notifications ------------------------------------------------------------------------------ */

static int take_note(void *ctx, const void *stored)
{
    const struct store_notification *row = stored;
    struct sim *sim = ctx;
    if (row->id > sim->note_count) {
        if (sim->note_count % 256 == 0) {
            sim->notes = mem_resize(sim->notes, sim->note_count + 256, sizeof(*sim->notes));
        }
        struct sim_note *made = &sim->notes[sim->note_count++];
        *made = (struct sim_note){.id = row->id,
                                  .incident = row->incident_id,
                                  .monitor = row->monitor_id,
                                  .kind = row->kind,
                                  .decided_ms = row->decided_utc_ms};
        (void)snprintf(made->recipient, sizeof(made->recipient), "%s", row->recipient);
        (void)snprintf(made->key, sizeof(made->key), "%s", row->key);
    }
    struct sim_note *note = &sim->notes[row->id - 1];
    note->status = (int)row->status;
    note->is_collapsed = row->is_collapsed;
    if (row->status == STORE_SENT) {
        note->is_answered = false;
    }
    return TC_OK;
}

void watch_refresh_notes(struct sim *sim)
{
    struct err err = ERR_INIT;
    size_t before = 0;
    for (size_t i = 0; i < sim->note_count; i++) {
        if (sim->notes[i].status == STORE_QUEUED || sim->notes[i].status == STORE_LEASED) {
            struct store_filter filter = {.id = i + 1};
            (void)store_read(sim->store, STORE_NOTIFICATION, &filter, take_note, sim, &err);
        }
    }
    do {
        before = sim->note_count;
        struct store_filter filter = {.id = before + 1};
        (void)store_read(sim->store, STORE_NOTIFICATION, &filter, take_note, sim, &err);
    } while (sim->note_count != before);
}

static bool was_told(const struct sim *sim, uint32_t monitor, int64_t at_ms, enum core_kind kind)
{
    for (size_t i = sim->watch->note_count; i < sim->note_count; i++) {
        const struct sim_note *note = &sim->notes[i];
        if (note->monitor == monitor && note->decided_ms == at_ms && note->kind == kind) {
            return true;
        }
    }
    return false;
}

/* --- From a record to the oracle (I3) ----------------------------------------------------------- */

struct record {
    const char *kind, *reason, *type, *actor, *to, *hash;
    uint32_t monitor;
    int64_t at_ms;
    struct json_dec after;
    bool has_after;
};

static void wish(struct sim *sim, uint32_t monitor, enum oracle_wish kind, int64_t at_ms,
                 int64_t scheduled_ms)
{
    struct sim_watch *watch = sim->watch;
    struct sim_oracle *o = &sim->oracles[monitor];
    if (kind == WISH_NOTHING || watch->wish_count == WISHES_MAX) {
        return;
    }
    watch->wishes[watch->wish_count++] =
        (struct wish){.monitor = monitor, .list = o->list, .kind = kind, .at_ms = at_ms};
    if (kind == WISH_FAILING && was_told(sim, monitor, at_ms, CORE_KIND_REMINDER)) {
        oracle_told(o, CORE_KIND_REMINDER, at_ms, scheduled_ms);
    } else if (kind == WISH_FAILING && was_told(sim, monitor, at_ms, CORE_KIND_ALERT)) {
        oracle_told(o, CORE_KIND_ALERT, at_ms, scheduled_ms);
    } else if (kind == WISH_END && was_told(sim, monitor, at_ms, CORE_KIND_RECOVERY)) {
        oracle_told(o, CORE_KIND_RECOVERY, at_ms, scheduled_ms);
    }
}

static void apply_run(struct sim *sim, const struct run *run, int64_t at_ms, bool is_missed)
{
    enum oracle_event event = run->is_ok ? ORACLE_OK : is_missed ? ORACLE_MISSED : ORACLE_FAIL;
    wish(sim, run->monitor, oracle_result(sim, run->monitor, event, at_ms, run->scheduled_ms),
         at_ms, run->scheduled_ms);
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
        if (!run->is_ok || o->is_alert || !o->is_active) {
            sim_fail(sim, "I8", "a run of monitor %u that matters left no record", monitor);
            return;
        }
        run->is_used = true;
        apply_run(sim, run, at_ms, false);
    }
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
        apply_run(sim, run, record->at_ms, is_missed);
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
        wish(sim, record->monitor, oracle_reset(sim, record->monitor), record->at_ms, -1);
    } else if (str_eq(record->type, "Monitor/Remove")) {
        wish(sim, record->monitor, oracle_reset(sim, record->monitor), record->at_ms, -1);
        o->is_gone = true;
    } else if (str_eq(record->type, "Monitor/Pause")) {
        o->is_active = false;
    } else if (str_eq(record->type, "Monitor/Resume")) {
        o->is_active = true;
    } else if (str_eq(record->type, "Monitor/Edit")) {
        o->need_oks = command->oks;
        o->need_fails = command->fails;
        o->window_minutes = command->minutes;
        o->list = command->list;
    }
}

static uint32_t list_of(struct sim *sim, const char *hash)
{
    for (uint32_t i = 0; i < SIM_LISTS; i++) {
        char text[AUDIT_NAME_BYTES];
        audit_name(&sim->watch->names, people_lists[i], text);
        if (str_eq(text, hash)) {
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
        wish(sim, record->monitor, oracle_reset(sim, record->monitor), record->at_ms, -1);
        o->is_gone = true;
        return;
    }
    if (!record->has_after) {
        return;
    }
    sim->cover->oracle[o->is_alert][ORACLE_EDIT][o->is_acked ? 1 : 0]++;
    o->is_active = number_or(after, "isActive", o->is_active) != 0;
    o->need_oks = number_or(after, "requiredConsecutiveOks", o->need_oks);
    o->need_fails = number_or(after, "requiredConsecutiveFailures", o->need_fails);
    o->window_minutes = number_or(after, "reminderFrequencyMinutes", o->window_minutes);
    const char *people = json_str_opt(after, "peopleToNotify", 64, NULL);
    o->list = people == NULL ? o->list : list_of(sim, people);
    bool is_alert = number_or(after, "inAlert", o->is_alert) != 0;
    bool is_reset = o->is_alert && !is_alert;
    bool has_ack = json_has(after, "acknowledgedDt");
    if (is_reset) {
        wish(sim, record->monitor, oracle_reset(sim, record->monitor), record->at_ms, -1);
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

static void take_members(struct sim *sim, struct json_dec *d, const struct store_audit *row)
{
    struct record record = {.kind = row->kind,
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

static int take_record(void *ctx, const void *stored)
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
    if (json_parse(row->bytes.p, row->bytes.size, RECORD_BYTES, &json, &err) != TC_OK) {
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

/* --- After all of it ---------------------------------------------------------------------------- */

static int take_change(void *ctx, const void *stored)
{
    const struct store_change *row = stored;
    struct sim *sim = ctx;
    if (row->monitor_id < SIM_MONITORS) {
        sim->watch->is_edited[row->monitor_id] = true;
    }
    return TC_OK;
}

static int compare_row(void *ctx, const void *stored)
{
    const struct core_monitor *row = &((const struct store_monitor *)stored)->core;
    struct sim *sim = ctx;
    struct sim_oracle *o = &sim->oracles[row->id % SIM_MONITORS];
    if (row->id >= SIM_MONITORS || sim->watch->is_edited[row->id] || o->is_gone || !o->is_known) {
        return TC_OK;
    }
    bool is_acked = row->acknowledged_utc_ms != CORE_NEVER;
    bool is_same = (row->state == CORE_ALERT) == o->is_alert && row->ok_count == o->oks &&
                   row->failure_count == o->fails && is_acked == o->is_acked &&
                   or_never(row->last_notification_utc_ms) == o->last_ms &&
                   (o->last_ms < 0 || o->last_kind == row->last_notification_kind ||
                    o->last_scheduled_ms < 0) &&
                   row->is_active == o->is_active;
    if (!is_same) {
        sim_fail(sim, "I3",
                 "monitor %u: row alert=%d oks=%u fails=%u acked=%d told=%lld active=%d, rules "
                 "alert=%d oks=%u fails=%u acked=%d told=%lld active=%d",
                 row->id, row->state == CORE_ALERT, row->ok_count, row->failure_count, is_acked,
                 (long long)or_never(row->last_notification_utc_ms), row->is_active, o->is_alert,
                 o->oks, o->fails, o->is_acked, (long long)o->last_ms, o->is_active);
    }
    return TC_OK;
}

/* --- Nobody forgotten, nobody told without reason (I4) ------------------------------------------- */

static bool fits(const struct wish *one, const struct sim_note *note)
{
    bool is_failing = note->kind == CORE_KIND_ALERT || note->kind == CORE_KIND_REMINDER;
    return one->monitor == note->monitor && one->at_ms == note->decided_ms &&
           (one->kind == WISH_FAILING  ? is_failing
            : one->kind == WISH_CLOSED ? note->kind == CORE_KIND_CLOSED
                                       : note->kind == CORE_KIND_RECOVERY);
}

static void check_wish(struct sim *sim, const struct wish *one)
{
    const char *targets[LIMIT_RECIPIENTS];
    size_t count = people_targets(one->list, targets);
    for (size_t i = sim->watch->note_count; i < sim->note_count; i++) {
        sim->notes[i].is_expected = sim->notes[i].is_expected || fits(one, &sim->notes[i]);
    }
    for (size_t t = 0; one->kind == WISH_FAILING && t < count; t++) {
        bool is_told = false;
        for (size_t i = sim->watch->note_count; i < sim->note_count; i++) {
            is_told = is_told ||
                      (fits(one, &sim->notes[i]) && str_eq(sim->notes[i].recipient, targets[t]));
        }
        if (!is_told) {
            sim_fail(sim, "I4", "monitor %u: %s was not told", one->monitor, targets[t]);
        }
    }
}

static void check_notes(struct sim *sim)
{
    struct sim_watch *watch = sim->watch;
    for (size_t i = 0; i < watch->wish_count; i++) {
        check_wish(sim, &watch->wishes[i]);
    }
    for (size_t i = watch->note_count; i < sim->note_count; i++) {
        const struct sim_note *note = &sim->notes[i];
        sim->cover->kinds[note->kind]++;
        if (!note->is_expected) {
            sim_fail(sim, "I4", "monitor %u: %s was told (kind %d) without reason", note->monitor,
                     note->recipient, (int)note->kind);
        }
    }
    watch->note_count = sim->note_count;
    watch->wish_count = 0;
}

void watch_turn(struct sim *sim)
{
    struct sim_watch *watch = sim->watch;
    struct err err = ERR_INIT;
    silence_check(sim);
    if (watch->commits == sim->cover->commits) {
        return;
    }
    watch->commits = sim->cover->commits;
    watch_refresh_notes(sim);
    read_runs(sim);
    struct store_filter filter = {.after_id = watch->chain.sequence, .limit = UINT32_MAX};
    (void)store_read(sim->store, STORE_AUDIT, &filter, take_record, sim, &err); /* said itself */
    for (size_t i = 0; i < watch->run_count; i++) {
        if (!watch->runs[i].is_used && watch->runs[i].monitor < SIM_MONITORS) {
            apply_silent_runs(sim, watch->runs[i].monitor, NULL, sim_utc_ms(sim));
        }
    }
    check_notes(sim);
    check_acks(sim);
    memset(watch->is_edited, 0, sizeof(watch->is_edited));
    (void)store_read(sim->store, STORE_CHANGES, NULL, take_change, sim, &err); /* in memory */
    (void)store_read(sim->store, STORE_MONITORS, NULL, compare_row, sim, &err);
}

void watch_begin(struct sim *sim)
{
    sim->watch = mem_alloc(sizeof(*sim->watch));
    sim->watch->names.name_key[0] = 1;
    sim->watch->names.name_key[1] = 2;
    sim->watch->names.name_key[2] = 3;
    sim->watch->commits = UINT64_MAX;
    audit_check_start(&sim->watch->chain, 0, NULL);
}

void watch_end(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_RUNNERS; i++) {
        mem_free(sim->watch->sent[i].numbers);
        mem_free(sim->watch->sent[i].is_refused);
    }
    mem_free(sim->watch);
}
