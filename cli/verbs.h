#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "lib/base/err.h"

struct cli;

/* What the commands do: the functions of the table in commands.c, one a command.
 * Shape:  cli holds options and operands, checked against the table.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: a sentence with what to do; the exit status follows the code. */
int verb_init(struct cli *cli, struct err *err);
int verb_up(struct cli *cli, struct err *err);
int verb_migrate(struct cli *cli, struct err *err);
int verb_doctor(struct cli *cli, struct err *err);
int verb_config_check(struct cli *cli, struct err *err);
int verb_config_show(struct cli *cli, struct err *err);
int verb_cron_next(struct cli *cli, struct err *err);
int verb_audit_tail(struct cli *cli, struct err *err);
int verb_audit_verify(struct cli *cli, struct err *err);
int verb_audit_export(struct cli *cli, struct err *err);
int verb_runner_add(struct cli *cli, struct err *err);
int verb_runner_revoke(struct cli *cli, struct err *err);

#endif
