/* HTTP requests on libcurl: the guards that keep text from becoming protocol, and the options of
 * this protocol. What every request shares is transfer.c's. Called by notifiers, checks, cli. */
#include "lib/net/http.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/net/transfer.h"

#define MUST_SET(easy, option, value) TC_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

static int check_headers(const char *const *headers, struct err *err)
{
    for (const char *const *p = headers; p != NULL && *p != NULL; p++) {
        const char *colon = strchr(*p, ':');
        if (colon == NULL || colon == *p || !transfer_is_clean(*p)) {
            return err_set(err, TC_EINVAL,
                           "a header is not of the form \"Name: value\" or holds a control byte");
        }
    }
    return TC_OK;
}

static int check_url(const char *url, struct err *err)
{
    if (!str_has_prefix(url, "https://") && !str_has_prefix(url, "http://")) {
        return err_set(err, TC_EINVAL, "the URL does not begin with https:// or http://");
    }
    if (strlen(url) > LIMIT_URL_BYTES) {
        return err_set(err, TC_ERANGE, "the URL is longer than %d bytes", LIMIT_URL_BYTES);
    }
    if (!transfer_is_clean(url) || strchr(url, ' ') != NULL) {
        return err_set(err, TC_EINVAL, "the URL holds a space or control byte");
    }
    const char *host = strchr(url, ':') + 3;
    size_t length = strcspn(host, "/?#");
    if (length == 0 || memchr(host, '@', length) != NULL) {
        return err_set(err, TC_EINVAL, "the URL has no host, or a user or password in it");
    }
    return TC_OK;
}

static int check_method(const char *method, struct err *err)
{
    size_t length = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (length == 0 || method[length] != '\0') {
        return err_set(err, TC_EINVAL, "the method is not a word of capital letters");
    }
    return TC_OK;
}

static void set_method(CURL *easy, const struct http_request *request)
{
    if (str_eq(request->method, "HEAD")) {
        MUST_SET(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body != NULL) {
        MUST_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        MUST_SET(easy, CURLOPT_COPYPOSTFIELDS, request->body);
    }
    MUST_SET(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static int prepare(const struct net_policy *policy, const struct http_request *request,
                   struct transfer **ret_transfer, struct err *err)
{
    int status = check_url(request->url, err);
    if (status == TC_OK) {
        status = check_method(request->method, err);
    }
    if (status == TC_OK) {
        status = check_headers(request->headers, err);
    }
    if (status != TC_OK) {
        return status;
    }
    TC_CLEANUP(transfer_freep)
    struct transfer *transfer =
        transfer_new(policy, "http,https", request->connect_timeout_ms, request->timeout_ms);
    if (request->answer_bytes_max > 0) {
        transfer->body.max = request->answer_bytes_max;
    }
    CURL *easy = transfer->easy;
    for (const char *const *p = request->headers; p != NULL && *p != NULL; p++) {
        transfer_add_line(transfer, *p);
    }
    transfer_add_line(transfer, "Expect:"); /* no round trip to ask for leave */
    MUST_SET(easy, CURLOPT_HTTPHEADER, transfer->lines);
    MUST_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    MUST_SET(easy, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK) {
        return err_set(err, TC_EINVAL, "the URL is not well-formed");
    }
    if (request->proxy != NULL) {
        MUST_SET(easy, CURLOPT_PROXY, request->proxy);
    }
    if (request->ca_file != NULL) {
        MUST_SET(easy, CURLOPT_CAINFO, request->ca_file);
    }
    if (request->redirects_max > 0) {
        MUST_SET(easy, CURLOPT_FOLLOWLOCATION, 1L);
        MUST_SET(easy, CURLOPT_MAXREDIRS, (long)request->redirects_max);
        MUST_SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    }
    if (request->wants_cert) {
        MUST_SET(easy, CURLOPT_CERTINFO, 1L);
    }
    transfer->wants_head = request->wants_head;
    set_method(easy, request);
    *ret_transfer = TC_TAKE_PTR(transfer);
    return TC_OK;
}

int http_start(struct net *net, const struct http_request *request, net_done_fn done, void *ctx,
               struct err *err)
{
    struct transfer *transfer = NULL;
    int status = prepare(net_policy_of(net), request, &transfer, err);
    if (status == TC_OK) {
        net_add(net, transfer, done, ctx);
    }
    return status;
}

int http_fetch(const struct net_policy *policy, const struct http_request *request,
               struct net_result *ret_result, struct err *err)
{
    TC_CLEANUP(transfer_freep) struct transfer *transfer = NULL;
    int status = prepare(policy, request, &transfer, err);
    if (status == TC_OK) {
        TC_ASSERT(transfer != NULL);
        transfer_result(transfer, curl_easy_perform(transfer->easy), ret_result);
    }
    return status;
}
