/* The channel "email": one mail transaction a recipient. Two pure functions and their table. */
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/net/net.h"
#include "lib/net/smtp.h"
#include "notifiers/channels.h"
#include "notifiers/message.h"
#include "notifiers/notification.h"
#include "notifiers/outcome.h"
#include "notifiers/settings.h"

static const char *const tls_choices[] = {"required", "if_offered", "never", NULL};

static const struct rule rules[] = {
    {.name = "smtp",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "The mail server: smtp://host:port, or smtps://host:port for TLS from the start."},
    {.name = "from",
     .type = RULE_STRING,
     .is_required = true,
     .check = smtp_check_address,
     .doc = "The sender's address; its domain stands in Message-ID and List-Id."},
    {.name = "from_name",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .fallback = "\"tocsin\"",
     .doc = "The sender's name as people see it."},
    {.name = "user",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .doc = "The account at the mail server; without it no authentication is tried."},
    {.name = "password", .type = RULE_SECRET, .doc = "The account's password."},
    {.name = "tls",
     .type = RULE_STRING,
     .choices = tls_choices,
     .doc = "required: nothing is sent without TLS (the default unless the server is on "
            "loopback); if_offered; never (the default on loopback)."},
    {.name = "ca_file",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .doc = "Certificates that may vouch for the mail server, instead of the system's."},
    {.name = "helo",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .doc = "The name that this host tells the mail server; its own by default."},
    {.name = NULL},
};

static bool is_loopback(const char *server)
{
    const char *host = strstr(server, "://");
    if (host == NULL) {
        return false;
    }
    host += strlen("://");
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    return (length == strlen("localhost") && strncmp(host, "localhost", length) == 0) ||
           (length == strlen("[::1]") && strncmp(host, "[::1]", length) == 0) ||
           (str_has_prefix(host, "127.") && strspn(host, "0123456789.") == length);
}

static enum smtp_tls tls_of(const struct json_value *settings)
{
    const char *server = settings_text(settings, "smtp", "");
    const char *tls = settings_text(settings, "tls", is_loopback(server) ? "never" : "required");
    if (str_eq(tls, "never")) {
        return SMTP_TLS_NEVER;
    }
    return str_eq(tls, "if_offered") ? SMTP_TLS_IF_OFFERED : SMTP_TLS_REQUIRED;
}

static int check(const struct json_value *settings, struct err *err)
{
    const char *server = settings_text(settings, "smtp", "");
    bool has_user = settings_text(settings, "user", NULL) != NULL;
    if (!str_has_prefix(server, "smtp://") && !str_has_prefix(server, "smtps://")) {
        return err_set(err, TC_ECONFIG,
                       "channels.email.smtp must be smtp://host:port or smtps://host:port");
    }
    if (has_user != (settings_text(settings, "password", NULL) != NULL)) {
        return err_set(err, TC_ECONFIG, "channels.email needs both user and password, or neither");
    }
    if (has_user && tls_of(settings) != SMTP_TLS_REQUIRED && !is_loopback(server)) {
        return err_set(err, TC_ECONFIG,
                       "channels.email.tls must be required: a password would go out in the clear");
    }
    return TC_OK;
}

static int render(const struct notification *notification, const struct json_value *settings,
                  struct request *request, struct err *err)
{
    struct message_envelope envelope = {
        .from = settings_text(settings, "from", ""),
        .from_name = settings_text(settings, "from_name", "tocsin"),
        .to = notification->target,
    };
    int status = smtp_check_address(envelope.to, err);
    if (status != TC_OK) {
        return status;
    }
    request->kind = REQUEST_SMTP;
    buf_add_str(&request->url, settings_text(settings, "smtp", ""));
    buf_add_str(&request->from, envelope.from);
    buf_add_str(&request->to, envelope.to);
    request->user = mem_strdup(settings_text(settings, "user", NULL));
    request->password = mem_strdup(settings_text(settings, "password", NULL));
    request->helo = mem_strdup(settings_text(settings, "helo", NULL));
    request->ca_file = mem_strdup(settings_text(settings, "ca_file", NULL));
    request->tls = (int)tls_of(settings);
    message_add(notification, &envelope, &request->body);
    return TC_OK;
}

/* RFC 5321 4.2.1: the first digit decides; 530, 534, 535 and 538 speak of the account (RFC 4954),
 * which an operator mends, so the mail stays worth sending. */
static void classify(const struct request *request, const struct net_result *answer,
                     struct outcome *outcome)
{
    int status = answer->status;
    (void)request; /* the reply says all */
    if (answer->end != NET_ANSWERED) {
        return;
    }
    if (status >= 200 && status < 300) {
        outcome_set(outcome, OUTCOME_OK, "the mail server has taken the mail");
        (void)snprintf(outcome->provider_id, sizeof outcome->provider_id, "%.255s",
                       outcome->remote);
    } else if (status == 530 || status == 534 || status == 535 || status == 538) {
        outcome_set(outcome, OUTCOME_RETRY,
                    "the mail server refuses our account: correct channels.email user or password");
    } else if (status >= 500 && status < 600) {
        outcome_set(outcome, OUTCOME_DEAD, "the mail server refuses the mail for good");
    } else {
        outcome_set(outcome, OUTCOME_RETRY, "the mail server asks to try again later");
    }
}

const struct channel channel_email = {
    .name = "email",
    .doc = "Mail by SMTP, one transaction a recipient.",
    .rules = rules,
    .rate_per_minute = 60,
    .burst = 20,
    .concurrency = 8,
    .check = check,
    .render = render,
    .classify = classify,
};
