/* The engine: libcurl's multi handle driven by somebody else's loop. Starts, watches and ends
 * transfers; knows neither HTTP nor SMTP. Called by http.c and smtp.c to begin, by the owner of
 * the loop to go on. */
#include "lib/net/net.h"

#include <curl/curl.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/net/transfer.h"

enum {
    HOST_CONNECTIONS_MAX = 32,
    KEPT_CONNECTIONS_MAX = 16,
};

struct net {
    CURLM *multi; /* owned */
    struct net_host host;
    struct net_policy policy;
    struct transfer *transfers; /* owned, in flight */
    size_t count;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct net *net = ctx;
    unsigned events = 0;
    (void)easy;       /* a socket may serve several in turn */
    (void)socket_ctx; /* the host keeps what it needs by descriptor */
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
        events |= NET_READ;
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
        events |= NET_WRITE;
    }
    net->host.watch(net->host.ctx, fd, events);
    return 0;
}

static int on_timer(CURLM *multi, long delay_ms, void *ctx)
{
    struct net *net = ctx;
    (void)multi;
    net->host.timer(net->host.ctx, delay_ms);
    return 0;
}

struct net *net_new(const struct net_host *host, const struct net_policy *policy)
{
    /* Counted by libcurl; a process starts it before it makes its first engine. */
    TC_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct net *net = mem_alloc(sizeof *net);
    net->host = *host;
    net->policy = *policy;
    net->multi = curl_multi_init();
    TC_ASSERT(net->multi != NULL);
    CURLMcode code = curl_multi_setopt(net->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    TC_ASSERT(code == CURLM_OK);
    code = curl_multi_setopt(net->multi, CURLMOPT_SOCKETDATA, net);
    TC_ASSERT(code == CURLM_OK);
    code = curl_multi_setopt(net->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    TC_ASSERT(code == CURLM_OK);
    code = curl_multi_setopt(net->multi, CURLMOPT_TIMERDATA, net);
    TC_ASSERT(code == CURLM_OK);
    code = curl_multi_setopt(net->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS_MAX);
    TC_ASSERT(code == CURLM_OK);
    code = curl_multi_setopt(net->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS_MAX);
    TC_ASSERT(code == CURLM_OK);
    return net;
}

static void drop(struct net *net, struct transfer *transfer)
{
    CURLMcode code = curl_multi_remove_handle(net->multi, transfer->easy);
    TC_ASSERT(code == CURLM_OK);
    if (transfer->previous != NULL) {
        transfer->previous->next = transfer->next;
    } else {
        net->transfers = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->previous = transfer->previous;
    }
    net->count--;
}

struct net *net_free(struct net *net)
{
    if (net == NULL) {
        return NULL;
    }
    while (net->transfers != NULL) {
        struct transfer *transfer = net->transfers;
        drop(net, transfer);
        (void)transfer_free(transfer); /* gives NULL */
    }
    (void)curl_multi_cleanup(net->multi); /* nothing is left that could be busy */
    mem_free(net);
    curl_global_cleanup();
    return NULL;
}

const struct net_policy *net_policy_of(const struct net *net)
{
    return &net->policy;
}

size_t net_count(const struct net *net)
{
    return net->count;
}

void net_add(struct net *net, struct transfer *transfer, net_done_fn done, void *ctx)
{
    transfer->done = done;
    transfer->ctx = ctx;
    transfer->next = net->transfers;
    if (net->transfers != NULL) {
        net->transfers->previous = transfer;
    }
    net->transfers = transfer;
    net->count++;
    CURLMcode code = curl_multi_add_handle(net->multi, transfer->easy);
    TC_ASSERT(code == CURLM_OK);
}

/* End what libcurl has finished. A callback may start further transfers, and may not free net. */
static void reap(struct net *net)
{
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(net->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        struct net_result result;
        CURLcode code = message->data.result; /* message is gone after the removal */
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode got = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        TC_ASSERT(got == CURLE_OK);
        transfer_result(transfer, code, &result);
        drop(net, transfer);
        transfer->done(transfer->ctx, &result);
        net_result_clear(&result);
        (void)transfer_free(transfer); /* gives NULL */
    }
}

void net_ready(struct net *net, int fd, unsigned events)
{
    int running = 0;
    int mask = ((events & NET_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & NET_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    CURLMcode code = curl_multi_socket_action(net->multi, fd, mask, &running);
    TC_ASSERT(code == CURLM_OK);
    reap(net);
}

void net_timeout(struct net *net)
{
    int running = 0;
    CURLMcode code = curl_multi_socket_action(net->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    TC_ASSERT(code == CURLM_OK);
    reap(net);
}

void net_result_clear(struct net_result *result)
{
    if (result != NULL) {
        mem_free(result->body);
        mem_free(result->head);
        result->body = NULL;
        result->head = NULL;
        result->body_size = 0;
    }
}
