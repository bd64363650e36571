#ifndef ROUTER_FLOW_DAEMON_H
#define ROUTER_FLOW_DAEMON_H

struct program;

/* tocsin-router as a daemon: what program_main needs to run it. Trivial. */
extern const struct program router_program;

#endif
