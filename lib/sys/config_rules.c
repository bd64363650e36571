/* Every key of the configuration: type, bounds, default, meaning. The loader, the messages, `config
 * show` and the manual all follow this table. Reads nothing. Called by config.c. */
#include "lib/sys/config_rules.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/mysql_url.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/sys/config.h"

enum {
    TEXT = LIMIT_URL_BYTES,
};
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (366 * DAY)

/* A port from 0 to 65535 up to the end of the text. */
static bool is_port(const char *text)
{
    int64_t port = 0;
    return parse_whole_i64(text, 0, UINT16_MAX, &port) == TC_OK;
}

static int check_address(const char *text, struct err *err)
{
    bool is_ipc = str_has_prefix(text, "ipc://") && text[6] != '\0';
    const char *port = str_has_prefix(text, "tcp://") ? strrchr(text + 6, ':') : NULL;
    bool is_tcp = port != NULL && port > text + 6 && (is_port(port + 1) || str_eq(port, ":*"));
    if (!is_ipc && !is_tcp) {
        return err_set(
            err, TC_EINVAL,
            "\"%s\" is not \"tcp://HOST:PORT\" with a port up to 65535, or \"ipc://PATH\"", text);
    }
    return TC_OK;
}

static int check_store(const char *text, struct err *err)
{
    struct mysql_url url;
    if (str_has_prefix(text, "mysql://")) {
        return mysql_url_parse(text, &url, err);
    }
    if (!str_has_prefix(text, "sqlite:") || text[7] == '\0') {
        return err_set(err, TC_EINVAL,
                       "\"%s\" is not \"sqlite:FILE\" or \"mysql://USER@HOST:PORT/DATABASE\"",
                       text);
    }
    return TC_OK;
}

static int check_instant(const char *text, struct err *err)
{
    int64_t utc_ms = 0;
    return timetext_parse_rfc3339(text, &utc_ms, err);
}

static int check_recipient(const char *text, struct err *err)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return err_set(err, TC_EINVAL, "a recipient holds no control characters");
        }
    }
    if (strchr(text, '@') == NULL && strchr(text, ':') == NULL) {
        return err_set(err, TC_EINVAL, "\"%s\" is neither an address nor \"channel:target\"", text);
    }
    return TC_OK;
}

static int check_web_url(const char *text, struct err *err)
{
    if (!str_has_prefix(text, "http://") && !str_has_prefix(text, "https://")) {
        return err_set(err, TC_EINVAL, "\"%s\" does not begin with http:// or https://", text);
    }
    return TC_OK;
}

static int check_listen(const char *text, struct err *err)
{
    const char *port = strrchr(text, ':');
    if (port == NULL || !is_port(port + 1)) {
        return err_set(err, TC_EINVAL, "\"%s\" is not HOST:PORT with a port up to 65535", text);
    }
    return TC_OK;
}

/* It stands in the file of keys, one line a peer. */
static int check_runner_name(const char *text, struct err *err)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '#' || (unsigned char)*c >= 0x7f) {
            return err_set(err, TC_EINVAL,
                           "a runner's name is made of visible ASCII characters without # and "
                           "spaces");
        }
    }
    return TC_OK;
}

/* clang-format off */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"auto", "text", "json", "journal", NULL};

static const struct rule log_rules[] = {
    {.name = "level", .type = RULE_STRING, .min = 1, .max = 16, .choices = levels, .fallback = "\"info\"", .doc = "The least severe records that are written."},
    {.name = "format", .type = RULE_STRING, .min = 1, .max = 16, .choices = formats, .fallback = "\"auto\"", .doc = "How records are written; auto is journal under systemd, else text."},
    {.name = NULL},
};

static const struct rule keys_rules[] = {
    {.name = "dir", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"keys\"", .doc = "Folder of this host's CURVE keys and its peers' public ones, relative to state_dir."},
    {.name = "link", .type = RULE_SECRET, .doc = "Key of links to acknowledge, shared by notifiers and web: 64 hexadecimal digits; with a second line both are valid, the first signs. Without it there are no links."},
    {.name = NULL},
};

static const struct rule store_rules[] = {
    {.name = "url", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"sqlite:tocsin.db\"", .check = check_store, .doc = "The database: sqlite:FILE, relative to state_dir, or mysql://USER@HOST:PORT/DATABASE for MariaDB 10.11 or newer."},
    {.name = "password", .type = RULE_SECRET, .doc = "Password of the router's database account."},
    {.name = "socket", .type = RULE_STRING, .min = 1, .max = 107, .doc = "Socket of a MariaDB server on this host, instead of TCP."},
    {.name = "ca", .type = RULE_STRING, .min = 1, .max = TEXT, .doc = "CA certificates that the MariaDB server is checked against; implies require_tls. Default: the system's."},
    {.name = "require_tls", .type = RULE_BOOLEAN, .fallback = "false", .doc = "Refuse a MariaDB connection without TLS and a certificate for the host; needed for any other host."},
    {.name = "allow_network_file", .type = RULE_BOOLEAN, .fallback = "false", .doc = "Allow a SQLite file on a network file system, which can lose what was committed."},
    {.name = "group", .type = RULE_STRING, .min = 1, .max = 64, .doc = "Group that may read the SQLite file: the one that the web process runs in."},
    {.name = "web_user", .type = RULE_STRING, .min = 1, .max = 80, .doc = "MariaDB account of the web process and of commands that read; default: the router's."},
    {.name = "web_password", .type = RULE_SECRET, .doc = "Password of web_user."},
    {.name = "migrate_user", .type = RULE_STRING, .min = 1, .max = 80, .doc = "MariaDB account of tocsin migrate, which makes tables; default: the router's."},
    {.name = "migrate_password", .type = RULE_SECRET, .doc = "Password of migrate_user."},
    {.name = NULL},
};

