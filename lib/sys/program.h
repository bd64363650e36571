#ifndef LIB_SYS_PROGRAM_H
#define LIB_SYS_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct clock;
struct config;
struct config_section;
struct loop;

/* The shell that every daemon's main is made of: options, configuration, signals, log, clock, loop,
 * readiness, watchdog, a clean end. A daemon fills in a struct program and returns program_main. */

/* What the daemon gets. */
struct program_context {
    struct loop *loop;           /* borrowed */
    const struct clock *clock;   /* borrowed */
    const struct config *config; /* borrowed; replaced before reload is called */
    const char *const *operands; /* borrowed from argv */
    size_t operand_count;
    void *state; /* the daemon's */
};

struct program {
    const char *name;                      /* "router": the program is tocsin-router */
    const char *doc;                       /* one sentence for --help */
    const char *operands;                  /* "CHANNEL" for --help; NULL: takes none */
    size_t operand_count;                  /* required number */
    const struct config_section *sections; /* what this daemon validates; NULL: none */

    /* For --check-config: what start would refuse of the configuration beyond its rules, as far as
     * another process can tell; only config and operands are there. May be NULL. */
    int (*check)(struct program_context *context, struct err *err);
    /* Build everything on the loop; call program_ready when it really serves. */
    int (*start)(struct program_context *context, struct err *err);
    /* Wind down and end with loop_stop, at once or later; forced after 30 s. NULL: end at once. */
    void (*stop)(struct program_context *context);
    /* SIGHUP: context->config is the new, valid configuration; the old one lives until this
     * returns. NULL: nothing can be reloaded. */
    void (*reload)(struct program_context *context);
    /* The wall clock stepped by more than a minute and UTC followed. May be NULL. */
    void (*stepped)(struct program_context *context, int64_t step_ms);
    /* Free what start made, also after it failed half-way. */
    void (*end)(struct program_context *context);
};

enum {
    PROGRAM_STOP_MS = 30 * 1000,
};

/* Run a daemon from its command line to its exit status.
 * Shape:  handles --config, --log-format, --log-level, --check-config, --help, --version; logs once
 *         what went wrong.
 * Units:  none.
 * Owns:   borrows program.
 * Errors: as exit status: 0, 1, or sysexits.h. */
int program_main(const struct program *program, int argc, char **argv);

/* Tell the service manager that the daemon serves; later calls do nothing.
 * Trivial. */
void program_ready(struct program_context *context);

/* Say that work moved (after a commit, a delivery, an idle check of the store): only then is the
 * service manager's watchdog fed.
 * Trivial. */
void program_progress(struct program_context *context);

#endif
