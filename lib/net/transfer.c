/* One request on libcurl: the options that hold for every request, the callbacks that bound what
 * is read and judge where it connects, and the translation of libcurl's verdict into ours. Knows
 * nothing of loops; http.c and smtp.c make transfers, net.c drives them. */
#include "lib/net/transfer.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/net/address.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    TIMEOUT_MS = 20000,
    STALL_SECONDS = 10,
    RETRY_AFTER_SECONDS_MAX = 3600,
    REPLY_CODE_DIGITS = 3,
    REPLY_CLOSING = 221,
    REPLY_START_MAIL = 354,
};

/* An option that libcurl refuses is a mistake of ours: without it a rule would not hold. */
#define MUST_SET(easy, option, value) TC_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = ctx;
    (void)purpose; /* only connections are made, never accepted */
    if (!address_is_allowed(transfer->policy, &address->addr)) {
        transfer->is_forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    size_t got = size * count;
    size_t room = transfer->body.max - transfer->body.len;
    if (transfer->is_smtp) {
        return got;
    }
    if (got > room) {
        buf_add(&transfer->body, bytes, room);
        transfer->is_cut = true;
        return 0; /* ends the transfer: nobody reads what is behind the limit */
    }
    buf_add(&transfer->body, bytes, got);
    return got;
}

/* RFC 5321 4.2.1: "250-text" continues, "250 text" and "250" end a reply. */
static void on_reply_line(struct transfer *transfer, const char *line, size_t size)
{
    int code = 0;
    while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == '\n')) {
        size--;
    }
    if (size < REPLY_CODE_DIGITS) {
        return;
    }
    for (size_t i = 0; i < REPLY_CODE_DIGITS; i++) {
        if (line[i] < '0' || line[i] > '9') {
            return;
        }
        code = code * 10 + (line[i] - '0');
    }
    if (code == REPLY_CLOSING) {
        return; /* to the QUIT that libcurl sends after a refusal: it must not hide the refusal */
    }
    if (!transfer->is_reply_open) {
        buf_reset(&transfer->body);
    } else {
        buf_add_char(&transfer->body, '\n');
    }
    buf_add(&transfer->body, line, size);
    transfer->is_reply_open = size > REPLY_CODE_DIGITS && line[REPLY_CODE_DIGITS] == '-';
    if (!transfer->is_reply_open) {
        transfer->reply_code = code;
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    size_t got = size * count;
    transfer->header_bytes += got;
    if (transfer->header_bytes > LIMIT_RESPONSE_BYTES) {
        return 0;
    }
    if (transfer->is_smtp) {
        on_reply_line(transfer, bytes, got);
    }
    if (transfer->wants_head) {
        if (got >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
            buf_reset(&transfer->head); /* the next answer, behind a redirect or a 100 */
        }
        buf_add(&transfer->head, bytes, got);
    }
    return got;
}

static size_t on_upload(char *room, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    size_t left = transfer->upload_size - transfer->upload_taken;
    size_t take = left < size * count ? left : size * count;
    if (take > 0) {
        memcpy(room, transfer->upload + transfer->upload_taken, take);
        transfer->upload_taken += take;
    }
    return take;
}

static int on_rewind(void *ctx, curl_off_t offset, int origin)
{
    struct transfer *transfer = ctx;
    if (origin != SEEK_SET || offset != 0) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    transfer->upload_taken = 0;
    return CURL_SEEKFUNC_OK;
}

static void set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    MUST_SET(easy, CURLOPT_PRIVATE, transfer);
    MUST_SET(easy, CURLOPT_ERRORBUFFER, transfer->cause);
    MUST_SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    MUST_SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    MUST_SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    MUST_SET(easy, CURLOPT_WRITEDATA, transfer);
    MUST_SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    MUST_SET(easy, CURLOPT_HEADERDATA, transfer);
    MUST_SET(easy, CURLOPT_READFUNCTION, on_upload);
    MUST_SET(easy, CURLOPT_READDATA, transfer);
    MUST_SET(easy, CURLOPT_SEEKFUNCTION, on_rewind);
    MUST_SET(easy, CURLOPT_SEEKDATA, transfer);
}

struct transfer *transfer_new(const struct net_policy *policy, const char *protocols,
                              int64_t connect_timeout_ms, int64_t timeout_ms)
{
    struct transfer *transfer = mem_alloc(sizeof *transfer);
    transfer->easy = curl_easy_init();
    TC_ASSERT(transfer->easy != NULL);
    transfer->policy = policy;
    buf_init(&transfer->body, LIMIT_RESPONSE_BYTES);
    buf_init(&transfer->head, LIMIT_RESPONSE_BYTES);
    CURL *easy = transfer->easy;
    int64_t connect_ms = connect_timeout_ms > 0 ? connect_timeout_ms : CONNECT_TIMEOUT_MS;
    int64_t total_ms = timeout_ms > 0 ? timeout_ms : TIMEOUT_MS;
    set_callbacks(transfer);
    MUST_SET(easy, CURLOPT_PROTOCOLS_STR, protocols);
    MUST_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    MUST_SET(easy, CURLOPT_NOSIGNAL, 1L);
    MUST_SET(easy, CURLOPT_PROXY, ""); /* not the environment's */
    MUST_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    MUST_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    MUST_SET(easy, CURLOPT_TIMEOUT_MS, (long)total_ms);
    /* Also bounds the farewell to a server that no longer answers, which blocks the loop. */
    MUST_SET(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)((total_ms + 999) / 1000));
    MUST_SET(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    MUST_SET(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    MUST_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return transfer;
}

struct transfer *transfer_free(struct transfer *transfer)
{
    if (transfer == NULL) {
        return NULL;
    }
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->lines);
    buf_free(&transfer->body);
    buf_free(&transfer->head);
    mem_free(transfer->upload);
    mem_free(transfer);
    return NULL;
}

