/* Small readers for valid params. Called by the checks. */
#include "monitors/params.h"

#include <stdbool.h>

#include "lib/base/json.h"
#include "lib/base/parse.h"

int64_t params_duration(const struct json_value *params, const char *name)
{
    const struct json_value *value = json_member(params, name);
    int64_t ms = 0;
    if (value == NULL || json_type_of(value) == JSON_NULL) {
        return 0;
    }
    if (json_type_of(value) == JSON_NUMBER) {
        return (int64_t)(json_number(value) * 1000.0);
    }
    (void)parse_whole_duration(json_string(value), &ms); /* valid by the rules, else 0 */
    return ms;
}

size_t params_strings(const struct json_value *params, const char *name, const char **ret_strings)
{
    const struct json_value *list = json_member(params, name);
    size_t count = 0;
    bool is_list = list != NULL && json_type_of(list) == JSON_ARRAY;
    for (const struct json_value *one = is_list ? json_first(list) : NULL;
         one != NULL && count < PARAMS_STRINGS_MAX; one = json_next(one)) {
        ret_strings[count++] = json_string(one);
    }
    ret_strings[count] = NULL;
    return count;
}
