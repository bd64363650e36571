#ifndef NOTIFIERS_TEXT_H
#define NOTIFIERS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct notification;

/* The words of a notification, the same in every channel; each channel escapes and cuts them for
 * its own kind of place. All is raw UTF-8, headline and values of one line. */
enum {
    TEXT_FACTS_MAX = 12,
    TEXT_LINKS_MAX = 4,
};

struct text_fact {
    const char *label; /* static */
    char *value;       /* owned */
};

struct text_link {
    const char *label; /* static */
    const char *url;   /* borrowed from the notification; http or https */
};

struct text {
    struct buf subject;  /* "[Monitor ALERT] name" */
    struct buf headline; /* a sentence: what is so, and since when */
    struct text_fact facts[TEXT_FACTS_MAX];
    size_t fact_count;
    struct text_link links[TEXT_LINKS_MAX];
    size_t link_count;
};

/* Put a notification into words.
 * Shape:  times in the monitor's zone and in UTC; an unknown zone leaves UTC alone.
 * Units:  none.
 * Owns:   the caller releases with text_free; borrows the notification's texts meanwhile.
 * Errors: none. */
void text_render(const struct notification *notification, struct text *ret_text);
void text_free(struct text *text);

/* The whole as plain text, lines ended by a line feed: headline, message, facts, links.
 * Trivial. */
void text_add_plain(const struct notification *notification, const struct text *text,
                    struct buf *out);

/* Append s escaped, in at most max bytes of output, ending in a mark where it had to be cut: it is
 * cut before it is escaped, so no escape is ever broken.
 * Shape:  s valid UTF-8; max at least 64.
 * Units:  bytes of escaped output.
 * Owns:   copies.
 * Errors: none but out's. */
void text_add_escaped(struct buf *out, const char *s, size_t max,
                      void (*escape)(struct buf *out, const char *s));

/* For text_add_escaped where nothing needs escaping.
 * Trivial. */
void text_escape_none(struct buf *out, const char *s);

#endif
