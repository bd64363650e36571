/* Words to the service manager. The only file that knows libsystemd. Called by program.c. */
#include "lib/sys/service.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/parse.h"

/* Without a service manager sd_notify returns 0; with one that does not listen nothing can be done,
 * and the manager notices by itself: every result is ignored. */

void service_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void service_reloading(void)
{
    (void)sd_notify(0, "RELOADING=1");
}

void service_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void service_status(const char *line)
{
    (void)sd_notifyf(0, "STATUS=%s", line);
}

void service_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int64_t service_watchdog_ms(void)
{
    uint64_t wait_us = 0;
    return sd_watchdog_enabled(0, &wait_us) > 0 ? (int64_t)(wait_us / 1000) : 0;
}

bool service_has_journal(void)
{
    /* "device:inode" of the stream that systemd gave, which may have been redirected since. */
    const char *stream = secure_getenv("JOURNAL_STREAM");
    struct stat facts;
    uint64_t device = 0;
    uint64_t inode = 0;
    return stream != NULL && fstat(STDERR_FILENO, &facts) == 0 &&
           parse_u64(&stream, UINT64_MAX, &device) == TC_OK && parse_char(&stream, ':') &&
           parse_u64(&stream, UINT64_MAX, &inode) == TC_OK && *stream == '\0' &&
           device == facts.st_dev && inode == facts.st_ino;
}
