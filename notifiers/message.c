/* A notification as a mail (RFC 5322, 2045, 2046, 3834). Sends nothing; the email channel hands it
 * to SMTP, the file channel to a Maildir. */
#include "notifiers/message.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "notifiers/html.h"
#include "notifiers/mime.h"
#include "notifiers/notification.h"
#include "notifiers/text.h"

static const char *domain_of(const char *address)
{
    const char *at = strchr(address, '@');
    return at != NULL ? at + 1 : "localhost";
}

/* All mails of an incident answer a root that was never sent: readers then show one thread without
 * anybody remembering the first Message-ID. */
static void add_thread(const struct notification *n, const char *domain, struct buf *out)
{
    buf_add_fmt(out, "Message-ID: <%s@%s>\r\n", n->key, domain);
    if (n->incident_id == 0) {
        return;
    }
    buf_add_fmt(out, "In-Reply-To: <incident-%" PRIu64 ".monitor-%" PRIu32 "@%s>\r\n",
                n->incident_id, n->monitor_id, domain);
    buf_add_fmt(out, "References: <incident-%" PRIu64 ".monitor-%" PRIu32 "@%s>\r\n",
                n->incident_id, n->monitor_id, domain);
}

static void add_headers(const struct notification *n, const struct message_envelope *envelope,
                        const struct text *text, struct buf *out)
{
    char date[TIMETEXT_SIZE];
    int32_t offset_s = n->zone != NULL ? tz_period_at(n->zone, n->decided_utc_ms)->offset_s : 0;
    const char *domain = domain_of(envelope->from);
    buf_add_fmt(out, "Date: %s\r\n", timetext_mail(n->decided_utc_ms, offset_s, date));
    mime_add_address_header(out, "From", envelope->from_name, envelope->from);
    mime_add_address_header(out, "To", "", envelope->to);
    mime_add_text_header(out, "Subject", text->subject.p);
    add_thread(n, domain, out);
    buf_add_str(out, "MIME-Version: 1.0\r\n");
    buf_add_str(out, "Auto-Submitted: auto-generated\r\n");
    buf_add_str(out, "X-Auto-Response-Suppress: All\r\n");
    buf_add_fmt(out, "List-Id: <tocsin.%s>\r\n", domain);
    if (n->kind == NOTIFICATION_ALERT) {
        buf_add_str(out, "Importance: high\r\n");
    }
    buf_add_fmt(out, "X-Tocsin-Kind: %s\r\n", notification_word(n->kind));
    buf_add_fmt(out, "X-Tocsin-Monitor: %" PRIu32 "\r\n", n->monitor_id);
    mime_add_text_header(out, "X-Tocsin-Severity", n->severity);
    if (n->incident_id != 0) {
        buf_add_fmt(out, "X-Tocsin-Incident: %" PRIu64 "\r\n", n->incident_id);
    }
    buf_add_fmt(out, "X-Tocsin-Key: %s\r\n", n->key);
}

/* "=_" can't occur in quoted-printable text, so no body can hold the boundary (RFC 2045 6.7). */
static void add_boundary(const struct notification *n, const char *end, struct buf *out)
{
    buf_add_fmt(out, "--=_%.60s%s\r\n", n->key, end);
}

static void add_part(const struct notification *n, const char *type, const struct buf *content,
                     struct buf *out)
{
    add_boundary(n, "", out);
    buf_add_fmt(out, "Content-Type: text/%s; charset=UTF-8\r\n", type);
    buf_add_str(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    mime_add_quoted(out, content->p, content->len);
    buf_add_str(out, "\r\n");
}

void message_add(const struct notification *notification, const struct message_envelope *envelope,
                 struct buf *out)
{
    const struct notification *n = notification;
    struct text text;
    TC_CLEANUP(buf_freep) struct buf plain;
    TC_CLEANUP(buf_freep) struct buf html;
    buf_init(&plain, LIMIT_MAIL_BYTES);
    buf_init(&html, LIMIT_MAIL_BYTES);
    text_render(n, &text);
    text_add_plain(n, &text, &plain);
    html_add_page(n, &text, &html);
    add_headers(n, envelope, &text, out);
    buf_add_fmt(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%.60s\"\r\n\r\n",
                n->key);
    add_part(n, "plain", &plain, out);
    add_part(n, "html", &html, out);
    add_boundary(n, "--", out);
    text_free(&text);
    if (plain.err != TC_OK || html.err != TC_OK) {
        out->err = TC_ENOSPC;
    }
}
