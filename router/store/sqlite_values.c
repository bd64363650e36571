/* Binding and reading by the tables of router/store/sql.h. A value that can't be what its column
 * should hold becomes the row's problem instead of an error: other rows must not suffer. Called by
 * sqlite_db.c. */
#include "router/store/sqlite_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/timetext.h"

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

static int bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    return text == NULL ? sqlite3_bind_null(stmt, at)
                        : sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int bind_time(sqlite3_stmt *stmt, int at, int64_t utc_ms)
{
    char text[TIMETEXT_SIZE];
    return utc_ms == CORE_NEVER
               ? sqlite3_bind_null(stmt, at)
               : sqlite3_bind_text(stmt, at, timetext_sql(utc_ms, text), -1, SQLITE_TRANSIENT);
}

/* 0 stands for NULL, or for the highest number where it is a bound. */
static int bind_zeroable(sqlite3_stmt *stmt, int at, int64_t value, bool is_bound)
{
    if (value != 0) {
        return sqlite3_bind_int64(stmt, at, value);
    }
    return is_bound ? sqlite3_bind_int64(stmt, at, INT64_MAX) : sqlite3_bind_null(stmt, at);
}

static int bind_blob(sqlite3_stmt *stmt, int at, const char *from)
{
    struct store_blob blob;
    memcpy(&blob, from, sizeof blob);
    return blob.p == NULL ? sqlite3_bind_null(stmt, at)
                          : sqlite3_bind_blob64(stmt, at, blob.p, blob.size, SQLITE_STATIC);
}

static int bind_member(sqlite3_stmt *stmt, int at, enum sql_type type, const char *from)
{
    const char *text = NULL;
    switch (type) {
    case SQL_BOOL:
        return sqlite3_bind_int(stmt, at, *(const bool *)from ? 1 : 0);
    case SQL_U32:
        return sqlite3_bind_int64(stmt, at, load_u32(from));
    case SQL_U64:
    case SQL_I64:
        return sqlite3_bind_int64(stmt, at, load_i64(from));
    case SQL_TEXT:
        memcpy(&text, from, sizeof text);
        return bind_text(stmt, at, text);
    case SQL_BLOB:
        return bind_blob(stmt, at, from);
    case SQL_REF32:
        return bind_zeroable(stmt, at, load_u32(from), false);
    case SQL_REF64:
        return bind_zeroable(stmt, at, load_i64(from), false);
    case SQL_LIMIT:
        return bind_zeroable(stmt, at, load_u32(from), true);
    case SQL_BEFORE:
        return bind_zeroable(stmt, at, load_i64(from), true);
    case SQL_TIME:
        return bind_time(stmt, at, load_i64(from));
    case SQL_STATE:
    case SQL_KIND:
    case SQL_END:
    case SQL_SEVERITY:
    case SQL_DELIVERY:
        return bind_text(stmt, at, sql_name(type, load_u32(from)));
    }
    TC_UNREACHABLE();
}

int sqlite_values_bind(sqlite3_stmt *stmt, const struct sql_query *query, const void *row)
{
    if (query->param_count == 0) {
        return SQLITE_OK;
    }
    TC_ASSERT(row != NULL);
    const struct sql_field *fields = sql_rows[query->takes].fields;
    for (size_t i = 0; i < query->param_count; i++) {
        const struct sql_field *field = &fields[query->params[i]];
        int code = bind_member(stmt, (int)i + 1, field->type, (const char *)row + field->offset);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    return SQLITE_OK;
}

static bool read_number(sqlite3_stmt *stmt, int at, enum sql_type type, char *to)
{
    int64_t value = sqlite3_column_int64(stmt, at);
    if (sqlite3_column_type(stmt, at) != SQLITE_INTEGER &&
        sqlite3_column_type(stmt, at) != SQLITE_NULL) {
        return false;
    }
    if (type == SQL_BOOL) {
        *(bool *)to = value != 0;
        return value == 0 || value == 1;
    }
    if (type == SQL_U32 || type == SQL_REF32) {
        uint32_t narrow = value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
        memcpy(to, &narrow, sizeof narrow);
        return value >= 0 && value <= UINT32_MAX;
    }
    if (type != SQL_I64 && value < 0) {
        return false;
    }
    memcpy(to, &value, sizeof value);
    return true;
}

static bool read_time(const char *text, char *to)
{
    int64_t utc_ms = CORE_NEVER;
    bool is_good = text == NULL || timetext_parse_sql(text, &utc_ms, NULL) == TC_OK;
    memcpy(to, &utc_ms, sizeof utc_ms);
    return is_good;
}

/* NULL reads as the first value: it is either a default or a member without meaning then. */
static bool read_name(enum sql_type type, const char *text, char *to)
{
    int value = text == NULL ? 0 : sql_value(type, text);
    uint32_t stored = value < 0 ? 0 : (uint32_t)value;
    memcpy(to, &stored, sizeof stored);
    return value >= 0;
}

static bool read_text(sqlite3_stmt *stmt, int at, char *to)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    memcpy(to, &text, sizeof text);
    return text == NULL || strlen(text) == (size_t)sqlite3_column_bytes(stmt, at);
}

static bool read_member(sqlite3_stmt *stmt, int at, enum sql_type type, char *to)
{
    struct store_blob blob;
    switch (type) {
    case SQL_BOOL:
    case SQL_U32:
    case SQL_U64:
    case SQL_I64:
    case SQL_REF32:
    case SQL_REF64:
    case SQL_LIMIT:
    case SQL_BEFORE:
        return read_number(stmt, at, type, to);
    case SQL_TEXT:
        return read_text(stmt, at, to);
    case SQL_BLOB:
        blob.p = sqlite3_column_blob(stmt, at);
        blob.size = (size_t)sqlite3_column_bytes(stmt, at);
        memcpy(to, &blob, sizeof blob);
        return true;
    case SQL_TIME:
        return read_time((const char *)sqlite3_column_text(stmt, at), to);
    case SQL_STATE:
    case SQL_KIND:
    case SQL_END:
    case SQL_SEVERITY:
    case SQL_DELIVERY:
        return read_name(type, (const char *)sqlite3_column_text(stmt, at), to);
    }
    TC_UNREACHABLE();
}

static void tell(sqlite3_stmt *stmt, int at, const struct sql_row *def, enum sql_type type,
                 char *problem)
{
    (void)snprintf(problem, SQLITE_PROBLEM_BYTES, "%s row %lld, column %s: '%.80s' is not %s",
                   def->table, (long long)sqlite3_column_int64(stmt, 0),
                   sqlite3_column_name(stmt, at), (const char *)sqlite3_column_text(stmt, at),
                   sql_expected(type)); /* cut is fine: it is for people */
}

void sqlite_values_read(sqlite3_stmt *stmt, const struct sql_query *query, void *row, char *problem)
{
    const struct sql_row *def = &sql_rows[query->gives];
    memset(row, 0, def->size);
    problem[0] = '\0';
    for (size_t i = 0; i < query->column_count; i++) {
        const struct sql_field *field = &def->fields[query->columns[i]];
        bool is_good = read_member(stmt, (int)i, field->type, (char *)row + field->offset);
        if (!is_good && problem[0] == '\0') {
            tell(stmt, (int)i, def, field->type, problem);
        }
    }
    if (def->problem != SQL_NO_PROBLEM && problem[0] != '\0') {
        const char *text = problem;
        memcpy((char *)row + def->problem, &text, sizeof text);
    }
}
