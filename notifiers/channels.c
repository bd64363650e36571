/* The list of channels, and the few words about requests that all of them share. Adding a channel:
 * its file, its line in channels.h, its line here. */
#include "notifiers/channels.h"

#include <stddef.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static const struct channel *const channels[] = {
    &channel_email, &channel_file, &channel_pagerduty, &channel_slack, NULL,
};

const struct channel *const *channel_all(void)
{
    return channels;
}

const struct channel *channel_find(const char *name)
{
    for (const struct channel *const *p = channels; *p != NULL; p++) {
        if (str_eq((*p)->name, name)) {
            return *p;
        }
    }
    return NULL;
}

void request_init(struct request *request)
{
    *request = (struct request){.kind = REQUEST_NOTHING};
    buf_init(&request->url, LIMIT_URL_BYTES);
    buf_init(&request->body, LIMIT_MAIL_BYTES);
    buf_init(&request->from, LIMIT_RECIPIENT_BYTES);
    buf_init(&request->to, LIMIT_RECIPIENT_BYTES);
}

void request_clear(struct request *request)
{
    buf_free(&request->url);
    buf_free(&request->body);
    buf_free(&request->from);
    buf_free(&request->to);
    mem_free(request->user);
    mem_free(request->password);
    mem_free(request->helo);
    mem_free(request->ca_file);
    for (size_t i = 0; i < request->header_count; i++) {
        buf_free(&request->headers[i]);
    }
}

struct buf *request_header(struct request *request)
{
    TC_ASSERT(request->header_count < REQUEST_HEADERS_MAX);
    struct buf *header = &request->headers[request->header_count++];
    buf_init(header, LIMIT_URL_BYTES);
    return header;
}
