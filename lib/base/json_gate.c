/* The gate before cJSON, which by itself takes trailing bytes, doubled members, broken UTF-8, raw
 * control bytes, "01" and 1e999. A scanner with an explicit stack: grammar, depth, strings, numbers,
 * names. Builds nothing. Called by json_parse and its fuzz target. */
#include "lib/base/json_gate.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json_names.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/utf8.h"

enum {
    FINITE_SPAN_MAX = 300, /* a number of so few digits and no exponent is finite */
    NAME_SHOWN_MAX = 80,
};

struct level {
    bool is_object;
    size_t first_name; /* of the object, in gate.names */
};

struct gate {
    const char *text;
    const char *p;
    const char *end;
    struct err *err;
    bool has_long_numbers;
    size_t depth;
    struct level levels[LIMIT_JSON_DEPTH];
    struct json_names names;
};

#define malformed(g, what) \
    err_set((g)->err, TC_EPARSE, "not JSON: %s at byte %zu", (what), (size_t)((g)->p - (g)->text))

static void skip_space(struct gate *g)
{
    while (g->p < g->end && (*g->p == ' ' || *g->p == '\n' || *g->p == '\r' || *g->p == '\t')) {
        g->p++;
    }
}

static bool take(struct gate *g, char c)
{
    if (g->p < g->end && *g->p == c) {
        g->p++;
        return true;
    }
    return false;
}

/* --- Strings --------------------------------------------------------------------------------- */

static int32_t hex4_at(const struct gate *g)
{
    if (g->end - g->p < 4) {
        return -1;
    }
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = g->p[i];
        int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Behind a backslash. */
static int scan_escape(struct gate *g)
{
    if (!take(g, 'u')) {
        if (g->p == g->end || *g->p == '\0' || strchr("\"\\/bfnrt", *g->p) == NULL) {
            return malformed(g, "an unknown escape in a string");
        }
        g->p++;
        return TC_OK;
    }
    int32_t unit = hex4_at(g);
    if (unit < 0) {
        return malformed(g, "a \\u without four hexadecimal digits");
    }
    if (unit == 0) {
        return malformed(g, "the character NUL, which no text here may hold,");
    }
    if (unit >= 0xDC00 && unit <= 0xDFFF) {
        return malformed(g, "a second half of a surrogate pair without its first");
    }
    g->p += 4;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        int32_t low = take(g, '\\') && take(g, 'u') ? hex4_at(g) : -1;
        if (low < 0xDC00 || low > 0xDFFF) {
            return malformed(g, "a first half of a surrogate pair without its second");
        }
        g->p += 4;
    }
    return TC_OK;
}

/* At the opening quotation mark; leaves behind the closing one. */
static int scan_string(struct gate *g)
{
    if (!take(g, '"')) {
        return malformed(g, "something else where a string must be");
    }
    while (g->p < g->end) {
        uint8_t c = (uint8_t)*g->p;
        if (c == '"') {
            g->p++;
            return TC_OK;
        }
        if (c < 0x20) {
            return malformed(g, "a control character in a string");
        }
        if (c == '\\') {
            g->p++;
            int rc = scan_escape(g);
            if (rc != TC_OK) {
                return rc;
            }
        } else if (c < 0x80) {
            g->p++;
        } else {
            const char *cursor = g->p;
            if (utf8_next(&cursor, g->end) == UTF8_INVALID) {
                return malformed(g, "invalid UTF-8");
            }
            g->p = cursor;
        }
    }
    return malformed(g, "the end inside a string");
}

/* --- Numbers --------------------------------------------------------------------------------- */

static size_t digits_span(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return (size_t)(p - start);
}

size_t json_gate_number_span(const char *text, size_t size)
{
    const char *p = text;
    const char *end = text + size;
    if (p < end && *p == '-') {
        p++;
    }
    size_t whole = digits_span(p, end);
    if (whole == 0 || (*p == '0' && whole > 1)) {
        return 0;
    }
    p += whole;
    if (p < end && *p == '.') {
        size_t fraction = digits_span(p + 1, end);
        if (fraction == 0) {
            return 0;
        }
        p += 1 + fraction;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        size_t exponent = digits_span(p, end);
        if (exponent == 0) {
            return 0;
        }
        p += exponent;
    }
    return (size_t)(p - text);
}

static int scan_number(struct gate *g)
{
    size_t span = json_gate_number_span(g->p, (size_t)(g->end - g->p));
    if (span == 0) {
        return malformed(g, "a malformed number or word");
    }
    bool has_exponent = memchr(g->p, 'e', span) != NULL || memchr(g->p, 'E', span) != NULL;
    if (has_exponent || span > FINITE_SPAN_MAX) {
        TC_CLEANUP(mem_freep) char *number = mem_dup(g->p, span);
        double value;
        if (parse_whole_double(number, &value) != TC_OK) {
            return malformed(g, "a number too large to represent");
        }
    }
    g->has_long_numbers = g->has_long_numbers || span > JSON_GATE_NUMBER_BYTES;
    g->p += span;
    return TC_OK;
}

