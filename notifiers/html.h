#ifndef NOTIFIERS_HTML_H
#define NOTIFIERS_HTML_H

struct buf;
struct notification;
struct text;

/* The HTML side of a mail: one headline, the check's message, a table of facts, links. Inline
 * styles only, nothing loaded from anywhere, readable in light and dark.
 * Shape:  appends one whole document, lines ended by a line feed.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void html_add_page(const struct notification *notification, const struct text *text,
                   struct buf *out);

#endif
