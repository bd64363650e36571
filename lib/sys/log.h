#ifndef LIB_SYS_LOG_H
#define LIB_SYS_LOG_H

#include <stdbool.h>

#include "lib/base/err.h"

struct clock;

/* The log: one line a fact on standard error, logfmt or JSON; journald fields under systemd. Only
 * a process's shell logs, libraries return errors. error: someone must act; warn: we coped; info:
 * state changed; debug: the rest. Never a secret. */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};
enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
    LOG_FORMAT_JOURNAL
};

/* Set up the log of this process; before it, warnings and errors go out as text.
 * Shape:  program is static ("router"); clock outlives the process's logging.
 * Units:  none.
 * Owns:   borrows program and clock.
 * Errors: none. */
void log_start(const char *program, enum log_format format, enum log_level level,
               const struct clock *clock);

/* Write one record: "text; key=%s key=%d": the text up to a ';' with a key behind it is the message, then
 * key=conversion pairs divided by one space. Each value is escaped and quoted by itself.
 * Shape:  area is "part" or "part.function"; conversions: %s %d %i %u %c %x with l, ll, z, j.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: none; a record that can't be written is counted and the count logged later. */
void log_error(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
