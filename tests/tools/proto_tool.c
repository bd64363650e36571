/* The codec for tests in other languages: "schema" prints the JSON Schema of each kind of message by
 * the table of proto/fields.c, "recode" decodes each line of standard input and writes it anew. Lines
 * are "<kind> TAB <frame 1> TAB ... <frame 4>"; answers "ok [frames]" or "no <why>". */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "proto/codec.h"
#include "proto/fields.h"

enum {
    OUT_BYTES = 4 * LIMIT_FRAME_BYTES,
};

/* An object whose members are being described. */
struct level {
    const struct shape *shape;
    size_t field;
    bool is_optional;
    bool is_array;
};

static void type_of(struct json_enc *e, const char *type, bool is_optional)
{
    if (!is_optional) {
        json_enc_str(e, "type", type);
        return;
    }
    json_enc_arr(e, "type"); /* null is as absent */
    json_enc_str(e, NULL, type);
    json_enc_str(e, NULL, "null");
    json_enc_arr_end(e);
}

static void bounds(struct json_enc *e, const char *min_name, int64_t min, const char *max_name,
                   int64_t max)
{
    json_enc_i64(e, min_name, min);
    json_enc_i64(e, max_name, max);
}

/* JSON Schema counts characters, the protocol bytes: both are told. */
static void text(struct json_enc *e, int64_t min, int64_t max)
{
    bounds(e, "minLength", min, "maxLength", max);
    json_enc_i64(e, "x-maxBytes", max);
}

static void items(struct json_enc *e, const struct field *f)
{
    json_enc_i64(e, "maxItems", f->max);
    json_enc_obj(e, "items");
    if (f->type == FIELD_STRINGS) {
        json_enc_str(e, "type", "string");
        text(e, 0, LIMIT_NAME_BYTES);
    } else if (f->type == FIELD_IDS) {
        json_enc_str(e, "type", "integer");
        bounds(e, "minimum", 1, "maximum", UINT32_MAX);
    } else {
        json_enc_str(e, "type", "string");
        json_enc_str(e, "pattern", "^(0|[1-9][0-9]{0,19})$");
    }
    json_enc_obj_end(e);
}

static void map(struct json_enc *e, const struct field *f)
{
    type_of(e, "object", !f->is_required);
    if (f->type == FIELD_MAP) {
        return;
    }
    json_enc_i64(e, "maxProperties", f->max);
    json_enc_obj(e, "additionalProperties");
    json_enc_str(e, "type", f->type == FIELD_TEXTS ? "string" : "number");
    json_enc_obj_end(e);
}

static void choices(struct json_enc *e, const struct field *f)
{
    json_enc_arr(e, "enum");
    for (size_t i = 0; f->choices[i] != NULL; i++) {
        json_enc_str(e, NULL, f->choices[i]);
    }
    json_enc_arr_end(e);
}

/* What may stand for a member that is not an object of its own. */
static void plain(struct json_enc *e, const struct field *f)
{
    bool is_optional = !f->is_required;
    switch (f->type) {
    case FIELD_STRING:
        type_of(e, "string", is_optional);
        text(e, f->min, f->max);
        return;
    case FIELD_INTEGER:
        type_of(e, "integer", is_optional);
        bounds(e, "minimum", f->min, "maximum", f->max);
        return;
    case FIELD_U64:
        type_of(e, "string", is_optional);
        json_enc_str(e, "pattern", "^(0|[1-9][0-9]{0,19})$");
        return;
    case FIELD_BOOLEAN:
        type_of(e, "boolean", is_optional);
        return;
    case FIELD_TIME:
        type_of(e, "string", is_optional);
        json_enc_str(e, "format", "date-time");
        json_enc_str(e, "pattern",
                     "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z$");
        return;
    case FIELD_CHOICE:
        choices(e, f);
        return;
    case FIELD_JSON:
        return;
    case FIELD_MAP:
    case FIELD_TEXTS:
    case FIELD_NUMBERS:
        map(e, f);
        return;
    case FIELD_LIST:
        type_of(e, "array", is_optional);
        return;
    case FIELD_STRINGS:
    case FIELD_IDS:
    case FIELD_U64S:
        type_of(e, "array", is_optional);
        items(e, f);
        return;
    case FIELD_OBJECT:
    case FIELD_OBJECTS:
        break;
    }
    TC_UNREACHABLE();
}

static void begin(struct json_enc *e, const struct level *level)
{
    if (level->is_array) {
        json_enc_str(e, "type", "object");
    } else {
        type_of(e, "object", level->is_optional);
    }
    json_enc_obj(e, "properties");
}

static void end(struct json_enc *e, const struct level *level)
{
    json_enc_obj_end(e);
    json_enc_arr(e, "required");
    for (const struct field *f = level->shape->fields; f->name != NULL; f++) {
        if (f->is_required) {
            json_enc_str(e, NULL, f->name);
        }
    }
    json_enc_arr_end(e);
    json_enc_obj_end(e);
    if (level->is_array) {
        json_enc_obj_end(e);
    }
}

