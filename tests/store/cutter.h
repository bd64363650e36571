#ifndef TESTS_STORE_CUTTER_H
#define TESTS_STORE_CUTTER_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/store/mariadb_server.h"

/* A process between a client and a MariaDB server that cuts connections: mostly around COMMIT, before the
 * server has it, while it works on it, after it has answered; now and then anywhere else. Some cuts the
 * server learns of only later, as from a network that swallows packets. */
enum {
    CUTTER_LINKS = 8,
    CUTTER_BYTES = 64 * 1024,
};

/* What it did, shared with the test. */
struct cutter_counts {
    uint32_t before;   /* COMMIT never reached the server */
    uint32_t during;   /* it did, its answer was not waited for */
    uint32_t after;    /* the answer was swallowed */
    uint32_t anywhere; /* at another statement */
    uint32_t silent;   /* of all these: the server was not told */
};

struct cutter {
    char path[96];
    pid_t pid;
    struct cutter_counts *counts; /* owned, mapped */
};

struct cutter_link {
    int client; /* -1: free, or cut while the server is not told */
    int server;
    bool swallows; /* the next answer, then cuts */
};

/* Trivial. */
static inline uint32_t cutter_random(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % below;
}

/* Trivial. */
static inline int cutter_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)(void *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Trivial. */
static inline void cutter_cut(struct cutter_link *link, struct cutter_counts *counts,
                              uint32_t *random)
{
    (void)close(link->client);
    link->client = -1;
    if (cutter_random(random, 4) == 0) {
        counts->silent++;
        return;
    }
    (void)close(link->server);
    link->server = -1;
}

/* Bytes from the client: on to the server, or the end. Trivial. */
static inline void cutter_up(struct cutter_link *link, struct cutter_counts *counts,
                             uint32_t *random)
{
    static char bytes[CUTTER_BYTES];
    ssize_t size = read(link->client, bytes, sizeof bytes);
    static const char word[] = "\x03"
                               "COMMIT"; /* COM_QUERY, behind the head of its packet */
    bool is_commit = size >= 11 && memcmp(bytes + 4, word, 7) == 0;
    uint32_t dice = cutter_random(random, is_commit ? 6 : 150);
    if (size <= 0 || (dice == 0 && is_commit)) {
        counts->before += size > 0 ? 1 : 0;
        cutter_cut(link, counts, random);
        return;
    }
    (void)send(link->server, bytes, (size_t)size, MSG_NOSIGNAL); /* it may be gone: read tells */
    if (dice == 0 || (dice == 1 && is_commit)) {
        counts->during += is_commit ? 1 : 0;
        counts->anywhere += is_commit ? 0 : 1;
        cutter_cut(link, counts, random);
    } else if (dice == 2 && is_commit) {
        link->swallows = true;
    }
}

/* Bytes from the server. Trivial. */
static inline void cutter_down(struct cutter_link *link, struct cutter_counts *counts,
                               uint32_t *random)
{
    static char bytes[CUTTER_BYTES];
    ssize_t size = read(link->server, bytes, sizeof bytes);
    if (link->swallows || size <= 0) {
        counts->after += link->swallows ? 1 : 0;
        if (link->client >= 0) {
            cutter_cut(link, counts, random);
        }
        if (size <= 0 && link->server >= 0) {
            (void)close(link->server);
            link->server = -1;
        }
    } else if (link->client >= 0) {
        (void)send(link->client, bytes, (size_t)size, MSG_NOSIGNAL); /* read tells */
    }
}

/* Trivial. */
static inline void cutter_run(int listener, const char *server, struct cutter_counts *counts,
                              uint32_t seed)
{
    struct cutter_link links[CUTTER_LINKS];
    uint32_t random = seed;
    size_t next = 0;
    memset(links, 0xff, sizeof links); /* -1 everywhere */
    for (;;) {
        struct pollfd fds[1 + 2 * CUTTER_LINKS] = {{.fd = listener, .events = POLLIN}};
        for (size_t i = 0; i < CUTTER_LINKS; i++) {
            fds[1 + 2 * i] = (struct pollfd){.fd = links[i].client, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = links[i].server, .events = POLLIN};
        }
        (void)poll(fds, 1 + 2 * CUTTER_LINKS, -1);
        for (size_t i = 0; i < CUTTER_LINKS; i++) {
            if (fds[2 + 2 * i].revents != 0) {
                cutter_down(&links[i], counts, &random);
            }
            if (fds[1 + 2 * i].revents != 0 && links[i].client >= 0) {
                cutter_up(&links[i], counts, &random);
            }
        }
        if (fds[0].revents != 0) {
            struct cutter_link *link = &links[next++ % CUTTER_LINKS]; /* the oldest */
            (void)close(link->client);
            (void)close(link->server);
            *link =
                (struct cutter_link){accept(listener, NULL, NULL), cutter_connect(server), false};
        }
    }
}

/* Start it before a server; connect to cutter->path. Trivial. */
static inline void cutter_start(struct cutter *cutter, const struct mariadb_server *server,
                                uint32_t seed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(cutter->path, sizeof cutter->path, "%s/c", server->dir);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", cutter->path);
    cutter->counts = mmap(NULL, sizeof *cutter->counts, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(cutter->counts != MAP_FAILED);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, CUTTER_LINKS), 0);
    cutter->pid = fork();
    assert_true(cutter->pid >= 0);
    if (cutter->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        cutter_run(listener, server->socket, cutter->counts, seed);
    }
    (void)close(listener); /* it lives on in the child */
}

/* Trivial. */
static inline void cutter_end(struct cutter *cutter)
{
    assert_int_equal(kill(cutter->pid, SIGKILL), 0);
    assert_true(waitpid(cutter->pid, NULL, 0) == cutter->pid);
    (void)munmap(cutter->counts, sizeof *cutter->counts);
}

#endif
