/* YAML by libfyaml as JSON text, with the lines kept for messages. Knows no key. Called by
 * config.c. */
#include "lib/sys/config_yaml.h"

#include <libfyaml.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

struct config_yaml {
    struct fy_parser *parser;
    struct fy_document *document;
    struct fy_diag *diag;
    char *name;
    char *text; /* the parser reads from it */
};

struct config_yaml *config_yaml_free(struct config_yaml *yaml)
{
    if (yaml != NULL) {
        fy_document_destroy(yaml->document);
        fy_parser_destroy(yaml->parser);
        fy_diag_destroy(yaml->diag);
        mem_free(yaml->name);
        mem_free(yaml->text);
        mem_free(yaml);
    }
    return NULL;
}

void config_yaml_freep(struct config_yaml **yaml)
{
    *yaml = config_yaml_free(*yaml);
}

static size_t node_line(struct fy_node *node)
{
    const struct fy_mark *mark = NULL;
    struct fy_node *at = node;
    /* A collection has no token of its own before its first entry. */
    for (size_t depth = 0; at != NULL && depth < LIMIT_JSON_DEPTH; depth++) {
        if (fy_node_is_scalar(at)) {
            struct fy_token *token = fy_node_get_scalar_token(at);
            mark = token == NULL ? NULL : fy_token_start_mark(token);
            break;
        }
        void *next = NULL;
        at = fy_node_is_mapping(at) ? fy_node_pair_key(fy_node_mapping_iterate(at, &next))
                                    : fy_node_sequence_iterate(at, &next);
    }
    return mark == NULL ? 0 : (size_t)mark->line + 1;
}

static int fail_at(const struct config_yaml *yaml, struct fy_node *node, const char *cause,
                   struct err *err)
{
    return err_set(err, TC_ECONFIG, "%s:%zu: %s", yaml->name, node_line(node), cause);
}

static int fail_parse(const struct config_yaml *yaml, struct err *err)
{
    void *next = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(yaml->diag, &next);
    if (first == NULL) {
        return err_set(err, TC_ECONFIG, "%s: not YAML", yaml->name);
    }
    return err_set(err, TC_ECONFIG, "%s:%d: not YAML: %s", yaml->name, first->line, first->msg);
}

int config_yaml_parse(const char *name, const char *text, size_t size,
                      struct config_yaml **ret_yaml, struct err *err)
{
    TC_CLEANUP(config_yaml_freep) struct config_yaml *yaml = mem_alloc(sizeof(*yaml));
    yaml->name = mem_strdup(name);
    if (memchr(text, '\0', size) != NULL) {
        return err_set(err, TC_ECONFIG, "%s: not text: it holds a NUL byte", name);
    }
    yaml->text = mem_dup(text, size);
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    yaml->diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(yaml->diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET, .diag = yaml->diag};
    yaml->parser = fy_parser_create(&cfg);
    if (yaml->parser == NULL || fy_parser_set_string(yaml->parser, yaml->text, size) != 0) {
        return err_set(err, TC_ECONFIG, "%s: cannot start the YAML parser", name);
    }
    yaml->document = fy_parse_load_document(yaml->parser);
    if (yaml->document == NULL) {
        if (fy_parser_get_stream_error(yaml->parser)) {
            return fail_parse(yaml, err);
        }
        *ret_yaml = TC_TAKE_PTR(yaml);
        return TC_OK;
    }
    struct fy_document *second = fy_parse_load_document(yaml->parser);
    if (second != NULL) {
        fy_parse_document_destroy(yaml->parser, second);
        return err_set(err, TC_ECONFIG, "%s: a second document begins; one is allowed", name);
    }
    if (fy_parser_get_stream_error(yaml->parser)) {
        return fail_parse(yaml, err);
    }
    *ret_yaml = TC_TAKE_PTR(yaml);
    return TC_OK;
}

/* --- As JSON ----------------------------------------------------------------------------------- */

static bool is_json_number(const char *text)
{
    const char *at = text + (text[0] == '-' ? 1 : 0);
    bool has_leading_zero = at[0] == '0' && at[1] >= '0' && at[1] <= '9';
    double value = 0;
    return at[0] >= '0' && at[0] <= '9' && !has_leading_zero && text[strlen(text) - 1] != '.' &&
           strstr(text, ".e") == NULL && strstr(text, ".E") == NULL &&
           parse_whole_double(text, &value) == TC_OK;
}

