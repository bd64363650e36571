/* Secrets by reference. Reads them, keeps them, wipes them; never shows them. Called where a
 * password, token or key is needed, by the process that needs it and no other. */
#include "lib/sys/secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/digest.h"
#include "lib/sys/file.h"

struct secret {
    size_t size;
    char bytes[]; /* and a NUL */
};

struct secret *secret_new(const void *bytes, size_t size)
{
    struct secret *secret = mem_alloc(sizeof(*secret) + size + 1);
    secret->size = size;
    if (size > 0) {
        memcpy(secret->bytes, bytes, size);
    }
    return secret;
}

struct secret *secret_free(struct secret *secret)
{
    if (secret != NULL) {
        digest_wipe(secret->bytes, secret->size);
        mem_free(secret);
    }
    return NULL;
}

void secret_freep(struct secret **secret)
{
    *secret = secret_free(*secret);
}

const char *secret_bytes(const struct secret *secret)
{
    return secret->bytes;
}

size_t secret_size(const struct secret *secret)
{
    return secret->size;
}

static int finish(const char *reference, const char *text, size_t size, struct secret **ret_secret,
                  struct err *err)
{
    if (size > 0 && text[size - 1] == '\n') {
        size--;
        size -= size > 0 && text[size - 1] == '\r' ? 1 : 0;
    }
    if (size == 0) {
        return err_set(err, TC_EPARSE, "the secret %s is empty", reference);
    }
    if (memchr(text, '\0', size) != NULL) {
        return err_set(err, TC_EPARSE, "the secret %s holds a NUL byte", reference);
    }
    *ret_secret = secret_new(text, size);
    return TC_OK;
}

static int load_file(const char *reference, const char *path, struct secret **ret_secret,
                     struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int code = file_read_secret(path, SECRET_BYTES_MAX, &text, &size, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "secret %s", reference); /* the code is returned below */
        return code;
    }
    code = finish(reference, text, size, ret_secret, err);
    digest_wipe(text, size);
    mem_free(text);
    return code;
}

static bool is_credential_name(const char *name)
{
    return strchr(name, '/') == NULL && name[0] != '\0' && name[0] != '.';
}

static int load_credential(const char *reference, const char *name, struct secret **ret_secret,
                           struct err *err)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
    if (dir == NULL) {
        return err_set(err, TC_ENOENT,
                       "secret %s: CREDENTIALS_DIRECTORY is not set; the service needs "
                       "LoadCredential=%s:...",
                       reference, name);
    }
    if (!is_credential_name(name)) {
        return err_set(err, TC_EINVAL, "secret %s: a credential's name has no / and no leading dot",
                       reference);
    }
    TC_CLEANUP(mem_freep) char *path = file_join(dir, name);
    return load_file(reference, path, ret_secret, err);
}

int secret_load(const char *reference, const char *dir, struct secret **ret_secret, struct err *err)
{
    if (str_has_prefix(reference, "file:")) {
        TC_CLEANUP(mem_freep) char *path = file_join(dir, reference + strlen("file:"));
        return load_file(reference, path, ret_secret, err);
    }
    if (str_has_prefix(reference, "cred:")) {
        return load_credential(reference, reference + strlen("cred:"), ret_secret, err);
    }
    if (str_has_prefix(reference, "env:")) {
        const char *value = secure_getenv(reference + strlen("env:"));
        if (value == NULL) {
            return err_set(err, TC_ENOENT, "secret %s: the variable is not set", reference);
        }
        if (strlen(value) > SECRET_BYTES_MAX) {
            return err_set(err, TC_ERANGE, "secret %s is larger than %d bytes", reference,
                           SECRET_BYTES_MAX);
        }
        return finish(reference, value, strlen(value), ret_secret, err);
    }
    /* The text itself may be the secret: it is not repeated. */
    return err_set(err, TC_EINVAL,
                   "a secret is given by reference: \"file:PATH\", \"cred:NAME\" or \"env:NAME\"");
}

int secret_check(const char *reference, const char *dir, struct err *err)
{
    bool is_named =
        str_has_prefix(reference, "cred:") && is_credential_name(reference + strlen("cred:"));
    if (is_named || (str_has_prefix(reference, "env:") && reference[strlen("env:")] != '\0')) {
        return TC_OK;
    }
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    return secret_load(reference, dir, &secret, err);
}
