/* The table of commands. To add one: its line here, its function (cli/verbs.h). Called by help.c and
 * cli.c. */
#include "cli/commands.h"

#include <stddef.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "lib/base/limits.h"

#define AT(member) offsetof(struct cli_args, member)

static const char *const colours[] = {"auto", "always", "never", NULL};

/* clang-format off: one line an option, one line a command */
static const struct command_option general[] = {
    {.name = "config",
     .letter = 'c',
     .type = OPT_TEXT,
     .arg = "FILE",
     .doc = "Configuration (default /etc/tocsin/tocsin.yaml; TOCSIN_CONFIG)",
     .to = AT(config)},
    {.name = "json",
     .type = OPT_FLAG,
     .doc = "Print one JSON value, errors too",
     .to = AT(is_json)},
    {.name = "url",
     .type = OPT_TEXT,
     .arg = "URL",
     .doc = "Address of the API (default: web.listen of the configuration; TOCSIN_URL)",
     .to = AT(url)},
    {.name = "token-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .doc = "Access token (default: admin.token beside the configuration; TOCSIN_TOKEN_FILE)",
     .to = AT(token_file)},
    {.name = "color",
     .type = OPT_CHOICE,
     .arg = "auto|always|never",
     .doc = "Colour (default auto: on a terminal, without NO_COLOR)",
     .to = AT(color),
     .choices = colours},
    {.name = "help", .letter = 'h', .type = OPT_FLAG, .doc = "Print help", .to = AT(is_help)},
    {.name = "version",
     .letter = 'V',
     .type = OPT_FLAG,
     .doc = "Print the version",
     .to = AT(is_version)},
    {.name = NULL},
};

static const struct command_option init_options[] = {
    {.name = "dir",
     .type = OPT_TEXT,
     .arg = "DIR",
     .doc = "Where everything is written; made when it is missing",
     .to = AT(dir)},
    {.name = "name",
     .type = OPT_TEXT,
     .arg = "NAME",
     .doc = "Name of this host's runner (default: the host's name)",
     .to = AT(name)},
    {.name = "notify",
     .type = OPT_LIST,
     .arg = "RECIPIENT",
     .doc = "Told of tocsin's own troubles; may be repeated (default file:operator)",
     .to = AT(notify)},
    {.name = "smtp",
     .type = OPT_TEXT,
     .arg = "URL",
     .doc = "Mail server, smtp://HOST:PORT: adds the channel email",
     .to = AT(smtp)},
    {.name = "from",
     .type = OPT_TEXT,
     .arg = "ADDRESS",
     .doc = "Sender of mails (default tocsin@localhost)",
     .to = AT(from)},
    {.name = "slack",
     .type = OPT_TEXT,
     .arg = "URL",
     .doc = "Incoming webhook: adds the channel slack with the target #ops",
     .to = AT(slack)},
    {.name = "pagerduty",
     .type = OPT_TEXT,
     .arg = "URL",
     .doc = "Events endpoint: adds the channel pagerduty with the target core",
     .to = AT(pagerduty)},
    {.name = "source",
     .type = OPT_LIST,
     .arg = "NAME=URL",
     .doc = "Database that sql checks may ask; may be repeated",
     .to = AT(sources)},
    {.name = "checks",
     .type = OPT_LIST,
     .arg = "DIR",
     .doc = "Folder of exec: checks; may be repeated (default DIR/checks)",
     .to = AT(checks)},
    {.name = "demo",
     .type = OPT_FLAG,
     .doc = "A demonstration: time may run faster, nothing leaves this machine",
     .to = AT(is_demo)},
    {.name = NULL},
};

static const struct command_option migrate_options[] = {
    {.name = "dry-run",
     .letter = 'n',
     .type = OPT_FLAG,
     .doc = "Only print the SQL that would run",
     .to = AT(is_dry_run)},
    {.name = NULL},
};

