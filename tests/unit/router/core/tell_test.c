/* Who is told what, in the words of docs/spec.md 1.3, 1.8, 1.9 and 1.13. */
#include <stdio.h>

#include "router/core/decide.h"
#include "tests/core/act.h"

static struct world w;

enum {
    PERSON,
    PAGER, /* keeps an alert of its own */
    SLACK,
    OPS
};

static void act(enum world_op op, int64_t after_ms)
{
    struct core_event event;

    w.now += after_ms;
    event = world_event(&w, op, -1);
    world_decide(&w, &event);
}

static void deliver(enum world_op op, int who)
{
    assert_true(world_can_deliver(&w, op, who));
    world_deliver(&w, op, who);
}

static void hand_and(enum world_op op, int who)
{
    deliver(OP_HAND, who);
    deliver(op, who);
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

static void begin_failing(void)
{
    world_begin(&w, 1, 1, 60);
    act(OP_FAIL, 0);
}

static void edit(const struct core_monitor *before, bool is_deleted)
{
    struct core_event event = {.type = CORE_EVENT_EDIT};

    event.edit.before = *before;
    event.edit.is_deleted = is_deleted;
    world_decide(&w, &event);
}

/* SPEC 1.3 "Whoever was told that something fails is told once that it ended" */
static void those_told_are_told_of_the_end(void **state)
{
    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    hand_and(OP_SENT, PAGER);
    act(OP_OK, 0);
    expect_waiting(PERSON, "E");
    expect_waiting(PAGER, "E");
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_RECOVERY);
    assert_int_equal(w.monitor.last_notification_kind, CORE_KIND_RECOVERY);
    act(OP_OK, 0);
    act(OP_RESET, 0);
    expect_waiting(PERSON, "E");
}

/* SPEC 1.3 "A recipient removed meanwhile still gets the end, and no reminder" */
static void lists_change_in_mid_incident(void **state)
{
    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    hand_and(OP_SENT, PAGER);
    w.view.targets = world_targets + PAGER; /* the person goes, Slack comes */
    act(OP_FAIL, 60 * WORLD_MINUTE - 1);
    expect_waiting(SLACK, "");
    act(OP_FAIL, 1); /* SPEC 1.3 "one added meanwhile gets ALERT at the next due notification" */
    expect_waiting(PERSON, "");
    expect_waiting(PAGER, "R");
    expect_waiting(SLACK, "A");
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_REMINDER);
    assert_int_equal(w.plan.notifications[1].reason, CORE_REASON_SEND_ALERT_LATE);
    assert_int_equal(w.monitor.last_notification_kind, CORE_KIND_REMINDER);
    hand_and(OP_SENT, SLACK);
    act(OP_OK, 0);
    expect_waiting(PERSON, "E");
    expect_waiting(PAGER, "E");
    expect_waiting(SLACK, "E");
}

/* SPEC 1.5 "neither REMINDER nor the ALERT of one added meanwhile" */
static void acknowledged_adds_nobody(void **state)
{
    (void)state;
    begin_failing();
    act(OP_ACK, 0);
    w.view.target_count = 3;
    act(OP_FAIL, 90 * WORLD_MINUTE);
    expect_waiting(SLACK, "");
    expect_waiting(PERSON, "A");
    act(OP_OK, 0);
    expect_waiting(SLACK, "");
    expect_waiting(PERSON, "c");
}

/* SPEC 1.3 "A recipient whose ALERT died gets a new ALERT when the window has passed" */
static void dead_alerts_count_as_not_told(void **state)
{
    (void)state;
    begin_failing();
    act(OP_FAIL, 60 * WORLD_MINUTE);
    expect_waiting(PERSON, "AR");
    hand_and(OP_DEAD, PERSON);
    assert_int_equal(w.plan.cancels[0].reason, CORE_REASON_NEVER_TOLD);
    expect_waiting(PERSON,
                   ""); /* SPEC 1.3 "reminders queued behind the dead ALERT are cancelled" */
    expect_waiting(PAGER, "AR");
    act(OP_FAIL, 60 * WORLD_MINUTE - 1);
    expect_waiting(PERSON, "");
    act(OP_FAIL, 1);
    expect_waiting(PERSON, "A");
    hand_and(OP_DEAD, PERSON);
    act(OP_OK, 0);
    expect_waiting(PERSON, "");
    assert_true(has_note(CORE_REASON_NEVER_TOLD));
}

