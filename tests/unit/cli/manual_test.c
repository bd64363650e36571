/* docs/manual/cli.md is what the table of commands prints. */
#include <string.h>

#include "cli/commands.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

static void manual_is_up_to_date(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf out;
    char *text = NULL;
    buf_init(&out, 1024 * 1024);
    command_manual(&out);
    assert_int_equal(out.err, TC_OK);
    assert_int_equal(file_write(BINARY_DIR "/cli.md", 0644, out.p, out.len, &err), TC_OK);
    int code = file_read(SOURCE_DIR "/docs/manual/cli.md", 1024 * 1024, &text, NULL, &err);
    if (code != TC_OK || strcmp(text, out.p) != 0) {
        fail_msg("docs/manual/cli.md is old: copy %s there", BINARY_DIR "/cli.md");
    }
    mem_free(text);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(manual_is_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
