/* Structs to JSON bodies and frames, by the table of fields.c; used by every process that sends. The
 * other direction is decode.c. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "proto/codec.h"
#include "proto/fields.h"

/* Every message within the limits fits a frame, though JSON may write a byte of text as six. Largest
 * are a delivery (two messages), a result (its metrics come from one output) and one monitor. */
enum {
    ESCAPED = 6,
    REST_BYTES = 8 * 1024, /* names of members, numbers, times, short words */
    DELIVER_BYTES = 2 * LIMIT_MESSAGE_BYTES + LIMIT_LABELS_BYTES + 4 * LIMIT_NAME_BYTES +
                    LIMIT_RECIPIENT_BYTES + LIMIT_URL_BYTES + LIMIT_ZONE_BYTES,
    RESULT_BYTES = LIMIT_MESSAGE_BYTES + LIMIT_OUTPUT_BYTES,
    MONITOR_BYTES = LIMIT_PARAMS_BYTES + LIMIT_LABELS_BYTES + 2 * LIMIT_NAME_BYTES +
                    MESSAGE_SCHEDULES * (LIMIT_SCHEDULE_BYTES + LIMIT_ZONE_BYTES),
};
_Static_assert(ESCAPED *DELIVER_BYTES + REST_BYTES <= LIMIT_FRAME_BYTES, "a delivery fits");
_Static_assert(ESCAPED *RESULT_BYTES + REST_BYTES <= LIMIT_FRAME_BYTES, "a result fits");
_Static_assert(ESCAPED *MONITOR_BYTES + REST_BYTES <= LIMIT_FRAME_BYTES, "a monitor fits");

/* An object being written, and how many follow it in its array. */
struct level {
    const struct shape *shape;
    const char *at;
    size_t field;
    size_t left;
    bool is_array;
};

const char *message_type(enum message_kind kind)
{
    return fields_of(kind)->type;
}

enum message_role message_role(enum message_kind kind)
{
    return fields_of(kind)->role;
}

bool message_is_to_router(enum message_kind kind)
{
    return fields_of(kind)->is_to_router;
}

const char *message_role_name(enum message_role role)
{
    switch (role) {
    case MESSAGE_RUNNER:
        return "runner";
    case MESSAGE_NOTIFIER:
        return "notifier";
    case MESSAGE_WEB:
        return "web";
    }
    TC_UNREACHABLE();
}

static void encode_json(struct json_enc *e, const struct field *f, const struct message_json *json)
{
    if (json->value != NULL) {
        json_enc_value(e, f->name, json->value);
    } else if (json->text != NULL) {
        json_enc_raw(e, f->name, json->text, json->size);
    } else if (f->is_required && f->type == FIELD_LIST) {
        json_enc_arr(e, f->name);
        json_enc_arr_end(e);
    } else if (f->is_required) {
        json_enc_obj(e, f->name);
        json_enc_obj_end(e);
    }
}

static void encode_strings(struct json_enc *e, const char *name, const struct message_strings *list)
{
    json_enc_arr(e, name);
    for (size_t i = 0; i < list->count; i++) {
        json_enc_str(e, NULL, list->items[i]);
    }
    json_enc_arr_end(e);
}

static void encode_ids(struct json_enc *e, const struct field *f, const struct message_ids *list)
{
    if (list->count == 0) {
        return;
    }
    json_enc_arr(e, f->name);
    for (size_t i = 0; i < list->count; i++) {
        if (f->type == FIELD_IDS) {
            json_enc_i64(e, NULL, (int64_t)list->items[i]);
        } else {
            json_enc_u64_text(e, NULL, list->items[i]);
        }
    }
    json_enc_arr_end(e);
}

static void encode_string(struct json_enc *e, const struct field *f, const char *value)
{
    if (value != NULL || f->is_required) {
        json_enc_str(e, f->name, value == NULL ? "" : value);
    }
}

static void encode_integer(struct json_enc *e, const struct field *f, int64_t value)
{
    if (value != 0 || f->is_required) {
        json_enc_i64(e, f->name, value);
    }
}

static void encode_boolean(struct json_enc *e, const struct field *f, bool value)
{
    if (value || f->is_required) {
        json_enc_bool(e, f->name, value);
    }
}

static void encode_time(struct json_enc *e, const struct field *f, int64_t utc_ms)
{
    if (utc_ms != MESSAGE_NEVER || f->is_required) {
        json_enc_time(e, f->name, utc_ms);
    }
}

static void encode_choice(struct json_enc *e, const struct field *f, unsigned index)
{
    for (unsigned i = 0; i <= index; i++) {
        TC_ASSERT(f->choices[i] != NULL);
    }
    json_enc_str(e, f->name, f->choices[index]);
}