void transfer_freep(struct transfer **transfer)
{
    *transfer = transfer_free(*transfer);
}

void transfer_set_upload(struct transfer *transfer, const char *bytes, size_t size)
{
    transfer->upload = mem_dup(bytes, size);
    transfer->upload_size = size;
}

void transfer_add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *lines = curl_slist_append(transfer->lines, line);
    TC_ASSERT(lines != NULL);
    transfer->lines = lines;
}

bool transfer_is_clean(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum net_end end_of(const struct transfer *transfer, CURLcode code)
{
    if (transfer->is_forbidden) {
        return NET_FORBIDDEN;
    }
    int family = (int)code; /* libcurl has a hundred codes; those not named here mean "broken" */
    switch (family) {
    case CURLE_OK:
        return NET_ANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return NET_UNREACHABLE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return NET_INSECURE;
    case CURLE_OPERATION_TIMEDOUT:
        return NET_TIMED_OUT;
    default:
        return NET_BROKEN;
    }
}

/* After the final dot the server owns the mail or refuses it; without its reply nobody knows. */
static bool is_mail_ambiguous(const struct transfer *transfer, CURLcode code)
{
    return code != CURLE_OK && transfer->reply_code == REPLY_START_MAIL &&
           transfer->upload_taken == transfer->upload_size;
}

static bool is_http_ambiguous(const struct transfer *transfer, enum net_end end)
{
    long sent = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent); /* 0 when it fails */
    return (end == NET_TIMED_OUT || end == NET_BROKEN) && sent > 0;
}

static void judge_mail(struct transfer *transfer, CURLcode code, struct net_result *result)
{
    result->status = transfer->reply_code;
    result->is_ambiguous = is_mail_ambiguous(transfer, code);
    /* libcurl reports a refusal as a failed send; the reply is what counts. */
    if (result->end == NET_BROKEN && transfer->reply_code >= 400 && !transfer->is_reply_open) {
        result->end = NET_ANSWERED;
    }
}

static void judge_http(struct transfer *transfer, struct net_result *result)
{
    long status = 0;
    curl_off_t seconds = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when it fails */
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    result->status = (int)status;
    if (seconds > 0) {
        curl_off_t capped = seconds < RETRY_AFTER_SECONDS_MAX ? seconds : RETRY_AFTER_SECONDS_MAX;
        result->retry_after_ms = (int64_t)capped * 1000;
    }
    if (transfer->is_cut && status > 0) {
        result->end = NET_ANSWERED;
    }
    result->is_ambiguous = is_http_ambiguous(transfer, result->end);
}

static int64_t connect_us(const struct transfer *transfer)
{
    curl_off_t tcp_us = 0;
    curl_off_t tls_us = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &tcp_us); /* else 0 */
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    return (int64_t)(tls_us > 0 ? tls_us : tcp_us);
}

/* When the first certificate of the chain, the server's own, ends; 0: not known. */
static int64_t cert_end(const struct transfer *transfer)
{
    static const char key[] = "Expire date:";
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs < 1) {
        return 0;
    }
    for (const struct curl_slist *line = chain->certinfo[0]; line != NULL; line = line->next) {
        if (strncmp(line->data, key, sizeof(key) - 1) == 0) {
            int64_t seconds = curl_getdate(line->data + sizeof(key) - 1, NULL);
            return seconds > 0 ? seconds * 1000 : 0;
        }
    }
    return 0;
}

/* libcurl's own words may hold the URL, and with it a webhook's secret; those on TLS hold the
 * host's name at most, and say which of many things is wrong. */
static void explain(const struct transfer *transfer, CURLcode code, struct net_result *result)
{
    const char *text = curl_easy_strerror(code);
    const char *detail = NULL;
    long cause = 0;
    if (result->end == NET_FORBIDDEN) {
        text = "the address is not one that may be connected to";
    } else if (result->end == NET_INSECURE && transfer->cause[0] != '\0') {
        text = transfer->cause;
    } else if (result->end == NET_UNREACHABLE &&
               curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &cause) == CURLE_OK &&
               cause > 0) {
        detail = strerrordesc_np((int)cause);
    }
    (void)snprintf(result->text, sizeof result->text, "%s%s%s", text, detail == NULL ? "" : ": ",
                   detail == NULL ? "" : detail); /* cut at worst */
}

void transfer_result(struct transfer *transfer, CURLcode code, struct net_result *ret_result)
{
    curl_off_t total_us = 0;
    *ret_result = (struct net_result){
        .end = end_of(transfer, code),
        .is_cut = transfer->is_cut,
        .retry_after_ms = -1,
        .curl_code = (int)code,
    };
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &total_us); /* 0 when it fails */
    ret_result->duration_ms = (int64_t)total_us / 1000;
    if (transfer->is_smtp) {
        judge_mail(transfer, code, ret_result);
    } else {
        judge_http(transfer, ret_result);
    }
    ret_result->connect_us = connect_us(transfer);
    ret_result->cert_end_utc_ms = cert_end(transfer);
    if (ret_result->end != NET_ANSWERED) {
        explain(transfer, code, ret_result);
    }
    if (transfer->wants_head) {
        ret_result->head = buf_take(&transfer->head);
    }
    ret_result->body_size = transfer->body.len;
    ret_result->body = buf_take(&transfer->body);
}
