/* JSON documents: the gate, then cJSON; and reading of values of unknown shape. The only user of
 * cJSON. Objects of known shape are json_dec.c, writing is json_enc.c and json_canonical.c. */
#include "lib/base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json_gate.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

_Static_assert(LIMIT_JSON_DEPTH < CJSON_NESTING_LIMIT, "the gate refuses depth before cJSON does");

struct json {
    cJSON *root; /* owned */
};

static const cJSON *node(const struct json_value *value)
{
    TC_ASSERT(value != NULL);
    return (const cJSON *)(const void *)value;
}

static const struct json_value *value_of(const cJSON *item)
{
    return (const struct json_value *)(const void *)item;
}

/* cJSON reads at most 63 bytes of a number and takes the rest for garbage: write the long ones anew,
 * as the same double. Only the digits behind its precision are lost, which cJSON would lose too. */
static void shorten_numbers(const char *text, size_t size, struct buf *out)
{
    const char *p = text;
    const char *end = text + size;
    const char *kept = text;
    bool is_in_string = false;
    while (p < end) {
        size_t span = 0;
        if (*p == '"') {
            is_in_string = !is_in_string;
        } else if (*p == '\\') {
            p++; /* only inside a string; what it escapes is no quotation mark */
        } else if (!is_in_string && (*p == '-' || (*p >= '0' && *p <= '9'))) {
            span = json_gate_number_span(p, (size_t)(end - p));
        }
        if (span > JSON_GATE_NUMBER_BYTES) {
            TC_CLEANUP(mem_freep) char *number = mem_dup(p, span);
            double value = 0;
            int rc = parse_whole_double(number, &value);
            TC_ASSERT(rc == TC_OK); /* the gate read it */
            buf_add(out, kept, (size_t)(p - kept));
            buf_add_fmt(out, "%.17g", value);
            kept = p + span;
        }
        p += span > 0 ? span : 1;
    }
    buf_add(out, kept, (size_t)(end - kept));
}

int json_parse(const char *text, size_t size, size_t size_max, struct json **ret_json,
               struct err *err)
{
    TC_ASSERT(text != NULL);
    TC_ASSERT(ret_json != NULL);
    if (size > size_max) {
        return err_set(err, TC_ERANGE, "JSON of %zu bytes is over the limit of %zu", size,
                       size_max);
    }
    bool has_long_numbers = false;
    int rc = json_gate(text, size, &has_long_numbers, err);
    if (rc != TC_OK) {
        return rc;
    }
    cJSON_Hooks hooks = {.malloc_fn = mem_alloc, .free_fn = mem_free};
    cJSON_InitHooks(&hooks);
    cJSON *root = NULL;
    if (has_long_numbers) {
        TC_CLEANUP(buf_freep) struct buf shortened;
        buf_init(&shortened, size);
        shorten_numbers(text, size, &shortened);
        TC_ASSERT(shortened.err == TC_OK);
        root = cJSON_ParseWithLength(shortened.p, shortened.len);
    } else {
        root = cJSON_ParseWithLength(text, size);
    }
    if (root == NULL) {
        return err_set(err, TC_EPARSE, "not JSON that this program can read");
    }
    struct json *json = mem_alloc(sizeof(*json));
    json->root = root;
    *ret_json = json;
    return TC_OK;
}

struct json *json_free(struct json *json)
{
    if (json != NULL) {
        cJSON_Delete(json->root);
        mem_free(json);
    }
    return NULL;
}

void json_freep(struct json **json)
{
    *json = json_free(*json);
}

const struct json_value *json_root(const struct json *json)
{
    return value_of(json->root);
}

enum json_type json_type_of(const struct json_value *value)
{
    const cJSON *item = node(value);
    switch (item->type & 0xFF) {
    case cJSON_NULL:
        return JSON_NULL;
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        TC_UNREACHABLE();
    }
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    TC_ASSERT(json_type_of(object) == JSON_OBJECT);
    for (const cJSON *item = node(object)->child; item != NULL; item = item->next) {
        if (strcmp(item->string, name) == 0) {
            return value_of(item);
        }
    }
    return NULL;
}

const struct json_value *json_first(const struct json_value *container)
{
    enum json_type type = json_type_of(container);
    TC_ASSERT(type == JSON_ARRAY || type == JSON_OBJECT);
    return value_of(node(container)->child);
}

const struct json_value *json_next(const struct json_value *value)
{
    return value_of(node(value)->next);
}

const char *json_name(const struct json_value *member)
{
    const char *name = node(member)->string;
    TC_ASSERT(name != NULL);
    return name;
}

size_t json_count(const struct json_value *container)
{
    size_t count = 0;
    for (const struct json_value *v = json_first(container); v != NULL; v = json_next(v)) {
        count++;
    }
    return count;
}

const char *json_string(const struct json_value *value)
{
    TC_ASSERT(json_type_of(value) == JSON_STRING);
    return node(value)->valuestring;
}

double json_number(const struct json_value *value)
{
    TC_ASSERT(json_type_of(value) == JSON_NUMBER);
    return node(value)->valuedouble;
}

bool json_boolean(const struct json_value *value)
{
    TC_ASSERT(json_type_of(value) == JSON_BOOL);
    return (node(value)->type & 0xFF) == cJSON_True;
}
