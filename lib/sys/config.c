/* The configuration: the file merged with the environment and the defaults of config_rules.c,
 * checked as a whole, then read into struct config. Knows no channel and no source: their owners
 * bring rules as sections. Called by every program's shell and `tocsin config`. */
#include "lib/sys/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/sys/config_data.h"
#include "lib/sys/config_rules.h"
#include "lib/sys/config_yaml.h"
#include "lib/sys/file.h"

enum {
    KEPT_MAX = 256,
};

struct config_data {
    struct config_yaml *yaml;
    struct json *file;               /* what the file says */
    struct json *merged;             /* with environment and defaults */
    const char *const *environ_list; /* borrowed while loading */
    void *kept[KEPT_MAX];            /* texts and arrays that live as long as the configuration */
    size_t kept_count;
    struct buf overridden; /* ".path " of each key that the environment gives */
};

struct config *config_free(struct config *config)
{
    if (config == NULL) {
        return NULL;
    }
    struct config_data *data = config->data;
    data->yaml = config_yaml_free(data->yaml);
    data->file = json_free(data->file);
    data->merged = json_free(data->merged);
    for (size_t i = 0; i < data->kept_count; i++) {
        mem_free(data->kept[i]);
    }
    buf_free(&data->overridden);
    mem_free(data);
    mem_free(config);
    return NULL;
}

void config_freep(struct config **config)
{
    *config = config_free(*config);
}

void *config_keep(struct config *config, void *owned)
{
    TC_ASSERT(config->data->kept_count < KEPT_MAX);
    config->data->kept[config->data->kept_count++] = owned;
    return owned;
}

/* --- Merging ----------------------------------------------------------------------------------- */

