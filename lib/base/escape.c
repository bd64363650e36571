/* Escaping for the places where text from outside is shown. One function a place; which characters
 * are dangerous is decided once, here. JSON is json_enc.c, mail encodings are the mail writer's.
 * Called by log, notifiers, web and the command line. */
#include "lib/base/escape.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/utf8.h"

/* Characters that move the cursor, hide text or reorder it, so that what is read is not what is
 * there: C0, DEL, C1, the bidirectional controls of Unicode's UAX 9, and the line separators. */
static bool is_deceptive(int32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static const char *html_reference(int32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void escape_html(struct buf *out, const char *s)
{
    const char *cursor = s;
    const char *end = s + strlen(s);
    while (cursor < end) {
        const char *start = cursor;
        int32_t c = utf8_next(&cursor, end);
        const char *reference = html_reference(c);
        if (reference != NULL) {
            buf_add_str(out, reference);
        } else if (is_deceptive(c) && c != '\n' && c != '\t') {
            utf8_add(out, UTF8_REPLACEMENT);
        } else {
            buf_add(out, start, (size_t)(cursor - start));
        }
    }
}

static void add_hex_bytes(struct buf *out, const char *from, const char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const char *p = from; p < to; p++) {
        char text[4] = {'\\', 'x', digits[(uint8_t)*p >> 4], digits[(uint8_t)*p & 0xF]};
        buf_add(out, text, sizeof(text));
    }
}

static void add_line(struct buf *out, const char *s, size_t size, bool is_quoted)
{
    const char *cursor = s;
    const char *end = s + size;
    while (cursor < end) {
        const char *start = cursor;
        int32_t c = utf8_next(&cursor, end);
        if (c == '\n') {
            buf_add_str(out, "\\n");
        } else if (c == '\r') {
            buf_add_str(out, "\\r");
        } else if (c == '\t') {
            buf_add_str(out, "\\t");
        } else if (is_deceptive(c)) {
            add_hex_bytes(out, start, cursor);
        } else {
            if (is_quoted && (c == '"' || c == '\\')) {
                buf_add_char(out, '\\');
            }
            buf_add(out, start, (size_t)(cursor - start));
        }
    }
}

void escape_line(struct buf *out, const char *s, size_t size)
{
    add_line(out, s, size, false);
}

void escape_quoted(struct buf *out, const char *s, size_t size)
{
    add_line(out, s, size, true);
}

void escape_header(struct buf *out, const char *s)
{
    const char *cursor = s;
    const char *end = s + strlen(s);
    bool is_in_run = false;
    while (cursor < end) {
        const char *start = cursor;
        int32_t c = utf8_next(&cursor, end);
        bool is_control = c != UTF8_INVALID && is_deceptive(c);
        if (c == UTF8_INVALID) {
            utf8_add(out, UTF8_REPLACEMENT);
        } else if (!is_control) {
            buf_add(out, start, (size_t)(cursor - start));
        } else if (!is_in_run) {
            buf_add_char(out, ' ');
        }
        is_in_run = is_control;
    }
}

bool escape_is_header_safe(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s != '\t' && (*s < ' ' || *s > '~')) {
            return false;
        }
    }
    return true;
}

void escape_mrkdwn(struct buf *out, const char *s)
{
    for (;;) {
        size_t plain = strcspn(s, "&<>");
        buf_add(out, s, plain);
        s += plain;
        if (*s == '\0') {
            return;
        }
        buf_add_str(out, *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : "&gt;");
        s++;
    }
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void escape_url(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        if (is_unreserved(*s)) {
            buf_add_char(out, *s);
        } else {
            buf_add_fmt(out, "%%%02X", (unsigned)(uint8_t)*s);
        }
    }
}
