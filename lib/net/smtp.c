/* Mail transactions on libcurl: the guards that keep text from becoming SMTP commands, and the
 * options of this protocol. Renders nothing: the message comes ready. Called by notifiers. */
#include "lib/net/smtp.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/net/transfer.h"

enum {
    ADDRESS_BYTES_MAX = 254, /* RFC 5321 4.5.3.1.3: 256 with the brackets */
    LINE_BYTES_MAX = 998,    /* RFC 5322 2.1.1 */
};

#define MUST_SET(easy, option, value) TC_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

int smtp_check_address(const char *address, struct err *err)
{
    size_t length = strlen(address);
    const char *at = strchr(address, '@');
    if (length > ADDRESS_BYTES_MAX) {
        return err_set(err, TC_EINVAL, "a mail address is longer than %d bytes", ADDRESS_BYTES_MAX);
    }
    for (const char *p = address; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("<>()[]\\,;:\"", *p) != NULL) {
            return err_set(err, TC_EINVAL,
                           "a mail address holds a space, bracket, quote, control or non-ASCII "
                           "byte: it must be of the form name@domain");
        }
    }
    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL) {
        return err_set(err, TC_EINVAL, "a mail address is not of the form name@domain");
    }
    return TC_OK;
}

/* A bare CR or LF could end the mail early on a lenient server (SMTP smuggling). */
static int check_message(const struct smtp_mail *mail, struct err *err)
{
    const char *message = mail->message;
    size_t line = 0;
    if (mail->message_size < 2 || mail->message_size > LIMIT_MAIL_BYTES) {
        return err_set(err, TC_EINVAL, "the mail is empty or larger than %d bytes",
                       LIMIT_MAIL_BYTES);
    }
    for (size_t i = 0; i < mail->message_size; i++) {
        bool is_end = message[i] == '\r' && i + 1 < mail->message_size && message[i + 1] == '\n';
        if (is_end) {
            line = 0;
            i++;
            continue;
        }
        line++;
        if (message[i] == '\r' || message[i] == '\n' || message[i] == '\0') {
            return err_set(err, TC_EINVAL, "the mail holds a NUL or a bare CR or LF");
        }
        if (line > LINE_BYTES_MAX) {
            return err_set(err, TC_EINVAL, "the mail has a line over %d bytes", LINE_BYTES_MAX);
        }
    }
    return line == 0 ? TC_OK : err_set(err, TC_EINVAL, "the mail's last line has no end");
}

static int check_server(const struct smtp_mail *mail, struct err *err)
{
    bool is_known =
        str_has_prefix(mail->server, "smtp://") || str_has_prefix(mail->server, "smtps://");
    const char *host = is_known ? strchr(mail->server, ':') + 3 : "";
    if (host[0] == '\0' || strpbrk(host, "/?#@ ") != NULL || !transfer_is_clean(host)) {
        return err_set(err, TC_EINVAL,
                       "the mail server is not of the form smtp://host:port or smtps://host:port");
    }
    if (mail->helo != NULL && (!transfer_is_clean(mail->helo) || strpbrk(mail->helo, " /?#%"))) {
        return err_set(err, TC_EINVAL, "the name for EHLO is not a host name");
    }
    return TC_OK;
}

static int check_mail(const struct smtp_mail *mail, struct err *err)
{
    int status = check_server(mail, err);
    if (status == TC_OK && mail->from[0] != '\0') {
        status = smtp_check_address(mail->from, err);
    }
    if (status == TC_OK) {
        status = smtp_check_address(mail->to, err);
    }
    if (status == TC_OK) {
        status = check_message(mail, err);
    }
    return status;
}

static long tls_option(enum smtp_tls tls)
{
    switch (tls) {
    case SMTP_TLS_REQUIRED:
        return CURLUSESSL_ALL;
    case SMTP_TLS_IF_OFFERED:
        return CURLUSESSL_TRY;
    case SMTP_TLS_NEVER:
        return CURLUSESSL_NONE;
    }
    TC_UNREACHABLE();
}

static int set_server(CURL *easy, const struct smtp_mail *mail, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf url;
    buf_init(&url, LIMIT_URL_BYTES);
    buf_add_fmt(&url, "%s/%s", mail->server, mail->helo != NULL ? mail->helo : "");
    if (url.err != TC_OK || curl_easy_setopt(easy, CURLOPT_URL, url.p) != CURLE_OK) {
        return err_set(err, TC_EINVAL, "the mail server's URL is not well-formed");
    }
    return TC_OK;
}

int smtp_start(struct net *net, const struct smtp_mail *mail, net_done_fn done, void *ctx,
               struct err *err)
{
    int status = check_mail(mail, err);
    if (status != TC_OK) {
        return status;
    }
    TC_CLEANUP(transfer_freep)
    struct transfer *transfer =
        transfer_new(net_policy_of(net), "smtp,smtps", mail->connect_timeout_ms, mail->timeout_ms);
    CURL *easy = transfer->easy;
    status = set_server(easy, mail, err);
    if (status != TC_OK) {
        return status;
    }
    transfer->is_smtp = true;
    transfer_add_line(transfer, mail->to);
    transfer_set_upload(transfer, mail->message, mail->message_size);
    MUST_SET(easy, CURLOPT_USE_SSL, tls_option(mail->tls));
    MUST_SET(easy, CURLOPT_MAIL_FROM, mail->from);
    MUST_SET(easy, CURLOPT_MAIL_RCPT, transfer->lines);
    MUST_SET(easy, CURLOPT_UPLOAD, 1L);
    MUST_SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message_size);
    if (mail->user != NULL) {
        MUST_SET(easy, CURLOPT_USERNAME, mail->user);
        MUST_SET(easy, CURLOPT_PASSWORD, mail->password != NULL ? mail->password : "");
    }
    if (mail->ca_file != NULL) {
        MUST_SET(easy, CURLOPT_CAINFO, mail->ca_file);
    }
    net_add(net, TC_TAKE_PTR(transfer), done, ctx);
    return TC_OK;
}
