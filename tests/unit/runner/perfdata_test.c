/* What real plugins print, and what broken ones do. Expectations follow the plugin API's text. */
#include "runner/perfdata.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "tests/support/test.h"

static const struct {
    const char *out;
    const char *text;
    const char *metrics;
} rows[] = {
    {"OK", "OK", ""},
    {"OK\n", "OK", ""},
    {"", "", ""},
    {"DISK OK - free space: / 1 MiB (2%);| /=3MiB;4;5;0;6 /dev=7MB;;;0;8\n",
     "DISK OK - free space: / 1 MiB (2%);", "{\"/\":3,\"/dev\":7340032}"},
    {"LOAD OK|load1=0.560;5.000;10.000;0; load5=0.360;4.000;8.000;0;", "LOAD OK",
     "{\"load1\":0.56,\"load5\":0.36}"},
    {"T|'a b'=1 'it''s'=2 c=3", "T", "{\"a b\":1,\"it's\":2,\"c\":3}"},
    {"T|a=U;1;2 b=1", "T", "{\"b\":1}"},
    {"T|rta=0.5ms;; pl=0%;20;60;0 n=7c t=2us", "T",
     "{\"rta\":0.0005,\"pl\":0,\"n\":7,\"t\":0.000002}"},
    {"T|a=1 a=2", "T", "{\"a\":1}"},
    {"T|a=-1.5e3 b=,5 c=1,5", "T", "{\"a\":-1500,\"b\":0.5,\"c\":1.5}"},
    {"T|=1 nolabel 'open=1", "T", ""},
    {"T|a= b=x c=inf d=nan e=1e999 f=2", "T", "{\"f\":2}"},
    {"A|a=1\nmore\n|b=2\nc=3", "A\nmore", "{\"a\":1,\"b\":2,\"c\":3}"},
    {"\n\nlate text", "late text", ""},
    {"A\xff|x=1", "A\xef\xbf\xbd", "{\"x\":1}"},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TC_CLEANUP(buf_freep) struct buf text;
        TC_CLEANUP(buf_freep) struct buf metrics;
        buf_init(&text, 1000);
        buf_init(&metrics, 1000);
        perfdata_split(rows[i].out, strlen(rows[i].out), &text, &metrics);
        if (strcmp(text.p, rows[i].text) != 0 || strcmp(metrics.p, rows[i].metrics) != 0) {
            fail_msg("\"%s\" gives \"%s\" and %s", rows[i].out, text.p, metrics.p);
        }
    }
}

static void test_more_items_than_the_limit_are_left_out(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 100000);
    buf_add_str(&out, "T|");
    for (int i = 0; i < 5000; i++) {
        buf_add_fmt(&out, "k%d=%d ", i, i);
    }
    TC_CLEANUP(buf_freep) struct buf text;
    TC_CLEANUP(buf_freep) struct buf metrics;
    buf_init(&text, 1000);
    buf_init(&metrics, 10000);
    perfdata_split(out.p, out.len, &text, &metrics);
    assert_non_null(strstr(metrics.p, "\"k63\":63"));
    assert_null(strstr(metrics.p, "\"k64\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_more_items_than_the_limit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
