/* Paths and queries to decoded, checked pieces, and nothing else. Called once a request by
 * web/router.c, and fed by tests with what attackers send. */
#include "web/url.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/base/utf8.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* The byte that a '%' at the start of text stands for, or -1. */
static int escaped_byte(const char *text, size_t size)
{
    int high = size > 2 ? hex_value(text[1]) : -1;
    int low = high < 0 ? -1 : hex_value(text[2]);
    return low < 0 ? -1 : high * 16 + low;
}

static int decode(const char *text, size_t size, bool is_query, char *ret_text, size_t max)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            c = escaped_byte(text + i, size - i);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f) {
            return TC_EPARSE;
        }
        if (length + 1 >= max) {
            return TC_ERANGE;
        }
        ret_text[length++] = (char)c;
    }
    ret_text[length] = '\0';
    return utf8_is_valid(ret_text, length) ? TC_OK : TC_EPARSE;
}

int url_path_parse(const char *path, struct url_path *ret_path)
{
    ret_path->count = 0;
    if (path[0] != '/') {
        return TC_EPARSE;
    }
    if (path[1] == '\0') {
        return TC_OK;
    }
    const char *start = path + 1;
    for (;;) {
        size_t size = strcspn(start, "/");
        if (ret_path->count == URL_SEGMENTS_MAX) {
            return TC_ERANGE;
        }
        char *segment = ret_path->segments[ret_path->count];
        int status = decode(start, size, false, segment, URL_SEGMENT_BYTES);
        if (status != TC_OK) {
            return status;
        }
        if (str_eq(segment, ".") || str_eq(segment, "..")) {
            return TC_EPARSE;
        }
        ret_path->count++;
        if (start[size] == '\0') {
            return TC_OK;
        }
        start += size + 1;
    }
}

static int parse_parameter(const char *start, size_t size, struct url_query *query)
{
    if (query->count == URL_PARAMETERS_MAX) {
        return TC_ERANGE;
    }
    struct url_parameter *item = &query->items[query->count];
    const char *sign = memchr(start, '=', size);
    size_t name_size = sign == NULL ? size : (size_t)(sign - start);
    int status = decode(start, name_size, true, item->name, sizeof item->name);
    if (status != TC_OK) {
        return status;
    }
    item->value[0] = '\0';
    if (sign != NULL) {
        status = decode(sign + 1, size - name_size - 1, true, item->value, sizeof item->value);
    }
    if (status != TC_OK) {
        return status;
    }
    if (url_query_get(query, item->name) != NULL) {
        return TC_EPARSE;
    }
    query->count++;
    return TC_OK;
}

int url_query_parse(const char *query, struct url_query *ret_query)
{
    ret_query->count = 0;
    for (const char *start = query; *start != '\0';) {
        size_t size = strcspn(start, "&");
        int status = parse_parameter(start, size, ret_query);
        if (status != TC_OK) {
            return status;
        }
        start += size + (start[size] == '&' ? 1 : 0);
    }
    return TC_OK;
}

const char *url_query_get(const struct url_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (str_eq(query->items[i].name, name)) {
            return query->items[i].value;
        }
    }
    return NULL;
}
