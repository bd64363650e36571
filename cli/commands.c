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
    {.path = "config check",
     .doc = "Check the configuration, with each program's own part",
     .run = verb_config_check},
    {.path = "config show",
     .doc = "Print the configuration with the origin of each value",
     .run = verb_config_show},
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
