/* A channel's section of the configuration with its secrets filled in. Validates nothing that
 * rules_check has validated; called when a notifier starts or reloads. */
#include "notifiers/settings.h"

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/sys/secret.h"

enum {
    PATH_BYTES_MAX = 512,
    DEPTH_MAX = 4, /* channels.slack.targets.NAME.webhook */
};

/* One object being written, and where the reading of its source stands. */
struct level {
    const struct rule *rules;     /* of the members; NULL under a map */
    const struct rule *map_rules; /* of every member's value; NULL unless under a map */
    const char *name;             /* of this object in the one above */
    const struct json_value *next;
};

static const struct rule *find_rule(const struct rule *rules, const char *name)
{
    for (const struct rule *rule = rules; rule != NULL && rule->name != NULL; rule++) {
        if (str_eq(rule->name, name)) {
            return rule;
        }
    }
    return NULL;
}

static int add_secret(struct json_enc *e, const struct json_value *member, const char *dir,
                      struct err *err)
{
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    int status = secret_load(json_string(member), dir, &secret, err);
    if (status != TC_OK) {
        return status;
    }
    for (const char *p = secret_bytes(secret); *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return err_set(err, TC_ECONFIG, "the secret holds a control byte");
        }
    }
    json_enc_str(e, json_name(member), secret_bytes(secret));
    return TC_OK;
}

/* "cause" becomes "channels.slack.targets.ops.webhook: cause". */
static void name_member(const struct level *levels, size_t depth, const struct json_value *member,
                        struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    buf_init(&path, ERR_TEXT_MAX);
    for (size_t i = 0; i <= depth; i++) {
        buf_add_fmt(&path, "%s.", levels[i].name);
    }
    buf_add_str(&path, json_name(member));
    (void)err_ctx(err, "%s", path.p); /* the code of the cause is returned */
}

static bool is_secret(const struct rule *rule, const struct json_value *member)
{
    return rule != NULL && rule->type == RULE_SECRET && json_type_of(member) == JSON_STRING;
}

/* The level that an object opens: under a map every member's value has the map's rules. */
static struct level level_of(const struct level *above, const struct rule *rule,
                             const struct json_value *member)
{
    struct level level = {.name = json_name(member), .next = json_first(member)};
    if (rule == NULL) {
        level.rules = above->map_rules;
    } else if (rule->type == RULE_MAP) {
        level.map_rules = rule->rules;
    } else {
        level.rules = rule->rules;
    }
    return level;
}

int settings_resolve(const struct rule *rules, const struct json_value *section, const char *dir,
                     const char *where, struct json **ret_settings, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf text;
    struct level levels[DEPTH_MAX];
    struct json_enc e;
    size_t depth = 0;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    json_enc_start(&e, &text);
    json_enc_obj(&e, NULL);
    levels[0] = (struct level){rules, NULL, where, json_first(section)};
    for (;;) {
        struct level *level = &levels[depth];
        const struct json_value *member = level->next;
        if (member == NULL) {
            json_enc_obj_end(&e);
            if (depth == 0) {
                break;
            }
            depth--;
            continue;
        }
        level->next = json_next(member);
        const struct rule *rule = find_rule(level->rules, json_name(member));
        bool is_object = json_type_of(member) == JSON_OBJECT;
        if (is_secret(rule, member)) {
            int status = ret_settings == NULL ? secret_check(json_string(member), dir, err)
                                              : add_secret(&e, member, dir, err);
            if (status != TC_OK) {
                name_member(levels, depth, member, err);
                return status;
            }
        } else if (is_object && depth + 1 < DEPTH_MAX && (rule != NULL || level->map_rules)) {
            json_enc_obj(&e, json_name(member));
            levels[++depth] = level_of(level, rule, member);
        } else {
            json_enc_value(&e, json_name(member), member);
        }
    }
    if (ret_settings == NULL) {
        return TC_OK;
    }
    return json_parse(text.p, text.len, LIMIT_CONFIG_BYTES, ret_settings, err);
}

const char *settings_text(const struct json_value *object, const char *name, const char *fallback)
{
    const struct json_value *value = object != NULL ? json_member(object, name) : NULL;
    return value != NULL && json_type_of(value) == JSON_STRING ? json_string(value) : fallback;
}

const struct json_value *settings_object(const struct json_value *object, const char *name)
{
    const struct json_value *value = object != NULL ? json_member(object, name) : NULL;
    return value != NULL && json_type_of(value) == JSON_OBJECT ? value : NULL;
}

const struct json_value *settings_target(const struct json_value *settings, const char *target)
{
    return settings_object(settings_object(settings, "targets"), target);
}