static const struct command_option cron_next_options[] = {
    {.name = "tz",
     .type = OPT_TEXT,
     .arg = "ZONE",
     .doc = "Time zone (default America/Chicago, as for monitors)",
     .to = AT(timezone)},
    {.name = "from",
     .type = OPT_TEXT,
     .arg = "TIME",
     .doc = "Instants after this one, RFC 3339 (default: now)",
     .to = AT(from)},
    {.name = "count",
     .letter = 'n',
     .type = OPT_INTEGER,
     .arg = "N",
     .doc = "How many (default 5)",
     .to = AT(count),
     .min = 1,
     .max = 1000},
    {.name = NULL},
};

static const struct command_option audit_tail_options[] = {
    {.name = "count",
     .letter = 'n',
     .type = OPT_INTEGER,
     .arg = "N",
     .doc = "How many (default 20)",
     .to = AT(count),
     .min = 1,
     .max = 100000},
    {.name = NULL},
};

static const struct command_option audit_verify_options[] = {
    {.name = "key",
     .type = OPT_TEXT,
     .arg = "FILE",
     .doc = "Public key (PEM) of the checkpoints (default: audit.pub.pem of keys.dir)",
     .to = AT(key)},
    {.name = NULL},
};

static const struct command_option runner_add_options[] = {
    {.name = "dir",
     .type = OPT_TEXT,
     .arg = "DIR",
     .doc = "Where runner.key and router.pub for that host are written (default .)",
     .to = AT(dir)},
    {.name = NULL},
};

static const char *const severities[] = {"info", "warning", "critical", NULL};
static const char *const states[] = {"ok", "alert", NULL};
static const char *const statuses[] = {"queued",    "leased",    "sent", "dead",
                                       "cancelled", "collapsed", NULL};
static const char *const roles[] = {"viewer", "operator", "admin", NULL};

static const struct command_option monitor_list_options[] = {
    {.name = "state",
     .type = OPT_CHOICE,
     .arg = "ok|alert",
     .doc = "Only those in this state",
     .to = AT(state),
     .choices = states},
    {.name = "name",
     .type = OPT_TEXT,
     .arg = "TEXT",
     .doc = "Only those whose name holds this",
     .to = AT(name)},
    {.name = NULL},
};

