/* Finding a member name given twice, in time that a hostile object can not make quadratic: a few
 * names are compared pairwise, many are sorted. Called by json_gate.c only. */
#include "lib/base/json_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

enum {
    PAIRWISE_MAX = 12, /* up to here comparing lengths pairwise is cheaper than sorting */
};

void json_names_init(struct json_names *names, size_t text_size)
{
    names->refs = names->inline_refs;
    names->count = 0;
    names->cap = JSON_NAMES_INLINE;
    names->unescaped = NULL;
    names->unescaped_size = 0;
    names->text_size = text_size;
}

void json_names_freep(struct json_names *names)
{
    if (names->refs != names->inline_refs) {
        mem_free(names->refs);
    }
    mem_free(names->unescaped);
}

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t digit = (uint32_t)(uint8_t)p[i];
        value = value << 4 | (digit <= '9' ? digit - '0' : (digit & 0xDF) - 'A' + 10);
    }
    return value;
}

/* Not utf8_add: the bytes go to a place of fixed size, no longer than the escape that they stand
 * for. */
static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--) {
        to[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    to[0] = (char)((more == 1 ? 0xC0U : more == 2 ? 0xE0U : 0xF0U) | c);
    return more + 1;
}

static char short_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* " \ / */
    }
}

/* The gate has seen these bytes: every escape is whole and every surrogate paired. */
static size_t unescape(char *to, const char *p, size_t size)
{
    char *start = to;
    const char *end = p + size;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
        } else if (p[1] != 'u') {
            *to++ = short_escape(p[1]);
            p += 2;
        } else {
            uint32_t c = hex4(p + 2);
            p += 6;
            if (c >= 0xD800 && c <= 0xDBFF) {
                c = 0x10000 + ((c - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
                p += 6;
            }
            to += put_utf8(to, c);
        }
    }
    return (size_t)(to - start);
}

static void grow(struct json_names *names)
{
    size_t cap = names->cap * 2;
    if (names->refs == names->inline_refs) {
        names->refs = mem_array(cap, sizeof(*names->refs));
        memcpy(names->refs, names->inline_refs, sizeof(names->inline_refs));
    } else {
        names->refs = mem_resize(names->refs, cap, sizeof(*names->refs));
    }
    names->cap = cap;
}

void json_names_add(struct json_names *names, const char *p, size_t size)
{
    if (names->count == names->cap) {
        grow(names);
    }
    if (size > 0 && memchr(p, '\\', size) != NULL) {
        if (names->unescaped == NULL) {
            names->unescaped = mem_alloc(names->text_size);
        }
        TC_ASSERT(size <= names->text_size - names->unescaped_size);
        char *to = names->unescaped + names->unescaped_size;
        size = unescape(to, p, size);
        names->unescaped_size += size;
        p = to;
    }
    names->refs[names->count++] = (struct json_name_ref){.p = p, .size = size};
}

static int compare(const void *left, const void *right)
{
    const struct json_name_ref *a = left;
    const struct json_name_ref *b = right;
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    return memcmp(a->p, b->p, a->size);
}

static const struct json_name_ref *twin_pairwise(const struct json_name_ref *refs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (refs[i].size == refs[j].size && compare(&refs[i], &refs[j]) == 0) {
                return &refs[i];
            }
        }
    }
    return NULL;
}

static const struct json_name_ref *twin_sorted(struct json_name_ref *refs, size_t count)
{
    qsort(refs, count, sizeof(*refs), compare);
    for (size_t i = 1; i < count; i++) {
        if (compare(&refs[i - 1], &refs[i]) == 0) {
            return &refs[i];
        }
    }
    return NULL;
}

const struct json_name_ref *json_names_close(struct json_names *names, size_t first)
{
    TC_ASSERT(first <= names->count);
    struct json_name_ref *refs = names->refs + first;
    size_t count = names->count - first;
    names->count = first;
    return count <= PAIRWISE_MAX ? twin_pairwise(refs, count) : twin_sorted(refs, count);
}
