/* The channel "slack": incoming webhooks, and chat.postMessage where a target has none. Two pure
 * functions and their table. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/net/net.h"
#include "notifiers/channels.h"
#include "notifiers/notification.h"
#include "notifiers/outcome.h"
#include "notifiers/settings.h"
#include "notifiers/text.h"

/* docs.slack.dev, "Blocks" and "Rate limits"; bytes where Slack counts characters, which is never
 * more. All blocks together stay under 12,000 (an unwritten limit lies near 13,200). */
enum {
    HEADER_MAX = 150,
    SECTION_MAX = 2900, /* of 3,000, with the fence around a message */
    FIELD_MAX = 500,    /* of 2,000 */
    FIELDS_MAX = 10,
    LINKS_MAX = 2900,
    TEXT_MAX = 3000,
    THROTTLE_DEFAULT_MS = 30000,
};

static const struct rule target_rules[] = {
    {.name = "webhook",
     .type = RULE_SECRET,
     .is_required = true,
     .doc = "The incoming webhook's URL, which is a secret."},
    {.name = NULL},
};

static const struct rule rules[] = {
    {.name = "targets",
     .type = RULE_MAP,
     .rules = target_rules,
     .doc = "Incoming webhooks by the name that recipients use: slack:NAME."},
    {.name = "token",
     .type = RULE_SECRET,
     .doc = "A bot token (chat:write) for targets without a webhook."},
    {.name = "api",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .fallback = "\"https://slack.com/api\"",
     .doc = "Where Slack's Web API is."},
    {.name = NULL},
};

/* Errors of the Web API that pass by themselves; all others are for an operator. */
static const char *const transient_errors[] = {
    "internal_error", "fatal_error", "service_unavailable", "request_timeout", NULL,
};
static const char *const limit_errors[] = {"ratelimited", "rate_limited", NULL};

static bool is_listed(const char *const *list, const char *word)
{
    for (; *list != NULL; list++) {
        if (str_eq(*list, word)) {
            return true;
        }
    }
    return false;
}

static int check(const struct json_value *settings, struct err *err)
{
    const struct json_value *targets = settings_object(settings, "targets");
    if ((targets == NULL || json_first(targets) == NULL) &&
        settings_text(settings, "token", NULL) == NULL) {
        return err_set(err, TC_ECONFIG,
                       "channels.slack needs targets with a webhook each, or a token");
    }
    return TC_OK;
}

static const char *emoji_of(const struct notification *n)
{
    if (notification_is_failing(n)) {
        return ":red_circle: ";
    }
    return n->kind == NOTIFICATION_RECOVERY ? ":large_green_circle: " : ":white_circle: ";
}

/* A fence inside the message would end ours; a zero-width space after each back-tick keeps it. */
static void escape_code(struct buf *out, const char *s)
{
    TC_CLEANUP(buf_freep) struct buf apart;
    size_t size = strlen(s);
    buf_init(&apart, 4 * size + 1);
    for (size_t i = 0; i < size; i++) {
        buf_add_char(&apart, s[i]);
        if (s[i] == '`' && s[i + 1] == '`') {
            buf_add_str(&apart, "\u200b");
        }
    }
    escape_mrkdwn(out, apart.p);
}

static void add_text_object(struct json_enc *e, const char *key, const char *type, const char *text)
{
    json_enc_obj(e, key);
    json_enc_str(e, "type", type);
    json_enc_str(e, "text", text);
    json_enc_obj_end(e);
}

static void add_header(struct json_enc *e, const struct text *text)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, HEADER_MAX);
    text_add_escaped(&out, text->subject.p, HEADER_MAX, text_escape_none);
    json_enc_obj(e, NULL);
    json_enc_str(e, "type", "header");
    add_text_object(e, "text", "plain_text", out.p);
    json_enc_obj_end(e);
}

static void add_section(struct json_enc *e, const char *mrkdwn)
{
    json_enc_obj(e, NULL);
    json_enc_str(e, "type", "section");
    add_text_object(e, "text", "mrkdwn", mrkdwn);
    json_enc_obj_end(e);
}

static void add_headline(struct json_enc *e, const struct notification *n, const struct text *text)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, SECTION_MAX);
    buf_add_str(&out, emoji_of(n));
    text_add_escaped(&out, text->headline.p, SECTION_MAX - 100, escape_mrkdwn);
    add_section(e, out.p);
}

static void add_message(struct json_enc *e, const struct notification *n)
{
    TC_CLEANUP(buf_freep) struct buf out;
    if (n->message[strspn(n->message, " \t\r\n")] == '\0') {
        return;
    }
    buf_init(&out, SECTION_MAX + 100);
    buf_add_str(&out, "```\n");
    text_add_escaped(&out, n->message, SECTION_MAX, escape_code);
    buf_add_str(&out, "\n```");
    add_section(e, out.p);
}

static void add_facts(struct json_enc *e, const struct text *text)
{
    json_enc_obj(e, NULL);
    json_enc_str(e, "type", "section");
    json_enc_arr(e, "fields");
    size_t count = text->fact_count < FIELDS_MAX ? text->fact_count : FIELDS_MAX;
    for (size_t i = 0; i < count; i++) {
        struct buf out;
        buf_init(&out, FIELD_MAX + 100);
        buf_add_fmt(&out, "*%s*\n", text->facts[i].label);
        text_add_escaped(&out, text->facts[i].value, FIELD_MAX, escape_mrkdwn);
        add_text_object(e, NULL, "mrkdwn", out.p);
        buf_free(&out);
    }
    json_enc_arr_end(e);
    json_enc_obj_end(e);
}

