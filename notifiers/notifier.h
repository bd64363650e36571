#ifndef NOTIFIERS_NOTIFIER_H
#define NOTIFIERS_NOTIFIER_H

#include "lib/base/err.h"

struct config_section;
struct program_context;

/* One notifier process: the channel named on the command line, its settings, its link to the
 * router. The functions are the steps of struct program (lib/sys/program.h); context->state holds
 * the notifier.
 *
 * Keys: keys.dir holds notifier-CHANNEL.key, this notifier's pair, and router.pub, the router's
 * public key (proto/link/keys.h). */

/* What notifier_start would refuse of the channel's section, for --check-config.
 * Shape:  operand 0 is the channel's name.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: TC_ECONFIG with "file:line: path: cause". */
int notifier_check(struct program_context *context, struct err *err);

/* Start it all.
 * Shape:  operand 0 is the channel's name.
 * Units:  none.
 * Owns:   context->state; released by notifier_end, also after a failure.
 * Errors: TC_ECONFIG with a sentence, TC_ENOENT, TC_EPERM for keys and secrets. */
int notifier_start(struct program_context *context, struct err *err);

/* Finish what is in flight, then end the loop. Trivial. */
void notifier_stop(struct program_context *context);

/* Read settings and secrets anew; unusable ones are logged and the old ones kept. Trivial. */
void notifier_reload(struct program_context *context);

/* Release everything. Trivial. */
void notifier_end(struct program_context *context);

/* What every channel validates of the configuration; ends with a NULL path.
 * Trivial. */
const struct config_section *notifier_sections(void);

#endif