static void body_schema(struct json_enc *e, const struct shape *shape)
{
    struct level stack[FIELDS_DEPTH] = {{.shape = shape}};
    size_t depth = 1;
    json_enc_obj(e, NULL);
    begin(e, &stack[0]);
    while (depth > 0) {
        struct level *level = &stack[depth - 1];
        const struct field *f = &level->shape->fields[level->field++];
        if (f->name == NULL) {
            end(e, level);
            depth--;
            continue;
        }
        json_enc_obj(e, f->name);
        if (f->type != FIELD_OBJECT && f->type != FIELD_OBJECTS) {
            plain(e, f);
            json_enc_obj_end(e);
            continue;
        }
        TC_ASSERT(depth < FIELDS_DEPTH);
        stack[depth] = (struct level){.shape = f->shape,
                                      .is_optional = !f->is_required,
                                      .is_array = f->type == FIELD_OBJECTS};
        if (f->type == FIELD_OBJECTS) {
            type_of(e, "array", !f->is_required);
            json_enc_i64(e, "maxItems", f->max);
            json_enc_obj(e, "items");
        }
        begin(e, &stack[depth]);
        depth++;
    }
}

static void head(struct json_enc *e, const char *name, const char *value)
{
    json_enc_obj(e, NULL);
    json_enc_str(e, "type", "string");
    json_enc_str(e, name, value);
    json_enc_obj_end(e);
}

static const char *monitor_pattern(enum message_kind kind)
{
    if (kind == MESSAGE_PROBE) {
        return "^([1-9][0-9]{0,9})?$";
    }
    return fields_of(kind)->has_monitor ? "^[1-9][0-9]{0,9}$" : "^$";
}

static const char *sequence_pattern(enum message_kind kind)
{
    if (kind == MESSAGE_RESULT) {
        return "^[1-9][0-9]{0,19} (0|[1-9][0-9]{0,19})$";
    }
    return fields_of(kind)->has_seq ? "^(0|[1-9][0-9]{0,19})$" : "^0$";
}

/* A message as the array of its four frames, the body as JSON. */
static void print_schema(enum message_kind kind, struct buf *out)
{
    char title[128];
    const struct fields_kind *k = fields_of(kind);
    (void)snprintf(title, sizeof(title), k->is_to_router ? "%s, %s to router" : "%s, router to %s",
                   k->type, message_role_name(k->role));
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_str(&e, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_enc_str(&e, "title", title);
    json_enc_str(&e, "type", "array");
    json_enc_i64(&e, "minItems", LIMIT_FRAMES);
    json_enc_i64(&e, "maxItems", LIMIT_FRAMES);
    json_enc_arr(&e, "prefixItems");
    head(&e, "const", k->type);
    head(&e, "pattern", sequence_pattern(kind));
    head(&e, "pattern", monitor_pattern(kind));
    body_schema(&e, &k->shape);
    json_enc_arr_end(&e);
    json_enc_obj_end(&e);
    buf_add_char(out, '\n');
}

static void recode(enum message_kind kind, const struct frame *frames, struct buf *out)
{
    struct message m;
    struct err err = ERR_INIT;
    int rc = message_decode(message_role(kind), message_is_to_router(kind), frames, &m, &err);
    if (rc != TC_OK) {
        buf_add_fmt(out, "no %s\n", err.text);
        return;
    }
    struct buf json;
    struct frames f;
    buf_init(&json, LIMIT_FRAME_BYTES);
    rc = message_encode(m.kind, &m.body, &json, &err);
    TC_ASSERT(rc == TC_OK);
    frames_set(&f, m.kind, m.seq, m.prev, m.monitor, &json);
    struct json_enc e;
    buf_add_str(out, "ok ");
    json_enc_start(&e, out);
    json_enc_arr(&e, NULL);
    for (size_t i = 0; i < FRAME_BODY; i++) {
        json_enc_str(&e, NULL, f.head[i]);
    }
    json_enc_raw(&e, NULL, json.p, json.len);
    json_enc_arr_end(&e);
    buf_add_char(out, '\n');
    buf_free(&json);
    message_free(&m);
}

static void recode_line(char *line, struct buf *out)
{
    char *words[LIMIT_FRAMES + 1] = {line};
    for (size_t i = 1; i <= LIMIT_FRAMES; i++) {
        char *tab = strchr(words[i - 1], '\t');
        TC_ASSERT(tab != NULL);
        *tab = '\0';
        words[i] = tab + 1;
    }
    words[LIMIT_FRAMES][strcspn(words[LIMIT_FRAMES], "\n")] = '\0';
    struct frame frames[LIMIT_FRAMES];
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        frames[i] = (struct frame){words[i + 1], strlen(words[i + 1])};
    }
    for (unsigned kind = 0; kind < MESSAGE_KIND_COUNT_; kind++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s-%s", message_role_name(fields_of(kind)->role),
                       fields_of(kind)->type);
        if (str_eq(name, words[0])) {
            recode(kind, frames, out);
            return;
        }
    }
    buf_add_fmt(out, "no kind %s\n", words[0]);
}

static int flush(struct buf *out)
{
    bool is_ok = out->err == TC_OK && fwrite(out->p, 1, out->len, stdout) == out->len;
    buf_reset(out);
    return is_ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    static char line[OUT_BYTES];
    int rc = argc == 2 ? 0 : 64;
    struct buf out;
    buf_init(&out, OUT_BYTES);
    if (rc == 0 && str_eq(argv[1], "schema")) {
        for (unsigned kind = 0; kind < MESSAGE_KIND_COUNT_; kind++) {
            print_schema(kind, &out);
        }
        rc = flush(&out);
    } else {
        while (rc == 0 && fgets(line, sizeof(line), stdin) != NULL) {
            recode_line(line, &out);
            rc = flush(&out);
        }
    }
    buf_free(&out);
    return rc;
}