/* --- Values ---------------------------------------------------------------------------------- */

static int scan_word(struct gate *g, const char *word, size_t size)
{
    if ((size_t)(g->end - g->p) < size || memcmp(g->p, word, size) != 0) {
        return malformed(g, "an unknown word");
    }
    g->p += size;
    return TC_OK;
}

static int open_level(struct gate *g, bool is_object)
{
    if (g->depth == LIMIT_JSON_DEPTH) {
        return err_set(g->err, TC_ERANGE, "JSON nested over %d levels deep at byte %zu",
                       LIMIT_JSON_DEPTH, (size_t)(g->p - g->text));
    }
    g->levels[g->depth++] = (struct level){.is_object = is_object, .first_name = g->names.count};
    g->p++;
    return TC_OK;
}

static int close_level(struct gate *g)
{
    const struct level *level = &g->levels[--g->depth];
    if (!level->is_object) {
        return TC_OK;
    }
    const struct json_name_ref *twin = json_names_close(&g->names, level->first_name);
    if (twin == NULL) {
        return TC_OK;
    }
    TC_CLEANUP(buf_freep) struct buf shown;
    buf_init(&shown, (size_t)4 * NAME_SHOWN_MAX); /* each byte may become \xNN */
    escape_quoted(&shown, twin->p, utf8_cut_size(twin->p, twin->size, NAME_SHOWN_MAX));
    return err_set(g->err, TC_EPARSE, "not JSON: the member \"%s\" is given twice before byte %zu",
                   shown.p, (size_t)(g->p - g->text));
}

static int scan_name(struct gate *g)
{
    skip_space(g);
    const char *start = g->p + 1;
    int rc = scan_string(g);
    if (rc != TC_OK) {
        return rc;
    }
    json_names_add(&g->names, start, (size_t)(g->p - 1 - start));
    skip_space(g);
    return take(g, ':') ? TC_OK : malformed(g, "no colon behind a member's name");
}

/* One scalar, or the opening of a container: *ret_is_open then tells that its first value (behind
 * its first name) comes next. */
static int scan_value(struct gate *g, bool *ret_is_open)
{
    *ret_is_open = false;
    skip_space(g);
    if (g->p == g->end) {
        return malformed(g, "the end where a value must be");
    }
    bool is_object = *g->p == '{';
    switch (*g->p) {
    case '"':
        return scan_string(g);
    case 't':
        return scan_word(g, "true", 4);
    case 'f':
        return scan_word(g, "false", 5);
    case 'n':
        return scan_word(g, "null", 4);
    case '{':
    case '[':
        break;
    default:
        return scan_number(g);
    }
    int rc = open_level(g, is_object);
    if (rc != TC_OK) {
        return rc;
    }
    skip_space(g);
    if (take(g, is_object ? '}' : ']')) {
        return close_level(g);
    }
    *ret_is_open = true;
    return is_object ? scan_name(g) : TC_OK;
}

/* Behind a value: close what closes, up to the comma before the next value or the end. */
static int scan_behind_value(struct gate *g)
{
    while (g->depth > 0) {
        bool is_object = g->levels[g->depth - 1].is_object;
        skip_space(g);
        if (take(g, ',')) {
            return is_object ? scan_name(g) : TC_OK;
        }
        if (!take(g, is_object ? '}' : ']')) {
            return malformed(g, is_object ? "neither comma nor } behind a member"
                                          : "neither comma nor ] behind an element");
        }
        int rc = close_level(g);
        if (rc != TC_OK) {
            return rc;
        }
    }
    return TC_OK;
}

static int scan_document(struct gate *g)
{
    do {
        bool is_open;
        int rc = scan_value(g, &is_open);
        if (rc == TC_OK && !is_open) {
            rc = scan_behind_value(g);
        }
        if (rc != TC_OK) {
            return rc;
        }
    } while (g->depth > 0);
    skip_space(g);
    return g->p == g->end ? TC_OK : malformed(g, "something behind the value");
}

int json_gate(const char *text, size_t size, bool *ret_has_long_numbers, struct err *err)
{
    struct gate g;
    g.text = text;
    g.p = text;
    g.end = text + size;
    g.err = err;
    g.has_long_numbers = false;
    g.depth = 0;
    json_names_init(&g.names, size);
    int rc = scan_document(&g);
    if (rc == TC_OK) {
        *ret_has_long_numbers = g.has_long_numbers;
    }
    json_names_freep(&g.names);
    return rc;
}
