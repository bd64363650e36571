/* Error numbers of MariaDB's server and client sorted by what has to follow. Nothing is asked of the
 * server here. Called by the mariadb_*.c files. */
#include "router/store/mariadb_error.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WRITE_FAILED = 3,            /* EE_WRITE: mostly no space */
    CLIENT_ERRORS = 2000,        /* the library's own, up to 2999 */
    CLIENT_ERRORS_MARIADB = 5000 /* Connector/C's own, up to 5999 */
};

static bool is_of_client(unsigned int number)
{
    return (number >= CLIENT_ERRORS && number < CLIENT_ERRORS + 1000) ||
           (number >= CLIENT_ERRORS_MARIADB && number < CLIENT_ERRORS_MARIADB + 1000);
}

static bool is_in(unsigned int number, const uint16_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == number) {
            return true;
        }
    }
    return false;
}
#define IS_IN(number, list) is_in((number), (list), sizeof(list) / sizeof((list)[0]))

bool mariadb_error_is_lost(unsigned int number)
{
    static const uint16_t lost[] = {
        ER_SERVER_SHUTDOWN,      ER_CONNECTION_KILLED,        ER_NET_READ_ERROR,
        ER_NET_READ_INTERRUPTED, ER_NET_ERROR_ON_WRITE,       ER_NET_WRITE_INTERRUPTED,
        ER_NET_PACKET_TOO_LARGE, ER_NET_PACKETS_OUT_OF_ORDER,
    };
    /* A call that failed and has no number: the library lost its place, nothing of it is sure. */
    return number == 0 || is_of_client(number) || IS_IN(number, lost);
}

bool mariadb_error_is_deadlock(unsigned int number)
{
    return number == ER_LOCK_DEADLOCK;
}

bool mariadb_error_is_rolled_back(unsigned int number)
{
    static const uint16_t certain[] = {
        ER_LOCK_DEADLOCK,  ER_LOCK_WAIT_TIMEOUT, ER_UNKNOWN_COM_ERROR, ER_OPTION_PREVENTS_STATEMENT,
        ER_READ_ONLY_MODE,
    };
    return IS_IN(number, certain);
}

static bool passes(unsigned int number)
{
    static const uint16_t transient[] = {
        ER_LOCK_WAIT_TIMEOUT,
        ER_LOCK_DEADLOCK,
        ER_LOCK_TABLE_FULL,
        ER_UNKNOWN_COM_ERROR,   /* Galera: not ready */
        ER_ERROR_DURING_COMMIT, /* Galera: no quorum */
        ER_CON_COUNT_ERROR,
        ER_TOO_MANY_USER_CONNECTIONS,
        ER_USER_LIMIT_REACHED,
        ER_HOST_IS_BLOCKED,
        ER_OPTION_PREVENTS_STATEMENT, /* --read-only */
        ER_READ_ONLY_MODE,
        ER_QUERY_INTERRUPTED,
        ER_STATEMENT_TIMEOUT,
        ER_OUT_OF_RESOURCES,
        ER_OUTOFMEMORY,
        ER_CANT_CREATE_THREAD,
    };
    return IS_IN(number, transient) || mariadb_error_is_lost(number);
}

int mariadb_error(unsigned int number, const char *text, const char *doing, struct err *err)
{
    static const uint16_t taken[] = {ER_DUP_ENTRY, ER_DUP_KEY, ER_DUP_ENTRY_WITH_KEY_NAME};
    static const uint16_t full[] = {ER_DISK_FULL, ER_RECORD_FILE_FULL, WRITE_FAILED};
    static const uint16_t accounts[] = {
        ER_ACCESS_DENIED_ERROR,
        ER_DBACCESS_DENIED_ERROR,
        ER_TABLEACCESS_DENIED_ERROR,
        ER_COLUMNACCESS_DENIED_ERROR,
        ER_SPECIFIC_ACCESS_DENIED_ERROR,
        ER_VIEW_INVALID,
        ER_ACCESS_DENIED_NO_PASSWORD_ERROR,
        ER_ACCOUNT_HAS_BEEN_LOCKED,
        ER_MUST_CHANGE_PASSWORD,
        ER_HOST_NOT_PRIVILEGED,
        ER_BINLOG_CREATE_ROUTINE_NEED_SUPER,
        ER_NO_SUCH_USER,
    };
    static const uint16_t missing[] = {ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR};
    static const uint16_t values[] = {
        ER_BAD_NULL_ERROR,
        ER_DATA_TOO_LONG,
        ER_TRUNCATED_WRONG_VALUE,
        WARN_DATA_TRUNCATED,
        ER_TRUNCATED_WRONG_VALUE_FOR_FIELD,
        ER_WARN_DATA_OUT_OF_RANGE,
        ER_NO_DEFAULT_FOR_FIELD,
        ER_NO_REFERENCED_ROW_2,
        ER_ROW_IS_REFERENCED_2,
        ER_CONSTRAINT_FAILED,
    };
    static const uint16_t damaged[] = {ER_CRASHED_ON_USAGE, ER_CRASHED_ON_REPAIR, ER_NOT_KEYFILE,
                                       ER_INDEX_CORRUPT, ER_TABLE_CORRUPT};
    if (passes(number)) {
        return err_set(err, TC_EAGAIN, "%s: %s (%u)", doing, text, number);
    }
    if (IS_IN(number, full)) {
        return err_set(err, TC_ENOSPC, "%s: no space left for the database: %s (%u)", doing, text,
                       number);
    }
    if (IS_IN(number, accounts)) {
        return err_set(err, TC_EPERM, "%s: %s (%u)", doing, text, number);
    }
    if (IS_IN(number, damaged)) {
        return err_set(err, TC_ECORRUPT, "%s: %s (%u): restore it from a backup", doing, text,
                       number);
    }
    int code = IS_IN(number, taken)     ? TC_ECONFLICT
               : IS_IN(number, missing) ? TC_EVERSION
               : IS_IN(number, values)  ? TC_EINVAL
                                        : TC_EIO;
    return err_set(err, code, "%s: %s (%u)", doing, text, number);
}

int mariadb_error_as(int code, struct err *err)
{
    if (err != NULL) {
        err->code = code;
    }
    return code;
}
