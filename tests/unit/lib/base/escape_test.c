#include "lib/base/escape.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/utf8.h"
#include "tests/support/test.h"

typedef void (*escape_fn)(struct buf *out, const char *s);

static void line(struct buf *out, const char *s)
{
    escape_line(out, s, strlen(s));
}

static void quoted(struct buf *out, const char *s)
{
    escape_quoted(out, s, strlen(s));
}

static void check(escape_fn escape, const char *in, const char *expected)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 1000);
    escape(&out, in);
    assert_int_equal(out.err, TC_OK);
    assert_string_equal(out.p, expected);
}

static void test_html(void **state)
{
    (void)state;
    check(escape_html, "<a href=\"x\" id='y'>&</a>",
          "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
    check(escape_html, "two\n\tlines \xC3\xA4\xF0\x9F\x98\x80",
          "two\n\tlines \xC3\xA4\xF0\x9F\x98\x80");
    check(escape_html, "\r\x1B\x7F", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    check(escape_html, "a\xFF<", "a\xEF\xBF\xBD&lt;");
    check(escape_html, "\xE2\x80\xAEtxt.exe", "\xEF\xBF\xBDtxt.exe");
    /* A cut sequence must not swallow the character behind it. */
    check(escape_html, "\xE2\x80<", "\xEF\xBF\xBD&lt;");
}

static void test_line(void **state)
{
    (void)state;
    check(line, "plain \"text\" C:\\x \xC3\xA4", "plain \"text\" C:\\x \xC3\xA4");
    check(line, "a\nb\r\tc", "a\\nb\\r\\tc");
    check(line, "\x1B[2J\x7F\x01", "\\x1B[2J\\x7F\\x01");
    check(line, "\xC2\x9B", "\\xC2\\x9B");          /* C1: an escape sequence on some terminals */
    check(line, "\xE2\x80\xAE", "\\xE2\\x80\\xAE"); /* right-to-left override */
    check(line, "\xE2\x81\xA6\xE2\x80\xA8", "\\xE2\\x81\\xA6\\xE2\\x80\\xA8");
    check(line, "\xD8\x9C\xE2\x80\x8F", "\\xD8\\x9C\\xE2\\x80\\x8F");
    check(line, "\xFF\xC3", "\\xFF\\xC3");
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 100);
    escape_line(&out, "a\0b", 3);
    assert_string_equal(out.p, "a\\x00b");
}

static void test_quoted(void **state)
{
    (void)state;
    check(quoted, "say \"hi\" \\n\n", "say \\\"hi\\\" \\\\n\\n");
}

/* Whatever comes in, one line of visible valid UTF-8 goes out. */
static void test_line_every_code_point(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf in;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&in, 8);
    buf_init(&out, 64);
    for (uint32_t c = 1; c <= 0xFFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        buf_reset(&in);
        buf_reset(&out);
        utf8_add(&in, c);
        escape_line(&out, in.p, in.len);
        bool is_kept = strcmp(in.p, out.p) == 0;
        bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
        /* Bidi_Control of Unicode's PropList.txt, and the line and paragraph separators. */
        bool is_bidi = c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                       (c >= 0x2066 && c <= 0x2069);
        bool is_separator = c == 0x2028 || c == 0x2029;
        assert_int_equal(is_kept, !is_control && !is_bidi && !is_separator);
    }
}

static void test_header(void **state)
{
    (void)state;
    check(escape_header, "x\r\nBcc: evil@example.com", "x Bcc: evil@example.com");
    check(escape_header, "\t\x01\x7Fz\xE2\x80\xA8", " z ");
    check(escape_header, "\xC3\xA4\xFF", "\xC3\xA4\xEF\xBF\xBD");
    assert_true(escape_is_header_safe("Bearer abc.def-~!"));
    assert_true(escape_is_header_safe(""));
    assert_false(escape_is_header_safe("a\rb"));
    assert_false(escape_is_header_safe("a\nb"));
    assert_false(escape_is_header_safe("\x7F"));
    assert_false(escape_is_header_safe("\xC3\xA4"));
}

static void test_mrkdwn(void **state)
{
    (void)state;
    check(escape_mrkdwn, "<!channel> & <https://x|y>",
          "&lt;!channel&gt; &amp; &lt;https://x|y&gt;");
    check(escape_mrkdwn, "", "");
    check(escape_mrkdwn, "*b*", "*b*");
}

static void test_url(void **state)
{
    (void)state;
    check(escape_url, "azAZ09-._~", "azAZ09-._~");
    check(escape_url, "../a b?c=d&e#\xC3\xA4%+", "..%2Fa%20b%3Fc%3Dd%26e%23%C3%A4%25%2B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html),   cmocka_unit_test(test_line),
        cmocka_unit_test(test_quoted), cmocka_unit_test(test_line_every_code_point),
        cmocka_unit_test(test_header), cmocka_unit_test(test_mrkdwn),
        cmocka_unit_test(test_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