#define MONITOR_COLUMNS                                                                         \
    {.name = "name",                                                                            \
     .type = OPT_TEXT,                                                                          \
     .arg = "NAME",                                                                             \
     .doc = "What people call it",                                                              \
     .to = AT(name)},                                                                           \
        {.name = "check",                                                                       \
         .type = OPT_TEXT,                                                                      \
         .arg = "CHECK",                                                                        \
         .doc = "sql, http, tcp, disk, file, heartbeat, exec:FILE, nagios:PLUGIN, php:CLASS",   \
         .to = AT(check)},                                                                      \
        {.name = "php-class",                                                                   \
         .type = OPT_TEXT,                                                                      \
         .arg = "CLASS",                                                                        \
         .doc = "Class of an original monitor, as php:CLASS without --check",                   \
         .to = AT(php_class)},                                                                  \
        {.name = "params",                                                                      \
         .type = OPT_TEXT,                                                                      \
         .arg = "JSON",                                                                         \
         .doc = "Object that the check is given",                                               \
         .to = AT(params)},                                                                     \
        {.name = "schedule",                                                                    \
         .type = OPT_LIST,                                                                      \
         .arg = "CRON",                                                                         \
         .doc = "Five fields, @daily, @every 30s; may be repeated (edit: replaces all)",        \
         .to = AT(schedules)},                                                                  \
        {.name = "tz",                                                                          \
         .type = OPT_TEXT,                                                                      \
         .arg = "ZONE",                                                                         \
         .doc = "Time zone of --schedule (default America/Chicago)",                            \
         .to = AT(timezone)},                                                                   \
        {.name = "notify",                                                                      \
         .type = OPT_LIST,                                                                      \
         .arg = "RECIPIENT",                                                                    \
         .doc = "Address or CHANNEL:TARGET; may be repeated (edit: replaces all)",              \
         .to = AT(notify)},                                                                     \
        {.name = "notify-nobody",                                                               \
         .type = OPT_FLAG,                                                                      \
         .doc = "Tell nobody, on purpose",                                                      \
         .to = AT(has_nobody)},                                                                 \
        {.name = "required-oks",                                                                \
         .type = OPT_INTEGER,                                                                   \
         .arg = "N",                                                                            \
         .doc = "OKs in a row that end an alert (default 2)",                                   \
         .to = AT(required_oks),                                                                \
         .min = 0,                                                                              \
         .max = LIMIT_THRESHOLD},                                                               \
        {.name = "required-failures",                                                           \
         .type = OPT_INTEGER,                                                                   \
         .arg = "N",                                                                            \
         .doc = "Failures in a row that make an alert (default 1)",                             \
         .to = AT(required_failures),                                                           \
         .min = 0,                                                                              \
         .max = LIMIT_THRESHOLD},                                                               \
        {.name = "reminder-minutes",                                                            \
         .type = OPT_INTEGER,                                                                   \
         .arg = "N",                                                                            \
         .doc = "A reminder at most that often (default 60; 0: every failing run)",             \
         .to = AT(reminder_minutes),                                                            \
         .min = 0,                                                                              \
         .max = LIMIT_REMINDER_MINUTES},                                                        \
        {.name = "timeout",                                                                     \
         .type = OPT_INTEGER,                                                                   \
         .arg = "SECONDS",                                                                      \
         .doc = "Time limit of a run (default 60)",                                             \
         .to = AT(timeout_s),                                                                   \
         .min = 1,                                                                              \
         .max = LIMIT_TIMEOUT_SECONDS},                                                         \
        {.name = "runs-on",                                                                     \
         .type = OPT_TEXT,                                                                      \
         .arg = "RUNNERS",                                                                      \
         .doc = "Which runners may run it (default: any that allows the check)",                \
         .to = AT(runs_on)},                                                                    \
        {.name = "severity",                                                                    \
         .type = OPT_CHOICE,                                                                    \
         .arg = "info|warning|critical",                                                        \
         .doc = "How bad a failure is (default critical)",                                      \
         .to = AT(severity),                                                                    \
         .choices = severities},                                                                \
        {.name = "label",                                                                       \
         .type = OPT_LIST,                                                                      \
         .arg = "NAME=TEXT",                                                                    \
         .doc = "Label; may be repeated (edit: replaces all)",                                  \
         .to = AT(labels)},                                                                     \
    {                                                                                           \
        .name = "runbook", .type = OPT_TEXT, .arg = "URL", .doc = "Where the instructions are", \
        .to = AT(runbook)                                                                       \
    }

static const struct command_option monitor_add_options[] = {
    MONITOR_COLUMNS,
    {.name = "inactive",
     .type = OPT_FLAG,
     .doc = "Paused from the beginning",
     .to = AT(is_inactive)},
    {.name = NULL},
};

static const struct command_option monitor_edit_options[] = {
    MONITOR_COLUMNS,
    {.name = NULL},
};

static const struct command_option monitor_run_options[] = {
    {.name = "wait",
     .type = OPT_INTEGER,
     .arg = "SECONDS",
     .doc = "Wait that long for the result (default: do not)",
     .to = AT(wait_s),
     .min = 1,
     .max = 60},
    {.name = NULL},
};

static const struct command_option monitor_reset_options[] = {
    {.name = "quiet",
     .letter = 'q',
     .type = OPT_FLAG,
     .doc = "Tell nobody that the incident is closed",
     .to = AT(is_quiet)},
    {.name = NULL},
};

static const struct command_option monitor_remove_options[] = {
    {.name = "yes", .letter = 'y', .type = OPT_FLAG, .doc = "Yes, remove it", .to = AT(is_yes)},
    {.name = NULL},
};

