/* Frames to structs, by the table of fields.c; used by every process that receives. Refuses what
 * PROTOCOL.md does not allow and ignores members that it does not know. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "proto/codec.h"
#include "proto/fields.h"

/* An array of a decoded message; they are chained to be freed together. */
struct block {
    struct block *next;
    max_align_t content[];
};

/* An object being read, and the element that follows it in its array. */
struct level {
    const struct shape *shape;
    const struct field *field;
    char *at;
    const struct json_value *element; /* NULL unless in an array */
    struct json_dec dec;
};

static void *block_new(struct message *m, size_t count, size_t size)
{
    struct block *block = mem_alloc(sizeof(*block) + count * size);
    block->next = m->blocks;
    m->blocks = block;
    return block->content;
}

void message_free(struct message *message)
{
    json_free(message->json);
    for (struct block *b = message->blocks; b != NULL;) {
        struct block *next = b->next;
        mem_free(b);
        b = next;
    }
    message->json = NULL;
    message->blocks = NULL;
}

void message_freep(struct message *message)
{
    message_free(message);
}

/* A member's value, or NULL when absent or null (an error when required). */
static const struct json_value *present(struct json_dec *d, const struct field *f)
{
    const struct json_value *value = json_any(d, f->name);
    if (value != NULL && json_type_of(value) == JSON_NULL) {
        value = NULL;
    }
    if (value == NULL && f->is_required) {
        (void)json_fail(d, f->name, TC_EPARSE, "is missing");
    }
    return value;
}

static const char *decode_string(struct json_dec *d, const struct field *f)
{
    if (f->is_required && f->min > 0) {
        return json_str(d, f->name, (size_t)f->max);
    }
    (void)present(d, f);
    return json_str_opt(d, f->name, (size_t)f->max, NULL);
}

static unsigned decode_choice(struct json_dec *d, const struct field *f)
{
    const char *word = json_str(d, f->name, MESSAGE_CODE_BYTES);
    for (unsigned i = 0; f->choices[i] != NULL; i++) {
        if (str_eq(f->choices[i], word)) {
            return i;
        }
    }
    (void)json_fail(d, f->name, TC_EPARSE, "is \"%s\", which is not among its words", word);
    return 0;
}

/* Whether every member of an object has a type, and there are not too many. */
static void check_members(struct json_dec *d, const struct field *f,
                          const struct json_value *object, enum json_type type)
{
    if (json_count(object) > (size_t)f->max) {
        (void)json_fail(d, f->name, TC_ERANGE, "has %zu members; at most %lld are allowed",
                        json_count(object), (long long)f->max);
    }
    for (const struct json_value *v = json_first(object); v != NULL; v = json_next(v)) {
        if (json_type_of(v) != type) {
            (void)json_fail(d, f->name, TC_EPARSE, "must hold %s only",
                            type == JSON_STRING ? "strings" : "numbers");
        }
    }
}

static void decode_json(struct json_dec *d, const struct field *f, struct message_json *ret_json)
{
    const struct json_value *value = present(d, f);
    *ret_json = (struct message_json){.value = value};
    if (value == NULL || f->type == FIELD_JSON) {
        return;
    }
    enum json_type want = f->type == FIELD_LIST ? JSON_ARRAY : JSON_OBJECT;
    if (json_type_of(value) != want) {
        (void)json_fail(d, f->name, TC_EPARSE, "must be an %s",
                        want == JSON_ARRAY ? "array" : "object");
    } else if (f->type == FIELD_TEXTS) {
        check_members(d, f, value, JSON_STRING);
    } else if (f->type == FIELD_NUMBERS) {
        check_members(d, f, value, JSON_NUMBER);
    }
}

/* The array of a member; NULL when absent (and optional), empty or wrong. */
static const struct json_value *array(struct json_dec *d, const struct field *f)
{
    if (present(d, f) == NULL) {
        return NULL;
    }
    const struct json_value *value = json_arr(d, f->name, (size_t)f->max);
    return value == NULL || json_count(value) == 0 ? NULL : value;
}

static void decode_strings(struct json_dec *d, const struct field *f, struct message *m,
                           struct message_strings *ret_list)
{
    const struct json_value *value = array(d, f);
    if (value == NULL) {
        return;
    }
    const char **items = block_new(m, json_count(value), sizeof(*items));
    size_t count = 0;
    for (const struct json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (json_type_of(v) != JSON_STRING || strlen(json_string(v)) > LIMIT_NAME_BYTES) {
            (void)json_fail(d, f->name, TC_EPARSE, "must hold strings of at most %d bytes",
                            LIMIT_NAME_BYTES);
            return;
        }
        items[count++] = json_string(v);
    }
    *ret_list = (struct message_strings){items, count};
}

