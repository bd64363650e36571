#ifndef LIB_BASE_LIMITS_H
#define LIB_BASE_LIMITS_H

/* One constant for every maximum; checked where a thing is entered, before it is allocated. Over a
 * limit is an error that names it, never a silent cut (docs/spec.md 3.4). Sizes are bytes without
 * the terminating NUL. */
enum {
    LIMIT_NAME_BYTES = 255,      /* monitor, runner, recipient target, check name */
    LIMIT_RECIPIENT_BYTES = 320, /* "channel:target" or an address */
    LIMIT_RECIPIENTS = 64,       /* of one monitor */
    LIMIT_TOLD = 128,            /* recipients that one incident remembers */
    LIMIT_PARAMS_BYTES = 64 * 1024,
    LIMIT_LABELS = 32,
    LIMIT_LABELS_BYTES = 4 * 1024,
    LIMIT_MESSAGE_BYTES = 64 * 1024, /* a check's message, after repair of its UTF-8 */
    LIMIT_OUTPUT_BYTES = 64 * 1024,  /* a check's standard output; more is a failure */
    LIMIT_STDERR_BYTES = 4 * 1024,   /* of a check's standard error, the end is kept */
    LIMIT_CHECK_PROCESSES = 512, /* and threads of one check, where a control group counts them */
    LIMIT_METRICS = 64,          /* named numbers of one result */
    LIMIT_SUMMARY_BYTES = 200,   /* the one line of a run in lists */
    LIMIT_NOTE_BYTES = 1000,     /* a person's note on an acknowledgement */
    LIMIT_URL_BYTES = 2000,
    LIMIT_SCHEDULE_BYTES = 255,
    LIMIT_ZONE_BYTES = 64,
    LIMIT_TIMEOUT_SECONDS = 24 * 3600,
    LIMIT_REMINDER_MINUTES = 65535,
    LIMIT_THRESHOLD = 255, /* requiredConsecutiveOks, requiredConsecutiveFailures */
    LIMIT_JSON_DEPTH = 64,
    LIMIT_FRAME_BYTES = 1024 * 1024, /* one frame of a message between processes */
    LIMIT_FRAMES = 4,
    LIMIT_CONFIG_BYTES = 1024 * 1024,
    LIMIT_LOG_LINE_BYTES = 8 * 1024,
    LIMIT_AUDIT_RECORD_BYTES = 128 * 1024,
    LIMIT_BATCH = 512, /* events decided and committed together */
    LIMIT_MONITORS = 1000 * 1000,
    LIMIT_HTTP_BODY_BYTES = 256 * 1024,
    LIMIT_RESPONSE_BYTES = 64 * 1024, /* of a remote service's answer; the rest is not read */
    LIMIT_MAIL_BYTES = 512 * 1024,
    LIMIT_SQL_BYTES = 256 * 1024,
    LIMIT_SPOOL_BYTES = 64 * 1024 * 1024, /* default, configurable */
};

#endif