static const struct command_option monitor_history_options[] = {
    {.name = "count",
     .letter = 'n',
     .type = OPT_INTEGER,
     .arg = "N",
     .doc = "How many runs (default 20)",
     .to = AT(count),
     .min = 1,
     .max = 100000},
    {.name = NULL},
};

static const struct command_option ack_options[] = {
    {.name = "note",
     .type = OPT_TEXT,
     .arg = "TEXT",
     .doc = "What others should know",
     .to = AT(note)},
    {.name = "for",
     .type = OPT_DURATION,
     .arg = "TIME",
     .doc = "Ends by itself after that, like 2h (default: with the incident)",
     .to = AT(for_ms)},
    {.name = "keep-minutes",
     .type = OPT_INTEGER,
     .arg = "N",
     .doc = "Stay acknowledged when it fails again within N minutes of its recovery",
     .to = AT(keep_minutes),
     .min = 0,
     .max = 65535},
    {.name = NULL},
};

static const struct command_option notification_list_options[] = {
    {.name = "status",
     .type = OPT_CHOICE,
     .arg = "queued|leased|sent|dead|cancelled|collapsed",
     .doc = "Only those with this status",
     .to = AT(status),
     .choices = statuses},
    {.name = "monitor",
     .type = OPT_TEXT,
     .arg = "MONITOR",
     .doc = "Only those of this monitor",
     .to = AT(name)},
    {.name = "count",
     .letter = 'n',
     .type = OPT_INTEGER,
     .arg = "N",
     .doc = "How many (default 50)",
     .to = AT(count),
     .min = 1,
     .max = 100000},
    {.name = NULL},
};

static const struct command_option token_add_options[] = {
    {.name = "role",
     .type = OPT_CHOICE,
     .arg = "viewer|operator|admin",
     .doc = "What it allows (default viewer)",
     .to = AT(role),
     .choices = roles},
    {.name = "for",
     .type = OPT_DURATION,
     .arg = "TIME",
     .doc = "Ends after that, like 90d (default: never)",
     .to = AT(for_ms)},
    {.name = NULL},
};

