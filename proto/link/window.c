/* The numbers behind publishing results in a window and accepting them in order. It does not send,
 * read the spool or know time; the runner's publisher and the router's ingest call it. */
#include "proto/link/window.h"

#include <string.h>

#include "lib/base/assert.h"

void window_open(struct window *w, uint64_t mark, uint32_t ceiling)
{
    uint32_t most = ceiling < WINDOW_MAX ? ceiling : WINDOW_MAX;
    memset(w, 0, sizeof(*w));
    w->is_open = true;
    w->mark = mark;
    w->sent = mark;
    w->ceiling = most > 0 ? most : 1;
    w->size = w->ceiling < WINDOW_MIN ? w->ceiling : WINDOW_MIN;
}

void window_close(struct window *w)
{
    w->is_open = false;
}

bool window_has_room(const struct window *w)
{
    return w->is_open && w->on_way < w->size;
}

void window_sent(struct window *w, uint64_t seq)
{
    TC_ASSERT(seq > w->sent);
    TC_ASSERT(w->on_way < WINDOW_MAX);
    w->numbers[(w->head + w->on_way) % WINDOW_MAX] = seq;
    w->on_way++;
    w->sent = seq;
}

int window_ack(struct window *w, uint64_t seq)
{
    if (seq > w->sent) {
        return TC_EPROTO;
    }
    while (w->on_way > 0 && w->numbers[w->head] <= seq) {
        w->head = (w->head + 1) % WINDOW_MAX;
        w->on_way--;
        w->count++;
    }
    if (seq > w->mark) {
        w->mark = seq;
    }
    if (w->count >= w->size) {
        uint32_t grown = w->size + (w->size + 1) / 2;
        w->size = grown < w->ceiling ? grown : w->ceiling;
        w->count = 0;
    }
    return TC_OK;
}

void window_resend(struct window *w, uint64_t mark)
{
    uint32_t least = w->ceiling < WINDOW_MIN ? w->ceiling : WINDOW_MIN;
    w->mark = mark;
    w->sent = mark;
    w->on_way = 0;
    w->count = 0;
    w->size = w->size / 2 > least ? w->size / 2 : least;
}

enum accept window_accept(uint64_t seq, uint64_t prev, uint64_t mark)
{
    if (seq <= mark) {
        return ACCEPT_DUPLICATE;
    }
    return prev <= mark ? ACCEPT_APPLY : ACCEPT_GAP;
}