static const struct rule router_rules[] = {
    {.name = "runners", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"tcp://127.0.0.1:5570\"", .check = check_address, .doc = "Where the router listens for runners."},
    {.name = "notifiers", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"tcp://127.0.0.1:5571\"", .check = check_address, .doc = "Where the router listens for notifiers."},
    {.name = "web", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"ipc://web.sock\"", .check = check_address, .doc = "Where the router listens for the web process; a relative ipc path lies in state_dir."},
    {.name = "default_recipients", .type = RULE_STRINGS, .min = 0, .max = LIMIT_RECIPIENTS, .fallback = "[]", .check = check_recipient, .doc = "Who is told of tocsin's own troubles and of monitors whose recipients can't be read."},
    {.name = "lease", .type = RULE_DURATION, .min = 3 * SECOND, .max = 10 * MINUTE, .fallback = "\"15s\"", .doc = "How long the ownership of the shard lasts without renewal."},
    {.name = "runner_dead", .type = RULE_DURATION, .min = 5 * SECOND, .max = HOUR, .fallback = "\"60s\"", .doc = "A runner unheard of for this long is reported as gone."},
    {.name = "grace", .type = RULE_DURATION, .min = 0, .max = HOUR, .fallback = "\"30s\"", .doc = "Added to a run's time limit before its missing result is a failure."},
    {.name = "retry_for", .type = RULE_DURATION, .min = MINUTE, .max = 30 * DAY, .fallback = "\"1d\"", .doc = "A notification that can't be delivered is given up after this."},
    {.name = "keep_runs", .type = RULE_DURATION, .min = DAY, .max = 100 * YEAR, .or_zero = true, .fallback = "\"90d\"", .doc = "How long the history of runs is kept; 0: for ever."},
    {.name = "keep_incidents", .type = RULE_DURATION, .min = DAY, .max = 100 * YEAR, .or_zero = true, .fallback = "\"400d\"", .doc = "How long ended incidents and finished notifications are kept; 0: for ever."},
    {.name = "audit_key", .type = RULE_SECRET, .doc = "P-256 key in PEM that signs audit checkpoints; default audit.pem in keys.dir."},
    {.name = NULL},
};

static const struct rule runner_rules[] = {
    {.name = "name", .type = RULE_STRING, .min = 1, .max = LIMIT_NAME_BYTES, .check = check_runner_name, .doc = "Name of this host's runner; without it the host runs no checks."},
    {.name = "labels", .type = RULE_ANY, .fallback = "{}", .doc = "Labels that a monitor's runsOn can ask for, a map of strings."},
    {.name = "router", .type = RULE_STRING, .min = 1, .max = TEXT, .check = check_address, .doc = "Where the runner finds the router; default: router.runners of this file."},
    {.name = "checks", .type = RULE_STRINGS, .min = 0, .max = 32, .fallback = "[\"/usr/lib/tocsin/checks\"]", .doc = "Folders of executable checks (exec:NAME)."},
    {.name = "php", .type = RULE_STRINGS, .min = 0, .max = 32, .fallback = "[]", .doc = "Folders of PHP monitor classes (php:CLASS)."},
    {.name = "plugins", .type = RULE_STRINGS, .min = 0, .max = 32, .fallback = "[\"/usr/lib/nagios/plugins\"]", .doc = "Folders of Nagios plugins (nagios:NAME)."},
    {.name = "allow", .type = RULE_STRINGS, .min = 0, .max = 256, .fallback = "[]", .doc = "Patterns of the checks that this host runs, like sql, http, exec:*; nothing else is run."},
    {.name = "roots", .type = RULE_STRINGS, .min = 0, .max = 64, .fallback = "[]", .doc = "Folders below which the disk and file checks may look; none: they may not."},
    {.name = "sources", .type = RULE_ANY, .fallback = "{}", .doc = "Databases that the sql check may ask, by name; their keys are told by tocsin-check sql --describe."},
    {.name = "user", .type = RULE_STRING, .min = 1, .max = 64, .doc = "User that checks run as; needs a runner started as root."},
    {.name = "concurrency", .type = RULE_INTEGER, .min = 1, .max = 1024, .fallback = "32", .doc = "How many checks run at a time."},
    {.name = "workers", .type = RULE_INTEGER, .min = 1, .max = 256, .fallback = "4", .doc = "Warm processes for built-in checks."},
    {.name = "spool_bytes", .type = RULE_INTEGER, .min = INT64_C(1024) * 1024, .max = INT64_C(1) << 40, .fallback = "67108864", .doc = "Room for results that the router has not acknowledged."},
    {.name = "spool_keep", .type = RULE_DURATION, .min = MINUTE, .max = YEAR, .fallback = "\"7d\"", .doc = "Age at which unacknowledged results are dropped."},
    {.name = "splay", .type = RULE_DURATION, .min = 0, .max = HOUR, .fallback = "0", .doc = "Spreads runs of the same minute over this time."},
    {.name = "memory_bytes", .type = RULE_INTEGER, .min = 0, .max = INT64_C(1) << 50, .fallback = "0", .doc = "Memory of one check with all it starts, in a control group; else address space of each of its processes; 0 is unlimited."},
    {.name = "alone_command", .type = RULE_STRINGS, .min = 0, .max = 64, .fallback = "[]", .doc = "Program and arguments run when no router has answered for alone_after."},
    {.name = "alone_after", .type = RULE_DURATION, .min = MINUTE, .max = 7 * DAY, .fallback = "\"10m\"", .doc = "How long without an acknowledgement before alone_command runs."},
    {.name = NULL},
};

