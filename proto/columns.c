/* What the columns of a monitor's row may hold; see columns.h. */
#include "proto/columns.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"

int columns_check_text(const char *column, const char *text, size_t max, struct err *err)
{
    if (text != NULL && strlen(text) > max) {
        return err_set(err, TC_EINVAL, "%s has %zu bytes: at most %zu are allowed", column,
                       strlen(text), max);
    }
    if (text != NULL && !utf8_is_valid(text, strlen(text))) {
        return err_set(err, TC_EINVAL, "%s is not valid UTF-8", column);
    }
    return TC_OK;
}

int columns_check_labels(const char *labels, struct err *err)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    struct err cause = ERR_INIT;
    const char *text = labels == NULL ? "{}" : labels;
    if (json_parse(text, strlen(text), LIMIT_LABELS_BYTES, &json, &cause) != TC_OK) {
        return err_set(err, TC_EINVAL, "labels: %s", cause.text);
    }
    bool is_good =
        json_type_of(json_root(json)) == JSON_OBJECT && json_count(json_root(json)) <= LIMIT_LABELS;
    for (const struct json_value *one = is_good ? json_first(json_root(json)) : NULL; one != NULL;
         one = json_next(one)) {
        is_good = is_good && json_type_of(one) == JSON_STRING;
    }
    return is_good ? TC_OK
                   : err_set(err, TC_EINVAL,
                             "labels must be a JSON object of at most %d texts, such as "
                             "{\"team\": \"sales\"}",
                             LIMIT_LABELS);
}

int columns_check_url(const char *column, const char *url, struct err *err)
{
    int code = columns_check_text(column, url, LIMIT_URL_BYTES, err);
    if (code != TC_OK || url == NULL || *url == '\0' || str_has_prefix(url, "https://") ||
        str_has_prefix(url, "http://")) {
        return code;
    }
    return err_set(err, TC_EINVAL, "%s must begin with https:// or http://", column);
}
