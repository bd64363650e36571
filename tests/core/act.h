#ifndef TESTS_CORE_ACT_H
#define TESTS_CORE_ACT_H

#include "tests/core/world.h"

/* What happens in a world, and what follows from it. */

static inline void world_add(struct world_box *box, struct world_message message)
{
    assert_true(box->count < WORLD_QUEUE);
    box->queue[box->count++] = message;
}

/* Do what the plan says. Trivial. */
static inline void world_commit(struct world *world)
{
    struct core_plan *plan = &world->plan;

    world->monitor = plan->monitor;
    if (plan->incident_change == CORE_INCIDENT_OPEN) {
        plan->incident.id = ++world->incident_count;
    }
    for (size_t i = 0; i < plan->cancel_count; i++) {
        int who = world_who(plan->incident.told[plan->cancels[i].told].target);

        world_cancel(&world->boxes[who], &plan->cancels[i], plan->incident.id);
    }
    for (size_t i = 0; i < plan->notification_count; i++) {
        const struct core_notification *n = &plan->notifications[i];
        int who = world_who(plan->incident.told[n->told].target);

        world_add(&world->boxes[who], (struct world_message){.kind = n->kind,
                                                             .incident = plan->incident.id,
                                                             .round = n->round,
                                                             .is_collapsed = n->is_collapsed});
    }
    for (size_t i = 0; i < plan->note_count; i++) {
        if (plan->notes[i].reason == CORE_REASON_QUIET) {
            int who = world_who(plan->incident.told[plan->notes[i].told].target);

            world_add(&world->boxes[who], (struct world_message){.kind = CORE_KIND_CLOSED,
                                                                 .incident = plan->incident.id,
                                                                 .round = plan->incident.round + 1,
                                                                 .is_withheld = true});
        }
    }
    if (plan->incident_change != CORE_INCIDENT_NONE) {
        struct core_incident *to = world_incident(world, plan->incident.id);

        memcpy(to, &plan->incident, offsetof(struct core_incident, told));
        memcpy(to->told, plan->incident.told, to->told_count * sizeof(to->told[0]));
    }
}

/* Decide an event and do what follows; what an earlier plan left behind is spoilt first. Trivial. */
static inline void world_decide(struct world *world, const struct core_event *event)
{
    memset(&world->plan, 0xa5,
           offsetof(struct core_plan, incident) + offsetof(struct core_incident, told));
    world->view.monitor = world->monitor;
    world->view.incident = world_incident(world, world->incident_count);
    assert_int_equal(core_decide(&world->view, event, world->now, &world->plan), 0);
    world_commit(world);
}

/* The event of an op that is no delivery; run is the scheduled time, or -1. Trivial. */
static inline struct core_event world_event(struct world *world, enum world_op op, int64_t run)
{
    struct core_event event = {.type = CORE_EVENT_TIMER};
    int64_t scheduled = run < 0 ? CORE_NEVER : run;

    if (op == OP_FAIL || op == OP_OK || op == OP_STALE) {
        event.type = CORE_EVENT_RESULT;
        event.result = (struct core_event_result){.is_ok = op == OP_OK,
                                                  .generation = 1,
                                                  .current_generation = 1,
                                                  .is_older = op == OP_STALE,
                                                  .scheduled_utc_ms = scheduled,
                                                  .started_utc_ms = world->now};
    } else if (op == OP_DEADLINE || op == OP_COVERED) {
        event.type = CORE_EVENT_DEADLINE;
        event.deadline.is_covered = op == OP_COVERED;
        event.deadline.scheduled_utc_ms = scheduled;
    } else if (op == OP_ACK || op == OP_ACK_KEEP) {
        event.type = CORE_EVENT_ACKNOWLEDGE;
        event.acknowledge.expires_utc_ms =
            op == OP_ACK ? CORE_NEVER : world->now + 3 * WORLD_MINUTE;
        event.acknowledge.keep_minutes = op == OP_ACK ? 0 : 2;
    } else if (op == OP_UNACK) {
        event.type = CORE_EVENT_UNACKNOWLEDGE;
    } else if (op == OP_RESET || op == OP_RESET_QUIET) {
        event.type = CORE_EVENT_RESET;
        event.is_quiet = op == OP_RESET_QUIET;
    } else if (op == OP_PAUSE || op == OP_RESUME) {
        event.type = CORE_EVENT_EDIT;
        event.edit.before = world->monitor;
        world->monitor.is_active = op == OP_RESUME;
    }
    return event;
}

/* Whether the outbox allows this step for that recipient. Trivial. */
static inline bool world_can_deliver(const struct world *world, enum world_op op, int who)
{
    const struct world_box *box = &world->boxes[who];

    return box->count > 0 && box->is_in_flight == (op != OP_HAND);
}

/* Whether the first message is of an incident that this world forgot: then it is delivered at once,
 * and no decision follows. Trivial. */
static inline bool world_forget(struct world *world, int who)
{
    struct world_box *box = &world->boxes[who];

    if (box->count == 0 || box->queue[0].incident + WORLD_INCIDENTS > world->incident_count) {
        return false;
    }
    world_hear(box);
    world_drop(box);
    return true;
}

/* One step of the first message to a recipient, and the decision that follows where there is one.
 * Trivial. */
static inline void world_deliver(struct world *world, enum world_op op, int who)
{
    struct world_box *box = &world->boxes[who];
    struct world_message *first = &box->queue[0];
    struct core_event event = {.type = CORE_EVENT_DELIVERY,
                               .delivery = {.kind = first->kind, .round = first->round}};
    bool is_told =
        !(op == OP_LOST || op == OP_LOST_HEARD || (op == OP_RETURNED && first->is_uncertain));

    event.delivery.step = op == OP_HAND   ? CORE_DELIVERY_HANDED
                          : op == OP_SENT ? CORE_DELIVERY_SENT
                          : op == OP_DEAD ? CORE_DELIVERY_DEAD
                                          : CORE_DELIVERY_RETURNED;
    memcpy(event.delivery.target, world_targets[who].target, sizeof(event.delivery.target));
    world->view.incident = world_incident(world, first->incident);
    box->is_in_flight = op == OP_HAND;
    first->is_uncertain = first->is_uncertain || op == OP_LOST || op == OP_LOST_HEARD;
    if (op == OP_SENT || op == OP_LOST_HEARD) {
        world_hear(box);
    }
    if (op == OP_DEAD) {
        box->is_told = box->is_told && first->kind == CORE_KIND_REMINDER;
    }
    if (op == OP_SENT || op == OP_DEAD) {
        world_drop(box);
    }
    if (is_told) {
        world->view.monitor = world->monitor;
        assert_int_equal(core_decide(&world->view, &event, world->now, &world->plan), 0);
        world_commit(world);
    }
}

#endif
