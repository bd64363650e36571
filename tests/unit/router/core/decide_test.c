/* Each cell of the state machine and the rules around it, in the words of docs/spec.md section 1;
 * who is told what is in tell_test.c. */
#include "router/core/decide.h"

#include "lib/base/err.h"
#include "tests/core/act.h"

static struct world w;

static void act(enum world_op op, int64_t after_ms, int64_t run)
{
    struct core_event event;

    w.now += after_ms;
    event = world_event(&w, op, run);
    world_decide(&w, &event);
}

static void begin(uint32_t oks, uint32_t failures, uint32_t minutes)
{
    world_begin(&w, oks, failures, minutes);
}

static void expect(enum core_reason reason, enum core_state state, uint32_t oks, uint32_t failures)
{
    assert_int_equal(w.plan.reason, reason);
    assert_int_equal(w.monitor.state, state);
    assert_int_equal(w.monitor.ok_count, oks);
    assert_int_equal(w.monitor.failure_count, failures);
}

static void expect_waiting(int who, const char *letters)
{
    char got[WORLD_QUEUE + 1];

    world_letters(&w.boxes[who], got);
    assert_string_equal(got, letters);
}

static bool has_note(enum core_reason reason)
{
    for (size_t i = 0; i < w.plan.note_count; i++) {
        if (w.plan.notes[i].reason == reason) {
            return true;
        }
    }
    return false;
}

static void ok_in_ok_is_silent(void **state)
{
    (void)state;
    begin(2, 1, 60);
    for (uint32_t need = 1; need <= 2; need++) {
        w.monitor.required_oks = need;
        act(OP_OK, 0, -1);
        expect(CORE_REASON_STAYS_OK, CORE_OK, 0, 0);
    }
    assert_int_equal(w.plan.run, CORE_RUN_APPLIED);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_NONE);
    assert_false(w.plan.is_monitor_changed);
    expect_waiting(0, "");
}

/* SPEC 1.1 "Nothing damps the alarm side by default." */
static void failure_in_ok_alerts_at_once(void **state)
{
    (void)state;
    begin(2, 1, 60);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_OPEN);
    assert_int_equal(w.plan.incident.end, CORE_END_OPEN);
    assert_int_equal(w.plan.incident.opened_utc_ms, w.now);
    assert_true(w.plan.incident.closed_utc_ms == CORE_NEVER);
    assert_int_equal(w.plan.incident.notified_utc_ms, w.now);
    assert_true(w.plan.incident.notified_scheduled_utc_ms == CORE_NEVER);
    assert_int_equal(w.plan.incident.reminder_count, 0);
    assert_int_equal(w.plan.incident.ack_keep_minutes, 0);
    assert_true(w.plan.incident.kept_ack_utc_ms == CORE_NEVER);
    assert_true(w.plan.incident.kept_ack_expires_utc_ms == CORE_NEVER);
    assert_true(w.plan.is_monitor_changed);
    assert_int_equal(w.monitor.last_notification_utc_ms, w.now);
    assert_int_equal(w.monitor.last_notification_kind, CORE_KIND_ALERT);
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_ALERT);
    assert_int_equal(w.plan.notifications[0].round, 1);
    expect_waiting(0, "A");
    expect_waiting(1, "A");
}

/* SPEC 1.1 "any OK zeroes its count; in alert it plays no part" */
static void failures_below_the_threshold_are_counted(void **state)
{
    (void)state;
    begin(2, 3, 60);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_FAILURE_COUNTED, CORE_OK, 0, 1);
    assert_true(w.plan.is_monitor_changed);
    act(OP_DEADLINE, 0, -1);
    expect(CORE_REASON_FAILURE_COUNTED, CORE_OK, 0, 2);
    assert_true(has_note(CORE_REASON_DEADLINE_MISSED));
    act(OP_OK, 0, -1);
    expect(CORE_REASON_STAYS_OK, CORE_OK, 0, 0);
    act(OP_FAIL, 0, -1);
    act(OP_FAIL, 0, -1);
    expect_waiting(0, "");
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_STAYS_ALERT, CORE_ALERT, 0, 0);
}

/* SPEC 1.1 "A lowered threshold takes effect at the next result, never by itself." */
static void lowered_thresholds_wait_for_a_result(void **state)
{
    struct core_event edit = {.type = CORE_EVENT_EDIT};

    (void)state;
    begin(5, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_OK, 0, -1);
    act(OP_OK, 0, -1);
    edit.edit.before = w.monitor;
    w.monitor.required_oks = 1;
    world_decide(&w, &edit);
    assert_int_equal(w.monitor.state, CORE_ALERT);
    assert_int_equal(w.monitor.ok_count, 2);
    act(OP_OK, 0, -1);
    expect(CORE_REASON_RECOVERED, CORE_OK, 0, 0);
}