/* SPEC 1.3 "the window plays no part: the next unacknowledged failing run tells ALERT" */
static void untold_incidents_do_not_wait(void **state)
{
    (void)state;
    world_begin(&w, 1, 1, 60);
    w.view.recipients = CORE_RECIPIENTS_NOBODY;
    w.monitor.last_notification_utc_ms = w.now;
    act(OP_FAIL, 0);
    assert_true(has_note(CORE_REASON_NOBODY_TO_TELL));
    assert_int_equal(w.plan.incident.round, 0);
    w.view.recipients = CORE_RECIPIENTS_VALID;
    act(OP_FAIL, 1);
    expect_waiting(PERSON, "A");
}

/* SPEC 1.13 "people's channels get one RECOVERED naming the interval, PagerDuty gets neither" */
static void unsent_alerts_collapse(void **state)
{
    (void)state;
    begin_failing();
    act(OP_FAIL, 60 * WORLD_MINUTE);
    hand_and(OP_RETURNED, PERSON);
    act(OP_OK, 0);
    expect_waiting(PERSON, "c");
    expect_waiting(PAGER, "");
    assert_true(has_note(CORE_REASON_CANCELLED));
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_COLLAPSED);
    assert_true(w.plan.notifications[0].is_collapsed);
    for (size_t i = 0; i < w.plan.cancel_count; i++) {
        bool is_told_in_one = w.plan.cancels[i].kind == CORE_KIND_ALERT &&
                              world_who(w.plan.incident.told[w.plan.cancels[i].told].target) == 0;

        assert_int_equal(w.plan.cancels[i].reason,
                         is_told_in_one ? CORE_REASON_SEND_COLLAPSED : CORE_REASON_CANCELLED);
    }
}

/* SPEC 1.13 "it ends as if it had never been in flight" */
static void alerts_that_come_back_late_collapse(void **state)
{
    (void)state;
    begin_failing();
    deliver(OP_HAND, PERSON);
    deliver(OP_HAND, PAGER);
    act(OP_OK, 0);
    expect_waiting(PERSON, "AE");
    act(OP_FAIL, 0); /* SPEC 1.13 "so that it stays before the ALERT of a newer incident" */
    expect_waiting(PERSON, "AEA");
    deliver(OP_RETURNED, PERSON);
    expect_waiting(PERSON, "cA");
    assert_true(has_note(CORE_REASON_SEND_COLLAPSED));
    assert_int_equal(w.plan.cancels[0].reason, CORE_REASON_SEND_COLLAPSED);
    deliver(OP_RETURNED, PAGER);
    expect_waiting(PAGER, "A");
    assert_int_equal(w.plan.cancels[0].reason, CORE_REASON_CANCELLED);

    begin_failing();
    deliver(OP_HAND, PERSON);
    act(OP_RESET, 0);
    expect_waiting(PERSON, "AC");
    deliver(OP_RETURNED, PERSON); /* SPEC 1.13 "so is the closing message" */
    expect_waiting(PERSON, "");
    assert_int_equal(w.plan.cancels[0].reason, CORE_REASON_CANCELLED);
}

/* SPEC 1.3 "If an ALERT dies whose end is queued behind it, that end is cancelled." */
static void ends_fall_with_their_alert(void **state)
{
    (void)state;
    begin_failing();
    deliver(OP_HAND, PERSON);
    deliver(OP_HAND, PAGER);
    act(OP_OK, 0);
    act(OP_FAIL, 0);
    deliver(OP_DEAD, PERSON);
    expect_waiting(PERSON, "A");
    for (size_t i = 0; i < w.plan.cancel_count; i++) {
        assert_int_equal(w.plan.cancels[i].reason, CORE_REASON_NEVER_TOLD);
    }
    assert_true(has_note(CORE_REASON_NEVER_TOLD));
    act(OP_RESET, 0);
    deliver(OP_DEAD, PAGER);
    expect_waiting(PAGER, "");
}

