/* When all faults have stopped: everything comes to rest, and what each recipient was told is a word
 * of (ALERT (REMINDER)* RECOVERED)*, in order, with nothing owed. */
#include <string.h>

#include "lib/base/str.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

static bool is_to_pagerduty(const struct sim_note *note)
{
    return str_has_prefix(note->recipient, "pagerduty:");
}

bool final_is_quiet(struct sim *sim)
{
    if (router_unfinished(sim) != 0 || people_waiting(sim) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        if (runner_pending(sim, i) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_same_line(const struct sim_note *a, const struct sim_note *b)
{
    return a->monitor == b->monitor && str_eq(a->recipient, b->recipient);
}

/* The whole line into the trace, for whoever looks for the cause. */
static void trace_word(struct sim *sim, size_t from)
{
    static const char *const kinds[] = {"alert", "reminder", "recovery", "closed"};
    static const char *const states[] = {
        [STORE_QUEUED] = "queued",       [STORE_LEASED] = "leased",
        [STORE_SENT] = "sent",           [STORE_DEAD] = "dead",
        [STORE_CANCELLED] = "cancelled", [STORE_COLLAPSED] = "collapsed"};
    for (size_t i = from; i < sim->note_count; i++) {
        const struct sim_note *note = &sim->notes[i];
        if (is_same_line(&sim->notes[from], note)) {
            sim_trace(sim, "word: %llu of incident %llu %s%s is %s, copies %d",
                      (unsigned long long)note->id, (unsigned long long)note->incident,
                      kinds[note->kind], note->is_collapsed ? " for its alert" : "",
                      states[note->status], note->copies);
        }
    }
}

/* I5: one line of one recipient, from its first notification on. */
static void check_word(struct sim *sim, size_t from)
{
    const struct sim_note *first = &sim->notes[from];
    bool is_told = false;
    uint64_t last_at = 0;
    uint64_t incident = first->incident;
    bool is_hushed = false;
    for (size_t i = from; i < sim->note_count; i++) {
        const struct sim_note *note = &sim->notes[i];
        if (!is_same_line(first, note)) {
            continue;
        }
        is_told = is_told && (note->incident == incident || !is_hushed);
        incident = note->incident;
        is_hushed = note->is_hushed && !is_to_pagerduty(note);
        if (note->copies > 0 && note->first_at < last_at) {
            sim_fail(sim, "I5", "%s heard %llu before the end of what came before it",
                     note->recipient, (unsigned long long)note->id);
        }
        last_at = note->copies > 0 ? note->last_at : last_at;
        if (note->status == STORE_CANCELLED || note->status == STORE_COLLAPSED) {
            continue;
        }
        bool is_end = note->kind == CORE_KIND_RECOVERY || note->kind == CORE_KIND_CLOSED;
        bool is_wrong = note->kind == CORE_KIND_ALERT ? is_told
                        : note->is_collapsed          ? is_told
                                                      : !is_told;
        if (is_wrong) {
            sim_fail(sim, "I5", "%s of monitor %u: %llu (kind %d, collapsed %d) does not fit",
                     note->recipient, note->monitor, (unsigned long long)note->id, (int)note->kind,
                     note->is_collapsed);
        }
        if (note->kind == CORE_KIND_ALERT) {
            is_told = note->status != STORE_DEAD;
        }
        is_told = is_told && !is_end;
    }
    const struct sim_oracle *o = &sim->oracles[first->monitor % SIM_MONITORS];
    if (sim->has_failed) {
        trace_word(sim, from);
    }
    if (is_told && !o->is_alert && !is_hushed) {
        sim_fail(sim, "I5", "%s of monitor %u was never told of the end", first->recipient,
                 first->monitor);
        trace_word(sim, from);
    }
}

static int count_row(void *ctx, const void *row)
{
    (void)row;
    (*(int *)ctx)++;
    return TC_OK;
}

/* I6: delivered, or dead with an alert of its own. */
static void check_delivered(struct sim *sim, const struct sim_note *note)
{
    if (note->status == STORE_SENT && note->copies == 0) {
        sim_fail(sim, "I6", "%llu counts as sent and never was", (unsigned long long)note->id);
    } else if (note->status == STORE_DEAD) {
        char name[64] = "internal:channel/";
        int found = 0;
        struct err err = ERR_INIT;
        size_t size = strcspn(note->recipient, ":");
        memcpy(name + strlen(name), note->recipient, size);
        struct store_filter filter = {.text = name};
        (void)store_read(sim->store, STORE_MONITORS_NAMED, &filter, count_row, &found, &err);
        sim->cover->dead++;
        if (found == 0) {
            sim_fail(sim, "I6", "%llu is dead and nobody was alarmed",
                     (unsigned long long)note->id);
        }
    } else if (note->status == STORE_QUEUED || note->status == STORE_LEASED) {
        sim_fail(sim, "I11", "%llu is not delivered in the quiet", (unsigned long long)note->id);
    }
    if (note->status == STORE_CANCELLED && note->kind == CORE_KIND_ALERT && note->is_recovered &&
        !is_to_pagerduty(note)) {
        sim_fail(sim, "I5", "%llu was taken back by a recovery that %s was not told of",
                 (unsigned long long)note->id, note->recipient);
    }
    sim->cover->collapsed += note->is_collapsed ? 1 : 0;
}

/* I7: no page for what is well; a resolve that died leaves one, and has its alert. */
static void check_page(struct sim *sim, const struct sim_note *note)
{
    const struct sim_oracle *o = &sim->oracles[note->monitor % SIM_MONITORS];
    if (o->is_alert || !sink_has_page(sim, note->incident, strchr(note->recipient, ':') + 1)) {
        return;
    }
    for (size_t i = 0; i < sim->note_count; i++) {
        const struct sim_note *other = &sim->notes[i];
        bool is_end = other->kind == CORE_KIND_RECOVERY || other->kind == CORE_KIND_CLOSED;
        bool is_of_it = other->incident == note->incident && is_same_line(other, note);
        if (is_of_it && other->status == STORE_DEAD && (is_end || other->copies > 0)) {
            return;
        }
    }
    sim_fail(sim, "I7", "%s still has a page of incident %llu, monitor %u is well", note->recipient,
             (unsigned long long)note->incident, note->monitor);
}

void final_check(struct sim *sim)
{
    if (sim->has_failed) {
        return;
    }
    watch_refresh_notes(sim);
    if (!final_is_quiet(sim)) {
        sim_fail(sim, "I11", "no rest: %zu deliveries, %zu commands, router %s",
                 router_unfinished(sim), people_waiting(sim), router_is_up(sim) ? "up" : "down");
    }
    truth_check(sim);
    for (size_t i = 0; i < sim->note_count && !sim->has_failed; i++) {
        const struct sim_note *note = &sim->notes[i];
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++) {
            is_first = !is_same_line(&sim->notes[j], note);
        }
        if (is_first) {
            check_word(sim, i);
        }
        check_delivered(sim, note);
        if (is_to_pagerduty(note)) {
            check_page(sim, note);
        }
    }
}
