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
int verb_monitor_list(struct cli *cli, struct err *err);
int verb_monitor_show(struct cli *cli, struct err *err);
int verb_monitor_add(struct cli *cli, struct err *err);
int verb_monitor_edit(struct cli *cli, struct err *err);
int verb_monitor_pause(struct cli *cli, struct err *err);
int verb_monitor_resume(struct cli *cli, struct err *err);
int verb_monitor_run(struct cli *cli, struct err *err);
int verb_monitor_reset(struct cli *cli, struct err *err);
int verb_monitor_history(struct cli *cli, struct err *err);
int verb_monitor_remove(struct cli *cli, struct err *err);
int verb_ack(struct cli *cli, struct err *err);
int verb_unack(struct cli *cli, struct err *err);
int verb_why(struct cli *cli, struct err *err);
int verb_notification_list(struct cli *cli, struct err *err);
int verb_notification_show(struct cli *cli, struct err *err);
int verb_notification_retry(struct cli *cli, struct err *err);
int verb_channel_list(struct cli *cli, struct err *err);
int verb_channel_test(struct cli *cli, struct err *err);
int verb_runner_list(struct cli *cli, struct err *err);
int verb_token_list(struct cli *cli, struct err *err);
int verb_token_add(struct cli *cli, struct err *err);
int verb_token_remove(struct cli *cli, struct err *err);

#endif
