/* The outbox index against a naive model (a plain array searched from end to end), driven by random
 * operations, and its corner cases by hand. */
#include "router/outbox/outbox.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/support/test.h"

enum {
    MODEL_MAX = 400,
};

struct model {
    struct outbox_item items[MODEL_MAX];
    size_t count;
    int64_t pauses[4]; /* of recipient email:0 ... email:3 */
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static struct outbox_item item_of(uint64_t id, uint32_t monitor_id, unsigned recipient)
{
    struct outbox_item item = {.id = id,
                               .incident_id = monitor_id * 10U + 1U,
                               .monitor_id = monitor_id,
                               .leased_until_utc_ms = CORE_NEVER};
    (void)snprintf(item.recipient, sizeof(item.recipient), "email:%u", recipient);
    return item;
}

static int64_t model_ready(const struct model *model, const struct outbox_item *item)
{
    int64_t pause = model->pauses[item->recipient[6] - '0'];
    int64_t ready =
        item->due_utc_ms > item->leased_until_utc_ms ? item->due_utc_ms : item->leased_until_utc_ms;
    return ready > pause ? ready : pause;
}

static bool model_is_head(const struct model *model, size_t place)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->items[i].id < model->items[place].id &&
            model->items[i].monitor_id == model->items[place].monitor_id &&
            str_eq(model->items[i].recipient, model->items[place].recipient)) {
            return false;
        }
    }
    return true;
}

static const struct outbox_item *model_next(const struct model *model, int64_t now)
{
    const struct outbox_item *best = NULL;
    for (size_t i = 0; i < model->count; i++) {
        const struct outbox_item *item = &model->items[i];
        if (!model_is_head(model, i) || model_ready(model, item) > now) {
            continue;
        }
        if (best == NULL || model_ready(model, item) < model_ready(model, best) ||
            (model_ready(model, item) == model_ready(model, best) && item->id < best->id)) {
            best = item;
        }
    }
    return best;
}

static void model_remove(struct model *model, size_t place)
{
    model->items[place] = model->items[--model->count];
}

static void step(struct outbox *outbox, struct model *model, uint64_t *random, uint64_t *id,
                 int64_t now)
{
    size_t place = model->count == 0 ? 0 : next_random(random) % model->count;
    struct outbox_item *some = &model->items[place];
    switch (model->count == 0 ? 0 : next_random(random) % 6) {
    case 0:
    case 1:
        if (model->count < MODEL_MAX) {
            struct outbox_item item = item_of((*id)++, (uint32_t)(next_random(random) % 5) + 1,
                                              (unsigned)(next_random(random) % 4));
            item.due_utc_ms = now + (int64_t)(next_random(random) % 20);
            model->items[model->count++] = item;
            outbox_add(outbox, &item);
        }
        break;
    case 2:
        outbox_remove(outbox, some->id);
        model_remove(model, place);
        break;
    case 3:
        some->leased_until_utc_ms = now + (int64_t)(next_random(random) % 30);
        some->attempts++;
        outbox_lease(outbox, some->id, some->leased_until_utc_ms);
        break;
    case 4:
        some->due_utc_ms = now + (int64_t)(next_random(random) % 50);
        some->leased_until_utc_ms = CORE_NEVER;
        outbox_postpone(outbox, some->id, some->due_utc_ms);
        break;
    default:
        model->pauses[some->recipient[6] - '0'] = now + (int64_t)(next_random(random) % 10);
        outbox_pause(outbox, some->recipient, model->pauses[some->recipient[6] - '0']);
        break;
    }
}

static void test_agrees_with_a_naive_model(void **state)
{
    (void)state;
    static struct model model;
    struct outbox *outbox = outbox_new();
    uint64_t random = 42;
    uint64_t id = 1;
    for (int64_t now = 0; now < 20000; now++) {
        step(outbox, &model, &random, &id, now);
        const struct outbox_item *expected = model_next(&model, now);
        const struct outbox_item *found = outbox_next(outbox, "email", now);
        assert_int_equal(expected == NULL, found == NULL);
        if (expected != NULL) {
            assert_int_equal(expected->id, found->id);
            assert_int_equal(expected->attempts, found->attempts);
        } else {
            int64_t ready = outbox_ready_utc_ms(outbox, "email");
            assert_true(ready == CORE_NEVER ? model.count == 0 : model_next(&model, ready) != NULL);
        }
        assert_int_equal(outbox_count(outbox), model.count);
        assert_int_equal(outbox_count_of_channel(outbox, "email"), model.count);
    }
    assert_true(id > 3000);
    assert_null(outbox_free(outbox));
}

