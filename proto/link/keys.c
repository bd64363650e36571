/* CURVE key pairs: made, written, read. Which key may do what is in allow.c. */
#include "proto/link/keys.h"

#include <string.h>
#include <zmq.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/file.h"

enum {
    KEY_FILE_BYTES = 4096,
};

int link_key_make(struct link_key *ret_key, struct err *err)
{
    if (zmq_curve_keypair(ret_key->public_z85, ret_key->secret_z85) != 0) {
        return err_set(err, TC_EIO, "the ZeroMQ of this system has no CURVE");
    }
    return TC_OK;
}

bool link_key_is_valid(const char *z85)
{
    uint8_t bytes[32];
    bool is_valid = strlen(z85) == LINK_KEY_TEXT - 1 && zmq_z85_decode(bytes, z85) != NULL;
    explicit_bzero(bytes, sizeof(bytes));
    return is_valid;
}

void link_key_wipe(struct link_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

int link_key_write(const char *path, const struct link_key *key, struct err *err)
{
    struct buf text;
    buf_init(&text, KEY_FILE_BYTES);
    buf_add_fmt(&text, "# tocsin key: give away the public line only\npublic %s\nsecret %s\n",
                key->public_z85, key->secret_z85);
    int rc = file_create(path, 0600, text.p, text.len, err);
    explicit_bzero(text.p, text.len);
    buf_free(&text);
    return rc;
}

/* Take the word behind "name " at the start of a line. */
static bool take(const char *text, const char *name, char ret_z85[static LINK_KEY_TEXT])
{
    size_t size = strlen(name);
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\r\n");
        if (length == size + LINK_KEY_TEXT - 1 && strncmp(line, name, size) == 0) {
            memcpy(ret_z85, line + size, LINK_KEY_TEXT - 1);
            ret_z85[LINK_KEY_TEXT - 1] = '\0';
            return link_key_is_valid(ret_z85);
        }
        line += length;
        line += strspn(line, "\r\n");
    }
    return false;
}

int link_key_read(const char *path, struct link_key *ret_key, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int rc = file_read_secret(path, KEY_FILE_BYTES, &text, &size, err);
    if (rc != TC_OK) {
        return rc;
    }
    struct link_key key;
    char derived[LINK_KEY_TEXT] = "";
    bool is_pair = take(text, "public ", key.public_z85) && take(text, "secret ", key.secret_z85) &&
                   zmq_curve_public(derived, key.secret_z85) == 0 &&
                   str_eq(derived, key.public_z85);
    if (is_pair) {
        *ret_key = key;
    } else {
        rc = err_set(err, TC_ECONFIG,
                     "%s must hold the lines \"public <key>\" and \"secret <key>\" of one pair",
                     path);
    }
    link_key_wipe(&key);
    explicit_bzero(text, size);
    mem_free(text);
    return rc;
}

int link_key_write_public(const char *path, const struct link_key *key, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, KEY_FILE_BYTES);
    buf_add_fmt(&text, "public %s\n", key->public_z85);
    return file_create(path, 0644, text.p, text.len, err);
}

int link_key_read_public(const char *path, char *ret_z85, struct err *err)
{
    TC_CLEANUP(mem_freep) char *text = NULL;
    int rc = file_read(path, KEY_FILE_BYTES, &text, NULL, err);
    if (rc != TC_OK) {
        return rc;
    }
    char key[LINK_KEY_TEXT];
    if (!take(text, "public ", key)) {
        return err_set(err, TC_ECONFIG, "%s needs a line \"public <key>\" with the router's key",
                       path);
    }
    return str_copy(ret_z85, LINK_KEY_TEXT, key);
}
