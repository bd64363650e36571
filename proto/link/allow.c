/* The allow-list as text and as a sorted table. It reads no file; context.c does. */
#include "proto/link/allow.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

enum {
    WORDS = 3,
    LINE_BYTES = 512,
};

static int by_key(const void *a, const void *b)
{
    const struct allow_entry *x = a;
    const struct allow_entry *y = b;
    return strcmp(x->key, y->key);
}

/* Cut a line into words; returns how many there are. */
static size_t split(char *line, char *ret_words[static WORDS])
{
    size_t count = 0;
    for (char *c = line + strspn(line, " \t\r"); *c != '\0'; c += strspn(c, " \t\r")) {
        if (count < WORDS) {
            ret_words[count] = c;
        }
        count++;
        c += strcspn(c, " \t\r");
        if (*c != '\0') {
            *c++ = '\0';
        }
    }
    return count;
}

static int parse_role(const char *word, enum message_role *ret_role)
{
    static const enum message_role roles[] = {MESSAGE_RUNNER, MESSAGE_NOTIFIER, MESSAGE_WEB};
    static const char *const names[] = {"runner", "notifier", "web"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (str_eq(word, names[i])) {
            *ret_role = roles[i];
            return TC_OK;
        }
    }
    return TC_EINVAL;
}

static int parse_line(char *line, struct allow_entry *entry)
{
    char *words[WORDS] = {NULL};
    if (split(line, words) != WORDS || parse_role(words[0], &entry->role) != TC_OK ||
        str_copy(entry->name, sizeof(entry->name), words[1]) != TC_OK ||
        !link_key_is_valid(words[2])) {
        return TC_ECONFIG;
    }
    return str_copy(entry->key, sizeof(entry->key), words[2]);
}

int allow_parse(const char *text, struct allow *ret_allow, struct err *err)
{
    size_t lines = 1;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n' ? 1 : 0;
    }
    struct allow allow = {mem_array(lines, sizeof(struct allow_entry)), 0};
    const char *at = text;
    for (size_t number = 1; number <= lines; number++) {
        size_t size = strcspn(at, "\n");
        char line[LINE_BYTES];
        size_t kept = size < sizeof(line) ? size : sizeof(line) - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        at += size + (at[size] == '\n' ? 1 : 0);
        const char *first = line + strspn(line, " \t\r");
        if (*first == '\0' || *first == '#') {
            continue;
        }
        if (parse_line(line, &allow.entries[allow.count]) != TC_OK) {
            allow_free(&allow);
            return err_set(err, TC_ECONFIG,
                           "line %zu must be \"runner|notifier|web <name> <40 characters of key>\"",
                           number);
        }
        allow.count++;
    }
    qsort(allow.entries, allow.count, sizeof(*allow.entries), by_key);
    for (size_t i = 1; i < allow.count; i++) {
        if (str_eq(allow.entries[i - 1].key, allow.entries[i].key)) {
            int rc = err_set(err, TC_ECONFIG, "%s and %s have the same key",
                             allow.entries[i - 1].name, allow.entries[i].name);
            allow_free(&allow);
            return rc;
        }
    }
    *ret_allow = allow;
    return TC_OK;
}

const struct allow_entry *allow_find(const struct allow *allow, const char *key)
{
    struct allow_entry wanted = {.name = ""};
    if (allow->count == 0 || str_copy(wanted.key, sizeof(wanted.key), key) != TC_OK) {
        return NULL;
    }
    return bsearch(&wanted, allow->entries, allow->count, sizeof(*allow->entries), by_key);
}

void allow_free(struct allow *allow)
{
    mem_free(allow->entries);
    *allow = (struct allow){NULL, 0};
}