/* SPEC 1.3 "so that a second ALERT to the same recipient is another message" */
static void alerts_of_one_incident_are_told_apart(void **state)
{
    (void)state;
    begin_failing();
    deliver(OP_HAND, PERSON);
    act(OP_ACK_KEEP, 0);
    act(OP_OK, 0);
    act(OP_FAIL, 0);
    act(OP_UNACK, 0);
    act(OP_FAIL, 0);
    assert_int_equal(w.plan.incident.id, 1);
    expect_waiting(PERSON, "AEA");
    act(OP_FAIL, 60 * WORLD_MINUTE);
    expect_waiting(PERSON, "AEAR");
    deliver(OP_RETURNED, PERSON); /* of the first: the second is as unsent as before */
    expect_waiting(PERSON, "cAR");
    act(OP_OK, 0);
    expect_waiting(PERSON, "cc");

    begin_failing();
    deliver(OP_HAND, PERSON);
    act(OP_ACK_KEEP, 0);
    act(OP_OK, 0);
    act(OP_FAIL, 0);
    act(OP_UNACK, 0);
    act(OP_FAIL, 0);
    act(OP_FAIL, 60 * WORLD_MINUTE);
    deliver(OP_DEAD, PERSON);
    expect_waiting(PERSON, "AR");
}

/* SPEC 1.8 "unsent notifications are cancelled, and those told get one closing message" */
static void resets_close_the_incident(void **state)
{
    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    act(OP_FAIL, 60 * WORLD_MINUTE);
    act(OP_ACK, 0);
    act(OP_RESET, 0);
    assert_int_equal(w.plan.reason, CORE_REASON_RESET);
    assert_int_equal(w.plan.incident.end, CORE_END_RESET);
    assert_int_equal(w.monitor.state, CORE_OK);
    assert_int_equal(w.monitor.last_notification_utc_ms, CORE_NEVER);
    assert_int_equal(w.monitor.acknowledged_utc_ms, CORE_NEVER);
    expect_waiting(PERSON, "C");
    expect_waiting(PAGER, "");
    assert_int_equal(w.plan.notifications[0].reason, CORE_REASON_SEND_CLOSED);

    world_begin(&w, 3, 3, 60);
    act(OP_FAIL, 0);
    act(OP_RESET, 0);
    assert_int_equal(w.monitor.failure_count, 0);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_NONE);
}

/* SPEC 1.8 "channels that keep an alert of their own" */
static void quiet_resets_resolve_only(void **state)
{
    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    hand_and(OP_SENT, PAGER);
    act(OP_RESET_QUIET, 0);
    expect_waiting(PERSON, "q");
    expect_waiting(PAGER, "C");
}

/* SPEC 1.8 "state changed from alert to ok by hand is a reset" */
static void hand_set_states(void **state)
{
    struct core_monitor before;

    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    before = w.monitor;
    w.monitor.state = CORE_OK;
    edit(&before, false);
    assert_int_equal(w.plan.reason, CORE_REASON_RESET);
    expect_waiting(PERSON, "C");
    before = w.monitor;
    w.monitor.state = CORE_ALERT;
    edit(&before, false);
    assert_int_equal(w.plan.reason, CORE_REASON_FORCED_ALERT);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_OPEN);
    assert_int_equal(w.plan.notification_count, 0);
    w.monitor.last_notification_utc_ms = w.now;
    act(OP_FAIL, 1);
    expect_waiting(PERSON, "CA");

    world_begin(&w, 2, 1, 60); /* imported: SPEC 1.8 "An alert row without an incident" */
    w.monitor.state = CORE_ALERT;
    act(OP_OK, 0);
    assert_int_equal(w.plan.reason, CORE_REASON_OK_COUNTED);
    act(OP_FAIL, 0);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_OPEN);
    expect_waiting(PERSON, "A");
    world_begin(&w, 1, 1, 60);
    w.monitor.state = CORE_ALERT;
    act(OP_OK, 0);
    assert_int_equal(w.plan.reason, CORE_REASON_RECOVERED);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_NONE);
}

