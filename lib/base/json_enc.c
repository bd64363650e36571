/* Writing JSON straight into a buffer, without a tree. Called by everything that answers, stores or
 * sends JSON. The canonical form is json_canonical.c. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/json_number.h"
#include "lib/base/json_text.h"
#include "lib/base/limits.h"
#include "lib/base/timetext.h"

void json_enc_start(struct json_enc *e, struct buf *out)
{
    *e = (struct json_enc){.out = out};
}

static void begin_value(struct json_enc *e, const char *key)
{
    if (e->needs_comma) {
        buf_add_char(e->out, ',');
    }
    if (key != NULL) {
        json_text_string(e->out, key, strlen(key));
        buf_add_char(e->out, ':');
    }
    e->needs_comma = true;
}

static void open_container(struct json_enc *e, const char *key, char c)
{
    TC_ASSERT(e->depth < LIMIT_JSON_DEPTH);
    begin_value(e, key);
    buf_add_char(e->out, c);
    e->needs_comma = false;
    e->depth++;
}

static void close_container(struct json_enc *e, char c)
{
    TC_ASSERT(e->depth > 0);
    buf_add_char(e->out, c);
    e->needs_comma = true;
    e->depth--;
}

void json_enc_obj(struct json_enc *e, const char *key)
{
    open_container(e, key, '{');
}

void json_enc_obj_end(struct json_enc *e)
{
    close_container(e, '}');
}

void json_enc_arr(struct json_enc *e, const char *key)
{
    open_container(e, key, '[');
}

void json_enc_arr_end(struct json_enc *e)
{
    close_container(e, ']');
}

void json_enc_str(struct json_enc *e, const char *key, const char *value)
{
    if (value == NULL) {
        json_enc_null(e, key);
        return;
    }
    json_enc_strn(e, key, value, strlen(value));
}

void json_enc_strn(struct json_enc *e, const char *key, const char *value, size_t size)
{
    begin_value(e, key);
    json_text_string(e->out, value, size);
}

void json_enc_i64(struct json_enc *e, const char *key, int64_t value)
{
    begin_value(e, key);
    buf_add_fmt(e->out, "%" PRId64, value);
}

void json_enc_u64_text(struct json_enc *e, const char *key, uint64_t value)
{
    begin_value(e, key);
    buf_add_fmt(e->out, "\"%" PRIu64 "\"", value);
}

void json_enc_num(struct json_enc *e, const char *key, double value)
{
    char text[JSON_NUMBER_BYTES];
    json_number_format(value, text);
    begin_value(e, key);
    buf_add_str(e->out, text);
}

void json_enc_bool(struct json_enc *e, const char *key, bool value)
{
    begin_value(e, key);
    buf_add_str(e->out, value ? "true" : "false");
}

void json_enc_null(struct json_enc *e, const char *key)
{
    begin_value(e, key);
    buf_add_str(e->out, "null");
}

void json_enc_time(struct json_enc *e, const char *key, int64_t utc_ms)
{
    char text[TIMETEXT_SIZE];
    json_enc_str(e, key, timetext_rfc3339(utc_ms, text));
}

void json_enc_raw(struct json_enc *e, const char *key, const char *json, size_t size)
{
    begin_value(e, key);
    buf_add(e->out, json, size);
}

void json_enc_value(struct json_enc *e, const char *key, const struct json_value *value)
{
    begin_value(e, key);
    json_text_value(e->out, value, false);
}
