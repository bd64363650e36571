/* The configuration file that init writes, printed from the rules (lib/sys/config_rules.c), so that it
 * can't tell of a key that does not exist. Called by init.c. */
#include "cli/init_yaml.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"

enum {
    PATH_BYTES = 128,
};

static const char *value_of(const struct init_value *values, const char *section, const char *key)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s%s%s", section == NULL ? "" : section,
                   section == NULL ? "" : ".", key); /* names of the rules are short */
    for (const struct init_value *value = values; value->path != NULL; value++) {
        if (str_eq(value->path, path)) {
            return value->json;
        }
    }
    return NULL;
}

static bool has_values(const struct init_value *values, const char *section)
{
    size_t size = strlen(section);
    for (const struct init_value *value = values; value->path != NULL; value++) {
        if (strncmp(value->path, section, size) == 0 && value->path[size] == '.') {
            return true;
        }
    }
    return false;
}

static void write_key(const struct init_value *values, const char *section, const struct rule *rule,
                      struct buf *out)
{
    const char *indent = section == NULL ? "" : "  ";
    const char *json = value_of(values, section, rule->name);
    buf_add_fmt(out, "%s# %s\n", indent, rule->doc);
    if (json != NULL) {
        buf_add_fmt(out, "%s%s: %s\n", indent, rule->name, json);
    } else {
        buf_add_fmt(out, "%s# %s: %s\n", indent, rule->name,
                    rule->fallback == NULL ? "" : rule->fallback);
    }
}

void init_yaml_write(const struct init_value *values, struct buf *out)
{
    buf_add_str(out,
                "# The configuration of tocsin on this host. Lines behind a single \"# \" are "
                "keys with their defaults.\n"
                "# `tocsin --config THIS config check` checks it, `config show` tells where each "
                "value comes from.\n"
                "# Secrets stand in files of their own: \"file:PATH\", \"cred:NAME\" (systemd) or "
                "\"env:NAME\".\n");
    for (const struct rule *rule = config_rules(); rule->name != NULL; rule++) {
        buf_add_char(out, '\n');
        if (rule->type != RULE_OBJECT) {
            write_key(values, NULL, rule, out);
            continue;
        }
        /* A section without any key set is no section: its line would be a null. */
        buf_add_fmt(out, "# %s\n%s%s:\n", rule->doc, has_values(values, rule->name) ? "" : "# ",
                    rule->name);
        for (const struct rule *one = rule->rules; one->name != NULL; one++) {
            write_key(values, rule->name, one, out);
        }
    }
}
