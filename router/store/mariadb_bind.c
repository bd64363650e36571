/* Parameters and columns of MariaDB's statements. Many rows travel as arrays, one a parameter, in one
 * request (COM_STMT_BULK_EXECUTE). Everything read comes as text, whatever the column's type. Called
 * by mariadb_conn.c. */
#include "router/store/mariadb_bind.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "router/store/values.h"

enum {
    PARAMS_MAX = 40,
    COLUMNS_MAX = 40,
    ROWS_MAX = 512, /* that travel together */
    COLUMN_BYTES = 256,
};

/* --- Writing ---------------------------------------------------------------------------------- */

/* One parameter of all rows that travel. */
struct mariadb_array {
    struct value values[ROWS_MAX];
    int64_t numbers[ROWS_MAX];
    const char *texts[ROWS_MAX];
    unsigned long sizes[ROWS_MAX];
    char marks[ROWS_MAX];
};

struct mariadb_array *mariadb_arrays_new(void)
{
    return mem_array(PARAMS_MAX, sizeof(struct mariadb_array));
}

struct mariadb_array *mariadb_arrays_free(struct mariadb_array *arrays)
{
    mem_free(arrays);
    return NULL;
}

static size_t load_row(struct mariadb_array *arrays, const struct sql_query *query, const char *row,
                       size_t at)
{
    size_t bytes = 0;
    for (size_t i = 0; i < query->param_count; i++) {
        const struct sql_field *field = &sql_rows[query->takes].fields[query->params[i]];
        struct value *value = &arrays[i].values[at];
        value_of(field->type, row + field->offset, value);
        arrays[i].marks[at] = value->kind == VALUE_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
        arrays[i].numbers[at] = value->kind == VALUE_NUMBER ? value->number : 0;
        bool is_text = value->kind == VALUE_TEXT || value->kind == VALUE_BLOB;
        arrays[i].texts[at] = is_text ? value->p : "";
        arrays[i].sizes[at] = is_text ? value->size : 0;
        bytes += arrays[i].sizes[at] + sizeof(int64_t);
    }
    return bytes;
}

/* The library declares what it only reads as writable. */
static void *unconst(const void *p)
{
    void *writable = NULL;
    memcpy(&writable, &p, sizeof writable);
    return writable;
}

size_t mariadb_arrays_bind(struct mariadb_array *arrays, MYSQL_STMT *stmt,
                           const struct sql_query *query, const void *rows, size_t count,
                           size_t bytes_max)
{
    TC_ASSERT(query->param_count > 0 && query->param_count <= PARAMS_MAX);
    TC_ASSERT(count > 0);
    size_t size = sql_rows[query->takes].size;
    size_t taken = 0;
    size_t bytes = 0;
    while (taken < count && taken < ROWS_MAX) {
        bytes += load_row(arrays, query, (const char *)rows + taken * size, taken);
        if (bytes > bytes_max && taken > 0) {
            break;
        }
        taken++;
    }
    MYSQL_BIND binds[PARAMS_MAX];
    memset(binds, 0, sizeof binds);
    for (size_t i = 0; i < query->param_count; i++) {
        const struct sql_field *field = &sql_rows[query->takes].fields[query->params[i]];
        bool is_number = value_is_number(field->type);
        const void *first = taken > 1 ? (const void *)arrays[i].texts : arrays[i].texts[0];
        binds[i].buffer_type = is_number                 ? MYSQL_TYPE_LONGLONG
                               : field->type == SQL_BLOB ? MYSQL_TYPE_BLOB
                                                         : MYSQL_TYPE_STRING;
        binds[i].buffer = is_number ? arrays[i].numbers : unconst(first);
        binds[i].length = arrays[i].sizes;
        binds[i].u.indicator = arrays[i].marks;
        if (taken == 1 && arrays[i].marks[0] == STMT_INDICATOR_NULL) {
            binds[i].buffer_type = MYSQL_TYPE_NULL;
        }
    }
    const unsigned int array_size = taken > 1 ? (unsigned int)taken : 0;
    bool is_bound = mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &array_size) == 0 &&
                    mysql_stmt_bind_param(stmt, binds) == 0;
    TC_ASSERT(is_bound); /* fails only for types that the library does not know */
    return taken;
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct mariadb_column {
    char *p; /* owned */
    size_t cap;
    unsigned long size; /* of the value, whether or not there is room for it */
    my_bool is_null;
    my_bool is_cut;
};