/* SPEC 1.1 "In both thresholds 0 reads as 1." */
static void thresholds_of_zero_are_one(void **state)
{
    (void)state;
    begin(0, 0, 60);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    act(OP_OK, 0, -1);
    expect(CORE_REASON_RECOVERED, CORE_OK, 0, 0);
}

/* SPEC 1.5 "a failure in mid-count resets the count and keeps the acknowledgement" */
static void oks_are_counted_to_the_recovery(void **state)
{
    (void)state;
    begin(3, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_OK, 0, -1);
    expect(CORE_REASON_OK_COUNTED, CORE_ALERT, 1, 0);
    act(OP_ACK, 0, -1);
    expect(CORE_REASON_ACK_SET, CORE_ALERT, 1, 0);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_STAYS_ALERT, CORE_ALERT, 0, 0);
    assert_true(has_note(CORE_REASON_ACKNOWLEDGED));
    act(OP_OK, 0, -1);
    act(OP_OK, 0, -1);
    expect(CORE_REASON_OK_COUNTED, CORE_ALERT, 2, 0);
    act(OP_OK, 0, -1);
    expect(CORE_REASON_RECOVERED, CORE_OK, 0, 0);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_CLOSE);
    assert_int_equal(w.plan.incident.end, CORE_END_RECOVERED);
    assert_int_equal(w.plan.incident.closed_utc_ms, w.now);
    assert_int_equal(w.monitor.acknowledged_utc_ms, CORE_NEVER);
    assert_true(has_note(CORE_REASON_ACK_CLEARED));
}

/* SPEC 1.4 "a reminder exactly at the boundary is due" */
static void windows_compare_decisions_without_a_schedule(void **state)
{
    (void)state;
    begin(2, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_FAIL, 60 * WORLD_MINUTE - 1, -1);
    assert_true(has_note(CORE_REASON_WINDOW_OPEN));
    expect_waiting(0, "A");
    act(OP_FAIL, 1, -1);
    expect_waiting(0, "AR");
    assert_int_equal(w.monitor.last_notification_kind, CORE_KIND_REMINDER);
    assert_int_equal(w.plan.notifications[0].number, 1);
    assert_int_equal(w.plan.notifications[0].round, 2);
    act(OP_FAIL, 60 * WORLD_MINUTE, -1);
    assert_int_equal(w.plan.notifications[0].number, 2);
}

/* SPEC 1.4 "so hourly runs with a 60-minute window remind every hour" */
static void windows_compare_scheduled_times(void **state)
{
    static const int64_t late_ms[] = {900, 100, 700, 0, 3000, 5};
    int64_t hour = 60 * (int64_t)WORLD_MINUTE;
    int64_t first = 0;

    (void)state;
    begin(2, 1, 60);
    first = w.now;
    for (int64_t i = 0; i < (int64_t)TEST_COUNT(late_ms); i++) {
        act(OP_FAIL, first + i * hour + late_ms[i] - w.now, first + i * hour);
    }
    expect_waiting(0, "ARRRRR");
    /* A run by request between them: nothing is due by either measure. */
    act(OP_FAIL, hour - 10, -1);
    expect_waiting(0, "ARRRRR");
    act(OP_FAIL, 0, w.now - 20);
    expect_waiting(0, "ARRRRR");
}

/* SPEC 1.4 "after an edit by hand decision times are compared" */
static void hand_set_times_are_compared_with_now(void **state)
{
    (void)state;
    begin(2, 1, 60);
    act(OP_FAIL, 0, w.now);
    w.monitor.last_notification_utc_ms -= 30 * WORLD_MINUTE;
    act(OP_FAIL, 30 * WORLD_MINUTE, w.now + 1);
    expect_waiting(0, "AR");
    w.monitor.last_notification_utc_ms = CORE_NEVER;
    act(OP_FAIL, 1, -1);
    expect_waiting(0, "ARR");
    assert_int_equal(w.monitor.last_notification_utc_ms, w.now);
}

