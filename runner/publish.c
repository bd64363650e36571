/* Sends results out of the spool through the window, and notes what the router has. It knows neither
 * sockets nor clocks. Called by runner.c and by the simulation. */
#include "runner/publish.h"

#include "proto/messages.h"
#include "runner/spool.h"

int publish_welcome(struct publish *p, const struct message_runner_welcome *welcome,
                    int64_t now_utc_ms, bool *ret_is_renewed, struct err *err)
{
    struct spool_stats stats;
    int rc = spool_stats(p->spool, &stats, err);
    if (rc != TC_OK) {
        return rc;
    }
    *ret_is_renewed = welcome->mark > stats.last;
    if (*ret_is_renewed) {
        window_close(&p->window);
        return spool_renew(p->spool, now_utc_ms, err);
    }
    window_open(&p->window, welcome->mark, (uint32_t)welcome->window);
    return spool_ack(p->spool, welcome->mark, now_utc_ms, err);
}

void publish_down(struct publish *p)
{
    window_close(&p->window);
}

int publish_ack(struct publish *p, uint64_t seq, int64_t now_utc_ms, struct err *err)
{
    if (!p->window.is_open || seq < p->window.mark) {
        return TC_OK; /* of a connection before, or overtaken by a later one */
    }
    struct spool_stats stats;
    int rc = spool_stats(p->spool, &stats, err);
    if (rc == TC_OK && seq > stats.last) {
        rc = err_set(err, TC_EPROTO, "the router acknowledged a result that was never given");
    }
    if (rc != TC_OK) {
        return rc;
    }
    if (seq > p->window.sent) {
        /* A resend took the window back while later results were still on their way: they came. */
        window_resend(&p->window, seq);
    } else {
        (void)window_ack(&p->window, seq); /* it was sent, which is all that could fail */
    }
    return spool_ack(p->spool, seq, now_utc_ms, err);
}

int publish_resend(struct publish *p, uint64_t mark, int64_t now_utc_ms, struct err *err)
{
    if (!p->window.is_open) {
        return TC_OK;
    }
    window_resend(&p->window, mark);
    return spool_ack(p->spool, mark, now_utc_ms, err);
}

int publish_send(struct publish *p, bool *ret_is_blocked, struct err *err)
{
    *ret_is_blocked = false;
    while (window_has_room(&p->window)) {
        struct spool_result result;
        int rc = spool_next(p->spool, p->window.sent, &result, err);
        if (rc != TC_OK) {
            return rc == TC_ENOENT ? TC_OK : rc;
        }
        if (p->send(p->ctx, &result) != TC_OK) {
            *ret_is_blocked = true;
            return TC_OK;
        }
        window_sent(&p->window, result.seq);
    }
    return TC_OK;
}

uint32_t publish_on_way(const struct publish *p)
{
    return p->window.is_open ? p->window.on_way : 0;
}

void publish_again(struct publish *p)
{
    window_resend(&p->window, p->window.mark);
}
