#ifndef LIB_BASE_JSON_NAMES_H
#define LIB_BASE_JSON_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum {
    JSON_NAMES_INLINE = 32,
};

/* One member name, as the bytes that it means. */
struct json_name_ref {
    const char *p; /* borrowed from the text, or from json_names.unescaped */
    size_t size;
};

/* The member names of all objects that are open at one point of a document, innermost last, to find
 * the same name given twice. Escapes are resolved first: "a" and "\u0061" are one name. */
struct json_names {
    struct json_name_ref inline_refs[JSON_NAMES_INLINE];
    struct json_name_ref *refs; /* inline_refs, or owned */
    size_t count;
    size_t cap;
    char *unescaped;       /* owned, NULL until a name with an escape comes */
    size_t unescaped_size; /* in use */
    size_t text_size;      /* no name set can unescape to more */
};

/* Start for a document of text_size bytes, and end.
 * Trivial. */
void json_names_init(struct json_names *names, size_t text_size);
void json_names_freep(struct json_names *names);

/* Note a name: the valid JSON string between its quotation marks.
 * Shape:  the bytes outlive names.
 * Units:  bytes.
 * Owns:   borrows.
 * Errors: none. */
void json_names_add(struct json_names *names, const char *p, size_t size);

/* Close the object whose first name is number first: forget its names, return one that it has twice
 * (valid until the next call) or NULL.
 * Shape:  first <= count.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
const struct json_name_ref *json_names_close(struct json_names *names, size_t first);

#endif
