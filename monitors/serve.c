/* Requests in, answers out, on descriptors. What a request means is check.c's. Called by main. */
#include "monitors/serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/file.h"

enum {
    READ_BYTES = 64 * 1024,
};

/* More bytes of fd into b, or what room it has left; 0 at the end. */
static ssize_t read_more(int fd, struct buf *b)
{
    size_t room = b->max - b->len;
    size_t size = room < READ_BYTES ? room : READ_BYTES;
    char *place = buf_reserve(b, size);
    if (place == NULL) {
        return -1;
    }
    for (;;) {
        ssize_t got = read(fd, place, size);
        if (got >= 0) {
            buf_grow(b, (size_t)got);
            return got;
        }
        if (errno != EINTR) {
            return -1;
        }
    }
}

static int answer_line(const struct check_host *host, const struct check_ops *ops, const char *line,
                       size_t size, int fd_out)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, (size_t)LIMIT_OUTPUT_BYTES * 8);
    check_answer(host, ops, line, size, &out);
    buf_add_char(&out, '\n');
    return file_write_fd(fd_out, out.p, out.len);
}

int serve_once(const struct check_host *host, const struct check_ops *ops, int fd_in, int fd_out)
{
    TC_CLEANUP(buf_freep) struct buf in;
    buf_init(&in, CHECK_REQUEST_BYTES + 1); /* one too many is told by the parser */
    while (in.len < in.max) {
        ssize_t got = read_more(fd_in, &in);
        if (got < 0) {
            return TC_EIO;
        }
        if (got == 0) {
            break;
        }
    }
    return answer_line(host, ops, in.p, in.len, fd_out);
}

int serve_lines(const struct check_host *host, const struct check_ops *ops, int fd_in, int fd_out)
{
    TC_CLEANUP(buf_freep) struct buf in;
    buf_init(&in, CHECK_REQUEST_BYTES + 2);
    bool is_skipping = false; /* in the rest of a line that was too long */
    int rc = TC_OK;
    while (rc == TC_OK) {
        char *end = memchr(in.p, '\n', in.len);
        if (end != NULL) {
            size_t size = (size_t)(end - in.p);
            rc = is_skipping ? TC_OK : answer_line(host, ops, in.p, size, fd_out);
            is_skipping = false;
            buf_drop_front(&in, size + 1);
            continue;
        }
        if (in.len == in.max) {
            rc = is_skipping ? TC_OK : answer_line(host, ops, in.p, in.len, fd_out);
            is_skipping = true;
            buf_reset(&in);
            continue;
        }
        ssize_t got = read_more(fd_in, &in);
        if (got <= 0) {
            return got == 0 ? TC_OK : TC_EIO;
        }
    }
    return rc;
}
