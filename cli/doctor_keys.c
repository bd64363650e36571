/* doctor's look at key files: that each can be read by its owner only, belongs together, and is in the
 * router's list. Called by doctor.c. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/siblings.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/acklink.h"
#include "lib/sys/config.h"
#include "lib/sys/digest.h"
#include "lib/sys/file.h"
#include "lib/sys/secret.h"
#include "proto/codec.h"
#include "proto/link/allow.h"

enum {
    ALLOW_BYTES_MAX = 4 * 1024 * 1024,
};

/* One peer's pair, and its line in the list. */
static void look_at_peer(struct doctor *doctor, const char *file, enum message_role role,
                         const char *name, const struct allow *allow)
{
    struct err err = ERR_INIT;
    struct link_key key;
    TC_CLEANUP(mem_freep) char *path = file_join(doctor->cli->config->keys.dir, file);
    if (link_key_read(path, &key, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s", err.text);
        return;
    }
    const struct allow_entry *entry = allow == NULL ? NULL : allow_find(allow, key.public_z85);
    if (allow != NULL && entry == NULL) {
        doctor_note(
            doctor, FINDING_PROBLEM, "keys",
            "%s is not in the router's list: add the line \"%s %s %s\" to %s/" LINK_FILE_ALLOW,
            path, message_role_name(role), name, key.public_z85, doctor->cli->config->keys.dir);
    } else if (entry != NULL && (entry->role != role || !str_eq(entry->name, name))) {
        doctor_note(
            doctor, FINDING_PROBLEM, "keys",
            "%s is listed as %s \"%s\", not as %s \"%s\"; correct its line in %s/" LINK_FILE_ALLOW,
            path, message_role_name(entry->role), entry->name, message_role_name(role), name,
            doctor->cli->config->keys.dir);
    }
    link_key_wipe(&key);
}

static void look_at_peers(struct doctor *doctor, const struct allow *allow)
{
    struct sibling siblings[SIBLINGS_MAX];
    size_t count = 0;
    struct err err = ERR_INIT;
    const struct config *config = doctor->cli->config;
    if (siblings_of(config, siblings, &count, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "configuration", "%s", err.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char file[LIMIT_NAME_BYTES + 32];
        if (siblings[i].stage == SIBLING_NOTIFIER) {
            (void)snprintf(file, sizeof(file), LINK_FILE_NOTIFIER,
                           siblings[i].operand); /* a cut name is a missing file, which is told */
            look_at_peer(doctor, file, MESSAGE_NOTIFIER, siblings[i].operand, allow);
        }
    }
    if (config->runner.name != NULL) {
        look_at_peer(doctor, LINK_FILE_RUNNER, MESSAGE_RUNNER, config->runner.name, allow);
    }
    look_at_peer(doctor, LINK_FILE_WEB, MESSAGE_WEB, "web", allow);
}

static void look_at_router(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    struct link_key key;
    char public[LINK_KEY_TEXT] = "";
    const char *dir = doctor->cli->config->keys.dir;
    TC_CLEANUP(mem_freep) char *path = file_join(dir, LINK_FILE_ROUTER);
    TC_CLEANUP(mem_freep) char *public_path = file_join(dir, LINK_FILE_ROUTER_PUB);
    if (link_key_read(path, &key, &err) != TC_OK ||
        link_key_read_public(public_path, public, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s", err.text);
    } else if (!str_eq(public, key.public_z85)) {
        doctor_note(doctor, FINDING_PROBLEM, "keys",
                    "%s is not the public half of %s: nobody can connect; copy the \"public\" line "
                    "of %s",
                    public_path, path, path);
    }
    link_key_wipe(&key);
}

static void look_at_secret(struct doctor *doctor, const char *reference)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    if (secret_load(reference, doctor->cli->config->dir, &secret, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s", err.text);
    }
}

static void look_at_audit_keys(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    const char *dir = doctor->cli->config->keys.dir;
    TC_CLEANUP(mem_freep) char *names = file_join(dir, LINK_FILE_NAMES);
    TC_CLEANUP(mem_freep) char *path = file_join(dir, LINK_FILE_AUDIT);
    TC_CLEANUP(mem_freep) char *text = NULL;
    TC_CLEANUP(digest_key_freep) struct digest_key *key = NULL;
    char *hex = NULL;
    size_t size = 0;
    if (file_read_secret(names, SECRET_BYTES_MAX, &hex, &size, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s", err.text);
    } else {
        digest_wipe(hex, size);
        mem_free(hex);
    }
    if (doctor->cli->config->router.audit_key != NULL) {
        look_at_secret(doctor, doctor->cli->config->router.audit_key);
        return;
    }
    err = ERR_INIT;
    if (file_read_secret(path, DIGEST_PEM_MAX, &text, &size, &err) != TC_OK ||
        digest_key_read(text, &key, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s", err.text);
    }
    if (text != NULL) {
        digest_wipe(text, size);
    }
}

static void look_at_links(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    struct acklink_keys keys = {0};
    const struct config *config = doctor->cli->config;
    if (acklink_keys_load(config->keys.link, config->dir, &keys, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "keys",
                    "links to acknowledge don't work: keys.link: %s", err.text);
    } else if (keys.count == 0) {
        doctor_note(doctor, FINDING_NOTE, "keys",
                    "keys.link is not set: notifications have no link to acknowledge");
    }
    acklink_keys_wipe(&keys);
}

void doctor_keys(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    struct allow allow = {0};
    size_t before = doctor_remarks(doctor);
    const struct config *config = doctor->cli->config;
    TC_CLEANUP(mem_freep) char *path = file_join(config->keys.dir, LINK_FILE_ALLOW);
    TC_CLEANUP(mem_freep) char *text = NULL;
    bool has_list = file_read(path, ALLOW_BYTES_MAX, &text, NULL, &err) == TC_OK &&
                    allow_parse(text, &allow, &err) == TC_OK;
    if (!has_list) {
        doctor_note(doctor, FINDING_PROBLEM, "keys", "%s: %s", path, err.text);
    }
    look_at_router(doctor);
    look_at_peers(doctor, has_list ? &allow : NULL);
    look_at_audit_keys(doctor);
    look_at_links(doctor);
    if (doctor_remarks(doctor) == before) {
        doctor_note(doctor, FINDING_OK, "keys", "%zu peers may connect", allow.count);
    }
    allow_free(&allow);
}
