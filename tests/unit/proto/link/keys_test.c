/* Key files: what is written can be read, what a hand spoilt is refused by name. */
#include "proto/link/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/keys_test.XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    return unlink(path) == 0 || access(path, F_OK) != 0 ? 0 : -1;
}

static void public_half_travels_alone(void **state)
{
    (void)state;
    struct link_key key;
    struct err err = ERR_INIT;
    assert_int_equal(link_key_make(&key, &err), TC_OK);
    assert_int_equal(link_key_write_public(path, &key, &err), TC_OK);
    char z85[LINK_KEY_TEXT] = "";
    assert_int_equal(link_key_read_public(path, z85, &err), TC_OK);
    assert_string_equal(z85, key.public_z85);
    assert_int_equal(link_key_write_public(path, &key, &err), TC_EEXIST);
    char *text = NULL;
    assert_int_equal(file_read(path, 4096, &text, NULL, &err), TC_OK);
    assert_null(strstr(text, key.secret_z85));
    mem_free(text);
}

static void pair_is_for_its_owner_only(void **state)
{
    (void)state;
    struct link_key key;
    struct link_key again;
    struct stat facts;
    struct err err = ERR_INIT;
    assert_int_equal(link_key_make(&key, &err), TC_OK);
    assert_int_equal(link_key_write(path, &key, &err), TC_OK);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(link_key_read(path, &again, &err), TC_OK);
    assert_string_equal(again.secret_z85, key.secret_z85);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(link_key_read(path, &again, &err), TC_EPERM);
}

static void spoilt_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "public\n",
        "public short\n",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
        "public rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7 trailing\n",
    };
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        struct err err = ERR_INIT;
        char z85[LINK_KEY_TEXT] = "untouched";
        assert_int_equal(file_write(path, 0644, texts[i], strlen(texts[i]), &err), TC_OK);
        assert_int_equal(link_key_read_public(path, z85, &err), TC_ECONFIG);
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, "needs a line \"public <key>\""));
        assert_string_equal(z85, "untouched");
    }
}

int main(void)
{
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(public_half_travels_alone, set_up),
        cmocka_unit_test_setup(pair_is_for_its_owner_only, set_up),
        cmocka_unit_test_setup(spoilt_files_are_refused, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(dir);
    return failed;
}