/* SPEC 2.5 "A time in the database that lies in the future counts as now and is audited." */
static void future_times_count_as_now(void **state)
{
    int64_t began = 0;

    (void)state;
    begin(2, 1, 60);
    began = w.now;
    act(OP_FAIL, 0, w.now + 1000 * WORLD_MINUTE); /* a runner's clock runs ahead */
    assert_int_equal(w.plan.incident.notified_scheduled_utc_ms, began);
    w.monitor.last_notification_utc_ms = w.now + 5000 * WORLD_MINUTE;
    act(OP_FAIL, WORLD_MINUTE, -1);
    assert_true(has_note(CORE_REASON_TIME_IN_FUTURE));
    assert_int_equal(w.monitor.last_notification_utc_ms, began + WORLD_MINUTE);
    act(OP_FAIL, 60 * WORLD_MINUTE - 1, -1);
    assert_false(has_note(CORE_REASON_TIME_IN_FUTURE));
    expect_waiting(0, "A");
    act(OP_FAIL, 1, -1);
    expect_waiting(0, "AR");
}

/* SPEC 1.4 "A window of 0 means every failing run." */
static void window_of_zero_reminds_each_time(void **state)
{
    (void)state;
    begin(2, 1, 0);
    act(OP_FAIL, 0, w.now);
    act(OP_FAIL, 0, w.now);
    assert_false(has_note(CORE_REASON_TIME_IN_FUTURE));
    act(OP_FAIL, 0, w.now - 5);
    expect_waiting(0, "ARR");
}

/* SPEC 1.5 "acknowledging an ok monitor is refused" */
static void acknowledgements_are_refused(void **state)
{
    struct core_event past = {.type = CORE_EVENT_ACKNOWLEDGE};

    (void)state;
    begin(2, 1, 60);
    act(OP_ACK, 0, -1);
    assert_true(w.plan.is_refused);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_REFUSED_OK);
    act(OP_UNACK, 0, -1);
    assert_true(w.plan.is_refused);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_NONE);
    act(OP_FAIL, 0, -1);
    past.acknowledge.expires_utc_ms = w.now;
    world_decide(&w, &past);
    assert_true(w.plan.is_refused);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_REFUSED_PAST);
    past.acknowledge.expires_utc_ms = w.now + 1;
    world_decide(&w, &past);
    assert_false(w.plan.is_refused);
    act(OP_ACK, 0, -1); /* SPEC 1.5 "A second acknowledgement replaces the first" */
    assert_int_equal(w.monitor.ack_expires_utc_ms, CORE_NEVER);
    assert_true(w.plan.is_monitor_changed);
    assert_int_equal(w.plan.run, CORE_RUN_NONE);
    act(OP_UNACK, 0, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_CLEARED);
    assert_true(has_note(CORE_REASON_ACK_CLEARED));
    assert_true(w.plan.is_monitor_changed);
    assert_int_equal(w.monitor.acknowledged_utc_ms, CORE_NEVER);
}

/* SPEC 1.5 "an acknowledgement is over at the instant of its expiry" */
static void acknowledgements_expire(void **state)
{
    (void)state;
    begin(2, 1, 1);
    act(OP_FAIL, 0, -1);
    act(OP_ACK_KEEP, 0, -1); /* expires after three minutes */
    act(OP_TIMER, 3 * WORLD_MINUTE - 1, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_NONE);
    act(OP_FAIL, 0, -1);
    expect_waiting(0, "A");
    act(OP_TIMER, 1, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_EXPIRED);
    assert_true(has_note(CORE_REASON_ACK_EXPIRED));
    assert_int_equal(w.monitor.acknowledged_utc_ms, CORE_NEVER);
    assert_true(w.monitor.ack_expires_utc_ms == CORE_NEVER);
    act(OP_ACK_KEEP, 0, -1);
    act(OP_FAIL, 3 * WORLD_MINUTE, -1); /* before its timer */
    assert_true(has_note(CORE_REASON_ACK_EXPIRED));
    expect_waiting(0, "AR");
    act(OP_ACK_KEEP, 0, -1);
    act(OP_OK, 0, -1);
    act(OP_OK, 3 * WORLD_MINUTE, -1); /* also at the recovery: it is not kept */
    assert_true(has_note(CORE_REASON_ACK_EXPIRED));
    assert_true(w.plan.incident.kept_ack_utc_ms == CORE_NEVER);
}

