/* Orders and reports between the runner and its spawner, one record a packet. It keeps what the other
 * end is too slow to read, and understands nothing of checks. Called by runner.c and spawner.c. */
#include "runner/spawnlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/loop.h"

enum record_kind {
    RECORD_ORDER = 0x6f726472,
    RECORD_REPORT = 0x72657074,
    RECORD_RENEW = 0x72656e77,
};

/* In front of every packet; first and second are the sizes of the two byte strings behind it. */
struct record {
    uint32_t kind;
    uint32_t monitor;
    uint32_t first;
    uint32_t second;
    int32_t end;
    int32_t code;
    uint8_t is_worker;
    uint8_t is_out_cut;
    uint8_t is_errors_cut;
    uint8_t is_out_of_processes;
    uint32_t unused;
    uint64_t run;
    int64_t timeout_ms;
    int64_t duration_us;
};
_Static_assert(sizeof(struct record) == 56, "no padding, which could carry old memory");

enum {
    PACKET_BYTES_MAX = sizeof(struct record) + SPAWNLINK_ARGS_BYTES + SPAWNLINK_INPUT_BYTES,
    SOCKET_BYTES = 1024 * 1024, /* asked for; the kernel grants what it may, at least 208 KiB */
};

struct packet {
    struct packet *next; /* owned */
    size_t size;
    char bytes[];
};

struct spawnlink {
    struct loop *loop; /* borrowed */
    struct spawnlink_ops ops;
    int fd;                   /* owned */
    struct loop_watch *watch; /* owned by loop; NULL when the other end is gone */
    struct packet *first;     /* owned; waiting to be sent */
    struct packet **last;
    char *incoming; /* owned, PACKET_BYTES_MAX */
};

int spawnlink_pair(int ret_fds[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0) {
        return err_set(err, err_from_errno(errno), "no socket pair for the spawner: %s",
                       strerrordesc_np(errno));
    }
    for (int i = 0; i < 2; i++) {
        /* The default already holds one packet of the largest size. */
        (void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BYTES}, sizeof(int));
    }
    return TC_OK;
}

/* --- Receiving -------------------------------------------------------------------------------- */

static void end_of_link(struct spawnlink *link)
{
    loop_unwatch(link->loop, link->watch);
    link->watch = NULL;
    link->ops.gone(link->ops.ctx);
}

static bool deliver(struct spawnlink *link, size_t size)
{
    struct record record;
    if (size < sizeof(record)) {
        return false;
    }
    memcpy(&record, link->incoming, sizeof(record));
    const char *first = link->incoming + sizeof(record);
    if ((size_t)record.first + record.second != size - sizeof(record)) {
        return false;
    }
    if (record.kind == RECORD_ORDER && link->ops.order != NULL && record.first > 0 &&
        first[record.first - 1] == '\0') {
        struct spawnlink_order order = {.run = record.run,
                                        .monitor = record.monitor,
                                        .is_worker = record.is_worker != 0,
                                        .timeout_ms = record.timeout_ms,
                                        .args = first,
                                        .args_size = record.first,
                                        .input = first + record.first,
                                        .input_size = record.second};
        link->ops.order(link->ops.ctx, &order);
        return true;
    }
    if (record.kind == RECORD_RENEW && link->ops.renew != NULL) {
        link->ops.renew(link->ops.ctx);
        return true;
    }
    if (record.kind == RECORD_REPORT && link->ops.report != NULL && record.end >= 0 &&
        record.end <= VERDICT_LOST) {
        struct spawnlink_report report = {
            .run = record.run,
            .duration_us = record.duration_us,
            .outcome = {.end = (enum verdict_end)record.end,
                        .code = record.code,
                        .timeout_ms = record.timeout_ms,
                        .out = first,
                        .out_size = record.first,
                        .is_out_cut = record.is_out_cut != 0,
                        .errors = first + record.first,
                        .errors_size = record.second,
                        .is_errors_cut = record.is_errors_cut != 0,
                        .is_out_of_processes = record.is_out_of_processes != 0}};
        link->ops.report(link->ops.ctx, &report);
        return true;
    }
    return false;
}

static int send_now(const struct spawnlink *link, const char *bytes, size_t size)
{
    ssize_t sent = send(link->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
        return TC_OK;
    }
    /* ENOBUFS: the kernel is short of memory for sockets; the other end reading frees some. */
    bool is_later = errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
    return is_later ? TC_EAGAIN : TC_ECLOSED;
}

