/* The HTML side of a mail. Only layout: the words are text.c's, the mail around it message.c's.
 * Tables and inline styles, because that is what mail readers agree on. Colours keep their contrast
 * when a reader inverts them; the media query serves those that can switch. */
#include "notifiers/html.h"

#include <stdbool.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/escape.h"
#include "lib/base/str.h"
#include "notifiers/notification.h"
#include "notifiers/text.h"

enum {
    MESSAGE_BYTES_MAX = 48 * 1024, /* escaped; the plain part has all of it */
    VALUE_BYTES_MAX = 4096,
};

#define SANS "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
#define MONO "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;"

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"supported-color-schemes\" content=\"light dark\">\n"
    "<style>\n"
    "@media (prefers-color-scheme: dark) {\n"
    ".page { background: #14171c !important; }\n"
    ".card { background: #1f242c !important; border-color: #3a424e !important; }\n"
    ".strong { color: #f2f4f7 !important; }\n"
    ".soft { color: #a9b3c1 !important; }\n"
    ".message { background: #14171c !important; color: #e6e9ee !important; }\n"
    ".rule { border-color: #3a424e !important; }\n"
    ".link { color: #8ab8ff !important; border-color: #4a5666 !important; }\n"
    "}\n"
    "</style>\n</head>\n"
    "<body class=\"page\" style=\"margin:0;padding:24px 12px;background:#f3f5f8;\">\n"
    "<table role=\"presentation\" width=\"100%\" cellspacing=\"0\" cellpadding=\"0\" border=\"0\">"
    "<tr><td align=\"center\">\n"
    "<table role=\"presentation\" class=\"card\" width=\"100%\" cellspacing=\"0\" "
    "cellpadding=\"0\" border=\"0\" style=\"max-width:640px;background:#ffffff;"
    "border:1px solid #d8dee6;border-radius:8px;border-collapse:separate;overflow:hidden;\">\n";

static const char page_end[] =
    "</table>\n"
    "<p class=\"soft\" style=\"" SANS "font-size:12px;line-height:18px;color:#5b6675;"
    "margin:16px 0 0;\">Sent by tocsin. Replies are not read.</p>\n"
    "</td></tr></table>\n</body>\n</html>\n";

static const char *colour_of(const struct notification *n)
{
    switch (n->kind) {
    case NOTIFICATION_ALERT:
    case NOTIFICATION_REMINDER:
        if (str_eq(n->severity, "info")) {
            return "#1f5fbf";
        }
        return str_eq(n->severity, "warning") ? "#9a5b00" : "#b3261e";
    case NOTIFICATION_RECOVERY:
        return "#1b7a3d";
    case NOTIFICATION_CLOSED:
    case NOTIFICATION_TEST:
        return "#4a5666";
    }
    TC_UNREACHABLE();
}

static void add_headline(const struct notification *n, const struct text *text, struct buf *out)
{
    buf_add_fmt(out,
                "<tr><td style=\"background:%s;padding:10px 24px;" SANS
                "font-size:13px;line-height:18px;font-weight:700;letter-spacing:1px;"
                "color:#ffffff;\">%s</td></tr>\n",
                colour_of(n), notification_word(n->kind));
    buf_add_str(out, "<tr><td style=\"padding:20px 24px 4px;\"><h1 class=\"strong\" style=\"" SANS
                     "font-size:21px;line-height:28px;font-weight:650;color:#151a21;margin:0;"
                     "overflow-wrap:anywhere;\">");
    text_add_escaped(out, text->headline.p, VALUE_BYTES_MAX, escape_html);
    buf_add_str(out, "</h1></td></tr>\n");
}

static void add_message(const struct notification *n, struct buf *out)
{
    if (n->message[0] == '\0') {
        return;
    }
    buf_add_fmt(out,
                "<tr><td style=\"padding:12px 24px 4px;\"><pre class=\"message\" style=\"" MONO
                "font-size:13px;line-height:20px;white-space:pre-wrap;overflow-wrap:anywhere;"
                "background:#f3f5f8;color:#151a21;border-left:4px solid %s;border-radius:4px;"
                "padding:12px 14px;margin:0;\">",
                colour_of(n));
    text_add_escaped(out, n->message, MESSAGE_BYTES_MAX, escape_html);
    buf_add_str(out, "</pre></td></tr>\n");
}

static void add_facts(const struct text *text, struct buf *out)
{
    buf_add_str(out, "<tr><td style=\"padding:14px 24px 8px;\"><table width=\"100%\" "
                     "cellspacing=\"0\" cellpadding=\"0\" border=\"0\">\n");
    for (size_t i = 0; i < text->fact_count; i++) {
        buf_add_fmt(out,
                    "<tr><th class=\"soft rule\" scope=\"row\" align=\"left\" valign=\"top\" "
                    "width=\"116\" style=\"" SANS
                    "font-size:13px;line-height:20px;font-weight:400;color:#5b6675;"
                    "padding:6px 12px 6px 0;border-bottom:1px solid #e6eaf0;\">%s</th>"
                    "<td class=\"strong rule\" style=\"" SANS
                    "font-size:14px;line-height:20px;color:#151a21;padding:6px 0;"
                    "border-bottom:1px solid #e6eaf0;overflow-wrap:anywhere;\">",
                    text->facts[i].label);
        text_add_escaped(out, text->facts[i].value, VALUE_BYTES_MAX, escape_html);
        buf_add_str(out, "</td></tr>\n");
    }
    buf_add_str(out, "</table></td></tr>\n");
}

/* The first link is what to do now; the rest is where to read on. */
static void add_links(const struct notification *n, const struct text *text, struct buf *out)
{
    if (text->link_count == 0) {
        return;
    }
    buf_add_str(out, "<tr><td style=\"padding:12px 24px 20px;\">\n");
    for (size_t i = 0; i < text->link_count; i++) {
        buf_add_str(out, "<a href=\"");
        escape_html(out, text->links[i].url);
        if (i == 0) {
            buf_add_fmt(out,
                        "\" style=\"display:inline-block;margin:4px 10px 4px 0;padding:8px 16px;"
                        "background:%s;border:1px solid %s;border-radius:6px;" SANS
                        "font-size:14px;line-height:20px;font-weight:600;color:#ffffff;"
                        "text-decoration:none;\">%s</a>\n",
                        colour_of(n), colour_of(n), text->links[i].label);
        } else {
            buf_add_fmt(out,
                        "\" class=\"link\" style=\"display:inline-block;margin:4px 10px 4px 0;"
                        "padding:8px 16px;border:1px solid #c3ccd8;border-radius:6px;" SANS
                        "font-size:14px;line-height:20px;color:#1f4f9e;text-decoration:none;\">"
                        "%s</a>\n",
                        text->links[i].label);
        }
    }
    buf_add_str(out, "</td></tr>\n");
}

void html_add_page(const struct notification *notification, const struct text *text,
                   struct buf *out)
{
    buf_add_str(out, page_start);
    add_headline(notification, text, out);
    add_message(notification, out);
    add_facts(text, out);
    add_links(notification, text, out);
    buf_add_str(out, page_end);
}
