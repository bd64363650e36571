/* The channel "pagerduty": Events API v2. Two pure functions and their table.
 *
 * PagerDuty drops a resolve that comes through another routing key than its trigger. So the outcome
 * of a trigger names the key by a fingerprint, the router hands that back with the resolve, and a
 * replaced key stays in `previous_keys` until the incidents opened through it are over. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/net/net.h"
#include "lib/sys/digest.h"
#include "notifiers/channels.h"
#include "notifiers/notification.h"
#include "notifiers/outcome.h"
#include "notifiers/settings.h"
#include "notifiers/text.h"

/* PagerDuty developer documentation, "Events API v2". */
enum {
    SUMMARY_MAX = 1000, /* of 1,024 characters */
    EVENT_BYTES_MAX = 500 * 1000,
    DETAIL_BYTES_MAX = 32 * 1024,
    ROUTING_KEY_BYTES = 32,
    FINGERPRINT_BYTES = 4,
    FINGERPRINT_DIGITS = 2 * FINGERPRINT_BYTES,
    THROTTLE_DEFAULT_MS = 60000, /* no Retry-After is documented; the window is a minute */
};

static const char default_endpoint[] = "https://events.pagerduty.com/v2/enqueue";

static const struct rule previous_rules[] = {
    {.name = "routing_key", .type = RULE_SECRET, .is_required = true, .doc = "A former key."},
    {.name = NULL},
};

static const struct rule target_rules[] = {
    {.name = "routing_key",
     .type = RULE_SECRET,
     .is_required = true,
     .doc = "The integration key of the PagerDuty service, 32 characters."},
    {.name = "previous_keys",
     .type = RULE_MAP,
     .rules = previous_rules,
     .doc = "Keys used before, by any name: incidents opened through them are resolved through "
            "them."},
    {.name = NULL},
};

static const struct rule rules[] = {
    {.name = "targets",
     .type = RULE_MAP,
     .is_required = true,
     .rules = target_rules,
     .doc = "PagerDuty services by the name that recipients use: pagerduty:NAME."},
    {.name = "endpoint",
     .type = RULE_STRING,
     .max = LIMIT_NAME_BYTES,
     .fallback = "\"https://events.pagerduty.com/v2/enqueue\"",
     .doc = "Where events go; in the EU region https://events.eu.pagerduty.com/v2/enqueue."},
    {.name = NULL},
};

