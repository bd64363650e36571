/* Mails as an independent reader sees them: rendered here, parsed back by Python's email package
 * with its strict policy (mail_check.py), which holds them against what went in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/limits.h"
#include "lib/base/tz.h"
#include "notifiers/message.h"
#include "tests/support/test.h"
#include "tests/unit/notifiers/sample.h"

static const struct message_envelope envelope = {
    .from = "donotreply@example.com", .from_name = "tocsin", .to = "ops@example.com"};

static char folder[] = "/tmp/tocsin-mail-XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_mail(const char *name, const struct notification *n)
{
    struct buf out;
    struct buf again;
    char file[64];
    buf_init(&out, LIMIT_MAIL_BYTES);
    buf_init(&again, LIMIT_MAIL_BYTES);
    message_add(n, &envelope, &out);
    message_add(n, &envelope, &again);
    assert_int_equal(out.err, TC_OK);
    assert_string_equal(out.p, again.p);
    (void)snprintf(file, sizeof file, "%s.eml", name);
    put(file, out.p, out.len);
    (void)snprintf(file, sizeof file, "%s.name", name);
    put(file, n->monitor_name, strlen(n->monitor_name));
    (void)snprintf(file, sizeof file, "%s.message", name);
    put(file, n->message, strlen(n->message));
    buf_free(&out);
    buf_free(&again);
}

static void python_reads_what_was_written(void **state)
{
    (void)state;
    struct tz_cache *zones = tz_cache_new(NULL);
    assert_non_null(mkdtemp(folder));

    struct notification n = sample_alert();
    write_mail("alert", &n);
    assert_int_equal(tz_open(zones, "America/Chicago", &n.zone, NULL), TC_OK);
    write_mail("zone", &n);
    n.message = sample_hostile;
    n.monitor_name = "Ordr\xc3\xa9 \xf0\x9f\x94\xa5\r\nBcc: evil@example.com <script>";
    write_mail("hostile", &n);
    n.monitor_name = "=?UTF-8?B?cGxhaW4=?= looks encoded";
    write_mail("encoded", &n);

    char long_name[256];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    n.monitor_name = long_name;
    write_mail("long", &n);

    char *large = malloc(LIMIT_MESSAGE_BYTES + 1);
    for (size_t i = 0; i < LIMIT_MESSAGE_BYTES; i += 4) {
        memcpy(large + i, "\xf0\x9f\x94\xa5", 4);
    }
    large[LIMIT_MESSAGE_BYTES] = '\0';
    n.message = large;
    write_mail("large", &n);
    free(large);

    n = sample_alert();
    n.message = "";
    write_mail("empty", &n);
    n = sample_recovery();
    write_mail("recovery", &n);
    n.is_collapsed = true;
    write_mail("collapsed", &n);
    n.kind = NOTIFICATION_CLOSED;
    write_mail("closed", &n);
    n = sample_alert();
    n.kind = NOTIFICATION_REMINDER;
    n.reminder_number = 3;
    n.decided_utc_ms += INT64_C(3) * 3600 * 1000;
    write_mail("reminder", &n);

    char command[512];
    (void)snprintf(command, sizeof command, "/usr/bin/python3 %s/conform/mail_check.py %s",
                   TESTS_DIR, folder);
    assert_int_equal(system(command), 0);
    if (getenv("KEEP_MAILS") == NULL) {
        (void)snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
    }
    (void)tz_cache_free(zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(python_reads_what_was_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
