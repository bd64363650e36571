/* Publishing in a window and accepting in order. */
#include "proto/link/window.h"

#include "tests/support/test.h"

static void test_acceptance(void **state)
{
    (void)state;
    static const struct {
        uint64_t seq;
        uint64_t prev;
        uint64_t mark;
        enum accept answer;
    } rows[] = {
        {1, 0, 0, ACCEPT_APPLY},          {2, 1, 1, ACCEPT_APPLY}, {1, 0, 1, ACCEPT_DUPLICATE},
        {1, 0, 9, ACCEPT_DUPLICATE},      {3, 2, 1, ACCEPT_GAP},   {9, 1, 1, ACCEPT_APPLY},
        {9, 0, 1, ACCEPT_APPLY},          {9, 4, 1, ACCEPT_GAP},   {9, 4, 5, ACCEPT_APPLY},
        {UINT64_MAX, 5, 5, ACCEPT_APPLY},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        assert_int_equal(window_accept(rows[i].seq, rows[i].prev, rows[i].mark), rows[i].answer);
    }
}

static uint64_t fill(struct window *w, uint64_t next)
{
    while (window_has_room(w)) {
        window_sent(w, next++);
    }
    return next;
}

static void test_the_window_grows_when_acknowledged_and_halves_at_a_resend(void **state)
{
    (void)state;
    struct window w;
    window_open(&w, 10, 2000);
    uint64_t next = fill(&w, 11);
    assert_int_equal(w.on_way, WINDOW_MIN);
    assert_int_equal(window_ack(&w, next), TC_EPROTO);
    assert_int_equal(window_ack(&w, next - 1), TC_OK);
    assert_int_equal(w.on_way, 0);
    assert_int_equal(w.size, 96);
    for (int i = 0; i < 20; i++) {
        next = fill(&w, next);
        assert_int_equal(window_ack(&w, next - 1), TC_OK);
    }
    assert_int_equal(w.size, WINDOW_MAX);
    next = fill(&w, next);
    window_resend(&w, 5);
    assert_int_equal(w.mark, 5);
    assert_int_equal(w.sent, 5);
    assert_int_equal(w.size, WINDOW_MAX / 2);
    assert_true(window_has_room(&w));
    window_close(&w);
    assert_false(window_has_room(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acceptance),
        cmocka_unit_test(test_the_window_grows_when_acknowledged_and_halves_at_a_resend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