static bool is_routing_key(const char *key)
{
    return strlen(key) == ROUTING_KEY_BYTES &&
           key[strspn(key, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] ==
               '\0';
}

static int check(const struct json_value *settings, struct err *err)
{
    const struct json_value *targets = settings_object(settings, "targets");
    const struct json_value *target = targets != NULL ? json_first(targets) : NULL;
    for (; target != NULL; target = json_next(target)) {
        if (!is_routing_key(settings_text(target, "routing_key", ""))) {
            return err_set(
                err, TC_ECONFIG,
                "channels.pagerduty.targets.%s.routing_key must be 32 letters and digits",
                json_name(target));
        }
    }
    return TC_OK;
}

/* The key has 128 random bits: 32 bits of its hash tell keys apart and tell nobody the key. */
static void fingerprint_of(const char *key, char *ret_text)
{
    uint8_t hash[DIGEST_BYTES];
    digest_sha256(key, strlen(key), hash);
    hex_encode(hash, FINGERPRINT_BYTES, ret_text);
}

static bool is_key_of(const char *key, const char *provider_id)
{
    char fingerprint[FINGERPRINT_DIGITS + 1];
    fingerprint_of(key, fingerprint);
    const char *hash = strrchr(provider_id, '#');
    return hash == NULL || str_eq(hash + 1, fingerprint);
}

/* The key of the trigger, or NULL when it is no longer configured. */
static const char *find_key(const struct json_value *target, const char *provider_id)
{
    const char *key = settings_text(target, "routing_key", NULL);
    const struct json_value *previous = settings_object(target, "previous_keys");
    const struct json_value *former = previous != NULL ? json_first(previous) : NULL;
    if (key == NULL || is_key_of(key, provider_id)) {
        return key;
    }
    for (; former != NULL; former = json_next(former)) {
        const char *old = settings_text(former, "routing_key", "");
        if (is_key_of(old, provider_id)) {
            return old;
        }
    }
    return NULL;
}

static void add_details(struct json_enc *e, const struct notification *n, const struct text *text)
{
    TC_CLEANUP(buf_freep) struct buf message;
    buf_init(&message, DETAIL_BYTES_MAX);
    text_add_escaped(&message, n->message, DETAIL_BYTES_MAX, text_escape_none);
    json_enc_obj(e, "custom_details");
    json_enc_str(e, "message", message.p);
    for (size_t i = 0; i < text->fact_count; i++) {
        json_enc_str(e, text->facts[i].label, text->facts[i].value);
    }
    json_enc_obj_end(e);
}

static void add_event_payload(struct json_enc *e, const struct notification *n,
                              const struct text *text)
{
    TC_CLEANUP(buf_freep) struct buf summary;
    TC_CLEANUP(buf_freep) struct buf whole;
    TC_CLEANUP(buf_freep) struct buf line; /* a summary is shown, sent and spoken as one */
    bool is_known = str_eq(n->severity, "info") || str_eq(n->severity, "warning");
    buf_init(&summary, SUMMARY_MAX);
    buf_init(&whole, 4L * LIMIT_MESSAGE_BYTES);
    buf_add_fmt(&whole, "%s%s%s", text->headline.p, n->message[0] != '\0' ? ": " : "", n->message);
    buf_init(&line, 4L * LIMIT_MESSAGE_BYTES);
    escape_header(&line, whole.p);
    text_add_escaped(&summary, line.p, SUMMARY_MAX, text_escape_none);
    json_enc_obj(e, "payload");
    json_enc_str(e, "summary", summary.p);
    json_enc_str(e, "source", n->runner[0] != '\0' ? n->runner : "tocsin");
    json_enc_str(e, "severity", is_known ? n->severity : "critical");
    json_enc_time(e, "timestamp", n->decided_utc_ms);
    json_enc_str(e, "component", n->monitor_name);
    add_details(e, n, text);
    json_enc_obj_end(e);
}

static void add_links(struct json_enc *e, const struct text *text)
{
    json_enc_arr(e, "links");
    for (size_t i = 0; i < text->link_count; i++) {
        json_enc_obj(e, NULL);
        json_enc_str(e, "href", text->links[i].url);
        json_enc_str(e, "text", text->links[i].label);
        json_enc_obj_end(e);
    }
    json_enc_arr_end(e);
}

static void add_event(const struct notification *n, const char *key, const char *dedup_key,
                      struct buf *out)
{
    struct text text;
    struct json_enc e;
    text_render(n, &text);
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_str(&e, "routing_key", key);
    json_enc_str(&e, "event_action", notification_is_failing(n) ? "trigger" : "resolve");
    json_enc_str(&e, "dedup_key", dedup_key);
    if (notification_is_failing(n)) {
        json_enc_str(&e, "client", "tocsin");
        if (n->incident_url[0] != '\0') {
            json_enc_str(&e, "client_url", n->incident_url);
        }
        add_links(&e, &text);
        add_event_payload(&e, n, &text);
    }
    json_enc_obj_end(&e);
    text_free(&text);
}

/* A reminder is no event: PagerDuty reminds and escalates by itself. A collapsed incident never
 * had a trigger to resolve, a test would page somebody. */
static bool is_event(const struct notification *n)
{
    switch (n->kind) {
    case NOTIFICATION_ALERT:
    case NOTIFICATION_CLOSED:
        return true;
    case NOTIFICATION_RECOVERY:
        return !n->is_collapsed;
    case NOTIFICATION_REMINDER:
    case NOTIFICATION_TEST:
        return false;
    }
    return false;
}

static int render(const struct notification *notification, const struct json_value *settings,
                  struct request *request, struct err *err)
{
    const struct notification *n = notification;
    char dedup_key[64];
    char fingerprint[FINGERPRINT_DIGITS + 1];
    const struct json_value *target = settings_target(settings, n->target);
    if (target == NULL) {
        return err_set(
            err, TC_ENOENT,
            "channels.pagerduty.targets has no such target: add it with its routing_key");
    }
    if (!is_event(n)) {
        return TC_OK;
    }
    const char *key = find_key(target, n->kind == NOTIFICATION_ALERT ? "" : n->told_id);
    if (key == NULL) {
        return err_set(err, TC_ENOENT,
                       "the routing key that opened this incident is gone: add it to previous_keys "
                       "of the target, or resolve the incident in PagerDuty");
    }
    (void)snprintf(dedup_key, sizeof dedup_key, "tocsin/%" PRIu32 "/%" PRIu64, n->monitor_id,
                   n->incident_id);
    fingerprint_of(key, fingerprint);
    request->kind = REQUEST_HTTP;
    buf_add_str(&request->url, settings_text(settings, "endpoint", default_endpoint));
    buf_add_str(request_header(request), "Content-Type: application/json");
    add_event(n, key, dedup_key, &request->body);
    if (request->body.len > EVENT_BYTES_MAX) {
        return err_set(err, TC_ERANGE, "the event is larger than %d bytes", EVENT_BYTES_MAX);
    }
    (void)snprintf(request->provider_id, sizeof request->provider_id, "%s#%s", dedup_key,
                   fingerprint);
    return TC_OK;
}

/* A repetition is harmless, its dedup_key is the same. But a trigger that may have arrived stays
 * ambiguous: one taken for lost would be cancelled at a recovery, without the resolve that it needs. */
static void classify(const struct request *request, const struct net_result *answer,
                     struct outcome *outcome)
{
    (void)request;
    if (answer->end != NET_ANSWERED) {
        return;
    }
    if (answer->status == 202) {
        outcome_set(outcome, OUTCOME_OK, "PagerDuty has accepted the event");
    } else if (outcome->class == OUTCOME_OK) {
        outcome_set(outcome, OUTCOME_RETRY, "PagerDuty answered %d where only 202 means accepted",
                    answer->status);
    } else if (outcome->is_throttle && answer->retry_after_ms < 0) {
        outcome->retry_after_ms = THROTTLE_DEFAULT_MS;
    }
}

const struct channel channel_pagerduty = {
    .name = "pagerduty",
    .doc = "Incidents in PagerDuty by Events API v2: opened by the alert, resolved by the end.",
    .rules = rules,
    .rate_per_minute = 100, /* of 120 */
    .burst = 20,
    .acknowledges_itself = true,
    .concurrency = 8,
    .check = check,
    .render = render,
    .classify = classify,
};
