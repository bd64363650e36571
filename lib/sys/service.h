#ifndef LIB_SYS_SERVICE_H
#define LIB_SYS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/* What this process tells the service manager (sd_notify). All of it is silently nothing without
 * one. The only user of libsystemd. */

/* Really ready; reloading; stopping; one line of state for `systemctl status`.
 * Trivial. */
void service_ready(void);
void service_reloading(void);
void service_stopping(void);
void service_status(const char *line);

/* Feed the watchdog.
 * Trivial. */
void service_alive(void);

/* How long the service manager waits for service_alive, or 0 when it does not.
 * Trivial. */
int64_t service_watchdog_ms(void);

/* Whether standard error goes to the journal.
 * Trivial. */
bool service_has_journal(void);

#endif
