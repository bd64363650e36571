/* config check and config show. The rules are lib/sys/config_rules.c's, and each program's own for its
 * part: every program is asked, so that no rule stands here a second time. */
#include <string.h>

#include "cli/cli.h"
#include "cli/siblings.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"

static int ask(const struct cli *cli, const struct sibling *sibling, struct err *err)
{
    int status = 0;
    TC_CLEANUP(mem_freep) char *text = NULL;
    int code = sibling_ask(cli, sibling, "--check-config", &status, &text, err);
    if (code == TC_ENOENT) {
        return TC_OK; /* a host need not have every program; doctor tells which are missing */
    }
    if (code != TC_OK || status == 0) {
        return code;
    }
    sibling_sentence(text);
    return err_set(err, TC_ECONFIG, "%s", *text == '\0' ? sibling->program : text);
}

int verb_config_check(struct cli *cli, struct err *err)
{
    int code = cli_config(cli, err);
    struct sibling siblings[SIBLINGS_MAX];
    size_t count = 0;
    if (code == TC_OK) {
        code = siblings_to_ask(cli->config, siblings, &count, err);
    }
    for (size_t i = 0; code == TC_OK && i < count; i++) {
        code = ask(cli, &siblings[i], err);
    }
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_CONFIG_BYTES);
    if (cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_bool(&enc, "ok", true);
        json_enc_str(&enc, "file", cli->config->file);
        json_enc_obj_end(&enc);
        buf_add_char(&out, '\n');
    } else {
        buf_add_fmt(&out, "%s: ok\n", cli->config->file);
    }
    return cli_print(&out, err);
}

int verb_config_show(struct cli *cli, struct err *err)
{
    int code = cli_config(cli, err);
    if (code != TC_OK) {
        return code;
    }
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, (size_t)8 * LIMIT_CONFIG_BYTES);
    if (cli->args.is_json) {
        json_canonical(config_at(cli->config, ""), &out);
        buf_add_char(&out, '\n');
    } else {
        config_print(cli->config, &out);
    }
    return cli_print(&out, err);
}
