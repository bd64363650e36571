/* Members of rows to SQL values and back, by the tables of router/store/sql.h. A value that can't be
 * what its column should hold becomes the row's problem instead of an error: other rows must not
 * suffer. Called by sqlite_values.c and the MariaDB backend. */
#include "router/store/values.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"

static uint32_t load_u32(const char *at)
{
    uint32_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

static int64_t load_i64(const char *at)
{
    int64_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

bool value_is_number(enum sql_type type)
{
    switch (type) {
    case SQL_BOOL:
    case SQL_U32:
    case SQL_U64:
    case SQL_I64:
    case SQL_REF32:
    case SQL_REF64:
    case SQL_LIMIT:
    case SQL_BEFORE:
        return true;
    case SQL_TEXT:
    case SQL_BLOB:
    case SQL_TIME:
    case SQL_STATE:
    case SQL_KIND:
    case SQL_END:
    case SQL_SEVERITY:
    case SQL_DELIVERY:
        return false;
    }
    TC_UNREACHABLE();
}

static void set_number(struct value *value, int64_t number)
{
    value->kind = VALUE_NUMBER;
    value->number = number;
}

/* 0 stands for NULL, or for the highest number where it is a bound. */
static void set_zeroable(struct value *value, int64_t number, bool is_bound)
{
    if (number != 0 || is_bound) {
        set_number(value, number != 0 ? number : INT64_MAX);
    }
}

static void set_text(struct value *value, const char *text)
{
    if (text != NULL) {
        value->kind = VALUE_TEXT;
        value->p = text;
        value->size = strlen(text);
    }
}

static void set_blob(struct value *value, const char *from)
{
    struct store_blob blob;
    memcpy(&blob, from, sizeof blob);
    if (blob.p != NULL) {
        value->kind = VALUE_BLOB;
        value->p = blob.p;
        value->size = blob.size;
    }
}

void value_of(enum sql_type type, const char *from, struct value *ret_value)
{
    const char *text = NULL;
    ret_value->kind = VALUE_NULL;
    switch (type) {
    case SQL_BOOL:
        set_number(ret_value, *(const bool *)from ? 1 : 0);
        return;
    case SQL_U32:
        set_number(ret_value, load_u32(from));
        return;
    case SQL_U64:
    case SQL_I64:
        set_number(ret_value, load_i64(from));
        return;
    case SQL_REF32:
        set_zeroable(ret_value, load_u32(from), false);
        return;
    case SQL_REF64:
        set_zeroable(ret_value, load_i64(from), false);
        return;
    case SQL_LIMIT:
        set_zeroable(ret_value, load_u32(from), true);
        return;
    case SQL_BEFORE:
        set_zeroable(ret_value, load_i64(from), true);
        return;
    case SQL_TEXT:
        memcpy(&text, from, sizeof text);
        set_text(ret_value, text);
        return;
    case SQL_BLOB:
        set_blob(ret_value, from);
        return;
    case SQL_TIME:
        if (load_i64(from) != CORE_NEVER) {
            set_text(ret_value, timetext_sql(load_i64(from), ret_value->time));
        }
        return;
    case SQL_STATE:
    case SQL_KIND:
    case SQL_END:
    case SQL_SEVERITY:
    case SQL_DELIVERY:
        set_text(ret_value, sql_name(type, load_u32(from)));
        return;
    }
    TC_UNREACHABLE();
}

bool value_put_number(enum sql_type type, int64_t number, char *to)
{
    TC_ASSERT(value_is_number(type));
    if (type == SQL_BOOL) {
        *(bool *)to = number != 0;
        return number == 0 || number == 1;
    }
    if (type == SQL_U32 || type == SQL_REF32 || type == SQL_LIMIT) {
        uint32_t narrow = number < 0 || number > UINT32_MAX ? 0 : (uint32_t)number;
        memcpy(to, &narrow, sizeof narrow);
        return number >= 0 && number <= UINT32_MAX;
    }
    if (type != SQL_I64 && number < 0) {
        return false;
    }
    memcpy(to, &number, sizeof number);
    return true;
}

static bool put_time(const char *text, char *to)
{
    int64_t utc_ms = CORE_NEVER;
    bool is_good = text == NULL || timetext_parse_sql(text, &utc_ms, NULL) == TC_OK;
    memcpy(to, &utc_ms, sizeof utc_ms);
    return is_good;
}

/* NULL reads as the first value: it is either a default or a member without meaning then. */
static bool put_name(enum sql_type type, const char *text, char *to)
{
    int value = text == NULL ? 0 : sql_value(type, text);
    uint32_t stored = value < 0 ? 0 : (uint32_t)value;
    memcpy(to, &stored, sizeof stored);
    return value >= 0;
}

bool value_put_text(enum sql_type type, const char *text, size_t size, char *to)
{
    TC_ASSERT(!value_is_number(type));
    if (type == SQL_BLOB) {
        const struct store_blob blob = {text, size};
        memcpy(to, &blob, sizeof blob);
        return true;
    }
    if (type == SQL_TEXT) {
        memcpy(to, &text, sizeof text);
        return text == NULL || strlen(text) == size;
    }
    return type == SQL_TIME ? put_time(text, to) : put_name(type, text, to);
}

void value_tell(const struct sql_row *def, const char *id, const char *column, const char *value,
                enum sql_type type, char *ret_problem)
{
    (void)snprintf(ret_problem, VALUES_PROBLEM_BYTES, "%s row %s, column %s: '%.80s' is not %s",
                   def->table, id, column, value,
                   sql_expected(type)); /* cut is fine: it is for people */
}

void value_note_problem(const struct sql_row *def, void *row, const char *problem)
{
    if (def->problem != SQL_NO_PROBLEM && problem[0] != '\0') {
        memcpy((char *)row + def->problem, &problem, sizeof problem);
    }
}
