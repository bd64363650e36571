/* Options, receiving and sending of ZeroMQ sockets. Knows no roles and no keys; called by context.c,
 * server.c and client.c. */
#include "proto/link/socket.h"

#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"

enum {
    CURVE_BYTES =
        33, /* what CURVE puts around a frame, which ZeroMQ counts too (RFC 26, MESSAGE) */
};

void socket_set(void *socket, int option, const void *value, size_t size)
{
    int rc = zmq_setsockopt(socket, option, value, size);
    TC_ASSERT(rc == 0);
}

void socket_set_int(void *socket, int option, int value)
{
    socket_set(socket, option, &value, sizeof(value));
}

void *socket_new(void *zmq, int type)
{
    void *s = zmq_socket(zmq, type);
    if (s == NULL) {
        return NULL;
    }
    int64_t size_max = LIMIT_FRAME_BYTES + CURVE_BYTES;
    socket_set(s, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max));
    socket_set_int(s, ZMQ_LINGER, 0);
    socket_set_int(s, ZMQ_SNDHWM, 256);
    socket_set_int(s, ZMQ_RCVHWM, 32); /* frames of 1 MiB: what one allowed peer can make us hold */
    socket_set_int(s, ZMQ_IPV6, 1);
    socket_set_int(s, ZMQ_HANDSHAKE_IVL, 10000);
    socket_set_int(s, ZMQ_HEARTBEAT_IVL, 5000);
    socket_set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 15000);
    socket_set_int(s, ZMQ_HEARTBEAT_TTL, 15000);
    socket_set_int(s, ZMQ_TCP_KEEPALIVE, 1);
    return s;
}

void *socket_close(void *socket)
{
    if (socket != NULL) {
        (void)zmq_close(socket); /* fails only for what is no socket */
    }
    return NULL;
}

void socket_closep(void **socket)
{
    *socket = socket_close(*socket);
}

int socket_receive_part(void *socket, zmq_msg_t *ret_part)
{
    zmq_msg_t *part = ret_part;
    (void)zmq_msg_init(part); /* documented not to fail */
    int rc = 0;
    do {
        rc = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        int error = errno;
        (void)zmq_msg_close(part); /* empty */
        return error == EAGAIN ? TC_EAGAIN : TC_EIO;
    }
    return TC_OK;
}

int socket_receive(void *socket, struct socket_message *ret_message)
{
    struct socket_message *m = ret_message;
    m->count = 0;
    for (bool has_more = true; has_more;) {
        zmq_msg_t extra;
        zmq_msg_t *part = m->count < SOCKET_PARTS ? &m->parts[m->count] : &extra;
        int rc = socket_receive_part(socket, part);
        if (rc != TC_OK) {
            socket_message_close(m);
            return rc;
        }
        m->count++;
        has_more = zmq_msg_more(part) != 0;
        if (part == &extra) {
            (void)zmq_msg_close(part); /* dropped unread */
        }
    }
    return TC_OK;
}

void socket_message_close(struct socket_message *message)
{
    for (size_t i = 0; i < message->count && i < SOCKET_PARTS; i++) {
        (void)zmq_msg_close(&message->parts[i]); /* fails only for what is no message */
    }
    message->count = 0;
}

void socket_frames(struct socket_message *message, size_t first, struct frame *ret_frames)
{
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        zmq_msg_t *part = &message->parts[first + i];
        ret_frames[i] = (struct frame){zmq_msg_data(part), zmq_msg_size(part)};
    }
}

int socket_send(void *socket, const void *bytes, size_t size, int flags)
{
    int rc = 0;
    do {
        rc = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    } while (rc < 0 && errno == EINTR);
    if (rc >= 0) {
        return TC_OK;
    }
    if (errno == EAGAIN) {
        return TC_EAGAIN;
    }
    return errno == EHOSTUNREACH ? TC_ECLOSED : TC_EIO;
}

int socket_send_frames(void *socket, const struct frames *frames)
{
    int rc = TC_OK;
    for (size_t i = 0; i < LIMIT_FRAMES && rc == TC_OK; i++) {
        const struct frame *f = &frames->part[i];
        rc = socket_send(socket, f->bytes, f->size, i + 1 < LIMIT_FRAMES ? ZMQ_SNDMORE : 0);
    }
    return rc;
}

int socket_check(const struct frames *frames)
{
    return frames->part[FRAME_BODY].size > LIMIT_FRAME_BYTES ? TC_ERANGE : TC_OK;
}

void *socket_monitor(void *zmq, void *socket, const char *name)
{
    int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    if (zmq_socket_monitor(socket, name, events) != 0) {
        return NULL;
    }
    void *pair = zmq_socket(zmq, ZMQ_PAIR);
    if (pair == NULL) {
        return NULL;
    }
    /* Without a bound, because the I/O thread waits for room while it tells an event: with one, a busy
     * reader stops every connection of the context. */
    socket_set_int(pair, ZMQ_RCVHWM, 0);
    socket_set_int(pair, ZMQ_LINGER, 0);
    return zmq_connect(pair, name) == 0 ? pair : socket_close(pair);
}

void *socket_unmonitor(void *socket, void *monitor)
{
    if (socket != NULL) {
        (void)zmq_socket_monitor(socket, NULL, 0); /* fails only for what is no socket */
    }
    return socket_close(monitor);
}

int socket_event(void *monitor)
{
    struct socket_message m;
    if (socket_receive(monitor, &m) != TC_OK) {
        return 0;
    }
    uint16_t event = 0;
    if (zmq_msg_size(&m.parts[0]) >= sizeof(event)) {
        memcpy(&event, zmq_msg_data(&m.parts[0]), sizeof(event));
    }
    socket_message_close(&m);
    return event;
}
