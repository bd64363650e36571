/* The channel "file": mails into a Maildir, for machines without a mail server, for demonstrations
 * and tests. What reaches the disk is maildir.c's. */
#include <stdio.h>
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/net/net.h"
#include "lib/net/smtp.h"
#include "notifiers/channels.h"
#include "notifiers/message.h"
#include "notifiers/notification.h"
#include "notifiers/outcome.h"
#include "notifiers/settings.h"

static const struct rule rules[] = {
    {.name = "directory",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "Absolute path; each target is a Maildir of its name below it."},
    {.name = "from",
     .type = RULE_STRING,
     .fallback = "\"tocsin@localhost\"",
     .check = smtp_check_address,
     .doc = "The sender's address."},
    {.name = NULL},
};

static int check(const struct json_value *settings, struct err *err)
{
    if (settings_text(settings, "directory", "")[0] != '/') {
        return err_set(err, TC_ECONFIG, "channels.file.directory must be an absolute path");
    }
    return TC_OK;
}

/* A target is one path component of harmless letters, and so the local part of an address. */
static int check_target(const char *target, struct err *err)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(target);
    if (length == 0 || length > 64 || target[0] == '.' || target[strspn(target, letters)] != '\0') {
        return err_set(err, TC_EINVAL,
                       "a target of the channel file is up to 64 letters, digits, '-', '_' and "
                       "'.', and does not begin with a dot");
    }
    return TC_OK;
}

static int render(const struct notification *notification, const struct json_value *settings,
                  struct request *request, struct err *err)
{
    int status = check_target(notification->target, err);
    if (status != TC_OK) {
        return status;
    }
    request->kind = REQUEST_FILE;
    buf_add_fmt(&request->url, "%s/%s", settings_text(settings, "directory", ""),
                notification->target);
    buf_add_fmt(&request->to, "%s@localhost", notification->target);
    struct message_envelope envelope = {
        .from = settings_text(settings, "from", "tocsin@localhost"),
        .from_name = "tocsin",
        .to = request->to.p,
    };
    message_add(notification, &envelope, &request->body);
    (void)snprintf(request->provider_id, sizeof request->provider_id, "%s", notification->key);
    return TC_OK;
}

static void classify(const struct request *request, const struct net_result *answer,
                     struct outcome *outcome)
{
    (void)request;
    if (answer->end == NET_ANSWERED) {
        outcome_set(outcome, OUTCOME_OK, "written to the Maildir");
    } else {
        outcome_set(outcome, OUTCOME_RETRY, "%s", answer->text);
    }
}

const struct channel channel_file = {
    .name = "file",
    .doc = "Mails written into a Maildir.",
    .rules = rules,
    .rate_per_minute = 6000,
    .burst = 1000,
    .concurrency = 1,
    .check = check,
    .render = render,
    .classify = classify,
};
