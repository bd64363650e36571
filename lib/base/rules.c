/* The table-driven validator: walks an object beside its table with an explicit stack and stops at
 * the first thing that is wrong. Reads no values for use, that is json_dec.c's. Called for the
 * configuration, the params of checks and the bodies of the API. */
#include "lib/base/rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"

enum {
    PATH_MAX_BYTES = 512,
    SHOWN_MAX = 60, /* of a wrong value or name in a message */
};

/* An object being checked. */
struct level {
    const struct rule *rules;
    bool is_map;                   /* its values are objects, each by rules */
    const struct json_value *next; /* member to check next */
    size_t path_size;              /* of the path that names this object */
};

struct walk {
    struct err *err;
    char path[PATH_MAX_BYTES]; /* for messages; a longer one is cut */
    size_t path_size;
    size_t depth;
    struct level levels[LIMIT_JSON_DEPTH];
};

/* --- Messages -------------------------------------------------------------------------------- */

static void path_push(struct walk *w, const char *name)
{
    TC_CLEANUP(buf_freep) struct buf shown;
    buf_init(&shown, PATH_MAX_BYTES);
    escape_line(&shown, name, utf8_cut_size(name, strlen(name), SHOWN_MAX));
    size_t room = sizeof(w->path) - w->path_size;
    int wanted =
        snprintf(w->path + w->path_size, room, "%s%s", w->path_size > 0 ? "." : "", shown.p);
    w->path_size += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void path_cut(struct walk *w, size_t size)
{
    w->path_size = size;
    w->path[size] = '\0';
}

static const char *type_wanted(enum rule_type type)
{
    switch (type) {
    case RULE_STRING:
        return "a string";
    case RULE_INTEGER:
        return "a whole number";
    case RULE_NUMBER:
        return "a number";
    case RULE_BOOLEAN:
        return "true or false";
    case RULE_DURATION:
        return "a duration such as 30s, 5m, 2h or 1d";
    case RULE_SECRET:
        return "a reference to a secret: file:/path, cred:name or env:NAME";
    case RULE_STRINGS:
        return "an array of strings";
    case RULE_OBJECT:
    case RULE_MAP:
        return "an object";
    case RULE_ANY:
        return "any value";
    }
    TC_UNREACHABLE();
}

static int wrong_type(const struct walk *w, const struct rule *rule)
{
    return err_set(w->err, TC_EINVAL, "%s: must be %s", w->path, type_wanted(rule->type));
}

/* "...; did you mean x?" or the list of what there is. */
static int fail_unknown_choice(const struct walk *w, const char *text, const char *const *choices)
{
    TC_CLEANUP(buf_freep) struct buf message;
    buf_init(&message, ERR_TEXT_MAX);
    buf_add_char(&message, '"');
    escape_quoted(&message, text, utf8_cut_size(text, strlen(text), SHOWN_MAX));
    buf_add_str(&message, "\" is not one of ");
    for (size_t i = 0; choices[i] != NULL; i++) {
        buf_add_fmt(&message, "%s%s", i > 0 ? ", " : "", choices[i]);
    }
    const char *near = str_nearest(text, choices);
    if (near != NULL) {
        buf_add_fmt(&message, "; did you mean %s?", near);
    }
    return err_set(w->err, TC_EINVAL, "%s: %s", w->path, message.p);
}

static int fail_unknown_name(const struct walk *w, const struct rule *rules)
{
    const char *name = json_name(w->levels[w->depth - 1].next);
    const char *near = NULL;
    for (const struct rule *rule = rules; rule->name != NULL; rule++) {
        near = str_nearer(name, near, rule->name);
    }
    if (near != NULL) {
        return err_set(w->err, TC_EINVAL, "%s: unknown; did you mean %s?", w->path, near);
    }
    TC_CLEANUP(buf_freep) struct buf known;
    buf_init(&known, ERR_TEXT_MAX);
    for (const struct rule *rule = rules; rule->name != NULL; rule++) {
        buf_add_fmt(&known, "%s%s", rule == rules ? "" : ", ", rule->name);
    }
    return err_set(w->err, TC_EINVAL, "%s: unknown; known are: %s", w->path,
                   known.len > 0 ? known.p : "none");
}

static int fail_range(const struct walk *w, const struct rule *rule, const char *what)
{
    if (rule->max == 0) {
        return err_set(w->err, TC_EINVAL, "%s: %s must be at least %" PRId64, w->path, what,
                       rule->min);
    }
    return err_set(w->err, TC_EINVAL, "%s: %s must be from %" PRId64 " to %" PRId64, w->path, what,
                   rule->min, rule->max);
}

/* As people write it: in the largest unit that leaves no rest. */
static void add_duration(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms != 0) {
        i++;
    }
    buf_add_fmt(out, "%" PRId64 "%s", ms / units[i].ms, ms == 0 ? "" : units[i].name);
}