/* TOCSIN_<SECTION>_<KEY>. */
static void add_variable(struct buf *out, const char *section, const char *key)
{
    size_t from = out->len;
    buf_add_fmt(out, "TOCSIN_%s%s%s", section == NULL ? "" : section, section == NULL ? "" : "_",
                key);
    for (size_t i = from; i < out->len; i++) {
        char c = out->p[i];
        out->p[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
}

/* The value of TOCSIN_<SECTION>_<KEY>, or NULL. */
static const char *override_of(const struct config *config, const char *section, const char *key)
{
    TC_CLEANUP(buf_freep) struct buf name;
    buf_init(&name, 256);
    add_variable(&name, section, key);
    buf_add_char(&name, '=');
    for (const char *const *entry = config->data->environ_list; *entry != NULL; entry++) {
        if (str_has_prefix(*entry, name.p)) {
            return *entry + name.len;
        }
    }
    return NULL;
}

static int add_override(struct json_enc *enc, const char *section, const struct rule *rule,
                        const char *text, struct err *err)
{
    if (rule->type == RULE_STRING || rule->type == RULE_SECRET) {
        json_enc_str(enc, rule->name, text);
        return TC_OK;
    }
    TC_CLEANUP(config_yaml_freep) struct config_yaml *yaml = NULL;
    TC_CLEANUP(buf_freep) struct buf value;
    TC_CLEANUP(buf_freep) struct buf name;
    buf_init(&value, LIMIT_CONFIG_BYTES);
    buf_init(&name, 256);
    buf_add_str(&name, "environment: ");
    add_variable(&name, section, rule->name);
    int code = config_yaml_parse(name.p, text, strlen(text), &yaml, err);
    if (code == TC_OK) {
        code = config_yaml_json(yaml, &value, err);
    }
    if (code == TC_OK) {
        json_enc_raw(enc, rule->name, value.p, value.len);
    }
    return code;
}

/* Write one table's members: the environment before the file before the default. */
static int merge_table(struct config *config, const char *section, const struct rule *table,
                       const struct json_value *object, struct json_enc *enc, struct err *err)
{
    /* A section whose every line is commented out is null in YAML: it says nothing. */
    bool is_given = object != NULL && json_type_of(object) != JSON_NULL;
    for (const struct rule *rule = table; rule->name != NULL; rule++) {
        if (rule->type == RULE_OBJECT) {
            continue;
        }
        const char *text = override_of(config, section, rule->name);
        const struct json_value *value = is_given ? json_member(object, rule->name) : NULL;
        if (text != NULL) {
            int code = add_override(enc, section, rule, text, err);
            if (code != TC_OK) {
                return code;
            }
            buf_add_fmt(&config->data->overridden, ".%s.%s ", section == NULL ? "" : section,
                        rule->name);
        } else if (value != NULL && json_type_of(value) != JSON_NULL) {
            json_enc_value(enc, rule->name, value);
        } else if (rule->fallback != NULL) {
            json_enc_raw(enc, rule->name, rule->fallback, strlen(rule->fallback));
        }
    }
    return TC_OK;
}

static int merge(struct config *config, struct buf *out, struct err *err)
{
    const struct json_value *root = json_root(config->data->file);
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    int code = merge_table(config, NULL, config_rules(), root, &enc, err);
    for (const struct rule *rule = config_rules(); code == TC_OK && rule->name != NULL; rule++) {
        if (rule->type == RULE_OBJECT) {
            json_enc_obj(&enc, rule->name);
            code = merge_table(config, rule->name, rule->rules, json_member(root, rule->name), &enc,
                               err);
            json_enc_obj_end(&enc);
        }
    }
    json_enc_obj_end(&enc);
    if (code == TC_OK && out->err != TC_OK) {
        code = err_set(err, TC_ERANGE, "the configuration is too large");
    }
    return code;
}

/* Other names begin with TOCSIN_ as well: only one that is nearly that of a section is a mistake. */
static int check_section_name(const char *rest, struct err *err)
{
    size_t size = strcspn(rest, "_=");
    const char *nearest = NULL;
    TC_CLEANUP(mem_freep) char *word = mem_dup(rest, size);
    TC_CLEANUP(mem_freep) char *whole = mem_dup(rest, strcspn(rest, "="));
    if (rest[size] != '_') {
        return TC_OK;
    }
    for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
        if (str_eq_nocase(rule->name, whole) || str_eq_nocase(rule->name, word)) {
            return TC_OK;
        }
        nearest = rule->type == RULE_OBJECT ? str_nearer(word, nearest, rule->name) : nearest;
    }
    return nearest == NULL
               ? TC_OK
               : err_set(err, TC_ECONFIG,
                         "environment: TOCSIN_%s: there is no section %s; did you mean %s", whole,
                         word, nearest);
}

/* An override with a misspelt key would be silently without effect. */
static int check_environment(const struct config *config, struct err *err)
{
    for (const char *const *entry = config->data->environ_list; *entry != NULL; entry++) {
        if (!str_has_prefix(*entry, "TOCSIN_")) {
            continue;
        }
        const char *rest = *entry + strlen("TOCSIN_");
        int code = check_section_name(rest, err);
        if (code != TC_OK) {
            return code;
        }
        for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
            size_t size = strlen(rule->name);
            if (rule->type != RULE_OBJECT || strncasecmp(rest, rule->name, size) != 0 ||
                rest[size] != '_') {
                continue;
            }
            TC_CLEANUP(mem_freep)
            char *key = mem_dup(rest + size + 1, strcspn(rest + size + 1, "="));
            const char *nearest = NULL;
            bool is_known = false;
            for (const struct rule *one = rule->rules; one->name != NULL; one++) {
                is_known |= str_eq_nocase(one->name, key);
                nearest = str_nearer(key, nearest, one->name);
            }
            if (!is_known) {
                return err_set(err, TC_ECONFIG, "environment: TOCSIN_%.*s: %s has no key %s%s%s",
                               (int)strcspn(rest, "="), rest, rule->name, key,
                               nearest == NULL ? "" : "; did you mean ",
                               nearest == NULL ? "" : nearest);
            }
        }
    }
    return TC_OK;
}

/* --- Checking ---------------------------------------------------------------------------------- */

/* The variable that gives the key of "section.key: cause"; false: the file or a default does. */
static bool find_variable(const struct config *config, const char *text, struct buf *out)
{
    size_t size = strcspn(text, ":. ");
    bool has_section = text[size] == '.';
    size_t key_size = has_section ? strcspn(text + size + 1, ":. ") : 0;
    TC_CLEANUP(mem_freep) char *first = mem_dup(text, size);
    TC_CLEANUP(mem_freep) char *second = mem_dup(text + size + (has_section ? 1 : 0), key_size);
    const struct rule *rule = config_rule_find(config_rules(), first);
    has_section = has_section && rule != NULL && rule->type == RULE_OBJECT;
    const char *section = has_section ? first : NULL;
    const char *key = has_section ? second : first;
    TC_CLEANUP(buf_freep) struct buf mark;
    buf_init(&mark, LIMIT_CONFIG_BYTES);
    buf_add_fmt(&mark, ".%s.%s ", section == NULL ? "" : section, key);
    if (rule == NULL || strstr(config->data->overridden.p, mark.p) == NULL) {
        return false;
    }
    add_variable(out, section, key);
    return true;
}