/* SPEC 1.5 "on an ok monitor it is cleared" */
static void hand_set_acknowledgements(void **state)
{
    struct core_monitor before;

    (void)state;
    world_begin(&w, 1, 1, 60);
    before = w.monitor;
    w.monitor.acknowledged_utc_ms = w.now;
    edit(&before, false);
    assert_int_equal(w.monitor.acknowledged_utc_ms, CORE_NEVER);
    assert_true(has_note(CORE_REASON_ACK_REFUSED_OK));
    act(OP_FAIL, 0);
    before = w.monitor;
    w.monitor.acknowledged_utc_ms = w.now;
    edit(&before, false);
    assert_true(has_note(CORE_REASON_ACK_SET));
    act(OP_FAIL, 60 * WORLD_MINUTE);
    expect_waiting(PERSON, "A");
    act(OP_ACK_KEEP, 0);
    before = w.monitor;
    w.monitor.acknowledged_utc_ms = CORE_NEVER;
    edit(&before, false);
    assert_true(has_note(CORE_REASON_ACK_CLEARED));
    assert_true(w.monitor.ack_expires_utc_ms == CORE_NEVER);
    assert_int_equal(w.plan.incident.ack_keep_minutes, 0);
    act(OP_FAIL, 0);
    expect_waiting(PERSON, "AR");
}

/* SPEC 1.8 "Deleted: the incident closes as deleted, likewise." */
static void deletion_closes_the_incident(void **state)
{
    (void)state;
    begin_failing();
    hand_and(OP_SENT, PERSON);
    deliver(OP_HAND, PAGER);
    edit(&w.monitor, true);
    assert_int_equal(w.plan.reason, CORE_REASON_DELETED);
    assert_int_equal(w.plan.incident.end, CORE_END_DELETED);
    expect_waiting(PERSON, "C");
    expect_waiting(PAGER, "AC");
    w.view.is_known = false; /* its deliveries outlive it */
    deliver(OP_RETURNED, PAGER);
    expect_waiting(PAGER, "");
}

/* SPEC 1.8 "Check or params changed: the incident stays." */
static void other_edits_leave_no_trace(void **state)
{
    (void)state;
    begin_failing();
    act(OP_ACK, 0);
    edit(&w.monitor, false);
    assert_int_equal(w.plan.note_count, 0);
    assert_int_equal(w.plan.reason, CORE_REASON_NONE);
    assert_int_equal(w.plan.incident_change, CORE_INCIDENT_NONE);
    assert_false(w.plan.is_monitor_changed);
}

/* SPEC 1.9 "default_recipients stand in for it" */
static void unusable_lists_fall_back(void **state)
{
    (void)state;
    world_begin(&w, 1, 1, 60);
    w.view.recipients = CORE_RECIPIENTS_UNUSABLE;
    w.view.defaults = world_targets + OPS;
    w.view.default_count = 1;
    w.view.target_count = 0;
    act(OP_FAIL, 0);
    assert_true(has_note(CORE_REASON_RECIPIENTS_UNUSABLE));
    expect_waiting(OPS, "A");
    hand_and(OP_SENT, OPS);
    w.view.recipients = CORE_RECIPIENTS_PARTLY; /* half repaired */
    w.view.target_count = 1;
    act(OP_FAIL, 60 * WORLD_MINUTE);
    assert_true(has_note(CORE_REASON_RECIPIENTS_PARTLY));
    expect_waiting(PERSON, "A");
    expect_waiting(OPS, "");
    act(OP_OK, 0); /* SPEC 1.9 "whoever was told is told of the end" */
    expect_waiting(OPS, "E");
    expect_waiting(PERSON, "c");
    w.view.recipients = CORE_RECIPIENTS_UNUSABLE;
    w.view.default_count = 0;
    act(OP_FAIL, 0);
    assert_true(has_note(CORE_REASON_NOBODY_TO_TELL));
}

static struct core_target crowd[LIMIT_RECIPIENTS];
static struct core_incident full;

