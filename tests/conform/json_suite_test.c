/* Our JSON against material of others: nst/JSONTestSuite (accept every y_, refuse every n_), and
 * node's JSON.stringify for the text of numbers. tests/node/install.sh puts both in place. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/json_number.h"
#include "lib/base/limits.h"
#include "tests/support/test.h"

#define CASES TESTS_DIR "/node/cases"

enum {
    ACCEPT_COUNT = 95,
    REFUSE_COUNT = 188,
};

static void read_file(const char *path, struct buf *ret_bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is missing: run tests/node/install.sh", path);
    }
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_add(ret_bytes, chunk, got);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ret_bytes->err, TC_OK);
}

static int parse_file(const char *name)
{
    char path[512];
    assert_true(snprintf(path, sizeof(path), CASES "/json/%s", name) < (int)sizeof(path));
    TC_CLEANUP(buf_freep) struct buf bytes;
    buf_init(&bytes, LIMIT_CONFIG_BYTES);
    read_file(path, &bytes);
    /* An exact copy, so that the sanitizer sees a read behind the end. */
    TC_CLEANUP(mem_freep) char *exact = mem_alloc(bytes.len > 0 ? bytes.len : 1);
    memcpy(exact, bytes.p, bytes.len);
    struct err err = ERR_INIT;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int rc = json_parse(exact, bytes.len, LIMIT_CONFIG_BYTES, &json, &err);
    if (rc != TC_OK) {
        assert_null(json);
        assert_int_equal(err.code, rc);
        assert_true(strlen(err.text) > 0);
    }
    return rc;
}

/* RFC 8259 lets a parser set limits on strings and says that doubled names are unpredictable: what
 * json.h refuses on purpose, and nothing else. */
static bool is_refused_on_purpose(const char *name)
{
    static const char *const names[] = {
        "y_object_duplicated_key.json",
        "y_object_duplicated_key_and_value.json",
        "y_object_escaped_null_in_key.json",
        "y_string_null_escape.json",
    };
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void test_suite(void **state)
{
    (void)state;
    DIR *folder = opendir(CASES "/json");
    if (folder == NULL) {
        fail_msg(CASES "/json is missing: run tests/node/install.sh");
    }
    int accept_count = 0;
    int refuse_count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;
        if (name[0] == 'y') {
            accept_count++;
            bool is_refused = parse_file(name) != TC_OK;
            if (is_refused != is_refused_on_purpose(name)) {
                fail_msg("%s must be %s", name, is_refused ? "accepted" : "refused");
            }
        } else if (name[0] == 'n') {
            refuse_count += strstr(name, ".raw") == NULL;
            if (parse_file(name) == TC_OK) {
                fail_msg("%s must be refused", name);
            }
        }
    }
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(accept_count, ACCEPT_COUNT);
    assert_int_equal(refuse_count, REFUSE_COUNT);
}

static void test_numbers(void **state)
{
    (void)state;
    FILE *file = fopen(CASES "/numbers.txt", "rb");
    if (file == NULL) {
        fail_msg(CASES "/numbers.txt is missing: run tests/node/install.sh");
    }
    char line[128];
    size_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *expected = strchr(line, ' ');
        assert_non_null(expected);
        *expected++ = '\0';
        expected[strcspn(expected, "\n")] = '\0';
        uint64_t bits = strtoull(line, NULL, 16);
        double value;
        memcpy(&value, &bits, sizeof(value));
        char text[JSON_NUMBER_BYTES];
        json_number_format(value, text);
        if (strcmp(text, expected) != 0) {
            fail_msg("%s: we write %s, ECMAScript %s", line, text, expected);
        }
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(count > 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
