/* The queue of events that wait to be decided. */
#include "router/flow/event.h"

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "router/flow/setup.h"

struct flow_event *flow_event_new(enum flow_event_type type)
{
    struct flow_event *event = mem_alloc(sizeof(*event));
    event->type = type;
    return event;
}

void flow_row_read(const struct store_monitor *stored, struct flow_row *ret_row)
{
    *ret_row = (struct flow_row){.setup = flow_setup_new(stored),
                                 .core = stored->core,
                                 .version = stored->version,
                                 .generation = stored->generation,
                                 .runner_id = stored->runner_id,
                                 .last_message = mem_strdup(stored->last_result_message),
                                 .acknowledged_by = mem_strdup(stored->acknowledged_by),
                                 .ack_note = mem_strdup(stored->ack_note),
                                 .run_asked_utc_ms = CORE_NEVER,
                                 .expected_utc_ms = CORE_NEVER};
}

void flow_row_free(struct flow_row *row)
{
    (void)flow_setup_free(row->setup); /* always NULL */
    mem_free(row->last_message);
    mem_free(row->acknowledged_by);
    mem_free(row->ack_note);
    *row = (struct flow_row){.setup = NULL};
}

void flow_event_free(struct flow_event *event)
{
    TC_ASSERT(event != NULL);
    message_free(&event->message);
    mem_free(event->name);
    mem_free(event->text);
    flow_row_free(&event->row);
    mem_free(event);
}

void flow_queue_add(struct flow_queue *queue, struct flow_event *event)
{
    TC_ASSERT(event->next == NULL);
    if (queue->last == NULL) {
        queue->first = event;
    } else {
        queue->last->next = event;
    }
    queue->last = event;
    queue->count++;
}

void flow_queue_add_first(struct flow_queue *queue, struct flow_event *event)
{
    TC_ASSERT(event->next == NULL);
    event->next = queue->first;
    queue->first = event;
    if (queue->last == NULL) {
        queue->last = event;
    }
    queue->count++;
}

struct flow_event *flow_queue_take(struct flow_queue *queue)
{
    struct flow_event *event = queue->first;
    if (event == NULL) {
        return NULL;
    }
    queue->first = event->next;
    queue->last = queue->first == NULL ? NULL : queue->last;
    queue->count--;
    event->next = NULL;
    return event;
}

void flow_queue_drop(struct flow_queue *queue, size_t count)
{
    TC_ASSERT(count <= queue->count);
    for (size_t i = 0; i < count; i++) {
        flow_event_free(flow_queue_take(queue));
    }
}
