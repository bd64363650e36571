/* Binding to and reading from SQLite's statements. Called by sqlite_db.c. */
#include "router/store/sqlite_values.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "router/store/values.h"

static int bind(sqlite3_stmt *stmt, int at, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        return sqlite3_bind_null(stmt, at);
    case VALUE_NUMBER:
        return sqlite3_bind_int64(stmt, at, value->number);
    case VALUE_TEXT:
        return sqlite3_bind_text64(stmt, at, value->p, value->size,
                                   value->p == value->time ? SQLITE_TRANSIENT : SQLITE_STATIC,
                                   SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(stmt, at, value->p, value->size, SQLITE_STATIC);
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
        struct value value;
        value_of(field->type, (const char *)row + field->offset, &value);
        int code = bind(stmt, (int)i + 1, &value);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    return SQLITE_OK;
}

static bool read_member(sqlite3_stmt *stmt, int at, enum sql_type type, char *to)
{
    if (value_is_number(type)) {
        int stored = sqlite3_column_type(stmt, at);
        return (stored == SQLITE_INTEGER || stored == SQLITE_NULL) &&
               value_put_number(type, sqlite3_column_int64(stmt, at), to);
    }
    const void *p = type == SQL_BLOB ? sqlite3_column_blob(stmt, at)
                                     : (const void *)sqlite3_column_text(stmt, at);
    return value_put_text(type, p, (size_t)sqlite3_column_bytes(stmt, at), to);
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
            char id[24];
            (void)snprintf(id, sizeof id, "%lld", (long long)sqlite3_column_int64(stmt, 0));
            value_tell(def, id, sqlite3_column_name(stmt, (int)i),
                       (const char *)sqlite3_column_text(stmt, (int)i), field->type, problem);
        }
    }
    value_note_problem(def, row, problem);
}
