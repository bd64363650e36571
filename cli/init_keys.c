/* Keys and the first token of a new installation. Overwrites nothing. Called by init.c. */
#include "cli/init_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/sys/digest.h"
#include "lib/sys/file.h"
#include "lib/sys/rng.h"
#include "router/audit/audit.h"
#include "router/store/batch.h"
#include "router/store/store.h"

enum {
    ALLOW_BYTES_MAX = 64 * 1024,
};

char *init_path(const struct init_files *files, const char *name)
{
    return file_join(files->dir, name);
}

void init_created(struct init_files *files, const char *name)
{
    TC_ASSERT(files->count < INIT_FILES_MAX);
    files->created[files->count++] = init_path(files, name);
}

void init_undo(struct init_files *files)
{
    while (files->count > 0) {
        char *path = files->created[--files->count];
        (void)remove(path); /* the error that is told is the one that led here */
        mem_free(path);
    }
}

void init_files_clear(struct init_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        mem_free(files->created[i]);
    }
    mem_free(files->dir);
    *files = (struct init_files){0};
}

void init_random_hex(char *ret_text)
{
    uint8_t bytes[32];
    rng_fill(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), ret_text);
    digest_wipe(bytes, sizeof(bytes));
}

static int create(struct init_files *files, const char *name, mode_t mode, const char *text,
                  struct err *err)
{
    TC_CLEANUP(mem_freep) char *path = init_path(files, name);
    int code = file_create(path, mode, text, strlen(text), err);
    if (code == TC_OK) {
        init_created(files, name);
    }
    return code;
}

int init_write(struct init_files *files, const char *name, const char *text, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf line;
    buf_init(&line, LIMIT_CONFIG_BYTES);
    buf_add_fmt(&line, "%s\n", text);
    int code = create(files, name, 0600, line.p, err);
    digest_wipe(line.p, line.len);
    return code;
}

/* One pair below keys/, and its line in the list when it is a peer's. */
static int add_pair(struct init_files *files, const char *file, const char *role, const char *name,
                    struct buf *allow, struct err *err)
{
    struct link_key key;
    char relative[LIMIT_NAME_BYTES + 32];
    (void)snprintf(relative, sizeof(relative), "keys/%s", file); /* names of channels are ours */
    TC_CLEANUP(mem_freep) char *path = init_path(files, relative);
    int code = link_key_make(&key, err);
    if (code == TC_OK) {
        code = link_key_write(path, &key, err);
    }
    if (code == TC_OK) {
        init_created(files, relative);
        if (role != NULL) {
            buf_add_fmt(allow, "%s %s %s\n", role, name, key.public_z85);
        } else {
            TC_CLEANUP(mem_freep) char *public = init_path(files, "keys/" LINK_FILE_ROUTER_PUB);
            code = link_key_write_public(public, &key, err);
            init_created(files, "keys/" LINK_FILE_ROUTER_PUB);
        }
    }
    link_key_wipe(&key);
    return code;
}

static int add_audit_keys(struct init_files *files, struct err *err)
{
    TC_CLEANUP(digest_key_freep) struct digest_key *key = digest_key_new();
    char pem[DIGEST_PEM_MAX];
    int code = digest_key_write_private(key, pem, err);
    if (code == TC_OK) {
        code = create(files, "keys/" LINK_FILE_AUDIT, 0600, pem, err);
    }
    digest_wipe(pem, sizeof(pem));
    if (code == TC_OK) {
        code = digest_key_write_public(key, pem, err);
    }
    if (code == TC_OK) {
        code = create(files, "keys/" LINK_FILE_AUDIT_PUB, 0644, pem, err);
    }
    return code;
}

static int add_random(struct init_files *files, const char *name, struct err *err)
{
    char text[INIT_HEX_SIZE];
    init_random_hex(text);
    int code = init_write(files, name, text, err);
    digest_wipe(text, sizeof(text));
    return code;
}

int init_check_name(const char *name, struct err *err)
{
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '#' || (unsigned char)*c >= 0x7f) {
            return err_set(err, TC_EINVAL,
                           "a runner's name is made of visible ASCII characters without # and "
                           "white space, not \"%s\"",
                           name);
        }
    }
    if (*name == '\0' || strlen(name) > LIMIT_NAME_BYTES) {
        return err_set(err, TC_EINVAL, "a runner's name has 1 to %d bytes", LIMIT_NAME_BYTES);
    }
    return TC_OK;
}

