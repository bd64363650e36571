/* Which statements are let through to a database. */
#include "monitors/sql_guard.h"

#include <string.h>

#include "tests/support/test.h"

static const struct {
    const char *query;
    const char *problem; /* NULL: let through */
} rows[] = {
    {"SELECT 1", NULL},
    {"  select 1 ;  -- done\n", NULL},
    {"(SELECT 1) UNION (SELECT 2)", NULL},
    {"WITH a AS (SELECT 1) SELECT * FROM a", NULL},
    {"values (1)", NULL},
    {"show status", NULL},
    {"/* why */ SELECT 1 /* end */", NULL},
    {"SELECT 'a;b', 'it''s', 'a\\'; DELETE', \"into\", `into`", NULL},
    {"SELECT into_date FROM t", NULL},
    {"SELECT 1 # ; DELETE FROM t", NULL},
    {"", "empty"},
    {" ; ", "empty"},
    {"-- nothing", "empty"},
    {"DELETE FROM t", "not with DELETE"},
    {"UPDATE t SET a = 1", "not with UPDATE"},
    {"SET GLOBAL read_only = 0", "not with SET"},
    {"SELECTED", "not with SELECTED"},
    {"ATTACH 'x' AS y", "not with ATTACH"},
    {"PRAGMA journal_mode = DELETE", "not with PRAGMA"},
    {"EXPLAIN DELETE FROM t", "not with EXPLAIN"},
    {"SELECT 1; DELETE FROM t", "one statement"},
    {"SELECT 1;;", "one statement"},
    {"SELECT a INTO OUTFILE '/tmp/x' FROM t", "INTO"},
    {"SELECT a FROM t into dumpfile 'x'", "INTO"},
    {"SELECT /*!50000 a INTO OUTFILE 'x' */ 1", "executes"},
    {"SELECT /*M! 1 */ 1", "executes"},
    {"SELECT 'open", "not closed"},
    {"SELECT 'open\\'", "not closed"},
    {"SELECT /* open", "not closed"},
};

static void each_statement_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct err err = ERR_INIT;
        int rc = sql_guard(rows[i].query, true, &err);
        if ((rc == TC_OK) != (rows[i].problem == NULL) ||
            (rc != TC_OK && strstr(err.text, rows[i].problem) == NULL)) {
            fail_msg("%s: %d %s", rows[i].query, rc, err.text);
        }
    }
}

static void sqlite_knows_no_backslash(void **state)
{
    (void)state;
    assert_int_equal(sql_guard("SELECT 'a\\'", false, NULL), TC_OK);
    assert_int_equal(sql_guard("SELECT 'a\\'; DELETE FROM t; --'", false, NULL), TC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_statement_has_its_answer),
                                       cmocka_unit_test(sqlite_knows_no_backslash)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