/* Write a member that is not an object of its own. */
static void encode_plain(struct json_enc *e, const struct field *f, const void *at)
{
    switch (f->type) {
    case FIELD_STRING:
        encode_string(e, f, *(const char *const *)at);
        return;
    case FIELD_INTEGER:
        encode_integer(e, f, *(const int64_t *)at);
        return;
    case FIELD_U64:
        json_enc_u64_text(e, f->name, *(const uint64_t *)at);
        return;
    case FIELD_BOOLEAN:
        encode_boolean(e, f, *(const bool *)at);
        return;
    case FIELD_TIME:
        encode_time(e, f, *(const int64_t *)at);
        return;
    case FIELD_CHOICE:
        encode_choice(e, f, *(const unsigned *)at);
        return;
    case FIELD_JSON:
    case FIELD_MAP:
    case FIELD_TEXTS:
    case FIELD_NUMBERS:
    case FIELD_LIST:
        encode_json(e, f, at);
        return;
    case FIELD_STRINGS:
        encode_strings(e, f->name, at);
        return;
    case FIELD_IDS:
    case FIELD_U64S:
        encode_ids(e, f, at);
        return;
    case FIELD_OBJECT:
    case FIELD_OBJECTS:
        break;
    }
    TC_UNREACHABLE();
}

/* Begin the object or array of objects of a member: false when there is none to write. */
static bool begin(struct json_enc *e, const struct field *f, const char *base,
                  struct level *ret_level)
{
    *ret_level = (struct level){.shape = f->shape, .at = base + f->offset};
    if (f->type == FIELD_OBJECT) {
        if (!f->is_required && !*(const bool *)(const void *)(base + f->extra)) {
            return false;
        }
        json_enc_obj(e, f->name);
        return true;
    }
    size_t count = *(const size_t *)(const void *)(base + f->extra);
    if (count == 0) {
        return false;
    }
    ret_level->at = *(const char *const *)(const void *)(base + f->offset);
    ret_level->left = count - 1;
    ret_level->is_array = true;
    json_enc_arr(e, f->name);
    json_enc_obj(e, NULL);
    return true;
}

/* End an object; true when its array has another one. */
static bool end(struct json_enc *e, struct level *level)
{
    json_enc_obj_end(e);
    if (level->left > 0) {
        level->left--;
        level->at += level->shape->size;
        level->field = 0;
        json_enc_obj(e, NULL);
        return true;
    }
    if (level->is_array) {
        json_enc_arr_end(e);
    }
    return false;
}

int message_encode(enum message_kind kind, const void *body, struct buf *out, struct err *err)
{
    size_t start = out->len;
    struct level stack[FIELDS_DEPTH] = {{.shape = &fields_of(kind)->shape, .at = body}};
    size_t depth = 1;
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    while (depth > 0) {
        struct level *level = &stack[depth - 1];
        const struct field *f = &level->shape->fields[level->field];
        if (f->name == NULL) {
            depth -= end(&e, level) ? 0 : 1;
            continue;
        }
        level->field++;
        if (f->type != FIELD_OBJECT && f->type != FIELD_OBJECTS) {
            encode_plain(&e, f, level->at + f->offset);
        } else {
            TC_ASSERT(depth < FIELDS_DEPTH);
            depth += begin(&e, f, level->at, &stack[depth]) ? 1 : 0;
        }
    }
    if (out->err != TC_OK || out->len - start > LIMIT_FRAME_BYTES) {
        return err_set(err, TC_ERANGE, "a %s body would be over %d bytes", message_type(kind),
                       LIMIT_FRAME_BYTES);
    }
    return TC_OK;
}

void frames_set(struct frames *ret_frames, enum message_kind kind, uint64_t seq, uint64_t prev,
                uint32_t monitor, const struct buf *json)
{
    struct frames *f = ret_frames;
    (void)snprintf(f->head[FRAME_TYPE], FRAMES_HEAD_BYTES, "%s", message_type(kind));
    if (kind == MESSAGE_RESULT) {
        (void)snprintf(f->head[FRAME_SEQUENCE], FRAMES_HEAD_BYTES, "%llu %llu",
                       (unsigned long long)seq, (unsigned long long)prev);
    } else {
        (void)snprintf(f->head[FRAME_SEQUENCE], FRAMES_HEAD_BYTES, "%llu", (unsigned long long)seq);
    }
    f->head[FRAME_MONITOR][0] = '\0';
    if (monitor != 0) {
        (void)snprintf(f->head[FRAME_MONITOR], FRAMES_HEAD_BYTES, "%u", monitor);
    }
    for (size_t i = 0; i < FRAME_BODY; i++) {
        f->part[i] = (struct frame){f->head[i], strlen(f->head[i])};
    }
    f->part[FRAME_BODY] = (struct frame){json->p, json->len};
}
