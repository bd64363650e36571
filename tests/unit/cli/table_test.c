/* Tables: aligned, cut, escaped. */
#include "cli/table.h"

#include <string.h>

#include "lib/base/buf.h"
#include "tests/support/test.h"

static const struct table_column columns[] = {{.title = "ID", .is_right = true},
                                              {.title = "NAME", .is_flexible = true},
                                              {.title = "STATE"},
                                              {.title = NULL}};

static void print(size_t width, bool is_coloured, const char *const *cells, const char *expected)
{
    struct table table;
    struct buf out;
    buf_init(&out, 65536);
    table_start(&table, columns);
    for (; *cells != NULL; cells++) {
        table_add(&table, *cells, TABLE_PLAIN);
    }
    table_print(&table, width, is_coloured, &out);
    assert_string_equal(out.p, expected);
    table_freep(&table);
    buf_free(&out);
}

static void columns_are_as_wide_as_what_a_terminal_shows(void **state)
{
    (void)state;
    static const char *const cells[] = {"1",     "disk", "ok",   "12", "Größe",
                                        "ALERT", "3",    "発注", "ok", NULL};
    print(0, false, cells,
          "ID  NAME   STATE\n"
          " 1  disk   ok\n"
          "12  Größe  ALERT\n"
          " 3  発注   ok\n");
}

static void what_is_missing_shows_as_a_dash(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "", "ok", NULL};
    print(0, false, cells, "ID  NAME  STATE\n 1  -     ok\n");
}

static void a_narrow_terminal_cuts_flexible_columns_with_a_mark(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "purchase orders of the north", "ok", NULL};
    print(25, false, cells, "ID  NAME            STATE\n 1  purchase orde…  ok\n");
    print(0, false, cells,
          "ID  NAME                          STATE\n 1  purchase orders of the north  ok\n");
    /* Below its least width a line is longer than the terminal rather than unreadable. */
    print(5, false, cells, "ID  NAME          STATE\n 1  purchase or…  ok\n");
}

static void nothing_from_outside_steers_the_terminal(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "\033[2Jgone\n\xe2\x80\xae\xff", "ok", NULL};
    print(0, true, cells,
          "\033[2mID\033[0m  \033[2mNAME\033[0m                           "
          "\033[2mSTATE\033[0m\n"
          " 1  \\x1B[2Jgone\\n\\xE2\\x80\\xAE\\xFF  ok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_what_a_terminal_shows),
        cmocka_unit_test(what_is_missing_shows_as_a_dash),
        cmocka_unit_test(a_narrow_terminal_cuts_flexible_columns_with_a_mark),
        cmocka_unit_test(nothing_from_outside_steers_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
