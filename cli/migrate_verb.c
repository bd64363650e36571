/* migrate, and how the commands that work alone find the database. */
#include "cli/cli.h"
#include "cli/local_store.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"

enum {
    OUT_BYTES_MAX = 4 * 1024 * 1024,
};

struct store_config local_store_config(const struct cli *cli)
{
    return (struct store_config){.url = cli->config->store.url, .dir = cli->config->state_dir};
}

int local_store_open(struct cli *cli, struct store **ret_store, struct err *err)
{
    int code = cli_config(cli, err);
    if (code != TC_OK) {
        return code;
    }
    const struct store_config config = local_store_config(cli);
    return store_open_reader(&config, ret_store, err);
}

struct steps {
    const struct cli *cli;
    struct buf out;
    struct json_enc enc;
    size_t count;
};

static void on_step(void *ctx, const char *name, const char *sql)
{
    struct steps *steps = ctx;
    steps->count++;
    if (steps->cli->args.is_json) {
        json_enc_obj(&steps->enc, NULL);
        json_enc_str(&steps->enc, "name", name);
        if (steps->cli->args.is_dry_run) {
            json_enc_str(&steps->enc, "sql", sql);
        }
        json_enc_obj_end(&steps->enc);
    } else if (steps->cli->args.is_dry_run) {
        buf_add_fmt(&steps->out, "-- %s\n%s\n", name, sql);
    } else {
        buf_add_fmt(&steps->out, "applied %s\n", name);
    }
}

int verb_migrate(struct cli *cli, struct err *err)
{
    int code = cli_config(cli, err);
    if (code != TC_OK) {
        return code;
    }
    struct steps steps = {.cli = cli};
    buf_init(&steps.out, OUT_BYTES_MAX);
    json_enc_start(&steps.enc, &steps.out);
    if (cli->args.is_json) {
        json_enc_obj(&steps.enc, NULL);
        json_enc_bool(&steps.enc, "dryRun", cli->args.is_dry_run);
        json_enc_arr(&steps.enc, "steps");
    }
    const struct store_config config = local_store_config(cli);
    code = store_migrate(&config, cli->args.is_dry_run, clock_now_utc_ms(cli->clock), on_step,
                         &steps, err);
    if (code == TC_OK) {
        if (cli->args.is_json) {
            json_enc_arr_end(&steps.enc);
            json_enc_obj_end(&steps.enc);
            buf_add_char(&steps.out, '\n');
        } else if (steps.count == 0) {
            buf_add_str(&steps.out, cli->args.is_dry_run ? "-- nothing to do\n"
                                                         : "the database is up to date\n");
        }
        code = cli_print(&steps.out, err);
    }
    buf_free(&steps.out);
    return code;
}