static const struct command commands[] = {
    {.path = "init",
     .doc = "Write a complete installation into a directory",
     .options = init_options,
     .run = verb_init,
     .more = "Writes DIR/tocsin.yaml with every key explained, keys, an access token and an empty "
             "SQLite\n"
             "store; everything listens on loopback. Afterwards:\n\n"
             "  tocsin --config DIR/tocsin.yaml up"},
    {.path = "up",
     .doc = "Run router, runner, notifiers and web of this host until stopped",
     .run = verb_up,
     .more = "Each is a process of its own and is restarted when it ends. SIGTERM or Ctrl-C stops "
             "all,\n"
             "SIGHUP lets each of them reload its configuration."},
    {.path = "migrate",
     .doc = "Bring the database to this version's tables",
     .options = migrate_options,
     .run = verb_migrate},
    {.path = "doctor",
     .doc = "Look for everything that is wrong, and say what to do",
     .run = verb_doctor,
     .more = "Exit status 1 when there is any problem."},
    {.path = "config check",
     .doc = "Check the configuration, with each program's own part",
     .run = verb_config_check},
    {.path = "config show",
     .doc = "Print the configuration with the origin of each value",
     .run = verb_config_show},
    {.path = "monitor list",
     .doc = "All monitors and how they stand",
     .options = monitor_list_options,
     .run = verb_monitor_list},
    {.path = "monitor show",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Everything about a monitor",
     .run = verb_monitor_show,
     .more = "MONITOR is an id, a uuid or a name that only one monitor has."},
    {.path = "monitor add",
     .doc = "Add a monitor",
     .options = monitor_add_options,
     .run = verb_monitor_add,
     .more = "  tocsin monitor add --name 'Compass POs' --check exec:compass_pos --params "
             "'{\"maxAgeMinutes\": 30}' \\\n"
             "      --schedule '*/5 * * * *' --notify ops@example.com --notify slack:#ops"},
    {.path = "monitor edit",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Change a monitor: only what is given",
     .options = monitor_edit_options,
     .run = verb_monitor_edit,
     .more = "An empty text ('') clears a column that may be empty."},
    {.path = "monitor pause",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Stop running it and notifying",
     .run = verb_monitor_pause},
    {.path = "monitor resume",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Run a paused monitor again",
     .run = verb_monitor_resume},
    {.path = "monitor run",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Run it now",
     .options = monitor_run_options,
     .run = verb_monitor_run},
    {.path = "monitor reset",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Close its incident and start from ok",
     .options = monitor_reset_options,
     .run = verb_monitor_reset},
    {.path = "monitor history",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Its runs, newest first",
     .options = monitor_history_options,
     .run = verb_monitor_history},
    {.path = "monitor remove",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Remove it; its history stays",
     .options = monitor_remove_options,
     .run = verb_monitor_remove},
    {.path = "ack",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Acknowledge: somebody is on it, no more reminders",
     .options = ack_options,
     .run = verb_ack},
    {.path = "unack",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Take an acknowledgement back",
     .run = verb_unack},
    {.path = "why",
     .operands = "MONITOR",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Why it stands as it stands, and who was told or not told",
     .run = verb_why},
    {.path = "channel list",
     .doc = "The channels and whether they are connected",
     .run = verb_channel_list},
    {.path = "channel test",
     .operands = "RECIPIENT",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Send a test notification and tell what came back",
     .run = verb_channel_test,
     .more = "  tocsin channel test ops@example.com\n  tocsin channel test slack:#ops"},
    {.path = "notification list",
     .doc = "Notifications, newest first",
     .options = notification_list_options,
     .run = verb_notification_list},
    {.path = "notification show",
     .operands = "ID",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Everything about a notification",
     .run = verb_notification_show},
    {.path = "notification retry",
     .operands = "ID",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Send a dead one again",
     .run = verb_notification_retry},
    {.path = "runner list",
     .doc = "The runners and whether they are connected",
     .run = verb_runner_list},
    {.path = "runner add",
     .operands = "NAME",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Make a key for a runner on another host, and let it in",
     .options = runner_add_options,
     .run = verb_runner_add,
     .more = "Run it on the router's host. Copy runner.key and router.pub into keys.dir of the new "
             "host."},
    {.path = "runner revoke",
     .operands = "NAME",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Shut a runner out, at once",
     .run = verb_runner_revoke},
    {.path = "audit tail",
     .doc = "The newest audit records, read from the database",
     .options = audit_tail_options,
     .run = verb_audit_tail},
    {.path = "audit verify",
     .operands = "[FILE]",
     .operand_max = 1,
     .doc = "Verify the audit chain and its signed checkpoints",
     .options = audit_verify_options,
     .run = verb_audit_verify,
     .more = "Without FILE the database is read, with it what audit export wrote; neither needs a "
             "router.\n"
             "Names the first bad record."},
    {.path = "audit export",
     .operands = "[FILE]",
     .operand_max = 1,
     .doc = "Write all audit records and checkpoints as JSON lines",
     .run = verb_audit_export,
     .more = "To standard output without FILE; an existing FILE is never overwritten."},
    {.path = "cron next",
     .operands = "SCHEDULE",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "When a schedule fires next",
     .options = cron_next_options,
     .run = verb_cron_next,
     .more =
         "  tocsin cron next '30 2 * * *' --tz America/Chicago -n 5 --from 2027-03-13T00:00:00Z"},
    {.path = "token list", .doc = "Access tokens of the API", .run = verb_token_list},
    {.path = "token add",
     .operands = "NAME",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Make an access token, shown once",
     .options = token_add_options,
     .run = verb_token_add},
    {.path = "token remove",
     .operands = "ID",
     .operand_min = 1,
     .operand_max = 1,
     .doc = "Make a token useless, at once",
     .run = verb_token_remove},
    {.path = NULL},
};
/* clang-format on */

const struct command *command_all(void)
{
    return commands;
}

const struct command_option *command_general_options(void)
{
    return general;
}
