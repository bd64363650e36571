/* The words of a notification, once for all channels. No escaping, no format of any service; called
 * by the channels' render functions. */
#include "notifiers/text.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "lib/base/utf8.h"
#include "notifiers/notification.h"

enum {
    LINE_BYTES_MAX = 2048,
    LABEL_WIDTH = 15,
    CUT_ROUNDS = 8,
    MS_PER_SECOND = 1000,
};

static const char cut_mark[] = "… (cut)";

static void add_local(struct buf *out, const struct tz *zone, int64_t utc_ms)
{
    char text[TIMETEXT_SIZE];
    if (zone != NULL) {
        const struct tz_period *period = tz_period_at(zone, utc_ms);
        if (period->offset_s != 0) {
            buf_add_fmt(out, "%s (",
                        timetext_local(utc_ms, period->offset_s, period->abbreviation, text));
            buf_add_fmt(out, "%s)", timetext_local(utc_ms, 0, "UTC", text));
            return;
        }
    }
    buf_add_str(out, timetext_local(utc_ms, 0, "UTC", text));
}

static void add_duration(struct buf *out, int64_t from_utc_ms, int64_t to_utc_ms)
{
    char text[TIMETEXT_SIZE];
    int64_t from_s = from_utc_ms / MS_PER_SECOND; /* of the seconds shown, so that they agree */
    int64_t to_s = to_utc_ms / MS_PER_SECOND;
    int64_t ms = to_utc_ms > from_utc_ms ? to_utc_ms - from_utc_ms : 0;
    buf_add_str(out, timetext_duration(to_s > from_s ? (to_s - from_s) * MS_PER_SECOND : ms, text));
}

/* Takes value's bytes. */
static void add_fact(struct text *text, const char *label, struct buf *value)
{
    TC_ASSERT(text->fact_count < TEXT_FACTS_MAX);
    text->facts[text->fact_count++] = (struct text_fact){label, buf_take(value)};
}

static void add_text_fact(struct text *text, const char *label, const char *value)
{
    struct buf line;
    if (value[0] == '\0') {
        return;
    }
    buf_init(&line, (size_t)4 * LIMIT_LABELS_BYTES);
    escape_header(&line, value);
    add_fact(text, label, &line);
    buf_free(&line);
}

static void add_time_fact(struct text *text, const char *label, const struct tz *zone,
                          int64_t utc_ms)
{
    struct buf line;
    if (utc_ms == NOTIFICATION_NEVER) {
        return;
    }
    buf_init(&line, LINE_BYTES_MAX);
    add_local(&line, zone, utc_ms);
    add_fact(text, label, &line);
    buf_free(&line);
}

static void add_labels_fact(struct text *text, const struct json_value *labels)
{
    struct buf line;
    if (labels == NULL) {
        return;
    }
    buf_init(&line, (size_t)4 * LIMIT_LABELS_BYTES);
    for (const struct json_value *v = json_first(labels); v != NULL; v = json_next(v)) {
        if (json_type_of(v) == JSON_STRING) {
            buf_add_fmt(&line, "%s%s=%s", line.len > 0 ? ", " : "", json_name(v), json_string(v));
        }
    }
    add_text_fact(text, "Labels", line.p);
    buf_free(&line);
}

/* "from … to …, 14 min" or "since …, 14 min": what a person asks first. */
static void add_interval_fact(struct text *text, const struct notification *n)
{
    struct buf line;
    if (n->opened_utc_ms == NOTIFICATION_NEVER) {
        return;
    }
    bool has_end = n->ended_utc_ms != NOTIFICATION_NEVER;
    buf_init(&line, LINE_BYTES_MAX);
    add_local(&line, n->zone, n->opened_utc_ms);
    if (has_end) {
        buf_add_str(&line, " to ");
        add_local(&line, n->zone, n->ended_utc_ms);
    }
    if (n->kind != NOTIFICATION_ALERT || n->decided_utc_ms > n->opened_utc_ms) {
        buf_add_str(&line, ", ");
        add_duration(&line, n->opened_utc_ms, has_end ? n->ended_utc_ms : n->decided_utc_ms);
    }
    add_fact(text, has_end ? "Failed from" : "Failing since", &line);
    buf_free(&line);
}

static void add_headline(const struct notification *n, const char *name, struct buf *out)
{
    int64_t end = n->ended_utc_ms != NOTIFICATION_NEVER ? n->ended_utc_ms : n->decided_utc_ms;
    buf_add_str(out, name);
    switch (n->kind) {
    case NOTIFICATION_ALERT:
        buf_add_str(out, " is failing");
        return;
    case NOTIFICATION_REMINDER:
        buf_add_str(out, " is still failing after ");
        add_duration(out, n->opened_utc_ms, n->decided_utc_ms);
        return;
    case NOTIFICATION_RECOVERY:
        buf_add_str(out, n->is_collapsed ? " failed and has recovered: it was failing for "
                                         : " has recovered: it was failing for ");
        add_duration(out, n->opened_utc_ms, end);
        return;
    case NOTIFICATION_CLOSED:
        buf_add_str(out, ": its incident was closed without a recovery");
        return;
    case NOTIFICATION_TEST:
        buf_add_str(out, ": a test of this channel, nothing is wrong");
        return;
    }
    TC_UNREACHABLE();
}

