/* core_decide against an oracle in another language (core_oracle.py) that knows docs/spec.md and no
 * more: random lives of monitors whose rows are edited by hand, whose recipients come and go, whose
 * runs come late or from clocks ahead, and whose messages get lost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/core/act.h"

enum {
    LIVES = 1000, /* ten times as many with TOCSIN_LONG_TESTS */
    STEPS = 250,
    LINE_BYTES = 4 * (WORLD_QUEUE + 1) + 128
};

static struct world w;
static uint64_t seed;
static FILE *questions;
static FILE *answers;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

static void put_number(const char *words, int64_t value)
{
    if (value == CORE_NEVER) {
        fprintf(questions, "%" PRId64 " %s -", w.now, words);
    } else {
        fprintf(questions, "%" PRId64 " %s %" PRId64, w.now, words, value);
    }
}

static void put_row(void)
{
    fprintf(answers, "%s %u %u %d ", w.monitor.state == CORE_OK ? "ok" : "alert",
            w.monitor.ok_count, w.monitor.failure_count,
            w.monitor.acknowledged_utc_ms != CORE_NEVER);
    if (w.monitor.last_notification_utc_ms == CORE_NEVER) {
        fprintf(answers, "-");
    } else {
        fprintf(answers, "%" PRId64, w.monitor.last_notification_utc_ms);
    }
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        char letters[WORLD_QUEUE + 1];

        world_letters(&w.boxes[i], letters);
        fprintf(answers, " %s", letters[0] == '\0' ? "." : letters);
    }
    fprintf(answers, "\n");
}

/* Runs are due each minute and start late by a jitter; some have no schedule, some a clock ahead. */
static int64_t pick_run(void)
{
    switch (pick(6)) {
    case 0:
        return CORE_NEVER;
    case 1:
        return w.now + pick(5 * WORLD_MINUTE);
    case 2:
        return w.now - pick(5 * WORLD_MINUTE); /* from a spool */
    default:
        return w.now - w.now % WORLD_MINUTE;
    }
}

static void do_result(bool is_bad_phase)
{
    bool is_ok = pick(10) < (is_bad_phase ? 1U : 8U);
    int64_t run = pick_run();
    enum world_op op = is_ok ? OP_OK : pick(5) == 0 ? OP_DEADLINE : OP_FAIL;
    struct core_event event = world_event(&w, op, run == CORE_NEVER ? -1 : run);

    put_number(is_ok ? "ok" : "fail", run);
    world_decide(&w, &event);
}

static void do_ack(void)
{
    struct core_event event = {.type = CORE_EVENT_ACKNOWLEDGE};

    event.acknowledge.expires_utc_ms =
        pick(3) == 0 ? CORE_NEVER : w.now + (int64_t)pick(6) * WORLD_MINUTE - 1;
    event.acknowledge.keep_minutes = pick(4);
    put_number("ack", event.acknowledge.expires_utc_ms);
    fprintf(questions, " %u", event.acknowledge.keep_minutes);
    world_decide(&w, &event);
}

static void do_command(void)
{
    static const enum world_op ops[] = {OP_UNACK, OP_TIMER, OP_TIMER, OP_RESET, OP_RESET_QUIET};
    static const char *const names[] = {"unack", "timer", "timer", "reset loud", "reset quiet"};
    uint32_t which = pick(TEST_COUNT(ops));
    struct core_event event = world_event(&w, ops[which], -1);

    fprintf(questions, "%" PRId64 " %s", w.now, names[which]);
    world_decide(&w, &event);
}

static void do_list(void)
{
    static const char *const names[] = {"valid", "nobody", "partly", "unusable"};
    static struct core_target listed[WORLD_PEOPLE];
    uint32_t bits = 1 + pick((1U << WORLD_PEOPLE) - 1);

    w.view.recipients = (enum core_recipients)(pick(2) == 0 ? 0 : pick(TEST_COUNT(names)));
    w.view.targets = listed;
    w.view.target_count = 0;
    for (uint32_t i = 0; i < WORLD_PEOPLE; i++) {
        if ((bits >> i & 1) != 0) {
            listed[w.view.target_count++] = world_targets[i];
        }
    }
    fprintf(questions, "%" PRId64 " list %s %u", w.now, names[w.view.recipients], bits);
}

/* A column changed by SQL. */
static void do_edit(void)
{
    struct core_event event = {.type = CORE_EVENT_EDIT};
    struct core_monitor *row = &w.monitor;

    event.edit.before = *row;
    switch (pick(6)) {
    case 0:
        row->state = row->state == CORE_OK ? CORE_ALERT : CORE_OK;
        put_number("set state", row->state == CORE_ALERT);
        break;
    case 1:
        row->acknowledged_utc_ms = row->acknowledged_utc_ms == CORE_NEVER ? w.now : CORE_NEVER;
        put_number("set ack", row->acknowledged_utc_ms);
        break;
    case 2:
        row->last_notification_utc_ms =
            pick(2) == 0 ? CORE_NEVER
                         : w.now + ((int64_t)pick(3) - 1) * (int64_t)pick(9) * WORLD_MINUTE;
        put_number("set notified", row->last_notification_utc_ms);
        break;
    default:
        row->is_active = pick(4) != 0;
        put_number("set active", row->is_active);
        break;
    }
    world_decide(&w, &event);
}

