/* Server-sent events to browsers: status, hints of change, comments that keep the line open. A stream
 * ends after STREAM_MS; the browser comes back by itself and is asked who it is again, so that a
 * removed token does not read for ever. */
#include "web/events.h"

#include <inttypes.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "proto/messages.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/http_server.h"
#include "web/status.h"

enum {
    STREAMS = 512,
    BEAT_MS = 5 * 1000, /* status, and a comment with every third */
    BEATS_A_COMMENT = 3,
    STREAM_MS = 5 * 60 * 1000,
    EVENT_BYTES = 1024 * 1024,
};

struct stream {
    struct http_request *request; /* NULL: free */
    int64_t until_us;
};

struct events {
    struct web *web;         /* borrowed */
    struct loop_timer *beat; /* owned by the loop */
    unsigned beats;
    struct stream streams[STREAMS];
};

static int64_t now_us(const struct events *events)
{
    return clock_mono_us(loop_clock(events->web->loop));
}

static void send_all(struct events *events, const struct buf *text)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (events->streams[i].request != NULL) {
            http_stream_write(events->streams[i].request, text->p, text->len);
        }
    }
}

static void write_status(struct events *events, struct buf *text)
{
    struct json_enc e;
    buf_add_str(text, "event: status\ndata: ");
    json_enc_start(&e, text);
    status_write(events->web, &e);
    buf_add_str(text, "\n\n");
}

static bool has_viewers(const struct events *events)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (events->streams[i].request != NULL) {
            return true;
        }
    }
    return false;
}

void events_on_status(struct events *events)
{
    if (!has_viewers(events)) {
        return; /* counting costs a read of all monitors */
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, EVENT_BYTES);
    write_status(events, &text);
    if (text.err == TC_OK) {
        send_all(events, &text);
    }
}

void events_on_change(struct events *events, const struct message_change *change)
{
    TC_CLEANUP(buf_freep) struct buf text;
    struct json_enc e;
    buf_init(&text, EVENT_BYTES);
    buf_add_str(&text, "event: change\ndata: ");
    json_enc_start(&e, &text);
    json_enc_obj(&e, NULL);
    json_enc_arr(&e, "monitors");
    for (size_t i = 0; i < change->monitors.count; i++) {
        json_enc_i64(&e, NULL, (int64_t)change->monitors.items[i]);
    }
    json_enc_arr_end(&e);
    json_enc_arr(&e, "incidents");
    for (size_t i = 0; i < change->incidents.count; i++) {
        json_enc_u64_text(&e, NULL, change->incidents.items[i]);
    }
    json_enc_arr_end(&e);
    json_enc_obj_end(&e);
    buf_add_str(&text, "\n\n");
    send_all(events, &text);
}

static void beat(void *ctx)
{
    static const char comment[] = ": still here\n\n";
    struct events *events = ctx;
    int64_t now = now_us(events);
    events->beats++;
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &events->streams[i];
        if (stream->request != NULL && stream->until_us < now) {
            http_stream_end(stream->request);
        } else if (stream->request != NULL && events->beats % BEATS_A_COMMENT == 0) {
            http_stream_write(stream->request, comment, sizeof comment - 1);
        }
    }
    events_on_status(events);
    loop_timer_in(events->beat, BEAT_MS);
}

static void on_end(void *ctx, struct http_request *request)
{
    struct events *events = ctx;
    for (size_t i = 0; i < STREAMS; i++) {
        if (events->streams[i].request == request) {
            events->streams[i].request = NULL;
        }
    }
}

void events_open(struct call *call)
{
    static const char *const none[] = {NULL};
    struct events *events = call->web->events;
    struct stream *place = NULL;
    if (!call_allows(call, none)) {
        return;
    }
    for (size_t i = 0; i < STREAMS && place == NULL; i++) {
        place = events->streams[i].request == NULL ? &events->streams[i] : NULL;
    }
    if (place == NULL) {
        call_problem(call, 503, NULL, "%d viewers are connected already", STREAMS);
        return;
    }
    *place = (struct stream){.request = call->request,
                             .until_us = now_us(events) + INT64_C(1000) * STREAM_MS};
    http_on_end(call->request, on_end, events);
    http_stream(call->request);
    call->is_answered = true;
    buf_add_str(&call->out, "retry: 2000\n");
    write_status(events, &call->out);
    http_stream_write(call->request, call->out.p, call->out.len);
}

struct events *events_new(struct web *web)
{
    struct events *events = mem_alloc(sizeof *events);
    events->web = web;
    events->beat = loop_timer_new(web->loop, beat, events);
    loop_timer_in(events->beat, BEAT_MS);
    return events;
}

struct events *events_free(struct events *events)
{
    if (events != NULL) {
        loop_timer_free(events->web->loop, events->beat);
        mem_free(events);
    }
    return NULL;
}
