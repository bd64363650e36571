/* The page behind a link to acknowledge, for people who may not be signed in and may be on a phone. It
 * tells nothing that the message with the link did not, but who was first. Called by ack.c. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/escape.h"
#include "lib/base/mem.h"
#include "lib/base/timetext.h"
#include "lib/base/utf8.h"
#include "web/ack.h"

enum {
    MESSAGE_BYTES = 4000, /* the message with the link had all of it */
};

int ack_page_status(enum ack_state state)
{
    switch (state) {
    case ACK_STATE_OFF:
        return 404;
    case ACK_STATE_FORGED:
        return 403;
    case ACK_STATE_EXPIRED:
    case ACK_STATE_OVER:
    case ACK_STATE_USED:
        return 410;
    case ACK_STATE_TAKEN:
    case ACK_STATE_OPEN:
        return 200;
    case ACK_STATE_FAILED:
        return 503;
    }
    TC_UNREACHABLE();
}

static void add_time(struct buf *out, int64_t utc_ms)
{
    char text[TIMETEXT_SIZE];
    buf_add_str(out, timetext_local(utc_ms, 0, "UTC", text));
}

static void add_word(struct buf *out, const char *class, const char *word)
{
    buf_add_fmt(out, "<p class=\"word %s\">%s</p>", class, word);
}

static void add_name(const struct ack *ack, struct buf *out)
{
    buf_add_str(out, "<h1>");
    escape_html(out, ack->name);
    buf_add_str(out, "</h1>");
}

static void add_message(const struct ack *ack, struct buf *out)
{
    size_t size = ack->message == NULL ? 0 : strlen(ack->message);
    if (size == 0) {
        return;
    }
    char *shown = mem_dup(ack->message, utf8_cut_size(ack->message, size, MESSAGE_BYTES));
    buf_add_str(out, "<pre>");
    escape_html(out, shown);
    buf_add_str(out, size > MESSAGE_BYTES ? "… (cut)</pre>" : "</pre>");
    mem_free(shown);
}

/* The form has no action: it goes where the page came from, also behind a proxy with a path. */
static void add_form(const struct ack *ack, struct buf *out)
{
    add_word(out, "alert", "▲ ALERT");
    add_name(ack, out);
    buf_add_str(out, "<p>Failing since ");
    add_time(out, ack->opened_utc_ms);
    buf_add_str(out, ".</p>");
    add_message(ack, out);
    buf_add_str(out, "<form method=\"post\"><label for=\"note\">Note (optional)</label>"
                     "<input id=\"note\" name=\"note\" maxlength=\"200\" autocomplete=\"off\">"
                     "<button>Acknowledge</button></form><p>You acknowledge as <b>");
    escape_html(out, acklink_actor(ack->recipient));
    buf_add_str(out, "</b>. There are no more reminders then until it recovers; its recovery is "
                     "still told.</p>");
}

static void add_taken(const struct ack *ack, struct buf *out)
{
    add_word(out, "ack", "◆ ACKNOWLEDGED");
    add_name(ack, out);
    buf_add_str(out, "<p>Acknowledged by <b>");
    escape_html(out, ack->acknowledged_by == NULL ? "somebody" : ack->acknowledged_by);
    buf_add_str(out, "</b> at ");
    add_time(out, ack->acknowledged_utc_ms);
    if (ack->ack_expires_utc_ms != CORE_NEVER) {
        buf_add_str(out, " until ");
        add_time(out, ack->ack_expires_utc_ms);
    }
    buf_add_str(out, ". There are no reminders; its recovery is still told.</p>");
    if (ack->note != NULL && ack->note[0] != '\0') {
        buf_add_str(out, "<pre>");
        escape_html(out, ack->note);
        buf_add_str(out, "</pre>");
    }
}

static void add_over(const struct ack *ack, struct buf *out)
{
    static const char *const ends[] = {[CORE_END_OPEN] = "ended",
                                       [CORE_END_RECOVERED] = "recovered",
                                       [CORE_END_RESET] = "was reset",
                                       [CORE_END_DELETED] = "was removed"};
    add_word(out, "ok", "✓ OVER");
    add_name(ack, out);
    buf_add_fmt(out, "<p>There is nothing to acknowledge any more: it %s", ends[ack->end]);
    if (ack->closed_utc_ms != CORE_NEVER) {
        buf_add_str(out, " at ");
        add_time(out, ack->closed_utc_ms);
    }
    buf_add_str(out, ".</p>");
}

static void add_sentence(const char *title, const char *sentence, struct buf *out)
{
    buf_add_fmt(out, "<h1>%s</h1><p role=\"alert\">%s</p>", title, sentence);
}

static void add_state(const struct ack *ack, struct buf *out)
{
    switch (ack->state) {
    case ACK_STATE_OFF:
        add_sentence("Links are turned off", "tocsin takes no links to acknowledge here.", out);
        return;
    case ACK_STATE_FORGED:
        add_sentence("This link is not valid",
                     "It was changed on its way, or its key is no longer in use. Nothing was done. "
                     "Open the incident's link of the message instead.",
                     out);
        return;
    case ACK_STATE_EXPIRED:
        add_sentence("This link has expired",
                     "Nothing was done. A later reminder has a fresh one; or sign in below.", out);
        return;
    case ACK_STATE_USED:
        add_sentence("This link has been used",
                     "It acknowledged once; that acknowledgement is no longer in force. A later "
                     "reminder has a fresh link; or sign in below.",
                     out);
        return;
    case ACK_STATE_OVER:
        add_over(ack, out);
        return;
    case ACK_STATE_TAKEN:
        add_taken(ack, out);
        return;
    case ACK_STATE_OPEN:
        add_form(ack, out);
        return;
    case ACK_STATE_FAILED:
        buf_add_str(out, "<h1>Not now</h1><p role=\"alert\" class=\"error\">");
        escape_html(out, ack->problem);
        buf_add_str(out, "</p>");
        return;
    }
    TC_UNREACHABLE();
}

void ack_page_write(const struct ack *ack, struct buf *out)
{
    buf_add_str(out,
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tocsin: "
                "acknowledge</title><meta name=\"viewport\" content=\"width=device-width\"><meta "
                "name=\"robots\" content=\"noindex\"><link rel=\"stylesheet\" "
                "href=\"/assets/page.css\"><link rel=\"icon\" href=\"/assets/icon.svg\"><main "
                "class=\"login\">");
    add_state(ack, out);
    if (ack->recipient[0] != '\0') {
        buf_add_fmt(out, "<p><a href=\"/incidents/%" PRIu64 "\">Incident %" PRIu64 "</a></p>",
                    ack->link.incident_id, ack->link.incident_id);
    }
    buf_add_str(out, "</main>");
}