/* An open incident that remembers as many as it can, all told. */
static void fill_list(void)
{
    world_begin(&w, 1, 1, 0);
    w.monitor.state = CORE_ALERT;
    full.id = 1;
    full.end = CORE_END_OPEN;
    full.closed_utc_ms = full.kept_ack_utc_ms = full.kept_ack_expires_utc_ms = CORE_NEVER;
    full.round = 1;
    full.told_count = LIMIT_TOLD;
    for (size_t i = 0; i < LIMIT_TOLD; i++) {
        (void)snprintf(full.told[i].target, CORE_TARGET_BYTES, "slack:#%zu", i);
        full.told[i].told = CORE_TOLD_YES;
        full.told[i].round = 1;
    }
    for (size_t i = 0; i < LIMIT_RECIPIENTS; i++) {
        (void)snprintf(crowd[i].target, CORE_TARGET_BYTES, "file:%zu", i);
    }
    w.view.targets = crowd;
    w.view.target_count = LIMIT_RECIPIENTS;
    w.view.incident = &full;
    w.view.monitor = w.monitor;
}

/* SPEC 1.3 "then the place of one whose ALERT died is taken" */
static void full_lists_name_whom_they_leave_out(void **state)
{
    struct core_event event;

    (void)state;
    fill_list();
    full.told[5].told = CORE_TOLD_DEAD;
    full.told[6].told = CORE_TOLD_ENDED; /* its ALERT may be in flight */
    event = world_event(&w, OP_FAIL, -1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), 0);
    assert_int_equal(w.plan.notification_count, 1);
    assert_int_equal(w.plan.notifications[0].told, 5);
    assert_string_equal(w.plan.incident.told[5].target, "file:0");
    assert_int_equal(w.plan.incident.told[5].told, CORE_TOLD_PENDING);
    assert_int_equal(w.plan.incident.told[5].round, 2);
    assert_int_equal(w.plan.note_count, LIMIT_RECIPIENTS - 1);
    for (size_t i = 0; i < w.plan.note_count; i++) {
        assert_int_equal(w.plan.notes[i].reason, CORE_REASON_TOLD_LIST_FULL);
        assert_int_equal(w.plan.notes[i].told, CORE_NOTE_MONITOR);
        assert_ptr_equal(w.plan.notes[i].unlisted, crowd[i + 1].target);
    }
}

/* The largest plan there is: everybody reminded, everybody told of the end. */
static void full_lists_end_for_all(void **state)
{
    struct core_event event;

    (void)state;
    fill_list();
    full.reminder_count = 1;
    for (size_t i = 0; i < LIMIT_TOLD; i++) {
        full.told[i].told = CORE_TOLD_PENDING;
    }
    event = world_event(&w, OP_OK, -1);
    assert_int_equal(core_decide(&w.view, &event, w.now, &w.plan), 0);
    assert_int_equal(w.plan.notification_count, LIMIT_TOLD);
    assert_int_equal(w.plan.cancel_count, 2 * LIMIT_TOLD);
    assert_int_equal(w.plan.incident.round, 2);
    assert_int_equal(w.plan.notifications[LIMIT_TOLD - 1].round, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_told_are_told_of_the_end),
        cmocka_unit_test(lists_change_in_mid_incident),
        cmocka_unit_test(acknowledged_adds_nobody),
        cmocka_unit_test(dead_alerts_count_as_not_told),
        cmocka_unit_test(untold_incidents_do_not_wait),
        cmocka_unit_test(unsent_alerts_collapse),
        cmocka_unit_test(alerts_that_come_back_late_collapse),
        cmocka_unit_test(ends_fall_with_their_alert),
        cmocka_unit_test(alerts_of_one_incident_are_told_apart),
        cmocka_unit_test(resets_close_the_incident),
        cmocka_unit_test(quiet_resets_resolve_only),
        cmocka_unit_test(hand_set_states),
        cmocka_unit_test(hand_set_acknowledgements),
        cmocka_unit_test(deletion_closes_the_incident),
        cmocka_unit_test(other_edits_leave_no_trace),
        cmocka_unit_test(unusable_lists_fall_back),
        cmocka_unit_test(full_lists_name_whom_they_leave_out),
        cmocka_unit_test(full_lists_end_for_all),
    };

    return cmocka_run_group_tests_name("core tell", tests, NULL, NULL);
}
