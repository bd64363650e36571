/* mysql:// addresses taken apart. It resolves and connects to nothing. Called by the configuration's
 * rules, the sources of the sql check and the MariaDB store. */
#include "lib/base/mysql_url.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"

static const char scheme[] = "mysql://";

/* A part of the address, without its bounds, into an array. */
static int take(const char *from, size_t size, char *ret_word, size_t room, const char *what,
                struct err *err)
{
    if (size == 0 || size >= room) {
        return err_set(err, TC_EINVAL, "its %s must have 1 to %zu bytes", what, room - 1);
    }
    memcpy(ret_word, from, size);
    ret_word[size] = '\0';
    return TC_OK;
}

/* "host", "host:port", "[::1]:port". */
static int read_host(const char *text, size_t size, struct mysql_url *url, struct err *err)
{
    const char *end = text + size;
    const char *host_end = text[0] == '[' ? memchr(text, ']', size) : memchr(text, ':', size);
    const char *port = host_end;
    if (text[0] == '[' && host_end == NULL) {
        return err_set(err, TC_EINVAL, "an address that begins with [ must end with ]");
    }
    if (text[0] == '[') {
        text++;
        port = host_end + 1;
    }
    host_end = host_end == NULL ? end : host_end;
    int64_t number = MYSQL_URL_PORT;
    if (port != NULL && port < end) {
        const char *cursor = port + 1;
        if (*port != ':' || parse_i64(&cursor, 1, UINT16_MAX, &number) != TC_OK || cursor != end) {
            return err_set(err, TC_EINVAL, "its port must be 1 to 65535");
        }
    }
    url->port = (uint16_t)number;
    return take(text, (size_t)(host_end - text), url->host, sizeof(url->host), "host", err);
}

int mysql_url_parse(const char *text, struct mysql_url *ret_url, struct err *err)
{
    const char *rest = text + sizeof(scheme) - 1;
    const char *at = str_has_prefix(text, scheme) ? strchr(rest, '@') : NULL;
    const char *slash = at == NULL ? NULL : strchr(at, '/');
    if (slash == NULL || strpbrk(slash + 1, "/?#") != NULL) {
        return err_set(err, TC_EINVAL, "must be mysql://USER@HOST:PORT/DATABASE");
    }
    if (memchr(rest, ':', (size_t)(at - rest)) != NULL) {
        return err_set(err, TC_EINVAL,
                       "must hold no password; give it as password: file:/path, cred:name or "
                       "env:NAME");
    }
    struct mysql_url url = {.port = MYSQL_URL_PORT};
    int code = take(rest, (size_t)(at - rest), url.user, sizeof(url.user), "user", err);
    if (code == TC_OK) {
        code = read_host(at + 1, (size_t)(slash - at - 1), &url, err);
    }
    if (code == TC_OK) {
        code =
            take(slash + 1, strlen(slash + 1), url.database, sizeof(url.database), "database", err);
    }
    if (code == TC_OK) {
        *ret_url = url;
    }
    return code;
}
