#ifndef RUNNER_SPAWNLINK_H
#define RUNNER_SPAWNLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "runner/verdict.h"

struct loop;

/* The wire between the runner and its spawner: records on a SOCK_SEQPACKET pair, both ends the same
 * program, so a record is a struct and the bytes behind it. */

enum {
    SPAWNLINK_ARGS_MAX = 64,
    SPAWNLINK_ARGS_BYTES = 8 * 1024,
    SPAWNLINK_INPUT_BYTES = 160 * 1024,
};

/* An order to run something. */
struct spawnlink_order {
    uint64_t run;
    uint32_t monitor; /* 0: none; it has no second process while one can't be ended */
    bool is_worker;   /* input is a line for a worker of args, kept for the next one; else args is a
                     * program of its own that reads input and ends */
    int64_t timeout_ms;
    const char *args; /* argv, each with its NUL; args[0] an absolute path; borrowed */
    size_t args_size;
    const char *input; /* borrowed */
    size_t input_size;
};

/* What became of it; the pointers in outcome are valid during the callback only. */
struct spawnlink_report {
    uint64_t run;
    int64_t duration_us;
    struct verdict_outcome outcome;
};

/* One end of the wire. */
struct spawnlink;

/* What an end calls: orders and renew reach the spawner, reports the runner; gone when the other end closed or
 * sent something that is no record. After gone only spawnlink_free may be called, from outside the
 * callback's caller (the next turn). */
struct spawnlink_ops {
    void (*order)(void *ctx, const struct spawnlink_order *order);
    void (*renew)(void *ctx); /* workers must be replaced: the configuration changed */
    void (*report)(void *ctx, const struct spawnlink_report *report);
    void (*gone)(void *ctx);
    void *ctx;
};

/* Make the two connected descriptors.
 * Shape:  close-on-exec, non-blocking.
 * Units:  none.
 * Owns:   the caller closes both.
 * Errors: mapped errno. */
int spawnlink_pair(int ret_fds[2], struct err *err);

/* Serve one end in a loop.
 * Shape:  ops members that an end never receives may be NULL.
 * Units:  none.
 * Owns:   takes fd; borrows loop; copies ops. spawnlink_free closes and returns NULL.
 * Errors: none. */
struct spawnlink *spawnlink_new(struct loop *loop, int fd, const struct spawnlink_ops *ops);
struct spawnlink *spawnlink_free(struct spawnlink *link);

/* Send a record; kept and sent when the other end reads again.
 * Shape:  sizes within the limits above.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_ERANGE over a limit, TC_ECLOSED when the other end is gone. */
int spawnlink_send_renew(struct spawnlink *link);
int spawnlink_send_order(struct spawnlink *link, const struct spawnlink_order *order);
int spawnlink_send_report(struct spawnlink *link, const struct spawnlink_report *report);

#endif