static void send_waiting(struct spawnlink *link)
{
    while (link->first != NULL) {
        struct packet *packet = link->first;
        int rc = send_now(link, packet->bytes, packet->size);
        if (rc == TC_EAGAIN) {
            return;
        }
        link->first = packet->next; /* a closed end is met by the next read */
        mem_free(packet);
    }
    link->last = &link->first;
    loop_watch_events(link->watch, LOOP_READ);
}

static void on_event(void *ctx, int fd, unsigned events)
{
    struct spawnlink *link = ctx;
    if ((events & LOOP_WRITE) != 0) {
        send_waiting(link);
    }
    if ((events & (LOOP_READ | LOOP_ERROR)) == 0) {
        return;
    }
    ssize_t size = recv(fd, link->incoming, PACKET_BYTES_MAX, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0 || !deliver(link, (size_t)size)) {
        end_of_link(link);
    }
}

/* --- Sending ---------------------------------------------------------------------------------- */

static int send_record(struct spawnlink *link, const struct record *record, const void *first,
                       const void *second)
{
    if (link->watch == NULL) {
        return TC_ECLOSED;
    }
    size_t size = sizeof(*record) + record->first + record->second;
    TC_ASSERT(size <= PACKET_BYTES_MAX);
    TC_CLEANUP(mem_freep) struct packet *packet = mem_alloc(sizeof(*packet) + size);
    packet->size = size;
    memcpy(packet->bytes, record, sizeof(*record));
    if (record->first > 0) {
        TC_ASSERT(first != NULL);
        memcpy(packet->bytes + sizeof(*record), first, record->first);
    }
    if (record->second > 0) {
        TC_ASSERT(second != NULL);
        memcpy(packet->bytes + sizeof(*record) + record->first, second, record->second);
    }
    if (link->first == NULL) {
        int rc = send_now(link, packet->bytes, size);
        if (rc != TC_EAGAIN) {
            return rc;
        }
        loop_watch_events(link->watch, LOOP_READ | LOOP_WRITE);
    }
    *link->last = packet;
    link->last = &packet->next;
    packet = NULL;
    return TC_OK;
}

int spawnlink_send_renew(struct spawnlink *link)
{
    struct record record = {.kind = RECORD_RENEW};
    return send_record(link, &record, NULL, NULL);
}

int spawnlink_send_order(struct spawnlink *link, const struct spawnlink_order *order)
{
    if (order->args_size > SPAWNLINK_ARGS_BYTES || order->input_size > SPAWNLINK_INPUT_BYTES) {
        return TC_ERANGE;
    }
    struct record record = {.kind = RECORD_ORDER,
                            .first = (uint32_t)order->args_size,
                            .second = (uint32_t)order->input_size,
                            .monitor = order->monitor,
                            .is_worker = order->is_worker,
                            .run = order->run,
                            .timeout_ms = order->timeout_ms};
    return send_record(link, &record, order->args, order->input);
}

int spawnlink_send_report(struct spawnlink *link, const struct spawnlink_report *report)
{
    const struct verdict_outcome *o = &report->outcome;
    TC_ASSERT(o->out_size <= LIMIT_OUTPUT_BYTES);
    TC_ASSERT(o->errors_size <= LIMIT_STDERR_BYTES);
    struct record record = {.kind = RECORD_REPORT,
                            .first = (uint32_t)o->out_size,
                            .second = (uint32_t)o->errors_size,
                            .end = (int32_t)o->end,
                            .code = o->code,
                            .is_out_cut = o->is_out_cut,
                            .is_errors_cut = o->is_errors_cut,
                            .is_out_of_processes = o->is_out_of_processes,
                            .run = report->run,
                            .timeout_ms = o->timeout_ms,
                            .duration_us = report->duration_us};
    return send_record(link, &record, o->out, o->errors);
}

struct spawnlink *spawnlink_new(struct loop *loop, int fd, const struct spawnlink_ops *ops)
{
    TC_ASSERT(ops->gone != NULL);
    struct spawnlink *link = mem_alloc(sizeof(*link));
    link->loop = loop;
    link->ops = *ops;
    link->fd = fd;
    link->last = &link->first;
    link->incoming = mem_alloc(PACKET_BYTES_MAX);
    link->watch = loop_watch_fd(loop, fd, LOOP_READ, on_event, link);
    return link;
}

struct spawnlink *spawnlink_free(struct spawnlink *link)
{
    if (link == NULL) {
        return NULL;
    }
    if (link->watch != NULL) {
        loop_unwatch(link->loop, link->watch);
    }
    while (link->first != NULL) {
        struct packet *packet = link->first;
        link->first = packet->next;
        mem_free(packet);
    }
    fd_closep(&link->fd);
    mem_free(link->incoming);
    mem_free(link);
    return NULL;
}
