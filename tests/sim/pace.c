/* When a delivery may go out (I12): not before it is due, not while its recipient's service asked for
 * a pause, no reminder whose end is decided. Called by watch.c for each row of Notifications. */
#include <stdio.h>

#include "lib/base/str.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

/* Whether the router worked all the time since an instant: else it may know less. */
static bool is_remembered(const struct sim *sim, int64_t since_ms)
{
    return since_ms > 0 && router_steady_ms(sim) >= sim->mono_ms - since_ms;
}

static void check_pauses(struct sim *sim, const struct sim_note *note)
{
    for (size_t i = 0; i < sim->pause_count; i++) {
        const struct sim_pause *pause = &sim->pauses[i];
        if (str_eq(pause->recipient, note->recipient) && sim->mono_ms < pause->until_ms &&
            pause->since_ms < sim->mono_ms && is_remembered(sim, pause->since_ms)) {
            sim_fail(sim, "I12", "delivery %llu goes to %s, whose service asked for a pause",
                     (unsigned long long)note->id, note->recipient);
        }
    }
}

static void pause_recipient(struct sim *sim, const struct sim_note *note)
{
    size_t at = 0;
    while (at < sim->pause_count && !str_eq(sim->pauses[at].recipient, note->recipient)) {
        at++;
    }
    if (at == SIM_PAUSES) {
        return;
    }
    sim->pause_count += at == sim->pause_count ? 1 : 0;
    sim->pauses[at].since_ms = sim->mono_ms;
    sim->pauses[at].until_ms = note->due_ms;
    (void)snprintf(sim->pauses[at].recipient, sizeof(sim->pauses[at].recipient), "%s",
                   note->recipient); /* as long */
}

void pace_note(struct sim *sim, struct sim_note *note, int status, int64_t next_utc_ms)
{
    if (status == STORE_LEASED && note->status == STORE_QUEUED) {
        if (sim->mono_ms < note->due_ms && is_remembered(sim, note->due_since_ms)) {
            sim_fail(sim, "I12", "delivery %llu goes out %lld ms before it is due",
                     (unsigned long long)note->id, (long long)(note->due_ms - sim->mono_ms));
        }
        check_pauses(sim, note);
    }
    if (status == STORE_QUEUED && next_utc_ms != note->next_utc_ms) {
        note->next_utc_ms = next_utc_ms;
        note->due_since_ms = sim->mono_ms;
        note->due_ms = sim->mono_ms + next_utc_ms - sim_utc_ms(sim);
        if (note->is_throttled) {
            pause_recipient(sim, note);
        }
    }
}

void pace_end(struct sim *sim, const struct sim_note *end)
{
    for (size_t i = 0;
         end->kind != CORE_KIND_ALERT && end->kind != CORE_KIND_REMINDER && i < (size_t)end->id - 1;
         i++) {
        const struct sim_note *note = &sim->notes[i];
        if (note->kind == CORE_KIND_REMINDER && note->status == STORE_QUEUED &&
            note->incident == end->incident && str_eq(note->recipient, end->recipient)) {
            sim_fail(sim, "I12", "reminder %llu is still to be sent, and its end %llu is decided",
                     (unsigned long long)note->id, (unsigned long long)end->id);
        }
    }
}
