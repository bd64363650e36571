#ifndef RUNNER_VERDICT_H
#define RUNNER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* From how a check ended and what it printed to a result: pure, and the only place that knows the
 * two conventions. Whatever a check does, the answer is a result; there are no errors. */

/* How a check speaks. */
enum verdict_convention {
    VERDICT_JSON,   /* {"isOk": bool, "message": string, "metrics"?: {name: number}} */
    VERDICT_NAGIOS, /* exit status 0 to 3, text | performance data */
};

/* How a run ended. */
enum verdict_end {
    VERDICT_EXITED,    /* code: the exit status */
    VERDICT_SIGNALED,  /* code: the signal */
    VERDICT_TIMED_OUT, /* ended by us after its time limit */
    VERDICT_STUCK, /* survived SIGKILL past the limit; code: 1 when that was an earlier run, whose
                            process is still there */
    VERDICT_NOT_STARTED, /* code: TC_E...; errors holds the sentence */
    VERDICT_WORKER_GONE, /* a built-in check's worker closed without an answer; code: its status */
    VERDICT_OUT_OF_MEMORY, /* killed by the kernel for the memory of its control group */
    VERDICT_ANSWERED,      /* a built-in check's worker gave one line */
    VERDICT_LOST,          /* the runner or its spawner ended meanwhile */
};

/* Why a result is what it is. The names (verdict_reason_name) are in messages and rows and never
 * change. */
enum verdict_reason {
    VERDICT_REASON_OK,
    VERDICT_REASON_FAILED,         /* the check itself says so */
    VERDICT_REASON_EXIT,           /* non-zero exit status */
    VERDICT_REASON_SIGNAL,         /* ended by a signal */
    VERDICT_REASON_TIMEOUT,        /* over its time limit */
    VERDICT_REASON_STUCK,          /* not even SIGKILL ended it */
    VERDICT_REASON_OUTPUT,         /* none, or too much */
    VERDICT_REASON_JSON,           /* not the object that the contract asks for */
    VERDICT_REASON_MISSING,        /* no such check on this host */
    VERDICT_REASON_NOT_ALLOWED,    /* this host's owner does not allow it */
    VERDICT_REASON_NOT_EXECUTABLE, /* there, but must or can not be run */
    VERDICT_REASON_START,          /* the kernel refused: out of processes, memory, ... */
    VERDICT_REASON_CONFIG,         /* the monitor's own row is unusable */
    VERDICT_REASON_OVERRUN,        /* skipped, the run before was still going on */
    VERDICT_REASON_LOST,           /* interrupted by the end of the runner or its spawner */
    VERDICT_REASON_MEMORY,         /* over its limit of memory */
};

/* What is known of a run that ended. */
struct verdict_outcome {
    enum verdict_end end;
    int code;
    int64_t timeout_ms;
    const char *out; /* standard output, or a worker's line; borrowed, need not end with NUL */
    size_t out_size;
    bool is_out_cut;    /* it printed more than LIMIT_OUTPUT_BYTES */
    const char *errors; /* the end of standard error; borrowed */
    size_t errors_size;
    bool is_errors_cut;       /* there was more before it */
    bool is_out_of_processes; /* its control group refused it another process */
};

/* A result. */
struct verdict {
    bool is_ok;
    enum verdict_reason reason;
    struct buf message; /* owned; UTF-8 without NUL, at most LIMIT_MESSAGE_BYTES */
    struct buf metrics; /* owned; a JSON object {name: number}, or empty */
};

/* Make and release an empty result.
 * Shape:  verdict_free may be called twice.
 * Units:  none.
 * Owns:   the caller frees the buffers with verdict_free.
 * Errors: none. */
void verdict_init(struct verdict *v);
void verdict_free(struct verdict *v);
void verdict_freep(struct verdict *v);

/* Judge a run by its convention.
 * Shape:  v is initialised, its former content is replaced; warning_is_ok: a Nagios plugin's
 *         WARNING (1) counts as ok, otherwise as a failure.
 * Units:  none.
 * Owns:   copies what it keeps.
 * Errors: none. */
void verdict_judge(const struct verdict_outcome *outcome, enum verdict_convention convention,
                   bool warning_is_ok, struct verdict *v);

/* A failing result that needed no run.
 * Shape:  text is cut at LIMIT_MESSAGE_BYTES and its UTF-8 repaired.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void verdict_refuse(enum verdict_reason reason, const char *text, struct verdict *v);

/* "ok", "failed", "exit", ...; static. Trivial. */
const char *verdict_reason_name(enum verdict_reason reason);

#endif
