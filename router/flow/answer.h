#ifndef ROUTER_FLOW_ANSWER_H
#define ROUTER_FLOW_ANSWER_H

#include "router/flow/state.h"

/* What goes out after a commit: acknowledgements, welcomes, assignments, replies, status. Internal
 * to this folder. */

struct flow_head {
    enum message_kind kind;
    uint64_t seq;
    uint32_t monitor;
};

/* Send flow->body under a head: TC_OK, TC_EAGAIN, TC_ECLOSED. Trivial. */
int flow_send(struct flow *flow, enum message_role role, uint32_t connection,
              const struct flow_head *head);

/* Encode a body and send it.
 * Shape:  body is the struct of head->kind.
 * Units:  none.
 * Owns:   copies.
 * Errors: as flow_send. */
int flow_send_body(struct flow *flow, enum message_role role, uint32_t connection,
                   const struct flow_head *head, const void *body);

/* Tell a peer that its message was not taken. Trivial. */
void flow_send_error(struct flow *flow, enum message_role role, uint32_t connection,
                     const char *code, const struct err *err);

/* Acks, resend requests, welcomes and replies of the batch that was kept. Trivial. */
void flow_answer(struct flow *flow);

/* Remember a reply to a command; it goes out only if the batch is kept.
 * Shape:  reply's texts are borrowed during the call; the result is the encoded reply.
 * Units:  none.
 * Owns:   copies; flow_reply_text takes body. The result holds until the batch ends.
 * Errors: none. */
const char *flow_reply(struct flow *flow, const struct flow_event *event,
                       const struct message_reply *reply);
void flow_reply_text(struct flow *flow, uint32_t connection, uint64_t seq, char *body);

/* Tell runners what changed in their assignments, as far as they take it; true: some is left.
 * Trivial. */
bool flow_pump_assignments(struct flow *flow);

/* Hint to web processes what the batch at hand has changed. Trivial. */
void flow_send_change(struct flow *flow);

/* Send the state of affairs to web processes. Trivial. */
void flow_send_status(struct flow *flow);

#endif
