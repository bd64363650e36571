/* Signals as loop events through signalfd, so that none interrupts a library at work. Called first
 * thing by program.c, and by the supervisor and the spawner. What signals mean is theirs. */
#include "lib/sys/sig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/loop.h"

struct sig {
    struct loop *loop;        /* borrowed */
    struct loop_watch *watch; /* owned by the loop */
    struct sig_handlers handlers;
    int fd;
};

static void taken_signals(sigset_t *ret_set)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    (void)sigemptyset(ret_set); /* cannot fail on a valid pointer, nor sigaddset on these */
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void)sigaddset(ret_set, signals[i]);
    }
}

void sig_block(void)
{
    sigset_t set;
    taken_signals(&set);
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    TC_ASSERT(failed == 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    failed = sigaction(SIGPIPE, &ignore, NULL);
    TC_ASSERT(failed == 0);
    /* An ignored SIGCHLD, inherited from a careless parent, would have the kernel reap for us. */
    struct sigaction standard = {.sa_handler = SIG_DFL};
    failed = sigaction(SIGCHLD, &standard, NULL);
    TC_ASSERT(failed == 0);
}

static void dispatch(const struct sig *sig, int signo)
{
    const struct sig_handlers *handlers = &sig->handlers;
    if (signo == SIGCHLD) {
        if (handlers->child != NULL) {
            handlers->child(handlers->ctx);
        }
    } else if (signo == SIGHUP) {
        if (handlers->reload != NULL) {
            handlers->reload(handlers->ctx);
        }
    } else {
        handlers->stop(handlers->ctx, signo);
    }
}

static void on_readable(void *ctx, int fd, unsigned events)
{
    struct sig *sig = ctx;
    (void)events;
    struct signalfd_siginfo infos[8];
    ssize_t got = read(fd, infos, sizeof(infos));
    size_t count = got < 0 ? 0 : (size_t)got / sizeof(infos[0]);
    for (size_t i = 0; i < count; i++) {
        dispatch(sig, (int)infos[i].ssi_signo);
    }
}

int sig_new(struct loop *loop, const struct sig_handlers *handlers, struct sig **ret_sig,
            struct err *err)
{
    TC_ASSERT(handlers->stop != NULL);
    sigset_t set;
    taken_signals(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return err_set(err, err_from_errno(errno), "cannot take signals: %s",
                       strerrordesc_np(errno));
    }
    struct sig *sig = mem_alloc(sizeof(*sig));
    *sig = (struct sig){.loop = loop, .handlers = *handlers, .fd = fd};
    sig->watch = loop_watch_fd(loop, fd, LOOP_READ, on_readable, sig);
    *ret_sig = sig;
    return TC_OK;
}

struct sig *sig_free(struct sig *sig)
{
    if (sig != NULL) {
        loop_unwatch(sig->loop, sig->watch);
        (void)close(sig->fd); /* nothing is written through it */
        mem_free(sig);
    }
    return NULL;
}
