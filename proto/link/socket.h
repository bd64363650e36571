#ifndef PROTO_LINK_SOCKET_H
#define PROTO_LINK_SOCKET_H

#include <stddef.h>
#include <zmq.h>

#include "lib/base/err.h"
#include "proto/codec.h"

/* What server and client sockets have in common. Private to proto/link. */

enum {
    SOCKET_PARTS = LIMIT_FRAMES + 1, /* with a ROUTER's routing id */
    SOCKET_TURN = 64,                /* messages taken in one turn of the loop */
};

/* A received message: count tells the frames that came, also those over SOCKET_PARTS, which are
 * dropped unread. */
struct socket_message {
    zmq_msg_t parts[SOCKET_PARTS];
    size_t count;
};

/* Make a socket with the bounds, time limits and keep-alives of PROTOCOL.md.
 * Shape:  type is ZMQ_ROUTER or ZMQ_DEALER; NULL when the system is out of sockets.
 * Units:  none.
 * Owns:   the caller closes with socket_close, which takes NULL and returns NULL.
 * Errors: none but NULL.
 * Source: proto/PROTOCOL.md "Connection". */
void *socket_new(void *zmq, int type);
void *socket_close(void *socket);
void socket_closep(void **socket);

/* Set an option that can't fail but by a mistake of ours. Trivial. */
void socket_set(void *socket, int option, const void *value, size_t size);
void socket_set_int(void *socket, int option, int value);

/* Take one part that waits, initialised in any case.
 * Shape:  does not wait; the rest of a message whose first part was there is there too.
 * Units:  none.
 * Owns:   the caller closes what was received.
 * Errors: TC_EAGAIN none waits, TC_EIO.
 * Source: zmq_msg_recv(3). */
int socket_receive_part(void *socket, zmq_msg_t *ret_part);

/* Take one waiting message; release it with socket_message_close.
 * Shape:  does not wait.
 * Units:  none.
 * Owns:   the caller closes what was received.
 * Errors: TC_EAGAIN none waits, TC_EIO.
 * Source: proto/PROTOCOL.md "Frames". */
int socket_receive(void *socket, struct socket_message *ret_message);
void socket_message_close(struct socket_message *message);

/* The parts from first on as frames. Trivial. */
void socket_frames(struct socket_message *message, size_t first, struct frame *ret_frames);

/* Send one part without waiting.
 * Shape:  flags: ZMQ_SNDMORE or 0.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: TC_EAGAIN, TC_ECLOSED unknown peer, TC_EIO.
 * Source: zmq_send(3). */
int socket_send(void *socket, const void *bytes, size_t size, int flags);
int socket_send_frames(void *socket, const struct frames *frames);

/* Whether frames are within the limits. Trivial. */
int socket_check(const struct frames *frames);

/* Open the PAIR that tells a socket's events; read one (0: none waits).
 * Shape:  name is unique in the context; value of an event may be NULL.
 * Units:  none.
 * Owns:   the caller closes the PAIR with socket_close, before the socket.
 * Errors: NULL when out of sockets.
 * Source: zmq_socket_monitor(3). */
void *socket_monitor(void *zmq, void *socket, const char *name);
int socket_event(void *monitor);

/* Stop watching and close the reader, before the socket itself is closed: an event without a reader
 * blocks the context's only I/O thread for ever. Returns NULL. Trivial. */
void *socket_unmonitor(void *socket, void *monitor);

#endif
