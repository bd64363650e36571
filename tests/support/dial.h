#ifndef TESTS_SUPPORT_DIAL_H
#define TESTS_SUPPORT_DIAL_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/parse.h"
#include "tests/support/test.h"

/* Connect to "tcp://127.0.0.1:PORT" without ZeroMQ; the socket does not block. */
static inline int dial(const char *endpoint)
{
    const char *port = strrchr(endpoint, ':') + 1;
    int64_t number = 0;
    assert_int_equal(parse_whole_i64(port, 1, 65535, &number), TC_OK);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)number),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

#endif
