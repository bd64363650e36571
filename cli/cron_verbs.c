/* cron next: tells when a schedule fires, by the same code as the runner. Needs no configuration. */
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/cron.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"

enum {
    COUNT_DEFAULT = 5,
    OUT_BYTES_MAX = 256 * 1024,
};

static void print_json(const int64_t *instants, size_t count, struct buf *out)
{
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    json_enc_arr(&enc, "next");
    for (size_t i = 0; i < count; i++) {
        json_enc_time(&enc, NULL, instants[i]);
    }
    json_enc_arr_end(&enc);
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}

static void print_lines(const int64_t *instants, size_t count, const struct tz *zone,
                        struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        char utc[TIMETEXT_SIZE];
        char local[TIMETEXT_SIZE];
        const struct tz_period *period = tz_period_at(zone, instants[i]);
        buf_add_fmt(out, "%s  %s\n", timetext_rfc3339(instants[i], utc),
                    timetext_local(instants[i], period->offset_s, period->abbreviation, local));
    }
    if (count == 0) {
        buf_add_str(out, "never\n");
    }
}

int verb_cron_next(struct cli *cli, struct err *err)
{
    const char *text = cli->operands.items[0];
    const char *zone_name = cli->args.timezone == NULL ? "America/Chicago" : cli->args.timezone;
    size_t wanted = cli->args.count == CLI_UNSET ? COUNT_DEFAULT : (size_t)cli->args.count;
    int64_t after_utc_ms = clock_now_utc_ms(cli->clock);
    struct cron cron;
    TC_CLEANUP(tz_cache_freep) struct tz_cache *zones = tz_cache_new(NULL);
    const struct tz *zone = NULL;
    if (strlen(text) > LIMIT_SCHEDULE_BYTES) {
        return err_set(err, TC_ERANGE, "a schedule has at most %d bytes", LIMIT_SCHEDULE_BYTES);
    }
    int code = cron_parse(text, &cron, err);
    if (code == TC_OK) {
        code = tz_open(zones, zone_name, &zone, err);
    }
    if (code == TC_OK && cli->args.from != NULL) {
        code = timetext_parse_rfc3339(cli->args.from, &after_utc_ms, err);
        if (code != TC_OK) {
            (void)err_ctx(err, "--from"); /* the code is set here */
            code = TC_EINVAL;
        }
    }
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(mem_freep) int64_t *instants = mem_array(wanted, sizeof(*instants));
    size_t count = 0;
    while (count < wanted) {
        after_utc_ms = cron_next(&cron, zone, after_utc_ms);
        if (after_utc_ms == CRON_NEVER) {
            break;
        }
        instants[count++] = after_utc_ms;
    }
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, OUT_BYTES_MAX);
    if (cli->args.is_json) {
        print_json(instants, count, &out);
    } else {
        print_lines(instants, count, zone, &out);
    }
    return cli_print(&out, err);
}
