/* Retry times as arithmetic on the creation time, after OpenSMTPD's scheduler: a restart or a step
 * of the clock does not reset the curve. Called by the outbox and by whatever reconnects. */
#include "lib/base/backoff.h"

#include <stddef.h>

#include "lib/base/assert.h"

/* A well-mixed number of two (the finaliser of SplitMix64). */
static uint64_t mixed(uint64_t id, uint32_t attempt)
{
    uint64_t x = id + (uint64_t)attempt * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void assert_valid(const struct backoff *backoff)
{
    TC_ASSERT(backoff != NULL);
    TC_ASSERT(backoff->base_ms > 0);
    TC_ASSERT(backoff->factor >= 1);
    TC_ASSERT(backoff->cap_ms >= backoff->base_ms);
    TC_ASSERT(backoff->lifetime_ms > 0);
    TC_ASSERT(backoff->jitter_percent >= 0);
    TC_ASSERT(backoff->jitter_percent <= 100);
}

int64_t backoff_wait_ms(const struct backoff *backoff, uint32_t attempts, uint64_t id)
{
    assert_valid(backoff);
    TC_ASSERT(attempts >= 1);
    int64_t wait_ms = backoff->base_ms;
    for (uint32_t i = 1; i < attempts && backoff->factor > 1 && wait_ms < backoff->cap_ms; i++) {
        wait_ms = wait_ms > backoff->cap_ms / backoff->factor ? backoff->cap_ms
                                                              : wait_ms * backoff->factor;
    }
    uint64_t jitter_max = (uint64_t)wait_ms / 100 * (uint64_t)backoff->jitter_percent;
    return wait_ms - (int64_t)(mixed(id, attempts) % (jitter_max + 1));
}

int64_t backoff_next_utc_ms(const struct backoff *backoff, int64_t created_utc_ms,
                            uint32_t attempts, uint64_t id, int64_t now_utc_ms)
{
    assert_valid(backoff);
    int64_t last_utc_ms = created_utc_ms + backoff->lifetime_ms;
    int64_t next_utc_ms = created_utc_ms;
    for (uint32_t i = 1; i <= attempts && next_utc_ms <= last_utc_ms; i++) {
        next_utc_ms += backoff_wait_ms(backoff, i, id);
    }
    int64_t wait_ms = backoff_wait_ms(backoff, attempts, id);
    if (next_utc_ms < now_utc_ms || next_utc_ms > now_utc_ms + wait_ms) {
        next_utc_ms = now_utc_ms + wait_ms;
    }
    return next_utc_ms > last_utc_ms ? BACKOFF_GIVE_UP : next_utc_ms;
}