/* SPEC 1.5 "includes the instant N minutes after the recovery" */
static void kept_acknowledgements_reopen_quietly(void **state)
{
    (void)state;
    begin(1, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_ACK_KEEP, 0, -1); /* for two minutes */
    act(OP_OK, 1, -1);
    assert_true(has_note(CORE_REASON_ACK_KEPT));
    act(OP_FAIL, 2 * WORLD_MINUTE, -1);
    expect(CORE_REASON_REOPENED, CORE_ALERT, 0, 0);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_REOPEN);
    assert_int_equal(w.plan.incident.id, 1);
    assert_true(w.plan.incident.closed_utc_ms == CORE_NEVER);
    assert_true(w.plan.incident.kept_ack_utc_ms == CORE_NEVER);
    assert_true(w.plan.incident.kept_ack_expires_utc_ms == CORE_NEVER);
    assert_true(has_note(CORE_REASON_ACKNOWLEDGED));
    assert_true(w.monitor.acknowledged_utc_ms != CORE_NEVER);
    expect_waiting(0, "c");
    act(OP_UNACK, 0, -1);
    act(OP_FAIL, 0, -1); /* SPEC 1.5 "the next thing that a person hears is ALERT" */
    expect_waiting(0, "cA");
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_ALERT_LATE);

    begin(1, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_ACK_KEEP, 0, -1);
    act(OP_OK, 0, -1);
    act(OP_FAIL, 2 * WORLD_MINUTE + 1, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    assert_int_equal(w.plan.incident.id, 2);
}

/* SPEC 1.5 "or that is taken back then, is no longer kept" */
static void kept_acknowledgements_end(void **state)
{
    (void)state;
    begin(1, 1, 60);
    act(OP_FAIL, 0, -1);
    act(OP_ACK_KEEP, 0, -1);
    act(OP_OK, 0, -1);
    act(OP_UNACK, 0, -1);
    assert_false(w.plan.is_refused);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_CLEARED);
    assert_true(w.plan.incident.kept_ack_utc_ms == CORE_NEVER);
    assert_true(w.plan.incident.kept_ack_expires_utc_ms == CORE_NEVER);
    assert_int_equal(w.plan.incident.ack_keep_minutes, 0);
    act(OP_FAIL, 1, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    act(OP_ACK_KEEP, 0, -1);
    act(OP_OK, 2 * WORLD_MINUTE, -1);
    act(OP_TIMER, WORLD_MINUTE - 1, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_NONE);
    act(OP_TIMER, 1, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_ACK_EXPIRED);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    assert_int_equal(w.plan.incident.id, 3);
}

/* SPEC 1.7 "results that come late are history only" */
static void inactive_monitors_rest(void **state)
{
    (void)state;
    begin(2, 2, 0);
    act(OP_FAIL, 0, -1);
    act(OP_PAUSE, 0, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_PAUSED);
    assert_true(has_note(CORE_REASON_PAUSED));
    assert_int_equal(w.monitor.failure_count, 1);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_INACTIVE, CORE_OK, 0, 1);
    assert_int_equal(w.plan.run, CORE_RUN_HISTORY);
    act(OP_DEADLINE, 0, -1);
    expect(CORE_REASON_INACTIVE, CORE_OK, 0, 1);
    assert_int_equal(w.plan.run, CORE_RUN_NONE);
    act(OP_RESUME, 0, -1);
    assert_int_equal(w.plan.reason, CORE_REASON_RESUMED);
    act(OP_FAIL, 0, -1);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
}

/* SPEC 1.7 "yields a message, an audit record, and no other write" */
static void unknown_monitors_are_refused(void **state)
{
    struct core_event event;

    (void)state;
    begin(2, 1, 60);
    w.view.is_known = false;
    event = world_event(&w, OP_FAIL, -1);
    world_decide(&w, &event);
    assert_true(w.plan.is_refused);
    assert_int_equal(w.plan.reason, CORE_REASON_UNKNOWN_MONITOR);
    assert_int_equal(w.plan.run, CORE_RUN_NONE);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_NONE);
    assert_false(w.plan.is_monitor_changed);
}

/* SPEC 1.11 "its deadlines are recorded as covered: no transition, no notification" */
static void covered_deadlines_change_nothing(void **state)
{
    (void)state;
    begin(2, 1, 60);
    act(OP_COVERED, 0, -1);
    expect(CORE_REASON_COVERED, CORE_OK, 0, 0);
    assert_int_equal(w.plan.run, CORE_RUN_HISTORY);
    act(OP_DEADLINE, 0, w.now);
    expect(CORE_REASON_ALERT_OPENED, CORE_ALERT, 0, 0);
    assert_int_equal(w.plan.run, CORE_RUN_APPLIED);
    assert_int_equal(w.monitor.last_run_utc_ms, CORE_NEVER);
}

