/* Messages of any peer: whatever is decoded must be written and read back as the same bytes, and
 * what is refused must say why and leave nothing behind. The input's first byte chooses role and
 * direction; newlines end the first three frames. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "proto/codec.h"
#include "tests/fuzz/fuzz.h"

enum {
    ROLES = 3,
};

static void write_again(const struct message *m, struct buf *out, struct frames *ret_frames)
{
    int rc = message_encode(m->kind, &m->body, out, NULL);
    TC_ASSERT(rc == TC_OK);
    frames_set(ret_frames, m->kind, m->seq, m->prev, m->monitor, out);
}

static void check_round_trip(const struct message *m)
{
    TC_CLEANUP(buf_freep) struct buf once;
    TC_CLEANUP(buf_freep) struct buf twice;
    buf_init(&once, LIMIT_FRAME_BYTES);
    buf_init(&twice, LIMIT_FRAME_BYTES);
    struct frames f;
    struct frames g;
    write_again(m, &once, &f);
    TC_CLEANUP(message_freep) struct message again = {.kind = m->kind};
    int rc =
        message_decode(message_role(m->kind), message_is_to_router(m->kind), f.part, &again, NULL);
    TC_ASSERT(rc == TC_OK);
    TC_ASSERT(again.kind == m->kind);
    TC_ASSERT(again.seq == m->seq);
    TC_ASSERT(again.prev == m->prev);
    TC_ASSERT(again.monitor == m->monitor);
    write_again(&again, &twice, &g);
    TC_ASSERT(once.len == twice.len);
    TC_ASSERT(memcmp(once.p, twice.p, once.len) == 0);
}

/* Cut the input into frames; each is a buffer of its own size to its last byte. */
static void cut(const uint8_t *data, size_t size, struct frame *ret_frames)
{
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
        bool is_last = i + 1 == LIMIT_FRAMES || end == NULL;
        size_t used = is_last ? size : (size_t)(end - data);
        ret_frames[i] = (struct frame){data, used};
        size_t step = is_last ? used : used + 1;
        data += step;
        size -= step;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct frame frames[LIMIT_FRAMES];
    cut(data + 1, size - 1, frames);
    struct err err = ERR_INIT;
    TC_CLEANUP(message_freep) struct message m = {.kind = MESSAGE_RESULT};
    int rc = message_decode((enum message_role)(data[0] % ROLES), (data[0] / ROLES) % 2 == 0,
                            frames, &m, &err);
    TC_ASSERT((rc == TC_OK) == (err.code == TC_OK));
    if (rc == TC_OK) {
        check_round_trip(&m);
    } else {
        TC_ASSERT(m.json == NULL);
        TC_ASSERT(m.blocks == NULL);
    }
    return 0;
}
