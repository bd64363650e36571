#ifndef LIB_BASE_JSON_H
#define LIB_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct buf;

/* JSON, strictly: RFC 8259 with valid UTF-8, no duplicate members, no NUL (raw or \u0000), bounded
 * size and depth, nothing behind the value but white space. cJSON parses, behind that gate; this is
 * its only user. Names are compared case-sensitively. */
struct json;       /* a parsed document, immutable */
struct json_value; /* a node of one, borrowed from it */

/* Parse one document.
 * Shape:  text need not be NUL-terminated; at most size_max bytes, LIMIT_JSON_DEPTH deep.
 * Units:  bytes.
 * Owns:   copies; the caller frees the document with json_free.
 * Errors: TC_ERANGE over size or depth, TC_EPARSE malformed; the text tells the byte offset.
 * Source: RFC 8259; docs/spec.md 5.1. */
int json_parse(const char *text, size_t size, size_t size_max, struct json **ret_json,
               struct err *err);

/* Free a document (NULL is fine); returns NULL.
 * Trivial. */
struct json *json_free(struct json *json);
void json_freep(struct json **json);

/* The top value of a document.
 * Trivial. */
const struct json_value *json_root(const struct json *json);

/* --- Reading a value of unknown shape ------------------------------------------------------- */

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* What a value is, its members, elements and content.
 * Shape:  values from one document; json_member and json_element give NULL when absent; the
 *         content functions assert the type.
 * Units:  none.
 * Owns:   everything returned is borrowed from the document.
 * Errors: none. */
enum json_type json_type_of(const struct json_value *value);
const struct json_value *json_member(const struct json_value *object, const char *name);
const struct json_value *json_first(const struct json_value *container); /* then json_next */
const struct json_value *json_next(const struct json_value *value);
const char *json_name(const struct json_value *member); /* of an object's member */
size_t json_count(const struct json_value *container);
const char *json_string(const struct json_value *value);
double json_number(const struct json_value *value);
bool json_boolean(const struct json_value *value);

/* --- Reading an object of known shape -------------------------------------------------------- */

/* A cursor over one object with a sticky error: read every member, check once with json_end. The
 * error names the path ("params.sources[2].url"), the cause and what would be right. After an error
 * every read gives its neutral value ("", 0, false). */
struct json_dec {
    const struct json_value *object; /* borrowed */
    struct err *err;                 /* borrowed, may be NULL */
    int code;                        /* TC_OK or the first error */
    char path[160];
};

/* Start reading an object.
 * Shape:  value must be an object, else the cursor starts in error; where names it in errors ("").
 * Units:  none.
 * Owns:   borrows value and err while in use.
 * Errors: sticky TC_EPARSE. */
void json_dec_start(struct json_dec *d, const struct json_value *value, const char *where,
                    struct err *err);

/* Read a required member; the _opt forms give fallback when it is absent or null.
 * Shape:  strings have at most max bytes and are not empty unless fallback form; integers are
 *         whole numbers within [min, max] and at most 2^53; u64 and its like travel as decimal
 *         strings; times are RFC 3339 with Z or offset. json_has: given and not null.
 * Units:  json_time gives Unix ms, UTC.
 * Owns:   strings are borrowed from the document.
 * Errors: sticky TC_EPARSE (absent, other type), TC_ERANGE (over a limit). */
bool json_has(const struct json_dec *d, const char *name);
const char *json_str(struct json_dec *d, const char *name, size_t max);
const char *json_str_opt(struct json_dec *d, const char *name, size_t max, const char *fallback);
int64_t json_i64(struct json_dec *d, const char *name, int64_t min, int64_t max);
int64_t json_i64_opt(struct json_dec *d, const char *name, int64_t min, int64_t max,
                     int64_t fallback);
uint64_t json_u64_text(struct json_dec *d, const char *name);
bool json_bool(struct json_dec *d, const char *name);
bool json_bool_opt(struct json_dec *d, const char *name, bool fallback);
double json_num_opt(struct json_dec *d, const char *name, double fallback);
int64_t json_time(struct json_dec *d, const char *name);
int64_t json_time_opt(struct json_dec *d, const char *name, int64_t fallback);
const struct json_value *json_any(struct json_dec *d, const char *name); /* NULL when absent */
void json_obj(struct json_dec *d, const char *name, struct json_dec *ret_child);
const struct json_value *json_arr(struct json_dec *d, const char *name, size_t count_max);

/* Note an error of the caller's own at a member; later reads are neutral.
 * Shape:  printf-like text without the path.
 * Units:  none.
 * Owns:   nothing.
 * Errors: returns code. */
int json_fail(struct json_dec *d, const char *name, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The first error, or TC_OK. A child's error must be passed on with json_join.
 * Trivial. */
int json_end(const struct json_dec *d);
void json_join(struct json_dec *d, const struct json_dec *child);

/* --- Writing --------------------------------------------------------------------------------- */

/* Appends to a buf; inserts commas; no tree. key is NULL inside an array and at the top. */
struct json_enc {
    struct buf *out; /* borrowed */
    bool needs_comma;
    uint8_t depth;
};

/* Write values.
 * Shape:  strings are UTF-8 (invalid bytes become U+FFFD); a NULL string writes null; raw bytes must
 *         be one valid JSON value; numbers must be finite.
 * Units:  json_enc_time takes Unix ms and writes RFC 3339 with milliseconds and Z.
 * Owns:   copies into out; check out->err once at the end.
 * Errors: none but out's. */
void json_enc_start(struct json_enc *e, struct buf *out);
void json_enc_obj(struct json_enc *e, const char *key);
void json_enc_obj_end(struct json_enc *e);
void json_enc_arr(struct json_enc *e, const char *key);
void json_enc_arr_end(struct json_enc *e);
void json_enc_str(struct json_enc *e, const char *key, const char *value);
void json_enc_strn(struct json_enc *e, const char *key, const char *value, size_t size);
void json_enc_i64(struct json_enc *e, const char *key, int64_t value);
void json_enc_u64_text(struct json_enc *e, const char *key, uint64_t value);
void json_enc_num(struct json_enc *e, const char *key, double value);
void json_enc_bool(struct json_enc *e, const char *key, bool value);
void json_enc_null(struct json_enc *e, const char *key);
void json_enc_time(struct json_enc *e, const char *key, int64_t utc_ms);
void json_enc_raw(struct json_enc *e, const char *key, const char *json, size_t size);
void json_enc_value(struct json_enc *e, const char *key, const struct json_value *value);

/* The canonical bytes of a value, the same for equal values whoever wrote them.
 * Shape:  appends to out.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's.
 * Source: RFC 8785. */
void json_canonical(const struct json_value *value, struct buf *out);

#endif