static int fail_duration(const struct walk *w, const struct rule *rule)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, ERR_TEXT_MAX);
    buf_add_fmt(&text, "the duration must be %s%s ", rule->or_zero ? "0, or " : "",
                rule->max == 0 ? "at least" : "from");
    add_duration(&text, rule->min);
    if (rule->max != 0) {
        buf_add_str(&text, " to ");
        add_duration(&text, rule->max);
    }
    return err_set(w->err, TC_EINVAL, "%s: %s", w->path, text.p);
}

static bool is_in_range(const struct rule *rule, int64_t value)
{
    return value >= rule->min && (rule->max == 0 || value <= rule->max);
}

/* --- One value ------------------------------------------------------------------------------- */

static int check_text(const struct walk *w, const struct rule *rule, const char *text)
{
    bool is_known = rule->choices == NULL;
    for (size_t i = 0; !is_known && rule->choices[i] != NULL; i++) {
        is_known = str_eq(text, rule->choices[i]);
    }
    if (!is_known) {
        return fail_unknown_choice(w, text, rule->choices);
    }
    struct err why = ERR_INIT;
    if (rule->check != NULL && rule->check(text, &why) != TC_OK) {
        return err_set(w->err, TC_EINVAL, "%s: %s", w->path,
                       why.code != TC_OK ? why.text : "not allowed");
    }
    return TC_OK;
}

static int check_string(const struct walk *w, const struct rule *rule,
                        const struct json_value *value)
{
    if (json_type_of(value) != JSON_STRING) {
        return wrong_type(w, rule);
    }
    const char *text = json_string(value);
    if (!is_in_range(rule, (int64_t)strlen(text))) {
        return fail_range(w, rule, "the number of bytes");
    }
    return check_text(w, rule, text);
}

static int check_strings(const struct walk *w, const struct rule *rule,
                         const struct json_value *value)
{
    if (json_type_of(value) != JSON_ARRAY) {
        return wrong_type(w, rule);
    }
    if (!is_in_range(rule, (int64_t)json_count(value))) {
        return fail_range(w, rule, "the number of entries");
    }
    for (const struct json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (json_type_of(v) != JSON_STRING) {
            return wrong_type(w, rule);
        }
        int rc = check_text(w, rule, json_string(v));
        if (rc != TC_OK) {
            return rc;
        }
    }
    return TC_OK;
}

static bool is_whole(double number)
{
    return fabs(number) <= 9007199254740992.0 && !(trunc(number) < number) &&
           !(trunc(number) > number);
}

static int check_integer(const struct walk *w, const struct rule *rule,
                         const struct json_value *value)
{
    if (json_type_of(value) != JSON_NUMBER || !is_whole(json_number(value))) {
        return wrong_type(w, rule);
    }
    return is_in_range(rule, (int64_t)json_number(value)) ? TC_OK
                                                          : fail_range(w, rule, "the number");
}

static int check_duration(const struct walk *w, const struct rule *rule,
                          const struct json_value *value)
{
    int64_t ms = 0;
    if (json_type_of(value) == JSON_STRING) {
        if (parse_whole_duration(json_string(value), &ms) != TC_OK) {
            return wrong_type(w, rule);
        }
    } else if (json_type_of(value) == JSON_NUMBER && is_whole(json_number(value)) &&
               json_number(value) >= 0 && json_number(value) < (double)(INT64_MAX / 1000)) {
        ms = (int64_t)json_number(value) * 1000;
    } else {
        return wrong_type(w, rule);
    }
    bool is_off = rule->or_zero && ms == 0;
    return is_off || is_in_range(rule, ms) ? TC_OK : fail_duration(w, rule);
}

/* The value itself never goes into the message: it may be the secret. */
static int check_secret(const struct walk *w, const struct rule *rule,
                        const struct json_value *value)
{
    static const char *const kinds[] = {"file:/", "cred:", "env:"};
    const char *text = json_type_of(value) == JSON_STRING ? json_string(value) : "";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_has_prefix(text, kinds[i]) && text[strlen(kinds[i])] != '\0') {
            return TC_OK;
        }
    }
    return wrong_type(w, rule);
}

static int check_scalar(const struct walk *w, const struct rule *rule,
                        const struct json_value *value)
{
    switch (rule->type) {
    case RULE_STRING:
        return check_string(w, rule, value);
    case RULE_INTEGER:
        return check_integer(w, rule, value);
    case RULE_NUMBER:
        return json_type_of(value) == JSON_NUMBER ? TC_OK : wrong_type(w, rule);
    case RULE_BOOLEAN:
        return json_type_of(value) == JSON_BOOL ? TC_OK : wrong_type(w, rule);
    case RULE_DURATION:
        return check_duration(w, rule, value);
    case RULE_SECRET:
        return check_secret(w, rule, value);
    case RULE_STRINGS:
        return check_strings(w, rule, value);
    case RULE_ANY:
        return TC_OK;
    case RULE_OBJECT:
    case RULE_MAP:
        break;
    }
    TC_UNREACHABLE();
}

/* --- The walk -------------------------------------------------------------------------------- */