static bool decode_id(const struct field *f, const struct json_value *v, uint64_t *ret_id)
{
    if (f->type == FIELD_U64S) {
        return json_type_of(v) == JSON_STRING &&
               parse_whole_u64(json_string(v), UINT64_MAX, ret_id) == TC_OK;
    }
    if (json_type_of(v) != JSON_NUMBER) {
        return false;
    }
    double number = json_number(v);
    if (!(number >= 1 && number <= (double)UINT32_MAX)) {
        return false;
    }
    *ret_id = (uint64_t)number;
    return !((double)*ret_id < number);
}

static void decode_ids(struct json_dec *d, const struct field *f, struct message *m,
                       struct message_ids *ret_list)
{
    const struct json_value *value = array(d, f);
    if (value == NULL) {
        return;
    }
    uint64_t *items = block_new(m, json_count(value), sizeof(*items));
    size_t count = 0;
    for (const struct json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (!decode_id(f, v, &items[count])) {
            (void)json_fail(d, f->name, TC_EPARSE, "must hold ids only");
            return;
        }
        count++;
    }
    *ret_list = (struct message_ids){items, count};
}

/* Read a member that is not an object of its own. */
static void decode_plain(struct json_dec *d, const struct field *f, struct message *m, void *at)
{
    switch (f->type) {
    case FIELD_STRING:
        *(const char **)at = decode_string(d, f);
        return;
    case FIELD_INTEGER:
        *(int64_t *)at = f->is_required ? json_i64(d, f->name, f->min, f->max)
                                        : json_i64_opt(d, f->name, f->min, f->max, 0);
        return;
    case FIELD_U64:
        *(uint64_t *)at = json_u64_text(d, f->name);
        return;
    case FIELD_BOOLEAN:
        *(bool *)at = f->is_required ? json_bool(d, f->name) : json_bool_opt(d, f->name, false);
        return;
    case FIELD_TIME:
        *(int64_t *)at =
            f->is_required ? json_time(d, f->name) : json_time_opt(d, f->name, MESSAGE_NEVER);
        return;
    case FIELD_CHOICE:
        *(unsigned *)at = decode_choice(d, f);
        return;
    case FIELD_JSON:
    case FIELD_MAP:
    case FIELD_TEXTS:
    case FIELD_NUMBERS:
    case FIELD_LIST:
        decode_json(d, f, at);
        return;
    case FIELD_STRINGS:
        decode_strings(d, f, m, at);
        return;
    case FIELD_IDS:
    case FIELD_U64S:
        decode_ids(d, f, m, at);
        return;
    case FIELD_OBJECT:
    case FIELD_OBJECTS:
        break;
    }
    TC_UNREACHABLE();
}

static void level_start(struct level *level, const struct json_value *value, const char *where,
                        struct err *err)
{
    level->field = level->shape->fields;
    json_dec_start(&level->dec, value, where, err);
}

/* Enter the object or array of objects of a member: false when there is none. */
static bool enter(struct level *parent, const struct field *f, struct message *m,
                  struct level *ret_level)
{
    struct json_dec *d = &parent->dec;
    *ret_level = (struct level){.shape = f->shape, .at = parent->at + f->offset};
    const struct json_value *value = f->type == FIELD_OBJECTS ? array(d, f) : present(d, f);
    if (value == NULL) {
        return false;
    }
    if (f->type == FIELD_OBJECTS) {
        size_t count = json_count(value);
        ret_level->at = block_new(m, count, f->shape->size);
        *(void **)(void *)(parent->at + f->offset) = ret_level->at;
        *(size_t *)(void *)(parent->at + f->extra) = count;
        value = json_first(value);
        ret_level->element = value;
    } else if (!f->is_required) {
        *(bool *)(void *)(parent->at + f->extra) = true;
    }
    level_start(ret_level, value, f->name, d->err);
    return true;
}

/* Leave an object; true when its array has another one, or false with the error of what was read. */
static bool next(struct level *level)
{
    if (json_end(&level->dec) != TC_OK || level->element == NULL) {
        return false;
    }
    level->element = json_next(level->element);
    if (level->element == NULL) {
        return false;
    }
    level->at += level->shape->size;
    char where[sizeof(level->dec.path)];
    (void)snprintf(where, sizeof(where), "%s", level->dec.path);
    level_start(level, level->element, where, level->dec.err);
    return true;
}

static int decode_body(struct message *m, struct err *err)
{
    struct level stack[FIELDS_DEPTH] = {
        {.shape = &fields_of(m->kind)->shape, .at = (char *)&m->body}};
    size_t depth = 1;
    level_start(&stack[0], json_root(m->json), "", err);
    while (json_end(&stack[0].dec) == TC_OK) {
        struct level *level = &stack[depth - 1];
        const struct field *f = level->field;
        if (f->name == NULL || json_end(&level->dec) != TC_OK) {
            if (next(level)) {
                continue;
            }
            if (depth == 1) {
                break;
            }
            depth--;
            json_join(&stack[depth - 1].dec, &level->dec);
            continue;
        }
        level->field++;
        if (f->type != FIELD_OBJECT && f->type != FIELD_OBJECTS) {
            decode_plain(&level->dec, f, m, level->at + f->offset);
        } else {
            TC_ASSERT(depth < FIELDS_DEPTH);
            depth += enter(level, f, m, &stack[depth]) ? 1 : 0;
        }
    }
    return json_end(&stack[0].dec);
}

