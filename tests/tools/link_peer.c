/* The router's side of a link without a router, for peers written in other languages: binds a runner's
 * and a notifier's socket, prints what peers say as the codec understood it, and says what standard
 * input tells it to. Lines both ways are "<role> TAB <frame 1> TAB ... <frame 4>"; what the codec
 * refuses is answered by error/1 and printed as "<role> TAB refused TAB <why>".
 * link_peer ALLOW_LIST KEY_FILE; its first line is "ready TAB <runner endpoint> TAB <notifier endpoint>". */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/loop.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"

enum {
    ROLES = 2,
    LINE_BYTES = 2 * LIMIT_FRAME_BYTES,
};

struct peer {
    struct loop *loop;
    struct link_server *servers[ROLES];
    uint32_t connections[ROLES]; /* who spoke last */
    struct buf input;
};

static void say(const char *role, const char *word, const char *rest)
{
    (void)fprintf(stdout, "%s\t%s\t%s\n", role, word, rest);
    (void)fflush(stdout);
}

static void send_message(struct peer *p, enum message_role role, const struct message *m)
{
    struct buf json;
    struct frames f;
    buf_init(&json, LIMIT_FRAME_BYTES);
    int rc = message_encode(m->kind, &m->body, &json, NULL);
    TC_ASSERT(rc == TC_OK);
    frames_set(&f, m->kind, m->seq, m->prev, m->monitor, &json);
    rc = link_server_send(p->servers[role], p->connections[role], &f);
    if (rc != TC_OK) {
        say(message_role_name(role), "unsent", message_type(m->kind));
    }
    buf_free(&json);
}

static void refuse(struct peer *p, enum message_role role, int code, const struct err *err)
{
    struct message m = {.kind =
                            role == MESSAGE_RUNNER ? MESSAGE_RUNNER_ERROR : MESSAGE_NOTIFIER_ERROR};
    m.body.error = (struct message_error){.code = code == TC_ENOENT     ? "unknown_type"
                                                  : code == TC_EVERSION ? "version"
                                                                        : "bad_message",
                                          .message = err->text,
                                          .about = ""};
    send_message(p, role, &m);
    say(message_role_name(role), "refused", err->text);
}

static void on_message(void *ctx, const struct link_peer *from, const struct frame *frames)
{
    struct peer *p = ctx;
    struct message m;
    struct err err = ERR_INIT;
    p->connections[from->role] = from->connection;
    int rc = message_decode(from->role, true, frames, &m, &err);
    if (rc != TC_OK) {
        refuse(p, from->role, rc, &err);
        return;
    }
    struct buf json;
    buf_init(&json, LIMIT_FRAME_BYTES);
    rc = message_encode(m.kind, &m.body, &json, NULL);
    TC_ASSERT(rc == TC_OK);
    struct frames f;
    frames_set(&f, m.kind, m.seq, m.prev, m.monitor, &json);
    (void)fprintf(stdout, "%s\t%s\t%s\t%s\t%s\n", message_role_name(from->role), f.head[FRAME_TYPE],
                  f.head[FRAME_SEQUENCE], f.head[FRAME_MONITOR], json.p);
    (void)fflush(stdout);
    buf_free(&json);
    message_free(&m);
}

static void obey(struct peer *p, char *line)
{
    char *words[LIMIT_FRAMES + 1] = {line};
    struct frame frames[LIMIT_FRAMES];
    for (size_t i = 1; i <= LIMIT_FRAMES; i++) {
        char *tab = strchr(words[i - 1], '\t');
        TC_ASSERT(tab != NULL);
        *tab = '\0';
        words[i] = tab + 1;
    }
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        frames[i] = (struct frame){words[i + 1], strlen(words[i + 1])};
    }
    enum message_role role = str_eq(words[0], "runner") ? MESSAGE_RUNNER : MESSAGE_NOTIFIER;
    struct message m;
    struct err err = ERR_INIT;
    if (message_decode(role, false, frames, &m, &err) != TC_OK) {
        say(words[0], "senseless", err.text);
        return;
    }
    send_message(p, role, &m);
    message_free(&m);
}

static void on_input(void *ctx, int fd, unsigned events)
{
    (void)events;
    struct peer *p = ctx;
    char bytes[4096];
    ssize_t size = read(fd, bytes, sizeof(bytes));
    if (size <= 0) {
        loop_stop(p->loop, 0);
        return;
    }
    buf_add(&p->input, bytes, (size_t)size);
    TC_ASSERT(p->input.err == TC_OK);
    for (char *end = strchr(p->input.p, '\n'); end != NULL; end = strchr(p->input.p, '\n')) {
        *end = '\0';
        size_t used = (size_t)(end - p->input.p) + 1;
        obey(p, p->input.p);
        buf_drop_front(&p->input, used);
    }
}

static int start(struct peer *p, struct link_context *gate, const char *key_path, struct err *err)
{
    struct link_key key;
    int rc = link_key_read(key_path, &key, err);
    for (unsigned role = 0; role < ROLES && rc == TC_OK; role++) {
        rc = link_server_new(gate, (enum message_role)role, "tcp://127.0.0.1:*", &key,
                             &p->servers[role], err);
        if (rc == TC_OK) {
            link_server_on_message(p->servers[role], on_message, p);
        }
    }
    link_key_wipe(&key);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 64;
    }
    struct peer p = {.loop = NULL};
    struct err err = ERR_INIT;
    struct link_context *gate = NULL;
    struct clock_real *clock = clock_real_new(&(struct clock_real_options){.rate = 1});
    p.loop = loop_new(clock_real_clock(clock));
    buf_init(&p.input, LINE_BYTES);
    int rc = link_context_new_gate(p.loop, argv[1], NULL, NULL, &gate, &err);
    if (rc == TC_OK) {
        rc = start(&p, gate, argv[2], &err);
    }
    if (rc == TC_OK) {
        (void)loop_watch_fd(p.loop, STDIN_FILENO, LOOP_READ, on_input, &p);
        say("ready", link_server_endpoint(p.servers[MESSAGE_RUNNER]),
            link_server_endpoint(p.servers[MESSAGE_NOTIFIER]));
        rc = loop_run(p.loop, &err);
    }
    if (rc != TC_OK) {
        (void)fprintf(stderr, "link_peer: %s\n", err.text);
    }
    link_server_free(p.servers[MESSAGE_RUNNER]);
    link_server_free(p.servers[MESSAGE_NOTIFIER]);
    link_context_free(gate);
    buf_free(&p.input);
    loop_free(p.loop);
    clock_real_free(clock);
    return rc == TC_OK ? 0 : 1;
}
