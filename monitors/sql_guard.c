/* Reads a statement as far as is needed to refuse what writes. It is no parser and knows no table.
 * Called by the sql check before anything is sent. */
#include "monitors/sql_guard.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

/* Where the reading is. */
struct scan {
    const char *at;
    bool backslash_escapes;
    size_t words;
    bool is_ended; /* behind a semicolon */
};

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Behind a quoted part; a doubled quote stands for itself. */
static int skip_quoted(struct scan *scan, struct err *err)
{
    char quote = *scan->at++;
    while (*scan->at != '\0') {
        char next = scan->at[1];
        bool can_escape = scan->backslash_escapes && quote != '`' && next != '\0';
        bool is_escaped = *scan->at == '\\' && can_escape;
        bool is_doubled = *scan->at == quote && next == quote;
        if (is_escaped || is_doubled) {
            scan->at += 2;
        } else if (*scan->at++ == quote) {
            return TC_OK;
        }
    }
    return err_set(err, TC_EINVAL, "a quote (%c) is not closed", quote);
}

static void skip_line(struct scan *scan)
{
    scan->at += strcspn(scan->at, "\n");
}

static int skip_comment(struct scan *scan, struct err *err)
{
    if (scan->at[2] == '!' || ((scan->at[2] == 'M' || scan->at[2] == 'm') && scan->at[3] == '!')) {
        return err_set(err, TC_EINVAL, "comments that the server executes (/*! */) are refused");
    }
    const char *end = strstr(scan->at + 2, "*/");
    if (end == NULL) {
        return err_set(err, TC_EINVAL, "a comment is not closed");
    }
    scan->at = end + 2;
    return TC_OK;
}

static int read_word(struct scan *scan, struct err *err)
{
    static const char *const first[] = {"SELECT", "WITH", "VALUES", "SHOW", NULL};
    const char *word = scan->at;
    while (is_word_char(*scan->at)) {
        scan->at++;
    }
    size_t size = (size_t)(scan->at - word);
    bool is_known = false;
    for (size_t i = 0; first[i] != NULL; i++) {
        is_known |= strlen(first[i]) == size && strncasecmp(word, first[i], size) == 0;
    }
    if (scan->words++ == 0 && !is_known) {
        return err_set(err, TC_EINVAL,
                       "the query must read only and begin with SELECT, WITH, VALUES or SHOW, not "
                       "with %.*s",
                       size < 40 ? (int)size : 40, word);
    }
    if (size == 4 && strncasecmp(word, "INTO", size) == 0) {
        return err_set(err, TC_EINVAL, "the query must read only: INTO is refused");
    }
    return TC_OK;
}

static int read_part(struct scan *scan, struct err *err)
{
    char c = *scan->at;
    if (c == '-' && scan->at[1] == '-') {
        skip_line(scan);
        return TC_OK;
    }
    if (c == '/' && scan->at[1] == '*') {
        return skip_comment(scan, err);
    }
    if (isspace((unsigned char)c) != 0) {
        scan->at++;
        return TC_OK;
    }
    if (c == '#' && scan->backslash_escapes) { /* a comment in MySQL only */
        skip_line(scan);
        return TC_OK;
    }
    if (scan->is_ended) {
        return err_set(err, TC_EINVAL,
                       "the query must be one statement; there is more behind \";\"");
    }
    if (c == '\'' || c == '"' || c == '`') {
        return skip_quoted(scan, err);
    }
    if (is_word_char(c)) {
        return read_word(scan, err);
    }
    scan->is_ended = c == ';';
    scan->at++;
    return TC_OK;
}

int sql_guard(const char *query, bool backslash_escapes, struct err *err)
{
    struct scan scan = {.at = query, .backslash_escapes = backslash_escapes};
    while (*scan.at != '\0') {
        int rc = read_part(&scan, err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    if (scan.words == 0) {
        return err_set(err, TC_EINVAL, "the query is empty");
    }
    return TC_OK;
}
