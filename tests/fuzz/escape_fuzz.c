/* Any bytes: what an escaper lets out can do no harm in its place. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/escape.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

enum {
    GROWTH_MAX = 6, /* the longest stand-in for one byte, "&quot;" */
};

static void check_visible(const struct buf *out, const char *allowed)
{
    TC_ASSERT(out->err == TC_OK);
    TC_ASSERT(utf8_is_valid(out->p, out->len));
    for (size_t i = 0; i < out->len; i++) {
        uint8_t c = (uint8_t)out->p[i];
        TC_ASSERT((c >= 0x20 && c != 0x7F) || strchr(allowed, c) != NULL);
    }
    TC_ASSERT(strstr(out->p, "\xE2\x80\xAE") == NULL); /* right-to-left override */
}

/* Each quotation mark stands behind an odd number of backslashes. */
static void check_quotes(const struct buf *out)
{
    bool is_escaped = false;
    for (size_t i = 0; i < out->len; i++) {
        TC_ASSERT(out->p[i] != '"' || is_escaped);
        is_escaped = out->p[i] == '\\' && !is_escaped;
    }
    TC_ASSERT(!is_escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TC_CLEANUP(mem_freep) char *text = mem_dup(data, size);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, GROWTH_MAX * size + 1);
    escape_line(&out, text, size);
    check_visible(&out, "");
    buf_reset(&out);
    escape_quoted(&out, text, size);
    check_visible(&out, "");
    check_quotes(&out);
    buf_reset(&out);
    escape_html(&out, text);
    check_visible(&out, "\n\t");
    TC_ASSERT(strpbrk(out.p, "<>\"'") == NULL);
    buf_reset(&out);
    escape_header(&out, text);
    check_visible(&out, "");
    buf_reset(&out);
    escape_mrkdwn(&out, text);
    TC_ASSERT(strpbrk(out.p, "<>") == NULL);
    buf_reset(&out);
    escape_url(&out, text);
    TC_ASSERT(escape_is_header_safe(out.p));
    return 0;
}
