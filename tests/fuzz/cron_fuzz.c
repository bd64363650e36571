/* Any text: a schedule that is accepted fires after every instant it is asked about, at a time that
 * its fields allow, and looking back from a firing finds it. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cron.h"
#include "lib/base/err.h"
#include "lib/base/tz.h"
#include "tests/fuzz/fuzz.h"

enum {
    TEXT_BYTES = 300, /* more than LIMIT_SCHEDULE_BYTES */
    FIRINGS = 20,
};

static const struct tz *chicago(void)
{
    static struct tz_cache *cache;
    static const struct tz *zone;
    if (cache == NULL) {
        cache = tz_cache_new(NULL);
        TC_ASSERT(tz_open(cache, "America/Chicago", &zone, NULL) == TC_OK);
    }
    return zone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t at_utc_ms = 0;
    if (size < sizeof(at_utc_ms) || size - sizeof(at_utc_ms) >= TEXT_BYTES) {
        return 0;
    }
    memcpy(&at_utc_ms, data, sizeof(at_utc_ms));
    char text[TEXT_BYTES] = "";
    memcpy(text, data + sizeof(at_utc_ms), size - sizeof(at_utc_ms));
    struct cron cron;
    struct err err = ERR_INIT;
    if (cron_parse(text, &cron, &err) != TC_OK) {
        TC_ASSERT(err.code == TC_EINVAL);
        TC_ASSERT(err.text[0] != '\0');
        return 0;
    }
    for (int i = 0; i < FIRINGS; i++) {
        int64_t next_utc_ms = cron_next(&cron, chicago(), at_utc_ms);
        if (next_utc_ms == CRON_NEVER) {
            return 0;
        }
        TC_ASSERT(next_utc_ms > at_utc_ms);
        TC_ASSERT(next_utc_ms % 1000 == 0);
        TC_ASSERT(cron_last(&cron, chicago(), next_utc_ms) == next_utc_ms);
        at_utc_ms = next_utc_ms;
    }
    return 0;
}
