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

static struct store_config config_as(const struct config *config, const char *user,
                                     const char *password)
{
    return (struct store_config){.url = config->store.url,
                                 .dir = config->state_dir,
                                 .user = user,
                                 .password = user != NULL ? password : config->store.password,
                                 .secret_dir = config->dir,
                                 .socket = config->store.socket,
                                 .ca = config->store.ca,
                                 .is_tls_required = config->store.is_tls_required};
}

int local_store_open(struct cli *cli, struct store **ret_store, struct err *err)
{
    int code = cli_config(cli, err);
    if (code != TC_OK) {
        return code;
    }
    const struct store_config config =
        config_as(cli->config, cli->config->store.web_user, cli->config->store.web_password);
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
    const struct store_config config = config_as(cli->config, cli->config->store.migrate_user,
                                                 cli->config->store.migrate_password);
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
