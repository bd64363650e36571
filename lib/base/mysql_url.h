#ifndef LIB_BASE_MYSQL_URL_H
#define LIB_BASE_MYSQL_URL_H

#include <stdint.h>

#include "lib/base/err.h"

/* The address of a MariaDB or MySQL database: mysql://USER@HOST:PORT/DATABASE. */
enum {
    MYSQL_URL_HOST_BYTES = 256,
    MYSQL_URL_WORD_BYTES = 128,
    MYSQL_URL_PORT = 3306, /* when the address names none */
};

struct mysql_url {
    char user[MYSQL_URL_WORD_BYTES];
    char host[MYSQL_URL_HOST_BYTES]; /* without the [] of an IPv6 address */
    uint16_t port;
    char database[MYSQL_URL_WORD_BYTES];
};

/* Take an address apart.
 * Shape:  the whole text, "mysql://" included; the host may be [IPv6].
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EINVAL with what is wrong, as the end of a sentence about the address; also for a
 *         password in it: secrets are referred to elsewhere. */
int mysql_url_parse(const char *text, struct mysql_url *ret_url, struct err *err);

#endif
