/* The table of built-in checks: a new one is its file, its rules in proto/checks.c and a line here.
 * Read by check.c and main.c. */
#include "monitors/disk.h"
#include "monitors/file.h"
#include "monitors/http.h"
#include "monitors/sql.h"
#include "monitors/tcp.h"

const struct check_ops *const check_kinds[] = {
    &check_sql, &check_http, &check_tcp, &check_disk, &check_file, NULL,
};
