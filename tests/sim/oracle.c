/* SPEC section 1 for one monitor, written from its text alone and never from router/core. It says
 * what state follows and who must be told; tests/sim/watch.c feeds it in the order of the audit. */
#include "tests/sim/parts.h"

enum {
    MINUTE_MS = 60 * 1000,
};

static void count_hit(struct sim *sim, const struct sim_oracle *o, enum oracle_event event)
{
    int guard = o->is_acked ? 1 : o->oks + o->fails > 0 ? 2 : 0;
    sim->cover->oracle[o->is_alert][event][guard]++;
}

static bool is_over(int64_t until_ms, int64_t now_ms)
{
    return until_ms >= 0 && until_ms <= now_ms;
}

static void forget_ack(struct sim_oracle *o)
{
    o->is_acked = false;
    o->ack_until_ms = -1;
    o->keep_minutes = 0;
}

/* SPEC 1.4: a window that was begun by a run counts from its scheduled time to that of this run. */
static bool has_window_passed(struct sim *sim, struct sim_oracle *o, int64_t now_ms,
                              int64_t scheduled_ms)
{
    if (o->last_ms < 0) {
        return true;
    }
    if (o->last_ms > now_ms) { /* "counts as now: it is replaced by now" */
        o->last_ms = now_ms;
        o->last_scheduled_ms = -1;
    }
    bool has_both = scheduled_ms >= 0 && o->last_scheduled_ms >= 0;
    int64_t passed = has_both
                         ? (scheduled_ms < now_ms ? scheduled_ms : now_ms) - o->last_scheduled_ms
                         : now_ms - o->last_ms;
    int64_t window = (int64_t)o->window_minutes * MINUTE_MS;
    if (window == 0) { /* "A window of 0 means every failing run" */
        return true;
    }
    sim->cover->edges += passed >= window - 1 && passed <= window + 1 ? 1 : 0;
    return passed >= window;
}

static enum oracle_wish fail_once(struct sim *sim, struct sim_oracle *o, int64_t now_ms,
                                  int64_t scheduled_ms)
{
    o->oks = 0;
    if (!o->is_alert) {
        if (++o->fails < (o->need_fails == 0 ? 1 : o->need_fails)) {
            return WISH_NOTHING;
        }
        o->fails = 0;
        o->is_alert = true;
        bool is_reopened = o->is_kept && !is_over(o->kept_until_ms, now_ms) &&
                           now_ms <= o->closed_ms + (int64_t)o->keep_minutes * MINUTE_MS;
        o->is_kept = false;
        o->is_told = false;
        if (is_reopened) {
            o->is_acked = true;
            o->ack_until_ms = o->kept_until_ms;
            return WISH_NOTHING;
        }
        forget_ack(o);
        return WISH_FAILING;
    }
    if (o->is_acked && is_over(o->ack_until_ms, now_ms)) {
        forget_ack(o);
    }
    bool is_due = has_window_passed(sim, o, now_ms, scheduled_ms) || !o->is_told;
    return is_due && !o->is_acked ? WISH_FAILING : WISH_NOTHING;
}

static enum oracle_wish succeed_once(struct sim_oracle *o, int64_t now_ms)
{
    o->fails = 0;
    if (!o->is_alert || ++o->oks < (o->need_oks == 0 ? 1 : o->need_oks)) {
        return WISH_NOTHING;
    }
    o->oks = 0;
    o->is_alert = false;
    if (o->is_acked && is_over(o->ack_until_ms, now_ms)) {
        forget_ack(o);
    }
    o->is_kept = o->is_acked && o->keep_minutes > 0;
    o->kept_until_ms = o->ack_until_ms;
    o->is_acked = false;
    o->ack_until_ms = -1;
    o->closed_ms = now_ms;
    return WISH_END;
}

enum oracle_wish oracle_result(struct sim *sim, uint32_t monitor, enum oracle_event event,
                               int64_t now_ms, int64_t scheduled_ms)
{
    struct sim_oracle *o = &sim->oracles[monitor];
    count_hit(sim, o, event);
    return event == ORACLE_OK ? succeed_once(o, now_ms) : fail_once(sim, o, now_ms, scheduled_ms);
}

enum oracle_wish oracle_reset(struct sim *sim, uint32_t monitor)
{
    struct sim_oracle *o = &sim->oracles[monitor];
    count_hit(sim, o, ORACLE_RESET);
    bool was_alert = o->is_alert;
    o->is_alert = o->is_kept = false;
    o->oks = o->fails = 0;
    o->last_ms = o->last_scheduled_ms = -1;
    forget_ack(o);
    return was_alert ? WISH_CLOSED : WISH_NOTHING;
}

bool oracle_ack(struct sim *sim, uint32_t monitor, const struct sim_command *command,
                int64_t now_ms)
{
    struct sim_oracle *o = &sim->oracles[monitor];
    count_hit(sim, o, ORACLE_ACK);
    if (!o->is_alert || (command->expires_ms != CORE_NEVER && command->expires_ms <= now_ms)) {
        return false;
    }
    o->is_acked = true;
    o->ack_until_ms = command->expires_ms == CORE_NEVER ? -1 : command->expires_ms;
    o->keep_minutes = command->keep_minutes;
    return true;
}

bool oracle_unack(struct sim *sim, uint32_t monitor)
{
    struct sim_oracle *o = &sim->oracles[monitor];
    count_hit(sim, o, ORACLE_UNACK);
    bool was_there = o->is_acked || o->is_kept;
    o->is_kept = false;
    forget_ack(o);
    return was_there;
}

void oracle_timer(struct sim *sim, uint32_t monitor, int64_t now_ms)
{
    struct sim_oracle *o = &sim->oracles[monitor];
    count_hit(sim, o, ORACLE_TIMER);
    if (o->is_acked && is_over(o->ack_until_ms, now_ms)) {
        forget_ack(o);
    }
    o->is_kept = o->is_kept && !is_over(o->kept_until_ms, now_ms);
}

void oracle_told(struct sim_oracle *o, enum core_kind kind, int64_t now_ms, int64_t scheduled_ms)
{
    o->last_ms = now_ms;
    o->last_scheduled_ms = scheduled_ms < 0 || scheduled_ms < now_ms ? scheduled_ms : now_ms;
    o->last_kind = kind;
    o->is_told = kind != CORE_KIND_RECOVERY;
}
