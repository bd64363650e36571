#ifndef WEB_RENDER_H
#define WEB_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "router/store/rows.h"

struct json_enc;
struct store_audit;
struct store_token;

/* Rows to the JSON of docs/api.md. JSON that stands in a column is checked first: a spoilt one is null. */

/* The schedules of some monitors, sorted by monitor: read before the monitors are rendered. */
struct render_schedule {
    uint32_t monitor_id;
    uint32_t id;
    bool is_active;
    char schedule[LIMIT_SCHEDULE_BYTES + 1];
    char timezone[LIMIT_ZONE_BYTES + 1];
};
struct render_schedules {
    struct render_schedule *items; /* owned */
    size_t count;
    size_t cap;
};

/* Row function for views of store_cron; sort when all are there; release.
 * Trivial. */
int render_schedules_add(void *schedules, const void *row);
void render_schedules_sort(struct render_schedules *schedules);
void render_schedules_freep(struct render_schedules *schedules);

/* Write one row as an object.
 * Shape:  key as in json_enc_obj; the members are those of docs/api.md.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but the buffer's. */
void render_monitor(struct json_enc *e, const char *key, const struct store_monitor *row,
                    const struct render_schedules *schedules);
void render_run(struct json_enc *e, const char *key, const struct store_run *row);
void render_incident(struct json_enc *e, const struct store_incident *row); /* leaves it open */
void render_notification(struct json_enc *e, const struct store_notification *row, bool has_body);
void render_audit(struct json_enc *e, const struct store_audit *row);
void render_token(struct json_enc *e, const struct store_token *row);

/* Helpers of other renderers: a time that may be CORE_NEVER, JSON text of an expected type.
 * Trivial. */
void render_time(struct json_enc *e, const char *key, int64_t utc_ms);
void render_json(struct json_enc *e, const char *key, const char *text, int type);

/* Words of enums, as they stand in rows. Trivial. */
const char *render_state(enum core_state state);
const char *render_kind(enum core_kind kind);
const char *render_end(enum core_end end);
const char *render_status(enum store_delivery status);

#endif
