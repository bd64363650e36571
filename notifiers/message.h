#ifndef NOTIFIERS_MESSAGE_H
#define NOTIFIERS_MESSAGE_H

struct buf;
struct notification;

/* Who a mail is from and to. Borrowed; addresses as smtp_check_address takes them. */
struct message_envelope {
    const char *from;
    const char *from_name; /* "" for none */
    const char *to;
};

/* Write a notification as a mail: plain text and HTML, headers for threads, filters and vacation
 * replies. Pure: the same notification gives the same bytes, so that a repeated delivery carries
 * the same Message-ID and can be recognised.
 * Shape:  appends an RFC 5322 message, CRLF only, ASCII only, no line over 998 bytes.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void message_add(const struct notification *notification, const struct message_envelope *envelope,
                 struct buf *out);

#endif