/* Links, not buttons: a button would need an app that answers Slack's callbacks. */
static void add_links(struct json_enc *e, const struct text *text)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LINKS_MAX);
    for (size_t i = 0; i < text->link_count; i++) {
        TC_CLEANUP(buf_freep) struct buf link;
        buf_init(&link, LINKS_MAX);
        buf_add_str(&link, out.len > 0 ? "  |  <" : "<");
        escape_mrkdwn(&link, text->links[i].url);
        buf_add_fmt(&link, "|%s>", text->links[i].label);
        if (out.len + link.len <= LINKS_MAX) { /* a link that does not fit is left out whole */
            buf_add(&out, link.p, link.len);
        }
    }
    if (out.len == 0) {
        return;
    }
    json_enc_obj(e, NULL);
    json_enc_str(e, "type", "context");
    json_enc_arr(e, "elements");
    add_text_object(e, NULL, "mrkdwn", out.p);
    json_enc_arr_end(e);
    json_enc_obj_end(e);
}

static void add_payload(const struct notification *n, const char *slack_channel, struct buf *out)
{
    struct text text;
    struct json_enc e;
    TC_CLEANUP(buf_freep) struct buf fallback;
    buf_init(&fallback, TEXT_MAX + 100);
    text_render(n, &text);
    buf_add_str(&fallback, emoji_of(n));
    text_add_escaped(&fallback, text.subject.p, TEXT_MAX, escape_mrkdwn);
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    if (slack_channel != NULL) {
        json_enc_str(&e, "channel", slack_channel);
    }
    json_enc_str(&e, "text", fallback.p);
    json_enc_arr(&e, "blocks");
    add_header(&e, &text);
    add_headline(&e, n, &text);
    add_message(&e, n);
    add_facts(&e, &text);
    add_links(&e, &text);
    json_enc_arr_end(&e);
    json_enc_bool(&e, "unfurl_links", false);
    json_enc_bool(&e, "unfurl_media", false);
    json_enc_obj_end(&e);
    text_free(&text);
}

static int render(const struct notification *notification, const struct json_value *settings,
                  struct request *request, struct err *err)
{
    const char *webhook =
        settings_text(settings_target(settings, notification->target), "webhook", NULL);
    const char *token = settings_text(settings, "token", NULL);
    request->kind = REQUEST_HTTP;
    buf_add_str(request_header(request), "Content-Type: application/json; charset=utf-8");
    if (webhook != NULL) {
        buf_add_str(&request->url, webhook);
        add_payload(notification, NULL, &request->body);
        return TC_OK;
    }
    if (token == NULL) {
        return err_set(err, TC_ENOENT,
                       "channels.slack.targets has no such target: add it with its webhook");
    }
    buf_add_fmt(&request->url, "%s/chat.postMessage",
                settings_text(settings, "api", "https://slack.com/api"));
    buf_add_fmt(request_header(request), "Authorization: Bearer %s", token);
    add_payload(notification, notification->target, &request->body);
    return TC_OK;
}

/* The Web API says in the body what a status of 200 hides. */
static void judge_api(const struct net_result *answer, struct outcome *outcome)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    struct json_dec d;
    if (json_parse(answer->body, answer->body_size, LIMIT_RESPONSE_BYTES, &json, NULL) != TC_OK ||
        json_type_of(json_root(json)) != JSON_OBJECT) {
        outcome_set(outcome, OUTCOME_RETRY, "Slack's answer is not one that it documents");
        outcome->is_ambiguous = true;
        return;
    }
    json_dec_start(&d, json_root(json), "", NULL);
    const char *error = json_str_opt(&d, "error", LIMIT_NAME_BYTES, "");
    const char *ts = json_str_opt(&d, "ts", LIMIT_NAME_BYTES, "");
    if (json_bool_opt(&d, "ok", false)) {
        (void)snprintf(outcome->provider_id, sizeof outcome->provider_id, "%s", ts);
        return;
    }
    if (is_listed(limit_errors, error)) {
        outcome_set(outcome, OUTCOME_RETRY, "Slack asks us to slow down");
        outcome->is_throttle = true;
        outcome->retry_after_ms =
            answer->retry_after_ms >= 0 ? answer->retry_after_ms : THROTTLE_DEFAULT_MS;
    } else if (is_listed(transient_errors, error)) {
        outcome_set(outcome, OUTCOME_RETRY, "Slack failed by itself: %.80s", error);
        outcome->is_ambiguous = true;
    } else {
        outcome_set(outcome, OUTCOME_DEAD, "Slack refuses: %.80s",
                    error[0] != '\0' ? error : "no reason given");
    }
}

static void classify(const struct request *request, const struct net_result *answer,
                     struct outcome *outcome)
{
    (void)request;
    if (answer->end != NET_ANSWERED || outcome->class != OUTCOME_OK) {
        return;
    }
    if (answer->status == 200 && str_eq(answer->body, "ok")) {
        return; /* an incoming webhook's only success */
    }
    judge_api(answer, outcome);
}

const struct channel channel_slack = {
    .name = "slack",
    .doc = "Messages to Slack channels by incoming webhook or bot token.",
    .rules = rules,
    .rate_per_minute = 60,
    .burst = 5,
    .concurrency = 8,
    .check = check,
    .render = render,
    .classify = classify,
};