int init_keys(struct init_files *files, const char *runner, const char *const *channels,
              struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf allow;
    buf_init(&allow, ALLOW_BYTES_MAX);
    buf_add_str(&allow,
                "# Who may connect to the router: role, name, public key. Read again within "
                "a second of a change.\n");
    int code = init_check_name(runner, err);
    if (code == TC_OK) {
        code = add_pair(files, LINK_FILE_ROUTER, NULL, NULL, &allow, err);
    }
    if (code == TC_OK) {
        code = add_pair(files, LINK_FILE_RUNNER, "runner", runner, &allow, err);
    }
    for (; code == TC_OK && *channels != NULL; channels++) {
        char file[LIMIT_NAME_BYTES];
        (void)snprintf(file, sizeof(file), LINK_FILE_NOTIFIER, *channels); /* short words */
        code = add_pair(files, file, "notifier", *channels, &allow, err);
    }
    if (code == TC_OK) {
        code = add_pair(files, LINK_FILE_WEB, "web", "web", &allow, err);
    }
    if (code == TC_OK) {
        code = create(files, "keys/" LINK_FILE_ALLOW, 0644, allow.p, err);
    }
    if (code == TC_OK) {
        code = add_audit_keys(files, err);
    }
    if (code == TC_OK) {
        code = add_random(files, "keys/" LINK_FILE_LINK, err);
    }
    return code == TC_OK ? add_random(files, "keys/" LINK_FILE_NAMES, err) : code;
}

/* --- The token --------------------------------------------------------------------------------- */

/* The first record of the chain: keys are changes like any other (docs/spec.md 4.1). */
static int audit_token(struct store_batch *batch, int64_t now_utc_ms, struct err *err)
{
    struct audit_chain chain = {0}; /* this record holds no names, so no key is needed */
    const struct audit_entry entry = {.kind = "command",
                                      .at_utc_ms = now_utc_ms,
                                      .type = "Token/Add",
                                      .after = "{\"name\":\"admin\",\"role\":\"admin\"}",
                                      .detail = "the first token, made by tocsin init"};
    TC_CLEANUP(buf_freep) struct buf bytes;
    buf_init(&bytes, LIMIT_AUDIT_RECORD_BYTES);
    int code = audit_append(&chain, &entry, &bytes, err);
    if (code == TC_OK) {
        const struct store_audit row = {.seq = chain.sequence,
                                        .format = AUDIT_FORMAT,
                                        .at_utc_ms = now_utc_ms,
                                        .kind = entry.kind,
                                        .bytes = {bytes.p, bytes.len},
                                        .hash = {chain.head, sizeof(chain.head)}};
        store_batch_audit_add(batch, &row);
    }
    return code;
}

static int write_rows(const struct store_config *config, const uint8_t *hash, int64_t now_utc_ms,
                      struct err *err)
{
    TC_CLEANUP(store_closep) struct store *store = NULL;
    int code = store_open(config, &store, err);
    if (code != TC_OK) {
        return code;
    }
    const struct store_token row = {.id = 1,
                                    .name = "admin",
                                    .hash = {hash, DIGEST_BYTES},
                                    .role = "admin",
                                    .created_utc_ms = now_utc_ms,
                                    .expires_utc_ms = CORE_NEVER};
    struct store_conflicts conflicts;
    struct store_batch batch;
    store_batch_init(&batch);
    store_batch_token_add(&batch, &row);
    code = audit_token(&batch, now_utc_ms, err);
    if (code == TC_OK) {
        code = store_commit(store, &batch, &conflicts, err);
    }
    store_batch_free(&batch);
    return code;
}

int init_token(struct init_files *files, const struct store_config *config, int64_t now_utc_ms,
               struct err *err)
{
    char random[INIT_HEX_SIZE];
    char token[INIT_HEX_SIZE + 8];
    uint8_t hash[DIGEST_BYTES];
    init_random_hex(random);
    (void)snprintf(token, sizeof(token), "tocsin_%s", random); /* fits by size */
    digest_sha256(token, strlen(token), hash);
    int code = write_rows(config, hash, now_utc_ms, err);
    if (code == TC_OK) {
        code = init_write(files, "admin.token", token, err);
    }
    digest_wipe(random, sizeof(random));
    digest_wipe(token, sizeof(token));
    return code;
}
