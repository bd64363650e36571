/* Any bytes: repair gives valid text without NUL, repairing that changes nothing, a cut never breaks
 * a code point. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    TC_CLEANUP(buf_freep) struct buf once;
    TC_CLEANUP(buf_freep) struct buf twice;
    TC_CLEANUP(buf_freep) struct buf cut;
    buf_init(&once, 3 * size + 1);
    buf_init(&twice, 3 * size + 1);
    buf_init(&cut, 3 * size + UTF8_CUT_BYTES);
    utf8_add_repaired(&once, text, size);
    TC_ASSERT(once.err == TC_OK);
    TC_ASSERT(utf8_is_valid(once.p, once.len));
    TC_ASSERT(strlen(once.p) == once.len);
    size_t valid = utf8_valid_size(text, size);
    TC_ASSERT(valid == size || !utf8_is_valid(text, size));
    bool is_clean = valid == size && (size == 0 || memchr(text, 0, size) == NULL);
    TC_ASSERT(!is_clean || (once.len == size && (size == 0 || memcmp(once.p, text, size) == 0)));
    utf8_add_repaired(&twice, once.p, once.len);
    TC_ASSERT(twice.len == once.len);
    size_t max = UTF8_CUT_BYTES + (size > 0 ? data[0] : 0U);
    utf8_add_cut(&cut, once.p, once.len, max);
    TC_ASSERT(cut.err == TC_OK);
    TC_ASSERT(cut.len <= max);
    TC_ASSERT(utf8_is_valid(cut.p, cut.len));
    return 0;
}
