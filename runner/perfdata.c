/* Takes apart what a Nagios plugin prints: text for people, performance data as numbers. Lenient by
 * purpose: real plugins print labels with spaces, "U" for unknown and empty fields, and none of it
 * may turn a good answer into a failure. Called by verdict.c. */
#include "runner/perfdata.h"

#include <math.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"

enum {
    NUMBER_BYTES = 64,
};

struct item {
    char label[LIMIT_NAME_BYTES + 1];
    double value;
};

struct items {
    size_t count;
    struct item item[LIMIT_METRICS];
};

/* Units with another size than their base; the rest ("%", "c", "s", "B", none) stay as they are. */
static const struct unit {
    const char *name;
    double factor;
} units[] = {
    {"ms", 1e-3},
    {"us", 1e-6},
    {"ns", 1e-9},
    {"KB", 1024.0},
    {"MB", 1024.0 * 1024},
    {"GB", 1024.0 * 1024 * 1024},
    {"TB", 1099511627776.0},
};

static double unit_factor(const char *unit)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_eq(unit, units[i].name)) {
            return units[i].factor;
        }
    }
    return 1.0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Read 'a label''s text' or a bare one up to "="; the cursor ends behind the "=". */
static bool read_label(const char **cursor, char *ret_label)
{
    const char *p = *cursor;
    size_t size = 0;
    bool is_quoted = *p == '\'';
    if (is_quoted) {
        p++;
    }
    while (*p != '\0') {
        if (is_quoted && *p == '\'' && p[1] == '\'') {
            p++; /* a doubled quote is one of the label's own */
        } else if (is_quoted && *p == '\'') {
            p++;
            break;
        } else if (!is_quoted && (*p == '=' || is_space(*p))) {
            break;
        }
        if (size == LIMIT_NAME_BYTES) {
            return false;
        }
        ret_label[size++] = *p++;
    }
    ret_label[size] = '\0';
    if (*p != '=' || size == 0) {
        return false;
    }
    *cursor = p + 1;
    return true;
}

/* Read the value and unit of one item's "value[UOM];warn;..." field. */
static bool read_value(const char *field, size_t size, double *ret_value)
{
    char text[NUMBER_BYTES];
    size_t end = 0;
    while (end < size && field[end] != ';') {
        end++;
    }
    if (end == 0 || end >= sizeof(text)) {
        return false;
    }
    for (size_t i = 0; i < end; i++) {
        text[i] = field[i] == ',' ? '.' : field[i]; /* printed under a locale with a comma */
    }
    text[end] = '\0';
    const char *cursor = text;
    double value = 0;
    if (parse_double(&cursor, &value) != TC_OK) {
        return false;
    }
    value *= unit_factor(cursor);
    if (!isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool items_have(const struct items *items, const char *label)
{
    for (size_t i = 0; i < items->count; i++) {
        if (str_eq(items->item[i].label, label)) {
            return true;
        }
    }
    return false;
}

static void items_read(struct items *items, const char *text)
{
    const char *p = text;
    while (*p != '\0' && items->count < LIMIT_METRICS) {
        while (is_space(*p)) {
            p++;
        }
        struct item *item = &items->item[items->count];
        bool has_label = read_label(&p, item->label);
        const char *field = p;
        while (*p != '\0' && !is_space(*p)) {
            p++;
        }
        if (has_label && read_value(field, (size_t)(p - field), &item->value) &&
            !items_have(items, item->label)) {
            items->count++;
        }
    }
}

static void items_write(const struct items *items, struct buf *out)
{
    if (items->count == 0) {
        return;
    }
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    for (size_t i = 0; i < items->count; i++) {
        json_enc_num(&e, items->item[i].label, items->item[i].value);
    }
    json_enc_obj_end(&e);
}

static void add_trimmed(struct buf *out, const char *s, size_t size)
{
    while (size > 0 && is_space(s[size - 1])) {
        size--;
    }
    buf_add(out, s, size);
}

void perfdata_split(const char *out, size_t size, struct buf *ret_text, struct buf *ret_metrics)
{
    TC_CLEANUP(buf_freep) struct buf all;
    buf_init(&all, size * UTF8_CUT_BYTES + 1);
    utf8_add_repaired(&all, out, size);
    TC_CLEANUP(mem_freep) struct items *items = mem_alloc(sizeof(*items));

    /* "text | perfdata" is the first line; in the lines below, one bar divides text and data. */
    size_t first_size = strcspn(all.p, "\n");
    const char *rest = all.p + first_size;
    const char *bar = memchr(all.p, '|', first_size);
    add_trimmed(ret_text, all.p, bar == NULL ? first_size : (size_t)(bar - all.p));
    if (bar != NULL) {
        TC_CLEANUP(mem_freep) char *data = mem_dup(bar + 1, first_size - (size_t)(bar + 1 - all.p));
        items_read(items, data);
    }
    const char *second = strchr(rest, '|');
    size_t long_size = second == NULL ? strlen(rest) : (size_t)(second - rest);
    if (ret_text->len == 0) { /* a plugin may begin with an empty line */
        while (long_size > 0 && is_space(*rest)) {
            rest++;
            long_size--;
        }
    }
    buf_add(ret_text, rest, long_size);
    while (ret_text->len > 0 && is_space(ret_text->p[ret_text->len - 1])) {
        ret_text->p[--ret_text->len] = '\0';
    }
    if (second != NULL) {
        items_read(items, second + 1);
    }
    items_write(items, ret_metrics);
}
