#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <stdio.h>
#include <string.h>

#include "router/core/decide.h"
#include "tests/support/test.h"

/* core_decide in a small world: one monitor, an outbox of the simplest kind that does what plans
 * say, and people who hear what is sent and insist on SPEC 1.3's word. */

enum {
    WORLD_PEOPLE = 4, /* 1 keeps alerts, the others are persons */
    WORLD_QUEUE = 512,
    WORLD_INCIDENTS = 64, /* remembered */
    WORLD_MINUTE = 60000
};

/* What can happen. The deliveries are steps of the first message to one recipient; a lost one was
 * handed over and nobody knows whether it arrived. */
enum world_op {
    OP_FAIL,
    OP_OK,
    OP_ACK,
    OP_ACK_KEEP,
    OP_UNACK,
    OP_TIMER,
    OP_PAUSE,
    OP_RESUME,
    OP_RESET,
    OP_RESET_QUIET,
    OP_DEADLINE,
    OP_COVERED,
    OP_STALE,
    OP_HAND,
    OP_SENT,
    OP_RETURNED,
    OP_DEAD,
    OP_LOST,
    OP_LOST_HEARD,
    OP_COUNT
};

struct world_message {
    enum core_kind kind;
    uint64_t incident;
    uint32_t round;
    bool is_collapsed;
    bool is_withheld; /* the closing message that --quiet spares them: marks the end of a word */
    bool is_uncertain;
    bool is_heard;
};

struct world_box {
    struct world_message queue[WORLD_QUEUE];
    size_t count;
    bool is_in_flight;
    bool is_told; /* as that person understands it */
};

struct world {
    struct core_monitor monitor;
    struct core_view view; /* whom the row names; the rest is filled in */
    struct core_incident incidents[WORLD_INCIDENTS];
    uint64_t incident_count;
    int64_t now;
    struct core_plan plan; /* the last one */
    struct world_box boxes[WORLD_PEOPLE];
};

static const struct core_target world_targets[WORLD_PEOPLE] = {
    {.target = "email:a@example.com"},
    {.target = "pagerduty:core", .keeps_alert = true},
    {.target = "slack:#ops"},
    {.target = "email:ops@example.com"},
};

/* A new monitor that was never run, told to the first two. Trivial. */
static inline void world_begin(struct world *world, uint32_t oks, uint32_t failures,
                               uint32_t minutes)
{
    world->monitor = (struct core_monitor){
        .id = 1,
        .is_active = true,
        .required_oks = oks,
        .required_failures = failures,
        .reminder_minutes = minutes,
        .last_run_utc_ms = CORE_NEVER,
        .last_notification_utc_ms = CORE_NEVER,
        .acknowledged_utc_ms = CORE_NEVER,
        .ack_expires_utc_ms = CORE_NEVER,
    };
    world->view = (struct core_view){.is_known = true, .targets = world_targets, .target_count = 2};
    world->incident_count = 0;
    world->now = 1000 * 1000 * 1000;
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        world->boxes[i].count = 0;
        world->boxes[i].is_in_flight = world->boxes[i].is_told = false;
    }
}

static inline struct core_incident *world_incident(struct world *world, uint64_t id)
{
    return id == 0 ? NULL : &world->incidents[id % WORLD_INCIDENTS];
}

static inline int world_who(const char *target)
{
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        if (strcmp(target, world_targets[i].target) == 0) {
            return i;
        }
    }
    fail_msg("nobody is %s", target);
    return -1;
}

static inline char world_letter(const struct world_message *message)
{
    switch (message->kind) {
    case CORE_KIND_ALERT:
        return 'A';
    case CORE_KIND_REMINDER:
        return 'R';
    case CORE_KIND_RECOVERY:
        return message->is_collapsed ? 'c' : 'E';
    case CORE_KIND_CLOSED:
        return message->is_withheld ? 'q' : 'C';
    }
    return '?';
}

/* What waits for one recipient, a letter a message. Trivial. */
static inline void world_letters(const struct world_box *box, char *ret_text)
{
    for (size_t i = 0; i < box->count; i++) {
        ret_text[i] = world_letter(&box->queue[i]);
    }
    ret_text[box->count] = '\0';
}

/* SPEC 1.3 "Per recipient and monitor the word is (ALERT (REMINDER)* RECOVERED)*" */
static inline void world_hear(struct world_box *box)
{
    struct world_message *message = &box->queue[0];

    if (message->is_heard) {
        return; /* a copy with the same key */
    }
    message->is_heard = true;
    switch (message->kind) {
    case CORE_KIND_ALERT:
        assert_false(box->is_told);
        box->is_told = true;
        break;
    case CORE_KIND_REMINDER:
        assert_true(box->is_told);
        break;
    case CORE_KIND_CLOSED:
    case CORE_KIND_RECOVERY:
        assert_true(box->is_told != message->is_collapsed);
        box->is_told = false;
        break;
    }
}

static inline void world_drop(struct world_box *box)
{
    memmove(box->queue, box->queue + 1, (box->count - 1) * sizeof(box->queue[0]));
    box->count--;
    box->is_in_flight = false;
}

/* What the header of a plan says about cancels. Trivial. */
static inline void world_cancel(struct world_box *box, const struct core_cancel *cancel,
                                uint64_t incident)
{
    size_t kept = 0;
    bool is_over = false;

    for (size_t i = 0; i < box->count; i++) {
        struct world_message message = box->queue[i];
        bool is_flying = i == 0 && box->is_in_flight;
        bool is_meant = !is_over && !is_flying && message.kind == cancel->kind &&
                        message.incident == incident && message.round >= cancel->round;

        is_over = is_over || (is_meant && cancel->kind != CORE_KIND_REMINDER);
        message.is_collapsed = message.is_collapsed || (is_meant && cancel->is_collapsed);
        if (!is_meant || cancel->is_collapsed) {
            box->queue[kept++] = message;
        }
    }
    box->count = kept;
}

#endif
