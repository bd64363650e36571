/* After each turn of the router: reads what became durable, lets record.c feed the oracle with it in
 * the order of the audit, and holds rows, notifications and acknowledgements against the oracle. */
#include "tests/sim/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

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
    if (row->monitor_id < SIM_MONITORS) {
        sim->run_ms[row->monitor_id] = sim->mono_ms;
    }
    bool has_number = read_number(text, &number) && number < sim->truth_count;
    if (has_number) {
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
                        .number = has_number ? number : UINT64_MAX,
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
                                  .kind = row->kind};
        (void)snprintf(made->recipient, sizeof(made->recipient), "%s", row->recipient);
        (void)snprintf(made->key, sizeof(made->key), "%s", row->key);
    }
    struct sim_note *note = &sim->notes[row->id - 1];
    pace_note(sim, note, (int)row->status, row->next_utc_ms);
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
    if (row->last_run_utc_ms != CORE_NEVER && row->last_run_utc_ms < sim->asked_utc_ms[row->id]) {
        sim_fail(sim, "I15", "monitor %u: a run was asked for, an older one took its place",
                 row->id);
    }
    return TC_OK;
}

/* --- Nobody forgotten, nobody told without reason (I4) ------------------------------------------- */

static bool fits(const struct wish *one, const struct sim_note *note)
{
    bool is_failing = note->kind == CORE_KIND_ALERT || note->kind == CORE_KIND_REMINDER;
    return one->monitor == note->monitor && one->record == note->record &&
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
        pace_end(sim, note);
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
    for (uint32_t i = 0; i < SIM_MONITORS; i++) {
        watch->was_active[i] = sim->oracles[i].is_active;
    }
    struct store_filter filter = {.after_id = watch->chain.sequence, .limit = UINT32_MAX};
    (void)store_read(sim->store, STORE_AUDIT, &filter, record_take, sim, &err); /* said itself */
    for (size_t i = 0; i < watch->run_count; i++) {
        if (!watch->runs[i].is_used && watch->runs[i].monitor < SIM_MONITORS) {
            record_silent_runs(sim, watch->runs[i].monitor, sim_utc_ms(sim));
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
