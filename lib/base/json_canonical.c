/* Values of a document as text again: in their own order, or canonically (RFC 8785), the form that
 * the audit chain hashes. Walks with an explicit stack. Called through json.h and by json_enc.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/json_number.h"
#include "lib/base/json_text.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"

/* --- Strings --------------------------------------------------------------------------------- */

static void add_escape(struct buf *out, char c)
{
    static const char letters[] = "btnvfr"; /* 8 to 13; v has no short form in JSON */
    if (c == '"' || c == '\\') {
        buf_add_char(out, '\\');
        buf_add_char(out, c);
    } else if (c >= '\b' && c <= '\r' && c != '\v') {
        buf_add_char(out, '\\');
        buf_add_char(out, letters[c - '\b']);
    } else {
        buf_add_fmt(out, "\\u%04x", (unsigned)(uint8_t)c);
    }
}

static void add_escaped(struct buf *out, const char *s, size_t size)
{
    const char *end = s + size;
    const char *kept = s;
    for (const char *p = s; p < end; p++) {
        uint8_t c = (uint8_t)*p;
        if (c < 0x20 || c == '"' || c == '\\') {
            buf_add(out, kept, (size_t)(p - kept));
            add_escape(out, *p);
            kept = p + 1;
        }
    }
    buf_add(out, kept, (size_t)(end - kept));
}

void json_text_string(struct buf *out, const char *s, size_t size)
{
    buf_add_char(out, '"');
    if (utf8_is_valid(s, size) && memchr(s, '\0', size) == NULL) {
        add_escaped(out, s, size);
    } else {
        struct buf repaired;
        buf_init(&repaired, 3 * size);
        utf8_add_repaired(&repaired, s, size);
        add_escaped(out, repaired.p, repaired.len);
        buf_free(&repaired);
    }
    buf_add_char(out, '"');
}

/* --- Order of members ------------------------------------------------------------------------ */

struct member_ref {
    const struct json_value *value; /* borrowed; NULL behind the last */
};

/* By UTF-16 code units. UTF-8 bytes sort by code point, which is the same but for what UTF-16 writes
 * with surrogates (lead bytes F0 to F4): these sort before U+E000..U+FFFF (lead bytes EE and EF). */
static int compare_names(const void *left, const void *right)
{
    const uint8_t *a = (const uint8_t *)json_name(((const struct member_ref *)left)->value);
    const uint8_t *b = (const uint8_t *)json_name(((const struct member_ref *)right)->value);
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    bool is_astral_a = *a >= 0xF0;
    bool is_astral_b = *b >= 0xF0;
    if (is_astral_a != is_astral_b && (is_astral_a ? *b : *a) >= 0xEE) {
        return is_astral_a ? -1 : 1;
    }
    return (*a > *b) - (*a < *b);
}

/* --- The walk -------------------------------------------------------------------------------- */

struct level {
    bool is_object;
    const struct json_value *next; /* in document order, while sorted is NULL */
    struct member_ref *sorted;     /* owned, ends with NULL */
    size_t index;                  /* in sorted */
};

static void level_open(struct level *level, const struct json_value *container, bool is_sorted)
{
    *level = (struct level){.is_object = json_type_of(container) == JSON_OBJECT,
                            .next = json_first(container)};
    if (!is_sorted || !level->is_object) {
        return;
    }
    size_t count = json_count(container);
    level->sorted = mem_array(count + 1, sizeof(*level->sorted));
    size_t i = 0;
    for (const struct json_value *v = level->next; v != NULL; v = json_next(v)) {
        level->sorted[i++].value = v;
    }
    qsort(level->sorted, count, sizeof(*level->sorted), compare_names);
}

static const struct json_value *level_take(struct level *level)
{
    if (level->sorted != NULL) {
        return level->sorted[level->index++].value;
    }
    const struct json_value *value = level->next;
    if (value != NULL) {
        level->next = json_next(value);
    }
    return value;
}

static void add_scalar(struct buf *out, const struct json_value *value)
{
    char number[JSON_NUMBER_BYTES];
    switch (json_type_of(value)) {
    case JSON_NULL:
        buf_add_str(out, "null");
        return;
    case JSON_BOOL:
        buf_add_str(out, json_boolean(value) ? "true" : "false");
        return;
    case JSON_NUMBER:
        json_number_format(json_number(value), number);
        buf_add_str(out, number);
        return;
    case JSON_STRING:
        json_text_string(out, json_string(value), strlen(json_string(value)));
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    TC_UNREACHABLE();
}

static void add_name(struct buf *out, const struct json_value *member)
{
    const char *name = json_name(member);
    json_text_string(out, name, strlen(name));
    buf_add_char(out, ':');
}

/* Close what ends here and return the value that comes next, NULL at the end of all. */
static const struct json_value *take_next(struct buf *out, struct level *levels, size_t *depth,
                                          bool *is_first)
{
    while (*depth > 0) {
        struct level *level = &levels[*depth - 1];
        const struct json_value *value = level_take(level);
        if (value != NULL) {
            return value;
        }
        buf_add_char(out, level->is_object ? '}' : ']');
        mem_free(level->sorted);
        *is_first = false;
        (*depth)--;
    }
    return NULL;
}

void json_text_value(struct buf *out, const struct json_value *value, bool is_sorted)
{
    struct level levels[LIMIT_JSON_DEPTH] = {0};
    size_t depth = 0;
    bool is_first = true;
    do {
        if (!is_first) {
            buf_add_char(out, ',');
        }
        if (depth > 0 && levels[depth - 1].is_object) {
            add_name(out, value);
        }
        enum json_type type = json_type_of(value);
        is_first = type == JSON_ARRAY || type == JSON_OBJECT;
        if (is_first) {
            TC_ASSERT(depth < LIMIT_JSON_DEPTH); /* the gate let no more in */
            level_open(&levels[depth++], value, is_sorted);
            buf_add_char(out, type == JSON_OBJECT ? '{' : '[');
        } else {
            add_scalar(out, value);
        }
        value = take_next(out, levels, &depth, &is_first);
    } while (value != NULL);
}

void json_canonical(const struct json_value *value, struct buf *out)
{
    json_text_value(out, value, true);
}