static const struct rule notifier_rules[] = {
    {.name = "router", .type = RULE_STRING, .min = 1, .max = TEXT, .check = check_address, .doc = "Where notifiers find the router; default: router.notifiers of this file."},
    {.name = "timeout", .type = RULE_DURATION, .min = SECOND, .max = 10 * MINUTE, .fallback = "\"20s\"", .doc = "Time limit of one call of a provider."},
    {.name = "link_expiry", .type = RULE_DURATION, .min = MINUTE, .max = 7 * DAY, .fallback = "\"1d\"", .doc = "How long a link to acknowledge is good, from the decision that its message tells."},
    {.name = NULL},
};

static const struct rule web_rules[] = {
    {.name = "listen", .type = RULE_STRING, .min = 1, .max = 256, .fallback = "\"127.0.0.1:8080\"", .check = check_listen, .doc = "Address and port of the dashboard and API."},
    {.name = "public_url", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"http://127.0.0.1:8080\"", .check = check_web_url, .doc = "What people type to reach it; links in notifications begin with it."},
    {.name = "router", .type = RULE_STRING, .min = 1, .max = TEXT, .check = check_address, .doc = "Where the web process finds the router; default: router.web of this file."},
    {.name = "tls_cert", .type = RULE_STRING, .min = 1, .max = TEXT, .doc = "Certificate chain in PEM; without it web speaks plain HTTP."},
    {.name = "tls_key", .type = RULE_SECRET, .doc = "Private key of tls_cert in PEM."},
    {.name = "hosts", .type = RULE_STRINGS, .min = 0, .max = 64, .fallback = "[]", .doc = "Host names accepted besides that of public_url."},
    {.name = "session", .type = RULE_DURATION, .min = MINUTE, .max = YEAR, .fallback = "\"12h\"", .doc = "How long a login lasts."},
    {.name = "connections", .type = RULE_INTEGER, .min = 8, .max = 65536, .fallback = "1000", .doc = "Most connections at a time."},
    {.name = NULL},
};

static const struct rule rules[] = {
    {.name = "state_dir", .type = RULE_STRING, .min = 1, .max = TEXT, .fallback = "\"/var/lib/tocsin\"", .doc = "Where everything lies that must survive, relative to this file."},
    {.name = "demo", .type = RULE_BOOLEAN, .fallback = "false", .doc = "A demonstration: time may run faster, and no message leaves the machine."},
    {.name = "demo_since", .type = RULE_STRING, .min = 1, .max = 64, .check = check_instant, .doc = "Instant from which a demonstration's time runs faster (RFC 3339)."},
    {.name = "log", .type = RULE_OBJECT, .rules = log_rules, .doc = "The log on standard error."},
    {.name = "keys", .type = RULE_OBJECT, .rules = keys_rules, .doc = "Who this host is, and whom it knows."},
    {.name = "store", .type = RULE_OBJECT, .rules = store_rules, .doc = "The database."},
    {.name = "router", .type = RULE_OBJECT, .rules = router_rules, .doc = "tocsin-router."},
    {.name = "runner", .type = RULE_OBJECT, .rules = runner_rules, .doc = "tocsin-runner."},
    {.name = "notifier", .type = RULE_OBJECT, .rules = notifier_rules, .doc = "All of this host's tocsin-notifier processes."},
    {.name = "web", .type = RULE_OBJECT, .rules = web_rules, .doc = "tocsin-web."},
    {.name = "channels", .type = RULE_ANY, .fallback = "{}", .doc = "Channels by name; docs/manual/configuration.md lists the keys of each."},
    {.name = NULL},
};
/* clang-format on */

const struct rule *config_rules(void)
{
    return rules;
}

const struct rule *config_rule_find(const struct rule *table, const char *name)
{
    for (const struct rule *rule = table; rule->name != NULL; rule++) {
        if (str_eq(rule->name, name)) {
            return rule;
        }
    }
    return NULL;
}
