#ifndef LIB_NET_SMTP_H
#define LIB_NET_SMTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/net/net.h"

/* How SMTP is protected. */
enum smtp_tls {
    SMTP_TLS_REQUIRED,   /* STARTTLS, or TLS from the start with smtps; else nothing is sent */
    SMTP_TLS_IF_OFFERED, /* the certificate is checked when it is used */
    SMTP_TLS_NEVER,
};

/* One mail to one recipient: the server's verdict is that recipient's. */
struct smtp_mail {
    const char *server; /* "smtp://host:port" or "smtps://host:port", nothing behind */
    const char *helo;   /* the name this host tells; NULL: its own */
    enum smtp_tls tls;
    const char *ca_file;        /* NULL: the system's */
    const char *user;           /* NULL: no authentication */
    const char *password;       /* with user */
    const char *from;           /* envelope sender, a bare address; "" for none */
    const char *to;             /* a bare address */
    const char *message;        /* RFC 5322, every line ended by CRLF, no other CR or LF, no NUL */
    size_t message_size;        /* bytes, at most LIMIT_MAIL_BYTES */
    int64_t connect_timeout_ms; /* 0: 5 s */
    int64_t timeout_ms;         /* 0: 20 s */
};

/* Begin one mail transaction; done runs once, later, from net_ready or net_timeout.
 * Shape:  mail is read during the call only.
 *         The result's status is the last reply's code and body its text: a 2xx with NET_ANSWERED
 *         is the server's acceptance of the mail, 4xx and 5xx a refusal at any step. is_ambiguous:
 *         the connection was lost between the final dot and its reply.
 * Units:  real ms.
 * Owns:   copies what it needs; ctx outlives the request; the result is done's for the call only.
 * Errors: TC_EINVAL an address or the message breaks a rule, nothing was sent.
 * Source: RFC 5321 sections 4.2.5, 4.5.2 and 6.1; RFC 3207. */
int smtp_start(struct net *net, const struct smtp_mail *mail, net_done_fn done, void *ctx,
               struct err *err);

/* Whether text can stand between the angle brackets of MAIL FROM and RCPT TO: one @, no control
 * byte, space, bracket or quote, at most 254 bytes.
 * Shape:  NUL-terminated; non-ASCII is refused (no SMTPUTF8).
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_EINVAL with a sentence.
 * Source: RFC 5321 section 4.1.2 and 4.5.3.1.3, without quoted local parts. */
int smtp_check_address(const char *address, struct err *err);

#endif