static void test_a_retry_holds_up_only_its_own_line(void **state)
{
    (void)state;
    struct outbox *outbox = outbox_new();
    for (uint64_t id = 1; id <= 3; id++) {
        struct outbox_item item = item_of(id, 1, id == 3 ? 2 : 1);
        outbox_add(outbox, &item);
    }
    outbox_postpone(outbox, 1, 5000);
    assert_int_equal(outbox_next(outbox, "email", 0)->id, 3);
    outbox_lease(outbox, 3, 9000);
    assert_null(outbox_next(outbox, "email", 4999));
    assert_int_equal(outbox_ready_utc_ms(outbox, "email"), 5000);
    assert_int_equal(outbox_next(outbox, "email", 5000)->id, 1);
    assert_null(outbox_free(outbox));
}

static void test_waits_as_long_as_before_when_the_clock_steps(void **state)
{
    (void)state;
    struct outbox *outbox = outbox_new();
    for (uint64_t id = 1; id <= 3; id++) {
        struct outbox_item item = item_of(id, (uint32_t)id, (unsigned)id);
        item.created_utc_ms = 1000;
        outbox_add(outbox, &item);
    }
    outbox_postpone(outbox, 1, 5000);
    outbox_lease(outbox, 2, 9000);
    outbox_pause(outbox, "email:3", 7000);
    outbox_shift(outbox, -100000);
    assert_null(outbox_next(outbox, "email", 5000 - 100001));
    assert_int_equal(outbox_next(outbox, "email", 5000 - 100000)->id, 1);
    assert_int_equal(outbox_find(outbox, 1)->created_utc_ms, 1000 - 100000);
    assert_int_equal(outbox_find(outbox, 1)->leased_until_utc_ms, CORE_NEVER);
    outbox_remove(outbox, 1);
    assert_int_equal(outbox_ready_utc_ms(outbox, "email"), 7000 - 100000);
    outbox_remove(outbox, 3);
    assert_int_equal(outbox_ready_utc_ms(outbox, "email"), 9000 - 100000);
    outbox_shift(outbox, 200000);
    assert_int_equal(outbox_ready_utc_ms(outbox, "email"), 9000 + 100000);
    assert_null(outbox_free(outbox));
}

static void note_id(void *ctx, const struct outbox_item *item)
{
    uint64_t *sum = ctx;
    *sum = *sum * 10 + item->id;
}

static void test_tells_the_notifications_of_an_incident_in_order(void **state)
{
    (void)state;
    struct outbox *outbox = outbox_new();
    for (uint64_t id = 1; id <= 6; id++) {
        struct outbox_item item = item_of(id, id % 2 == 0 ? 1 : 2, (unsigned)id % 4);
        outbox_add(outbox, &item);
    }
    outbox_remove(outbox, 4);
    uint64_t ids = 0;
    outbox_each_of_incident(outbox, 11, note_id, &ids);
    assert_int_equal(ids, 26);
    ids = 0;
    outbox_each_of_incident(outbox, 99, note_id, &ids);
    assert_int_equal(ids, 0);
    assert_null(outbox_free(outbox));
    assert_null(outbox_free(NULL));
}

static void test_splits_a_recipient(void **state)
{
    (void)state;
    char channel[OUTBOX_CHANNEL_BYTES];
    assert_string_equal(outbox_split("slack:#ops", channel), "#ops");
    assert_string_equal(channel, "slack");
    assert_string_equal(outbox_split("email:a:b@c", channel), "a:b@c");
    assert_null(outbox_split("nochannel", channel));
    assert_null(outbox_split(":x", channel));
    assert_null(outbox_split("a-channel-name-of-thirty-two-byte:x", channel));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_a_naive_model),
        cmocka_unit_test(test_a_retry_holds_up_only_its_own_line),
        cmocka_unit_test(test_waits_as_long_as_before_when_the_clock_steps),
        cmocka_unit_test(test_tells_the_notifications_of_an_incident_in_order),
        cmocka_unit_test(test_splits_a_recipient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