struct mariadb_column *mariadb_columns_new(void)
{
    struct mariadb_column *columns = mem_array(COLUMNS_MAX, sizeof *columns);
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        columns[i].p = mem_alloc(COLUMN_BYTES);
        columns[i].cap = COLUMN_BYTES;
    }
    return columns;
}

struct mariadb_column *mariadb_columns_free(struct mariadb_column *columns)
{
    for (size_t i = 0; columns != NULL && i < COLUMNS_MAX; i++) {
        mem_free(columns[i].p);
    }
    mem_free(columns);
    return NULL;
}

static void describe(struct mariadb_column *column, MYSQL_BIND *ret_bind)
{
    *ret_bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                             .buffer = column->p,
                             .buffer_length = column->cap - 1,
                             .length = &column->size,
                             .is_null = &column->is_null,
                             .error = &column->is_cut};
}

static void bind_all(struct mariadb_column *columns, MYSQL_STMT *stmt, size_t count)
{
    MYSQL_BIND binds[COLUMNS_MAX];
    memset(binds, 0, sizeof binds);
    for (size_t i = 0; i < count; i++) {
        describe(&columns[i], &binds[i]);
    }
    bool is_bound = mysql_stmt_bind_result(stmt, binds) == 0;
    TC_ASSERT(is_bound); /* fails only for types that the library does not know */
}

/* Get again what did not fit. */
static int fetch_rest(struct mariadb_column *columns, MYSQL_STMT *stmt, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mariadb_column *column = &columns[i];
        if (column->is_null || column->size < column->cap) {
            continue;
        }
        column->cap = column->size + 1 + COLUMN_BYTES;
        column->p = mem_resize(column->p, column->cap, 1);
        MYSQL_BIND bind;
        describe(column, &bind);
        if (mysql_stmt_fetch_column(stmt, &bind, (unsigned int)i, 0) != 0) {
            return 1;
        }
    }
    return 0;
}

int mariadb_columns_fetch(struct mariadb_column *columns, MYSQL_STMT *stmt, size_t count)
{
    TC_ASSERT(count > 0 && count <= COLUMNS_MAX);
    bind_all(columns, stmt, count); /* each time: what grew has moved */
    int step = mysql_stmt_fetch(stmt);
    if (step == MYSQL_DATA_TRUNCATED) {
        step = fetch_rest(columns, stmt, count);
    }
    for (size_t i = 0; step == 0 && i < count; i++) {
        if (columns[i].is_null) {
            columns[i].size = 0;
        }
        TC_ASSERT(columns[i].size < columns[i].cap);
        columns[i].p[columns[i].size] = '\0';
    }
    return step;
}

static bool read_member(const struct mariadb_column *column, enum sql_type type, char *to)
{
    int64_t number = 0;
    if (!value_is_number(type)) {
        return value_put_text(type, column->is_null ? NULL : column->p, column->size, to);
    }
    return (column->is_null ||
            parse_whole_i64(column->p, INT64_MIN, INT64_MAX, &number) == TC_OK) &&
           value_put_number(type, number, to);
}

void mariadb_columns_read(const struct mariadb_column *columns, MYSQL_STMT *stmt,
                          const struct sql_query *query, void *row, char *problem)
{
    const struct sql_row *def = &sql_rows[query->gives];
    memset(row, 0, def->size);
    problem[0] = '\0';
    for (size_t i = 0; i < query->column_count; i++) {
        const struct sql_field *field = &def->fields[query->columns[i]];
        bool is_good = read_member(&columns[i], field->type, (char *)row + field->offset);
        if (!is_good && problem[0] == '\0') {
            MYSQL_RES *names = mysql_stmt_result_metadata(stmt);
            const char *name =
                names != NULL ? mysql_fetch_field_direct(names, (unsigned int)i)->name : "?";
            value_tell(def, columns[0].p, name, columns[i].p, field->type, problem);
            mysql_free_result(names);
        }
    }
    value_note_problem(def, row, problem);
}
