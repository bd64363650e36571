/* The database's schema and rights held against what this program needs. It changes nothing. Called by
 * mariadb.c at each start and by mariadb_migrate.c. */
#include "router/store/mariadb_schema.h"

#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

enum {
    TYPE_BYTES = 256,
};

/* "int(10) unsigned" as "int unsigned": the width is for display, and newer servers leave it out. */
static void without_width(const char *type, char *ret_type)
{
    const char *open = strchr(type, '(');
    size_t head = open == NULL ? strlen(type) : (size_t)(open - type);
    bool is_whole = head >= 3 && head < TYPE_BYTES && strncasecmp(type + head - 3, "int", 3) == 0;
    const char *rest = open != NULL && is_whole ? strchr(open, ')') : NULL;
    size_t room = TYPE_BYTES - 1;
    size_t size = rest != NULL ? head : strnlen(type, room);
    memcpy(ret_type, type, size);
    if (rest != NULL) {
        size_t more = strnlen(rest + 1, room - size);
        memcpy(ret_type + size, rest + 1, more);
        size += more;
    }
    ret_type[size] = '\0';
}

static bool is_of_table(const char *type)
{
    return strcmp(type, "index") == 0 || strcmp(type, "unique index") == 0 ||
           strcmp(type, "trigger") == 0;
}

struct parts_seen {
    bool *is_there;  /* SQL_PART_COUNT */
    bool *has_table; /* SQL_PART_COUNT: any part of its table was seen */
    struct err *err;
};

static int see_part(void *ctx, const void *row)
{
    const struct parts_seen *seen = ctx;
    const struct store_part *found = row;
    char type[TYPE_BYTES];
    without_width(found->type, type);
    for (size_t i = 0; i < SQL_PART_COUNT; i++) {
        const struct store_part *part = &sql_parts[i];
        if (strcasecmp(part->table, found->table) != 0) {
            continue;
        }
        seen->has_table[i] = true;
        if (strcasecmp(part->name, found->name) != 0 ||
            is_of_table(part->type) != is_of_table(type)) {
            continue;
        }
        if (strcmp(part->type, type) != 0) {
            return err_set(seen->err, TC_EVERSION,
                           "table %s: %s is %s, it must be %s: somebody changed the schema by hand",
                           part->table, part->name, type, part->type);
        }
        seen->is_there[i] = true;
    }
    return TC_OK;
}

static int tell_missing(const struct parts_seen *seen, bool with_triggers, struct err *err)
{
    for (size_t i = 0; i < SQL_PART_COUNT; i++) {
        const struct store_part *part = &sql_parts[i];
        if (seen->is_there[i] || (!with_triggers && strcmp(part->type, "trigger") == 0)) {
            continue;
        }
        if (!seen->has_table[i]) {
            return err_set(err, TC_EVERSION, "table %s is not there, or the account may not see it",
                           part->table);
        }
        return err_set(
            err, TC_EVERSION, "table %s has no %s %s%s%s: somebody changed the schema by hand",
            part->table, is_of_table(part->type) ? part->type : "column", part->name,
            is_of_table(part->type) ? "" : " of type ", is_of_table(part->type) ? "" : part->type);
    }
    return TC_OK;
}

int mariadb_schema_check(struct mariadb_conn *conn, struct err *err)
{
    TC_CLEANUP(mem_freep) bool *is_there = mem_array(SQL_PART_COUNT, sizeof *is_there);
    TC_CLEANUP(mem_freep) bool *has_table = mem_array(SQL_PART_COUNT, sizeof *has_table);
    struct parts_seen seen = {is_there, has_table, err};
    bool is_migration = conn->role == MARIADB_MIGRATE;
    int code = mariadb_conn_read(conn, SQL_SCHEMA_PARTS, NULL, see_part, &seen, err);
    if (code == TC_OK && is_migration) {
        code = mariadb_conn_read(conn, SQL_SCHEMA_TRIGGERS, NULL, see_part, &seen, err);
    }
    return code == TC_OK ? tell_missing(&seen, is_migration, err) : code;
}

int mariadb_schema_check_rights(struct mariadb_conn *conn, struct err *err)
{
    int code = TC_OK;
    for (enum store_view view = 0; code == TC_OK && view < STORE_VIEW_COUNT_; view++) {
        code = mariadb_conn_prepare(conn, sql_views[view], err);
    }
    for (enum store_write write = 0;
         code == TC_OK && conn->role == MARIADB_ROUTER && write < STORE_WRITE_COUNT_; write++) {
        code = mariadb_conn_prepare(conn, sql_writes[write].query, err);
    }
    if (code == TC_EPERM) {
        (void)err_ctx(err, "the database account lacks a right that it needs");
    }
    return code;
}
