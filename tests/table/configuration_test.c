/* docs/manual/configuration.md is what the rules of the configuration and of the channels say. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/rules.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "notifiers/channel.h"
#include "tests/support/test.h"

enum {
    PAGE_BYTES_MAX = 1024 * 1024,
    NAME_BYTES = 128,
};

static const char *type_name(enum rule_type type)
{
    switch (type) {
    case RULE_STRING:
        return "text";
    case RULE_INTEGER:
        return "integer";
    case RULE_NUMBER:
        return "number";
    case RULE_BOOLEAN:
        return "boolean";
    case RULE_DURATION:
        return "duration";
    case RULE_SECRET:
        return "secret";
    case RULE_STRINGS:
        return "list of texts";
    case RULE_OBJECT:
        return "section";
    case RULE_MAP:
        return "map";
    case RULE_ANY:
        return "map";
    }
    TC_UNREACHABLE();
}

/* A pipe in a cell would end it. */
static void add_cell(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        buf_add_fmt(out, "%s%c", *c == '|' ? "\\" : "", *c);
    }
}

static void add_rows(const struct rule *rules, const char *prefix, struct buf *out)
{
    for (const struct rule *rule = rules; rule->name != NULL; rule++) {
        char path[NAME_BYTES];
        (void)snprintf(path, sizeof(path), "%s%s", prefix, rule->name); /* names are short */
        buf_add_fmt(out, "| `%s` | %s", path, type_name(rule->type));
        for (const char *const *choice = rule->choices; choice != NULL && *choice != NULL;
             choice++) {
            buf_add_fmt(out, "%s%s", choice == rule->choices ? ": " : ", ", *choice);
        }
        bool has_default = rule->fallback != NULL;
        buf_add_fmt(out, " | %s%s%s | ",
                    has_default         ? "`"
                    : rule->is_required ? "required"
                                        : "",
                    has_default ? rule->fallback : "", has_default ? "`" : "");
        add_cell(out, rule->doc);
        buf_add_str(out, " |\n");
        if (rule->type == RULE_MAP) {
            char inner[NAME_BYTES + 8];
            (void)snprintf(inner, sizeof(inner), "%s.NAME.", path); /* names are short */
            add_rows(rule->rules, inner, out);
        }
    }
}

static void add_table(const struct rule *rules, const char *prefix, struct buf *out)
{
    buf_add_str(out, "\n| key | type | default | what it is |\n|---|---|---|---|\n");
    add_rows(rules, prefix, out);
}

static void add_page(struct buf *out)
{
    struct rule top[16];
    size_t count = 0;
    for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
        if (rule->type != RULE_OBJECT) {
            assert_true(count < sizeof(top) / sizeof(top[0]) - 1);
            top[count++] = *rule;
        }
    }
    top[count] = (struct rule){.name = NULL};
    buf_add_str(out,
                "# The configuration\n\n<!-- Printed from the rules; `ctest -R configuration` says "
                "when it is old. -->\n\nOne YAML file serves all programs of a host. Each key of a "
                "section can be overridden by `TOCSIN_<SECTION>_<KEY>` (lists and maps as JSON). A "
                "duration is \"30s\", \"5m\", \"2h\", \"1d\" or whole seconds. A secret is a "
                "reference, never the secret itself: \"file:PATH\", \"cred:NAME\" (systemd) or "
                "\"env:NAME\".\n\n## Top level\n");
    add_table(top, "", out);
    for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
        char prefix[NAME_BYTES];
        if (rule->type == RULE_OBJECT) {
            (void)snprintf(prefix, sizeof(prefix), "%s.", rule->name); /* names are short */
            buf_add_fmt(out, "\n## %s\n\n%s\n", rule->name, rule->doc);
            add_table(rule->rules, prefix, out);
        }
    }
    for (const struct channel *const *one = channel_all(); *one != NULL; one++) {
        char prefix[NAME_BYTES];
        (void)snprintf(prefix, sizeof(prefix), "channels.%s.", (*one)->name); /* short */
        buf_add_fmt(out, "\n## channels.%s\n\n%s\n", (*one)->name, (*one)->doc);
        add_table((*one)->rules, prefix, out);
    }
}

static void page_is_up_to_date(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf out;
    char *text = NULL;
    const char *fresh = BINARY_DIR "/configuration.md";
    buf_init(&out, PAGE_BYTES_MAX);
    add_page(&out);
    assert_int_equal(out.err, TC_OK);
    assert_int_equal(file_write(fresh, 0644, out.p, out.len, &err), TC_OK);
    int code =
        file_read(SOURCE_DIR "/docs/manual/configuration.md", PAGE_BYTES_MAX, &text, NULL, &err);
    if (code != TC_OK || strcmp(text, out.p) != 0) {
        fail_msg("docs/manual/configuration.md is old: copy %s there", fresh);
    }
    mem_free(text);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_up_to_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
