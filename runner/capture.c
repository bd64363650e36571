/* Captures the output of children within limits. It decides nothing about it. Called by job.c and
 * worker.c of the spawner. */
#include "runner/capture.h"

#include <errno.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 16 * 1024,
    CHUNKS_A_CALL = 16,
};

void capture_init(struct capture *c, size_t max, bool keeps_end)
{
    *c = (struct capture){.max = max, .keeps_end = keeps_end};
    buf_init(&c->bytes, max + CHUNK_BYTES);
}

void capture_free(struct capture *c)
{
    buf_free(&c->bytes);
}

void capture_reset(struct capture *c)
{
    buf_reset(&c->bytes);
    c->is_cut = false;
}

static void keep_within(struct capture *c)
{
    if (c->bytes.len <= c->max) {
        return;
    }
    c->is_cut = true;
    size_t over = c->bytes.len - c->max;
    if (c->keeps_end) {
        buf_drop_front(&c->bytes, over);
        return;
    }
    c->bytes.len = c->max;
    c->bytes.p[c->max] = '\0';
}

enum capture_state capture_read(struct capture *c, int fd)
{
    for (int i = 0; i < CHUNKS_A_CALL; i++) {
        char *room = buf_reserve(&c->bytes, CHUNK_BYTES);
        ssize_t size = read(fd, room, CHUNK_BYTES);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            return CAPTURE_MORE;
        }
        if (size <= 0) {
            return CAPTURE_END;
        }
        buf_grow(&c->bytes, (size_t)size);
        keep_within(c);
        if (size < CHUNK_BYTES) {
            return CAPTURE_MORE;
        }
    }
    return CAPTURE_MORE;
}
