/* A plain TCP conversation. libcurl resolves and connects, within the time limit and the policy;
 * the bytes are exchanged here. Called by the tcp check. */
#include "lib/net/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/net/transfer.h"

enum {
    CHUNK_BYTES = 4096,
    URL_BYTES = 512,
};

#define MUST_SET(easy, option, value) TC_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

/* A conversation that is going on. */
struct talk {
    int fd;    /* borrowed from the transfer */
    int timer; /* borrowed */
    const struct tcp_request *request;
    struct transfer *transfer;
};

static int set_target(CURL *easy, const struct tcp_request *request, struct err *err)
{
    char url[URL_BYTES];
    bool is_v6 = strchr(request->host, ':') != NULL;
    int size = snprintf(url, sizeof(url), "http://%s%s%s:%u/", is_v6 ? "[" : "", request->host,
                        is_v6 ? "]" : "", request->port);
    CURLU *parts = curl_url();
    TC_ASSERT(parts != NULL);
    bool is_url = size < (int)sizeof(url) && strpbrk(request->host, "/?#@\\ ") == NULL &&
                  transfer_is_clean(url) && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parts);
    if (!is_url || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK) {
        return err_set(err, TC_EINVAL, "\"%.100s\" is no host name or address", request->host);
    }
    return TC_OK;
}

/* Real ms until the limit. */
static int64_t left_ms(const struct talk *talk)
{
    struct itimerspec left = {.it_value = {0, 0}};
    TC_ASSERT(timerfd_gettime(talk->timer, &left) == 0);
    return (int64_t)left.it_value.tv_sec * 1000 + left.it_value.tv_nsec / 1000000;
}

/* Wait until the socket is ready; false when time is up. */
static bool wait_for(const struct talk *talk, short events)
{
    struct pollfd both[] = {{.fd = talk->fd, .events = events},
                            {.fd = talk->timer, .events = POLLIN}};
    while (poll(both, 2, -1) < 0) {
        TC_ASSERT(errno == EINTR);
    }
    return both[1].revents == 0;
}

/* The limit is one for the whole talk: a remote that drips bytes does not put it off. */
static int start_timer(int64_t limit_ms, int *ret_fd, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec limit = {
        .it_value = {.tv_sec = limit_ms / 1000, .tv_nsec = limit_ms % 1000 * 1000000}};
    if (fd < 0 || timerfd_settime(fd, 0, &limit, NULL) != 0) {
        return err_set(err, TC_EIO, "no timer: %s", strerrordesc_np(errno));
    }
    *ret_fd = fd;
    return TC_OK;
}

static enum net_end say(const struct talk *talk)
{
    const char *bytes = talk->request->send;
    size_t left = bytes == NULL ? 0 : strlen(bytes);
    while (left > 0) {
        ssize_t sent = send(talk->fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes += sent;
            left -= (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            return NET_BROKEN;
        } else if (!wait_for(talk, POLLOUT)) {
            return NET_TIMED_OUT;
        }
    }
    return NET_ANSWERED;
}

static enum net_end listen_for(const struct talk *talk)
{
    struct buf *body = &talk->transfer->body;
    const char *expect = talk->request->expect;
    size_t expect_size = expect == NULL ? 0 : strlen(expect);
    while (expect_size > 0 && memmem(body->p, body->len, expect, expect_size) == NULL) {
        size_t room = body->max - body->len;
        if (room == 0) {
            talk->transfer->is_cut = true;
            return NET_BROKEN;
        }
        char chunk[CHUNK_BYTES];
        ssize_t got =
            recv(talk->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk), MSG_DONTWAIT);
        if (got > 0) {
            buf_add(body, chunk, (size_t)got);
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return NET_BROKEN;
        } else if (!wait_for(talk, POLLIN)) {
            return NET_TIMED_OUT;
        }
    }
    return NET_ANSWERED;
}

static const char *cause_of(const struct talk *talk, enum net_end end)
{
    if (end == NET_TIMED_OUT) {
        return "no answer in time";
    }
    return talk->transfer->is_cut ? "it says much, but not that" : "it closed the connection";
}

int tcp_converse(const struct net_policy *policy, const struct tcp_request *request,
                 struct net_result *ret_result, struct err *err)
{
    TC_ASSERT(request->timeout_ms > 0);
    TC_CLEANUP(transfer_freep)
    struct transfer *transfer =
        transfer_new(policy, "http", request->timeout_ms, request->timeout_ms);
    int status = set_target(transfer->easy, request, err);
    if (status != TC_OK) {
        return status;
    }
    TC_CLEANUP(fd_closep) int timer = -1;
    status = start_timer(request->timeout_ms, &timer, err);
    if (status != TC_OK) {
        return status;
    }
    MUST_SET(transfer->easy, CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(transfer->easy);
    struct talk talk = {.timer = timer, .request = request, .transfer = transfer};
    curl_socket_t fd = CURL_SOCKET_BAD;
    enum net_end end = NET_ANSWERED;
    if (code == CURLE_OK) {
        CURLcode got = curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
        TC_ASSERT(got == CURLE_OK);
        talk.fd = fd;
        end = say(&talk);
        end = end == NET_ANSWERED ? listen_for(&talk) : end;
    }
    transfer_result(transfer, code, ret_result);
    ret_result->is_ambiguous = false;
    ret_result->duration_ms = request->timeout_ms - left_ms(&talk);
    if (code == CURLE_OK) {
        ret_result->end = end;
    }
    if (code == CURLE_OK && end != NET_ANSWERED) {
        (void)snprintf(ret_result->text, sizeof(ret_result->text), "%s", cause_of(&talk, end));
    }
    return TC_OK;
}
