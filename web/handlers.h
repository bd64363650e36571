#ifndef WEB_HANDLERS_H
#define WEB_HANDLERS_H

struct call;

/* The functions of the route table (web/routes.c): each answers its call once, with what docs/api.md
 * says, or with a problem. */

/* Rows: web/reads.c, web/why.c. Trivial. */
void reads_monitors(struct call *call);
void reads_monitor(struct call *call);
void reads_runs(struct call *call);
void reads_incidents(struct call *call);
void reads_incident(struct call *call);
void reads_notifications(struct call *call);
void reads_notification(struct call *call);
void reads_audit(struct call *call);
void reads_tokens(struct call *call);
void why_monitor(struct call *call);

/* How everything is: web/status.c, web/metrics.c. Trivial. */
void status_all(struct call *call);
void status_runners(struct call *call);
void status_channels(struct call *call);
void status_health(struct call *call);
void status_ready(struct call *call);
void metrics_all(struct call *call);

/* Doing: web/actions.c. Live: web/events.c. Trivial. */
void actions_post(struct call *call);
void events_open(struct call *call);

/* Links to acknowledge: web/ack.c. Trivial. */
void ack_show(struct call *call);
void ack_send(struct call *call);

/* Pages: web/pages.c. Trivial. */
void pages_app(struct call *call);
void pages_asset(struct call *call);
void pages_openapi(struct call *call);
void pages_login(struct call *call);
void pages_do_login(struct call *call);
void pages_do_logout(struct call *call);

#endif
