/* Results from a real spool over a transport that loses, doubles and delays, to a router that keeps to
 * the rule of acceptance: each arrives once, in order. No sockets, no clock. */
#include "runner/publish.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "proto/messages.h"
#include "runner/spool.h"
#include "tests/support/test.h"

enum {
    ROUNDS = 4000,
    WIRE_MAX = 512,
    NOW = 1000,
};

struct world {
    struct spool *spool;
    struct publish publish;
    uint64_t random;
    struct spool_result wire[WIRE_MAX]; /* without bodies */
    size_t wire_count;
    uint64_t mark;
    uint64_t applied;
    uint64_t blocked;
};

static const struct spool_limits limits = {
    .bytes_max = 1 << 30, .age_ms_max = INT64_MAX / 2, .grace_ms = 3600 * 1000};

static uint64_t draw(struct world *w, uint64_t bound)
{
    w->random = w->random * 6364136223846793005U + 1442695040888963407U;
    return (w->random >> 33) % bound;
}

static int transport(void *ctx, const struct spool_result *result)
{
    struct world *w = ctx;
    if (w->wire_count == WIRE_MAX || draw(w, 20) == 0) {
        w->blocked++;
        return TC_EAGAIN;
    }
    if (draw(w, 30) != 0) { /* else lost */
        w->wire[w->wire_count++] = *result;
    }
    return TC_OK;
}

static void welcome(struct world *w)
{
    struct message_runner_welcome message = {.spool_rank = 1, .mark = w->mark, .window = 64};
    bool is_renewed = true;
    assert_int_equal(publish_welcome(&w->publish, &message, NOW, &is_renewed, NULL), TC_OK);
    assert_false(is_renewed);
}

/* The router reads some of the wire, perhaps twice, and answers; answers get lost as well. */
static void route(struct world *w)
{
    size_t count = (size_t)draw(w, w->wire_count + 1);
    bool is_gap = false;
    for (size_t i = 0; i < count; i++) {
        switch (window_accept(w->wire[i].seq, w->wire[i].prev, w->mark)) {
        case ACCEPT_APPLY:
            assert_true(w->wire[i].seq == w->mark + 1); /* nothing was dropped by overflow here */
            w->mark = w->wire[i].seq;
            w->applied++;
            break;
        case ACCEPT_DUPLICATE:
            break;
        case ACCEPT_GAP:
            is_gap = true;
            break;
        }
    }
    if (draw(w, 5) != 0) {
        memmove(w->wire, w->wire + count, (w->wire_count - count) * sizeof(w->wire[0]));
        w->wire_count -= count;
    }
    if (count == 0 || draw(w, 4) == 0) {
        return;
    }
    if (is_gap) {
        assert_int_equal(publish_resend(&w->publish, w->mark, NOW, NULL), TC_OK);
    } else {
        assert_int_equal(publish_ack(&w->publish, w->mark, NOW, NULL), TC_OK);
    }
}

static void turn(struct world *w, bool may_append)
{
    static const struct spool_body body = {.json = "{}", .size = 2, .created_utc_ms = NOW};
    uint64_t seq = 0;
    bool is_blocked = false;
    for (uint64_t i = draw(w, 3); may_append && i > 0; i--) {
        assert_int_equal(spool_append(w->spool, 1, true, &body, &seq, NULL), TC_OK);
    }
    assert_int_equal(spool_commit(w->spool, NOW, NULL), TC_OK);
    assert_int_equal(publish_send(&w->publish, &is_blocked, NULL), TC_OK);
    route(w);
    if (draw(w, 100) == 0) { /* the connection breaks: what was on the wire is gone */
        w->wire_count = 0;
        publish_down(&w->publish);
        welcome(w);
    } else if (draw(w, 50) == 0 && publish_on_way(&w->publish) > 0) {
        publish_again(&w->publish);
    }
}

static void test_each_result_arrives_once_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world w = {.random = seed};
        struct spool_opening opening;
        struct spool_stats stats;
        assert_int_equal(spool_open(":memory:", &limits, NOW, &w.spool, &opening, NULL), TC_OK);
        w.publish = (struct publish){.spool = w.spool, .send = transport, .ctx = &w};
        welcome(&w);
        for (int i = 0; i < ROUNDS; i++) {
            turn(&w, i < ROUNDS / 2);
        }
        assert_int_equal(spool_stats(w.spool, &stats, NULL), TC_OK);
        assert_true(stats.last > ROUNDS / 3);
        assert_int_equal(w.mark, stats.last);
        assert_int_equal(w.applied, stats.last);
        assert_true(w.blocked > 0);
        w.spool = spool_close(w.spool);
    }
}

static void test_a_router_that_knows_more_makes_the_spool_new(void **state)
{
    (void)state;
    struct world w = {.random = 1};
    struct spool_opening opening;
    struct spool_stats before;
    struct spool_stats after;
    struct message_runner_welcome message = {.spool_rank = 1, .mark = 77, .window = 64};
    bool is_renewed = false;
    assert_int_equal(spool_open(":memory:", &limits, NOW, &w.spool, &opening, NULL), TC_OK);
    w.publish = (struct publish){.spool = w.spool, .send = transport, .ctx = &w};
    assert_int_equal(spool_stats(w.spool, &before, NULL), TC_OK);
    assert_int_equal(publish_welcome(&w.publish, &message, NOW, &is_renewed, NULL), TC_OK);
    assert_int_equal(spool_stats(w.spool, &after, NULL), TC_OK);
    assert_true(is_renewed);
    assert_true(before.id != after.id);
    assert_int_equal(publish_on_way(&w.publish), 0);
    w.spool = spool_close(w.spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_result_arrives_once_in_order),
        cmocka_unit_test(test_a_router_that_knows_more_makes_the_spool_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