/* SPEC 2.2 "A result of an older generation, or older in (spool id, sequence), is history only." */
static void stale_results_are_history(void **state)
{
    struct core_event event;

    (void)state;
    begin(2, 1, 60);
    act(OP_STALE, 0, -1);
    expect(CORE_REASON_STALE_ORDER, CORE_OK, 0, 0);
    assert_int_equal(w.plan.run, CORE_RUN_HISTORY);
    for (uint64_t generation = 1; generation <= 3; generation += 2) {
        event = world_event(&w, OP_FAIL, -1);
        event.result.generation = generation;
        event.result.current_generation = 2;
        world_decide(&w, &event);
        expect(CORE_REASON_STALE_GENERATION, CORE_OK, 0, 0);
        assert_int_equal(w.plan.run, CORE_RUN_HISTORY);
    }
}

/* SPEC 2.8 "a write-back never replaces a NULL that it has not seen" */
static void last_run_is_written_back(void **state)
{
    struct core_event event;

    (void)state;
    begin(2, 1, 60);
    act(OP_OK, 0, -1);
    assert_int_equal(w.monitor.last_run_utc_ms, CORE_NEVER);
    event = world_event(&w, OP_OK, -1);
    event.result.answers_run_request = true;
    event.result.started_utc_ms = w.now + 7; /* a clock ahead */
    world_decide(&w, &event);
    assert_int_equal(w.monitor.last_run_utc_ms, w.now);
    event.result.started_utc_ms = w.now - 1;
    world_decide(&w, &event); /* never goes back */
    assert_int_equal(w.monitor.last_run_utc_ms, w.now);
    w.monitor.last_run_utc_ms = w.now + 1; /* unless it lay in the future */
    world_decide(&w, &event);
    assert_int_equal(w.monitor.last_run_utc_ms, w.now - 1);
    event.result.started_utc_ms = w.now;
    event.result.is_config = true;
    event.result.is_ok = false;
    world_decide(&w, &event);
    assert_int_equal(w.monitor.last_run_utc_ms, w.now);
    assert_true(has_note(CORE_REASON_CONFIG));
}

static void bad_input_is_refused(void **state)
{
    struct core_event event = {.type = CORE_EVENT_DELIVERY};

    (void)state;
    begin(2, 1, 60);
    w.view.monitor = w.monitor;
    event.delivery.step = (enum core_delivery)(CORE_DELIVERY_DEAD + 1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    event.delivery.step = CORE_DELIVERY_DEAD;
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_OK);
    event.delivery.kind = (enum core_kind)(CORE_KIND_CLOSED + 1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    event.type = CORE_EVENT_COUNT_;
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    event.type = CORE_EVENT_TIMER;
    w.view.target_count = LIMIT_RECIPIENTS + 1;
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    w.view.target_count = 0;
    w.view.default_count = LIMIT_RECIPIENTS + 1;
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    w.view.default_count = 0;
    w.view.recipients = (enum core_recipients)(CORE_RECIPIENTS_UNUSABLE + 1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    w.view.recipients = CORE_RECIPIENTS_VALID;
    w.view.monitor.state = (enum core_state)(CORE_ALERT + 1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
    w.view.monitor.state = CORE_OK;
    w.incidents[0].told_count = LIMIT_TOLD + 1;
    w.view.incident = &w.incidents[0];
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), TC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ok_in_ok_is_silent),
        cmocka_unit_test(failure_in_ok_alerts_at_once),
        cmocka_unit_test(failures_below_the_threshold_are_counted),
        cmocka_unit_test(lowered_thresholds_wait_for_a_result),
        cmocka_unit_test(thresholds_of_zero_are_one),
        cmocka_unit_test(oks_are_counted_to_the_recovery),
        cmocka_unit_test(windows_compare_decisions_without_a_schedule),
        cmocka_unit_test(windows_compare_scheduled_times),
        cmocka_unit_test(hand_set_times_are_compared_with_now),
        cmocka_unit_test(future_times_count_as_now),
        cmocka_unit_test(window_of_zero_reminds_each_time),
        cmocka_unit_test(acknowledgements_are_refused),
        cmocka_unit_test(acknowledgements_expire),
        cmocka_unit_test(kept_acknowledgements_reopen_quietly),
        cmocka_unit_test(kept_acknowledgements_end),
        cmocka_unit_test(inactive_monitors_rest),
        cmocka_unit_test(unknown_monitors_are_refused),
        cmocka_unit_test(covered_deadlines_change_nothing),
        cmocka_unit_test(stale_results_are_history),
        cmocka_unit_test(last_run_is_written_back),
        cmocka_unit_test(bad_input_is_refused),
    };

    return cmocka_run_group_tests_name("core decide", tests, NULL, NULL);
}
