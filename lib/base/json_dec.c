/* Reading JSON objects of known shape: one cursor, one sticky error that names path, cause and
 * what would be right. Works on the tree of json.c; validating by table is rules.c. Called by the
 * codec, the API and the notifiers' answers. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/parse.h"
#include "lib/base/timetext.h"

static const int64_t exact_max = INT64_C(1) << 53; /* beyond, doubles skip whole numbers */

static const char *const type_names[] = {
    [JSON_NULL] = "null",       [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",     [JSON_OBJECT] = "an object",
};

static const char *type_name(const struct json_value *value)
{
    return type_names[json_type_of(value)];
}

static void path_join(char *ret_path, size_t size, const char *path, const char *name)
{
    /* Only for messages: a path of over 160 bytes may be cut. */
    (void)snprintf(ret_path, size, "%s%s%s", path, path[0] != '\0' ? "." : "", name);
}

void json_dec_start(struct json_dec *d, const struct json_value *value, const char *where,
                    struct err *err)
{
    TC_ASSERT(value != NULL);
    *d = (struct json_dec){.object = value, .err = err, .code = TC_OK};
    path_join(d->path, sizeof(d->path), "", where);
    if (json_type_of(value) != JSON_OBJECT) {
        d->object = NULL;
        d->code = err_set(err, TC_EPARSE, "%s%smust be an object and is %s", where,
                          where[0] != '\0' ? " " : "the document ", type_name(value));
    }
}

int json_fail(struct json_dec *d, const char *name, int code, const char *fmt, ...)
{
    TC_ASSERT(code != TC_OK);
    if (d->code != TC_OK) {
        return d->code; /* the first error stays */
    }
    char path[sizeof(d->path) * 2];
    path_join(path, sizeof(path), d->path, name);
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* err_set marks a cut */
    va_end(args);
    d->code = err_set(d->err, code, "%s %s", path, text);
    return d->code;
}

int json_end(const struct json_dec *d)
{
    return d->code;
}

void json_join(struct json_dec *d, const struct json_dec *child)
{
    if (d->code == TC_OK) {
        d->code = child->code;
    }
}

/* The member, or NULL when absent, null or after an error. */
static const struct json_value *find(const struct json_dec *d, const char *name)
{
    if (d->code != TC_OK) {
        return NULL;
    }
    const struct json_value *value = json_member(d->object, name);
    return value == NULL || json_type_of(value) == JSON_NULL ? NULL : value;
}

/* The member if it has the type; otherwise a sticky error, but for an absent optional one. */
static const struct json_value *expect(struct json_dec *d, const char *name, enum json_type type,
                                       bool is_required)
{
    const struct json_value *value = find(d, name);
    if (value == NULL) {
        if (is_required) {
            (void)json_fail(d, name, TC_EPARSE, "is missing; it must be %s", type_names[type]);
        }
        return NULL;
    }
    if (json_type_of(value) != type) {
        (void)json_fail(d, name, TC_EPARSE, "must be %s and is %s", type_names[type],
                        type_name(value));
        return NULL;
    }
    return value;
}

bool json_has(const struct json_dec *d, const char *name)
{
    return find(d, name) != NULL;
}

static const char *string_of(struct json_dec *d, const char *name, size_t max,
                             const struct json_value *value)
{
    const char *s = json_string(value);
    size_t size = strlen(s);
    if (size > max) {
        (void)json_fail(d, name, TC_ERANGE, "has %zu bytes; at most %zu are allowed", size, max);
        return NULL;
    }
    return s;
}

const char *json_str(struct json_dec *d, const char *name, size_t max)
{
    const struct json_value *value = expect(d, name, JSON_STRING, true);
    const char *s = value == NULL ? NULL : string_of(d, name, max, value);
    if (s != NULL && s[0] == '\0') {
        (void)json_fail(d, name, TC_EPARSE, "must not be empty");
    }
    return s == NULL ? "" : s;
}

const char *json_str_opt(struct json_dec *d, const char *name, size_t max, const char *fallback)
{
    const struct json_value *value = expect(d, name, JSON_STRING, false);
    if (value == NULL) {
        return d->code == TC_OK ? fallback : "";
    }
    const char *s = string_of(d, name, max, value);
    return s == NULL ? "" : s;
}

static int64_t integer_of(struct json_dec *d, const char *name, int64_t min, int64_t max,
                          const struct json_value *value)
{
    double number = json_number(value);
    if (number < (double)-exact_max || number > (double)exact_max || trunc(number) < number ||
        trunc(number) > number) {
        (void)json_fail(d, name, TC_EPARSE,
                        "must be a whole number of at most 53 bits and is %.17g", number);
        return 0;
    }
    int64_t whole = (int64_t)number;
    if (whole < min || whole > max) {
        (void)json_fail(d, name, TC_ERANGE,
                        "must be from %" PRId64 " to %" PRId64 " and is %" PRId64, min, max, whole);
        return 0;
    }
    return whole;
}

int64_t json_i64(struct json_dec *d, const char *name, int64_t min, int64_t max)
{
    const struct json_value *value = expect(d, name, JSON_NUMBER, true);
    return value == NULL ? 0 : integer_of(d, name, min, max, value);
}

int64_t json_i64_opt(struct json_dec *d, const char *name, int64_t min, int64_t max,
                     int64_t fallback)
{
    const struct json_value *value = expect(d, name, JSON_NUMBER, false);
    if (value == NULL) {
        return d->code == TC_OK ? fallback : 0;
    }
    return integer_of(d, name, min, max, value);
}

uint64_t json_u64_text(struct json_dec *d, const char *name)
{
    const struct json_value *value = expect(d, name, JSON_STRING, true);
    if (value == NULL) {
        return 0;
    }
    uint64_t number = 0;
    int rc = parse_whole_u64(json_string(value), UINT64_MAX, &number);
    if (rc != TC_OK) {
        (void)json_fail(d, name, rc, "must be a whole number of at most 64 bits, as a string");
        return 0;
    }
    return number;
}

bool json_bool(struct json_dec *d, const char *name)
{
    const struct json_value *value = expect(d, name, JSON_BOOL, true);
    return value != NULL && json_boolean(value);
}

bool json_bool_opt(struct json_dec *d, const char *name, bool fallback)
{
    const struct json_value *value = expect(d, name, JSON_BOOL, false);
    if (value == NULL) {
        return d->code == TC_OK && fallback;
    }
    return json_boolean(value);
}

double json_num_opt(struct json_dec *d, const char *name, double fallback)
{
    const struct json_value *value = expect(d, name, JSON_NUMBER, false);
    if (value == NULL) {
        return d->code == TC_OK ? fallback : 0;
    }
    return json_number(value);
}

static int64_t time_of(struct json_dec *d, const char *name, const struct json_value *value)
{
    int64_t utc_ms = 0;
    if (timetext_parse_rfc3339(json_string(value), &utc_ms, NULL) != TC_OK) {
        (void)json_fail(d, name, TC_EPARSE,
                        "must be a time such as 2027-03-14T15:09:26.535Z (RFC 3339)");
        return 0;
    }
    return utc_ms;
}

int64_t json_time(struct json_dec *d, const char *name)
{
    const struct json_value *value = expect(d, name, JSON_STRING, true);
    return value == NULL ? 0 : time_of(d, name, value);
}

int64_t json_time_opt(struct json_dec *d, const char *name, int64_t fallback)
{
    const struct json_value *value = expect(d, name, JSON_STRING, false);
    if (value == NULL) {
        return d->code == TC_OK ? fallback : 0;
    }
    return time_of(d, name, value);
}

const struct json_value *json_any(struct json_dec *d, const char *name)
{
    return d->code == TC_OK ? json_member(d->object, name) : NULL;
}

void json_obj(struct json_dec *d, const char *name, struct json_dec *ret_child)
{
    const struct json_value *value = expect(d, name, JSON_OBJECT, true);
    *ret_child = (struct json_dec){.object = value, .err = d->err, .code = d->code};
    path_join(ret_child->path, sizeof(ret_child->path), d->path, name);
}

const struct json_value *json_arr(struct json_dec *d, const char *name, size_t count_max)
{
    const struct json_value *value = expect(d, name, JSON_ARRAY, true);
    if (value == NULL) {
        return NULL;
    }
    size_t count = json_count(value);
    if (count > count_max) {
        (void)json_fail(d, name, TC_ERANGE, "has %zu elements; at most %zu are allowed", count,
                        count_max);
        return NULL;
    }
    return value;
}
