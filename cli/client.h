#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct buf;
struct cli;
struct json;
struct json_value;

/* The API (docs/api.md) as the commands use it. */

/* What a good answer said. */
struct client_answer {
    int status;
    struct json *json; /* owned */
};

/* Release an answer. Trivial. */
void client_answer_clear(struct client_answer *answer);

/* The address and token that will be used, and where they come from. Trivial. */
struct client {
    char *url;        /* owned, without a slash at its end */
    char *token_file; /* owned */
};

/* Find address and token: option, environment, configuration.
 * Shape:  ret_client is for client_clear.
 * Units:  none.
 * Owns:   the caller clears it.
 * Errors: as cli_config when neither option nor environment tell both. */
int client_find(struct cli *cli, struct client *ret_client, struct err *err);
void client_clear(struct client *client);

/* Read a path.
 * Shape:  path begins with /api/v1/, its parts percent-encoded.
 * Units:  none.
 * Owns:   the caller clears ret_answer.
 * Errors: TC_ECLOSED nobody answers, TC_ETIMEDOUT, TC_EPERM token not accepted or its role too small,
 *         TC_ENOENT, TC_ECONFLICT, TC_EINVAL, TC_EAGAIN not ready, TC_EPROTO no API there; each a
 *         sentence. The problem itself is kept in cli for --json. */
int client_get(struct cli *cli, const char *path, struct client_answer *ret_answer,
               struct err *err);

/* Carry out an action.
 * Shape:  parameters is a JSON object; wait_s 0: do not wait for its effect.
 * Units:  seconds.
 * Owns:   the caller clears ret_answer.
 * Errors: as client_get. */
int client_act(struct cli *cli, const char *action, const struct buf *parameters, int64_t wait_s,
               struct client_answer *ret_answer, struct err *err);

/* A list that comes in pages. */
struct client_pages {
    const char *path; /* may hold a query */
    const char *name; /* of the member that is the list */
    uint64_t max;     /* elements, 0: all */
};

/* Read a list page by page and hand out its elements.
 * Shape:  fn is called for each, in order.
 * Units:  none.
 * Owns:   elements are borrowed during the call of fn.
 * Errors: as client_get. */
typedef void (*client_element_fn)(void *ctx, const struct json_value *element);
int client_list(struct cli *cli, const struct client_pages *pages, client_element_fn fn, void *ctx,
                struct err *err);

#endif