/* Begin an object; what is required is looked for first. */
static int level_push(struct walk *w, const struct rule *rules, const struct json_value *object,
                      bool is_map)
{
    if (json_type_of(object) != JSON_OBJECT) {
        return err_set(w->err, TC_EINVAL, "%s: must be an object",
                       w->path_size > 0 ? w->path : "the document");
    }
    TC_ASSERT(w->depth < LIMIT_JSON_DEPTH); /* the tree is no deeper */
    for (const struct rule *rule = rules; !is_map && rule->name != NULL; rule++) {
        const struct json_value *value = json_member(object, rule->name);
        if (rule->is_required && (value == NULL || json_type_of(value) == JSON_NULL)) {
            path_push(w, rule->name);
            return err_set(w->err, TC_EINVAL, "%s: is missing; it must be %s", w->path,
                           type_wanted(rule->type));
        }
    }
    w->levels[w->depth++] = (struct level){
        .rules = rules, .is_map = is_map, .next = json_first(object), .path_size = w->path_size};
    return TC_OK;
}

static const struct rule *rule_named(const struct rule *rules, const char *name)
{
    for (const struct rule *rule = rules; rule->name != NULL; rule++) {
        if (str_eq(rule->name, name)) {
            return rule;
        }
    }
    return NULL;
}

/* Check one member; an object becomes the next level. null stands for "not given". */
static int check_member(struct walk *w, const struct level *level, const struct json_value *member)
{
    if (level->is_map) {
        return level_push(w, level->rules, member, false);
    }
    const struct rule *rule = rule_named(level->rules, json_name(member));
    if (rule == NULL) {
        return fail_unknown_name(w, level->rules);
    }
    if (json_type_of(member) == JSON_NULL) {
        return TC_OK;
    }
    if (rule->type != RULE_OBJECT && rule->type != RULE_MAP) {
        return check_scalar(w, rule, member);
    }
    TC_ASSERT(rule->rules != NULL);
    int rc = level_push(w, rule->rules, member, rule->type == RULE_MAP);
    if (rc == TC_OK && !is_in_range(rule, (int64_t)json_count(member))) {
        return fail_range(w, rule, "the number of members");
    }
    return rc;
}

int rules_check(const struct rule *rules, const struct json_value *object, const char *where,
                struct err *err)
{
    TC_ASSERT(rules != NULL);
    TC_ASSERT(object != NULL);
    struct walk w;
    w.err = err;
    w.depth = 0;
    path_cut(&w, 0);
    size_t where_size = utf8_cut_size(where, strlen(where), sizeof(w.path) - 1);
    memcpy(w.path, where, where_size);
    path_cut(&w, where_size);
    int rc = level_push(&w, rules, object, false);
    while (rc == TC_OK && w.depth > 0) {
        struct level *level = &w.levels[w.depth - 1];
        const struct json_value *member = level->next;
        path_cut(&w, level->path_size);
        if (member == NULL) {
            w.depth--;
            continue;
        }
        path_push(&w, json_name(member));
        rc = check_member(&w, level, member);
        level->next = json_next(member);
    }
    return rc;
}

/* --- The manual ------------------------------------------------------------------------------ */

static const char *type_word(enum rule_type type)
{
    static const char *const words[] = {
        [RULE_STRING] = "string",   [RULE_INTEGER] = "integer",   [RULE_NUMBER] = "number",
        [RULE_BOOLEAN] = "boolean", [RULE_DURATION] = "duration", [RULE_SECRET] = "secret",
        [RULE_STRINGS] = "strings", [RULE_OBJECT] = "object",     [RULE_MAP] = "map",
        [RULE_ANY] = "any",
    };
    return words[type];
}

static void describe_rule(const struct rule *rule, size_t depth, struct buf *out)
{
    buf_add_fmt(out, "%*s%s (%s", (int)(2 * depth), "", rule->name, type_word(rule->type));
    if (rule->is_required) {
        buf_add_str(out, ", required");
    }
    if (rule->fallback != NULL) {
        buf_add_fmt(out, ", default %s", rule->fallback);
    }
    buf_add_char(out, ')');
    for (size_t i = 0; rule->choices != NULL && rule->choices[i] != NULL; i++) {
        buf_add_fmt(out, "%s%s", i == 0 ? " one of " : ", ", rule->choices[i]);
    }
    if (rule->type == RULE_MAP) {
        buf_add_str(out, " of any names, each with the members below");
    }
    buf_add_fmt(out, "%s%s\n", rule->doc != NULL ? ": " : "", rule->doc != NULL ? rule->doc : "");
}

void rules_describe(const struct rule *rules, struct buf *out)
{
    const struct rule *stack[LIMIT_JSON_DEPTH];
    size_t depth = 0;
    const struct rule *rule = rules;
    for (;;) {
        if (rule->name == NULL) {
            if (depth == 0) {
                return;
            }
            rule = stack[--depth];
            continue;
        }
        describe_rule(rule, depth, out);
        if (rule->rules != NULL) {
            TC_ASSERT(depth < LIMIT_JSON_DEPTH);
            stack[depth++] = rule + 1;
            rule = rule->rules;
        } else {
            rule++;
        }
    }
}
