/* The table of commands holds together, and words find their command or the nearest one. */
#include "cli/commands.h"

#include <string.h>

#include "cli/cli.h"
#include "lib/base/buf.h"
#include "tests/support/test.h"

static void each_command_is_whole_and_alone(void **state)
{
    (void)state;
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        assert_non_null(c->run);
        assert_true(c->operand_min <= c->operand_max);
        assert_true((c->operands != NULL) == (c->operand_max > 0));
        assert_null(strstr(c->doc, "\n"));
        for (const struct command *other = c + 1; other->path != NULL; other++) {
            assert_string_not_equal(c->path, other->path);
        }
    }
}

/* Two options of one command that share a name, a letter or a place would hide each other. */
static void no_option_hides_another(void **state)
{
    (void)state;
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        struct cli_args args;
        struct opt opts[COMMAND_OPTIONS_MAX];
        command_bind(c, &args, opts);
        for (const struct opt *a = opts; a->name != NULL; a++) {
            assert_true((a->type == OPT_FLAG) == (a->arg == NULL));
            assert_true((a->type == OPT_CHOICE) == (a->choices != NULL));
            for (const struct opt *b = a + 1; b->name != NULL; b++) {
                assert_string_not_equal(a->name, b->name);
                assert_true(a->letter == 0 || a->letter != b->letter);
                assert_ptr_not_equal(a->to, b->to);
            }
        }
    }
}

static void words_find_their_command(void **state)
{
    (void)state;
    static const struct {
        const char *words[2];
        size_t count;
        const char *path; /* NULL: none */
        const char *said; /* in the message then */
    } rows[] = {
        {{"init"}, 1, "init", NULL},
        {{"monitor", "list"}, 2, "monitor list", NULL},
        {{"why", "Compass POs"}, 2, "why", NULL},
        {{"cron", "next"}, 2, "cron next", NULL},
        {{"monitor"}, 1, NULL, "monitor needs one of its commands; see tocsin monitor --help"},
        {{"mointor", "list"}, 2, NULL, "did you mean \"monitor\""},
        {{"monitor", "lsit"}, 2, NULL, "did you mean \"monitor list\""},
        {{"doktor"}, 1, NULL, "did you mean \"doctor\""},
        {{"xyzzy"}, 1, NULL, "there is no command \"xyzzy\"; see tocsin --help"},
        {{"monitor", "xyzzy"},
         2,
         NULL,
         "there is no command \"monitor xyzzy\"; see tocsin monitor"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        const struct command *command = NULL;
        size_t taken = 0;
        struct err err = ERR_INIT;
        int code = command_find(rows[i].words, rows[i].count, &command, &taken, &err);
        if (rows[i].path != NULL) {
            assert_int_equal(code, TC_OK);
            assert_string_equal(command->path, rows[i].path);
            assert_int_equal(taken, strchr(rows[i].path, ' ') == NULL ? 1 : 2);
        } else {
            assert_int_not_equal(code, TC_OK);
            assert_non_null(strstr(err.text, rows[i].said));
        }
    }
}

static void help_names_everything(void **state)
{
    (void)state;
    struct buf all;
    buf_init(&all, 256 * 1024);
    command_help_group(NULL, &all);
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        struct buf one;
        buf_init(&one, 256 * 1024);
        command_help(c, &one);
        assert_non_null(strstr(all.p, c->path));
        assert_non_null(strstr(all.p, c->doc));
        assert_memory_equal(one.p, "usage: tocsin ", strlen("usage: tocsin "));
        for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++) {
            assert_non_null(strstr(one.p, o->name));
            assert_non_null(strstr(one.p, o->doc));
        }
        buf_free(&one);
    }
    buf_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_whole_and_alone),
        cmocka_unit_test(no_option_hides_another),
        cmocka_unit_test(words_find_their_command),
        cmocka_unit_test(help_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
