#ifndef ROUTER_FLOW_COMMAND_H
#define ROUTER_FLOW_COMMAND_H

#include "lib/base/json.h"
#include "router/flow/plan.h"
#include "router/flow/state.h"

/* What people do, as commands of a web process: carried out, audited and answered in one commit, or
 * not at all. A command is done once, however often it comes (its request id). Internal to this
 * folder. */

/* A command at hand. An action reads params (sticky errors), writes the members of its result, or
 * says why not. */
struct flow_command {
    struct flow *flow;
    const struct flow_event *event;
    const struct message_command *message;
    struct json_dec params;
    struct json_enc result; /* inside an object */
    int64_t status;         /* as of HTTP, 200 */
    bool is_answered_later;
    struct err err; /* what params lack, or why the command was refused */
};

/* Apply a command event. Trivial. */
void flow_apply_command(struct flow *flow, const struct flow_event *event);

/* Refuse a command with a status and a sentence; returns err's code.
 * Trivial. */
int flow_command_refuse(struct flow_command *command, int64_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The monitor that a command names; NULL: refused. Trivial. */
struct flow_monitor *flow_command_monitor(struct flow_command *command);

/* What the records of a command tell. Trivial. */
struct flow_cause flow_command_cause(const struct flow_command *command);

/* The actions of command_monitor.c. Each returns TC_OK or refuses. Trivial. */
int flow_command_add(struct flow_command *command);
int flow_command_edit(struct flow_command *command);
int flow_command_remove(struct flow_command *command);
int flow_command_switch(struct flow_command *command, bool is_active);

/* The actions of command_channel.c. Trivial. */
int flow_command_retry(struct flow_command *command);
int flow_command_test(struct flow_command *command);
int flow_command_token_add(struct flow_command *command);
int flow_command_token_remove(struct flow_command *command);

/* Send the probes of the batch at hand, after its commit; or forget them. Trivial. */
void flow_probes_send(struct flow *flow);
void flow_probes_forget(struct flow *flow);

/* The answer to a probe came, or did not: reply to who asked. Trivial. */
bool flow_probe_answered(struct flow *flow, uint64_t id, const struct message_outcome *outcome);
void flow_probes_expire(struct flow *flow);

#endif