static void write_scalar(struct json_enc *enc, const char *key, struct fy_node *node)
{
    size_t size = 0;
    const char *bytes = node == NULL ? NULL : fy_node_get_scalar(node, &size);
    TC_CLEANUP(mem_freep) char *text = mem_dup(bytes, bytes == NULL ? 0 : size);
    bool is_plain = node == NULL || fy_node_get_style(node) == FYNS_PLAIN;
    if (is_plain && (str_eq(text, "true") || str_eq(text, "false"))) {
        json_enc_bool(enc, key, text[0] == 't');
    } else if (is_plain && (str_eq(text, "") || str_eq(text, "null") || str_eq(text, "~"))) {
        json_enc_null(enc, key);
    } else if (is_plain && is_json_number(text)) {
        json_enc_raw(enc, key, text, size);
    } else {
        json_enc_strn(enc, key, text, size);
    }
}

struct level {
    struct fy_node *node;
    void *next;
};

struct walk {
    const struct config_yaml *yaml;
    struct json_enc enc;
    struct level levels[LIMIT_JSON_DEPTH];
    size_t depth;
};

static int check_node(const struct walk *walk, struct fy_node *node, struct err *err)
{
    if (node != NULL && fy_node_is_alias(node)) {
        return fail_at(walk->yaml, node, "an alias (*name): write the value out", err);
    }
    if (node != NULL && (fy_node_get_tag_token(node) != NULL)) {
        return fail_at(walk->yaml, node, "a tag (!name): quote the value if it is a text", err);
    }
    return TC_OK;
}

/* Write a scalar, or open a collection and go down into it. */
static int enter(struct walk *walk, const char *key, struct fy_node *node, struct err *err)
{
    int code = check_node(walk, node, err);
    if (code != TC_OK) {
        return code;
    }
    if (node == NULL || fy_node_is_scalar(node)) {
        write_scalar(&walk->enc, key, node);
        return TC_OK;
    }
    if (walk->depth == LIMIT_JSON_DEPTH) {
        return fail_at(walk->yaml, node, "nested too deeply", err);
    }
    walk->levels[walk->depth++] = (struct level){node, NULL};
    if (fy_node_is_mapping(node)) {
        json_enc_obj(&walk->enc, key);
    } else {
        json_enc_arr(&walk->enc, key);
    }
    return TC_OK;
}

static void leave(struct walk *walk)
{
    walk->depth--;
    if (fy_node_is_mapping(walk->levels[walk->depth].node)) {
        json_enc_obj_end(&walk->enc);
    } else {
        json_enc_arr_end(&walk->enc);
    }
}

static int step_mapping(struct walk *walk, struct level *level, struct err *err)
{
    struct fy_node_pair *pair = fy_node_mapping_iterate(level->node, &level->next);
    if (pair == NULL) {
        leave(walk);
        return TC_OK;
    }
    struct fy_node *name = fy_node_pair_key(pair);
    size_t size = 0;
    const char *bytes =
        name == NULL || !fy_node_is_scalar(name) ? NULL : fy_node_get_scalar(name, &size);
    if (bytes == NULL || size == 0) {
        return fail_at(walk->yaml, level->node, "a key is not a plain name", err);
    }
    TC_CLEANUP(mem_freep) char *key = mem_dup(bytes, size);
    return enter(walk, key, fy_node_pair_value(pair), err);
}

int config_yaml_json(const struct config_yaml *yaml, struct buf *out, struct err *err)
{
    struct fy_node *root = yaml->document == NULL ? NULL : fy_document_root(yaml->document);
    if (root == NULL) {
        buf_add_str(out, "{}");
        return TC_OK;
    }
    struct walk walk = {.yaml = yaml};
    json_enc_start(&walk.enc, out);
    int code = enter(&walk, NULL, root, err);
    while (code == TC_OK && walk.depth > 0) {
        struct level *level = &walk.levels[walk.depth - 1];
        if (fy_node_is_mapping(level->node)) {
            code = step_mapping(&walk, level, err);
            continue;
        }
        struct fy_node *item = fy_node_sequence_iterate(level->node, &level->next);
        if (item == NULL) {
            leave(&walk);
        } else {
            code = enter(&walk, NULL, item, err);
        }
    }
    if (code == TC_OK && out->err != TC_OK) {
        code = err_set(err, TC_ERANGE, "%s is too large", yaml->name);
    }
    return code;
}

size_t config_yaml_line(const struct config_yaml *yaml, const char *path)
{
    struct fy_node *node = yaml->document == NULL ? NULL : fy_document_root(yaml->document);
    size_t line = 0;
    while (node != NULL && fy_node_is_mapping(node) && *path != '\0') {
        size_t size = strcspn(path, ".:[ ");
        struct fy_node_pair *pair = fy_node_mapping_lookup_pair_by_simple_key(node, path, size);
        if (pair == NULL) {
            break;
        }
        line = node_line(fy_node_pair_key(pair));
        node = fy_node_pair_value(pair);
        path += size;
        if (*path != '.') {
            break;
        }
        path++;
    }
    return line;
}