static bool do_delivery(void)
{
    static const enum world_op ops[] = {OP_HAND, OP_SENT, OP_RETURNED,
                                        OP_DEAD, OP_LOST, OP_LOST_HEARD};
    static const char *const names[] = {"hand", "sent", "returned", "dead", "lost", "lost"};
    uint32_t which = pick(3) == 0 ? 0 : pick(TEST_COUNT(ops));
    int who = (int)pick(WORLD_PEOPLE);

    if (!world_can_deliver(&w, ops[which], who)) {
        return false;
    }
    put_number(names[which], who);
    world_deliver(&w, ops[which], who);
    return true;
}

static bool step(int number)
{
    uint32_t dice = pick(100);

    w.now += pick(3) == 0 ? 0 : WORLD_MINUTE * (int64_t)pick(3) + (int64_t)pick(3);
    if (dice < 45) {
        return do_delivery();
    }
    if (dice < 80) {
        do_result(number / 20 % 2 == 0);
    } else if (dice < 87) {
        do_ack();
    } else if (dice < 90) {
        do_command();
    } else if (dice < 95) {
        do_list();
    } else {
        do_edit();
    }
    return true;
}

static void do_deletion(void)
{
    struct core_event event = {.type = CORE_EVENT_EDIT};

    event.edit.before = w.monitor;
    event.edit.is_deleted = true;
    fprintf(questions, "%" PRId64 " delete", w.now);
    world_decide(&w, &event);
    w.view.is_known = false;
}

static void end_line(void)
{
    fprintf(questions, "\n");
    put_row();
}

static void live(uint32_t number)
{
    static const uint32_t counts[] = {1, 2, 0, 3};
    static const uint32_t minutes[] = {2, 0, 1, 5};
    uint32_t oks = counts[number % 4];
    uint32_t failures = counts[number / 4 % 3];

    seed = 88172645463325252ULL + number * 104729ULL;
    world_begin(&w, oks, failures, minutes[number / 12 % 4]);
    w.view.defaults = world_targets + 3;
    w.view.default_count = 1;
    fprintf(questions, "new %u %u %u", oks, failures, minutes[number / 12 % 4]);
    end_line();
    for (int i = 0; i < STEPS; i++) {
        if (step(i)) {
            end_line();
        }
    }
    do_deletion();
    end_line();
    for (int i = 0; i < STEPS; i++) {
        if (do_delivery()) {
            end_line();
        }
    }
}

static FILE *temporary(char *path)
{
    int fd = mkstemp(path);
    FILE *file = NULL;

    assert_true(fd >= 0);
    file = fdopen(fd, "w+");
    assert_non_null(file);
    return file;
}

static void oracle_agrees(void **state)
{
    char path[] = "/tmp/tocsin-core-questions-XXXXXX";
    char own_path[] = "/tmp/tocsin-core-answers-XXXXXX";
    char command[512];
    static char own[LINE_BYTES];
    static char theirs[LINE_BYTES];
    static char question[256];
    uint32_t lives = getenv("TOCSIN_LONG_TESTS") == NULL ? LIVES : 10 * LIVES;
    size_t count = 0;
    FILE *oracle = NULL;

    (void)state;
    questions = temporary(path);
    answers = temporary(own_path);
    for (uint32_t i = 0; i < lives; i++) {
        live(i);
    }
    assert_int_equal(fflush(questions), 0);
    (void)snprintf(command, sizeof(command), "/usr/bin/python3 %s/table/core_oracle.py < %s",
                   TESTS_DIR, path);
    oracle = popen(command, "r");
    assert_non_null(oracle);
    rewind(questions);
    rewind(answers);
    while (fgets(own, sizeof(own), answers) != NULL) {
        assert_non_null(fgets(question, sizeof(question), questions));
        assert_non_null(fgets(theirs, sizeof(theirs), oracle));
        count++;
        if (strcmp(own, theirs) != 0) {
            fail_msg("line %zu, %s  core:   %s  oracle: %s", count, question, own, theirs);
        }
    }
    assert_null(fgets(theirs, sizeof(theirs), oracle));
    assert_int_equal(pclose(oracle), 0);
    assert_true(count > (size_t)lives * STEPS / 2);
    (void)fclose(questions);
    (void)fclose(answers);
    (void)unlink(path);
    (void)unlink(own_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oracle_agrees),
    };

    return cmocka_run_group_tests_name("core oracle", tests, NULL, NULL);
}
