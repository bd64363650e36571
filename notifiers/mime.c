/* Writing mail headers and quoted-printable bodies. Knows no notification; called by message.c. */
#include "notifiers/mime.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"

enum {
    LINE_MAX_BYTES = 76,    /* RFC 2047 section 2, RFC 2045 6.7 */
    WORD_SOURCE_BYTES = 39, /* of one encoded word: 52 characters of base64, 64 with its frame */
    QUOTED_LINE_BYTES = 75, /* and the soft break's "=" */
    HEADER_BYTES_MAX = 8192,
};

static void add_base64(struct buf *out, const char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned group = (unsigned)(unsigned char)bytes[i] << 16;
        group |= left > 1 ? (unsigned)(unsigned char)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)(unsigned char)bytes[i + 2] : 0;
        buf_add_char(out, digits[group >> 18]);
        buf_add_char(out, digits[(group >> 12) & 63]);
        buf_add_char(out, left > 1 ? digits[(group >> 6) & 63] : '=');
        buf_add_char(out, left > 2 ? digits[group & 63] : '=');
    }
}

static void add_encoded_words(struct buf *out, const char *text)
{
    size_t size = strlen(text);
    const char *gap = "";
    while (size > 0) {
        size_t take = utf8_cut_size(text, size, WORD_SOURCE_BYTES);
        TC_ASSERT(take > 0);
        buf_add_fmt(out, "%s=?UTF-8?B?", gap);
        add_base64(out, text, take);
        buf_add_str(out, "?=");
        gap = "\r\n "; /* dropped by readers between two encoded words */
        text += take;
        size -= take;
    }
}

/* What could be read as an encoded word, or would lose its spaces, is encoded as well. */
static bool is_plain(const char *text, size_t max)
{
    size_t size = strlen(text);
    return size > 0 && size <= max && escape_is_header_safe(text) && strstr(text, "=?") == NULL &&
           text[0] != ' ' && text[size - 1] != ' ' && strchr(text, '\t') == NULL;
}

void mime_add_text_header(struct buf *out, const char *name, const char *text)
{
    TC_CLEANUP(buf_freep) struct buf clean;
    buf_init(&clean, HEADER_BYTES_MAX);
    escape_header(&clean, text);
    buf_add_fmt(out, "%s: ", name);
    if (is_plain(clean.p, LINE_MAX_BYTES - strlen(name) - 2)) {
        buf_add_str(out, clean.p);
    } else {
        add_encoded_words(out, clean.p);
    }
    buf_add_str(out, "\r\n");
}

void mime_add_address_header(struct buf *out, const char *header, const char *name,
                             const char *address)
{
    TC_CLEANUP(buf_freep) struct buf clean;
    buf_init(&clean, HEADER_BYTES_MAX);
    escape_header(&clean, name);
    if (clean.len == 0) {
        buf_add_fmt(out, "%s: %s\r\n", header, address);
        return;
    }
    buf_add_fmt(out, "%s: ", header);
    if (is_plain(clean.p, LINE_MAX_BYTES / 2) && strpbrk(clean.p, "\"\\") == NULL) {
        buf_add_fmt(out, "\"%s\"", clean.p);
    } else {
        add_encoded_words(out, clean.p);
    }
    buf_add_fmt(out, "\r\n <%s>\r\n", address);
}

static void add_quoted_byte(struct buf *out, unsigned char c, bool is_literal)
{
    if (is_literal) {
        buf_add_char(out, (char)c);
    } else {
        buf_add_fmt(out, "=%02X", c);
    }
}

/* A byte stands for itself unless a mail server or reader could make something else of it. */
static bool is_literal(const char *text, size_t at, size_t size, size_t column)
{
    unsigned char c = (unsigned char)text[at];
    bool is_last = at + 1 == size || text[at + 1] == '\n' ||
                   (text[at + 1] == '\r' && at + 2 < size && text[at + 2] == '\n');
    if (c == ' ' || c == '\t') {
        return !is_last;
    }
    if (column == 0 && (c == '.' || c == 'F')) {
        return false;
    }
    return c > ' ' && c < 0x7f && c != '=';
}

void mime_add_quoted(struct buf *out, const char *text, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\r' && i + 1 < size && text[i + 1] == '\n') {
            continue;
        }
        if (text[i] == '\n') {
            buf_add_str(out, "\r\n");
            column = 0;
            continue;
        }
        size_t width = is_literal(text, i, size, column) ? 1 : 3;
        if (column + width > QUOTED_LINE_BYTES) {
            buf_add_str(out, "=\r\n");
            column = 0;
            width = is_literal(text, i, size, column) ? 1 : 3;
        }
        add_quoted_byte(out, (unsigned char)text[i], width == 1);
        column += width;
    }
}
