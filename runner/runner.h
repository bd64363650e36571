#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

/* tocsin-runner as a daemon: what program_main needs to run it. */
struct program;

extern const struct program runner_program;

#endif