/* A closed incident was ended by a hand: whether the monitor would be ok is not known. */
static const char *state_of(const struct notification *n)
{
    switch (n->kind) {
    case NOTIFICATION_ALERT:
    case NOTIFICATION_REMINDER:
        return "alert";
    case NOTIFICATION_RECOVERY:
        return "ok";
    case NOTIFICATION_CLOSED:
        return "closed";
    case NOTIFICATION_TEST:
        return "";
    }
    TC_UNREACHABLE();
}

static void add_facts(const struct notification *n, const char *name, struct text *text)
{
    struct buf type;
    buf_init(&type, LINE_BYTES_MAX);
    buf_add_str(&type, notification_word(n->kind));
    if (n->kind == NOTIFICATION_REMINDER && n->reminder_number > 0) {
        buf_add_fmt(&type, " %lld", (long long)n->reminder_number);
    }
    add_text_fact(text, "Monitor", name);
    add_text_fact(text, "State", state_of(n));
    add_fact(text, "Type", &type);
    buf_free(&type);
    add_text_fact(text, "Severity", n->severity);
    add_interval_fact(text, n);
    add_time_fact(text, "Scheduled", n->zone, n->scheduled_utc_ms);
    add_time_fact(text, "Result", n->zone, n->finished_utc_ms);
    if (n->finished_utc_ms == NOTIFICATION_NEVER) {
        add_time_fact(text, "Time", n->zone, n->decided_utc_ms);
    }
    add_text_fact(text, "Runner", n->runner);
    if (notification_is_failing(n)) {
        add_text_fact(text, "Reason", n->reason);
    }
    add_labels_fact(text, n->labels);
}

/* A row may hold any text as a URL: only what a browser opens as a page becomes a link. */
static void add_link(struct text *text, const char *label, const char *url)
{
    TC_ASSERT(text->link_count < TEXT_LINKS_MAX);
    if (!str_has_prefix(url, "https://") && !str_has_prefix(url, "http://")) {
        return;
    }
    for (const char *p = url; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("<>\"|", *p) != NULL) {
            return;
        }
    }
    text->links[text->link_count++] = (struct text_link){label, url};
}

void text_render(const struct notification *notification, struct text *ret_text)
{
    const struct notification *n = notification;
    struct buf name;
    *ret_text = (struct text){.fact_count = 0};
    buf_init(&ret_text->subject, LINE_BYTES_MAX);
    buf_init(&ret_text->headline, LINE_BYTES_MAX);
    buf_init(&name, LINE_BYTES_MAX);
    escape_header(&name, n->monitor_name);
    buf_add_fmt(&ret_text->subject, "[Monitor %s] %s", notification_word(n->kind), name.p);
    add_headline(n, name.p, &ret_text->headline);
    add_facts(n, name.p, ret_text);
    if (notification_is_failing(n)) {
        add_link(ret_text, "Acknowledge", n->acknowledge_url);
    }
    add_link(ret_text, "Incident", n->incident_url);
    add_link(ret_text, "Monitor", n->monitor_url);
    add_link(ret_text, "Runbook", n->runbook_url);
    buf_free(&name);
}

void text_free(struct text *text)
{
    buf_free(&text->subject);
    buf_free(&text->headline);
    for (size_t i = 0; i < text->fact_count; i++) {
        mem_free(text->facts[i].value);
    }
}

static void add_row(struct buf *out, const char *label, const char *value)
{
    buf_add_fmt(out, "%s:%*s%s\n", label, (int)(LABEL_WIDTH - strlen(label)), "", value);
}

void text_add_plain(const struct notification *notification, const struct text *text,
                    struct buf *out)
{
    size_t length = strlen(notification->message);
    buf_add_fmt(out, "%s\n\n", text->headline.p);
    if (length > 0) {
        buf_add(out, notification->message, length);
        buf_add_str(out, notification->message[length - 1] == '\n' ? "\n" : "\n\n");
    }
    for (size_t i = 0; i < text->fact_count; i++) {
        add_row(out, text->facts[i].label, text->facts[i].value);
    }
    if (text->link_count > 0) {
        buf_add_str(out, "\n");
    }
    for (size_t i = 0; i < text->link_count; i++) {
        add_row(out, text->links[i].label, text->links[i].url);
    }
}

void text_escape_none(struct buf *out, const char *s)
{
    buf_add_str(out, s);
}

void text_add_escaped(struct buf *out, const char *s, size_t max,
                      void (*escape)(struct buf *out, const char *s))
{
    size_t size = strlen(s);
    size_t room = max - (sizeof cut_mark - 1);
    size_t take = size <= max ? size : utf8_cut_size(s, size, room);
    /* Each round shortens by the factor that the escapes of the last one showed. */
    for (int round = 0;; round++) {
        struct buf part;
        buf_init(&part, 8 * (take + 1));
        char *prefix = mem_dup(s, take);
        escape(&part, prefix);
        mem_free(prefix);
        bool is_whole = take == size;
        if (part.err == TC_OK && part.len <= (is_whole ? max : room)) {
            buf_add(out, part.p, part.len);
            buf_add_str(out, is_whole ? "" : cut_mark);
            buf_free(&part);
            return;
        }
        size_t next = round < CUT_ROUNDS ? take * room / (part.len + 1) : take / 2;
        take = utf8_cut_size(s, size, next < take ? next : take / 2);
        buf_free(&part);
    }
}
