/* The told list of an incident as JSON and back. Called by router/flow when it loads and writes
 * incidents. */
#include "router/store/told.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "router/store/rows.h"

static const char *const told_names[] = {
    [CORE_TOLD_PENDING] = "pending",
    [CORE_TOLD_YES] = "yes",
    [CORE_TOLD_DEAD] = "dead",
    [CORE_TOLD_ENDED] = "ended",
};

enum {
    TOLD_NAME_COUNT = sizeof told_names / sizeof told_names[0],
    TOLD_BYTES_MAX = LIMIT_TOLD * (6 * LIMIT_RECIPIENT_BYTES + 96),
};

void store_incident_write(const struct core_incident *incident, struct buf *told_json,
                          struct store_incident *ret_row)
{
    TC_ASSERT(incident != NULL);
    TC_ASSERT(incident->told_count <= LIMIT_TOLD);
    size_t start = told_json->len;
    struct json_enc e;
    json_enc_start(&e, told_json);
    json_enc_arr(&e, NULL);
    for (size_t i = 0; i < incident->told_count; i++) {
        json_enc_obj(&e, NULL);
        json_enc_str(&e, "target", incident->told[i].target);
        json_enc_str(&e, "told", told_names[incident->told[i].told]);
        json_enc_i64(&e, "round", incident->told[i].round);
        json_enc_bool(&e, "keepsAlert", incident->told[i].keeps_alert);
        json_enc_obj_end(&e);
    }
    json_enc_arr_end(&e);
    ret_row->id = incident->id;
    ret_row->end = incident->end;
    ret_row->opened_utc_ms = incident->opened_utc_ms;
    ret_row->closed_utc_ms = incident->closed_utc_ms;
    ret_row->notified_utc_ms = incident->notified_utc_ms;
    ret_row->notified_scheduled_utc_ms = incident->notified_scheduled_utc_ms;
    ret_row->round = incident->round;
    ret_row->reminder_count = incident->reminder_count;
    ret_row->ack_keep_minutes = incident->ack_keep_minutes;
    ret_row->kept_ack_utc_ms = incident->kept_ack_utc_ms;
    ret_row->kept_ack_expires_utc_ms = incident->kept_ack_expires_utc_ms;
    ret_row->told = told_json->p + start;
}

static int read_recipient(const struct json_value *value, struct core_recipient *ret_recipient,
                          struct err *err)
{
    struct json_dec d;
    json_dec_start(&d, value, "told", err);
    const char *target = json_str(&d, "target", LIMIT_RECIPIENT_BYTES);
    const char *told = json_str(&d, "told", LIMIT_NAME_BYTES);
    int64_t round = json_i64(&d, "round", 0, UINT32_MAX);
    bool keeps_alert = json_bool(&d, "keepsAlert");
    int code = json_end(&d);
    if (code != TC_OK) {
        return code;
    }
    for (size_t i = 0; i < TOLD_NAME_COUNT; i++) {
        if (strcmp(told_names[i], told) == 0) {
            memcpy(ret_recipient->target, target, strlen(target) + 1);
            ret_recipient->round = (uint32_t)round;
            ret_recipient->keeps_alert = keeps_alert;
            ret_recipient->told = (enum core_told)i;
            return TC_OK;
        }
    }
    return err_set(err, TC_EPARSE, "'%s' is not pending, yes, dead or ended", told);
}

static int read_told(const char *text, struct core_incident *ret_incident, struct err *err)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(text, strlen(text), TOLD_BYTES_MAX, &json, err);
    if (code != TC_OK) {
        return code;
    }
    const struct json_value *list = json_root(json);
    if (json_type_of(list) != JSON_ARRAY || json_count(list) > LIMIT_TOLD) {
        return err_set(err, TC_EPARSE, "not an array of at most %d entries", LIMIT_TOLD);
    }
    size_t count = 0;
    for (const struct json_value *value = json_first(list); value != NULL;
         value = json_next(value)) {
        code = read_recipient(value, &ret_incident->told[count], err);
        if (code != TC_OK) {
            return code;
        }
        count++;
    }
    ret_incident->told_count = count;
    return TC_OK;
}

int store_incident_read(const struct store_incident *row, struct core_incident *ret_incident,
                        struct err *err)
{
    TC_ASSERT(row != NULL);
    TC_ASSERT(ret_incident != NULL);
    ret_incident->id = row->id;
    ret_incident->end = row->end;
    ret_incident->opened_utc_ms = row->opened_utc_ms;
    ret_incident->closed_utc_ms = row->closed_utc_ms;
    ret_incident->notified_utc_ms = row->notified_utc_ms;
    ret_incident->notified_scheduled_utc_ms = row->notified_scheduled_utc_ms;
    ret_incident->round = row->round;
    ret_incident->reminder_count = row->reminder_count;
    ret_incident->ack_keep_minutes = row->ack_keep_minutes;
    ret_incident->kept_ack_utc_ms = row->kept_ack_utc_ms;
    ret_incident->kept_ack_expires_utc_ms = row->kept_ack_expires_utc_ms;
    ret_incident->told_count = 0;
    if (row->told == NULL || read_told(row->told, ret_incident, err) != TC_OK) {
        (void)err_ctx(err, "Incidents row %llu, column told", (unsigned long long)row->id);
        return TC_ECORRUPT;
    }
    return TC_OK;
}