int config_locate(const struct config *config, struct err *err)
{
    size_t line = err == NULL ? 0 : config_yaml_line(config->data->yaml, err->text);
    TC_CLEANUP(buf_freep) struct buf variable;
    buf_init(&variable, 256);
    if (err != NULL && find_variable(config, err->text, &variable)) {
        (void)err_ctx(err, "environment: %s", variable.p); /* the code is set below */
    } else if (err != NULL && line > 0) {
        (void)err_ctx(err, "%s:%zu", config->file, line); /* the code is set below */
    } else if (err != NULL) {
        (void)err_ctx(err, "%s", config->file);
    }
    if (err != NULL) {
        err->code = TC_ECONFIG;
    }
    return TC_ECONFIG;
}

static int check_map(const struct config_section *section, const struct json_value *map,
                     struct err *err)
{
    for (const struct json_value *value = json_first(map); value != NULL;
         value = json_next(value)) {
        TC_CLEANUP(buf_freep) struct buf where;
        buf_init(&where, 1024);
        buf_add_fmt(&where, "%s.%s", section->path, json_name(value));
        int code = rules_check(section->rules, value, where.p, err);
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

static int check_section(const struct config *config, const struct config_section *section,
                         struct err *err)
{
    const struct json_value *value = config_at(config, section->path);
    if (value == NULL) {
        return TC_OK;
    }
    if (json_type_of(value) != JSON_OBJECT) {
        return err_set(err, TC_ECONFIG, "%s: must be an object", section->path);
    }
    int code = TC_OK;
    if (section->rules != NULL) {
        code = section->is_map ? check_map(section, value, err)
                               : rules_check(section->rules, value, section->path, err);
    }
    if (code == TC_OK && section->check != NULL) {
        code = section->check(value, config, err);
    }
    return code;
}

static int check_objects(const struct config *config, struct err *err)
{
    static const char *const paths[] = {"channels", "runner.labels", "runner.sources"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct json_value *value = config_at(config, paths[i]);
        if (value != NULL && json_type_of(value) != JSON_OBJECT) {
            return err_set(err, TC_ECONFIG, "%s: must be an object", paths[i]);
        }
    }
    const struct json_value *labels = config_at(config, "runner.labels");
    for (const struct json_value *one = labels == NULL ? NULL : json_first(labels); one != NULL;
         one = json_next(one)) {
        if (json_type_of(one) != JSON_STRING) {
            return err_set(err, TC_ECONFIG,
                           "runner.labels.%s: must be a string; put quotes around it",
                           json_name(one));
        }
    }
    return TC_OK;
}

static int check_all(const struct config *config, const struct config_section *sections,
                     struct err *err)
{
    int code = rules_check(config_rules(), json_root(config->data->merged), "", err);
    if (code == TC_OK) {
        code = check_objects(config, err);
    }
    for (const struct config_section *section = sections;
         code == TC_OK && section != NULL && section->path != NULL; section++) {
        code = check_section(config, section, err);
    }
    return code;
}

/* --- Reading the file -------------------------------------------------------------------------- */

static int read_file(struct config *config, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int code = file_read(config->file, LIMIT_CONFIG_BYTES, &text, &size, err);
    TC_CLEANUP(mem_freep) char *owned = text;
    if (code != TC_OK) {
        return code;
    }
    code = config_yaml_parse(config->file, owned, size, &config->data->yaml, err);
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf json;
    buf_init(&json, (size_t)4 * LIMIT_CONFIG_BYTES);
    code = config_yaml_json(config->data->yaml, &json, err);
    if (code != TC_OK) {
        return code;
    }
    code = json_parse(json.p, json.len, (size_t)4 * LIMIT_CONFIG_BYTES, &config->data->file, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "%s", config->file); /* the code is returned below */
        return TC_ECONFIG;
    }
    if (json_type_of(json_root(config->data->file)) != JSON_OBJECT) {
        return err_set(err, TC_ECONFIG, "%s: must be a mapping of keys to values", config->file);
    }
    return TC_OK;
}

static int merge_all(struct config *config, const struct config_section *sections, struct err *err)
{
    int code = check_environment(config, err);
    TC_CLEANUP(buf_freep) struct buf json;
    buf_init(&json, (size_t)4 * LIMIT_CONFIG_BYTES);
    if (code == TC_OK) {
        /* Before merging, which looks up known names only and would drop the others. */
        code = rules_check(config_rules(), json_root(config->data->file), "", err);
        code = code == TC_OK ? TC_OK : config_locate(config, err);
    }
    if (code == TC_OK) {
        code = merge(config, &json, err);
    }
    if (code == TC_OK) {
        code = json_parse(json.p, json.len, (size_t)4 * LIMIT_CONFIG_BYTES, &config->data->merged,
                          err);
    }
    if (code != TC_OK) {
        return code;
    }
    return check_all(config, sections, err) == TC_OK ? TC_OK : config_locate(config, err);
}

static const char *absolute(struct config *config, const char *path)
{
    char real[PATH_MAX];
    const char *found = realpath(path, real);
    return config_keep(config, mem_strdup(found == NULL ? path : found));
}

int config_load(const char *path, const char *const *environ_list,
                const struct config_section *sections, struct config **ret_config, struct err *err)
{
    static const char *const nothing[] = {NULL};
    TC_CLEANUP(config_freep) struct config *config = mem_alloc(sizeof(*config));
    config->data = mem_alloc(sizeof(*config->data));
    buf_init(&config->data->overridden, LIMIT_CONFIG_BYTES);
    config->data->environ_list = environ_list == NULL ? nothing : environ_list;
    if (path == NULL) {
        path = override_of(config, NULL, "CONFIG");
    }
    config->file = absolute(config, path == NULL ? "/etc/tocsin/tocsin.yaml" : path);
    config->dir = config_keep(config, file_dir(config->file));
    int code = read_file(config, err);
    if (code != TC_OK && code != TC_ENOENT && code != TC_EPERM) {
        code = TC_ECONFIG; /* no file, too large a file: of no use as a configuration */
    }
    if (code == TC_OK) {
        code = merge_all(config, sections, err);
    }
    if (code == TC_OK) {
        code = config_fill(config, err);
    }
    if (code != TC_OK) {
        return code;
    }
    config->data->environ_list = nothing;
    *ret_config = TC_TAKE_PTR(config);
    return TC_OK;
}

const struct json_value *config_at(const struct config *config, const char *path)
{
    const struct json_value *value = json_root(config->data->merged);
    while (value != NULL && *path != '\0') {
        if (json_type_of(value) != JSON_OBJECT) {
            return NULL;
        }
        size_t size = strcspn(path, ".");
        TC_CLEANUP(mem_freep) char *name = mem_dup(path, size);
        value = json_member(value, name);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return value;
}

/* --- Showing ----------------------------------------------------------------------------------- */

static void print_value(const struct config *config, const char *section, const struct rule *rule,
                        struct buf *out)
{
    TC_CLEANUP(buf_freep) struct buf path;
    buf_init(&path, 256);
    buf_add_fmt(&path, "%s%s%s", section == NULL ? "" : section, section == NULL ? "" : ".",
                rule->name);
    const struct json_value *value = config_at(config, path.p);
    if (value == NULL) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf mark;
    buf_init(&mark, 256);
    buf_add_fmt(&mark, ".%s.%s ", section == NULL ? "" : section, rule->name);
    buf_add_fmt(out, "%s%s: ", section == NULL ? "" : "  ", rule->name);
    json_canonical(value, out);
    const struct json_value *owner = json_root(config->data->file);
    owner = section == NULL || owner == NULL ? owner : json_member(owner, section);
    if (strstr(config->data->overridden.p, mark.p) != NULL) {
        buf_add_str(out, "  # environment\n");
    } else if (owner != NULL && json_member(owner, rule->name) != NULL) {
        buf_add_fmt(out, "  # %s:%zu\n", config->file,
                    config_yaml_line(config->data->yaml, path.p));
    } else {
        buf_add_str(out, "  # default\n");
    }
}

void config_print(const struct config *config, struct buf *out)
{
    for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
        if (rule->type != RULE_OBJECT) {
            print_value(config, NULL, rule, out);
            continue;
        }
        buf_add_fmt(out, "%s:\n", rule->name);
        for (const struct rule *one = rule->rules; one->name != NULL; one++) {
            print_value(config, rule->name, one, out);
        }
    }
}

void config_describe(struct buf *out)
{
    rules_describe(config_rules(), out);
}