/* A short frame as text; false when too long or with a NUL inside. */
static bool text_of(const struct frame *frame, char ret_text[static FRAMES_HEAD_BYTES])
{
    if (frame->size >= FRAMES_HEAD_BYTES || memchr(frame->bytes, '\0', frame->size) != NULL) {
        return false;
    }
    memcpy(ret_text, frame->bytes, frame->size);
    ret_text[frame->size] = '\0';
    return true;
}

/* Find the kind of frame 1. */
static int find_kind(enum message_role role, bool is_to_router, const struct frame *frame,
                     enum message_kind *ret_kind, struct err *err)
{
    char text[FRAMES_HEAD_BYTES] = "";
    if (!text_of(frame, text)) {
        return err_set(err, TC_ENOENT, "frame 1 is no message type");
    }
    size_t word = strcspn(text, "/");
    bool is_known = false;
    for (unsigned i = 0; i < MESSAGE_KIND_COUNT_; i++) {
        const struct fields_kind *k = fields_of((enum message_kind)i);
        if (k->role != role || k->is_to_router != is_to_router) {
            continue;
        }
        if (str_eq(k->type, text)) {
            *ret_kind = (enum message_kind)i;
            return TC_OK;
        }
        is_known = is_known || (text[word] == '/' && strcspn(k->type, "/") == word &&
                                memcmp(k->type, text, word) == 0);
    }
    if (is_known) {
        return err_set(err, TC_EVERSION, "this program does not speak \"%s\"", text);
    }
    return err_set(err, TC_ENOENT, "a %s%s has no message \"%s\"", is_to_router ? "" : "router's ",
                   message_role_name(role), text);
}

/* Decimal digits without leading zeros, at a cursor. */
static int number(const char **cursor, uint64_t max, uint64_t *ret_number)
{
    if (**cursor == '0' && (*cursor)[1] >= '0' && (*cursor)[1] <= '9') {
        return TC_EPARSE;
    }
    return parse_u64(cursor, max, ret_number);
}

static int decode_head(const struct frame *frames, struct message *m, struct err *err)
{
    const struct fields_kind *k = fields_of(m->kind);
    char text[FRAMES_HEAD_BYTES] = "";
    const char *c = text;
    bool is_result = m->kind == MESSAGE_RESULT;
    if (!text_of(&frames[FRAME_SEQUENCE], text) || number(&c, UINT64_MAX, &m->seq) != TC_OK ||
        (is_result && (!parse_char(&c, ' ') || number(&c, UINT64_MAX, &m->prev) != TC_OK)) ||
        *c != '\0') {
        return err_set(err, TC_EPROTO, "frame 2 of %s must be %s", k->type,
                       is_result ? "\"<seq> <prev>\"" : "a decimal number");
    }
    if ((is_result && m->prev >= m->seq) || (!k->has_seq && m->seq != 0)) {
        return err_set(err, TC_EPROTO, "frame 2 of %s is out of order: \"%s\"", k->type, text);
    }
    uint64_t monitor = 0;
    c = text;
    if (!text_of(&frames[FRAME_MONITOR], text) ||
        (text[0] != '\0' && (number(&c, UINT32_MAX, &monitor) != TC_OK || *c != '\0')) ||
        (monitor == 0 && text[0] != '\0') || (!k->has_monitor && monitor != 0) ||
        (k->has_monitor && monitor == 0 && m->kind != MESSAGE_PROBE)) {
        return err_set(err, TC_EPROTO, "frame 3 of %s must be %s", k->type,
                       k->has_monitor ? "a monitor's id" : "empty");
    }
    m->monitor = (uint32_t)monitor;
    return TC_OK;
}

int message_decode(enum message_role role, bool is_to_router, const struct frame *frames,
                   struct message *ret_message, struct err *err)
{
    struct message *m = ret_message;
    memset(m, 0, sizeof(*m));
    int rc = find_kind(role, is_to_router, &frames[FRAME_TYPE], &m->kind, err);
    if (rc != TC_OK) {
        return rc;
    }
    rc = decode_head(frames, m, err);
    if (rc != TC_OK) {
        return rc;
    }
    const struct frame *body = &frames[FRAME_BODY];
    rc = json_parse(body->bytes, body->size, LIMIT_FRAME_BYTES, &m->json, err);
    if (rc == TC_OK) {
        rc = decode_body(m, err);
    }
    if (rc != TC_OK) {
        message_free(m);
        (void)err_ctx(err, "%s", message_type(m->kind));
        return TC_EPROTO;
    }
    return TC_OK;
}
