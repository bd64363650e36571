/* Options: each type, each form, each mistake with its message. */
#include "lib/sys/opt.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "tests/support/test.h"

struct got {
    bool verbose;
    const char *file;
    int64_t count;
    int64_t wait_ms;
    const char *format;
    struct opt_list notify;
    struct opt_list operands;
};

static const char *const formats[] = {"text", "json", NULL};

static int read_options(struct got *got, struct err *err, const char *const *words)
{
    *got = (struct got){.count = 3, .format = "text"};
    const struct opt opts[] = {
        {.name = "verbose",
         .letter = 'v',
         .type = OPT_FLAG,
         .doc = "Say more",
         .to = &got->verbose},
        {.name = "file", .letter = 'f', .type = OPT_TEXT, .arg = "FILE", .to = &got->file},
        {.name = "count",
         .letter = 'n',
         .type = OPT_INTEGER,
         .arg = "N",
         .to = &got->count,
         .min = 1,
         .max = 9},
        {.name = "wait", .type = OPT_DURATION, .arg = "TIME", .to = &got->wait_ms},
        {.name = "format",
         .type = OPT_CHOICE,
         .arg = "text|json",
         .to = &got->format,
         .choices = formats},
        {.name = "notify", .type = OPT_LIST, .arg = "WHO", .to = &got->notify},
        {.name = NULL},
    };
    char *argv[16] = {NULL};
    int argc = 0;
    TC_CLEANUP(mem_freep) char *program = mem_strdup("program");
    argv[argc++] = program;
    static char copies[16][64];
    for (; words[argc - 1] != NULL; argc++) {
        memcpy(copies[argc], words[argc - 1], strlen(words[argc - 1]) + 1);
        argv[argc] = copies[argc];
    }
    return opt_parse(opts, argc, argv, &got->operands, err);
}

static void test_forms(void **state)
{
    (void)state;
    struct got got;
    struct err err = ERR_INIT;
    const char *const words[] = {"a",        "-vn5", "--file=x=y", "--wait", "5m",
                                 "--notify", "p",    "--notify",   "q",      "-",
                                 "--format", "json", "--",         "-v",     NULL};
    assert_int_equal(read_options(&got, &err, words), TC_OK);
    assert_true(got.verbose);
    assert_int_equal(got.count, 5);
    assert_string_equal(got.file, "x=y");
    assert_int_equal(got.wait_ms, 300000);
    assert_int_equal(got.notify.count, 2);
    assert_string_equal(got.notify.items[1], "q");
    assert_string_equal(got.format, "json");
    assert_int_equal(got.operands.count, 3);
    assert_string_equal(got.operands.items[0], "a");
    assert_string_equal(got.operands.items[1], "-");
    assert_string_equal(got.operands.items[2], "-v");
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *text;
    } rows[] = {
        {{"--flie", "x"}, "unknown option --flie; did you mean --file"},
        {{"--fil"}, "unknown option --fil; did you mean --file"},
        {{"-x"}, "unknown option -x"},
        {{"--file"}, "--file needs FILE"},
        {{"--verbose=1"}, "--verbose takes no value"},
        {{"-n10"}, "--count: \"10\" is not a whole number from 1 to 9"},
        {{"-n", "0x5"}, "--count: \"0x5\" is not a whole number from 1 to 9"},
        {{"--wait", "soon"}, "--wait: \"soon\" is not a duration like 30s, 5m or 2h"},
        {{"--format", "jsno"},
         "--format: \"jsno\" is unknown, did you mean json; it takes text|json"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct got got;
        struct err err = ERR_INIT;
        assert_int_equal(read_options(&got, &err, rows[i].words), TC_EINVAL);
        assert_string_equal(err.text, rows[i].text);
    }
}

static void test_description(void **state)
{
    (void)state;
    bool flag = false;
    const char *text = NULL;
    const struct opt opts[] = {
        {.name = "verbose", .letter = 'v', .type = OPT_FLAG, .doc = "Say more", .to = &flag},
        {.name = "a-rather-long-option",
         .type = OPT_TEXT,
         .arg = "SOMETHING",
         .doc = "Long",
         .to = &text},
        {.name = NULL},
    };
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 1000);
    opt_describe(opts, &out);
    assert_string_equal(out.p, "  -v, --verbose             Say more\n"
                               "      --a-rather-long-option SOMETHING\n"
                               "                            Long\n");
}

static void test_exit_status(void **state)
{
    (void)state;
    assert_int_equal(opt_exit_status(TC_OK), 0);
    assert_int_equal(opt_exit_status(TC_EIO), 1);
    assert_int_equal(opt_exit_status(TC_EINVAL), 64);
    assert_int_equal(opt_exit_status(TC_ECLOSED), 69);
    assert_int_equal(opt_exit_status(TC_EAGAIN), 75);
    assert_int_equal(opt_exit_status(TC_EPERM), 77);
    assert_int_equal(opt_exit_status(TC_ECONFIG), 78);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
