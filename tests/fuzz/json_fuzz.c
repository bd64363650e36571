/* JSON from anywhere: the gate and cJSON must agree on what passes the gate, and what is written must
 * read back as the same canonical bytes. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/json_gate.h"
#include "lib/base/limits.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

enum {
    OUT_MAX = 8 * LIMIT_CONFIG_BYTES,
};

static void canonical_of(const char *text, size_t size, struct buf *out)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int rc = json_parse(text, size, OUT_MAX, &json, NULL);
    TC_ASSERT(rc == TC_OK);
    json_canonical(json_root(json), out);
    TC_ASSERT(out->err == TC_OK);
}

static void check_round_trip(const struct json *json)
{
    TC_CLEANUP(buf_freep) struct buf plain;
    TC_CLEANUP(buf_freep) struct buf canonical;
    TC_CLEANUP(buf_freep) struct buf from_plain;
    TC_CLEANUP(buf_freep) struct buf from_canonical;
    buf_init(&plain, OUT_MAX);
    buf_init(&canonical, OUT_MAX);
    buf_init(&from_plain, OUT_MAX);
    buf_init(&from_canonical, OUT_MAX);
    struct json_enc e;
    json_enc_start(&e, &plain);
    json_enc_value(&e, NULL, json_root(json));
    json_canonical(json_root(json), &canonical);
    TC_ASSERT(utf8_is_valid(canonical.p, canonical.len));
    canonical_of(plain.p, plain.len, &from_plain);
    canonical_of(canonical.p, canonical.len, &from_canonical);
    TC_ASSERT(strcmp(canonical.p, from_plain.p) == 0);
    TC_ASSERT(strcmp(canonical.p, from_canonical.p) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > LIMIT_CONFIG_BYTES) {
        return 0;
    }
    const char *text = (const char *)data;
    bool has_long_numbers = false;
    struct err err = ERR_INIT;
    int gate = json_gate(text, size, &has_long_numbers, &err);
    TC_ASSERT((gate == TC_OK) == (err.code == TC_OK));
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int rc = json_parse(size > 0 ? text : "", size, LIMIT_CONFIG_BYTES, &json, NULL);
    TC_ASSERT(rc == gate); /* what passes the gate, cJSON takes */
    if (rc == TC_OK) {
        check_round_trip(json);
    }
    return 0;
}
